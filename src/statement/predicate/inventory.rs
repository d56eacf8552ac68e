//! inventory v0.1: what was seen running. contains v0.1: which images an image index stands for.

use serde::{Deserialize, Serialize};

use super::{Asserted, BuiltArtifact, Environment, Error, Predicate, Sha256Text, not_empty};
use crate::statement::DigestSet;
use crate::timestamp::Timestamp;

/// What ran in one environment at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// Where.
    pub environment: Environment,
    /// When.
    pub observed_on: Timestamp,
    /// How it was found out.
    pub source: InventorySource,
    /// What was there.
    pub items: Vec<InventoryItem>,
    /// Whether that is all: then what is not listed did not run.
    pub complete: bool,
}

/// How it was found out what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventorySource {
    /// What was asked: `kubectl`, `docker`, `ecs`.
    pub tool: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// SHA-256 of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Text>,
}

/// One thing that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryItem {
    /// What people call it.
    pub service: String,
    /// What it is.
    pub digest: DigestSet,
    /// How many of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
}

impl Predicate for Inventory {
    const TYPE: &'static str = "https://git-docket.dev/inventory/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        self.environment.validate()?;
        not_empty("source.tool", &self.source.tool)?;
        self.items
            .iter()
            .try_for_each(|item| not_empty("items[].service", &item.service))
    }
}

/// An image index and its platforms' manifests: the same release under other digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contains {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// The index.
    pub parent: BuiltArtifact,
    /// What it holds.
    pub children: Vec<Child>,
}

/// One manifest of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Child {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub digest: DigestSet,
    /// What it is for: `linux/arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
}

impl Predicate for Contains {
    const TYPE: &'static str = "https://git-docket.dev/contains/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        match self.children.is_empty() {
            true => Err(Error::Empty { field: "children" }),
            false => Ok(()),
        }
    }
}
