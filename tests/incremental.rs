//! Fetch judges what was added where the beginning was replayed before, and everything where it was not: shown by
//! taking an old object away, which only a full replay reads.

#[path = "common/mod.rs"]
mod common;

use std::fs;
use std::path::PathBuf;

use common::server::{FORMATS, at, clone, docket, git, ok, served, step, steps};
use common::world::World;

const SEEN: &str = "home/.local/state/git-docket";

/// A reader that replayed the ledger, and lost the note of an old entry since; another entry waits on the remote.
fn half_blind(format: &str) -> World {
    let mut world = served(format);
    step(&world, "repo", "build");
    ok(&world, "repo", &["push"]);
    // The writer's machine has a memory of its own.
    world.set("XDG_STATE_HOME", &at(&world, "writer"));
    clone(&world, "reader");
    world.unset("XDG_STATE_HOME");
    git(&world, "reader", &["config", "fetch.unpackLimit", "10000"]);
    ok(&world, "reader", &["fetch"]);
    let notes = git(&world, "repo", &["notes", "--ref", "docket", "list"]);
    let head = git(&world, "repo", &["rev-parse", "HEAD"]);
    let line = notes.lines().find(|line| line.ends_with(head.trim()));
    let note = line
        .and_then(|line| line.split(' ').next())
        .expect("a note");
    let loose = format!("reader/.git/objects/{}/{}", &note[..2], &note[2..]);
    fs::remove_file(world.root().join(loose)).expect("it was loose");
    world.commit("later", "later\n");
    git(&world, "repo", &["push", "-q", "origin", "main"]);
    world.set("XDG_STATE_HOME", &at(&world, "writer"));
    step(&world, "repo", "later");
    ok(&world, "repo", &["push"]);
    world.unset("XDG_STATE_HOME");
    world
}

/// The file that names the tips replayed.
fn replayed(world: &World) -> PathBuf {
    let folders = fs::read_dir(world.root().join(SEEN)).expect("state");
    let mut files = folders.map(|folder| folder.expect("read").path().join("replayed.json"));
    files.find(|file| file.exists()).expect("a ledger")
}

#[test]
fn only_what_was_added_is_read() {
    for format in FORMATS {
        let world = half_blind(format);
        let fetched = ok(&world, "reader", &["fetch"]);
        assert!(
            fetched.contains("3 entries") && fetched.contains("1 new here"),
            "{fetched}"
        );
        // And a full replay does miss it.
        let ran = docket(&world, "reader", &["verify"]);
        assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    }
}

#[test]
fn where_both_went_on_only_what_was_added_is_read() {
    for format in FORMATS {
        let world = half_blind(format);
        git(
            &world,
            "reader",
            &["commit", "-q", "--allow-empty", "-m", "Own"],
        );
        step(&world, "reader", "own");
        let fetched = ok(&world, "reader", &["fetch"]);
        assert!(
            fetched.ends_with("1 new here; 1 of ours not there yet\n"),
            "{fetched}"
        );
        let landed = ok(&world, "reader", &["push"]);
        assert_eq!(landed, "origin: 1 entries landed\n");
        ok(&world, "repo", &["fetch"]);
        assert_eq!(steps(&world, "repo"), ["genesis", "build", "later", "own"]);
    }
}

#[test]
fn without_trusted_state_all_is_replayed() {
    let world = half_blind("sha1");
    let path = replayed(&world);
    let text = fs::read_to_string(&path).expect("read");
    let program = concat!("\"program\":\"", env!("CARGO_PKG_VERSION"), "\"");
    assert!(text.contains(program), "{text}");
    for doubtful in [
        text.replace(program, "\"program\":\"0.0.0\""),
        text.replace("\"v\":1", "\"v\":2"),
        text.replace("\"v\":1", "\"v\":1,\"x\":1"),
        text.replace("\"tip\":\"sha1:", "\"tip\":\"sha1:0"),
        text.replace("\"tips\":[", "\"tips\":[{\"tip\":\"none\"},"),
        "{".to_owned(),
    ] {
        fs::write(&path, doubtful).expect("written");
        let ran = docket(&world, "reader", &["fetch"]);
        assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    }
    fs::remove_file(&path).expect("removed");
    assert_eq!(docket(&world, "reader", &["fetch"]).code, 5);
    fs::write(&path, &text).expect("written");
    let seen = path.with_file_name("seen.json");
    let memory = fs::read_to_string(&seen).expect("read");
    fs::remove_file(&seen).expect("removed");
    assert_eq!(docket(&world, "reader", &["fetch"]).code, 5);
    fs::write(&seen, memory).expect("written");
    ok(&world, "reader", &["fetch"]);
}

