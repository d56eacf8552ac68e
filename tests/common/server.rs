//! A founded ledger, the bare repository that serves it, and clones of that: folders of one world.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::world::{Ran, World};

/// Both object formats.
pub const FORMATS: [&str; 2] = ["sha1", "sha256"];

/// A founded ledger in `repo`, pushed to the bare repository `server.git` beside it.
pub fn served(format: &str) -> World {
    let world = World::with_format(format);
    world.commit("README", "hello\n");
    world.git(&[
        "init",
        "-q",
        "--bare",
        "-b",
        "main",
        "--object-format",
        format,
        &at(&world, "server.git"),
    ]);
    world.git(&["remote", "add", "origin", &at(&world, "server.git")]);
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&["add", ".docket.toml"]);
    world.git(&["commit", "-q", "-m", "Pin the ledger"]);
    world.git(&["push", "-q", "origin", "main"]);
    world.docket_ok(&["push"]);
    world
}

/// The path of a folder of the world.
pub fn at(world: &World, folder: &str) -> String {
    world.root().join(folder).display().to_string()
}

/// A fresh clone, with the ledger not fetched yet.
pub fn clone(world: &World, folder: &str) -> PathBuf {
    world.git(&["clone", "-q", &at(world, "server.git"), &at(world, folder)]);
    world.root().join(folder)
}

/// Runs `git docket` in a folder.
pub fn docket(world: &World, folder: &str, arguments: &[&str]) -> Ran {
    world.docket(&[&["-C", &at(world, folder)], arguments].concat())
}

/// Runs `git docket` in a folder, where it must pass.
pub fn ok(world: &World, folder: &str, arguments: &[&str]) -> String {
    let ran = docket(world, folder, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.out, ran.err);
    ran.out
}

/// Runs git in a folder, where it must pass.
pub fn git(world: &World, folder: &str, arguments: &[&str]) -> String {
    world.git(&[&["-C", &at(world, folder)], arguments].concat())
}

/// Records a step in a folder.
pub fn step(world: &World, folder: &str, step: &str) {
    ok(world, folder, &["-q", "run", "--step", step, "--", "true"]);
}

/// The steps in the ledger of a folder, oldest first.
pub fn steps(world: &World, folder: &str) -> Vec<String> {
    let log = ok(world, folder, &["log", "-o", "json"]);
    let mut steps: Vec<String> = log
        .lines()
        .map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
            entry["step"].as_str().expect("a step").to_owned()
        })
        .collect();
    steps.reverse();
    steps
}

/// Where the server's ledger stands.
pub fn tip(world: &World) -> String {
    let tip = git(world, "server.git", &["rev-parse", "refs/notes/docket"]);
    tip.trim().to_owned()
}

/// Moves the server's ledger, whatever it held.
pub fn set_tip(world: &World, to: &str) {
    git(
        world,
        "server.git",
        &["update-ref", "refs/notes/docket", to],
    );
}

/// Gives the server a hook.
pub fn hook(world: &World, name: &str, script: &str) {
    let path = world.root().join("server.git/hooks").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made executable");
}
