//! Measures of delivery, against figures computed by hand for a small ledger.

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
use changes::{approve, commit, person, record, rev};
use common::world::World;
use serde_json::{Value, json};

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C05]\n";

/// Monday, 2026-11-23T00:00:00Z.
const MONDAY: i64 = 1_795_392_000;

/// The two weeks in which all of it happens.
const WEEKS: [&str; 2] = ["--period", "2026-11-23..2026-12-06"];

const HOUR: f64 = 3_600.0;

/// What a terminal, a browser, a spreadsheet and Prometheus would act upon.
const HOSTILE: &str = "=1+1|<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&]]>\u{1b}[31m\u{202e}\\\n} 1";

/// A ledger that is written hour by hour.
struct Book {
    world: World,
    who: String,
}

/// A commit as a change: its base, itself, its tree.
type Head = (String, String, String);

fn time(hour: i64) -> String {
    let at = git_docket::timestamp::Timestamp::from_unix(MONDAY + hour * 3_600);
    at.unwrap().to_string()
}

fn artifact(name: &str) -> String {
    git_docket::digest::Sha256::of(name.as_bytes()).to_string()
}

impl Book {
    fn new() -> Self {
        let world = World::of_two(POLICY);
        let who = person(&world);
        Self { world, who }
    }

    fn at(&mut self, hour: i64) {
        let at = (MONDAY + hour * 3_600).to_string();
        self.world.set("SOURCE_DATE_EPOCH", &at);
        for role in ["AUTHOR", "COMMITTER"] {
            let name = format!("GIT_{role}_DATE");
            self.world.set(&name, &format!("{at} +0000"));
        }
    }

    fn say(&self, kind: &str, said: Value) {
        let mut own = json!({"actor": self.who, "assertedBy": "self"});
        let more = said.as_object().unwrap().clone();
        own.as_object_mut().unwrap().extend(more);
        record(&self.world, "default", kind, &own);
    }

    fn change(&mut self, hour: i64, id: &str, ai: Option<&str>) -> Head {
        self.at(hour);
        let base = rev(&self.world, "HEAD");
        let head = commit(&self.world, &format!("{id}.txt"), id);
        let tree = rev(&self.world, "HEAD^{tree}");
        self.at(hour + if id == "B" { 2 } else { 1 });
        self.say(
            "change",
            json!({
                "id": id, "base": {"ref": "refs/heads/main", "commit": base}, "head": {"commit": head, "tree": tree},
                "authors": [{"person": self.who}], "reason": {"kind": "fix"}, "lines": {"added": 100, "deleted": 20},
            }),
        );
        if let Some(kind) = ai {
            let said = match kind {
                "none" => json!({"kind": kind}),
                _ => {
                    json!({"kind": kind, "operator": self.who, "sessions": [{"id": "s", "tool": {"name": "helper"}}]})
                }
            };
            self.say("ai-assistance", said);
        }
        (base, head, tree)
    }

    fn review(&mut self, hours: [i64; 2], (base, head, tree): &Head) {
        self.at(hours[1]);
        let said = json!({
            "actor": "ben", "assertedBy": "self", "reviewer": "ben", "kind": "code", "verdict": "approve",
            "covers": {"base": base, "head": head, "tree": tree},
            "startedOn": time(hours[0]), "finishedOn": time(hours[1]),
        });
        record(&self.world, "ben", "review", &said);
    }

    fn approve(&mut self, hour: i64, head: &Head) {
        self.at(hour);
        approve(&self.world, "ben", "ben", head);
    }

    fn land(&mut self, hour: i64, id: &str, (base, head, _): &Head) {
        self.at(hour);
        self.say(
            "landing",
            json!({
                "changeId": id, "ref": "refs/heads/main", "from": base, "to": head, "commits": [head], "method": "rebase",
            }),
        );
    }

    fn build(&mut self, hour: i64, id: &str) {
        self.at(hour);
        self.world.write("../app", id);
        let args = ["run", "--step", "build", "--product", "app.bin", "--"];
        let copy = ["cp", "../app", "app.bin"];
        self.world.docket_ok(&[&args[..], &copy].concat());
    }

