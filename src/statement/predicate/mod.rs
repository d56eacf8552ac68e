//! What a statement may say: the predicate types that are understood.
//!
//! Every type can be carried; the ones with a Rust type here can be read and written by their own rules.
//! Two families: types that others defined, read leniently (unknown fields are ignored, as in-toto asks), and
//! the *governance* types of a ledger (genesis, roster, policy, cosign, ledger-key), which fail closed: an
//! unknown field is refused, because what a reader does not understand it must not be governed by.

mod ai_assistance;
mod approval;
mod asserted;
mod change;
mod correction;
mod cosign;
mod decimal;
mod deployment;
mod exception;
mod gap;
mod genesis;
mod inventory;
mod kept_report;
mod landing;
mod ledger_key;
mod link;
mod measurement;
mod outcome;
mod policy;
mod provenance;
mod release;
mod review;
mod roster;
mod sbom;
mod scai;
mod summary;
mod test_result;
mod vulns;
mod words;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{DigestSet, PredicateType};
use crate::base64;
use crate::digest::Sha256;
use crate::signing::PublicKey;

pub use ai_assistance::{
    AiAssistance, AiCapability, AiInstruction, AiKind, AiModel, AiPrompt, AiSession, AiTask,
    AiTool, Attribution, AttributionMethod, AttributionSource, FileShares, HumanPart, Label,
    LabelError, LineShares, Sandbox,
};
pub use approval::{Approval, ApprovalScope, Covers, Decision};
pub use asserted::{
    Asserted, AssertedBy, BuiltArtifact, Covered, Document, Environment, ObservedSource, Observer,
    Position, Revision, Sha256Text, Tier, Tool, Who,
};
pub use change::{
    Author, Base, Change, Control, ImpactClass, Lines, Paths, Reason, ReasonKind, SecurityImpact,
    Significance,
};
pub use correction::{Correction, CorrectionKind};
pub use cosign::Cosign;
pub use decimal::{Decimal, DecimalError};
pub use deployment::{Deployment, DeploymentReason, DeploymentResult, Trigger, TriggerKind};
pub use exception::{ExceptedFinding, Exception, ExceptionScope, RetroReview};
pub use gap::{Gap, Omitted, Recovery};
pub use genesis::{Continuity, Genesis, GenesisError};
pub use inventory::{Child, Contains, Inventory, InventoryItem, InventorySource};
pub use kept_report::{KeptReport, MAX_KEPT_BYTES};
pub use landing::{Landing, Method, Protections};
pub use ledger_key::{LedgerKey, LedgerKeyError, Vkey, VkeyError};
pub use link::Link;
pub use measurement::{
    Comparison, Gate, GateKind, MeasuredInput, MeasuredPolicy, Measurement, MeasurementResult,
    Metric, Phase, Threshold, Window,
};
pub use outcome::{Confidence, Outcome, OutcomeKind, OutcomeSource, RootCause};
pub use policy::{MAX_POLICY_BYTES, PolicyText, PolicyTextError};
pub use provenance::{BuildDefinition, BuildMetadata, Builder, Provenance, RunDetails};
pub use release::Release;
pub use review::{Remarks, Review, ReviewKind, ReviewVerdict};
pub use roster::{
    Extends, GitIdentity, IdError, Login, Oidc, Person, PersonId, PersonKind, Revocation,
    RevocationReason, Role, Roster, RosterError,
};
pub use sbom::{CycloneDx, CycloneDxComponent, Spdx, SpdxElement, SpdxExternalRef, SpdxPackage};
pub use scai::{Attribute, Scai};
pub use summary::{
    Attester, ExternalReference, SummaryVerifier, Svr, SvrVerifier, VerificationResult, Vsa,
};
pub use test_result::{TestCounts, TestOutcome, TestResult};
pub use vulns::{
    ScanMetadata, Scanner, ScannerDatabase, Vulnerability, VulnerabilitySeverity, Vulns,
};
pub use words::WordError;

/// Short names and what they stand for: one table, used for input and output alike.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    // Of SLSA and in-toto.
    ("provenance", Provenance::TYPE),
    ("link", Link::TYPE),
    ("test-result", TestResult::TYPE),
    ("vulns", Vulns::TYPE),
    ("release", Release::TYPE),
    ("scai", Scai::TYPE),
    ("reference", ExternalReference::TYPE),
    ("vsa", Vsa::TYPE),
    ("svr", Svr::TYPE),
    // Whole documents.
    ("cyclonedx", CycloneDx::TYPE),
    ("spdx", Spdx::TYPE),
    // Our own, about delivery.
    ("change", Change::TYPE),
    ("landing", Landing::TYPE),
    ("review", Review::TYPE),
    ("approval", Approval::TYPE),
    ("deployment", Deployment::TYPE),
    ("inventory", Inventory::TYPE),
    ("contains", Contains::TYPE),
    ("outcome", Outcome::TYPE),
    ("measurement", Measurement::TYPE),
    ("exception", Exception::TYPE),
    ("gap", Gap::TYPE),
    ("correction", Correction::TYPE),
    ("ai-assistance", AiAssistance::TYPE),
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
        let predicate: Self = shaped(map)?;
        predicate.validate()?;
        Ok(predicate)
    }

    /// Checks and writes.
    fn to_map(&self) -> Result<Map<String, Value>, Error> {
        self.validate()?;
        match serde_json::to_value(self).map_err(Error::Unwritable)? {
            Value::Object(map) => Ok(map),
            _ => Err(Error::NoObject),
        }
    }
}

/// Versions of SPDX have types of their own; the document says which it is.
fn family(uri: &str) -> &str {
    match uri.strip_prefix(Spdx::TYPE) {
        Some("/v2.3" | "/v3") => Spdx::TYPE,
        _ => uri,
    }
}

