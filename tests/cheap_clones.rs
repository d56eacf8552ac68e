//! Push from shallow and partial clones that have no ledger: what is fetched for it, how the remote is reached, and that
//! the clone stays as it is.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::http::{Habits, Server};
use common::server::{FORMATS, at, docket, git, ok, step, steps};
use common::world::{Ran, World};

const TOKEN: &str = "c2VjcmV0LXRva2Vu";

/// A founded ledger with some hundred entries, in `server/app.git`, packed; filters as said.
fn served(format: &str, filters: &str) -> World {
    let world = World::with_format(format);
    let bare = at(&world, "server/app.git");
    world.commit("README", "hello\n");
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
    for (key, value) in [
        ("http.receivepack", "true"),
        ("uploadpack.allowFilter", filters),
    ] {
        world.git(&["-C", &bare, "config", key, value]);
    }
    world.git(&["remote", "add", "origin", &bare]);
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&["add", ".docket.toml"]);
    world.git(&["commit", "-q", "-m", "Pin the ledger"]);
    // Attestations that no pack makes small, so that one who fetches them all is found out.
    for number in 0..40_u8 {
        let noise: String = (0..400_u16)
            .map(|n| git_docket::digest::Sha256::of(&[number, n as u8, (n >> 8) as u8]).to_string())
            .collect();
        let noise = format!("{{\"note\":\"{noise}\"}}");
        world.write("../predicate.json", &noise);
        let step = format!("step-{number}");
        let say = [
            "-q",
            "attest",
            "--step",
            &step,
            "--type",
            "https://example.com/noise/v1",
            "--predicate",
            "../predicate.json",
        ];
        world.docket_ok(&say);
    }
    world.commit("src/main", "main\n");
    world.git(&["push", "-q", "origin", "main"]);
    world.docket_ok(&["push"]);
    world.git(&["-C", &bare, "gc", "-q"]);
    world
}

fn pack_size(folder: &Path) -> u64 {
    let packs = fs::read_dir(folder.join("objects/pack")).expect("there are packs");
    let sizes = packs.map(|file| file.expect("readable").metadata().expect("readable").len());
    sizes.sum()
}

fn pushed(world: &World, folder: &str) -> serde_json::Value {
    let out = ok(world, folder, &["push", "-o", "json"]);
    serde_json::from_str(&out).expect("JSON")
}

