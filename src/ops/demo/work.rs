//! The usual work of the company: changes that are written, declared, tested, approved and landed, and releases that are
//! built, listed, scanned and deployed. Each step can be left out or done by another, which is what faults are made of.

use serde_json::{Value, json};

use super::Error;
use super::company::{Commit, Company, FORGE, MAIN, Said, Saying};
use crate::digest::Sha256;
use crate::timestamp::Timestamp;

pub(super) const SERVICES: [&str; 3] = ["api", "billing", "web"];

/// Name, tier, whose machines, and where.
pub(super) const ENVIRONMENTS: [[&str; 4]; 5] = [
    ["dev", "dev", "aws", "eu-central-1"],
    ["staging", "stage", "google", "europe-west3"],
    ["prod-aws", "prod", "aws", "eu-central-1"],
    ["prod-google", "prod", "google", "europe-west3"],
    ["prod-dc", "prod", "own", "frankfurt-1"],
];

const DEVELOPERS: [&str; 4] = ["ada", "ben", "carol", "dan"];
const AGENT: &str = "pilot";
const OPERATOR: &str = "carol";

/// A company at work.
pub(super) struct Work<'a> {
    pub(super) company: Company<'a>,
    /// How many changes there were.
    number: usize,
    /// Changes that were not deployed yet, by service.
    unreleased: [Vec<String>; 3],
    /// What was deployed last, by service.
    pub(super) running: [Option<Sha256>; 3],
}

/// A change on its way.
pub(super) struct Proposed {
    id: String,
    service: usize,
    author: &'static str,
    base: Commit,
    head: Commit,
}

/// What AI had to do with a change.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ai {
    None,
    Assisted,
    Autonomous,
}

/// What is not as it should be with a release.
#[derive(Clone, Copy, Default)]
pub(super) struct Flaw {
    /// No scanner saw it.
    pub(super) unscanned: bool,
    /// Nobody says where it was built.
    pub(super) unbuilt: bool,
    /// What the scanner found.
    pub(super) found: &'static [&'static str],
}

impl<'a> Work<'a> {
    /// Before the first change.
    pub(super) fn of(company: Company<'a>) -> Self {
        Self {
            company,
            number: 0,
            unreleased: Default::default(),
            running: [None; 3],
        }
    }

    /// The change that brings the ledger's pin into the repository.
    pub(super) fn pin(&mut self) -> Result<(), Error> {
        self.reviewed("ada", "ben", "Pin the ledger")
    }

    /// A change as it should be, by one of the developers or by the agent.
    pub(super) fn usual_change(&mut self) -> Result<(), Error> {
        let turn = self.number;
        let (author, approver, ai) = match (turn % 7, turn % 3) {
            (3, _) => (AGENT, "ada", Ai::Autonomous),
            (_, part) => {
                let ai = if part == 1 { Ai::Assisted } else { Ai::None };
                (DEVELOPERS[turn % 4], DEVELOPERS[(turn + 1) % 4], ai)
            }
        };
        let service = SERVICES[self.turn()];
        let message = match ai {
            Ai::None => format!("Improve {service}"),
            Ai::Assisted => format!("Improve {service}\n\nAssisted-by: {AGENT}"),
            Ai::Autonomous => format!("Update {service}\n\nGenerated-by: {AGENT}"),
        };
        self.whole(author, approver, &message, ai)
    }

    /// A change of a person's own, approved by another.
    pub(super) fn reviewed(
        &mut self,
        author: &'static str,
        approver: &'static str,
        message: &str,
    ) -> Result<(), Error> {
        self.whole(author, approver, message, Ai::None)
    }

    fn whole(
        &mut self,
        author: &'static str,
        approver: &'static str,
        message: &str,
        ai: Ai,
    ) -> Result<(), Error> {
        let change = self.propose(author, author, message)?;
        self.declare(&change, ai)?;
        self.test(&change)?;
        self.approve(approver, &change)?;
        self.land(&change, message)?;
        Ok(())
    }

    /// Writes a change that is like no other.
    pub(super) fn propose(
        &mut self,
        author: &'static str,
        committer: &'static str,
        message: &str,
    ) -> Result<Proposed, Error> {
        let content = format!("change {}\n", self.number);
        self.propose_content(author, committer, message, (self.turn(), &content))
    }

