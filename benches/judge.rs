//! Judging a large ledger by every pack, against its plain replay in the same run: 10 entries a change, from its proposal to
//! its deployment to production; and how large its page is.
//!
//! `cargo bench --bench judge`

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on stops where it stands"
)]

mod common;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

use common::{Content, Project, attest, forge, report, side_by_side, timed};
use git_docket::digest::Sha256;
use git_docket::git::Repository;
use git_docket::judge::pack::{self, Pack};
use git_docket::judge::{self, Scope, Verdict};
use git_docket::ops::judgement;
use git_docket::report::audit::{Asked, Audit};
use git_docket::report::html;
use git_docket::statement::predicate::{PersonKind, Roster};
use git_docket::store::Stored;
use git_docket::verify::{self, Keep, Outcome, Question, Request};
use serde_json::{Value, json};

const GRACE: u8 = 3;
const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[[environment]]\nname = \"staging\"\n[[environment]]\nname = \"prod\"\ntier = \"prod\"\nafter = [\"staging\"]\n[checks.C16]\ndays = 0\n";

fn main() {
    let folder = common::of(common::entries(), &mut Deliveries);
    let threads = std::thread::available_parallelism().unwrap();
    let audit = judged(&folder, threads);
    for check in &audit.checks {
        let of = |verdict| {
            check
                .items
                .iter()
                .filter(|item| item.verdict == verdict)
                .count()
        };
        println!(
            "{} {}: {} pass, {} fail, {} unknown",
            check.id,
            check.name,
            of(Verdict::Pass),
            of(Verdict::Fail),
            of(Verdict::Unknown)
        );
    }
    let page = html::html(&audit).len();
    println!("the page: {page} bytes (wanted: less than 5,000,000)");
    let [ours, plain] = side_by_side(
        3,
        [&mut || timed(|| judged(&folder, threads)).0, &mut || {
            timed(|| replay(&folder, threads, Keep::Nothing)).0
        }],
    );
    report(
        "replay and judgement by every pack, against the plain replay",
        ours,
        plain,
        1.5,
    );
}

fn replay(folder: &Path, threads: NonZeroUsize, keep: Keep) -> Outcome {
    let repository = Repository::discover(folder).unwrap();
    let name = "refs/notes/docket".parse().unwrap();
    let stored = Stored::read(&repository, &name).unwrap().unwrap();
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads,
        keep,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    let outcome = verify::verify(&stored, &request).unwrap();
    assert_eq!(
        outcome.verdict,
        verify::Verdict::Pass,
        "{:?}",
        outcome.findings
    );
    outcome
}

fn judged(folder: &Path, threads: NonZeroUsize) -> Audit {
    let repository = Repository::discover(folder).unwrap();
    let outcome = replay(folder, threads, Keep::Said);
    let evidence = outcome.evidence.as_ref().unwrap();
    let model = judgement::model(&repository, &outcome, evidence, None).unwrap();
    let packs = pack::shipped();
    let ids: BTreeSet<&str> = packs.iter().flat_map(Pack::checks).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let results = judge::judge(
        &model,
        &Scope::default(),
        judge::Asked::These(&ids),
        threads,
    );
    let asked = Asked {
        subject: "the whole ledger".to_owned(),
        scope: Scope::default(),
        judged: Scope::default(),
    };
    Audit::of(
        &outcome,
        &model,
        results,
        &packs,
        asked,
        "no pin".to_owned(),
    )
}

/// Ada proposes, grace approves, ci does the rest.
struct Deliveries;

impl Content for Deliveries {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn genesis(&mut self, first: &Project) -> Vec<u8> {
        let known = |name: &str, seed, kind, role: &str| {
            let mut person = forge::person(name, seed, kind, &[role]);
            let address = json!({"email": name});
            person.git_identities = vec![serde_json::from_value(address).unwrap()];
            person
        };
        let roster = Roster {
            persons: vec![
                known(
                    "ada@example.com",
                    forge::ADA,
                    PersonKind::Human,
                    "maintainer",
                ),
                known("grace@example.com", GRACE, PersonKind::Human, "maintainer"),
                known("ci@example.com", forge::BEN, PersonKind::Service, "writer"),
            ],
            ..forge::roster()
        };
        common::genesis(first, roster, POLICY)
    }