/// Everything in the clone that a fetch with a filter would leave behind.
fn partial(world: &World, folder: &str) -> String {
    let config = git(world, folder, &["config", "--list", "--local"]);
    let lines = config
        .lines()
        .filter(|line| line.contains("promisor") || line.contains("partial"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_push_from_a_shallow_clone_fetches_only_what_an_append_needs() {
    for format in FORMATS {
        let world = served(format, "true");
        let server = Server::start(&world.root().join("server"), Habits::default());
        let url = server.url("app.git");
        let whole = pack_size(&world.root().join("server/app.git"));
        world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
        step(&world, "clone", "build");
        server.traffic();
        let first = pushed(&world, "clone");
        let traffic = server.traffic();
        assert_eq!(
            (&first["landed"], &first["pending"]),
            (&1.into(), &0.into()),
            "{first}"
        );
        assert_eq!(first["brought"]["whole"], false);
        let rounds = first["brought"]["rounds"].as_u64().expect("a number");
        assert!((1..=5).contains(&rounds), "{first}");
        let moved = traffic.sent + traffic.received;
        // The ledger's largest note alone is a part of it here; of a large ledger it is next to nothing.
        assert!(moved * 8 < whole, "{moved} of {whole} bytes");
        // The clone has no ledger, is no more partial than before, and nothing waits in it.
        assert_eq!(partial(&world, "clone"), "");
        let config = world.root().join("clone/.git/docket/transfer/config");
        let config = fs::read_to_string(config).expect("there");
        assert!(
            !config.contains("partial"),
            "git push would fetch history: {config}"
        );
        assert_eq!(git(&world, "clone", &["for-each-ref", "refs/notes"]), "");
        assert_eq!(
            ok(&world, "clone", &["spool", "list"]).trim(),
            "nothing waits"
        );
        // A second one finds its own tip.
        step(&world, "clone", "test");
        let second = pushed(&world, "clone");
        assert_eq!(second["brought"]["rounds"], 0, "{second}");
        // The same again adds nothing; and all of it verifies, for whoever has the whole.
        ok(&world, "repo", &["fetch"]);
        ok(&world, "repo", &["verify"]);
        let log = ok(&world, "repo", &["log", "-o", "json"]);
        assert_eq!(log.lines().count(), 43);
        // Here nothing is judged before the ledger is here.
        let verify = docket(&world, "clone", &["verify"]);
        assert_eq!(verify.code, 5, "{}", verify.out);
        assert!(verify.err.contains("git docket fetch"), "{}", verify.err);
        ok(&world, "clone", &["fetch"]);
        ok(&world, "clone", &["verify"]);
    }
}

#[test]
fn a_server_without_filters_sends_the_newest_state_and_that_is_said() {
    for format in FORMATS {
        let world = served(format, "false");
        let server = Server::start(&world.root().join("server"), Habits::default());
        let url = server.url("app.git");
        world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
        step(&world, "clone", "build");
        let push = ok(&world, "clone", &["push"]);
        assert!(push.contains("offers no parts"), "{push}");
        assert_eq!(partial(&world, "clone"), "");
        ok(&world, "repo", &["fetch"]);
        ok(&world, "repo", &["verify"]);
    }
}

#[test]
fn a_writer_that_was_faster_costs_another_round_and_no_entry() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    for folder in ["one", "two"] {
        world.git(&[
            "clone",
            "-q",
            "--filter=blob:none",
            &url,
            &at(&world, folder),
        ]);
        step(&world, folder, folder);
        assert_eq!(pushed(&world, folder)["brought"]["whole"], false);
    }
    // The first one's tip is not the newest any more.
    step(&world, "one", "three");
    let third = pushed(&world, "one");
    let rounds = third["brought"]["rounds"].as_u64().expect("a number");
    assert!((1..=5).contains(&rounds), "{third}");
    ok(&world, "repo", &["fetch"]);
    ok(&world, "repo", &["verify"]);
    let log = ok(&world, "repo", &["log", "-o", "json"]);
    assert_eq!(log.lines().count(), 44);
}

#[test]
fn an_interrupted_transfer_leaves_nothing_unusable() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "one");
    pushed(&world, "clone");
    let transfer = world.root().join("clone/.git/docket/transfer");
    // As a process leaves it that was killed while git wrote there.
    fs::write(transfer.join("busy"), "").expect("written");
    fs::write(transfer.join("shallow.lock"), "half").expect("written");
    fs::write(transfer.join("refs/notes/docket"), "").expect("written");
    step(&world, "clone", "two");
    let push = pushed(&world, "clone");
    assert_eq!(push["landed"], 1, "{push}");
    assert!(!transfer.join("shallow.lock").exists());
}

#[test]
fn a_damaged_transfer_repository_is_made_anew() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "one");
    pushed(&world, "clone");
    // As a power cut leaves what nobody has synced.
    let transfer = world.root().join("clone/.git/docket/transfer");
    let mut emptied = 0;
    for folder in fs::read_dir(transfer.join("objects")).expect("readable") {
        let folder = folder.expect("readable").path();
        if folder.ends_with("info") {
            continue;
        }
        for file in fs::read_dir(folder).expect("a folder") {
            let file = file.expect("readable").path();
            fs::remove_file(&file).expect("removed");
            fs::write(&file, "").expect("written");
            emptied += 1;
        }
    }
    assert!(emptied > 3, "{emptied}");
    step(&world, "clone", "two");
    let first = docket(&world, "clone", &["push"]);
    if first.code != 0 {
        assert_eq!(first.code, 5, "{}{}", first.out, first.err);
        let again = pushed(&world, "clone");
        assert_eq!(again["landed"], 1, "{again}");
    }
    ok(&world, "repo", &["fetch"]);
    ok(&world, "repo", &["verify"]);
    assert_eq!(
        steps(&world, "repo").last().map(String::as_str),
        Some("two")
    );
}

/// Pushes from all these folders at one moment, each from a machine of its own.
fn at_once(world: &World, folders: &[String], flags: &[&str]) -> Vec<Ran> {
    let start = |folder: &String| {
        let mut push = world.command(env!("CARGO_BIN_EXE_git-docket"));
        push.args(["-C", &at(world, folder), "push"]).args(flags);
        push.env("XDG_STATE_HOME", at(world, &format!("{folder}-state")));
        push.stdout(Stdio::piped()).stderr(Stdio::piped());
        push.spawn().expect("it starts")
    };
    let children: Vec<_> = folders.iter().map(start).collect();
    let ended = children.into_iter().map(|child| child.wait_with_output());
    ended
        .map(|output| world.ran(&output.expect("it ends")))
        .collect()
}

