//! Report: replay, judge by packs, and put it into its forms.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::judgement::{self, Wanted};
use super::verify::{self as replay, Request};
use super::{Explain, Failure, World};
use crate::git::{self, RefName, Repository};
use crate::judge::pack::{self, Pack, PackError};
use crate::judge::{self, checks};
use crate::report::audit::{Asked, Audit};
use crate::verify::Keep;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// There is no sound ledger, so there is nothing to report on.
    #[error("the ledger has no sound genesis, so nothing in it can be judged")]
    NoGenesis,
    /// A pack that is neither shipped nor a file.
    #[error("{name:?} is neither a pack of the program nor a file that can be read")]
    NoPack {
        /// What was named.
        name: String,
    },
    /// A file that is no pack.
    #[error("{path} cannot be used")]
    Pack {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PackError,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::NoGenesis => Failure::Broken,
            Self::NoPack { .. } | Self::Pack { .. } => Failure::Usage,
            Self::Git(_) => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::NoPack { .. } => {
                let names: Vec<String> = pack::shipped().into_iter().map(|pack| pack.id).collect();
                Some(format!("those of the program: {}", names.join(", ")))
            }
            Self::NoGenesis => Some("git docket verify names everything that is wrong".into()),
            Self::Pack { .. } => Some("git docket help packs describes the form".into()),
            Self::Git(_) => None,
        }
    }
}

/// A pack by its short name, else by its file.
///
/// # Errors
/// Where it is neither, or the file is no pack.
pub fn pack_named(name: &str) -> Result<Pack, Error> {
    if let Some(pack) = pack::shipped().into_iter().find(|pack| pack.id == name) {
        return Ok(pack);
    }
    let path = PathBuf::from(name);
    let text = std::fs::read_to_string(&path).map_err(|_| Error::NoPack {
        name: name.to_owned(),
    })?;
    Pack::parse(&text).map_err(|source| Error::Pack { path, source })
}

/// Replays, judges and reports. Without packs: by the checks that the policy enforces, else by all.
///
/// # Errors
/// Where we could not look.
pub fn report(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    mut request: Request,
    packs: &[Pack],
    subject: String,
) -> Result<Audit, Error> {
    request.keep = Keep::Said;
    request.checks = Wanted::These(Vec::new());
    let replayed = replay::verify(world, repository, ledger, &request)?;
    let outcome = &replayed.outcome;
    let evidence = outcome.evidence.as_ref().ok_or(Error::NoGenesis)?;
    let model = judgement::model(repository, outcome, evidence, request.at)?;
    let mut ids: BTreeSet<&str> = model.policy().checks().enforced().into_iter().collect();
    ids.extend(packs.iter().flat_map(Pack::checks));
    if ids.is_empty() {
        ids.extend(checks::ALL.iter().map(|check| check.id));
    }
    let ids: Vec<&str> = ids.into_iter().collect();
    let scope = replay::scoped(&request.question, &request.scope);
    let results = judge::judge(&model, &scope, &ids);
    let asked = Asked {
        subject,
        scope: request.scope,
        judged: scope,
    };
    Ok(Audit::of(
        outcome,
        &model,
        results,
        packs,
        asked,
        replayed.pin.to_string(),
    ))
}
