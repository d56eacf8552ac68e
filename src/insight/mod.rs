//! Insight: how delivery goes, by service, week and AI cohort, from the entries that count.
//!
//! 1. `delivery` finds what was delivered: changes, the production deployments that brought them, how these fared.
//! 2. Each measure is a list of observations: when, of which services and cohort, what, by which entries.
//! 3. Observations of the period are put together by group (all, each cohort, each service, both) and by measure into a
//!    [`Figure`], and again by week; so each figure, and each week of it, leads to entries.
//!
//! Persons are in no figure: no field could hold one. The manual's page `insight` has each formula.

mod care;
mod delivery;
mod figure;
mod measure;
mod running;
mod velocity;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::care::Held;
pub use self::care::{ExceptionLoad, FAST};
use self::delivery::Delivery;
pub use self::delivery::{Cohort, Fate};
pub use self::figure::{FEW, Figure, Kind, Said, wilson};
pub use self::measure::Measure;
pub use self::running::{Amount, Objective, Release};
pub use self::velocity::{Slowest, Velocity};
use crate::digest::{ObjectId, Sha256};
use crate::judge::Model;
use crate::statement::predicate::DeploymentReason;
use crate::timestamp::Timestamp;

/// As many weeks as a period may touch.
pub const MOST_WEEKS: i64 = 530;

/// As many whole weeks as are looked at where nobody asks, with the one that has begun.
const USUAL_WEEKS: i64 = 12;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// From the first moment up to, and without, the second; where not given, the last weeks of the ledger.
    pub period: Option<(Timestamp, Timestamp)>,
    /// What counts as production; where not given, each environment of tier `prod`.
    pub environment: Option<String>,
}

/// A period too long to be told week by week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period touches {weeks} weeks; at most {MOST_WEEKS} are told apart")]
pub struct TooLong {
    weeks: i64,
}

/// A time: from a moment up to, and without, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

/// One thing that was seen, of one measure.
#[derive(Clone, Debug)]
struct Observation<'a> {
    measure: Measure,
    check: Option<&'static str>,
    at: Timestamp,
    /// Whether it counts for the whole; else only for its services.
    whole: bool,
    services: Vec<&'a str>,
    cohort: Cohort,
    said: Said,
    entries: Vec<u64>,
}

/// All that is told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Insight {
    /// The ledger's name.
    pub origin: String,
    /// As of when.
    pub at: Timestamp,
    /// Of which time.
    pub period: Period,
    /// What counts as production.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The Mondays of the weeks that the period touches.
    pub weeks: Vec<String>,
    /// The checks that the policy in force requires.
    pub required: Vec<&'static str>,
    /// The whole first, then each cohort, each service, and each cohort of each service.
    pub groups: Vec<Group>,
    /// Production deployments of the period that succeeded, with cost and SLO, newest first.
    pub releases: Vec<Release>,
    /// Exceptions.
    pub exceptions: ExceptionLoad,
    /// Failing outcomes in production that no deployment is known to have caused, by seq.
    pub unattributed: Vec<u64>,
    /// The entries that all of this rests on, by seq.
    pub entries: Vec<Row>,
}

/// A service, a cohort, both, or all.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The service, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The cohort, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cohort: Option<Cohort>,
    /// Its measures, in their order. The whole has all; others those of which something was seen.
    pub measures: Vec<Measured>,
    /// The stage that changes waited for longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest: Option<Slowest>,
    /// How authored and delivered change grew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<Velocity>,
}

/// One measure of one group.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Which.
    #[serde(serialize_with = "word")]
    pub measure: Measure,
    /// Of control coverage: the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<&'static str>,
    /// In what it is counted.
    pub unit: &'static str,
    /// Over the period.
    #[serde(flatten)]
    pub figure: Figure,
    /// By week; without weeks of which nothing was seen.
    pub weekly: Vec<Point>,
}

/// One measure in one week.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// The week's Monday.
    pub week: String,
    /// The figure.
    #[serde(flatten)]
    pub figure: Figure,
    /// What it rests on, by seq.
    pub entries: Vec<u64>,
}

/// An entry that something rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its place.
    pub seq: u64,
    /// SHA-256 of its attestation.
    pub attestation: Sha256,
    /// Its step.
    pub step: String,
    /// Its time: verified where somebody vouches for one, else claimed.
    pub time: Timestamp,
    /// The commit that it is about.
    pub commit: ObjectId,
}

