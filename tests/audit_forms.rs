//! The forms of an audit, each read by a tool that people read it with; strangers' strings everywhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/browser.rs"]
mod browser;
#[path = "common/changes.rs"]
mod changes;
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::path::PathBuf;

use browser::opened;
use changes::{approve, change, land, person, record};
use common::world::World;
use serde_json::{Value, json};

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C03]\n[checks.C05]\n";

/// What a terminal, a browser, a spreadsheet, Markdown and XML would act upon.
const HOSTILE: &str = "=1+1|<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&]]>\u{1b}[31m\u{202e}*x*\u{fffe}\u{0}";

#[test]
fn verify_writes_what_report_writes_of_the_same_checks() {
    let world = hostile();
    let outputs: Vec<String> = FORMS
        .into_iter()
        .chain(["text"])
        .map(|form| format!("--output={form}=../v.{form}"))
        .collect();
    let mut words = vec!["verify", "--at", "2026-11-23T00:00:00Z"];
    words.extend(outputs.iter().map(String::as_str));
    let verified = world.docket(&words);
    let forms = FORMS.map(|form| format!("--output={form}=../r.{form}"));
    let mut words = vec!["report", "--at", "2026-11-23T00:00:00Z"];
    words.extend(forms.iter().map(String::as_str));
    let reported = world.docket(&words);
    assert_eq!((verified.code, reported.code), (1, 1), "{}", verified.err);
    let read = |name: String| fs::read(world.repo().join("..").join(name)).unwrap();
    for form in FORMS {
        let (ours, theirs) = (read(format!("v.{form}")), read(format!("r.{form}")));
        assert!(ours.len() > 500, "{form}");
        // JSON is the verdict's own.
        assert_eq!(ours == theirs, form != "json", "{form}");
    }
    assert_eq!(read("v.text".into()), verified.out.as_bytes());
    let json: Value = serde_json::from_slice(&read("v.json".into())).unwrap();
    assert_eq!(json["verdict"], "failed");
    let refused = world.docket(&["verify", "--output", "vsa=../v.vsa"]);
    assert_eq!(refused.code, 2, "{}", refused.err);
}

const FORMS: [&str; 7] = ["html", "csv", "sarif", "junit", "oscal", "json", "markdown"];

/// A ledger in which strangers chose every string that they can choose.
fn hostile() -> World {
    let world = World::of_two(POLICY);
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    let person = person(&world);
    record(
        &world,
        "default",
        "change",
        &json!({
            "actor": person, "assertedBy": "self", "id": HOSTILE, "base": {"ref": "refs/heads/main", "commit": at.0},
            "head": {"commit": at.1, "tree": at.2}, "authors": [{"person": person}], "reason": {"kind": "fix"},
        }),
    );
    record(
        &world,
        "default",
        "landing",
        &json!({
            "actor": person, "assertedBy": "self", "changeId": HOSTILE, "ref": "refs/heads/main", "from": at.0,
            "to": at.1, "commits": [at.1], "method": "squash",
        }),
    );
    record(
        &world,
        "default",
        "deployment",
        &json!({
            "actor": person, "assertedBy": "self", "environment": {"name": HOSTILE, "tier": "prod"}, "service": HOSTILE,
            "artifact": {"name": HOSTILE, "digest": {"sha256": "a".repeat(64)}}, "strategy": HOSTILE, "reason": "planned",
            "trigger": {"kind": "manual"}, "startedOn": "2026-11-22T09:00:00Z", "finishedOn": "2026-11-22T09:30:00Z",
            "result": "success", "changes": ["7", HOSTILE],
        }),
    );
    let quoted = serde_json::to_string(&HOSTILE.replace(['\0', '\u{1b}'], "")).unwrap();
    let quoted = quoted
        .replace('\u{202e}', "\\u202e")
        .replace('\u{fffe}', "\\ufffe");
    world.write(
        "../house.toml",
        &format!(
            "id = 'house'\nname = {quoted}\nversion = {quoted}\nauthor = {quoted}\n[[control]]\nid = 'hr-1'\n\
             title = {quoted}\nchecks = ['C05', 'C10']\ncoverage = 'full'\nrationale = {quoted}\n"
        ),
    );
    world
}

/// Reports in every form, started through these words; gives the files.
fn reported(world: &World, through: &[&str]) -> Vec<PathBuf> {
    // One of them twice, which is once.
    let packs = ["slsa", "nist-800-53", "slsa"].map(|pack| format!("--pack={pack}"));
    let mut packs = Vec::from(packs);
    if world.root().join("house.toml").exists() {
        packs.push("--pack=../house.toml".into());
    }
    let outputs = FORMS.map(|form| format!("--output={form}=../audit.{form}"));
    let program = env!("CARGO_BIN_EXE_git-docket").to_owned();
    let mut words: Vec<String> = through.iter().map(|word| (*word).to_owned()).collect();
    words.extend([program, "report".into()]);
    words.extend(packs.into_iter().chain(outputs));
    let ran = world.run(words.remove(0), &words);
    assert_eq!(ran.code, 1, "{}", ran.err);
    FORMS
        .map(|form| world.root().join(format!("audit.{form}")))
        .into()
}

