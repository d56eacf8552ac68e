//! Refs: read through gix, moved here.
//!
//! A move takes the ref's lock as git does (`<ref>.lock`, created and never written over), compares the value
//! that the ref has then with the expected one, writes the lock file, syncs it, adds to the reflog, renames the
//! lock onto the ref, and syncs the folders. gix would rename without a sync, and a power cut could leave an
//! empty ref. Where more than that is at stake, the program git moves the ref (`core.fsync=reference`): a
//! symbolic ref, and a repository with a hook `reference-transaction`.

use std::fmt;
use std::str::FromStr;

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, ByteSlice};
use thiserror::Error as ThisError;

use super::objects::{sync, sync_all};
use super::{Durability, Error, Repository};
use crate::digest::ObjectId;
use crate::process;
use crate::timestamp::Timestamp;

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

/// What a ref's log says of a move.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// One line.
    pub text: &'a str,
    /// When.
    pub time: Timestamp,
}

/// One move of one ref.
#[derive(Clone, Copy)]
struct Step<'a> {
    name: &'a RefName,
    expected: Option<&'a ObjectId>,
    new: &'a ObjectId,
    reason: Reason<'a>,
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
        reason: Reason<'_>,
    ) -> Result<Moved, Error> {
        const TRIES: u32 = 20;
        let step = Step {
            name,
            expected,
            new,
            reason,
        };
        let by_git = self.wants_git_for(name);
        let mut tries = 0;
        loop {
            let moved = match by_git {
                true => self.move_by_git(step),
                false => self.move_by_lock(step),
            };
            let error = match moved {
                // It has moved, and may not survive a power cut: that is no success, whoever asks again.
                Ok(_) | Err(Error::Sync { .. }) => return moved,
                Err(error) => error,
            };
            if self.reference(name)?.as_ref() != expected {
                return Ok(Moved::Elsewhere);
            }
            // It has the expected value: another process holds its lock, or it may not be written.
            let lock = self.lock_of(name);
            tries += 1;
            if tries == TRIES && lock.exists() {
                let name = name.clone();
                return Err(Error::Locked { name, lock });
            }
            if tries == TRIES || !is_transient(&error) {
                return Err(error);
            }
            std::thread::sleep(std::time::Duration::from_millis(5 * u64::from(tries)));
        }
    }

    fn move_by_lock(&self, step: Step<'_>) -> Result<Moved, Error> {
        let Step { name, new, .. } = step;
        let file = self.common_dir().join(name.as_str());
        let lock = self.lock_of(name);
        let failed = |source| Error::Lock {
            path: lock.clone(),
            source,
        };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut open = OpenOptions::new();
        let mut held = open
            .write(true)
            .create_new(true)
            .open(&lock)
            .map_err(failed)?;
        let moved = (|| {
            if self.reference(name)?.as_ref() != step.expected {
                return Ok(Moved::Elsewhere);
            }
            writeln!(held, "{}", new.hex()).map_err(failed)?;
            if self.durability == Durability::PowerCut {
                // The ref's folder is synced once the ref stands in it; that the folder stands in its own, here.
                let mut all = vec![(lock.as_path(), Some(&held))];
                let above = self.folders_of(name);
                all.extend(above.iter().skip(1).map(|folder| (folder.as_path(), None)));
                sync_all(&all)?;
            }
            self.log(step);
            fs::rename(&lock, &file).map_err(failed)?;
            Ok(Moved::Yes)
        })();
        match moved {
            Ok(Moved::Yes) if self.durability == Durability::PowerCut => {
                file.parent().map_or(Ok(()), sync)?;
            }
            Ok(Moved::Yes) => {}
            Ok(Moved::Elsewhere) | Err(_) => {
                let _ = fs::remove_file(&lock);
            }
        }
        moved
    }

    fn move_by_git(&self, step: Step<'_>) -> Result<Moved, Error> {
        let arguments = [
            "-c",
            match self.durability {
                Durability::PowerCut => "core.fsync=reference",
                Durability::Process => "core.fsync=none",
            },
            "update-ref",
            "-m",
            step.reason.text,
            step.name.as_str(),
            &step.new.hex(),
            &step.old_hex(),
        ];
        self.git(&arguments).output()?;
        self.sync_reference(step.name)?;
        Ok(Moved::Yes)
    }

    fn wants_git_for(&self, name: &RefName) -> bool {
        let symbolic = fs::read(self.common_dir().join(name.as_str()))
            .is_ok_and(|content| content.starts_with(b"ref:"));
        let hooks = match self.setting("core.hooksPath") {
            Some(_) => return true,
            None => self.common_dir().join("hooks/reference-transaction"),
        };
        symbolic || hooks.exists()
    }

    fn lock_of(&self, name: &RefName) -> PathBuf {
        self.common_dir().join(format!("{name}.lock"))
    }

    /// Adds a line to the ref's log where git would. It is a convenience to people: that it could not be
    /// written is no reason to lose an entry.
    fn log(&self, step: Step<'_>) {
        let Step { new, reason, .. } = step;
        let path = self.common_dir().join("logs").join(step.name.as_str());
        let wanted = match self.setting("core.logAllRefUpdates").as_deref() {
            None => self.work_dir().is_some(),
            Some(value) => !matches!(value, "false" | "no" | "off" | "0"),
        };
        let Some((who, mail)) = self.committer().filter(|_| wanted || path.exists()) else {
            return;
        };
        let time = reason.time.unix();
        let one_line = reason.text.replace(['\n', '\t'], " ");
        let line = format!(
            "{} {} {who} <{mail}> {time} +0000\t{one_line}\n",
            step.old_hex(),
            new.hex()
        );
        let _ = append(&path, line.as_bytes());
    }

    /// The file that holds the ref is synced; that its name stands in its folder is synced here.
    fn sync_reference(&self, name: &RefName) -> Result<(), Error> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        self.folders_of(name)
            .iter()
            .filter(|folder| folder.is_dir())
            .try_for_each(|folder| sync(folder))
    }

    /// The folders that a ref's file stands in, the innermost first, below the repository's own.
    fn folders_of(&self, name: &RefName) -> Vec<PathBuf> {
        let common = self.common_dir();
        let file = common.join(name.as_str());
        let folders = file.ancestors().skip(1);
        let below = folders.take_while(|folder| *folder != common);
        below.map(Path::to_owned).collect()
    }
}

impl Step<'_> {
    /// The expected value as git writes it: zeroes where there is to be none.
    fn old_hex(&self) -> String {
        let zeroes = || "0".repeat(self.new.hex().len());
        self.expected.map_or_else(zeroes, ObjectId::hex)
    }
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line)
}

/// Whether another try may end otherwise.
fn is_transient(error: &Error) -> bool {
    match error {
        Error::Program(process::Error::Failed { .. }) => true,
        Error::Lock { source, .. } => source.kind() == io::ErrorKind::AlreadyExists,
        _ => false,
    }
}
