//! An audit's report: what was judged, on which evidence, and what that says of each control.
//!
//! [`Audit`] is the whole of it; it is made from a judgement and decides nothing. The forms ([`markdown`](super::markdown),
//! [`html`](super::html), [`csv`](super::csv), [`sarif`](super::sarif), JSON) show the same. The same ledger head, policy
//! and question give the same bytes: no clock, no chance.

use std::num::NonZeroUsize;

use std::fmt;

use serde::Serialize;

use crate::digest::{ObjectId, Sha256};
use crate::judge::pack::{ControlResult, Pack};
use crate::judge::trails::{self, Trails};
use crate::judge::{self, CheckResult, Item, Model, Scope, Verdict};
use crate::policy::rules::Checks;
use crate::statement::predicate::{AssertedBy, Known};
use crate::timestamp::Timestamp;
use crate::verify::Outcome;

/// The report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// The ledger's name.
    pub origin: String,
    /// What was asked, in words.
    pub asked: String,
    /// The moment of judgement.
    pub at: Timestamp,
    /// The ledger's commit.
    pub tip: ObjectId,
    /// How many entries it has.
    pub size: u64,
    /// Their Merkle root.
    pub root: Sha256,
    /// How many of them a seal covers.
    pub sealed: u64,
    /// The policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyMark>,
    /// What the ledger was held to.
    pub pin: String,
    /// The heaviest verdict.
    pub verdict: Verdict,
    /// What there is to be judged, counted from both sides.
    pub population: Population,
    /// What the report says nothing about.
    pub not_covered: Vec<String>,
    /// What was allowed not to hold.
    pub exceptions: Vec<Item>,
    /// The frameworks, with their controls.
    pub packs: Vec<PackView>,
    /// The checks.
    pub checks: Vec<CheckResult>,
    /// The entries that any of that rests on.
    pub entries: Vec<EntryRow>,
    /// What led to each release: for pages alone.
    #[serde(skip)]
    pub trails: Trails,
    /// Whether an environment or a period was asked about, so that it is no word on the whole.
    #[serde(skip)]
    pub is_narrowed: bool,
}

/// What was asked, as a reader is told.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The subject as it was given.
    pub subject: String,
    /// Environment and period.
    pub scope: Scope,
    /// That, with the subject's commits or artifact: what was judged.
    pub judged: Scope,
}

/// The policy that judged.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PolicyMark {
    /// Its entry.
    pub seq: u64,
    /// SHA-256 of its text.
    pub digest: Sha256,
}

/// What there is to be judged.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Population {
    /// Commits on the protected refs since the ledger began, as git has them.
    pub commits: u64,
    /// Of these, in a landing.
    pub commits_landed: u64,
    /// Landings on record.
    pub landings: u64,
    /// Of these, with a recorded change.
    pub landings_with_change: u64,
    /// Changes on record.
    pub changes: u64,
    /// Deployments on record.
    pub deployments: u64,
    /// Entries signed by whom they speak of.
    pub self_signed: u64,
    /// Entries by observers about others.
    pub observed: u64,
    /// Entries that were corrected.
    pub corrected: u64,
}

/// A framework, judged.
#[derive(Clone, Debug, Serialize)]
pub struct PackView {
    /// Its short name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who made the mapping.
    pub author: String,
    /// Its controls.
    pub controls: Vec<ControlResult>,
}

/// An entry that a verdict rests on: from here to the signed bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryRow {
    /// Its place.
    pub seq: u64,
    /// Its step.
    pub step: String,
    /// Its predicate's type.
    pub predicate_type: String,
    /// Who signed it.
    pub signer: String,
    /// When, as claimed.
    pub claimed: Timestamp,
    /// The commit it is about.
    pub commit: ObjectId,
    /// SHA-256 of its attestation.
    pub attestation: Sha256,
}