    fn pipeline(&mut self, commit: &Project, most: u64) -> Vec<(&'static str, Vec<u8>)> {
        let Some(base) = commit.parent else {
            return Vec::new();
        };
        let own = |who: &str, more: Value| {
            let mut said = json!({"actor": who, "assertedBy": "self"});
            said.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            said
        };
        let (id, head, tree) = (
            commit.n.to_string(),
            commit.id.to_string(),
            commit.tree.to_string(),
        );
        let digest = Sha256::of(id.as_bytes());
        let app = json!({"name": "app", "digest": {"sha256": digest.to_string()}});
        let covers = json!({"base": base.to_string(), "head": head, "tree": tree});
        let deployed = |environment: &str| {
            own(
                "ci@example.com",
                json!({
                    "environment": {"name": environment}, "service": "app", "artifact": app, "reason": "planned", "changes": [id],
                    "finishedOn": "2026-11-22T10:00:00Z", "result": "success", "rollbackRef": "the one before",
                }),
            )
        };
        let entries = [
            (
                "change",
                "change",
                forge::ADA,
                own(
                    "ada@example.com",
                    json!({
                        "id": id, "base": {"ref": "refs/heads/main", "commit": base.to_string()}, "head": {"commit": head, "tree": tree},
                        "authors": [{"person": "ada@example.com"}], "securityImpact": {"class": "none"},
                        "reason": {"kind": "fix", "ticket": {"uri": format!("https://t/{id}"), "digest": format!("sha256:{digest}")}},
                    }),
                ),
            ),
            (
                "ai",
                "ai-assistance",
                forge::ADA,
                own("ada@example.com", json!({"kind": "none"})),
            ),
            (
                "approve",
                "approval",
                GRACE,
                own(
                    "grace@example.com",
                    json!({
                        "approver": "grace@example.com", "decision": "approved", "scope": "merge", "covers": covers,
                    }),
                ),
            ),
            (
                "land",
                "landing",
                forge::BEN,
                own(
                    "ci@example.com",
                    json!({
                        "changeId": id, "ref": "refs/heads/main", "from": base.to_string(), "to": head, "commits": [head], "method": "rebase",
                    }),
                ),
            ),
            (
                "test",
                "test-result",
                forge::BEN,
                json!({
                    "result": "PASSED", "configuration": [], "tests": {"total": 9, "passed": 9, "failed": 0, "skipped": 0},
                }),
            ),
            (
                "build",
                "provenance",
                forge::BEN,
                json!({
                    "buildDefinition": {
                        "buildType": "https://ci.example.com/build", "externalParameters": {},
                        "resolvedDependencies": [{"digest": {"gitCommit": commit.id.hex()}}],
                    },
                    "runDetails": {"builder": {"id": "https://ci.example.com/runner"}},
                }),
            ),
            (
                "scan",
                "vulns",
                forge::BEN,
                json!({
                    "scanner": {"uri": "pkg:generic/scanner", "db": {"lastUpdate": "2026-11-22T00:00:00Z"}, "result": []},
                    "metadata": {"scanFinishedOn": "2026-11-22T10:00:00Z"},
                }),
            ),
            (
                "sbom",
                "cyclonedx",
                forge::BEN,
                json!({"bomFormat": "CycloneDX", "specVersion": "1.6"}),
            ),
            ("deploy", "deployment", forge::BEN, deployed("staging")),
            ("deploy", "deployment", forge::BEN, deployed("prod")),
        ];
        let signed = entries.into_iter().take(most as usize);
        let signed = signed.map(|(step, kind, seed, said)| {
            let of_artifact = matches!(kind, "provenance" | "vulns" | "cyclonedx" | "deployment");
            let artifact = of_artifact.then(|| ("app".to_owned(), digest));
            (step, attest(commit, step, kind, artifact, said, seed))
        });
        signed.collect()
    }
}
