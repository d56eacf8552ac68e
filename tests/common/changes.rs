//! A change from proposal to landing, recorded step by step.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the testkit"
)]

use serde_json::{Value, json};

use crate::common::world::World;

/// A commit of one file.
pub fn commit(world: &World, file: &str, text: &str) -> String {
    world.write(file, text);
    world.git(&["add", file]);
    world.git(&["commit", "-q", "-m", file]);
    rev(world, "HEAD")
}

/// Who founded the ledger.
pub fn person(world: &World) -> String {
    let roster: Value =
        serde_json::from_str(&world.docket_ok(&["roster", "show", "-o", "json"])).unwrap();
    roster["persons"][0]["id"].as_str().unwrap().to_owned()
}

/// A revision as `sha1:HEX`.
pub fn rev(world: &World, name: &str) -> String {
    format!("sha1:{}", world.git(&["rev-parse", name]).trim())
}

/// Attests a predicate as the step of its own name.
pub fn record(world: &World, key: &str, kind: &str, said: &Value) {
    world.write("../said.json", &said.to_string());
    world.docket_ok(&[
        "attest",
        "--key",
        key,
        "--step",
        kind,
        "--type",
        kind,
        "--predicate",
        "../said.json",
    ]);
}

/// A branch with one commit, recorded as change 7; its base, head and tree.
pub fn change(world: &World) -> (String, String, String) {
    let base = rev(world, "main");
    world.git(&["switch", "-q", "-c", "topic"]);
    let head = commit(world, "topic.txt", "new\n");
    let tree = rev(world, "HEAD^{tree}");
    world.git(&["switch", "-q", "main"]);
    let person = person(world);
    record(
        world,
        "default",
        "change",
        &json!({
            "actor": person, "assertedBy": "self", "id": "7", "base": {"ref": "refs/heads/main", "commit": base},
            "head": {"commit": head, "tree": tree}, "authors": [{"person": person}], "reason": {"kind": "fix"},
        }),
    );
    (base, head, tree)
}

/// Approves it for merging.
pub fn approve(world: &World, key: &str, who: &str, (base, head, tree): &(String, String, String)) {
    record(
        world,
        key,
        "approval",
        &json!({
            "actor": who, "assertedBy": "self", "approver": who, "decision": "approved", "scope": "merge",
            "covers": {"base": base, "head": head, "tree": tree},
        }),
    );
}

/// Says that it landed on main as one commit.
pub fn land(world: &World, from: &str) {
    let (person, to) = (person(world), rev(world, "main"));
    record(
        world,
        "default",
        "landing",
        &json!({
            "actor": person, "assertedBy": "self", "changeId": "7", "ref": "refs/heads/main", "from": from, "to": to,
            "commits": [to], "method": "squash",
        }),
    );
}
