//! `recover`: go on after a break, and say so in the ledger itself.
//!
//! What is broken is the local ref, or, where that is sound, what a remote was last found to hold. Then:
//! 1. the sound state: the local ref where it is sound, else the newest commit of the broken tip's own history that
//!    replay does not call broken, against pin and memory as always;
//! 2. from the broken tip, every entry that the sound state lacks and that verifies by itself: its signature by a key
//!    that the roster in force there knows, its statement for this ledger and for its step and commit. Everything else
//!    is left out, and listed;
//! 3. the broken tip is kept under `refs/docket/quarantine/`;
//! 4. the ledger goes on in an ordinary child commit of the broken tip, so that no push is forced: the sound state,
//!    those entries with new links, and a signed entry of the step `gap` that names both tips and what was left out;
//! 5. it is sealed with the ledger's key, which it therefore takes.
//!
//! With [`Mode::DryRun`] no ref of the ledger's is touched and nothing is signed.

use std::collections::HashSet;

use serde::Serialize;
use thiserror::Error;

use super::append::{self, Appender, Head, Item};
use super::key::KeySource;
use super::verify::{self as replay, Remember};
use super::{Explain, Failure, World, fetch, fold, key, record};
use crate::attestation::Attestation;
use crate::digest::{ObjectId, Sha256};
use crate::finding::{Finding, Severity, chain};
use crate::git::{self, RefName, Repository};
use crate::ledger::{Lines, Snapshot as _};
use crate::signing::SigningKey;
use crate::statement::predicate::{Gap, Omitted, Recovery};
use crate::statement::{self, Placement, Statement, Step, Subject};
use crate::store::{self, Stored, Tip};
use crate::verify::{Question, Verdict};

/// How far back the sound state is looked for.
const FAR: usize = 200;

/// Whether anything is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// The ledger is recovered.
    Write,
    /// It is only said what would be done.
    DryRun,
}

/// What to recover, how.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The ledger's ref.
    pub ledger: &'a RefName,
    /// The key to sign the new entry and the append record with.
    pub key: Option<&'a KeySource>,
    /// Why, in words for everybody who reads the ledger later.
    pub reason: &'a str,
    /// Whether to write.
    pub mode: Mode,
}

/// What was done, or would be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The broken tip.
    pub broken_tip: ObjectId,
    /// What is broken about it, heaviest first.
    pub findings: Vec<String>,
    /// The commit whose entries are kept.
    pub sound_tip: ObjectId,
    /// How many entries that has.
    pub kept: u64,
    /// How many entries of the broken tip are put on top.
    pub relinked: usize,
    /// What is left out.
    pub omitted: Vec<Omitted>,
    /// Where the broken tip is kept, once it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// How many entries the ledger has, once it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Why nothing was recovered.
#[derive(Debug, Error)]
pub enum Error {
    /// Nothing is broken.
    #[error("nothing is broken: neither {ledger} nor what was last fetched")]
    Sound {
        /// The ref.
        ledger: RefName,
    },
    /// No commit of its history is sound.
    #[error("none of the {looked} newest commits of the ledger's ref is sound")]
    NothingSound {
        /// How many were replayed.
        looked: usize,
    },
    /// The ledger's own key is not here.
    #[error("the ledger's key is not here")]
    NoKey,
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// The new entries could not be appended.
    #[error(transparent)]
    Append(#[from] append::Error),
    /// The new entry could not be signed.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The new entry is none.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// A ref could not be set.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Sound { .. } => Failure::Undecided,
            Self::NothingSound { .. } => Failure::Broken,
            Self::Replay(error) => error.failure(),
            Self::Append(error) => error.failure(),
            Self::Record(error) => error.failure(),
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::Sound { .. } => {
                "`git docket fetch` says what the remote holds, `git docket verify` what is here"
                    .into()
            }
            Self::NothingSound { .. } => {
                "fetch the ledger from another clone into a ref of its own, and compare".into()
            }
            Self::NoKey => "recover where `git docket init` was run, or bring its key there".into(),
            Self::Replay(error) => return error.remedy(),
            Self::Append(error) => return error.remedy(),
            Self::Record(error) => return error.remedy(),
            _ => return None,
        })
    }
}

