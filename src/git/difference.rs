//! What differs between two commits, told alike on every machine.
//!
//! `git diff-tree` with flags of its own (no renames, no text conversion, whole ids), run in a repository made for it that
//! has these objects and nothing else: nobody's configuration, attributes, replacements or work tree reach it. Counting
//! lines ends after [`LINES_LIMIT`].

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Error, Repository};
use crate::digest::{Algorithm, ObjectId, Sha256};
use crate::process::Quiet;

/// How long counting lines may take.
pub const LINES_LIMIT: Duration = Duration::from_secs(120);

/// What differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// SHA-256 over the raw output of `git diff-tree -r -z --raw --no-renames --full-index`: for each path the modes,
    /// the ids and the path, in git's order.
    pub digest: Sha256,
    /// The paths, in git's order; one that is no UTF-8 with its bytes replaced.
    pub paths: Vec<String>,
    /// How many lines each path that has any gained, in git's order.
    pub gained: Vec<(String, u64)>,
    /// Lines of text that were not there.
    pub added: u64,
    /// Lines of text that are there no more.
    pub deleted: u64,
}

const FLAGS: &[&str] = &[
    "-c",
    "core.attributesFile=/dev/null",
    "diff-tree",
    "-r",
    "-z",
    "--no-renames",
    "--no-textconv",
    "--no-ext-diff",
    "--full-index",
    "--diff-algorithm=myers",
    "--no-indent-heuristic",
    "--ignore-submodules=none",
];

impl Repository {
    /// What differs between two commits' trees.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn difference(&self, base: &ObjectId, head: &ObjectId) -> Result<Difference, Error> {
        self.between(&self.commit(base)?.tree, &self.commit(head)?.tree)
    }

    /// What a commit brought: its tree against that of its first parent, or against nothing.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn brought(&self, commit: &ObjectId) -> Result<Difference, Error> {
        let (before, after) = self.sides(commit)?;
        self.between(&before, &after)
    }

    /// The paths alone of what a commit brought, in git's order.
    ///
    /// # Errors
    /// Where git cannot tell.
    pub fn paths_brought(&self, commit: &ObjectId) -> Result<Vec<String>, Error> {
        let (before, after) = self.sides(commit)?;
        let alone = self.alone()?;
        Ok(paths(&self.tell(
            alone.path(),
            "--name-only",
            &before,
            &after,
        )?))
    }

    fn sides(&self, commit: &ObjectId) -> Result<(ObjectId, ObjectId), Error> {
        let facts = self.commit(commit)?;
        let nothing = gix::ObjectId::empty_tree(self.inner.object_hash());
        let before = match facts.parents.first() {
            Some(parent) => self.commit(parent)?.tree,
            None => self.ours(&nothing),
        };
        Ok((before, facts.tree))
    }

    fn tell(
        &self,
        alone: &Path,
        form: &str,
        base: &ObjectId,
        head: &ObjectId,
    ) -> Result<Vec<u8>, Error> {
        let (base, head) = (base.hex(), head.hex());
        let words = [FLAGS, &[form, base.as_str(), head.as_str()]].concat();
        let quiet = Quiet::git(alone, &words)
            .variable("GIT_DIR", alone)
            .variable("GIT_OBJECT_DIRECTORY", self.objects())
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .variable("GIT_CONFIG_GLOBAL", "/dev/null")
            .variable("GIT_CONFIG_COUNT", "0")
            .variable("GIT_CONFIG_PARAMETERS", "")
            .variable("GIT_ATTR_NOSYSTEM", "1");
        Ok(quiet.limit(LINES_LIMIT).output()?)
    }

    fn between(&self, base: &ObjectId, head: &ObjectId) -> Result<Difference, Error> {
        let alone = self.alone()?;
        let tell = |form: &str| self.tell(alone.path(), form, base, head);
        let raw = tell("--raw")?;
        let names = tell("--name-only")?;
        let (mut gained, mut added, mut deleted) = (Vec::new(), 0, 0);
        // `added TAB deleted TAB path`; a dash for each where the file is binary.
        let numbers = tell("--numstat")?;
        for record in numbers.split(|byte| *byte == 0) {
            let text = String::from_utf8_lossy(record);
            let mut fields = text.splitn(3, '\t');
            let mut count = || fields.next().and_then(|field| field.parse::<u64>().ok());
            let (more, fewer) = (count().unwrap_or(0), count().unwrap_or(0));
            added += more;
            deleted += fewer;
            gained.extend(fields.next().map(|path| (path.to_owned(), more)));
        }
        gained.retain(|(_, more)| *more > 0);
        Ok(Difference {
            digest: Sha256::of(&raw),
            paths: paths(&names),
            gained,
            added,
            deleted,
        })
    }

    // A bare repository without objects, refs or settings of its own.
    fn alone(&self) -> Result<tempfile::TempDir, Error> {
        let scratch = |source| Error::Scratch {
            path: std::env::temp_dir(),
            source,
        };
        let folder = tempfile::tempdir().map_err(scratch)?;
        let config = match self.algorithm() {
            Algorithm::Sha1 => "[core]\n\trepositoryFormatVersion = 0\n\tbare = true\n",
            Algorithm::Sha256 => {
                "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
            }
        };
        let path = folder.path();
        fs::write(path.join("config"), config)
            .and_then(|()| fs::write(path.join("HEAD"), "ref: refs/heads/none\n"))
            .and_then(|()| fs::create_dir(path.join("refs")))
            .map_err(scratch)?;
        Ok(folder)
    }

    fn objects(&self) -> std::path::PathBuf {
        let objects = self.common_dir().join("objects");
        std::path::absolute(&objects).unwrap_or(objects)
    }

    /// The newest common ancestor; `None` where there is none here.
    ///
    /// # Errors
    /// Where git cannot be run.
    pub fn merge_base(&self, one: &ObjectId, other: &ObjectId) -> Result<Option<ObjectId>, Error> {
        let finished = self
            .git(&[
                "--no-replace-objects",
                "merge-base",
                &one.hex(),
                &other.hex(),
            ])
            .finish()?;
        let text = String::from_utf8_lossy(&finished.out);
        Ok(ObjectId::from_hex(self.algorithm(), text.trim())
            .ok()
            .filter(|_| finished.status.success()))
    }
}

// NUL after each.
fn paths(names: &[u8]) -> Vec<String> {
    let paths = names
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty());
    paths
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect()
}
