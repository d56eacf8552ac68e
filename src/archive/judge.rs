//! Judging an archive: replay, then everything else held against what the replay shows.
//!
//! 1. the manifest (when the archive was read);
//! 2. each commit's bytes hash to its name;
//! 3. the ledger in it is replayed, and the checks run, by the code of `verify`; git's facts come from the commits;
//! 4. each protected ref's line goes back to where the ledger began, each landing is on it, and each commit that an entry
//!    names is here, unless its maker said that it was not to be had;
//! 5. policy, roster, reports, parameters and `VERIFY.md` are those that follow from the ledger.
//!
//! What is not proved is listed: [`Judged::unproved`]. A merge cannot be recomputed without trees and contents, so what
//! rests on one is unknown here.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::pack::Files;
use super::{Archive, Fault, Merged, told};
use crate::digest::{ObjectId, ObjectKind};
use crate::finding::Finding;
use crate::judge::gather::{self, Merge, Source};
use crate::judge::{self, Asked, CheckResult, CommitFacts, Model, Scope};
use crate::ledger::in_memory::InMemory;
use crate::ledger::seal::SignedSeal;
use crate::sigstore::Trust;
use crate::statement::predicate::Continuity;
use crate::timestamp::Timestamp;
use crate::verify::{self, Keep, Outcome, Pin, Question, Verdict, VerifyError};

/// What an archive is held to, and what is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The ledger that was meant.
    pub pin: Option<Pin>,
    /// Seals that the ledger must extend.
    pub seals: Vec<SignedSeal>,
    /// Who is believed about keyless entries; not the archive's own roots.
    pub trust: Arc<Trust>,
    /// Environment and period.
    pub scope: Scope,
    /// Checks by id; without them those that the policy enforces.
    pub checks: Option<Vec<String>>,
    /// The moment of judgement; without it, that of the newest entry.
    pub at: Option<Timestamp>,
    /// How many threads may work.
    pub threads: NonZeroUsize,
}

/// What an archive shows.
#[derive(Debug)]
pub struct Judged {
    /// The replay.
    pub outcome: Outcome,
    /// The checks.
    pub checks: Vec<CheckResult>,
    /// What was cut or changed, besides what the replay found.
    pub faults: Vec<Fault>,
    /// What the archive cannot prove, a sentence each.
    pub unproved: Vec<String>,
    /// What follows from the ledger.
    pub(super) told: Files,
}

/// Judges an archive.
///
/// # Errors
/// Where the ledger in it cannot be read, or a seal given is of another ledger.
pub fn judge(archive: &Archive, request: &Request) -> Result<Judged, VerifyError> {
    let mut faults = archive.faults.clone();
    faults.extend(archive.commits.iter().filter_map(|(id, raw)| {
        let named = ObjectId::of_object(id.algorithm(), ObjectKind::Commit, raw);
        (named != Ok(*id)).then_some(Fault::Commit { id: *id })
    }));
    let mut outcome = verify::verify(
        &InMemory::new(archive.ledger.clone()),
        &verify::Request {
            question: Question::Ledger,
            pin: request.pin.clone(),
            memories: Vec::new(),
            seals: request.seals.clone(),
            threads: request.threads,
            keep: Keep::Said,
            trust: Arc::clone(&request.trust),
        },
    )?;
    let mut judged = (Vec::new(), Files::new());
    if let Some(evidence) = &outcome.evidence {
        let moved = evidence
            .moved_tags(|name| Ok::<_, Infallible>(archive.said.tags.get(name).copied()))
            .unwrap_or_default();
        let mut model = outcome.model(evidence, request.at);
        model.facts = match gather::gather(archive, &model, &evidence.continuity) {
            Ok(facts) => facts.into(),
            Err(never) => match never {},
        };
        faults.extend(omissions(archive, &model, &evidence.continuity));
        let told = told::told(archive, &outcome, &model);
        let differs = told
            .iter()
            .filter(|(name, content)| archive.told.get(*name) != Some(*content));
        let more = archive.told.keys().filter(|name| !told.contains_key(*name));
        let names = differs.map(|(name, _)| name).chain(more);
        faults.extend(names.map(|name| Fault::Told { name: name.clone() }));
        judged = (checks(&model, request), told);
        outcome.findings.extend(moved);
        outcome
            .findings
            .sort_by_key(|found| std::cmp::Reverse(found.severity()));
        outcome.verdict = outcome
            .verdict
            .max(Verdict::of(outcome.findings.first().map(Finding::severity)));
    }
    let (checks, told) = judged;
    outcome.verdict = outcome.verdict.with(&checks, &request.scope);
    faults.sort();
    faults.dedup();
    Ok(Judged {
        unproved: unproved(archive, &outcome, request),
        outcome,
        checks,
        faults,
        told,
    })
}

