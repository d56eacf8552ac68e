//! `fetch`: bring the remote's ledger here, verified before anything moves, and never by force.
//!
//! 1. Ask the remote where its ledger stands; that it has none is an error, never an empty ledger.
//! 2. Bring that tip under a private ref, `refs/docket/fetched/<remote>`.
//! 3. Replay it, whole or by what was added to a tip replayed before ([`incremental`]), against the pin and against what was seen before: a ledger that is broken, rolled back or forked
//!    goes no further, and neither does one with another genesis than the ledger here.
//! 4. Move the local ref: forward where it is behind; not at all where it is ahead; where both went on, what is only
//!    here goes to the spool, and the local ref to the remote's tip. The next append puts it on top: links are made
//!    anew, attestations never.
//! 5. Remember what the remote was seen to hold, how many inboxes among it, and its mirror's tip.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::apart::{Apart, apart};
use super::append::Item;
use super::verify::{self as replay, Remember};
use super::{Explain, Failure, World, fork_proof, inboxes, incremental, memory, mirror, spool};
use crate::attestation::{Attestation, ParseError};
use crate::digest::{ObjectId, Sha256};
use crate::finding::Finding;
use crate::git::transport::Remote;
use crate::git::{self, Moved, Reason, RefName, Repository};
use crate::ledger::fork_proof::ForkProof;
use crate::ledger::snapshot::ReadError;
use crate::ledger::{Lines, Link, Snapshot as _};
use crate::process;
use crate::store::{self, Stored};
use crate::verify::{Memory, Question, Verdict};

/// The pattern of all inboxes (git-ls-remote(1)).
pub(super) const EVERY_INBOX: &str = "refs/docket/inbox/*";
/// How often a local ref that others move is looked at again.
const TRIES: u32 = 20;

/// Which ledger, from where.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The ledger's ref, here and there.
    pub ledger: &'a RefName,
    /// The remote; where none is named, the only one, or `origin`.
    pub remote: Option<&'a str>,
    /// How long one call of git may take.
    pub limit: Duration,
}

/// What became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// The remote.
    pub remote: String,
    /// Where the remote's ledger stands.
    pub tip: ObjectId,
    /// How many entries it has.
    pub entries: u64,
    /// How many of them a seal covers.
    pub sealed: u64,
    /// How many of them were not here before.
    pub new: u64,
    /// How many attestations of ours are not on the remote yet.
    pub pending: u64,
}