#[test]
fn many_at_one_moment_lose_nothing_and_double_nothing() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    let folders: Vec<String> = (0..8).map(|n| format!("writer{n}")).collect();
    for (n, folder) in folders.iter().enumerate() {
        let how = ["--depth=1", "--filter=blob:none"][n % 2];
        world.git(&["clone", "-q", how, &url, &at(&world, folder)]);
        step(&world, folder, &format!("at-once-{n}"));
    }
    for ran in at_once(&world, &folders, &["--tries", "100", "--time", "200"]) {
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
    // And where connections break, whatever a push says.
    for (n, folder) in folders.iter().enumerate() {
        step(&world, folder, &format!("broken-{n}"));
    }
    server.behave(Habits {
        breaks_one_in: 6,
        ..Habits::default()
    });
    at_once(&world, &folders, &["--tries", "5"]);
    server.behave(Habits::default());
    for folder in &folders {
        ok(&world, folder, &["push"]);
        assert_eq!(
            ok(&world, folder, &["spool", "list"]).trim(),
            "nothing waits"
        );
    }
    ok(&world, "repo", &["fetch"]);
    ok(&world, "repo", &["verify"]);
    let mut found = steps(&world, "repo");
    found.retain(|step| step.starts_with("at-once") || step.starts_with("broken"));
    found.sort();
    let expected = ["at-once", "broken"].map(|kind| (0..8).map(move |n| format!("{kind}-{n}")));
    let expected: Vec<String> = expected.into_iter().flatten().collect();
    assert_eq!(found, expected);
}

#[test]
fn a_server_that_will_not_or_does_not_answer_leaves_it_in_the_spool() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "build");
    let hook = world.root().join("server/app.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho not on a Monday >&2\nexit 1\n").expect("written");
    world.run("chmod", &["+x", &hook.display().to_string()]);
    let refused = docket(&world, "clone", &["push"]);
    assert_eq!(refused.code, 5, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("not on a Monday"), "{}", refused.err);
    fs::remove_file(&hook).expect("removed");
    server.behave(Habits {
        delay: Duration::from_secs(60),
        ..Habits::default()
    });
    let began = Instant::now();
    let waited = docket(&world, "clone", &["push", "--timeout", "1"]);
    assert_eq!(waited.code, 5, "{}{}", waited.out, waited.err);
    assert!(began.elapsed() < Duration::from_secs(30));
    server.behave(Habits::default());
    assert_eq!(pushed(&world, "clone")["landed"], 1);
}

#[test]
fn a_ledger_that_went_back_is_not_extended() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    let bare = at(&world, "server/app.git");
    let old = world.git(&["-C", &bare, "rev-parse", "refs/notes/docket"]);
    world.docket_ok(&["-q", "run", "--step", "more", "--", "true"]);
    world.docket_ok(&["push"]);
    world.git(&["-C", &bare, "update-ref", "refs/notes/docket", old.trim()]);
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "build");
    // This machine remembers; the whole is fetched, and judged.
    let push = docket(&world, "clone", &["push"]);
    assert_eq!(push.code, 4, "{}{}", push.out, push.err);
    let now = world.git(&["-C", &bare, "rev-parse", "refs/notes/docket"]);
    assert_eq!(now, old);
}

