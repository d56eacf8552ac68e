//! outcome v0.1: what production said afterwards. Follow-ups are later entries about it.

use serde::{Deserialize, Serialize};

use super::asserted::in_order;
use super::words::words;
use super::{Asserted, Document, Environment, Error, Predicate, Reference, not_empty};
use crate::timestamp::Timestamp;

/// One thing that happened, or did not, to a service that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// What it happened to.
    pub service: String,
    /// Where.
    pub environment: Environment,
    /// What.
    pub kind: OutcomeKind,
    /// The earlier entry that this one follows up: a deployment, or an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Reference>,
    /// Where it was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Document>,
    /// When it was noticed.
    pub detected_on: Timestamp,
    /// When all was well again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_on: Option<Timestamp>,
    /// How bad, in the words of those who handled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The deployment or landing that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<Reference>,
    /// What lay behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_cause: Option<RootCause>,
    /// How it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<OutcomeSource>,
}

words! {
    /// What happened.
    pub enum OutcomeKind {
        /// It works badly.
        Degraded = "degraded",
        /// It does not work.
        Outage = "outage",
        /// It was taken back.
        Rollback = "rollback",
        /// It was mended in haste.
        Hotfix = "hotfix",
        /// It was broken into, or could be.
        Security = "security",
        /// It works again.
        Recovered = "recovered",
        /// Its error budget burns too fast.
        SloBurn = "slo-burn",
        /// Nothing: it works.
        Healthy = "healthy",
    }
}

impl OutcomeKind {
    /// Whether it needs somebody at once: the change that caused it failed.
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Degraded | Self::Outage | Self::Rollback | Self::Hotfix | Self::Security
        )
    }
}

/// What lay behind a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RootCause {
    /// In a word: `code`, `config`, `capacity`, `dependency`, `process`.
    pub class: String,
    /// Whether what an AI wrote or did had a part in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_related: Option<bool>,
}

/// How an outcome is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeSource {
    /// What said so.
    pub tool: String,
    /// How sure that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

words! {
    /// How sure.
    pub enum Confidence {
        /// A guess.
        Low = "low",
        /// Likely.
        Medium = "medium",
        /// Sure.
        High = "high",
    }
}

impl Predicate for Outcome {
    const TYPE: &'static str = "https://git-docket.dev/outcome/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        not_empty("service", &self.service)?;
        self.environment.validate()?;
        in_order(
            ("detectedOn", Some(self.detected_on)),
            ("restoredOn", self.restored_on),
        )
    }
}
