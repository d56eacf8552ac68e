//! Who acts in scenarios, and what entries are like where a case says no more.

use serde_json::{Value, json};

use super::{ORIGIN, attestation, id, sha};
use crate::digest::Sha256;

/// The persons of every case: three humans, two services, and an agent whose operator is ada.
pub(super) fn persons() -> Value {
    let human = |name: &str, roles: &[&str]| {
        json!({
            "id": name, "kind": "human", "roles": roles, "keys": [],
            "gitIdentities": [{"email": format!("{name}@example.com")}],
            "logins": [{"forge": "github.com", "login": name}],
        })
    };
    let machine = |name: &str, kind: &str, roles: &[&str]| json!({"id": name, "kind": kind, "roles": roles, "keys": []});
    let mut agent = machine("agent", "agent", &["maintainer"]);
    agent["operator"] = json!("ada");
    agent["gitIdentities"] = json!([{"email": "agent@example.com"}]);
    json!([
        human("ada", &["maintainer"]),
        human("ben", &["maintainer"]),
        human("grace", &["maintainer", "security"]),
        machine("ci", "service", &["builder"]),
        machine("watch", "service", &["observer"]),
        agent,
    ])
}

/// What an entry is like: its step, the short name of its type, who signs it, and what it says.
pub(super) struct Like {
    pub(super) step: &'static str,
    pub(super) kind: &'static str,
    pub(super) by: &'static str,
    pub(super) said: Value,
    /// Whether it is about an artifact as well as a commit.
    pub(super) of_artifact: bool,
}

/// The names of all that entries can be like.
pub(super) const LIKES: [&str; 25] = [
    "change",
    "change-without-ticket",
    "change-without-snapshot",
    "landing",
    "review",
    "approval",
    "approval-artifact",
    "approval-doc",
    "provenance",
    "command",
    "tests",
    "scan",
    "scan-undated",
    "sbom",
    "release",
    "contains",
    "deployment",
    "inventory",
    "measurement",
    "outcome",
    "exception",
    "ai",
    "no-ai",
    "gap",
    "correction",
];

/// The entry of this name.
pub(super) fn like(name: &str) -> Option<Like> {
    let (step, kind, by, said) = template(name)?;
    let of_artifact = matches!(kind, "provenance" | "vulns" | "cyclonedx" | "deployment");
    Some(Like {
        step,
        kind,
        by,
        said,
        of_artifact,
    })
}

