//! What a remote can do to a ledger, each in its finding, in both object formats; and the proofs that remain.

#[path = "common/mod.rs"]
mod common;

use std::fs;
use std::path::PathBuf;

use common::server::{FORMATS, at, clone, docket, git, ok, served, set_tip, step, steps, tip};
use common::world::{Ran, World};

/// A served ledger that is sealed twice and that `reader` has seen; the server's tip at the first seal.
fn watched(format: &str) -> (World, String) {
    let world = served(format);
    let first = seal(&world);
    step(&world, "repo", "build");
    ok(&world, "repo", &["push"]);
    seal(&world);
    clone(&world, "reader");
    ok(&world, "reader", &["fetch"]);
    (world, first)
}

/// Seals in `repo` and pushes it; the server's tip then.
fn seal(world: &World) -> String {
    ok(world, "repo", &["seal"]);
    ok(world, "repo", &["push"]);
    tip(world)
}

/// Runs `git docket` in `reader` on a machine of its own, whose memory nobody shares.
fn reader(world: &mut World, machine: &str, arguments: &[&str]) -> Ran {
    world.set("XDG_STATE_HOME", &at(world, machine));
    let ran = docket(world, machine, arguments);
    world.unset("XDG_STATE_HOME");
    ran
}

fn found(ran: &Ran, code: &str) {
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains(code), "no {code} in {said}");
}

/// The fork proofs under a folder with state.
fn proofs(world: &World, state: &str) -> Vec<PathBuf> {
    let mut folders = vec![world.root().join(state)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).into_iter().flatten() {
            let path = file.expect("read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("fork-proof-") {
                found.push(path.clone());
            }
            if path.is_dir() && name != ".git" {
                folders.push(path);
            }
        }
    }
    found
}

