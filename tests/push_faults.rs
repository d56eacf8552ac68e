//! `push` where the file system fails or the process is killed: at one call of each kind, in our process and in every
//! git that it starts, the server's included. Afterwards the ledger verifies, what was recorded is in it or still waits,
//! and what was told to have landed has.

#[path = "common/mod.rs"]
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::server::{at, clone, docket, ok, served, step, steps};
use common::world::{Ran, World};

/// Each is counted and made to fail by itself. Not `getdents64`: git's `receive-pack` takes a folder that it cannot list for
/// an empty one, leaves the pushed objects behind and moves the ref all the same; such a server has nothing to read.
const CALLS: [&str; 9] = [
    "openat",
    "write",
    "fsync",
    "rename",
    "mkdir",
    "unlink",
    "link",
    "newfstatat",
    "ftruncate",
];
const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// Runs `push` in `writer` under strace, and what that wrote.
fn traced(world: &World, strace: &Path, options: &[&str]) -> (Ran, String) {
    let trace = world.root().join("trace");
    let mut command = world.command(strace);
    command.arg("-f").arg("-o").arg(&trace).args(options);
    command.arg(env!("CARGO_BIN_EXE_git-docket"));
    command.args(["-C", &at(world, "writer"), "push", "--tries", "2"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ran = Ran {
        // Killed, it has none.
        code: output.status.code().unwrap_or(-1),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    (ran, fs::read_to_string(trace).unwrap_or_default())
}

/// Removes the locks that the dead left behind, as their messages say that one should.
fn unlock(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten() {
        let path = file.expect("read").path();
        if path.is_dir() {
            unlock(&path);
        } else if path.extension().is_some_and(|kind| kind == "lock") {
            fs::remove_file(path).expect("removed");
        }
    }
}

/// Whether a step waits in the writer's spool or local ledger.
fn waits(world: &World, name: &str) -> bool {
    let spool = ok(world, "writer", &["spool", "list", "-o", "json"]);
    spool.contains(&format!("\"{name}\"")) || steps(world, "writer").iter().any(|s| s == name)
}

/// The most calls of a kind that one process makes: strace counts by process.
fn most(trace: &str, call: &str) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (process, what) = (words.next(), words.next().unwrap_or_default());
        if what.starts_with(&format!("{call}(")) {
            *counts.entry(process).or_insert(0) += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

/// All calls with `DOCKET_EVERY_CALL=1`; without, one of each kind for each fault.
#[test]
fn whichever_call_fails_a_push_loses_nothing_and_tells_no_lie() {
    let Some(strace) = peer::on_path("DOCKET_PEER_STRACE", "strace") else {
        return;
    };
    let world = served("sha1");
    clone(&world, "writer");
    ok(&world, "writer", &["fetch"]);
    step(&world, "writer", "first");
    let all = format!("trace={}", CALLS.join(","));
    let (ran, trace) = traced(&world, &strace, &["-e", &all]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let every = env::var_os("DOCKET_EVERY_CALL").is_some();
    let (mut recorded, mut felt) = (vec!["genesis".to_owned(), "first".to_owned()], 0);
    for (place, call) in CALLS.iter().enumerate() {
        let most = most(&trace, call);
        for (kind, fault) in FAULTS.iter().enumerate() {
            // Another one for each kind, from the first to the last.
            let one = 1 + (place * 7 + kind * 5) % most.max(1);
            let calls = if every { 1..=most } else { one..=one };
            for nth in calls {
                let name = format!("{call}-{nth}-{kind}");
                step(&world, "writer", &name);
                recorded.push(name.clone());
                let inject = format!("inject={call}:{fault}:when={nth}");
                let (ran, _) = traced(&world, &strace, &["-e", &inject]);
                felt += usize::from(ran.code != 0);
                assert!(!ran.err.contains("panicked"), "{name}: {}", ran.err);
                unlock(world.root());
                // What others see of it.
                let fetched = docket(&world, "repo", &["fetch"]);
                assert_eq!(fetched.code, 0, "{name}: {}", fetched.err);
                let landed = steps(&world, "repo").contains(&name);
                if ran.code == 0 && ran.out.contains("landed") && !ran.out.contains("not in its") {
                    assert!(landed, "{name}: told, and not there: {}", ran.out);
                }
                assert!(
                    landed || waits(&world, &name),
                    "{name} is lost: {}",
                    ran.err
                );
                for folder in ["repo", "writer"] {
                    let verified = docket(&world, folder, &["verify"]);
                    assert_eq!(verified.code, 0, "{name}: {}{}", verified.out, verified.err);
                }
            }
        }
    }
    assert!(felt >= 10, "only {felt} faults were felt");
    ok(&world, "writer", &["push", "--tries", "5"]);
    ok(&world, "repo", &["fold"]);
    ok(&world, "repo", &["fetch"]);
    let mut found = steps(&world, "repo");
    found.sort();
    recorded.sort();
    assert_eq!(found, recorded, "each once");
    ok(&world, "repo", &["verify"]);
}
