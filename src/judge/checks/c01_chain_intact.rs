//! C01 chain-intact: links, root, append record, seal and trusted state, as the replay found them.

use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C01",
    name: "chain-intact",
    wants: "the links, the root, the append record, the seal and the trusted state hold",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    let faults = model.broken.iter().map(|fault| {
        let detail = format!("{}: {}", fault.code, fault.detail);
        Item::of("the ledger", Reason::LedgerBroken, detail).resting_on(fault.seq)
    });
    let items: Vec<Item> = faults.collect();
    match items.is_empty() {
        true => vec![Item::pass("the ledger", Vec::new())],
        false => items,
    }
}
