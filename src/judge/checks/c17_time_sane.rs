//! C17 time-sane: claimed times are monotonic within skew, and not after the witnessed time.

use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C17",
    name: "time-sane",
    wants: "claimed times rise, and none is after the time that somebody vouches for",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    let skew = i64::from(
        model
            .policy()
            .checks()
            .c17
            .clone()
            .unwrap_or_default()
            .skew_seconds,
    );
    let mut items = Vec::new();
    let mut newest: Option<(i64, u64)> = None;
    for entry in model.entries.iter() {
        let claimed = entry.claimed.unix();
        let subject = format!("entry {}", entry.seq);
        let mut item = Item::pass(subject.clone(), vec![entry.seq]);
        if let Some(verified) = entry
            .verified
            .filter(|verified| claimed > verified.unix() + skew)
        {
            item = Item::of(
                subject,
                Reason::TimeAfterWitness,
                format!("{} claimed, {verified} vouched for", entry.claimed),
            );
        } else if let Some((_, before)) = newest.filter(|(time, _)| claimed + skew < *time) {
            item = Item::of(
                subject,
                Reason::TimeBackwards,
                format!("before entry {before}"),
            )
            .resting_on([before]);
        }
        newest = newest.max(Some((claimed, entry.seq)));
        items.push(item.resting_on([entry.seq]));
    }
    items
}
