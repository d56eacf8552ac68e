//! One of everything that the formats of statement, envelope and predicates can say, written by our writers.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and fails where it unwraps"
)]

use git_docket::attestation::Attestation;
use git_docket::digest::Sha256;
use git_docket::ledger::fork_proof::{ForkProof, SealedBy};
use git_docket::ledger::note::VerifierKey;
use git_docket::ledger::{Origin, Seal, TreeHead};
use git_docket::merkle;
use git_docket::signing::SigningKey;
use git_docket::statement::predicate::{
    Cosign, Gap, Genesis, Key, LedgerKey, Link, PolicyText, Predicate, Provenance, Roster, Scai,
};
use git_docket::statement::{DigestSet, Placement, Statement, Subject};
use serde_json::{Value, json};

/// A key of a fixed seed.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A statement with a predicate, about an artifact and a commit, placed as ours are.
pub fn statement<P: Predicate>(predicate: &P) -> Statement {
    let app = Subject::artifact("target/release/app", &Sha256::of(b"app"));
    let git = [("gitCommit", "1".repeat(40)), ("gitTree", "2".repeat(40))];
    let git = git.map(|(algorithm, id)| (algorithm.to_owned(), id));
    let commit = Subject::new(DigestSet::new(git.into()).unwrap());
    let placement = Placement {
        origin: "git.example.com/acme/app".to_owned(),
        step: "build".parse().unwrap(),
        commit: format!("sha1:{}", "1".repeat(40)).parse().unwrap(),
    };
    Statement::of(vec![commit, app], predicate)
        .unwrap()
        .placed(&placement)
}

/// The proof that one key has sealed two histories, of three entries and of five.
pub fn fork_proof() -> ForkProof {
    let key = key(5);
    let leaves = |text: &[u8]| -> Vec<Sha256> {
        text.iter()
            .map(|byte| merkle::leaf_hash(&[*byte]))
            .collect()
    };
    let sealed = |leaves: &[Sha256]| {
        let origin: Origin = "git.example.com/acme/app".parse().unwrap();
        let name = origin.as_str().parse().unwrap();
        let (size, root) = (leaves.len() as u64, merkle::root(leaves));
        let head = TreeHead { size, root };
        SealedBy {
            seal: Seal { origin, head }.sign(&key).unwrap(),
            key: VerifierKey::new(name, key.public()),
        }
    };
    let (seen, shown) = (leaves(b"abc"), leaves(b"abxde"));
    ForkProof::new(sealed(&seen), sealed(&shown), Some(&shown))
}

/// A gap after a recovery.
pub fn gap() -> Gap {
    let tip = |digit: &str| format!("sha1:{}", digit.repeat(40));
    serde_json::from_value(json!({
        "from": "2026-11-22T10:00:00Z", "until": "2026-11-22T11:00:00Z", "steps": ["scan"],
        "reason": "notes were edited by hand", "approvedBy": "ada@example.com",
        "recovery": {
            "brokenTip": tip("3"), "soundTip": tip("4"),
            "omitted": [{"commit": tip("1"), "attestation": "b".repeat(64), "reason": "the signature does not verify"}],
        },
    }))
    .unwrap()
}

/// A signed statement.
pub fn attestation() -> Attestation {
    Attestation::sign(&statement(&link()), &key(1)).unwrap()
}

/// A provenance that uses every field.
pub fn provenance() -> Provenance {
    read(json!({
        "buildDefinition": {
            "buildType": "https://git-docket.dev/build/v0.1",
            "externalParameters": {"command": ["make"]},
            "internalParameters": {"level": 1},
            "resolvedDependencies": [descriptor()],
        },
        "runDetails": {
            "builder": {"id": "https://ci.example.com", "builderDependencies": [descriptor()], "version": {"make": "4.4"}},
            "metadata": {"invocationId": "7", "startedOn": "2026-11-22T10:00:00Z", "finishedOn": "2026-11-22T10:00:01Z"},
            "byproducts": [descriptor()],
        },
    }))
}

/// A link that uses every field.
pub fn link() -> Link {
    read(json!({
        "name": "build",
        "command": ["make", "app"],
        "materials": [descriptor()],
        "byproducts": {"return-value": 0},
        "environment": {"CI": "true"},
    }))
}

/// A SCAI predicate that uses every field.
pub fn scai() -> Scai {
    read(json!({
        "attributes": [{
            "attribute": "scanned", "target": descriptor(), "conditions": {"database": "2026-11-22"}, "evidence": descriptor(),
        }],
        "producer": descriptor(),
    }))
}