impl Audit {
    /// Puts a judgement into its form.
    pub fn of(
        outcome: &Outcome,
        model: &Model,
        checks: Vec<CheckResult>,
        packs: &[Pack],
        asked: Asked,
        pin: String,
    ) -> Self {
        let again = |asked_for: &Checks, ids: &[&str]| {
            let model = model.under(asked_for);
            judge::judge(
                &model,
                &asked.judged,
                judge::Asked::These(ids),
                NonZeroUsize::MIN,
            )
        };
        let views = packs.iter().map(|pack| PackView {
            id: pack.id.clone(),
            name: pack.name.clone(),
            version: pack.version.clone(),
            author: pack.author.clone(),
            controls: pack.apply(&checks, again),
        });
        let packs = views.collect();
        let items = || checks.iter().flat_map(|check| &check.items);
        let exceptions = items()
            .filter(|item| item.verdict == Verdict::Exception)
            .cloned()
            .collect();
        let trails = trails::trails(model, &asked.judged, &checks);
        let events = trails.releases.iter().flat_map(|trail| &trail.events);
        let mut named: Vec<u64> = items()
            .flat_map(|item| item.entries.iter().copied())
            .chain(events.map(|event| event.seq))
            .collect();
        named.sort_unstable();
        named.dedup();
        let rows = model
            .entries
            .iter()
            .filter(|entry| named.binary_search(&entry.seq).is_ok());
        let entries = rows.map(|entry| EntryRow {
            seq: entry.seq,
            step: entry.step.clone(),
            predicate_type: entry.predicate_type.clone(),
            signer: entry.signer.to_string(),
            claimed: entry.claimed,
            commit: entry.commit,
            attestation: entry.attestation,
        });
        Self {
            origin: model.origin.clone(),
            asked: asked.to_string(),
            trails,
            is_narrowed: asked.scope.is_narrowed(),
            at: model.at,
            tip: outcome.tip,
            size: outcome.heads.landed.size,
            root: outcome.heads.landed.root,
            sealed: outcome.counts.sealed,
            policy: outcome.in_force.as_ref().map(|state| PolicyMark {
                seq: state.policy_mark.seq,
                digest: state.policy_digest,
            }),
            pin,
            verdict: judge::overall(&checks),
            population: Population::of(model),
            not_covered: not_covered(outcome, model, &checks),
            exceptions,
            packs,
            entries: entries.collect(),
            checks,
        }
    }
}

impl Audit {
    /// An entry that the report rests on; entries that rule the ledger are no evidence, and not among them.
    pub fn entry(&self, seq: u64) -> Option<&EntryRow> {
        let at = self.entries.binary_search_by_key(&seq, |entry| entry.seq);
        at.ok().map(|at| &self.entries[at])
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)?;
        if let Some(environment) = &self.scope.environment {
            write!(f, ", environment {environment}")?;
        }
        match &self.scope.period {
            Some((from, until)) => write!(f, ", from {from} up to {until}"),
            None => Ok(()),
        }
    }
}

impl Population {
    fn of(model: &Model) -> Self {
        let changes = model.changes();
        let landed: std::collections::BTreeSet<_> = model
            .landings()
            .flat_map(|(_, landing)| &landing.commits)
            .collect();
        let commits = || model.facts.lines.values().flatten();
        let asserted = |wanted| {
            let by = model
                .entries
                .iter()
                .filter_map(|entry| entry.said.as_ref().and_then(Known::asserted));
            by.filter(|asserted| asserted.asserted_by == wanted).count() as u64
        };
        let with_change = model
            .landings()
            .filter(|(_, landing)| changes.contains_key(landing.change_id.as_str()));
        Self {
            commits: commits().count() as u64,
            commits_landed: commits()
                .filter(|commit| landed.contains(&commit.id))
                .count() as u64,
            landings: model.landings().count() as u64,
            landings_with_change: with_change.count() as u64,
            changes: changes.len() as u64,
            deployments: model.deployments().count() as u64,
            self_signed: asserted(AssertedBy::SelfMade),
            observed: asserted(AssertedBy::Observed),
            corrected: model.corrected.len() as u64,
        }
    }
}

fn not_covered(outcome: &Outcome, model: &Model, checks: &[CheckResult]) -> Vec<String> {
    let mut lines = vec![
        "what happened before the ledger began, and what nobody recorded and git does not show"
            .to_owned(),
    ];
    if outcome.counts.unsealed > 0 {
        lines.push(format!(
            "{} entries that no seal covers yet",
            outcome.counts.unsealed
        ));
    }
    for name in model.policy().protected() {
        if !model.facts.lines.contains_key(name) {
            lines.push(format!("{name}: git's side of it was not here"));
        }
    }
    let idle: Vec<&str> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::NotApplicable)
        .map(|check| check.id)
        .collect();
    if !idle.is_empty() {
        lines.push(format!(
            "{}: there was nothing that they are about",
            idle.join(", ")
        ));
    }
    lines.push("claimed times are shown as claimed".to_owned());
    lines
}
