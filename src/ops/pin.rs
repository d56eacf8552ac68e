//! The pin: what a reader holds a ledger to.
//!
//! ```toml
//! version = 1
//!
//! [pin]
//! origin = "git.example.com/acme/app"
//! genesis = "<leaf of the genesis, 64 hex digits>"
//! ledger-key = "git.example.com/acme/app+<hash>+<key>"
//! seal = '''<a C2SP checkpoint, optional>'''
//! ```
//!
//! It comes from a file named on the command line (`--pin FILE`), else from the one that git's
//! configuration names (`docket.pin`), else from `.docket.toml` in the checked-out commit: the commit, not
//! the work tree, for notes can be pushed by many and a protected branch by few. With none of them the
//! ledger is trusted as found, and every output says so.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Explain, Failure};
use crate::{
    digest::{ObjectId, ObjectKind, Sha256},
    git::{self, EntryKind, Repository},
    ledger::{
        Origin,
        note::{NoteError, VerifierKey},
        seal::{SealError, SignedSeal},
    },
    verify::Pin,
};

/// The file's name in a work tree.
pub const FILE: &str = ".docket.toml";
const LIMIT: u64 = 1 << 16;
const VERSION: u32 = 1;

/// Where a pin came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "from", content = "path")]
pub enum PinSource {
    /// A file that the user named.
    File(PathBuf),
    /// `.docket.toml` of the checked-out commit.
    Commit,
    /// Nowhere: the ledger is trusted as found.
    FirstUse,
}

impl std::fmt::Display for PinSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PinSource::File(path) => write!(f, "from {}", path.display()),
            PinSource::Commit => write!(f, "from {FILE} of the checked-out commit"),
            PinSource::FirstUse => write!(f, "none: the ledger was trusted as found"),
        }
    }
}

/// Why a pin cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the pin {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// Not TOML of that shape.
    #[error("{path} is no pin")]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A version that this program does not know.
    #[error("{path} is of version {found}, this program reads version {VERSION}")]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The ledger key is none, or is named by another origin.
    #[error("{path}: ledger-key")]
    LedgerKey {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: NoteError,
    },
    /// The ledger key is named by another origin.
    #[error("{path}: ledger-key is not named by the origin")]
    KeyName {
        /// Which file.
        path: PathBuf,
    },
    /// The seal is none.
    #[error("{path}: seal")]
    Seal {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: SealError,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        Failure::CouldNotLook
    }

    fn remedy(&self) -> Option<String> {
        Some("see `git docket help threats` for what a pin is; `git docket init` prints one".into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    pin: Raw,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Raw {
    origin: Origin,
    genesis: Sha256,
    ledger_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

/// Finds the pin that counts.
///
/// # Errors
/// Where one is named and cannot be used: a bad pin is never passed over.
pub fn find(
    repository: &Repository,
    named: Option<&Path>,
) -> Result<(Option<Pin>, PinSource), Error> {
    let configured = repository.setting("docket.pin").map(PathBuf::from);
    if let Some(path) = named.map(Path::to_owned).or(configured) {
        return Ok((Some(read(&path)?), PinSource::File(path)));
    }
    match committed(repository)? {
        Some(text) => Ok((Some(parse(&text, Path::new(FILE))?), PinSource::Commit)),
        None => Ok((None, PinSource::FirstUse)),
    }
}

/// Reads a pin file.
///
/// # Errors
/// Where it cannot be read, or is none.
pub fn read(path: &Path) -> Result<Pin, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text, path)
}

/// The text of a pin file.
pub fn render(pin: &Pin) -> String {
    let document = Document {
        version: VERSION,
        pin: Raw {
            origin: pin.origin.clone(),
            genesis: pin.genesis,
            ledger_key: pin.ledger_key.to_string(),
            seal: pin
                .seal
                .as_ref()
                .map(|seal| String::from_utf8_lossy(&seal.render()).into_owned()),
        },
    };
    let body = toml::to_string(&document).expect("strings and one number are TOML");
    format!(
        "# What readers of this repository hold its ledger to. See `git docket help threats`.\n{body}"
    )
}

/// Reads a pin file's text.
///
/// # Errors
/// Anything but a pin, with line and column.
pub fn parse(text: &str, path: &Path) -> Result<Pin, Error> {
    let path = || path.to_owned();
    let document: Document = toml::from_str(text).map_err(|source| Error::Toml {
        path: path(),
        source: Box::new(source),
    })?;
    if document.version != VERSION {
        return Err(Error::Version {
            path: path(),
            found: document.version,
        });
    }
    let Raw {
        origin,
        genesis,
        ledger_key,
        seal,
    } = document.pin;
    let ledger_key: VerifierKey = ledger_key.parse().map_err(|source| Error::LedgerKey {
        path: path(),
        source,
    })?;
    if ledger_key.name().as_str() != origin.as_str() {
        return Err(Error::KeyName { path: path() });
    }
    let seal = seal
        .map(|seal| SignedSeal::parse(seal.as_bytes()))
        .transpose()
        .map_err(|source| Error::Seal {
            path: path(),
            source,
        })?;
    Ok(Pin {
        origin,
        genesis,
        ledger_key,
        seal,
    })
}

// `.docket.toml` in the tree of HEAD, where there is a HEAD and it has one.
fn committed(repository: &Repository) -> Result<Option<String>, git::Error> {
    let Ok(head) = repository.commit_named("HEAD") else {
        return Ok(None);
    };
    let tree: ObjectId = repository.commit(&head)?.tree;
    let entries = repository.tree(&tree)?;
    let file = entries
        .into_iter()
        .find(|entry| entry.name == FILE.as_bytes() && entry.kind == EntryKind::File);
    let Some(file) = file else { return Ok(None) };
    let bytes = repository.content(&file.id, ObjectKind::Blob, LIMIT)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
