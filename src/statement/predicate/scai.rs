//! in-toto SCAI v0.3 (Software Supply Chain Attribute Integrity): attributes of an artifact or its producer.
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/scai.md>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Predicate, ResourceDescriptor, not_empty};

/// Attributes, and who produced the thing that has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scai {
    /// At least one.
    pub attributes: Vec<Attribute>,
    /// What made the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<ResourceDescriptor>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// What is claimed, in words that producer and consumer agreed on.
    pub attribute: String,
    /// What has it, if not the statement's subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ResourceDescriptor>,
    /// Under which conditions.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub conditions: Map<String, Value>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<ResourceDescriptor>,
}

impl Predicate for Scai {
    const TYPE: &'static str = "https://in-toto.io/attestation/scai/v0.3";

    fn validate(&self) -> Result<(), Error> {
        if self.attributes.is_empty() {
            return Err(Error::Empty {
                field: "attributes",
            });
        }
        self.attributes
            .iter()
            .try_for_each(|a| not_empty("attributes[].attribute", &a.attribute))
    }
}
