//! C11 sbom-present: a bill of materials whose subject is the deployed digest.

use super::items::deployments;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::Known;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C11",
    name: "sbom-present",
    wants: "the deployed digest has a bill of materials",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let judged =
        deployments(model, scope).into_iter().map(|it| {
            let family = model.family(it.digest());
            let bill =
                model.entries.about(&family).into_iter().rfind(|entry| {
                    matches!(entry.said, Some(Known::CycloneDx(_) | Known::Spdx(_)))
                });
            it.item(match bill {
                Some(bill) => Item::pass(it.label(), vec![bill.seq, it.entry.seq]),
                None => Item::of(it.label(), Reason::SbomMissing, String::new())
                    .resting_on([it.entry.seq]),
            })
        });
    judged.collect()
}