#[test]
fn under_another_pin_all_is_replayed() {
    let world = half_blind("sha1");
    let pin = world.root().join("reader/.docket.toml");
    let text = fs::read_to_string(&pin).expect("read");
    let set = |text: &str| {
        fs::write(&pin, text).expect("written");
        git(&world, "reader", &["commit", "-q", "-am", "Another pin"]);
        docket(&world, "reader", &["fetch"])
    };
    let at = text.find("genesis = \"").expect("a genesis") + "genesis = \"".len();
    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
    let other = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
    let ran = set(&other);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    git(&world, "reader", &["rm", "-q", ".docket.toml"]);
    git(&world, "reader", &["commit", "-q", "-m", "No pin"]);
    assert_eq!(docket(&world, "reader", &["fetch"]).code, 5);
    fs::write(&pin, &text).expect("written");
    git(&world, "reader", &["add", ".docket.toml"]);
    git(&world, "reader", &["commit", "-q", "-m", "The pin"]);
    ok(&world, "reader", &["fetch"]);
}

#[test]
fn what_may_not_stand_is_found_after_a_replayed_beginning() {
    for format in FORMATS {
        let mut world = served(format);
        clone(&world, "reader");
        ok(&world, "reader", &["fetch"]);
        world.set("XDG_STATE_HOME", &at(&world, "writer"));
        step(&world, "repo", "later");
        git(
            &world,
            "repo",
            &["notes", "--ref", "docket", "append", "-m", "by hand"],
        );
        git(
            &world,
            "repo",
            &["push", "-q", "origin", "refs/notes/docket"],
        );
        world.unset("XDG_STATE_HOME");
        let ran = docket(&world, "reader", &["fetch"]);
        assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("entry-grammar"), "{}", ran.err);
    }
}

/// A ledger whose old entry was altered by hand, with an honest append on top: the altered tip, which is the server's
/// but for that append.
fn altered_below(world: &World) -> String {
    step(world, "repo", "build");
    ok(world, "repo", &["push"]);
    clone(world, "reader");
    ok(world, "reader", &["fetch"]);
    let script = r#"object=$(git rev-parse HEAD)
        blob=$(git notes --ref docket show $object | sed 's/"step":"build"/"step":"built"/' | git hash-object -w --stdin)
        git notes --ref docket add -f -C $blob $object
        git rev-parse refs/notes/docket"#;
    let ran = world.run("sh", &["-ec", script]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    world.commit("later", "later\n");
    git(world, "repo", &["push", "-q", "origin", "main"]);
    step(world, "repo", "later");
    git(
        world,
        "repo",
        &["push", "-q", "origin", "refs/notes/docket"],
    );
    ran.out.lines().last().expect("a tip").to_owned()
}

#[test]
fn a_doctored_record_makes_no_bad_ledger_pass() {
    for format in FORMATS {
        let world = served(format);
        let altered = altered_below(&world);
        let refused = |why: &str| {
            let ran = docket(&world, "reader", &["fetch"]);
            assert_eq!(ran.code, 4, "{why}: {}{}", ran.out, ran.err);
            assert!(
                ran.err.contains("prev-mismatch") || ran.err.contains("root-mismatch"),
                "{}",
                ran.err
            );
        };
        refused("as it is");
        // The record vouches for the altered tip, under the right pin.
        let path = replayed(&world);
        let sound = fs::read_to_string(&path).expect("read");
        let (before, last) = sound.rsplit_once("\"tip\":\"").expect("a tip");
        let (good, after) = last.split_once('"').expect("its end");
        let vouching = format!("{before}\"tip\":\"{format}:{altered}\"{after}");
        fs::write(&path, &vouching).expect("written");
        refused("a record that vouches for it");
        // So does the clone, and the record does not; it is stale then.
        let seen = "refs/docket/fetched/origin/notes/docket";
        fs::write(&path, &sound).expect("written");
        git(&world, "reader", &["update-ref", seen, &altered]);
        refused("a ref that vouches for it");
        let good = good.split_once(':').expect("an id").1;
        git(&world, "reader", &["update-ref", seen, good]);
        let here = git(&world, "reader", &["rev-parse", "refs/notes/docket"]);
        assert_eq!(here.trim(), good, "nothing moved");
        // And whatever fetch may be told, verify believes neither.
        git(
            &world,
            "reader",
            &["update-ref", "refs/notes/docket", &altered],
        );
        fs::write(&path, &vouching).expect("written");
        assert_eq!(docket(&world, "reader", &["verify"]).code, 4);
    }
}