/// What the one proof proves to somebody without a repository, and its exit code.
fn proved(world: &World, state: &str) -> (String, i32) {
    let [proof] = &proofs(world, state)[..] else {
        panic!("proofs: {:?}", proofs(world, state));
    };
    let outside = World::bare_hands();
    let path = proof.display().to_string();
    let ran = outside.docket(&["verify", "--fork-proof", &path, "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let proved = value["proved"].as_str().unwrap_or("nothing").to_owned();
    (proved, ran.code)
}

const STATE: &str = "home/.local/state";

#[test]
fn a_rollback_is_refused_and_proved() {
    for format in FORMATS {
        let (world, first) = watched(format);
        set_tip(&world, &first);
        let ran = docket(&world, "reader", &["fetch"]);
        found(&ran, "rollback");
        assert!(ran.err.contains("fork-proof-"), "{}", ran.err);
        assert_eq!(proved(&world, STATE), ("rollback".to_owned(), 4));
        assert_eq!(steps(&world, "reader"), ["genesis", "build"]);
        // Whoever pushes is told as well, and nothing that waits is lost.
        step(&world, "reader", "test");
        found(&docket(&world, "reader", &["push"]), "rollback");
        assert_eq!(tip(&world), first);
        assert_eq!(steps(&world, "reader"), ["genesis", "build", "test"]);
    }
}

#[test]
fn a_ref_that_goes_back_between_fetch_and_push_is_not_pushed_over() {
    for format in FORMATS {
        let (mut world, first) = watched(format);
        step(&world, "reader", "test");
        // A git that moves the server's ref back, once, before it pushes.
        let bin = world.root().join("bin");
        fs::create_dir(&bin).expect("made");
        let path = std::env::var("PATH").expect("a path");
        let server = at(&world, "server.git");
        let script = format!(
            "#!/bin/sh\nPATH='{path}'\ncase \" $* \" in *' push '*) [ -e '{0}/once' ] || {{ : >'{0}/once'; \
             git -C '{server}' update-ref refs/notes/docket {first}; }};; esac\nexec git \"$@\"\n",
            bin.display()
        );
        fs::write(bin.join("git"), script).expect("written");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bin.join("git"), executable).expect("made executable");
        world.set("PATH", &format!("{}:{path}", bin.display()));
        let ran = docket(&world, "reader", &["push"]);
        assert!(bin.join("once").exists(), "the ref was moved");
        found(&ran, "rollback");
        assert_eq!(tip(&world), first, "nothing was forced");
        assert_eq!(steps(&world, "reader"), ["genesis", "build", "test"]);
    }
}

#[test]
fn a_fork_under_the_same_key_is_refused_and_proved() {
    for format in FORMATS {
        let (world, first) = watched(format);
        // The ledger's owner goes on from the first seal, with a memory that forgot.
        fs::remove_dir_all(world.root().join(STATE)).expect("removed");
        set_tip(&world, &first);
        clone(&world, "owner");
        ok(&world, "owner", &["fetch"]);
        for name in ["other", "more"] {
            step(&world, "owner", name);
        }
        ok(&world, "owner", &["push"]);
        ok(&world, "owner", &["seal"]);
        ok(&world, "owner", &["push"]);
        fs::remove_dir_all(world.root().join(STATE)).expect("removed");
        ok(&world, "reader", &["verify"]);
        let ran = docket(&world, "reader", &["fetch"]);
        found(&ran, "fork");
        assert_eq!(proved(&world, STATE), ("fork".to_owned(), 4));
        assert_eq!(steps(&world, "reader"), ["genesis", "build"]);
    }
}

#[test]
fn a_cut_or_rewritten_ledger_is_refused() {
    for format in FORMATS {
        let (mut world, _) = watched(format);
        // Else it waits, so that its warning is read.
        world.set("FILTER_BRANCH_SQUELCH_WARNING", "1");
        let sound = tip(&world);
        clone(&world, "attacker");
        let notes = "refs/notes/docket";
        git(
            &world,
            "attacker",
            &["fetch", "-q", "origin", &format!("{notes}:{notes}")],
        );
        let at_tip = |arguments: &[&str]| {
            git(&world, "attacker", &["update-ref", notes, &sound]);
            git(&world, "attacker", arguments);
            git(
                &world,
                "attacker",
                &["push", "-q", "--force", "origin", notes],
            );
            docket(&world, "reader", &["fetch"])
        };
        let newest = git(&world, "repo", &["rev-parse", "HEAD"]);
        let object = newest.trim();
        found(
            &at_tip(&["notes", "--ref", "docket", "remove", object]),
            "size-mismatch",
        );
        found(
            &at_tip(&["notes", "--ref", "docket", "append", "-m", "x", object]),
            "entry-grammar",
        );
        let filter = ["filter-branch", "-f", "--index-filter"];
        let drop_seal = "git rm -q --cached --ignore-unmatch docket/seal";
        let ran = at_tip(&[&filter[..], &[drop_seal, "--", notes]].concat());
        found(&ran, "rollback");
        // Merged by hand with a history that has nothing of it.
        git(
            &world,
            "attacker",
            &["notes", "--ref", "mine", "add", "-f", "-m", "x", object],
        );
        let ran = at_tip(&[
            "notes", "--ref", "docket", "merge", "-q", "-s", "union", "mine",
        ]);
        found(&ran, "ledger-merge");
        set_tip(&world, &sound);
        ok(&world, "reader", &["fetch"]);
    }
}

#[test]
fn an_unsealed_end_that_was_replaced_accuses_no_key() {
    for format in FORMATS {
        let (world, _) = watched(format);
        let sealed = tip(&world);
        step(&world, "repo", "landed");
        ok(&world, "repo", &["push"]);
        ok(&world, "reader", &["fetch"]);
        set_tip(&world, &sealed);
        found(
            &docket(&world, "reader", &["fetch"]),
            "landed-tail-replaced",
        );
        assert_eq!(proofs(&world, STATE), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_losing_push_that_the_server_replays_is_no_fork() {
    for format in FORMATS {
        let (mut world, _) = watched(format);
        // Two append to the same head; the server keeps the loser's objects and shows them to one reader.
        let before = tip(&world);
        step(&world, "reader", "winner");
        assert_eq!(reader(&mut world, "reader", &["push"]).code, 0);
        let won = tip(&world);
        set_tip(&world, &before);
        step(&world, "repo", "loser");
        ok(&world, "repo", &["push"]);
        let lost = tip(&world);
        assert_ne!(won, lost);
        clone(&world, "one");
        assert_eq!(reader(&mut world, "one", &["fetch"]).code, 0);
        set_tip(&world, &won);
        let ran = reader(&mut world, "one", &["fetch"]);
        found(&ran, "landed-tail-replaced");
        assert!(!ran.err.contains("fork:"), "{}", ran.err);
        assert_eq!(proofs(&world, "one"), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_ledger_founded_anew_under_the_same_origin_is_not_followed() {
    for format in FORMATS {
        let (mut world, _) = watched(format);
        clone(&world, "other");
        fs::remove_file(world.root().join("other/.docket.toml")).expect("removed");
        git(&world, "other", &["commit", "-q", "-am", "No pin"]);
        world.set("XDG_DATA_HOME", &at(&world, "stranger"));
        ok(
            &world,
            "other",
            &["init", "--origin", "git.example.com/acme/app"],
        );
        git(
            &world,
            "other",
            &["push", "-q", "--force", "origin", "refs/notes/docket"],
        );
        world.unset("XDG_DATA_HOME");
        found(&docket(&world, "reader", &["fetch"]), "pin-mismatch");
        // Without a pin, what was seen before stands against it.
        git(&world, "reader", &["rm", "-q", ".docket.toml"]);
        git(&world, "reader", &["commit", "-q", "-m", "No pin"]);
        found(&docket(&world, "reader", &["fetch"]), "second-genesis");
    }
}

#[test]
fn two_auditors_that_compare_seals_find_a_split_view() {
    for format in FORMATS {
        let (mut world, first) = watched(format);
        clone(&world, "one");
        assert_eq!(reader(&mut world, "one", &["fetch"]).code, 0);
        // To the other the server shows a history that the ledger's key went on with elsewhere.
        set_tip(&world, &first);
        world.set("XDG_STATE_HOME", &at(&world, "forgot"));
        clone(&world, "owner");
        ok(&world, "owner", &["fetch"]);
        step(&world, "owner", "other");
        ok(&world, "owner", &["push"]);
        ok(&world, "owner", &["seal"]);
        ok(&world, "owner", &["push"]);
        clone(&world, "two");
        assert_eq!(reader(&mut world, "two", &["fetch"]).code, 0);
        for machine in ["one", "two"] {
            assert_eq!(reader(&mut world, machine, &["verify"]).code, 0);
            let seal = git(&world, machine, &["show", "refs/notes/docket:docket/seal"]);
            fs::write(world.root().join(format!("{machine}.seal")), seal).expect("written");
        }
        let (ones, twos) = (at(&world, "one.seal"), at(&world, "two.seal"));
        let same = reader(&mut world, "two", &["verify", "--seal", &twos]);
        assert_eq!(same.code, 0, "{}", same.err);
        let ran = reader(&mut world, "two", &["verify", "--seal", &ones]);
        found(&ran, "fork");
        assert_eq!(proved(&world, "two"), ("fork".to_owned(), 4));
    }
}

#[test]
fn a_reader_kept_at_an_old_head_learns_of_it_from_another_reader_s_seal() {
    for format in FORMATS {
        let (mut world, first) = watched(format);
        let newest = tip(&world);
        let seal = git(&world, "repo", &["show", "refs/notes/docket:docket/seal"]);
        fs::write(world.root().join("newest.seal"), seal).expect("written");
        // To this one the server shows the head of the first seal, today as yesterday.
        set_tip(&world, &first);
        clone(&world, "frozen");
        for _ in 0..2 {
            assert_eq!(reader(&mut world, "frozen", &["fetch"]).code, 0);
            assert_eq!(reader(&mut world, "frozen", &["verify"]).code, 0);
        }
        let given = ["verify", "--seal", &at(&world, "newest.seal")];
        found(&reader(&mut world, "frozen", &given), "rollback");
        assert_eq!(proved(&world, "frozen"), ("rollback".to_owned(), 4));
        set_tip(&world, &newest);
        assert_eq!(reader(&mut world, "frozen", &["fetch"]).code, 0);
        let given = ["verify", "--seal", &at(&world, "newest.seal")];
        assert_eq!(reader(&mut world, "frozen", &given).code, 0);
    }
}

#[test]
fn a_machine_without_memory_needs_a_seal_given_by_hand() {
    for format in FORMATS {
        let (mut world, first) = watched(format);
        let seal = git(&world, "repo", &["show", "refs/notes/docket:docket/seal"]);
        fs::write(world.root().join("newest.seal"), seal).expect("written");
        set_tip(&world, &first);
        clone(&world, "fresh");
        assert_eq!(reader(&mut world, "fresh", &["fetch"]).code, 0);
        let ran = reader(&mut world, "fresh", &["verify"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.out.contains("no-memory") || ran.out.contains("pin"),
            "{}",
            ran.out
        );
        let newest = at(&world, "newest.seal");
        found(
            &reader(&mut world, "fresh", &["verify", "--seal", &newest]),
            "rollback",
        );
    }
}

#[test]
fn a_proof_that_proves_nothing_says_so() {
    let (world, first) = watched("sha1");
    set_tip(&world, &first);
    docket(&world, "reader", &["fetch"]);
    let [proof] = &proofs(&world, STATE)[..] else {
        panic!("one proof");
    };
    // In the repository, the pin's key is held against it.
    let path = proof.display().to_string();
    let ran = docket(&world, "repo", &["verify", "--fork-proof", &path]);
    assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("that of the pin"), "{}", ran.out);
    let text = fs::read_to_string(proof).expect("read");
    let forged = at(&world, "forged.json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let swapped = serde_json::json!({
        "prefix": value["prefix"], "seen": value["shown"], "shown": value["seen"], "v": 1
    });
    let write = |value: &serde_json::Value| {
        fs::write(&forged, format!("{value}\n")).expect("written");
        docket(&world, "repo", &["verify", "--fork-proof", &forged])
    };
    let ran = write(&swapped);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("extends"), "{}", ran.out);
    let mut cut = value;
    cut["shown"] = serde_json::Value::Null;
    let ran = write(&cut);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    let ran = docket(&world, "repo", &["verify", "--fork-proof", "nowhere.json"]);
    assert_eq!(ran.code, 5, "{}", ran.err);
    let other = World::new();
    other.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    other.git(&["add", ".docket.toml"]);
    other.git(&["commit", "-q", "-m", "Another ledger"]);
    let ran = other.docket(&["verify", "--fork-proof", &path]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("another key"), "{}", ran.out);
}