/// Measures what a model shows.
///
/// # Errors
/// Where the period is too long.
pub fn insight(model: &Model, asked: Asked) -> Result<Insight, TooLong> {
    let period = Period::of(asked.period, model.at)?;
    let delivery = Delivery::of(model, asked.environment.as_deref());
    let checks = model.policy().checks().enforced();
    let required: Vec<&'static str> = checks
        .into_iter()
        .filter(|check| !care::is_of_ledger(check))
        .collect();
    let held = Held::of(model, &required);
    let mut seen = Vec::new();
    flow(model, &delivery, &held, &mut seen);
    fares(&delivery, &mut seen);
    care::controls(&delivery, &held, &mut seen);
    care::attention(model, &delivery, &mut seen);
    let releases = running::releases(model, &delivery, period, &mut seen);
    seen.retain(|it| period.has(it.at));
    let exceptions = ExceptionLoad::of(model, period);
    let unattributed = delivery.unattributed.iter();
    let unattributed: BTreeSet<u64> = unattributed
        .filter(|(at, _)| period.has(*at))
        .map(|(_, seq)| *seq)
        .collect();
    let mut rests: BTreeSet<u64> = seen
        .iter()
        .flat_map(|it| it.entries.iter())
        .copied()
        .collect();
    rests.extend(releases.iter().flat_map(Release::entries));
    rests.extend(exceptions.entries.iter().chain(&unattributed));
    let rows = model.entries.iter().filter(|it| rests.contains(&it.seq));
    let rows = rows.map(|entry| Row {
        seq: entry.seq,
        attestation: entry.attestation,
        step: entry.step.clone(),
        time: entry.time(),
        commit: entry.commit,
    });
    Ok(Insight {
        origin: model.origin.clone(),
        at: model.at,
        period,
        environment: asked.environment,
        weeks: period.weeks().into_iter().map(day).collect(),
        required,
        groups: groups(&seen, period),
        releases,
        exceptions,
        unattributed: unattributed.into_iter().collect(),
        entries: rows.collect(),
    })
}

impl Insight {
    /// Whether anything was seen at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The group over everything.
    pub fn whole(&self) -> Option<&Group> {
        self.groups.first()
    }
}

impl Measured {
    /// What it rests on, by seq.
    pub fn entries(&self) -> Vec<u64> {
        let all: BTreeSet<u64> = self
            .weekly
            .iter()
            .flat_map(|it| it.entries.iter())
            .copied()
            .collect();
        all.into_iter().collect()
    }
}

impl Group {
    /// One of its measures.
    pub fn get(&self, measure: Measure) -> Option<&Measured> {
        self.measures.iter().find(|it| it.measure == measure)
    }
}

impl Period {
    fn of(asked: Option<(Timestamp, Timestamp)>, at: Timestamp) -> Result<Self, TooLong> {
        let (from, until) = asked.unwrap_or_else(|| {
            let until = at.unix() + 1;
            let from = monday(at.unix()) - USUAL_WEEKS * WEEK;
            let moment = |unix| Timestamp::from_unix(unix).unwrap_or(at);
            (moment(from), moment(until))
        });
        let period = Self { from, until };
        let weeks = (monday(until.unix()) - monday(from.unix())) / WEEK + 1;
        match weeks > MOST_WEEKS {
            true => Err(TooLong { weeks }),
            false => Ok(period),
        }
    }

    /// Whether a moment is in it.
    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    // The Mondays, in seconds.
    fn weeks(&self) -> Vec<i64> {
        let first = monday(self.from.unix());
        let after = self.until.unix();
        (0..)
            .map(|week| first + week * WEEK)
            .take_while(|monday| *monday < after)
            .collect()
    }

    /// Its length in weeks.
    pub fn length(&self) -> f64 {
        (self.until.unix() - self.from.unix()) as f64 / WEEK as f64
    }
}

// 1970-01-01 was a Thursday.
fn monday(unix: i64) -> i64 {
    unix - (unix + 3 * DAY).rem_euclid(WEEK)
}

fn day(unix: i64) -> String {
    let text = Timestamp::from_unix(unix).map(|it| it.to_string());
    text.map_or(String::new(), |text| text.chars().take(10).collect())
}

fn word<S: serde::Serializer>(measure: &Measure, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(measure.as_str())
}

