//! `show`: entries in full, by revision, seq or digest.

use std::ops::ControlFlow;

use thiserror::Error;

use super::log::{self, Filter};
use super::{Explain, Failure};
use crate::digest::{ObjectId, Sha256};
use crate::git::{self, Repository};
use crate::ledger::snapshot::Snapshot;
use crate::report::entry::EntryView;

/// Which entries to show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The one with this seq.
    Seq(u64),
    /// The ones whose attestation, or leaf, has this digest.
    Digest(Sha256),
    /// All about this commit.
    Commit(ObjectId),
}

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub enum Error {
    /// The entries cannot be listed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The word names neither entry nor revision.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The ledger is shorter.
    #[error("there is no entry {seq}: the ledger's newest is {newest}")]
    NoSeq {
        /// The seq asked for.
        seq: u64,
        /// The highest there is.
        newest: u64,
    },
    /// Nothing has that digest.
    #[error("no attestation and no leaf in the ledger is sha256:{digest}")]
    NoDigest {
        /// The digest asked for.
        digest: Sha256,
    },
    /// Nothing is recorded about the commit.
    #[error("no entry is about {commit}")]
    NoEntry {
        /// The commit.
        commit: ObjectId,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Error::Log(error) => error.failure(),
            Error::Git(_) => Failure::Usage,
            _ => Failure::Undecided,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Error::Log(error) => error.remedy(),
            Error::NoEntry { .. } => {
                Some("git docket run --step STEP -- COMMAND records one; git docket log lists what there is".to_owned())
            }
            _ => Some("git docket log lists what there is".to_owned()),
        }
    }
}

impl Target {
    /// What a word names. `sha256:<hex>` and 64 hex digits are a digest (in a SHA-256 repository the latter
    /// only if they are no commit here); a decimal number below the ledger's size is a seq; all else is a
    /// revision.
    ///
    /// # Errors
    /// Where it is none of them.
    pub fn parse(word: &str, repository: &Repository, size: u64) -> Result<Self, Error> {
        if let Some(digest) = word
            .strip_prefix("sha256:")
            .and_then(|hex| hex.parse().ok())
        {
            return Ok(Target::Digest(digest));
        }
        let decimal =
            word.bytes().all(|c| c.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
        if let Some(seq) = word
            .parse::<u64>()
            .ok()
            .filter(|seq| decimal && (*seq < size || word.len() < 4))
        {
            return Ok(Target::Seq(seq));
        }
        match (repository.commit_named(word), word.parse()) {
            (Ok(commit), _) => Ok(Target::Commit(commit)),
            (Err(_), Ok(digest)) => Ok(Target::Digest(digest)),
            (Err(error), Err(_)) => Err(error.into()),
        }
    }
}

/// The entries that a target names, oldest first; at least one.
///
/// # Errors
/// Where there are none, or they cannot be read.
pub fn show(snapshot: &dyn Snapshot, target: &Target) -> Result<Vec<EntryView>, Error> {
    let mut filter = Filter::default();
    if let Target::Commit(commit) = target {
        filter.commits = Some([*commit].into());
    }
    let mut found = Vec::new();
    let mut newest = None;
    log::log(snapshot, &filter, |entry, _| {
        newest = newest.max(Some(entry.seq));
        let (wanted, last) = match target {
            Target::Commit(_) => (true, false),
            Target::Seq(seq) => (entry.seq == *seq, entry.seq <= *seq),
            Target::Digest(digest) => (entry.has_digest(digest), false),
        };
        if wanted {
            found.push(entry);
        }
        if last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    found.reverse();
    match (found.is_empty(), target) {
        (false, _) => Ok(found),
        (true, Target::Commit(commit)) => Err(Error::NoEntry { commit: *commit }),
        (true, Target::Digest(digest)) => Err(Error::NoDigest { digest: *digest }),
        (true, Target::Seq(seq)) => Err(Error::NoSeq {
            seq: *seq,
            newest: newest.unwrap_or(0),
        }),
    }
}
