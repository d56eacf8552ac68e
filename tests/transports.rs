//! Fetch and push over file, HTTP and SSH, from clones of every kind, with the credentials that git is configured
//! with: whatever lets `git push` through lets `git docket push` through, and nothing of it is asked by us.

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::time::Duration;

use common::http::{Habits, Server};
use common::server::{FORMATS, at, docket};
use common::ssh::Sshd;
use common::world::World;

/// A founded ledger in `repo`, pushed to `server/app.git`.
fn served(format: &str) -> World {
    let world = World::with_format(format);
    let bare = at(&world, "server/app.git");
    world.commit("README", "hello\n");
    world.commit("src/main", "main\n");
    world.git(&[
        "init",
        "-q",
        "--bare",
        "-b",
        "main",
        "--object-format",
        format,
        &bare,
    ]);
    world.git(&["-C", &bare, "config", "http.receivepack", "true"]);
    world.git(&["remote", "add", "origin", &bare]);
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&["add", ".docket.toml"]);
    world.git(&["commit", "-q", "-m", "Pin the ledger"]);
    world.docket_ok(&["-q", "run", "--step", "build", "--", "true"]);
    world.git(&["push", "-q", "origin", "main"]);
    world.docket_ok(&["push"]);
    world
}

fn entries(world: &World, folder: &str) -> usize {
    let log = docket(world, folder, &["log", "-o", "json"]);
    assert_eq!(log.code, 0, "{}", log.err);
    log.out.lines().count()
}

/// Records a step in a clone and pushes it; it lands, and the clone's ledger verifies.
fn lands(world: &World, folder: &str, step: &str) {
    docket(world, "repo", &["fetch"]);
    let before = entries(world, "repo");
    let run = docket(world, folder, &["-q", "run", "--step", step, "--", "true"]);
    assert_eq!(run.code, 0, "{step}: {}", run.err);
    let push = docket(world, folder, &["push"]);
    assert_eq!(push.code, 0, "{step}: {}{}", push.out, push.err);
    // A shallow or partial clone pushes without the whole ledger, and judges nothing until that is here.
    let verify = docket(world, folder, &["verify"]);
    if verify.code != 0 {
        assert_eq!(verify.code, 5, "{step}: {}{}", verify.out, verify.err);
        assert!(
            verify.err.contains("git docket fetch"),
            "{step}: {}",
            verify.err
        );
        assert_eq!(docket(world, folder, &["fetch"]).code, 0);
        let verify = docket(world, folder, &["verify"]);
        assert_eq!(verify.code, 0, "{step}: {}{}", verify.out, verify.err);
    }
    assert_eq!(docket(world, "repo", &["fetch"]).code, 0);
    assert_eq!(entries(world, "repo"), before + 1, "{step}");
}

#[test]
fn every_kind_of_clone_can_push_and_verify() {
    let kinds: [(&str, &[&str]); 6] = [
        ("whole", &[]),
        ("shallow", &["--depth", "1"]),
        ("blobless", &["--filter=blob:none"]),
        ("treeless", &["--filter=tree:0"]),
        ("both", &["--depth", "1", "--filter=blob:none"]),
        ("sparse", &["--filter=blob:none", "--sparse"]),
    ];
    for format in FORMATS {
        for filters in ["true", "false"] {
            let world = served(format);
            let bare = at(&world, "server/app.git");
            world.git(&["-C", &bare, "config", "uploadpack.allowFilter", filters]);
            let server = Server::start(&world.root().join("server"), Habits::default());
            for (kind, how) in kinds {
                let clone = [
                    &["clone", "-q"],
                    how,
                    &[&server.url("app.git"), &at(&world, kind)],
                ];
                world.git(&clone.concat());
                lands(&world, kind, kind);
            }
        }
    }
}

#[test]
fn a_ledger_that_came_without_its_contents_is_completed() {
    for format in FORMATS {
        let world = served(format);
        let bare = at(&world, "server/app.git");
        world.git(&["-C", &bare, "config", "uploadpack.allowFilter", "true"]);
        let server = Server::start(&world.root().join("server"), Habits::default());
        let url = server.url("app.git");
        for (filter, step) in [("blob:none", "after-one"), ("tree:0", "after-two")] {
            let folder = at(&world, filter);
            world.git(&["clone", "-q", &format!("--filter={filter}"), &url, &folder]);
            let notes = "refs/notes/docket:refs/notes/docket";
            world.git(&["-C", &folder, "fetch", "-q", "origin", notes]);
            // What is missing is named, and nothing is judged without it.
            let verify = docket(&world, filter, &["verify"]);
            assert_eq!(verify.code, 5, "{}", verify.out);
            assert!(
                verify.err.contains("not in this repository"),
                "{}",
                verify.err
            );
            let fetch = docket(&world, filter, &["fetch"]);
            assert_eq!(fetch.code, 0, "{}", fetch.err);
            lands(&world, filter, step);
        }
    }
}

