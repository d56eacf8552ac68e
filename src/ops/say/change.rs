//! change, review, approve, land.

use std::collections::BTreeSet;

use super::super::record::Claim;
use super::{Desk, Error, subject};
use crate::digest::{ObjectId, Sha256};
use crate::judge::CommitFacts;
use crate::policy::rules::fits;
use crate::statement::predicate::{
    self, Approval, ApprovalScope, Author, Base, Change, Covered, Covers, Decision, Document,
    ImpactClass, Known, Landing, Lines, Method, Paths, Predicate as _, Reason, ReasonKind, Remarks,
    Review, ReviewKind, ReviewVerdict, Revision, Role, SecurityImpact, Sha256Text, Significance,
    Who,
};
use crate::statement::{Step, Subject};
use crate::timestamp::Timestamp;
use crate::verify::governance::roster_document;

/// As many commits as one landing is looked for in.
const MOST_LANDED: usize = 10_000;

/// `change`: what is proposed.
#[derive(Clone, Debug)]
pub struct Propose {
    /// The step.
    pub step: Step,
    /// What the change is called; else the request that CI runs for, else its head commit.
    pub id: Option<String>,
    /// The ref it is to go to.
    pub base: Option<String>,
    /// Why.
    pub reason: ReasonKind,
    /// Where that was agreed on.
    pub ticket: Option<Document>,
    /// What it means for security.
    pub impact: Option<ImpactClass>,
    /// The same in words.
    pub impact_note: Option<String>,
    /// How much it matters.
    pub significance: Option<Significance>,
    /// Who asked for it.
    pub requester: Option<Who>,
    /// Who opened the request.
    pub opener: Option<Who>,
    /// Who pushed.
    pub pusher: Option<Who>,
    /// Who else wrote it.
    pub authors: Vec<Who>,
    /// How it is undone.
    pub rollback: Option<String>,
}

/// `review`: an opinion.
#[derive(Clone, Debug)]
pub struct Reviewed {
    /// The step.
    pub step: Step,
    /// What is thought.
    pub verdict: ReviewVerdict,
    /// Of what.
    pub kind: ReviewKind,
    /// What it was held against.
    pub base: Option<String>,
    /// Remarks made, and done with.
    pub remarks: Option<(u64, u64)>,
    /// Where it can be read.
    pub link: Option<String>,
}

/// `approve`: a decision.
#[derive(Clone, Debug)]
pub struct Approve {
    /// The step.
    pub step: Step,
    /// For what.
    pub scope: ApprovalScope,
    /// What is decided.
    pub decision: Decision,
    /// What is approved, where it is not the commit: a file or a digest.
    pub artifact: Option<String>,
    /// What is approved, where it is a document: its file.
    pub document: Option<Vec<u8>>,
    /// What it was held against.
    pub base: Option<String>,
    /// In which role.
    pub role: Option<Role>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// Until when.
    pub valid_until: Option<Timestamp>,
}

/// `land`: a protected ref moved.
#[derive(Clone, Debug)]
pub struct Landed {
    /// The step.
    pub step: Step,
    /// Which change; found by head and tree where nothing is said.
    pub change: Option<String>,
    /// The ref.
    pub base: Option<String>,
    /// Where it was; else where the last landing left it, else the first parent.
    pub from: Option<String>,
    /// How; told from the commits where nothing is said.
    pub method: Option<Method>,
    /// Who did it.
    pub merger: Option<Who>,
}

