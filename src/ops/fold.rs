//! `fold`: take what waits in the remote's inboxes into its ledger.
//!
//! An inbox is anybody's who may push: hostile until checked. Of each, in order of its name and at most [`MOST`] at a
//! time:
//! 1. one commit, whose tree has one file of at most [`LIMIT`] bytes, a line for each attestation;
//! 2. each line as a spool has it; its signature by a key of the roster in force; its statement for this ledger, and
//!    for the step and commit that the line names;
//! 3. the commit that it is about is here (else the inbox waits, for somebody who has it);
//! 4. what is in the ledger already is not added again; the rest is appended, rehearsed where it governs.
//!
//! One that fails is set aside whole, with its reason, and looked at again only when its content changes, or never
//! after `fold --drop`. What was folded is pushed with the deletion of its refs in one atomic push, each on the
//! condition that it still holds what was read; where the server cannot, the ledger first and the refs after that it
//! was seen to hold them. Two that fold at once: one push is rejected, and that one begins again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::append::{self, Item};
use super::push::{INBOX, INBOX_FILE};
use super::record::{self, Recorder};
use super::{Explain, Failure, World, fetch, push, spool};
use crate::digest::{ObjectId, ObjectKind};
use crate::finding::chain;
use crate::git::transport::{Atomic, Remote, Update};
use crate::git::{self, EntryKind, RefName, Repository};
use crate::roster::Roster;
use crate::store::Tip;

/// No more inboxes are looked at in one fold.
pub const MOST: usize = 64;
/// No inbox is larger: 32 MiB.
pub const LIMIT: u64 = 32 << 20;
/// No inbox has more lines.
pub const MOST_LINES: usize = 10_000;

/// What became of the inboxes.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The remote.
    pub remote: String,
    /// Inboxes taken in and deleted.
    pub folded: Vec<String>,
    /// How many entries that added to the ledger.
    pub entries: u64,
    /// Inboxes about commits that are not here.
    pub waiting: Vec<String>,
    /// Inboxes set aside, now or before.
    pub set_aside: Vec<SetAside>,
    /// How many inboxes were not looked at.
    pub left: usize,
}

/// An inbox that is not folded, and why.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct SetAside {
    /// The ref.
    pub inbox: String,
    /// What it held then.
    pub held: ObjectId,
    /// Why; hostile text in part.
    pub reason: String,
}

/// Why nothing could be folded.
#[derive(Debug, Error)]
pub enum Error {
    /// The remote's ledger could not be brought here.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// Git or the remote could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The ledger here could not be appended to.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The ledger's tip is not sound.
    #[error(transparent)]
    Append(#[from] append::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The list of what was set aside cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// That list is damaged.
    #[error("{path} is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The remote took nothing, though nobody was faster.
    #[error("{remote} refuses the fold: {words}")]
    Refused {
        /// The remote.
        remote: String,
        /// What git and the server said.
        words: String,
    },
    /// Others were faster, every time.
    #[error("others were faster {tries} times")]
    Contention {
        /// How often.
        tries: u32,
    },
    /// There is no such inbox.
    #[error("{remote} has no inbox {inbox}")]
    NoInbox {
        /// The remote.
        remote: String,
        /// The name.
        inbox: String,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Fetch(error) => error.failure(),
            Self::Record(error) => error.failure(),
            Self::Append(error) => error.failure(),
            Self::Contention { .. } => Failure::Contention,
            Self::NoInbox { .. } => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::Fetch(error) => return error.remedy(),
            Self::Record(error) => return error.remedy(),
            Self::Append(error) => return error.remedy(),
            Self::Contention { .. } => "fold again; the inboxes are as they were".into(),
            Self::Damaged { path } => {
                format!("remove {}: inboxes are then judged anew", path.display())
            }
            Self::NoInbox { remote, .. } => format!("git ls-remote {remote} '{INBOX}*' lists them"),
            _ => return None,
        })
    }
}

/// Why an inbox is not folded.
enum Unfit {
    /// Somebody else may have the commits.
    Waits,
    /// It is not what an honest writer leaves.
    Refused(String),
}

