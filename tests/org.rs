//! Many repositories at once: one roster and one policy for all of them, and one index.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::Path;

use common::server::at;
use common::world::World;
use serde_json::Value;

const ORG: &str = "git.example.com/acme/org";
const POLICY: &str = "version = 1\n\n[[step]]\nname = \"scan\"\ntypes = [\"link\"]\nroles = [\"maintainer\"]\nrequired = true\n";

/// A world with founded ledgers in these folders, all of one person, and the organisation's documents.
fn company(folders: &[&str]) -> World {
    let world = World::new();
    for folder in folders {
        found(&world, folder);
    }
    let roster = world.docket_ok(&[
        "-C",
        &at(&world, folders[0]),
        "roster",
        "show",
        "-o",
        "json",
    ]);
    let mut roster: Value = serde_json::from_str(&roster).unwrap();
    let key = world.docket_ok(&["key", "generate", "bot", "-o", "json"]);
    let key: Value = serde_json::from_str(&key).unwrap();
    roster["persons"] = serde_json::json!([
        {"id": "bot", "kind": "service", "roles": ["writer", "builder"], "keys": [spki(&key)]}
    ]);
    world.write("../org.json", &roster.to_string());
    world.write("../org.toml", POLICY);
    world
}

/// A key as rosters hold it: PEM's body is base64 of the DER.
fn spki(key: &Value) -> Value {
    let pem = key["pem"].as_str().unwrap().lines();
    let body: String = pem.filter(|line| !line.starts_with('-')).collect();
    serde_json::json!({"id": key["id"], "algorithm": "ed25519", "publicKey": body})
}

fn found(world: &World, folder: &str) {
    let path = at(world, folder);
    world.git(&["init", "-q", "-b", "main", &path]);
    std::fs::write(Path::new(&path).join("README"), folder).unwrap();
    world.git(&["-C", &path, "add", "."]);
    world.git(&["-C", &path, "commit", "-q", "-m", "first"]);
    let origin = format!("git.example.com/acme/{folder}");
    world.docket_ok(&["-C", &path, "init", "--origin", &origin]);
}

fn publish(world: &World, more: &[&str]) -> (i32, Value) {
    let words = [
        "org",
        "publish",
        "--roster",
        "../org.json",
        "--policy",
        "../org.toml",
    ];
    let ran = world.docket(&[&words[..], &["--origin", ORG, "-o", "json"], more].concat());
    (ran.code, serde_json::from_str(&ran.out).expect(&ran.err))
}

fn states(told: &Value) -> Vec<(&str, &str, &str)> {
    let told = told["repositories"].as_array().unwrap().iter();
    let word = |value: &'static str| value;
    told.map(|told| {
        let state = |what: &str| told[what]["state"].as_str().unwrap_or(word("none"));
        let name = told["repository"].as_str().unwrap();
        (
            name.rsplit('/').next().unwrap(),
            state("roster"),
            state("policy"),
        )
    })
    .collect()
}

#[test]
fn a_roster_and_a_policy_come_to_all_and_again_to_none() {
    let world = company(&["app", "lib"]);
    world.write("../list", "# ours\n../app\tan app\n\n../lib\n");
    let (code, told) = publish(&world, &["--from-file", "../list"]);
    assert_eq!(code, 0, "{told}");
    let published = [
        ("app", "published", "published"),
        ("lib", "published", "published"),
    ];
    assert_eq!(states(&told), published);
    for folder in ["app", "lib"] {
        let folder = at(&world, folder);
        let explained = world.docket(&["-C", &folder, "policy", "show"]).err;
        assert!(explained.contains("Step scan is required"), "{explained}");
        // The repository's own people stay, and the organisation's are known.
        world.docket_ok(&["-C", &folder, "run", "--step", "scan", "--", "true"]);
        world.docket_ok(&[
            "-C", &folder, "run", "--key", "bot", "--step", "build", "--", "true",
        ]);
        assert_eq!(world.docket(&["-C", &folder, "verify"]).code, 0);
    }
    let (code, told) = publish(&world, &["--from-file", "../list"]);
    let unchanged = [
        ("app", "unchanged", "unchanged"),
        ("lib", "unchanged", "unchanged"),
    ];
    assert_eq!((code, states(&told)), (0, unchanged.into()));
    assert_eq!(told["unchanged"], 2);
}

