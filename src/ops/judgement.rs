//! What git knows, for the checks; and the checks over a replayed ledger.
//!
//! Read are each protected ref's first-parent line down to where the ledger began, the commits that changes and
//! landings name, and for a landed tree that is not the approved one the merge recomputed by `git merge-tree` with
//! fixed settings, into a folder of its own so that nothing is left in the repository.

use std::collections::BTreeSet;

use crate::digest::{ObjectId, ObjectKind};
use crate::finding::{Code, Finding, Severity};
use crate::git::{Error, RefName, Repository};
use crate::judge::{self, CheckResult, CommitFacts, Facts, Fault, Model, Scope};
use crate::statement::predicate::{Change, Continuity, Known, Landing};
use crate::store::Tip;
use crate::timestamp::Timestamp;
use crate::verify::{Evidence, Outcome};

/// Above every commit that anybody writes.
const MAX_COMMIT: u64 = 16 << 20;

/// As many merges as are recomputed in one judgement.
const MAX_MERGES: usize = 500;

/// Which checks are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that the policy in force enforces.
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
) -> Result<Vec<CheckResult>, Error> {
    let Some(evidence) = &outcome.evidence else {
        return Ok(Vec::new());
    };
    let model = model(repository, outcome, evidence, at)?;
    let enforced;
    let ids: Vec<&str> = match wanted {
        Wanted::These(ids) => ids.iter().map(String::as_str).collect(),
        Wanted::Enforced => {
            enforced = model.policy().checks().enforced();
            enforced
        }
    };
    match ids.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(judge::judge(&model, scope, &ids)),
    }
}

/// All that checks judge. Without a time given, the moment of judgement is that of the newest entry: so the same
/// ledger is judged alike whenever that is done.
pub fn model(
    repository: &Repository,
    outcome: &Outcome,
    evidence: &Evidence,
    at: Option<Timestamp>,
) -> Result<Model, Error> {
    let fault = |finding: &Finding| Fault {
        code: finding.code.as_str().to_owned(),
        seq: finding.seq,
        detail: finding.detail.clone(),
    };
    let all = || outcome.findings.iter().chain(&outcome.elsewhere);
    let newest = evidence.entries.iter().map(|entry| entry.claimed).max();
    let mut model = Model {
        origin: outcome
            .origin
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        entries: evidence.entries.clone(),
        corrected: Vec::new(),
        in_force: evidence.in_force.clone(),
        governed: evidence.governed.clone(),
        broken: all()
            .filter(|finding| finding.severity() == Severity::Broken)
            .map(fault)
            .collect(),
        // What is about an entry and fails: its signature, its place, its signer. Steps are the policy's.
        unsound: all()
            .filter(|finding| finding.severity() == Severity::Failed && finding.seq.is_some())
            .map(fault)
            .collect(),
        facts: Facts::default(),
        at: at
            .or(newest)
            .unwrap_or_else(|| Timestamp::from_unix(0).expect("1970 is in range")),
    };
    model.correct();
    model.facts = facts(repository, &outcome.tip, &model, &evidence.continuity)?;
    Ok(model)
}

/// Released tags that are other objects now. A tag that is not here says nothing.
///
/// # Errors
/// Where refs cannot be read.
pub fn moved_tags(repository: &Repository, evidence: &Evidence) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for entry in &evidence.entries {
        let Some(Known::Release(release)) = &entry.said else {
            continue;
        };
        let name = release
            .name
            .as_deref()
            .and_then(|name| name.parse::<RefName>().ok());
        let Some(name) = name else { continue };
        let Some(now) = repository.reference(&name)? else {
            continue;
        };
        let hex = now.hex();
        let named = |digest: &str| {
            entry
                .subjects
                .iter()
                .find_map(|subject| subject.digest.get(digest))
        };
        // An annotated tag is bound by its own object, a plain one by its commit.
        if named("gitTag").or(named("gitCommit")) != Some(hex.as_str()) {
            findings.push(Finding::at(
                Code::TagMoved,
                entry.seq,
                entry.commit,
                format!("{name} is {now} now"),
            ));
        }
    }
    Ok(findings)
}

