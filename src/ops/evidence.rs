//! Evidence for a control: from it to its checks, from these to what they say of this ledger, and to the entries that say so,
//! whose signed bytes `show --raw` prints.

use serde::Serialize;

use super::World;
use super::report::{self, Error};
use super::verify::{Remember, Request};
use crate::digest::Sha256;
use crate::git::{RefName, Repository};
use crate::judge::pack::Pack;
use crate::judge::{Item, Verdict};
use crate::report::audit::{Audit, EntryRow};
use crate::verify::Question;

/// Where ledgers stand, unless somebody says otherwise.
const USUAL: &str = "refs/notes/docket";

/// As many items of one check as are shown, heaviest first.
pub const MOST: usize = 20;

/// What this ledger shows of a control.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// The heaviest of its checks' verdicts.
    pub verdict: Verdict,
    /// Each of its checks.
    pub checks: Vec<CheckEvidence>,
    /// How the program is called to look at this ledger.
    #[serde(skip)]
    pub program: String,
}

/// What a check says of this ledger.
#[derive(Clone, Debug, Serialize)]
pub struct CheckEvidence {
    /// `C05`
    pub id: &'static str,
    /// What weighs most.
    pub verdict: Verdict,
    /// The heaviest items.
    pub items: Vec<ItemEvidence>,
    /// How many more there are.
    pub left: usize,
}

/// An item and its entries.
#[derive(Clone, Debug, Serialize)]
pub struct ItemEvidence {
    /// The item.
    #[serde(flatten)]
    pub item: Item,
    /// The entries that it rests on; those that rule the ledger are no evidence.
    pub rows: Vec<Row>,
}

/// An entry, and the way to its signed bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its place.
    pub seq: u64,
    /// Its step.
    pub step: String,
    /// Who signed it.
    pub signer: String,
    /// SHA-256 of the signed bytes in their container.
    pub attestation: Sha256,
    /// What prints these bytes.
    pub raw: String,
}

/// Replays the ledger and judges it by one pack; what that says of one control. `None` for a control that it has not.
///
/// # Errors
/// Where we could not look.
pub fn evidence(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    pack: &Pack,
    control: &str,
) -> Result<Option<Evidence>, Error> {
    let mut request = Request::new(Question::Ledger);
    request.remember = Remember::No;
    let packs = std::slice::from_ref(pack);
    let audit = report::report(
        world,
        repository,
        ledger,
        request,
        packs,
        "the whole ledger".into(),
    )?;
    let program = match ledger.as_str() {
        USUAL => "git docket".to_owned(),
        other => format!("git docket --ledger-ref {other}"),
    };
    let judged = audit.packs.iter().flat_map(|pack| &pack.controls);
    let found = judged.into_iter().find(|one| one.id == control);
    Ok(found.map(|control| {
        let checks = audit
            .checks
            .iter()
            .filter(|check| control.checks.iter().any(|id| id == check.id));
        let checks = checks.map(|check| CheckEvidence {
            id: check.id,
            verdict: check.verdict,
            items: check
                .items
                .iter()
                .take(MOST)
                .map(|item| of_item(&audit, item, &program))
                .collect(),
            left: check.items.len().saturating_sub(MOST),
        });
        Evidence {
            verdict: control.verdict,
            checks: checks.collect(),
            program: program.clone(),
        }
    }))
}

fn of_item(audit: &Audit, item: &Item, program: &str) -> ItemEvidence {
    let rows = item.entries.iter().filter_map(|seq| audit.entry(*seq));
    ItemEvidence {
        item: item.clone(),
        rows: rows.take(MOST).map(|entry| row(entry, program)).collect(),
    }
}

fn row(entry: &EntryRow, program: &str) -> Row {
    Row {
        seq: entry.seq,
        step: entry.step.clone(),
        signer: entry.signer.clone(),
        attestation: entry.attestation,
        raw: format!("{program} show {} --raw", entry.seq),
    }
}
