//! What a writer needs of a tip and that is not here, where only parts of a ledger were brought.

use std::collections::BTreeSet;

use super::write::{blob_path, commit_path};
use super::{Error, Tip, components, note_path};
use crate::digest::{ObjectId, Sha256};

/// A file of the ledger's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A record, by its last name.
    Record(&'static str),
    /// The note about an object, where we write it.
    Note(ObjectId),
    /// A body in `docket/blob`.
    Blob(Sha256),
    /// A commit's raw bytes in `docket/commit`.
    Commit(ObjectId),
}

impl Tip<'_> {
    /// On the way to each of these files, the first object that is not here; nothing where the file, or the place that
    /// it would have, can be read.
    ///
    /// # Errors
    /// Where a tree that is here cannot be read.
    pub fn lacking(&self, parts: &[Part]) -> Result<BTreeSet<ObjectId>, Error> {
        let mut lacking = BTreeSet::new();
        for part in parts {
            let path = match part {
                Part::Record(name) => components(&format!("docket/{name}")),
                Part::Note(object) => note_path(object),
                Part::Blob(digest) => blob_path(digest),
                Part::Commit(commit) => commit_path(commit),
            };
            lacking.extend(self.first_lacking(&path)?);
        }
        Ok(lacking)
    }

    fn first_lacking(&self, path: &[Vec<u8>]) -> Result<Option<ObjectId>, Error> {
        let Some(mut at) = self.tree else {
            return Ok(None);
        };
        for name in path {
            if !self.repository.has(&at) {
                return Ok(Some(at));
            }
            let entries = self.entries(&at)?;
            match entries.iter().find(|entry| entry.name == *name) {
                Some(entry) => at = entry.id,
                None => return Ok(None),
            }
        }
        Ok((!self.repository.has(&at)).then_some(at))
    }
}
