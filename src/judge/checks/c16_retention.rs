//! C16 retention: the oldest entry's age, and no gap since continuity began.

use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::Gap;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C16",
    name: "retention",
    wants: "evidence reaches back as far as the policy asks, without a gap",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    let rule = model.policy().checks().c16.clone().unwrap_or_default();
    let mut items = Vec::new();
    let oldest = model
        .entries
        .iter()
        .map(|entry| (entry.time(), entry.seq))
        .min();
    if let Some((time, seq)) = oldest {
        let days = (model.at.unix() - time.unix()) / 86_400;
        items.push(match days >= i64::from(rule.days) {
            true => Item::pass("the ledger", vec![seq]),
            false => Item::of(
                "the ledger",
                Reason::EvidenceYoung,
                format!("{days} of {} days", rule.days),
            )
            .resting_on([seq]),
        });
    }
    let gaps = model.of::<Gap>();
    items.extend(gaps.map(|(entry, gap)| {
        let detail = format!("from {} until {}: {}", gap.from, gap.until, gap.reason);
        Item::of(format!("gap {}", entry.seq), Reason::EvidenceGap, detail).resting_on([entry.seq])
    }));
    items
}