/// Why nothing was fetched.
#[derive(Debug, Error)]
pub enum Error {
    /// The repository has no remote.
    #[error("the repository has no remote")]
    NoRemote,
    /// It has several, and none of them is `origin`.
    #[error("the repository has {} remotes and none is called origin", names.len())]
    WhichRemote {
        /// Their names.
        names: Vec<String>,
    },
    /// The remote has no ledger.
    #[error("{remote} has no {ledger}")]
    NoLedger {
        /// The remote.
        remote: String,
        /// The ref.
        ledger: RefName,
    },
    /// The remote had a ledger when it was last seen.
    #[error("{remote} has no {ledger} any more")]
    Gone {
        /// The remote.
        remote: String,
        /// The ref.
        ledger: RefName,
    },
    /// What the remote holds does not verify.
    #[error(
        "what {remote} holds is not to be followed: {}{}",
        listed(findings),
        written(fork_proofs)
    )]
    Broken {
        /// The remote.
        remote: String,
        /// What is broken, heaviest first.
        findings: Vec<Finding>,
        /// Where the proofs of a rollback or fork were written.
        fork_proofs: Vec<PathBuf>,
    },
    /// The remote's ledger has another genesis than the one here.
    #[error("the remote holds another ledger: its genesis is {theirs}, the one here is {ours}")]
    Unrelated {
        /// Its genesis.
        theirs: Sha256,
        /// Ours.
        ours: Sha256,
    },
    /// Git or the remote could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Memory could not be used.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The spool could not be used.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The mirror that the configuration names is none.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// How many inboxes the remote has could not be kept.
    #[error("the number of the remote's inboxes cannot be kept")]
    Inboxes(#[source] std::io::Error),
    /// A note or body of the ledger here cannot be read.
    #[error("an entry of the ledger here cannot be read")]
    Entry(#[source] ReadError),
    /// An attestation of the ledger here is none, so that it cannot be put on top of the remote's.
    #[error("an entry of the ledger here holds no attestation")]
    Attestation(#[from] ParseError),
    /// Other processes moved the local ref, every time.
    #[error("the local ref moved {TRIES} times meanwhile")]
    Moving,
}

fn listed(findings: &[Finding]) -> String {
    let told = findings
        .iter()
        .map(|found| format!("{}: {}", found.code, found.detail));
    told.collect::<Vec<_>>().join("; ")
}

fn written(fork_proofs: &[PathBuf]) -> String {
    let told = fork_proofs
        .iter()
        .map(|path| format!("; proof: {}", path.display()));
    told.collect()
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::NoRemote | Self::WhichRemote { .. } => Failure::Usage,
            Self::Broken { .. } | Self::Unrelated { .. } | Self::Gone { .. } => Failure::Broken,
            Self::Moving => Failure::Contention,
            Self::Replay(error) => error.failure(),
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::NoRemote => "git remote add origin URL".into(),
            Self::WhichRemote { names } => format!("say --remote {}", names.join(" or --remote ")),
            Self::NoLedger { remote, .. } => format!(
                "`git docket push --remote {remote}` brings one there; `git docket init` founds one"
            ),
            Self::Gone { remote, ledger } => format!(
                "ask the server's owner; what was last seen is kept in {}",
                private_ref(remote, ledger)
            ),
            Self::Broken {
                remote,
                fork_proofs,
                ..
            } if !fork_proofs.is_empty() => format!(
                "nothing here was changed; keep the proof, which anybody can check with `git docket verify --fork-proof FILE`, and ask {remote}'s owner; `git docket help recovery`"
            ),
            Self::Broken { remote, .. } => format!(
                "nothing here was changed; compare with another clone and ask {remote}'s owner; `git docket help threats`"
            ),
            Self::Unrelated { .. } => "a pin (.docket.toml) decides which one is meant".into(),
            Self::Replay(error) => return error.remedy(),
            Self::Memory(error) => return error.remedy(),
            Self::Spool(error) => return error.remedy(),
            Self::Moving => "fetch again".into(),
            _ => return None,
        })
    }
}

/// The remote that is meant.
///
/// # Errors
/// Where it is not clear which.
pub fn chosen(repository: &Repository, named: Option<&str>) -> Result<String, Error> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let mut names = repository.remotes();
    match names.len() {
        0 => Err(Error::NoRemote),
        1 => Ok(names.remove(0)),
        _ if names.iter().any(|name| name == "origin") => Ok("origin".to_owned()),
        _ => Err(Error::WhichRemote { names }),
    }
}

/// The ref of our own that holds what a remote's ledger was last seen to be.
pub fn private_ref(remote: &str, ledger: &RefName) -> RefName {
    let remote = inboxes::as_file_name(remote);
    let below = ledger.as_str().trim_start_matches("refs/");
    format!("refs/docket/fetched/{remote}/{below}")
        .parse()
        .expect("a ref's name below another prefix is one")
}

/// Where what comes stands until it was judged: what was last seen stays known where the new is refused.
fn arriving(remote: &str, ledger: &RefName) -> RefName {
    format!("{}-arriving", private_ref(remote, ledger))
        .parse()
        .expect("a longer name is one")
}

/// What a remote answered, and what was remembered before it was asked: what others see meanwhile may be newer than
/// the answer, and no rollback.
pub(super) struct Answer {
    memories: Vec<Memory>,
    refs: BTreeMap<String, ObjectId>,
    /// Whether what the ledger holds there was brought here with the answer.
    has_come: bool,
}