    fn deploy(&mut self, hour: i64, service: &str, id: &str, reason: &str) {
        self.at(hour);
        self.say(
            "deployment",
            json!({
                "environment": {"name": "prod", "tier": "prod"}, "service": service,
                "artifact": {"digest": {"sha256": artifact(id)}}, "reason": reason, "finishedOn": time(hour),
                "result": "success",
            }),
        );
    }

    fn newest(&self) -> Value {
        let line = self.world.docket_ok(&["log", "-n", "1", "-o", "json"]);
        serde_json::from_str(&line).unwrap()
    }

    fn outcome(&mut self, hour: i64, service: &str, kind: &str, more: Value) {
        self.at(hour);
        let mut said = json!({
            "service": service, "environment": {"name": "prod", "tier": "prod"}, "kind": kind, "detectedOn": time(hour),
        });
        said.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.say("outcome", said);
    }
}

/// Two weeks of two services: A as planned; B with AI, which broke and was mended by C, of an agent; D, which nobody landed;
/// E, of another service of which nobody said how it fares.
fn book() -> Book {
    let mut book = Book::new();
    let a = book.change(0, "A", Some("none"));
    book.say(
        "measurement",
        json!({
            "phase": "estimate", "gate": {"name": "monthly", "kind": "cost"}, "tool": {"name": "infracost"},
            "metrics": [{"name": "total", "unit": "USD/month", "value": "400.50"}], "result": "pass",
        }),
    );
    book.review([3, 5], &a);
    book.approve(9, &a);
    book.land(10, "A", &a);
    book.build(11, "A");
    book.deploy(12, "api", "A", "planned");
    let b = book.change(24, "B", Some("assisted"));
    book.approve(30, &b);
    book.land(31, "B", &b);
    book.build(32, "B");
    book.deploy(36, "api", "B", "planned");
    let broke = book.newest()["attestation"].clone();
    book.at(38);
    book.say(
        "measurement",
        json!({
            "service": "api", "environment": {"name": "prod"}, "phase": "actual", "gate": {"name": "latency", "kind": "slo"},
            "tool": {"name": "sloth"}, "metrics": [{"name": "p99", "unit": "ms", "value": "900"}], "result": "fail",
        }),
    );
    let about = json!({"origin": "git.example.com/acme/app", "attestation": broke});
    let more = json!({"causedBy": about, "restoredOn": time(45)});
    book.outcome(42, "api", "outage", more);
    let c = book.change(48, "C", Some("autonomous"));
    book.land(50, "C", &c);
    book.build(51, "C");
    book.deploy(52, "api", "C", "unplanned-fix");
    book.outcome(60, "api", "healthy", json!({}));
    let base = rev(&book.world, "HEAD");
    book.change(168, "D", None);
    book.world.git(&["reset", "-q", "--hard", &base[5..]]);
    let e = book.change(170, "E", Some("none"));
    book.approve(172, &e);
    book.land(173, "E", &e);
    book.build(174, "E");
    book.deploy(176, "web", "E", "planned");
    book.outcome(178, "batch", "degraded", json!({}));
    book.at(180);
    let said = json!({
        "actor": "ben", "assertedBy": "self", "checks": ["C05"], "reason": "the reviewer is away", "requestedBy": book.who,
        "grantedBy": "ben", "expires": "2027-01-01T00:00:00Z",
    });
    record(&book.world, "ben", "exception", &said);
    book
}

fn told(world: &World, more: &[&str]) -> Value {
    let words = [&["insight", "-o", "json"], more].concat();
    serde_json::from_str(&world.docket_ok(&words)).unwrap()
}

/// A group's figure: `n`, `unknown`, `hits`, `value`, `low`, `high`, `p90`; null where there is none.
fn figure(told: &Value, service: Option<&str>, cohort: Option<&str>, measure: &str) -> Vec<Value> {
    let groups = told["groups"].as_array().unwrap();
    let of =
        |group: &&Value| group["service"] == json!(service) && group["cohort"] == json!(cohort);
    let group = groups.iter().find(of).unwrap();
    let measures = group["measures"].as_array().unwrap();
    let found = measures.iter().find(|it| it["measure"] == measure);
    let Some(found) = found else {
        return Vec::new();
    };
    let fields = ["n", "unknown", "hits", "value", "low", "high", "p90"];
    fields.map(|field| found[field].clone()).into()
}

