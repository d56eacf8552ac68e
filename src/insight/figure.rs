//! Figures: a count, a rate, a spread, each over observations that are known or are not.
//!
//! - A *rate* is hits over known observations, with the Wilson score interval at 95 % (E. B. Wilson, 1927): with
//!   `p = hits / n` and `z = 1.959964`, `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
//! - A *spread* is the median and the 90th percentile by nearest rank: of `n` sorted amounts the one at `⌈q·n⌉`.
//! - A *count* is a number a week: `n` over the period's length in weeks.
//!
//! Over nothing known there is no value: unknown is not zero. Under [`FEW`] known observations a figure says that it
//! has too few. Ratios are rounded to four decimals, so that every machine prints the same.

use serde::Serialize;

/// Fewer known observations than these are too few to go by.
pub const FEW: u64 = 10;

/// The two-sided 95 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// What one observation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// Nothing: nobody recorded it.
    Unknown,
    /// It did not happen.
    No,
    /// It happened.
    Yes,
    /// So much of its measure's unit.
    Amount(u64),
}

/// How observations make a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How many a week.
    Count,
    /// How many of them.
    Rate,
    /// How much, half of the time and at most times.
    Spread,
}

/// A figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figure {
    /// How many observations are known.
    pub n: u64,
    /// How many are not.
    pub unknown: u64,
    /// Whether those known are too few to go by.
    pub few: bool,
    /// Of a rate: in how many it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hits: Option<u64>,
    /// The rate from 0 to 1, the median, or the number a week; none where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Of a rate: the interval's lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Its upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Of a spread: nine of ten are at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
}

impl Figure {
    /// The figure that observations make, in a period of so many weeks.
    pub fn of(kind: Kind, said: impl IntoIterator<Item = Said>, weeks: f64) -> Self {
        let (known, unknown): (Vec<Said>, Vec<Said>) = said
            .into_iter()
            .partition(|said| !matches!(said, Said::Unknown));
        let n = known.len() as u64;
        let mut figure = Self {
            n,
            unknown: unknown.len() as u64,
            few: n < FEW,
            ..Self::default()
        };
        match kind {
            Kind::Count => figure.value = (weeks > 0.0).then(|| rounded(n as f64 / weeks)),
            Kind::Rate => {
                let hits = known.iter().filter(|said| **said == Said::Yes).count() as u64;
                figure.hits = Some(hits);
                if let Some((low, high)) = wilson(hits, n) {
                    figure.value = Some(rounded(hits as f64 / n as f64));
                    (figure.low, figure.high) = (Some(rounded(low)), Some(rounded(high)));
                }
            }
            Kind::Spread => {
                let amount = |said: &Said| match said {
                    Said::Amount(amount) => Some(*amount),
                    _ => None,
                };
                let mut amounts: Vec<u64> = known.iter().filter_map(amount).collect();
                amounts.sort_unstable();
                figure.value = ranked(&amounts, 1, 2).map(|amount| amount as f64);
                figure.p90 = ranked(&amounts, 9, 10).map(|amount| amount as f64);
            }
        }
        figure
    }
}

/// The Wilson score interval at 95 %; none over nothing.
pub fn wilson(hits: u64, n: u64) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let (p, n, zz) = (hits as f64 / n as f64, n as f64, Z * Z);
    let middle = p + zz / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
    let scale = 1.0 + zz / n;
    Some((
        ((middle - half) / scale).clamp(0.0, 1.0),
        ((middle + half) / scale).clamp(0.0, 1.0),
    ))
}

/// The one at rank `⌈n × part / whole⌉` of sorted amounts.
fn ranked(sorted: &[u64], part: usize, whole: usize) -> Option<u64> {
    let rank = (sorted.len() * part).div_ceil(whole);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// To four decimals.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(hits: u64, misses: u64, unknown: u64) -> Figure {
        let many = |said, count: u64| (0..count).map(move |_| said);
        let all = many(Said::Yes, hits)
            .chain(many(Said::No, misses))
            .chain(many(Said::Unknown, unknown));
        Figure::of(Kind::Rate, all, 1.0)
    }

    /// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    #[test]
    fn published_intervals() {
        for (hits, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let figure = rate(hits, n - hits, 0);
            assert_eq!((figure.low, figure.high), (Some(low), Some(high)));
        }
    }

    #[test]
    fn nothing_known_is_no_value() {
        let figure = rate(0, 0, 7);
        assert_eq!((figure.n, figure.unknown, figure.few), (0, 7, true));
        assert_eq!((figure.value, figure.low, figure.high), (None, None, None));
        let figure = Figure::of(Kind::Spread, [], 0.0);
        assert_eq!((figure.value, figure.p90), (None, None));
        assert_eq!(Figure::of(Kind::Count, [], 0.0).value, None);
    }

    #[test]
    fn ranks_are_nearest() {
        let spread = |amounts: &[u64]| {
            let figure = Figure::of(
                Kind::Spread,
                amounts.iter().map(|it| Said::Amount(*it)),
                1.0,
            );
            (figure.value, figure.p90)
        };
        assert_eq!(spread(&[7]), (Some(7.0), Some(7.0)));
        assert_eq!(spread(&[4, 1]), (Some(1.0), Some(4.0)));
        assert_eq!(
            spread(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
            (Some(5.0), Some(9.0))
        );
    }

    proptest! {
        #[test]
        fn counts_add_up_and_the_interval_holds_the_rate(hits in 0u64..500, misses in 0u64..500, unknown in 0u64..50) {
            let figure = rate(hits, misses, unknown);
            prop_assert_eq!(figure.n, hits + misses);
            prop_assert_eq!(figure.unknown, unknown);
            prop_assert_eq!(figure.few, hits + misses < FEW);
            if let (Some(low), Some(value), Some(high)) = (figure.low, figure.value, figure.high) {
                prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
            }
            prop_assert_eq!(figure.value.is_some(), hits + misses > 0);
        }

        #[test]
        fn the_order_of_observations_is_nothing(mut amounts in prop::collection::vec(any::<u32>(), 0..60)) {
            let of = |amounts: &[u32]| Figure::of(Kind::Spread, amounts.iter().map(|it| Said::Amount(u64::from(*it))), 1.0);
            let before = of(&amounts);
            amounts.reverse();
            prop_assert_eq!(of(&amounts), before);
        }
    }
}
