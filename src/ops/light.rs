//! `push` from a shallow or partial clone that has no ledger: only what an append needs is fetched.
//!
//! Where attestations wait in the spool, a pin is there and no mirror:
//! 1. bring the tip's commit and root into the [transfer repository](crate::git::transfer), then, level by level and by
//!    object id, the records, the notes that are appended to, their places, and the roster in force: at most
//!    [`ROUNDS`] fetches. A server that offers no filters, or no objects by id, sends the tip whole;
//! 2. hold it against what is known here: the append record, signed by one of the roster's, of the pin's origin; its seal,
//!    where it has one, by the pin's ledger key; an edge that yields both roots; nothing smaller than the pin's seal and
//!    this machine's memory, and nothing else of the same size;
//! 3. append there, push, and ask the remote what it holds, as any push does. Then the spool is emptied.
//!
//! Who had the right to sign, and that a larger ledger extends the one that memory knows, is judged by replay, whose work
//! this is not: nothing is remembered. Every doubt ends in `None`, and the ledger is fetched and replayed whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::append::{self, Appended, Appender, Head, Item};
use super::push::{self, Error, Outcome, Request};
use super::{World, fetch, key, memory, mirror, pin, record, spool};
use crate::digest::{ObjectId, Sha256};
use crate::git::transfer::{Along, Transfer};
use crate::git::transport::{Atomic, Remote, Update};
use crate::git::{RefName, Repository};
use crate::ledger::append_record::SignedAppendRecord;
use crate::ledger::entry::placement;
use crate::ledger::{InForce, Lines, Placement, TreeHead};
use crate::signing::SigningKey;
use crate::statement::predicate::PersonId;
use crate::store::{Part, Tip};
use crate::verify::{self, Pin};

/// No more fetches bring the parts of a tip.
pub const ROUNDS: u32 = 5;
/// What a link and its frame add to a note, at most.
const LINK: usize = 2048;

/// What a push brought of the remote's ledger, where it did not bring all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    /// Whether the newest state came whole, since the server offers no parts of it.
    pub whole: bool,
    /// How many fetches that took.
    pub rounds: u32,
}

/// Pushes so; `None` where it is not to be done so, or there is any doubt.
pub(super) fn push(
    world: &World,
    repository: &Repository,
    name: &str,
    request: &Request<'_>,
) -> Result<Option<Outcome>, Error> {
    let ledger = request.fetch.ledger;
    let is_part = repository.is_shallow() || repository.has_promisor();
    let seen = fetch::private_ref(name, ledger);
    let is_new = repository.reference(ledger)?.is_none() && repository.reference(&seen)?.is_none();
    if !is_part || !is_new || mirror::configured(repository)?.is_some() {
        return Ok(None);
    }
    let spool = spool::Spool::of(repository);
    let mut items = spool.items()?;
    items.retain(|item| repository.has(&item.commit));
    let governs = items.iter().any(|item| verify::is_governance(&item.step));
    let (pin, _) = pin::find(repository, None).map_err(record::Error::Pin)?;
    let Some(pin) = pin.filter(|_| !items.is_empty() && !governs) else {
        return Ok(None);
    };
    let key = key::signing_key(world, request.key).map_err(record::Error::Key)?;
    let limit = request.fetch.limit;
    let Some(transfer) = Transfer::open(repository, name, limit.min(request.time))? else {
        return Ok(None);
    };
    let work = Work {
        world,
        repository,
        name,
        request,
        spool,
        items,
        pin,
        key,
    };
    let outcome = work.push(&transfer)?;
    if outcome.is_some() {
        transfer.keep();
    }
    Ok(outcome)
}
/// All that a push from here needs.
struct Work<'a> {
    world: &'a World,
    repository: &'a Repository,
    name: &'a str,
    request: &'a Request<'a>,
    spool: spool::Spool,
    items: Vec<Item>,
    pin: Pin,
    key: SigningKey,
}

