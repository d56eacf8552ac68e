//! C12 exception-bounded: each deviation has an exception: its check, a reason, a human approver who is not the author, an
//! expiry, a review in time.

use crate::judge::exceptions;
use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C12",
    name: "exception-bounded",
    wants: "every exception names its findings, was granted by another human, and is looked at in time",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let in_scope = |time| {
        scope
            .period
            .is_none_or(|(from, until)| from <= time && time < until)
    };
    let judged = exceptions::all(model)
        .filter(|(entry, _)| in_scope(entry.time()))
        .map(|(entry, exception)| {
            let subject = format!("exception {}", entry.seq);
            let mut item = match exceptions::fault(model, entry, exception) {
                Some((reason, detail)) => Item::of(subject, reason, detail),
                None if exception.is_blanket() => Item::of(
                    subject,
                    Reason::ExceptionBlanket,
                    exception.checks.join(", "),
                ),
                None => Item::pass(subject, Vec::new()),
            };
            // So that one exception can allow another by name.
            item.place.finding = Some((format!("exception {}", entry.seq), None));
            item.resting_on([entry.seq])
        });
    judged.collect()
}
