//! Checks over a real repository: a change, its approval, how it landed, and what git knows of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/changes.rs"]
mod changes;
mod common;
#[path = "common/peer.rs"]
mod peer;

use changes::{approve, change, commit, land, person, record, rev};
use common::world::World;
use serde_json::{Value, json};

const POLICY: &str =
    "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C03]\n[checks.C05]\n[checks.C07]\n";

/// A ledger of two people, whose policy enforces three checks.
fn ledger() -> World {
    World::of_two(POLICY)
}

/// The verdict over each check, the reasons given, and the exit code.
fn judged(world: &World, words: &[&str]) -> (Vec<String>, Vec<String>, i32) {
    let ran = world.docket(&[&["verify", "-o", "json"], words].concat());
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let checks = said["checks"].as_array().unwrap();
    let verdicts = checks.iter().map(|check| {
        format!(
            "{} {}",
            check["id"].as_str().unwrap(),
            check["verdict"].as_str().unwrap()
        )
    });
    let items = checks
        .iter()
        .flat_map(|check| check["items"].as_array().unwrap());
    let reasons = items
        .filter_map(|item| item["reason"].as_str())
        .map(str::to_owned);
    (verdicts.collect(), reasons.collect(), ran.code)
}

#[test]
fn a_change_from_proposal_to_landing() {
    let mut world = ledger();
    let at = change(&world);
    let (verdicts, reasons, _) = judged(&world, &[]);
    assert!(
        verdicts.contains(&"C05 not-applicable".to_owned()),
        "{verdicts:?} {reasons:?}"
    );

    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    let (_, reasons, code) = judged(&world, &[]);
    assert_eq!((reasons, code), (vec!["commit-not-landed".to_owned()], 1));

    land(&world, &at.0);
    let (_, reasons, code) = judged(&world, &[]);
    assert_eq!(
        (reasons, code),
        (
            vec![
                "too-few-approvals".to_owned(),
                "nothing-approved".to_owned()
            ],
            1
        )
    );

    let person = person(&world);
    approve(&world, "default", &person, &at);
    assert_eq!(
        judged(&world, &[]).1,
        ["too-few-approvals"],
        "an author's own approval"
    );

    approve(&world, "ben", "ben", &at);
    let (verdicts, reasons, code) = judged(&world, &[]);
    assert_eq!((reasons, code), (vec![], 0), "{verdicts:?}");
    assert_eq!(
        verdicts,
        ["C01 pass", "C02 pass", "C03 pass", "C05 pass", "C07 pass"]
    );
    // The same for a clone whose clock stands elsewhere, and for the commits alone.
    world.set("SOURCE_DATE_EPOCH", "253402300799");
    assert_eq!(judged(&world, &[]).2, 0);
    assert_eq!(judged(&world, &["main~1..main"]).0, verdicts);
    let (_, reasons, code) = judged(&world, &["--check", "C19"]);
    assert_eq!((reasons, code), (vec!["ai-undeclared".to_owned()], 3));
}

#[test]
fn a_base_that_moved_on_is_a_merge_recomputed_and_more_than_that_is_not() {
    let world = ledger();
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    let other = commit(&world, "other.txt", "meanwhile\n");
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &other);
    let (verdicts, reasons, _) = judged(&world, &["main"]);
    assert!(
        verdicts.contains(&"C07 pass".to_owned()),
        "{verdicts:?} {reasons:?}"
    );

    let world = ledger();
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.write("smuggled.txt", "nobody saw this\n");
    world.git(&["add", "smuggled.txt"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    let (_, reasons, code) = judged(&world, &["main"]);
    assert_eq!(
        (reasons, code),
        (vec!["not-what-was-approved".to_owned()], 1)
    );
}

#[test]
fn an_address_that_nobody_has_is_unknown_and_so_is_a_borrowed_one() {
    let world = ledger();
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&[
        "commit",
        "-q",
        "-m",
        "seven",
        "--author",
        "Ben <ben@example.com>",
    ]);
    land(&world, &at.0);
    assert_eq!(
        judged(&world, &["main"]).1,
        ["too-few-approvals"],
        "the approver is an author by the commit"
    );

    world.git(&[
        "commit",
        "-q",
        "--amend",
        "--no-edit",
        "--author",
        "Eve <eve@example.com>",
    ]);
    land(&world, &at.0);
    let (_, reasons, code) = judged(&world, &["main"]);
    assert_eq!((reasons, code), (vec!["author-unknown".to_owned()], 3));
}