#[test]
fn figures_are_those_computed_by_hand() {
    let book = book();
    let told = told(&book.world, &WEEKS);
    let no = Value::Null;
    let spread = |n: u64, unknown: u64, hours: f64, p90: f64| {
        vec![
            json!(n),
            json!(unknown),
            no.clone(),
            json!(hours * HOUR),
            no.clone(),
            no.clone(),
            json!(p90 * HOUR),
        ]
    };
    let rate = |hits: u64, n: u64, unknown: u64, three: [f64; 3]| {
        let [value, low, high] = three.map(|it| json!(it));
        vec![
            json!(n),
            json!(unknown),
            json!(hits),
            value,
            low,
            high,
            no.clone(),
        ]
    };
    let unheard = |hits: Value, unknown: u64| {
        let mut all = vec![json!(0), json!(unknown), hits];
        all.extend(vec![Value::Null; 4]);
        all
    };
    for (measure, expected) in [
        ("change-lead-time", spread(4, 0, 6.0, 12.0)),
        ("failed-deployment-recovery-time", spread(1, 0, 3.0, 3.0)),
        ("change-fail-rate", rate(1, 3, 1, [0.3333, 0.0615, 0.7923])),
        (
            "deployment-rework-rate",
            rate(1, 4, 0, [0.25, 0.0456, 0.6994]),
        ),
        ("wait-change", spread(4, 0, 1.0, 2.0)),
        ("wait-review", spread(1, 0, 4.0, 4.0)),
        ("wait-approval", spread(3, 0, 4.0, 4.0)),
        ("wait-landing", spread(4, 0, 1.0, 1.0)),
        ("wait-build", spread(4, 0, 1.0, 1.0)),
        ("wait-deploy", spread(4, 0, 1.0, 4.0)),
        ("controls-held", rate(3, 4, 0, [0.75, 0.3006, 0.9544])),
        ("control-coverage", rate(3, 4, 0, [0.75, 0.3006, 0.9544])),
        ("changes-under-exception", rate(0, 4, 0, [0.0, 0.0, 0.4899])),
        (
            "approvals-that-looked-at-nothing",
            rate(2, 3, 0, [0.6667, 0.2077, 0.9385]),
        ),
        (
            "reviews-faster-than-500-lines-an-hour",
            rate(0, 1, 0, [0.0, 0.0, 0.7935]),
        ),
        (
            "releases-that-missed-an-slo",
            rate(1, 1, 3, [1.0, 0.2065, 1.0]),
        ),
    ] {
        assert_eq!(figure(&told, None, None, measure), expected, "{measure}");
    }
    let values = |measure: &str| figure(&told, None, None, measure)[3].clone();
    assert_eq!(values("deployment-frequency"), 2.0);
    assert_eq!(values("changes-authored"), 2.5);
    assert_eq!(values("changes-delivered-with-controls"), 1.5);
    assert_eq!(values("review-pace"), 60.0);
    assert_eq!(
        figure(&told, None, None, "wait-test"),
        unheard(no.clone(), 0)
    );
    let web = figure(&told, Some("web"), None, "change-fail-rate");
    assert_eq!(web, unheard(json!(0), 1), "nobody said, which is not zero");
    let ai = figure(&told, None, Some("assisted"), "change-fail-rate");
    assert_eq!(ai, rate(1, 1, 0, [1.0, 0.2065, 1.0]));
    let agent = figure(&told, Some("api"), Some("autonomous"), "change-lead-time");
    assert_eq!(agent, spread(1, 0, 4.0, 4.0));
    let none = figure(&told, None, Some("none"), "controls-held");
    assert_eq!(none, rate(2, 2, 0, [1.0, 0.3424, 1.0]));
    let unsaid = figure(&told, None, Some("unknown"), "changes-authored");
    assert_eq!(unsaid[0], 1, "the change of which nobody said whose it is");
    let whole = &told["groups"][0];
    assert_eq!(
        whole["slowest"],
        json!({"stage": "wait-approval", "share": 0.2647, "n": 3, "median": 4.0 * HOUR, "few": true})
    );
    assert_eq!(
        whole["velocity"],
        json!({
            "weeks": 1, "authored": [3, 2], "delivered": [2, 1], "authoredGrowth": -0.3333, "deliveredGrowth": -0.5,
            "gap": 0.1667, "few": true,
        })
    );
    assert_eq!(told["exceptions"]["granted"], 1);
    assert_eq!(told["exceptions"]["blanket"], 1);
    assert_eq!(told["exceptions"]["inForce"], 1);
    assert_eq!(told["unattributed"].as_array().unwrap().len(), 1);
    let releases = told["releases"].as_array().unwrap();
    let said = |at: usize, field: &str| releases[at][field].clone();
    assert_eq!(releases.len(), 4);
    assert_eq!(said(3, "cost")[0]["value"], "400.50");
    assert_eq!(said(2, "slo")[0]["result"], "fail");
    assert_eq!(
        [0, 1, 2, 3].map(|at| said(at, "fate")),
        ["unknown", "well", "failed", "well"]
    );
}

