//! Insight: replay the ledger, and measure delivery by the entries that count.
//!
//! Each figure is made from the ledger itself in the same run, after every signature was checked. A ledger that is broken,
//! rolled back or forked is refused.

use super::judgement::{self, Wanted};
use super::verify::{self as replay, Remember, Request};
use super::{Explain, Failure, World};
use crate::git::{self, RefName, Repository};
use crate::insight::{self, Asked, Insight, TooLong};
use crate::timestamp::Timestamp;
use crate::verify::{Keep, Question, Verdict};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// What the ledger holds cannot be trusted.
    #[error("the ledger is broken, so nothing in it can be measured")]
    Broken,
    /// The period.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Git(_) => Failure::CouldNotLook,
            Self::Broken => Failure::Broken,
            Self::TooLong(_) => Failure::Usage,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::Broken => Some("git docket verify names everything that is wrong".into()),
            Self::TooLong(_) => Some("ask about less time: --period 2026-01-01..2026-12-31".into()),
            Self::Git(_) => None,
        }
    }
}

/// Measures, as of a time; without one, as of the newest entry.
///
/// # Errors
/// Where we could not look, the ledger is broken, or the period is too long.
pub fn insight(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    asked: Asked,
    at: Option<Timestamp>,
) -> Result<Insight, Error> {
    let mut request = Request::new(Question::Ledger);
    request.keep = Keep::Said;
    request.checks = Wanted::These(Vec::new());
    request.remember = Remember::No;
    request.at = at;
    let outcome = replay::verify(world, repository, ledger, &request)?.outcome;
    let evidence = outcome
        .evidence
        .as_ref()
        .filter(|_| outcome.verdict != Verdict::Broken)
        .ok_or(Error::Broken)?;
    let model = judgement::model(repository, &outcome, evidence, at)?;
    Ok(insight::insight(&model, asked)?)
}
