//! Any change to any byte that a ledger's tip reaches is caught.
//!
//! The contents behind the tip are notes, bodies, kept commits and the records; the laws below change
//! them, take them away, double and swap them, and want the verdict `broken` each time. What no law
//! touches is provably irrelevant: the names, dates and messages of the ref's own commits, which replay
//! never reads (`docket-ledger/v1` does not even hold them).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/forge.rs"]
mod forge;

use std::num::NonZeroUsize;

use forge::Forge;
use git_docket::{
    digest::Algorithm,
    ledger::in_memory::{InMemory, Parts},
    verify::{self, Question, Request, Verdict},
};
use proptest::prelude::*;

fn verdict(parts: Parts) -> Verdict {
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads: NonZeroUsize::MIN,
        keep: git_docket::verify::Keep::Nothing,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    verify::verify(&InMemory::new(parts), &request)
        .unwrap()
        .verdict
}

/// Every content that the tip reaches, with a name for messages.
fn contents(parts: &mut Parts) -> Vec<(String, &mut Vec<u8>)> {
    let mut all = Vec::new();
    all.extend(
        parts
            .files
            .iter_mut()
            .map(|(name, c)| (format!("docket/{name}"), c)),
    );
    all.extend(
        parts
            .notes
            .iter_mut()
            .map(|(id, c)| (format!("note {id}"), c)),
    );
    all.extend(
        parts
            .bodies
            .iter_mut()
            .map(|(digest, c)| (format!("body {digest}"), c)),
    );
    all.extend(
        parts
            .commits
            .iter_mut()
            .map(|(id, c)| (format!("commit {id}"), c)),
    );
    all
}

fn formats() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_is_caught(format in formats(), file: prop::sample::Index, at: prop::sample::Index, bit in 0u8..8) {
        let mut parts = Forge::sound(format).parts();
        let mut all = contents(&mut parts);
        let index = file.index(all.len());
        let (name, content) = &mut all[index];
        let at = at.index(content.len());
        content[at] ^= 1 << bit;
        let name = name.clone();
        prop_assert_eq!(verdict(parts), Verdict::Broken, "{}, byte {}", name, at);
    }

    #[test]
    fn a_byte_more_or_less_is_caught(file: prop::sample::Index, at: prop::sample::Index, more: Option<u8>) {
        let mut parts = Forge::sound(Algorithm::Sha1).parts();
        let mut all = contents(&mut parts);
        let index = file.index(all.len());
        let (name, content) = &mut all[index];
        let at = at.index(content.len());
        match more {
            Some(byte) => content.insert(at, byte),
            None => drop(content.remove(at)),
        }
        let name = name.clone();
        prop_assert_eq!(verdict(parts), Verdict::Broken, "{}, byte {}", name, at);
    }
}

#[test]
fn the_untouched_ledger_is_not_broken() {
    for format in [Algorithm::Sha1, Algorithm::Sha256] {
        assert_eq!(verdict(Forge::sound(format).parts()), Verdict::Pass);
    }
}

#[test]
fn a_content_taken_away_or_swapped_is_caught() {
    let sound = Forge::sound(Algorithm::Sha1).parts();
    let mut without = Vec::new();
    for name in sound.files.keys() {
        let mut parts = sound.clone();
        parts.files.remove(name);
        without.push((name.clone(), parts));
    }
    for id in sound.notes.keys() {
        let mut parts = sound.clone();
        parts.notes.remove(id);
        without.push((id.to_string(), parts));
    }
    for digest in sound.bodies.keys() {
        let mut parts = sound.clone();
        parts.bodies.remove(digest);
        without.push((digest.to_string(), parts));
    }
    for id in sound.commits.keys() {
        let mut parts = sound.clone();
        let notes: Vec<_> = parts.notes.keys().copied().collect();
        let raws: Vec<_> = parts.commits.values().cloned().collect();
        parts.notes.insert(notes[0], sound.notes[&notes[1]].clone());
        parts.commits.insert(*id, raws.concat());
        without.push((format!("swapped {id}"), parts));
    }
    assert!(without.len() > 6);
    for (name, parts) in without {
        assert_eq!(verdict(parts), Verdict::Broken, "{name}");
    }
}

#[test]
fn a_line_taken_away_doubled_or_swapped_is_caught() {
    let sound = Forge::sound(Algorithm::Sha1).parts();
    let mut tried = 0;
    for (id, note) in &sound.notes {
        let lines: Vec<_> = note.split_inclusive(|b| *b == b'\n').collect();
        for index in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(index);
            let mut more = lines.clone();
            more.insert(index, lines[index]);
            let mut swapped = lines.clone();
            swapped.swap(index, (index + 1) % lines.len());
            for changed in [fewer, more, swapped] {
                let mut parts = sound.clone();
                parts.notes.insert(*id, changed.concat());
                assert_eq!(verdict(parts), Verdict::Broken, "line {index} of {id}");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 7 * 3);
}
