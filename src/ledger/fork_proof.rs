//! The fork proof: two seals of one ledger that do not go together, so that anybody can check it offline.
//!
//! ```json
//! {"prefix":{"hashes":["<hex>"],"root":"<hex>"},"seen":{"key":"<verifier key>","seal":"<note>"},"shown":{…},"v":1}
//! ```
//!
//! One line of canonical JSON (RFC 8785) with a line feed. `seen` is the seal that its maker knew, `shown` the one of
//! the ledger that was shown later. `prefix` is the root of the larger tree over as many leaves as the smaller seal
//! covers, with the consistency proof (RFC 6962 §2.1.2) that it is that; it is absent where the sizes are equal, and
//! where its maker had not the leaves.
//!
//! [`ForkProof::judge`], in order:
//!
//! 1. both seals are of one origin, each signed by its key, which is named by that origin;
//! 2. of equal size: with two roots it is a fork, with one nothing;
//! 3. the prefix, where there is one, belongs to the larger seal: if its root is not the smaller seal's, it is a fork;
//! 4. else, where the smaller one was shown after the larger, it is a rollback.
//!
//! A fork needs no trust in the file's maker: only the ledger's key can have signed both. In which order two seals
//! were seen, which makes a rollback, is the maker's word. Whose key it is a pin must say. Append records are no part of it: a
//! writer that lost a race has signed a root that never came to be, and that is no guilt.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Origin, TreeHead,
    note::{NoteError, VerifierKey},
    seal::{SealError, SignedSeal},
};
use crate::{
    canonical,
    digest::Sha256,
    merkle::{self, ProofError},
};

/// No fork proof is longer, in bytes.
pub const LIMIT: u64 = 1 << 16;
const VERSION: u32 = 1;

/// A seal, and the ledger's key that is said to have signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBy {
    /// The seal.
    pub seal: SignedSeal,
    /// The key.
    pub key: VerifierKey,
}

/// The larger tree's root over the smaller size, and the proof that it is that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// Consistency proof from this root to the larger seal's.
    hashes: Vec<Sha256>,
    /// The root over as many leaves as the smaller seal covers.
    root: Sha256,
}

/// Two seals that are said not to go together; nothing of it is checked before [`ForkProof::judge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkProof {
    seen: SealedBy,
    shown: SealedBy,
    prefix: Option<Prefix>,
}

/// What a fork proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proved {
    /// The ledger's key has signed two histories.
    Fork,
    /// The ledger's key had signed more than what was shown later.
    Rollback,
}

/// Why a fork proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unproved {
    /// The seals are of two ledgers, or a key is not named by its seal's origin.
    #[error("the seals and keys are not of one origin")]
    Origins,
    /// A seal is not signed by its key.
    #[error("the seal that was {which} is not signed by its key")]
    Signature {
        /// Seen or shown.
        which: &'static str,
        /// Why not.
        source: NoteError,
    },
    /// The two seals say the same.
    #[error("both seals say the same")]
    Same,
    /// The consistency proof fails.
    #[error("the consistency proof fails")]
    Prefix(#[from] ProofError),
    /// The larger extends the smaller, as an honest ledger's does.
    #[error("the seal that was shown extends the one that was seen")]
    Extends,
    /// Without a consistency proof nothing can be said of a larger seal.
    #[error("there is no consistency proof from the smaller seal to the larger")]
    NoPrefix,
}

