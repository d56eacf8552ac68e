//! Keyless: what a verb that signs keyless is told, made into a session with Sigstore's services.
//!
//! Who signs keyless has no key that may append: the attestation waits in the spool, for a writer to push it, unless a
//! writer's key is named as well. Whatever was signed is kept, also where the ledger refuses it or others are faster.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::verify_bundle::{self, TrustedRoots};
use super::{Explain, Failure, World};
use crate::keyless::{self, LogVersion, Services, Session, Surroundings, TokenSource};

/// How to sign keyless.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the identity token comes from.
    pub token: TokenSource,
    /// For whom it must be.
    pub audience: String,
    /// A signing configuration; the public-good services where there is none.
    pub configuration: Option<PathBuf>,
    /// Fulcio's address, instead of what the configuration says.
    pub authority: Option<String>,
    /// A log's, and which protocol it speaks.
    pub log: Option<(String, LogVersion)>,
    /// A timestamp authority's.
    pub timestamps: Option<String>,
    /// What readers will judge the signature by.
    pub roots: TrustedRoots,
}

/// Why there is no session, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The services, or the token.
    #[error(transparent)]
    Keyless(#[from] keyless::Error),
    /// The trusted root or the configuration cannot be read.
    #[error(transparent)]
    File(#[from] verify_bundle::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Keyless(keyless::Error::Address { .. }) => Failure::Usage,
            Self::Keyless(_) => Failure::CouldNotLook,
            Self::File(error) => error.failure(),
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Keyless(error) => error.remedy().map(str::to_owned),
            Self::File(error) => error.remedy(),
        }
    }
}

/// A word as a token.
pub fn given(token: String) -> TokenSource {
    TokenSource::Given(Zeroizing::new(token))
}

pub(super) fn open<'a>(world: &'a World, request: &Request) -> Result<Session<'a>, Error> {
    let configured = match &request.configuration {
        Some(path) => Services::of_configuration(&verify_bundle::read(path)?, world.now)?,
        // Somebody who names one private service must not send the rest to the public ones.
        None if request.authority.is_some() => Services {
            authority: String::new(),
            logs: Vec::new(),
            timestamps: Vec::new(),
        },
        None => Services::public_good(world.now)?,
    };
    let services = Services {
        authority: request.authority.clone().unwrap_or(configured.authority),
        logs: request.log.clone().map_or(configured.logs, |log| vec![log]),
        timestamps: request
            .timestamps
            .clone()
            .map_or(configured.timestamps, |one| vec![one]),
    };
    let surroundings = Surroundings {
        clock: world.clock.as_ref(),
        random: world.random.as_ref(),
        variable: world.variable.as_ref(),
    };
    let roots = verify_bundle::roots(&request.roots)?;
    Ok(Session::open(
        surroundings,
        request.token.clone(),
        request.audience.clone(),
        services,
        roots,
    )?)
}
