//! Archive: what a verdict rests on, in one file; and that file judged without a repository.
//!
//! To make one:
//!
//! 1. the ledger is replayed; a broken one is not archived;
//! 2. its parts are read as they are, the commits of each protected ref's line, and those that entries name;
//! 3. the archive is judged as a stranger would judge it, and written with what follows from the ledger;
//! 4. what was written is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::judgement::{self, Clone};
use super::trust;
use super::verify::{self as replay, Remember};
use super::{Explain, Failure, World, pin};
use crate::archive::pack::{self, PackError};
use crate::archive::{self, Archive, Fault, Judged, Merged, ParseError, Said};
use crate::digest::{ObjectId, Sha256};
use crate::git::{self, RefName, Repository};
use crate::judge::gather::{self, Source as _};
use crate::judge::{Model, Scope};
use crate::ledger::Snapshot as _;
use crate::ledger::in_memory::Parts;
use crate::ledger::snapshot::ReadError;
use crate::statement::predicate::Known;
use crate::store::{self, Stored};
use crate::timestamp::Timestamp;
use crate::verify::{Keep, Question, Verdict, VerifyError};

/// Why there is no archive, or no verdict over one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The pin could not be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// The ledger in an archive could not be replayed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Something of the ledger could not be read.
    #[error("a part of the ledger cannot be read")]
    Part(#[source] ReadError),
    /// The ledger is broken.
    #[error("the ledger is broken, and a broken ledger is not archived")]
    Broken,
    /// What would be archived is not whole.
    #[error("the archive would not be whole: {fault}")]
    NotWhole {
        /// What is missing.
        fault: Fault,
    },
    /// It cannot be put together.
    #[error("the archive cannot be written")]
    Pack(#[from] PackError),
    /// A trusted root cannot be used.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// A file that is no archive.
    #[error("{path} is no archive")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParseError,
    },
    /// A file that cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            // Whoever made it wrote another thing than this program does.
            Self::Broken | Self::Parse { .. } => Failure::Broken,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Replay(error) => return error.remedy(),
            Self::Git(error) => return error.remedy(),
            Self::Pin(error) => return error.remedy(),
            Self::Trust(error) => return error.remedy(),
            Self::Broken => "git docket verify names everything that is wrong".into(),
            Self::NotWhole { .. } => {
                "git fetch --unshallow brings what a shallow clone lacks; git docket fetch the ledger".into()
            }
            Self::Parse { .. } => "ask for it again, with its SHA-256 by another way".into(),
            _ => return None,
        })
    }
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct Created {
    /// The file.
    pub file: String,
    /// Its SHA-256: what to tell others by another way.
    pub sha256: Sha256,
    /// Its size.
    pub bytes: u64,
    /// How many entries it carries.
    pub entries: u64,
    /// How many commits.
    pub commits: usize,
    /// The verdict over it: what `archive verify` will say.
    pub verdict: &'static str,
    /// What it cannot prove.
    pub unproved: Vec<String>,
}

/// Writes an archive of a ledger and of what it is about.
///
/// # Errors
/// Where the ledger is broken, or something could not be read or written.
pub fn create(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    file: &Path,
    trusted_roots: &[PathBuf],
) -> Result<Created, Error> {
    let mut request = replay::Request::new(Question::Ledger);
    request.remember = Remember::No;
    request.keep = Keep::Said;
    request.trusted_roots = trusted_roots.to_vec();
    let outcome = replay::verify(world, repository, ledger, &request)?.outcome;
    let Some(evidence) = outcome.evidence.as_ref() else {
        return Err(Error::Broken);
    };
    if outcome.verdict == Verdict::Broken {
        return Err(Error::Broken);
    }
    let model = judgement::model(repository, &outcome, evidence, None)?;
    let clone = Clone {
        repository,
        ledger: &outcome.tip,
    };
    let parts = parts(&Stored::at(repository, outcome.tip)?)?;
    let mut archive = gathered(&clone, parts, &model)?;
    // Only a certificate's entry has a time that somebody vouches for.
    if model.entries.iter().any(|entry| entry.verified.is_some()) {
        let roots = trust::documents(repository, trusted_roots)?.into_iter();
        archive.roots = roots.map(|root| (Sha256::of(&root), root)).collect();
    }
    let request = archive::Request {
        pin: None,
        seals: Vec::new(),
        trust: trust::find(Some(repository), trusted_roots)?,
        scope: Scope::default(),
        checks: None,
        at: None,
        threads: request.threads,
    };
    let judged = archive::judge::judge(&archive, &request)?;
    let whole = |fault: &&Fault| !matches!(fault, Fault::Told { .. } | Fault::OffLine { .. });
    if let Some(fault) = judged.faults.iter().find(whole) {
        let fault = fault.clone();
        return Err(Error::NotWhole { fault });
    }
    let bytes = archive.render(&judged)?;
    let parse = |source| Error::Parse {
        path: file.to_owned(),
        source,
    };
    let judged = archive::judge::judge(&Archive::parse(&bytes).map_err(parse)?, &request)?;
    std::fs::write(file, &bytes).map_err(|source| failed(file, source))?;
    Ok(Created {
        file: file.display().to_string(),
        sha256: Sha256::of(&bytes),
        bytes: bytes.len() as u64,
        entries: outcome.counts.total,
        commits: archive.commits.len(),
        verdict: judged.verdict().as_str(),
        unproved: judged.unproved,
    })
}

