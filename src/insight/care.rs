//! How much care was taken: controls, reviews, approvals and exceptions of each change.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;

use super::Observation;
use super::delivery::{Authored, Delivery};
use super::figure::Said;
use super::measure::Measure;
use crate::judge::{self, Asked, Entry, Model, Scope, Verdict};
use crate::statement::predicate::{
    ApprovalScope, Covers, Decision, Exception, Known, PersonId, Review,
};

/// More lines an hour than these is fast reading.
pub const FAST: u64 = 500;

/// What the required checks say, by the seq at which their items stand.
pub(super) struct Held(HashMap<u64, BTreeMap<&'static str, Verdict>>);

impl Held {
    pub(super) fn of(model: &Model, required: &[&'static str]) -> Self {
        let mut held: HashMap<u64, BTreeMap<&'static str, Verdict>> = HashMap::new();
        if !required.is_empty() {
            for check in judge::judge(
                model,
                &Scope::default(),
                Asked::These(required),
                NonZeroUsize::MIN,
            ) {
                for item in check.items.iter().filter(|_| !is_of_ledger(check.id)) {
                    if let Some(seq) = item.place.seq {
                        let said = held.entry(seq).or_default();
                        let verdict = said.entry(check.id).or_insert(item.verdict);
                        *verdict = item.verdict.max(*verdict);
                    }
                }
            }
        }
        Self(held)
    }

    // What is said at any of these entries, by check: the heaviest.
    fn at(&self, seqs: &[u64]) -> BTreeMap<&'static str, Verdict> {
        let mut all = BTreeMap::new();
        for (check, verdict) in seqs.iter().filter_map(|seq| self.0.get(seq)).flatten() {
            let said = all.entry(*check).or_insert(*verdict);
            *said = (*said).max(*verdict);
        }
        all
    }

    /// Whether every check that says anything of these entries says that it holds.
    pub(super) fn all_hold(&self, seqs: &[u64]) -> bool {
        self.at(seqs).values().all(|it| *it == Verdict::Pass)
    }
}

/// C01 and C02 are about the ledger, not about a change.
pub(super) fn is_of_ledger(check: &str) -> bool {
    matches!(check, "C01" | "C02")
}

/// Of each change that landed: whether its controls held, one by one and together, and whether it needed an exception.
pub(super) fn controls<'a>(delivery: &Delivery<'a>, held: &Held, out: &mut Vec<Observation<'a>>) {
    for change in delivery.changes.values() {
        let Some((landing, _)) = change.landing else {
            continue;
        };
        let seqs = [change.entry.seq, landing.seq];
        let said = held.at(&seqs);
        let mut add = |measure, check, said| {
            out.push(Observation {
                check,
                ..of_change(delivery, change, measure, landing, said, seqs.to_vec())
            });
        };
        for (check, verdict) in &said {
            let holds = match verdict {
                Verdict::Pass => Said::Yes,
                Verdict::Fail | Verdict::Exception => Said::No,
                Verdict::Unknown | Verdict::NotApplicable => Said::Unknown,
            };
            add(Measure::Control, Some(*check), holds);
        }
        if let Some(heaviest) = said.values().max() {
            let lacks = |verdict| said.values().any(|said| *said == verdict);
            let together = match heaviest {
                Verdict::Pass => Said::Yes,
                _ if lacks(Verdict::Fail) || lacks(Verdict::Exception) => Said::No,
                _ => Said::Unknown,
            };
            add(Measure::Controls, None, together);
            let excepted = match lacks(Verdict::Exception) {
                true => Said::Yes,
                false => Said::No,
            };
            add(Measure::Excepted, None, excepted);
        }
    }
}

/// Of each review how fast, of each approval whether anything was looked at. Nobody is named.
pub(super) fn attention<'a>(
    model: &'a Model,
    delivery: &Delivery<'a>,
    out: &mut Vec<Observation<'a>>,
) {
    let mut seen = HashSet::new();
    for change in delivery.changes.values() {
        let entries = || change.evidence.iter().map(|at| &model.entries[*at]);
        let reviews: Vec<(&Entry, &Review, &PersonId)> = entries()
            .filter_map(|entry| match &entry.said {
                Some(Known::Review(said)) => {
                    Some((entry, &**said, model.actor(entry)?.person.id()))
                }
                _ => None,
            })
            .collect();
        for (entry, review, _) in &reviews {
            if seen.insert(entry.seq) {
                pace(delivery, change, entry, review, out);
            }
        }
        for entry in entries() {
            let Some(said) = blind(model, change, entry, &reviews) else {
                continue;
            };
            if seen.insert(entry.seq) {
                let entries = vec![entry.seq];
                let measure = Measure::BlindApprovals;
                out.push(of_change(delivery, change, measure, entry, said, entries));
            }
        }
    }
}

