//! Late binding: evidence recorded before an artifact exists is found through it, by provenance, commit and tree; a squash
//! or a rebase whose tree is equal keeps it; what was lost is named, in later clones too.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::world::World;
use serde_json::{Value, json};

const STEPS: &str = r#"version = 1
protected = ["refs/heads/main"]
[[step]]
name = "test"
types = ["link"]
roles = ["maintainer"]
required = true
"#;

const CHECKS: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C05]\n[checks.C07]\n[checks.C08]\naccept = \"exit-code\"\n";

fn verify(world: &World, words: &[&str]) -> (i32, Value) {
    let ran = world.docket(&[&["verify", "-o", "json"], words].concat());
    let verdict = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    (ran.code, verdict)
}

fn reasons(world: &World) -> Vec<String> {
    let (_, verdict) = verify(world, &[]);
    let checks = verdict["checks"].as_array().unwrap().clone().into_iter();
    let items = checks.flat_map(|check| check["items"].as_array().unwrap().clone());
    items
        .filter_map(|item| item["reason"].as_str().map(str::to_owned))
        .collect()
}

/// A topic that is tested, and main, which may go on meanwhile.
fn tested(world: &World) {
    world.git(&["switch", "-q", "-c", "topic"]);
    world.commit("topic.txt", "new\n");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
}

fn provenance(world: &World, artifact: &str, commits: &[&str]) {
    let dependencies: Vec<Value> = commits
        .iter()
        .map(|commit| json!({"uri": "git+https://git.example.com/acme/app", "digest": {"gitCommit": commit}}))
        .collect();
    let predicate = json!({
        "buildDefinition": {"buildType": "https://example.com/b", "externalParameters": {}, "resolvedDependencies": dependencies},
        "runDetails": {"builder": {"id": "https://ci.example.com/1"}},
    });
    world.write("provenance.json", &predicate.to_string());
    let attest = [
        "attest",
        "--step",
        "build",
        "--type",
        "provenance",
        "--predicate",
        "provenance.json",
        artifact,
    ];
    world.docket_ok(&attest);
}

