//! genesis v0.1: the first entry of a ledger, from which all trust in it is derived.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Error, Key, PolicyText, Predicate, Reference, Roster, Vkey, not_empty};
use crate::digest::ObjectId;

/// What a ledger starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// The ledger's name; never reused.
    pub origin: String,
    /// The keys that govern the ledger; distinct, at least one.
    pub root_keys: Vec<Key>,
    /// How many root keys must sign for the ledger to open: 1 to as many as there are.
    pub threshold: u32,
    /// The key that signs seals; its name is the origin.
    pub ledger_key: Vkey,
    /// The first roster.
    pub roster: Roster,
    /// The first policy.
    pub policy: PolicyText,
    /// Tip of each protected ref at the start: what came before is counted, and never failed.
    pub continuity: Vec<Continuity>,
    /// The ledger that this one was founded from, if it is a fork's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Reference>,
}

/// Where the ledger's knowledge of one ref begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuity {
    /// Full name, `refs/heads/main`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its tip.
    pub commit: ObjectId,
}

/// Why a genesis is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// Less than 1, or more than there are keys.
    #[error("threshold {threshold} of {keys} root keys")]
    Threshold {
        /// What is asked for.
        threshold: u32,
        /// How many root keys there are.
        keys: usize,
    },
    /// One root key named twice would count twice.
    #[error("root key {key} stands there twice")]
    RepeatedRootKey {
        /// Its id.
        key: crate::signing::KeyId,
    },
    /// A ledger key of another ledger.
    #[error("ledger key is named {name:?}, not by the origin {origin:?}")]
    LedgerKeyName {
        /// The ledger's origin.
        origin: String,
        /// The key's name.
        name: String,
    },
    /// A ref named twice, or not by its full name.
    #[error("continuity of {reference:?}: not a full ref name, or named twice")]
    ContinuityRef {
        /// The name.
        reference: String,
    },
    /// The first roster or policy claims to replace another.
    #[error("{part} of a genesis replaces nothing, but names a previous one")]
    Previous {
        /// `roster` or `policy`.
        part: &'static str,
    },
}

impl Predicate for Genesis {
    const TYPE: &'static str = "https://git-docket.dev/genesis/v0.1";

    fn validate(&self) -> Result<(), Error> {
        not_empty("origin", &self.origin)?;
        let keys = self.root_keys.len();
        let threshold = self.threshold;
        if threshold == 0 || usize::try_from(threshold).map_or(true, |k| k > keys) {
            return Err(GenesisError::Threshold { threshold, keys }.into());
        }
        let mut seen = BTreeSet::new();
        if let Some(key) = self.root_keys.iter().find(|key| !seen.insert(key.0.id())) {
            return Err(GenesisError::RepeatedRootKey { key: key.0.id() }.into());
        }
        if self.ledger_key.name() != self.origin {
            return Err(GenesisError::LedgerKeyName {
                origin: self.origin.clone(),
                name: self.ledger_key.name().to_owned(),
            }
            .into());
        }
        let mut refs = BTreeSet::new();
        for Continuity { reference, .. } in &self.continuity {
            if !reference.starts_with("refs/") || !refs.insert(reference) {
                let reference = reference.clone();
                return Err(GenesisError::ContinuityRef { reference }.into());
            }
        }
        for (part, previous) in [
            ("roster", &self.roster.previous),
            ("policy", &self.policy.previous),
        ] {
            if previous.is_some() {
                return Err(GenesisError::Previous { part }.into());
            }
        }
        self.roster.validate()?;
        self.policy.validate()
    }
}
