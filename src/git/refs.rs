//! Refs: read through gix, moved by the program git.
//!
//! `git update-ref` compares with the expected old value under the ref's lock, knows worktrees and packed
//! refs, and with `core.fsync=reference` syncs before it renames; gix does not sync.

use std::fmt;
use std::str::FromStr;

use gix::bstr::{BStr, ByteSlice};
use thiserror::Error as ThisError;

use super::objects::sync;
use super::{Error, Repository};
use crate::digest::ObjectId;
use crate::process;

/// A full ref name that git allows, such as `refs/notes/docket`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RefName(String);

/// Why a text is no full ref name.
#[derive(Clone, Debug, Eq, PartialEq, ThisError)]
#[error("{found:?} is no full ref name such as refs/notes/docket")]
pub struct RefNameError {
    found: String,
}

impl RefName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as `git notes --ref` and `git log --notes` take it.
    pub fn notes_name(&self) -> &str {
        self.0.strip_prefix("refs/notes/").unwrap_or(&self.0)
    }
}

impl FromStr for RefName {
    type Err = RefNameError;

    fn from_str(text: &str) -> Result<Self, RefNameError> {
        let valid =
            text.starts_with("refs/") && gix::validate::reference::name(BStr::new(text)).is_ok();
        if valid {
            Ok(RefName(text.to_owned()))
        } else {
            Err(RefNameError {
                found: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What became of moving a ref.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moved {
    /// It stands where it was to go.
    Yes,
    /// It did not have the expected value, and was left alone.
    Elsewhere,
}

impl Repository {
    /// What a ref points to, symbolic refs followed; `None` where it does not exist.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn reference(&self, name: &RefName) -> Result<Option<ObjectId>, Error> {
        let failed = |source| Error::Ref {
            name: name.clone(),
            source,
        };
        let Some(mut found) = self
            .inner
            .try_find_reference(name.as_str())
            .map_err(failed)?
        else {
            return Ok(None);
        };
        let id = found.follow_to_object().map_err(failed)?;
        Ok(Some(self.ours(id.as_ref())))
    }

    /// The names of all refs that begin so, with what they point to.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn references(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, Error> {
        let format = "--format=%(refname) %(objectname)";
        let out = self.git(&["for-each-ref", format, "--", prefix]).output()?;
        let out = out.to_str_lossy();
        let pairs = out.lines().filter_map(|line| line.rsplit_once(' '));
        let ours = |(name, hex): (&str, &str)| {
            Some((
                name.to_owned(),
                ObjectId::from_hex(self.algorithm(), hex).ok()?,
            ))
        };
        Ok(pairs.filter_map(ours).collect())
    }

    /// Moves a ref from an expected value (`None`: it must not exist) to a new one, synced to disk.
    ///
    /// # Errors
    /// Where git refuses although the ref has the expected value.
    pub fn move_reference(
        &self,
        name: &RefName,
        expected: Option<&ObjectId>,
        new: &ObjectId,
        reason: &str,
    ) -> Result<Moved, Error> {
        const TRIES: u32 = 20;
        let zero = "0".repeat(new.hex().len());
        let old = expected.map_or(zero, ObjectId::hex);
        let mut tries = 0;
        loop {
            let arguments = [
                "-c",
                "core.fsync=reference",
                "update-ref",
                "-m",
                reason,
                name.as_str(),
                &new.hex(),
                &old,
            ];
            let error = match self.git(&arguments).output() {
                Ok(_) => {
                    self.sync_reference(name)?;
                    return Ok(Moved::Yes);
                }
                Err(error) => error,
            };
            if self.reference(name)?.as_ref() != expected {
                return Ok(Moved::Elsewhere);
            }
            // It has the expected value: another process holds its lock, or git may not write it.
            let lock = self.common_dir().join(format!("{name}.lock"));
            tries += 1;
            if tries == TRIES && lock.exists() {
                let name = name.clone();
                return Err(Error::Locked { name, lock });
            }
            if tries == TRIES || !matches!(error, process::Error::Failed { .. }) {
                return Err(error.into());
            }
            std::thread::sleep(std::time::Duration::from_millis(5 * u64::from(tries)));
        }
    }

    /// Git syncs the file that holds the ref; that its name stands in its folder is ours to sync.
    fn sync_reference(&self, name: &RefName) -> Result<(), Error> {
        let common = self.common_dir();
        let file = common.join(name.as_str());
        file.ancestors()
            .skip(1)
            .take_while(|folder| *folder != common)
            .filter(|folder| folder.is_dir())
            .try_for_each(sync)
    }
}