/// Makes [`Known`] and its reader from one list of types.
macro_rules! known {
    ($($variant:ident($type:ty),)+) => {
        /// A predicate of a type that has a Rust type here.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is called as its type")]
        pub enum Known { $($variant(Box<$type>),)+ }

        impl Known {
            /// Reads and checks; `None` for a type that is only carried.
            ///
            /// # Errors
            /// Where the predicate does not have its type's shape, or breaks its rules.
            pub fn read(predicate_type: &PredicateType, map: &Map<String, Value>) -> Result<Option<Self>, Error> {
                match family(predicate_type.as_str()) {
                    $(<$type>::TYPE => <$type>::from_map(map).map(|read| Some(Self::$variant(Box::new(read)))),)+
                    _ => Ok(None),
                }
            }

            /// The URI of its type, the newest where it has several.
            pub fn predicate_type(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$type>::TYPE,)+ }
            }
        }

        $(impl Kind for $type {
            fn of(said: &Known) -> Option<&Self> {
                match said {
                    Known::$variant(said) => Some(said),
                    _ => None,
                }
            }
        })+
    };
}

/// A type that is one of the [`Known`].
pub trait Kind: Predicate {
    /// What was said, where it is of this type.
    fn of(said: &Known) -> Option<&Self>;
}

known! {
    Provenance(Provenance),
    Link(Link),
    TestResult(TestResult),
    Vulns(Vulns),
    Release(Release),
    Scai(Scai),
    ExternalReference(ExternalReference),
    Vsa(Vsa),
    Svr(Svr),
    CycloneDx(CycloneDx),
    Spdx(Spdx),
    Change(Change),
    Landing(Landing),
    Review(Review),
    Approval(Approval),
    Deployment(Deployment),
    Inventory(Inventory),
    Contains(Contains),
    Outcome(Outcome),
    Measurement(Measurement),
    Exception(Exception),
    Gap(Gap),
    Correction(Correction),
    AiAssistance(AiAssistance),
    Genesis(Genesis),
    Roster(Roster),
    Policy(PolicyText),
    Cosign(Cosign),
    LedgerKey(LedgerKey),
}

impl Known {
    /// Who acted and on whose word it stands, in the types that say so.
    pub fn asserted(&self) -> Option<&Asserted> {
        match self {
            Self::Change(is) => Some(&is.asserted),
            Self::Landing(is) => Some(&is.asserted),
            Self::Review(is) => Some(&is.asserted),
            Self::Approval(is) => Some(&is.asserted),
            Self::Deployment(is) => Some(&is.asserted),
            Self::Inventory(is) => Some(&is.asserted),
            Self::Contains(is) => Some(&is.asserted),
            Self::Outcome(is) => Some(&is.asserted),
            Self::Measurement(is) => Some(&is.asserted),
            Self::Exception(is) => Some(&is.asserted),
            Self::Correction(is) => Some(&is.asserted),
            Self::AiAssistance(is) => Some(&is.asserted),
            Self::Gap(is) => is.asserted.as_ref(),
            _ => None,
        }
    }

    /// The earlier entries that it says it relied on.
    pub fn basis(&self) -> &[Reference] {
        match self {
            Self::Approval(is) => &is.basis,
            Self::Deployment(is) => &is.basis,
            Self::Release(is) => &is.basis,
            _ => &[],
        }
    }
}

/// Checks a predicate of a type that has a Rust type here; others are carried as they are.
///
/// # Errors
/// Where the predicate does not have its type's shape, or breaks its rules.
pub fn check(predicate_type: &PredicateType, map: &Map<String, Value>) -> Result<(), Error> {
    Known::read(predicate_type, map).map(drop)
}

/// Why a predicate is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field is missing, unknown where none may be, or of another form.
    #[error("predicate does not have its type's shape{}", at(path))]
    Shape {
        /// Where: names and positions, joined by dots.
        path: String,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// A value that JSON cannot say.
    #[error("predicate cannot be written")]
    Unwritable(#[source] serde_json::Error),
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
    /// A rule between fields does not hold.
    #[error("rule broken: {rule}")]
    Broken {
        /// What would hold.
        rule: &'static str,
    },
    /// A text that is no full ref name.
    #[error("{found:?} is no full ref name such as \"refs/heads/main\"")]
    Ref {
        /// The text, shortened.
        found: String,
    },
    /// A field that is not understood, in a type that takes no such field.
    #[error("unknown field {field}")]
    UnknownField {
        /// Its path, as a JSON pointer.
        field: String,
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
    #[error(
        "publicKey is no base64 of a DER SubjectPublicKeyInfo, or of a security key as SSH encodes it"
    )]
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
        let bytes = base64::decode(raw.public_key.as_bytes()).map_err(|_| KeyError::Base64)?;
        let key = PublicKey::from_bytes(&bytes)?;
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
            public_key: base64::encode(&self.0.to_bytes()),
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

fn shaped<P: DeserializeOwned>(map: &Map<String, Value>) -> Result<P, Error> {
    P::deserialize(map).or_else(|_| {
        // Where it failed is found by reading it again.
        serde_path_to_error::deserialize(map).map_err(|error| Error::Shape {
            path: super::shortened(&error.path().to_string()),
            source: error.into_inner(),
        })
    })
}

fn at(path: &str) -> String {
    match path {
        "." => String::new(),
        path => format!(" at {path}"),
    }
}

/// `Err` naming the field if a text is empty.
fn not_empty(field: &'static str, text: &str) -> Result<(), Error> {
    match text.is_empty() {
        true => Err(Error::Empty { field }),
        false => Ok(()),
    }
}
