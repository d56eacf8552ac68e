//! `key rotate --ledger`, and the drills of the manual's page `keys`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::world::World;
use git_docket::manual;
use serde_json::Value;

const ORIGIN: &str = "git.example.com/acme/app";
const ROTATE: [&str; 3] = ["key", "rotate", "--ledger"];

fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", ORIGIN]);
    world
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn rotated(world: &World, more: &[&str]) -> Value {
    json(&world.docket_ok(&[&ROTATE[..], more, &["-o", "json"]].concat()))
}

fn sealed(world: &World) -> (u64, u64) {
    let verdict = json(&world.docket_ok(&["verify", "-o", "json"]));
    let size = |name: &str| verdict[name].as_u64().unwrap();
    (size("sealed"), size("size"))
}

#[test]
fn the_new_key_seals_and_appends_go_on() {
    let world = founded();
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    let first = rotated(&world, &[]);
    assert_eq!(first["inForce"], true);
    assert_eq!(first["sealed"], true);
    assert_eq!(sealed(&world), (5, 5), "the change and two signatures");
    world.docket_ok(&["run", "--step", "lint", "--", "true"]);
    assert_eq!(
        sealed(&world),
        (6, 6),
        "what is appended now, the new key seals"
    );
    let second = rotated(&world, &[]);
    assert_eq!(second["old"], first["new"]);
    assert_ne!(second["name"], first["name"]);
    assert_eq!(world.docket(&["verify"]).code, 0);
    let ran = world.docket(&["seal"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_key_that_is_not_here_must_be_declared_lost() {
    let world = founded();
    for file in fs::read_dir(keys(&world)).unwrap().map(Result::unwrap) {
        if file.file_name().to_string_lossy().starts_with("ledger-") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let ran = world.docket(&ROTATE);
    assert_eq!(ran.code, 5);
    assert!(
        ran.err.contains("not in this keyring") && ran.err.contains("--lost"),
        "{}",
        ran.err
    );
    assert_eq!(sealed(&world), (1, 1), "nothing was appended");
    let rotated = rotated(&world, &["--lost"]);
    assert_eq!(rotated["sealed"], true);
    assert_eq!(sealed(&world), (3, 3));
}

/// The folder of the keyring.
fn keys(world: &World) -> PathBuf {
    world.root().join("home/.local/share/git-docket/keys")
}

#[test]
fn with_two_root_keys_it_waits_for_the_second() {
    let mut world = World::new();
    let bob = world.root().join("bob").to_string_lossy().into_owned();
    world.set("XDG_DATA_HOME", &bob);
    let key = json(&world.docket_ok(&["key", "generate", "-o", "json"]));
    world.write("bob.pub.pem", key["pem"].as_str().unwrap());
    world.unset("XDG_DATA_HOME");
    let root = ["--root", "bob@example.com=bob.pub.pem", "--threshold", "2"];
    world.docket_ok(&[&["init", "--origin", ORIGIN], &root[..]].concat());
    world.set("XDG_DATA_HOME", &bob);
    world.docket_ok(&["cosign"]);
    world.unset("XDG_DATA_HOME");
    let change = rotated(&world, &[]);
    assert_eq!(
        (&change["inForce"], &change["sealed"]),
        (&Value::Bool(false), &Value::Bool(false))
    );
    let before = sealed(&world).0;
    world.set("XDG_DATA_HOME", &bob);
    let seq = change["seq"].to_string();
    let said = world.docket_ok(&["cosign", &seq]);
    assert!(said.contains("(ledger-key): in force"), "{said}");
    assert_eq!(world.docket(&["seal"]).code, 5, "bob has no ledger key");
    world.unset("XDG_DATA_HOME");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    assert_eq!(sealed(&world).0, before, "nothing is sealed by the old key");
    world.docket_ok(&["seal"]);
    let (sealed, size) = sealed(&world);
    assert_eq!(sealed, size);
}

#[test]
fn a_person_has_no_ledger_key_to_rotate() {
    let world = founded();
    assert_eq!(world.docket(&["key", "rotate"]).code, 2, "of what?");
    world.docket_ok(&["key", "generate", "mallory"]);
    let ran = world.docket(&[&ROTATE[..], &["--key", "mallory"]].concat());
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert_eq!(sealed(&world), (1, 1));
}

/// The commands of the page, as they stand there.
#[test]
fn the_drills_of_the_manual() {
    let world = founded();
    world.write(
        "scan.json",
        r#"{"attributes":[{"attribute":"NO_SECRETS"}]}"#,
    );
    world.commit("src", "work");
    let bob = json(&world.docket_ok(&["key", "generate", "bob", "-o", "json"]));
    world.write("bob.pub.pem", bob["pem"].as_str().unwrap());
    let add = [
        "roster", "add", "bob", "--kind", "human", "--role", "writer", "--role", "builder",
    ];
    world.docket_ok(&[&add[..], &["--public-key", "bob.pub.pem"]].concat());
    world.write("policy.toml", "version = 1\nprotected = [\"refs/heads/main\"]\n[[step]]\nname = \"test\"\ntypes = [\"scai\"]\nroles = [\"builder\"]\nrequired = true\n");
    world.docket_ok(&["policy", "publish", "policy.toml"]);
    let scan = [
        "attest",
        "--type",
        "scai",
        "--predicate",
        "scan.json",
        "--key",
        "bob",
        "--step",
    ];
    for step in ["scan", "test"] {
        world.docket_ok(&[&scan[..], &[step]].concat());
    }
    assert_eq!(world.docket(&["verify", "HEAD"]).code, 0);

    let page = manual::page("keys").unwrap();
    let blocks: Vec<&str> = page
        .split("```sh drill\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [revoke, again, rotate] = blocks[..] else {
        panic!("{} drills", blocks.len())
    };
    let said = |script: &str| {
        let bin = Path::new(env!("CARGO_BIN_EXE_git-docket"))
            .parent()
            .unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let output = world
            .command("sh")
            .args(["-ec", script])
            .env("PATH", path)
            .env("LEAKED", bob["id"].as_str().unwrap())
            .env("KEYS", keys(&world))
            .output()
            .unwrap();
        let ran = world.ran(&output);
        assert_eq!(ran.code, 0, "{script}\n{}{}", ran.out, ran.err);
        ran.out
    };
    said(revoke);
    let ran = world.docket(&["verify", "HEAD"]);
    assert_eq!(
        ran.code, 3,
        "what the key signed counts no more: {}",
        ran.out
    );
    assert!(ran.out.contains("key-revoked"), "{}", ran.out);
    let verified = said(again);
    assert!(verified.contains("attested-again"), "{verified}");
    assert_eq!(
        world
            .docket(&[
                "attest",
                "--step",
                "scan",
                "--type",
                "scai",
                "--predicate",
                "scan.json",
                "--key",
                "bob"
            ])
            .code,
        5
    );
    said(rotate);
    let (sealed, size) = sealed(&world);
    assert_eq!(sealed, size);
}
