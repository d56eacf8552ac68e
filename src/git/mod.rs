//! The repository: objects, refs, configuration. Nothing else of the package names gix.
//!
//! Reading goes through gix, in both object formats, with packs, alternates, worktrees and bare
//! repositories. Ids are [`ObjectId`]s of ours: what gix hands out never leaves this module.
//!
//! Writing is durable where it is asked for: gix syncs nothing, so object files and their folders are
//! synced here, before the ref moves, and so is the ref (see `refs`).

mod difference;
mod error;
mod incoming;
mod lineage;
mod loose;
mod merge;
mod objects;
mod refs;
pub mod transfer;
pub mod transport;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::digest::{Algorithm, ObjectId, ObjectKind};
use crate::process::Quiet;
use gix::bstr::{BStr, ByteSlice};

pub use difference::Difference;
pub use error::Error;
pub use incoming::Incoming;
pub use objects::{CommitFacts, Entry, EntryKind, Object, Written};
pub use refs::{Moved, Reason, RefName, RefNameError};

/// Bytes of delta bases that each thread keeps: with reading in [pack order](Repository::in_pack_order) a few
/// MiB have nearly every base at hand.
const DELTA_BASE_CACHE: usize = 6 << 20;

/// A repository that was found and opened.
#[derive(Clone, Debug)]
pub struct Repository {
    inner: gix::Repository,
    durability: Durability,
    place: Option<Arc<Place>>,
    attended: bool,
}

/// Where and how the program git is run for a repository that nobody is in.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// `None`: not set.
    variables: Vec<(String, Option<OsString>)>,
    committer: Option<(String, String)>,
}

/// What an append that was reported survives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// A power cut: objects, folders and the ref are synced to disk first.
    #[default]
    PowerCut,
    /// The end of the process, however it comes; the system writes to disk when it likes.
    Process,
}

impl Repository {
    /// Finds the repository that a folder is in; `GIT_DIR` and its kin count as they do for git, so that
    /// hooks work.
    ///
    /// # Errors
    /// Where there is none, or it cannot be opened.
    pub fn discover(folder: &Path) -> Result<Self, Error> {
        let folder = folder.to_owned();
        let repository = match gix::discover_with_environment_overrides(&folder) {
            Ok(inner) => Repository::faithful(inner),
            Err(source) => return Err(Error::NotFound { folder, source }),
        };
        // gix reads refs from files alone; elsewhere it would find none and call that an empty repository.
        match repository.setting("extensions.refStorage") {
            Some(storage) if storage != "files" => Err(Error::RefStorage { storage }),
            _ => Ok(repository),
        }
    }

