//! What we write fits `schemas/`, and the schemas and readers refuse the same things.
//!
//! Found by listing the folder: a schema without a sample here, and not named in `ELSEWHERE`, is a failure.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::Path;

use git_docket::policy::Policy;
use git_docket::statement::Statement;
use git_docket::statement::predicate::{
    Cosign, Genesis, LedgerKey, Link, PolicyText, Predicate, Provenance, Roster, Scai,
};
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

#[path = "common/peer.rs"]
mod peer;
#[path = "common/samples.rs"]
mod samples;

/// Folders and files of `schemas/` whose samples other tests have.
const ELSEWHERE: &[&str] = &["output/"];

/// Objects that may hold anything, into which no mutation goes.
const FREE: &[&str] = &[
    "annotations",
    "byproducts",
    "conditions",
    "environment",
    "externalParameters",
    "internalParameters",
    "predicate",
];

/// A sample of ours, and whether our reader takes a value of its kind.
struct Sample {
    value: Value,
    reads: fn(&Value) -> bool,
}

fn sample(schema: &str) -> Option<Sample> {
    fn of<P: Predicate>(predicate: &P) -> Sample {
        Sample {
            value: Value::Object(predicate.to_map().unwrap()),
            reads: |value| {
                value
                    .as_object()
                    .is_some_and(|map| P::from_map(map).is_ok())
            },
        }
    }
    let parsed = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
    let sample = match schema {
        "statement.json" => Sample {
            value: parsed(&samples::statement(&samples::link()).to_bytes().unwrap()),
            reads: |value| {
                let statement = Statement::parse(value.to_string().as_bytes());
                statement.is_ok_and(|statement| statement.placement().is_ok())
            },
        },
        "dsse-envelope.json" => Sample {
            value: parsed(samples::attestation().envelope().to_json().as_bytes()),
            reads: |value| {
                git_docket::envelope::Envelope::parse(value.to_string().as_bytes()).is_ok()
            },
        },
        "bundle.json" => Sample {
            value: parsed(samples::attestation().bytes()),
            reads: |value| {
                git_docket::envelope::Bundle::parse(value.to_string().as_bytes()).is_ok()
            },
        },
        "policy.json" => Sample {
            value: toml::from_str(samples::POLICY).unwrap(),
            reads: |value| toml::to_string(value).is_ok_and(|text| Policy::parse(&text).is_ok()),
        },
        "predicate/provenance.json" => of::<Provenance>(&samples::provenance()),
        "predicate/link.json" => of::<Link>(&samples::link()),
        "predicate/scai.json" => of::<Scai>(&samples::scai()),
        "predicate/genesis.json" => of::<Genesis>(&samples::genesis()),
        "predicate/roster.json" => of::<Roster>(&samples::roster()),
        "predicate/policy.json" => of::<PolicyText>(&samples::policy()),
        "predicate/cosign.json" => of::<Cosign>(&samples::cosign()),
        "predicate/ledger-key.json" => of::<LedgerKey>(&samples::ledger_key()),
        _ => return None,
    };
    Some(sample)
}

/// Every schema, by its path under `schemas/`.
fn schemas() -> Vec<(String, Value)> {
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
    list(&peer::root().join("schemas"), "", &mut found);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Calls `check` with each schema of ours, ready to validate, and its sample.
fn each(check: impl Fn(&str, &Validator, Sample)) {
    let schemas = schemas();
    let mut registry = Registry::new();
    for (_, schema) in &schemas {
        registry = registry
            .add(schema["$id"].as_str().unwrap(), schema)
            .unwrap();
    }
    let registry = registry.prepare().unwrap();
    let mut checked = 0;
    for (name, schema) in &schemas {
        assert!(jsonschema::meta::is_valid(schema), "{name} is no schema");
        let id = format!("https://git-docket.dev/schemas/{name}");
        assert_eq!(schema["$id"], json!(id));
        let Some(sample) = sample(name) else {
            let elsewhere = ELSEWHERE.iter().any(|prefix| name.starts_with(prefix));
            assert!(
                elsewhere,
                "schemas/{name} has no sample: nothing shows that we write it"
            );
            continue;
        };
        let validator = jsonschema::options()
            .with_registry(&registry)
            .build(schema)
            .unwrap();
        check(name, &validator, sample);
        checked += 1;
    }
    assert!(checked >= 12, "only {checked} schemas");
}

#[test]
fn what_we_write_fits_and_is_read() {
    each(|name, validator, sample| {
        let errors: Vec<String> = validator
            .iter_errors(&sample.value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert!(
            (sample.reads)(&sample.value),
            "{name}: our reader refuses our own"
        );
    });
}

#[test]
fn a_value_of_another_kind_is_refused_by_schema_and_reader() {
    each(|name, validator, sample| {
        let places = places(&sample.value);
        assert!(!places.is_empty());
        for place in places {
            let mut bad = sample.value.clone();
            *bad.pointer_mut(&place).unwrap() = json!(-0.5);
            assert!(
                !validator.is_valid(&bad),
                "{name}: the schema takes a number at {place}"
            );
            assert!(
                !(sample.reads)(&bad),
                "{name}: the reader takes a number at {place}"
            );
        }
    });
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    each(|name, validator, sample| {
        let (mut taken, mut refused) = (0, 0);
        for place in places(&sample.value) {
            let (parent, last) = place.rsplit_once('/').unwrap();
            let mut without = sample.value.clone();
            match without.pointer_mut(parent).unwrap() {
                Value::Object(map) => drop(map.remove(last)),
                Value::Array(list) => drop(list.remove(last.parse().unwrap())),
                _ => unreachable!("a place has a parent that holds it"),
            }
            let mut more = sample.value.clone();
            if let Value::Object(map) = more.pointer_mut(parent).unwrap() {
                map.insert("unknown".to_owned(), json!("x"));
            }
            let mut empty = sample.value.clone();
            *empty.pointer_mut(&place).unwrap() = json!("");
            for changed in [without, more, empty] {
                let (read, fits) = ((sample.reads)(&changed), validator.is_valid(&changed));
                assert!(
                    fits || !read,
                    "{name}: read, but does not fit, around {place}: {changed}"
                );
                match read {
                    true => taken += 1,
                    false => refused += 1,
                }
            }
        }
        assert!(refused > 0, "{name}: nothing was refused ({taken} taken)");
    });
}

#[test]
fn governance_refuses_unknown_fields_everywhere() {
    each(|name, validator, sample| {
        let closed = [
            "policy.json",
            "predicate/genesis.json",
            "predicate/roster.json",
            "predicate/policy.json",
        ];
        let closed = [
            &closed[..],
            &["predicate/cosign.json", "predicate/ledger-key.json"],
        ]
        .concat();
        if !closed.contains(&name) {
            return;
        }
        let mut parents: Vec<String> = places(&sample.value)
            .iter()
            .map(|p| p.rsplit_once('/').unwrap().0.to_owned())
            .collect();
        parents.dedup();
        for parent in parents {
            let mut bad = sample.value.clone();
            let Value::Object(map) = bad.pointer_mut(&parent).unwrap() else {
                continue;
            };
            map.insert("unknown".to_owned(), json!("x"));
            assert!(
                !validator.is_valid(&bad),
                "{name}: the schema takes an unknown field in {parent:?}"
            );
            assert!(
                !(sample.reads)(&bad),
                "{name}: the reader takes an unknown field in {parent:?}"
            );
        }
    });
}

/// JSON pointers to everything inside a value, but not inside free objects.
fn places(value: &Value) -> Vec<String> {
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
