//! Whose report something is.

use std::fmt;

use serde_json::Value;

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $word:literal $media:literal)+) => {
        /// Whose report something is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$meta])* $name,)+
        }

        impl Kind {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What people call it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Its media type.
            pub fn media_type(self) -> &'static str {
                match self {
                    $(Self::$name => $media,)+
                }
            }
        }
    };
}

kinds! {
    /// JUnit's XML, as many tools write it.
    JUnit "JUnit" "application/xml"
    /// `go test -json`
    GoTest "go test" "application/jsonl"
    /// SARIF 2.1.0
    Sarif "SARIF" "application/sarif+json"
    /// CycloneDX, JSON
    CycloneDx "CycloneDX" "application/vnd.cyclonedx+json"
    /// CycloneDX that says what harm vulnerabilities do.
    CycloneDxVex "CycloneDX VEX" "application/vnd.cyclonedx+json"
    /// SPDX 2.3, JSON
    Spdx2 "SPDX 2.3" "application/spdx+json"
    /// SPDX 3, JSON-LD
    Spdx3 "SPDX 3" "application/spdx+json"
    /// `trivy --format json`
    Trivy "Trivy" "application/json"
    /// `grype -o json`
    Grype "Grype" "application/json"
    /// `osv-scanner --format json`
    OsvScanner "OSV-Scanner" "application/json"
    /// `cargo audit --json`
    CargoAudit "cargo-audit" "application/json"
    /// `npm audit --json`, of npm 7 and later
    NpmAudit "npm audit" "application/json"
    /// `gitleaks -f json`
    Gitleaks "gitleaks" "application/json"
    /// LCOV's tracefiles
    Lcov "LCOV" "text/plain"
    /// Cobertura's XML
    Cobertura "Cobertura" "application/xml"
    /// `infracost breakdown|diff --format json`
    Infracost "Infracost" "application/json"
    /// FOCUS cost and usage, CSV
    Focus "FOCUS" "text/csv"
    /// `k6 run --summary-export`, or `handleSummary`'s data
    K6 "k6" "application/json"
    /// `scorecard --format json`
    Scorecard "OpenSSF Scorecard" "application/json"
    /// `conftest test -o json`
    Conftest "Conftest" "application/json"
    /// `opa eval --format json`
    Opa "OPA" "application/json"
    /// A policy evaluation of Harness
    HarnessPolicy "Harness policy evaluation" "application/json"
    /// OpenVEX
    OpenVex "OpenVEX" "application/json"
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Kind {
    /// Whether a policy engine decided it.
    pub fn is_decision(self) -> bool {
        matches!(self, Self::Conftest | Self::Opa | Self::HarnessPolicy)
    }

    /// Recognises a JSON value by members that only this tool has together.
    pub(super) fn of(value: &Value) -> Option<Self> {
        if let Value::Array(list) = value {
            let first = list.first()?;
            let has = |names: &[&str]| names.iter().all(|name| first.get(name).is_some());
            return match () {
                () if has(&["RuleID", "Fingerprint"]) => Some(Self::Gitleaks),
                () if has(&["filename", "namespace", "successes"]) => Some(Self::Conftest),
                () => None,
            };
        }
        let has = |names: &[&str]| names.iter().all(|name| value.get(name).is_some());
        let context = || value["@context"].as_str().unwrap_or_default();
        Some(match () {
            () if has(&["runs", "version"]) => Self::Sarif,
            () if value["bomFormat"] == "CycloneDX" => {
                let judged = |one: &Value| one.get("analysis").is_some();
                let vex = value["vulnerabilities"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(judged));
                match vex && value["components"].as_array().is_none_or(Vec::is_empty) {
                    true => Self::CycloneDxVex,
                    false => Self::CycloneDx,
                }
            }
            () if has(&["spdxVersion", "SPDXID"]) => Self::Spdx2,
            () if context().starts_with("https://spdx.org/rdf/3") => Self::Spdx3,
            () if context().starts_with("https://openvex.dev/ns") => Self::OpenVex,
            () if has(&["SchemaVersion", "ArtifactName"]) => Self::Trivy,
            () if has(&["matches"]) && value["descriptor"]["name"] == "grype" => Self::Grype,
            () if value["vulnerabilities"]["list"].is_array() && has(&["lockfile"]) => {
                Self::CargoAudit
            }
            () if has(&["auditReportVersion", "vulnerabilities", "metadata"]) => Self::NpmAudit,
            () if has(&["projects", "totalMonthlyCost"]) => Self::Infracost,
            () if has(&["scorecard", "score", "checks"]) => Self::Scorecard,
            () if has(&["metrics"]) && (has(&["root_group"]) || has(&["state"])) => Self::K6,
            () if value["results"]
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one.get("packages").is_some())) =>
            {
                Self::OsvScanner
            }
            () if value["result"][0]["expressions"].is_array() => Self::Opa,
            () if has(&["status", "details", "entity"]) => Self::HarnessPolicy,
            () => return None,
        })
    }
}
