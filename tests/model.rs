//! The real ledger against a naive one: a list.
//!
//! Random operations (append one or several entries about random commits, append one again) go to both; after each the
//! ledger must verify and hold exactly the list, in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{num::NonZeroUsize, path::Path, process::Command};

use git_docket::{
    attestation::Attestation,
    digest::{ObjectId, Sha256},
    git::{RefName, Repository},
    ledger::{Lines, Snapshot as _},
    ops::append::{Appender, Item},
    signing::SigningKey,
    statement::{
        Placement, PredicateType, Statement, Subject,
        predicate::{Genesis, Key, Person, PersonKind, PolicyText, Roster},
    },
    store::Stored,
    verify::{self, Question, Request, Verdict},
};
use proptest::prelude::*;

const ORIGIN: &str = "git.example.com/acme/model";

/// What is done: entries by (commit, step, size of the text), appended in one batch.
#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<(usize, usize, usize)>),
    Again(prop::sample::Index),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let entry = (
        0usize..3,
        0usize..4,
        prop_oneof![4 => 0usize..300, 1 => 30_000usize..60_000],
    );
    let operation = prop_oneof![
        4 => prop::collection::vec(entry, 1..4).prop_map(Operation::Append),
        1 => any::<prop::sample::Index>().prop_map(Operation::Again),
    ];
    prop::collection::vec(operation, 1..8)
}

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

struct Real {
    _folder: tempfile::TempDir,
    repository: Repository,
    ledger: RefName,
    key: SigningKey,
    commits: Vec<ObjectId>,
}

impl Real {
    fn new(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git(
            path,
            &["init", "-q", "-b", "main", "--object-format", format],
        );
        git(path, &["config", "user.name", "Ada"]);
        git(path, &["config", "user.email", "ada@example.com"]);
        let mut commits = Vec::new();
        for number in 0..3 {
            git(
                path,
                &[
                    "commit",
                    "-q",
                    "--allow-empty",
                    "-m",
                    &format!("commit {number}"),
                ],
            );
            commits.push(git(path, &["rev-parse", "HEAD"]));
        }
        let repository = Repository::discover(path).unwrap();
        let commits = commits
            .iter()
            .map(|hex| ObjectId::from_hex(repository.algorithm(), hex).unwrap())
            .collect();
        let real = Self {
            _folder: folder,
            repository,
            ledger: "refs/notes/docket".parse().unwrap(),
            key: SigningKey::from_seed([1; 32]),
            commits,
        };
        real.found();
        real
    }