#[test]
fn every_figure_leads_to_signed_bytes_and_none_to_a_person() {
    let book = book();
    let told = told(&book.world, &WEEKS);
    let rows = told["entries"].as_array().unwrap();
    let mut seqs = std::collections::BTreeSet::new();
    for row in rows {
        let raw = ["show", &row["seq"].to_string(), "--raw"].map(str::to_owned);
        let bytes = book.world.docket_ok(&raw);
        let digest = git_docket::digest::Sha256::of(bytes.trim_end().as_bytes());
        assert_eq!(row["attestation"], digest.to_string());
        seqs.insert(row["seq"].as_u64().unwrap());
    }
    let groups = told["groups"].as_array().unwrap();
    let measures = groups
        .iter()
        .flat_map(|it| it["measures"].as_array().unwrap());
    for measured in measures {
        let weekly = measured["weekly"].as_array().unwrap();
        let sum = |field: &str| -> u64 {
            weekly
                .iter()
                .map(|it| it[field].as_u64().unwrap_or(0))
                .sum()
        };
        for field in ["n", "unknown", "hits"] {
            let whole = measured[field].as_u64().unwrap_or(0);
            assert_eq!(sum(field), whole, "{field} of {measured}");
        }
        for point in weekly {
            let entries = point["entries"].as_array().unwrap();
            assert!(!entries.is_empty());
            assert!(
                entries
                    .iter()
                    .all(|seq| seqs.contains(&seq.as_u64().unwrap()))
            );
        }
    }
    let text = told.to_string();
    for person in ["\"ben\"", &format!("{:?}", book.who)] {
        assert!(!text.contains(person), "{person} is named");
    }
}

