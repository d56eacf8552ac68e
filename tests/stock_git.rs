//! The ledger in repositories as people keep them, and what stock git does to it: through the program alone.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;

use common::world::{Ran, World};

const FORMATS: [&str; 2] = ["sha1", "sha256"];

/// A repository of two commits with a ledger of a build and a test.
fn founded(format: &str) -> World {
    let world = World::with_format(format);
    world.commit("README", "hello\n");
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.commit("main", "main\n");
    for step in ["build", "test"] {
        world.docket_ok(&["-q", "run", "--step", step, "--", "true"]);
    }
    world
}

/// Runs `git docket` for the repository in a folder.
fn docket_in(world: &World, folder: &Path, arguments: &[&str]) -> Ran {
    let folder = folder.display().to_string();
    world.docket(&[&["-C", &folder], arguments].concat())
}

/// One more entry can be recorded there, and the whole verifies.
fn works(world: &World, folder: &Path, when: &str) {
    let entries = |ran: &Ran| ran.out.lines().count();
    let before = docket_in(world, folder, &["log", "-o", "json"]);
    let ran = docket_in(
        world,
        folder,
        &["-q", "run", "--step", "after", "--", "echo", when],
    );
    assert_eq!(ran.code, 0, "{when}: {}", ran.err);
    let after = docket_in(world, folder, &["log", "-o", "json"]);
    assert_eq!(entries(&after), entries(&before) + 1, "{when}");
    let ran = docket_in(world, folder, &["verify"]);
    assert_eq!(ran.code, 0, "{when}: {}{}", ran.out, ran.err);
}

#[test]
fn what_git_does_to_keep_house_changes_nothing() {
    for format in FORMATS {
        let world = founded(format);
        world.git(&["notes", "add", "-m", "everybody's"]);
        world.git(&["notes", "--ref", "other", "add", "-m", "theirs"]);
        let names = ["refs/notes/commits", "refs/notes/other"];
        let others = names.map(|name| world.git(&["rev-parse", name]));
        for house in [
            &["gc", "-q", "--prune=now"][..],
            &["repack", "-adfq"],
            &["pack-refs", "--all"],
            &["multi-pack-index", "write"],
            &["commit-graph", "write", "--reachable"],
            &["maintenance", "run", "--quiet", "--task=loose-objects"],
            &["fsck", "--strict", "--no-progress"],
        ] {
            world.git(house);
            works(&world, &world.repo(), house[0]);
        }
        assert_eq!(names.map(|name| world.git(&["rev-parse", name])), others);
        let listed = world.git(&["notes", "--ref", "docket", "list"]);
        assert_eq!(listed.lines().filter(|line| line.contains(' ')).count(), 2);
        let shown = world.git(&["notes", "--ref", "docket", "show"]);
        assert!(
            shown
                .lines()
                .all(|line| line.starts_with(r#"{"link":{"v":1,"#)),
            "{shown}"
        );
        let log = world.git(&["log", "-1", "--notes=docket"]);
        assert!(log.contains("Notes (docket):\n    {\"link\""), "{log}");
    }
}

#[test]
fn wherever_the_repository_is_the_ledger_is_there() {
    for format in FORMATS {
        let world = founded(format);
        let at = |folder: &str| world.root().join(folder);
        let path = |folder: &str| at(folder).display().to_string();
        world.git(&["worktree", "add", "-q", "-b", "side", &path("linked")]);
        works(&world, &at("linked"), "a linked worktree");
        works(&world, &world.repo(), "the main worktree after that");

        let clones: [(&str, &[&str]); 3] = [
            ("bare.git", &["--mirror"]),
            ("shared.git", &["--mirror", "--shared"]),
            ("reference.git", &["--mirror", "--reference", "bare.git"]),
        ];
        for (folder, how) in clones {
            let how: Vec<String> = how
                .iter()
                .map(|word| word.replace("bare.git", &path("bare.git")))
                .collect();
            let how: Vec<&str> = how.iter().map(String::as_str).collect();
            world.git(&[&["clone", "-q"], &how[..], &[".", &path(folder)]].concat());
            // A clone has a remote, and its own key is that of the same person.
            works(&world, &at(folder), folder);
        }

        world.git(&["clone", "-q", ".", &path("library")]);
        let fetch = "refs/notes/docket:refs/notes/docket";
        world.git(&["-C", &path("library"), "fetch", "-q", "origin", fetch]);
        let outer = World::with_format(format);
        outer.commit("README", "outer\n");
        let allowed = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"];
        outer.git(&[&allowed[..], &[&path("library"), "lib"]].concat());
        let inner = outer.repo().join("lib");
        outer.git(&[
            "-C",
            &inner.display().to_string(),
            "fetch",
            "-q",
            "origin",
            fetch,
        ]);
        let ran = docket_in(&outer, &inner, &["verify"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let ran = outer.docket(&["verify"]);
        assert_eq!(
            ran.code, 5,
            "the outer repository has no ledger: {}",
            ran.out
        );
    }
}

/// What somebody does by hand, as commands of a shell, and a finding that names it.
const BY_HAND: [(&str, &str, &str); 9] = [
    (
        "append",
        "git notes --ref docket append -m theirs",
        "entry-grammar",
    ),
    (
        "add beside",
        "git notes --ref docket add -m theirs $(git commit-tree -m x HEAD^{tree})",
        "entry-grammar",
    ),
    (
        "overwrite",
        "git notes --ref docket add -f -m theirs",
        "size-mismatch",
    ),
    (
        "remove",
        "git notes --ref docket remove HEAD",
        "size-mismatch",
    ),
    (
        "copy",
        "git notes --ref docket copy HEAD $(git commit-tree -m x HEAD^{tree})",
        "seq-duplicate",
    ),
    (
        "edit",
        "GIT_EDITOR='sed -i s/build/built/' git notes --ref docket edit",
        "prev-mismatch",
    ),
    (
        "prune",
        "git update-ref refs/heads/main HEAD~1 && git reflog expire --expire=now --all && git prune --expire=now && git notes --ref docket prune",
        "size-mismatch",
    ),
    (
        "merge",
        "git notes --ref mine add -m mine HEAD~1 && git notes --ref docket merge -q -s union mine",
        "ledger-merge",
    ),
    (
        "filter-branch",
        "FILTER_BRANCH_SQUELCH_WARNING=1 git filter-branch -f --index-filter 'git rm -q --cached docket/append' refs/notes/docket",
        "append-record-missing",
    ),
];

#[test]
fn what_is_done_to_the_notes_by_hand_is_found() {
    for format in FORMATS {
        for (what, by_hand, finding) in BY_HAND {
            let world = founded(format);
            let before = world.git(&["rev-parse", "refs/notes/docket"]);
            let ran = world.run("sh", &["-c", by_hand]);
            assert_eq!(ran.code, 0, "{what}: {}", ran.err);
            let after = world.git(&["rev-parse", "refs/notes/docket"]);
            assert_ne!(before, after, "{what} did nothing");
            let ran = world.docket(&["verify"]);
            assert_eq!(ran.code, 4, "{what}: {}{}", ran.out, ran.err);
            assert!(
                ran.out.contains(&format!("[{finding}]")),
                "{what}: {}",
                ran.out
            );
            // Nothing is appended to what is not sound, or what was broken stays so.
            world.docket(&["-q", "run", "--step", "after", "--", "true"]);
            assert_eq!(world.docket(&["verify"]).code, 4, "{what}, appended to");
        }
    }
}