#[test]
fn one_that_fails_stops_no_other_and_an_interrupted_run_goes_on() {
    let world = company(&["app", "lib"]);
    std::fs::create_dir(at(&world, "bare-folder")).unwrap();
    // As if the run had ended between the two documents.
    let words = [
        "org",
        "publish",
        "--roster",
        "../org.json",
        "--origin",
        ORG,
        "../app",
    ];
    world.docket_ok(&words);
    let (code, told) = publish(&world, &["../app", "../bare-folder", "../lib", "app"]);
    assert_eq!(code, 5, "{told}");
    assert_eq!(told["failed"], 2);
    let expected = [
        ("app", "unchanged", "published"),
        ("bare-folder", "none", "none"),
        ("lib", "published", "published"),
        ("app", "none", "none"),
    ];
    assert_eq!(states(&told), expected);
    // A folder inside a repository is not taken for it.
    std::fs::create_dir(world.repo().join("inside")).unwrap();
    let (code, told) = publish(&world, &["inside"]);
    assert_eq!(code, 5);
    let error = told["repositories"][0]["error"].as_str().unwrap();
    assert!(error.contains("is no repository; it is inside"), "{error}");
}

#[test]
fn what_waits_for_signatures_is_not_made_again() {
    let world = company(&["app"]);
    let folder = at(&world, "app");
    let key = world.docket_ok(&["key", "generate", "ben", "-o", "json"]);
    let key: Value = serde_json::from_str(&key).unwrap();
    world.write("../ben.pem", key["pem"].as_str().unwrap());
    let two = at(&world, "two");
    world.git(&["clone", "-q", &folder, &two]);
    world.git(&["-C", &two, "remote", "remove", "origin"]);
    let init = [
        "-C",
        &two,
        "init",
        "--origin",
        "git.example.com/acme/two",
        "--threshold",
        "2",
    ];
    let pem = at(&world, "ben.pem");
    world.git(&["-C", &two, "rm", "-q", ".docket.toml", "--ignore-unmatch"]);
    world.docket_ok(&[&init[..], &["--root", &format!("ben={pem}")]].concat());
    world.docket_ok(&["-C", &two, "cosign", "--key", "ben"]);
    let (code, told) = publish(&world, &["../two"]);
    assert_eq!(
        (code, states(&told)),
        (3, vec![("two", "waiting", "waiting")]),
        "{told}"
    );
    let size = || {
        world
            .docket_ok(&["-C", &two, "log", "-o", "json"])
            .lines()
            .count()
    };
    let before = size();
    let (code, told) = publish(&world, &["../two"]);
    assert_eq!(
        (code, states(&told)),
        (3, vec![("two", "waiting", "waiting")]),
        "{told}"
    );
    assert_eq!(size(), before);
}

#[test]
fn what_is_named_by_a_url_is_cloned_and_pushed() {
    let world = company(&["app"]);
    let (folder, server) = (at(&world, "app"), at(&world, "server.git"));
    world.git(&["init", "-q", "--bare", "-b", "main", &server]);
    world.git(&["-C", &folder, "remote", "add", "origin", &server]);
    world.git(&["-C", &folder, "push", "-q", "origin", "main"]);
    world.docket_ok(&["-C", &folder, "push"]);
    let root = world.root().display().to_string();
    let url = format!("file://{root}/{{}}.git");
    let list = ["--from-command", "echo server", "--url", &url];
    let (code, told) = publish(&world, &list);
    assert_eq!(code, 5, "a folder for clones is wanted: {told}");
    let list = [&list[..], &["--clones", "../clones"]].concat();
    let (code, told) = publish(&world, &list);
    assert_eq!(
        (code, &told["repositories"][0]["landed"]),
        (0, &2.into()),
        "{told}"
    );
    world.docket_ok(&["-C", &folder, "fetch"]);
    let shown = world.docket(&["-C", &folder, "policy", "show"]);
    assert!(shown.err.contains("Step scan is required"), "{}", shown.err);
    let (code, told) = publish(&world, &list);
    assert_eq!(
        (code, states(&told)),
        (0, vec![("server.git", "unchanged", "unchanged")])
    );
}

#[test]
fn hostile_names_are_refused() {
    let world = company(&["app"]);
    let words = [
        "org",
        "publish",
        "--roster",
        "../org.json",
        "--origin",
        ORG,
        "--from-command",
    ];
    for (command, said) in [
        ("echo --upload-pack=touch", "begins with a hyphen"),
        ("echo 'ext::sh -c touch% owned'", "transport of its own"),
        ("printf 'a\\033[2Jb'", "control characters"),
        ("true", "no repository is named"),
    ] {
        let ran = world.docket(&[&words[..], &[command, "--clones", "../clones"]].concat());
        assert_eq!(ran.code, 2, "{command}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
    }
    let ran = world.docket(&[&words[..], &["exit 7"]].concat());
    assert_eq!(ran.code, 5, "{}", ran.err);
}