/// Strings that a form might act upon.
const HOSTILE: &str = "<script>alert(1)</script>|**x**\u{1b}[31m\u{202e}=1+1";

#[test]
fn reports_show_the_same_in_every_form_and_hold_hostile_text() {
    let world = ledger();
    let at = change(&world);
    let person = person(&world);
    record(
        &world,
        "default",
        "change",
        &json!({
            "actor": person, "assertedBy": "self", "id": HOSTILE, "base": {"ref": "refs/heads/main", "commit": at.0},
            "head": {"commit": at.1, "tree": at.2}, "authors": [{"person": person}], "reason": {"kind": "fix"},
        }),
    );
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    let to = rev(&world, "main");
    record(
        &world,
        "default",
        "landing",
        &json!({
            "actor": person, "assertedBy": "self", "changeId": HOSTILE, "ref": "refs/heads/main", "from": at.0, "to": to,
            "commits": [to], "method": "squash",
        }),
    );
    let forms = ["markdown", "html", "csv", "sarif", "json", "junit"];
    let mut words = vec![
        "report".to_owned(),
        "--pack".into(),
        "slsa".into(),
        "--pack".into(),
        "soc2".into(),
    ];
    words.extend(
        forms
            .iter()
            .map(|form| format!("--output={form}=../audit.{form}")),
    );
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = world.docket(&words);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let read = |form: &str| {
        std::fs::read_to_string(world.repo().join(format!("../audit.{form}"))).unwrap()
    };
    let before: Vec<String> = forms.iter().map(|form| read(form)).collect();
    assert_eq!(before[0], ran.out);
    for (form, text) in forms.iter().zip(&before) {
        assert!(text.contains("too-few-approvals"), "{text}");
        // JSON is data: whoever shows it escapes it.
        if *form == "json" {
            continue;
        }
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
    }
    assert!(!before[0].contains("<script>") && !before[0].contains("**x**"));
    assert!(!before[1].contains("<script") && before[1].contains("&lt;script&gt;"));
    assert!(before[1].contains("Content-Security-Policy"));
    // Every link within the page leads somewhere.
    for target in before[1]
        .split("href=\"#")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(before[1].contains(&format!("id=\"{target}\"")), "{target}");
    }
    let sarif: Value = serde_json::from_str(&before[3]).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    if let Some(folder) = peer::corpus("sarif") {
        let schema = folder.join("sarif-spec/sarif-2.1/schema/sarif-schema-2.1.0.json");
        let schema: Value =
            serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
        common::schemas::value_fits(&jsonschema::validator_for(&schema).unwrap(), &sarif);
    }
    // No clock in it: the same bytes on any day.
    let mut world = world;
    world.set("SOURCE_DATE_EPOCH", "253402300799");
    world.docket(&words);
    let read = |form: &str| {
        std::fs::read_to_string(world.repo().join(format!("../audit.{form}"))).unwrap()
    };
    let after: Vec<String> = forms.iter().map(|form| read(form)).collect();
    assert_eq!(before, after);
    assert_eq!(world.docket(&["report", "--pack", "nothing"]).code, 2);
    assert!(
        world
            .docket_ok(&["explain", "too-few-approvals"])
            .contains("git docket approve")
    );
    assert!(world.docket_ok(&["explain", "soc2/cc8.1"]).contains("C05"));
    assert_eq!(world.docket(&["explain", "soc2/none"]).code, 2);
}
