//! SLSA build provenance v1: <https://slsa.dev/spec/v1.0/provenance>.
//!
//! The required fields are `buildDefinition.buildType`, `buildDefinition.externalParameters` and
//! `runDetails.builder.id`; unknown fields are ignored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Predicate, ResourceDescriptor, not_empty};
use crate::digest::{Algorithm, ObjectId};
use crate::timestamp::Timestamp;

/// How something was built, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The input of the build.
    pub build_definition: BuildDefinition,
    /// This particular execution.
    pub run_details: RunDetails,
}

/// The input of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// URI that says how to read the parameters.
    pub build_type: String,
    /// What the build's user controls.
    pub external_parameters: Map<String, Value>,
    /// What the builder controls.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub internal_parameters: Map<String, Value>,
    /// What went in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolved_dependencies: Vec<ResourceDescriptor>,
}

/// One execution of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    /// What ran it.
    pub builder: Builder,
    /// When, and under which id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BuildMetadata>,
    /// What else came out (logs, for example), which is no product.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byproducts: Vec<ResourceDescriptor>,
}

/// What ran a build, and is trusted to have done so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Builder {
    /// URI.
    pub id: String,
    /// What the builder itself consists of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builder_dependencies: Vec<ResourceDescriptor>,
    /// Versions of the builder's parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// When a build ran. Times are the builder's claims.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildMetadata {
    /// The builder's own id of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation_id: Option<String>,
    /// Start.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub started_on: Option<Timestamp>,
    /// End.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "lenient_time"
    )]
    pub finished_on: Option<Timestamp>,
}

impl Provenance {
    /// The commits that it was built from, as its dependencies name them (`gitCommit`, or `sha1` as SLSA's examples have
    /// it); only those as long as the algorithm's ids.
    pub fn commits(&self, algorithm: Algorithm) -> Vec<ObjectId> {
        let all = &self.build_definition.resolved_dependencies;
        let digests = all.iter().filter_map(|one| one.digest.as_ref());
        digests
            .filter_map(|digest| digest.get("gitCommit").or_else(|| digest.get("sha1")))
            .filter_map(|hex| ObjectId::from_hex(algorithm, hex).ok())
            .collect()
    }
}

impl Predicate for Provenance {
    const TYPE: &'static str = "https://slsa.dev/provenance/v1";

    fn validate(&self) -> Result<(), Error> {
        not_empty(
            "buildDefinition.buildType",
            &self.build_definition.build_type,
        )?;
        not_empty("runDetails.builder.id", &self.run_details.builder.id)
    }
}

/// Other builders write offsets and fractions; we write neither.
pub(super) mod lenient_time {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| Timestamp::parse_rfc3339(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}