impl Work<'_> {
    fn push(&self, transfer: &Transfer) -> Result<Option<Outcome>, Error> {
        let (world, request) = (self.world, self.request);
        let ledger = request.fetch.ledger;
        let here = transfer.repository();
        let remote = transfer.remote();
        let began = (world.elapsed)();
        let (mut brought, mut tries, mut refusals) = (Brought::default(), 0, 0);
        // How many stand there since a push of ours, whose end is known by that alone.
        let mut new = None;
        loop {
            let Some(held) = remote.value(ledger.as_str())? else {
                return Ok(None);
            };
            let held = bring(transfer, ledger, held, &self.items, &mut brought)?;
            let tip = Tip::at(here, ledger, held)?;
            let Some(head) = known(world, &tip, &self.pin)? else {
                return Ok(None);
            };
            let before = head.record.new.size;
            let Some(appended) = self.append(here, (tip, head))? else {
                return Ok(None);
            };
            let ours = here.reference(ledger)?.unwrap_or(held);
            let adds = appended.seqs.iter().filter(|seq| **seq >= before).count() as u64;
            let landed = *new.get_or_insert(adds);
            let outcome = Outcome {
                remote: self.name.to_owned(),
                tip: Some(held),
                landed: 0,
                pending: 0,
                inbox: None,
                tries,
                brought: Some(brought),
            };
            if adds == 0 {
                return self.landed(Outcome { landed, ..outcome });
            }
            if tries >= request.tries || (world.elapsed)().saturating_sub(began) >= request.time {
                let remote = Remote::new(self.repository, self.name, request.fetch.limit);
                let (inbox, pending) =
                    push::into_inbox(world, self.repository, &remote, request, tries)?;
                return Ok(Some(Outcome {
                    inbox,
                    pending,
                    ..outcome
                }));
            }
            tries += 1;
            let update = Update {
                name: ledger.to_string(),
                expected: Some(held),
                new: Some(ours),
            };
            let pushed = remote.push(&[update], Atomic::No);
            let now = remote.value(ledger.as_str())?;
            if now == Some(ours) {
                return self.landed(Outcome {
                    tip: now,
                    landed,
                    tries,
                    ..outcome
                });
            }
            if now != Some(held) {
                refusals = 0;
            } else {
                push::not_taken(self.name, ledger, ours, now, pushed, &mut refusals)?;
            }
            std::thread::sleep(push::pause(world, tries));
        }
    }

    /// Appends on that tip; `None` where something is not here after all, or not as it should be.
    fn append(&self, here: &Repository, on: (Tip<'_>, Head)) -> Result<Option<Appended>, Error> {
        let appender = Appender {
            repository: here,
            ledger: self.request.fetch.ledger,
            key: &self.key,
            sealing: None,
            now: (self.world.clock)(),
            random: self.world.random.as_ref(),
        };
        match appender.append_after(Some(&on), &self.items) {
            Ok(appended) => Ok(Some(appended)),
            Err(
                error @ (append::Error::NotAWriter { .. }
                | append::Error::NotOpened(_)
                | append::Error::Contention(_)),
            ) => Err(record::Error::Append(error).into()),
            Err(_) => Ok(None),
        }
    }

    /// Takes from the spool what the remote was seen to hold.
    fn landed(&self, outcome: Outcome) -> Result<Option<Outcome>, Error> {
        self.spool.remove(&self.items)?;
        let pending = self.spool.items()?.len() as u64;
        Ok(Some(Outcome { pending, ..outcome }))
    }
}

/// Brings what an append of these items needs of the remote's tip, and the ref here to it.
fn bring(
    transfer: &Transfer,
    ledger: &RefName,
    held: ObjectId,
    items: &[Item],
    brought: &mut Brought,
) -> Result<ObjectId, Error> {
    let here = transfer.repository();
    let mut rounds = 0;
    let mut tip = held;
    if here.reference(ledger)? != Some(held) {
        tip = transfer.tip(ledger)?;
        rounds = 1;
    }
    let first = rounds;
    loop {
        let lacking = lacking(&Tip::at(here, ledger, tip)?, items)?;
        if lacking.is_empty() {
            // All at once, although only the root was asked for.
            brought.whole |= first == 1 && rounds == 1;
            break;
        }
        let along = match rounds + 1 < ROUNDS && has_records(&Tip::at(here, ledger, tip)?) {
            true => Along::Folders,
            false => Along::Children,
        };
        rounds += 1;
        if rounds > ROUNDS || transfer.objects(lacking, along).is_err() {
            tip = transfer.whole_tip(ledger)?;
            brought.whole = true;
            break;
        }
    }
    brought.rounds += rounds;
    Ok(tip)
}

