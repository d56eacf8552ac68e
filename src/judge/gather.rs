//! Git's facts, gathered from whatever has the commits: a repository, or an archive of one.
//!
//! 1. each protected ref's first-parent line, from its tip down to and without the commit at which the ledger began;
//! 2. the commits that changes and landings name;
//! 3. what the refs that releases name are now;
//! 4. where the landed tree is not that of the change's head: the tree of their merge.

use std::collections::BTreeSet;

use super::model::{CommitFacts, Facts, Model};
use crate::digest::ObjectId;
use crate::statement::predicate::{Change, Continuity, Known, Landing, Release};

/// As many merges as are recomputed in one judgement.
const MAX_MERGES: usize = 500;

/// What has commits.
pub trait Source {
    /// Why it could not be read.
    type Error;

    /// Where a ref stands; `None` where that is not known.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn tip(&self, name: &str) -> Result<Option<ObjectId>, Self::Error>;

    /// A commit; `None` where it is not here.
    ///
    /// # Errors
    /// Where it is here and cannot be read.
    fn commit(&self, id: &ObjectId) -> Result<Option<CommitFacts>, Self::Error>;

    /// A commit as the ledger keeps it.
    fn kept(&self, id: &ObjectId) -> Option<CommitFacts>;

    /// What a head and the commit that it was merged into come to.
    ///
    /// # Errors
    /// Where git cannot tell.
    fn merge(&self, parent: &ObjectId, head: &ObjectId) -> Result<Merge, Self::Error>;
}

/// What a merge comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// This tree, without conflict.
    Tree(ObjectId),
    /// A conflict.
    Conflict,
    /// It cannot be recomputed here.
    Unknown,
}

/// Gathers what the checks ask of git.
///
/// # Errors
/// Where the source cannot be read.
pub fn gather<S: Source>(
    source: &S,
    model: &Model,
    continuity: &[Continuity],
) -> Result<Facts, S::Error> {
    let mut facts = Facts::default();
    for name in model.policy().protected() {
        let begun = continuity
            .iter()
            .find(|start| start.reference == *name)
            .map(|start| start.commit);
        if let Some(tip) = source.tip(name)? {
            facts.lines.insert(name.clone(), line(source, tip, begun)?);
        }
    }
    let named = named(model);
    for commit in facts.lines.values().flatten() {
        if named.contains(&commit.id) {
            facts.others.insert(commit.id, commit.clone());
        }
    }
    for id in named {
        if facts.others.contains_key(&id) {
            continue;
        }
        let commit = match source.commit(&id)? {
            None => source.kept(&id),
            here => here,
        };
        facts.others.extend(commit.map(|commit| (id, commit)));
    }
    let releases = model.of::<Release>();
    for name in releases.filter_map(|(_, release)| release.name.as_ref()) {
        let now = source.tip(name)?;
        facts.tags.extend(now.map(|now| (name.clone(), now)));
    }
    for (head, parent) in merges(model, &facts) {
        match source.merge(&parent, &head)? {
            Merge::Tree(tree) => drop(facts.merges.insert((head, parent), tree)),
            Merge::Conflict => {}
            Merge::Unknown => drop(facts.unmerged.insert((head, parent))),
        }
    }
    Ok(facts)
}

/// The commits that changes and landings name.
pub fn named(model: &Model) -> BTreeSet<ObjectId> {
    let mut named = BTreeSet::new();
    for entry in model.entries.iter() {
        match &entry.said {
            Some(Known::Change(change)) => drop(named.insert(change.head.commit)),
            Some(Known::Landing(landing)) => {
                named.extend(landing.commits.iter().chain(&landing.from).copied())
            }
            _ => {}
        }
    }
    named
}

// Newest first. A shallow clone ends earlier: what lies below is not there, and was landed or not as the ledger says.
fn line<S: Source>(
    source: &S,
    tip: ObjectId,
    begun: Option<ObjectId>,
) -> Result<Vec<CommitFacts>, S::Error> {
    let mut line = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next.filter(|id| Some(*id) != begun) {
        let Some(commit) = source.commit(&id)? else {
            break;
        };
        next = commit.parents.first().copied();
        line.push(commit);
    }
    Ok(line)
}

// Recomputed only where the landed tree is not the head's.
fn merges(model: &Model, facts: &Facts) -> BTreeSet<(ObjectId, ObjectId)> {
    let changes = model.changes();
    let wanted = model.landings().filter_map(|(_, landing)| {
        let (_, change) = changes.get(landing.change_id.as_str())?;
        pair(facts, change, landing)
    });
    wanted.take(MAX_MERGES).collect()
}

fn pair(facts: &Facts, change: &Change, landing: &Landing) -> Option<(ObjectId, ObjectId)> {
    let commit = |id: &ObjectId| {
        let on_line = facts
            .lines
            .values()
            .flatten()
            .find(|commit| commit.id == *id);
        on_line.or_else(|| facts.others.get(id))
    };
    let landed = commit(&landing.to)?;
    let parent = landing.from.or(landed.parents.first().copied())?;
    (landed.tree != change.head.tree).then_some((change.head.commit, parent))
}