#[test]
fn words_for_people() {
    let book = book();
    let text = book.world.docket_ok(&[&["insight"], &WEEKS[..]].concat());
    for line in [
        "The slowest stage is the wait for approval: 26.5 % of all that was waited, half of 3 changes at most 4 h; too few to go by.",
        "Authored change grew by -33.3 % (3 to 2), change in production with every required control by -50.0 % (2 to 1), the later \
         1 of 2 weeks against the earlier: the gap is +16.7 points; too few to go by.",
        "1 of 3, 1 unknown, too few",
        "C05 four-eyes holds",
        "#",
        "Exceptions: 1 granted (1 blanket, 0 break-glass), 1 in force at the end, 0 by nobody who may",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let web = text.split("Service web").nth(1).unwrap();
    let fails = web.lines().find(|line| line.contains("change fail rate"));
    assert!(fails.unwrap().contains("unknown"), "{web}");
    let none = book
        .world
        .docket(&["insight", "--period", "2020-01-01..2020-02-01"]);
    assert_eq!(none.code, 3, "{}{}", none.out, none.err);
    let long = book
        .world
        .docket(&["insight", "--period", "0001-01-01..9998-12-31"]);
    assert_eq!(long.code, 2, "{}", long.err);
    let other = told(&book.world, &["--environment", "stage"]);
    assert_eq!(other["releases"], json!([]));
}

/// The same, and a service whose every name a stranger chose.
fn hostile() -> Book {
    let mut book = book();
    book.at(190);
    book.say(
        "deployment",
        json!({
            "environment": {"name": HOSTILE, "tier": "prod"}, "service": HOSTILE,
            "artifact": {"name": HOSTILE, "digest": {"sha256": artifact("E")}}, "reason": "rollback", "finishedOn": time(190),
            "result": "success", "changes": [HOSTILE, "E"],
        }),
    );
    for (kind, value) in [("cost", "pass"), ("slo", "warn")] {
        book.say(
            "measurement",
            json!({
                "service": HOSTILE, "environment": {"name": HOSTILE}, "phase": "actual",
                "gate": {"name": HOSTILE, "kind": kind}, "tool": {"name": HOSTILE},
                "metrics": [{"name": HOSTILE, "unit": HOSTILE, "value": "-1"}], "result": value,
            }),
        );
    }
    book
}

fn form(world: &World, form: &str) -> PathBuf {
    let output = format!("--output={form}=../delivery.{form}");
    world.docket_ok(&[&["insight", &output], &WEEKS[..]].concat());
    world.root().join(format!("delivery.{form}"))
}

fn python() -> Option<PathBuf> {
    peer::peer("DOCKET_PEER_AUDIT_PYTHON", "audit/bin/python")
}

#[test]
fn a_browser_runs_nothing_and_each_mark_leads_to_entries() {
    let book = hostile();
    let page = form(&book.world, "html");
    let text = fs::read_to_string(&page).unwrap();
    let marks = text.matches("tabindex=\"-1\"").count();
    assert!(marks > 40, "{marks} marks");
    for mark in text
        .split("<a href=\"#")
        .skip(1)
        .filter(|it| it.contains("tabindex=\"-1\""))
    {
        let (id, _) = mark.split_once('"').unwrap();
        if !id.starts_with("w-") && !id.starts_with("g-") {
            continue;
        }
        let row = text.split(&format!("<tr id=\"{id}\">")).nth(1);
        let row = row.unwrap().split("</tr>").next().unwrap();
        assert!(row.contains("href=\"#e"), "{id}: {row}");
    }
    let seq = text.split("<tr id=\"e").nth(1).unwrap();
    assert!(
        seq.split("</tr>").next().unwrap().len() > 64,
        "the digest stands beside it"
    );
    opened(&page, "insight");
}

const METRICS: &str = r#"
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = {family.name: family for family in parse(open(sys.argv[1], encoding="utf-8", newline="").read())}
def sample(family, **labels):
    found = [s.value for s in families[family].samples if all(s.labels.get(k) == v for k, v in labels.items())]
    assert len(found) <= 1, found
    return found[0] if found else None
rate = "docket_change_fail_rate"
assert families[rate + "_ratio"].unit == "ratio" and families[rate + "_ratio"].type == "gauge"
assert sample(rate + "_ratio", service="api", cohort="") == 0.3333
assert sample(rate + "_interval_ratio", service="api", cohort="", bound="high") == 0.7923
assert sample(rate + "_ratio", service="web", cohort="") is None, "unknown is no zero"
assert sample(rate + "_observations", service="web", cohort="", state="unknown") == 1
lead = families["docket_change_lead_time_seconds"]
assert lead.type == "summary", lead.type
assert sample(lead.name, service="", cohort="autonomous", quantile="0.5") == 4 * 3600
services = {s.labels["service"] for s in families["docket_deployment_frequency_per_week"].samples}
assert any("<script>alert(2)" in s for s in services) and not any(c in s for s in services for c in "\x1b\u202e\n"), services
print("read")
"#;

#[test]
fn a_prometheus_client_reads_what_we_say() {
    let book = hostile();
    let path = form(&book.world, "openmetrics");
    let Some(python) = python() else { return };
    let said = peer::run(&python, ["-c", METRICS, path.to_str().unwrap()]);
    assert_eq!(said.unwrap().trim(), "read");
}

const CSV: &str = r#"
import sys
import pandas
table = pandas.read_csv(sys.argv[1], keep_default_na=False, dtype=str)
cells = [cell for column in table for cell in table[column]]
assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and cell], "a formula"
whole = table[(table.service == "") & (table.cohort == "") & (table.week == "")].set_index("measure")
assert whole.loc["change-lead-time", "value"] == "21600"
assert whole.loc["wait-test", "value"] == "" and whole.loc["wait-test", "n"] == "0"
print(len(table))
"#;

