//! `key rotate --ledger`: the key that signs seals gives way to a new one.
//!
//! 1. Replay says which key is in force. It is in this keyring, or is declared lost.
//! 2. A new key is made and kept beside it, under a name that follows from the old key: a second try finds it.
//! 3. A `ledger-key` entry by a root key and `cosign` entries by the new key and, unless lost, the old one are
//!    appended at once, unsealed. With a threshold above one it waits for the others' `git docket cosign`.
//! 4. Where there is no remote to push to first and it is in force, the new key seals.

use serde::Serialize;
use thiserror::Error;

use super::govern::{self, Office};
use super::key::{self, KeySource, Protection};
use super::record::{self, Recorder, ledger_key, ledger_key_name};
use super::{Explain, Failure, seal};
use crate::attestation::SignError;
use crate::digest::Sha256;
use crate::keyring::{KeyFileName, Keyring};
use crate::ledger::note::{KeyName, NoteError, VerifierKey};
use crate::signing::SigningKey;
use crate::statement::predicate::{Cosign, LedgerKey, Reference, Vkey};
use crate::statement::{self, Statement};

/// Whether the old key can still sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldKey {
    /// It is here, and signs the change.
    Signs,
    /// It is lost or stolen, and is excused.
    Lost,
}

/// Why the ledger's key stays.
#[derive(Debug, Error)]
pub enum Error {
    /// What is in force cannot be told.
    #[error(transparent)]
    Govern(#[from] govern::Error),
    /// A key cannot be read or made.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The old key is not here.
    #[error("the ledger's key {key} is not in this keyring")]
    NotHere {
        /// The verifier key in force.
        key: Box<VerifierKey>,
    },
    /// The origin is no name for a key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The entries could not be made.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// One could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// One is no statement.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// It is in force, but the new key has not sealed yet.
    #[error("the new key is in force, and has not sealed yet")]
    Seal(#[source] seal::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Govern(error) => error.failure(),
            Self::Key(error) => error.failure(),
            Self::Record(error) => error.failure(),
            Self::Seal(error) => error.failure(),
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Govern(error) => error.remedy(),
            Self::Key(error) => error.remedy(),
            Self::Record(error) => error.remedy(),
            Self::NotHere { .. } => Some(
                "run it where `git docket init` was run; --lost excuses a key that is lost or stolen".into(),
            ),
            Self::Seal(_) => Some("`git docket seal` tries again".into()),
            _ => None,
        }
    }
}

/// A change of the ledger's key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// The entry that says so.
    pub seq: u64,
    /// The key that signed seals until now, as a C2SP verifier key.
    pub old: String,
    /// The key that signs them from now on.
    pub new: String,
    /// What the new key is called in this keyring.
    pub name: String,
    /// Whether it is in force; where not, further root keys must sign.
    pub in_force: bool,
    /// Whether the new key has sealed the head.
    pub sealed: bool,
}

/// Rotates the ledger's key.
///
/// # Errors
/// Where nothing was appended; or, as [`Error::Seal`], where only the seal is missing.
pub fn rotate(office: &Office<'_>, old_key: OldKey) -> Result<Rotated, Error> {
    let old = office.in_force()?.ledger_key;
    let recorder = Recorder::open(
        office.world,
        office.repository,
        office.ledger,
        office.key,
        "HEAD",
    )?
    .unsealed();
    let old_signer = match old_key {
        OldKey::Signs => Some(
            ledger_key(office.world, recorder.origin(), &old)?.ok_or_else(|| Error::NotHere {
                key: Box::new(old.clone()),
            })?,
        ),
        OldKey::Lost => None,
    };
    let (name, new_signer) = successor(office, &recorder, &old)?;
    let new = VerifierKey::new(
        recorder.origin().as_str().parse::<KeyName>()?,
        new_signer.public(),
    );
    let wire = |key: &VerifierKey| -> Vkey {
        let text = key.to_string();
        text.parse().expect("a verifier key has its own form")
    };
    let change = LedgerKey {
        old: wire(&old),
        new: wire(&new),
        lost: old_key == OldKey::Lost,
    };
    let change = recorder.governing(
        "ledger-key",
        Statement::of(vec![recorder.subject()], &change)?,
        None,
    )?;
    let cosign = Cosign {
        about: Reference {
            origin: recorder.origin().to_string(),
            attestation: change.attestation.digest(),
        },
    };
    let mut items = vec![change];
    for signer in [Some(&new_signer), old_signer.as_ref()]
        .into_iter()
        .flatten()
    {
        let statement = Statement::of(vec![recorder.subject()], &cosign)?;
        items.push(recorder.governing("cosign", statement, Some(signer))?);
    }
    let appended = recorder
        .appender()?
        .append(&items)
        .map_err(record::Error::from)?;
    let in_force = office.in_force()?.ledger_key == new;
    let seals = in_force && office.repository.remotes().is_empty();
    if seals {
        seal::seal(office.world, office.repository, office.ledger).map_err(Error::Seal)?;
    }
    Ok(Rotated {
        seq: appended.seqs.first().copied().unwrap_or_default(),
        old: old.to_string(),
        new: new.to_string(),
        name: name.to_string(),
        in_force,
        sealed: seals,
    })
}

// The old key's name is in the new one's, so that a rotation that was cut short goes on with the key it made.
fn successor(
    office: &Office<'_>,
    recorder: &Recorder<'_>,
    old: &VerifierKey,
) -> Result<(KeyFileName, SigningKey), Error> {
    let after = Sha256::of(old.to_string().as_bytes()).to_string();
    let name: KeyFileName = format!("{}-{}", ledger_key_name(recorder.origin()), &after[..16])
        .parse()
        .expect("letters, digits and hyphens are a key's name");
    if !Keyring::in_folder(&office.world.folders.data)
        .path(&name)
        .exists()
    {
        key::generate(office.world, name.clone(), Protection::FileMode)?;
    }
    let signer = key::signing_key(office.world, Some(&KeySource::Named(name.clone())))?;
    Ok((name, signer))
}
