//! Query: replay the ledger, and list the entries that count and fit a filter, newest first.
//!
//! Each answer is made from the ledger itself in the same run: every signature is checked before anything is
//! listed. A ledger that is broken, rolled back or forked is refused.

use super::judgement::{self, Wanted};
use super::verify::{self as replay, Remember, Request};
use super::{Explain, Failure, World};
use crate::git::{self, RefName, Repository};
use crate::query::{self, Filter, Row};
use crate::verify::{Keep, Question, Verdict};

/// Why there is no answer.
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
    #[error("the ledger is broken, so nothing in it can be listed as evidence")]
    Broken,
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Git(_) => Failure::CouldNotLook,
            Self::Broken => Failure::Broken,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::Git(_) => None,
            Self::Broken => Some(
                "git docket verify names everything that is wrong; git docket log lists what is recorded".into(),
            ),
        }
    }
}

/// The wanted rows, newest first, at most so many.
///
/// # Errors
/// Where we could not look, or the ledger is broken.
pub fn query(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    filter: &Filter,
    most: Option<usize>,
) -> Result<Vec<Row>, Error> {
    let mut request = Request::new(Question::Ledger);
    request.keep = Keep::Said;
    request.checks = Wanted::These(Vec::new());
    request.remember = Remember::No;
    let outcome = replay::verify(world, repository, ledger, &request)?.outcome;
    let evidence = outcome
        .evidence
        .as_ref()
        .filter(|_| outcome.verdict != Verdict::Broken)
        .ok_or(Error::Broken)?;
    let model = judgement::model(repository, &outcome, evidence, None)?;
    let mut rows: Vec<Row> = query::rows(&model)
        .filter(|row| filter.wants(row))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
    rows.truncate(most.unwrap_or(usize::MAX));
    Ok(rows)
}
