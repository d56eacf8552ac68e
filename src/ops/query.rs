//! Query: the entries that count and fit a filter, newest first, from the index; or, to verify, from a replay.
//!
//! A ledger that is broken, rolled back or forked is refused either way.

use std::cmp::Reverse;

use super::verify as replay;
use super::{Explain, Failure, World, index};
use crate::git::{self, RefName, Repository};
use crate::index::sqlite;
use crate::query::{Filter, Row};

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
    /// The index could not be used.
    #[error(transparent)]
    Index(#[from] sqlite::Error),
    /// The index, of the same ledger, said something else.
    #[error(
        "the index said something else than the ledger; it was removed, and what it answered cannot be relied on"
    )]
    Doctored,
    /// What the ledger holds cannot be trusted.
    #[error("the ledger is broken, so nothing in it can be listed as evidence")]
    Broken,
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Git(_) | Self::Doctored => Failure::CouldNotLook,
            Self::Index(error) if error.is_question() => Failure::Usage,
            Self::Index(_) => Failure::CouldNotLook,
            Self::Broken => Failure::Broken,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::Git(_) => None,
            Self::Doctored => Some("ask again: the index is made anew from the ledger".into()),
            Self::Index(error) if error.is_question() => Some(
                "one SELECT over the views that git docket help index names".into(),
            ),
            Self::Index(_) => Some(
                "docket/index.sqlite in the git directory can be removed at any time; --verify asks without it".into(),
            ),
            Self::Broken => Some(
                "git docket verify names everything that is wrong; git docket log lists what is recorded".into(),
            ),
        }
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The index, brought up to date first.
    Index,
    /// The ledger itself: every signature is checked in this run. An index that answers otherwise is removed.
    Ledger,
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
    source: Source,
) -> Result<Vec<Row>, Error> {
    if source == Source::Index {
        return Ok(index::current(world, repository, ledger)?.find(filter, most)?);
    }
    let (head, mut rows) = index::replayed(world, repository, ledger, None)?;
    index::hold(repository, ledger, &head, &rows)?;
    rows.retain(|row| filter.wants(row));
    rows.sort_by_key(|row| Reverse(row.seq));
    rows.truncate(most.unwrap_or(usize::MAX));
    Ok(rows)
}
