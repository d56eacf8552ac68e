//! in-toto link v0.3: a command that was run, what went in, what came of it.
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/predicates/link.md>. The products are the
//! statement's subjects. Not to be confused with the ledger's own links.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Predicate, ResourceDescriptor, not_empty};

/// One command run as a delivery step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Name of the step.
    pub name: String,
    /// The command and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// What went in.
    #[serde(default)]
    pub materials: Vec<ResourceDescriptor>,
    /// What came of it beside the products: exit code, times.
    #[serde(default)]
    pub byproducts: Map<String, Value>,
    /// Where it ran; an allow-list of names, never the whole environment.
    #[serde(default)]
    pub environment: Map<String, Value>,
}

impl Predicate for Link {
    const TYPE: &'static str = "https://in-toto.io/attestation/link/v0.3";

    fn validate(&self) -> Result<(), Error> {
        not_empty("name", &self.name)
    }
}
