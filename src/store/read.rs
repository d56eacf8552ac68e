//! Reading: the tip's tree, walked once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{BLOB_LIMIT, COMMIT_LIMIT, Error, NOTE_LIMIT, RECORD_LIMIT};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::{Entry, EntryKind, RefName, Repository, Shared};
use crate::ledger::snapshot::{
    ReadError, Reader, RefCommit, Shape, Snapshot, TreeFault, TreeFaultKind,
};

/// A ledger at one tip.
pub struct Stored {
    repository: Shared,
    shape: Shape,
    notes: Vec<ObjectId>,
    note_blobs: Vec<ObjectId>,
    bodies: HashMap<Sha256, ObjectId>,
    commits: HashMap<ObjectId, ObjectId>,
    misplaced: usize,
}

impl Stored {
    /// The ledger that a ref holds; `None` where there is no such ref.
    ///
    /// # Errors
    /// Where the ref, its commit or one of its trees cannot be read.
    pub fn read(repository: &Repository, name: &RefName) -> Result<Option<Self>, Error> {
        repository
            .reference(name)?
            .map(|tip| Stored::at(repository, tip))
            .transpose()
    }

    /// The ledger at this commit of a notes ref.
    ///
    /// # Errors
    /// Where the commit or one of its trees cannot be read.
    pub fn at(repository: &Repository, tip: ObjectId) -> Result<Self, Error> {
        let root = repository.commit(&tip)?.tree;
        let mut walk = Walk {
            repository,
            found: Found::default(),
            followed: HashSet::new(),
        };
        walk.root(&root)?;
        let Found {
            notes,
            misplaced,
            bodies,
            commits,
            faults,
            append,
            seal,
            edge,
            in_force,
        } = walk.found;
        let history = repository.history(&tip);
        let shape = Shape {
            tip,
            format: repository.algorithm(),
            commits: history
                .into_iter()
                .map(|(id, parents)| RefCommit { id, parents })
                .collect(),
            faults,
            append,
            seal,
            edge,
            in_force,
            blobs: bodies.keys().copied().collect(),
            kept_commits: commits.keys().copied().collect(),
        };
        let mut notes: Vec<(ObjectId, ObjectId)> = notes.into_iter().collect();
        repository.in_pack_order(&mut notes, |(_, blob)| *blob);
        let (notes, note_blobs) = notes.into_iter().unzip();
        let (bodies, commits) = (bodies.into_iter().collect(), commits.into_iter().collect());
        let repository = repository.to_shared();
        Ok(Stored {
            repository,
            shape,
            notes,
            note_blobs,
            bodies,
            commits,
            misplaced,
        })
    }

    /// How many notes stand at another path than `ab/cd/<rest>`.
    pub fn misplaced_notes(&self) -> usize {
        self.misplaced
    }
}

impl Snapshot for Stored {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn notes(&self) -> &[ObjectId] {
        &self.notes
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(StoredReader {
            stored: self,
            repository: self.repository.here(),
        })
    }
}

/// A reader of one thread's own.
struct StoredReader<'a> {
    stored: &'a Stored,
    repository: Repository,
}

impl StoredReader<'_> {
    // The walk has asked for every size.
    fn content(&self, id: &ObjectId) -> Result<Vec<u8>, ReadError> {
        Ok(self
            .repository
            .content_of_known_size(id, ObjectKind::Blob)?)
    }
}

impl Reader for StoredReader<'_> {
    fn note(&mut self, index: usize) -> Result<Vec<u8>, ReadError> {
        self.content(&self.stored.note_blobs[index])
    }

    fn blob(&mut self, digest: &Sha256) -> Result<Option<Vec<u8>>, ReadError> {
        let id = self.stored.bodies.get(digest);
        id.map(|id| self.content(id)).transpose()
    }

    fn commit(&mut self, id: &ObjectId) -> Result<Option<Vec<u8>>, ReadError> {
        let id = self.stored.commits.get(id);
        id.map(|id| self.content(id)).transpose()
    }
}

