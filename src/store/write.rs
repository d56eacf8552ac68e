//! Writing: a change to the tip, of which only the trees on its way are read and written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use super::{BLOB_LIMIT, COMMIT_LIMIT, Error, NOTE_LIMIT, RECORD_LIMIT, components, note_path};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::{Entry, EntryKind, Moved, Reason, RefName, Repository, Written};
use crate::ledger::path::NotePath;
use crate::timestamp::Timestamp;

/// The ledger's tip as a writer sees it: single files, read when asked for. `None` ids: no ledger yet.
pub struct Tip<'a> {
    pub(super) repository: &'a Repository,
    name: RefName,
    commit: Option<ObjectId>,
    /// Where the ref is to stand when the change lands.
    expected: Option<ObjectId>,
    pub(super) tree: Option<ObjectId>,
    trees: RefCell<BTreeMap<ObjectId, Rc<[Entry]>>>,
}

/// What is to be written: whole new contents, by what they are about.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Notes, by object.
    pub notes: BTreeMap<ObjectId, Vec<u8>>,
    /// Bodies that do not stand inline, by their SHA-256.
    pub blobs: BTreeMap<Sha256, Vec<u8>>,
    /// Raw bytes of the commits that entries are about.
    pub commits: BTreeMap<ObjectId, Vec<u8>>,
    /// `docket/append`, where it changes.
    pub append: Option<Vec<u8>>,
    /// `docket/seal`, where it changes.
    pub seal: Option<Vec<u8>>,
    /// `docket/edge`, where it changes.
    pub edge: Option<Vec<u8>>,
    /// `docket/in-force`, where it changes.
    pub in_force: Option<Vec<u8>>,
}

/// Whose name the ref's commits carry. It is a courtesy to `git log`, never evidence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// The name; what git does not allow in one is left out.
    pub name: String,
    /// The address; likewise.
    pub email: String,
    /// The time.
    pub time: Timestamp,
}

impl<'a> Tip<'a> {
    /// The tip of a ref, or of a ledger to be made where there is no such ref.
    ///
    /// # Errors
    /// Where the ref or its commit cannot be read.
    pub fn read(repository: &'a Repository, name: &RefName) -> Result<Self, Error> {
        Tip::of(repository, name.clone(), repository.reference(name)?)
    }

    /// The ledger at a commit that was brought here and that no ref of the ledger's need point to; to be looked at.
    ///
    /// # Errors
    /// Where the commit cannot be read.
    pub fn at(repository: &'a Repository, name: &RefName, commit: ObjectId) -> Result<Self, Error> {
        Tip::of(repository, name.clone(), Some(commit))
    }

    /// The same commit to go on from, with another's content: what is written is this commit's child, and its tree
    /// is the other's with the change made.
    ///
    /// # Errors
    /// Where the other commit cannot be read.
    pub fn with_content_of(mut self, other: &ObjectId) -> Result<Self, Error> {
        self.tree = Some(self.repository.commit(other)?.tree);
        Ok(self)
    }

    /// The same, with the ref expected to stand elsewhere than at the commit to go on from.
    pub fn with_ref_at(mut self, expected: Option<ObjectId>) -> Self {
        self.expected = expected;
        self
    }

    fn of(
        repository: &'a Repository,
        name: RefName,
        commit: Option<ObjectId>,
    ) -> Result<Self, Error> {
        let tree = commit
            .map(|commit| repository.commit(&commit))
            .transpose()?
            .map(|facts| facts.tree);
        Ok(Tip {
            repository,
            name,
            commit,
            expected: commit,
            tree,
            trees: RefCell::default(),
        })
    }

    /// The commit; `None` where there is no ledger yet.
    pub fn commit(&self) -> Option<ObjectId> {
        self.commit
    }

