//! Every verb's `-o json` against its schema: all verbs, all schemas, and what the schemas refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/samples.rs"]
mod samples;

use std::collections::BTreeSet;

use common::schemas::{self, places};
use common::world::World;
use git_docket::ledger::fork_proof::ForkProof;
use git_docket::manual;
use serde_json::{Value, json};

/// Verbs that print what is no result: help, pages and scripts; `run` leaves standard output to its command,
/// and a hook answers git by its code.
const NO_RESULT: &[&str] = &[
    "completions",
    "help",
    "hook post-rewrite",
    "hook pre-push",
    "hook pre-receive",
    "hook prepare-commit-msg",
    "man",
    "run",
];

/// Commands in the order that they can be given, the schema of what each prints, and its exit code.
const SESSION: &[(&str, &str, i32)] = &[
    ("key list", "keys", 3),
    ("status", "status", 3),
    ("doctor", "doctor", 1),
    ("init --origin git.example.com/acme/app", "founded", 0),
    ("", "status", 0),
    ("key list", "keys", 0),
    ("key generate release", "key", 0),
    ("key show release --vkey release", "key", 0),
    (
        "attest --step scan --type scai --predicate scan.json",
        "recorded",
        0,
    ),
    (
        "attest --step scan --type scai --predicate scan.json scan.json",
        "recorded",
        0,
    ),
    ("status", "status", 0),
    ("doctor", "doctor", 0),
    ("seal", "sealed", 0),
    ("policy init --pack slsa,ai", "policy", 0),
    ("policy show", "policy", 0),
    ("policy check policy.toml", "policy", 0),
    ("policy test policy.toml cases.toml", "policy-tested", 1),
    ("policy publish policy.toml", "published", 0),
    ("roster show", "roster", 0),
    ("roster check roster.json", "roster", 0),
    (
        "roster add bot --kind service --role writer",
        "published",
        0,
    ),
    (
        "roster add bot --email bot@example.com --login github.com/bot --public-key bot.pub.pem",
        "published",
        0,
    ),
    ("roster revoke BOT --reason left", "published", 0),
    ("roster remove bot", "published", 0),
    ("key rotate --ledger", "rotated", 0),
    ("roster publish roster.json", "published", 0),
    (
        "org publish --roster roster.json --origin example.com/org .",
        "org-published",
        0,
    ),
    ("change --reason fix --id 7 --dry-run", "draft", 0),
    ("change --reason fix --id 7", "recorded", 0),
    ("review --verdict comment", "recorded", 0),
    ("approve HEAD", "recorded", 0),
    ("land --change 7", "recorded", 0),
    ("release v1.0 scan.json", "recorded", 0),
    (
        "deploy --env prod --service api --artifact scan.json",
        "recorded",
        0,
    ),
    (
        "observe --env prod --tool docker api=scan.json",
        "recorded",
        0,
    ),
    ("outcome healthy --service api --env prod", "recorded", 0),
    ("measure --gate load --tool k6 p95=120:ms", "recorded", 0),
    (
        "except C05 --reason TEXT --requested-by bob --expires 2027-01-01T00:00:00Z",
        "recorded",
        0,
    ),
    (
        "gap --from 2026-11-01T00:00:00Z --until 2026-11-02T00:00:00Z --reason TEXT",
        "recorded",
        0,
    ),
    ("report --output json=one.json --no-assert", "audit", 0),
    ("ai none", "recorded", 0),
    ("ai assisted --tool helper", "recorded", 0),
    ("ai autonomous --tool helper", "recorded", 0),
    ("ai collect HEAD", "imported", 0),
    ("ai status HEAD", "ai-status", 0),
    ("amend 1 --reason TEXT", "recorded", 0),
    (
        "roster add watch --kind service --role observer --role writer --public-key watch.pub.pem",
        "published",
        0,
    ),
    (
        "import --forge github --key watch --dry-run reviews.json",
        "drafts",
        0,
    ),
    (
        "import --forge github --key watch reviews.json",
        "imported",
        0,
    ),
    ("import --dry-run --commit HEAD reviews.json", "drafts", 3),
    ("import --commit HEAD reviews.json", "imported", 3),
    ("spool list", "spool", 0),
    ("spool import spool.jsonl", "spool-moved", 0),
    ("spool list", "spool", 0),
    ("spool export out.jsonl", "spool-moved", 0),
    ("log", "entry", 0),
    ("query", "row", 0),
    ("query --kind agent", "row", 3),
    (
        "query --sql SELECT/**/count(*)AS/**/n/**/FROM/**/entries",
        "answer",
        0,
    ),
    ("insight", "insight", 0),
    ("serve --export ../pages", "exported", 0),
    ("show HEAD", "entry", 0),
    ("cosign --key bob", "cosigned", 0),
    (
        "verify-bundle --bundle bundle.json --key key.pub.pem scan.json",
        "verified-bundle",
        0,
    ),
    (
        "verify-bundle --bundle bundle.json --key key.pub.pem policy.toml",
        "verified-bundle",
        1,
    ),
    ("ready HEAD --for merge", "readiness", 3),
    ("report --pack slsa --no-assert", "audit", 0),
    ("report --output vsa=vsa.json --no-assert", "audit", 0),
    (
        "verify-summary vsa.json scan.json --key key.pub.pem",
        "verified-summary",
        1,
    ),
    ("explain slsa/source-l4", "explained", 0),
    ("report --output json=two.json --no-assert", "audit", 0),
    ("report --diff one.json two.json", "audit-diff", 0),
    ("sample --of changes --seed s --size 5", "sample", 0),
    (
        "sample --of deployments --seed s --size 5 --stratify service",
        "sample",
        0,
    ),
    ("dossier 7", "dossier", 0),
    ("archive create audit.tar", "archived", 0),
    ("archive verify audit.tar", "archive-verdict", 0),
    ("verify", "verdict", 0),
    ("verify HEAD", "verdict", 3),
    ("verify --fork-proof fork.json", "fork-proof", 4),
    ("verify --fork-proof same.json", "fork-proof", 1),
    ("push --remote ../server.git --tries 0", "pushed", 6),
    ("push --remote ../server.git", "pushed", 0),
    ("fold --remote ../server.git", "folded", 0),
    ("fetch --remote ../server.git", "fetched", 0),
    ("recover --dry-run", "recovered", 0),
    ("recover --reason test", "recovered", 0),
    ("demo demo", "demo", 0),
    ("demo --audit quarter", "demo-audit", 0),
];

