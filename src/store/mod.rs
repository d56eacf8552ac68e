//! The ledger in a notes ref: trees to records and back. Nothing read here is trusted, nothing judged.
//!
//! Reading ([`Stored`]) walks the tip's tree once and hands the verifier a
//! [`Snapshot`](crate::ledger::Snapshot). Every shape that git gives a notes tree is read: flat, `ab/<rest>`,
//! `ab/cd/<rest>` and deeper, mixed in one tree. Two paths that name one object, links, executables,
//! submodules, oversized blobs and names that nobody of ours writes are handed over as faults.
//!
//! Writing ([`Tip`], [`Change`]) touches only the trees on the way to what changes, so that an append stays
//! O(log n): the note goes to `ab/cd/<rest>`, whatever other path held it is taken away, all else keeps its
//! object ids bit for bit. Objects and folders are synced before the ref moves, and the ref moves only from
//! the tip that was read.

mod delta;
mod lacking;
mod read;
mod write;

use thiserror::Error;

use crate::digest::ObjectId;
use crate::git;
use crate::ledger::path::NotePath;

pub use delta::Delta;
pub use lacking::Part;
pub use read::Stored;
pub use write::{Author, Change, Tip};

/// No note is larger: 256 MiB.
pub const NOTE_LIMIT: u64 = 256 << 20;
/// No body in `docket/blob` is larger: that of an attestation.
pub const BLOB_LIMIT: u64 = 32 << 20;
/// No raw commit in `docket/commit` is larger: 16 MiB.
pub const COMMIT_LIMIT: u64 = 16 << 20;
/// No append record, seal, edge or in-force pointer is larger: 1 MiB.
pub const RECORD_LIMIT: u64 = 1 << 20;

/// Why the store could not do its work.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// Two paths of the ledger's tree name one object: which of them counts is nobody's to guess.
    #[error("the ledger has two notes about {object}")]
    DuplicateNote {
        /// The object.
        object: ObjectId,
    },
    /// A folder stands where a file should, or something else that nobody of ours writes.
    #[error("{path} of the ledger's tree is no file")]
    NotAFile {
        /// The path.
        path: String,
    },
    /// The tree names an object that is not in the repository.
    #[error("{path} of the ledger's tree is object {id}, which is not in this repository")]
    Missing {
        /// The path.
        path: String,
        /// The object.
        id: ObjectId,
    },
    /// What is to be written is larger than what is read back.
    #[error("{path} would have {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        bytes: usize,
        /// The most that is read.
        limit: u64,
    },
    /// Two tips differ in more than one push may bring.
    #[error("too much differs at {path} of the ledger's tree")]
    TooMuch {
        /// Where it became too much.
        path: String,
    },
}

/// The components of a note's path as we write it.
fn note_path(object: &ObjectId) -> Vec<Vec<u8>> {
    components(&NotePath::of(*object).to_string())
}

