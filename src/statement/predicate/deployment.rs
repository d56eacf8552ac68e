//! deployment v0.1: something built was put to work in an environment.

use serde::{Deserialize, Serialize};

use super::asserted::in_order;
use super::words::words;
use super::{Asserted, BuiltArtifact, Environment, Error, Predicate, Reference, Who, not_empty};
use crate::timestamp::Timestamp;

/// One deployment of one service to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// Where to.
    pub environment: Environment,
    /// What people call the thing that runs.
    pub service: String,
    /// What was put there.
    pub artifact: BuiltArtifact,
    /// What was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_artifact: Option<BuiltArtifact>,
    /// How, in a word: `rolling`, `blue-green`, `canary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Why.
    pub reason: DeploymentReason,
    /// What set it off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Timestamp>,
    /// Until when.
    pub finished_on: Timestamp,
    /// How it ended.
    pub result: DeploymentResult,
    /// How it is undone: a digest, a run book's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_ref: Option<String>,
    /// The changes that came with it, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The entries it relied on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub basis: Vec<Reference>,
}

words! {
    /// Why something was deployed.
    pub enum DeploymentReason {
        /// As planned.
        Planned = "planned",
        /// To mend what an earlier deployment broke.
        UnplannedFix = "unplanned-fix",
        /// To go back.
        Rollback = "rollback",
    }
}

words! {
    /// How a deployment ended.
    pub enum DeploymentResult {
        /// It runs.
        Success = "success",
        /// It does not.
        Failure = "failure",
        /// It was stopped.
        Aborted = "aborted",
    }
}

/// What set a deployment off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// Of what kind it was.
    pub kind: TriggerKind,
    /// The person behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Who>,
    /// The service behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where it can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

words! {
    /// What kind of thing set a deployment off.
    pub enum TriggerKind {
        /// Somebody.
        Manual = "manual",
        /// A push, a tag, a pipeline before it.
        Automatic = "automatic",
        /// The clock.
        Scheduled = "scheduled",
    }
}

impl Predicate for Deployment {
    const TYPE: &'static str = "https://git-docket.dev/deployment/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        self.environment.validate()?;
        not_empty("service", &self.service)?;
        in_order(
            ("startedOn", self.started_on),
            ("finishedOn", Some(self.finished_on)),
        )
    }
}
