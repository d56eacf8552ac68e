//! Report: replay, judge by packs, and put it into its forms.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::judgement::{self, Wanted};
use super::verify::{self as replay, Replayed, Request};
use super::{Explain, Failure, World};
use crate::git::{self, RefName, Repository};
use crate::ingest::catalog::{self, Catalog};
use crate::judge::pack::{self, Pack, PackError};
use crate::judge::{self, Model, checks};
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
    /// A catalog that cannot be read.
    #[error("{path} cannot be read")]
    CatalogFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is no catalog.
    #[error("{path} cannot be used")]
    Catalog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: catalog::Error,
    },
    /// A catalog that has none of the controls asked about.
    #[error("{path} has no control of the packs named")]
    CatalogOfOthers {
        /// The file.
        path: PathBuf,
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
            Self::NoPack { .. }
            | Self::Pack { .. }
            | Self::Catalog { .. }
            | Self::CatalogOfOthers { .. } => Failure::Usage,
            Self::Git(_) | Self::CatalogFile { .. } => Failure::CouldNotLook,
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
            Self::Catalog { .. } => {
                Some("NIST publishes SP 800-53 as one: github.com/usnistgov/oscal-content".into())
            }
            Self::CatalogOfOthers { .. } => {
                Some("a pack's controls have the catalog's ids: cm-3.2".into())
            }
            Self::Git(_) | Self::CatalogFile { .. } => None,
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

/// Gives the packs' controls the official titles and texts that an OSCAL catalog has for them.
///
/// # Errors
/// Where the file is no catalog, or has none of these controls.
pub fn name_controls(packs: &mut [Pack], path: &Path) -> Result<(), Error> {
    let failed = |source| Error::CatalogFile {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    // One byte more than a catalog may have, so that a longer one is refused as such.
    File::open(path)
        .and_then(|file| {
            file.take(catalog::MAX_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(failed)?;
    let catalog = Catalog::parse(&bytes).map_err(|source| Error::Catalog {
        path: path.to_owned(),
        source,
    })?;
    let named: usize = packs.iter_mut().map(|pack| catalog.name(pack)).sum();
    match named {
        0 => Err(Error::CatalogOfOthers {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
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
    Ok(audited(&replayed, &model, request, packs, subject))
}

/// The report of what `verify` has judged, with the checks that it ran; where it ran none, with those that always are.
///
/// # Errors
/// Where git's objects cannot be read, or the replay kept nothing.
pub fn of_verified(
    repository: &Repository,
    replayed: &Replayed,
    request: &Request,
    subject: String,
) -> Result<Audit, Error> {
    let outcome = &replayed.outcome;
    let evidence = outcome.evidence.as_ref().ok_or(Error::NoGenesis)?;
    let model = judgement::model(repository, outcome, evidence, request.at)?;
    let scope = replay::scoped(&request.question, &request.scope);
    let results = match &replayed.checks[..] {
        [] => judge::judge(
            &model,
            &scope,
            judge::Asked::These(&judge::ALWAYS),
            request.threads,
        ),
        ran => ran.to_vec(),
    };
    let asked = Asked {
        subject,
        scope: request.scope.clone(),
        judged: scope,
    };
    let pin = replayed.pin.to_string();
    Ok(Audit::of(outcome, &model, results, &[], asked, pin))
}

/// Judges what was replayed, by packs and by what the policy enforces.
pub(super) fn audited(
    replayed: &Replayed,
    model: &Model,
    request: Request,
    packs: &[Pack],
    subject: String,
) -> Audit {
    let mut ids: BTreeSet<&str> = model.policy().checks().enforced().into_iter().collect();
    ids.extend(packs.iter().flat_map(Pack::checks));
    if ids.is_empty() {
        ids.extend(checks::ALL.iter().map(|check| check.id));
    }
    let ids: Vec<&str> = ids.into_iter().collect();
    let scope = replay::scoped(&request.question, &request.scope);
    let results = judge::judge(model, &scope, judge::Asked::These(&ids), request.threads);
    let asked = Asked {
        subject,
        scope: request.scope,
        judged: scope,
    };
    let pin = replayed.pin.to_string();
    Audit::of(&replayed.outcome, model, results, packs, asked, pin)
}