/// The components of a path.
fn components(path: &str) -> Vec<Vec<u8>> {
    path.split('/')
        .map(|part| part.as_bytes().to_vec())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::digest::{Algorithm, ObjectKind, Sha256};
    use crate::git::{Moved, RefName, Repository, Written};
    use crate::ledger::snapshot::{Snapshot as _, TreeFaultKind};
    use crate::process::Quiet;
    use crate::timestamp::Timestamp;

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let quiet = Quiet::git(folder, arguments)
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .variable("GIT_CONFIG_GLOBAL", "/dev/null");
        String::from_utf8(quiet.output().expect("git does it"))
            .expect("text")
            .trim()
            .to_owned()
    }

    fn repository(format: &str) -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        git(
            folder.path(),
            &["init", "-q", "--bare", "--object-format", format],
        );
        git(folder.path(), &["config", "user.name", "Ada"]);
        git(folder.path(), &["config", "user.email", "ada@example.com"]);
        let repository = Repository::discover(folder.path()).expect("a repository");
        (folder, repository)
    }

    fn name() -> RefName {
        "refs/notes/docket".parse().expect("a ref name")
    }

    /// Objects to write notes about; blobs do, and need not be commits here.
    fn objects(repository: &Repository, count: u32) -> Vec<ObjectId> {
        let mut written = Written::default();
        let write = |number: u32| {
            repository
                .write(ObjectKind::Blob, &number.to_le_bytes(), &mut written)
                .expect("written")
        };
        (0..count).map(write).collect()
    }

    fn author() -> Author {
        let time = Timestamp::from_unix(1_795_341_600).expect("a time");
        Author {
            name: "A<d>a".into(),
            email: "ada@example.com\n".into(),
            time,
        }
    }

    fn land(repository: &Repository, change: &Change) {
        let tip = Tip::read(repository, &name()).expect("readable");
        let (moved, _) = tip.land(change, &author(), "test").expect("written");
        assert_eq!(moved, Moved::Yes);
    }

    fn notes(repository: &Repository) -> Vec<(ObjectId, Vec<u8>)> {
        let stored = Stored::read(repository, &name())
            .expect("readable")
            .expect("there is a ledger");
        let mut reader = stored.reader();
        let read = |(at, id): (usize, &ObjectId)| (*id, reader.note(at).expect("readable"));
        stored.notes().iter().enumerate().map(read).collect()
    }

    #[test]
    fn what_is_written_is_read_back_by_us_and_by_stock_git() {
        for format in ["sha1", "sha256"] {
            let (folder, repository) = repository(format);
            assert!(
                Stored::read(&repository, &name())
                    .expect("readable")
                    .is_none()
            );
            let objects = objects(&repository, 40);
            let body = b"a body".to_vec();
            let digest = Sha256::of(&body);
            for (at, object) in objects.iter().enumerate() {
                let mut change = Change {
                    append: Some(format!("{at}\n").into_bytes()),
                    ..Change::default()
                };
                change
                    .notes
                    .insert(*object, format!("note {at}\n").into_bytes());
                change.blobs.insert(digest, body.clone());
                change.commits.insert(*object, b"raw".to_vec());
                land(&repository, &change);
            }
            let stored = Stored::read(&repository, &name())
                .expect("readable")
                .expect("there is a ledger");
            let shape = stored.shape();
            assert_eq!(
                (
                    shape.faults.len(),
                    stored.misplaced_notes(),
                    shape.commits.len()
                ),
                (0, 0, 40)
            );
            assert_eq!(shape.append.as_deref(), Some(b"39\n".as_slice()));
            assert_eq!(
                (shape.blobs.as_slice(), shape.kept_commits.len()),
                ([digest].as_slice(), 40)
            );
            let mut reader = stored.reader();
            assert_eq!(reader.blob(&digest).expect("readable"), Some(body));
            assert_eq!(reader.blob(&Sha256::of(b"other")).expect("readable"), None);
            assert_eq!(
                reader.commit(&objects[7]).expect("readable").as_deref(),
                Some(b"raw".as_slice())
            );
            let tip = Tip::read(&repository, &name()).expect("readable");
            for (at, object) in objects.iter().enumerate() {
                let text = format!("note {at}\n");
                assert_eq!(
                    tip.note(object).expect("readable").as_deref(),
                    Some(text.as_bytes())
                );
                assert_eq!(
                    git(
                        folder.path(),
                        &["notes", "--ref", "docket", "show", &object.hex()]
                    ),
                    text.trim()
                );
            }
            assert_eq!(
                git(folder.path(), &["notes", "--ref", "docket", "list"])
                    .lines()
                    .count(),
                40
            );
            git(folder.path(), &["fsck", "--strict"]);
        }
    }

    #[test]
    fn every_shape_that_stock_git_writes_is_read_and_folded_when_touched() {
        let (folder, repository) = repository("sha1");
        let objects = objects(&repository, 300);
        for object in &objects {
            git(
                folder.path(),
                &[
                    "notes",
                    "--ref",
                    "docket",
                    "add",
                    "-f",
                    "-m",
                    "by hand",
                    &object.hex(),
                ],
            );
        }
        let stored = Stored::read(&repository, &name())
            .expect("readable")
            .expect("there is a ledger");
        assert_eq!(
            (stored.notes().len(), stored.shape().faults.len()),
            (300, 0)
        );
        assert_eq!(
            stored.misplaced_notes(),
            300,
            "stock git fans 300 notes out by one level at most"
        );
        let mut change = Change::default();
        change.notes.insert(objects[5], b"ours\n".to_vec());
        land(&repository, &change);
        let stored = Stored::read(&repository, &name())
            .expect("readable")
            .expect("there is a ledger");
        assert_eq!(
            (
                stored.notes().len(),
                stored.shape().faults.len(),
                stored.misplaced_notes()
            ),
            (300, 0, 299)
        );
        assert_eq!(
            git(
                folder.path(),
                &["notes", "--ref", "docket", "show", &objects[5].hex()]
            ),
            "ours"
        );
        let others = notes(&repository)
            .into_iter()
            .filter(|(id, _)| *id != objects[5]);
        assert!(others.into_iter().all(|(_, note)| note == b"by hand\n"));
    }

    #[test]
    fn what_has_no_place_in_the_tree_is_a_fault() {
        let (_folder, repository) = repository("sha1");
        let objects = objects(&repository, 3);
        let mut written = Written::default();
        let hex = objects[0].hex();
        let file = |path: &str| (components(path), git::EntryKind::File);
        let flat = objects[1].hex();
        let as_link = objects[2].hex();
        let all = [
            file(&hex),
            file(&format!("{}/{}", &hex[..2], &hex[2..])),
            file(&flat),
            (components(&as_link), git::EntryKind::Link),
            file("README"),
            file("docket/unknown"),
            file("docket/blob/zz/no"),
            (components("docket/seal"), git::EntryKind::Executable),
        ];
        let blob = repository
            .write(ObjectKind::Blob, b"x\n", &mut written)
            .expect("written");
        let tree = nest(&repository, &all, blob, &mut written);
        let raw = format!(
            "tree {}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n",
            tree.hex()
        );
        let commit = repository
            .write(ObjectKind::Commit, raw.as_bytes(), &mut written)
            .expect("written");
        let stored = Stored::at(&repository, commit).expect("readable");
        let mut found: Vec<(String, TreeFaultKind)> = stored
            .shape()
            .faults
            .iter()
            .map(|fault| (fault.path.clone(), fault.kind))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let duplicate = found
            .iter()
            .filter(|(path, _)| path.replace('/', "") == hex)
            .collect::<Vec<_>>();
        assert!(
            matches!(duplicate.as_slice(), [(_, TreeFaultKind::DuplicateNote)]),
            "{found:?}"
        );
        let kind = |path: &str| {
            found
                .iter()
                .find(|(known, _)| known == path)
                .map(|(_, kind)| *kind)
        };
        assert_eq!(kind(&as_link), Some(TreeFaultKind::Mode));
        assert_eq!(kind("README"), Some(TreeFaultKind::Foreign));
        assert_eq!(
            kind("docket/unknown"),
            Some(TreeFaultKind::UnknownDocketPath)
        );
        assert_eq!(
            kind("docket/blob/zz/no"),
            Some(TreeFaultKind::UnknownDocketPath)
        );
        assert_eq!(kind("docket/seal"), Some(TreeFaultKind::Mode));
        assert_eq!((found.len(), stored.notes().len()), (6, 2));
    }

    type Placed = (Vec<Vec<u8>>, git::EntryKind);

    fn nest(
        repository: &Repository,
        files: &[Placed],
        blob: ObjectId,
        written: &mut Written,
    ) -> ObjectId {
        let mut folders: std::collections::BTreeMap<Vec<u8>, Vec<Placed>> =
            std::collections::BTreeMap::new();
        let mut entries = Vec::new();
        for (path, kind) in files {
            match path.as_slice() {
                [name] => entries.push(git::Entry {
                    name: name.clone(),
                    kind: *kind,
                    id: blob,
                }),
                [name, rest @ ..] => folders
                    .entry(name.clone())
                    .or_default()
                    .push((rest.to_vec(), *kind)),
                [] => unreachable!("a path has a name"),
            }
        }
        for (name, files) in folders {
            let id = nest(repository, &files, blob, written);
            entries.push(git::Entry {
                name,
                kind: git::EntryKind::Tree,
                id,
            });
        }
        repository.write_tree(entries, written).expect("written")
    }

    #[test]
    fn a_tip_that_moved_on_is_not_written_over_and_other_notes_stay_as_they_are() {
        let (folder, repository) = repository("sha1");
        let objects = objects(&repository, 2);
        git(
            folder.path(),
            &[
                "notes",
                "--ref",
                "other",
                "add",
                "-m",
                "theirs",
                &objects[0].hex(),
            ],
        );
        let theirs = git(folder.path(), &["rev-parse", "refs/notes/other"]);
        let old = Tip::read(&repository, &name()).expect("readable");
        let mut change = Change::default();
        change.notes.insert(objects[0], b"one\n".to_vec());
        land(&repository, &change);
        let mut late = Change::default();
        late.notes.insert(objects[1], b"two\n".to_vec());
        let (moved, _) = old.land(&late, &author(), "late").expect("git answers");
        assert_eq!(moved, Moved::Elsewhere);
        assert_eq!(notes(&repository), [(objects[0], b"one\n".to_vec())]);
        assert_eq!(
            git(folder.path(), &["rev-parse", "refs/notes/other"]),
            theirs
        );
    }

    #[test]
    fn commits_by_two_parents_are_counted_as_such() {
        let (folder, repository) = repository("sha1");
        let objects = objects(&repository, 1);
        let mut change = Change::default();
        change.notes.insert(objects[0], b"one\n".to_vec());
        land(&repository, &change);
        let first = git(folder.path(), &["rev-parse", "refs/notes/docket"]);
        let tree = format!("{first}^{{tree}}");
        let other = git(folder.path(), &["commit-tree", "-m", "other", &tree]);
        let merge = git(
            folder.path(),
            &[
                "commit-tree",
                "-m",
                "merge",
                "-p",
                &first,
                "-p",
                &other,
                &tree,
            ],
        );
        let merge = ObjectId::from_hex(Algorithm::Sha1, &merge).expect("an id");
        let stored = Stored::at(&repository, merge).expect("readable");
        let commits = &stored.shape().commits;
        assert_eq!(
            (commits[0].id, commits[0].parents, commits.len()),
            (merge, 2, 3)
        );
    }
}
