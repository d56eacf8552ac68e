//! `git docket` alone, `status` and `doctor`: friendly with and without a ledger or a repository.

mod common;

use common::world::World;

#[test]
fn the_overview_is_friendly_everywhere_and_names_the_next_command() {
    let outside = World::bare_hands();
    assert!(
        outside
            .docket_ok::<&str>(&[])
            .contains("this folder is in no Git repository")
    );
    let world = World::with_format("sha256");
    let next = |world: &World| {
        let out = world.docket_ok::<&str>(&[]);
        let at = out
            .find("\nnext: ")
            .expect("the overview says what is next");
        out[at + 7..].lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(next(&world), "git commit");
    world.commit("a", "a");
    assert_eq!(next(&world), "git docket init");
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.commit("b", "b");
    assert_eq!(next(&world), "git docket run --step test -- COMMAND");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    assert_eq!(next(&world), "git add .docket.toml && git commit");
    world.git(&["add", ".docket.toml"]);
    world.git(&["commit", "-q", "-m", "pin"]);
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    assert_eq!(next(&world), "git docket verify HEAD");
    let out = world.docket_ok::<&str>(&[]);
    assert!(
        out.contains("entries   3: 3 sealed, 0 unsealed; 0 pending in the spool"),
        "{out}"
    );
    let clone = world.root().join("clone").to_string_lossy().into_owned();
    world.git(&["clone", "-q", ".", &clone]);
    let out = world.docket_ok(&["-C", &clone]);
    assert!(out.contains("next: git docket fetch\n"), "{out}");
}

#[test]
fn doctor_sees_what_is_planted() {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let problems = |world: &World| {
        let ran = world.docket(&["doctor"]);
        let names = ran
            .out
            .lines()
            .filter_map(|line| line.strip_prefix("PROBLEM")?.split_whitespace().next());
        (ran.code, names.map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(problems(&world), (0, vec![]));
    for (key, value, code) in [
        ("core.notesRef", "refs/notes/docket", "notes-ref"),
        ("notes.rewriteRef", "refs/notes/*", "notes-rewrite"),
        ("docket.stpe", "build", "settings"),
        (
            "remote.origin.fetch",
            "+refs/notes/*:refs/notes/*",
            "refspec-forces",
        ),
    ] {
        world.git(&["config", key, value]);
        assert_eq!(problems(&world), (1, vec![code.to_owned()]), "{key}");
        world.git(&["config", "--unset", key]);
    }
    world.git(&["config", "docket.step", "build"]);
    assert_eq!(problems(&world).0, 0, "a flag's key is known");
    let key = world
        .root()
        .join("home/.local/share/git-docket/keys/default.pem");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(key, mode).expect("set");
    assert_eq!(problems(&world), (1, vec!["keys".to_owned()]));
    world.git(&["update-ref", "-d", "refs/notes/docket"]);
    assert_eq!(problems(&world).1, ["ledger-ref", "keys"]);
}

#[test]
fn one_bad_key_hides_no_other_and_doctor_names_each() {
    let world = World::new();
    for name in ["default", "gone", "odd", "open"] {
        world.docket_ok(&["key", "generate", name]);
    }
    let keys = world.root().join("home/.local/share/git-docket/keys");
    std::fs::remove_file(keys.join("gone.pub.pem")).expect("removed");
    std::fs::write(keys.join("odd.pub.pem"), [0xff, 0, b'x']).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(keys.join("open.pem"), mode).expect("set");
    let ran = world.docket(&["key", "list"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let names: Vec<&str> = ran
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["default", "open"]);
    for bad in ["gone.pub.pem", "odd.pub.pem"] {
        assert!(ran.err.contains(bad), "{bad}: {}", ran.err);
    }
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    let ran = world.docket(&["key", "show", "nobody"]);
    assert_eq!(ran.code, 5);
    assert!(ran.err.contains("hint: git docket key list"), "{}", ran.err);
    let ran = world.docket(&["doctor"]);
    assert_eq!(ran.code, 1);
    for bad in ["gone.pub.pem", "odd.pub.pem", "open.pem has mode 640"] {
        let named = |line: &str| line.starts_with("PROBLEM") && line.contains(bad);
        assert!(ran.out.lines().any(named), "{bad}: {}", ran.out);
    }
}

#[test]
fn doctor_sees_a_clock_that_lags_and_notes_that_another_program_moved() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let line = |world: &World, code: &str| {
        let out = world.docket(&["doctor"]).out;
        let line = out.lines().find(|line| line.contains(code));
        line.unwrap_or_default().to_owned()
    };
    world.set("SOURCE_DATE_EPOCH", "1795341000");
    assert!(line(&world, "clock").starts_with("PROBLEM"));
    world.unset("SOURCE_DATE_EPOCH");
    let index = world.root().join("index").to_string_lossy().into_owned();
    world.set("GIT_INDEX_FILE", &index);
    world.git(&["read-tree", "refs/notes/docket"]);
    let head = world.git(&["rev-parse", "HEAD"]);
    let (head, flat) = (head.trim(), head.trim());
    let note = format!("{}/{}/{}", &head[..2], &head[2..4], &head[4..]);
    let blob = world.git(&["rev-parse", &format!("refs/notes/docket:{note}")]);
    world.git(&["update-index", "--force-remove", &note]);
    let entry = format!("100644,{},{flat}", blob.trim());
    world.git(&["update-index", "--add", "--cacheinfo", &entry]);
    let tree = world.git(&["write-tree"]);
    let commit = ["commit-tree", "-p", "refs/notes/docket", "-m", "flat"];
    let commit = world.git(&[&commit[..], &[tree.trim()]].concat());
    world.git(&["update-ref", "refs/notes/docket", commit.trim()]);
    world.unset("GIT_INDEX_FILE");
    let seen = line(&world, "fan-out");
    assert!(seen.contains("1 notes stand at another path"), "{seen}");
    assert_eq!(world.docket(&["verify"]).code, 0, "every shape is read");
}