impl Answer {
    /// Asks for the ledger, its mirror, and the inboxes, whose number is kept.
    pub(super) fn of(
        world: &World,
        repository: &Repository,
        remote: &Remote<'_>,
        ledger: &RefName,
    ) -> Result<Self, Error> {
        let memories = memory::recall_all(&world.folders.state)?;
        let mirror = mirror::configured(repository)?;
        let mut patterns = vec![ledger.as_str(), EVERY_INBOX];
        patterns.extend(mirror.as_ref().map(RefName::as_str));
        let refs = remote.list(&patterns)?;
        inboxes::keep(world, repository, remote.name(), &refs).map_err(Error::Inboxes)?;
        Ok(Answer {
            memories,
            refs,
            has_come: false,
        })
    }

    /// Asks for the ledger by fetching it, which is one question less where it has gone on; where there is none, or more
    /// than the ledger is to be asked for, as [`Answer::of`].
    pub(super) fn brought(
        world: &World,
        repository: &Repository,
        remote: &Remote<'_>,
        ledger: &RefName,
    ) -> Result<Self, Error> {
        if mirror::configured(repository)?.is_some() {
            return Self::of(world, repository, remote, ledger);
        }
        let memories = memory::recall_all(&world.folders.state)?;
        match remote.fetch(ledger.as_str(), &arriving(remote.name(), ledger)) {
            Ok(tip) => Ok(Answer {
                memories,
                refs: [(ledger.to_string(), tip)].into(),
                has_come: true,
            }),
            Err(git::Error::Program(process::Error::Failed { .. })) => {
                Self::of(world, repository, remote, ledger)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Where a ref stands there; `None` where there is none.
    pub(super) fn value(&self, name: &RefName) -> Option<ObjectId> {
        self.refs.get(name.as_str()).copied()
    }
}

/// Fetches.
///
/// # Errors
/// Where the remote has no ledger, or not one to be followed; nothing was changed then.
pub fn fetch(
    world: &World,
    repository: &Repository,
    request: &Request<'_>,
) -> Result<Fetched, Error> {
    let name = chosen(repository, request.remote)?;
    let remote = Remote::new(repository, &name, request.limit);
    let answer = Answer::of(world, repository, &remote, request.ledger)?;
    fetch_answered(world, repository, request.ledger, &remote, &answer)
}

/// Fetches what a remote answered that it holds, or what it holds by then.
///
/// # Errors
/// As [`fetch`].
pub(super) fn fetch_answered(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    remote: &Remote<'_>,
    answer: &Answer,
) -> Result<Fetched, Error> {
    let name = remote.name().to_owned();
    let seen = private_ref(&name, ledger);
    let Some(held) = answer.value(ledger) else {
        let (remote, ledger) = (name, ledger.clone());
        return Err(match repository.reference(&seen)? {
            Some(_) => Error::Gone { remote, ledger },
            None => Error::NoLedger { remote, ledger },
        });
    };
    let arriving = arriving(&name, ledger);
    // What was appended here is here, but in a partial clone, where plain git may have left some of it out.
    let is_here = repository.reference(ledger)? == Some(held) && !repository.has_promisor();
    let tip = if is_here {
        set(repository, &arriving, &held, world)?;
        held
    } else if answer.has_come {
        held
    } else {
        remote.fetch(ledger.as_str(), &arriving)?
    };
    if let Some(mirror) = mirror::configured(repository)?
        && let Some(there) = answer.value(&mirror)
    {
        let seen = private_ref(&name, &mirror);
        if repository.reference(&seen)? != Some(there) {
            remote.fetch(mirror.as_str(), &seen)?;
        }
    }
    let memories = &answer.memories;
    let before = repository.reference(&seen)?;
    let theirs = match incremental::judged(world, repository, ledger, tip, before, memories)? {
        Some(theirs) => theirs,
        None => judged(
            world,
            repository,
            &name,
            ledger,
            &arriving,
            memories.clone(),
        )?,
    };
    for _ in 0..TRIES {
        let local = repository.reference(ledger)?;
        let Some(known) = follow(world, repository, ledger, local, tip, &theirs)? else {
            continue;
        };
        memory::remember(&world.folders.state, &theirs.memory)?;
        incremental::record(world, repository, tip, &theirs.memory)?;
        set(repository, &seen, &tip, world)?;
        let here = repository.reference(ledger)?.unwrap_or(tip);
        let ahead = size(repository, ledger, here)?.saturating_sub(theirs.entries);
        let spooled = spool::Spool::of(repository).items()?.len() as u64;
        return Ok(Fetched {
            remote: name,
            tip,
            entries: theirs.entries,
            sealed: theirs.sealed,
            new: theirs.entries.saturating_sub(known),
            pending: ahead + spooled,
        });
    }
    Err(Error::Moving)
}

/// A remote's ledger that may be followed.
pub(super) struct Theirs {
    pub(super) genesis: Sha256,
    pub(super) entries: u64,
    pub(super) sealed: u64,
    pub(super) memory: Memory,
}

fn judged(
    world: &World,
    repository: &Repository,
    remote: &str,
    ledger: &RefName,
    arriving: &RefName,
    memories: Vec<Memory>,
) -> Result<Theirs, Error> {
    let mut request = replay::Request::new(Question::Ledger);
    request.memories = Some(memories);
    request.remember = Remember::No;
    let outcome = replay::verify(world, repository, arriving, &request)?.outcome;
    let (Some(genesis), Some(mut memory), false) = (
        outcome.genesis,
        outcome.memory,
        outcome.verdict == Verdict::Broken,
    ) else {
        let mut findings = outcome.findings;
        let heaviest = findings.iter().map(Finding::severity).max();
        findings.retain(|found| Some(found.severity()) == heaviest);
        let proofs = proofs(repository, ledger, outcome.fork_proofs)?;
        let state = &world.folders.state;
        return Err(Error::Broken {
            remote: remote.to_owned(),
            findings,
            fork_proofs: fork_proof::keep(state, outcome.genesis, &proofs)?,
        });
    };
    // Read back from the remote: this has landed.
    memory.landed = outcome.heads.landed.clone();
    Ok(Theirs {
        genesis,
        entries: outcome.heads.landed.size,
        sealed: outcome.counts.sealed,
        memory,
    })
}

/// Where less was shown than was seen, only the ledger here can say whether it is the same history.
fn proofs(
    repository: &Repository,
    ledger: &RefName,
    proofs: Vec<ForkProof>,
) -> Result<Vec<ForkProof>, Error> {
    let (false, Some(here)) = (proofs.is_empty(), repository.reference(ledger)?) else {
        return Ok(proofs);
    };
    let mut leaves = BTreeMap::new();
    each_line(&Stored::at(repository, here)?, |line, _| {
        leaves.insert(line.link.seq, line.link.leaf());
        Ok(())
    })?;
    let leaves: Vec<_> = leaves.into_values().collect();
    let proofs = proofs.into_iter();
    Ok(proofs.map(|proof| proof.with_leaves(&leaves)).collect())
}

/// Moves the local ref to where it then holds all that the remote has; how many of the remote's entries were here
/// before, or `None` where another process moved the ref meanwhile.
fn follow(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    local: Option<ObjectId>,
    tip: ObjectId,
    theirs: &Theirs,
) -> Result<Option<u64>, Error> {
    let known = match local {
        None => 0,
        Some(here) if here == tip || repository.is_ancestor(&tip, &here)? => {
            return Ok(Some(theirs.entries));
        }
        Some(here) if repository.is_ancestor(&here, &tip)? => size(repository, ledger, here)?,
        Some(here) => {
            let Apart { ours, common } = match apart(repository, ledger, here, tip) {
                Some(apart) => apart,
                None => compared(repository, here, tip, theirs)?,
            };
            spool::Spool::of(repository).keep(&ours)?;
            common
        }
    };
    let moved = repository.move_reference(ledger, local.as_ref(), &tip, because(world))?;
    Ok((moved == Moved::Yes).then_some(known))
}

/// The same as [`apart`], of both ledgers as a whole.
fn compared(
    repository: &Repository,
    here: ObjectId,
    tip: ObjectId,
    theirs: &Theirs,
) -> Result<Apart, Error> {
    let ours = Stored::at(repository, here)?;
    if let Some(genesis) = genesis(&ours)?.filter(|genesis| *genesis != theirs.genesis) {
        return Err(Error::Unrelated {
            theirs: theirs.genesis,
            ours: genesis,
        });
    }
    let there = digests(&Stored::at(repository, tip)?)?;
    Ok(Apart {
        common: digests(&ours)?.intersection(&there).count() as u64,
        ours: select(&ours, |link| !there.contains(&link.attestation))?,
    })
}

fn because(world: &World) -> Reason<'static> {
    Reason {
        text: "git docket: fetch",
        time: world.now,
    }
}

/// Sets a ref of our own, whatever it held.
pub(super) fn set(
    repository: &Repository,
    name: &RefName,
    to: &ObjectId,
    world: &World,
) -> Result<(), Error> {
    for _ in 0..TRIES {
        let before = repository.reference(name)?;
        let moved = before.as_ref() == Some(to)
            || repository.move_reference(name, before.as_ref(), to, because(world))? == Moved::Yes;
        if moved {
            return Ok(());
        }
    }
    Err(Error::Moving)
}

/// How many entries the ledger at a tip has, by its own account.
pub(super) fn size(repository: &Repository, ledger: &RefName, tip: ObjectId) -> Result<u64, Error> {
    let edge = store::Tip::at(repository, ledger, tip)?.record("edge")?;
    let edge = edge.and_then(|edge| crate::ledger::Edge::parse(&edge).ok());
    Ok(edge.map_or(0, |edge| edge.size()))
}

/// The leaf of entry 0, by the ledger's own account.
pub(super) fn genesis(stored: &Stored) -> Result<Option<Sha256>, Error> {
    let mut found = None;
    each_line(stored, |line, _| {
        if line.link.seq == 0 {
            found = Some(line.link.leaf());
        }
        Ok(())
    })?;
    Ok(found)
}

fn digests(stored: &Stored) -> Result<HashSet<Sha256>, Error> {
    let mut all = HashSet::new();
    each_line(stored, |line, _| {
        all.insert(line.link.attestation);
        Ok(())
    })?;
    Ok(all)
}

/// The entries that are wanted, in the ledger's order, without their places.
fn select(stored: &Stored, wanted: impl Fn(&Link) -> bool) -> Result<Vec<Item>, Error> {
    let mut found = Vec::new();
    each_line(stored, |line, body| {
        if !wanted(&line.link) {
            return Ok(());
        }
        let item = Item {
            commit: line.link.commit,
            step: line.link.step.clone(),
            attestation: Attestation::parse(body()?)?,
        };
        found.push((line.link.seq, item));
        Ok(())
    })?;
    found.sort_by_key(|(seq, _)| *seq);
    Ok(found.into_iter().map(|(_, item)| item).collect())
}

/// The entries from a seq on.
pub(super) fn items_from(stored: &Stored, first: u64) -> Result<Vec<Item>, Error> {
    select(stored, |link| link.seq >= first)
}

type Body<'a> = &'a mut dyn FnMut() -> Result<Vec<u8>, Error>;

fn each_line(
    stored: &Stored,
    mut take: impl FnMut(&crate::ledger::entry::Line<'_>, Body<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = stored.reader();
    for index in 0..stored.notes().len() {
        let note = reader.note(index).map_err(Error::Entry)?;
        for line in Lines::of(&note).map_while(Result::ok) {
            let mut body = || match line.body {
                Some(body) => Ok(body.to_vec()),
                None => {
                    let body = reader.blob(&line.link.attestation).map_err(Error::Entry)?;
                    Ok(body.unwrap_or_default())
                }
            };
            take(&line, &mut body)?;
        }
    }
    Ok(())
}
