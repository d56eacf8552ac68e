//! C14 rollback-ready: a deployment names its rollback: a reference, or what ran before.

use super::items::deployments;
use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C14",
    name: "rollback-ready",
    wants: "every deployment says how it is undone",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let judged = deployments(model, scope).into_iter().map(|it| {
        let named =
            it.deployment.rollback_ref.is_some() || it.deployment.previous_artifact.is_some();
        it.item(match named {
            true => Item::pass(it.label(), vec![it.entry.seq]),
            false => Item::of(it.label(), Reason::RollbackMissing, String::new())
                .resting_on([it.entry.seq]),
        })
    });
    judged.collect()
}
