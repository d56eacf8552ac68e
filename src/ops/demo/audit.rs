//! The audit of the demo's quarter: a report over a ledger with planted faults, held against what was planted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::company::Company;
use super::quarter::{self, FROM, POLICY, UNTIL};
use super::{Error, LEDGER, make_empty, name};
use crate::judge::pack;
use crate::judge::{Reason, Verdict};
use crate::ops::World;
use crate::ops::report;
use crate::ops::verify::{Remember, Request};
use crate::report::audit::{Audit, Population};
use crate::verify::Question;

/// What was planted, and what the report says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Audited {
    /// The folder with everything in it.
    pub folder: PathBuf,
    /// How many entries the ledger has.
    pub entries: u64,
    /// What there is to be judged.
    pub population: Population,
    /// The faults.
    pub planted: Vec<Planted>,
    /// What else the report names: nothing, or it is wrong.
    pub unexpected: Vec<Expected>,
    /// How many items the report shows as allowed by an exception.
    pub exceptions: usize,
    /// The report.
    #[serde(skip)]
    pub audit: Audit,
}

/// A planted fault, and whether it was named.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planted {
    /// What was done.
    pub what: &'static str,
    /// Every item that must name it.
    pub expected: Vec<Expected>,
    /// Those of them that are not in the report.
    pub missed: Vec<Expected>,
}

/// An item of a check that does not pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Expected {
    /// The check.
    pub check: &'static str,
    /// Why.
    pub reason: Reason,
    /// What it is about.
    pub subject: String,
}

impl Audited {
    /// Whether the report names every fault, and nothing else.
    pub fn is_right(&self) -> bool {
        let all = self.planted.iter().all(|fault| fault.missed.is_empty());
        all && !self.planted.is_empty() && self.unexpected.is_empty()
    }
}

/// Plays a quarter in `folder`, which must not exist or be empty, and reports on it by every pack of the program. `world`
/// must keep its state inside `folder/home`.
///
/// # Errors
/// Where something did not work; a fault that is not named is no error but says so.
pub fn audit(world: &World, folder: &Path) -> Result<Audited, Error> {
    make_empty(folder)?;
    let shop = folder.join("shop");
    fs::create_dir_all(&shop).map_err(|source| Error::Folder {
        path: shop.clone(),
        source,
    })?;
    let (from, until) = (
        FROM.parse().expect("the first day is a time"),
        UNTIL.parse().expect("the last day is a time"),
    );
    let company = Company::found(world, &shop, from, POLICY)?;
    let (repository, faults) = quarter::play(company)?;
    let mut request = Request::new(Question::Ledger);
    request.remember = Remember::No;
    request.scope.period = Some((from, until));
    let packs = pack::shipped();
    let asked = "the quarter".to_owned();
    let audit = report::report(world, &repository, &name(LEDGER), request, &packs, asked)?;
    let found = named(&audit);
    let planted: Vec<Planted> = faults
        .into_iter()
        .map(|fault| Planted {
            what: fault.what,
            missed: missing(&fault.expected, &found),
            expected: fault.expected,
        })
        .collect();
    let wanted: BTreeSet<_> = planted
        .iter()
        .flat_map(|fault| fault.expected.iter().cloned())
        .collect();
    Ok(Audited {
        folder: folder.to_owned(),
        entries: audit.size,
        population: audit.population.clone(),
        planted,
        unexpected: found.difference(&wanted).cloned().collect(),
        exceptions: audit.exceptions.len(),
        audit,
    })
}

// What the report says does not hold, or cannot be told.
fn named(audit: &Audit) -> BTreeSet<Expected> {
    let items = audit.checks.iter().flat_map(|check| {
        let heavy = check.items.iter();
        let heavy = heavy.filter(|item| matches!(item.verdict, Verdict::Fail | Verdict::Unknown));
        heavy.filter_map(|item| {
            Some(Expected {
                check: check.id,
                reason: item.reason?,
                subject: item.subject.clone(),
            })
        })
    });
    items.collect()
}

fn missing(expected: &[Expected], found: &BTreeSet<Expected>) -> Vec<Expected> {
    let missing = expected.iter().filter(|one| !found.contains(one));
    missing.cloned().collect()
}
