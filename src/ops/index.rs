//! The index of a clone's ledger, brought up to date before it answers.
//!
//! 1. It answers at once where it was made from the ref's tip as it is now, by this program, under the pin that holds now; where
//!    no memory has seen more, no mirror disagrees, its counts are those that were written, and rows spread over it
//!    stand in the ledger as they say: by commit, seq and the attestation's digest.
//! 2. Otherwise the ledger is replayed whole, held to what the index saw landed as if that were a memory of it: a ledger
//!    that was rolled back or forked is refused, and the index left as it is. What counts then is the new index.
//! 3. Where the folder cannot be written, the index lives in memory, for this answer.
//!
//! Several processes may do so at once: whoever writes holds a lock, and looks again once it is held.

use std::path::PathBuf;

use super::query::Error;
use super::verify::{self as replay, Remember, Request};
use super::{World, judgement, memory, mirror, pin};
use crate::digest::{ObjectId, Sha256};
use crate::git::{RefName, Repository};
use crate::index::Head;
use crate::index::sqlite::{self, Index, Writing};
use crate::ledger::TreeHead;
use crate::ledger::entry::Lines;
use crate::query::{self, Row};
use crate::store::Tip;
use crate::verify::{Keep, Memory, Question, Verdict};

/// So many rows are looked up in the ledger before the index answers.
const SAMPLED: u32 = 8;
const USUAL: &str = "refs/notes/docket";

/// Where the index of a ledger stands: `docket/index.sqlite` in the repository's common git directory, for a ledger under
/// another ref with a part of that name's digest.
pub fn path(repository: &Repository, ledger: &RefName) -> PathBuf {
    let folder = repository.common_dir().join("docket");
    match ledger.as_str() {
        USUAL => folder.join("index.sqlite"),
        other => {
            let name = Sha256::of(other.as_bytes()).to_string();
            folder.join(format!("index-{}.sqlite", &name[..16]))
        }
    }
}

/// The index, of the ledger as it is now.
///
/// # Errors
/// Where we could not look, or the ledger is broken, rolled back or forked.
pub fn current(world: &World, repository: &Repository, ledger: &RefName) -> Result<Index, Error> {
    let asked = Asked {
        world,
        repository,
        ledger,
        path: path(repository, ledger),
    };
    if let Some(index) = asked.standing()? {
        return Ok(index);
    }
    let Ok(writing) = Writing::wait(&asked.path) else {
        let (head, rows) = replayed(world, repository, ledger, None)?;
        return Ok(Index::in_memory(&head, &rows)?);
    };
    // Another may have made it meanwhile.
    if let Some(index) = asked.standing()? {
        return Ok(index);
    }
    let (head, rows) = replayed(world, repository, ledger, asked.seen())?;
    match Index::create(&writing, &head, &rows) {
        Ok(index) => Ok(index),
        Err(_) => Ok(Index::in_memory(&head, &rows)?),
    }
}

/// Runs one statement of SQL over the index's views.
///
/// # Errors
/// As with [`current`]; and where the statement is refused.
pub fn ask(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    sql: &str,
) -> Result<sqlite::Answer, Error> {
    Ok(current(world, repository, ledger)?.ask(sql)?)
}

/// The entries that count, by a replay of the whole in this run, and what they are bound to.
///
/// # Errors
/// As with [`current`].
pub fn replayed(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    seen: Option<Memory>,
) -> Result<(Head, Vec<Row>), Error> {
    let mut request = Request::new(Question::Ledger);
    request.keep = Keep::Said;
    request.checks = judgement::Wanted::These(Vec::new());
    request.remember = Remember::No;
    if let Some(seen) = seen {
        let mut memories = memory::recall_all(&world.folders.state).map_err(replay::Error::from)?;
        memories.push(seen);
        request.memories = Some(memories);
    }
    let outcome = replay::verify(world, repository, ledger, &request)?.outcome;
    let (Some(evidence), Some(origin), Some(genesis)) =
        (&outcome.evidence, &outcome.origin, outcome.genesis)
    else {
        return Err(Error::Broken);
    };
    if outcome.verdict == Verdict::Broken {
        return Err(Error::Broken);
    }
    let head = Head {
        origin: origin.to_string(),
        genesis,
        tip: outcome.tip,
        landed: match &outcome.memory {
            Some(memory) => memory.landed.clone(),
            None => TreeHead::empty(),
        },
        held: held(repository, ledger)?,
    };
    // What git knows says nothing that a row has.
    let model = outcome.model(evidence, None);
    Ok((head, query::rows(&model).collect()))
}

