//! A SHA-1 tree, hashed again with SHA-256.
//!
//! Git's own encoding of trees and blobs, with SHA-256 ids in it: what the tree's id would be in a SHA-256
//! repository. Subtrees that stand in several places are hashed once. A submodule's commit has no SHA-256
//! id here, so that a tree with submodules cannot be hashed again: that is an error, not a shorter hash.
//!
//! What is read is held against its SHA-1 first, collisions detected. What subtrees came to is kept in
//! `docket/rehashed` of the git folder, so that the next release reads only what changed: a line
//! `<SHA-1> <SHA-256>` each, and a last one with the SHA-256 of all before it. A file that is not exactly that is as
//! good as none. It helps whoever signs; no verdict rests on it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::{
    digest::{Algorithm, ObjectId, ObjectKind, Sha256},
    git::{Entry, EntryKind, Error, Repository},
    statement::{DigestSet, Subject},
};

/// No blob larger than this is hashed again: 2 GiB.
const LIMIT: u64 = 2 << 30;

/// The SHA-256 id of a SHA-1 repository's tree.
///
/// # Errors
/// Where an object cannot be read, or a submodule stands in the tree.
pub fn tree(repository: &Repository, id: &ObjectId) -> Result<ObjectId, Error> {
    let mut rehash = Rehash {
        repository,
        known: HashMap::new(),
        trees: kept(repository),
    };
    let before = rehash.trees.len();
    let hashed = rehash.tree(id)?;
    if rehash.trees.len() > before {
        keep(repository, &rehash.trees);
    }
    Ok(hashed)
}

/// The subject that carries it.
pub fn subject(tree: &ObjectId) -> Subject {
    let digests = [("gitTree".to_owned(), tree.hex())].into_iter().collect();
    let digest = DigestSet::new(digests).expect("a SHA-256 id is a gitTree digest");
    Subject::new(digest).named("tree-sha256")
}

struct Rehash<'a> {
    repository: &'a Repository,
    known: HashMap<ObjectId, ObjectId>,
    trees: BTreeMap<ObjectId, ObjectId>,
}

impl Rehash<'_> {
    fn tree(&mut self, id: &ObjectId) -> Result<ObjectId, Error> {
        if let Some(known) = self.trees.get(id) {
            return Ok(*known);
        }
        let (mut original, mut content) = (Vec::new(), Vec::new());
        let entries = self.repository.tree(id)?;
        for Entry { name, kind, id } in &entries {
            for content in [&mut original, &mut content] {
                content.extend_from_slice(kind.mode().as_bytes());
                content.push(b' ');
                content.extend_from_slice(name);
                content.push(0);
            }
            original.extend_from_slice(id.as_bytes());
            let hashed = match kind {
                EntryKind::Tree => self.tree(id)?,
                EntryKind::Submodule => {
                    return Err(Error::Kind {
                        spec: String::from_utf8_lossy(name).into_owned(),
                        wanted: "a tree without submodules",
                    });
                }
                EntryKind::File
                | EntryKind::Executable
                | EntryKind::Link
                | EntryKind::OtherFile(_) => self.blob(id)?,
            };
            content.extend_from_slice(hashed.as_bytes());
        }
        if ObjectId::of_object(id.algorithm(), ObjectKind::Tree, &original) != Ok(*id) {
            return Err(Error::Altered { id: *id });
        }
        let hashed = sha256(ObjectKind::Tree, &content);
        self.trees.insert(*id, hashed);
        Ok(hashed)
    }

    fn blob(&mut self, id: &ObjectId) -> Result<ObjectId, Error> {
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let content = self.repository.checked(id, ObjectKind::Blob, LIMIT)?;
        let hashed = sha256(ObjectKind::Blob, &content);
        self.known.insert(*id, hashed);
        Ok(hashed)
    }
}

fn sha256(kind: ObjectKind, content: &[u8]) -> ObjectId {
    ObjectId::of_object(Algorithm::Sha256, kind, content)
        .expect("only SHA-1 objects are looked at for collisions")
}

fn path(repository: &Repository) -> PathBuf {
    repository.common_dir().join("docket/rehashed")
}

/// What earlier runs kept; nothing where the file is not exactly as one of them left it.
fn kept(repository: &Repository) -> BTreeMap<ObjectId, ObjectId> {
    let read = || -> Option<BTreeMap<ObjectId, ObjectId>> {
        let text = fs::read_to_string(path(repository)).ok()?;
        let (lines, sum) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let lines = format!("{lines}\n");
        (Sha256::of(lines.as_bytes()).to_string() == sum).then_some(())?;
        let pair = |line: &str| {
            let (sha1, sha256) = line.split_once(' ')?;
            Some((
                ObjectId::from_hex(Algorithm::Sha1, sha1).ok()?,
                ObjectId::from_hex(Algorithm::Sha256, sha256).ok()?,
            ))
        };
        lines.lines().map(pair).collect()
    };
    read().unwrap_or_default()
}

/// Keeps it. That it could not be kept costs time and nothing else.
fn keep(repository: &Repository, trees: &BTreeMap<ObjectId, ObjectId>) {
    let mut text = String::new();
    for (sha1, sha256) in trees {
        let _ = writeln!(text, "{} {}", sha1.hex(), sha256.hex());
    }
    let sum = Sha256::of(text.as_bytes());
    let _ = writeln!(text, "{sum}");
    let path = path(repository);
    let Some(folder) = path.parent() else { return };
    let written = fs::create_dir_all(folder)
        .and_then(|()| tempfile::NamedTempFile::new_in(folder))
        .and_then(|file| fs::write(file.path(), text).map(|()| file));
    if let Ok(file) = written {
        let _ = file.persist(path);
    }
}
