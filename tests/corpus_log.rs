//! Published vectors of logs: RFC 6962 proofs, signed notes, signed checkpoints, canonical JSON.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/peer.rs"]
mod peer;

use std::{
    fs,
    path::{Path, PathBuf},
};

use git_docket::{
    canonical,
    digest::Sha256,
    ledger::{
        note::{NoteError, SignedNote, VerifierKey},
        seal::{Seal, SignedSeal},
    },
    merkle,
};
use serde_json::Value;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn hash(value: &Value) -> Option<Sha256> {
    let bytes = git_docket::base64::decode(value.as_str()?.as_bytes()).ok()?;
    Some(Sha256::from_bytes(bytes.try_into().ok()?))
}

/// Calls `holds` with each vector of a folder; it says whether the proof holds, `None` where a hash has
/// not 32 bytes, which is a refusal.
fn proofs(folder: &str, expected: usize, holds: impl Fn(&Value, &[Sha256]) -> Option<bool>) {
    let Some(corpus) = peer::corpus("merkle") else {
        return;
    };
    let files = files(&corpus.join("testdata").join(folder));
    let mut good = 0;
    for path in &files {
        let vector = json(path);
        let proof: Option<Vec<_>> = match vector["proof"].as_array() {
            None => Some(Vec::new()),
            Some(hashes) => hashes.iter().map(hash).collect(),
        };
        let held = proof
            .and_then(|proof| holds(&vector, &proof))
            .unwrap_or(false);
        assert_eq!(
            held,
            !vector["wantErr"].as_bool().unwrap(),
            "{}",
            path.display()
        );
        good += usize::from(held);
    }
    assert_eq!(files.len(), expected);
    assert!(good > 5, "{folder}: only {good} held");
}

#[test]
fn inclusion() {
    proofs("inclusion", 98, |vector, proof| {
        let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
        let (index, size) = (vector["leafIdx"].as_u64()?, vector["treeSize"].as_u64()?);
        Some(merkle::verify_inclusion(&leaf, index, size, proof, &root).is_ok())
    });
}

#[test]
fn consistency() {
    proofs("consistency", 98, |vector, proof| {
        // Some roots are words ("don't care"), which stand for any hash: ours cannot be but 32 bytes.
        let root = |value: &Value| {
            hash(value).unwrap_or_else(|| Sha256::of(value.as_str().unwrap_or_default().as_bytes()))
        };
        let (old_root, new_root) = (root(&vector["root1"]), root(&vector["root2"]));
        let (old, new) = (vector["size1"].as_u64()?, vector["size2"].as_u64()?);
        Some(merkle::verify_consistency(old, &old_root, new, &new_root, proof).is_ok())
    });
}

/// A subtree `[start, end)` begins at a multiple of the smallest power of two that holds it.
fn is_subtree(start: u64, end: u64) -> bool {
    let width = end.checked_sub(start).filter(|width| *width > 0);
    let room = width.and_then(u64::checked_next_power_of_two);
    room.is_some_and(|room| start.is_multiple_of(room))
}

#[test]
fn inclusion_in_a_subtree_is_inclusion_in_the_tree_of_its_leaves() {
    proofs("subtreeinclusion", 204, |vector, proof| {
        let (leaf, root) = (hash(&vector["leafHash"])?, hash(&vector["root"])?);
        let (start, end) = (vector["start"].as_u64()?, vector["end"].as_u64()?);
        let index = vector["leafIdx"].as_u64()?.checked_sub(start)?;
        let holds = merkle::verify_inclusion(&leaf, index, end.checked_sub(start)?, proof, &root);
        Some(is_subtree(start, end) && holds.is_ok())
    });
}