#[test]
fn credentials_are_those_that_git_has() {
    let world = served("sha1");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    let clone = |folder: &str| {
        world.git(&["clone", "-q", &url, &at(&world, folder)]);
    };
    let config = |folder: &str, key: &str, value: &str| {
        world.git(&["-C", &at(&world, folder), "config", key, value]);
    };
    for folder in ["none", "helper", "askpass", "token", "included", "instead"] {
        clone(folder);
    }
    let password = Habits {
        credentials: Some(("ada".into(), "secret".into())),
        ..Habits::default()
    };
    server.behave(password);
    // Nobody is asked, and nothing waits for an answer.
    let refused = docket(&world, "none", &["fetch"]);
    assert_eq!(refused.code, 5, "{}", refused.out);
    config(
        "helper",
        "credential.helper",
        "!echo username=ada; echo password=secret; :",
    );
    lands(&world, "helper", "helper");
    world.write(
        "../askpass.sh",
        "#!/bin/sh\ncase $1 in Username*) echo ada;; *) echo secret;; esac\n",
    );
    world.run("chmod", &["+x", &at(&world, "askpass.sh")]);
    config("askpass", "core.askPass", &at(&world, "askpass.sh"));
    lands(&world, "askpass", "askpass");
    // As a CI system's checkout leaves it.
    server.behave(Habits {
        header: Some(("authorization".into(), "basic dG9rZW4=".into())),
        ..Habits::default()
    });
    let header = format!("http.{}.extraheader", server.url(""));
    assert_eq!(docket(&world, "token", &["fetch"]).code, 5);
    config("token", &header, "AUTHORIZATION: basic dG9rZW4=");
    lands(&world, "token", "token");
    let text = format!(
        "[http \"{}\"]\n\textraheader = AUTHORIZATION: basic dG9rZW4=\n",
        server.url("")
    );
    world.write("../included.config", &text);
    let when = format!("includeIf.gitdir:{}/.path", at(&world, "included"));
    config("included", &when, &at(&world, "included.config"));
    lands(&world, "included", "included");
    server.behave(Habits::default());
    config("instead", "remote.origin.url", "short:app.git");
    config(
        "instead",
        &format!("url.{}.insteadOf", server.url("")),
        "short:",
    );
    lands(&world, "instead", "instead");
}

#[test]
fn ssh_is_git_s() {
    let Some(sshd) = peer::on_path("DOCKET_PEER_SSHD", "sshd") else {
        return;
    };
    for format in FORMATS {
        let world = served(format);
        let server = Sshd::start(&sshd, &world.root().join("sshd"));
        let url = server.url(&world.root().join("server/app.git"));
        let command = format!("core.sshCommand={}", server.command());
        for (folder, depth) in [
            ("whole", "--no-shallow-submodules"),
            ("shallow", "--depth=1"),
        ] {
            let clone = ["clone", "-q", depth, "-c", &command, &url];
            world.git(&[&clone[..], &[&at(&world, folder)]].concat());
            lands(&world, folder, &format!("{folder}-over-ssh"));
        }
    }
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_as_long_as_was_said() {
    let world = served("sha1");
    let server = Server::start(&world.root().join("server"), Habits::default());
    world.git(&["clone", "-q", &server.url("app.git"), &at(&world, "clone")]);
    server.behave(Habits {
        delay: Duration::from_secs(60),
        ..Habits::default()
    });
    let began = std::time::Instant::now();
    let fetch = docket(&world, "clone", &["fetch", "--timeout", "1"]);
    assert_eq!(fetch.code, 5, "{}", fetch.out);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_server_that_breaks_connections_loses_nothing_and_doubles_nothing() {
    for format in FORMATS {
        let world = served(format);
        let server = Server::start(&world.root().join("server"), Habits::default());
        world.git(&["clone", "-q", &server.url("app.git"), &at(&world, "clone")]);
        assert_eq!(docket(&world, "clone", &["fetch"]).code, 0);
        let steps = ["one", "two", "three", "four", "five"];
        for step in steps {
            docket(
                &world,
                "clone",
                &["-q", "run", "--step", step, "--", "true"],
            );
            server.behave(Habits {
                breaks_one_in: 3,
                ..Habits::default()
            });
            // Whatever this says, a later push in peace lands what is missing and nothing twice.
            docket(&world, "clone", &["push", "--tries", "3"]);
            server.behave(Habits::default());
        }
        let push = docket(&world, "clone", &["push"]);
        assert_eq!(push.code, 0, "{}{}", push.out, push.err);
        assert_eq!(docket(&world, "repo", &["fetch"]).code, 0);
        assert_eq!(entries(&world, "repo"), 2 + steps.len());
        let verify = docket(&world, "repo", &["verify"]);
        assert_eq!(verify.code, 0, "{}{}", verify.out, verify.err);
    }
}

#[test]
fn at_a_terminal_git_shows_its_progress_and_asks_by_itself() {
    let Some(script) = peer::on_path("DOCKET_PEER_SCRIPT", "script") else {
        return;
    };
    let world = served("sha1");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    world.git(&["clone", "-q", &url, &at(&world, "clone")]);
    // A terminal of its own, at which nobody types.
    let typed = |arguments: &str| {
        let (program, clone) = (env!("CARGO_BIN_EXE_git-docket"), at(&world, "clone"));
        let line = format!("{program} -C {clone} {arguments}");
        world.run(&script, &["-q", "-e", "-c", &line, "/dev/null"])
    };
    let fetched = typed("fetch");
    assert_eq!(fetched.code, 0, "{}", fetched.out);
    assert!(
        fetched.out.contains("Enumerating objects"),
        "{}",
        fetched.out
    );
    world.docket_ok(&["-q", "run", "--step", "more", "--", "true"]);
    world.docket_ok(&["push"]);
    let quiet = typed("-q fetch");
    assert!(
        quiet.code == 0 && !quiet.out.contains("objects"),
        "{}",
        quiet.out
    );

    server.behave(Habits {
        credentials: Some(("ada".into(), "secret".into())),
        ..Habits::default()
    });
    let asked = typed("fetch");
    assert_eq!(asked.code, 5, "{}", asked.out);
    assert!(asked.out.contains("Username for 'http://"), "{}", asked.out);
    let forbidden = typed("-q fetch");
    let unasked = forbidden.out.contains("terminal prompts disabled");
    assert!(forbidden.code == 5 && unasked, "{}", forbidden.out);
}
