//! verify --layout: a layout of classic in-toto over the links about the commits that are asked about.
//!
//! The links are those that the ledger has in the commits' own notes, as a Metablock or in an envelope; whose keys they are
//! by is for the layout to say, and not for the roster. A ledger that is broken is not looked into.

use crate::digest::ObjectId;
use crate::finding::{Code, Finding, Severity};
use crate::judge::layout::{Entry, Key, Layout, Signed, StepHeld};
use crate::ledger::{Lines, Snapshot};
use crate::timestamp::Timestamp;
use crate::verify::{Outcome, Verdict, VerifyError};

/// A layout that a ledger's links are held against.
#[derive(Clone, Debug)]
pub struct Given {
    /// What stands in it.
    pub bytes: Vec<u8>,
    /// The keys of those who may write one; each has to have signed it.
    pub keys: Vec<Key>,
    /// The commits.
    pub commits: Vec<ObjectId>,
}

/// Holds the ledger's links against a layout, and puts what was found into the outcome.
///
/// # Errors
/// Where a note or an attestation cannot be read.
pub(super) fn judge(
    snapshot: &dyn Snapshot,
    given: &Given,
    now: Timestamp,
    outcome: &mut Outcome,
) -> Result<Vec<StepHeld>, VerifyError> {
    if outcome.verdict == Verdict::Broken {
        return Ok(Vec::new());
    }
    let (mut steps, mut found) = (Vec::new(), Vec::new());
    match Layout::verified(&given.bytes, &given.keys, now) {
        Err(findings) => found = findings,
        Ok(layout) => {
            found.extend(layout.inspections());
            for commit in &given.commits {
                let held = layout.hold(*commit, &links(snapshot, commit)?);
                steps.extend(held.steps);
                found.extend(held.findings);
            }
        }
    }
    let holds = found.iter().all(|one| one.severity() == Severity::Note);
    // What the layout asks for is there, whatever the roster thinks of who signed it.
    if holds && !steps.is_empty() {
        outcome.findings.retain(|one| one.code != Code::NoEntries);
    }
    outcome.findings.extend(found);
    outcome
        .findings
        .sort_by_key(|one| std::cmp::Reverse(one.severity()));
    outcome.verdict = Verdict::of(outcome.findings.first().map(Finding::severity));
    Ok(steps)
}

// The links in a commit's note, by their place. What is none is no link, and no fault here.
fn links(snapshot: &dyn Snapshot, commit: &ObjectId) -> Result<Vec<Entry>, VerifyError> {
    let read = |what: String| move |source| VerifyError::Read { what, source };
    let mut entries = Vec::new();
    let Some(index) = snapshot.notes().iter().position(|one| one == commit) else {
        return Ok(entries);
    };
    let mut reader = snapshot.reader();
    let note = reader
        .note(index)
        .map_err(read(format!("the note of {commit}")))?;
    for line in Lines::of(&note).map_while(Result::ok) {
        let body = match line.body {
            Some(body) => Some(body.to_vec()),
            None => reader.blob(&line.link.attestation).map_err(read(format!(
                "the attestation sha256:{}",
                line.link.attestation
            )))?,
        };
        let link = body.and_then(|body| Signed::link(&body).ok());
        let seq = line.link.seq;
        entries.extend(link.map(|link| Entry { seq, link }));
    }
    entries.sort_by_key(|entry| entry.seq);
    Ok(entries)
}
