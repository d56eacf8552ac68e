//! `log` and `show`, over a ledger of five entries.

mod common;

use common::world::World;
use git_docket::attestation::Attestation;

fn world() -> (World, Vec<Attestation>) {
    let world = World::new();
    world.commit("src/main", "one\n");
    let attestations = common::ledger::write(
        &world,
        &["HEAD~1", "HEAD"],
        &["lint", "build", "test", "scan", "test"],
    );
    (world, attestations)
}

fn seqs(lines: &str) -> Vec<&str> {
    lines
        .lines()
        .map(|line| line.split_whitespace().next().unwrap_or_default())
        .collect()
}

#[test]
fn log_lists_newest_first_and_filters() {
    let (world, _) = world();
    for (arguments, wanted) in [
        (&["log"][..], &["4", "3", "2", "1", "0"][..]),
        (&["log", "-n", "2"], &["4", "3"]),
        (&["log", "HEAD~1..HEAD"], &["3", "1"]),
        (&["log", "HEAD~1"], &["4", "2", "0"]),
        (&["log", "--step", "test"], &["4", "2"]),
        (
            &[
                "log",
                "--since",
                "2026-11-22T10:01:00Z",
                "--until",
                "2026-11-22T10:02:00Z",
            ],
            &["2", "1"],
        ),
        (&["log", "--until", "2026-11-22T10:00:00Z"], &["0"]),
    ] {
        assert_eq!(seqs(&world.docket_ok(arguments)), wanted, "{arguments:?}");
    }
    let ran = world.docket(&["log", "--step", "deploy"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (3, ""),
        "an empty result is never 0"
    );
    assert_eq!(world.docket(&["log", "--since", "someday"]).code, 2);
    assert_eq!(world.docket(&["log", "no-such-branch"]).code, 2);
    assert_eq!(world.docket(&["log", "--step", "No Step"]).code, 2);
}

#[test]
fn what_a_terminal_would_act_upon_is_escaped() {
    let (world, _) = world();
    for arguments in [&["log"][..], &["show", "HEAD"]] {
        let out = world.docket_ok(arguments);
        assert!(
            out.contains(r"\u{1b}[31m") && !out.contains('\u{1b}'),
            "{out}"
        );
    }
}

#[test]
fn show_finds_entries_by_revision_seq_and_digest() {
    let (world, attestations) = world();
    let entries = |target: &str| {
        let out = world.docket_ok(&["show", target]);
        out.lines()
            .filter_map(|line| line.strip_prefix("entry "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(entries("HEAD"), ["1 (unsealed)", "3 (unsealed)"]);
    assert_eq!(entries("2"), ["2 (unsealed)"]);
    assert_eq!(
        entries(&format!("sha256:{}", attestations[3].digest())),
        ["3 (unsealed)"]
    );
    let raw = world.docket_ok(&["show", "2", "--raw"]);
    assert_eq!(raw.as_bytes(), attestations[2].bytes());
    assert_eq!(
        world.docket(&["show", "HEAD", "--raw"]).code,
        2,
        "there are two"
    );
    assert_eq!(world.docket(&["show", "9"]).code, 3);
    let bare = world.commit("more", "x\n");
    let ran = world.docket(&["show"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains(&format!("no entry is about sha1:{bare}")),
        "{}",
        ran.err
    );
}

#[test]
fn json_lines_fit_their_schema() {
    let (world, _) = world();
    let schema = common::schema("output/entry.json");
    for arguments in [&["log", "-o", "json"][..], &["show", "HEAD", "-o", "json"]] {
        let out = world.docket_ok(arguments);
        assert!(out.lines().count() > 1);
        for line in out.lines() {
            common::fits(&schema, line);
        }
    }
}

#[test]
fn a_missing_ledger_is_an_error_and_a_broken_note_is_named() {
    let world = World::new();
    let ran = world.docket(&["log"]);
    assert_eq!((ran.code, ran.out.as_str()), (5, ""));
    insta::assert_snapshot!(ran.err, @r"
    error: there is no ledger here: refs/notes/docket is missing
    hint: git docket init makes one
    ");
    common::ledger::write(&world, &["HEAD"], &["lint", "build"]);
    world.git(&[
        "notes", "--ref", "docket", "append", "-m", "by hand", "HEAD",
    ]);
    let ran = world.docket(&["log"]);
    assert_eq!(seqs(&ran.out), ["1", "0"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.err.contains("warning: the note about sha1:"),
        "{}",
        ran.err
    );
    assert_eq!(
        World::bare_hands().docket(&["log"]).code,
        5,
        "outside a repository"
    );
}
