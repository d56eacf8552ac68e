//! The index: the entries that count, in a database, so that asking needs no replay.
//!
//! It is derived from the ledger, disposable, and never evidence: what it lists names seq and attestation, which lead
//! to the signed bytes. [`rows`] says what stands in it, whatever the database; [`sqlite`] is the one in the
//! repository's own folder. An index is bound to a [`Head`]: for another one it is brought up to date or made anew,
//! which is `ops`' to decide, since only a replay may say what counts.

pub mod rows;
pub mod sqlite;

use crate::digest::{ObjectId, Sha256};
use crate::ledger::TreeHead;

/// What an index was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The ledger's name.
    pub origin: String,
    /// The leaf of its genesis.
    pub genesis: Sha256,
    /// The tip of the ledger's ref.
    pub tip: ObjectId,
    /// What had landed of it: no later ledger may have less, or another beginning.
    pub landed: TreeHead,
    /// What else the answer depends on: the ref's name, the pin, this program's version.
    pub held: Sha256,
}
