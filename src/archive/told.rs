//! What follows from the ledger, put beside it so that it can be read and used without this program.

use serde_json::json;

use super::Archive;
use super::pack::Files;
use crate::attestation::Attestation;
use crate::judge::Model;
use crate::ledger::entry::Lines;
use crate::policy::rules::AcceptedTests;
use crate::statement::predicate::{Genesis, KeptReport, Known, PolicyText};
use crate::verify::Outcome;

/// The files of the archive's own folder.
pub(super) const NAMES: [&str; 4] = ["VERIFY.md", "checks.json", "policy.toml", "roster.json"];

const VERIFY: &str = include_str!("VERIFY.md");

/// Each with its content.
pub(super) fn told(archive: &Archive, outcome: &Outcome, model: &Model) -> Files {
    let mut files = Files::new();
    let mut put = |name: &str, content: Vec<u8>| drop(files.insert(name.to_owned(), content));
    put("VERIFY.md", VERIFY.as_bytes().to_vec());
    put("checks.json", checks(archive, model));
    if let Some(in_force) = &outcome.in_force {
        let policy = policy_text(archive, in_force.policy_mark.seq);
        put("policy.toml", policy.unwrap_or_default().into_bytes());
        let persons: Vec<_> = in_force
            .roster
            .persons()
            .iter()
            .map(|person| person.wire())
            .collect();
        put("roster.json", super::line(&persons));
    }
    let reports = model.entries.iter().filter_map(|entry| match &entry.said {
        Some(Known::TestResult(said)) => said.report.as_ref(),
        Some(Known::Vulns(said)) => said.report.as_ref(),
        Some(Known::Measurement(said)) => said.report.as_ref(),
        _ => None,
    });
    for report in reports {
        if let Ok(Some(content)) = report.content() {
            put(&name(report), content);
        }
    }
    files
}

// Of the entry that brought the policy in force, which the replay found to be sound: a genesis or a policy.
fn policy_text(archive: &Archive, seq: u64) -> Option<String> {
    let mut lines = archive
        .ledger
        .notes
        .values()
        .flat_map(|note| Lines::of(note))
        .flatten();
    let line = lines.find(|line| line.link.seq == seq)?;
    let body = match line.body {
        Some(body) => body,
        None => archive.ledger.bodies.get(&line.link.attestation)?,
    };
    let attestation = Attestation::parse(body.to_vec()).ok()?;
    let statement = attestation.unverified_statement().ok()?;
    let genesis = statement
        .decode::<Genesis>()
        .ok()
        .map(|genesis| genesis.policy.text);
    genesis.or_else(|| Some(statement.decode::<PolicyText>().ok()?.text))
}

fn name(report: &KeptReport) -> String {
    format!("report/{}", report.digest.0)
}

// What the policy in force says to the checks that VERIFY.md does again, with the defaults of what it leaves out.
fn checks(archive: &Archive, model: &Model) -> Vec<u8> {
    let policy = model.policy();
    let rules = policy.checks();
    let c05 = rules.c05.clone().unwrap_or_default();
    let c08 = rules.c08.clone().unwrap_or_default();
    let c09 = rules.c09.clone().unwrap_or_default();
    let steps = |steps: &[crate::statement::Step]| -> Vec<String> {
        steps.iter().map(|step| step.as_str().to_owned()).collect()
    };
    super::line(&json!({
        "objectFormat": archive.algorithm().to_string(),
        "protected": policy.protected(),
        "C05": {
            "approvals": c05.approvals,
            "acceptObserved": c05.accept_observed,
            "acceptReviews": c05.accept_reviews,
            "acceptClaimedAuthors": c05.accept_claimed_authors,
            "pathClasses": c05.path_classes,
        },
        "C08": {
            "suites": steps(&c08.suites),
            "exitCode": c08.accept == AcceptedTests::ExitCode,
            "warnedPasses": c08.warned_passes,
        },
        "C09": {
            "scanners": steps(&c09.scanners),
            "databaseDays": c09.database_days,
            "severity": c09.severity.as_str(),
            "rescanDays": c09.rescan_days,
        },
    }))
}
