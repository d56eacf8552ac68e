//! SHA-256 digests, and the ids of Git objects in both object formats.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use thiserror::Error;

/// A SHA-256 digest (FIPS 180-4). Text form: 64 lower-case hex digits, nothing else is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

/// Why a text is no digest or object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Not as many lower-case hex digits as the algorithm has.
    #[error("expected {digits} lower-case hex digits")]
    Hex {
        /// How many digits the algorithm's digests have.
        digits: usize,
    },
    /// No `sha1:` or `sha256:` before the digits.
    #[error("expected sha1: or sha256: before the hex digits")]
    Prefix,
    /// Raw bytes of another length than the algorithm's.
    #[error("expected {expected} bytes, found {found}")]
    Length {
        /// The algorithm's length in bytes.
        expected: usize,
        /// What was given.
        found: usize,
    },
}

/// The bytes carry a SHA-1 collision attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the object's bytes carry a SHA-1 collision attack")]
pub struct CollisionError;

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of all that a reader gives, and how many bytes that was; nothing is kept in memory.
    ///
    /// # Errors
    /// What the reader fails with.
    pub fn of_reader(reader: &mut impl std::io::Read) -> std::io::Result<(Self, u64)> {
        let mut hasher = sha2::Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut length = 0;
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok((Self(hasher.finalize().into()), length)),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
    }

    /// The digest of the concatenation of `parts`.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Takes 32 bytes that are a digest already.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A SHA-256 digest in the making, for content that comes in parts.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Over nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything that was added.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        decode_hex(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.to_string()
    }
}

/// A Git object format, by the hash that names its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Git's first format: SHA-1, 20 bytes.
    Sha1,
    /// Git's second format: SHA-256, 32 bytes.
    Sha256,
}

impl Algorithm {
    /// The length of its ids in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1:",
            Self::Sha256 => "sha256:",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        })
    }
}

/// The four kinds of Git objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A file's content.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
            Self::Tag => "tag",
        }
    }
}

/// A Git object's id with its format. Text form: `sha1:<40 hex>` or `sha256:<64 hex>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId {
    algorithm: Algorithm,
    // Zero past the algorithm's length.
    bytes: [u8; 32],
}

impl ObjectId {
    /// Reads an id's hex digits.
    ///
    /// # Errors
    /// Where `hex` is not exactly the algorithm's number of lower-case digits.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        decode_hex(hex, &mut bytes[..algorithm.length()])?;
        Ok(Self { algorithm, bytes })
    }

    /// Takes an id's raw bytes.
    ///
    /// # Errors
    /// Where there are not as many as the algorithm has.
    pub fn from_bytes(algorithm: Algorithm, raw: &[u8]) -> Result<Self, DigestError> {
        let expected = algorithm.length();
        if raw.len() != expected {
            return Err(DigestError::Length {
                expected,
                found: raw.len(),
            });
        }
        let mut bytes = [0; 32];
        bytes[..expected].copy_from_slice(raw);
        Ok(Self { algorithm, bytes })
    }

    /// The id that Git gives an object of this kind and content: a hash over `"<kind> <length>\0"` and
    /// the content.
    ///
    /// # Errors
    /// Under SHA-1, where the content is one half of a known kind of collision attack.
    pub fn of_object(
        algorithm: Algorithm,
        kind: ObjectKind,
        content: &[u8],
    ) -> Result<Self, CollisionError> {
        let header = format!("{} {}\0", kind.name(), content.len());
        let mut bytes = [0; 32];
        match algorithm {
            Algorithm::Sha1 => {
                let mut hasher = sha1dc::Hasher::new();
                hasher.update(header.as_bytes());
                hasher.update(content);
                let digest = hasher.finalize().map_err(|_| CollisionError)?;
                bytes[..20].copy_from_slice(digest.as_ref());
            }
            Algorithm::Sha256 => {
                bytes = *Sha256::of_parts(&[header.as_bytes(), content]).as_bytes();
            }
        }
        Ok(Self { algorithm, bytes })
    }

    /// The object format it belongs to.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw bytes, as many as the algorithm has.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.algorithm.length()]
    }

    /// The hex digits without a prefix, as Git prints them.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(self.as_bytes())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm.prefix())?;
        HEXLOWER.encode_display(self.as_bytes()).fmt(f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        [Algorithm::Sha1, Algorithm::Sha256]
            .into_iter()
            .find_map(|algorithm| Some((algorithm, text.strip_prefix(algorithm.prefix())?)))
            .ok_or(DigestError::Prefix)
            .and_then(|(algorithm, hex)| Self::from_hex(algorithm, hex))
    }
}

impl TryFrom<String> for ObjectId {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

fn decode_hex(text: &str, out: &mut [u8]) -> Result<(), DigestError> {
    let error = DigestError::Hex {
        digits: out.len() * 2,
    };
    if text.len() != out.len() * 2 {
        return Err(error);
    }
    HEXLOWER
        .decode_mut(text.as_bytes(), out)
        .map(drop)
        .map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn object_ids_are_gits() {
        for (algorithm, kind, hex) in [
            (
                Algorithm::Sha1,
                ObjectKind::Blob,
                "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            ),
            (
                Algorithm::Sha1,
                ObjectKind::Tree,
                "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
            ),
            (
                Algorithm::Sha256,
                ObjectKind::Blob,
                "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
            ),
            (
                Algorithm::Sha256,
                ObjectKind::Tree,
                "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
            ),
        ] {
            assert_eq!(
                ObjectId::of_object(algorithm, kind, b"").unwrap().hex(),
                hex
            );
        }
    }

    #[test]
    fn refuses_other_spellings() {
        let upper = Sha256::of(b"x").to_string().to_uppercase();
        assert_eq!(
            upper.parse::<Sha256>(),
            Err(DigestError::Hex { digits: 64 })
        );
        assert_eq!("".parse::<Sha256>(), Err(DigestError::Hex { digits: 64 }));
        assert_eq!("md5:00".parse::<ObjectId>(), Err(DigestError::Prefix));
        assert_eq!(
            "sha1:00".parse::<ObjectId>(),
            Err(DigestError::Hex { digits: 40 })
        );
        assert!(ObjectId::from_bytes(Algorithm::Sha1, &[0; 32]).is_err());
    }

    proptest! {
        #[test]
        fn texts_round_trip(bytes: [u8; 32]) {
            let digest = Sha256::from_bytes(bytes);
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
            for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
                let id = ObjectId::from_bytes(algorithm, &bytes[..algorithm.length()]).unwrap();
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn what_is_read_prints_the_same(text in "(sha1:|sha256:)?[0-9a-fA-F]{40,64}") {
            if let Ok(id) = text.parse::<ObjectId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