fn pace<'a>(
    delivery: &Delivery<'a>,
    change: &Authored<'a>,
    entry: &'a Entry,
    review: &Review,
    out: &mut Vec<Observation<'a>>,
) {
    let spent = review.started_on.zip(review.finished_on);
    let seconds = spent.map(|(from, until)| until.unix() - from.unix());
    let seconds = seconds
        .and_then(|it| u64::try_from(it).ok())
        .filter(|it| *it > 0);
    let lines = change
        .change
        .lines
        .map(|it| it.added.saturating_add(it.deleted));
    let an_hour = lines
        .zip(seconds)
        .map(|(lines, seconds)| lines.saturating_mul(3_600) / seconds);
    let fast = an_hour.map(|pace| match pace > FAST {
        true => Said::Yes,
        false => Said::No,
    });
    let entries = vec![change.entry.seq, entry.seq];
    for (measure, said) in [
        (Measure::ReviewPace, an_hour.map(Said::Amount)),
        (Measure::FastReviews, fast),
    ] {
        let said = said.unwrap_or(Said::Unknown);
        out.push(of_change(
            delivery,
            change,
            measure,
            entry,
            said,
            entries.clone(),
        ));
    }
}

// Of an approval to merge the change: whether neither a review by the same person of the same tree was there, nor any
// entry of its basis besides the change itself. Where a forge saw it, nobody says what was looked at.
fn blind(
    model: &Model,
    change: &Authored<'_>,
    entry: &Entry,
    reviews: &[(&Entry, &Review, &PersonId)],
) -> Option<Said> {
    let Some(Known::Approval(said)) = &entry.said else {
        return None;
    };
    let Covers::Revision(covered) = &said.covers else {
        return None;
    };
    if said.decision != Decision::Approved || said.scope != ApprovalScope::Merge {
        return None;
    }
    let actor = model.actor(entry)?;
    let reviewed = reviews.iter().any(|(review, opinion, person)| {
        *person == actor.person.id()
            && opinion.covers.tree == covered.tree
            && review.seq < entry.seq
    });
    let relied = said.basis.iter().any(|basis| {
        basis.attestation != change.entry.attestation
            && basis.attestation != change.first.attestation
    });
    Some(match (reviewed || relied, actor.observed) {
        (true, _) => Said::No,
        (false, true) => Said::Unknown,
        (false, false) => Said::Yes,
    })
}

/// An observation about a change: of the whole, and of every service that it reached.
pub(super) fn of_change<'a>(
    delivery: &Delivery<'a>,
    change: &Authored<'a>,
    measure: Measure,
    at: &Entry,
    said: Said,
    entries: Vec<u64>,
) -> Observation<'a> {
    let shipped = change.reached.iter().map(|at| &delivery.shipped[*at]);
    let mut services: Vec<&str> = shipped.map(|it| &*it.said.service).collect();
    services.sort_unstable();
    services.dedup();
    Observation {
        measure,
        check: None,
        at: at.time(),
        whole: true,
        services,
        cohort: change.cohort,
        said,
        entries,
    }
}

/// Where exceptions stand, in a period and at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionLoad {
    /// Granted in the period.
    pub granted: u64,
    /// Of these, without a finding named.
    pub blanket: u64,
    /// Of these, taken before they were granted.
    pub break_glass: u64,
    /// In force at the period's end, whenever granted.
    pub in_force: u64,
    /// Of those granted in the period, by nobody who may.
    pub not_granted: u64,
    /// The entries counted.
    pub entries: Vec<u64>,
}

impl ExceptionLoad {
    pub(super) fn of(model: &Model, period: super::Period) -> Self {
        let mut load = Self::default();
        let all = model.of::<Exception>();
        for (entry, exception) in all.filter(|(entry, _)| entry.time() < period.until) {
            let from = exception.effective_from.unwrap_or(entry.time());
            let granted = judge::is_granted(model, entry, exception);
            let in_force = granted && from < period.until && exception.expires >= period.until;
            let is_new = period.has(entry.time());
            load.in_force += u64::from(in_force);
            if is_new {
                load.granted += u64::from(granted);
                load.not_granted += u64::from(!granted);
                load.blanket += u64::from(granted && exception.is_blanket());
                load.break_glass += u64::from(granted && exception.break_glass);
            }
            if is_new || in_force {
                load.entries.push(entry.seq);
            }
        }
        load
    }
}
