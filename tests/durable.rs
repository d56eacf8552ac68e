//! What was reported survives: the end of the process at any moment, failing disks, and others at work at once.

#[path = "common/mod.rs"]
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};

use common::world::World;

fn founded(format: &str) -> World {
    let world = World::with_format(format);
    world.commit("README", "hello\n");
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

/// An `attest` about to be run that says something nobody has said before.
fn attest(world: &World, unique: &str) -> Command {
    let predicate = format!("{unique}.json");
    world.write(
        &predicate,
        &format!(r#"{{"attributes":[{{"attribute":"{unique}"}}]}}"#),
    );
    let mut command = world.command(env!("CARGO_BIN_EXE_git-docket"));
    command
        .args([
            "attest",
            "--step",
            "scan",
            "--type",
            "scai",
            "--predicate",
            &predicate,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What each entry of the ledger says, by seq.
fn said(world: &World) -> Vec<String> {
    let log = world.docket_ok(&["log", "-o", "json"]);
    let entries = log.lines().map(|line| {
        let entry: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        entry["attestation"].as_str().unwrap_or_default().to_owned()
    });
    entries.collect()
}

/// The digest in a success line.
fn digest(out: &[u8]) -> Option<String> {
    let out = String::from_utf8_lossy(out).into_owned();
    let line = out.strip_suffix('\n')?;
    line.rsplit(' ').next().map(str::to_owned)
}

fn assert_sound(world: &World) {
    let ran = world.docket(&["verify"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn of_many_processes_at_once_every_entry_is_in() {
    for (format, processes, each) in [("sha1", 16, 20), ("sha256", 32, 1)] {
        let world = founded(format);
        let binary = env!("CARGO_BIN_EXE_git-docket");
        let script = format!(
            r#"set -e; for i in $(seq {each}); do
                echo "{{\"attributes\":[{{\"attribute\":\"$0-$i\"}}]}}" > "$0-$i.json"
                {binary} -q --fsync false attest --step scan --type scai --predicate "$0-$i.json"
            done"#
        );
        let children: Vec<Child> = (0..processes)
            .map(|n| {
                let mut shell = world.command("sh");
                shell.args(["-c", &script, &n.to_string()]);
                shell.stdout(Stdio::piped()).stderr(Stdio::piped());
                shell.spawn().expect("a shell can be started")
            })
            .collect();
        let mut reported = BTreeSet::new();
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{error}");
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            reported.extend(
                out.lines()
                    .filter_map(|line| digest(format!("{line}\n").as_bytes())),
            );
        }
        let said = said(&world);
        assert_eq!(reported.len(), processes * each);
        assert_eq!(said.len(), 1 + processes * each, "and the genesis");
        assert!(reported.iter().all(|digest| said.contains(digest)));
        assert_sound(&world);
    }
}

#[test]
fn whatever_was_reported_survives_a_kill_at_any_moment() {
    let world = founded("sha1");
    let lock = world.repo().join(".git/refs/notes/docket.lock");
    let began = std::time::Instant::now();
    let undisturbed = attest(&world, "undisturbed").output().expect("it runs");
    let one = began.elapsed();
    let mut reported: Vec<String> = digest(&undisturbed.stdout).into_iter().collect();
    let mut killed = 0;
    for n in 0..60_u32 {
        let mut child = attest(&world, &n.to_string()).spawn().expect("it starts");
        // From before the program reads its first byte to after it ended.
        std::thread::sleep(one * n / 40);
        let _ = child.kill();
        let output = child.wait_with_output().expect("it ends");
        killed += usize::from(!output.status.success());
        reported.extend(digest(&output.stdout));
        // A lock that the dead left behind stops nobody silently, and loses nothing.
        if lock.exists() {
            let ran = world.ran(
                &attest(&world, &format!("{n}-locked"))
                    .output()
                    .expect("it runs"),
            );
            assert_eq!(ran.code, 6, "{}", ran.err);
            assert!(ran.err.contains("remove "), "{}", ran.err);
            fs::remove_file(&lock).expect("it can be removed");
        }
    }
    assert!(killed > 0, "no process was killed before its end");
    world.docket_ok(&[
        "attest",
        "--step",
        "last",
        "--type",
        "scai",
        "--predicate",
        "0.json",
    ]);
    let said = said(&world);
    for digest in &reported {
        assert!(said.contains(digest), "{digest} was reported and is not in");
    }
    assert_sound(&world);
}

#[test]
fn a_lock_left_behind_keeps_the_entry_in_the_spool() {
    let world = founded("sha1");
    let lock = world.repo().join(".git/refs/notes/docket.lock");
    fs::write(&lock, "").expect("written");
    let ran = world.ran(&attest(&world, "a").output().expect("it runs"));
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(
        ran.out.starts_with("kept in the spool: scan on "),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("docket.lock"), "{}", ran.err);
    assert_eq!(said(&world).len(), 1);
    fs::remove_file(&lock).expect("removed");
    let ran = world.ran(&attest(&world, "b").output().expect("it runs"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        said(&world).len(),
        3,
        "genesis, the one that waited, the new one"
    );
    assert_sound(&world);
}

/// Runs one `attest` under strace, which writes what `calls` names to a file; none without strace.
fn traced(world: &World, unique: &str, options: &[&str]) -> Option<(std::process::Output, String)> {
    let strace = peer::on_path("DOCKET_PEER_STRACE", "strace")?;
    let trace = world.root().join("trace");
    let mut inner = attest(world, unique);
    let mut command = world.command(strace);
    command.args(["-f", "-y", "-s", "256", "-o"]).arg(&trace);
    command
        .args(options)
        .arg(inner.get_program())
        .args(inner.get_args());
    inner.stdout(Stdio::null());
    let output = command.output().expect("it runs");
    let trace = fs::read_to_string(trace).unwrap_or_default();
    Some((output, trace))
}

#[test]
fn syncs_come_before_the_success_line_unless_switched_off() {
    let mut world = founded("sha1");
    let calls = [
        "-e",
        "trace=fsync,fdatasync,rename,renameat,renameat2,write",
    ];
    let Some((output, trace)) = traced(&world, "on", &calls) else {
        return;
    };
    assert!(output.status.success());
    let place = |what: &dyn Fn(&str) -> bool| {
        let place = trace.lines().position(what);
        place.unwrap_or_else(|| panic!("not in the trace:\n{trace}"))
    };
    let is_sync = |line: &str| line.contains("sync(");
    let object = place(&|line| is_sync(line) && line.contains(".git/objects/"));
    let lock = place(&|line| is_sync(line) && line.contains("docket.lock>"));
    let moved = place(&|line| line.contains("rename") && line.contains("docket.lock"));
    let folder = place(&|line| is_sync(line) && line.contains("refs/notes>"));
    let told = place(&|line| line.contains("write(1") && line.contains("entry 1, "));
    assert!(
        object < lock && lock < moved && moved < folder && folder < told,
        "{trace}"
    );

    world.set("DOCKET_FSYNC", "false");
    let (output, trace) = traced(&world, "off", &calls).expect("strace was there before");
    assert!(output.status.success());
    assert!(!trace.lines().any(is_sync), "{trace}");
    assert_eq!(said(&world).len(), 3);
    assert_sound(&world);
}

/// Each call that touches a file fails once, or is the last that the process makes. All of them with
/// `DOCKET_EVERY_CALL=1`, every so many without.
#[test]
fn whichever_call_fails_nothing_reported_is_lost() {
    const CALLS: &str =
        "openat,write,fsync,rename,renameat,renameat2,mkdir,unlink,link,linkat,ftruncate";
    let world = founded("sha1");
    let Some((_, trace)) = traced(&world, "count", &["-e", &format!("trace={CALLS}")]) else {
        return;
    };
    let calls = trace.lines().filter(|line| line.contains('(')).count();
    assert!(calls > 50, "{trace}");
    let step = match std::env::var_os("DOCKET_EVERY_CALL") {
        Some(_) => 1,
        None => calls / 12,
    };
    let lock = world.repo().join(".git/refs/notes/docket.lock");
    let mut reported = Vec::new();
    let (mut failed, mut known) = (0, said(&world).len());
    for (kind, fault) in ["error=EIO", "error=ENOSPC", "signal=KILL"]
        .iter()
        .enumerate()
    {
        for call in (1 + kind..=calls).step_by(step) {
            let inject = format!("inject={CALLS}:{fault}:when={call}");
            let unique = format!("{kind}-{call}");
            let (output, _) =
                traced(&world, &unique, &["-e", &inject]).expect("strace was there before");
            failed += usize::from(!output.status.success());
            let told = digest(&output.stdout).filter(|text| text.starts_with("sha256:"));
            if lock.exists() {
                fs::remove_file(&lock).expect("removed");
            }
            let now = said(&world);
            assert!(now.len() >= known, "{unique}: entries were lost");
            known = now.len();
            if let Some(told) = told {
                let spool = world.docket_ok(&["spool", "list"]);
                let hex = &told["sha256:".len()..];
                assert!(
                    now.contains(&told) || spool.contains(hex),
                    "{unique}: {told}"
                );
                reported.push(told);
            }
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!error.contains("panicked"), "{unique}: {error}");
        }
    }
    assert!(failed > 10, "only {failed} faults were felt");
    assert_sound(&world);
}
