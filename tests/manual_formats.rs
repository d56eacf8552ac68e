//! The examples in the manual's pages of formats are what they say.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::Path;

use git_docket::attestation::{Attestation, Carrier};
use git_docket::digest::Sha256;
use git_docket::ledger::append_record::SignedAppendRecord;
use git_docket::ledger::in_memory::Parts;
use git_docket::ledger::note::{SignedNote, VerifierKey};
use git_docket::ledger::seal::SignedSeal;
use git_docket::ledger::{Lines, Link};
use git_docket::manual;
use git_docket::merkle;
use git_docket::ops::pin;
use git_docket::policy::Policy;
use git_docket::roster::Roster;
use git_docket::signing::PublicKey;
use git_docket::statement::Statement;
use git_docket::statement::predicate::{self, Predicate, SHORT_NAMES};
use serde_json::{Map, Value};

/// The blocks of one language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = manual::page(page).unwrap();
    let start = format!("```{language}\n");
    let parts = text.split(&start).skip(1);
    let blocks = parts.map(|part| part.split("```").next().unwrap().trim_end().to_owned());
    blocks.collect()
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_attestation_is_that_statement_signed_by_that_key() {
    let line = blocks("envelope", "json").remove(0);
    let attestation = Attestation::parse(line.into_bytes()).unwrap();
    assert!(matches!(attestation.carrier(), Carrier::PublicKey(_)));
    let key = PublicKey::from_pem(&format!("{}\n", blocks("envelope", "text")[0])).unwrap();
    let verified = attestation.verify(&key).unwrap();

    let shown = Statement::parse(blocks("statement", "json")[0].as_bytes()).unwrap();
    assert_eq!(verified.statement(), &shown);
    assert_eq!(shown.to_bytes().unwrap(), attestation.envelope().payload());
    assert_eq!(shown.placement().unwrap().unwrap().step.as_str(), "scan");

    let page = manual::page("attestation").unwrap();
    let digests: [Sha256; 2] = [attestation.digest(), attestation.pae_digest()];
    for text in digests
        .iter()
        .map(Sha256::to_string)
        .chain([verified.signer().to_string()])
    {
        assert!(page.contains(&text), "{text}");
    }
    let bytes = attestation.bytes().len();
    assert!(
        page.contains(&format!("{},{:03} bytes", bytes / 1000, bytes % 1000)),
        "{bytes}"
    );
}

#[test]
fn the_roster_and_the_policies_are_sound() {
    let wire = predicate::Roster::from_map(&object(&blocks("roster", "json")[0])).unwrap();
    let roster = Roster::from_predicate(&wire).unwrap();
    assert_eq!(roster.writers().count(), 2);
    let policy = Policy::parse(&blocks("policy", "toml")[0]).unwrap();
    assert_eq!(policy.required().count(), 2);
    let wire = predicate::PolicyText::from_map(&object(&blocks("policy", "json")[0])).unwrap();
    assert!(Policy::from_predicate(&wire).unwrap().steps().is_empty());
}

#[test]
fn the_table_of_predicate_types_is_whole() {
    let page = manual::page("statement").unwrap();
    for (short, uri) in SHORT_NAMES {
        let own = *uri == format!("https://git-docket.dev/{short}/v0.1");
        let line = format!("| `{short}` | `{uri}` |");
        assert!(
            page.contains(&line) || own && page.contains(&format!("`{short}`")),
            "{short}"
        );
    }
}

/// The ledger that the pages take their records from.
fn sound() -> Parts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/testkit/sound-sha1.txt");
    let bytes = fs::read(path).unwrap();
    let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    Parts::parse(&bytes[split + 2..]).unwrap()
}

/// The verifier keys on a page, by the names that they begin with.
fn verifier_key(page: &str, name: &str) -> VerifierKey {
    let text = manual::page(page).unwrap();
    let from = text.find(&format!("{name}+")).unwrap();
    let end = text[from..].find(['`', '\n', '"']).unwrap();
    text[from..][..end].parse().unwrap()
}

#[test]
fn the_signed_note_verifies_under_the_key_below_it() {
    let note = blocks("signed-note", "text").remove(0) + "\n";
    let note = SignedNote::parse(note.as_bytes()).unwrap();
    let key = verifier_key("signed-note", "ada@example.com");
    note.verify(&key).unwrap();
    let pem = format!("{}\n", blocks("envelope", "text")[0]);
    assert_eq!(key.key(), &PublicKey::from_pem(&pem).unwrap());
}

#[test]
fn the_records_are_those_of_the_sound_vector() {
    let files = sound().files;
    let shown = |page: &str, at: usize| (blocks(page, "text").remove(at) + "\n").into_bytes();
    let append = shown("append-record", 0);
    assert_eq!(append, files["append"]);
    let key = verifier_key("append-record", "ci@example.com");
    SignedAppendRecord::parse(&append)
        .unwrap()
        .verify(key.key())
        .unwrap();
    assert_eq!(shown("seal", 0), files["seal"]);
    let key = verifier_key("seal", "git.example.com/acme/app");
    SignedSeal::parse(&files["seal"])
        .unwrap()
        .verify(&key)
        .unwrap();
    assert_eq!(shown("seal", 1), files["edge"]);
    assert_eq!(shown("seal", 2), files["in-force"]);
}

#[test]
fn the_link_is_that_of_the_sound_vector() {
    let parts = sound();
    let block = blocks("ledger", "text").remove(0);
    let (shown, leaf) = block.split_once('\n').unwrap();
    let link = Link::parse(shown.as_bytes()).unwrap();
    assert_eq!(link.leaf().to_string(), leaf);
    let lines: Vec<_> = Lines::of(&parts.notes[&link.commit])
        .map(Result::unwrap)
        .collect();
    assert_eq!(lines[0].link, link);
    assert_eq!(lines[1].link.prev, link.leaf());
}

#[test]
fn the_tree_of_three_leaves_has_those_hashes() {
    let page = manual::page("merkle").unwrap();
    let leaves = [b"a", b"b", b"c"].map(|data| merkle::leaf_hash(data));
    let two = merkle::root(&leaves[..2]);
    for hash in leaves.into_iter().chain([two, merkle::root(&leaves)]) {
        assert!(page.contains(&hash.to_string()), "{hash}");
    }
}

#[test]
fn the_files_outside_are_of_the_sound_vector() {
    let parts = sound();
    let genesis = parts
        .notes
        .values()
        .flat_map(|note| Lines::of(note).map(Result::unwrap));
    let genesis = genesis
        .min_by_key(|line| line.link.seq)
        .unwrap()
        .link
        .leaf();
    let pin = pin::parse(&blocks("files", "toml")[0], Path::new("page")).unwrap();
    assert_eq!(pin.genesis, genesis);
    pin.seal.as_ref().unwrap().verify(&pin.ledger_key).unwrap();

    let seen = object(&blocks("files", "json")[0]);
    let append = SignedAppendRecord::parse(&parts.files["append"]).unwrap();
    let head = &append.unverified().new;
    assert_eq!(seen["genesis"], genesis.to_string());
    assert_eq!(seen["size"], head.size);
    assert_eq!(seen["root"], head.root.to_string());
    assert_eq!(
        seen["seal"].as_str().unwrap().as_bytes(),
        parts.files["seal"]
    );
}