    /// The service whose turn it is, and what it says now.
    pub(super) fn content(&self) -> (usize, String) {
        let turn = self.turn();
        (turn, self.company.file(SERVICES[turn]))
    }

    /// Writes a change that makes a service say this. `committer` says that it is there.
    pub(super) fn propose_content(
        &mut self,
        author: &'static str,
        committer: &'static str,
        message: &str,
        (service, content): (usize, &str),
    ) -> Result<Proposed, Error> {
        self.number += 1;
        let id = format!("!{}", self.number);
        self.company.write(SERVICES[service], content);
        let base = self.company.main;
        let head = self.company.commit(base.id, author, committer, message)?;
        let change = Proposed {
            id,
            service,
            author,
            base,
            head,
        };
        self.open(&change, committer)?;
        Ok(change)
    }

    /// Writes the same change otherwise.
    pub(super) fn propose_again(
        &mut self,
        first: &Proposed,
        message: &str,
    ) -> Result<Proposed, Error> {
        let author = first.author;
        self.company.write(SERVICES[first.service], message);
        let head = self
            .company
            .commit(first.base.id, author, author, message)?;
        let change = Proposed {
            id: first.id.clone(),
            head,
            ..*first
        };
        self.open(&change, author)?;
        Ok(change)
    }

    fn open(&mut self, change: &Proposed, by: &'static str) -> Result<(), Error> {
        let path = SERVICES[change.service];
        let ticket = format!("https://tickets.demo.example/{}", &change.id[1..]);
        let said = json!({
            "actor": by, "assertedBy": "self", "id": change.id,
            "base": {"ref": MAIN, "commit": change.base.id},
            "head": {"commit": change.head.id, "tree": change.head.tree},
            "authors": [{"person": change.author}],
            "reason": {"kind": "feature", "ticket": {"uri": ticket, "digest": sha(&ticket)}},
            "securityImpact": {"class": "low"},
            "paths": {"count": 1, "listDigest": sha(path), "classes": [path]},
        });
        self.company
            .say(plain(by, "change", "change", change.head, said))?;
        Ok(())
    }

    /// Says what AI had to do with it.
    pub(super) fn declare(&mut self, change: &Proposed, ai: Ai) -> Result<(), Error> {
        let by = change.author;
        let mut said = json!({"actor": by, "assertedBy": "self", "kind": "none"});
        if ai != Ai::None {
            let (kind, operator) = match ai {
                Ai::Autonomous => ("autonomous", OPERATOR),
                _ => ("assisted", by),
            };
            said["kind"] = json!(kind);
            said["operator"] = json!(operator);
            said["sessions"] = json!([{
                "id": format!("session-{}", &change.id[1..]), "tool": {"name": AGENT},
                "model": {"provider": "acme", "id": "writer-2"}, "prompt": {"digest": sha(&change.id)},
            }]);
        }
        self.company
            .say(plain(by, "ai", "ai-assistance", change.head, said))?;
        Ok(())
    }

    /// Tests it.
    pub(super) fn test(&mut self, change: &Proposed) -> Result<(), Error> {
        let said = json!({
            "result": "PASSED", "configuration": [],
            "tests": {"total": 240, "passed": 240, "failed": 0, "skipped": 0},
        });
        self.company
            .say(plain("ci", "test", "test-result", change.head, said))?;
        Ok(())
    }

    /// Approves it.
    pub(super) fn approve(&mut self, by: &'static str, change: &Proposed) -> Result<Said, Error> {
        let said = json!({
            "actor": by, "assertedBy": "self", "approver": by, "decision": "approved", "scope": "merge",
            "covers": {"base": change.base.id, "head": change.head.id, "tree": change.head.tree},
        });
        self.company
            .say(plain(by, "approve", "approval", change.head, said))
    }

    /// Lands it, squashed by the forge; its id.
    pub(super) fn land(&mut self, change: &Proposed, message: &str) -> Result<String, Error> {
        let landed = self
            .company
            .commit(change.base.id, change.author, FORGE, message)?;
        let said = json!({
            "actor": "ci", "assertedBy": "self", "changeId": change.id, "ref": MAIN, "from": change.base.id,
            "to": landed.id, "commits": [landed.id], "method": "squash",
        });
        self.company
            .say(plain("ci", "land", "landing", landed, said))?;
        self.company.main = landed;
        self.unreleased[change.service].push(change.id.clone());
        Ok(change.id.clone())
    }

