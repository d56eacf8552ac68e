//! A ledger in memory, and its text form: what test vectors are written in.
//!
//! ```text
//! docket-ledger/v1
//! tip sha1:<hex>
//! ref sha1:<hex> 1                       a commit of the ref and how many parents it has, tip first
//! fault mode docket/link                 what a walk of the tree found out of place
//! file append 512                        then so many bytes and LF
//! note sha1:<hex> 1024
//! body <sha256> 70000
//! commit sha1:<hex> 180
//! ```
//!
//! Lengths are of the bytes that follow the line; each content is followed by LF. Kinds stand in this
//! order. The form carries a ledger as a verifier sees it, sound or not; it is no archive.

use std::{collections::BTreeMap, fmt::Write as _};

use thiserror::Error;

use super::snapshot::{ReadError, Reader, RefCommit, Shape, Snapshot, TreeFault, TreeFaultKind};
use crate::digest::{Algorithm, ObjectId, Sha256};

const HEADER: &str = "docket-ledger/v1";

/// A ledger at one tip, all of it in memory.
#[derive(Clone, Debug)]
pub struct InMemory {
    shape: Shape,
    order: Vec<ObjectId>,
    notes: BTreeMap<ObjectId, Vec<u8>>,
    bodies: BTreeMap<Sha256, Vec<u8>>,
    commits: BTreeMap<ObjectId, Vec<u8>>,
}

/// The parts of a ledger, to make one from and to take one apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The ref's tip.
    pub tip: ObjectId,
    /// The ref's commits with the number of their parents, tip first.
    pub refs: Vec<(ObjectId, usize)>,
    /// Oddities of the tree.
    pub faults: Vec<TreeFault>,
    /// `docket/append`, `docket/edge`, `docket/in-force`, `docket/seal`, by last name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Notes by object.
    pub notes: BTreeMap<ObjectId, Vec<u8>>,
    /// `docket/blob`, by the name that it has there.
    pub bodies: BTreeMap<Sha256, Vec<u8>>,
    /// `docket/commit`, by the name that it has there.
    pub commits: BTreeMap<ObjectId, Vec<u8>>,
}

/// The text is no ledger in this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: not a ledger in the form {HEADER}")]
pub struct ParseError {
    /// Offset in the text.
    pub at: usize,
}

impl InMemory {
    /// Puts parts together.
    pub fn new(parts: Parts) -> Self {
        let file = |name: &str| parts.files.get(name).cloned();
        let shape = Shape {
            tip: parts.tip,
            format: parts.tip.algorithm(),
            commits: parts
                .refs
                .iter()
                .map(|&(id, parents)| RefCommit { id, parents })
                .collect(),
            append: file("append"),
            seal: file("seal"),
            edge: file("edge"),
            in_force: file("in-force"),
            faults: parts.faults,
            blobs: parts.bodies.keys().copied().collect(),
            kept_commits: parts.commits.keys().copied().collect(),
        };
        Self {
            shape,
            order: parts.notes.keys().copied().collect(),
            notes: parts.notes,
            bodies: parts.bodies,
            commits: parts.commits,
        }
    }
}

impl Snapshot for InMemory {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn notes(&self) -> &[ObjectId] {
        &self.order
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(self)
    }
}

impl Reader for &InMemory {
    fn note(&mut self, index: usize) -> Result<Vec<u8>, ReadError> {
        let object = self.order.get(index).ok_or("no note has this index")?;
        Ok(self.notes.get(object).cloned().unwrap_or_default())
    }

    fn blob(&mut self, digest: &Sha256) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.bodies.get(digest).cloned())
    }

    fn commit(&mut self, id: &ObjectId) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.commits.get(id).cloned())
    }
}

impl Parts {
    /// The text form.
    pub fn render(&self) -> Vec<u8> {
        let mut head = format!("{HEADER}\ntip {}\n", self.tip);
        for (id, parents) in &self.refs {
            let _ = writeln!(head, "ref {id} {parents}");
        }
        for fault in &self.faults {
            let _ = writeln!(head, "fault {} {}", kind_word(fault.kind), fault.path);
        }
        let mut out = head.into_bytes();
        let mut put = |line: String, content: &[u8]| {
            out.extend_from_slice(format!("{line} {}\n", content.len()).as_bytes());
            out.extend_from_slice(content);
            out.push(b'\n');
        };
        for (name, content) in &self.files {
            put(format!("file {name}"), content);
        }
        for (object, content) in &self.notes {
            put(format!("note {object}"), content);
        }
        for (digest, content) in &self.bodies {
            put(format!("body {digest}"), content);
        }
        for (id, content) in &self.commits {
            put(format!("commit {id}"), content);
        }
        out
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Where the text is not in that form.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor { text, at: 0 };
        let failed = |at| ParseError { at };
        if cursor.line() != Some(HEADER) {
            return Err(failed(0));
        }
        let tip = cursor
            .line()
            .and_then(|line| line.strip_prefix("tip ")?.parse().ok());
        let mut parts = Self {
            tip: tip.ok_or(failed(cursor.at))?,
            refs: Vec::new(),
            faults: Vec::new(),
            files: BTreeMap::new(),
            notes: BTreeMap::new(),
            bodies: BTreeMap::new(),
            commits: BTreeMap::new(),
        };
        while cursor.at < text.len() {
            let at = cursor.at;
            cursor.part(&mut parts).ok_or(failed(at))?;
        }
        Ok(parts)
    }

    /// The object format.
    pub fn algorithm(&self) -> Algorithm {
        self.tip.algorithm()
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn line(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().position(|b| *b == b'\n')?;
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).ok()
    }

    fn content(&mut self, length: &str) -> Option<Vec<u8>> {
        let end = self.at.checked_add(length.parse().ok()?)?;
        let content = self.text.get(self.at..end)?;
        if self.text.get(end) != Some(&b'\n') {
            return None;
        }
        self.at = end + 1;
        Some(content.to_vec())
    }

    fn part(&mut self, parts: &mut Parts) -> Option<()> {
        let (kind, rest) = self.line()?.split_once(' ')?;
        let (name, last) = rest.rsplit_once(' ')?;
        match kind {
            "ref" => parts.refs.push((name.parse().ok()?, last.parse().ok()?)),
            "fault" => {
                let (word, path) = rest.split_once(' ')?;
                let kind = KINDS.iter().find(|(_, known)| *known == word)?.0;
                parts.faults.push(TreeFault {
                    path: path.to_owned(),
                    kind,
                });
            }
            "file" => drop(parts.files.insert(name.to_owned(), self.content(last)?)),
            "note" => drop(parts.notes.insert(name.parse().ok()?, self.content(last)?)),
            "body" => drop(parts.bodies.insert(name.parse().ok()?, self.content(last)?)),
            "commit" => drop(
                parts
                    .commits
                    .insert(name.parse().ok()?, self.content(last)?),
            ),
            _ => return None,
        }
        Some(())
    }
}

const KINDS: [(TreeFaultKind, &str); 6] = [
    (TreeFaultKind::DuplicateNote, "duplicate-note"),
    (TreeFaultKind::Mode, "mode"),
    (TreeFaultKind::TooLarge, "too-large"),
    (TreeFaultKind::KeylessAppend, "keyless-append"),
    (TreeFaultKind::UnknownDocketPath, "unknown-docket-path"),
    (TreeFaultKind::Foreign, "foreign"),
];

fn kind_word(kind: TreeFaultKind) -> &'static str {
    KINDS
        .iter()
        .find(|(known, _)| *known == kind)
        .map_or("foreign", |(_, word)| word)
}
