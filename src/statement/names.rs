//! Names that a statement gives: the delivery step, and the predicate's type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::predicate::{self, Predicate};

/// Name of a delivery step: 1 to 64 characters of `[a-z0-9._-]`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Step(String);

/// A predicate type: a URI, compared byte for byte.
///
/// Old types without a scheme exist (`cosign.sigstore.dev/attestation/v1`) and are read;
/// [`PredicateType::resolve`] is the way in for people, and wants a scheme or a known short name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PredicateType(String);

/// Why a text is no step name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "step name {found:?} is not 1 to 64 characters of [a-z0-9._-], the first a letter or digit"
)]
pub struct StepError {
    found: String,
}

/// Why a text is no predicate type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PredicateTypeError {
    /// Not 1 to 512 characters of visible ASCII.
    #[error("predicate type {found:?} is not 1 to 512 characters that may stand in a URI")]
    Characters {
        /// The text.
        found: String,
    },
    /// Neither a short name nor a URI with a scheme.
    #[error("{found:?} is neither a short name of a predicate type nor a URI")]
    Unresolved {
        /// The text.
        found: String,
    },
}

impl Step {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        let bytes = text.as_bytes();
        let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = (1..=64).contains(&bytes.len())
            && plain(&bytes[0])
            && bytes.iter().all(|b| plain(b) || b"._-".contains(b));
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(StepError {
                found: shortened(text),
            }),
        }
    }
}

impl PredicateType {
    /// The type of a typed predicate.
    pub fn of<P: Predicate>() -> Self {
        Self(P::TYPE.to_owned())
    }

    /// What a person means: a short name of [`predicate::SHORT_NAMES`], or a URI with a scheme.
    pub fn resolve(text: &str) -> Result<Self, PredicateTypeError> {
        if let Some(uri) = predicate::uri_of(text) {
            return Ok(Self(uri.to_owned()));
        }
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        match good {
            true => text.parse(),
            false => Err(PredicateTypeError::Unresolved {
                found: shortened(text),
            }),
        }
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The short name, if the type is a known one.
    pub fn short_name(&self) -> Option<&'static str> {
        predicate::short_name_of(&self.0)
    }
}

impl FromStr for PredicateType {
    type Err = PredicateTypeError;

    fn from_str(text: &str) -> Result<Self, PredicateTypeError> {
        let good = (1..=512).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !br#"<>"{}|\^`"#.contains(&b));
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(PredicateTypeError::Characters {
                found: shortened(text),
            }),
        }
    }
}

macro_rules! text_value {
    ($type:ident, $error:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.0
            }
        }
    };
}
pub(crate) use text_value;

text_value!(Step, StepError);
text_value!(PredicateType, PredicateTypeError);

/// At most 80 characters, for error messages about text that nobody has bounded.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
