//! gap v0.1: an outage of evidence, said openly; after a recovery, what was broken and what was left out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Asserted, Error, PersonId, Predicate, not_empty, shaped};
use crate::digest::{ObjectId, Sha256};
use crate::statement::Step;
use crate::timestamp::Timestamp;

/// From when to when evidence is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Who says so; where nobody is named, whoever signed.
    #[serde(flatten)]
    pub asserted: Option<Asserted>,
    /// The beginning.
    pub from: Timestamp,
    /// The end; not before the beginning.
    pub until: Timestamp,
    /// The steps that lack evidence; none named: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Why.
    pub reason: String,
    /// Who approved of going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<PersonId>,
    /// What was done, where a broken ledger was recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

/// A recovery: the ledger goes on from the sound tip, in a child commit of the broken one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// The commit of the ledger's ref that was broken.
    pub broken_tip: ObjectId,
    /// The commit whose entries were kept as they were.
    pub sound_tip: ObjectId,
    /// What stood in the broken one and was not taken over.
    pub omitted: Vec<Omitted>,
}

/// Something that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Omitted {
    /// The commit in whose note it stood.
    pub commit: ObjectId,
    /// SHA-256 of its attestation, where a link named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Sha256>,
    /// Why.
    pub reason: String,
}

impl Predicate for Gap {
    const TYPE: &'static str = "https://git-docket.dev/gap/v0.1";

    fn from_map(map: &Map<String, Value>) -> Result<Self, Error> {
        let gap: Self = shaped(map)?;
        // Half of it is not none of it.
        if gap.asserted.is_none() && (map.contains_key("actor") || map.contains_key("assertedBy")) {
            shaped::<Asserted>(map)?;
        }
        gap.validate()?;
        Ok(gap)
    }

    fn validate(&self) -> Result<(), Error> {
        self.asserted.iter().try_for_each(Asserted::validate)?;
        if self.until < self.from {
            return Err(Error::Order {
                first: "from",
                second: "until",
            });
        }
        not_empty("reason", &self.reason)
    }
}
