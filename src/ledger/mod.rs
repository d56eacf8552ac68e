//! The ledger's records: what stands in the notes ref, byte for byte.
//!
//! A *link* gives one attestation its place in the chain; link and attestation together are an *entry*,
//! one line of a note. The leaf of an entry is the RFC 6962 leaf hash of its link's bytes, and each link
//! names the leaf before it, so that the chain and the Merkle tree are one structure and can never
//! disagree. Around the entries stand the *append record* (who extended the ledger, from what to what),
//! the *seal* (a C2SP checkpoint by the ledger's own key), the *edge* (two compact ranges, so that an
//! append costs O(log n)) and the *in-force* pointer.
//!
//! Nothing here knows what an attestation says, and nothing here judges: readers accept exactly the bytes
//! that our writers print (`parse(render(x)) == x` and `render(parse(b)) == b`) and refuse all else.

pub mod append_record;
pub mod edge;
pub mod entry;
pub mod fork_proof;
pub mod in_force;
pub mod in_memory;
pub mod link;
pub mod note;
pub mod origin;
pub mod path;
pub mod seal;
pub mod snapshot;
mod text;

pub use append_record::{AppendRecord, Mark, TreeHead};
pub use edge::Edge;
pub use entry::{Line, Lines, Placement};
pub use in_force::InForce;
pub use link::Link;
pub use origin::Origin;
pub use seal::Seal;
pub use snapshot::{Reader, Snapshot};