/// What a walk has found so far; sorted, so that the same tree always gives the same snapshot.
#[derive(Default)]
struct Found {
    notes: BTreeMap<ObjectId, ObjectId>,
    misplaced: usize,
    bodies: BTreeMap<Sha256, ObjectId>,
    commits: BTreeMap<ObjectId, ObjectId>,
    faults: Vec<TreeFault>,
    append: Option<Vec<u8>>,
    seal: Option<Vec<u8>>,
    edge: Option<Vec<u8>>,
    in_force: Option<Vec<u8>>,
}

struct Walk<'a> {
    repository: &'a Repository,
    found: Found,
    followed: HashSet<ObjectId>,
}

impl Walk<'_> {
    /// A folder's entries. Ids and digests differ, so that no folder of ours stands at two places: one that
    /// does is a fault and not followed again, or a few trees would unfold to any number of paths.
    fn entries(&mut self, tree: &ObjectId, path: &str) -> Result<Vec<Entry>, Error> {
        if !self.followed.insert(*tree) {
            self.fault(path.to_owned(), TreeFaultKind::Foreign);
            return Ok(Vec::new());
        }
        Ok(self.repository.tree(tree)?)
    }

    fn root(&mut self, tree: &ObjectId) -> Result<(), Error> {
        for entry in self.entries(tree, "")? {
            if entry.name == b"docket" && entry.kind == EntryKind::Tree {
                self.docket(&entry.id)?;
            } else {
                self.note(&entry, "", &mut Vec::new())?;
            }
        }
        Ok(())
    }

    /// An entry on the way to notes, below folders of these `widths`. An id has only so many digits, so that
    /// no tree is followed deeper.
    fn note(&mut self, entry: &Entry, path: &str, widths: &mut Vec<usize>) -> Result<(), Error> {
        let path = join(path, &entry.name);
        let is_hex = entry
            .name
            .iter()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex {
            self.fault(path, TreeFaultKind::Foreign);
            return Ok(());
        }
        let deepest = self.repository.algorithm().length() - 1;
        match entry.kind {
            EntryKind::Tree if entry.name.len() == 2 && widths.len() < deepest => {
                widths.push(2);
                for below in self.entries(&entry.id, &path)? {
                    self.note(&below, &path, widths)?;
                }
                widths.pop();
            }
            EntryKind::File => {
                let object =
                    ObjectId::from_hex(self.repository.algorithm(), &path.replace('/', ""));
                match object {
                    Err(_) => self.fault(path, TreeFaultKind::Foreign),
                    Ok(_) if self.too_large(&path, &entry.id, NOTE_LIMIT)? => {
                        self.fault(path, TreeFaultKind::TooLarge)
                    }
                    Ok(object) if self.found.notes.contains_key(&object) => {
                        self.fault(path, TreeFaultKind::DuplicateNote);
                    }
                    Ok(object) => {
                        self.found.misplaced += usize::from(*widths != [2, 2]);
                        self.found.notes.insert(object, entry.id);
                    }
                }
            }
            EntryKind::Tree => self.fault(path, TreeFaultKind::Foreign),
            _ => self.fault(path, TreeFaultKind::Mode),
        }
        Ok(())
    }

    fn docket(&mut self, tree: &ObjectId) -> Result<(), Error> {
        for entry in self.entries(tree, "docket")? {
            let path = join("docket", &entry.name);
            match (entry.kind, entry.name.as_slice()) {
                (EntryKind::Tree, b"blob") => self.sharded(&entry.id, &path, "", 1, Walk::body)?,
                (EntryKind::Tree, b"commit") => {
                    self.sharded(&entry.id, &path, "", 2, Walk::commit)?
                }
                (EntryKind::File, b"append" | b"seal" | b"edge" | b"in-force") => {
                    if self.too_large(&path, &entry.id, RECORD_LIMIT)? {
                        self.fault(path, TreeFaultKind::TooLarge);
                        continue;
                    }
                    let content =
                        self.repository
                            .content(&entry.id, ObjectKind::Blob, RECORD_LIMIT)?;
                    let slot = match entry.name.as_slice() {
                        b"append" => &mut self.found.append,
                        b"seal" => &mut self.found.seal,
                        b"edge" => &mut self.found.edge,
                        _ => &mut self.found.in_force,
                    };
                    // A malformed tree may have one name twice.
                    if slot.replace(content).is_some() {
                        self.fault(path, TreeFaultKind::UnknownDocketPath);
                    }
                }
                (EntryKind::File, b"append.sigstore.json") => {
                    self.fault(path, TreeFaultKind::KeylessAppend)
                }
                (EntryKind::File | EntryKind::Tree, _) => {
                    self.fault(path, TreeFaultKind::UnknownDocketPath)
                }
                _ => self.fault(path, TreeFaultKind::Mode),
            }
        }
        Ok(())
    }

    /// Files below `levels` folders of two hex digits each; nothing else is known there.
    fn sharded(
        &mut self,
        tree: &ObjectId,
        path: &str,
        hex: &str,
        levels: usize,
        keep: fn(&mut Self, &str, &str, ObjectId) -> Result<Kept, Error>,
    ) -> Result<(), Error> {
        for entry in self.entries(tree, path)? {
            let below = join(path, &entry.name);
            let hex = format!("{hex}{}", String::from_utf8_lossy(&entry.name));
            match entry.kind {
                EntryKind::Tree if levels > 0 && entry.name.len() == 2 => {
                    self.sharded(&entry.id, &below, &hex, levels - 1, keep)?;
                }
                EntryKind::File if levels == 0 => match keep(self, &below, &hex, entry.id)? {
                    Kept::Yes => {}
                    Kept::Unknown => self.fault(below, TreeFaultKind::UnknownDocketPath),
                    Kept::TooLarge => self.fault(below, TreeFaultKind::TooLarge),
                },
                EntryKind::File | EntryKind::Tree => {
                    self.fault(below, TreeFaultKind::UnknownDocketPath)
                }
                _ => self.fault(below, TreeFaultKind::Mode),
            }
        }
        Ok(())
    }

    fn body(&mut self, path: &str, hex: &str, id: ObjectId) -> Result<Kept, Error> {
        let Ok(digest) = hex.parse() else {
            return Ok(Kept::Unknown);
        };
        if self.too_large(path, &id, BLOB_LIMIT)? {
            return Ok(Kept::TooLarge);
        }
        self.found.bodies.insert(digest, id);
        Ok(Kept::Yes)
    }

    fn commit(&mut self, path: &str, hex: &str, id: ObjectId) -> Result<Kept, Error> {
        let Ok(commit) = ObjectId::from_hex(self.repository.algorithm(), hex) else {
            return Ok(Kept::Unknown);
        };
        if self.too_large(path, &id, COMMIT_LIMIT)? {
            return Ok(Kept::TooLarge);
        }
        self.found.commits.insert(commit, id);
        Ok(Kept::Yes)
    }

    fn too_large(&self, path: &str, id: &ObjectId, limit: u64) -> Result<bool, Error> {
        match self.repository.size(id)? {
            Some(size) => Ok(size > limit),
            None => Err(Error::Missing {
                path: path.to_owned(),
                id: *id,
            }),
        }
    }

    fn fault(&mut self, path: String, kind: TreeFaultKind) {
        self.found.faults.push(TreeFault { path, kind });
    }
}

/// What became of a file below `docket/`.
enum Kept {
    Yes,
    Unknown,
    TooLarge,
}

fn join(path: &str, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    if path.is_empty() {
        name.into_owned()
    } else {
        format!("{path}/{name}")
    }
}
