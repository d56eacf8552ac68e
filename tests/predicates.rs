//! Predicates that are not as they should be: each is refused with a message that says where and why.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use git_docket::manual;
use git_docket::statement::PredicateType;
use git_docket::statement::predicate::{self, Known};
use serde_json::{Value, json};

#[path = "common/samples.rs"]
mod samples;
#[path = "common/schemas.rs"]
mod schemas;

/// The types that have a page of their own, by short name.
fn documented() -> impl Iterator<Item = &'static str> {
    manual::PAGES
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("predicate/"))
}

/// What reading a predicate says, with all its sources.
fn read(name: &str, value: &Value) -> Result<Known, String> {
    let predicate_type = PredicateType::resolve(name).unwrap();
    let known = Known::read(&predicate_type, value.as_object().unwrap());
    known.map(Option::unwrap).map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    })
}

/// The example with one place changed; `null` takes the place out.
fn with(name: &str, place: &str, put: Value) -> Value {
    let mut value = samples::documented(name);
    let (parent, last) = place.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match (parent, put) {
        (Value::Object(map), Value::Null) => drop(map.remove(last).unwrap()),
        (Value::Object(map), put) => drop(map.insert(last.to_owned(), put)),
        (Value::Array(list), put) => list[last.parse::<usize>().unwrap()] = put,
        _ => panic!("{name}: no {place}"),
    }
    value
}

#[test]
fn every_short_name_has_a_page_and_is_read_by_its_own_type() {
    assert_eq!(documented().count(), 24);
    let page = manual::page("predicates").unwrap();
    for name in documented() {
        assert!(read(name, &samples::documented(name)).is_ok(), "{name}");
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not on the page predicates"
        );
    }
    for (name, uri) in predicate::SHORT_NAMES {
        let said = manual::page(&format!("predicate/{name}")).or_else(|| manual::page("statement"));
        assert!(said.unwrap().contains(name), "{name}");
        // An empty object is nobody's predicate: so each type is checked.
        assert!(read(name, &json!({})).is_err(), "{name} {uri}");
    }
}

#[test]
fn a_wrong_kind_of_value_is_refused_and_its_field_named() {
    for name in documented() {
        for place in schemas::places(&samples::documented(name)) {
            let error = read(name, &with(name, &place, json!(-0.5))).unwrap_err();
            let field = place
                .split('/')
                .rev()
                .find(|part| part.parse::<usize>().is_err())
                .unwrap();
            // What says who acted is read after the rest, and says its own name or that of its form.
            let asserted = ["/actor", "/assertedBy", "/observer"]
                .iter()
                .any(|start| place.starts_with(start));
            let digests =
                place.contains("igest") || place.contains("artifact") || place.contains("Artifact");
            let flattened = place.starts_with("/covers") || place.starts_with("/attribution/files");
            assert!(
                asserted || digests || flattened || error.contains(field),
                "{name} {place}: {error}"
            );
        }
    }
}

#[test]
fn what_must_be_there_is_missed_by_name() {
    for name in documented() {
        let example = samples::documented(name);
        let schema: Value = schemas::all()
            .into_iter()
            .find(|(of, _)| *of == format!("predicate/{name}.json"))
            .unwrap()
            .1;
        for field in schema["required"].as_array().into_iter().flatten() {
            let field = field.as_str().unwrap();
            let mut without = example.clone();
            without.as_object_mut().unwrap().remove(field).unwrap();
            let error = read(name, &without).unwrap_err();
            assert!(
                error.contains(&format!("missing field `{field}`")),
                "{name}: {error}"
            );
        }
    }
}

