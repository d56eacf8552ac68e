//! `push`: bring everything that waits here to the remote's ledger, whoever else does the same at that moment.
//!
//! Pushes from one machine take turns, and one carries what others wait with (`Turn`). Each try:
//! 1. fetch (see [`fetch`]), where the remote moved: what others did is verified, ours goes on top;
//! 2. append what waits in the spool, signed by this writer, and what others on this machine wait with;
//! 3. push the local tip, on the condition that the remote's ref still holds what was fetched;
//! 4. ask the remote what it holds now. A push of unknown end, a lost connection for one, is judged by that alone.
//!
//! A rejection means that another writer was faster, and is tried again after a random pause, until the tries or the
//! time are used up. If the remote holds what was expected after two rejections, nobody was faster: the server will
//! not, and its words are passed on. When the bound is reached, what waits goes to a ref of its own,
//! `refs/docket/inbox/<id>`, where there is no contention; somebody's `fold` takes it from there. Nothing is taken
//! from the spool or the local ref until the remote was seen to hold it.

use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::apart::apart;
use super::append::Item;
use super::key::KeySource;
use super::light::{self, Brought};
use super::record::{self, Recorder};
use super::turn::{self, Turn};
use super::{Explain, Failure, World, fetch, inboxes, mirror, spool};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::transport::{Atomic, Pushed, Remote, Report, Update};
use crate::git::{self, Entry, EntryKind, RefName, Repository, Written};
use crate::store::Stored;

/// Below it, each inbox has a ref of its own.
pub const INBOX: &str = "refs/docket/inbox/";
/// The one file of an inbox's tree.
pub const INBOX_FILE: &str = "attestations";
/// What others wait with is looked for before so many tries, so that whoever serves others also ends.
const CARRYING_TRIES: u32 = 2;

/// What is to be pushed, where, and for how long.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The ledger and the remote.
    pub fetch: fetch::Request<'a>,
    /// The key to sign append records with, where something waits in the spool.
    pub key: Option<&'a KeySource>,
    /// How often to try.
    pub tries: u32,
    /// For how long to try.
    pub time: Duration,
}

/// Where things stand after it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The remote.
    pub remote: String,
    /// What the remote was seen to hold at the end, where it has a ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip: Option<ObjectId>,
    /// How many entries this push brought into the remote's ledger.
    pub landed: u64,
    /// How many attestations are not in the remote's ledger.
    pub pending: u64,
    /// The inbox that carries those, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbox: Option<String>,
    /// How often it was tried.
    pub tries: u32,
    /// What was brought of the remote's ledger, where only its newest state was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought: Option<Brought>,
}

/// Why nothing was pushed. What waited still waits.
#[derive(Debug, Error)]
pub enum Error {
    /// The remote's ledger could not be brought here.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// What waits could not be appended.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// Git or the remote could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The mirror could not be looked at.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The spool could not be read.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// How many inboxes the remote has could not be kept.
    #[error("the number of the remote's inboxes cannot be kept")]
    Inboxes(#[source] std::io::Error),
    /// There is neither a ledger here nor anything that waits.
    #[error("there is nothing to push: no {ledger} here, and an empty spool")]
    Nothing {
        /// The ref.
        ledger: RefName,
    },
    /// The server will not, though nobody was faster.
    #[error("{remote} refuses {name}: {words}")]
    Refused {
        /// The remote.
        remote: String,
        /// The ref.
        name: String,
        /// What git and the server said.
        words: String,
    },
    /// The server said that it took it, and does not hold it.
    #[error("{remote} said that it took {pushed}, and holds {}", held.as_ref().map_or("nothing".to_owned(), ToString::to_string))]
    NotKept {
        /// The remote.
        remote: String,
        /// What was pushed.
        pushed: ObjectId,
        /// What it holds.
        held: Option<ObjectId>,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Fetch(error) => error.failure(),
            Self::Record(error) => error.failure(),
            Self::Spool(error) => error.failure(),
            Self::Nothing { .. } => Failure::Undecided,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::Fetch(error) => return error.remedy(),
            Self::Record(error) => return error.remedy(),
            Self::Spool(error) => return error.remedy(),
            Self::Nothing { .. } => "`git docket run` or `attest` records something".into(),
            Self::Refused { .. } => "the server's hook or your permission there decides; what waits is kept, `git docket push` tries again".into(),
            Self::NotKept { .. } => "ask the server's owner; what waits is kept, `git docket push` tries again".into(),
            _ => "what waits is kept; `git docket push` tries again".into(),
        })
    }
}

