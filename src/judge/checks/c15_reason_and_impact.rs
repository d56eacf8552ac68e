//! C15 reason-and-impact: a change names a ticket's digest and its security impact.

use super::items::changes;
use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C15",
    name: "reason-and-impact",
    wants: "every change names a ticket, with a snapshot, and its meaning for security",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let judged = changes(model, scope).into_iter().map(|it| {
        let fault = match (&it.change.reason.ticket, &it.change.security_impact) {
            (None, _) => Some(Reason::TicketMissing),
            (Some(_), None) => Some(Reason::ImpactMissing),
            (Some(ticket), Some(_)) if ticket.digest.is_none() => Some(Reason::TicketUndated),
            _ => None,
        };
        let entries = [it.entry.seq];
        it.item(match fault {
            Some(reason) => Item::of(it.id(), reason, String::new()).resting_on(entries),
            None => Item::pass(it.id(), entries.to_vec()),
        })
    });
    judged.collect()
}