    /// Allows a finding in a service, for so many seconds.
    pub(super) fn excuse(
        &mut self,
        service: &str,
        finding: &str,
        seconds: i64,
    ) -> Result<(), Error> {
        let now = self.company.now;
        let expires = Timestamp::from_unix(now.unix() + seconds)
            .map_err(|_| Error::Lacking { what: "such a day" })?;
        let said = json!({
            "actor": "ben", "assertedBy": "self", "checks": ["C09"], "findings": [{"id": finding}],
            "scope": {"services": [service]}, "reason": "the code that has it cannot be reached",
            "requestedBy": "ada", "grantedBy": "ben", "effectiveFrom": now, "expires": expires,
        });
        let on = self.company.main;
        self.company
            .say(plain("ben", "except", "exception", on, said))?;
        Ok(())
    }

    /// Releases a service from the main branch; each deployment as the checks call it.
    pub(super) fn release(&mut self, service: usize, flaw: Flaw) -> Result<Vec<String>, Error> {
        let (name, on, now) = (SERVICES[service], self.company.main, self.company.now);
        let digest = Sha256::of(format!("{name} {}", on.id).as_bytes());
        let mut made = Vec::new();
        if !flaw.unbuilt {
            let said = json!({
                "buildDefinition": {
                    "buildType": "https://ci.demo.example/build/v1", "externalParameters": {},
                    "resolvedDependencies": [{"digest": {"gitCommit": on.id.hex()}}],
                },
                "runDetails": {"builder": {"id": "https://ci.demo.example/runner"}},
            });
            made.push(("build", "provenance", said));
        }
        let bill = json!({"bomFormat": "CycloneDX", "specVersion": "1.6"});
        made.push(("sbom", "cyclonedx", bill));
        if !flaw.unscanned {
            let found = flaw
                .found
                .iter()
                .map(|id| json!({"id": id, "severity": [{"method": "cvss", "score": "8.1"}]}));
            let said = json!({
                "scanner": {"uri": "pkg:generic/scanner", "db": {"lastUpdate": now}, "result": found.collect::<Vec<_>>()},
                "metadata": {"scanFinishedOn": now},
            });
            made.push(("scan", "vulns", said));
        }
        for (step, kind, said) in made {
            self.say_of(&(name, &digest), "ci", step, kind, said)?;
        }
        let mut labels = Vec::new();
        let changes = std::mem::take(&mut self.unreleased[service]);
        for environment in ENVIRONMENTS {
            let said = json!({
                "actor": "deployer", "assertedBy": "self", "environment": place(environment), "service": name,
                "artifact": {"name": name, "digest": {"sha256": digest.to_string()}}, "reason": "planned",
                "finishedOn": now, "result": "success", "rollbackRef": "deploy the release before", "changes": changes,
            });
            let said = self.say_of(&(name, &digest), "deployer", "deploy", "deployment", said)?;
            labels.push(format!("{name} to {} (entry {})", environment[0], said.seq));
        }
        self.running[service] = Some(digest);
        Ok(labels)
    }

    fn say_of(
        &mut self,
        artifact: &(&str, &Sha256),
        by: &'static str,
        step: &'static str,
        kind: &'static str,
        predicate: Value,
    ) -> Result<Said, Error> {
        self.company.say(Saying {
            artifact: Some(*artifact),
            ..plain(by, step, kind, self.company.main, predicate)
        })
    }

    fn turn(&self) -> usize {
        self.number % SERVICES.len()
    }
}

/// Something said of a commit alone.
pub(super) fn plain<'a>(
    by: &'static str,
    step: &'static str,
    kind: &'static str,
    on: Commit,
    predicate: Value,
) -> Saying<'a> {
    Saying {
        by,
        step,
        kind,
        on,
        artifact: None,
        predicate,
    }
}

/// An environment as entries have it.
pub(super) fn place([name, tier, provider, region]: [&str; 4]) -> Value {
    json!({"name": name, "tier": tier, "provider": provider, "region": region})
}

fn sha(text: &str) -> String {
    format!("sha256:{}", Sha256::of(text.as_bytes()))
}