/// Recovers.
///
/// # Errors
/// Where nothing is broken, or nothing could be recovered; the ledger's ref was not moved then.
pub fn recover(
    world: &World,
    repository: &Repository,
    request: &Request<'_>,
) -> Result<Outcome, Error> {
    let ledger = request.ledger;
    let local = repository.reference(ledger)?;
    let (broken, findings) = broken_tip(world, repository, ledger)?;
    let sound = sound_tip(world, repository, broken, local)?;
    let head = append::head(&Tip::at(repository, ledger, sound)?)?;
    let (mut items, omitted) = salvaged(repository, &head, sound, broken)?;
    let told = |found: &Finding| format!("{}: {}", found.code, found.detail);
    let mut outcome = Outcome {
        broken_tip: broken,
        findings: findings.iter().map(told).collect(),
        sound_tip: sound,
        kept: head.record.new.size,
        relinked: items.len(),
        omitted: omitted.clone(),
        quarantine: None,
        size: None,
    };
    if request.mode == Mode::DryRun {
        return Ok(outcome);
    }
    let origin = &head.record.origin;
    let key = key::signing_key(world, request.key).map_err(record::Error::from)?;
    let sealing = record::sealing_key(world, origin, head.seal.as_ref())
        .map_err(record::Error::from)?
        .ok_or(Error::NoKey)?;
    let quarantine: RefName = format!("refs/docket/quarantine/{}", broken.hex())
        .parse()
        .expect("letters and digits are a ref's name");
    fetch::set(repository, &quarantine, &broken, world)?;
    let gap = Gap {
        asserted: None,
        from: world.now,
        until: world.now,
        steps: Vec::new(),
        reason: request.reason.to_owned(),
        approved_by: None,
        recovery: Some(Recovery {
            broken_tip: broken,
            sound_tip: sound,
            omitted,
        }),
    };
    items.push(signed(repository, origin.as_str(), &gap, &key)?);
    let onto = Tip::at(repository, ledger, broken)?
        .with_content_of(&sound)?
        .with_ref_at(local);
    let appender = Appender {
        repository,
        ledger,
        key: &key,
        sealing: Some(&sealing),
        now: world.now,
        random: world.random.as_ref(),
    };
    outcome.size = Some(appender.append_on(&onto, &items)?.size);
    outcome.quarantine = Some(quarantine.to_string());
    Ok(outcome)
}

/// The broken tip: the local one, else what was fetched and refused.
fn broken_tip(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
) -> Result<(ObjectId, Vec<Finding>), Error> {
    let mut names = vec![ledger.clone()];
    for remote in repository.remotes() {
        let arriving = format!("{}-arriving", fetch::private_ref(&remote, ledger));
        names.push(arriving.parse().expect("a longer name is one"));
    }
    for name in names {
        let Some(tip) = repository.reference(&name)? else {
            continue;
        };
        let found = breaks(world, repository, &name)?;
        if !found.is_empty() {
            return Ok((tip, found));
        }
    }
    Err(Error::Sound {
        ledger: ledger.clone(),
    })
}

/// What is broken about the ledger under a ref; nothing where it is sound.
fn breaks(world: &World, repository: &Repository, name: &RefName) -> Result<Vec<Finding>, Error> {
    let mut request = replay::Request::new(Question::Ledger);
    request.remember = Remember::No;
    let outcome = replay::verify(world, repository, name, &request)?.outcome;
    let mut findings = outcome.findings;
    findings
        .retain(|found| outcome.verdict == Verdict::Broken && found.severity() == Severity::Broken);
    Ok(findings)
}

