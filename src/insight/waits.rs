//! Who waited for what: the time from a change's commit to its deployment, divided by stage.
//!
//! The entries that led to the deployment stand in the order of their times; the time between two is the wait for the
//! later one's stage. What a change waited in all stages together is its lead time, to the second. Times before the
//! commit count as the commit's; entries after the deployment are none of it.

use super::delivery::Authored;
use super::measure::Measure;
use crate::judge::{Entry, Model};
use crate::statement::predicate::{Known, uri_of};
use crate::timestamp::Timestamp;

/// One stage's wait, in seconds, with the entries that ended it.
pub(super) struct Wait {
    pub(super) stage: Measure,
    pub(super) seconds: u64,
    pub(super) entries: Vec<u64>,
}

/// From when a change's lead time runs: from its head's commit, at the latest from its record.
pub(super) fn start(change: &Authored<'_>) -> Timestamp {
    let recorded = change.first.time();
    change.committed.map_or(recorded, |it| it.min(recorded))
}

/// The waits of a change until a deployment, of which the evidence about its artifact is `about`.
pub(super) fn waits<'a>(
    model: &'a Model,
    change: &Authored<'a>,
    deployed: (&'a Entry, Timestamp),
    about: impl Iterator<Item = usize>,
) -> Vec<Wait> {
    let (entry, until) = deployed;
    let from = start(change).min(until);
    let mut places = change.evidence.clone();
    places.extend(about);
    let mut steps: Vec<(Timestamp, u64, Measure)> = places
        .into_iter()
        .filter_map(|at| {
            let entry = &model.entries[at];
            Some((time(entry).max(from), entry.seq, stage(entry)?))
        })
        .filter(|(time, ..)| *time <= until)
        .collect();
    steps.sort_unstable();
    steps.push((until, entry.seq, Measure::WaitDeploy));
    let mut waits: Vec<Wait> = Vec::new();
    let mut before = from;
    for (time, seq, stage) in steps {
        let seconds = u64::try_from(time.unix() - before.unix()).unwrap_or(0);
        before = time;
        match waits.iter_mut().find(|wait| wait.stage == stage) {
            Some(wait) => {
                wait.seconds += seconds;
                wait.entries.push(seq);
            }
            None => waits.push(Wait {
                stage,
                seconds,
                entries: vec![seq],
            }),
        }
    }
    waits
}

fn time(entry: &Entry) -> Timestamp {
    match &entry.said {
        Some(Known::Review(said)) => said.finished_on.unwrap_or(entry.time()),
        Some(Known::Approval(said)) => said.decided_on.unwrap_or(entry.time()),
        _ => entry.time(),
    }
}

// What a recorded command was for, its step says.
fn stage(entry: &Entry) -> Option<Measure> {
    if uri_of("link") == Some(entry.predicate_type.as_str()) {
        return Some(match entry.step.as_str() {
            "test" => Measure::WaitTest,
            "scan" => Measure::WaitScan,
            _ => Measure::WaitBuild,
        });
    }
    Some(match entry.said.as_ref()? {
        Known::Change(_) => Measure::WaitChange,
        Known::Review(_) => Measure::WaitReview,
        Known::Approval(_) => Measure::WaitApproval,
        Known::Landing(_) => Measure::WaitLanding,
        Known::TestResult(_) => Measure::WaitTest,
        Known::Vulns(_) | Known::CycloneDx(_) | Known::Spdx(_) => Measure::WaitScan,
        Known::Provenance(_) => Measure::WaitBuild,
        _ => return None,
    })
}
