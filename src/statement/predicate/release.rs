//! in-toto release v0.2: <https://github.com/in-toto/attestation/blob/main/spec/predicates/release.md>.
//!
//! The subjects are the tag object, the commit, the tree and the artifacts.

use serde::{Deserialize, Serialize};

use super::{Error, Predicate, Reference};

/// A release: what it is called, and what it relies on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Package URL, with a version.
    pub purl: String,
    /// The package's id in its registry, stable over renames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_id: Option<String>,
    /// The release's id in its registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_id: Option<String>,
    /// The tag, by full ref name. Ours, and others ignore it.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The entries it relies on. Ours, and others ignore it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub basis: Vec<Reference>,
}

impl Predicate for Release {
    const TYPE: &'static str = "https://in-toto.io/attestation/release/v0.2";

    fn validate(&self) -> Result<(), Error> {
        let version = self.purl.strip_prefix("pkg:").and_then(|rest| {
            let path = rest.split(['?', '#']).next()?;
            path.rsplit_once('@').map(|(_, version)| version)
        });
        match version {
            Some(version) if !version.is_empty() => Ok(()),
            _ => Err(Error::Broken {
                rule: "purl is a package URL with a version, such as pkg:cargo/app@1.2.0",
            }),
        }
    }
}
