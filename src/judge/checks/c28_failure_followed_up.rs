//! C28 failure-followed-up: each failed deployment has, as later entries about it, recovery, root cause and follow-up in time.

use std::collections::{BTreeMap, HashMap};

use super::items::{Deployed, all_deployments};
use crate::digest::Sha256;
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::{DeploymentResult, Outcome, OutcomeKind};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C28",
    name: "failure-followed-up",
    wants: "each failed deployment has its recovery and its root cause on record, in time",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let outcomes = outcomes(model);
    let all = all_deployments(model, scope).into_iter();
    all.filter_map(|it| of(model, &it, &outcomes).map(|item| it.item(item)))
        .collect()
}

fn of(model: &Model, it: &Deployed<'_>, outcomes: &Outcomes<'_>) -> Option<Item> {
    let rule = it.policy(model).checks().c28.clone().unwrap_or_default();
    let outcomes = about(outcomes, it.entry);
    let failed = it.deployment.result == DeploymentResult::Failure
        || outcomes
            .iter()
            .any(|(_, outcome)| outcome.kind.is_failure());
    if !failed {
        return None;
    }
    let entries: Vec<u64> = outcomes.iter().map(|(entry, _)| entry.seq).collect();
    let recovered = outcomes.iter().any(|(_, outcome)| {
        outcome.kind == OutcomeKind::Recovered || outcome.restored_on.is_some()
    });
    if !recovered {
        return Some(
            Item::of(it.label(), Reason::RecoveryMissing, String::new())
                .resting_on(entries)
                .resting_on([it.entry.seq]),
        );
    }
    let due = it.deployment.finished_on.unix() + i64::from(rule.days) * 86_400;
    let cause = outcomes
        .iter()
        .find(|(_, outcome)| outcome.root_cause.is_some());
    let in_time = cause.is_some_and(|(entry, _)| entry.time().unix() <= due);
    Some(
        match in_time || (cause.is_none() && model.at.unix() <= due) {
            true => Item::pass(it.label(), entries).resting_on([it.entry.seq]),
            false => Item::of(
                it.label(),
                Reason::RootCauseLate,
                format!("within {} days", rule.days),
            )
            .resting_on(entries)
            .resting_on([it.entry.seq]),
        },
    )
}

/// Outcomes, by what they are about or say was the cause.
type Outcomes<'a> = HashMap<Sha256, Vec<(&'a Entry, &'a Outcome)>>;

fn outcomes(model: &Model) -> Outcomes<'_> {
    let mut outcomes = Outcomes::new();
    for (entry, outcome) in model.of::<Outcome>() {
        let names = outcome.about.iter().chain(&outcome.caused_by);
        for name in names.filter(|name| name.origin == model.origin) {
            let about = outcomes.entry(name.attestation).or_default();
            about.push((entry, outcome));
        }
    }
    outcomes
}

// About it, caused by it, or about an outcome that is.
fn about<'a>(outcomes: &Outcomes<'a>, entry: &Entry) -> Vec<(&'a Entry, &'a Outcome)> {
    let mut found = BTreeMap::new();
    let mut open = vec![entry.attestation];
    while let Some(named) = open.pop() {
        for (later, outcome) in outcomes.get(&named).into_iter().flatten() {
            if found.insert(later.seq, (*later, *outcome)).is_none() {
                open.push(later.attestation);
            }
        }
    }
    found.into_values().collect()
}
