//! Compact ranges: the fewest perfect subtrees that cover `[begin, end)`.

use thiserror::Error;

use super::{empty_root, node_hash};
use crate::digest::Sha256;

/// The hashes of the perfect subtrees that cover leaves `[begin, end)` of a tree, from left to right.
///
/// A perfect subtree of 2^k leaves begins at a multiple of 2^k. Two ranges that meet merge into one; a
/// range from 0 yields the root. Adding a leaf hashes once on average.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    hashes: Vec<Sha256>,
}

/// Why a range cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// It ends before it begins.
    #[error("a range cannot begin at {begin} and end at {end}")]
    Backwards {
        /// First leaf.
        begin: u64,
        /// After the last leaf.
        end: u64,
    },
    /// Not as many hashes as perfect subtrees cover the range.
    #[error("this range has {expected} hashes, not {found}")]
    Count {
        /// How many it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The second range does not begin where the first ends.
    #[error("a range from {begin} does not continue one up to {end}")]
    Apart {
        /// End of the first.
        end: u64,
        /// Begin of the second.
        begin: u64,
    },
}

impl CompactRange {
    /// The range without leaves at `begin`.
    pub const fn empty(begin: u64) -> Self {
        Self {
            begin,
            end: begin,
            hashes: Vec::new(),
        }
    }

    /// The range of these leaf hashes, the first of them at `begin`.
    pub fn from_leaves(begin: u64, leaves: &[Sha256]) -> Self {
        let mut range = Self::empty(begin);
        for leaf in leaves {
            range.push(*leaf);
        }
        range
    }

    /// Takes hashes that cover `[begin, end)`; that they are the right ones only a root can tell.
    ///
    /// # Errors
    /// Where their number is not the one of the range.
    pub fn from_hashes(begin: u64, end: u64, hashes: Vec<Sha256>) -> Result<Self, RangeError> {
        let expected = Self::hash_count(begin, end)?;
        if hashes.len() != expected {
            return Err(RangeError::Count {
                expected,
                found: hashes.len(),
            });
        }
        Ok(Self { begin, end, hashes })
    }

    /// How many perfect subtrees cover `[begin, end)`; at most 126.
    ///
    /// # Errors
    /// Where it ends before it begins.
    pub fn hash_count(begin: u64, end: u64) -> Result<usize, RangeError> {
        if begin > end {
            return Err(RangeError::Backwards { begin, end });
        }
        let (mut at, mut count) = (begin, 0);
        while at < end {
            at += 1 << level(at, end);
            count += 1;
        }
        Ok(count)
    }

    /// Adds the leaf at `end`.
    pub fn push(&mut self, leaf: Sha256) {
        let index = self.end;
        self.end += 1;
        self.absorb(leaf, index, 0);
    }

    /// This range and `right`, which begins where this one ends.
    ///
    /// # Errors
    /// Where they do not meet.
    pub fn merge(&self, right: &Self) -> Result<Self, RangeError> {
        if self.end != right.begin {
            return Err(RangeError::Apart {
                end: self.end,
                begin: right.begin,
            });
        }
        let mut merged = self.clone();
        let mut at = right.begin;
        for hash in &right.hashes {
            let level = level(at, right.end);
            merged.absorb(*hash, at, level);
            at += 1 << level;
        }
        merged.end = right.end;
        Ok(merged)
    }

    /// The first leaf.
    pub const fn begin(&self) -> u64 {
        self.begin
    }

    /// The place after the last leaf.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The subtrees' hashes, from left to right.
    pub fn hashes(&self) -> &[Sha256] {
        &self.hashes
    }

    /// The root over leaves `[0, end)`; `None` where the range does not begin at 0.
    pub fn root(&self) -> Option<Sha256> {
        if self.begin != 0 {
            return None;
        }
        let root = self
            .hashes
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right));
        Some(root.unwrap_or_else(empty_root))
    }

    // Adds the perfect subtree of 2^level leaves at `at`, joining it with what stands left of it for as
    // long as the two make a larger perfect subtree inside the range.
    fn absorb(&mut self, mut hash: Sha256, mut at: u64, mut level: u32) {
        while at >> level & 1 == 1 && at - (1 << level) >= self.begin {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            at -= 1 << level;
            level += 1;
        }
        self.hashes.push(hash);
    }
}

/// The level of the largest perfect subtree that begins at `at` and ends by `end`.
fn level(at: u64, end: u64) -> u32 {
    (end - at).ilog2().min(at.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::merkle::{leaf_hash, root};

    fn leaves(n: u64) -> Vec<Sha256> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    proptest! {
        #[test]
        fn ranges_merge_to_the_root(a in 0u64..200, b in 0u64..200, c in 0u64..200) {
            let all = leaves(a + b + c);
            let part = |from: u64, to: u64| {
                CompactRange::from_leaves(from, &all[from as usize..to as usize])
            };
            let (left, middle, right) = (part(0, a), part(a, a + b), part(a + b, a + b + c));
            for range in [&left, &middle, &right] {
                let count = CompactRange::hash_count(range.begin(), range.end());
                prop_assert_eq!(count, Ok(range.hashes().len()));
            }
            let one = left.merge(&middle).unwrap().merge(&right).unwrap();
            let other = left.merge(&middle.merge(&right).unwrap()).unwrap();
            prop_assert_eq!(&one, &other);
            prop_assert_eq!(&one, &part(0, a + b + c));
            prop_assert_eq!(one.root(), Some(root(&all)));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(CompactRange::from_hashes(2, 1, vec![]).is_err());
        assert!(CompactRange::from_hashes(0, 3, leaves(1)).is_err());
        assert!(CompactRange::from_hashes(0, 3, leaves(3)).is_err());
        let range = CompactRange::from_leaves(1, &leaves(1));
        assert_eq!(range.root(), None);
        assert!(range.merge(&range).is_err());
        assert!(CompactRange::hash_count(1, u64::MAX).unwrap() <= 126);
    }
}