#[test]
fn consistency_of_a_subtree_from_0_is_consistency_of_sizes() {
    let Some(corpus) = peer::corpus("merkle") else {
        return;
    };
    let files = files(&corpus.join("testdata/subtreeconsistency"));
    assert_eq!(files.len(), 118);
    // Proofs of subtrees that begin elsewhere are of a later draft, and nothing here makes or reads them.
    let mut seen = 0;
    for path in &files {
        let vector = json(path);
        if vector["start"] != 0 || vector["end"].as_u64().is_none_or(|end| end == 0) {
            continue;
        }
        let (Some(old_root), Some(new_root)) = (hash(&vector["root1"]), hash(&vector["root2"]))
        else {
            continue;
        };
        let proof: Option<Vec<_>> = vector["proof"]
            .as_array()
            .map_or(Some(Vec::new()), |all| all.iter().map(hash).collect());
        let (old, new) = (
            vector["end"].as_u64().unwrap(),
            vector["size"].as_u64().unwrap(),
        );
        let holds = proof.is_some_and(|proof| {
            merkle::verify_consistency(old, &old_root, new, &new_root, &proof).is_ok()
        });
        assert_eq!(
            holds,
            !vector["wantErr"].as_bool().unwrap(),
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen > 20, "only {seen} begin at 0");
}

#[test]
fn signed_notes_of_golang_mod() {
    let Some(corpus) = peer::corpus("golang-mod") else {
        return;
    };
    let vectors = json(&corpus.join("note_vectors.json"));
    for good in vectors["good_vkeys"].as_array().unwrap() {
        let text = good.as_str().unwrap();
        assert_eq!(text.parse::<VerifierKey>().unwrap().to_string(), text);
    }
    for bad in vectors["bad_vkeys"].as_array().unwrap() {
        assert!(
            bad.as_str().unwrap().parse::<VerifierKey>().is_err(),
            "{bad}"
        );
    }
    let mut seen = 0;
    for open in vectors["open"].as_array().unwrap() {
        let name = open["name"].as_str().unwrap();
        let message = data_encoding::HEXLOWER.decode(open["msg_hex"].as_str().unwrap().as_bytes());
        let note = SignedNote::parse(&message.unwrap());
        seen += 1;
        match (name, open["result"].as_str().unwrap()) {
            // Stricter here: one line for each pair of name and key, as our writers print.
            ("duplicates", _) => assert!(matches!(note, Err(NoteError::Repeated { .. }))),
            (_, "malformed") => assert!(note.is_err(), "{name}"),
            (_, result) => {
                let note = note.unwrap_or_else(|error| panic!("{name}: {error}"));
                let keys = open["keys"].as_array().unwrap().iter();
                let outcomes: Vec<_> = keys
                    .filter_map(|key| key.as_str().unwrap().parse::<VerifierKey>().ok())
                    .map(|key| (key.name().to_string(), note.verify(&key)))
                    .collect();
                let verified: Vec<_> = outcomes
                    .iter()
                    .filter(|(_, outcome)| outcome.is_ok())
                    .map(|(name, _)| Value::from(name.clone()))
                    .collect();
                match result {
                    "ok" => assert_eq!(Some(&verified), open["verified"].as_array(), "{name}"),
                    "no verifiable signatures" => assert!(verified.is_empty(), "{name}"),
                    // Two keys of one name and id: ours is asked for one key at a time.
                    "ambiguous key" => assert!(outcomes.len() < 4, "{name}"),
                    _ => assert!(
                        outcomes
                            .iter()
                            .any(|(_, o)| matches!(o, Err(NoteError::Signature { .. }))),
                        "{name}"
                    ),
                }
            }
        }
    }
    assert_eq!(seen, 16);
}

#[test]
fn checkpoints_of_golang_mod() {
    let Some(corpus) = peer::corpus("golang-mod") else {
        return;
    };
    let vectors = json(&corpus.join("tlog_vectors.json"));
    // "go.sum database tree" is no URL, so that it can be no origin of ours; under one that can, the body reads.
    let body = vectors["checkpoint_body"].as_str().unwrap();
    assert!(Seal::parse_text(body.as_bytes()).is_err());
    let renamed = |text: &str| text.replacen("go.sum database tree", "sum.golang.org", 1);
    let seal = Seal::parse_text(renamed(body).as_bytes()).unwrap();
    assert_eq!(seal.head.size, vectors["size"].as_u64().unwrap());
    assert_eq!(seal.head.root, merkle::leaf_hash(b"hello world"));
    assert_eq!(seal.text(), renamed(body));
    let bad = vectors["bad"].as_array().unwrap();
    assert_eq!(bad.len(), 3);
    for bad in &bad[1..] {
        assert!(
            Seal::parse_text(renamed(bad.as_str().unwrap()).as_bytes()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn signed_checkpoints_of_tessera() {
    let Some(corpus) = peer::corpus("tessera") else {
        return;
    };
    let vectors = json(&corpus.join("vectors.json"));
    let key: VerifierKey = vectors["vkey"].as_str().unwrap().parse().unwrap();
    let leaves: Vec<_> = vectors["leaves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaf| merkle::leaf_hash(leaf.as_str().unwrap().as_bytes()))
        .collect();
    let mut seen = 0;
    let mut folders = vec![corpus.join("testdata")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some(size) = name
                .strip_prefix("checkpoint.")
                .and_then(|s| s.parse::<usize>().ok())
            else {
                continue;
            };
            let bytes = fs::read(&path).unwrap();
            let note = SignedNote::parse(&bytes).unwrap();
            assert_eq!(note.render().as_bytes(), bytes, "{name}");
            note.verify(&key).unwrap();
            seen += 1;
            if size == 0 {
                assert!(
                    SignedSeal::parse(&bytes).is_err(),
                    "a seal covers something"
                );
                continue;
            }
            let seal = SignedSeal::parse(&bytes).unwrap();
            let head = &seal.verify(&key).unwrap().head;
            assert_eq!(head.size, size as u64);
            assert_eq!(head.root, merkle::root(&leaves[..size]), "{name}");
        }
    }
    assert_eq!(seen, 16);
}

#[test]
fn canonical_json() {
    let Some(corpus) = peer::corpus("jcs") else {
        return;
    };
    let inputs = files(&corpus.join("testdata/input"));
    for input in &inputs {
        let output = fs::read(
            corpus
                .join("testdata/output")
                .join(input.file_name().unwrap()),
        )
        .unwrap();
        let value = canonical::parse_strict(&fs::read(input).unwrap()).unwrap();
        let bytes = canonical::to_vec(&value).unwrap();
        assert_eq!(
            String::from_utf8(bytes),
            String::from_utf8(output),
            "{}",
            input.display()
        );
    }
    assert_eq!(inputs.len(), 6);
}
