//! What a statement may say: the predicate types that are understood.
//!
//! Every type can be carried; the ones with a Rust type here can be read and written by their own rules.
//! Two families: types that others defined, read leniently (unknown fields are ignored, as in-toto asks), and
//! the *governance* types of a ledger (genesis, roster, policy, cosign, ledger-key), which fail closed: an
//! unknown field is refused, because what a reader does not understand it must not be governed by.

mod cosign;
mod gap;
mod genesis;
mod ledger_key;
mod link;
mod policy;
mod provenance;
mod roster;
mod scai;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{DigestSet, PredicateType};
use crate::base64;
use crate::digest::Sha256;
use crate::signing::PublicKey;

pub use cosign::Cosign;
pub use gap::{Gap, Omitted, Recovery};
pub use genesis::{Continuity, Genesis, GenesisError};
pub use ledger_key::{LedgerKey, LedgerKeyError, Vkey, VkeyError};
pub use link::Link;
pub use policy::{MAX_POLICY_BYTES, PolicyText, PolicyTextError};
pub use provenance::{BuildDefinition, BuildMetadata, Builder, Provenance, RunDetails};
pub use roster::{
    Extends, GitIdentity, IdError, Login, Oidc, Person, PersonId, PersonKind, Revocation,
    RevocationReason, Role, Roster, RosterError,
};
pub use scai::{Attribute, Scai};

/// Short names and what they stand for: one table, used for input and output alike.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    // Of SLSA and in-toto.
    ("provenance", Provenance::TYPE),
    ("link", Link::TYPE),
    (
        "test-result",
        "https://in-toto.io/attestation/test-result/v0.1",
    ),
    ("vulns", "https://in-toto.io/attestation/vulns/v0.2"),
    ("release", "https://in-toto.io/attestation/release/v0.2"),
    ("scai", Scai::TYPE),
    ("reference", "https://in-toto.io/attestation/reference/v0.1"),
    ("vsa", "https://slsa.dev/verification_summary/v1"),
    ("svr", "https://in-toto.io/attestation/svr/v0.2"),
    // Whole documents.
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("spdx", "https://spdx.dev/Document"),
    // Our own, about delivery.
    ("change", "https://git-docket.dev/change/v0.1"),
    ("landing", "https://git-docket.dev/landing/v0.1"),
    ("review", "https://git-docket.dev/review/v0.1"),
    ("approval", "https://git-docket.dev/approval/v0.1"),
    ("deployment", "https://git-docket.dev/deployment/v0.1"),
    ("inventory", "https://git-docket.dev/inventory/v0.1"),
    ("contains", "https://git-docket.dev/contains/v0.1"),
    ("outcome", "https://git-docket.dev/outcome/v0.1"),
    ("measurement", "https://git-docket.dev/measurement/v0.1"),
    ("exception", "https://git-docket.dev/exception/v0.1"),
    ("gap", Gap::TYPE),
    ("correction", "https://git-docket.dev/correction/v0.1"),
    ("ai-assistance", "https://git-docket.dev/ai-assistance/v0.1"),
    // Our own, about the ledger itself.
    ("genesis", Genesis::TYPE),
    ("roster", Roster::TYPE),
    ("policy", PolicyText::TYPE),
    ("cosign", Cosign::TYPE),
    ("ledger-key", LedgerKey::TYPE),
];

/// The URI that a short name stands for.
pub fn uri_of(short_name: &str) -> Option<&'static str> {
    SHORT_NAMES
        .iter()
        .find(|(short, _)| *short == short_name)
        .map(|(_, uri)| *uri)
}

/// The short name of a predicate type's URI.
pub fn short_name_of(uri: &str) -> Option<&'static str> {
    SHORT_NAMES
        .iter()
        .find(|(_, known)| *known == uri)
        .map(|(short, _)| *short)
}

/// A predicate type with a Rust type: its shape is the type's, its further rules are `validate`'s.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The predicate type's URI.
    const TYPE: &'static str;

    /// The rules that the shape alone does not say.
    fn validate(&self) -> Result<(), Error>;

    /// Reads and checks.
    fn from_map(map: &Map<String, Value>) -> Result<Self, Error> {
        let predicate = Self::deserialize(map).map_err(Error::Shape)?;
        predicate.validate()?;
        Ok(predicate)
    }

    /// Checks and writes.
    fn to_map(&self) -> Result<Map<String, Value>, Error> {
        self.validate()?;
        match serde_json::to_value(self).map_err(Error::Shape)? {
            Value::Object(map) => Ok(map),
            _ => Err(Error::NoObject),
        }
    }
}

