//! Objects: read with a limit on their size, written so that they survive a power cut.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use rustix::io::Errno;

use super::{Durability, Error, Repository, kind_name, loose, theirs};
use crate::digest::{ObjectId, ObjectKind};

/// An object's kind and content. The content is as stored: whether it has the id is asked by
/// [`Repository::checked`] alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its content.
    pub content: Vec<u8>,
}

/// One entry of a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its name: any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// The object.
    pub id: ObjectId,
}

/// What a tree's entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryKind {
    /// A file.
    File,
    /// An executable file.
    Executable,
    /// A symbolic link.
    Link,
    /// A folder.
    Tree,
    /// A submodule's commit.
    Submodule,
    /// A file under a mode that git writes no more, such as 100664.
    OtherFile(u16),
}

impl EntryKind {
    /// The mode as a tree object writes it.
    pub fn mode(self) -> Cow<'static, str> {
        let mode = match self {
            EntryKind::File => "100644",
            EntryKind::Executable => "100755",
            EntryKind::Link => "120000",
            EntryKind::Tree => "40000",
            EntryKind::Submodule => "160000",
            EntryKind::OtherFile(mode) => return format!("{mode:o}").into(),
        };
        mode.into()
    }

    fn of(mode: gix::objs::tree::EntryMode) -> Self {
        match (mode.kind(), mode.value()) {
            (gix::objs::tree::EntryKind::Tree, _) => EntryKind::Tree,
            (gix::objs::tree::EntryKind::Link, _) => EntryKind::Link,
            (gix::objs::tree::EntryKind::Commit, _) => EntryKind::Submodule,
            (_, 0o100_644) => EntryKind::File,
            (_, 0o100_755) => EntryKind::Executable,
            (_, other) => EntryKind::OtherFile(other),
        }
    }
}

/// A commit's bytes, and what is read from them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommitFacts {
    /// The raw bytes.
    pub raw: Vec<u8>,
    /// The tree.
    pub tree: ObjectId,
    /// The parents, as the bytes name them.
    pub parents: Vec<ObjectId>,
}

/// Objects written and not yet synced to disk. Dropping it is harmless where nothing points to them.
#[derive(Debug, Default)]
#[must_use = "what is not synced may not survive a power cut"]
pub struct Written {
    /// The files, with the handles of those that were just written.
    files: BTreeMap<PathBuf, Option<File>>,
}

/// Handles of written objects that are kept open until they are synced.
const OPEN_LIMIT: usize = 64;

impl Repository {
    /// Whether an object is here.
    pub fn has(&self, id: &ObjectId) -> bool {
        self.inner.has_object(theirs(id))
    }

    /// Those of these objects that are not here, sorted.
    pub fn lacking(&self, ids: &[ObjectId]) -> Vec<ObjectId> {
        use gix::objs::Exists as _;
        // Packs that appear meanwhile are not looked for: that would be done again for each one that is lacking.
        let mut objects = self.inner.objects.clone();
        objects.refresh_never();
        let mut lacking: Vec<ObjectId> = ids.to_vec();
        lacking.retain(|id| !objects.exists(&theirs(id)));
        lacking.sort();
        lacking
    }

