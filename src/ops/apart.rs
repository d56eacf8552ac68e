//! Apart: what each of two tips of one ledger has that the other has not, read from what was added since they parted.
//!
//! 1. Both are followed down to the commit where they meet, in commits of one parent;
//! 2. each is held against that commit ([`Delta`]): nothing of the old may be altered, and there must be as many new
//!    entries as the two edges say;
//! 3. ours are those whose attestation the other side has not.
//!
//! A ref's history is a convenience and no evidence. Here it only says where to look: where anything does not fit, the
//! answer is `None`, and the caller reads both whole.

use std::collections::HashSet;

use super::append::Item;
use super::fetch;
use crate::attestation::Attestation;
use crate::digest::{ObjectId, Sha256};
use crate::git::{RefName, Repository};
use crate::ledger::Lines;
use crate::store::{Delta, Tip};

/// What two tips have that the other has not.
pub(super) struct Apart {
    /// What only the first has, in its order.
    pub(super) ours: Vec<Item>,
    /// How many entries both have.
    pub(super) common: u64,
}

/// What `here` has that `there` has not.
pub(super) fn apart(
    repository: &Repository,
    ledger: &RefName,
    here: ObjectId,
    there: ObjectId,
) -> Option<Apart> {
    let base = repository.meeting(&here, &there)?;
    let size = fetch::size(repository, ledger, base).ok()?;
    if size == 0 {
        return None;
    }
    let added = |tip| added(repository, ledger, base, size, tip);
    let (ours, theirs) = (added(here)?, added(there)?);
    let digest = |item: &Item| item.attestation.digest();
    let theirs: HashSet<Sha256> = theirs.iter().map(digest).collect();
    let count = ours.len();
    let ours: Vec<Item> = ours
        .into_iter()
        .filter(|item| !theirs.contains(&digest(item)))
        .collect();
    Some(Apart {
        common: size + (count - ours.len()) as u64,
        ours,
    })
}

/// The entries that a tip has past the first `size`, which it shares with `base`.
fn added(
    repository: &Repository,
    ledger: &RefName,
    base: ObjectId,
    size: u64,
    tip: ObjectId,
) -> Option<Vec<Item>> {
    if tip == base {
        return Some(Vec::new());
    }
    let old = Tip::at(repository, ledger, base).ok()?;
    let new = Tip::at(repository, ledger, tip).ok()?;
    let Delta { parts, altered } = Delta::between(repository, &old, &new, tip).ok()?;
    if !altered.is_empty() || !parts.faults.is_empty() {
        return None;
    }
    let mut items = Vec::new();
    for note in parts.notes.values() {
        for line in Lines::of(note) {
            let line = line.ok()?;
            if line.link.seq < size {
                continue;
            }
            let body = match line.body {
                Some(body) => body.to_vec(),
                None => parts.bodies.get(&line.link.attestation)?.clone(),
            };
            let item = Item {
                commit: line.link.commit,
                step: line.link.step,
                attestation: Attestation::parse(body).ok()?,
            };
            items.push((line.link.seq, item));
        }
    }
    let expected = fetch::size(repository, ledger, tip)
        .ok()?
        .checked_sub(size)?;
    items.sort_by_key(|(seq, _)| *seq);
    (items.len() as u64 == expected).then(|| items.into_iter().map(|(_, item)| item).collect())
}
