//! Sample: what an auditor looks at, drawn so that both sides get the same list.

use serde::Serialize;

use super::verify::{self as replay, Remember};
use super::{Explain, Failure, World};
use crate::digest::Sha256;
use crate::git::{RefName, Repository};
use crate::judge::sample::{self, Drawn, NoKey, Of, Stratum};
use crate::timestamp::Timestamp;
use crate::verify::{Keep, Question, Verdict};

/// What is drawn, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// From what.
    pub of: Of,
    /// Within which time.
    pub period: Option<(Timestamp, Timestamp)>,
    /// By which seed.
    pub seed: String,
    /// How many.
    pub size: u64,
    /// Divided by what.
    pub stratify: Option<String>,
}

/// Why nothing was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// It is not divided by that.
    #[error(transparent)]
    Key(#[from] NoKey),
    /// The ledger is broken.
    #[error("the ledger is broken, and nothing is drawn from it")]
    Broken,
    /// There is no seal.
    #[error("no seal covers an entry, so there is no root that both sides share")]
    Unsealed,
    /// There is nothing to draw from.
    #[error("there are no {of} among the {sealed} sealed entries in that time")]
    Empty {
        /// What was asked for.
        of: &'static str,
        /// How many entries are sealed.
        sealed: u64,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Key(_) => Failure::Usage,
            Self::Broken => Failure::Broken,
            Self::Unsealed | Self::Empty { .. } => Failure::Undecided,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::Broken => Some("git docket verify names everything that is wrong".into()),
            Self::Unsealed => Some("git docket seal".into()),
            Self::Key(_) | Self::Empty { .. } => None,
        }
    }
}

/// What was drawn, with all that it depends on.
#[derive(Clone, Debug, Serialize)]
pub struct Sampled {
    /// The ledger's name.
    pub origin: String,
    /// How many entries are sealed.
    pub sealed: u64,
    /// Their Merkle root.
    pub root: Sha256,
    /// What was drawn from.
    pub of: &'static str,
    /// From this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Up to, and without, this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The seed.
    pub seed: String,
    /// How many were asked for.
    pub size: u64,
    /// What the strata are made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stratify: Option<String>,
    /// The strata, by name; one without a name where there are none.
    pub strata: Vec<Stratum>,
    /// The items, by rank.
    pub items: Vec<Drawn>,
}

/// Draws from the sealed entries.
///
/// # Errors
/// Where there is no seal, nothing to draw from, or we could not look.
pub fn sample(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    request: Request,
) -> Result<Sampled, Error> {
    let mut asked = replay::Request::new(Question::Ledger);
    asked.remember = Remember::No;
    asked.keep = Keep::Said;
    let outcome = replay::verify(world, repository, ledger, &asked)?.outcome;
    if outcome.verdict == Verdict::Broken {
        return Err(Error::Broken);
    }
    let sealed = outcome.heads.sealed.clone().ok_or(Error::Unsealed)?;
    let mut evidence = outcome.evidence.clone().ok_or(Error::Broken)?;
    std::sync::Arc::make_mut(&mut evidence.entries).retain(|entry| entry.seq < sealed.size);
    let model = outcome.model(&evidence, None);
    let of = request.of;
    let units = of.population(&model, request.period, request.stratify.as_deref())?;
    if units.is_empty() {
        return Err(Error::Empty {
            of: of.as_str(),
            sealed: sealed.size,
        });
    }
    let (strata, items) = sample::draw(units, &request.seed, &sealed.root, request.size);
    Ok(Sampled {
        origin: model.origin,
        sealed: sealed.size,
        root: sealed.root,
        of: of.as_str(),
        from: request.period.map(|(from, _)| from),
        until: request.period.map(|(_, until)| until),
        seed: request.seed,
        size: request.size,
        stratify: request.stratify,
        strata,
        items,
    })
}