#[test]
fn a_spreadsheets_parser_finds_no_formula() {
    let book = hostile();
    let path = form(&book.world, "csv");
    let Some(python) = python() else { return };
    let said = peer::run(&python, ["-c", CSV, path.to_str().unwrap()]);
    let rows = fs::read_to_string(&path).unwrap().lines().count() - 1;
    assert_eq!(said.unwrap().trim(), rows.to_string());
}

/// Ten weeks of chance, always the same.
fn chance() -> Book {
    let mut book = Book::new();
    let mut state = 7_u64;
    let mut roll = move |of: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % of
    };
    let mut hour = 0;
    for at in 0..24 {
        let id = format!("c{at}");
        let ai = [None, Some("none"), Some("assisted"), Some("autonomous")][roll(4) as usize];
        let head = book.change(hour, &id, ai);
        if roll(2) == 0 {
            book.review([hour + 2, hour + 4], &head);
        }
        if roll(4) > 0 {
            book.approve(hour + 5 + roll(20) as i64, &head);
        }
        hour += 26;
        book.land(hour, &id, &head);
        hour += roll(30) as i64;
        // Some wait for the next one's build.
        if roll(4) > 0 {
            book.build(hour + 1, &id);
            let reason =
                ["planned", "planned", "planned", "unplanned-fix", "rollback"][roll(5) as usize];
            let service = ["api", "web", "batch"][roll(3) as usize];
            book.deploy(hour + 2 + roll(9) as i64, service, &id, reason);
            let deployed = book.newest()["attestation"].clone();
            let about = json!({"origin": "git.example.com/acme/app", "attestation": deployed});
            match roll(5) {
                0 => book.outcome(
                    hour + 14,
                    service,
                    "outage",
                    json!({"causedBy": about, "restoredOn": time(hour + 19)}),
                ),
                1 => book.outcome(hour + 15, service, "degraded", json!({"about": about})),
                2 => book.outcome(hour + 16, service, "healthy", json!({})),
                _ => {}
            }
        }
        hour += 20 + roll(40) as i64;
    }
    book
}

#[test]
fn an_evaluator_of_another_language_comes_to_the_same_figures() {
    let Some(python) = peer::on_path("DOCKET_PEER_PYTHON3", "python3") else {
        return;
    };
    let script = peer::root().join("tests/peers/delivery.py");
    for (book, period, until) in [
        (book(), "2026-11-23..2026-12-06", "2026-12-07T00:00:00Z"),
        (chance(), "2026-11-23..2027-01-20", "2027-01-21T00:00:00Z"),
    ] {
        let log = book.world.root().join("log.json");
        fs::write(&log, book.world.docket_ok(&["log", "-o", "json"])).unwrap();
        let told = book.world.root().join("told.json");
        let asked = ["insight", "-o", "json", "--period", period];
        fs::write(&told, book.world.docket_ok(&asked)).unwrap();
        let words = [
            script.as_os_str(),
            log.as_os_str(),
            book.world.repo().as_os_str(),
            "2026-11-23T00:00:00Z".as_ref(),
            until.as_ref(),
            told.as_os_str(),
        ]
        .map(std::ffi::OsStr::to_owned);
        let said = peer::run(&python, words).unwrap();
        let same: u64 = said.trim().parse().unwrap();
        assert!(same > 100, "{same} figures");
    }
}