#[test]
fn each_further_rule_is_held_and_named() {
    let other = format!("sha1:{}", "7".repeat(40));
    let rows: Vec<(&str, &str, Value, &str)> = vec![
        ("change", "/id", json!(""), "id is empty"),
        ("change", "/id", json!("direct"), "id is not \"direct\""),
        (
            "change",
            "/base/ref",
            json!("main"),
            "\"main\" is no full ref name",
        ),
        (
            "change",
            "/base/ref",
            json!("refs/heads/a b"),
            "is no full ref name",
        ),
        ("change", "/authors", json!([]), "authors is empty"),
        (
            "change",
            "/reason/kind",
            json!("whim"),
            "\"whim\" is none of feature, fix, security",
        ),
        (
            "change",
            "/actor",
            json!({"forge": "github.com"}),
            "a person is an id",
        ),
        (
            "change",
            "/actor",
            json!({"email": ""}),
            "a person is an id",
        ),
        (
            "change",
            "/actor",
            json!("a person"),
            "person id \"a person\"",
        ),
        (
            "change",
            "/observer",
            Value::Null,
            "observer is there, with its source",
        ),
        (
            "change",
            "/observer/source",
            Value::Null,
            "observer is there, with its source",
        ),
        (
            "change",
            "/assertedBy",
            json!("self"),
            "actor is named by person id",
        ),
        (
            "change",
            "/assertedBy",
            json!("rumour"),
            "\"rumour\" is none of self, observed",
        ),
        ("change", "/head/commit", json!("4f2c"), "head.commit"),
        ("change", "/lines/added", json!(-1), "lines.added"),
        (
            "landing",
            "/changeId",
            json!("direct"),
            "changeId is \"direct\" where method is",
        ),
        (
            "landing",
            "/method",
            json!("direct"),
            "changeId is \"direct\" where method is",
        ),
        (
            "landing",
            "/commits",
            json!([]),
            "commits ends with the commit in to",
        ),
        (
            "landing",
            "/to",
            json!(other),
            "commits ends with the commit in to",
        ),
        (
            "landing",
            "/ref",
            json!("HEAD"),
            "\"HEAD\" is no full ref name",
        ),
        (
            "review",
            "/reviewer",
            json!("grace"),
            "reviewer is the actor",
        ),
        (
            "review",
            "/finishedOn",
            json!("2026-11-22T09:00:00Z"),
            "finishedOn is before startedOn",
        ),
        (
            "review",
            "/finishedOn",
            json!("2026-11-22T11:00:00+01:00"),
            "finishedOn",
        ),
        (
            "review",
            "/findings/resolved",
            json!(5),
            "at most findings.opened",
        ),
        (
            "approval",
            "/approver",
            json!("grace"),
            "approver is the actor",
        ),
        ("approval", "/covers/base", Value::Null, "covers fits scope"),
        (
            "approval",
            "/covers/tree",
            Value::Null,
            "covers holds one of three",
        ),
        (
            "approval",
            "/covers/digest",
            json!(format!("sha256:{}", "a".repeat(64))),
            "covers holds one of three",
        ),
        ("approval", "/scope", json!("policy"), "covers fits scope"),
        ("approval", "/quorum", json!(0), "quorum is at least 1"),
        (
            "approval",
            "/basis/0/attestation",
            json!("b".repeat(64)),
            "not sha256: and 64",
        ),
        ("deployment", "/service", json!(""), "service is empty"),
        (
            "deployment",
            "/environment/name",
            json!(""),
            "environment.name is empty",
        ),
        (
            "deployment",
            "/environment/tier",
            json!("live"),
            "\"live\" is none of dev, test, stage, prod",
        ),
        (
            "deployment",
            "/finishedOn",
            json!("2026-11-22T09:00:00Z"),
            "finishedOn is before startedOn",
        ),
        (
            "deployment",
            "/artifact/digest",
            json!({}),
            "digest set is empty",
        ),
        (
            "deployment",
            "/artifact/digest/sha256",
            json!("abc"),
            "is no digest of algorithm",
        ),
        (
            "inventory",
            "/source/tool",
            json!(""),
            "source.tool is empty",
        ),
        (
            "inventory",
            "/items/0/service",
            json!(""),
            "items[].service is empty",
        ),
        ("contains", "/children", json!([]), "children is empty"),
        (
            "outcome",
            "/restoredOn",
            json!("2026-11-22T11:00:00Z"),
            "restoredOn is before detectedOn",
        ),
        ("outcome", "/kind", json!("fine"), "is none of degraded"),
        ("measurement", "/metrics", json!([]), "metrics is empty"),
        (
            "measurement",
            "/metrics/0/value",
            json!("4.1e2"),
            "no decimal number",
        ),
        (
            "measurement",
            "/metrics/0/value",
            json!("500.01"),
            "result is not pass",
        ),
        (
            "measurement",
            "/thresholds/0/metric",
            json!("sum"),
            "thresholds[].metric is the name of one",
        ),
        (
            "measurement",
            "/window/until",
            json!("2026-10-01T00:00:00Z"),
            "window.until is before window.from",
        ),
        ("measurement", "/gate/name", json!(""), "gate.name is empty"),
        (
            "exception",
            "/checks",
            json!([]),
            "checks names at least one",
        ),
        (
            "exception",
            "/checks/0",
            json!("four-eyes"),
            "checks names at least one",
        ),
        (
            "exception",
            "/retroReview",
            Value::Null,
            "where breakGlass is true",
        ),
        (
            "exception",
            "/expires",
            json!("2026-11-01T00:00:00Z"),
            "expires is before effectiveFrom",
        ),
        ("exception", "/reason", json!(""), "reason is empty"),
        (
            "correction",
            "/replacement",
            Value::Null,
            "replacement is there where kind is supersede",
        ),
        (
            "correction",
            "/kind",
            json!("retract"),
            "replacement is there where kind is supersede",
        ),
        (
            "correction",
            "/replacement/attestation",
            json!(format!("sha256:{}", "b".repeat(64))),
            "another entry than about",
        ),
        (
            "ai-assistance",
            "/operator",
            Value::Null,
            "operator is there unless kind is none",
        ),
        (
            "ai-assistance",
            "/kind",
            json!("none"),
            "no sessions and no attribution",
        ),
        (
            "ai-assistance",
            "/attribution/lines/ai",
            json!(61),
            "add up to total",
        ),
        (
            "ai-assistance",
            "/attribution/lines/ai",
            json!(u64::MAX),
            "add up to total",
        ),
        (
            "ai-assistance",
            "/attribution/method",
            json!("trailer"),
            "a trailer tells no share",
        ),
        (
            "ai-assistance",
            "/sessions/0/prompt/text",
            json!("Write me a parser"),
            "unknown field /sessions/0/prompt/text",
        ),
        (
            "ai-assistance",
            "/prompt",
            json!("Write me a parser"),
            "unknown field /prompt",
        ),
        (
            "ai-assistance",
            "/sessions/0/tools/0/arguments",
            json!(["--all"]),
            "unknown field /sessions/0/tools/0/arguments",
        ),
        (
            "ai-assistance",
            "/sessions/0/id",
            json!("Write me\na parser"),
            "is not a name",
        ),
        (
            "ai-assistance",
            "/sessions/0/role",
            json!("x".repeat(257)),
            "is not a name",
        ),
        ("test-result", "/tests/total", json!(5), "add up to total"),
        (
            "test-result",
            "/result",
            json!("PASSED"),
            "result is FAILED where tests.failed is not 0",
        ),
        (
            "test-result",
            "/result",
            json!("passed"),
            "is none of PASSED, WARNED, FAILED",
        ),
        ("vulns", "/scanner/uri", json!(""), "scanner.uri is empty"),
        (
            "vulns",
            "/scanner/result/0/id",
            json!(""),
            "scanner.result[].id is empty",
        ),
        (
            "release",
            "/purl",
            json!("pkg:cargo/app"),
            "purl is a package URL with a version",
        ),
        (
            "release",
            "/purl",
            json!("app@1"),
            "purl is a package URL with a version",
        ),
        ("reference", "/references", json!([]), "references is empty"),
        ("vsa", "/resourceUri", json!(""), "resourceUri is empty"),
        ("svr", "/properties", json!([]), "properties is empty"),
        (
            "cyclonedx",
            "/bomFormat",
            json!("SPDX"),
            "bomFormat is CycloneDX",
        ),
        ("spdx", "/spdxVersion", Value::Null, "either spdxVersion"),
    ];
    for (name, place, put, expected) in rows {
        let error = read(name, &with(name, place, put)).unwrap_err();
        assert!(error.contains(expected), "{name} {place}: {error}");
    }
}

#[test]
fn the_versions_of_spdx_are_one_type_and_others_are_carried() {
    let spdx = samples::documented("spdx");
    let read = |uri: &str| Known::read(&uri.parse().unwrap(), spdx.as_object().unwrap());
    for uri in [
        "https://spdx.dev/Document",
        "https://spdx.dev/Document/v2.3",
        "https://spdx.dev/Document/v3",
    ] {
        assert!(matches!(read(uri), Ok(Some(Known::Spdx(_)))), "{uri}");
    }
    assert_eq!(read("https://example.com/anything/v1").unwrap(), None);
}