/// Folds.
///
/// # Errors
/// Where nothing was folded; the inboxes are as they were then.
pub fn fold(
    world: &World,
    repository: &Repository,
    request: &push::Request<'_>,
) -> Result<Outcome, Error> {
    let name = fetch::chosen(repository, request.fetch.remote)?;
    let remote = Remote::new(repository, &name, request.fetch.limit);
    let mut refusals = 0;
    for tries in 1..=request.tries.max(1) {
        let inboxes = remote.list(&[fetch::EVERY_INBOX])?;
        let mut outcome = Outcome {
            remote: name.clone(),
            left: inboxes.len().saturating_sub(MOST),
            ..Outcome::default()
        };
        if inboxes.is_empty() {
            return Ok(outcome);
        }
        let held = fetch::fetch(world, repository, &request.fetch)?.tip;
        let (good, items) = sorted_out(repository, &remote, request, inboxes, &mut outcome)?;
        if good.is_empty() {
            return Ok(outcome);
        }
        let ledger = request.fetch.ledger;
        let before = fetch::size(repository, ledger, held)?;
        Recorder::open(world, repository, ledger, request.key, "HEAD")?.drain()?;
        if !items.is_empty() {
            let recorder = Recorder::open(world, repository, ledger, request.key, "HEAD")?;
            recorder.appender()?.append(&items)?;
        }
        let tip = repository.reference(ledger)?.unwrap_or(held);
        outcome.entries = fetch::size(repository, ledger, tip)?.saturating_sub(before);
        if delivered(&remote, ledger, held, tip, &good)? {
            outcome.folded = good.into_keys().collect();
            fetch::fetch(world, repository, &request.fetch)?;
            return Ok(outcome);
        }
        if remote.value(ledger.as_str())? == Some(held) {
            refusals += 1;
        }
        if refusals >= 2 {
            return Err(Error::Refused {
                remote: name,
                words: "the ledger stands where it was expected, and was not moved".into(),
            });
        }
        std::thread::sleep(Duration::from_millis(50 * u64::from(tries.min(20))));
    }
    Err(Error::Contention {
        tries: request.tries.max(1),
    })
}

/// Deletes an inbox on the remote, whatever it holds, and forgets that it was set aside.
///
/// # Errors
/// Where there is none, or the remote will not.
pub fn drop_inbox(
    repository: &Repository,
    request: &push::Request<'_>,
    inbox: &str,
) -> Result<(), Error> {
    let name = fetch::chosen(repository, request.fetch.remote)?;
    let remote = Remote::new(repository, &name, request.fetch.limit);
    let inbox = match inbox.strip_prefix(INBOX) {
        Some(_) => inbox.to_owned(),
        None => format!("{INBOX}{inbox}"),
    };
    let Some(held) = remote.value(&inbox)? else {
        let remote = name;
        return Err(Error::NoInbox { remote, inbox });
    };
    let report = remote.push(&[deletion(&inbox, held)], Atomic::No)?;
    if remote.value(&inbox)?.is_some() {
        return Err(Error::Refused {
            remote: name,
            words: report.words,
        });
    }
    let mut aside = Aside::read(repository)?;
    aside.known.retain(|known| known.inbox != inbox);
    aside.write()
}

/// The inboxes to fold, with what they hold, and their items that are not in the ledger's spool of duplicates; the
/// others are told of in the outcome.
fn sorted_out(
    repository: &Repository,
    remote: &Remote<'_>,
    request: &push::Request<'_>,
    inboxes: BTreeMap<String, ObjectId>,
    outcome: &mut Outcome,
) -> Result<(BTreeMap<String, ObjectId>, Vec<Item>), Error> {
    let mut aside = Aside::read(repository)?;
    aside
        .known
        .retain(|known| inboxes.get(&known.inbox) == Some(&known.held));
    let head = append::head(&Tip::read(repository, request.fetch.ledger)?)?;
    let (mut good, mut items) = (BTreeMap::new(), Vec::new());
    for (inbox, held) in inboxes.into_iter().take(MOST) {
        if aside.known.iter().any(|known| known.inbox == inbox) {
            continue;
        }
        match opened(
            repository,
            remote,
            &inbox,
            held,
            head.record.origin.as_str(),
            &head.roster,
        )? {
            Ok(found) => {
                good.insert(inbox, held);
                items.extend(found);
            }
            Err(Unfit::Waits) => outcome.waiting.push(inbox),
            Err(Unfit::Refused(reason)) => aside.known.push(SetAside {
                inbox,
                held,
                reason,
            }),
        }
    }
    aside.write()?;
    outcome.set_aside = aside.known;
    Ok((good, items))
}

/// What an inbox holds, every line of it checked.
fn opened(
    repository: &Repository,
    remote: &Remote<'_>,
    inbox: &str,
    held: ObjectId,
    origin: &str,
    roster: &Roster,
) -> Result<Result<Vec<Item>, Unfit>, Error> {
    let refused = |reason: String| Ok(Err(Unfit::Refused(reason)));
    let seen: RefName = match format!("refs/docket/opened/{}", &inbox[INBOX.len()..]).parse() {
        Ok(seen) => seen,
        Err(_) => return refused("its name is none of ours".into()),
    };
    // Somebody else may have folded it meanwhile, or a server may not hand it out.
    if remote.fetch(inbox, &seen).ok() != Some(held) {
        return Ok(Err(Unfit::Waits));
    }
    let text = match content(repository, held) {
        Ok(Ok(text)) => text,
        Ok(Err(reason)) => return refused(reason.into()),
        Err(error) => return refused(chain(&error)),
    };
    let mut items = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if line_number > MOST_LINES {
            return refused(format!("more than {MOST_LINES} lines"));
        }
        let item = match spool::parse(line) {
            Ok(item) => item,
            Err(error) => return refused(format!("line {line_number}: {}", chain(&error))),
        };
        if let Err(reason) = fits(&item, origin, roster) {
            return refused(format!("line {line_number}: {reason}"));
        }
        if !repository.has(&item.commit) {
            return Ok(Err(Unfit::Waits));
        }
        items.push(item);
    }
    match items.is_empty() {
        true => refused("it holds no attestation".into()),
        false => Ok(Ok(items)),
    }
}

