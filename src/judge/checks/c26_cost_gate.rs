//! C26 cost-gate: a cost measurement for that service and environment within the limit, or an exception.

use super::gates;
use crate::judge::{Check, Item, Model, Scope};
use crate::statement::predicate::GateKind;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C26",
    name: "cost-gate",
    wants: "the cost of each service was measured before it was deployed, and is within its limit",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    gates::judge(
        model,
        scope,
        |checks| checks.c26.as_ref(),
        &[GateKind::Cost],
    )
}
