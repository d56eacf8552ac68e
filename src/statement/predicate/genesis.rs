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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::signing::SigningKey;

    fn key(seed: u8) -> Key {
        Key(SigningKey::from_seed([seed; 32]).public().clone())
    }

    fn example() -> Value {
        json!({
            "origin": "git.example.com/acme/app",
            "rootKeys": [key(1), key(2)],
            "threshold": 2,
            "ledgerKey": "git.example.com/acme/app+0123abcd+AQ==",
            "roster": {"persons": [{"id": "ada", "kind": "human", "roles": ["writer"], "keys": [key(1)]}]},
            "policy": PolicyText::new("version = 1\n"),
            "continuity": [{"ref": "refs/heads/main", "commit": format!("sha1:{}", "1".repeat(40))}],
        })
    }

    fn read(value: &Value) -> Result<Genesis, Error> {
        Genesis::from_map(value.as_object().unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        let genesis = read(&example()).unwrap();
        assert_eq!(Value::Object(genesis.to_map().unwrap()), example());
    }

    #[test]
    fn refuses_what_breaks_a_rule() {
        let previous = json!({"origin": "o", "attestation": format!("sha256:{}", "1".repeat(64))});
        for (place, field, value) in [
            ("", "origin", json!("")),
            ("", "origin", json!("git.example.com/acme/other")),
            ("", "rootKeys", json!([])),
            ("", "rootKeys", json!([key(1), key(1)])),
            ("", "rootKeys", json!([key(1)])),
            ("", "threshold", json!(0)),
            ("", "threshold", json!(3)),
            ("", "ledgerKey", json!("git.example.com/acme/app")),
            (
                "",
                "ledgerKey",
                json!("git.example.com/acme/app+0123ABCD+AQ=="),
            ),
            ("/roster", "persons", json!([])),
            ("/roster", "previous", previous.clone()),
            ("/policy", "text", json!("version = 2\n")),
            ("/policy", "previous", previous),
            ("/continuity/0", "ref", json!("main")),
            ("/continuity/0", "commit", json!("1".repeat(40))),
            ("/continuity/0", "tree", json!("x")),
            ("", "unknown", json!(true)),
        ] {
            let mut bad = example();
            bad.pointer_mut(place).unwrap()[field] = value;
            assert!(read(&bad).is_err(), "{place}/{field} of {bad}");
        }
        let mut twice = example();
        let again = twice["continuity"][0].clone();
        twice["continuity"].as_array_mut().unwrap().push(again);
        assert!(matches!(
            read(&twice),
            Err(Error::Genesis(GenesisError::ContinuityRef { .. }))
        ));
    }
}
