//! cosign v0.1: one more person signs what an earlier entry says.
//!
//! A change that needs k signatures takes effect after the entry that completes them.

use serde::{Deserialize, Serialize};

use super::{Error, Predicate, Reference, not_empty};

/// The signer says yes to one earlier attestation of the same ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosign {
    /// What is signed too.
    pub about: Reference,
}

impl Predicate for Cosign {
    const TYPE: &'static str = "https://git-docket.dev/cosign/v0.1";

    fn validate(&self) -> Result<(), Error> {
        not_empty("about.origin", &self.about.origin)
    }
}
