//! C28 failure-followed-up: each failed deployment has, as later entries about it, recovery, root cause and follow-up in time.

use super::items::{Deployed, all_deployments};
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::{DeploymentResult, Known, Outcome, OutcomeKind};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C28",
    name: "failure-followed-up",
    wants: "each failed deployment has its recovery and its root cause on record, in time",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let all = all_deployments(model, scope).into_iter();
    all.filter_map(|it| of(model, &it).map(|item| it.item(item)))
        .collect()
}

fn of(model: &Model, it: &Deployed<'_>) -> Option<Item> {
    let rule = model.policy().checks().c28.clone().unwrap_or_default();
    let outcomes: Vec<(&Entry, &Outcome)> = outcomes_about(model, it.entry);
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

// About it, caused by it, or about an outcome that is.
fn outcomes_about<'a>(model: &'a Model, entry: &Entry) -> Vec<(&'a Entry, &'a Outcome)> {
    let mut about = vec![entry.attestation];
    let mut found = Vec::new();
    let all = model.of(|said| match said {
        Known::Outcome(outcome) => Some(&**outcome),
        _ => None,
    });
    for (later, outcome) in all {
        let names = outcome.about.iter().chain(&outcome.caused_by);
        if names
            .into_iter()
            .any(|name| name.origin == model.origin && about.contains(&name.attestation))
        {
            about.push(later.attestation);
            found.push((later, outcome));
        }
    }
    found
}
