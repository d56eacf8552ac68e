//! Many repositories: which they are, what brings each of them here, and what is done to all.
//!
//! A repository is named by a folder or by a URL ([`names`]). One that is named by a URL is kept as a bare clone in a
//! folder that the user names; its branches and tags follow the remote, its ledger moves as `fetch` moves it: verified
//! first, and never by force. What one repository fails at stops none of the others.

pub mod names;
pub mod publish;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use self::names::{Name, Place};
use super::{Explain, Failure};
use crate::digest::Sha256;
use crate::git::{self, Repository};
use crate::process::{self, Quiet};

/// Why a repository cannot be opened.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The folder is inside a repository, and is none itself.
    #[error("{folder} is no repository; it is inside {found}")]
    Inside {
        /// The folder.
        folder: PathBuf,
        /// The repository around it.
        found: PathBuf,
    },
    /// A URL, and no folder for clones.
    #[error("a repository is named by a URL, and no folder for clones is named")]
    NoClones,
    /// The folder for clones cannot be used.
    #[error("the folder for clones {folder} cannot be used")]
    Clones {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The remote could not be cloned, or its branches not be fetched.
    #[error(transparent)]
    Remote(#[from] process::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::NoClones => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.remedy(),
            Self::NoClones => Some("--clones DIR names one".into()),
            _ => None,
        }
    }
}

/// Where clones are kept, and how long one exchange with a remote may take.
#[derive(Clone, Debug)]
pub struct Clones {
    /// The folder; without it only folders can be named.
    pub folder: Option<PathBuf>,
    /// The limit.
    pub limit: Duration,
}

impl Clones {
    /// Opens a repository. One that is named by a URL is cloned, or, where it was before, its branches and tags are
    /// brought up to date; its ledger is not.
    ///
    /// # Errors
    /// Where there is none, or the remote cannot be reached.
    pub fn open(&self, name: &Name) -> Result<Repository, Error> {
        match name.place() {
            Place::Folder(folder) => opened(Path::new(folder)),
            Place::Url(url) => self.cloned(url),
        }
    }

    fn cloned(&self, url: &str) -> Result<Repository, Error> {
        let folder = self.folder.as_ref().ok_or(Error::NoClones)?;
        let cannot = |source| Error::Clones {
            folder: folder.clone(),
            source,
        };
        fs::create_dir_all(folder).map_err(cannot)?;
        let id = Sha256::of(url.as_bytes()).to_string();
        let clone = folder.join(format!("{}.git", &id[..32]));
        if clone.is_dir() {
            let heads = "+refs/heads/*:refs/heads/*";
            let words = ["fetch", "--quiet", "--prune", "--no-auto-maintenance"];
            let specs = ["--refmap=", "origin", heads, "+refs/tags/*:refs/tags/*"];
            self.git(&clone, &[&words[..], &specs].concat())?;
        } else {
            // It appears whole or not at all.
            let making = tempfile::Builder::new()
                .prefix("cloning-")
                .tempdir_in(folder);
            let making = making.map_err(cannot)?;
            let words = ["clone", "--quiet", "--bare", "--", url, "new"];
            self.git(making.path(), &words)?;
            match fs::rename(making.path().join("new"), &clone) {
                // Another process was faster; its clone is as good.
                Err(_) if clone.is_dir() => {}
                renamed => renamed.map_err(cannot)?,
            }
        }
        opened(&clone)
    }

    fn git(&self, folder: &Path, words: &[&str]) -> Result<(), Error> {
        // A URL of an organisation's list starts no program but git's own transports.
        let allowed = Quiet::git(folder, words)
            .limit(self.limit)
            .variable("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh");
        allowed.output()?;
        Ok(())
    }
}

/// The repository that a folder is, and not one around it.
fn opened(folder: &Path) -> Result<Repository, Error> {
    // gix asserts that a bare repository's folder is named whole.
    let whole = folder.canonicalize();
    let folder = whole.as_deref().unwrap_or(folder);
    let repository = Repository::discover(folder)?;
    let is = |place: &Path| place.canonicalize().is_ok_and(|place| place == folder);
    let found = repository.folder();
    match is(found) || is(repository.common_dir()) {
        true => Ok(repository),
        false => Err(Error::Inside {
            folder: folder.to_owned(),
            found: found.to_owned(),
        }),
    }
}
