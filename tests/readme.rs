//! README's blocks run as they stand: in a fresh repository, with an empty home and this program on the path.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{env, fs, path::Path, process::Command};

#[test]
fn the_blocks_run() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks: Vec<_> = readme
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let (two_commands, rest) = blocks.split_first().unwrap();
    let commands: Vec<_> = two_commands
        .lines()
        .map(|line| line.split('#').next().unwrap().trim())
        .collect();
    assert_eq!(
        commands,
        ["cargo run --release -- demo", "cargo test"],
        "CI runs these two"
    );
    assert!(rest.len() >= 3, "the five minutes were not found");

    let world = tempfile::tempdir().unwrap();
    let repo = world.path().join("repo");
    fs::create_dir(&repo).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_git-docket"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", program.display(), env::var("PATH").unwrap());
    let prelude = "set -eu\ngit init -q -b main\ngit config user.name Ada\n\
        git config user.email ada@example.com\necho hello > hello\ngit add hello\ngit commit -qm hello\n";
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("{prelude}{}", rest.concat()))
        .current_dir(&repo)
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    assert_eq!(out.matches("\npass: ").count(), 3, "{out}\n{err}");
}