/// Runs the session; each result with the command that gave it and the schema that it must fit.
fn results() -> Vec<(&'static str, &'static str, Value)> {
    let world = World::new();
    world.write(
        "scan.json",
        r#"{"attributes":[{"attribute":"NO_SECRETS"}]}"#,
    );
    world.write("policy.toml", "version = 1\nprotected = [\"refs/heads/main\"]\n\n[[step]]\nname = \"test\"\ntypes = [\"link\"]\nroles = [\"maintainer\"]\nrequired = true\n");
    world.write(
        "cases.toml",
        "[[case]]\nname = 'good'\ncheck = 'C05'\nexpect = 'not-applicable'\n[[case]]\nname = 'bad'\ncheck = 'C05'\nexpect = 'pass'\nentries = [{ like = 'change' }, { like = 'landing' }]\n",
    );
    world.git(&["init", "-q", "--bare", "../server.git"]);
    let fork = samples::fork_proof();
    let same = ForkProof::new(fork.seen().clone(), fork.seen().clone(), None);
    for (name, proof) in [("fork.json", fork), ("same.json", same)] {
        world.write(name, &String::from_utf8(proof.render()).unwrap());
    }
    world.git(&["tag", "v1.0"]);
    let mut results = Vec::new();
    let mut bot = String::new();
    for (command, schema, code) in SESSION {
        if *command == "roster check roster.json" {
            let roster = world.docket_ok(&["roster", "show", "-o", "json"]);
            world.write("roster.json", &roster);
        }
        if *command == "spool import spool.jsonl" {
            world.write("spool.jsonl", &spooled(&world));
        }
        if command.starts_with("verify-bundle") {
            world.write("bundle.json", &world.docket_ok(&["show", "2", "--raw"]));
            let key: Value =
                serde_json::from_str(&world.docket_ok(&["key", "show", "-o", "json"])).unwrap();
            world.write("key.pub.pem", key["pem"].as_str().unwrap());
        }
        if command.starts_with("roster add bot --email") {
            let key = world.docket_ok(&["key", "generate", "bot", "-o", "json"]);
            let key: Value = serde_json::from_str(&key).unwrap();
            world.write("bot.pub.pem", key["pem"].as_str().unwrap());
            bot = key["id"].as_str().unwrap().to_owned();
        }
        if command.starts_with("roster add watch") {
            let key = world.docket_ok(&["key", "generate", "watch", "-o", "json"]);
            let key: Value = serde_json::from_str(&key).unwrap();
            world.write("watch.pub.pem", key["pem"].as_str().unwrap());
            world.write("reviews.json", &reviewed(&world));
        }
        let unopened = command.starts_with("cosign").then(waiting_for_bob);
        let world = unopened.as_ref().unwrap_or(&world);
        if *command == "recover --dry-run" {
            world.git(&["notes", "--ref", "docket", "append", "-m", "by hand"]);
        }
        let words = command.split_whitespace();
        let words = words.map(|word| if word == "BOT" { &bot } else { word });
        let words: Vec<&str> = words.chain(["-o", "json"]).collect();
        let ran = world.docket(&words);
        assert_eq!(ran.code, *code, "{command}: {}{}", ran.out, ran.err);
        let lines: Vec<&str> = match *schema {
            "entry" | "row" => ran.out.lines().collect(),
            _ => vec![&ran.out],
        };
        for line in lines {
            results.push((
                *command,
                *schema,
                serde_json::from_str(line).expect(command),
            ));
        }
    }
    results
}

