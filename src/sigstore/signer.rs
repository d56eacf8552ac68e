//! Whom a bundle is expected to be of: an identity that an issuer vouched for, or a key.

use std::fmt;

use regex::Regex;
use sigstore_types::DerPublicKey;

/// Whom a bundle is expected to be of.
#[derive(Debug, Clone)]
pub enum Signer {
    /// The holder of a short-lived certificate.
    Identity(Expected),
    /// The holder of this key.
    Key(Key),
}

/// An identity and its issuer.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The certificate's subject alternative name.
    pub identity: Matcher,
    /// Who vouched for it: an OIDC issuer's URL.
    pub issuer: Matcher,
}

/// A text, or a pattern over the whole of a text.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// The text.
    Exact(String),
    /// A regular expression that the whole text must match.
    Pattern(Regex),
}

/// A public key (DER SubjectPublicKeyInfo).
#[derive(Debug, Clone)]
pub struct Key(DerPublicKey);

/// Why a pattern is none.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not a regular expression")]
pub struct MatcherError(#[from] regex::Error);

/// Why a text holds no public key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// Neither PEM nor DER of a key.
    #[error("no public key in PEM (RFC 7468)")]
    Pem,
    /// A key of a kind that is not verified.
    #[error("a key of a kind that is not verified")]
    Kind,
}

impl Signer {
    /// A key in PEM (`PUBLIC KEY`).
    pub fn key_from_pem(text: &str) -> Result<Self, SignerError> {
        let key = DerPublicKey::from_pem(text).map_err(|_| SignerError::Pem)?;
        sigstore_crypto::KeyAlgorithm::from_spki(&key).map_err(|_| SignerError::Kind)?;
        Ok(Self::Key(Key(key)))
    }
}

impl Key {
    pub(super) fn der(&self) -> &DerPublicKey {
        &self.0
    }
}

impl Matcher {
    /// A pattern over the whole text; it need not say `^` and `$`.
    pub fn pattern(text: &str) -> Result<Self, MatcherError> {
        // Compiled alone first, so that no unbalanced bracket reaches out of the group around it.
        Regex::new(text)?;
        Ok(Self::Pattern(Regex::new(&format!("^(?:{text})$"))?))
    }

    /// Whether it is this text.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(expected) => text == expected,
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "{text:?}"),
            Self::Pattern(pattern) => {
                let text = pattern.as_str();
                let inner = text
                    .strip_prefix("^(?:")
                    .and_then(|text| text.strip_suffix(")$"));
                write!(f, "the pattern {:?}", inner.unwrap_or(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_over_the_whole_text() {
        let pattern = Matcher::pattern("https://a|https://b/.*").expect("a pattern");
        assert!(pattern.matches("https://a"));
        assert!(pattern.matches("https://b/c"));
        assert!(!pattern.matches("https://a/evil"));
        assert!(!pattern.matches("x https://b/c"));
        assert_eq!(
            pattern.to_string(),
            "the pattern \"https://a|https://b/.*\""
        );
        for bad in ["(", "a)(b", "["] {
            assert!(Matcher::pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn multi_line_flags_do_not_open_the_ends() {
        let pattern = Matcher::pattern("(?m)^a$").expect("a pattern");
        assert!(!pattern.matches("a\nb"));
    }
}
