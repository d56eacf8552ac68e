//! The schemas of `schemas/`, ready to hold a value against.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and fails where it unwraps"
)]

use std::{fs, path::Path};

use jsonschema::{Registry, Validator};
use serde_json::Value;

/// Objects that may hold anything, into which no mutation goes.
const FREE: &[&str] = &[
    "annotations",
    "attestation",
    "byproducts",
    "conditions",
    "environment",
    "externalParameters",
    "internalParameters",
    "predicate",
];

/// Every schema, by its path under `schemas/`, sorted.
pub fn all() -> Vec<(String, Value)> {
    fn list(folder: &Path, prefix: &str, found: &mut Vec<(String, Value)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => list(&entry.path(), &format!("{name}/"), found),
                false => found.push((
                    name,
                    serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap(),
                )),
            }
        }
    }
    let mut found = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    list(&folder, "", &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// One of the schemas, by its path under `schemas/`; it may refer to the others.
pub fn schema(name: &str) -> Validator {
    let schemas = all();
    let mut registry = Registry::new();
    for (_, schema) in &schemas {
        registry = registry
            .add(schema["$id"].as_str().unwrap(), schema)
            .unwrap();
    }
    let (_, schema) = schemas
        .iter()
        .find(|(known, _)| known == name)
        .unwrap_or_else(|| panic!("no schemas/{name}"));
    jsonschema::options()
        .with_registry(&registry.prepare().unwrap())
        .build(schema)
        .unwrap()
}

/// Fails unless a value fits a schema.
pub fn value_fits(schema: &Validator, value: &Value) {
    let errors: Vec<String> = schema
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{value:#}\n{errors:#?}");
}

/// Fails unless a JSON text fits a schema.
pub fn fits(schema: &Validator, text: &str) {
    value_fits(schema, &serde_json::from_str(text).expect("JSON"));
}

/// Fails unless each predicate that `log -o json` shows fits the schema of its type.
pub fn predicates_fit(log: &str) {
    let mut validators = std::collections::BTreeMap::new();
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).expect("JSON");
        let statement = &entry["statement"];
        let uri = statement["predicateType"].as_str().expect("a type");
        let known = git_docket::statement::PredicateType::resolve(uri).expect("a type");
        // SPDX has a type for each version.
        let name = known.short_name().unwrap_or("spdx").to_owned();
        let validator = validators
            .entry(name.clone())
            .or_insert_with(|| schema(&format!("predicate/{name}.json")));
        value_fits(validator, &statement["predicate"]);
    }
    assert!(!validators.is_empty(), "nothing was said");
}

/// JSON pointers to everything inside a value, but not inside free objects.
pub fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        let mut child = |name: &str, value: &Value| {
            let place = format!("{at}/{name}");
            found.push(place.clone());
            if !FREE.contains(&name) {
                walk(value, &place, found);
            }
        };
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| child(name, value)),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(i, value)| child(&i.to_string(), value)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}
