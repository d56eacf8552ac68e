//! Layouts and links made by in-toto's Python library, good and bad: through `import` into a ledger, and before
//! `verify --layout`, which must think of each set what in-toto's own verifier thinks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::path::{Path, PathBuf};

use common::world::World;
use serde_json::Value;

const SETS: &str = "tests/peers/in_toto_sets.py";

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Imports a set's links about a new commit, and judges them by its layout: the exit code, and what was printed.
fn judged(world: &World, set: &Path) -> (i32, Value) {
    let name = set.file_name().unwrap().to_str().unwrap();
    world.commit("set", name);
    let links = files(&set.join("links"));
    let links = links.iter().map(|path| path.to_str().unwrap());
    let words = ["import", "--commit", "HEAD"].into_iter().chain(links);
    world.docket(&words.collect::<Vec<_>>());
    let (layout, owner) = (set.join("root.layout"), set.join("owner.pub"));
    let ran = world.docket(&[
        "verify",
        "HEAD",
        "-o",
        "json",
        "--layout",
        layout.to_str().unwrap(),
        "--layout-key",
        owner.to_str().unwrap(),
    ]);
    let said = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{name}: {}", ran.err));
    (ran.code, said)
}

fn codes(said: &Value) -> Vec<&str> {
    let findings = said["findings"].as_array().unwrap().iter();
    findings.map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn we_agree_with_in_totos_verifier_on_every_set() {
    let Some(python) = peer::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = peer::root().join(SETS);
    let words = [Path::new("-I"), &script, folder.path()];
    let told = peer::run(&python, words).unwrap();
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let (mut passed, mut refused, mut wrong) = (0, 0, Vec::new());
    for line in told.lines() {
        let (name, theirs) = line.split_once('\t').unwrap();
        let set = folder.path().join(name);
        let (code, said) = judged(&world, &set);
        let codes = codes(&said);
        if name.starts_with("inspected") {
            // In-toto runs the command, and its verdict rests on that.
            assert_eq!((theirs, code), ("pass", 3), "{name}");
            assert!(codes.contains(&"layout-inspection"), "{name}: {codes:?}");
            continue;
        }
        let agree = match theirs {
            "pass" => code == 0,
            _ => code == 1 || code == 3,
        };
        if !agree {
            wrong.push(format!("{name}: in-toto {theirs}, we {code} {codes:?}"));
        }
        match theirs {
            "pass" => passed += 1,
            _ => refused += 1,
        }
        let expected = match theirs {
            "SignatureVerificationError" => "layout-signature",
            "LayoutExpiredError" => "layout-expired",
            "RuleVerificationError" => "layout-rule",
            "LinkNotFoundError" => "layout-links-missing",
            _ => continue,
        };
        let named = codes.contains(&expected) || codes.contains(&"layout-malformed");
        assert!(named, "{name}: in-toto {theirs}, we {codes:?}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        passed >= 40 && refused >= 100,
        "{passed} passed, {refused} refused"
    );
    // In-toto ran its inspection where the sets stand; we ran it nowhere.
    assert!(folder.path().join("ran").exists());
    assert!(!world.repo().join("ran").exists());
    // The ledger itself is sound whatever the layouts say.
    assert_eq!(world.docket(&["verify"]).code, 0);
}
