//! Seal: sign the head that has landed with the ledger's own key.
//!
//! 1. What has landed: with no remote, the local ref; with one, the remote must hold the very tip that is
//!    here, asked from the remote itself.
//! 2. The whole ledger is replayed; a broken one is never sealed, nor one that does not extend what was
//!    seen before.
//! 3. Seal and edge are written on top; the append record stays, for no entry is added.

use serde::Serialize;
use thiserror::Error;

use super::{Explain, Failure, World, memory, pin, record::ledger_key, verify as replay};
use crate::{
    git::{self, Moved, RefName, Repository},
    ledger::{Edge, Seal, edge::EdgeError, seal::SignedSeal},
    process,
    signing::SigningError,
    store::{self, Author, Change, Tip},
    verify::{Pin, Question, Verdict},
};

/// Why nothing was sealed.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The program git could not ask the remote.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Verify(#[from] replay::Error),
    /// The key could not be read.
    #[error(transparent)]
    Key(#[from] super::key::Error),
    /// Memory could not be written.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The ledger's key is not here.
    #[error("the ledger's key is not in this keyring")]
    NoKey,
    /// The remote holds another tip.
    #[error("{remote} does not hold this tip of {ledger}: only what has landed is sealed")]
    NotLanded {
        /// The remote.
        remote: String,
        /// The ref.
        ledger: RefName,
    },
    /// Replay found the ledger broken.
    #[error("the ledger is broken, and a broken ledger is not sealed")]
    Broken,
    /// The edge cannot be read.
    #[error("docket/edge is damaged")]
    Edge(#[from] EdgeError),
    /// The seal could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Something was appended meanwhile.
    #[error("the ledger grew meanwhile")]
    Moved,
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Verify(error) => error.failure(),
            Self::Broken | Self::Edge(_) => Failure::Broken,
            Self::Moved => Failure::Contention,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::Verify(error) => return error.remedy(),
            Self::NoKey => "seal where `git docket init` was run, or bring its key there".into(),
            Self::NotLanded { remote, ledger } => format!("`git push {remote} {ledger}` first"),
            Self::Broken => "`git docket verify` names everything that is wrong".into(),
            Self::Moved => "seal again".into(),
            _ => return None,
        })
    }
}

/// What was sealed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// How many entries are sealed now.
    pub size: u64,
    /// How many were before.
    pub before: u64,
    /// The seal as a C2SP signed note.
    pub seal: String,
    /// The pin with this seal, where it was asked for.
    #[serde(skip)]
    pub pin: Option<Pin>,
}

/// Seals the ledger's head.
///
/// # Errors
/// Where nothing was sealed.
pub fn seal(world: &World, repository: &Repository, ledger: &RefName) -> Result<Sealed, Error> {
    let request = replay::Request::new(Question::Ledger);
    let replayed = replay::verify(world, repository, ledger, &request)?;
    let outcome = &replayed.outcome;
    let (Verdict::Pass | Verdict::Failed | Verdict::Undecided, Some(origin), Some(genesis)) =
        (outcome.verdict, &outcome.origin, outcome.genesis)
    else {
        return Err(Error::Broken);
    };
    let tip = Tip::read(repository, ledger)?;
    if tip.commit() != Some(outcome.tip) {
        return Err(Error::Moved);
    }
    for remote in repository.remotes() {
        landed(repository, &remote, ledger, &outcome.tip.hex())?;
    }
    let in_force = outcome.in_force.as_ref().ok_or(Error::Broken)?;
    let key = ledger_key(world, origin, &in_force.ledger_key)?.ok_or(Error::NoKey)?;
    let before = outcome.heads.sealed.as_ref().map_or(0, |head| head.size);
    let signed = Seal {
        origin: origin.clone(),
        head: outcome.heads.landed.clone(),
    }
    .sign(&key)?;
    if before < outcome.heads.landed.size {
        let edge = Edge::parse(&tip.record("edge")?.unwrap_or_default())?.seal()?;
        let change = Change {
            seal: Some(signed.render()),
            edge: Some(edge.render().into_bytes()),
            ..Change::default()
        };
        let (name, email) = repository
            .committer()
            .unwrap_or_else(|| ("git docket".into(), "git-docket@localhost".into()));
        let author = Author {
            name,
            email,
            time: world.now,
        };
        let message = format!("git docket: seal of {} entries", outcome.heads.landed.size);
        if tip.land(&change, &author, &message)?.0 == Moved::Elsewhere {
            return Err(Error::Moved);
        }
    }
    let seal: SignedSeal = if before < outcome.heads.landed.size {
        signed
    } else {
        outcome.heads.seal.clone().unwrap_or(signed)
    };
    if let Some(mut seen) = outcome.memory.clone() {
        seen.seal = Some(seal.clone());
        memory::remember(&world.folders.state, &seen)?;
    }
    let ledger_key = outcome.ledger_key_at_genesis.clone();
    Ok(Sealed {
        size: outcome.heads.landed.size,
        before,
        seal: String::from_utf8_lossy(&seal.render()).into_owned(),
        pin: ledger_key.map(|ledger_key| Pin {
            origin: origin.clone(),
            genesis,
            ledger_key,
            seal: Some(seal),
        }),
    })
}

/// The text of `.docket.toml` with the newest seal in it.
pub fn pinned(sealed: &Sealed) -> Option<String> {
    sealed.pin.as_ref().map(pin::render)
}

// The remote itself is asked: a remote-tracking ref would only tell what was true once.
fn landed(repository: &Repository, remote: &str, ledger: &RefName, tip: &str) -> Result<(), Error> {
    let out = repository
        .git(&["ls-remote", remote, ledger.as_str()])
        .output()?;
    let out = String::from_utf8_lossy(&out);
    if out.split_whitespace().next() == Some(tip) {
        Ok(())
    } else {
        Err(Error::NotLanded {
            remote: remote.to_owned(),
            ledger: ledger.clone(),
        })
    }
}
