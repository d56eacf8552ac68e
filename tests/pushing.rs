//! Many writers, one remote: nothing lost, nothing doubled, nobody forced; and remotes that lie, refuse or forget.

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use common::server::{FORMATS, at, clone, docket, hook, ok, served, set_tip, step, steps, tip};
use common::world::World;

#[test]
fn what_one_pushes_another_fetches() {
    for format in FORMATS {
        let world = served(format);
        clone(&world, "other");
        let ran = docket(&world, "other", &["fetch"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        step(&world, "other", "build");
        let before = tip(&world);
        assert_eq!(ok(&world, "other", &["push"]), "origin: 1 entries landed\n");
        assert_ne!(tip(&world), before);
        assert_eq!(ok(&world, "other", &["push"]), "origin: 0 entries landed\n");
        let fetched = ok(&world, "repo", &["fetch"]);
        assert_eq!(
            fetched,
            "origin: 2 entries, 0 sealed, 1 new here; 0 of ours not there yet\n"
        );
        assert_eq!(steps(&world, "repo"), ["genesis", "build"]);
        ok(&world, "repo", &["verify"]);
    }
}

#[test]
fn what_was_recorded_meanwhile_goes_on_top() {
    for format in FORMATS {
        let world = served(format);
        clone(&world, "other");
        ok(&world, "other", &["fetch"]);
        step(&world, "other", "theirs");
        step(&world, "repo", "ours");
        ok(&world, "other", &["push"]);
        let digest = ok(&world, "repo", &["log", "-o", "json"]);
        let fetched = ok(&world, "repo", &["fetch"]);
        assert!(
            fetched.ends_with("1 new here; 1 of ours not there yet\n"),
            "{fetched}"
        );
        assert_eq!(steps(&world, "repo"), ["genesis", "theirs"]);
        ok(&world, "repo", &["push"]);
        assert_eq!(steps(&world, "repo"), ["genesis", "theirs", "ours"]);
        // The attestation is the one signed before: only its link is new.
        let entry: serde_json::Value =
            serde_json::from_str(digest.lines().next().expect("a line")).expect("JSON");
        let after = ok(&world, "repo", &["log", "-o", "json"]);
        assert!(after.contains(entry["attestation"].as_str().expect("a digest")));
        ok(&world, "repo", &["verify"]);
    }
}

#[test]
fn a_clone_without_the_ledger_spools_and_pushes() {
    let world = served("sha1");
    clone(&world, "fresh");
    step(&world, "fresh", "build");
    step(&world, "fresh", "test");
    let listed = ok(&world, "fresh", &["spool", "list"]);
    assert_eq!(listed.lines().count(), 2, "{listed}");
    ok(&world, "fresh", &["push"]);
    assert_eq!(
        ok(&world, "fresh", &["log", "-o", "json"]).lines().count(),
        3
    );
    // Five jobs on five machines: what they export, one takes along.
    for n in 0..5 {
        let folder = format!("machine{n}");
        clone(&world, &folder);
        step(&world, &folder, &format!("job{n}"));
        ok(
            &world,
            &folder,
            &["spool", "export", &at(&world, &format!("{n}.jsonl"))],
        );
    }
    clone(&world, "last");
    for n in 0..5 {
        ok(
            &world,
            "last",
            &["-q", "spool", "import", &at(&world, &format!("{n}.jsonl"))],
        );
    }
    ok(&world, "last", &["push"]);
    let steps: BTreeSet<String> = steps(&world, "last").into_iter().collect();
    assert!(
        (0..5).all(|n| steps.contains(&format!("job{n}"))),
        "{steps:?}"
    );
    ok(&world, "last", &["verify"]);
}

#[test]
fn a_refusal_is_told_in_the_servers_words_and_loses_nothing() {
    let world = served("sha1");
    step(&world, "repo", "build");
    let before = tip(&world);
    hook(&world, "pre-receive", "echo 'not on a Sunday' >&2; exit 1");
    let ran = docket(&world, "repo", &["push"]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("not on a Sunday"), "{}", ran.err);
    assert_eq!(tip(&world), before);
    fs::remove_file(world.root().join("server.git/hooks/pre-receive")).expect("removed");
    ok(&world, "repo", &["push"]);
    assert_ne!(tip(&world), before);
}

#[test]
fn a_server_that_says_yes_and_keeps_nothing_is_found_out() {
    let world = served("sha1");
    step(&world, "repo", "build");
    let before = tip(&world);
    hook(
        &world,
        "post-receive",
        &format!("git update-ref refs/notes/docket {before}"),
    );
    let ran = docket(&world, "repo", &["push"]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("said that it took"), "{}", ran.err);
    fs::remove_file(world.root().join("server.git/hooks/post-receive")).expect("removed");
    ok(&world, "repo", &["push"]);
}

#[test]
fn when_the_bound_is_reached_an_inbox_carries_what_waits() {
    let world = served("sha1");
    step(&world, "repo", "build");
    let ran = docket(&world, "repo", &["push", "--tries", "0"]);
    assert_eq!(ran.code, 6, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("refs/docket/inbox/"), "{}", ran.out);
    let inboxes = world.git(&["ls-remote", "origin", "refs/docket/inbox/*"]);
    assert_eq!(inboxes.lines().count(), 1);
    // Again: the same inbox, not a second one. And nothing was taken away here.
    assert_eq!(docket(&world, "repo", &["push", "--tries", "0"]).code, 6);
    assert_eq!(
        world.git(&["ls-remote", "origin", "refs/docket/inbox/*"]),
        inboxes
    );
    ok(&world, "repo", &["push"]);
    assert_eq!(steps(&world, "repo"), ["genesis", "build"]);
}

#[test]
fn a_remote_that_went_back_is_refused_and_nothing_here_moves() {
    for format in FORMATS {
        let world = served(format);
        clone(&world, "other");
        ok(&world, "other", &["fetch"]);
        let old = tip(&world);
        step(&world, "repo", "build");
        ok(&world, "repo", &["push"]);
        ok(&world, "repo", &["seal"]);
        ok(&world, "repo", &["push"]);
        ok(&world, "other", &["fetch"]);
        let here = world.git(&["-C", &at(&world, "other"), "rev-parse", "refs/notes/docket"]);
        for (what, to) in [("rolled back", old.as_str()), ("gone", "")] {
            if to.is_empty() {
                world.git(&[
                    "-C",
                    &at(&world, "server.git"),
                    "update-ref",
                    "-d",
                    "refs/notes/docket",
                ]);
            } else {
                set_tip(&world, to);
            }
            for verb in ["fetch", "push"] {
                let ran = docket(&world, "other", &[verb]);
                assert_eq!(ran.code, 4, "{what}, {verb}: {}{}", ran.out, ran.err);
            }
            let now = world.git(&["-C", &at(&world, "other"), "rev-parse", "refs/notes/docket"]);
            assert_eq!(now, here, "{what}");
        }
    }
}

#[test]
fn another_ledger_under_the_same_ref_is_refused() {
    let world = served("sha1");
    clone(&world, "other");
    ok(&world, "other", &["fetch"]);
    let founder = World::with_format("sha1");
    founder.commit("README", "other\n");
    founder.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&[
        "-C",
        &at(&world, "server.git"),
        "fetch",
        "-q",
        &founder.repo().display().to_string(),
        "+refs/notes/docket:refs/notes/docket",
    ]);
    let ran = docket(&world, "other", &["fetch"]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("pin-mismatch"), "{}", ran.err);
}

#[test]
fn a_remote_without_a_ledger_or_that_cannot_be_reached_is_an_error() {
    let world = served("sha1");
    world.git(&["init", "-q", "--bare", &at(&world, "empty.git")]);
    world.git(&["remote", "add", "empty", &at(&world, "empty.git")]);
    world.git(&["remote", "add", "nowhere", &at(&world, "nowhere.git")]);
    for remote in ["empty", "nowhere"] {
        let ran = docket(&world, "repo", &["fetch", "--remote", remote]);
        assert_eq!(ran.code, 5, "{remote}: {}{}", ran.out, ran.err);
    }
    ok(&world, "repo", &["push", "--remote", "empty"]);
    ok(&world, "repo", &["fetch", "--remote", "empty"]);
    let alone = World::new();
    assert_eq!(alone.docket(&["fetch"]).code, 2);
}

/// An inbox on the server whose file holds this.
fn inbox(world: &World, id: &str, text: &str) {
    let server = at(world, "server.git");
    let script = format!(
        r#"blob=$(git -C {server} hash-object -w --stdin)
        tree=$(printf '100644 blob %s\tattestations\n' $blob | git -C {server} mktree)
        commit=$(git -C {server} commit-tree -m x $tree)
        git -C {server} update-ref refs/docket/inbox/{id} $commit"#
    );
    let mut shell = world.command("sh");
    shell
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = shell.spawn().expect("a shell can be started");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut pipe, text.as_bytes()).expect("written");
    drop(pipe);
    let ran = world.ran(&child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

fn inboxes(world: &World) -> usize {
    world
        .git(&["ls-remote", "origin", "refs/docket/inbox/*"])
        .lines()
        .count()
}

#[test]
fn an_inbox_is_folded_once_and_its_writer_finds_the_entry() {
    for format in FORMATS {
        let world = served(format);
        step(&world, "repo", "build");
        assert_eq!(docket(&world, "repo", &["push", "--tries", "0"]).code, 6);
        clone(&world, "folder");
        let told = ok(&world, "folder", &["fold"]);
        assert_eq!(told, "1 inboxes folded, 1 entries added\n");
        assert_eq!(inboxes(&world), 0);
        assert_eq!(
            ok(&world, "folder", &["fold"]),
            "0 inboxes folded, 0 entries added\n"
        );
        assert_eq!(ok(&world, "repo", &["push"]), "origin: 0 entries landed\n");
        assert_eq!(steps(&world, "repo"), ["genesis", "build"]);
        ok(&world, "repo", &["verify"]);
    }
}

#[test]
fn a_spool_whose_lines_were_moved_to_another_step_or_commit_is_refused_whole() {
    let world = served("sha1");
    step(&world, "repo", "build");
    clone(&world, "signer");
    step(&world, "signer", "good");
    let export = at(&world, "good.jsonl");
    ok(&world, "signer", &["spool", "export", &export]);
    let good = fs::read_to_string(&export).expect("exported");
    let named: serde_json::Value = serde_json::from_str(&good).expect("JSON");
    let head = named["commit"].as_str().expect("a commit");
    let other = format!("sha1:{}", "f".repeat(40));
    for moved in [
        good.replace(r#""step":"good""#, r#""step":"evil""#),
        good.replace(head, &other),
    ] {
        assert_ne!(moved, good);
        fs::write(&export, format!("{good}{moved}")).expect("written");
        let refused = docket(&world, "repo", &["spool", "import", &export]);
        assert_eq!(refused.code, 5, "{}", refused.err);
        let said = refused.err;
        assert!(
            said.contains("line 2") && said.contains("step good"),
            "{said}"
        );
        assert_eq!(ok(&world, "repo", &["spool", "list"]), "nothing waits\n");
        assert_eq!(steps(&world, "repo"), ["genesis", "build"]);
    }
}

#[test]
fn a_hostile_inbox_neither_enters_nor_stops_the_others() {
    let world = served("sha1");
    step(&world, "repo", "build");
    let export = at(&world, "good.jsonl");
    clone(&world, "signer");
    step(&world, "signer", "good");
    ok(&world, "signer", &["spool", "export", &export]);
    let good = fs::read_to_string(&export).expect("exported");
    inbox(&world, "00good", &good);
    let mut hostile = vec![
        ("malformed", "{\n".to_owned()),
        ("empty", String::new()),
        ("step", good.replace(r#""step":"good""#, r#""step":"evil""#)),
        ("binary", "\u{0}".repeat(100)),
    ];
    // The same person founds another ledger, and a stranger signs for this one.
    let foreign = World::new();
    foreign.docket_ok(&["init", "--origin", "git.example.com/acme/other"]);
    foreign.docket_ok(&["key", "generate", "stranger"]);
    foreign.git(&["remote", "add", "origin", &at(&world, "server.git")]);
    foreign.git(&["fetch", "-q", "origin"]);
    foreign.git(&["update-ref", "-d", "refs/notes/docket"]);
    fs::remove_file(foreign.repo().join(".docket.toml")).expect("removed");
    foreign.git(&["checkout", "-q", "origin/main"]);
    foreign.docket_ok(&[
        "-q", "run", "--step", "forged", "--key", "stranger", "--", "true",
    ]);
    foreign.docket_ok(&["spool", "export", "out.jsonl"]);
    hostile.push((
        "forged",
        fs::read_to_string(foreign.repo().join("out.jsonl")).expect("exported"),
    ));
    for (id, text) in &hostile {
        inbox(&world, id, text);
    }
    world.git(&[
        "-C",
        &at(&world, "server.git"),
        "update-ref",
        "refs/docket/inbox/tree",
        "refs/heads/main",
    ]);
    let told = ok(&world, "repo", &["fold"]);
    assert!(
        told.starts_with("1 inboxes folded, 2 entries added\n"),
        "{told}"
    );
    assert_eq!(
        told.matches("set aside: ").count(),
        hostile.len() + 1,
        "{told}"
    );
    assert_eq!(inboxes(&world), hostile.len() + 1);
    assert_eq!(steps(&world, "repo"), ["genesis", "build", "good"]);
    ok(&world, "repo", &["verify"]);
    // They are told of again, and not fetched again; dropped, they are gone.
    let again = ok(&world, "repo", &["fold"]);
    assert_eq!(
        again.matches("set aside: ").count(),
        hostile.len() + 1,
        "{again}"
    );
    ok(&world, "repo", &["fold", "--drop", "forged"]);
    assert_eq!(inboxes(&world), hostile.len());
    assert_eq!(
        docket(&world, "repo", &["fold", "--drop", "forged"]).code,
        2
    );
}

#[test]
fn two_that_fold_at_once_lose_and_double_nothing() {
    let world = served("sha1");
    for n in 0..6 {
        let folder = format!("writer{n}");
        clone(&world, &folder);
        ok(&world, &folder, &["fetch"]);
        step(&world, &folder, &format!("step{n}"));
        assert_eq!(docket(&world, &folder, &["push", "--tries", "0"]).code, 6);
    }
    assert_eq!(inboxes(&world), 6);
    for folder in ["one", "two"] {
        clone(&world, folder);
    }
    let children = ["one", "two"].map(|folder| {
        let mut fold = world.command(env!("CARGO_BIN_EXE_git-docket"));
        fold.args(["-C", &at(&world, folder), "fold"]);
        fold.stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts")
    });
    for child in children {
        let ran = world.ran(&child.wait_with_output().expect("it ends"));
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    assert_eq!(inboxes(&world), 0);
    ok(&world, "repo", &["fetch"]);
    let mut found = steps(&world, "repo");
    found.sort();
    assert_eq!(
        found,
        [
            "genesis", "step0", "step1", "step2", "step3", "step4", "step5"
        ]
    );
    ok(&world, "repo", &["verify"]);
}

#[test]
fn a_server_without_atomic_pushes_is_served_step_by_step() {
    let world = served("sha1");
    world.git(&[
        "-C",
        &at(&world, "server.git"),
        "config",
        "receive.advertiseAtomic",
        "false",
    ]);
    step(&world, "repo", "build");
    assert_eq!(docket(&world, "repo", &["push", "--tries", "0"]).code, 6);
    clone(&world, "folder");
    let told = ok(&world, "folder", &["fold"]);
    assert_eq!(told, "1 inboxes folded, 1 entries added\n");
    assert_eq!(inboxes(&world), 0);
}
