//! Inclusion and consistency proofs (RFC 6962 §§2.1.1 and 2.1.2; verified as RFC 9162 §2.1.3.2 and
//! §2.1.4.2 do).

use thiserror::Error;

use super::{node_hash, root, split};
use crate::digest::Sha256;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The index is not below the size, or the old size is 0 or above the new.
    #[error("nothing can be proved about {inner} in a tree of {size}")]
    OutOfRange {
        /// Index or old size.
        inner: u64,
        /// The tree's size.
        size: u64,
    },
    /// Too few or too many hashes for these sizes.
    #[error("a proof of {found} hashes cannot be one for these sizes")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The audit path of leaf `index` in the tree over `leaves`, from the bottom up.
///
/// # Errors
/// Where `index` is not below the number of leaves.
pub fn inclusion_proof(leaves: &[Sha256], index: u64) -> Result<Vec<Sha256>, ProofError> {
    let size = leaves.len() as u64;
    if index >= size {
        return Err(ProofError::OutOfRange { inner: index, size });
    }
    let mut proof = Vec::new();
    let (mut leaves, mut index) = (leaves, index as usize);
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        let sibling;
        if index < left.len() {
            (leaves, sibling) = (left, right);
        } else {
            index -= left.len();
            (leaves, sibling) = (right, left);
        }
        proof.push(root(sibling));
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree over the first `old` leaves is a prefix of the tree over all of them; empty
/// where `old` is all.
///
/// # Errors
/// Where `old` is 0 or above the number of leaves.
pub fn consistency_proof(leaves: &[Sha256], old: u64) -> Result<Vec<Sha256>, ProofError> {
    let size = leaves.len() as u64;
    if old == 0 || old > size {
        return Err(ProofError::OutOfRange { inner: old, size });
    }
    let mut proof = Vec::new();
    subproof(leaves, old as usize, true, &mut proof);
    Ok(proof)
}

/// Checks that a leaf stands at `index` of the tree of `size` leaves with this root.
///
/// # Errors
/// A wrong length or another root; an index outside the tree.
pub fn verify_inclusion(
    leaf: &Sha256,
    index: u64,
    size: u64,
    proof: &[Sha256],
    expected: &Sha256,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { inner: index, size });
    }
    let wrong_length = ProofError::Length { found: proof.len() };
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            let skip = if node & 1 == 1 {
                0
            } else {
                node.trailing_zeros().min(63)
            };
            (node, last) = (node >> skip, last >> skip);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if hash == *expected {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// Checks that the tree of `new` leaves extends the tree of `old` leaves.
///
/// Equal sizes need equal roots and an empty proof. About an empty tree nothing can be proved: every tree
/// extends it.
///
/// # Errors
/// A wrong length or another root; an old size that is 0 or above the new.
pub fn verify_consistency(
    old: u64,
    old_root: &Sha256,
    new: u64,
    new_root: &Sha256,
    proof: &[Sha256],
) -> Result<(), ProofError> {
    let wrong_length = ProofError::Length { found: proof.len() };
    if old == 0 || old > new {
        return Err(ProofError::OutOfRange {
            inner: old,
            size: new,
        });
    }
    if old == new {
        return match (proof.is_empty(), old_root == new_root) {
            (false, _) => Err(wrong_length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // The largest complete subtree that ends at the old size begins the path; it is the old root itself
    // where the old size is a power of two.
    let shift = old.trailing_zeros();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let mut hashes = proof.iter();
    let start = if old.is_power_of_two() {
        old_root
    } else {
        hashes.next().ok_or(wrong_length)?
    };
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in hashes {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            let skip = if node & 1 == 1 {
                0
            } else {
                node.trailing_zeros().min(63)
            };
            (node, last) = (node >> skip, last >> skip);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if old_hash == *old_root && new_hash == *new_root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

fn subproof(leaves: &[Sha256], old: usize, whole: bool, proof: &mut Vec<Sha256>) {
    if old == leaves.len() {
        if !whole {
            proof.push(root(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    if old <= left.len() {
        subproof(left, old, whole, proof);
        proof.push(root(right));
    } else {
        subproof(right, old - left.len(), false, proof);
        proof.push(root(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    fn leaves(n: u64) -> Vec<Sha256> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn every_proof_of_small_trees_holds_and_only_at_its_exact_length() {
        for size in 1..40u64 {
            let all = leaves(size);
            let head = root(&all);
            for index in 0..size {
                let proof = inclusion_proof(&all, index).unwrap();
                let leaf = &all[index as usize];
                assert_eq!(verify_inclusion(leaf, index, size, &proof, &head), Ok(()));
                let longer = [&proof[..], &[head]].concat();
                assert!(verify_inclusion(leaf, index, size, &longer, &head).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify_inclusion(leaf, index, size, shorter, &head).is_err());
                }
            }
            for old in 1..=size {
                let proof = consistency_proof(&all, old).unwrap();
                let old_root = root(&all[..old as usize]);
                let verify =
                    |proof: &[Sha256]| verify_consistency(old, &old_root, size, &head, proof);
                assert_eq!(verify(&proof), Ok(()), "{old} of {size}");
                assert!(verify(&[&proof[..], &[head]].concat()).is_err());
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(verify(shorter).is_err());
                }
            }
        }
    }
}
