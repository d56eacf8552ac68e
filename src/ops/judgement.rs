//! What git knows, for the checks; and the checks over a replayed ledger.
//!
//! Read are each protected ref's first-parent line down to where the ledger began, the commits that changes and
//! landings name, and for a landed tree that is not the approved one the merge recomputed by `git merge-tree` with
//! fixed settings, into a folder of its own so that nothing is left in the repository.

use std::num::NonZeroUsize;

use crate::digest::{ObjectId, ObjectKind};
use crate::finding::Finding;
use crate::git::{Error, RefName, Repository};
use crate::judge::gather::{Merge, Source, gather};
use crate::judge::{self, Asked, CheckResult, CommitFacts, Model, Scope};
use crate::store::Tip;
use crate::timestamp::Timestamp;
use crate::verify::{Evidence, Outcome};

/// Above every commit that anybody writes.
const MAX_COMMIT: u64 = 16 << 20;

/// Which checks are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that a policy enforces, over what was recorded while it was in force.
    Enforced,
    /// These, by id.
    These(Vec<String>),
}

/// Runs checks over what a replay kept; nothing where it kept nothing.
///
/// # Errors
/// Where git's objects cannot be read.
pub fn judge(
    repository: &Repository,
    outcome: &Outcome,
    scope: &Scope,
    wanted: &Wanted,
    at: Option<Timestamp>,
    threads: NonZeroUsize,
) -> Result<Vec<CheckResult>, Error> {
    let Some(evidence) = &outcome.evidence else {
        return Ok(Vec::new());
    };
    let model = model(repository, outcome, evidence, at)?;
    let ids: Vec<&str>;
    let asked = match wanted {
        Wanted::These(wanted) => {
            ids = wanted.iter().map(String::as_str).collect();
            Asked::These(&ids)
        }
        Wanted::Enforced => Asked::Enforced,
    };
    Ok(judge::judge(&model, scope, asked, threads))
}

/// All that checks judge: what the replay kept, and git's facts.
///
/// # Errors
/// Where git's objects cannot be read.
pub fn model(
    repository: &Repository,
    outcome: &Outcome,
    evidence: &Evidence,
    at: Option<Timestamp>,
) -> Result<Model, Error> {
    let mut model = outcome.model(evidence, at);
    let clone = Clone {
        repository,
        ledger: &outcome.tip,
    };
    model.facts = gather(&clone, &model, &evidence.continuity)?.into();
    Ok(model)
}

/// Released tags that are other objects now. A tag that is not here says nothing.
///
/// # Errors
/// Where refs cannot be read.
pub fn moved_tags(repository: &Repository, evidence: &Evidence) -> Result<Vec<Finding>, Error> {
    evidence.moved_tags(|name| match name.parse::<RefName>() {
        Ok(name) => repository.reference(&name),
        Err(_) => Ok(None),
    })
}

/// A repository as the checks ask it, with the ledger's commit.
pub(super) struct Clone<'a> {
    pub(super) repository: &'a Repository,
    pub(super) ledger: &'a ObjectId,
}

impl Clone<'_> {
    /// A commit's bytes; `None` where it is not in the repository.
    pub(super) fn raw(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, Error> {
        if id.algorithm() != self.repository.algorithm() || !self.repository.has(id) {
            return Ok(None);
        }
        let raw = self
            .repository
            .checked(id, ObjectKind::Commit, MAX_COMMIT)?;
        Ok(Some(raw))
    }
}

impl Source for Clone<'_> {
    type Error = Error;

    // The ref itself, else what a remote was last seen to have under it.
    fn tip(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        let own = name
            .parse::<RefName>()
            .ok()
            .map(|name| self.repository.reference(&name))
            .transpose()?
            .flatten();
        if own.is_some() {
            return Ok(own);
        }
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            return Ok(None);
        };
        for remote in self.repository.remotes() {
            if let Ok(name) = format!("refs/remotes/{remote}/{branch}").parse()
                && let Some(tip) = self.repository.reference(&name)?
            {
                return Ok(Some(tip));
            }
        }
        Ok(None)
    }

    fn commit(&self, id: &ObjectId) -> Result<Option<CommitFacts>, Error> {
        let raw = self.raw(id)?;
        Ok(raw.and_then(|raw| CommitFacts::parse(*id, &raw)))
    }

    // A commit that is in no clone any more, as of a branch that was squashed: its bytes are in the ledger, and hash
    // to its name. What cannot be read is absent.
    fn kept(&self, id: &ObjectId) -> Option<CommitFacts> {
        let name = "refs/notes/docket"
            .parse()
            .expect("a fixed name is a ref's");
        let tip = Tip::at(self.repository, &name, *self.ledger).ok()?;
        let raw = tip.kept_commit(id).ok()??;
        let named = ObjectId::of_object(id.algorithm(), ObjectKind::Commit, &raw) == Ok(*id);
        named.then(|| CommitFacts::parse(*id, &raw))?
    }

    fn merge(&self, parent: &ObjectId, head: &ObjectId) -> Result<Merge, Error> {
        if !self.repository.has(head) || !self.repository.has(parent) {
            return Ok(Merge::Unknown);
        }
        let tree = self.repository.merged_tree(parent, head)?;
        Ok(tree.map_or(Merge::Conflict, Merge::Tree))
    }
}