/// The local ref where that is not what is broken, else the newest sound commit of the broken tip's history.
fn sound_tip(
    world: &World,
    repository: &Repository,
    broken: ObjectId,
    local: Option<ObjectId>,
) -> Result<ObjectId, Error> {
    let look: RefName = "refs/docket/recovering".parse().expect("a ref's name");
    let history = repository.history(&broken);
    let older = history.iter().skip(1).take(FAR).map(|(commit, _)| *commit);
    let local = local.into_iter().filter(|local| *local != broken);
    let mut looked = 0;
    for candidate in local.chain(older) {
        looked += 1;
        fetch::set(repository, &look, &candidate, world)?;
        // One that cannot even be read is not the sound one.
        if breaks(world, repository, &look).is_ok_and(|found| found.is_empty()) {
            return Ok(candidate);
        }
    }
    Err(Error::NothingSound { looked })
}

/// What of the broken tip can be put on top of the sound state, in its order, and what cannot.
fn salvaged(
    repository: &Repository,
    head: &Head,
    sound: ObjectId,
    broken: ObjectId,
) -> Result<(Vec<Item>, Vec<Omitted>), Error> {
    let known = attestations(&Stored::at(repository, sound)?);
    let stored = Stored::at(repository, broken)?;
    let mut reader = stored.reader();
    let (mut items, mut omitted) = (Vec::new(), Vec::new());
    for (index, commit) in stored.notes().iter().enumerate() {
        let mut leave = |attestation, reason: String| {
            omitted.push(Omitted {
                commit: *commit,
                attestation,
                reason,
            });
        };
        let note = match reader.note(index) {
            Ok(note) => note,
            Err(error) => {
                leave(None, chain(error.as_ref()));
                continue;
            }
        };
        // What is no entry does not hide the lines after it: each is tried by itself.
        for line in note.split_inclusive(|byte| *byte == b'\n') {
            let line = match Lines::of(line).next() {
                Some(Ok(line)) => line,
                Some(Err(error)) => {
                    leave(None, chain(&error));
                    continue;
                }
                None => continue,
            };
            let digest = line.link.attestation;
            if known.contains(&digest) {
                continue;
            }
            let body = match line.body {
                Some(body) => Some(body.to_vec()),
                None => reader.blob(&digest).ok().flatten(),
            };
            match salvage(repository, head, *commit, &line.link.step, digest, body) {
                Ok(item) => items.push((line.link.seq, item)),
                Err(reason) => leave(Some(digest), reason),
            }
        }
    }
    items.sort_by_key(|(seq, _)| *seq);
    Ok((items.into_iter().map(|(_, item)| item).collect(), omitted))
}

fn salvage(
    repository: &Repository,
    head: &Head,
    commit: ObjectId,
    step: &Step,
    digest: Sha256,
    body: Option<Vec<u8>>,
) -> Result<Item, String> {
    let body = body.ok_or("its attestation is missing")?;
    if Sha256::of(&body) != digest {
        return Err("its attestation is not the one that its link names".into());
    }
    let attestation = Attestation::parse(body).map_err(|error| chain(&error))?;
    let item = Item {
        commit,
        step: step.clone(),
        attestation,
    };
    fold::fits(&item, head.record.origin.as_str(), &head.roster)?;
    match repository.has(&commit) {
        true => Ok(item),
        false => Err("its commit is not here".into()),
    }
}

fn attestations(stored: &Stored) -> HashSet<Sha256> {
    let mut reader = stored.reader();
    let mut all = HashSet::new();
    for index in 0..stored.notes().len() {
        let Ok(note) = reader.note(index) else {
            continue;
        };
        let lines = Lines::of(&note).map_while(Result::ok);
        all.extend(lines.map(|line| line.link.attestation));
    }
    all
}

/// The entry that says what happened, about the checked-out commit.
fn signed(
    repository: &Repository,
    origin: &str,
    gap: &Gap,
    key: &SigningKey,
) -> Result<Item, Error> {
    let commit = repository.commit_named("HEAD")?;
    let tree = repository.commit(&commit)?.tree;
    let step: Step = "gap".parse().expect("letters are a step's name");
    let statement = Statement::of(vec![Subject::commit(&commit, &tree)], gap)?;
    let placed = statement.placed(&Placement {
        origin: origin.to_owned(),
        step: step.clone(),
        commit,
    });
    let attestation = Attestation::sign(&placed, key).map_err(record::Error::from)?;
    Ok(Item {
        commit,
        step,
        attestation,
    })
}
