//! `import --harness-audit`: each event by its digest, none twice, and what is no event refused with its line.

mod common;

use common::schemas;
use common::world::World;
use git_docket::digest::Sha256;
use serde_json::{Value, json};

fn event(id: &str, action: &str) -> String {
    json!({
        "auditEventId": id, "auditModule": "CD", "auditAction": action,
        "auditEventTime": 1_760_000_000_123_u64,
        "auditResource": {"type": "PIPELINE", "identifier": "deploy"},
        "auditResourceScope": {"accountIdentifier": "acme", "orgIdentifier": "default", "projectIdentifier": "shop"},
        "auditEventAuthor": {"principal": {"type": "USER", "identifier": "ada", "email": "ada@example.com"}},
        "auditHttpRequestInfo": {"clientIP": "192.0.2.7"},
    })
    .to_string()
}

fn world() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

#[test]
fn each_event_is_an_entry_and_none_twice() {
    let world = world();
    let lines = [event("e1", "UPDATE"), event("e2", "START")];
    world.write("audit.jsonl", &format!("{}\n\n{}\r\n", lines[0], lines[1]));
    let told = world.docket_ok(&["import", "--harness-audit", "audit.jsonl", "-o", "json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (told["entries"].as_array().map(Vec::len), &told["known"]),
        (Some(2), &json!(0))
    );

    let shown = world.docket_ok(&["show", "HEAD", "-o", "json"]);
    let said: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["statement"].clone())
        .filter(|statement| {
            statement["predicateType"] == "https://in-toto.io/attestation/reference/v0.1"
        })
        .collect();
    assert_eq!(said.len(), 2);
    for (line, statement) in lines.iter().zip(&said) {
        let digest = json!(Sha256::of(line.as_bytes()).to_string());
        schemas::value_fits(
            &schemas::schema("predicate/reference.json"),
            &statement["predicate"],
        );
        let reference = &statement["predicate"]["references"][0];
        assert_eq!(reference["digest"]["sha256"], digest);
        assert_eq!(reference["annotations"]["harness.principal"], "USER/ada");
        assert_eq!(
            reference["annotations"]["harness.time"],
            "2025-10-09T08:53:20Z"
        );
        assert!(
            statement["subjects"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["digest"]["sha256"] == digest)),
            "{statement:#}"
        );
        eprintln!("{statement:#}");
        let text = statement.to_string();
        assert!(
            !text.contains("example.com\"") && !text.contains("192.0.2.7"),
            "{text}"
        );
    }

    world.write(
        "more.jsonl",
        &format!("{}\n{}\n", lines[1], event("e3", "END")),
    );
    let told = world.docket_ok(&["import", "--harness-audit", "more.jsonl", "-o", "json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        (told["entries"].as_array().map(Vec::len), &told["known"]),
        (Some(1), &json!(1))
    );
    let again = world.docket(&["import", "--harness-audit", "more.jsonl", "audit.jsonl"]);
    assert_eq!((again.code, again.out.trim()), (0, "4 said nothing new"));
    assert_eq!(world.docket(&["verify"]).code, 0);
}

#[test]
fn what_is_no_event_is_refused_with_its_line_and_nothing_is_recorded() {
    let world = world();
    let before = world.docket_ok(&["log", "-o", "json"]);
    let good = event("e1", "UPDATE");
    for (text, reason) in [
        (String::new(), "there is no event in it"),
        ("\n\n".to_owned(), "there is no event in it"),
        (format!("{good}\n{{"), "line 2 is no JSON"),
        (format!("{good}\n[]"), "line 2: auditEventId is missing"),
        (
            good.replace("\"auditEventId\"", "\"id\""),
            "line 1: auditEventId is missing",
        ),
        (
            good.replace("\"acme\"", "7"),
            "line 1: auditResourceScope/accountIdentifier is missing",
        ),
        (
            good.replace("1760000000123", "\"yesterday\""),
            "line 1: auditEventTime is missing",
        ),
        (
            good.replace("\"UPDATE\"", &format!("\"{}\"", "A".repeat(2000))),
            "line 1: auditAction is missing",
        ),
        (
            good.replace(
                "{\"auditAction\"",
                "{\"auditModule\":\"CD\",\"auditAction\"",
            ),
            "line 1 is no JSON",
        ),
    ] {
        world.write("bad.jsonl", &text);
        let ran = world.docket(&["import", "--harness-audit", "bad.jsonl"]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.err);
        assert!(
            ran.err.contains("bad.jsonl") && ran.err.contains(reason),
            "{reason}: {}",
            ran.err
        );
    }
    assert_eq!(world.docket_ok(&["log", "-o", "json"]), before);
}
