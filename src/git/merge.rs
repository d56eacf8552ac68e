//! Merges recomputed: which tree does a merge without conflict make?
//!
//! `git merge-tree --write-tree` with settings of its own: the user's say nothing about what happened on a forge.
//! What it writes goes to a folder that is thrown away.

use super::{Error, Repository};
use crate::digest::ObjectId;

/// Settings that the result depends on, at git's own defaults.
const SETTINGS: &[&str] = &[
    "-c",
    "merge.renames=true",
    "-c",
    "merge.renameLimit=7000",
    "-c",
    "merge.directoryRenames=conflict",
    "-c",
    "diff.algorithm=myers",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "merge.default=",
];

impl Repository {
    /// The tree of a merge of `theirs` into `ours`; `None` where it has conflicts, or where this git cannot tell.
    ///
    /// # Errors
    /// Where git cannot be run, or the folder for what it writes cannot be made.
    pub fn merged_tree(
        &self,
        ours: &ObjectId,
        theirs: &ObjectId,
    ) -> Result<Option<ObjectId>, Error> {
        let scratch = |source| Error::Scratch {
            path: std::env::temp_dir(),
            source,
        };
        let folder = tempfile::tempdir().map_err(scratch)?;
        let (ours, theirs) = (ours.hex(), theirs.hex());
        let words = [
            SETTINGS,
            &[
                "merge-tree",
                "--write-tree",
                "--no-messages",
                &ours,
                &theirs,
            ],
        ]
        .concat();
        let own = std::path::absolute(self.common_dir().join("objects")).map_err(scratch)?;
        let finished = self
            .git(&words)
            .variable("GIT_OBJECT_DIRECTORY", folder.path())
            .variable("GIT_ALTERNATE_OBJECT_DIRECTORIES", own)
            .finish()?;
        let tree = String::from_utf8_lossy(&finished.out);
        let tree = tree.lines().next().unwrap_or_default();
        Ok(finished
            .status
            .success()
            .then(|| ObjectId::from_hex(self.algorithm(), tree).ok())
            .flatten())
    }
}
