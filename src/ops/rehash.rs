//! A SHA-1 tree, hashed again with SHA-256.
//!
//! Git's own encoding of trees and blobs, with SHA-256 ids in it: what the tree's id would be in a SHA-256
//! repository. Subtrees that stand in several places are hashed once. A submodule's commit has no SHA-256
//! id here, so that a tree with submodules cannot be hashed again: that is an error, not a shorter hash.

use std::collections::HashMap;

use crate::{
    digest::{Algorithm, ObjectId, ObjectKind},
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
    Rehash {
        repository,
        known: HashMap::new(),
    }
    .tree(id)
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
}

impl Rehash<'_> {
    fn tree(&mut self, id: &ObjectId) -> Result<ObjectId, Error> {
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let mut content = Vec::new();
        for Entry { name, kind, id } in self.repository.tree(id)? {
            let hashed = match kind {
                EntryKind::Tree => self.tree(&id)?,
                EntryKind::Submodule => {
                    return Err(Error::Kind {
                        spec: String::from_utf8_lossy(&name).into_owned(),
                        wanted: "a tree without submodules",
                    });
                }
                EntryKind::File
                | EntryKind::Executable
                | EntryKind::Link
                | EntryKind::OtherFile(_) => self.blob(&id)?,
            };
            content.extend_from_slice(kind.mode().as_bytes());
            content.push(b' ');
            content.extend_from_slice(&name);
            content.push(0);
            content.extend_from_slice(hashed.as_bytes());
        }
        let hashed = sha256(ObjectKind::Tree, &content);
        self.known.insert(*id, hashed);
        Ok(hashed)
    }

    fn blob(&mut self, id: &ObjectId) -> Result<ObjectId, Error> {
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let content = self.repository.content(id, ObjectKind::Blob, LIMIT)?;
        let hashed = sha256(ObjectKind::Blob, &content);
        self.known.insert(*id, hashed);
        Ok(hashed)
    }
}

fn sha256(kind: ObjectKind, content: &[u8]) -> ObjectId {
    ObjectId::of_object(Algorithm::Sha256, kind, content)
        .expect("only SHA-1 objects are looked at for collisions")
}
