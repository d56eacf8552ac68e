//! AI's part in changes: trailers set by a hook, notes of git-ai, statements collected for each change, and that no prompt
//! is kept anywhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::world::World;
use serde_json::{Value, json};

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C19]\n[checks.C21]\n[checks.C22]\n[ai]\ntools = [\"claude-code\", \"cursor\"]\nshare = { \"*\" = 60 }\n";

/// What nobody may ever find in a ledger.
const PROMPT: &str = "please write me a haiku about ledgers";

/// A clone with the developer's hooks.
fn world() -> World {
    let mut world = World::of_two(POLICY);
    let tools = world.root().join("bin");
    std::fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-docket"), tools.join("git-docket")).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    world.set("PATH", &path);
    for hook in ["prepare-commit-msg", "post-rewrite", "pre-push"] {
        let file = format!(".git/hooks/{hook}");
        world.write(
            &file,
            &format!("#!/bin/sh\nexec git docket hook {hook} \"$@\"\n"),
        );
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(world.repo().join(file), mode).unwrap();
    }
    world
}

fn status(world: &World, range: &str) -> Vec<Value> {
    let ran = world.docket_ok(&["ai", "status", range, "-o", "json"]);
    let told: Value = serde_json::from_str(&ran).unwrap();
    told["commits"].as_array().unwrap().clone()
}

fn kinds(world: &World, range: &str) -> Vec<String> {
    let commits = status(world, range).into_iter();
    commits
        .map(|one| one["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn newest(world: &World) -> Value {
    let log = world.docket_ok(&["log", "--step", "ai", "-o", "json"]);
    common::schemas::predicates_fit(&log);
    let entry: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    entry["statement"].clone()
}

fn check(world: &World, id: &str) -> Vec<String> {
    let verdict: Value =
        serde_json::from_str(&world.docket(&["verify", "-o", "json"]).out).unwrap();
    let checks = verdict["checks"].as_array().unwrap().clone();
    let of = checks.into_iter().find(|one| one["id"] == id).unwrap();
    let items = of["items"].as_array().unwrap().clone().into_iter();
    items
        .map(|item| item["reason"].as_str().unwrap_or("pass").to_owned())
        .collect()
}

/// Lands `topic` as one commit, without a word of the commits in it.
fn squash(world: &World) {
    world.docket_ok(&["change", "topic", "--id", "7", "--reason", "fix"]);
    world.git(&["switch", "-q", "main"]);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&[
        "commit",
        "-q",
        "--no-verify",
        "--cleanup=verbatim",
        "-m",
        "seven (#7)",
    ]);
    world.docket_ok(&["land"]);
}

/// Everything in the ledger, as text.
fn everything(world: &World) -> String {
    let log = world.docket_ok(&["log", "-o", "json"]);
    let raw = world.git(&["log", "-p", "--format=%B", "refs/notes/docket"]);
    log + &raw
}

#[test]
fn an_agent_is_named_at_no_cost_and_a_squash_keeps_it() {
    let mut world = world();
    world.git(&["switch", "-q", "-c", "topic"]);
    world.set("CLAUDECODE", "1");
    world.set("CLAUDE_PROMPT", PROMPT);
    world.commit("a.txt", "a\n");
    world.unset("CLAUDECODE");
    let message = world.git(&["log", "-1", "--format=%B"]);
    assert_eq!(message.trim(), "change a.txt\n\nAssisted-by: claude-code");
    // The trailer outlives an amendment by hand, and is not repeated.
    world.write("a.txt", "aa\n");
    world.git(&["commit", "-q", "-a", "--amend", "--no-edit"]);
    assert_eq!(
        world.git(&["log", "-1", "--format=%B"]).trim(),
        message.trim()
    );
    world.git(&["config", "docket.ai-kind", "none"]);
    world.commit("b.txt", "b\n");
    assert!(
        world
            .git(&["log", "-1", "--format=%B"])
            .contains("Assisted-by: none")
    );
    assert_eq!(kinds(&world, "main..topic"), ["none", "assisted"]);
    world.git(&["config", "--unset", "docket.ai-kind"]);

    squash(&world);
    assert_eq!(check(&world, "C19"), ["ai-undeclared"]);
    let collected = world.docket_ok(&["ai", "collect", "HEAD^..HEAD"]);
    assert!(collected.contains("ai on"), "{collected}");
    assert_eq!(check(&world, "C19"), ["pass"]);
    assert_eq!(check(&world, "C21"), ["pass"]);
    let statement = newest(&world);
    let said = &statement["predicate"];
    assert_eq!(said["kind"], "assisted");
    assert_eq!(said["operator"], "ada@example.com");
    assert_eq!(said["sessions"][0]["tool"]["name"], "claude-code");
    assert_eq!(said["attribution"]["method"], "trailer");
    assert!(said["attribution"].get("lines").is_none());
    // The landed commit, and each that was squashed away, the amended one among them.
    let subjects = statement["subjects"].as_array().unwrap();
    let head = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(subjects[0]["digest"]["gitCommit"], head.trim());
    assert_eq!(subjects.len(), 1 + 2 + 1);
    assert_eq!(kinds(&world, "HEAD^..HEAD"), ["assisted"]);
    let again = world.docket_ok(&["ai", "collect", "HEAD^..HEAD"]);
    assert_eq!(again, "1 said nothing new\n");
    assert!(!everything(&world).contains(PROMPT));
}

#[test]
fn one_signed_none_serves_a_whole_change() {
    let world = world();
    world.git(&["switch", "-q", "-c", "topic"]);
    world.commit("a.txt", "a\n");
    world.commit("b.txt", "b\n");
    assert_eq!(kinds(&world, "main..topic"), ["unknown", "unknown"]);
    squash(&world);
    let ran = world.docket(&["ai", "collect", "HEAD^..HEAD"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("git docket ai none"), "{}", ran.err);
    world.docket_ok(&["ai", "none", "--commit", "topic"]);
    assert_eq!(check(&world, "C19"), ["pass"]);
    assert_eq!(
        kinds(&world, "main^..topic"),
        ["none", "none", "unknown"][..2]
    );
    assert_eq!(kinds(&world, "HEAD^..HEAD"), ["none"]);
}

#[test]
fn what_was_said_of_an_amended_commit_is_still_found() {
    let world = world();
    world.git(&["switch", "-q", "-c", "topic"]);
    world.commit("a.txt", "a\n");
    let old = world.git(&["rev-parse", "HEAD"]);
    world.docket_ok(&["ai", "autonomous", "--tool", "claude-code"]);
    world.write("a.txt", "another\n");
    world.git(&["commit", "-q", "-a", "--amend", "--no-edit"]);
    let list = std::fs::read_to_string(world.repo().join(".git/docket/rewritten")).unwrap();
    assert!(list.starts_with(old.trim()), "{list}");
    assert_eq!(kinds(&world, "HEAD"), ["autonomous"]);
}

#[test]
fn a_push_leaves_one_statement_behind_and_is_never_in_the_way() {
    let mut world = world();
    world.git(&["init", "-q", "--bare", "../server.git"]);
    world.git(&["remote", "add", "origin", "../server.git"]);
    world.git(&["switch", "-q", "-c", "topic"]);
    world.set("CURSOR_AGENT", "1");
    world.commit("a.txt", "a\n");
    world.commit("b.txt", "b\n");
    world.unset("CURSOR_AGENT");
    world.git(&["push", "-q", "origin", "topic"]);
    let statement = newest(&world);
    assert_eq!(
        statement["predicate"]["sessions"][0]["tool"]["name"],
        "cursor"
    );
    assert_eq!(statement["subjects"].as_array().unwrap().len(), 2);
    // Nobody to sign as: the push goes on.
    world.commit("c.txt", "c\n");
    world.set("DOCKET_KEY", "nobody");
    let ran = world.run("git", &["push", "-q", "origin", "topic"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("warning: git docket:"), "{}", ran.err);
}

#[test]
fn notes_tell_lines_and_the_share_is_a_range() {
    let world = world();
    world.git(&["switch", "-q", "-c", "topic"]);
    world.commit("src/a.rs", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    let note = json!({
        "schema_version": "authorship/3.0.0",
        "git_ai_version": "1.0.0",
        "base_commit_sha": "0".repeat(40),
        "prompts": {"abcd1234abcd1234": {
            "agent_id": {"tool": "cursor", "id": "s-1", "model": "claude-5"},
            "human_author": "Ada <ada@example.com>",
            "messages": [{"type": "user", "text": PROMPT}, {"type": "tool_use", "name": "bash", "input": {"command": PROMPT}}],
            "total_additions": 6, "total_deletions": 0, "accepted_lines": 5, "overriden_lines": 2,
        }},
    });
    // Four lines that the commit has, and one file that it does not touch.
    let note = format!(
        "src/a.rs\n  abcd1234abcd1234 1-3,9\nsrc/none.rs\n  abcd1234abcd1234 1-500\n---\n{note}"
    );
    world.git(&["notes", "--ref", "ai", "add", "-m", &note]);
    let share = json!({"least": 4, "most": 10, "total": 10});
    assert_eq!(status(&world, "HEAD")[0]["share"], share);
    assert_eq!(status(&world, "HEAD")[0]["claims"][0]["source"], "note");

    world.docket_ok(&["import", "--ai", "main..topic"]);
    let said = newest(&world)["predicate"].clone();
    assert_eq!(said["attribution"]["method"], "line-notes");
    assert_eq!(said["attribution"]["source"]["ref"], "refs/notes/ai");
    let stored = world.git(&["notes", "--ref", "ai", "show", "HEAD"]);
    let digest = git_docket::digest::Sha256::of(stored.as_bytes());
    assert_eq!(
        said["attribution"]["source"]["digest"],
        format!("sha256:{digest}")
    );
    let lines = json!({"ai": 4, "aiModified": 2, "human": 0, "unknown": 4, "total": 10});
    assert_eq!(said["attribution"]["lines"], lines);
    assert_eq!(
        said["sessions"][0]["model"],
        json!({"provider": "anthropic", "id": "claude-5"})
    );
    assert_eq!(
        world.docket_ok(&["import", "--ai", "main..topic"]),
        "1 said nothing new\n"
    );
    assert!(!everything(&world).contains(PROMPT));

    // A second commit that nobody notes: its lines may be anybody's.
    world.commit("src/b.rs", "1\n2\n");
    squash(&world);
    world.docket_ok(&["ai", "collect", "HEAD^..HEAD"]);
    let lines = json!({"ai": 4, "aiModified": 2, "human": 0, "unknown": 6, "total": 12});
    assert_eq!(newest(&world)["predicate"]["attribution"]["lines"], lines);
    assert_eq!(check(&world, "C22"), ["ai-share-over"]);
}

#[test]
fn hostile_notes_are_named_and_nothing_else() {
    let world = world();
    for (text, says) in [
        ("nonsense", "the note has no line ---"),
        (
            "---\n{\"schema_version\": \"authorship/9\"}",
            "authorship/9",
        ),
        (
            "a\n  k 1\n---\n{\"schema_version\": \"authorship/3.0.0\"}",
            "is not described",
        ),
    ] {
        world.git(&["notes", "--ref", "ai", "add", "-f", "-m", text]);
        assert_eq!(status(&world, "HEAD")[0]["kind"], "unknown");
        let ran = world.docket(&["import", "--ai", "HEAD"]);
        assert_eq!(ran.code, 3);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    // A trailer as long as a prompt is kept by digest.
    let long = format!("s\n\nAssisted-by: {}", [PROMPT; 3].join(" "));
    world.git(&["commit", "-q", "--allow-empty", "-m", &long]);
    world.docket_ok(&["import", "--ai", "HEAD"]);
    let tool = newest(&world)["predicate"]["sessions"][0]["tool"]["name"].clone();
    assert!(tool.as_str().unwrap().starts_with("sha256:"));
    assert!(!world.docket_ok(&["log", "-o", "json"]).contains(PROMPT));
}

#[test]
fn no_statement_can_hold_a_prompt() {
    let world = world();
    let draft = world.docket_ok(&["ai", "assisted", "--tool", "x", "--dry-run", "-o", "json"]);
    let draft: Value = serde_json::from_str(&draft).unwrap();
    let predicate = &draft["statement"]["predicate"];
    let attest = |predicate: &Value| {
        world.write("said.json", &predicate.to_string());
        world.docket(&[
            "attest",
            "--step",
            "ai",
            "--type",
            "ai-assistance",
            "--predicate",
            "said.json",
        ])
    };
    assert_eq!(attest(predicate).code, 0);
    for (place, value) in [
        ("/prompt", json!(PROMPT)),
        ("/sessions/0/messages", json!([{"text": PROMPT}])),
        ("/sessions/0/prompt", json!({"text": PROMPT})),
        ("/sessions/0/arguments", json!([PROMPT])),
        (
            "/sessions/0/tool/name",
            json!(format!("{PROMPT}\n{PROMPT}")),
        ),
        ("/sessions/0/tool/name", json!("x".repeat(257))),
    ] {
        let mut bad = predicate.clone();
        let (parent, name) = place.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value;
        assert_eq!(attest(&bad).code, 2, "{place}");
    }
    // Nor can a recorded command.
    let agent = world.root().join("bin/claude");
    std::fs::write(&agent, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = [
        "run", "--step", "write", "--", "env", "claude", "-p", PROMPT,
    ];
    world.docket_ok(&run);
    assert!(everything(&world).contains("claude"));
    assert!(!everything(&world).contains("haiku"));
}

#[test]
fn co_authors_are_authors_unless_they_are_programs() {
    let world = world();
    world.git(&["switch", "-q", "-c", "topic"]);
    let message = "s\n\nCo-authored-by: Ben <ben@example.com>\nCo-authored-by: Cy <cy@example.com>\n\
                   Co-authored-by: Claude <noreply@anthropic.com>\nCo-authored-by: Helper <h@example.com>";
    world.git(&["commit", "-q", "--allow-empty", "-m", message]);
    let authors = || {
        let draft = world.docket_ok(&["change", "--reason", "fix", "--dry-run", "-o", "json"]);
        let draft: Value = serde_json::from_str(&draft).unwrap();
        let authors = draft["statement"]["predicate"]["authors"]
            .as_array()
            .unwrap()
            .clone();
        authors
            .into_iter()
            .map(|one| one["person"].clone())
            .collect::<Vec<_>>()
    };
    let email = |address: &str| json!({"email": address});
    let people = [
        json!("ada@example.com"),
        json!("ben"),
        email("cy@example.com"),
        email("h@example.com"),
    ];
    assert_eq!(authors(), people);
    let policy = POLICY.replace("[ai]", "[ai]\nbots = [\"h@example.com\"]");
    world.write("../policy.toml", &policy);
    world.docket_ok(&["policy", "publish", "../policy.toml"]);
    assert_eq!(authors(), people[..3]);
}
