//! `demo --audit`: the faults that were planted, and the report as written to its file, hold each other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::world::World;
use serde_json::Value;

/// What each fault must be called, by how it begins: check and reason, and how often.
const FAULTS: &[(&str, &[(&str, &str, usize)])] = &[
    (
        "self-approval",
        &[
            ("C05", "too-few-approvals", 1),
            ("C06", "duties-together", 1),
        ],
    ),
    (
        "stale approval",
        &[
            ("C04", "order-unknown", 1),
            ("C05", "approval-stale", 1),
            ("C07", "nothing-approved", 1),
        ],
    ),
    (
        "missing scan",
        &[("C04", "order-unknown", 5), ("C09", "scan-missing", 5)],
    ),
    (
        "an agent approved",
        &[
            ("C04", "order-unknown", 1),
            ("C05", "too-few-approvals", 1),
            ("C07", "nothing-approved", 1),
            ("C25", "agent-decided", 1),
        ],
    ),
    ("undeclared AI", &[("C19", "ai-undeclared", 1)]),
    (
        "no provenance",
        &[
            ("C04", "order-unknown", 5),
            ("C08", "suite-missing", 5),
            ("C10", "provenance-missing", 5),
        ],
    ),
    ("weakened policy", &[("C18", "governance-alone", 1)]),
    ("borrowed name", &[("C05", "too-few-approvals", 1)]),
    (
        "revert",
        &[
            ("C04", "order-reversed", 1),
            ("C05", "too-few-approvals", 1),
        ],
    ),
    ("moved tag", &[("C07", "tag-moved", 1)]),
    ("beyond the exception", &[("C09", "vulnerable", 5)]),
    ("expired exception", &[("C09", "vulnerable", 5)]),
    ("drift", &[("C03", "deployed-not-running", 1)]),
];

type Named = BTreeSet<[String; 3]>;

fn triple(check: &Value, item: &Value) -> [String; 3] {
    [check, &item["reason"], &item["subject"]].map(|value| value.as_str().unwrap().to_owned())
}

#[test]
fn the_report_names_every_planted_fault_and_nothing_else() {
    let world = World::bare_hands();
    let said = world.docket_ok(&["demo", "--audit", "quarter", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let population = &said["population"];
    assert!(
        population["changes"].as_u64().unwrap() >= 250,
        "{population}"
    );
    assert_eq!(population["commits"], population["commitsLanded"]);
    assert_eq!(said["exceptions"], 10);

    // What was planted is what the table says.
    let planted = said["planted"].as_array().unwrap();
    assert_eq!(planted.len(), FAULTS.len());
    let mut wanted = Named::new();
    for (fault, (begins, names)) in planted.iter().zip(FAULTS) {
        let what = fault["what"].as_str().unwrap();
        assert!(what.starts_with(begins), "{what}");
        assert_eq!(fault["missed"], serde_json::json!([]), "{what}");
        let expected = fault["expected"].as_array().unwrap();
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for one in expected {
            let [check, reason, subject] = triple(&one["check"], one);
            wanted.insert([check.clone(), reason.clone(), subject]);
            *counts.entry((check, reason)).or_default() += 1;
        }
        let names: BTreeMap<_, _> = names
            .iter()
            .map(|(check, reason, count)| (((*check).into(), (*reason).into()), *count))
            .collect();
        assert_eq!(counts, names, "{what}");
    }

    // And the report on disk names that, and nothing else.
    let folder = world.repo().join("quarter");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    let mut named = Named::new();
    for check in report["checks"].as_array().unwrap() {
        for item in check["items"].as_array().unwrap() {
            if ["fail", "unknown"].contains(&item["verdict"].as_str().unwrap()) {
                assert!(named.insert(triple(&check["id"], item)));
            }
        }
    }
    assert_eq!(named, wanted);
    for form in ["report.html", "report.md", "report.csv"] {
        let text = read(form);
        for [.., subject] in &wanted {
            assert!(text.contains(subject), "{form}: {subject}");
        }
    }

    // The ledger by itself: all that a plain replay finds is the moved tag.
    let ran = world.docket(&["-C", "quarter/shop", "verify", "-o", "json"]);
    let verdict: Value = serde_json::from_str(&ran.out).unwrap();
    let findings = verdict["findings"].as_array().unwrap();
    let codes: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, BTreeSet::from(["tag-moved"]), "{findings:?}");
}
