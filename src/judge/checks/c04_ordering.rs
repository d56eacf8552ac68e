//! C04 ordering: change < review < approval < deployment, build < deployment, scan after build. Reverse order proved
//! fails; what nobody can tell is unknown, and so is the order of what is not there: an approval of a change,
//! the build of what was deployed, and its scan where C09 is enforced.

use std::collections::BTreeSet;

use super::items::{
    Deployed, Landed, artifact_approvals, changes, deployments, merge_approvals, sources,
};
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::{Predicate, Provenance, Vulns};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C04",
    name: "ordering",
    wants: "change before review before approval before deployment, build before deployment, scan after build",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let rule = Default::default();
    let mut items: Vec<Item> = changes(model, scope)
        .iter()
        .map(|it| it.item(of_change(model, it, &rule)))
        .collect();
    items.extend(
        deployments(model, scope)
            .iter()
            .map(|it| it.item(of_deployment(model, it))),
    );
    items
}

fn of_change(model: &Model, it: &Landed<'_>, rule: &crate::policy::rules::FourEyes) -> Item {
    let yes = merge_approvals(model, rule, &it.change.head.tree, &BTreeSet::new());
    let covering: Vec<&Entry> = yes.iter().map(|yes| yes.entry).collect();
    if covering.is_empty() {
        return missing(it.id().to_owned(), "approval").resting_on([it.entry.seq]);
    }
    let mut pairs: Vec<(&str, &Entry, &Entry)> = covering
        .iter()
        .map(|yes| ("change and approval", it.entry, *yes))
        .collect();
    if let Some((landing, _)) = it.landing {
        pairs.extend(
            covering
                .iter()
                .map(|yes| ("approval and landing", *yes, landing)),
        );
        pairs.push(("change and landing", it.entry, landing));
    }
    ordered(model, it.id().to_owned(), &pairs)
}

fn of_deployment(model: &Model, it: &Deployed<'_>) -> Item {
    let family = model.family(it.digest());
    let builds: Vec<&Entry> = sources(model, it.digest())
        .into_iter()
        .filter(|entry| entry.predicate_type == Provenance::TYPE)
        .collect();
    let about = model.entries.about(&family);
    let scans: Vec<&Entry> = about
        .into_iter()
        .filter(|entry| entry.says::<Vulns>().is_some())
        .collect();
    if builds.is_empty() {
        return missing(it.label(), "build").resting_on([it.entry.seq]);
    }
    if scans.is_empty() && it.policy(model).checks().c09.is_some() {
        return missing(it.label(), "scan").resting_on([it.entry.seq]);
    }
    let mut pairs: Vec<(&str, &Entry, &Entry)> = builds
        .iter()
        .map(|build| ("build and deployment", *build, it.entry))
        .collect();
    for build in &builds {
        pairs.extend(scans.iter().map(|scan| ("build and scan", *build, *scan)));
    }
    let approved = artifact_approvals(model, &family);
    pairs.extend(approved.map(|(entry, _)| ("approval and deployment", entry, it.entry)));
    // Of many scans and approvals the first is the one that had to come before.
    ordered(model, it.label(), &first_of_each(pairs))
}

// What is not there stands in no order.
fn missing(subject: String, what: &str) -> Item {
    Item::of(
        subject,
        Reason::OrderUnknown,
        format!("no {what} on record"),
    )
}

fn first_of_each<'a>(
    mut pairs: Vec<(&'a str, &'a Entry, &'a Entry)>,
) -> Vec<(&'a str, &'a Entry, &'a Entry)> {
    pairs.sort_by_key(|(what, first, then)| (*what, first.seq, then.seq));
    pairs.dedup_by_key(|(what, ..)| *what);
    pairs
}

fn ordered(model: &Model, subject: String, pairs: &[(&str, &Entry, &Entry)]) -> Item {
    let mut unknown = None;
    for (what, first, then) in pairs {
        let entries = [first.seq, then.seq];
        let detail = format!("{what}: entries {} and {}", first.seq, then.seq);
        match model.precedes(first, then) {
            Some(true) => {}
            Some(false) => {
                return Item::of(subject, Reason::OrderReversed, detail).resting_on(entries);
            }
            None => unknown = Some((detail, entries)),
        }
    }
    match unknown {
        Some((detail, entries)) => {
            Item::of(subject, Reason::OrderUnknown, detail).resting_on(entries)
        }
        None => Item::pass(subject, Vec::new())
            .resting_on(pairs.iter().flat_map(|(_, a, b)| [a.seq, b.seq])),
    }
}
