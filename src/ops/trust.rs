//! Who is believed about keyless signatures: the roots of the program, or those that the user names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Explain, Failure};
use crate::git::Repository;
use crate::sigstore::{Roots, RootsError, Trust};

/// A trusted root that cannot be used: we could not look.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("the trusted root {path} cannot be read")]
    File {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is none.
    #[error("the trusted root {path} cannot be used")]
    Roots {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: RootsError,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        Failure::CouldNotLook
    }

    fn remedy(&self) -> Option<String> {
        let text = "it is named by --trusted-root, or by docket.trustedRoot in git's configuration; `cosign trusted-root create` writes one";
        Some(text.to_owned())
    }
}

/// These files, else those that git's configuration names (`docket.trustedRoot`, which may stand there several times),
/// else the roots of the program. The ledger and the checked-out commit have no say.
///
/// # Errors
/// Where a file that is named cannot be used.
pub fn find(repository: Option<&Repository>, named: &[PathBuf]) -> Result<Arc<Trust>, Error> {
    let paths = paths(repository, named);
    if paths.is_empty() {
        return Ok(Arc::new(Trust::built_in()));
    }
    let parse =
        |path: PathBuf| Roots::parse(&read(&path)?).map_err(|source| Error::Roots { path, source });
    let roots = paths.into_iter().map(parse).collect::<Result<_, _>>()?;
    Ok(Arc::new(Trust::of(roots)))
}

/// The same, as they stand in their files.
///
/// # Errors
/// Where a file that is named cannot be read.
pub(super) fn documents(repository: &Repository, named: &[PathBuf]) -> Result<Vec<Vec<u8>>, Error> {
    let paths = paths(Some(repository), named);
    match paths.is_empty() {
        true => Ok(Roots::documents().map(<[u8]>::to_vec).into()),
        false => paths.iter().map(|path| read(path)).collect(),
    }
}

fn paths(repository: Option<&Repository>, named: &[PathBuf]) -> Vec<PathBuf> {
    match (named, repository) {
        ([], Some(repository)) => {
            let configured = repository.settings("docket.trustedRoot");
            configured.into_iter().map(PathBuf::from).collect()
        }
        (named, _) => named.to_vec(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}
