//! Bills of materials, which are predicates themselves.

use serde_json::Value;

use super::{Error, Kind, Says, shape};
use crate::statement::PredicateType;
use crate::statement::predicate;

/// The document as its type's predicate; it must have what the type asks for.
pub(super) fn read(kind: Kind, value: Value) -> Result<Says, Error> {
    let Value::Object(document) = value else {
        return Err(shape(kind, "it", "is no object"));
    };
    let name = match kind {
        Kind::CycloneDx => "https://cyclonedx.org/bom",
        Kind::Spdx2
            if document
                .get("spdxVersion")
                .is_some_and(|version| version == "SPDX-2.3") =>
        {
            "https://spdx.dev/Document/v2.3"
        }
        Kind::Spdx2 => "https://spdx.dev/Document",
        _ => "https://spdx.dev/Document/v3",
    };
    let predicate_type: PredicateType = name.parse().expect("a URI");
    predicate::check(&predicate_type, &document)
        .map_err(|_| shape(kind, "it", "lacks what its type must have"))?;
    Ok(Says::Document(predicate_type, document))
}
