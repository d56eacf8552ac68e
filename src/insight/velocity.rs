//! Two readings of a group: the stage that held changes up longest, and whether what is written arrives.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figure::{FEW, Figure, Kind, Said, rounded};
use super::{Group, Measure, Observation, Period, WEEK, day};

/// The stage that changes waited for longest, all together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slowest {
    /// The wait.
    #[serde(serialize_with = "super::word")]
    pub stage: Measure,
    /// Its part of all that was waited, from 0 to 1.
    pub share: f64,
    /// Over so many changes.
    pub n: u64,
    /// Half of them waited at most so many seconds for it.
    pub median: f64,
    /// Whether they are too few to go by.
    pub few: bool,
}

/// Growth of what was authored against growth of what reached production with every required control.
///
/// The period's whole weeks are halved, without the middle one of an odd number; growth is the later half over the
/// earlier, less one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Velocity {
    /// How many weeks each half has.
    pub weeks: u64,
    /// Changes authored in the earlier half, and in the later.
    pub authored: [u64; 2],
    /// Changes delivered with every control, likewise.
    pub delivered: [u64; 2],
    /// Growth of the first; none from nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authored_growth: Option<f64>,
    /// Growth of the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_growth: Option<f64>,
    /// The first less the second: above zero, more is written than arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// Whether one of the halves has too few to go by.
    pub few: bool,
}

/// Of equals the one that comes later in a change's life.
pub(super) fn slowest(seen: &[&Observation<'_>]) -> Option<Slowest> {
    let mut waited: BTreeMap<Measure, Vec<Said>> = BTreeMap::new();
    for it in seen
        .iter()
        .filter(|it| Measure::WAITS.contains(&it.measure))
    {
        waited.entry(it.measure).or_default().push(it.said);
    }
    let sum = |said: &[Said]| -> u64 {
        let amounts = said.iter().map(|said| match said {
            Said::Amount(amount) => *amount,
            _ => 0,
        });
        amounts.fold(0, u64::saturating_add)
    };
    let all = waited
        .values()
        .map(|it| sum(it))
        .fold(0, u64::saturating_add);
    let (stage, said) = waited.iter().max_by_key(|(_, said)| sum(said))?;
    let figure = Figure::of(Kind::Spread, said.iter().copied(), 1.0);
    (all > 0).then(|| Slowest {
        stage: *stage,
        share: rounded(sum(said) as f64 / all as f64),
        n: figure.n,
        median: figure.value.unwrap_or_default(),
        few: figure.few,
    })
}

pub(super) fn velocity(group: &Group, period: Period) -> Option<Velocity> {
    let (from, until) = (period.from.unix(), period.until.unix());
    let weeks = period.weeks().into_iter();
    let whole: Vec<i64> = weeks
        .filter(|monday| from <= *monday && monday + WEEK <= until)
        .collect();
    let half = whole.len() / 2;
    if half == 0 {
        return None;
    }
    let (earlier, later) = (&whole[..half], &whole[whole.len() - half..]);
    let in_half = |measure, weeks: &[i64]| -> u64 {
        let (first, last) = (day(weeks[0]), day(weeks[weeks.len() - 1]));
        let weekly = group.get(measure).map_or(&[][..], |it| &it.weekly);
        let points = weekly
            .iter()
            .filter(|it| first <= it.week && it.week <= last);
        points.map(|it| it.figure.n).sum()
    };
    let halves = |measure| [in_half(measure, earlier), in_half(measure, later)];
    let (authored, delivered) = (halves(Measure::Authored), halves(Measure::Delivered));
    if authored == [0, 0] && delivered == [0, 0] {
        return None;
    }
    let growth = |[before, after]: [u64; 2]| {
        (before > 0).then(|| rounded(after as f64 / before as f64 - 1.0))
    };
    let (authored_growth, delivered_growth) = (growth(authored), growth(delivered));
    Some(Velocity {
        weeks: half as u64,
        authored,
        delivered,
        authored_growth,
        delivered_growth,
        gap: authored_growth
            .zip(delivered_growth)
            .map(|(a, d)| rounded(a - d)),
        few: authored.iter().chain(&delivered).any(|n| *n < FEW),
    })
}
