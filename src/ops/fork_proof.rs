//! Fork proofs as files: written where fetch or verify meets a rollback or a fork, and judged for anybody, offline.
//!
//! `$XDG_STATE_HOME/git-docket/<sha256(origin || leaf of the genesis)>/fork-proof-<SHA-256 of the file>.json`, beside
//! the memory that was contradicted. What is in one: [`crate::ledger::fork_proof`].

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use super::{
    Explain, memory,
    pin::{self, PinSource},
};
use crate::{
    digest::Sha256,
    finding,
    git::Repository,
    ledger::{
        Origin,
        fork_proof::{self, ForkProof, ParseError, Proved, SealedBy},
    },
};

/// Why a file could not be judged.
#[derive(Debug, Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no fork proof.
    #[error("{path} is no fork proof")]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: ParseError,
    },
    /// It is too long to be one.
    #[error(
        "{path} is longer than the {} bytes that a fork proof has at most",
        fork_proof::LIMIT
    )]
    Long {
        /// Which.
        path: PathBuf,
    },
    /// The pin cannot be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
}

impl Explain for Error {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Pin(error) => return error.remedy(),
            Self::Read { .. } => "check the path".into(),
            Self::Form { .. } | Self::Long { .. } => {
                "ask for the file as `git docket` wrote it, byte for byte".into()
            }
        })
    }
}

/// One of the two seals.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// How many entries it covers.
    pub size: u64,
    /// Their root.
    pub root: Sha256,
    /// The key that is said to have signed it.
    pub key: String,
}

impl Side {
    fn of(by: &SealedBy) -> Self {
        let head = &by.seal.unverified().head;
        Side {
            size: head.size,
            root: head.root,
            key: by.key.to_string(),
        }
    }
}

/// What a file proves.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// What; nothing, where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<Proved>,
    /// Why it proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ledger that it speaks of.
    pub origin: Origin,
    /// The seal that was seen.
    pub seen: Side,
    /// The seal that was shown later.
    pub shown: Side,
    /// Whether a pin vouches for the key; without one the key is taken as found.
    pub pinned: bool,
}

/// Judges a file. A pin, named or that of the repository, must name the key of both seals; that of a repository of
/// another origin is passed over.
///
/// # Errors
/// Where the file or the pin cannot be read.
pub fn judge(
    repository: Option<&Repository>,
    path: &Path,
    named: Option<&Path>,
) -> Result<Judged, Error> {
    let read = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(read)?;
    file.take(fork_proof::LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    if bytes.len() as u64 > fork_proof::LIMIT {
        return Err(Error::Long {
            path: path.to_owned(),
        });
    }
    let proof = ForkProof::parse(&bytes).map_err(|source| Error::Form {
        path: path.to_owned(),
        source,
    })?;
    let pin = match (named, repository) {
        (Some(named), _) => Some((pin::read(named)?, PinSource::File(named.to_owned()))),
        (None, Some(repository)) => {
            let (pin, source) = pin::find(repository, None)?;
            pin.filter(|pin| pin.origin == *proof.origin())
                .map(|pin| (pin, source))
        }
        (None, None) => None,
    };
    let sides = [proof.seen(), proof.shown()];
    let foreign = pin.as_ref().and_then(|(pin, source)| {
        let other = sides.iter().any(|side| side.key != pin.ledger_key);
        other.then(|| format!("a seal is of another key than the pin {source} names; where the ledger's key was rotated, give --pin with the newer one"))
    });
    let (proved, reason) = match (proof.judge(), foreign) {
        (Err(error), _) => (None, Some(finding::chain(&error))),
        (Ok(_), Some(foreign)) => (None, Some(foreign)),
        (Ok(proved), None) => (Some(proved), None),
    };
    Ok(Judged {
        proved,
        reason,
        origin: proof.origin().clone(),
        seen: Side::of(sides[0]),
        shown: Side::of(sides[1]),
        pinned: pin.is_some(),
    })
}

/// Keeps proofs beside the memory of their ledger; where each was written.
///
/// # Errors
/// Where one cannot be written.
pub fn keep(
    state: &Path,
    genesis: Option<Sha256>,
    proofs: &[ForkProof],
) -> Result<Vec<PathBuf>, memory::Error> {
    let write = |proof: &ForkProof| {
        let bytes = proof.render();
        let folder = memory::folder(state, proof.origin(), &genesis.unwrap_or(Sha256::of(b"")));
        let path = folder.join(format!("fork-proof-{}.json", Sha256::of(&bytes)));
        memory::write(&path, &bytes).map(|()| path)
    };
    proofs.iter().map(write).collect()
}
