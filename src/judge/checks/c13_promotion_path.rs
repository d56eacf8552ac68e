//! C13 promotion-path: the same digest (or its index or platform manifest) was deployed with success to each lower environment
//! first.

use super::items::{Deployed, deployments};
use crate::judge::{Check, Entry, Item, Model, Reason, Scope};
use crate::statement::predicate::{Deployment, DeploymentResult};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C13",
    name: "promotion-path",
    wants: "the same artifact ran in each environment that comes before",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let judged = deployments(model, scope).into_iter().filter_map(|it| {
        let rule = it
            .policy(model)
            .environment(&it.deployment.environment.name)?;
        let ran: Vec<(&String, Ran)> = rule
            .after
            .iter()
            .map(|stage| (stage, ran_in(model, &it, stage)))
            .collect();
        let first = |wanted| ran.iter().find(|(_, ran)| *ran == wanted);
        let fault = |reason, stage: &str| {
            let detail = format!("not in {stage} before");
            Item::of(it.label(), reason, detail).resting_on([it.entry.seq])
        };
        (!ran.is_empty()).then(|| {
            it.item(match (first(Ran::Not), first(Ran::Untold)) {
                (Some((stage, _)), _) => fault(Reason::StageSkipped, stage),
                (None, Some((stage, _))) => fault(Reason::OrderUnknown, stage),
                (None, None) => Item::pass(it.label(), vec![it.entry.seq]),
            })
        })
    });
    judged.collect()
}

/// Whether an artifact ran somewhere before.
#[derive(Clone, Copy, PartialEq)]
enum Ran {
    Before,
    /// It did, and nobody can tell when.
    Untold,
    Not,
}

fn ran_in(model: &Model, it: &Deployed<'_>, stage: &str) -> Ran {
    let family = model.family(it.digest());
    let there = |entry: &&Entry| {
        entry.says::<Deployment>().is_some_and(|earlier| {
            earlier.environment.name == stage
                && earlier.service == it.deployment.service
                && earlier.result == DeploymentResult::Success
                && family
                    .iter()
                    .any(|digest| digest.matches(&earlier.artifact.digest))
        })
    };
    let mut ran = Ran::Not;
    for entry in model.entries.naming(&family).into_iter().filter(there) {
        match model.precedes(entry, it.entry) {
            Some(true) => return Ran::Before,
            Some(false) => {}
            None => ran = Ran::Untold,
        }
    }
    ran
}