    fn appender(&self) -> Appender<'_> {
        Appender {
            repository: &self.repository,
            ledger: &self.ledger,
            key: &self.key,
            sealing: None,
            now: "2026-11-22T10:00:00Z".parse().unwrap(),
            random: &|bytes| {
                bytes.fill(7);
                Ok(())
            },
        }
    }

    fn found(&self) {
        let person = Person {
            id: "ada@example.com".parse().unwrap(),
            kind: PersonKind::Human,
            operator: None,
            org: None,
            roles: vec!["writer".parse().unwrap()],
            keys: vec![Key(self.key.public().clone())],
            oidc: Vec::new(),
            git_identities: Vec::new(),
            logins: Vec::new(),
        };
        let ledger_key = git_docket::ledger::note::VerifierKey::new(
            ORIGIN.parse().unwrap(),
            SigningKey::from_seed([9; 32]).public(),
        );
        let genesis = Genesis {
            origin: ORIGIN.into(),
            root_keys: vec![Key(self.key.public().clone())],
            threshold: 1,
            ledger_key: ledger_key.to_string().parse().unwrap(),
            roster: Roster {
                persons: vec![person],
                revocations: Vec::new(),
                extends: None,
                previous: None,
            },
            policy: PolicyText::new("version = 1\n"),
            continuity: Vec::new(),
            from: None,
        };
        let statement = Statement::of(vec![self.subject(0)], &genesis).unwrap();
        let item = self.item(0, "genesis", statement);
        self.appender()
            .found(
                &ORIGIN.parse().unwrap(),
                &"ada@example.com".parse().unwrap(),
                item,
            )
            .unwrap();
    }

    fn subject(&self, commit: usize) -> Subject {
        let id = self.commits[commit];
        Subject::commit(&id, &self.repository.commit(&id).unwrap().tree)
    }

    fn item(&self, commit: usize, step: &str, statement: Statement) -> Item {
        let placed = statement.placed(&Placement {
            origin: ORIGIN.into(),
            step: step.parse().unwrap(),
            commit: self.commits[commit],
        });
        Item {
            commit: self.commits[commit],
            step: step.parse().unwrap(),
            attestation: Attestation::sign(&placed, &self.key).unwrap(),
        }
    }

    /// Everything that the ledger holds, in order of seq: commit and attestation.
    fn entries(&self) -> Vec<(ObjectId, Sha256)> {
        let stored = Stored::read(&self.repository, &self.ledger)
            .unwrap()
            .unwrap();
        let mut reader = stored.reader();
        let mut found = Vec::new();
        for (index, object) in stored.notes().iter().enumerate() {
            for line in Lines::of(&reader.note(index).unwrap()) {
                let link = line.unwrap().link;
                found.push((link.seq, *object, link.attestation));
            }
        }
        found.sort();
        found
            .into_iter()
            .map(|(_, object, attestation)| (object, attestation))
            .collect()
    }

    fn verdict(&self) -> (Verdict, u64) {
        let stored = Stored::read(&self.repository, &self.ledger)
            .unwrap()
            .unwrap();
        let request = Request {
            question: Question::Ledger,
            pin: None,
            memories: Vec::new(),
            seals: Vec::new(),
            threads: NonZeroUsize::new(2).unwrap(),
            keep: git_docket::verify::Keep::Nothing,
            trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
        };
        let outcome = verify::verify(&stored, &request).unwrap();
        assert!(outcome.verdict == Verdict::Pass, "{:?}", outcome.findings);
        (outcome.verdict, outcome.counts.total)
    }
}

fn run(format: &str, operations: Vec<Operation>) {
    let real = Real::new(format);
    let mut model = real.entries();
    assert_eq!(model.len(), 1);
    let mut items: Vec<Item> = Vec::new();
    let mut fresh = 0;
    for operation in operations {
        let batch: Vec<Item> = match operation {
            Operation::Append(entries) => entries
                .into_iter()
                .map(|(commit, step, size)| {
                    fresh += 1;
                    let text = format!("{fresh}{}", "x".repeat(size));
                    let predicate = serde_json::json!({"attributes": [{"attribute": text}]});
                    let statement = Statement::new(
                        vec![real.subject(commit)],
                        PredicateType::resolve("scai").unwrap(),
                        predicate.as_object().unwrap().clone(),
                    );
                    real.item(
                        commit,
                        ["build", "test", "scan", "lint"][step],
                        statement.unwrap(),
                    )
                })
                .collect(),
            Operation::Again(_) if items.is_empty() => continue,
            Operation::Again(index) => vec![items[index.index(items.len())].clone()],
        };
        let appended = real.appender().append(&batch).unwrap();
        for (item, seq) in batch.into_iter().zip(appended.seqs) {
            let entry = (item.commit, item.attestation.digest());
            match model.iter().position(|known| *known == entry) {
                Some(place) => assert_eq!(seq, place as u64, "a retry finds its own entry"),
                None => {
                    assert_eq!(seq, model.len() as u64);
                    model.push(entry);
                    items.push(item);
                }
            }
        }
        assert_eq!(real.entries(), model);
        assert_eq!(real.verdict(), (Verdict::Pass, model.len() as u64));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_is_the_list_in_sha1(operations in operations()) {
        run("sha1", operations);
    }

    #[test]
    fn the_ledger_is_the_list_in_sha256(operations in operations()) {
        run("sha256", operations);
    }
}
