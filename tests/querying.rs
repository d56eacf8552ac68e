//! `query`: against a naive reading of what `log` prints, and for what it must refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::world::World;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

const POLICY: &str = r#"
version = 1
protected = ["refs/heads/main"]
"#;

/// Two people, two environments, two services, results of both kinds, one entry taken back.
fn world() -> World {
    let world = World::of_two(POLICY);
    let docket = |words: &[&str]| drop(world.docket_ok(words));
    world.write("app.bin", "app\n");
    world.write("web.bin", "web\n");
    docket(&[
        "run",
        "--step",
        "build",
        "--product",
        "app.bin",
        "--",
        "true",
    ]);
    assert_eq!(
        world
            .docket(&[
                "run",
                "--step",
                "test",
                "--material",
                "web.bin",
                "--",
                "false"
            ])
            .code,
        1
    );
    docket(&["run", "--step", "test", "--key", "ben", "--", "true"]);
    docket(&["review", "--verdict", "comment", "--key", "ben"]);
    docket(&["approve", "HEAD", "--key", "ben"]);
    for (environment, service, file) in [
        ("staging", "api", "app.bin"),
        ("prod", "api", "app.bin"),
        ("prod", "web", "web.bin"),
    ] {
        docket(&[
            "deploy",
            "--env",
            environment,
            "--service",
            service,
            "--artifact",
            file,
        ]);
    }
    docket(&["outcome", "outage", "--service", "web", "--env", "prod"]);
    docket(&[
        "outcome",
        "healthy",
        "--service",
        "api",
        "--env",
        "prod",
        "--key",
        "ben",
    ]);
    docket(&["measure", "--gate", "load", "--tool", "k6", "p95=120:ms"]);
    world
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn seqs(rows: &[Value]) -> Vec<u64> {
    rows.iter()
        .map(|row| row["seq"].as_u64().unwrap())
        .collect()
}

/// What a flag means for an entry as `log` prints it: written anew, from the statement's JSON alone.
fn naive(entry: &Value, flag: &str, value: &str, keys: &[(String, String)]) -> bool {
    let statement = &entry["statement"];
    let predicate = &statement["predicate"];
    let kind = statement["predicateType"].as_str().unwrap();
    let is = |part: &str| kind.contains(part);
    match flag {
        "--step" => entry["step"] == value,
        "--type" => is(&format!("/{value}/")),
        "--person" => keys
            .iter()
            .any(|(key, person)| person == value && statement["signer"] == key.as_str()),
        "--kind" => value == "human",
        "--environment" => predicate["environment"]["name"] == value,
        "--service" => predicate["service"] == value,
        "--since" => entry["time"].as_str().unwrap() >= value,
        "--until" => entry["time"].as_str().unwrap() <= value,
        "--subject" => {
            let (algorithm, hex) = value.split_once(':').unwrap();
            let subjects = statement["subjects"].as_array().unwrap();
            subjects
                .iter()
                .any(|subject| subject["digest"][algorithm] == hex)
        }
        "--path" => {
            let mut subjects = statement["subjects"].as_array().into_iter().flatten();
            subjects.any(|subject| subject["name"] == value)
        }
        "--result" => {
            let word = if is("/link/") {
                let code = &predicate["byproducts"]["return-value"];
                if code == 0 { "pass" } else { "fail" }
            } else if is("/deployment/") {
                "pass"
            } else if is("/outcome/") {
                if predicate["kind"] == "healthy" {
                    "pass"
                } else {
                    "fail"
                }
            } else if is("/approval/") {
                "pass"
            } else if is("/measurement/") {
                predicate["result"].as_str().unwrap()
            } else {
                "none"
            };
            word == value
        }
        _ => unreachable!("{flag}"),
    }
}

#[test]
fn random_queries_give_what_a_naive_reading_gives() {
    let world = world();
    let all = lines(&world.docket_ok(&["query", "-o", "json"]));
    let counting = seqs(&all);
    let entries: Vec<Value> = lines(&world.docket_ok(&["log", "-o", "json"]))
        .into_iter()
        .filter(|entry| counting.contains(&entry["seq"].as_u64().unwrap()))
        .collect();
    assert!(entries.len() >= 11, "{entries:?}");
    for (row, entry) in all.iter().zip(&entries) {
        assert_eq!(row["attestation"], entry["attestation"]);
    }

    let founder = all.iter().find(|row| row["step"] == "build").unwrap()["person"].clone();
    let ben = all.iter().find(|row| row["step"] == "approve").unwrap()["person"].clone();
    let signer_of = |step: &str| {
        let entry = entries.iter().find(|entry| entry["step"] == step).unwrap();
        entry["statement"]["signer"].as_str().unwrap().to_owned()
    };
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(ben, "ben");
    let keys = [
        (signer_of("build"), word(&founder)),
        (signer_of("approve"), word(&ben)),
    ];
    assert_ne!(keys[0], keys[1]);
    let deployed = all.iter().find(|row| row["step"] == "deploy").unwrap();
    let digest = format!(
        "sha256:{}",
        word(&deployed["subjects"][0]["digest"]["sha256"])
    );
    let time = word(&all[all.len() / 2]["time"]);

    let founder = word(&founder);
    let conditions: Vec<(&str, &str)> = vec![
        ("--step", "test"),
        ("--step", "deploy"),
        ("--type", "deployment"),
        ("--type", "link"),
        ("--person", "ben"),
        ("--person", &founder),
        ("--kind", "human"),
        ("--kind", "agent"),
        ("--environment", "prod"),
        ("--environment", "staging"),
        ("--service", "api"),
        ("--service", "web"),
        ("--result", "pass"),
        ("--result", "fail"),
        ("--subject", &digest),
        ("--path", "app.bin"),
        ("--path", "web.bin"),
        ("--since", &time),
        ("--until", &time),
    ];
    // Each by itself, so that none goes unasked.
    let check = |chosen: &[(&str, &str)]| {
        let words = chosen.iter().flat_map(|(flag, value)| [*flag, *value]);
        let words: Vec<&str> = ["query", "-o", "json"].into_iter().chain(words).collect();
        let ran = world.docket(&words);
        let wanted: Vec<u64> = seqs(&entries)
            .into_iter()
            .zip(&entries)
            .filter(|(_, entry)| {
                chosen.iter().all(|(flag, _)| {
                    // Of one flag, any value will do.
                    chosen
                        .iter()
                        .filter(|(other, _)| other == flag)
                        .any(|(_, value)| naive(entry, flag, value, &keys))
                })
            })
            .map(|(seq, _)| seq)
            .collect();
        assert_eq!(seqs(&lines(&ran.out)), wanted, "{words:?} {}", ran.err);
        assert_eq!(ran.code, if wanted.is_empty() { 3 } else { 0 }, "{words:?}");
        wanted.len()
    };
    let found: Vec<usize> = conditions.iter().map(|one| check(&[*one])).collect();
    assert!(
        found
            .iter()
            .filter(|n| **n > 0 && **n < entries.len())
            .count()
            >= 12,
        "{found:?}"
    );

    let all: Vec<usize> = (0..conditions.len()).collect();
    let choices = proptest::sample::subsequence(all, 2..=4);
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&choices, |chosen| {
            let chosen: Vec<_> = chosen.iter().map(|at| conditions[*at]).collect();
            check(&chosen);
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_was_taken_back_is_in_no_row() {
    let world = world();
    let rows = lines(&world.docket_ok(&["query", "--type", "outcome", "-o", "json"]));
    let seq = rows[1]["seq"].to_string();
    world.docket_ok(&["amend", &seq, "--reason", "wrong service"]);
    let left = lines(&world.docket_ok(&["query", "--type", "outcome", "-o", "json"]));
    assert_eq!(seqs(&left), [rows[0]["seq"].as_u64().unwrap()]);
}

#[test]
fn tables_and_csv_have_the_columns_asked_for_and_hostile_text_is_harmless() {
    let world = world();
    let hostile = "=cmd\u{1b}[31m\u{202e}";
    world.docket_ok(&["outcome", "healthy", "--service", hostile, "--env", "prod"]);
    let table = world.docket_ok(&["query", "-n", "1", "--columns", "service,seq"]);
    let mut shown = table.lines();
    assert_eq!(
        shown.next().unwrap().split_whitespace().collect::<Vec<_>>(),
        ["SERVICE", "SEQ"]
    );
    assert!(
        shown
            .next()
            .unwrap()
            .starts_with(r"=cmd\u{1b}[31m\u{202e}  "),
        "{table}"
    );
    assert_eq!(shown.next(), None);
    let csv = world.docket_ok(&["query", "-n", "1", "--csv", "--columns", "service,result"]);
    assert_eq!(
        csv,
        "\"service\",\"result\"\r\n\"'=cmd\\u{1b}[31m\\u{202e}\",\"pass\"\r\n"
    );
    let all = world.docket_ok(&["query", "--csv"]);
    let rows = lines(&world.docket_ok(&["query", "-o", "json"]));
    assert_eq!(all.lines().count(), rows.len() + 1);
    for row in rows {
        assert!(all.contains(row["attestation"].as_str().unwrap()));
    }

    for bad in [
        &["--columns", "colour"][..],
        &["--columns", "seq", "-o", "json"],
        &["--csv", "-o", "json"],
        &["--subject", "app.bin"],
        &["--subject", "sha256:12"],
        &["--kind", "robot"],
        &["--since", "someday"],
        &["--step", ""],
        &["--service", ""],
    ] {
        let words = [&["query"], bad].concat();
        assert_eq!(world.docket(&words).code, 2, "{bad:?}");
    }
    let none = world.docket(&["query", "--service", "nobody", "--csv"]);
    assert_eq!((none.code, none.out.as_str()), (3, ""));
}

#[test]
fn a_broken_or_absent_ledger_lists_nothing() {
    let world = World::new();
    assert_eq!(world.docket(&["query"]).code, 5);
    let world = self::world();
    // Memory of the ledger as it was, then a ledger with fewer entries.
    world.docket_ok(&["verify"]);
    world.git(&["update-ref", "refs/notes/docket", "refs/notes/docket~2"]);
    let ran = world.docket(&["query"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{}", ran.err);
}