/// Pushes.
///
/// # Errors
/// Where nothing reached the remote's ledger or an inbox; nothing is lost then.
pub fn push(
    world: &World,
    repository: &Repository,
    request: &Request<'_>,
) -> Result<Outcome, Error> {
    let ledger = request.fetch.ledger;
    let name = fetch::chosen(repository, request.fetch.remote)?;
    let remote = Remote::new(repository, &name, request.fetch.limit);
    let seen = fetch::private_ref(&name, ledger);
    let mirror = mirror::configured(repository)?;
    let spool = spool::Spool::of(repository);
    let began = (world.elapsed)();
    let (mut refusals, mut tries, mut landed) = (0, 0, 0_u64);
    let outcome = |tip, landed, pending, inbox, tries| Outcome {
        remote: name.clone(),
        tip,
        landed,
        pending,
        inbox,
        tries,
        brought: None,
    };
    let ask = || fetch::Answer::of(world, repository, &remote, ledger);
    let fetched =
        |answer: &fetch::Answer| fetch::fetch_answered(world, repository, ledger, &remote, answer);
    let own = || match repository.is_shallow() || repository.has_promisor() {
        true => Vec::new(),
        false => pending(repository, &name, ledger).unwrap_or_default(),
    };
    let turn = Turn::wait(world, repository, &name, ledger, request.time / 2, own);
    // What is carried for others, how many entries that added, and how many of them are not known to have landed.
    let (mut carrying, mut others) = (Vec::new(), 0);
    if let Some(outcome) = light::push(world, repository, &name, request)? {
        return Ok(outcome);
    }
    let mut answer = fetch::Answer::brought(world, repository, &remote, ledger)?;
    // What was pushed, and how many entries that were, where another's is there now: perhaps on top of it.
    let mut unclear = None;
    loop {
        let mut held = answer.value(ledger);
        if wants_fetch(repository, ledger, &seen, held)? {
            // It may have brought something newer than what was asked for first.
            held = Some(fetched(&answer)?.tip);
        }
        if let (Some((pushed, ahead)), Some(held)) = (unclear.take(), held)
            && repository.is_ancestor(&pushed, &held)?
        {
            landed += ahead;
        }
        if repository.reference(ledger)?.is_some() {
            if !spool.items()?.is_empty() {
                Recorder::open(world, repository, ledger, request.key, "HEAD")?.drain()?;
            }
            if tries < CARRYING_TRIES {
                others += carry(world, repository, request, &turn, &mut carrying)?;
            }
        }
        let Some(tip) = repository.reference(ledger)? else {
            return match spool.items()?.len() {
                0 => Err(Error::Nothing {
                    ledger: ledger.clone(),
                }),
                _ => into_inbox(world, repository, &remote, request, tries)
                    .map(|(inbox, pending)| outcome(None, 0, pending, inbox, tries)),
            };
        };
        let waiting = spool.items()?.len() as u64;
        if held == Some(tip) {
            turn.answer(&carrying);
            // Where nothing was left to push, another push carried it.
            let landed = match tries {
                0 => turn.carried(),
                _ => landed.saturating_sub(others),
            };
            return Ok(outcome(held, landed, waiting, None, tries));
        }
        let before = match held {
            Some(held) => fetch::size(repository, ledger, held)?,
            None => 0,
        };
        let ahead = fetch::size(repository, ledger, tip)?.saturating_sub(before);
        if tries >= request.tries || (world.elapsed)().saturating_sub(began) >= request.time {
            let (inbox, pending) = into_inbox(world, repository, &remote, request, tries)?;
            return Ok(outcome(held, landed, pending, inbox, tries));
        }
        tries += 1;
        let update = Update {
            name: ledger.to_string(),
            expected: held,
            new: Some(tip),
        };
        let mirrored = match &mirror {
            Some(mirror) => Some(mirror::update(repository, &remote, mirror, held, tip)?),
            None => None,
        };
        let atomic = if mirrored.is_some() {
            Atomic::Yes
        } else {
            Atomic::No
        };
        let updates: Vec<Update> = [update].into_iter().chain(mirrored).collect();
        let pushed = remote.push(&updates, atomic);
        answer = ask()?;
        match (pushed, answer.value(ledger)) {
            // Whatever was said: it holds what was pushed.
            (_, now) if now == Some(tip) => {
                landed += ahead;
                fetched(&answer)?;
            }
            // Somebody went on, perhaps from what was pushed: fetching tells.
            (_, now) if now != held => {
                unclear = Some((tip, ahead));
                refusals = 0;
                std::thread::sleep(pause(world, tries));
            }
            (pushed, now) => {
                not_taken(&name, ledger, tip, now, pushed, &mut refusals)?;
                std::thread::sleep(pause(world, tries));
            }
        }
    }
}

