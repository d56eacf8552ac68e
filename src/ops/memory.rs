//! Memory: what was seen of each ledger, so that a rollback or a fork is noticed.
//!
//! `$XDG_STATE_HOME/git-docket/<sha256(origin || leaf of the genesis)>/seen.json`, one folder for each
//! genesis. Written only after everything passed: lock, read again, compare, temporary file, sync, rename,
//! sync of the folder. A memory never shrinks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Explain;
use crate::{
    digest::Sha256,
    ledger::{Origin, TreeHead, seal::SignedSeal},
    verify::Memory,
};

const FILE: &str = "seen.json";
const VERSION: u32 = 1;

/// Why memory cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What stands there is not what we write.
    #[error("{path} is damaged")]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// Another process holds the lock, or one died holding it.
    #[error("{path} is locked")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl Explain for Error {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => {
                "check that $XDG_STATE_HOME (~/.local/state) can be read and written".into()
            }
            Self::Damaged { path } => format!(
                "restore {} from a backup; removing it forgets what was seen of this ledger",
                path.display()
            ),
            Self::Locked { path } => {
                format!("if no other git docket runs, remove {}", path.display())
            }
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u32,
    origin: Origin,
    genesis: Sha256,
    seal: Option<String>,
    size: u64,
    root: Sha256,
}

/// What is remembered of ledgers of this origin, one for each genesis seen.
///
/// # Errors
/// Where a memory is there and cannot be read: forgetting silently is what a rollback needs.
pub fn recall(state: &Path, origin: &Origin) -> Result<Vec<Memory>, Error> {
    let mut memories = recall_all(state)?;
    memories.retain(|memory| memory.origin == *origin);
    Ok(memories)
}

/// What is remembered of all ledgers.
///
/// # Errors
/// As with [`recall`].
pub fn recall_all(state: &Path) -> Result<Vec<Memory>, Error> {
    let folders = match fs::read_dir(state) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(Error::Io {
                path: state.to_owned(),
                source,
            });
        }
    };
    let mut memories = Vec::new();
    for folder in folders {
        let folder = folder.map_err(|source| Error::Io {
            path: state.to_owned(),
            source,
        })?;
        memories.extend(read(&folder.path().join(FILE))?);
    }
    memories.sort_by_key(|memory| memory.genesis);
    Ok(memories)
}

/// Remembers what was seen, unless more is remembered already.
///
/// # Errors
/// Where it cannot be written.
pub fn remember(state: &Path, memory: &Memory) -> Result<(), Error> {
    let folder = folder(state, &memory.origin, &memory.genesis);
    fs::create_dir_all(&folder).map_err(io(&folder))?;
    let lock = Lock::take(folder.join("seen.lock"))?;
    let path = folder.join(FILE);
    let mut memory = memory.clone();
    if let Some(known) = read(&path)? {
        let sealed = |memory: &Memory| memory.seal.as_ref().map_or(0, |s| s.unverified().head.size);
        if sealed(&known) > sealed(&memory) {
            memory.seal = known.seal.clone();
        }
        if known.landed.size > memory.landed.size {
            memory.landed = known.landed.clone();
        }
        if known == memory {
            return Ok(());
        }
    }
    let document = Document {
        v: VERSION,
        seal: memory
            .seal
            .map(|seal| String::from_utf8_lossy(&seal.render()).into_owned()),
        origin: memory.origin,
        genesis: memory.genesis,
        size: memory.landed.size,
        root: memory.landed.root,
    };
    let text = serde_json::to_string_pretty(&document).expect("strings and numbers are JSON");
    write(&path, text.as_bytes())?;
    drop(lock);
    Ok(())
}

/// The folder of one ledger.
pub(super) fn folder(state: &Path, origin: &Origin, genesis: &Sha256) -> PathBuf {
    let name = Sha256::of_parts(&[origin.as_str().as_bytes(), genesis.as_bytes()]);
    state.join(name.to_string())
}

/// Writes a file so that after a crash it is there whole or not at all; its folder is made.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io(folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io(folder))?;
    file.write_all(bytes).map_err(io(path))?;
    file.as_file().sync_all().map_err(io(path))?;
    file.persist(path).map_err(|error| Error::Io {
        path: path.to_owned(),
        source: error.error,
    })?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io(folder))
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

fn read(path: &Path) -> Result<Option<Memory>, Error> {
    let damaged = || Error::Damaged {
        path: path.to_owned(),
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(source) => {
            return Err(Error::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let document: Document = serde_json::from_str(&text).map_err(|_| damaged())?;
    if document.v != VERSION {
        return Err(damaged());
    }
    let seal = document
        .seal
        .map(|seal| SignedSeal::parse(seal.as_bytes()).map_err(|_| damaged()))
        .transpose()?;
    Ok(Some(Memory {
        origin: document.origin,
        genesis: document.genesis,
        seal,
        landed: TreeHead {
            size: document.size,
            root: document.root,
        },
    }))
}

// A file that exists while it is held.
struct Lock(PathBuf);

impl Lock {
    fn take(path: PathBuf) -> Result<Self, Error> {
        for wait in 0..60 {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(std::time::Duration::from_millis(wait * 2));
                }
                Err(source) => return Err(Error::Io { path, source }),
            }
        }
        Err(Error::Locked { path })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_never_shrinks() {
        let folder = tempfile::tempdir().unwrap();
        let memory = |size| Memory {
            origin: "example.com/a".parse().unwrap(),
            genesis: Sha256::of(b"genesis"),
            seal: None,
            landed: TreeHead {
                size,
                root: Sha256::of(&[size as u8]),
            },
        };
        let recalled = || recall(folder.path(), &memory(0).origin).unwrap();
        assert!(recalled().is_empty());
        remember(folder.path(), &memory(5)).unwrap();
        remember(folder.path(), &memory(3)).unwrap();
        assert_eq!(recalled(), [memory(5)]);
        assert!(
            recall(folder.path(), &"example.com/b".parse().unwrap())
                .unwrap()
                .is_empty()
        );
        let damaged = fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::write(damaged.join(FILE), "{}").unwrap();
        assert!(recall(folder.path(), &memory(0).origin).is_err());
    }
}
