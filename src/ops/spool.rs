//! The spool: attestations signed here and not yet in a ledger.
//!
//! One file an attestation under `<git folder>/docket/spool/`, named by the attestation's SHA-256:
//!
//! ```text
//! {"v":1,"commit":"sha1:<hex>","step":"build","attestation":"<base64>"}
//! ```
//!
//! An exported spool is such lines in one file. Files appear whole (temporary file, sync, rename, sync of
//! the folder), and what does not read back exactly is refused by name, never skipped.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Explain, append::Item};
use crate::base64;
use crate::{
    attestation::Attestation,
    digest::ObjectId,
    git::Repository,
    statement::{Placement, Step},
};

const VERSION: u32 = 1;

/// Why the spool cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not what we write.
    #[error("{path}, line {line}: not a spooled attestation")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        source: LineError,
    },
    /// A file to import holds nothing.
    #[error("{path} holds no attestation")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a line.
#[derive(Debug, Error)]
pub enum LineError {
    /// Not JSON of that shape.
    #[error("JSON")]
    Json(#[from] serde_json::Error),
    /// A version that this program does not know.
    #[error("version {found}, this program reads version {VERSION}")]
    Version {
        /// What it says.
        found: u32,
    },
    /// Not base64.
    #[error("base64")]
    Base64(#[from] base64::Base64Error),
    /// No attestation.
    #[error("attestation")]
    Attestation(#[from] crate::attestation::ParseError),
    /// The statement names another place: in the ledger it would count for nothing.
    #[error("its statement is for step {step} on {commit}, and the line is not")]
    Elsewhere {
        /// The step that the statement names.
        step: Step,
        /// The commit that it names.
        commit: ObjectId,
    },
}

impl Explain for Error {
    fn remedy(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Line { path, .. } | Self::Empty { path } => Some(format!(
                "make {} again with `git docket spool export`",
                path.display()
            )),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u32,
    commit: ObjectId,
    step: Step,
    attestation: String,
}

/// A repository's spool.
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// The spool in a repository's shared folder.
    pub fn of(repository: &Repository) -> Self {
        Self {
            folder: repository.common_dir().join("docket").join("spool"),
        }
    }

    /// Everything that waits, by the attestations' digests.
    ///
    /// # Errors
    /// Where a file cannot be read or is not ours.
    pub fn items(&self) -> Result<Vec<Item>, Error> {
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io(&self.folder)(source)),
        };
        let mut paths = Vec::new();
        for file in files {
            let path = file.map_err(self.io(&self.folder))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                paths.push(path);
            }
        }
        paths.sort();
        let mut items = Vec::new();
        for path in paths {
            items.extend(read(&path)?);
        }
        Ok(items)
    }

    /// Keeps items until they are in a ledger; they survive a power cut once this returned.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn keep(&self, items: &[Item]) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(self.io(&self.folder))?;
        for item in items {
            let path = self.path(item);
            let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(self.io(&path))?;
            file.write_all(render(item).as_bytes())
                .map_err(self.io(&path))?;
            file.as_file().sync_all().map_err(self.io(&path))?;
            file.persist(&path)
                .map_err(|error| self.io(&path)(error.error))?;
        }
        File::open(&self.folder)
            .and_then(|f| f.sync_all())
            .map_err(self.io(&self.folder))
    }

    /// Removes items that are in a ledger now.
    ///
    /// # Errors
    /// Where a file is there and cannot be removed.
    pub fn remove(&self, items: &[Item]) -> Result<(), Error> {
        for item in items {
            let path = self.path(item);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.io(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes everything that waits into one file, and says how many there are. The spool keeps them.
    ///
    /// # Errors
    /// Where it cannot be read or the file not be written.
    pub fn export(&self, to: &Path) -> Result<usize, Error> {
        let items = self.items()?;
        let text: String = items.iter().map(render).collect();
        fs::write(to, text).map_err(self.io(to))?;
        Ok(items.len())
    }

    /// Takes what other spools exported, and says how many attestations there were. Everything is read
    /// before anything is kept.
    ///
    /// # Errors
    /// Where a file cannot be read, holds nothing, or something else.
    pub fn import(&self, files: &[PathBuf]) -> Result<usize, Error> {
        let mut items = Vec::new();
        for file in files {
            let read = read(file)?;
            if read.is_empty() {
                return Err(Error::Empty { path: file.clone() });
            }
            items.extend(read);
        }
        self.keep(&items)?;
        Ok(items.len())
    }

    fn path(&self, item: &Item) -> PathBuf {
        self.folder
            .join(format!("{}.json", item.attestation.digest()))
    }

    fn io(&self, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::Io {
            path: path.clone(),
            source,
        }
    }
}

/// An item as a line of a spool, LF at its end.
pub(super) fn render(item: &Item) -> String {
    let document = Document {
        v: VERSION,
        commit: item.commit,
        step: item.step.clone(),
        attestation: base64::encode(item.attestation.bytes()),
    };
    let mut text = serde_json::to_string(&document).expect("strings and a number are JSON");
    text.push('\n');
    text
}

fn read(path: &Path) -> Result<Vec<Item>, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let line = |(index, line): (usize, &str)| {
        parse(line).map_err(|source| Error::Line {
            path: path.to_owned(),
            line: index + 1,
            source,
        })
    };
    text.lines().enumerate().map(line).collect()
}

/// Reads such a line.
pub(super) fn parse(line: &str) -> Result<Item, LineError> {
    let Document {
        v,
        commit,
        step,
        attestation,
    } = serde_json::from_str(line)?;
    if v != VERSION {
        return Err(LineError::Version { found: v });
    }
    let attestation = Attestation::parse(base64::decode(attestation.as_bytes())?)?;
    // What others signed names no place. Whose signature it is, is asked when it is appended and judged.
    let statement = attestation.unverified_statement().ok();
    let placement = statement.and_then(|statement| statement.placement().ok().flatten());
    if let Some(Placement {
        step: said,
        commit: about,
        ..
    }) = placement
        && (said != step || about != commit)
    {
        let (step, commit) = (said, about);
        return Err(LineError::Elsewhere { step, commit });
    }
    Ok(Item {
        commit,
        step,
        attestation,
    })
}
