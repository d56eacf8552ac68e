//! What other verifiers concluded: SLSA verification summary v1, in-toto simple verification result v0.2, and
//! in-toto reference v0.1, which points to evidence elsewhere.
//!
//! <https://slsa.dev/spec/v1.2/verification_summary>,
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md>,
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/reference.md>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::provenance::lenient_time;
use super::words::words;
use super::{Error, Predicate, ResourceDescriptor, not_empty};
use crate::timestamp::Timestamp;

/// What a verifier concluded about a resource, by SLSA's levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vsa {
    /// Who verified.
    pub verifier: SummaryVerifier,
    /// When.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub time_verified: Option<Timestamp>,
    /// What was verified.
    pub resource_uri: String,
    /// By which rules.
    pub policy: ResourceDescriptor,
    /// From what: where it is not empty, it is all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<ResourceDescriptor>,
    /// With which result.
    pub verification_result: VerificationResult,
    /// Which levels hold. Names of one's own never start with `SLSA_`.
    pub verified_levels: Vec<String>,
    /// How many dependencies hold which level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency_levels: Option<BTreeMap<String, u64>>,
    /// The version of SLSA that the levels are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
}

/// Who verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryVerifier {
    /// URI.
    pub id: String,
    /// Versions of its parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

words! {
    /// Whether the rules held.
    pub enum VerificationResult {
        /// They did.
        Passed = "PASSED",
        /// They did not.
        Failed = "FAILED",
    }
}

impl Predicate for Vsa {
    const TYPE: &'static str = "https://slsa.dev/verification_summary/v1";

    fn validate(&self) -> Result<(), Error> {
        not_empty("verifier.id", &self.verifier.id)?;
        not_empty("resourceUri", &self.resource_uri)
    }
}

/// What a verifier found to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Svr {
    /// Who verified, by which rules.
    pub verifier: SvrVerifier,
    /// When.
    #[serde(with = "required_time")]
    pub time_created: Timestamp,
    /// What holds: at least one.
    pub properties: Vec<String>,
}

/// Who verified, by which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SvrVerifier {
    /// URI.
    pub id: String,
    /// The rules: present, may be empty.
    pub policies: Vec<ResourceDescriptor>,
}

impl Predicate for Svr {
    const TYPE: &'static str = "https://in-toto.io/attestation/svr/v0.2";

    fn validate(&self) -> Result<(), Error> {
        not_empty("verifier.id", &self.verifier.id)?;
        match self.properties.is_empty() {
            true => Err(Error::Empty {
                field: "properties",
            }),
            false => self
                .properties
                .iter()
                .try_for_each(|property| not_empty("properties[]", property)),
        }
    }
}

/// Evidence elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExternalReference {
    /// Who says so.
    pub attester: Attester,
    /// What it is: at least one.
    pub references: Vec<ResourceDescriptor>,
}

/// Who refers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attester {
    /// URI.
    pub id: String,
}

impl Predicate for ExternalReference {
    const TYPE: &'static str = "https://in-toto.io/attestation/reference/v0.1";

    fn validate(&self) -> Result<(), Error> {
        not_empty("attester.id", &self.attester.id)?;
        match self.references.is_empty() {
            true => Err(Error::Empty {
                field: "references",
            }),
            false => Ok(()),
        }
    }
}

mod required_time {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        time.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}