/// Checks a predicate of a type that has a Rust type here; others are carried as they are.
///
/// # Errors
/// Where the predicate does not have its type's shape, or breaks its rules.
pub fn check(predicate_type: &PredicateType, map: &Map<String, Value>) -> Result<(), Error> {
    fn typed<P: Predicate>(map: &Map<String, Value>) -> Result<(), Error> {
        P::from_map(map).map(drop)
    }
    match predicate_type.as_str() {
        Provenance::TYPE => typed::<Provenance>(map),
        Link::TYPE => typed::<Link>(map),
        Scai::TYPE => typed::<Scai>(map),
        Gap::TYPE => typed::<Gap>(map),
        Genesis::TYPE => typed::<Genesis>(map),
        Roster::TYPE => typed::<Roster>(map),
        PolicyText::TYPE => typed::<PolicyText>(map),
        Cosign::TYPE => typed::<Cosign>(map),
        LedgerKey::TYPE => typed::<LedgerKey>(map),
        _ => Ok(()),
    }
}

/// Why a predicate is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field is missing, unknown where none may be, or of another form.
    #[error("predicate does not have its shape")]
    Shape(#[source] serde_json::Error),
    /// The predicate is not an object.
    #[error("predicate is no object")]
    NoObject,
    /// A text that must say something is empty.
    #[error("{field} is empty")]
    Empty {
        /// The field's path.
        field: &'static str,
    },
    /// Two times are the wrong way round.
    #[error("{second} is before {first}")]
    Order {
        /// What should come first.
        first: &'static str,
        /// What should not be before it.
        second: &'static str,
    },
    /// A genesis breaks its rules.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A roster breaks its rules.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// A policy breaks its rules.
    #[error(transparent)]
    Policy(#[from] PolicyTextError),
    /// A change of the ledger key breaks its rules.
    #[error(transparent)]
    LedgerKey(#[from] LedgerKeyError),
}

/// in-toto ResourceDescriptor: something that a predicate refers to.
///
/// <https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md>
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDescriptor {
    /// A name that means something to the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is called globally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSet>,
    /// The thing itself, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where to get it, if that is not `uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_location: Option<String>,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Further words.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// One attestation of one ledger. References point backward only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The ledger's origin.
    pub origin: String,
    /// SHA-256 over the attestation's bytes, written `sha256:<hex>`.
    #[serde(with = "sha256_text")]
    pub attestation: Sha256,
}

/// A public key as our predicates write it:
/// `{"id":"SHA256:<base64>","algorithm":"ed25519","publicKey":"<base64 of DER SubjectPublicKeyInfo>"}`.
///
/// The id must be the key's, the algorithm too, and weak keys are refused: there is no other way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub PublicKey);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawKey {
    id: String,
    algorithm: String,
    public_key: String,
}

#[derive(Debug, thiserror::Error)]
enum KeyError {
    #[error("publicKey is no base64 of a DER SubjectPublicKeyInfo")]
    Base64,
    #[error("publicKey refused: {0}")]
    Key(#[from] crate::signing::KeyError),
    #[error("key id {found:?} is not that of publicKey, {expected}")]
    Id { found: String, expected: String },
    #[error("algorithm {found:?} is not that of publicKey, {expected}")]
    Algorithm { found: String, expected: String },
}

impl TryFrom<RawKey> for Key {
    type Error = KeyError;

    fn try_from(raw: RawKey) -> Result<Self, KeyError> {
        let der = base64::decode(raw.public_key.as_bytes()).map_err(|_| KeyError::Base64)?;
        let key = PublicKey::from_spki_der(&der)?;
        let (id, algorithm) = (key.id().to_string(), key.algorithm().to_string());
        if raw.id != id {
            return Err(KeyError::Id {
                found: super::shortened(&raw.id),
                expected: id,
            });
        }
        if raw.algorithm != algorithm {
            let found = super::shortened(&raw.algorithm);
            return Err(KeyError::Algorithm {
                found,
                expected: algorithm,
            });
        }
        Ok(Self(key))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawKey {
            id: self.0.id().to_string(),
            algorithm: self.0.algorithm().to_string(),
            public_key: base64::encode(&self.0.to_spki_der()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawKey::deserialize(deserializer)?;
        Self::try_from(raw).map_err(serde::de::Error::custom)
    }
}

/// `sha256:<hex>` on the wire.
mod sha256_text {
    use super::*;

    const PREFIX: &str = "sha256:";

    pub fn serialize<S: Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{PREFIX}{digest}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_prefix(PREFIX)
            .and_then(|hex| hex.parse().ok())
            .ok_or_else(|| serde::de::Error::custom("not sha256: and 64 lower-case hex digits"))
    }
}

/// `Err` naming the field if a text is empty.
fn not_empty(field: &'static str, text: &str) -> Result<(), Error> {
    match text.is_empty() {
        true => Err(Error::Empty { field }),
        false => Ok(()),
    }
}
