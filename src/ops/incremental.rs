//! Incremental replay: of a ledger whose beginning was replayed before, only what was added is judged.
//!
//! Beside the memory stands `replayed.json`: the tips that passed a full replay here or an increment on one, each with
//! the pin that held then. A remote's tip is judged by its increment where all of this holds, and by full replay
//! otherwise:
//!
//! 1. the pin, if there is one, is of the ledger that memory knows; without one, memory knows one ledger of the origin;
//! 2. following first parents, with no merge between, the tip is met that this clone saw last of this remote
//!    (`refs/docket/fetched/…`), and that tip is recorded under the same pin and by the same version of this program:
//!    neither the record nor the ref vouches for a tip alone;
//! 3. that tip's records agree with each other, it is open, and its seal is the newest that memory knows;
//! 4. of the trees, nothing of the old is altered ([`Delta`]), and what was added may stand
//!    ([`verify::extension`]): no finding at all, no new seal, no change of what governs;
//! 5. the head that memory knows as landed lies between the two, with its root;
//! 6. the mirror, if there is one, has nothing else.
//!
//! Full replay, not this, says what is wrong: here every doubt ends in `None`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fetch::{Error, Theirs};
use super::{World, append, memory, mirror, pin, trust};
use crate::digest::{ObjectId, Sha256};
use crate::finding::Code;
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
/// No such file is larger.
const LIMIT: u64 = 1 << 16;
/// No increment has more commits; replay of the whole is not much dearer then.
const COMMITS: usize = 10_000;

/// The tips that passed, oldest first: what `replayed.json` holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tips(Vec<Replayed>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u32,
    program: String,
    tips: Vec<Replayed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replayed {
    tip: ObjectId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<Sha256>,
}

impl Replayed {
    fn new(tip: ObjectId, pin: Option<&Pin>) -> Self {
        let pin = pin.map(|pin| Sha256::of(pin::render(pin).as_bytes()));
        Replayed { tip, pin }
    }
}

impl Tips {
    /// Reads what this version of the program has written: of at most so many tips as it keeps, each once.
    pub fn parse(text: &str) -> Option<Self> {
        let Document { v, program, tips } = serde_json::from_str(text).ok()?;
        let is_ours = v == VERSION && program == env!("CARGO_PKG_VERSION") && tips.len() <= KEPT;
        let is_new = |(at, tip): (usize, &Replayed)| !tips[..at].contains(tip);
        (is_ours && tips.iter().enumerate().all(is_new)).then_some(Tips(tips))
    }

    /// One line of JSON, LF at its end.
    pub fn render(&self) -> String {
        let document = Document {
            v: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            tips: self.0.clone(),
        };
        serde_json::to_string(&document).expect("strings and a number are JSON") + "\n"
    }

    /// Puts a tip at the end, under the pin that held when it was judged.
    pub fn push(&mut self, tip: ObjectId, pin: Option<&Pin>) {
        let new = Replayed::new(tip, pin);
        self.0.retain(|known| *known != new);
        self.0.push(new);
        self.0.drain(..self.0.len().saturating_sub(KEPT));
    }

    fn has(&self, tip: ObjectId, pin: Option<&Pin>) -> bool {
        self.0.contains(&Replayed::new(tip, pin))
    }

    // What cannot be read is as if it were not there: it only saves time.
    fn read(path: &Path) -> Self {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
        let tips = read.ok().and_then(|_| Self::parse(&text));
        tips.unwrap_or_default()
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
    let mut tips = Tips::read(&path);
    if tips.0.last() == Some(&Replayed::new(tip, pin.as_ref())) {
        return Ok(());
    }
    tips.push(tip, pin.as_ref());
    Ok(memory::write(&path, tips.render().as_bytes())?)
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
    seen: Option<ObjectId>,
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
    let recorded = Tips::read(&folder.join(FILE));
    let is_recorded = |seen: &ObjectId| recorded.has(*seen, pin.as_ref());
    let Some(base) = seen.filter(is_recorded) else {
        return Ok(None);
    };
    if !goes_on(repository, base, tip) {
        return Ok(None);
    }
    let apart = mirror::findings(repository, &tip).map_err(super::verify::Error::Mirror)?;
    if apart.iter().any(|found| found.code != Code::MirrorUnseen) {
        return Ok(None);
    }
    let old = Tip::at(repository, ledger, base)?;
    Ok(added(repository, memory, &old, &new, tip))
}

/// Whether a tip goes on from another in commits of one parent.
fn goes_on(repository: &Repository, base: ObjectId, tip: ObjectId) -> bool {
    let mut at = tip;
    for _ in 0..COMMITS {
        if at == base {
            return true;
        }
        match repository
            .commit(&at)
            .as_ref()
            .map(|commit| &commit.parents[..])
        {
            Ok([parent]) => at = *parent,
            _ => return false,
        }
    }
    false
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
    let trust = trust::find(Some(repository), &[]).ok()?;
    let base = Base {
        record: &head.record,
        edge: &head.edge,
        seal: head.seal.as_ref(),
        in_force: &in_force,
        roster: &head.roster,
        trust: &trust,
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
