//! What differs between two commits, told alike on every machine.
//!
//! `git diff-tree` on the two trees with flags of its own: no renames, no text conversion, whole ids, so that no
//! setting of the user's reaches it.

use super::{Error, Repository};
use crate::digest::{ObjectId, Sha256};

/// What differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// SHA-256 over the raw output of `git diff-tree -r -z --raw --no-renames --full-index`: for each path the modes,
    /// the ids and the path, in git's order.
    pub digest: Sha256,
    /// The paths, in git's order; one that is no UTF-8 with its bytes replaced.
    pub paths: Vec<String>,
    /// Lines of text that were not there.
    pub added: u64,
    /// Lines of text that are there no more.
    pub deleted: u64,
}

const FLAGS: &[&str] = &[
    "diff-tree",
    "-r",
    "-z",
    "--no-renames",
    "--no-textconv",
    "--no-ext-diff",
    "--full-index",
];

impl Repository {
    /// What differs between two commits' trees.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn difference(&self, base: &ObjectId, head: &ObjectId) -> Result<Difference, Error> {
        let (base, head) = (
            format!("{}^{{tree}}", base.hex()),
            format!("{}^{{tree}}", head.hex()),
        );
        let tell = |form: &str| {
            self.git(&[FLAGS, &[form, base.as_str(), head.as_str()]].concat())
                .output()
        };
        let raw = tell("--raw")?;
        let names = tell("--name-only")?;
        let paths = names
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty());
        let (mut added, mut deleted) = (0, 0);
        // `added TAB deleted TAB path`; a dash for each where the file is binary.
        let numbers = tell("--numstat")?;
        for record in numbers.split(|byte| *byte == 0) {
            let text = String::from_utf8_lossy(record);
            let mut fields = text
                .split('\t')
                .map(|field| field.parse::<u64>().unwrap_or(0));
            added += fields.next().unwrap_or(0);
            deleted += fields.next().unwrap_or(0);
        }
        Ok(Difference {
            digest: Sha256::of(&raw),
            paths: paths
                .map(|path| String::from_utf8_lossy(path).into_owned())
                .collect(),
            added,
            deleted,
        })
    }

    /// The newest common ancestor; `None` where there is none here.
    ///
    /// # Errors
    /// Where git cannot be run.
    pub fn merge_base(&self, one: &ObjectId, other: &ObjectId) -> Result<Option<ObjectId>, Error> {
        let finished = self
            .git(&["merge-base", &one.hex(), &other.hex()])
            .finish()?;
        let text = String::from_utf8_lossy(&finished.out);
        Ok(ObjectId::from_hex(self.algorithm(), text.trim())
            .ok()
            .filter(|_| finished.status.success()))
    }
}