fn has_records(tip: &Tip<'_>) -> bool {
    tip.record("append").is_ok()
}

/// What is not here yet and is known to be needed.
fn lacking(tip: &Tip<'_>, items: &[Item]) -> Result<BTreeSet<ObjectId>, Error> {
    const RECORDS: [&str; 5] = ["append", "append.sigstore.json", "seal", "edge", "in-force"];
    let mut parts: Vec<Part> = RECORDS.map(Part::Record).into();
    let mut notes = BTreeMap::new();
    for Item {
        commit,
        attestation,
        ..
    } in items
    {
        parts.extend([Part::Note(*commit), Part::Commit(*commit)]);
        let length = notes.entry(*commit).or_insert_with(|| {
            tip.note(commit)
                .ok()
                .map(|note| note.map_or(0, |n| n.len()))
        });
        if let Some(length) = length {
            if placement(attestation.bytes(), *length) == Placement::Blob {
                parts.push(Part::Blob(attestation.digest()));
            }
            *length += attestation.bytes().len() + LINK;
        }
    }
    let pointer = tip.record("in-force").ok().flatten();
    if let Some(pointer) = pointer.and_then(|bytes| InForce::parse(&bytes).ok()) {
        let object = pointer.roster.object();
        parts.push(Part::Note(object));
        parts.extend(roster_body(tip, &object).map(Part::Blob));
    }
    Ok(tip.lacking(&parts)?)
}

/// The roster's attestation, where it does not stand in its note.
fn roster_body(tip: &Tip<'_>, object: &ObjectId) -> Option<Sha256> {
    let note = tip.note(object).ok()??;
    let signed = SignedAppendRecord::parse(&tip.record("append").ok()??).ok()?;
    let seq = signed.unverified().roster.seq;
    let mut lines = Lines::of(&note).map_while(Result::ok);
    let line = lines.find(|line| line.link.seq == seq)?;
    line.body.is_none().then_some(line.link.attestation)
}

/// The tip's head, where its records hold against pin and memory.
fn known(world: &World, tip: &Tip<'_>, pin: &Pin) -> Result<Option<Head>, Error> {
    let Ok(head) = append::head(tip) else {
        return Ok(None);
    };
    let is_signed = || {
        let signed = SignedAppendRecord::parse(&tip.record("append").ok()??).ok()?;
        let writer: PersonId = signed.writer().as_str().parse().ok()?;
        let mut keys = head.roster.person(&writer)?.keys();
        keys.find(|key| signed.verify(key).is_ok()).map(drop)
    };
    let sealed = match &head.seal {
        None => None,
        Some(seal) => match seal.verify(&pin.ledger_key) {
            Ok(seal) if seal.origin == pin.origin => Some(seal.head.clone()),
            _ => return Ok(None),
        },
    };
    let memories = memory::recall(&world.folders.state, &pin.origin)
        .map_err(|error| Error::Fetch(error.into()))?;
    let extends = |old: &TreeHead, new: &TreeHead| {
        old.size < new.size || (old.size == new.size && old.root == new.root)
    };
    // Whoever knows a seal is shown that one or a later one.
    let reaches = |known: Option<&TreeHead>| {
        known.is_none_or(|known| sealed.as_ref().is_some_and(|seal| extends(known, seal)))
    };
    let is_remembered = memories.iter().all(|memory| {
        let seal = memory.seal.as_ref().map(|seal| &seal.unverified().head);
        memory.genesis == pin.genesis && extends(&memory.landed, &head.record.new) && reaches(seal)
    });
    let pinned = pin.seal.as_ref().map(|seal| &seal.unverified().head);
    let holds = head.record.origin == pin.origin
        && is_signed().is_some()
        && is_remembered
        && reaches(pinned);
    Ok(holds.then_some(head))
}