/// Why bytes are no fork proof.
#[derive(Debug, Error)]
pub enum ParseError {
    /// Not JSON of this form.
    #[error("not the JSON of a fork proof")]
    Json(#[from] serde_json::Error),
    /// Of another version.
    #[error("version {found}, this program reads version {VERSION}")]
    Version {
        /// Which.
        found: u32,
    },
    /// A seal is none.
    #[error("a seal")]
    Seal(#[from] SealError),
    /// A key is none.
    #[error("a key")]
    Key(#[from] NoteError),
    /// A prefix where both sizes are equal.
    #[error("seals of equal size need no consistency proof")]
    Needless,
    /// The same in other bytes than we write.
    #[error("not in canonical form (RFC 8785), one line with its line feed")]
    Form,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeal {
    key: String,
    seal: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<Prefix>,
    seen: RawSeal,
    shown: RawSeal,
    v: u32,
}

impl ForkProof {
    /// The proof that two seals do not go together; `leaves` are those of the larger one, where they are at hand.
    pub fn new(seen: SealedBy, shown: SealedBy, leaves: Option<&[Sha256]>) -> Self {
        let (old, new) = ordered(&seen, &shown);
        let prefix = leaves
            .filter(|_| old.size < new.size)
            .and_then(|leaves| leaves.get(..usize::try_from(new.size).ok()?))
            .filter(|leaves| merkle::root(leaves) == new.root)
            .and_then(|leaves| {
                let before = leaves.get(..usize::try_from(old.size).ok()?)?;
                Some(Prefix {
                    hashes: merkle::consistency_proof(leaves, old.size).ok()?,
                    root: merkle::root(before),
                })
            });
        ForkProof {
            seen,
            shown,
            prefix,
        }
    }

    /// The same with the larger tree's leaves, for a proof that was made without.
    #[must_use]
    pub fn with_leaves(self, leaves: &[Sha256]) -> Self {
        match self.prefix {
            Some(_) => self,
            None => Self::new(self.seen, self.shown, Some(leaves)),
        }
    }

    /// The seal that was seen first.
    pub fn seen(&self) -> &SealedBy {
        &self.seen
    }

    /// The seal that was shown.
    pub fn shown(&self) -> &SealedBy {
        &self.shown
    }

    /// The ledger's name, as the seal that was seen says.
    pub fn origin(&self) -> &Origin {
        &self.seen.seal.unverified().origin
    }

    /// Checks everything that can be checked.
    ///
    /// # Errors
    /// Where it proves nothing, and why.
    pub fn judge(&self) -> Result<Proved, Unproved> {
        for by in [&self.seen, &self.shown] {
            let named = by.key.name().as_str() == self.origin().as_str();
            if by.seal.unverified().origin != *self.origin() || !named {
                return Err(Unproved::Origins);
            }
        }
        for (which, by) in [("seen", &self.seen), ("shown", &self.shown)] {
            let signed = by.seal.verify(&by.key);
            signed.map_err(|source| Unproved::Signature { which, source })?;
        }
        let (old, new) = ordered(&self.seen, &self.shown);
        if old.size == new.size {
            return match old.root == new.root {
                true => Err(Unproved::Same),
                false => Ok(Proved::Fork),
            };
        }
        let shown_is_older = self.shown.seal.unverified().head.size == old.size;
        let Some(Prefix { hashes, root }) = &self.prefix else {
            return match shown_is_older {
                true => Ok(Proved::Rollback),
                false => Err(Unproved::NoPrefix),
            };
        };
        merkle::verify_consistency(old.size, root, new.size, &new.root, hashes)?;
        match (*root == old.root, shown_is_older) {
            (false, _) => Ok(Proved::Fork),
            (true, true) => Ok(Proved::Rollback),
            (true, false) => Err(Unproved::Extends),
        }
    }

    /// The bytes of the file.
    pub fn render(&self) -> Vec<u8> {
        let raw = |by: &SealedBy| RawSeal {
            key: by.key.to_string(),
            seal: String::from_utf8_lossy(&by.seal.render()).into_owned(),
        };
        let raw = Raw {
            prefix: self.prefix.clone(),
            seen: raw(&self.seen),
            shown: raw(&self.shown),
            v: VERSION,
        };
        let value = serde_json::to_value(raw).expect("strings and one number are JSON");
        let mut bytes = canonical::to_vec(&value).expect("a small integer has a canonical form");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the file.
    ///
    /// # Errors
    /// Anything that [`ForkProof::render`] would not have written.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let raw: Raw = serde_json::from_slice(bytes)?;
        if raw.v != VERSION {
            return Err(ParseError::Version { found: raw.v });
        }
        let by = |raw: RawSeal| -> Result<SealedBy, ParseError> {
            Ok(SealedBy {
                seal: SignedSeal::parse(raw.seal.as_bytes())?,
                key: raw.key.parse()?,
            })
        };
        let proof = ForkProof {
            seen: by(raw.seen)?,
            shown: by(raw.shown)?,
            prefix: raw.prefix,
        };
        let (old, new) = ordered(&proof.seen, &proof.shown);
        if proof.prefix.is_some() && old.size == new.size {
            return Err(ParseError::Needless);
        }
        match proof.render() == bytes {
            true => Ok(proof),
            false => Err(ParseError::Form),
        }
    }
}

/// The smaller head and the larger.
fn ordered<'a>(one: &'a SealedBy, other: &'a SealedBy) -> (&'a TreeHead, &'a TreeHead) {
    let (one, other) = (&one.seal.unverified().head, &other.seal.unverified().head);
    match one.size <= other.size {
        true => (one, other),
        false => (other, one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ledger::Seal, signing::SigningKey};

    const ORIGIN: &str = "git.example.com/acme/app";

    fn leaves(from: &[u8]) -> Vec<Sha256> {
        from.iter().map(|n| merkle::leaf_hash(&[*n])).collect()
    }

    fn sealed(leaves: &[Sha256], seed: u8) -> SealedBy {
        let key = SigningKey::from_seed([seed; 32]);
        let head = TreeHead {
            size: leaves.len() as u64,
            root: merkle::root(leaves),
        };
        let origin: Origin = ORIGIN.parse().unwrap();
        SealedBy {
            seal: Seal { origin, head }.sign(&key).unwrap(),
            key: VerifierKey::new(ORIGIN.parse().unwrap(), key.public()),
        }
    }

    fn judged(seen: &[u8], shown: &[u8], known: Option<&[u8]>) -> Result<Proved, Unproved> {
        let (seen, shown) = (leaves(seen), leaves(shown));
        let known = known.map(leaves);
        let proof = ForkProof::new(sealed(&seen, 1), sealed(&shown, 1), known.as_deref());
        let read = ForkProof::parse(&proof.render()).unwrap();
        assert_eq!(read, proof);
        read.judge()
    }

    #[test]
    fn what_goes_together_proves_nothing_and_what_does_not_is_named() {
        use Proved::{Fork, Rollback};
        assert_eq!(judged(b"abc", b"abc", None), Err(Unproved::Same));
        assert_eq!(judged(b"abc", b"abx", None), Ok(Fork));
        assert_eq!(judged(b"abc", b"abcde", None), Err(Unproved::NoPrefix));
        let shown = Some(&b"abcde"[..]);
        assert_eq!(judged(b"abc", b"abcde", shown), Err(Unproved::Extends));
        assert_eq!(judged(b"xbc", b"abcde", shown), Ok(Fork));
        assert_eq!(judged(b"abcde", b"abc", None), Ok(Rollback));
        assert_eq!(judged(b"abcde", b"abc", shown), Ok(Rollback));
        assert_eq!(judged(b"abcde", b"abx", shown), Ok(Fork));
        // Leaves of another tree are no proof.
        let other = Some(&b"abxde"[..]);
        assert_eq!(judged(b"abc", b"abcde", other), Err(Unproved::NoPrefix));
    }

    #[test]
    fn what_is_forged_proves_nothing() {
        let (one, two) = (leaves(b"abc"), leaves(b"abxde"));
        let mut proof = ForkProof::new(sealed(&one, 1), sealed(&two, 1), Some(&two));
        assert_eq!(proof.judge(), Ok(Proved::Fork));
        let honest = proof.clone();
        proof.prefix.as_mut().unwrap().root = merkle::root(&one);
        assert!(matches!(proof.judge(), Err(Unproved::Prefix(_))));
        proof = honest.clone();
        proof.prefix.as_mut().unwrap().hashes.pop();
        assert!(matches!(proof.judge(), Err(Unproved::Prefix(_))));
        proof = honest.clone();
        proof.shown.key = sealed(&two, 2).key;
        assert!(matches!(
            proof.judge(),
            Err(Unproved::Signature { which: "shown", .. })
        ));
        proof = honest;
        proof.shown.key =
            VerifierKey::new("example.com/other".parse().unwrap(), proof.seen.key.key());
        assert_eq!(proof.judge(), Err(Unproved::Origins));
    }

    #[test]
    fn only_our_own_bytes_are_read() {
        let (one, two) = (leaves(b"abc"), leaves(b"abxde"));
        let proof = ForkProof::new(sealed(&one, 1), sealed(&two, 1), Some(&two));
        let text = String::from_utf8(proof.render()).unwrap();
        for (from, to) in [
            ("\n", ""),
            ("{\"prefix\"", "{ \"prefix\""),
            ("\"v\":1", "\"v\":2"),
            ("\"v\":1", "\"v\":1,\"v\":1"),
            ("\"v\":1", "\"v\":1,\"w\":1"),
            ("\"v\":1", "\"v\":1.0"),
            (ORIGIN, "git.example.com/acme/App"),
        ] {
            assert!(text.contains(from));
            // Every line feed inside a note is escaped: the only bare one is at the end.
            let changed = text.replacen(from, to, 1);
            let read = ForkProof::parse(changed.as_bytes());
            let kept = read.is_ok_and(|proof| proof.judge().is_ok());
            assert!(!kept, "{from:?} to {to:?}");
        }
        let needless = ForkProof {
            shown: sealed(&leaves(b"xyz"), 1),
            ..proof
        };
        let read = ForkProof::parse(&needless.render());
        assert!(matches!(read, Err(ParseError::Needless)), "{read:?}");
    }
}
