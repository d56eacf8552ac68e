//! Sampling: a list that both sides compute alike and nobody could choose.
//!
//! The population is what the sealed entries show, so the same seal gives the same population:
//!
//! - `changes`: each change that landed, by its id;
//! - `deployments`: each that succeeded, by the SHA-256 of its attestation in hex;
//! - `releases`: each, likewise.
//!
//! 1. Each item's rank is SHA-256(seed ‖ root ‖ name): the seed's UTF-8 bytes, the 32 bytes of the sealed root, the name's
//!    UTF-8 bytes. The root binds everything that could be in the population, so whoever gives the seed after the seal
//!    cannot have an item in mind.
//! 2. The population is divided into strata, or is one. With at least as many places as strata each stratum has one; the
//!    other places go by largest remainder to what is left of each: `⌊places × left ÷ all left⌋`, then one each by falling
//!    `places × left mod all left`, of equals the stratum whose name comes first in bytes.
//! 3. From each stratum the items of the lowest ranks, compared as bytes; of equals the lower name.
//! 4. The list is by rank.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Model;
use crate::digest::Sha256;
use crate::statement::predicate::{DeploymentResult, Release};
use crate::timestamp::Timestamp;

/// What is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Changes that landed.
    Changes,
    /// Deployments that succeeded.
    Deployments,
    /// Releases.
    Releases,
}

/// Something that can be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// What it is called in the rank.
    pub name: String,
    /// The entry that brought it into the population.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Its stratum; empty where there are none.
    pub stratum: String,
}

/// Something that was drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// Its rank.
    pub rank: Sha256,
    /// It.
    #[serde(flatten)]
    pub unit: Unit,
}

/// How large a stratum is, and how many places it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stratum {
    /// Its name; empty where there are none.
    pub name: String,
    /// Its items.
    pub population: u64,
    /// Its places.
    pub places: u64,
}

/// A sample: the strata by name, the items by rank.
pub type Sample = (Vec<Stratum>, Vec<Drawn>);

/// A key by which nothing of that kind can be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{of} are divided by {by}")]
pub struct NoKey {
    of: &'static str,
    by: &'static str,
}

impl Of {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Deployments => "deployments",
            Self::Releases => "releases",
        }
    }

    // By what it can be divided.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Changes => &["kind", "ref"],
            Self::Deployments => &["service", "environment"],
            Self::Releases => &["package"],
        }
    }

    /// What there is of it in a model, within a period, divided by a key.
    ///
    /// # Errors
    /// Where it is not divided by that key.
    pub fn population(
        self,
        model: &Model,
        period: Option<(Timestamp, Timestamp)>,
        stratify: Option<&str>,
    ) -> Result<Vec<Unit>, NoKey> {
        let by = match self {
            Self::Changes => "kind or ref",
            Self::Deployments => "service or environment",
            Self::Releases => "package",
        };
        if stratify.is_some_and(|key| !self.keys().contains(&key)) {
            let of = self.as_str();
            return Err(NoKey { of, by });
        }
        let mut units = match self {
            Self::Changes => changes(model, stratify),
            Self::Deployments => deployments(model, stratify),
            Self::Releases => releases(model, stratify),
        };
        units.retain(|unit| period.is_none_or(|(from, until)| from <= unit.at && unit.at < until));
        Ok(units)
    }
}

/// Draws.
pub fn draw(population: Vec<Unit>, seed: &str, root: &Sha256, size: u64) -> Sample {
    let rank = |name: &str| Sha256::of_parts(&[seed.as_bytes(), root.as_bytes(), name.as_bytes()]);
    let mut strata: BTreeMap<String, Vec<Drawn>> = BTreeMap::new();
    for unit in population {
        let rank = rank(&unit.name);
        let stratum = strata.entry(unit.stratum.clone()).or_default();
        stratum.push(Drawn { rank, unit });
    }
    let sizes: Vec<u64> = strata.values().map(|items| items.len() as u64).collect();
    let places = places(&sizes, size);
    let (mut told, mut drawn) = (Vec::new(), Vec::new());
    for ((name, mut items), places) in strata.into_iter().zip(places) {
        items.sort_by(|a, b| (a.rank, &a.unit.name).cmp(&(b.rank, &b.unit.name)));
        told.push(Stratum {
            name,
            population: items.len() as u64,
            places,
        });
        drawn.extend(items.into_iter().take(places as usize));
    }
    drawn.sort_by(|a, b| (a.rank, &a.unit.name).cmp(&(b.rank, &b.unit.name)));
    (told, drawn)
}

