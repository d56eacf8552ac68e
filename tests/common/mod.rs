//! What the end-to-end tests share.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the testkit"
)]

pub mod ledger;
pub mod world;

/// A schema of `schemas/`.
pub fn schema(name: &str) -> jsonschema::Validator {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the schema is part of the package");
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("a schema is sound")
}

/// Fails unless a JSON text fits a schema.
pub fn fits(schema: &jsonschema::Validator, text: &str) {
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let errors: Vec<String> = schema
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
}
