//! `cosign`: one more root key signs what the ledger waits for.
//!
//! 1. Replay says what lacks signatures: the genesis of a ledger that is not open, or a change of roster,
//!    policy or ledger key.
//! 2. The one that is meant is chosen: by its seq, or because it is the only one.
//! 3. A `cosign` statement that names its attestation is signed and appended; it is rehearsed as every
//!    governance entry is.
//! 4. Replay says whether that was enough.

use serde::Serialize;
use thiserror::Error;

use super::{
    Explain, Failure,
    govern::Office,
    record::{self, Recorder},
    verify::{self as replay, Remember, Request},
};
use crate::{
    signing::KeyId,
    statement::{
        self, Statement,
        predicate::{Cosign, Reference},
    },
    verify::{Question, governance::Waiting},
};

/// What was signed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cosigned {
    /// The new entry.
    pub seq: u64,
    /// The entry that it signs.
    pub about: u64,
    /// That entry's step.
    pub step: &'static str,
    /// How many keys have signed that entry now.
    pub signed: usize,
    /// How many root keys must sign.
    pub threshold: usize,
    /// Whether it waits no longer: the ledger is open, or the change in force for the next entry.
    pub in_force: bool,
}

/// Why nothing was signed.
#[derive(Debug, Error)]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Nothing lacks a signature.
    #[error("nothing waits for a signature")]
    NothingWaits,
    /// The entry that was named lacks none.
    #[error("entry {seq} does not wait for a signature")]
    NotWaiting {
        /// The entry.
        seq: u64,
    },
    /// Several lack one.
    #[error("several entries wait for signatures: {}", listed(seqs))]
    Several {
        /// The entries.
        seqs: Vec<u64>,
    },
    /// The key has signed.
    #[error("the key {key} has signed entry {seq} already")]
    Signed {
        /// The key.
        key: KeyId,
        /// The entry.
        seq: u64,
    },
    /// The key's signature would count for nothing.
    #[error("the key {key} is none of those whose signature entry {seq} waits for")]
    NotWanted {
        /// The key.
        key: KeyId,
        /// The entry.
        seq: u64,
    },
    /// The entry could not be made.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The entry is no statement.
    #[error(transparent)]
    Statement(#[from] statement::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Record(error) => error.failure(),
            Self::NothingWaits | Self::NotWaiting { .. } | Self::Several { .. } => Failure::Usage,
            Self::Signed { .. } => Failure::Usage,
            Self::NotWanted { .. } | Self::Statement(_) => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Replay(error) => return error.remedy(),
            Self::Record(error) => return error.remedy(),
            Self::NothingWaits | Self::NotWaiting { .. } => {
                "git docket verify says what waits".into()
            }
            Self::Several { seqs } => {
                let first = seqs.first().copied().unwrap_or_default();
                format!(
                    "name one: git docket cosign {first}; git docket show --seq {first} shows it"
                )
            }
            Self::Signed { .. } => "somebody else's key is needed now".into(),
            Self::NotWanted { .. } => "name a root key with --key".into(),
            Self::Statement(_) => return None,
        })
    }
}

/// Signs what waits: the entry `seq`, or the only one there is.
///
/// # Errors
/// Where nothing, several or something else waits, or the key is not asked for.
pub fn cosign(office: &Office<'_>, seq: Option<u64>) -> Result<Cosigned, Error> {
    let waiting = choose(waiting(office)?, seq)?;
    let mut recorder = Recorder::open(
        office.world,
        office.repository,
        office.ledger,
        office.key,
        "HEAD",
    )?;
    if waiting.step == "ledger-key" {
        recorder = recorder.unsealed();
    }
    let (key, about) = (recorder.key_id()?, waiting.seq);
    if !waiting.wanted.contains(&key) {
        return Err(Error::NotWanted { key, seq: about });
    }
    if waiting.signers.contains(&key) {
        return Err(Error::Signed { key, seq: about });
    }
    let cosign = Cosign {
        about: Reference {
            origin: recorder.origin().to_string(),
            attestation: waiting.attestation,
        },
    };
    let statement = Statement::of(vec![recorder.subject()], &cosign)?;
    let appended = recorder.govern("cosign", statement)?;
    let still = self::waiting(office)?
        .into_iter()
        .any(|still| still.seq == about);
    Ok(Cosigned {
        seq: appended.seqs.first().copied().unwrap_or_default(),
        about,
        step: waiting.step,
        signed: waiting.signed() + 1,
        threshold: waiting.threshold,
        in_force: !still,
    })
}

fn waiting(office: &Office<'_>) -> Result<Vec<Waiting>, Error> {
    let mut request = Request::new(Question::Ledger);
    request.remember = Remember::No;
    let replayed = replay::verify(office.world, office.repository, office.ledger, &request)?;
    Ok(replayed.outcome.waiting)
}

fn choose(mut waiting: Vec<Waiting>, seq: Option<u64>) -> Result<Waiting, Error> {
    if let Some(seq) = seq {
        let named = waiting.into_iter().find(|waiting| waiting.seq == seq);
        return named.ok_or(Error::NotWaiting { seq });
    }
    match waiting.len() {
        0 | 1 => waiting.pop().ok_or(Error::NothingWaits),
        _ => Err(Error::Several {
            seqs: waiting.iter().map(|waiting| waiting.seq).collect(),
        }),
    }
}

fn listed(seqs: &[u64]) -> String {
    let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
    seqs.join(", ")
}