/// A roster that uses every field.
pub fn roster() -> Roster {
    read(json!({
        "persons": [
            {
                "id": "ada@example.com", "kind": "human", "org": "example", "roles": ["writer", "maintainer"],
                "keys": [public(1), public(2)], "gitIdentities": [{"email": "ada@example.com"}],
                "logins": [{"forge": "git.example.com", "login": "ada"}],
            },
            {
                "id": "ci", "kind": "service", "roles": ["writer"], "keys": [public(3)],
                "oidc": [
                    {"issuer": "https://ci.example.com", "san": "https://ci.example.com/.*", "pattern": true},
                    {"issuer": "https://ci.example.com", "subject": "repo:acme/app"},
                ],
            },
            {"id": "helper", "kind": "agent", "operator": "ada@example.com", "roles": [], "keys": [public(4)]},
        ],
        "revocations": [
            {"key": key(9).public().id().to_string(), "reason": "compromised", "suspectSince": 17},
            {"key": key(8).public().id().to_string(), "reason": "superseded"},
        ],
        "extends": {"origin": "git.example.com/acme/org", "digest": format!("sha256:{}", "a".repeat(64))},
        "previous": reference(),
    }))
}

/// A policy that uses every field of the predicate; its text uses every key of the policy.
pub fn policy() -> PolicyText {
    let mut policy = PolicyText::new(POLICY);
    policy.extends = roster().extends;
    policy.previous = roster().previous;
    policy
}

/// A policy's text with every key.
pub const POLICY: &str = r#"version = 1
protected = ["refs/heads/main"]

[[step]]
name = "build"
types = ["link", "https://slsa.dev/provenance/v1"]
roles = ["builder"]
required = true
count = 2

[[environment]]
name = "staging"
tier = "stage"

[[environment]]
name = "prod"
tier = "prod"
after = ["staging"]

[[pathClass]]
name = "core"
paths = ["src/**"]

[checks.C05]
effectiveFrom = "2026-12-01T00:00:00Z"
approvals = 2
acceptObserved = true
acceptReviews = false
acceptClaimedAuthors = true
environments = { prod = 3 }
pathClasses = { core = 2 }

[checks.C06]
apart = ["author+approver"]

[checks.C08]
suites = ["test"]
accept = "exit-code"
warnedPasses = true

[checks.C09]
scanners = ["scan"]
databaseDays = 3
severity = "high"
rescanDays = 30

[checks.C10]
builders = ["https://ci.example.com/*"]

[checks.C16]
days = 365

[checks.C17]
skewSeconds = 60

[checks.C26]
services = ["api"]
environments = ["prod"]
limits = { api = "400.50" }

[checks.C28]
days = 7

[ai]
mode = "declare"
tools = ["helper"]
models = ["p/*"]
review = 2
reviewRoles = { core = "security" }
share = { "*" = 50 }
scans = ["sast"]
promptDigest = true
bots = ["bot@example.com"]
"#;

/// The example on a predicate type's page of the manual.
pub fn documented(name: &str) -> Value {
    let page = git_docket::manual::page(&format!("predicate/{name}")).unwrap();
    let example = page.split("```json\n").nth(1).unwrap().split("```").next();
    serde_json::from_str(example.unwrap()).unwrap()
}

/// A genesis that uses every field.
pub fn genesis() -> Genesis {
    let replacing_nothing = |value: Value| {
        let mut value = value;
        value.as_object_mut().unwrap().remove("previous");
        value
    };
    read(json!({
        "origin": "git.example.com/acme/app",
        "rootKeys": [public(1), public(3)],
        "threshold": 2,
        "ledgerKey": vkey(5),
        "roster": replacing_nothing(serde_json::to_value(roster()).unwrap()),
        "policy": replacing_nothing(serde_json::to_value(policy()).unwrap()),
        "continuity": [{"ref": "refs/heads/main", "commit": format!("sha1:{}", "1".repeat(40))}],
        "from": reference(),
    }))
}

/// A cosignature.
pub fn cosign() -> Cosign {
    read(json!({"about": reference()}))
}

/// A change of the ledger key.
pub fn ledger_key() -> LedgerKey {
    read(json!({"old": vkey(5), "new": vkey(6), "lost": true}))
}

fn read<P: Predicate>(value: Value) -> P {
    P::from_map(value.as_object().unwrap()).unwrap()
}

fn public(seed: u8) -> Key {
    Key(key(seed).public().clone())
}

fn reference() -> Value {
    json!({"origin": "git.example.com/acme/app", "attestation": format!("sha256:{}", "b".repeat(64))})
}

fn descriptor() -> Value {
    json!({
        "name": "app.tar", "uri": "pkg:generic/app@1", "digest": {"sha256": "c".repeat(64)}, "content": "eA==",
        "downloadLocation": "https://example.com/app.tar", "mediaType": "application/x-tar", "annotations": {"a": 1},
    })
}

/// The frame of a verifier key; the key itself is `ledger::note`'s to judge.
fn vkey(seed: u8) -> String {
    let base64 = data_encoding::BASE64.encode(&[seed; 33]);
    format!("git.example.com/acme/app+0123abc{}+{base64}", seed % 10)
}