    /// Objects are read as their ids say: whoever may write `refs/replace/` must not choose what is judged.
    fn faithful(mut inner: gix::Repository) -> Self {
        inner.objects.ignore_replacements = true;
        // Without it each object of a delta chain is decoded anew for each of its descendants.
        inner.objects.set_pack_cache(|| {
            Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(
                DELTA_BASE_CACHE,
            ))
        });
        Repository {
            inner,
            durability: Durability::default(),
            place: None,
            attended: false,
        }
    }

    /// The same repository, written to in another way.
    pub fn durable(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// A handle for another thread.
    pub fn to_shared(&self) -> Shared {
        Shared {
            inner: self.inner.clone().into_sync(),
        }
    }

    /// The object format.
    pub fn algorithm(&self) -> Algorithm {
        match self.inner.object_hash() {
            gix::hash::Kind::Sha256 => Algorithm::Sha256,
            _ => Algorithm::Sha1,
        }
    }

    /// The repository's own folder, shared between worktrees.
    pub fn common_dir(&self) -> &Path {
        self.inner.common_dir()
    }

    /// The work tree's folder; a bare repository has none.
    pub fn work_dir(&self) -> Option<&Path> {
        self.inner.workdir()
    }

    /// Where to run the program git for this repository.
    pub fn folder(&self) -> &Path {
        self.work_dir().unwrap_or(self.inner.git_dir())
    }

    /// Whether somebody is at the terminal, to whom git shows the progress of an exchange and whom it may ask for
    /// credentials.
    pub fn attended(mut self, attended: bool) -> Self {
        self.attended = attended;
        self
    }

    /// The program git, for an exchange with a remote that takes at most so long.
    fn exchange<S: AsRef<OsStr>>(&self, arguments: &[S], limit: Duration) -> Quiet {
        let quiet = self.git(arguments).limit(limit);
        match self.attended {
            true => quiet.attended(),
            false => quiet,
        }
    }

    /// What tells git whether to show its progress.
    fn progress(&self) -> &'static str {
        match self.attended {
            true => "--progress",
            false => "--quiet",
        }
    }

    /// The program git, run for this repository.
    pub fn git<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Quiet {
        if let Some(place) = &self.place {
            let quiet = Quiet::git(&place.folder, arguments);
            return place
                .variables
                .iter()
                .fold(quiet, |quiet, (name, value)| match value {
                    Some(value) => quiet.variable(name, value),
                    None => quiet.without(name),
                });
        }
        let mut quiet = Quiet::git(self.folder(), arguments);
        // Paths that are relative to where we are would name something else from where git is run.
        if std::env::var_os("GIT_DIR").is_some() {
            let folders = [
                ("GIT_DIR", Some(self.inner.git_dir())),
                ("GIT_WORK_TREE", self.work_dir()),
            ];
            for (name, folder) in folders {
                if let Some(Ok(folder)) = folder.map(std::path::absolute) {
                    quiet = quiet.variable(name, folder);
                }
            }
        }
        quiet
    }

    /// Whether history was cut off when cloning.
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow().unwrap_or(false)
    }

    /// All values of a configuration key, `section.key` or `section.sub.key`, in order; the last one wins.
    pub fn settings(&self, key: &str) -> Vec<String> {
        let snapshot = self.inner.config_snapshot();
        let values = snapshot.plumbing().strings(key).unwrap_or_default();
        values
            .into_iter()
            .map(|value| value.to_str_lossy().into_owned())
            .collect()
    }

    /// The value of a configuration key.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.settings(key).pop()
    }

    /// Every key of a section without subsections, in lower case, with its value; in order.
    pub fn section(&self, name: &str) -> Vec<(String, String)> {
        let snapshot = self.inner.config_snapshot();
        let config = snapshot.plumbing();
        let mut found = Vec::new();
        for section in config.sections_by_name(name).into_iter().flatten() {
            if section.header().subsection_name().is_some() {
                continue;
            }
            for key in section.value_names() {
                let key = key.to_string().to_ascii_lowercase();
                if !found.iter().any(|(known, _)| *known == key) {
                    found.extend(
                        self.settings(&format!("{name}.{key}"))
                            .into_iter()
                            .map(|v| (key.clone(), v)),
                    );
                }
            }
        }
        found
    }

    /// The remotes' names.
    pub fn remotes(&self) -> Vec<String> {
        self.inner
            .remote_names()
            .into_iter()
            .map(|name| name.to_string())
            .collect()
    }

    /// Whether objects may be missing because a remote has promised to give them later (a partial clone).
    pub fn has_promisor(&self) -> bool {
        let promises = |name: &String| self.setting(&format!("remote.{name}.promisor")).is_some();
        self.setting("extensions.partialClone").is_some() || self.remotes().iter().any(promises)
    }

    /// The commit that a revision names, tags followed.
    ///
    /// # Errors
    /// Where it names none, or several.
    pub fn commit_named(&self, spec: &str) -> Result<ObjectId, Error> {
        let peeled = format!("{spec}^{{commit}}");
        match self.inner.rev_parse_single(BStr::new(&peeled)) {
            Ok(id) => Ok(self.ours(id.as_ref())),
            Err(_) => Err(self.unnamed(spec)),
        }
    }

    /// Why a word names no commit.
    fn unnamed(&self, spec: &str) -> Error {
        let is_unborn = || self.inner.head().is_ok_and(|head| head.is_unborn());
        if (spec.starts_with("HEAD") || spec == "@") && is_unborn() {
            return Error::NoCommit;
        }
        let spec = spec.to_owned();
        let prefix = gix::hash::Prefix::from_hex(&spec).ok();
        let found = prefix.map(|prefix| self.inner.objects.lookup_prefix(prefix, None));
        match found {
            Some(Ok(Some(Err(())))) => Error::Ambiguous { spec },
            _ => Error::Revision { spec },
        }
    }

    /// Whether a word names a revision.
    pub fn is_revision(&self, spec: &str) -> bool {
        self.inner.rev_parse_single(BStr::new(spec)).is_ok()
    }

    /// The commits of a range `A..B`, `A...B`, `^A`-less, or of everything reachable from one revision.
    ///
    /// # Errors
    /// Where the words name no revisions, or history cannot be walked.
    pub fn commits_in(&self, spec: &str) -> Result<HashSet<ObjectId>, Error> {
        let (tips, hidden) = match spec.split_once("..") {
            Some((_, to)) if to.starts_with('.') => {
                return Err(Error::Kind {
                    spec: spec.to_owned(),
                    wanted: "a range A..B",
                });
            }
            Some((from, to)) => {
                let or_head =
                    |word: &str| self.commit_named(if word.is_empty() { "HEAD" } else { word });
                (or_head(to)?, Some(or_head(from)?))
            }
            None => (self.commit_named(spec)?, None),
        };
        let walk = self
            .inner
            .rev_walk([theirs(&tips)])
            .with_hidden(hidden.iter().map(theirs));
        let commits = walk.all().map_err(Error::Walk)?;
        commits
            .map(|info| info.map(|info| self.ours(&info.id)).map_err(Error::Walk))
            .collect()
    }

    /// The commits reachable from a tip, tip first, each with the number of parents it names; as far as
    /// they are here, for a notes ref's history is a convenience.
    pub fn history(&self, tip: &ObjectId) -> Vec<(ObjectId, usize)> {
        let walk = self.inner.rev_walk([theirs(tip)]).all();
        let infos = walk.into_iter().flatten().map_while(Result::ok);
        infos
            .map(|info| (self.ours(&info.id), info.parent_ids.len()))
            .collect()
    }

    /// Whether a tracked file differs from the checked-out commit. A bare repository has none.
    ///
    /// # Errors
    /// Where git cannot say.
    pub fn is_modified(&self) -> Result<bool, Error> {
        if self.work_dir().is_none() {
            return Ok(false);
        }
        let status = [
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--untracked-files=no",
        ];
        Ok(!self.git(&status).output()?.is_empty())
    }

    /// The name and address that git would write into a commit now, where both are known.
    pub fn committer(&self) -> Option<(String, String)> {
        if let Some(place) = &self.place {
            return place.committer.clone();
        }
        // gix would look for the time zone as well, in every file that the system has about any.
        let part = |variable: &str, key: &str| {
            std::env::var(variable)
                .ok()
                .filter(|value| !value.is_empty())
                .or_else(|| self.setting(&format!("committer.{key}")))
                .or_else(|| self.setting(&format!("user.{key}")))
        };
        Some((
            part("GIT_COMMITTER_NAME", "name")?,
            part("GIT_COMMITTER_EMAIL", "email")?,
        ))
    }

    fn ours(&self, id: &gix::oid) -> ObjectId {
        ObjectId::from_bytes(self.algorithm(), id.as_bytes())
            .expect("gix's ids have the format's length")
    }
}

