//! Many writers at one moment, each a fresh clone and a process of its own: whatever the remote does, every entry is
//! in the ledger or in an inbox, after one fold all are in the ledger, and none is there twice.
//!
//! 16 writers; `DOCKET_WRITERS=48` for more. Each has a machine of its own, that is: a state folder, so that no two take
//! turns there.

#[path = "common/mod.rs"]
mod common;

use std::env;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use common::http::{Habits, Server};
use common::server::{FORMATS, at, docket, git, hook, ok, served, step, steps, tip};
use common::world::{Ran, World};

fn writers() -> usize {
    let set = env::var("DOCKET_WRITERS").ok();
    set.map_or(16, |set| set.parse().expect("a number"))
}

/// Each writer clones from `url` and records one step.
fn ready(world: &World, url: &str, writers: usize) {
    for n in 0..writers {
        let folder = format!("writer{n}");
        world.git(&["clone", "-q", url, &at(world, &folder)]);
        step(world, &folder, &format!("step{n}"));
    }
}

/// All push at once, with these flags, each from a machine of its own.
fn push(world: &World, writers: usize, flags: &[&str]) -> Vec<Ran> {
    push_from(world, writers, flags, |n| format!("machine{n}"))
}

/// All push at once, each from the machine that `machine` names.
fn push_from(
    world: &World,
    writers: usize,
    flags: &[&str],
    machine: impl Fn(usize) -> String,
) -> Vec<Ran> {
    let start = |n: usize| {
        let mut push = world.command(env!("CARGO_BIN_EXE_git-docket"));
        push.args(["-C", &at(world, &format!("writer{n}")), "push"]);
        push.args(flags);
        push.env("XDG_STATE_HOME", at(world, &machine(n)));
        push.stdout(Stdio::piped()).stderr(Stdio::piped());
        push.spawn().expect("it starts")
    };
    let children: Vec<_> = (0..writers).map(start).collect();
    let ended = children.into_iter().map(|child| child.wait_with_output());
    ended
        .map(|output| world.ran(&output.expect("it ends")))
        .collect()
}

/// After a fold, each writer's entry is in the ledger, once, and the ledger is sound.
fn all_are_in(world: &World, writers: usize) {
    ok(world, "repo", &["fold", "--tries", "50"]);
    ok(world, "repo", &["fetch"]);
    let mut found = steps(world, "repo");
    found.sort();
    let steps = (0..writers).map(|n| format!("step{n}"));
    let mut expected: Vec<String> = steps.chain(["genesis".to_owned()]).collect();
    expected.sort();
    assert_eq!(found, expected);
    ok(world, "repo", &["verify"]);
    let refs = ["for-each-ref", "--format=%(refname)", "refs/docket/inbox"];
    assert_eq!(git(world, "server.git", &refs), "", "inboxes that stay");
}

fn http(world: &World, habits: Habits) -> Server {
    git(world, "server.git", &["config", "http.receivepack", "true"]);
    Server::start(world.root(), habits)
}

#[test]
fn over_files_all_land() {
    for (format, writers) in [(FORMATS[0], writers()), (FORMATS[1], 8)] {
        let world = served(format);
        ready(&world, &at(&world, "server.git"), writers);
        for ran in push(&world, writers, &["--tries", "200", "--time", "300"]) {
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        }
        all_are_in(&world, writers);
    }
}

