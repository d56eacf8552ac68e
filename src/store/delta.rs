//! What one tip has that another has not, read from the trees that differ and from nothing else.
//!
//! Both trees are walked side by side; a folder or file that both have under one id is passed over. Of what
//! differs, only this may be: notes that grew at their end, bodies and kept commits that came, and the four
//! records. Everything else is a [`TreeFault`] or a path in [`Delta::altered`].

use std::collections::{BTreeMap, BTreeSet};

use super::{BLOB_LIMIT, COMMIT_LIMIT, Error, RECORD_LIMIT, Tip};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::{Entry, EntryKind, Repository};
use crate::ledger::entry::Lines;
use crate::ledger::in_memory::Parts;
use crate::ledger::path::NotePath;
use crate::ledger::snapshot::{TreeFault, TreeFaultKind};

/// No more paths may differ.
const PATH_LIMIT: usize = 200_000;
/// No path that we write is deeper.
const DEPTH_LIMIT: usize = 40;

/// What a newer tip has besides an older one.
#[derive(Clone, Debug)]
pub struct Delta {
    /// The newer tip's records, and of notes, bodies and kept commits those that differ.
    pub parts: Parts,
    /// Paths at which something of the older tip is gone or is not what it was.
    pub altered: Vec<String>,
}

impl Delta {
    /// What `new` has besides `old`.
    ///
    /// # Errors
    /// Where something cannot be read, is larger than its limit, or too much differs.
    pub fn between(
        repository: &Repository,
        old: &Tip<'_>,
        new: &Tip<'_>,
        tip: ObjectId,
    ) -> Result<Self, Error> {
        let mut walk = Walk {
            repository,
            changes: Vec::new(),
        };
        walk.trees(old.tree, new.tree, &mut Vec::new())?;
        let mut sorter = Sorter {
            repository,
            delta: Delta {
                parts: Parts {
                    tip,
                    refs: Vec::new(),
                    faults: Vec::new(),
                    files: BTreeMap::new(),
                    notes: BTreeMap::new(),
                    bodies: BTreeMap::new(),
                    commits: BTreeMap::new(),
                },
                altered: Vec::new(),
            },
            notes: BTreeSet::new(),
        };
        for change in walk.changes {
            sorter.sort(change)?;
        }
        let Sorter {
            mut delta, notes, ..
        } = sorter;
        for object in notes {
            delta.note(&object, old, new)?;
        }
        for name in ["append", "edge", "in-force", "seal"] {
            if let Some(content) = new.record(name)? {
                delta.parts.files.insert(name.to_owned(), content);
            }
        }
        Ok(delta)
    }

    // A note must begin with what it was. Its older lines are read again with it, and what they name.
    fn note(&mut self, object: &ObjectId, old: &Tip<'_>, new: &Tip<'_>) -> Result<(), Error> {
        let (before, after) = (old.note(object)?, new.note(object)?);
        let before = before.unwrap_or_default();
        let grown = after.filter(|note| note.starts_with(&before));
        let Some(note) = grown else {
            self.altered.push(NotePath::of(*object).to_string());
            return Ok(());
        };
        for line in Lines::of(&note).map_while(Result::ok) {
            let digest = line.link.attestation;
            if line.body.is_none()
                && line.offset < before.len()
                && let Some(body) = new.blob(&digest)?
            {
                self.parts.bodies.insert(digest, body);
            }
        }
        if let Some(kept) = new.kept_commit(object)? {
            self.parts.commits.insert(*object, kept);
        }
        self.parts.notes.insert(*object, note);
        Ok(())
    }
}

/// A path at which the trees differ; one of both is there.
struct Change {
    path: String,
    old: Option<Entry>,
    new: Option<Entry>,
}

struct Walk<'a> {
    repository: &'a Repository,
    changes: Vec<Change>,
}