fn facts(
    repository: &Repository,
    ledger: &ObjectId,
    model: &Model,
    continuity: &[Continuity],
) -> Result<Facts, Error> {
    let mut facts = Facts::default();
    for name in model.policy().protected() {
        let begun = continuity
            .iter()
            .find(|start| start.reference == *name)
            .map(|start| start.commit);
        if let Some(tip) = tip(repository, name)? {
            facts
                .lines
                .insert(name.clone(), line(repository, tip, begun)?);
        }
    }
    let mut named = BTreeSet::new();
    for entry in &model.entries {
        match &entry.said {
            Some(Known::Change(change)) => drop(named.insert(change.head.commit)),
            Some(Known::Landing(landing)) => {
                named.extend(landing.commits.iter().chain(&landing.from).copied())
            }
            _ => {}
        }
    }
    for id in named {
        let commit = match read(repository, &id)? {
            None => kept(repository, ledger, &id),
            here => here,
        };
        facts.others.extend(commit.map(|commit| (id, commit)));
    }
    merge(repository, model, &mut facts)?;
    Ok(facts)
}

// The ref itself, else what a remote was last seen to have under it.
fn tip(repository: &Repository, name: &str) -> Result<Option<ObjectId>, Error> {
    let own = name
        .parse::<RefName>()
        .ok()
        .map(|name| repository.reference(&name))
        .transpose()?
        .flatten();
    if own.is_some() {
        return Ok(own);
    }
    let Some(branch) = name.strip_prefix("refs/heads/") else {
        return Ok(None);
    };
    for remote in repository.remotes() {
        if let Ok(name) = format!("refs/remotes/{remote}/{branch}").parse()
            && let Some(tip) = repository.reference(&name)?
        {
            return Ok(Some(tip));
        }
    }
    Ok(None)
}

// Newest first, down to and without the commit at which the ledger began. A shallow clone ends earlier: what lies
// below is not there, and was landed or not as the ledger says.
fn line(
    repository: &Repository,
    tip: ObjectId,
    begun: Option<ObjectId>,
) -> Result<Vec<CommitFacts>, Error> {
    let mut line = Vec::new();
    let mut next = Some(tip);
    while let Some(id) = next.filter(|id| Some(*id) != begun) {
        let Some(commit) = read(repository, &id)? else {
            break;
        };
        next = commit.parents.first().copied();
        line.push(commit);
    }
    Ok(line)
}

fn read(repository: &Repository, id: &ObjectId) -> Result<Option<CommitFacts>, Error> {
    if id.algorithm() != repository.algorithm() || !repository.has(id) {
        return Ok(None);
    }
    let raw = repository.checked(id, ObjectKind::Commit, MAX_COMMIT)?;
    Ok(CommitFacts::parse(*id, &raw))
}

// A commit that is in no clone any more, as of a branch that was squashed: its bytes are in the ledger, and hash to its
// name. What cannot be read is absent.
fn kept(repository: &Repository, ledger: &ObjectId, id: &ObjectId) -> Option<CommitFacts> {
    let name = "refs/notes/docket"
        .parse()
        .expect("a fixed name is a ref's");
    let tip = Tip::at(repository, &name, *ledger).ok()?;
    let raw = tip.kept_commit(id).ok()??;
    let named = ObjectId::of_object(id.algorithm(), ObjectKind::Commit, &raw) == Ok(*id);
    named.then(|| CommitFacts::parse(*id, &raw))?
}

// Recomputed only where the landed tree is not the head's.
fn merge(repository: &Repository, model: &Model, facts: &mut Facts) -> Result<(), Error> {
    let changes = model.changes();
    let wanted = model.landings().filter_map(|(_, landing)| {
        let (_, change) = changes.get(landing.change_id.as_str())?;
        pair(facts, change, landing)
    });
    let wanted: BTreeSet<(ObjectId, ObjectId)> = wanted.take(MAX_MERGES).collect();
    for (head, parent) in wanted {
        if !repository.has(&head) || !repository.has(&parent) {
            facts.unmerged.insert((head, parent));
        } else if let Some(tree) = repository.merged_tree(&parent, &head)? {
            facts.merges.insert((head, parent), tree);
        }
    }
    Ok(())
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