    /// An object's size, without decoding it; `None` where it is not here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn size(&self, id: &ObjectId) -> Result<Option<u64>, Error> {
        let header = self
            .inner
            .try_find_header(theirs(id))
            .map_err(|source| Error::Read { id: *id, source })?;
        Ok(header.map(|header| header.size()))
    }

    /// Puts things into the order in which their objects stand in packs, loose ones last: whoever reads many
    /// objects in this order meets each delta's base shortly before. The order of equal places is kept, and a
    /// pack that cannot be opened is no error here: it only reads slower.
    pub fn in_pack_order<T>(&self, things: &mut [T], object: impl Fn(&T) -> ObjectId) {
        use gix::odb::{pack::index, store::structure::Record};
        let records = self.inner.objects.store_ref().structure();
        let indices: Vec<index::File> = records
            .into_iter()
            .flatten()
            .filter_map(|record| match record {
                Record::Index { path, .. } => index::File::at(path, self.inner.object_hash()).ok(),
                _ => None,
            })
            .collect();
        let place = |id: ObjectId| {
            let in_pack = indices.iter().enumerate().find_map(|(pack, index)| {
                let at = index.lookup(theirs(&id))?;
                Some((pack, index.pack_offset_at_index(at)))
            });
            in_pack.unwrap_or((indices.len(), 0))
        };
        things.sort_by_cached_key(|thing| place(object(thing)));
    }

    /// An object of at most `limit` bytes; `None` where it is not here. The size is looked at first, so that
    /// a huge one is never decoded.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger.
    pub fn object(&self, id: &ObjectId, limit: u64) -> Result<Option<Object>, Error> {
        match self.size(id)? {
            None => return Ok(None),
            Some(bytes) if bytes > limit => {
                return Err(Error::TooLarge {
                    id: *id,
                    bytes,
                    limit,
                });
            }
            Some(_) => {}
        }
        self.decoded(id).map(Some)
    }

    fn decoded(&self, id: &ObjectId) -> Result<Object, Error> {
        let object = self
            .inner
            .find_object(theirs(id))
            .map_err(|source| Error::Read { id: *id, source })?;
        let kind = match object.kind {
            gix::objs::Kind::Blob => ObjectKind::Blob,
            gix::objs::Kind::Tree => ObjectKind::Tree,
            gix::objs::Kind::Commit => ObjectKind::Commit,
            gix::objs::Kind::Tag => ObjectKind::Tag,
        };
        Ok(Object {
            kind,
            content: object.detach().data,
        })
    }

    /// The content of an object that must be here and of this kind.
    ///
    /// # Errors
    /// Where it is not, cannot be read, or is larger.
    pub fn content(&self, id: &ObjectId, kind: ObjectKind, limit: u64) -> Result<Vec<u8>, Error> {
        match self.object(id, limit)? {
            None => Err(Error::Missing { id: *id }),
            Some(object) if object.kind == kind => Ok(object.content),
            Some(_) => Err(Error::OtherKind {
                id: *id,
                wanted: kind_name(kind),
            }),
        }
    }

    /// As [`content`](Self::content), of an object whose size was asked for before.
    ///
    /// # Errors
    /// Where it is not here, cannot be read, or is of another kind.
    pub fn content_of_known_size(&self, id: &ObjectId, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        match self.decoded(id)? {
            object if object.kind == kind => Ok(object.content),
            _ => Err(Error::OtherKind {
                id: *id,
                wanted: kind_name(kind),
            }),
        }
    }

    /// As [`content`](Self::content), and the content hashes to the id.
    ///
    /// # Errors
    /// As there, and where it does not.
    pub fn checked(&self, id: &ObjectId, kind: ObjectKind, limit: u64) -> Result<Vec<u8>, Error> {
        let content = self.content(id, kind, limit)?;
        match ObjectId::of_object(id.algorithm(), kind, &content) {
            Ok(same) if same == *id => Ok(content),
            _ => Err(Error::Altered { id: *id }),
        }
    }

    /// A tree's entries, in the tree's order; nothing below it is read.
    ///
    /// # Errors
    /// Where it cannot be read, or is malformed.
    pub fn tree(&self, id: &ObjectId) -> Result<Vec<Entry>, Error> {
        const LIMIT: u64 = 256 << 20;
        let content = self.content(id, ObjectKind::Tree, LIMIT)?;
        let entries = gix::objs::TreeRefIter::from_bytes(&content, self.inner.object_hash());
        let malformed = || Error::Malformed {
            kind: "tree",
            id: *id,
        };
        entries
            .map(|entry| {
                let entry = entry.map_err(|_| malformed())?;
                Ok(Entry {
                    name: entry.filename.to_vec(),
                    kind: EntryKind::of(entry.mode),
                    id: self.ours(entry.oid),
                })
            })
            .collect()
    }

    /// A commit, its bytes held against its id.
    ///
    /// # Errors
    /// Where it is not here, was altered, or is malformed.
    pub fn commit(&self, id: &ObjectId) -> Result<CommitFacts, Error> {
        const LIMIT: u64 = 16 << 20;
        let raw = self.checked(id, ObjectKind::Commit, LIMIT)?;
        let malformed = |_| Error::Malformed {
            kind: "commit",
            id: *id,
        };
        let mut iter = gix::objs::CommitRefIter::from_bytes(&raw, self.inner.object_hash());
        let tree = self.ours(&iter.tree_id().map_err(malformed)?);
        let parents = iter.parent_ids().map(|parent| self.ours(&parent)).collect();
        Ok(CommitFacts { tree, parents, raw })
    }

    /// Writes an object unless it is here already; then its file, if it has one of its own, is made young
    /// again, so that a `git gc` at work meanwhile does not take it for waste.
    ///
    /// # Errors
    /// Where it cannot be written, or is part of a SHA-1 collision attack.
    pub fn write(
        &self,
        kind: ObjectKind,
        content: &[u8],
        written: &mut Written,
    ) -> Result<ObjectId, Error> {
        use gix::objs::Write as _;
        let id = ObjectId::of_object(self.algorithm(), kind, content).map_err(|_| {
            let kind = kind_name(kind);
            Error::Collision { kind }
        })?;
        let path = self.loose(&id);
        // Packs are not asked: an object that is in one, too, is no harm.
        if refresh(&path) {
            // Another process may have just written it, and not synced it yet.
            written.files.entry(path).or_default();
            return Ok(id);
        }
        let file = if content.len() <= loose::PLAIN_LIMIT {
            let header = format!("{} {}\0", kind_name(kind), content.len());
            let file = loose::write(&path, &header, content).map_err(|source| {
                let path = path.clone();
                Error::WriteFile { path, source }
            })?;
            Some(file).filter(|_| written.files.len() < OPEN_LIMIT)
        } else {
            let kind = match kind {
                ObjectKind::Blob => gix::objs::Kind::Blob,
                ObjectKind::Tree => gix::objs::Kind::Tree,
                ObjectKind::Commit => gix::objs::Kind::Commit,
                ObjectKind::Tag => gix::objs::Kind::Tag,
            };
            let written = self.inner.objects.write_buf(kind, content);
            written.map_err(Error::Write)?;
            None
        };
        written.files.insert(path, file);
        Ok(id)
    }

    /// Writes a tree; its entries are put into git's order here.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_tree(
        &self,
        mut entries: Vec<Entry>,
        written: &mut Written,
    ) -> Result<ObjectId, Error> {
        // Git compares names as if those of folders ended with a slash.
        let key = |entry: &Entry| {
            let mut key = entry.name.clone();
            if entry.kind == EntryKind::Tree {
                key.push(b'/');
            }
            key
        };
        entries.sort_by_cached_key(key);
        let mut content = Vec::new();
        for entry in &entries {
            content.extend_from_slice(entry.kind.mode().as_bytes());
            content.push(b' ');
            content.extend_from_slice(&entry.name);
            content.push(0);
            content.extend_from_slice(entry.id.as_bytes());
        }
        self.write(ObjectKind::Tree, &content, written)
    }

    /// Syncs written objects and their folders to disk, as far as the repository's [`Durability`] wants it.
    ///
    /// # Errors
    /// Where a file or folder cannot be synced.
    pub fn sync(&self, written: Written) -> Result<(), Error> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        let mut files = written.files;
        // Packed meanwhile, by a git that syncs packs.
        files.retain(|path, file| file.is_some() || path.exists());
        // A folder holds the names of its files, and the objects' folder those of its folders.
        let mut folders: Vec<&Path> = files.keys().filter_map(|path| path.parent()).collect();
        folders.dedup();
        folders.push(self.inner.objects.store_ref().path());
        let files = files.iter().map(|(path, file)| (&**path, file.as_ref()));
        let all: Vec<_> = files
            .chain(folders.iter().map(|path| (*path, None)))
            .collect();
        sync_all(&all)
    }

    /// Where an object's own file stands, if it has one.
    fn loose(&self, id: &ObjectId) -> PathBuf {
        let hex = id.hex();
        let objects = self.inner.objects.store_ref().path();
        objects.join(&hex[..2]).join(&hex[2..])
    }
}

/// Syncs files or folders, several at once: a disk takes many syncs in the time of one.
pub(super) fn sync_all(all: &[(&Path, Option<&File>)]) -> Result<(), Error> {
    const AT_ONCE: usize = 4;
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((path, file)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            match file {
                Some(file) => file.sync_all().map_err(|error| unsynced(path, error))?,
                None => sync(path)?,
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others = 1..AT_ONCE.min(all.len());
        let others: Vec<_> = others.map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter().map(|other| {
            other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        others.fold(own, Result::and)
    })
}

pub(super) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| unsynced(path, error))
}

fn unsynced(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    Error::Sync { path, source }
}

/// Sets a file's times to now; false where there is none. One that is not ours is kept as git keeps it.
fn refresh(path: &Path) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    match utimensat(CWD, path, &times, AtFlags::empty()) {
        Ok(()) => true,
        Err(error) => error != Errno::NOENT && path.exists(),
    }
}
