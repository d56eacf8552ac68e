//! C27 reliability-gate: an SLO, load or chaos measurement passed before prod for the listed services.

use super::gates;
use crate::judge::{Check, Item, Model, Scope};
use crate::statement::predicate::GateKind;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C27",
    name: "reliability-gate",
    wants: "service levels, load or chaos were measured before a service went to production, and passed",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    gates::judge(
        model,
        scope,
        |checks| checks.c27.as_ref(),
        &[GateKind::Slo, GateKind::Load, GateKind::Chaos],
    )
}
