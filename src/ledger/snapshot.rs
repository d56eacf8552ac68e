//! What a verifier is handed: the bytes of one ledger at one tip, and the git facts it judges.
//!
//! The small things stand in [`Shape`]; notes, bodies and commits are read one at a time through a
//! [`Reader`] of each thread's own, so that a ledger of any size is replayed in little memory. A snapshot
//! decides nothing: what it could not make sense of in the tree it hands over as [`TreeFault`]s.

use std::error::Error;

use crate::digest::{Algorithm, ObjectId, Sha256};

/// One commit of the ledger's ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefCommit {
    /// Its id.
    pub id: ObjectId,
    /// How many parents it names.
    pub parents: usize,
}

/// Something in the ledger's tree that has no place there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFault {
    /// The path, as git shows it; hostile text.
    pub path: String,
    /// What is wrong with it.
    pub kind: TreeFaultKind,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeFaultKind {
    /// Two paths name one object.
    DuplicateNote,
    /// A symlink, submodule or executable.
    Mode,
    /// A blob above its size limit, not decoded.
    TooLarge,
    /// `docket/append.sigstore.json`: the bundle by which a keyless writer signs its append record.
    KeylessAppend,
    /// A name under `docket/` that we never write.
    UnknownDocketPath,
    /// Anything else that is neither a note nor ours.
    Foreign,
}

/// The ledger's small parts.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The ref's tip.
    pub tip: ObjectId,
    /// The repository's object format.
    pub format: Algorithm,
    /// The ref's commits, tip first, as far as they are here.
    pub commits: Vec<RefCommit>,
    /// The tree's oddities, by path.
    pub faults: Vec<TreeFault>,
    /// `docket/append`.
    pub append: Option<Vec<u8>>,
    /// `docket/seal`.
    pub seal: Option<Vec<u8>>,
    /// `docket/edge`.
    pub edge: Option<Vec<u8>>,
    /// `docket/in-force`.
    pub in_force: Option<Vec<u8>>,
    /// Digests by which `docket/blob` names its bodies.
    pub blobs: Vec<Sha256>,
    /// Commits whose raw bytes stand in `docket/commit`.
    pub kept_commits: Vec<ObjectId>,
}

/// A reader's failure: something that the tree names could not be read.
pub type ReadError = Box<dyn Error + Send + Sync>;

/// One ledger at one tip.
pub trait Snapshot: Sync {
    /// The small parts.
    fn shape(&self) -> &Shape;

    /// The objects that notes are about, in the order that reads fastest; each once.
    fn notes(&self) -> &[ObjectId];

    /// A reader for one thread.
    fn reader(&self) -> Box<dyn Reader + '_>;
}

/// Reads a snapshot's larger parts. Every failure to read is an error, never an absence.
pub trait Reader {
    /// The bytes of the note at this index of [`Snapshot::notes`].
    ///
    /// # Errors
    /// Where the note cannot be read.
    fn note(&mut self, index: usize) -> Result<Vec<u8>, ReadError>;

    /// A body in `docket/blob`; `None` where the tree has none of that name.
    ///
    /// # Errors
    /// Where the tree has it and it cannot be read.
    fn blob(&mut self, digest: &Sha256) -> Result<Option<Vec<u8>>, ReadError>;

    /// A commit's raw bytes in `docket/commit`; `None` where the tree has none of that name.
    ///
    /// # Errors
    /// Where the tree has it and it cannot be read.
    fn commit(&mut self, id: &ObjectId) -> Result<Option<Vec<u8>>, ReadError>;
}