impl Desk<'_> {
    /// What is proposed, computed from git.
    ///
    /// # Errors
    /// Where base and head cannot be told, or the flags break a rule.
    pub fn change(&self, request: Propose) -> Result<Claim, Error> {
        let name = self
            .base_ref(request.base.as_deref())
            .ok_or(Error::NoBase {
                what: self.commit(),
            })?;
        let base = self.merge_base(&self.base_commit(&name)?)?;
        let (paths, lines) = self.extent(&base, &self.commit())?;
        let mut authors: BTreeSet<Who> = request.authors.into_iter().collect();
        for commit in self.commits_between(&base, &self.commit())? {
            authors.insert(self.who(&commit.author));
            authors.extend(commit.co_authors(self.bots()).map(|email| self.who(email)));
        }
        let change = Change {
            asserted: self.asserted(),
            id: request
                .id
                .or_else(|| self.request().map(|request| request.id))
                .unwrap_or_else(|| self.commit().to_string()),
            base: Base { name, commit: base },
            head: Revision {
                commit: self.commit(),
                tree: self.tree(),
            },
            authors: authors
                .into_iter()
                .map(|person| Author { person, kind: None })
                .collect(),
            requester: request.requester,
            opener: request.opener,
            pusher: request.pusher,
            reason: Reason {
                kind: request.reason,
                ticket: request.ticket,
            },
            security_impact: request.impact.map(|class| SecurityImpact {
                class,
                note: request.impact_note,
            }),
            significance: request.significance,
            paths: Some(paths),
            lines: Some(lines),
            rollback: request.rollback,
            controls: Vec::new(),
        };
        self.claim(request.step, &change, Vec::new())
    }

    /// An opinion about the commit, held against its base.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn review(&self, request: Reviewed) -> Result<Claim, Error> {
        let review = Review {
            asserted: self.asserted(),
            reviewer: Who::Person(self.person.clone()),
            kind: request.kind,
            verdict: request.verdict,
            covers: self.covered(request.base.as_deref())?,
            started_on: None,
            finished_on: Some(self.now()),
            findings: request
                .remarks
                .map(|(opened, resolved)| Remarks { opened, resolved }),
            tooling: Vec::new(),
            link: request.link,
        };
        self.claim(request.step, &review, Vec::new())
    }

    /// A decision over the commit, an artifact, or a document. It lists the entries about the same as its basis.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub fn approve(&self, request: Approve) -> Result<Claim, Error> {
        let (mut subjects, mut basis) = (Vec::new(), Vec::new());
        let covers = match (&request.artifact, &request.document) {
            (Some(word), _) => {
                let artifact = self.artifact(word)?;
                basis = self.basis(|entry| entry.is_about(&artifact.digest));
                subjects.push(subject(&artifact));
                subjects.push(Subject::commit(&self.commit(), &self.tree()));
                Covers::Artifact(artifact)
            }
            (None, Some(document)) => Covers::Document(document_digest(request.scope, document)?),
            (None, None) => {
                let tree = self.tree();
                basis.extend(
                    self.basis(|entry| entry.has_tree(&tree) || entry.commit == self.commit()),
                );
                Covers::Revision(self.revision(&request)?)
            }
        };
        let approval = Approval {
            asserted: self.asserted(),
            approver: Who::Person(self.person.clone()),
            role: request.role,
            decision: request.decision,
            scope: request.scope,
            covers,
            conditions: request.conditions,
            decided_on: None,
            valid_until: request.valid_until,
            basis,
            quorum: None,
        };
        self.claim(request.step, &approval, subjects)
    }

    // A release is judged whole; a merge is held against what it goes to.
    fn revision(&self, request: &Approve) -> Result<Covered, Error> {
        match (request.scope, &request.base) {
            (ApprovalScope::Merge, base) => self.covered(base.as_deref()),
            (_, Some(base)) => self.covered(Some(base)),
            (_, None) => Ok(Covered {
                base: None,
                head: self.commit(),
                tree: self.tree(),
                diff_digest: None,
            }),
        }
    }

    /// What landed, tied to the change that it was.
    ///
    /// # Errors
    /// Where the change or the ref cannot be told.
    pub fn land(&self, request: Landed) -> Result<Claim, Error> {
        let to = self.commit();
        let name = self
            .base_ref(request.base.as_deref())
            .ok_or(Error::NoBase { what: to })?;
        let facts = self.repository.commit(&to)?;
        let from = match &request.from {
            Some(word) => Some(self.repository.commit_named(word)?),
            None => self.left_at(&name)?.or(facts.parents.first().copied()),
        };
        let line = self.first_parents(from.as_ref())?;
        let change = match request.change.as_deref() {
            Some(Landing::DIRECT) => None,
            Some(id) => Some(id.to_owned()),
            None => Some(
                self.landed_change(&facts.parents, from.as_ref())?
                    .ok_or(Error::NoChange { head: to })?,
            ),
        };
        let method = match (&change, request.method) {
            (None, _) => Method::Direct,
            (Some(_), Some(method)) => method,
            (Some(id), None) => self.method(id, &facts.parents, line.len()),
        };
        let landing = Landing {
            asserted: self.asserted(),
            change_id: change.unwrap_or_else(|| Landing::DIRECT.to_owned()),
            name,
            from,
            to,
            commits: line,
            method,
            merger: request.merger,
            protections: None,
        };
        self.claim(request.step, &landing, Vec::new())
    }

    // The newest commit behind this one, on the first-parent line, at which a landing of the ref ended.
    fn left_at(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        let entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        let ends: BTreeSet<ObjectId> = entries
            .filter_map(|entry| match &entry.said {
                Some(Known::Landing(landing)) if landing.name == name => Some(landing.to),
                _ => None,
            })
            .collect();
        if ends.is_empty() {
            return Ok(None);
        }
        let mut next = self
            .repository
            .commit(&self.commit())?
            .parents
            .first()
            .copied();
        for _ in 0..MOST_LANDED {
            match next.filter(|id| self.repository.has(id)) {
                Some(id) if ends.contains(&id) => return Ok(Some(id)),
                Some(id) => next = self.repository.commit(&id)?.parents.first().copied(),
                None => break,
            }
        }
        Ok(None)
    }

    // By head (merged or moved forward to), by tree (squashed or rebased on the same base), by the recomputed merge.
    fn landed_change(
        &self,
        parents: &[ObjectId],
        from: Option<&ObjectId>,
    ) -> Result<Option<String>, Error> {
        let evidence = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        let mut changes: Vec<&Change> = evidence
            .filter_map(|entry| match &entry.said {
                Some(Known::Change(change)) => Some(&**change),
                _ => None,
            })
            .collect();
        changes.reverse();
        let own = self.commit();
        let by_head = |change: &&&Change| {
            change.head.commit == own
                || parents
                    .iter()
                    .skip(1)
                    .any(|parent| *parent == change.head.commit)
        };
        let by_tree = |change: &&&Change| change.head.tree == self.tree();
        if let Some(change) = changes
            .iter()
            .find(by_head)
            .or_else(|| changes.iter().find(by_tree))
        {
            return Ok(Some(change.id.clone()));
        }
        let Some(from) = from else { return Ok(None) };
        for change in changes
            .iter()
            .take(50)
            .filter(|change| self.repository.has(&change.head.commit))
        {
            if self.repository.merged_tree(from, &change.head.commit)? == Some(self.tree()) {
                return Ok(Some(change.id.clone()));
            }
        }
        Ok(None)
    }

    fn method(&self, id: &str, parents: &[ObjectId], commits: usize) -> Method {
        let mut entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter().rev());
        let head = entries.find_map(|entry| match &entry.said {
            Some(Known::Change(change)) if change.id == id => Some(change.head.commit),
            _ => None,
        });
        match (parents.len(), head == Some(self.commit()), commits) {
            (2.., ..) | (_, true, _) => Method::Merge,
            (_, false, 1) => Method::Squash,
            (_, false, _) => Method::Rebase,
        }
    }

    /// What a change touches, and how long it is.
    pub(super) fn extent(&self, base: &ObjectId, head: &ObjectId) -> Result<(Paths, Lines), Error> {
        let difference = self.repository.difference(base, head)?;
        let paths = Paths {
            count: difference.paths.len() as u64,
            list_digest: Sha256Text(list_digest(&difference.paths)),
            classes: self.classes(&difference.paths),
        };
        let lines = Lines {
            added: difference.added,
            deleted: difference.deleted,
        };
        Ok((paths, lines))
    }

    /// The commits from a base, exclusive, to a head.
    pub(super) fn commits_between(
        &self,
        base: &ObjectId,
        head: &ObjectId,
    ) -> Result<Vec<CommitFacts>, Error> {
        let range = format!("{}..{}", base.hex(), head.hex());
        let mut ids = self.repository.commits_in(&range)?;
        // A history's first commit lies between nothing, and is somebody's.
        ids.insert(*head);
        let mut commits = Vec::new();
        for id in ids {
            let facts = self.repository.commit(&id)?;
            commits.extend(CommitFacts::parse(id, &facts.raw));
        }
        Ok(commits)
    }

    // Oldest first.
    fn first_parents(&self, from: Option<&ObjectId>) -> Result<Vec<ObjectId>, Error> {
        let mut line = vec![self.commit()];
        while let Some(last) = line.last().filter(|_| line.len() < MOST_LANDED) {
            match self.repository.commit(last)?.parents.first() {
                Some(parent) if Some(parent) != from && self.repository.has(parent) => {
                    line.push(*parent)
                }
                _ => break,
            }
        }
        if from.is_none() {
            line.truncate(1);
        }
        line.reverse();
        Ok(line)
    }

    fn classes(&self, paths: &[String]) -> Vec<String> {
        let policy = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.in_force.last());
        let classes = policy.map_or(&[][..], |(_, _, policy)| policy.path_classes());
        let touched = classes.iter().filter(|class| {
            class
                .paths
                .iter()
                .any(|glob| paths.iter().any(|path| fits(glob, path)))
        });
        touched.map(|class| class.name.clone()).collect()
    }
}

// A roster's is that of its canonical form, as `roster show -o json` prints it or as it stands in a file; any other
// document's is that of its bytes.
fn document_digest(scope: ApprovalScope, document: &[u8]) -> Result<Sha256Text, Error> {
    if scope != ApprovalScope::Roster {
        return Ok(Sha256Text(Sha256::of(document)));
    }
    let mut roster: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(document).map_err(Error::Edited)?;
    roster.retain(|name, _| !matches!(name.as_str(), "schemaVersion" | "seq"));
    Ok(Sha256Text(roster_document(&predicate::Roster::from_map(
        &roster,
    )?)?))
}

/// SHA-256 over the paths in byte order, each followed by a NUL.
fn list_digest(paths: &[String]) -> Sha256 {
    let mut sorted: Vec<&str> = paths.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let text: String = sorted.iter().flat_map(|path| [*path, "\0"]).collect();
    Sha256::of(text.as_bytes())
}
