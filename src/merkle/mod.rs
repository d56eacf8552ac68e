//! Merkle trees as RFC 6962 §2.1 defines them, over SHA-256.
//!
//! A leaf is hashed as `SHA-256(0x00 || data)`, an inner node as `SHA-256(0x01 || left || right)`; a tree
//! of n > 1 leaves splits at the largest power of two below n; the tree of none is `SHA-256("")`.

mod proof;
mod range;

pub use proof::{
    ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};
pub use range::{CompactRange, RangeError};

use crate::digest::Sha256;

/// The hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> Sha256 {
    Sha256::of_parts(&[&[0], data])
}

/// The hash of an inner node.
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    Sha256::of(&bytes)
}

/// The root of the tree without leaves.
pub fn empty_root() -> Sha256 {
    Sha256::of(b"")
}

/// The root over leaf hashes.
pub fn root(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The largest power of two below `n`, which is at least 2.
fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}