#[test]
fn over_http_all_land() {
    let (world, writers) = (served("sha1"), writers());
    let server = http(&world, Habits::default());
    ready(&world, &server.url("server.git"), writers);
    for ran in push(&world, writers, &["--tries", "200", "--time", "300"]) {
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    all_are_in(&world, writers);
}

#[test]
fn those_on_one_machine_take_turns() {
    let (world, writers) = (served("sha1"), 8);
    ready(&world, &at(&world, "server.git"), writers);
    // One try is enough for each, however slow the server is.
    hook(&world, "pre-receive", "sleep 0.1");
    let one = |_| "machine".to_owned();
    for ran in push_from(&world, writers, &["--tries", "1"], one) {
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    all_are_in(&world, writers);
}

#[test]
fn one_push_carries_what_others_on_the_machine_wait_with_and_nothing_else() {
    let (world, writers) = (served("sha1"), 8);
    ready(&world, &at(&world, "server.git"), writers);
    let one = |_| "machine".to_owned();
    for ran in push_from(&world, 1, &[], one) {
        assert_eq!(ran.out, "origin: 1 entries landed\n", "{}", ran.err);
    }
    // What somebody else put there: no lines of a spool, and lines for another step than was signed for.
    let beside = fs::read_dir(at(&world, "machine/git-docket/pushing")).expect("made by a push");
    let mut beside = beside.map(|file| file.expect("listed").path());
    let waiting = beside.find(|path| path.is_dir()).expect("a folder");
    ok(&world, "writer1", &["spool", "export", &at(&world, "one")]);
    let line = fs::read_to_string(at(&world, "one")).expect("exported");
    let forged = line.replace(r#""step":"step1""#, r#""step":"evil""#);
    for (name, text) in [("junk", "{}\n"), ("empty", ""), ("forged", &forged)] {
        fs::write(waiting.join(name), text).expect("written");
    }
    // While the first is in the server's hands the others wait.
    hook(&world, "pre-receive", "echo x >> pushes\nsleep 1");
    let ended = push_from(&world, writers, &[], one);
    for ran in &ended[1..] {
        assert_eq!(ran.out, "origin: 1 entries landed\n", "{}", ran.err);
    }
    let pushes = fs::read_to_string(at(&world, "server.git/pushes")).expect("counted");
    assert!(pushes.lines().count() < 5, "{pushes}");
    all_are_in(&world, writers);
    let mut left: Vec<_> = fs::read_dir(&waiting)
        .expect("listed")
        .map(|file| file.expect("listed").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["empty", "forged", "junk"]);
}

#[test]
fn those_that_give_up_leave_an_inbox() {
    let (world, writers) = (served("sha1"), writers());
    // Long enough in the server's hands that others come in between.
    hook(&world, "pre-receive", "sleep 0.2");
    ready(&world, &at(&world, "server.git"), writers);
    let ended = push(&world, writers, &["--tries", "1"]);
    for ran in &ended {
        assert!(matches!(ran.code, 0 | 6), "{}{}", ran.out, ran.err);
    }
    assert!(ended.iter().any(|ran| ran.code == 6), "nobody gave up");
    all_are_in(&world, writers);
}

#[test]
fn over_connections_that_break_nothing_is_lost() {
    let (world, writers) = (served("sha1"), 8);
    let server = http(&world, Habits::default());
    ready(&world, &server.url("server.git"), writers);
    server.behave(Habits {
        breaks_one_in: 6,
        delay: Duration::from_millis(5),
        ..Habits::default()
    });
    // A call of git that breaks ends its push (5), with all that waits kept.
    for ran in push(&world, writers, &["--tries", "50"]) {
        assert!(matches!(ran.code, 0 | 5 | 6), "{}{}", ran.out, ran.err);
    }
    server.behave(Habits::default());
    for n in 0..writers {
        ok(&world, &format!("writer{n}"), &["push", "--tries", "50"]);
    }
    all_are_in(&world, writers);
}

/// A server with the ledger, and how its writers reach it: by path, or over HTTP.
fn by_path_and_http() -> [(World, Option<Server>); 2] {
    let (one, other) = (served("sha1"), served("sha256"));
    let server = http(&other, Habits::default());
    [(one, None), (other, Some(server))]
}

fn address(world: &World, server: Option<&Server>) -> String {
    server.map_or_else(
        || at(world, "server.git"),
        |server| server.url("server.git"),
    )
}

#[test]
fn a_hook_that_refuses_is_no_contention() {
    for (world, server) in by_path_and_http() {
        ready(&world, &address(&world, server.as_ref()), 8);
        hook(&world, "pre-receive", "echo 'closed today' >&2; exit 1");
        for ran in push(&world, 8, &["--tries", "50"]) {
            assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
            assert!(ran.err.contains("closed today"), "{}", ran.err);
        }
        hook(&world, "pre-receive", "exit 0");
        for n in 0..8 {
            let ran = docket(&world, &format!("writer{n}"), &["push"]);
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        }
        all_are_in(&world, 8);
    }
}

#[test]
fn behind_a_hook_that_delays_all_land() {
    for (world, server) in by_path_and_http() {
        ready(&world, &address(&world, server.as_ref()), 8);
        hook(&world, "pre-receive", "sleep 0.1");
        for ran in push(&world, 8, &["--tries", "200", "--time", "300"]) {
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        }
        all_are_in(&world, 8);
    }
}

/// Has one of git's services answered from a copy of the server that is made now.
fn pretend(world: &World, server: Option<&Server>, writers: usize, service: &'static str) {
    let pretended = at(world, "pretended");
    fs::create_dir(&pretended).expect("made");
    let copy = format!("{pretended}/server.git");
    world.run("cp", &["-r", &at(world, "server.git"), &copy]);
    if let Some(server) = server {
        return server.behave(Habits {
            instead: Some((service, pretended.into())),
            ..Habits::default()
        });
    }
    let script = at(world, "pretend");
    fs::write(&script, format!("#!/bin/sh\nexec {service} '{copy}'\n")).expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, executable).expect("made executable");
    let key = format!("remote.origin.{}", service[4..].replace('-', ""));
    for n in 0..writers {
        git(world, &format!("writer{n}"), &["config", &key, &script]);
    }
}

/// Ends it.
fn come_clean(world: &World, server: Option<&Server>, writers: usize, service: &str) {
    if let Some(server) = server {
        return server.behave(Habits::default());
    }
    let key = format!("remote.origin.{}", service[4..].replace('-', ""));
    for n in 0..writers {
        git(world, &format!("writer{n}"), &["config", "--unset", &key]);
    }
}

/// Eight push to a server that pretends; none is told that its entry landed, and afterwards all land.
fn nobody_is_fooled(service: &'static str) {
    for (world, server) in by_path_and_http() {
        let server = server.as_ref();
        ready(&world, &address(&world, server), 8);
        let before = tip(&world);
        pretend(&world, server, 8, service);
        let ended = push(&world, 8, &["--tries", "20"]);
        for ran in &ended {
            assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
        }
        let lied_to = |ran: &&Ran| ran.err.contains("said that it took");
        assert_eq!(ended.iter().filter(lied_to).count(), 1, "{ended:?}");
        // A liar keeps nothing; one that shows an old head has kept one.
        assert_eq!(tip(&world) == before, service == "git-receive-pack");
        come_clean(&world, server, 8, service);
        for ran in push(&world, 8, &["--tries", "200", "--time", "300"]) {
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        }
        all_are_in(&world, 8);
    }
}

#[test]
fn a_remote_that_lies_about_success_fools_nobody() {
    nobody_is_fooled("git-receive-pack");
}

#[test]
fn a_remote_that_shows_a_frozen_head_fools_nobody() {
    nobody_is_fooled("git-upload-pack");
}