fn gathered(clone: &Clone<'_>, ledger: Parts, model: &Model) -> Result<Archive, Error> {
    let mut refs = BTreeMap::new();
    for name in model.policy().protected() {
        refs.extend(clone.tip(name)?.map(|tip| (name.clone(), tip)));
    }
    let mut tags = BTreeMap::new();
    let releases = model.entries.iter().filter_map(|entry| match &entry.said {
        Some(Known::Release(release)) => release.name.as_deref(),
        _ => None,
    });
    for name in releases {
        if let Ok(reference) = name.parse::<RefName>() {
            let now = clone.repository.reference(&reference)?;
            tags.extend(now.map(|now| (name.to_owned(), now)));
        }
    }
    let on_line: BTreeSet<ObjectId> = model
        .facts
        .lines
        .values()
        .flatten()
        .map(|commit| commit.id)
        .collect();
    let (mut commits, mut paths, mut absent) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for id in gather::named(model).into_iter().chain(on_line.clone()) {
        match clone.raw(&id)? {
            Some(raw) => drop(commits.insert(id, raw)),
            None if ledger.commits.contains_key(&id) => {}
            None => drop(absent.insert(id)),
        }
    }
    for id in on_line {
        paths.insert(id, clone.repository.paths_brought(&id)?);
    }
    let merges = model.facts.merges.iter();
    let said = Said {
        v: 1,
        tip: ledger.tip,
        refs,
        tags,
        merges: merges
            .map(|((head, parent), tree)| Merged {
                head: *head,
                parent: *parent,
                tree: *tree,
            })
            .collect(),
        absent,
    };
    Ok(Archive::new(ledger, said, commits, paths))
}

// As they stand in the notes ref.
fn parts(stored: &Stored) -> Result<Parts, Error> {
    let shape = stored.shape();
    let mut parts = archive::empty(shape.tip);
    let records = [
        ("append", &shape.append),
        ("seal", &shape.seal),
        ("edge", &shape.edge),
        ("in-force", &shape.in_force),
    ];
    for (name, content) in records {
        let content = content.clone();
        parts
            .files
            .extend(content.map(|content| (name.to_owned(), content)));
    }
    let mut reader = stored.reader();
    for (at, id) in stored.notes().iter().enumerate() {
        parts
            .notes
            .insert(*id, reader.note(at).map_err(Error::Part)?);
    }
    for digest in &shape.blobs {
        let body = reader.blob(digest).map_err(Error::Part)?;
        parts.bodies.extend(body.map(|body| (*digest, body)));
    }
    for id in &shape.kept_commits {
        let raw = reader.commit(id).map_err(Error::Part)?;
        parts.commits.extend(raw.map(|raw| (*id, raw)));
    }
    Ok(parts)
}

/// What an archive is held to, and what is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The archive.
    pub file: PathBuf,
    /// A pin file.
    pub pin: Option<PathBuf>,
    /// Trusted roots, instead of the program's.
    pub trusted_roots: Vec<PathBuf>,
    /// Files with seals that other readers have.
    pub seals: Vec<PathBuf>,
    /// Environment and period.
    pub scope: Scope,
    /// Checks by id; without them those that the policy enforces.
    pub checks: Option<Vec<String>>,
    /// The moment of judgement.
    pub at: Option<Timestamp>,
}

/// An archive, judged.
#[derive(Debug)]
pub struct Checked {
    /// What it shows.
    pub judged: Judged,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// How many files it has.
    pub files: usize,
}

/// Judges an archive, in or outside a repository.
///
/// # Errors
/// Where it cannot be read, or is none.
pub fn verify(request: &Request) -> Result<Checked, Error> {
    let path = &request.file;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(2 * pack::LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|source| failed(path, source))?;
    let archive = Archive::parse(&bytes).map_err(|source| Error::Parse {
        path: path.clone(),
        source,
    })?;
    let seals: Result<Vec<_>, _> = request
        .seals
        .iter()
        .map(|path| replay::seal(path))
        .collect();
    let request = archive::Request {
        pin: request.pin.as_deref().map(pin::read).transpose()?,
        seals: seals?,
        trust: trust::find(None, &request.trusted_roots)?,
        scope: request.scope.clone(),
        checks: request.checks.clone(),
        at: request.at,
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    Ok(Checked {
        judged: archive::judge::judge(&archive, &request)?,
        sha256: Sha256::of(&bytes),
        files: archive.len(),
    })
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}