/// One form's file.
fn form(world: &World, form: &str) -> PathBuf {
    let at = FORMS.iter().position(|known| *known == form).unwrap();
    reported(world, &[]).swap_remove(at)
}

fn python() -> Option<PathBuf> {
    peer::peer("DOCKET_PEER_AUDIT_PYTHON", "audit/bin/python")
}

#[test]
fn oscal_fits_its_schema_and_trestle_reads_it() {
    let world = hostile();
    let path = form(&world, "oscal");
    let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let results = document["assessment-results"]["results"]
        .as_array()
        .unwrap();
    assert_eq!(results.len(), 3, "one a pack");
    assert!(!results[0]["risks"].as_array().unwrap().is_empty());
    let mut ids = std::collections::BTreeSet::new();
    uuids(&document, &mut ids);
    if let Some(folder) = peer::corpus("oscal") {
        let schema = folder.join("trestle/release-schemas/oscal_assessment-results_schema.json");
        let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        common::schemas::value_fits(&validator, &document);
        let mut bad = document.clone();
        bad["assessment-results"]["results"][0]["observations"] = json!([]);
        assert!(!validator.is_valid(&bad), "the schema is at work");
    }
    if let Some(python) = python() {
        let script = peer::root().join("tests/peers/read_oscal.py");
        // It goes by the name's end.
        let named = path.with_file_name("oscal.json");
        fs::copy(&path, &named).unwrap();
        let said = peer::run(&python, [script, named]).unwrap();
        assert!(said.trim().starts_with("not-satisfied"), "{said}");
    }
}

/// Every UUID that names something does so once.
fn uuids(value: &Value, seen: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(id) = map.get("uuid").and_then(Value::as_str) {
                assert!(seen.insert(id.to_owned()), "{id} twice");
            }
            map.values().for_each(|value| uuids(value, seen));
        }
        Value::Array(list) => list.iter().for_each(|value| uuids(value, seen)),
        _ => {}
    }
}

const JUNIT: &str = r#"
import sys
from junitparser import Error, Failure, JUnitXml, Skipped
xml = JUnitXml.fromfile(sys.argv[1])
told = [xml.tests, xml.failures, xml.errors, xml.skipped]
xml.update_statistics()
assert told == [xml.tests, xml.failures, xml.errors, xml.skipped], told
kinds = {type(result) for suite in xml for case in suite for result in case.result}
assert kinds <= {Error, Failure, Skipped} and Failure in kinds, kinds
names = [case.name for suite in xml for case in suite]
assert any("<script>alert(2)</script>" in name for name in names), names
assert not any(c in name for name in names for c in "\x1b\u202e"), names
print("read")
"#;

#[test]
fn a_junit_parser_counts_as_we_do() {
    let world = hostile();
    let path = form(&world, "junit");
    let Some(python) = python() else { return };
    let said = peer::run(&python, ["-c", JUNIT, path.to_str().unwrap()]);
    assert_eq!(said.unwrap().trim(), "read");
}

const CSV: &str = r#"
import sys
import pandas
table = pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
assert list(table.columns) == ["check", "name", "subject", "verdict", "reason", "detail", "entries", "remedy"]
assert set(table["verdict"]) <= {"pass", "fail", "unknown", "exception"}, set(table["verdict"])
cells = [cell for column in table for cell in table[column]]
assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\t\r") and cell], "a formula"
assert any("<script>" in cell for cell in cells)
print(len(table))
"#;

#[test]
fn a_spreadsheets_parser_finds_no_formula() {
    let world = hostile();
    let path = form(&world, "csv");
    let Some(python) = python() else { return };
    let said = peer::run(&python, ["-c", CSV, path.to_str().unwrap()]).unwrap();
    let rows = fs::read_to_string(&path).unwrap().lines().count() - 1;
    assert_eq!(said.trim(), rows.to_string());
}

#[test]
fn a_browser_runs_nothing_and_a_checker_of_accessibility_finds_nothing() {
    let world = hostile();
    let page = form(&world, "html");
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("Who waited for what") && text.contains("Controls by release"));
    opened(&page, "hostile");
}

