//! Bills of material as predicates: CycloneDX (ECMA-424) and SPDX 2.3 and 3.0. The document is the predicate;
//! what is read here is what tells one from another document, and which components it names.

use serde::{Deserialize, Serialize};

use super::{Error, Predicate, not_empty};

/// A CycloneDX document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycloneDx {
    /// `CycloneDX`
    pub bom_format: String,
    /// `1.6`
    pub spec_version: String,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<CycloneDxComponent>,
}

/// A component; its own components are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CycloneDxComponent {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its package URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<CycloneDxComponent>,
}

impl Predicate for CycloneDx {
    const TYPE: &'static str = "https://cyclonedx.org/bom";

    fn validate(&self) -> Result<(), Error> {
        not_empty("specVersion", &self.spec_version)?;
        match self.bom_format.as_str() {
            "CycloneDX" => Ok(()),
            _ => Err(Error::Broken {
                rule: "bomFormat is CycloneDX",
            }),
        }
    }
}

/// An SPDX document: 2.x by `spdxVersion`, 3.x by `@context` and `@graph`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spdx {
    /// `SPDX-2.3`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spdx_version: Option<String>,
    /// `https://spdx.org/rdf/3.0.1/spdx-context.jsonld`
    #[serde(default, rename = "@context", skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What 2.x names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<SpdxPackage>,
    /// What 3.x names.
    #[serde(default, rename = "@graph", skip_serializing_if = "Vec::is_empty")]
    pub graph: Vec<SpdxElement>,
}

/// A package of SPDX 2.x.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpdxPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_info: Option<String>,
    /// Its names elsewhere, the package URL among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_refs: Vec<SpdxExternalRef>,
}

/// A name of an SPDX 2.x package elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpdxExternalRef {
    /// `purl`, `cpe23Type`
    pub reference_type: String,
    /// The name.
    pub reference_locator: String,
}

/// An element of SPDX 3.x.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpdxElement {
    /// `software_Package`, for the components.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(
        default,
        rename = "software_packageVersion",
        skip_serializing_if = "Option::is_none"
    )]
    pub version: Option<String>,
    /// Its package URL.
    #[serde(
        default,
        rename = "software_packageUrl",
        skip_serializing_if = "Option::is_none"
    )]
    pub purl: Option<String>,
}

impl Predicate for Spdx {
    const TYPE: &'static str = "https://spdx.dev/Document";

    fn validate(&self) -> Result<(), Error> {
        let version = self
            .spdx_version
            .as_deref()
            .is_some_and(|version| version.starts_with("SPDX-2."));
        let context = self
            .context
            .as_deref()
            .is_some_and(|context| context.starts_with("https://spdx.org/rdf/3."));
        match version != context {
            true => Ok(()),
            false => Err(Error::Broken {
                rule: "an SPDX document has either spdxVersion SPDX-2.x or the @context of SPDX 3.x",
            }),
        }
    }
}