/// A world whose ledger is not open before `bob` has signed.
fn waiting_for_bob() -> World {
    let world = World::new();
    let key = world.docket_ok(&["key", "generate", "bob", "-o", "json"]);
    let key: Value = serde_json::from_str(&key).expect("JSON");
    world.write("bob.pub.pem", key["pem"].as_str().expect("a key"));
    world.docket_ok(&["key", "generate"]);
    let root = "bob@example.com=bob.pub.pem";
    let init = ["init", "--origin", "git.example.com/acme/app"];
    world.docket_ok(&[&init[..], &["--root", root, "--threshold", "2"]].concat());
    world
}

/// A request whose head is the first commit, a review of it, and something that is neither.
fn reviewed(world: &World) -> String {
    world.commit("more.txt", "more");
    let head = world.git(&["rev-parse", "HEAD"]);
    let base = world.git(&["rev-parse", "HEAD^"]);
    let url = "https://github.com/acme/app/pull/8";
    json!([
        {"number": 8, "html_url": url, "user": {"login": "ada"},
         "head": {"sha": head.trim()}, "base": {"ref": "next", "sha": base.trim()}},
        {"html_url": format!("{url}#pullrequestreview-1"), "pull_request_url": url, "state": "APPROVED",
         "user": {"login": "ben"}, "commit_id": head.trim(), "submitted_at": "2026-11-20T10:00:00Z"},
        {},
    ])
    .to_string()
}

/// What another machine's `spool export` would hand over.
fn spooled(world: &World) -> String {
    let bundle = world.docket_ok(&["show", "1", "--raw"]);
    let entry: Value =
        serde_json::from_str(&world.docket_ok(&["show", "1", "-o", "json"])).expect("JSON");
    let attestation = git_docket::base64::encode(bundle.as_bytes());
    json!({"v": 1, "commit": entry["commit"], "step": entry["step"], "attestation": attestation})
        .to_string()
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Every verb that gives a result, with its second word where it has one.
fn verbs() -> BTreeSet<String> {
    let world = World::bare_hands();
    let mut verbs = BTreeSet::new();
    for verb in listed(&world.docket_ok(&["help"])) {
        let subs = listed(&world.docket_ok(&["help", &verb]));
        match subs.is_empty() {
            true => verbs.insert(verb),
            false => {
                verbs.extend(subs.iter().map(|sub| format!("{verb} {sub}")));
                true
            }
        };
    }
    verbs.retain(|verb| !NO_RESULT.contains(&verb.as_str()));
    verbs
}

#[test]
fn every_result_fits_its_schema_and_near_misses_do_not() {
    for (command, name, value) in results() {
        let schema = schemas::schema(&format!("output/{name}.json"));
        schemas::value_fits(&schema, &value);
        assert_eq!(value["schemaVersion"], 1, "{command}");
        // What a statement answers may be any number.
        let is_free = |place: &String| *name == *"answer" && place.starts_with("/row/");
        for place in places(&value).into_iter().filter(|at| !is_free(at)) {
            let mut bad = value.clone();
            *bad.pointer_mut(&place).unwrap() = json!(-0.5);
            assert!(!schema.is_valid(&bad), "{name} takes a number at {place}");
        }
        let mut more = value.clone();
        more["unknown"] = json!("x");
        assert!(!schema.is_valid(&more), "{name} takes an unknown field");
        let mut none = value;
        none.as_object_mut().unwrap().remove("schemaVersion");
        assert!(
            !schema.is_valid(&none),
            "{name} takes a result of no version"
        );
    }
}

#[test]
fn every_verb_has_a_result_and_every_schema_a_verb() {
    let verbs = verbs();
    let shown: BTreeSet<(&str, &str)> = SESSION
        .iter()
        .filter_map(|(command, schema, _)| {
            let verb = verbs.iter().find(|verb| {
                command
                    .strip_prefix(verb.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            });
            Some((verb?.as_str(), *schema))
        })
        .collect();
    let with_result: BTreeSet<&str> = shown.iter().map(|(verb, _)| *verb).collect();
    assert_eq!(with_result, verbs.iter().map(String::as_str).collect());

    let written = schemas::all();
    let written = written
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("output/")?.strip_suffix(".json"));
    let used: BTreeSet<&str> = shown.iter().map(|(_, schema)| *schema).collect();
    assert_eq!(used, written.collect());

    let page = manual::page("cli").unwrap();
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(".json` |"));
    let told: BTreeSet<(&str, &str)> = rows
        .flat_map(|row| {
            let (verbs, schema) = row.rsplit_once("` | `schemas/output/").expect(row);
            verbs.split("`, `").map(move |verb| (verb, schema))
        })
        .collect();
    assert_eq!(told, shown, "the table in the manual's page cli");
}