impl Judged {
    /// The verdict: what was cut or changed makes an archive worthless.
    pub fn verdict(&self) -> Verdict {
        match self.faults.is_empty() {
            true => self.outcome.verdict,
            false => Verdict::Broken,
        }
    }
}

fn checks(model: &Model, request: &Request) -> Vec<CheckResult> {
    let ids: Vec<&str>;
    let asked = match &request.checks {
        Some(wanted) => {
            ids = wanted.iter().map(String::as_str).collect();
            Asked::These(&ids)
        }
        None => Asked::Enforced,
    };
    judge::judge(model, &request.scope, asked, request.threads)
}

fn omissions(archive: &Archive, model: &Model, continuity: &[Continuity]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, tip) in &archive.said.refs {
        let line = model.facts.lines.get(name).map_or(&[][..], Vec::as_slice);
        let begun = continuity.iter().find(|start| start.reference == *name);
        let below = match line.last() {
            None => Some(*tip),
            Some(last) => last.parents.first().copied(),
        };
        if let Some(id) = below.filter(|id| begun.map(|start| start.commit) != Some(*id)) {
            let name = name.clone();
            faults.push(Fault::LineCut { name, id });
        }
    }
    for (entry, landing) in model.landings() {
        let begun =
            |start: &Continuity| start.reference == landing.name && start.commit == landing.to;
        let Some(line) = model.facts.lines.get(&landing.name) else {
            continue;
        };
        if !line.iter().any(|commit| commit.id == landing.to) && !continuity.iter().any(begun) {
            faults.push(Fault::OffLine {
                seq: entry.seq,
                name: landing.name.clone(),
                id: landing.to,
            });
        }
    }
    let here = |id: &ObjectId| {
        archive.commits.contains_key(id)
            || archive.ledger.commits.contains_key(id)
            || archive.said.absent.contains(id)
    };
    let gone = gather::named(model).into_iter().filter(|id| !here(id));
    faults.extend(gone.map(|id| Fault::NoCommit { id }));
    faults
}

fn unproved(archive: &Archive, outcome: &Outcome, request: &Request) -> Vec<String> {
    let said = &archive.said;
    let mut unproved = Vec::new();
    if request.pin.is_none() {
        unproved.push(
            "that this is the ledger that is meant: without --pin the genesis is taken as found"
                .to_owned(),
        );
    }
    if request.seals.is_empty() {
        unproved.push(format!(
            "that the ledger has no more than these {} entries: compare the head with a reader's own, or give a later seal by --seal",
            outcome.counts.total
        ));
    }
    let sealed = outcome.heads.sealed.as_ref().map_or(0, |head| head.size);
    if sealed < outcome.counts.total {
        let after = outcome.counts.total - sealed;
        unproved.push(format!(
            "that the last {after} entries were not rewritten: no seal covers them"
        ));
    }
    unproved.extend(said.refs.iter().map(|(name, id)| {
        format!("that {name} stood at {id}: git ls-remote says where it stands")
    }));
    unproved.extend(
        said.tags
            .iter()
            .map(|(name, id)| format!("that {name} stood at {id}")),
    );
    unproved.extend(said.merges.iter().map(|merge| {
        let Merged { head, parent, tree } = merge;
        format!("that {head} merged into {parent} is {tree}: git merge-tree recomputes it in a clone, and what rests on it is unknown here")
    }));
    unproved.extend(archive.roots.keys().map(|digest| {
        format!("that the authorities and logs of trust/{digest}.json are to be believed: judged was by the reader's own (--trusted-root), or by those of this program")
    }));
    if !archive.paths.is_empty() {
        unproved.push("the lists of paths: trees are not carried".to_owned());
    }
    unproved.extend(
        said.absent
            .iter()
            .map(|id| format!("what commit {id} is: it was not to be had")),
    );
    unproved.push("that claimed times are true, that a command did what its name says, and that persons are who the roster says".to_owned());
    unproved
}

impl Source for Archive {
    type Error = Infallible;

    fn tip(&self, name: &str) -> Result<Option<ObjectId>, Infallible> {
        let said = &self.said;
        Ok(said.refs.get(name).or(said.tags.get(name)).copied())
    }

    fn commit(&self, id: &ObjectId) -> Result<Option<CommitFacts>, Infallible> {
        Ok(self.commits.get(id).and_then(|raw| parsed(id, raw)))
    }

    fn kept(&self, id: &ObjectId) -> Option<CommitFacts> {
        parsed(id, self.ledger.commits.get(id)?)
    }

    fn merge(&self, _: &ObjectId, _: &ObjectId) -> Result<Merge, Infallible> {
        Ok(Merge::Unknown)
    }
}

// Bytes that are another commit's are no commit: they are named as a fault.
fn parsed(id: &ObjectId, raw: &[u8]) -> Option<CommitFacts> {
    let named = ObjectId::of_object(id.algorithm(), ObjectKind::Commit, raw) == Ok(*id);
    named.then(|| CommitFacts::parse(*id, raw))?
}
