//! What an operator does after exit code 4, and what readers see then.

#[path = "common/mod.rs"]
mod common;

use common::server::{FORMATS, at, docket, git, steps};
use common::world::World;

/// What is done by hand, as commands of a shell, and how many of the entries on the second commit survive it.
const BY_HAND: [(&str, &str, usize); 4] = [
    ("append", "git notes --ref docket append -m theirs", 2),
    ("remove", "git notes --ref docket remove HEAD", 2),
    (
        "merge",
        "git notes --ref mine add -m mine HEAD~1 && git notes --ref docket merge -q -s union mine",
        2,
    ),
    (
        "edit",
        "GIT_EDITOR='sed -i s/dsseEnvelope/dsseEnvelopf/' git notes --ref docket edit",
        2,
    ),
];

fn founded(format: &str) -> World {
    let world = World::with_format(format);
    world.commit("README", "hello\n");
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&["add", ".docket.toml"]);
    world.git(&["commit", "-q", "-m", "Pin the ledger"]);
    for step in ["build", "test"] {
        world.docket_ok(&["-q", "run", "--step", step, "--", "true"]);
    }
    world
}

fn tip(world: &World) -> String {
    git(world, "repo", &["rev-parse", "refs/notes/docket"])
        .trim()
        .to_owned()
}

fn by_hand(world: &World, script: &str) {
    let ran = world.run("sh", &["-c", script]);
    assert_eq!(ran.code, 0, "{script}: {}", ran.err);
}

#[test]
fn what_was_done_by_hand_is_recovered_from_and_said() {
    for format in FORMATS {
        for (what, script, kept) in BY_HAND {
            let world = founded(format);
            by_hand(&world, script);
            let broken = tip(&world);
            assert_eq!(world.docket(&["verify"]).code, 4, "{what}");

            let dry = world.docket_ok(&["recover", "--dry-run"]);
            assert!(dry.contains(&broken), "{what}: {dry}");
            assert_eq!(tip(&world), broken, "{what}: a dry run moves nothing");

            world.docket_ok(&["recover", "--reason", "a test"]);
            let verdict = world.docket(&["verify"]);
            assert_eq!(verdict.code, 0, "{what}: {}", verdict.out);
            assert!(
                verdict.out.contains("note [recovered]"),
                "{what}: {}",
                verdict.out
            );
            let expected = ["genesis", "build", "test", "gap"];
            assert_eq!(
                steps(&world, "repo"),
                [&expected[..=kept], &["gap"]].concat(),
                "{what}"
            );
            let parent = world.git(&["rev-parse", "refs/notes/docket^"]);
            assert_eq!(parent.trim(), broken, "{what}: nothing is forced");
            let kept_as = world.git(&["rev-parse", &format!("refs/docket/quarantine/{broken}")]);
            assert_eq!(kept_as.trim(), broken, "{what}");
            let shown = world.docket_ok(&["show", &kept.saturating_add(1).to_string()]);
            assert!(
                shown.contains("brokenTip") && shown.contains("a test"),
                "{shown}"
            );

            // It goes on as any ledger.
            world.docket_ok(&["-q", "run", "--step", "after", "--", "true"]);
            assert_eq!(world.docket(&["verify"]).code, 0, "{what}");
            assert_eq!(world.docket(&["recover", "--dry-run"]).code, 3, "{what}");
        }
    }
}

#[test]
fn an_entry_only_in_the_broken_tip_is_kept_where_it_verifies() {
    let world = founded("sha1");
    let sound = tip(&world);
    world.docket_ok(&["-q", "run", "--step", "late", "--", "true"]);
    // History is lost but for the newest commit, and that is spoiled.
    by_hand(
        &world,
        &format!(
            "tree=$(git rev-parse refs/notes/docket^{{tree}}) && \
             commit=$(git commit-tree -p {sound} -m x $tree) && \
             git update-ref refs/notes/docket $commit && git notes --ref docket append -m theirs"
        ),
    );
    // In between stood a sound commit, too: it is the newest sound one.
    let told = world.docket_ok(&["recover", "--reason", "a test"]);
    assert!(told.contains("relinked  0 entries"), "{told}");
    assert_eq!(
        steps(&world, "repo"),
        ["genesis", "build", "test", "late", "gap"]
    );
    assert_eq!(world.docket(&["verify"]).code, 0);
}

#[test]
fn a_broken_remote_is_mended_without_force_and_every_clone_follows() {
    for format in FORMATS {
        let world = founded(format);
        world.git(&[
            "init",
            "-q",
            "--bare",
            "-b",
            "main",
            "--object-format",
            format,
            &at(&world, "server.git"),
        ]);
        world.git(&["remote", "add", "origin", &at(&world, "server.git")]);
        world.git(&["push", "-q", "origin", "main"]);
        world.docket_ok(&["push"]);
        world.git(&[
            "clone",
            "-q",
            &at(&world, "server.git"),
            &at(&world, "other"),
        ]);
        assert_eq!(docket(&world, "other", &["fetch"]).code, 0);
        // Somebody pushes an entry and spoils another note's line in one go.
        world.git(&[
            "clone",
            "-q",
            &at(&world, "server.git"),
            &at(&world, "villain"),
        ]);
        assert_eq!(docket(&world, "villain", &["fetch"]).code, 0);
        let run = ["-q", "run", "--step", "honest", "--", "true"];
        assert_eq!(docket(&world, "villain", &run).code, 0);
        let villain = at(&world, "villain");
        by_hand(
            &world,
            &format!(
                "git -C {villain} notes --ref docket append -m theirs HEAD~1 && \
                 git -C {villain} push -q origin refs/notes/docket"
            ),
        );
        for folder in ["repo", "other"] {
            let ran = docket(&world, folder, &["fetch"]);
            assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
        }
        let ran = docket(&world, "other", &["recover", "--reason", "x", "--dry-run"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told = world.docket_ok(&["recover", "--reason", "a test"]);
        assert!(told.contains("relinked  1 entries"), "{told}");
        world.docket_ok(&["push"]);
        for folder in ["repo", "other"] {
            let ran = docket(&world, folder, &["fetch"]);
            assert_eq!(ran.code, 0, "{folder}: {}{}", ran.out, ran.err);
            let ran = docket(&world, folder, &["verify"]);
            assert_eq!(ran.code, 0, "{folder}: {}{}", ran.out, ran.err);
        }
        assert_eq!(
            steps(&world, "repo"),
            ["genesis", "build", "test", "honest", "gap"]
        );
    }
}

#[test]
fn without_the_ledgers_key_nothing_is_recovered() {
    let world = founded("sha1");
    by_hand(&world, "git notes --ref docket append -m theirs");
    by_hand(&world, "rm $HOME/.local/share/git-docket/keys/ledger-*");
    let broken = tip(&world);
    let ran = world.docket(&["recover", "--reason", "a test"]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
    assert_eq!(tip(&world), broken);
}