// How many places each stratum has: one, then by largest remainder.
fn places(sizes: &[u64], size: u64) -> Vec<u64> {
    let all: u64 = sizes.iter().sum();
    let size = size.min(all);
    let first = u64::from(size >= sizes.len() as u64);
    let left: Vec<u64> = sizes.iter().map(|items| items - first).collect();
    let (whole, open) = (left.iter().sum::<u64>(), size - first * sizes.len() as u64);
    if whole == 0 {
        return vec![first; sizes.len()];
    }
    let share = |items: u64| u128::from(open) * u128::from(items);
    let mut places: Vec<u64> = left
        .iter()
        .map(|items| first + (share(*items) / u128::from(whole)) as u64)
        .collect();
    let given: u64 = places.iter().sum();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(share(left[*at]) % u128::from(whole)), *at));
    for at in order.into_iter().take((size - given) as usize) {
        places[at] += 1;
    }
    places
}

fn changes(model: &Model, key: Option<&str>) -> Vec<Unit> {
    let changes = model.changes().into_iter();
    let landed = changes.filter_map(|(id, (_, change))| {
        let (entry, _) = model
            .landings()
            .filter(|(_, landing)| landing.change_id == id)
            .last()?;
        let stratum = match key {
            Some("kind") => change.reason.kind.as_str().to_owned(),
            Some(_) => change.base.name.clone(),
            None => String::new(),
        };
        Some(Unit {
            name: id.to_owned(),
            seq: entry.seq,
            at: entry.time(),
            stratum,
        })
    });
    landed.collect()
}

fn deployments(model: &Model, key: Option<&str>) -> Vec<Unit> {
    let ended = model
        .deployments()
        .filter(|(_, deployment)| deployment.result == DeploymentResult::Success);
    let unit = ended.map(|(entry, deployment)| Unit {
        name: entry.attestation.to_string(),
        seq: entry.seq,
        at: entry.verified.unwrap_or(deployment.finished_on),
        stratum: match key {
            Some("service") => deployment.service.clone(),
            Some(_) => deployment.environment.name.clone(),
            None => String::new(),
        },
    });
    unit.collect()
}

fn releases(model: &Model, key: Option<&str>) -> Vec<Unit> {
    let releases = model.of::<Release>();
    let unit = releases.map(|(entry, release)| Unit {
        name: entry.attestation.to_string(),
        seq: entry.seq,
        at: entry.time(),
        stratum: match key {
            Some(_) => release
                .purl
                .rsplit_once('@')
                .map_or("", |(name, _)| name)
                .to_owned(),
            None => String::new(),
        },
    });
    unit.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(number: u64, stratum: &str) -> Unit {
        Unit {
            name: format!("change-{number}"),
            seq: number,
            at: Timestamp::from_unix(0).expect("1970"),
            stratum: stratum.to_owned(),
        }
    }

    /// The vector of the manual's page `sampling`.
    #[test]
    fn the_published_vector() {
        let units: Vec<Unit> = (1..=10).map(|number| unit(number, "")).collect();
        let (_, drawn) = draw(units.clone(), "audit-2026-Q3", &Sha256::of(b"root"), 3);
        let names: Vec<&str> = drawn.iter().map(|drawn| drawn.unit.name.as_str()).collect();
        assert_eq!(names, ["change-3", "change-6", "change-2"]);
        let mut backward = units;
        backward.reverse();
        let again = draw(backward, "audit-2026-Q3", &Sha256::of(b"root"), 3);
        assert_eq!(again.1, drawn, "the order of the population is nothing");
    }

    #[test]
    fn places_go_by_largest_remainder_and_every_stratum_has_one() {
        // Seven places for the 89 and 8 left: six and none, and the last by the larger remainder.
        assert_eq!(places(&[90, 9, 1], 10), [7, 2, 1]);
        assert_eq!(places(&[5, 5, 5], 2), [1, 1, 0]);
        assert_eq!(places(&[3, 2], 99), [3, 2]);
        assert_eq!(places(&[], 5), [0; 0]);
        assert_eq!(places(&[4], 0), [0]);
        for size in 0..=40 {
            let sizes = [1, 7, 13, 19];
            let places = places(&sizes, size);
            assert_eq!(places.iter().sum::<u64>(), size.min(40));
            assert!(
                places
                    .iter()
                    .zip(sizes)
                    .all(|(places, items)| *places <= items)
            );
        }
    }

    #[test]
    fn another_seed_or_root_is_another_list() {
        let units: Vec<Unit> = (0..200).map(|number| unit(number, "")).collect();
        let names = |seed: &str, root: &[u8]| -> Vec<String> {
            let (_, drawn) = draw(units.clone(), seed, &Sha256::of(root), 20);
            drawn.into_iter().map(|drawn| drawn.unit.name).collect()
        };
        assert_ne!(names("a", b"r"), names("b", b"r"));
        assert_ne!(names("a", b"r"), names("a", b"s"));
        assert_eq!(names("a", b"r"), names("a", b"r"));
    }
}
