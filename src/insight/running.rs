//! What releases cost, and whether they kept their service levels: the measurements about each production deployment.
//!
//! A measurement is about a deployment where it has its artifact as a subject, where it stands among the evidence of a
//! change that it brought (an estimate), or where it is of the service in that environment and of a time from the
//! deployment's end up to the next one's there (what was found). Figures stay as they were written; nothing is converted
//! or added up.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::delivery::{Delivery, Fate, Shipped};
use super::figure::Said;
use super::measure::Measure;
use super::{Cohort, Observation, Period};
use crate::judge::{Entry, Model};
use crate::statement::predicate::{
    DeploymentResult, GateKind, Known, Measurement, MeasurementResult, Phase,
};
use crate::timestamp::Timestamp;

/// A production deployment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its entry.
    pub seq: u64,
    /// What was deployed.
    pub service: String,
    /// Where.
    pub environment: String,
    /// When it was there.
    pub finished_on: Timestamp,
    /// Its cohort.
    pub cohort: Cohort,
    /// How it fared.
    pub fate: Fate,
    /// How many changes it brought.
    pub changes: u64,
    /// What it costs.
    pub cost: Vec<Amount>,
    /// Whether it kept its service levels.
    pub slo: Vec<Objective>,
}

/// A figure of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Amount {
    /// Its entry.
    pub seq: u64,
    /// `estimate` or `actual`
    pub phase: String,
    /// What it is of.
    pub metric: String,
    /// In what.
    pub unit: String,
    /// As written.
    pub value: String,
}

/// A service level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Objective {
    /// Its entry.
    pub seq: u64,
    /// What people call it.
    pub gate: String,
    /// `pass`, `warn` or `fail`
    pub result: String,
}

impl Release {
    /// The entries that it rests on, by seq.
    pub fn entries(&self) -> Vec<u64> {
        let cost = self.cost.iter().map(|it| it.seq);
        let slo = self.slo.iter().map(|it| it.seq);
        let all: BTreeSet<u64> = [self.seq].into_iter().chain(cost).chain(slo).collect();
        all.into_iter().collect()
    }
}

impl Shipped<'_> {
    pub(super) fn succeeded(&self) -> bool {
        self.said.result == DeploymentResult::Success
    }
}

/// The period's releases, newest first.
pub(super) fn releases<'a>(
    model: &'a Model,
    delivery: &Delivery<'a>,
    period: Period,
    out: &mut Vec<Observation<'a>>,
) -> Vec<Release> {
    let mut of_service: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, entry) in model.entries.iter().enumerate() {
        if let Some(Known::Measurement(said)) = &entry.said
            && let Some((service, environment)) =
                said.service.as_ref().zip(said.environment.as_ref())
        {
            let key = (&**service, &*environment.name);
            of_service.entry(key).or_default().push(at);
        }
    }
    let mut releases = Vec::new();
    let shipped = delivery.shipped.iter().rev();
    for shipped in shipped.filter(|it| it.succeeded() && period.has(it.said.finished_on)) {
        let key = (&*shipped.said.service, &*shipped.said.environment.name);
        let there = of_service.get(&key).into_iter().flatten().copied();
        let there = there.filter(|at| is_of_time(&model.entries[*at], delivery, shipped));
        let mut places = delivery
            .index
            .of_artifact(model, &shipped.said.artifact.digest);
        places.extend(there);
        for change in shipped
            .brought
            .iter()
            .filter_map(|id| delivery.changes.get(id))
        {
            places.extend(
                change
                    .evidence
                    .iter()
                    .filter(|at| is_estimate(&model.entries[**at])),
            );
        }
        let release = release(model, shipped, &places);
        let missed = match &release.slo[..] {
            [] => Said::Unknown,
            all if all
                .iter()
                .any(|it| it.result == MeasurementResult::Fail.as_str()) =>
            {
                Said::Yes
            }
            _ => Said::No,
        };
        let mut entries = vec![shipped.entry.seq];
        entries.extend(release.slo.iter().map(|it| it.seq));
        out.push(Observation {
            measure: Measure::SloMissed,
            check: None,
            at: shipped.said.finished_on,
            whole: true,
            services: vec![&*shipped.said.service],
            cohort: shipped.cohort,
            said: missed,
            entries,
        });
        releases.push(release);
    }
    releases
}

fn measurement(entry: &Entry) -> Option<&Measurement> {
    match &entry.said {
        Some(Known::Measurement(said)) => Some(said),
        _ => None,
    }
}

fn is_estimate(entry: &Entry) -> bool {
    measurement(entry).is_some_and(|said| said.phase == Phase::Estimate)
}

fn is_of_time(entry: &Entry, delivery: &Delivery<'_>, shipped: &Shipped<'_>) -> bool {
    let Some(said) = measurement(entry).filter(|said| said.phase == Phase::Actual) else {
        return false;
    };
    let at = said
        .window
        .as_ref()
        .map_or(entry.time(), |window| window.until);
    let next = shipped.next.map(|at| delivery.shipped[at].said.finished_on);
    shipped.said.finished_on <= at && next.is_none_or(|next| at < next)
}

fn release(model: &Model, shipped: &Shipped<'_>, places: &BTreeSet<usize>) -> Release {
    let mut release = Release {
        seq: shipped.entry.seq,
        service: shipped.said.service.clone(),
        environment: shipped.said.environment.name.clone(),
        finished_on: shipped.said.finished_on,
        cohort: shipped.cohort,
        fate: shipped.fate,
        changes: shipped.brought.len() as u64,
        cost: Vec::new(),
        slo: Vec::new(),
    };
    for entry in places.iter().map(|at| &model.entries[*at]) {
        let Some(said) = measurement(entry) else {
            continue;
        };
        match said.gate.kind {
            GateKind::Cost => release
                .cost
                .extend(said.metrics.iter().map(|metric| Amount {
                    seq: entry.seq,
                    phase: said.phase.to_string(),
                    metric: metric.name.clone(),
                    unit: metric.unit.clone(),
                    value: metric.value.to_string(),
                })),
            GateKind::Slo => release.slo.push(Objective {
                seq: entry.seq,
                gate: said.gate.name.clone(),
                result: said.result.to_string(),
            }),
            _ => {}
        }
    }
    release
}
