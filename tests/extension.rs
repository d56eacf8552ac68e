//! What is added to a ledger, judged alone: an honest extension stands, and a change to any byte of it does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/forge.rs"]
mod forge;

use forge::Forge;
use git_docket::digest::Algorithm;
use git_docket::ledger::Edge;
use git_docket::ledger::append_record::SignedAppendRecord;
use git_docket::ledger::in_memory::{InMemory, Parts};
use git_docket::ledger::seal::SignedSeal;
use git_docket::roster::Roster;
use git_docket::verify::{self, Base, Extension};

/// A ledger of five entries, all sealed, and what two more add to it, one with its body in docket/blob.
fn ledgers(format: Algorithm) -> (Parts, Parts) {
    let new = Forge::sound(format);
    let mut old = new.clone();
    old.planned.truncate(5);
    let (old, mut new) = (old.parts(), new.parts());
    new.notes.retain(|id, note| old.notes.get(id) != Some(note));
    new.bodies
        .retain(|digest, _| !old.bodies.contains_key(digest));
    new.commits.retain(|id, _| new.notes.contains_key(id));
    (old, new)
}

fn judged(old: &Parts, added: Parts) -> Extension {
    let append = SignedAppendRecord::parse(&old.files["append"]).unwrap();
    let edge = Edge::parse(&old.files["edge"]).unwrap();
    let seal = SignedSeal::parse(&old.files["seal"]).unwrap();
    let base = Base {
        record: append.unverified(),
        edge: &edge,
        seal: Some(&seal),
        in_force: &old.files["in-force"],
        roster: &Roster::from_predicate(&forge::roster()).unwrap(),
        trust: &git_docket::sigstore::Trust::built_in(),
    };
    verify::extension(&InMemory::new(added), &base).unwrap()
}

#[test]
fn an_honest_extension_stands() {
    for format in [Algorithm::Sha1, Algorithm::Sha256] {
        let (old, added) = ledgers(format);
        assert!(!added.bodies.is_empty() && added.notes.len() == 1);
        let judged = judged(&old, added);
        assert_eq!(judged.findings, []);
        assert_eq!((judged.entries, judged.needs_replay), (2, false));
    }
}

#[test]
fn a_change_to_any_byte_of_it_is_found_or_sent_to_replay() {
    for format in [Algorithm::Sha1, Algorithm::Sha256] {
        let (old, added) = ledgers(format);
        // A note's old lines are compared by whoever reads the trees.
        let before = |id| old.notes.get(id).map_or(0, Vec::len);
        let lengths: Vec<(usize, usize)> = [
            added
                .files
                .values()
                .map(|c| (0, c.len()))
                .collect::<Vec<_>>(),
            added
                .notes
                .iter()
                .map(|(id, c)| (before(id), c.len()))
                .collect(),
            added.bodies.values().map(|c| (0, c.len())).collect(),
            added.commits.values().map(|c| (0, c.len())).collect(),
        ]
        .concat();
        let mut tried = 0;
        for (which, (from, to)) in lengths.into_iter().enumerate() {
            // Every byte of what is small, some of what is large.
            let step = ((to - from) / 400).max(1);
            for at in (from..to).step_by(step) {
                let mut bad = added.clone();
                let content = bad
                    .files
                    .values_mut()
                    .chain(bad.notes.values_mut())
                    .chain(bad.bodies.values_mut())
                    .chain(bad.commits.values_mut())
                    .nth(which)
                    .unwrap();
                content[at] ^= 1;
                let judged = judged(&old, bad);
                let passed = judged.findings.is_empty() && !judged.needs_replay;
                assert!(!passed, "byte {at} of content {which}");
                tried += 1;
            }
        }
        assert!(tried > 1_000, "{tried}");
    }
}

#[test]
fn what_comes_without_one_of_its_parts_does_not_stand() {
    let (old, added) = ledgers(Algorithm::Sha1);
    for file in ["append", "edge", "in-force", "seal"] {
        let mut bad = added.clone();
        bad.files.remove(file);
        assert!(!judged(&old, bad).findings.is_empty(), "{file}");
    }
    let mut bad = added.clone();
    bad.bodies.clear();
    assert!(!judged(&old, bad).findings.is_empty());
    let mut bad = added.clone();
    bad.notes.clear();
    assert!(!judged(&old, bad).findings.is_empty());
    // The same records again add nothing and are no fault.
    let mut same = old.clone();
    same.notes.clear();
    same.bodies.clear();
    same.commits.clear();
    let same = judged(&old, same);
    assert_eq!((same.findings.len(), same.entries), (0, 0));
}