// Changes on their way: written, delivered, and what they waited for.
fn flow<'a>(
    model: &'a Model,
    delivery: &Delivery<'a>,
    held: &Held,
    out: &mut Vec<Observation<'a>>,
) {
    for change in delivery.changes.values() {
        let first = change.first;
        let entries = vec![first.seq];
        out.push(care::of_change(
            delivery,
            change,
            Measure::Authored,
            first,
            Said::Yes,
            entries,
        ));
        for (nth, at) in change.reached.iter().enumerate() {
            let shipped = &delivery.shipped[*at];
            let end = shipped.said.finished_on;
            let observed = |measure, said, entries| Observation {
                measure,
                check: None,
                at: end,
                whole: nth == 0,
                services: vec![&*shipped.said.service],
                cohort: change.cohort,
                said,
                entries,
            };
            let both = vec![change.entry.seq, shipped.entry.seq];
            let lead = end.unix() - waits::start(change).unix();
            // What was deployed before it was committed says nothing of how long it took.
            let lead = u64::try_from(lead).map_or(Said::Unknown, Said::Amount);
            out.push(observed(Measure::LeadTime, lead, both.clone()));
            let mut seqs = both.clone();
            seqs.extend(change.landing.map(|(entry, _)| entry.seq));
            if held.all_hold(&seqs) {
                out.push(observed(Measure::Delivered, Said::Yes, both));
            }
            if lead != Said::Unknown {
                let artifact = &shipped.said.artifact.digest;
                let about = delivery.index.of_artifact(model, artifact).into_iter();
                for wait in waits::waits(model, change, (shipped.entry, end), about) {
                    out.push(observed(
                        wait.stage,
                        Said::Amount(wait.seconds),
                        wait.entries,
                    ));
                }
            }
        }
    }
}

// How deployments fared.
fn fares<'a>(delivery: &Delivery<'a>, out: &mut Vec<Observation<'a>>) {
    for shipped in &delivery.shipped {
        let own = vec![shipped.entry.seq];
        let mut because = own.clone();
        because.extend(&shipped.because);
        let mut add = |measure, said, entries: &Vec<u64>| {
            out.push(Observation {
                measure,
                check: None,
                at: shipped.said.finished_on,
                whole: true,
                services: vec![&*shipped.said.service],
                cohort: shipped.cohort,
                said,
                entries: entries.clone(),
            });
        };
        if shipped.succeeded() {
            add(Measure::Frequency, Said::Yes, &own);
        }
        let failed = match shipped.fate {
            Fate::Unknown => Said::Unknown,
            Fate::Well => Said::No,
            Fate::Failed => Said::Yes,
        };
        add(Measure::FailRate, failed, &because);
        let rework = match shipped.said.reason {
            DeploymentReason::Planned => Said::No,
            DeploymentReason::UnplannedFix | DeploymentReason::Rollback => Said::Yes,
        };
        add(Measure::ReworkRate, rework, &own);
        if shipped.fate == Fate::Failed {
            let took = shipped.recovered.map_or(Said::Unknown, Said::Amount);
            add(Measure::RecoveryTime, took, &because);
        }
    }
}

type Key<'a> = (Option<&'a str>, Option<Cohort>);

