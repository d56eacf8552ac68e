//! One `attest` as a process against `git notes append` with the same durability, on the same ledger; the same at
//! 1,000 and 100,000 entries; and start-up against git's.
//!
//! `cargo bench --bench append`

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on stops where it stands"
)]

mod common;

use std::{
    cell::Cell,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use common::{report, side_by_side, timed};

const ROUNDS: usize = 40;

fn main() {
    let (small, large) = (
        common::repository(1_000),
        common::repository(common::entries()),
    );
    let mut times = Vec::new();
    for folder in [&small, &large] {
        let n = Cell::new(0_u64);
        let [ours, theirs] = side_by_side(
            ROUNDS,
            [&mut || attest(folder, &n), &mut || notes_append(folder, &n)],
        );
        let name = folder.file_name().unwrap().to_string_lossy();
        report(
            &format!("attest on {name} against git notes append"),
            ours,
            theirs,
            1.2,
        );
        times.push(ours);
    }
    report(
        "attest on the large ledger against the small one",
        times[1],
        times[0],
        1.2,
    );
    let [ours, theirs] = side_by_side(
        200,
        [
            &mut || run(Command::new(env!("CARGO_BIN_EXE_git-docket")).arg("--version")),
            &mut || run(Command::new("git").arg("--version")),
        ],
    );
    report(
        "git-docket --version against git --version",
        ours,
        theirs,
        2.0,
    );
}

/// Both begin each time where the generated ledger ends, or the commit's note would grow without end; git appends to a
/// ref of its own.
fn reset(folder: &Path) {
    for name in ["refs/notes/docket", "refs/notes/plain"] {
        common::git(folder, &["update-ref", name, "refs/docket/generated"]);
    }
}

fn attest(folder: &Path, n: &Cell<u64>) -> Duration {
    reset(folder);
    n.set(n.get() + 1);
    let unique = std::process::id();
    let predicate = format!(
        r#"{{"attributes":[{{"attribute":"{unique}-{}"}}]}}"#,
        n.get()
    );
    fs::write(folder.join("scan.json"), predicate).unwrap();
    let arguments = [
        "attest",
        "--step",
        "scan",
        "--type",
        "scai",
        "--predicate",
        "scan.json",
        "--key",
        "key.pem",
    ];
    run(Command::new(env!("CARGO_BIN_EXE_git-docket"))
        .args(arguments)
        .current_dir(folder))
}

fn notes_append(folder: &Path, n: &Cell<u64>) -> Duration {
    reset(folder);
    // What one entry of ours adds.
    let text = format!("{}-{} {}", std::process::id(), n.get(), "x".repeat(1_700));
    let arguments = [
        "-c",
        "core.fsync=all",
        "notes",
        "--ref",
        "plain",
        "append",
        "-m",
        &text,
    ];
    run(Command::new("git").args(arguments).current_dir(folder))
}

fn run(command: &mut Command) -> Duration {
    let (time, out) = timed(|| command.stdin(Stdio::null()).output().unwrap());
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    time
}