fn template(like: &str) -> Option<(&'static str, &'static str, &'static str, Value)> {
    let (base, head, tree) = (
        id("B").to_string(),
        id("H").to_string(),
        id("T").to_string(),
    );
    let built = json!({"name": "app", "digest": {"sha256": Sha256::of(b"A").to_string()}});
    let own = |who: &str| json!({"actor": who, "assertedBy": "self"});
    let with = |mut said: Value, more: Value| {
        if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
            said.extend(more);
        }
        said
    };
    let covers = json!({"base": base, "head": head, "tree": tree});
    Some(match like {
        "change" => (
            "change",
            "change",
            "ada",
            with(
                own("ada"),
                json!({
                    "id": "c1", "base": {"ref": "refs/heads/main", "commit": base}, "head": {"commit": head, "tree": tree},
                    "authors": [{"person": "ada"}], "reason": {"kind": "fix", "ticket": {"uri": "https://t/1", "digest": sha("ticket")}},
                    "securityImpact": {"class": "none"}, "paths": {"count": 1, "listDigest": sha("paths"), "classes": ["core"]},
                }),
            ),
        ),
        "landing" => (
            "land",
            "landing",
            "ci",
            with(
                own("ci"),
                json!({
                    "changeId": "c1", "ref": "refs/heads/main", "from": base, "to": id("L").to_string(), "commits": [id("L").to_string()],
                    "method": "squash",
                }),
            ),
        ),
        "approval" => (
            "approve",
            "approval",
            "ben",
            with(
                own("ben"),
                json!({
                    "approver": "ben", "decision": "approved", "scope": "merge", "covers": covers,
                }),
            ),
        ),
        "approval-artifact" => (
            "approve",
            "approval",
            "ben",
            with(
                own("ben"),
                json!({
                    "approver": "ben", "decision": "approved", "scope": "deploy", "covers": {"artifact": built},
                }),
            ),
        ),
        "approval-doc" => (
            "approve",
            "approval",
            "ben",
            with(
                own("ben"),
                json!({
                    "approver": "ben", "decision": "approved", "scope": "policy", "covers": {"digest": sha("text")},
                }),
            ),
        ),
        "change-without-ticket" | "change-without-snapshot" => {
            let (step, kind, by, mut said) = template("change")?;
            said["reason"] = match like {
                "change-without-ticket" => json!({"kind": "fix"}),
                _ => json!({"kind": "fix", "ticket": {"uri": "https://t/1"}}),
            };
            (step, kind, by, said)
        }
        "scan-undated" => {
            let (step, kind, by, mut said) = template("scan")?;
            said["scanner"] = json!({"uri": "pkg:generic/scanner", "result": []});
            (step, kind, by, said)
        }
        "review" => (
            "review",
            "review",
            "ben",
            with(
                own("ben"),
                json!({
                    "reviewer": "ben", "kind": "code", "verdict": "approve", "covers": covers,
                }),
            ),
        ),
        "deployment" => (
            "deploy",
            "deployment",
            "ci",
            with(
                own("ci"),
                json!({
                    "environment": {"name": "prod", "tier": "prod"}, "service": "api", "artifact": built, "reason": "planned",
                    "finishedOn": "2026-11-10T00:00:00Z", "result": "success", "rollbackRef": "previous", "changes": ["c1"],
                }),
            ),
        ),
        "provenance" => (
            "build",
            "provenance",
            "ci",
            json!({
                "buildDefinition": {"buildType": "https://b/t", "externalParameters": {}, "resolvedDependencies": [{"digest": {"gitCommit": id("L").hex()}}]},
                "runDetails": {"builder": {"id": "https://ci.example.com/runner"}},
            }),
        ),
        "tests" => (
            "test",
            "test-result",
            "ci",
            json!({
                "result": "PASSED", "configuration": [], "tests": {"total": 3, "passed": 3, "failed": 0, "skipped": 0},
            }),
        ),
        "command" => (
            "test",
            "link",
            "ci",
            json!({"name": "test", "command": ["make", "test"]}),
        ),
        "scan" => (
            "scan",
            "vulns",
            "ci",
            json!({
                "scanner": {"uri": "pkg:generic/scanner", "db": {"lastUpdate": "2026-11-08T00:00:00Z"}, "result": []},
                "metadata": {"scanFinishedOn": "2026-11-09T00:00:00Z"},
            }),
        ),
        "sbom" => (
            "sbom",
            "cyclonedx",
            "ci",
            json!({"bomFormat": "CycloneDX", "specVersion": "1.6"}),
        ),
        "inventory" => (
            "observe",
            "inventory",
            "watch",
            with(
                own("watch"),
                json!({
                    "environment": {"name": "prod"}, "observedOn": "2026-11-20T00:00:00Z", "source": {"tool": "kubectl"},
                    "items": [{"service": "api", "digest": {"sha256": Sha256::of(b"A").to_string()}}], "complete": true,
                }),
            ),
        ),
        "release" => (
            "release",
            "release",
            "ci",
            json!({"purl": "pkg:generic/app@1.0", "ref": "refs/tags/v1.0"}),
        ),
        "contains" => (
            "observe",
            "contains",
            "ci",
            with(
                own("ci"),
                json!({
                    "parent": built, "children": [{"digest": {"sha256": Sha256::of(b"A-arm64").to_string()}}],
                }),
            ),
        ),
        "measurement" => (
            "measure",
            "measurement",
            "ci",
            with(
                own("ci"),
                json!({
                    "service": "api", "environment": {"name": "prod"}, "phase": "estimate", "gate": {"name": "monthly", "kind": "cost"},
                    "tool": {"name": "infracost"}, "metrics": [{"name": "total", "unit": "USD/month", "value": "400"}], "result": "pass",
                }),
            ),
        ),
        "outcome" => (
            "outcome",
            "outcome",
            "watch",
            with(
                own("watch"),
                json!({
                    "service": "api", "environment": {"name": "prod"}, "kind": "recovered", "detectedOn": "2026-11-11T00:00:00Z",
                }),
            ),
        ),
        "exception" => (
            "except",
            "exception",
            "grace",
            with(
                own("grace"),
                json!({
                    "checks": ["C01"], "findings": [{"id": "CVE-1"}], "reason": "not reachable", "requestedBy": "ada", "grantedBy": "grace",
                    "effectiveFrom": "2026-10-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z",
                }),
            ),
        ),
        "ai" => (
            "ai",
            "ai-assistance",
            "ada",
            with(
                own("ada"),
                json!({
                    "kind": "assisted", "operator": "ada",
                    "sessions": [{"id": "s1", "tool": {"name": "helper"}, "model": {"provider": "p", "id": "m"}, "prompt": {"digest": sha("prompt")}}],
                    "attribution": {"method": "line-notes", "lines": {"ai": 30, "aiModified": 10, "human": 50, "unknown": 10, "total": 100}},
                }),
            ),
        ),
        "no-ai" => (
            "ai",
            "ai-assistance",
            "ada",
            with(own("ada"), json!({"kind": "none"})),
        ),
        "gap" => (
            "gap",
            "gap",
            "ada",
            json!({"from": "2026-10-01T00:00:00Z", "until": "2026-10-02T00:00:00Z", "reason": "the forge was down"}),
        ),
        "correction" => (
            "amend",
            "correction",
            "ben",
            with(
                own("ben"),
                json!({
                    "about": {"origin": ORIGIN, "attestation": format!("sha256:{}", attestation(1))}, "kind": "retract", "reason": "a mistake",
                }),
            ),
        ),
        _ => return None,
    })
}
