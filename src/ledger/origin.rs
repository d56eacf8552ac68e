//! The ledger's name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::Sha256;

/// A ledger's name: a schema-less URL such as `git.example.com/acme/app`, and the C2SP key name of its
/// seals.
///
/// 1 to 255 characters of `A-Z a-z 0-9 . _ ~ : / -`, segments between slashes never empty. Compared byte
/// for byte; nothing is normalised.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Nothing, or more than 255 characters.
    #[error("an origin has 1 to 255 characters, this one has {length}")]
    Length {
        /// Characters seen.
        length: usize,
    },
    /// A character outside the grammar.
    #[error(
        "an origin is written with letters, digits and . _ ~ : / - (a URL without its scheme); {character:?} is none of them"
    )]
    Character {
        /// The first offender.
        character: char,
    },
    /// An empty segment: a slash at either end, or two in a row.
    #[error("an origin has no empty segment: no slash at its ends, no two in a row")]
    EmptySegment,
}

impl Origin {
    /// The origin that a remote's URL suggests: host and path, without scheme, user, port and `.git`.
    ///
    /// Understands `https://`, `ssh://`, `git://` and scp-like `user@host:path`; a path on this machine
    /// suggests nothing.
    pub fn from_remote_url(url: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some(("file", _)) => return None,
            Some((_, rest)) => rest.split_once('/')?,
            None => url
                .split_once(':')
                .filter(|(host, _)| !host.contains('/'))?,
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        if host.is_empty() || path.is_empty() {
            return None;
        }
        format!("{}/{path}", host.to_ascii_lowercase()).parse().ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the first link names as its predecessor:
    /// `SHA-256("git-docket/genesis/v1\n" || origin || "\n")`.
    pub fn genesis_prev(&self) -> Sha256 {
        Sha256::of_parts(&[b"git-docket/genesis/v1\n", self.0.as_bytes(), b"\n"])
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.is_empty() || text.len() > 255 {
            return Err(OriginError::Length {
                length: text.chars().count(),
            });
        }
        if let Some(character) = text
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || "._~:/-".contains(*c)))
        {
            return Err(OriginError::Character { character });
        }
        if text.split('/').any(str::is_empty) {
            return Err(OriginError::EmptySegment);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_from_remote_urls() {
        for (url, origin) in [
            (
                "https://git.example.com/acme/app.git",
                Some("git.example.com/acme/app"),
            ),
            (
                "https://user:pw@Git.Example.com:8443/acme/app",
                Some("git.example.com/acme/app"),
            ),
            (
                "git@git.example.com:acme/app.git",
                Some("git.example.com/acme/app"),
            ),
            (
                "ssh://git@git.example.com:22/acme/app.git/",
                Some("git.example.com/acme/app"),
            ),
            ("/srv/git/app.git", None),
            ("../app.git", None),
            ("file:///srv/git/app.git", None),
            ("https://git.example.com/", None),
        ] {
            assert_eq!(
                Origin::from_remote_url(url).as_ref().map(Origin::as_str),
                origin,
                "{url}"
            );
        }
    }

    #[test]
    fn refuses_what_no_origin_can_be() {
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "https://a/b",
            "a b",
            "a+b",
            "a\nb",
            "é",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(256).parse::<Origin>().is_err());
    }
}