impl Walk<'_> {
    fn trees(
        &mut self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
        path: &mut Vec<String>,
    ) -> Result<(), Error> {
        let read = |tree: Option<ObjectId>| -> Result<BTreeMap<Vec<u8>, Entry>, Error> {
            let entries = match tree {
                Some(tree) => self.repository.tree(&tree)?,
                None => Vec::new(),
            };
            Ok(entries
                .into_iter()
                .map(|entry| (entry.name.clone(), entry))
                .collect())
        };
        let (mut old, new) = (read(old)?, read(new)?);
        let mut pairs: Vec<(Option<Entry>, Option<Entry>)> = new
            .into_iter()
            .map(|(name, entry)| (old.remove(&name), Some(entry)))
            .collect();
        pairs.extend(old.into_values().map(|entry| (Some(entry), None)));
        for (old, new) in pairs {
            let same = |a: &Entry, b: &Entry| a.id == b.id && a.kind == b.kind;
            if let (Some(old), Some(new)) = (&old, &new)
                && same(old, new)
            {
                continue;
            }
            let named = old.as_ref().or(new.as_ref());
            let name = named.map_or(&[][..], |entry| &entry.name);
            path.push(String::from_utf8_lossy(name).into_owned());
            self.pair(old, new, path)?;
            path.pop();
        }
        Ok(())
    }

    fn pair(
        &mut self,
        old: Option<Entry>,
        new: Option<Entry>,
        path: &mut Vec<String>,
    ) -> Result<(), Error> {
        let shown = path.join("/");
        if self.changes.len() >= PATH_LIMIT || path.len() > DEPTH_LIMIT {
            return Err(Error::TooMuch { path: shown });
        }
        let is_tree = |entry: &Entry| entry.kind == EntryKind::Tree;
        let (old_tree, old) = split(old, is_tree);
        let (new_tree, new) = split(new, is_tree);
        if old.is_some() || new.is_some() {
            self.changes.push(Change {
                path: shown,
                old,
                new,
            });
        }
        if old_tree.is_some() || new_tree.is_some() {
            self.trees(old_tree.map(|e| e.id), new_tree.map(|e| e.id), path)?;
        }
        Ok(())
    }
}

fn split(entry: Option<Entry>, is_tree: impl Fn(&Entry) -> bool) -> (Option<Entry>, Option<Entry>) {
    match entry {
        Some(entry) if is_tree(&entry) => (Some(entry), None),
        other => (None, other),
    }
}

struct Sorter<'a> {
    repository: &'a Repository,
    delta: Delta,
    notes: BTreeSet<ObjectId>,
}

impl Sorter<'_> {
    fn sort(&mut self, change: Change) -> Result<(), Error> {
        let Change { path, old, new } = change;
        let is_file = |entry: &Entry| entry.kind == EntryKind::File;
        if !new.as_ref().is_none_or(is_file) {
            self.fault(path, TreeFaultKind::Mode);
            return Ok(());
        }
        if let Some(name) = path.strip_prefix("docket/") {
            return self.docket(name, &path, old, new);
        }
        let hex = path.replace('/', "");
        let Ok(object) = ObjectId::from_hex(self.repository.algorithm(), &hex) else {
            match new {
                Some(_) => self.fault(path, TreeFaultKind::Foreign),
                None => self.delta.altered.push(path),
            }
            return Ok(());
        };
        // From another fan-out a note may move to ours; nowhere else.
        if new.is_some() && path != NotePath::of(object).to_string() {
            self.fault(path, TreeFaultKind::Foreign);
        }
        self.notes.insert(object);
        Ok(())
    }

    fn docket(
        &mut self,
        name: &str,
        path: &str,
        old: Option<Entry>,
        new: Option<Entry>,
    ) -> Result<(), Error> {
        let Some(new) = new else {
            self.delta.altered.push(path.to_owned());
            return Ok(());
        };
        let content = |limit| self.repository.content(&new.id, ObjectKind::Blob, limit);
        if matches!(name, "append" | "edge" | "in-force" | "seal") {
            // Read with the others; here its size is asked for.
            content(RECORD_LIMIT)?;
            return Ok(());
        }
        if old.is_some() {
            self.delta.altered.push(path.to_owned());
            return Ok(());
        }
        let (blob, commit) = (name.strip_prefix("blob/"), name.strip_prefix("commit/"));
        let digest = blob.and_then(|rest| {
            let digest: Sha256 = rest.replacen('/', "", 1).parse().ok()?;
            (rest.find('/') == Some(2)).then_some(digest)
        });
        let object = commit.and_then(|rest| rest.parse::<NotePath>().ok());
        match (digest, object) {
            (Some(digest), _) => {
                let body = content(BLOB_LIMIT)?;
                self.delta.parts.bodies.insert(digest, body);
            }
            (None, Some(object)) => {
                let raw = content(COMMIT_LIMIT)?;
                self.delta.parts.commits.insert(object.object(), raw);
            }
            (None, None) => self.fault(path.to_owned(), TreeFaultKind::UnknownDocketPath),
        }
        Ok(())
    }

    fn fault(&mut self, path: String, kind: TreeFaultKind) {
        self.delta.parts.faults.push(TreeFault { path, kind });
    }
}
