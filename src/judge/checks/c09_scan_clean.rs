//! C09 scan-clean: required scanners ran on the artifact, with a database no older than D days, and nothing at or over the
//! severity is without a live exception for that finding; what runs was scanned again in time.

use super::items::{Deployed, deployments};
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::{Scans, Severity};
use crate::statement::predicate::{Inventory, Vulnerability, Vulns};
use crate::statement::{DigestSet, Step};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C09",
    name: "scan-clean",
    wants: "the required scanners ran on what was deployed, with a young database, and found nothing grave that is not allowed",
    run,
};

const DAY: i64 = 86_400;

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let usual = Scans::default();
    let mut items = Vec::new();
    for it in deployments(model, scope) {
        let rule = it.policy(model).checks().c09.as_ref().unwrap_or(&usual);
        for scanner in &rule.scanners {
            let found = scanned(model, &it, scanner, rule).into_iter();
            items.extend(found.map(|item| it.item(item)));
        }
    }
    // What runs now is asked of by the policy in force now.
    let now = model.policy().checks().c09.as_ref().unwrap_or(&usual);
    let again = now.scanners.iter();
    items.extend(again.flat_map(|scanner| rescans(model, scope, scanner, now)));
    items
}

fn newest<'a>(
    model: &'a Model,
    scanner: &Step,
    family: &[DigestSet],
) -> Option<(&'a Entry, &'a Vulns)> {
    let about = model.entries.about(family);
    about
        .into_iter()
        .filter(|entry| entry.step == scanner.as_str())
        .filter_map(|entry| Some((entry, entry.says()?)))
        .next_back()
}

fn scanned(model: &Model, it: &Deployed<'_>, scanner: &Step, rule: &Scans) -> Vec<Item> {
    let subject = format!("{} {scanner}", it.label());
    let family = model.family(it.digest());
    let Some((entry, vulns)) = newest(model, scanner, &family) else {
        let mut item = Item::of(
            subject,
            Reason::ScanMissing,
            format!("no entry of step {scanner}"),
        );
        item.remedy = Some(format!(
            "git docket attest --step {scanner} --evidence REPORT ARTIFACT"
        ));
        return vec![item];
    };
    let ran = vulns
        .metadata
        .scan_finished_on
        .or(vulns.metadata.scan_started_on)
        .unwrap_or(entry.time());
    let updated = vulns.scanner.db.as_ref().and_then(|db| db.last_update);
    let mut items = Vec::new();
    match updated {
        None => items.push(Item::of(
            subject.clone(),
            Reason::ScanDatabaseUnknown,
            vulns.scanner.uri.clone(),
        )),
        Some(updated) if ran.unix() - updated.unix() > i64::from(rule.database_days) * DAY => {
            items.push(Item::of(
                subject.clone(),
                Reason::ScanDatabaseOld,
                format!("of {updated}"),
            ));
        }
        Some(_) => {}
    }
    for found in vulns
        .scanner
        .result
        .iter()
        .filter(|found| severity(found).is_none_or(|how| how >= rule.severity))
    {
        let location = found.location.clone();
        let at = location
            .as_ref()
            .map(|at| format!(" in {at}"))
            .unwrap_or_default();
        let mut item = Item::of(
            format!("{subject} {}", found.id),
            Reason::Vulnerable,
            format!("{}{at}", found.id),
        );
        item.place.finding = Some((found.id.clone(), location));
        item.remedy = Some(format!(
            "git docket except C09 --finding {} --reason TEXT --requested-by WHO --expires DATE",
            found.id
        ));
        items.push(item);
    }
    let items: Vec<Item> = items
        .into_iter()
        .map(|item| item.resting_on([entry.seq]))
        .collect();
    match items.is_empty() {
        true => {
            vec![Item::pass(subject, vec![entry.seq]).resting_on_summary(vulns.report.as_ref())]
        }
        false => items,
    }
}

// The worst of what is said; `None` where nothing is: then it may be anything.
fn severity(found: &Vulnerability) -> Option<Severity> {
    let of = |score: &str| match score.to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" | "important" => Some(Severity::High),
        "medium" | "moderate" => Some(Severity::Medium),
        "low" | "negligible" | "none" | "info" | "informational" | "minor" => Some(Severity::Low),
        number => number
            .parse::<f64>()
            .ok()
            .filter(|score| (0.0..=10.0).contains(score))
            .map(|score| match score {
                9.0.. => Severity::Critical,
                7.0.. => Severity::High,
                4.0.. => Severity::Medium,
                _ => Severity::Low,
            }),
    };
    found
        .severity
        .iter()
        .filter_map(|said| of(&said.score))
        .max()
}

fn rescans(model: &Model, scope: &Scope, scanner: &Step, rule: &Scans) -> Vec<Item> {
    let Some(days) = rule.rescan_days else {
        return Vec::new();
    };
    let inventories = model.of::<Inventory>();
    let mut inventories = inventories.filter(|(_, inventory)| {
        scope
            .environment
            .as_ref()
            .is_none_or(|name| inventory.environment.name == *name)
    });
    let Some((seen, inventory)) = inventories.next_back() else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for item in &inventory.items {
        let subject = format!(
            "{} in {} {scanner} again",
            item.service, inventory.environment.name
        );
        let family = model.family(&item.digest);
        let scan = newest(model, scanner, &family);
        let young = scan
            .filter(|(entry, _)| model.at.unix() - entry.time().unix() <= i64::from(days) * DAY);
        items.push(match young {
            Some((entry, _)) => Item::pass(subject, vec![entry.seq, seen.seq]),
            None => Item::of(
                subject,
                Reason::RescanMissing,
                format!("within {days} days"),
            )
            .resting_on([seen.seq]),
        });
    }
    items
}
