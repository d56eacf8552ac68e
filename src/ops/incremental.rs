//! Incremental replay: of a ledger whose beginning was replayed before, only what was added is judged.
//!
//! Beside the memory stands `replayed.json`: the tips that passed a full replay here or an increment on one, each with
//! the pin that held then. A remote's tip is judged by its increment where all of this holds, and by full replay
//! otherwise:
//!
//! 1. the pin, if there is one, is of the ledger that memory knows; without one, memory knows one ledger of the origin;
//! 2. following first parents, with no merge between, a tip is met that is recorded under the same pin and by the same version of
//!    this program;
//! 3. that tip's records agree with each other, it is open, and its seal is the newest that memory knows;
//! 4. of the trees, nothing of the old is altered ([`Delta`]), and what was added may stand
//!    ([`verify::extension`]): no finding at all, no new seal, no change of what governs;
//! 5. the head that memory knows as landed lies between the two, with its root;
//! 6. the mirror, if there is one, has nothing else.
//!
//! Full replay, not this, says what is wrong: here every doubt ends in `None`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fetch::{Error, Theirs};
use super::{World, append, memory, mirror, pin};
use crate::digest::{ObjectId, Sha256};
use crate::git::{RefName, Repository};
use crate::ledger::append_record::SignedAppendRecord;
use crate::ledger::in_memory::InMemory;
use crate::ledger::{Edge, Lines, TreeHead};
use crate::store::{Delta, Tip};
use crate::verify::{self, Base, Memory, Pin};

const FILE: &str = "replayed.json";
const VERSION: u32 = 1;
/// So many tips are kept: one for each clone that fetched lately.
const KEPT: usize = 32;
/// No increment has more commits; replay of the whole is not much dearer then.
const COMMITS: usize = 10_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u32,
    program: String,
    tips: Vec<Replayed>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replayed {
    tip: ObjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<Sha256>,
}

impl Replayed {
    fn new(tip: ObjectId, pin: Option<&Pin>) -> Self {
        let pin = pin.map(|pin| Sha256::of(pin::render(pin).as_bytes()));
        Replayed { tip, pin }
    }
}

/// Records a tip that was judged, and remembered, under the pin that holds now.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn record(
    world: &World,
    repository: &Repository,
    tip: ObjectId,
    memory: &Memory,
) -> Result<(), Error> {
    let (pin, _) = pin::find(repository, None).map_err(super::verify::Error::Pin)?;
    let folder = memory::folder(&world.folders.state, &memory.origin, &memory.genesis);
    let path = folder.join(FILE);
    let new = Replayed::new(tip, pin.as_ref());
    let mut tips = read(&path);
    if tips.last() == Some(&new) {
        return Ok(());
    }
    tips.retain(|known| *known != new);
    tips.push(new);
    let tips = tips.split_off(tips.len().saturating_sub(KEPT));
    let document = Document {
        v: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        tips,
    };
    let text = serde_json::to_string(&document).expect("strings and a number are JSON") + "\n";
    Ok(memory::write(&path, text.as_bytes())?)
}

// What cannot be read is as if it were not there: it only saves time.
fn read(path: &Path) -> Vec<Replayed> {
    let text: io::Result<Vec<u8>> = fs::read(path);
    let document = text
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    document
        .filter(|document: &Document| {
            document.v == VERSION && document.program == env!("CARGO_PKG_VERSION")
        })
        .map(|document| document.tips)
        .unwrap_or_default()
}

/// Judges a remote's tip by what was added; `None` where it must be replayed whole.
///
/// # Errors
/// Where pin or memory are there and cannot be used.
pub(super) fn judged(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    tip: ObjectId,
    memories: &[Memory],
) -> Result<Option<Theirs>, Error> {
    let new = Tip::at(repository, ledger, tip)?;
    let signed = new.record("append")?;
    let Some(signed) = signed.and_then(|bytes| SignedAppendRecord::parse(&bytes).ok()) else {
        return Ok(None);
    };
    let (pin, _) = pin::find(repository, None).map_err(super::verify::Error::Pin)?;
    let origin = &signed.unverified().origin;
    let is_meant = |memory: &&Memory| {
        memory.origin == *origin
            && pin
                .as_ref()
                .is_none_or(|pin| memory.genesis == pin.genesis && memory.origin == pin.origin)
    };
    let [memory] = memories.iter().filter(is_meant).collect::<Vec<_>>()[..] else {
        return Ok(None);
    };
    let folder = memory::folder(&world.folders.state, origin, &memory.genesis);
    let recorded = read(&folder.join(FILE));
    let Some(base) = base(repository, tip, pin.as_ref(), &recorded) else {
        return Ok(None);
    };
    if !mirror::findings(repository, &tip)
        .map_err(super::verify::Error::Mirror)?
        .is_empty()
    {
        return Ok(None);
    }
    let old = Tip::at(repository, ledger, base)?;
    Ok(added(repository, memory, &old, &new, tip))
}

/// The recorded tip that this one goes on from in commits of one parent.
fn base(
    repository: &Repository,
    tip: ObjectId,
    pin: Option<&Pin>,
    recorded: &[Replayed],
) -> Option<ObjectId> {
    let mut at = tip;
    for _ in 0..COMMITS {
        if recorded.contains(&Replayed::new(at, pin)) {
            return Some(at);
        }
        match repository.commit(&at).ok()?.parents[..] {
            [parent] => at = parent,
            _ => return None,
        }
    }
    None
}

/// What a tip adds to one that was replayed, where it may stand. A doubt, an error among them, is `None`.
fn added(
    repository: &Repository,
    memory: &Memory,
    old: &Tip<'_>,
    new: &Tip<'_>,
    tip: ObjectId,
) -> Option<Theirs> {
    let head = append::head(old).ok()?;
    head.opened().ok()?;
    if head.seal != memory.seal {
        return None;
    }
    let in_force = old.record("in-force").ok()??;
    let delta = Delta::between(repository, old, new, tip).ok()?;
    if !delta.altered.is_empty() {
        return None;
    }
    let first = head.record.new.size;
    let mut leaves = BTreeMap::new();
    for note in delta.parts.notes.values() {
        let lines = Lines::of(note).map_while(Result::ok);
        let added = lines.filter(|line| line.link.seq >= first);
        leaves.extend(added.map(|line| (line.link.seq, line.link.leaf())));
    }
    let base = Base {
        record: &head.record,
        edge: &head.edge,
        seal: head.seal.as_ref(),
        in_force: &in_force,
        roster: &head.roster,
    };
    let extension = verify::extension(&InMemory::new(delta.parts), &base).ok()?;
    if extension.needs_replay || !extension.findings.is_empty() {
        return None;
    }
    let mut edge = head.edge;
    let mut seen = landed_at(&edge, memory);
    for leaf in leaves.into_values() {
        edge.push(leaf);
        seen |= landed_at(&edge, memory);
    }
    let landed = TreeHead {
        size: edge.size(),
        root: edge.root()?,
    };
    let agrees = landed.size == first + extension.entries;
    (seen && agrees).then(|| Theirs {
        genesis: memory.genesis,
        entries: landed.size,
        sealed: edge.sealed_size(),
        memory: Memory {
            landed,
            ..memory.clone()
        },
    })
}

fn landed_at(edge: &Edge, memory: &Memory) -> bool {
    let TreeHead { size, root } = memory.landed;
    edge.size() == size && edge.root() == Some(root)
}