/// Appends what other pushes from this machine wait with, as far as it would be taken from an inbox, and says how many
/// entries that added.
fn carry(
    world: &World,
    repository: &Repository,
    request: &Request<'_>,
    turn: &Turn,
    carrying: &mut Vec<turn::Request>,
) -> Result<u64, Error> {
    let ledger = request.fetch.ledger;
    let mut requests = turn.requests();
    let is_known = |one: &turn::Request| carrying.iter().any(|known| known.is(one));
    requests.retain(|one| !is_known(one));
    let (Some(tip), false) = (repository.reference(ledger)?, requests.is_empty()) else {
        return Ok(0);
    };
    // Whoever may not append carries nothing for others.
    let Ok(recorder) = Recorder::open(world, repository, ledger, request.key, "HEAD") else {
        return Ok(0);
    };
    requests.retain(|one| one.items.iter().all(|item| recorder.takes(item)));
    let items: Vec<Item> = requests.iter().flat_map(|one| one.items.clone()).collect();
    if items.is_empty() || recorder.carry(items).is_err() {
        return Ok(0);
    }
    carrying.extend(requests);
    let before = fetch::size(repository, ledger, tip)?;
    let Some(now) = repository.reference(ledger)? else {
        return Ok(0);
    };
    Ok(fetch::size(repository, ledger, now)?.saturating_sub(before))
}

/// After a push whose remote still holds what was expected: an error where it said that it took it, and after the second
/// refusal.
pub(super) fn not_taken(
    remote: &str,
    ledger: &RefName,
    pushed: ObjectId,
    held: Option<ObjectId>,
    report: Result<Report, git::Error>,
    refusals: &mut u32,
) -> Result<(), Error> {
    let remote = remote.to_owned();
    *refusals += 1;
    match report {
        Ok(report) if accepted(&report, ledger) => Err(Error::NotKept {
            remote,
            pushed,
            held,
        }),
        _ if *refusals < 2 => Ok(()),
        Ok(report) => Err(Error::Refused {
            remote,
            name: ledger.to_string(),
            words: report.words,
        }),
        Err(error) => Err(error.into()),
    }
}

/// Whether the remote holds something that is not below the local ref yet, has lost what it held, or went back.
fn wants_fetch(
    repository: &Repository,
    ledger: &RefName,
    seen: &RefName,
    held: Option<ObjectId>,
) -> Result<bool, Error> {
    let seen = repository.reference(seen)?;
    let (Some(held), Some(here)) = (held, repository.reference(ledger)?) else {
        return Ok(held.is_some() || seen.is_some());
    };
    if !repository.has(&held) || !repository.is_ancestor(&held, &here)? {
        return Ok(true);
    }
    match seen {
        Some(seen) => Ok(!repository.is_ancestor(&seen, &held)?),
        None => Ok(false),
    }
}

