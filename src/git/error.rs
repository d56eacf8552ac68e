//! What can go wrong between us and git, in our words.

use std::path::PathBuf;

use thiserror::Error;

use super::refs::RefName;
use crate::digest::ObjectId;
use crate::process;

/// Why git could not be asked, or had no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// No repository at or above the folder, or one that cannot be opened.
    #[error("there is no Git repository at {folder} or above it")]
    NotFound {
        /// Where the search began.
        folder: PathBuf,
        /// Why.
        source: gix::Error,
    },
    /// The repository keeps its refs in a way that cannot be read here yet.
    #[error("the repository keeps its refs as {storage}, and only files can be read yet")]
    RefStorage {
        /// The storage's name in the configuration.
        storage: String,
    },
    /// A word names no revision.
    #[error("{spec:?} is no revision here")]
    Revision {
        /// The word; hostile text.
        spec: String,
    },
    /// Digits with which the ids of several objects begin.
    #[error("the ids of several objects begin with {spec:?}")]
    Ambiguous {
        /// The digits.
        spec: String,
    },
    /// The checked-out branch has no commit, and `HEAD` names none.
    #[error("this repository has no commit yet")]
    NoCommit,
    /// A word names a range where one revision is wanted, or nothing that has commits.
    #[error("{spec:?} does not name {wanted}")]
    Kind {
        /// The word; hostile text.
        spec: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// Commits could not be walked: one is missing or broken.
    #[error("the history cannot be walked")]
    Walk(#[source] gix::Error),
    /// An object could not be read.
    #[error("object {id} cannot be read")]
    Read {
        /// Its id.
        id: ObjectId,
        /// Why.
        source: gix::Error,
    },
    /// An object is not in this repository.
    #[error("object {id} is not in this repository")]
    Missing {
        /// Its id.
        id: ObjectId,
    },
    /// An object is of another kind than its place says.
    #[error("object {id} is no {wanted}")]
    OtherKind {
        /// Its id.
        id: ObjectId,
        /// What was wanted.
        wanted: &'static str,
    },
    /// An object's content does not have its id: it was altered, or it is part of a collision attack.
    #[error("object {id} does not have the content its id says")]
    Altered {
        /// Its id.
        id: ObjectId,
    },
    /// An object's content does not have its kind's form.
    #[error("{kind} {id} is malformed")]
    Malformed {
        /// Its kind.
        kind: &'static str,
        /// Its id.
        id: ObjectId,
    },
    /// An object is larger than allowed.
    #[error("object {id} has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its id.
        id: ObjectId,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// An object could not be written.
    #[error("an object cannot be written")]
    Write(#[source] gix::Error),
    /// An object's file could not be written.
    #[error("{path} cannot be written")]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An object could not be made to survive a power cut.
    #[error("{path} cannot be synced to disk")]
    Sync {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An object's content is one half of a SHA-1 collision attack, and is not written.
    #[error("the {kind} to be written is part of a SHA-1 collision attack")]
    Collision {
        /// The object's kind.
        kind: &'static str,
    },
    /// Another process holds a ref's lock, or left it behind when it ended.
    #[error("ref {name} is locked by another process; if none is at work, remove {lock}")]
    Locked {
        /// The ref.
        name: RefName,
        /// The lock file.
        lock: PathBuf,
    },
    /// A ref's lock cannot be taken, written or moved onto the ref.
    #[error("{path} cannot be written")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A ref that was fetched is not there.
    #[error("ref {name} was fetched and is gone")]
    Vanished {
        /// Its name.
        name: RefName,
    },
    /// No view of a push's objects could be made.
    #[error("{path} cannot be made or opened")]
    Scratch {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A ref could not be read.
    #[error("ref {name} cannot be read")]
    Ref {
        /// Its name.
        name: RefName,
        /// Why.
        source: gix::Error,
    },
    /// The program git was needed and failed.
    #[error(transparent)]
    Program(#[from] process::Error),
}
