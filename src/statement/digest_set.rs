//! The digests of one thing, by algorithm (in-toto DigestSet).
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md>. A value of a known algorithm is
//! lower-case hex of that algorithm's length; unknown algorithms are kept, because others may know them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shortened;
use crate::digest::{ObjectId, Sha256};

/// One or more digests of one thing. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, String>",
    into = "BTreeMap<String, String>"
)]
pub struct DigestSet(BTreeMap<String, String>);

/// Why digests are no digest set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum DigestSetError {
    /// No digest: nothing is identified.
    #[error("digest set is empty")]
    Empty,
    /// A value that its algorithm cannot have, or an empty name or value.
    #[error("{value:?} is no digest of algorithm {algorithm:?} in lower-case hex")]
    Value {
        /// The algorithm's name.
        algorithm: String,
        /// The value, shortened.
        value: String,
    },
}

impl DigestSet {
    /// Checks the digests and takes them.
    pub fn new(digests: BTreeMap<String, String>) -> Result<Self, DigestSetError> {
        if digests.is_empty() {
            return Err(DigestSetError::Empty);
        }
        match digests
            .iter()
            .find(|(algorithm, value)| !is_digest(algorithm, value))
        {
            None => Ok(Self(digests)),
            Some((algorithm, value)) => Err(DigestSetError::Value {
                algorithm: shortened(algorithm),
                value: shortened(value),
            }),
        }
    }

    /// One SHA-256.
    pub fn sha256(digest: &Sha256) -> Self {
        Self(BTreeMap::from([("sha256".to_owned(), digest.to_string())]))
    }

    /// `gitCommit` and `gitTree`.
    pub fn commit_and_tree(commit: &ObjectId, tree: &ObjectId) -> Self {
        Self(BTreeMap::from([
            ("gitCommit".to_owned(), commit.hex()),
            ("gitTree".to_owned(), tree.hex()),
        ]))
    }

    /// The value for an algorithm's name, exactly as written.
    pub fn get(&self, algorithm: &str) -> Option<&str> {
        self.0.get(algorithm).map(String::as_str)
    }

    /// All pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(a, v)| (a.as_str(), v.as_str()))
    }

    /// Whether both have a digest of one algorithm with one value, and no algorithm with two values.
    pub fn matches(&self, other: &Self) -> bool {
        let mut shared = self
            .iter()
            .filter_map(|(a, v)| other.get(a).map(|w| v == w))
            .peekable();
        shared.peek().is_some() && shared.all(|equal| equal)
    }
}

impl TryFrom<BTreeMap<String, String>> for DigestSet {
    type Error = DigestSetError;

    fn try_from(digests: BTreeMap<String, String>) -> Result<Self, DigestSetError> {
        Self::new(digests)
    }
}

impl From<DigestSet> for BTreeMap<String, String> {
    fn from(set: DigestSet) -> Self {
        set.0
    }
}

fn is_digest(algorithm: &str, value: &str) -> bool {
    let lengths: &[usize] = match algorithm {
        "md5" => &[32],
        "sha1" => &[40],
        "sha224" | "sha512_224" | "sha3_224" => &[56],
        "sha256" | "sha512_256" | "sha3_256" | "blake2s" => &[64],
        "sha384" | "sha3_384" => &[96],
        "sha512" | "sha3_512" | "blake2b" => &[128],
        // A git object id of either object format.
        "gitCommit" | "gitTree" | "gitTag" | "gitBlob" => &[40, 64],
        _ => return !algorithm.is_empty() && !value.is_empty(),
    };
    lengths.contains(&value.len())
        && value
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Result<DigestSet, DigestSetError> {
        DigestSet::new(
            pairs
                .iter()
                .map(|(a, v)| (a.to_string(), v.to_string()))
                .collect(),
        )
    }

    #[test]
    fn known_algorithms_have_their_length_in_lower_case_hex() {
        let hex = "0123456789abcdef".repeat(8);
        for (algorithm, length) in [
            ("sha1", 40),
            ("sha256", 64),
            ("sha384", 96),
            ("sha512", 128),
        ] {
            assert!(set(&[(algorithm, &hex[..length])]).is_ok(), "{algorithm}");
            assert!(
                set(&[(algorithm, &hex[..length - 1])]).is_err(),
                "{algorithm}"
            );
            assert!(
                set(&[(algorithm, &hex[..length].to_uppercase())]).is_err(),
                "{algorithm}"
            );
        }
        for algorithm in ["gitCommit", "gitTree", "gitTag", "gitBlob"] {
            assert!(set(&[(algorithm, &hex[..40])]).is_ok());
            assert!(set(&[(algorithm, &hex[..64])]).is_ok());
            assert!(set(&[(algorithm, &hex[..63])]).is_err());
        }
        assert!(set(&[("dirHash", "h1:anything")]).is_ok());
        assert!(set(&[("dirHash", "")]).is_err());
        assert_eq!(set(&[]), Err(DigestSetError::Empty));
    }

    #[test]
    fn sets_match_when_they_share_and_nothing_contradicts() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let both = set(&[("sha256", &a), ("x", "1")]).unwrap();
        assert!(both.matches(&set(&[("sha256", &a), ("y", "2")]).unwrap()));
        assert!(!both.matches(&set(&[("sha256", &a), ("x", "2")]).unwrap()));
        assert!(!both.matches(&set(&[("sha256", &b)]).unwrap()));
        assert!(!both.matches(&set(&[("z", "1")]).unwrap()));
    }
}