fn content(
    repository: &Repository,
    held: ObjectId,
) -> Result<Result<String, &'static str>, git::Error> {
    let entries = repository.tree(&repository.commit(&held)?.tree)?;
    let [file] = entries.as_slice() else {
        return Ok(Err("its tree has not one file"));
    };
    if file.name != INBOX_FILE.as_bytes() || file.kind != EntryKind::File {
        return Ok(Err("its tree has not the file `attestations`"));
    }
    let bytes = repository.checked(&file.id, ObjectKind::Blob, LIMIT)?;
    Ok(String::from_utf8(bytes).map_err(|_| "it is not UTF-8"))
}

/// Whether an item is signed by somebody known, and for the place that its line names.
pub(super) fn fits(item: &Item, origin: &str, roster: &Roster) -> Result<(), String> {
    if crate::verify::is_governance(&item.step) {
        return Err("what governs the ledger is not taken from an inbox".into());
    }
    let id = item.attestation.key_id().ok_or("it names no key")?;
    let key = roster
        .key(&id)
        .ok_or_else(|| format!("nobody of the roster has the key {id}"))?;
    let verified = item
        .attestation
        .verify(key)
        .map_err(|error| chain(&error))?;
    let placement = verified
        .statement()
        .placement()
        .map_err(|error| chain(&error))?
        .ok_or("its statement does not say where it belongs")?;
    if placement.origin != origin {
        return Err(format!("it is for the ledger {:?}", placement.origin));
    }
    if placement.step != item.step || placement.commit != item.commit {
        return Err("its statement is for another step or commit".into());
    }
    Ok(())
}

/// Pushes the ledger and the deletions; whether the remote was seen to hold the ledger then.
fn delivered(
    remote: &Remote<'_>,
    ledger: &RefName,
    held: ObjectId,
    tip: ObjectId,
    good: &BTreeMap<String, ObjectId>,
) -> Result<bool, Error> {
    let deletions: Vec<Update> = good
        .iter()
        .map(|(inbox, held)| deletion(inbox, *held))
        .collect();
    let moved = (tip != held).then(|| Update {
        name: ledger.to_string(),
        expected: Some(held),
        new: Some(tip),
    });
    let all: Vec<Update> = moved.iter().cloned().chain(deletions.clone()).collect();
    // What git says of it does not matter: the remote is asked.
    let _ = remote.push(&all, Atomic::Yes);
    if remote.value(ledger.as_str())? == Some(tip) && left(remote, good)?.is_empty() {
        return Ok(true);
    }
    // Without atomic pushes: the ledger first, and the inboxes only after it.
    if let Some(moved) = moved
        && remote.value(ledger.as_str())? == Some(held)
    {
        let _ = remote.push(&[moved], Atomic::No);
    }
    if remote.value(ledger.as_str())? != Some(tip) {
        return Ok(false);
    }
    let rest: Vec<Update> = left(remote, good)?
        .into_iter()
        .map(|(inbox, held)| deletion(&inbox, held))
        .collect();
    if !rest.is_empty() {
        let _ = remote.push(&rest, Atomic::No);
    }
    Ok(true)
}

/// Which of these inboxes still hold what was folded.
fn left(
    remote: &Remote<'_>,
    good: &BTreeMap<String, ObjectId>,
) -> Result<BTreeMap<String, ObjectId>, Error> {
    let mut now = remote.list(&[fetch::EVERY_INBOX])?;
    now.retain(|inbox, held| good.get(inbox) == Some(held));
    Ok(now)
}

fn deletion(inbox: &str, held: ObjectId) -> Update {
    Update {
        name: inbox.to_owned(),
        expected: Some(held),
        new: None,
    }
}

/// What was set aside: `<git folder>/docket/set-aside.json`.
struct Aside {
    path: PathBuf,
    known: Vec<SetAside>,
}

impl Aside {
    fn read(repository: &Repository) -> Result<Self, Error> {
        let path = repository.common_dir().join("docket/set-aside.json");
        let known = match fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(known) => known,
                Err(_) => return Err(Error::Damaged { path }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Error::Io { path, source }),
        };
        Ok(Aside { path, known })
    }

    fn write(&self) -> Result<(), Error> {
        let failed = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        if self.known.is_empty() && !self.path.exists() {
            return Ok(());
        }
        let folder = self.path.parent().expect("a file in a folder has one");
        fs::create_dir_all(folder).map_err(failed)?;
        let text = serde_json::to_vec_pretty(&self.known).expect("texts are JSON");
        let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        fs::write(file.path(), text).map_err(failed)?;
        file.persist(&self.path)
            .map(drop)
            .map_err(|error| failed(error.error))
    }
}
