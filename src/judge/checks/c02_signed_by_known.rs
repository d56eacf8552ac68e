//! C02 signed-by-known: each attestation verifies, by a key of the roster with the role for it at that seq; and who speaks
//! for another is an observer.

use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::Known;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C02",
    name: "signed-by-known",
    wants: "every attestation verifies, by a key in the roster at its place, for a step its person may attest",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    let unsound = model.unsound.iter().map(|fault| {
        let detail = format!("{}: {}", fault.code, fault.detail);
        let subject = fault
            .seq
            .map_or("the ledger".to_owned(), |seq| format!("entry {seq}"));
        let reason = match fault.code.as_str() {
            "key-revoked" => Reason::Suspect,
            _ => Reason::EntryUnsound,
        };
        Item::of(subject, reason, detail).resting_on(fault.seq)
    });
    let speaks = |said: &Known| said.asserted().is_some();
    let asserted = model
        .entries
        .iter()
        .filter(|entry| entry.said.as_ref().is_some_and(speaks));
    let unfounded = asserted
        .filter(|entry| model.actor(entry).is_none())
        .filter_map(|entry| {
            let actor = &entry.said.as_ref()?.asserted()?.actor;
            // A person whom nobody knows is no lie: other checks say what is unknown by that.
            let known = model.person(actor, entry.seq).is_some();
            let detail = format!("it speaks for {actor}, and {} signed it", entry.signer);
            known.then(|| {
                Item::of(
                    format!("entry {}", entry.seq),
                    Reason::AssertionFalse,
                    detail,
                )
                .resting_on([entry.seq])
            })
        });
    let items: Vec<Item> = unsound.chain(unfounded).collect();
    match (items.is_empty(), model.entries.is_empty()) {
        (true, false) => vec![Item::pass(
            format!("{} entries", model.entries.len()),
            Vec::new(),
        )],
        _ => items,
    }
}