    /// `docket/append`, `docket/seal`, `docket/edge` or `docket/in-force`, by its last name.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn record(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.file(&components(&format!("docket/{name}")), RECORD_LIMIT)
    }

    /// The note about an object, at whatever path it stands.
    ///
    /// # Errors
    /// Where it cannot be read, or stands at two paths.
    pub fn note(&self, object: &ObjectId) -> Result<Option<Vec<u8>>, Error> {
        match self.note_places(object)?.as_slice() {
            [] => Ok(None),
            [(_, id)] => Ok(Some(self.repository.content(
                id,
                ObjectKind::Blob,
                NOTE_LIMIT,
            )?)),
            _ => Err(Error::DuplicateNote { object: *object }),
        }
    }

    /// A body in `docket/blob`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn blob(&self, digest: &Sha256) -> Result<Option<Vec<u8>>, Error> {
        self.file(&blob_path(digest), BLOB_LIMIT)
    }

    /// A commit's raw bytes in `docket/commit`.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn kept_commit(&self, commit: &ObjectId) -> Result<Option<Vec<u8>>, Error> {
        self.file(&commit_path(commit), COMMIT_LIMIT)
    }

    /// Writes a change on top of this tip and moves the ref to it, if the ref still stands here. Once this
    /// returned [`Moved::Yes`], the change survives a power cut.
    ///
    /// # Errors
    /// Where something cannot be read, written or synced.
    pub fn land(
        &self,
        change: &Change,
        author: &Author,
        message: &str,
    ) -> Result<(Moved, ObjectId), Error> {
        let mut written = Written::default();
        let commit = self.write(change, author, message, &mut written)?;
        self.repository.sync(written)?;
        let reason = Reason {
            text: message.lines().next().unwrap_or_default(),
            time: author.time,
        };
        let moved =
            self.repository
                .move_reference(&self.name, self.expected.as_ref(), &commit, reason)?;
        Ok((moved, commit))
    }

    /// Writes a change on top of this tip as a commit that no ref points to yet.
    ///
    /// # Errors
    /// Where something cannot be read or written; where the tree has two notes about one of the change's
    /// objects, or no file where the change has one; where something is too large to be read back.
    pub fn write(
        &self,
        change: &Change,
        author: &Author,
        message: &str,
        written: &mut Written,
    ) -> Result<ObjectId, Error> {
        let mut edits = Vec::new();
        let mut put = |path: Vec<Vec<u8>>, content: &[u8], limit: u64| -> Result<(), Error> {
            if content.len() as u64 > limit {
                return Err(Error::TooLarge {
                    path: shown(&path),
                    bytes: content.len(),
                    limit,
                });
            }
            let id = self.repository.write(ObjectKind::Blob, content, written)?;
            edits.push(Edit { path, to: Some(id) });
            Ok(())
        };
        for (object, note) in &change.notes {
            put(note_path(object), note, NOTE_LIMIT)?;
        }
        for (digest, body) in &change.blobs {
            put(blob_path(digest), body, BLOB_LIMIT)?;
        }
        for (commit, raw) in &change.commits {
            put(commit_path(commit), raw, COMMIT_LIMIT)?;
        }
        let records = [
            ("append", &change.append),
            ("seal", &change.seal),
            ("edge", &change.edge),
            ("in-force", &change.in_force),
        ];
        for (name, content) in records {
            if let Some(content) = content {
                put(components(&format!("docket/{name}")), content, RECORD_LIMIT)?;
            }
        }
        for object in change.notes.keys() {
            let ours = note_path(object);
            match self.note_places(object)?.as_slice() {
                [] => {}
                [(path, _)] if *path == ours => {}
                [(path, _)] => edits.push(Edit {
                    path: path.clone(),
                    to: None,
                }),
                _ => return Err(Error::DuplicateNote { object: *object }),
            }
        }
        let edits: Vec<&Edit> = edits.iter().collect();
        let tree = match self.rewrite(self.tree, &edits, 0, written)? {
            Some(tree) => tree,
            None => self.repository.write_tree(Vec::new(), written)?,
        };
        let commit = self.commit_text(&tree, author, message);
        Ok(self
            .repository
            .write(ObjectKind::Commit, commit.as_bytes(), written)?)
    }

    fn commit_text(&self, tree: &ObjectId, author: &Author, message: &str) -> String {
        let clean = |text: &str| text.replace(['<', '>', '\n', '\0'], "").trim().to_owned();
        let who = format!(
            "{} <{}> {} +0000",
            clean(&author.name),
            clean(&author.email),
            author.time.unix()
        );
        let mut text = format!("tree {}\n", tree.hex());
        if let Some(parent) = &self.commit {
            let _ = writeln!(text, "parent {}", parent.hex());
        }
        let _ = write!(
            text,
            "author {who}\ncommitter {who}\n\n{}\n",
            message.trim_end()
        );
        text
    }

    /// A tree's entries; the few on the way to a note are asked for again and again.
    pub(super) fn entries(&self, tree: &ObjectId) -> Result<Rc<[Entry]>, Error> {
        if let Some(known) = self.trees.borrow().get(tree) {
            return Ok(Rc::clone(known));
        }
        let entries: Rc<[Entry]> = self.repository.tree(tree)?.into();
        self.trees.borrow_mut().insert(*tree, Rc::clone(&entries));
        Ok(entries)
    }

    fn file(&self, path: &[Vec<u8>], limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut at) = self.tree else {
            return Ok(None);
        };
        for (depth, part) in path.iter().enumerate() {
            let entries = self.entries(&at)?;
            let Some(entry) = entries.iter().find(|entry| entry.name == *part) else {
                return Ok(None);
            };
            let wanted = if depth + 1 == path.len() {
                EntryKind::File
            } else {
                EntryKind::Tree
            };
            if entry.kind != wanted {
                return Err(Error::NotAFile { path: shown(path) });
            }
            at = entry.id;
        }
        Ok(Some(self.repository.content(
            &at,
            ObjectKind::Blob,
            limit,
        )?))
    }

    /// Every path at which a note about the object stands, with the note's id.
    fn note_places(&self, object: &ObjectId) -> Result<Vec<(Path, ObjectId)>, Error> {
        let hex = object.hex().into_bytes();
        let mut places = Vec::new();
        let mut pending: Vec<(ObjectId, usize)> =
            self.tree.map(|tree| (tree, 0)).into_iter().collect();
        while let Some((tree, used)) = pending.pop() {
            for entry in self.entries(&tree)?.iter() {
                let rest = &hex[used..];
                let path =
                    || -> Vec<Vec<u8>> { hex[..used].chunks(2).map(<[u8]>::to_vec).collect() };
                match entry.kind {
                    EntryKind::Tree if entry.name.len() == 2 && rest.starts_with(&entry.name) => {
                        pending.push((entry.id, used + 2));
                    }
                    EntryKind::Tree => {}
                    _ if entry.name == rest => {
                        let mut path = path();
                        path.push(entry.name.clone());
                        if entry.kind != EntryKind::File {
                            return Err(Error::NotAFile {
                                path: NotePath::of(*object).to_string(),
                            });
                        }
                        places.push((path, entry.id));
                    }
                    _ => {}
                }
            }
        }
        Ok(places)
    }

    /// A tree with edits made below it; `None` where nothing is left of it. Edits stand at `depth` of their
    /// paths.
    fn rewrite(
        &self,
        tree: Option<ObjectId>,
        edits: &[&Edit],
        depth: usize,
        written: &mut Written,
    ) -> Result<Option<ObjectId>, Error> {
        let mut entries = match tree {
            Some(tree) => self.entries(&tree)?.to_vec(),
            None => Vec::new(),
        };
        let mut by_name: BTreeMap<&[u8], Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            by_name.entry(&edit.path[depth]).or_default().push(edit);
        }
        for (name, edits) in by_name {
            let at = entries.iter().position(|entry| entry.name == name);
            let last = edits.iter().find(|edit| edit.path.len() == depth + 1);
            let kind = match last {
                Some(_) => EntryKind::File,
                None => EntryKind::Tree,
            };
            if at.is_some_and(|at| entries[at].kind != kind) {
                let path = shown(&edits[0].path);
                return Err(Error::NotAFile { path });
            }
            let id = match last {
                Some(edit) => edit.to,
                None => {
                    let below = at.map(|at| entries[at].id);
                    self.rewrite(below, &edits, depth + 1, written)?
                }
            };
            match (at, id) {
                (Some(at), Some(id)) => {
                    entries[at] = Entry {
                        name: name.to_vec(),
                        kind,
                        id,
                    }
                }
                (Some(at), None) => drop(entries.remove(at)),
                (None, Some(id)) => entries.push(Entry {
                    name: name.to_vec(),
                    kind,
                    id,
                }),
                (None, None) => {}
            }
        }
        if entries.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.repository.write_tree(entries, written)?))
    }
}

/// The components of a path.
type Path = Vec<Vec<u8>>;

/// A file to put somewhere, or to take away.
struct Edit {
    path: Vec<Vec<u8>>,
    to: Option<ObjectId>,
}

pub(super) fn blob_path(digest: &Sha256) -> Vec<Vec<u8>> {
    let hex = digest.to_string();
    components(&format!("docket/blob/{}/{}", &hex[..2], &hex[2..]))
}

pub(super) fn commit_path(commit: &ObjectId) -> Vec<Vec<u8>> {
    components(&format!("docket/commit/{}", NotePath::of(*commit)))
}

fn shown(path: &[Vec<u8>]) -> String {
    path.iter()
        .map(|part| String::from_utf8_lossy(part))
        .collect::<Vec<_>>()
        .join("/")
}
