//! in-toto vulns v0.2: <https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>.
//!
//! An empty `result` means that nothing was found. `location` and `report` are ours, and others ignore them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::provenance::lenient_time;
use super::{Error, KeptReport, Predicate, not_empty};
use crate::timestamp::Timestamp;

/// What a scanner found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulns {
    /// The scanner, and what it found.
    pub scanner: Scanner,
    /// When it ran.
    pub metadata: ScanMetadata,
    /// The tool's own report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<KeptReport>,
}

/// A scanner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scanner {
    /// Which one.
    pub uri: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db: Option<ScannerDatabase>,
    /// What it found.
    pub result: Vec<Vulnerability>,
}

/// What a scanner knew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannerDatabase {
    /// Which database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Of when it is.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub last_update: Option<Timestamp>,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vulnerability {
    /// As the tool names it: `CVE-2026-1234`.
    pub id: String,
    /// How bad, by which measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<VulnerabilitySeverity>,
    /// Where: a package URL, a path and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Further words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Map<String, Value>>,
}

/// How bad something is, by one measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VulnerabilitySeverity {
    /// The measure: `CVSS_V3`, or the name of whoever judged.
    pub method: String,
    /// What it says: `9.8`, `CRITICAL`.
    pub score: String,
}

/// When a scanner ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanMetadata {
    /// From when.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub scan_started_on: Option<Timestamp>,
    /// Until when.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub scan_finished_on: Option<Timestamp>,
}

impl Predicate for Vulns {
    const TYPE: &'static str = "https://in-toto.io/attestation/vulns/v0.2";

    fn validate(&self) -> Result<(), Error> {
        self.report.iter().try_for_each(KeptReport::validate)?;
        not_empty("scanner.uri", &self.scanner.uri)?;
        self.scanner
            .result
            .iter()
            .try_for_each(|found| not_empty("scanner.result[].id", &found.id))
    }
}
