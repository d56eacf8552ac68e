//! `status`: where a ledger stands, cheaply. It reads the tip's records and the newest entries, and judges
//! nothing: `verify` does. Of remotes it tells what was seen of them last, and asks them anew where it is told to.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::inboxes::{self, Inboxes};
use super::log::{self, Filter};
use super::pin::{self, PinSource};
use super::spool::{self, Spool};
use super::{Explain, Failure, World, append, fetch, mirror};
use crate::digest::ObjectId;
use crate::git::transport::Remote;
use crate::git::{self, RefName, Repository};
use crate::ledger::Origin;
use crate::report::entry::EntryView;
use crate::store::{self, Stored, Tip};

/// Where a ledger stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The ref that holds it, or would.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What is there; absent where the ref is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerStatus>,
    /// How many entries are signed here and not in the ledger.
    pub pending: usize,
    /// Where a pin would come from.
    pub pin: PinSource,
    /// The remotes that might have a ledger.
    pub remotes: Vec<String>,
    /// What waits in inboxes.
    pub inboxes: Waiting,
    /// The mirror, where one is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// The checked-out commit, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<ObjectId>,
    /// How many entries are about it.
    pub about_head: usize,
}

/// How many inboxes there are.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// In this repository, as where it is the one that others push to.
    pub here: u64,
    /// On each remote that was asked, when it was asked last.
    pub remotes: BTreeMap<String, Inboxes>,
}

/// The ledger's mirror in a branch.
#[derive(Clone, Debug, Serialize)]
pub struct Mirror {
    /// The branch.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether it is known here, so that the ledger can be held against it.
    pub seen: bool,
}

/// What is there, by its own account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerStatus {
    /// Its name.
    pub origin: Origin,
    /// The ref's tip.
    pub tip: ObjectId,
    /// How many entries there are.
    pub entries: u64,
    /// How many a seal covers.
    pub sealed: u64,
    /// How many no seal covers yet.
    pub unsealed: u64,
    /// Whether enough root keys have signed its genesis.
    #[serde(skip)]
    pub is_open: bool,
    /// For each remote, how many of them it was not seen to hold.
    pub unpushed: BTreeMap<String, u64>,
    /// The newest, newest first.
    pub newest: Vec<EntryView>,
}

/// Why it cannot be said.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The tip's records are not sound.
    #[error(transparent)]
    Head(#[from] append::Error),
    /// The entries cannot be listed.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The pin cannot be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// The spool cannot be read.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// What was last seen of a remote cannot be read.
    #[error(transparent)]
    Seen(#[from] Box<fetch::Error>),
    /// The mirror cannot be looked at.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// What a remote answered cannot be kept.
    #[error("the number of a remote's inboxes cannot be kept")]
    Inboxes(#[source] io::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Error::Head(error) => error.failure(),
            Error::Log(error) => error.failure(),
            Error::Pin(error) => error.failure(),
            Error::Spool(error) => error.failure(),
            Error::Seen(error) => error.failure(),
            Error::Git(_) | Error::Store(_) | Error::Mirror(_) | Error::Inboxes(_) => {
                Failure::CouldNotLook
            }
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Error::Head(error) => error.remedy(),
            Error::Log(error) => error.remedy(),
            Error::Pin(error) => error.remedy(),
            Error::Spool(error) => error.remedy(),
            Error::Seen(error) => error.remedy(),
            Error::Git(error) => error.remedy(),
            Error::Store(_) | Error::Mirror(_) | Error::Inboxes(_) => None,
        }
    }
}

