//! C13 promotion-path: the same digest (or its index or platform manifest) was deployed with success to each lower environment
//! first.

use super::items::{Deployed, deployments};
use crate::judge::{Check, Item, Model, Reason, Scope};
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
        let rule = model
            .policy()
            .environment(&it.deployment.environment.name)?;
        let skipped = rule.after.iter().find(|stage| !ran_in(model, &it, stage));
        (!rule.after.is_empty()).then(|| {
            it.item(match skipped {
                Some(stage) => Item::of(
                    it.label(),
                    Reason::StageSkipped,
                    format!("not in {stage} before"),
                )
                .resting_on([it.entry.seq]),
                None => Item::pass(it.label(), vec![it.entry.seq]),
            })
        })
    });
    judged.collect()
}

fn ran_in(model: &Model, it: &Deployed<'_>, stage: &str) -> bool {
    let family = model.family(it.digest());
    let named = model.entries.naming(&family);
    let mut deployed = named
        .into_iter()
        .filter_map(|entry| Some((entry, entry.says::<Deployment>()?)));
    deployed.any(|(entry, earlier)| {
        earlier.environment.name == stage
            && earlier.service == it.deployment.service
            && earlier.result == DeploymentResult::Success
            && family
                .iter()
                .any(|digest| digest.matches(&earlier.artifact.digest))
            && model.precedes(entry, it.entry) == Some(true)
    })
}