/// A week: a change that waited two days for its approval and went out, one that nobody approved and went out, and an
/// exception.
fn week() -> World {
    let start = 1_795_341_600;
    let mut world = World::of_two(POLICY);
    let person = person(&world);
    let at = |world: &mut World, hours: i64| {
        world.set("SOURCE_DATE_EPOCH", &(start + hours * 3_600).to_string());
    };
    for (id, approved, hours) in [("7", true, 1), ("8", false, 80)] {
        at(&mut world, hours);
        let base = changes::rev(&world, "main");
        world.git(&["switch", "-q", "-c", &format!("topic-{id}")]);
        let head = changes::commit(&world, &format!("{id}.txt"), "new\n");
        let tree = changes::rev(&world, "HEAD^{tree}");
        world.git(&["switch", "-q", "main"]);
        let said = json!({
            "actor": person, "assertedBy": "self", "id": id, "base": {"ref": "refs/heads/main", "commit": base},
            "head": {"commit": head, "tree": tree}, "authors": [{"person": person}], "reason": {"kind": "fix"},
        });
        record(&world, "default", "change", &said);
        if approved {
            at(&mut world, hours + 48);
            approve(&world, "ben", "ben", &(base.clone(), head.clone(), tree));
        }
        at(&mut world, hours + 49);
        world.git(&["merge", "-q", "--ff-only", &format!("topic-{id}")]);
        let said = json!({
            "actor": person, "assertedBy": "self", "changeId": id, "ref": "refs/heads/main", "from": base, "to": head,
            "commits": [head], "method": "rebase",
        });
        record(&world, "default", "landing", &said);
        at(&mut world, hours + 50);
        world.write("app.bin", id);
        world.docket_ok(&[
            "run",
            "--step",
            "build",
            "--product",
            "app.bin",
            "--",
            "true",
        ]);
        at(&mut world, hours + 51);
        let deploy = [
            "deploy",
            "--env",
            "prod",
            "--service",
            "api",
            "--artifact",
            "app.bin",
            "--change",
            id,
        ];
        world.docket_ok(&deploy);
    }
    world
}

#[test]
fn the_page_says_who_waited_for_what() {
    let world = week();
    let page = form(&world, "html");
    let text = fs::read_to_string(&page).unwrap();
    let plain = text.replace(['\n', '\r'], " ");
    assert!(
        plain.contains("; the longest wait, 2 d, was for approval"),
        "{text}"
    );
    opened(&page, "week");
}

#[test]
fn official_texts_come_from_a_catalog_and_a_control_leads_to_signed_bytes() {
    let world = week();
    let title = "Information security roles and responsibilities";
    world.write(
        "../iso.toml",
        "id = 'iso'\nname = 'ISO'\nversion = '1'\nauthor = 'us'\n[[control]]\nid = 's1.1.1'\ntitle = 'Roles'\n\
         checks = ['C05']\ncoverage = 'partial'\nrationale = 'r'\n",
    );
    let explain =
        |more: &[&str]| world.docket_ok(&[&["explain", "../iso.toml/s1.1.1"], more].concat());
    let said: Value = serde_json::from_str(&explain(&["-o", "json"])).unwrap();
    let evidence = &said["evidence"];
    assert_eq!(evidence["verdict"], "fail");
    let items = evidence["checks"][0]["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "the change that nobody approved first");
    let row = &items[1]["rows"][1];
    let raw = row["raw"].as_str().unwrap().split(' ').skip(2);
    let bytes = world.docket_ok(&raw.collect::<Vec<_>>());
    let digest = git_docket::digest::Sha256::of(bytes.trim_end().as_bytes()).to_string();
    assert_eq!(
        row["attestation"], digest,
        "from the control to what was signed"
    );
    // Of a ledger elsewhere the commands say where.
    let elsewhere = ["update-ref", "refs/notes/other", "refs/notes/docket"];
    world.git(&elsewhere);
    let text = explain(&["--ledger-ref", "refs/notes/other"]);
    let seq = &row["seq"];
    let command = format!("git docket --ledger-ref refs/notes/other show {seq} --raw");
    assert!(text.contains(&command), "{text}");
    let Some(folder) = peer::corpus("oscal") else {
        return;
    };
    let catalog = folder.join("oscal-content/examples/catalog/json/basic-catalog.json");
    let catalog = format!("--catalog={}", catalog.display());
    assert!(explain(&[&catalog]).contains(title));
    let report = [
        "report",
        "--pack=../iso.toml",
        &catalog,
        "--output=html=../o.html",
    ];
    let ran = world.docket(&report);
    assert!(ran.out.contains(title), "{}{}", ran.out, ran.err);
    let page = fs::read_to_string(world.root().join("o.html")).unwrap();
    assert!(page.contains(&format!("Officially: {title}")));
    let others = world.docket(&["report", "--pack=slsa", &catalog]);
    assert_eq!(
        others.code, 2,
        "a catalog of other controls: {}",
        others.err
    );
    assert_eq!(
        world
            .docket(&["report", "--pack=slsa", "--catalog=app.bin"])
            .code,
        2
    );
}

#[test]
fn the_same_bytes_under_any_locale_zone_clock_and_number_of_threads() {
    let mut world = hostile();
    let all = |world: &World, through: &[&str]| -> Vec<Vec<u8>> {
        let files = reported(world, through).into_iter();
        files.map(|file| fs::read(file).unwrap()).collect()
    };
    let before = all(&world, &[]);
    assert_eq!(all(&world, &["taskset", "-c", "0"]), before, "one thread");
    for (name, value) in [
        ("LC_ALL", "de_DE.UTF-8"),
        ("TZ", "Pacific/Apia"),
        ("SOURCE_DATE_EPOCH", "253402300799"),
    ] {
        world.set(name, value);
        assert_eq!(all(&world, &[]), before, "{name}");
    }
}