/// Every file below a folder that holds this text.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else {
            let bytes = fs::read(&path).expect("readable");
            if bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn the_remote_is_reached_as_the_clone_reaches_it_and_no_token_is_left_behind() {
    let world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    let config = |folder: &str, key: &str, value: &str| {
        git(&world, folder, &["config", key, value]);
    };
    for folder in ["none", "token", "included", "instead", "helper"] {
        world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, folder)]);
        step(&world, folder, folder);
    }
    let secret = || Habits {
        header: Some(("authorization".into(), format!("basic {TOKEN}"))),
        ..Habits::default()
    };
    server.behave(secret());
    let refused = docket(&world, "none", &["push"]);
    assert_eq!(refused.code, 5, "{}", refused.out);
    let header = format!("http.{}.extraheader", server.url(""));
    config("token", &header, &format!("AUTHORIZATION: basic {TOKEN}"));
    let text = format!(
        "[http \"{}\"]\n\textraheader = AUTHORIZATION: basic {TOKEN}\n",
        server.url("")
    );
    world.write("../included.config", &text);
    // In the user's own configuration, for this clone only.
    let include = format!(
        "[includeIf \"gitdir:{}/\"]\n\tpath = {}\n",
        at(&world, "included"),
        at(&world, "included.config")
    );
    world.write("../home/.gitconfig", &include);
    config("instead", "remote.origin.url", "short:app.git");
    config(
        "instead",
        &format!("url.{}.insteadOf", server.url("")),
        "short:",
    );
    config("instead", &header, &format!("AUTHORIZATION: basic {TOKEN}"));
    for folder in ["token", "included", "instead"] {
        let push = pushed(&world, folder);
        assert_eq!(push["brought"]["whole"], false, "{folder}: {push}");
        let transfer = world.root().join(folder).join(".git/docket");
        assert_eq!(holding(&transfer, TOKEN), [""; 0]);
        assert_eq!(holding(&transfer, &server.url("")), [""; 0]);
    }
    // What fails does not tell it either.
    config("token", &header, &format!("AUTHORIZATION: basic {TOKEN}x"));
    step(&world, "token", "again");
    let refused = docket(&world, "token", &["push"]);
    assert_eq!(refused.code, 5, "{}", refused.out);
    assert!(!refused.err.contains(TOKEN), "{}", refused.err);
    server.behave(Habits {
        credentials: Some(("ada".into(), TOKEN.into())),
        ..Habits::default()
    });
    let helper = format!("!echo username=ada; echo password={TOKEN}; :");
    config("helper", "credential.helper", &helper);
    assert_eq!(pushed(&world, "helper")["landed"], 1);
    let transfer = world.root().join("helper/.git/docket");
    assert_eq!(holding(&transfer, TOKEN), [""; 0]);
}

#[test]
fn a_password_is_asked_for_by_git_s_program_in_the_environment() {
    let mut world = served("sha1", "true");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "build");
    server.behave(Habits {
        credentials: Some(("ada".into(), TOKEN.into())),
        ..Habits::default()
    });
    let script = format!("#!/bin/sh\ncase $1 in Username*) echo ada;; *) echo {TOKEN};; esac\n");
    world.write("../askpass.sh", &script);
    world.run("chmod", &["+x", &at(&world, "askpass.sh")]);
    let program = at(&world, "askpass.sh");
    world.set("GIT_ASKPASS", &program);
    assert_eq!(pushed(&world, "clone")["brought"]["whole"], false);
    let docket = world.root().join("clone/.git/docket");
    assert_eq!(holding(&docket, TOKEN), [""; 0]);
}

#[test]
fn a_remote_by_its_path_is_where_the_clone_has_it() {
    let world = served("sha1", "true");
    let url = format!("file://{}", at(&world, "server/app.git"));
    world.git(&["clone", "-q", "--depth", "1", &url, &at(&world, "clone")]);
    step(&world, "clone", "by-url");
    assert_eq!(pushed(&world, "clone")["brought"]["whole"], false);
    let relative = ["remote", "set-url", "origin", "../server/app.git"];
    git(&world, "clone", &relative);
    step(&world, "clone", "by-path");
    assert_eq!(pushed(&world, "clone")["landed"], 1);
    // From a worktree beside it, whose common folder has the one transfer repository.
    git(&world, "clone", &["worktree", "add", "-q", "../beside"]);
    step(&world, "beside", "beside");
    let beside = pushed(&world, "beside");
    assert_eq!(
        (&beside["landed"], &beside["brought"]["rounds"]),
        (&1.into(), &0.into())
    );
}

#[test]
fn ssh_is_the_clone_s() {
    let world = served("sha1", "true");
    let script = "#!/bin/sh\necho called >> \"$0.log\"\nwhile [ \"$1\" = -o ]; do shift 2; done\nshift\nexec sh -c \"$*\"\n";
    world.write("../ssh.sh", script);
    world.run("chmod", &["+x", &at(&world, "ssh.sh")]);
    let url = format!("ssh://nowhere{}", at(&world, "server/app.git"));
    let command = format!("core.sshCommand={}", at(&world, "ssh.sh"));
    let clone = at(&world, "clone");
    world.git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        "-c",
        &command,
        "-c",
        "ssh.variant=ssh",
        &url,
        &clone,
    ]);
    step(&world, "clone", "over-ssh");
    fs::remove_file(world.root().join("ssh.sh.log")).expect("the clone called it");
    assert_eq!(pushed(&world, "clone")["brought"]["whole"], false);
    assert!(world.root().join("ssh.sh.log").exists());
}