/// Says where a ledger stands, with at most `newest` of its entries.
///
/// # Errors
/// Where something that is there cannot be read. A missing ledger is no error here: it is said.
pub fn status(repository: &Repository, name: &RefName, newest: usize) -> Result<Status, Error> {
    let tip = Tip::read(repository, name)?;
    let head = repository.commit_named("HEAD").ok();
    let mut about_head = 0;
    let ledger = match tip.commit() {
        None => None,
        Some(commit) => {
            let records = append::head(&tip)?;
            let stored = Stored::at(repository, commit)?;
            let listed = |filter: Filter| -> Result<Vec<EntryView>, Error> {
                let mut entries = Vec::new();
                log::log(&stored, &filter, |entry, _| {
                    entries.push(entry);
                    ControlFlow::Continue(())
                })?;
                Ok(entries)
            };
            if let Some(head) = head {
                about_head = listed(Filter {
                    commits: Some([head].into()),
                    ..Filter::default()
                })?
                .len();
            }
            Some(LedgerStatus {
                is_open: records.opened().is_ok(),
                origin: records.record.origin,
                tip: commit,
                entries: records.edge.size(),
                sealed: records.edge.sealed_size(),
                unsealed: records.edge.size() - records.edge.sealed_size(),
                unpushed: unpushed(repository, name, records.edge.size())?,
                newest: listed(Filter {
                    max_count: Some(newest),
                    ..Filter::default()
                })?,
            })
        }
    };
    Ok(Status {
        reference: name.to_string(),
        ledger,
        pending: Spool::of(repository).items()?.len(),
        pin: pin::find(repository, None)?.1,
        inboxes: waiting(repository)?,
        mirror: mirrored(repository)?,
        remotes: repository.remotes(),
        head,
        about_head,
    })
}

/// Asks every remote how many inboxes it has, for [`status`] to tell.
///
/// # Errors
/// Where one of them cannot be asked.
pub fn ask(world: &World, repository: &Repository, limit: Duration) -> Result<(), Error> {
    for name in repository.remotes() {
        let listed = Remote::new(repository, &name, limit).list(&[fetch::EVERY_INBOX])?;
        inboxes::keep(world, repository, &name, &listed).map_err(Error::Inboxes)?;
    }
    Ok(())
}

fn waiting(repository: &Repository) -> Result<Waiting, Error> {
    let asked = |name: String| inboxes::last(repository, &name).map(|inboxes| (name, inboxes));
    Ok(Waiting {
        here: inboxes::here(repository)?,
        remotes: repository.remotes().into_iter().filter_map(asked).collect(),
    })
}

fn mirrored(repository: &Repository) -> Result<Option<Mirror>, Error> {
    let Some(mirror) = mirror::configured(repository)? else {
        return Ok(None);
    };
    Ok(Some(Mirror {
        seen: !mirror::seen(repository, &mirror)?.is_empty(),
        reference: mirror.to_string(),
    }))
}

/// What was last seen of each remote, held against the ledger here. No remote is asked.
fn unpushed(
    repository: &Repository,
    name: &RefName,
    entries: u64,
) -> Result<BTreeMap<String, u64>, Error> {
    let mut all = BTreeMap::new();
    for remote in repository.remotes() {
        let there = match repository.reference(&fetch::private_ref(&remote, name))? {
            Some(seen) => fetch::size(repository, name, seen).map_err(Box::new)?,
            None => 0,
        };
        all.insert(remote, entries.saturating_sub(there));
    }
    Ok(all)
}

impl Status {
    /// The command that helps most now, and why.
    pub fn next(&self) -> (String, &'static str) {
        match (&self.ledger, self.remotes.first()) {
            (None, _) if self.head.is_none() => (
                "git commit".to_owned(),
                "a ledger speaks about commits, and there is none yet",
            ),
            (None, Some(_)) => (
                "git docket fetch".to_owned(),
                "brings the ledger, where the remote has one; git docket init founds one",
            ),
            (None, None) => ("git docket init".to_owned(), "founds a ledger"),
            (Some(ledger), _) if !ledger.is_open => (
                "git docket cosign".to_owned(),
                "opens the ledger, once enough holders of root keys have signed",
            ),
            (Some(_), _) if self.about_head == 0 => (
                "git docket run --step test -- COMMAND".to_owned(),
                "records a first step about the checked-out commit",
            ),
            (Some(_), _) if self.pin == PinSource::FirstUse => (
                "git add .docket.toml && git commit".to_owned(),
                "lets clones know which ledger they are to find",
            ),
            (Some(ledger), Some(_))
                if self.pending > 0 || ledger.unpushed.values().all(|waits| *waits > 0) =>
            {
                (
                    "git docket push".to_owned(),
                    "brings what waits here to the remote's ledger",
                )
            }
            (Some(_), Some(_)) if self.inboxes.remotes.values().any(|asked| asked.inboxes > 0) => (
                "git docket fold".to_owned(),
                "takes what waits in the remote's inboxes into its ledger",
            ),
            (Some(ledger), _) if ledger.unsealed > 0 => {
                ("git docket seal".to_owned(), "seals what has landed")
            }
            (Some(_), _) => (
                "git docket verify HEAD".to_owned(),
                "judges what is recorded about the checked-out commit",
            ),
        }
    }
}
