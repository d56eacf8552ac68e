//! What runs, and what is to run: read from files that other tools write anyway.
//!
//! [`seen`] reads inventories (kubectl, ECS, docker, CSV), [`planned`] what a deployment puts to work (Kubernetes and Helm
//! manifests, Terraform, docker), [`index`] what an image index contains. Everything goes by digest: an image that is named by a
//! tag alone may be another one tomorrow, so it is left out of an inventory, by name, and refused in a deployment.
//!
//! A service is called what its labels say (`app.kubernetes.io/name`, `app`), else as its object; where a pod has several
//! containers, one that is not called so is `service/container`.

pub mod index;
pub mod planned;
pub mod seen;

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use crate::canonical;
use crate::statement::DigestSet;

/// No file of these kinds is larger: 64 MiB.
pub const LIMIT: usize = 64 << 20;

/// Something that runs, or is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What people call it.
    pub name: String,
    /// The image or file, without tag and digest.
    pub artifact: Option<String>,
    /// What it is.
    pub digest: DigestSet,
    /// How many of it; none where the file does not say.
    pub replicas: Option<u64>,
}

/// Something that a file names, and that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Why a file is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Too large.
    #[error("it is larger than 64 MiB")]
    TooLarge,
    /// No UTF-8.
    #[error("it is no UTF-8 text")]
    Text(#[from] std::str::Utf8Error),
    /// No JSON, a key that stands twice, or too deep.
    #[error("it is no JSON")]
    Json(#[from] canonical::Error),
    /// No YAML.
    #[error("it is no YAML")]
    Yaml(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No CSV.
    #[error("it is no CSV")]
    Csv(#[from] csv::Error),
    /// CSV without the columns.
    #[error("it has no column {column}; there must be service and digest, and may be replicas")]
    Column {
        /// Which.
        column: &'static str,
    },
    /// A line that breaks the rules.
    #[error("line {line}: {why}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// Why.
        why: String,
    },
    /// Another kind of file.
    #[error("it is not what {tool} writes: {why}")]
    Shape {
        /// Which.
        tool: &'static str,
        /// What is missing.
        why: &'static str,
    },
    /// An image that a tag names.
    #[error("{service} runs {image:?}, which is not named by its digest")]
    NotPinned {
        /// Whose.
        service: String,
        /// The image.
        image: String,
    },
    /// Nothing in it.
    #[error("nothing is named in it that runs")]
    Nothing,
    /// A name or digest that cannot be recorded.
    #[error("{what} cannot be recorded: {why}")]
    Word {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    match bytes.len() > LIMIT {
        true => Err(Error::TooLarge),
        false => Ok(std::str::from_utf8(bytes)?),
    }
}

fn json(bytes: &[u8]) -> Result<Value, Error> {
    match bytes.len() > LIMIT {
        true => Err(Error::TooLarge),
        false => Ok(canonical::parse_strict(bytes)?),
    }
}

/// An image's name without tag, and its digest: `docker-pullable://ghcr.io/acme/api:1@sha256:…`.
fn image(reference: &str) -> Option<(String, DigestSet)> {
    let reference = reference
        .split_once("://")
        .map_or(reference, |(_, rest)| rest);
    let (name, digest) = reference.rsplit_once('@')?;
    let name = without_tag(name);
    (!name.is_empty()).then_some(())?;
    Some((name.to_owned(), digest_of(digest)?))
}

fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

/// `sha256:…`
fn digest_of(text: &str) -> Option<DigestSet> {
    let hex = text.strip_prefix("sha256:")?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then_some(())?;
    DigestSet::new([("sha256".to_owned(), hex.to_owned())].into()).ok()
}

/// A service's name as labels give it, or else.
fn called<'a>(labels: &'a Value, otherwise: &'a str) -> &'a str {
    let named = ["app.kubernetes.io/name", "app", "k8s-app"];
    let label = named.iter().find_map(|label| labels[*label].as_str());
    label.filter(|label| !label.is_empty()).unwrap_or(otherwise)
}

/// A container's own name within a service.
fn within(service: &str, container: &str, containers: usize) -> String {
    match containers > 1 && container != service {
        true => format!("{service}/{container}"),
        false => service.to_owned(),
    }
}

/// The same service and digest once, with how many there are.
fn counted(seen: impl IntoIterator<Item = Service>) -> Vec<Service> {
    let mut counted: BTreeMap<(String, String), Service> = BTreeMap::new();
    for service in seen {
        let digests: Vec<String> = service
            .digest
            .iter()
            .map(|(alg, hex)| format!("{alg}:{hex}"))
            .collect();
        let key = (service.name.clone(), digests.join(","));
        match counted.get_mut(&key) {
            Some(known) => {
                let both = known.replicas.zip(service.replicas);
                known.replicas = both.map(|(a, b)| a.saturating_add(b));
            }
            None => drop(counted.insert(key, service)),
        }
    }
    counted.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_by_digest() {
        let hex = "a".repeat(64);
        for (reference, name) in [
            (
                format!("ghcr.io/acme/api@sha256:{hex}"),
                Some("ghcr.io/acme/api"),
            ),
            (
                format!("docker-pullable://h:5000/api:1.2@sha256:{hex}"),
                Some("h:5000/api"),
            ),
            (format!("h:5000/api@sha256:{hex}"), Some("h:5000/api")),
            (format!("sha256:{hex}"), None),
            ("api:latest".to_owned(), None),
            (format!("api@sha256:{}", &hex[1..]), None),
            (format!("api@sha512:{hex}"), None),
            (format!("@sha256:{hex}"), None),
        ] {
            let found = image(&reference);
            assert_eq!(
                found.as_ref().map(|(name, _)| name.as_str()),
                name,
                "{reference}"
            );
        }
    }
}
