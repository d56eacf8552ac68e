//! The artifact that a bundle is held against: a file, or its digest.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sigstore_crypto::ArtifactHasher;
use sigstore_types::HashAlgorithm;

use super::Refusal;
use super::received::{Content, Received};
use crate::finding::chain;
use crate::statement::{DigestSet, Statement, shortened};

/// The algorithms by which a file is hashed.
const HASHES: [(&str, HashAlgorithm); 3] = [
    ("sha256", HashAlgorithm::Sha2256),
    ("sha384", HashAlgorithm::Sha2384),
    ("sha512", HashAlgorithm::Sha2512),
];

/// As much of a file as is kept in memory.
const MAX_KEPT: usize = 64 << 20;

/// What a bundle is expected to be about.
#[derive(Debug, Clone)]
pub struct Artifact {
    digests: DigestSet,
    raw: BTreeMap<&'static str, Vec<u8>>,
    content: Option<Vec<u8>>,
}

/// Why a digest names no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a digest as ALGORITHM:HEX")]
pub struct ArtifactError {
    /// What was given, shortened.
    pub found: String,
}

impl Artifact {
    /// A file's content.
    pub fn of_content(content: &[u8]) -> Self {
        let mut content = content;
        Self::of_reader(&mut content).expect("reading from memory does not fail")
    }

    /// What a reader yields: hashed as it comes, and kept only up to 64 MiB. A key that signs content and not
    /// digests (Ed25519 over a file) cannot be held against a longer one.
    ///
    /// # Errors
    /// What the reader's are.
    pub fn of_reader(reader: &mut impl Read) -> io::Result<Self> {
        let mut hashers = HASHES.map(|(name, algorithm)| {
            let hasher = ArtifactHasher::new(algorithm).expect("each of these algorithms is there");
            (name, hasher)
        });
        let mut content = Some(Vec::new());
        let mut buffer = vec![0; 1 << 16];
        loop {
            let chunk = match reader.read(&mut buffer)? {
                0 => break,
                read => &buffer[..read],
            };
            for (_, hasher) in &mut hashers {
                hasher.update(chunk);
            }
            content = content.filter(|kept: &Vec<u8>| kept.len() + chunk.len() <= MAX_KEPT);
            if let Some(kept) = &mut content {
                kept.extend(chunk);
            }
        }
        let raw = hashers.map(|(name, hasher)| (name, hasher.finalize().as_bytes().to_vec()));
        let hex = |digest: &Vec<u8>| data_encoding::HEXLOWER.encode(digest);
        let digests = raw
            .iter()
            .map(|(name, digest)| ((*name).to_owned(), hex(digest)));
        Ok(Self {
            digests: DigestSet::new(digests.collect()).expect("three digests of their own lengths"),
            raw: raw.into(),
            content,
        })
    }

    /// A digest as `sha256:<hex>`, `sha512:<hex>`, `gitCommit:<hex>` and so on.
    pub fn of_digest(text: &str) -> Result<Self, ArtifactError> {
        let error = || ArtifactError {
            found: shortened(text),
        };
        let (algorithm, hex) = text.split_once(':').ok_or_else(error)?;
        let set =
            DigestSet::new([(algorithm.to_owned(), hex.to_owned())].into()).map_err(|_| error())?;
        let bytes = data_encoding::HEXLOWER
            .decode(hex.as_bytes())
            .map_err(|_| error())?;
        let known = HASHES
            .map(|(name, _)| name)
            .into_iter()
            .find(|known| *known == algorithm);
        Ok(Self {
            digests: set,
            raw: known.map(|known| (known, bytes)).into_iter().collect(),
            content: None,
        })
    }

    /// The digest by an algorithm, if it can be known.
    pub(super) fn digest(&self, algorithm: HashAlgorithm) -> Result<&[u8], Refusal> {
        let known = HASHES.iter().find(|(_, known)| *known == algorithm);
        let (name, _) = known.ok_or(Refusal::DigestUnsupported)?;
        let digest = self.raw.get(name).map(Vec::as_slice);
        digest.ok_or(Refusal::DigestUnknown { algorithm: name })
    }

    pub(super) fn content(&self) -> Result<&[u8], Refusal> {
        self.content.as_deref().ok_or(Refusal::ContentNeeded)
    }
}

/// Holds what was signed against the artifact; gives the statement, if it is one.
pub(super) fn bound(
    received: &Received,
    artifact: &Artifact,
) -> Result<Option<Statement>, Refusal> {
    match received.content() {
        Content::Message { digest: None, .. } => Ok(None),
        Content::Message {
            digest: Some(signed),
            ..
        } => match signed.digest == artifact.digest(signed.algorithm)? {
            true => Ok(None),
            false => Err(Refusal::ArtifactMismatch),
        },
        Content::Envelope {
            payload_type,
            payload,
            ..
        } => statement_about(payload_type, payload, artifact).map(Some),
    }
}

/// A signed payload as a statement about the artifact.
pub(super) fn statement_about(
    payload_type: &str,
    payload: &[u8],
    artifact: &Artifact,
) -> Result<Statement, Refusal> {
    if payload_type != crate::statement::PAYLOAD_TYPE {
        return Err(Refusal::PayloadType {
            found: shortened(payload_type),
        });
    }
    let statement = Statement::parse(payload).map_err(|error| Refusal::StatementMalformed {
        reason: chain(&error),
    })?;
    let mut subjects = statement.subjects().iter();
    match subjects.any(|subject| subject.digest.matches(&artifact.digests)) {
        true => Ok(statement),
        false => Err(Refusal::SubjectMismatch),
    }
}
