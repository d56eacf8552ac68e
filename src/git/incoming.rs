//! A repository as a server's hook sees it: what is there, and what a push has brought and is not let in yet.
//!
//! Git keeps the objects of a push apart (`GIT_OBJECT_DIRECTORY`, in quarantine) and names those of the
//! repository beside them (`GIT_ALTERNATE_OBJECT_DIRECTORIES`); see git-receive-pack(1). gix reads neither
//! variable. So an empty repository is made whose `objects/info/alternates` names all of these folders: it
//! reads them all, each one's own alternates too, and nothing can be written into them through it.

use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Error, Repository};
use crate::digest::Algorithm;

/// Objects of several folders, read as one repository without refs. Its scratch folder goes with it.
pub struct Incoming {
    repository: Repository,
    _scratch: TempDir,
}

impl Incoming {
    /// Opens the objects in these folders.
    ///
    /// # Errors
    /// Where the scratch repository cannot be made or opened.
    pub fn open(format: Algorithm, objects: &[PathBuf]) -> Result<Self, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Scratch { path, source }
        };
        let scratch = TempDir::with_prefix("git-docket-").map_err(failed(&std::env::temp_dir()))?;
        let folder = scratch.path();
        write_repository(folder, format, objects).map_err(failed(folder))?;
        let inner = gix::open_opts(folder, gix::open::Options::isolated())
            .map_err(|error| failed(folder)(io::Error::other(error)))?;
        Ok(Incoming {
            repository: Repository::faithful(inner),
            _scratch: scratch,
        })
    }
}

impl Deref for Incoming {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}

fn write_repository(folder: &Path, format: Algorithm, objects: &[PathBuf]) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let name = match format {
        Algorithm::Sha1 => "sha1",
        Algorithm::Sha256 => "sha256",
    };
    let config = format!(
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = {name}\n"
    );
    let mut alternates = Vec::new();
    for path in objects {
        alternates.extend_from_slice(std::path::absolute(path)?.as_os_str().as_bytes());
        alternates.push(b'\n');
    }
    fs::create_dir_all(folder.join("objects/info"))?;
    fs::create_dir_all(folder.join("refs"))?;
    fs::write(folder.join("config"), config)?;
    fs::write(folder.join("HEAD"), "ref: refs/heads/none\n")?;
    fs::write(folder.join("objects/info/alternates"), alternates)
}