/// Holds the index against what a replay found; where it is of the same ledger and says something else, it is removed.
///
/// # Errors
/// Where it said something else.
pub(super) fn hold(
    repository: &Repository,
    ledger: &RefName,
    head: &Head,
    rows: &[Row],
) -> Result<(), Error> {
    let path = path(repository, ledger);
    let Ok(Some(index)) = Index::open(&path) else {
        return Ok(());
    };
    if index.head().as_ref() != Some(head) {
        return Ok(());
    }
    let should = Index::in_memory(head, rows)?.fingerprint()?;
    if index.fingerprint().is_ok_and(|is| is == should) {
        return Ok(());
    }
    // Under the lock, or a new one that another process makes would be removed.
    let removed = Writing::wait(&path).and_then(|writing| writing.remove());
    removed.map_err(Error::from).and(Err(Error::Doctored))
}

struct Asked<'a> {
    world: &'a World,
    repository: &'a Repository,
    ledger: &'a RefName,
    path: PathBuf,
}

impl Asked<'_> {
    // The index, where it may answer as it is. What cannot be read is as if it were not there.
    fn standing(&self) -> Result<Option<Index>, Error> {
        let Some(tip) = self.repository.reference(self.ledger)? else {
            return Ok(None);
        };
        let Ok(Some(index)) = Index::open(&self.path) else {
            return Ok(None);
        };
        let Some(head) = index.head() else {
            return Ok(None);
        };
        let is_bound = head.tip == tip && head.held == held(self.repository, self.ledger)?;
        let is_standing = is_bound
            && self.is_newest(&head)?
            && mirror::findings(self.repository, &tip)
                .map_err(replay::Error::from)?
                .is_empty()
            && self.agrees(&index, tip);
        Ok(is_standing.then_some(index))
    }

    // Whether nobody here has seen more of it, or another of its name.
    fn is_newest(&self, head: &Head) -> Result<bool, Error> {
        let memories =
            memory::recall_all(&self.world.folders.state).map_err(replay::Error::from)?;
        let mut known = memories
            .iter()
            .filter(|memory| memory.origin.to_string() == head.origin);
        Ok(known
            .all(|memory| memory.genesis == head.genesis && memory.landed.size <= head.landed.size))
    }

    // Whether rows spread over the index stand in the ledger.
    fn agrees(&self, index: &Index, tip: ObjectId) -> bool {
        let Ok(tip) = Tip::at(self.repository, self.ledger, tip) else {
            return false;
        };
        let stands = |row: &Row| {
            let note = tip.note(&row.commit).ok().flatten().unwrap_or_default();
            Lines::of(&note)
                .map_while(Result::ok)
                .any(|line| line.link.seq == row.seq && line.link.attestation == row.attestation)
        };
        index
            .sample(SAMPLED)
            .is_ok_and(|rows| rows.iter().all(stands))
    }

    // What the index that stands there saw landed, whatever else is wrong with it.
    fn seen(&self) -> Option<Memory> {
        let head = Index::open(&self.path).ok()??.head()?;
        Some(Memory {
            origin: head.origin.parse().ok()?,
            genesis: head.genesis,
            seal: None,
            landed: head.landed,
        })
    }
}

fn held(repository: &Repository, ledger: &RefName) -> Result<Sha256, Error> {
    let (pin, _) = pin::find(repository, None).map_err(replay::Error::from)?;
    let pin = pin.as_ref().map(pin::render).unwrap_or_default();
    Ok(Sha256::of_parts(&[
        env!("CARGO_PKG_VERSION").as_bytes(),
        b"\n",
        ledger.as_str().as_bytes(),
        b"\n",
        pin.as_bytes(),
    ]))
}
