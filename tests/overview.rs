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
    assert!(
        out.contains("next: git fetch origin refs/notes/docket:refs/notes/docket\n"),
        "{out}"
    );
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
