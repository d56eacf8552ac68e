//! ledger-key v0.1: the key that signs seals changes, effective at this entry's seq.
//!
//! Signed by the root threshold, and by the old and the new key; the old one is excused if it is lost or
//! stolen. Those signatures are entries, and judged by `verify`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::{shortened, text_value};
use super::{Error, Predicate};

/// From one ledger key to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerKey {
    /// The key that signed until now.
    pub old: Vkey,
    /// The key that signs from now on. Its name, like the old one's, is the ledger's origin.
    pub new: Vkey,
    /// Whether the old key is lost or stolen and so cannot sign this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

/// Why a change of the ledger key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerKeyError {
    /// A ledger key is named by the ledger's origin, which never changes.
    #[error("ledger key named {new:?} cannot follow one named {old:?}")]
    OtherName {
        /// Name of the old key.
        old: String,
        /// Name of the new key.
        new: String,
    },
    /// Old and new are the same.
    #[error("old and new ledger key are the same")]
    Unchanged,
}

impl Predicate for LedgerKey {
    const TYPE: &'static str = "https://git-docket.dev/ledger-key/v0.1";

    fn validate(&self) -> Result<(), Error> {
        if self.old.name() != self.new.name() {
            return Err(LedgerKeyError::OtherName {
                old: self.old.name().to_owned(),
                new: self.new.name().to_owned(),
            }
            .into());
        }
        if self.old == self.new {
            return Err(LedgerKeyError::Unchanged.into());
        }
        Ok(())
    }
}

/// A C2SP verifier key as text, `name+hash+key`: <https://c2sp.org/signed-note>.
///
/// Here only the frame is checked: a name, eight lower-case hex digits, and a rest. That the hash is the
/// key's, and the key a sound one, is checked by `ledger::note`, which reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vkey(String);

/// Why a text is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not of the form name+hash+key")]
pub struct VkeyError {
    found: String,
}

impl Vkey {
    /// The key's name: of a ledger key, the ledger's origin.
    pub fn name(&self) -> &str {
        self.0.split('+').next().unwrap_or_default()
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Vkey {
    type Err = VkeyError;

    fn from_str(text: &str) -> Result<Self, VkeyError> {
        // The key's base64 may itself contain a plus sign.
        let mut parts = text.splitn(3, '+');
        let (name, hash, key) = (parts.next(), parts.next(), parts.next());
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let good = text.len() <= 1024
            && name.is_some_and(|n| {
                !n.is_empty() && n.chars().all(|c| !c.is_whitespace() && !c.is_control())
            })
            && hash.is_some_and(|h| h.len() == 8 && h.bytes().all(hex))
            && key.is_some_and(|k| {
                let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
                !k.is_empty() && k.bytes().all(base64)
            });
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(VkeyError {
                found: shortened(text),
            }),
        }
    }
}

text_value!(Vkey, VkeyError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_key_has_its_frame() {
        let key: Vkey = "git.example.com/acme/app+0123abcd+AQ+/x==".parse().unwrap();
        assert_eq!(key.name(), "git.example.com/acme/app");
        for bad in [
            "",
            "name",
            "name+0123abcd",
            "name+0123abcd+",
            "+0123abcd+AQ==",
            "na me+0123abcd+AQ==",
            "name+0123ABCD+AQ==",
            "name+0123abc+AQ==",
            "name+0123abcd+A Q==",
            "name+0123abcd+AQ==\n",
        ] {
            assert!(bad.parse::<Vkey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_ledger_key_follows_another_of_the_same_name() {
        let change = |old: &str, new: &str| {
            let (old, new) = (old.parse().unwrap(), new.parse().unwrap());
            LedgerKey {
                old,
                new,
                lost: false,
            }
            .validate()
        };
        assert!(change("a+0123abcd+AQ==", "a+0123abce+Ag==").is_ok());
        assert!(change("a+0123abcd+AQ==", "a+0123abcd+AQ==").is_err());
        assert!(change("a+0123abcd+AQ==", "b+0123abce+Ag==").is_err());
    }
}