#[test]
fn an_artifact_is_judged_by_the_commit_that_it_was_made_from() {
    let world = World::of_two(STEPS);
    tested(&world);
    let source = world.git(&["rev-parse", "HEAD"]);
    // Long after: the build tells of itself from elsewhere, and other entries name the artifact there.
    world.git(&["switch", "-q", "main"]);
    world.commit("later.txt", "later\n");
    world.write("app", "binary");
    let scan = [
        "attest",
        "--step",
        "scan",
        "--type",
        "scai",
        "--predicate",
        "scan.json",
        "app",
    ];
    world.write(
        "scan.json",
        r#"{"attributes":[{"attribute":"NO_SECRETS"}]}"#,
    );
    world.docket_ok(&scan);
    // Only a scan under an untested commit: nothing says from where it came.
    assert_eq!(verify(&world, &["./app"]).0, 3);
    // A repository of somebody else's beside our own.
    provenance(&world, "app", &[&"e".repeat(40), source.trim()]);
    let (code, verdict) = verify(&world, &["./app"]);
    assert_eq!(code, 0, "{verdict:#}");
    let steps = verdict["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0]["commit"], format!("sha1:{}", source.trim()));
    // One that was made from a commit without evidence does not pass for it.
    world.write("other", "other binary");
    let bare = world.git(&["rev-parse", "HEAD"]);
    provenance(&world, "other", &[bare.trim()]);
    assert_eq!(verify(&world, &["./other"]).0, 3);
}

#[test]
fn who_may_not_say_how_an_artifact_was_made_diverts_nobody() {
    // Only builders may attest builds.
    let policy = format!(
        "{STEPS}[[step]]\nname = \"build\"\ntypes = [\"provenance\"]\nroles = [\"builder\"]\n"
    );
    let world = World::of_two(&policy);
    tested(&world);
    let source = world.git(&["rev-parse", "HEAD"]);
    world.git(&["switch", "-q", "main"]);
    world.commit("later.txt", "later\n");
    world.write("app", "binary");
    world.docket_ok(&["run", "--step", "pack", "--product", "app", "--", "true"]);
    assert_eq!(verify(&world, &["./app"]).0, 3);
    provenance(&world, "app", &[source.trim()]);
    assert_ne!(verify(&world, &["./app"]).0, 0);
}

#[test]
fn an_equal_tree_keeps_its_evidence_and_another_does_not() {
    for moved_on in [false, true] {
        let world = World::of_two(STEPS);
        tested(&world);
        world.docket_ok(&["change", "--id", "7", "--reason", "fix"]);
        world.git(&["switch", "-q", "main"]);
        if moved_on {
            world.commit("later.txt", "later\n");
        }
        world.git(&["merge", "-q", "--squash", "topic"]);
        world.git(&["commit", "-q", "-m", "seven"]);
        world.docket_ok(&["land", "--change", "7"]);
        let (code, verdict) = verify(&world, &["HEAD"]);
        let details = verdict["findings"].to_string();
        match moved_on {
            false => assert_eq!(code, 0, "{details}"),
            true => {
                assert_eq!(code, 3);
                let lost = "has it on the change's head, and another tree landed";
                assert!(details.contains(lost), "{details}");
            }
        }
    }
}

#[test]
fn a_later_clone_knows_what_was_squashed_away() {
    let world = World::of_two(CHECKS);
    tested(&world);
    world.docket_ok(&["change", "--id", "7", "--reason", "fix"]);
    world.docket_ok(&["approve", "--key", "ben"]);
    world.git(&["switch", "-q", "main"]);
    world.commit("later.txt", "later\n");
    world.docket_ok(&["land", "--change", "direct"]);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    world.docket_ok(&["land"]);
    // Here the merge is recomputed, and carries test and approval.
    assert_eq!(reasons(&world), Vec::<String>::new());

    world.git(&["init", "-q", "--bare", "-b", "main", "../server.git"]);
    world.git(&["push", "-q", "../server.git", "main", "refs/notes/docket"]);
    let clone = World::bare_hands();
    let server = world.root().join("server.git").display().to_string();
    clone.git(&["clone", "-q", &server, "."]);
    clone.git(&[
        "fetch",
        "-q",
        "origin",
        "refs/notes/docket:refs/notes/docket",
    ]);
    let head = world.git(&["rev-parse", "topic"]);
    assert_ne!(clone.run("git", &["cat-file", "-e", head.trim()]).code, 0);
    // Nobody can recompute it here: unknown and named, and neither failed nor passed.
    assert_eq!(reasons(&clone), ["merge-unknown", "suite-missing"]);
    let (code, verdict) = verify(&clone, &[]);
    assert_eq!(code, 3);
    let details = verdict["checks"].to_string();
    assert!(
        details.contains(&format!("commit sha1:{} is not here", head.trim())),
        "{details}"
    );
    assert!(details.contains("and another tree landed"), "{details}");
    // The forge keeps it.
    let topic = world.root().join("repo").display().to_string();
    clone.git(&["fetch", "-q", &topic, "topic"]);
    assert_eq!(reasons(&clone), Vec::<String>::new());
}

#[test]
fn an_author_who_was_squashed_away_is_still_no_reviewer() {
    let mut world = World::of_two(CHECKS);
    world.git(&["switch", "-q", "-c", "topic"]);
    world.set("GIT_AUTHOR_EMAIL", "ben@example.com");
    world.commit("topic.txt", "new\n");
    world.unset("GIT_AUTHOR_EMAIL");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    // Whoever records the change leaves ben out.
    let change = world.docket_ok(&[
        "change",
        "--id",
        "7",
        "--reason",
        "fix",
        "--dry-run",
        "-o",
        "json",
    ]);
    let change: Value = serde_json::from_str(&change).unwrap();
    let mut predicate = change["statement"]["predicate"].clone();
    predicate["authors"] = json!([{"person": "ada@example.com"}]);
    world.write("../change.json", &predicate.to_string());
    let attest = [
        "attest",
        "--step",
        "change",
        "--type",
        "change",
        "--predicate",
        "../change.json",
    ];
    world.docket_ok(&attest);
    world.docket_ok(&["approve", "--key", "ben"]);
    world.git(&["switch", "-q", "main"]);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    world.docket_ok(&["land"]);
    assert_eq!(reasons(&world), ["too-few-approvals"]);

    let clone = World::bare_hands();
    let repo = world.root().join("repo").display().to_string();
    clone.git(&[
        "clone",
        "-q",
        "--single-branch",
        "--branch",
        "main",
        &format!("file://{repo}"),
        ".",
    ]);
    clone.git(&[
        "fetch",
        "-q",
        "origin",
        "refs/notes/docket:refs/notes/docket",
    ]);
    assert_eq!(reasons(&clone), ["too-few-approvals"]);
}