fn groups(seen: &[Observation<'_>], period: Period) -> Vec<Group> {
    let mut by_group: BTreeMap<Key<'_>, Vec<&Observation<'_>>> = BTreeMap::new();
    by_group.insert((None, None), Vec::new());
    for it in seen {
        let whole = it.whole.then_some(None);
        let services = it.services.iter().copied().map(Some);
        for service in whole.into_iter().chain(services) {
            for cohort in [None, Some(it.cohort)] {
                by_group.entry((service, cohort)).or_default().push(it);
            }
        }
    }
    let all = by_group.into_iter();
    all.map(|((service, cohort), seen)| group(service, cohort, &seen, period))
        .collect()
}

fn group(
    service: Option<&str>,
    cohort: Option<Cohort>,
    seen: &[&Observation<'_>],
    period: Period,
) -> Group {
    let mut by_measure: BTreeMap<_, Vec<&Observation<'_>>> = BTreeMap::new();
    if service.is_none() && cohort.is_none() {
        let all = Measure::ALL.iter().filter(|it| **it != Measure::Control);
        by_measure.extend(all.map(|measure| ((*measure, None), Vec::new())));
    }
    for it in seen {
        by_measure
            .entry((it.measure, it.check))
            .or_default()
            .push(it);
    }
    let measures: Vec<Measured> = by_measure
        .into_iter()
        .map(|((measure, check), seen)| measured(measure, check, &seen, period))
        .collect();
    let mut group = Group {
        service: service.map(str::to_owned),
        cohort,
        slowest: velocity::slowest(seen),
        velocity: None,
        measures,
    };
    group.velocity = velocity::velocity(&group, period);
    group
}

fn measured(
    measure: Measure,
    check: Option<&'static str>,
    seen: &[&Observation<'_>],
    period: Period,
) -> Measured {
    let mut by_week: BTreeMap<i64, Vec<&Observation<'_>>> = BTreeMap::new();
    for it in seen {
        by_week.entry(monday(it.at.unix())).or_default().push(it);
    }
    let point = |(week, seen): (i64, Vec<&Observation<'_>>)| {
        let entries: BTreeSet<u64> = seen
            .iter()
            .flat_map(|it| it.entries.iter())
            .copied()
            .collect();
        Point {
            week: day(week),
            figure: Figure::of(measure.kind(), seen.iter().map(|it| it.said), 1.0),
            entries: entries.into_iter().collect(),
        }
    };
    Measured {
        measure,
        check,
        unit: measure.unit(),
        figure: Figure::of(
            measure.kind(),
            seen.iter().map(|it| it.said),
            period.length(),
        ),
        weekly: by_week.into_iter().map(point).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVICES: [&str; 3] = ["api", "batch", "web"];

    fn observation() -> impl Strategy<Value = Observation<'static>> {
        let said = prop_oneof![
            Just(Said::Unknown),
            Just(Said::No),
            Just(Said::Yes),
            (0u64..1 << 40).prop_map(Said::Amount),
        ];
        let all = Measure::ALL.len();
        let parts = (
            0..all,
            0i64..200,
            any::<bool>(),
            0usize..3,
            0usize..4,
            said,
            0u64..99,
        );
        parts.prop_map(
            |(measure, day, whole, service, cohort, said, seq)| Observation {
                measure: Measure::ALL[measure],
                check: None,
                at: Timestamp::from_unix(day * DAY).expect("1970"),
                whole,
                services: vec![SERVICES[service]],
                cohort: Cohort::ALL[cohort],
                said,
                entries: vec![seq],
            },
        )
    }

    proptest! {
        #[test]
        fn order_is_nothing_and_counts_add_up(mut seen in prop::collection::vec(observation(), 0..80)) {
            let period = Period {
                from: Timestamp::from_unix(0).expect("1970"),
                until: Timestamp::from_unix(200 * DAY).expect("1970"),
            };
            let groups = super::groups(&seen, period);
            seen.reverse();
            let json = |groups: &[Group]| serde_json::to_string(groups).expect("JSON");
            prop_assert_eq!(json(&groups), json(&super::groups(&seen, period)));
            for measured in &groups[0].measures {
                let of_cohort = |group: &&Group| group.service.is_none() && group.cohort.is_some();
                let cohorts = groups.iter().filter(of_cohort).filter_map(|it| it.get(measured.measure));
                let sum: u64 = cohorts.map(|it| it.figure.n + it.figure.unknown).sum();
                prop_assert_eq!(sum, measured.figure.n + measured.figure.unknown);
                let weeks: u64 = measured.weekly.iter().map(|it| it.figure.n).sum();
                prop_assert_eq!(weeks, measured.figure.n);
            }
        }
    }

    #[test]
    fn weeks_begin_on_mondays() {
        let moment = |text: &str| text.parse::<Timestamp>().expect("a time");
        let at = moment("2026-11-22T10:00:00Z");
        assert_eq!(day(monday(at.unix())), "2026-11-16");
        assert_eq!(
            day(monday(moment("2026-11-23T00:00:00Z").unix())),
            "2026-11-23"
        );
        let usual = Period::of(None, at).expect("thirteen weeks");
        assert_eq!(usual.from, moment("2026-08-24T00:00:00Z"));
        assert!(usual.has(at), "the newest entry is in it");
        assert_eq!(usual.weeks().len(), 13);
        let ever = (
            moment("0001-01-01T00:00:00Z"),
            moment("9999-12-31T00:00:00Z"),
        );
        assert!(Period::of(Some(ever), at).is_err());
    }
}