fn accepted(report: &Report, ledger: &RefName) -> bool {
    report.refs.get(ledger.as_str()) == Some(&Pushed::Accepted)
}

/// Full jitter: anything up to a bound that grows, so that writers that met once do not meet again.
pub(super) fn pause(world: &World, tries: u32) -> Duration {
    let mut bytes = [0; 4];
    let random = match (world.random)(&mut bytes) {
        Ok(()) => u64::from(u32::from_le_bytes(bytes)),
        Err(_) => u64::from(std::process::id()),
    };
    let bound = (20_u64 << tries.min(6)).min(1_500);
    Duration::from_millis(random % bound)
}

/// Everything that is not in the remote's ledger as far as it was seen: what is ahead in the local ref, and the spool.
pub fn pending(
    repository: &Repository,
    remote: &str,
    ledger: &RefName,
) -> Result<Vec<Item>, Error> {
    let mut items = spool::Spool::of(repository).items()?;
    let Some(here) = repository.reference(ledger)? else {
        return Ok(items);
    };
    let seen = repository.reference(&fetch::private_ref(remote, ledger))?;
    let ahead = match seen.and_then(|seen| apart(repository, ledger, here, seen)) {
        Some(apart) => apart.ours,
        None => {
            let landed = match seen {
                Some(seen) => fetch::size(repository, ledger, seen)?,
                None => 0,
            };
            fetch::items_from(&Stored::at(repository, here)?, landed)?
        }
    };
    items.splice(0..0, ahead);
    Ok(items)
}

/// Puts what waits into an inbox, where there is something that may go there, and counts what waits.
pub(super) fn into_inbox(
    world: &World,
    repository: &Repository,
    remote: &Remote<'_>,
    request: &Request<'_>,
    tries: u32,
) -> Result<(Option<String>, u64), Error> {
    let mut items = pending(repository, remote.name(), request.fetch.ledger)?;
    let waiting = items.len() as u64;
    // What governs a ledger is rehearsed where it is appended, and goes by no other way.
    items.retain(|item| !crate::verify::is_governance(&item.step));
    if items.is_empty() {
        return Ok((None, waiting));
    }
    let text: String = items.iter().map(spool::render).collect();
    let mut written = Written::default();
    let file = Entry {
        name: INBOX_FILE.as_bytes().to_vec(),
        kind: EntryKind::File,
        id: repository.write(ObjectKind::Blob, text.as_bytes(), &mut written)?,
    };
    let tree = repository.write_tree(vec![file], &mut written)?;
    let (name, mail) = repository
        .committer()
        .unwrap_or_else(|| ("git docket".into(), "git-docket@localhost".into()));
    let who = format!("{name} <{mail}> {} +0000", world.now.unix());
    let commit = format!(
        "tree {}\nauthor {who}\ncommitter {who}\n\ngit docket: inbox of {} attestations after {tries} tries\n",
        tree.hex(),
        items.len()
    );
    let commit = repository.write(ObjectKind::Commit, commit.as_bytes(), &mut written)?;
    repository.sync(written)?;
    // Its name is its content's, so that the same attempt twice makes one inbox.
    let id = Sha256::of(text.as_bytes()).to_string();
    let name = format!("{INBOX}{}", &id[..32]);
    let held = remote.value(&name)?;
    if held.is_none() {
        let update = Update {
            name: name.clone(),
            expected: None,
            new: Some(commit),
        };
        let report = remote.push(&[update], Atomic::No)?;
        let listed = remote.list(&[fetch::EVERY_INBOX])?;
        inboxes::keep(world, repository, remote.name(), &listed).map_err(Error::Inboxes)?;
        if !listed.contains_key(&name) {
            return Err(Error::Refused {
                remote: remote.name().to_owned(),
                name,
                words: report.words,
            });
        }
    }
    Ok((Some(name), waiting))
}