/// A repository that can be sent to another thread.
#[derive(Clone)]
pub struct Shared {
    inner: gix::ThreadSafeRepository,
}

impl Shared {
    /// A handle for this thread.
    pub fn here(&self) -> Repository {
        Repository::faithful(self.inner.to_thread_local())
    }
}

fn theirs(id: &ObjectId) -> gix::ObjectId {
    gix::ObjectId::try_from(id.as_bytes()).expect("both object formats are ones that gix knows")
}

fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Blob => "blob",
        ObjectKind::Tree => "tree",
        ObjectKind::Commit => "commit",
        ObjectKind::Tag => "tag",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one commit, in a folder that goes with it.
    fn repository(format: &str) -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let git = |arguments: &[&str]| {
            let quiet = Quiet::git(folder.path(), arguments)
                .variable("GIT_CONFIG_NOSYSTEM", "1")
                .variable("GIT_CONFIG_GLOBAL", "/dev/null");
            quiet.output().expect("git does it");
        };
        git(&["init", "-q", "-b", "main", "--object-format", format]);
        for (key, value) in [
            ("user.name", "Ada"),
            ("user.email", "ada@example.com"),
            ("Docket.Step", "build"),
        ] {
            git(&["config", key, value]);
        }
        git(&["config", "--add", "docket.step", "test"]);
        for message in ["one", "two", "three"] {
            git(&["commit", "-q", "--allow-empty", "-m", message]);
        }
        let repository = Repository::discover(folder.path()).expect("a repository");
        (folder, repository)
    }

    #[test]
    fn revisions_ranges_and_commits_are_read_in_both_formats() {
        for (format, algorithm) in [("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256)] {
            let (_folder, repository) = repository(format);
            assert_eq!(repository.algorithm(), algorithm);
            let head = repository.commit_named("HEAD").expect("a commit");
            let facts = repository.commit(&head).expect("readable");
            assert_eq!(
                facts.parents,
                [repository.commit_named("main~1").expect("a commit")]
            );
            assert!(repository.tree(&facts.tree).expect("readable").is_empty());
            let count = |range: &str| repository.commits_in(range).expect("a range").len();
            assert_eq!(
                (count("main"), count("main~2..main"), count("HEAD~1..")),
                (3, 2, 1)
            );
            assert!(matches!(
                repository.commits_in("a...b"),
                Err(Error::Kind { .. })
            ));
            assert!(matches!(
                repository.commit_named("nothing"),
                Err(Error::Revision { .. })
            ));
        }
    }

    #[test]
    fn settings_are_read_by_section_in_order() {
        let (_folder, repository) = repository("sha1");
        assert_eq!(repository.settings("docket.step"), ["build", "test"]);
        assert_eq!(repository.setting("docket.step").as_deref(), Some("test"));
        let pair = |value: &str| ("step".to_owned(), value.to_owned());
        assert_eq!(repository.section("docket"), [pair("build"), pair("test")]);
    }

    #[test]
    fn a_written_tree_is_what_git_would_write_and_a_ref_moves_only_from_where_it_is() {
        for format in ["sha1", "sha256"] {
            let (folder, repository) = repository(format);
            let mut written = Written::default();
            let blob = repository
                .write(ObjectKind::Blob, b"x", &mut written)
                .expect("written");
            let entry = |name: &str, kind, id| Entry {
                name: name.into(),
                kind,
                id,
            };
            let inner = repository
                .write_tree(vec![entry("f", EntryKind::File, blob)], &mut written)
                .expect("written");
            let entries = vec![
                entry("a", EntryKind::Tree, inner),
                entry("a.b", EntryKind::File, blob),
                entry("a0", EntryKind::Executable, blob),
            ];
            let tree = repository
                .write_tree(entries, &mut written)
                .expect("written");
            repository.sync(written).expect("synced");
            let names = |id| {
                repository
                    .tree(id)
                    .expect("readable")
                    .into_iter()
                    .map(|e| e.name)
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                names(&tree),
                [b"a.b".to_vec(), b"a".to_vec(), b"a0".to_vec()]
            );
            Quiet::git(folder.path(), &["fsck", "--strict"])
                .output()
                .expect("git agrees");

            let name: RefName = "refs/notes/docket".parse().expect("a ref name");
            let first = repository.commit_named("HEAD~1").expect("a commit");
            let second = repository.commit_named("HEAD").expect("a commit");
            let reason = Reason {
                text: "test",
                time: "2026-11-22T10:00:00Z".parse().expect("a time"),
            };
            let go = |from, to| {
                repository
                    .move_reference(&name, from, to, reason)
                    .expect("git answers")
            };
            assert_eq!(go(Some(&first), &second), Moved::Elsewhere);
            assert_eq!(go(None, &first), Moved::Yes);
            assert_eq!(go(None, &second), Moved::Elsewhere);
            assert_eq!(go(Some(&first), &second), Moved::Yes);
            assert_eq!(repository.reference(&name).expect("readable"), Some(second));
            assert_eq!(
                repository.references("refs/notes").expect("readable"),
                [("refs/notes/docket".to_owned(), second)]
            );
        }
    }

    #[test]
    fn an_altered_object_is_found() {
        let (folder, repository) = repository("sha1");
        let mut written = Written::default();
        let blob = repository
            .write(ObjectKind::Blob, b"true", &mut written)
            .expect("written");
        let other = repository
            .write(ObjectKind::Blob, b"false", &mut written)
            .expect("written");
        repository.sync(written).expect("synced");
        assert_eq!(
            repository
                .checked(&blob, ObjectKind::Blob, 9)
                .expect("sound"),
            b"true"
        );
        assert!(matches!(
            repository.checked(&blob, ObjectKind::Blob, 3),
            Err(Error::TooLarge { .. })
        ));
        assert!(matches!(
            repository.checked(&blob, ObjectKind::Tree, 9),
            Err(Error::OtherKind { .. })
        ));
        let path = |id: &ObjectId| {
            let hex = id.hex();
            folder
                .path()
                .join(".git/objects")
                .join(&hex[..2])
                .join(&hex[2..])
        };
        std::fs::remove_file(path(&blob)).expect("it is there");
        assert!(matches!(
            repository.checked(&blob, ObjectKind::Blob, 9),
            Err(Error::Missing { .. })
        ));
        std::fs::copy(path(&other), path(&blob)).expect("the folder is there");
        let again = Repository::discover(folder.path()).expect("a repository");
        assert!(matches!(
            again.checked(&blob, ObjectKind::Blob, 9),
            Err(Error::Altered { .. })
        ));
    }

    #[test]
    fn only_full_ref_names_are_names() {
        for bad in [
            "",
            "docket",
            "refs/",
            "refs/notes/",
            "refs/notes/a..b",
            "refs/notes/a b",
            "refs/notes/x.lock",
        ] {
            assert!(bad.parse::<RefName>().is_err(), "{bad:?}");
        }
    }
}
