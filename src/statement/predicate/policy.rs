//! policy v0.1: the text of a policy, with its digest. What the text means is [`crate::policy`]'s.

use serde::{Deserialize, Serialize};

use super::{Error, Extends, Predicate, Reference, sha256_text};
use crate::digest::Sha256;

/// No policy's text is longer: 1 MiB.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// A policy as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// The text, TOML.
    pub text: String,
    /// SHA-256 over the text's bytes, written `sha256:<hex>`.
    #[serde(with = "sha256_text")]
    pub digest: Sha256,
    /// A policy published elsewhere that this one builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Extends>,
    /// The policy that this one replaces; none in a genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Reference>,
}

/// Why a policy predicate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyTextError {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("policy of {bytes} bytes, more than {MAX_POLICY_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The digest is another text's.
    #[error("policy digest sha256:{stated} is not that of the text, sha256:{actual}")]
    Digest {
        /// What the predicate says.
        stated: Sha256,
        /// What the text has.
        actual: Sha256,
    },
    /// What it extends has another digest.
    #[error("the policy that it extends is not the one of the digest that it names")]
    ExtendedDigest,
}

impl PolicyText {
    /// A policy's text with its digest, replacing nothing.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            digest: Sha256::of(text.as_bytes()),
            text,
            extends: None,
            previous: None,
        }
    }
}

impl Predicate for PolicyText {
    const TYPE: &'static str = "https://git-docket.dev/policy/v0.1";

    fn validate(&self) -> Result<(), Error> {
        let bytes = self.text.len();
        if bytes > MAX_POLICY_BYTES {
            return Err(PolicyTextError::TooLong { bytes }.into());
        }
        let actual = Sha256::of(self.text.as_bytes());
        if actual != self.digest {
            let stated = self.digest;
            return Err(PolicyTextError::Digest { stated, actual }.into());
        }
        match &self.extends {
            Some(extends) if !extends.is_whole() => Err(PolicyTextError::ExtendedDigest.into()),
            _ => Ok(()),
        }
    }
}
