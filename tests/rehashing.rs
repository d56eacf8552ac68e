//! The tree of a SHA-1 repository, hashed again with SHA-256: the id that git itself gives it, with a cache that is
//! believed only whole, and never for an object that is not what its id says.

#[path = "common/mod.rs"]
mod common;

use std::fs;

use common::world::World;

const FILES: [(&str, &str); 4] = [
    ("README", "hello\n"),
    ("src/main.c", "int main;\n"),
    ("src/deep/a", ""),
    ("src/deep-b", "x"),
];

/// The SHA-256 tree that an entry of its own names now.
fn rehashed(world: &World, unique: &str) -> String {
    world.write(
        "scan.json",
        &format!(r#"{{"attributes":[{{"attribute":"{unique}"}}]}}"#),
    );
    let scan = [
        "--step",
        "scan",
        "--type",
        "scai",
        "--predicate",
        "scan.json",
    ];
    world.docket_ok(&[&["attest", "--rehash"], &scan[..]].concat());
    let log = world.docket_ok(&["log", "-n", "1", "-o", "json"]);
    let entry: serde_json::Value = serde_json::from_str(&log).expect("JSON");
    let subjects = entry["statement"]["subjects"].as_array();
    let subjects = subjects.unwrap_or_else(|| panic!("{entry}"));
    let digests = subjects
        .iter()
        .filter_map(|subject| subject["digest"]["gitTree"].as_str());
    let found: Vec<&str> = digests.filter(|digest| digest.len() == 64).collect();
    assert_eq!(found.len(), 1, "{entry}");
    found[0].to_owned()
}

/// What git says of the same files in a SHA-256 repository.
fn by_git(files: &[(&str, &str)]) -> String {
    let world = World::with_format("sha256");
    for (path, text) in files {
        world.write(path, text);
    }
    world.git(&["add", "."]);
    world.git(&["write-tree"]).trim().to_owned()
}

#[test]
fn it_is_the_id_that_git_gives_and_a_damaged_cache_is_as_good_as_none() {
    let world = World::with_format("sha1");
    for (path, text) in FILES {
        world.commit(path, text);
    }
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let expected = by_git(&FILES);
    assert_eq!(rehashed(&world, "fresh"), expected);
    let cache = world.repo().join(".git/docket/rehashed");
    let kept = fs::read_to_string(&cache).expect("it was kept");
    assert_eq!(kept.lines().count(), 3 + 1, "three trees and a sum: {kept}");
    assert_eq!(rehashed(&world, "kept"), expected);

    let lie = kept.replacen(&expected, &"0".repeat(64), 1);
    assert_ne!(lie, kept);
    for damaged in [lie.as_str(), &kept[1..], "", "\n", "x\ny\n"] {
        fs::write(&cache, damaged).expect("written");
        assert_eq!(
            rehashed(&world, &format!("damaged {}", damaged.len())),
            expected
        );
    }

    world.commit("src/more", "more\n");
    let more = [&FILES[..], &[("src/more", "more\n")]].concat();
    assert_eq!(rehashed(&world, "changed"), by_git(&more));
}

#[test]
fn an_object_that_is_not_what_its_id_says_is_not_hashed_again() {
    let world = World::with_format("sha1");
    world.commit("README", "hello\n");
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let id = world.git(&["rev-parse", "HEAD:README"]).trim().to_owned();
    let other = World::with_format("sha1");
    other.commit("README", "other\n");
    let another = other.git(&["rev-parse", "HEAD:README"]).trim().to_owned();
    let object = |world: &World, id: &str| {
        world
            .repo()
            .join(".git/objects")
            .join(&id[..2])
            .join(&id[2..])
    };
    let place = object(&world, &id);
    fs::remove_file(&place).expect("removed");
    fs::copy(object(&other, &another), &place).expect("copied");
    world.write("scan.json", r#"{"attributes":[{"attribute":"a"}]}"#);
    let scan = [
        "attest",
        "--rehash",
        "--step",
        "scan",
        "--type",
        "scai",
        "--predicate",
        "scan.json",
    ];
    let ran = world.docket(&scan);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(&id), "{}", ran.err);
}
