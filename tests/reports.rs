//! Reports of other tools: what each says, what is refused, what is kept; and the corpus, whose counts are held against the
//! reports' own totals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use common::{schemas, world::World};
use git_docket::digest::Sha256;
use git_docket::finding::chain;
use git_docket::ingest::reports::{self, Kind, Report, Says};
use git_docket::ops::reported::{self, Keep, Source, usual_step};
use git_docket::statement::predicate::{TestOutcome, Vulns};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(text: &str) -> Report {
    reports::read(text.as_bytes()).unwrap_or_else(|error| panic!("{}\n{text}", chain(&error)))
}

fn refused(text: &str) -> String {
    chain(&reports::read(text.as_bytes()).expect_err(text))
}

/// What a report says, in a line.
fn said(report: &Report) -> String {
    let says = match &report.says {
        Says::Tests(result) => {
            let counts = result.tests.unwrap();
            format!(
                "{} {}/{}/{}/{} {}",
                result.result,
                counts.total,
                counts.passed,
                counts.failed,
                counts.skipped,
                result.failed_tests.join(",")
            )
        }
        Says::Vulns(vulns) => findings(vulns).join(" "),
        Says::Document(predicate_type, _) => predicate_type.to_string(),
        Says::Figures(figures) => {
            let metrics = figures
                .metrics
                .iter()
                .map(|metric| format!("{}={}{}", metric.name, metric.value.as_str(), metric.unit));
            format!(
                "{} {} {}",
                figures.gate.kind,
                figures.result,
                metrics.collect::<Vec<_>>().join(" ")
            )
        }
        Says::Justified(all) => all
            .iter()
            .map(|one| format!("{}:{}", one.id, one.why))
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!("{}: {says}", report.kind).trim_end().to_owned()
}

fn findings(vulns: &Vulns) -> Vec<String> {
    let found = vulns.scanner.result.iter().map(|one| {
        let severity = one
            .severity
            .first()
            .map_or("?", |severity| severity.score.as_str());
        format!(
            "{}={severity}@{}",
            one.id,
            one.location.as_deref().unwrap_or("-")
        )
    });
    found.collect()
}

/// One of each kind, and what it says.
fn samples() -> Vec<(String, &'static str)> {
    let json = |value: Value| value.to_string();
    vec![
        (
            "<?xml version=\"1.0\"?>\n<testsuites tests=\"4\" failures=\"2\"><testsuite name=\"s\" tests=\"4\" failures=\"1\" errors=\"1\"><testcase classname=\"a.B\" name=\"c\"/><testcase name=\"d\"><failure>x &lt; y</failure></testcase><testcase name=\"e\"><error/></testcase><testcase name=\"f\"><skipped/></testcase></testsuite></testsuites>".into(),
            "JUnit: FAILED 4/1/2/1 d,e",
        ),
        ("<testsuite><testcase name=\"a\"/><testcase name=\"b\"><system-out><![CDATA[<failure/>]]></system-out></testcase></testsuite>".into(), "JUnit: PASSED 2/2/0/0"),
        ("<testsuites/>".into(), "JUnit: WARNED 0/0/0/0"),
        (
            "{\"Action\":\"start\",\"Package\":\"p\"}\n{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"A\"}\n{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"A\"}\n{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"B\"}\n{\"Action\":\"skip\",\"Package\":\"p\",\"Test\":\"C\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n{\"Action\":\"fail\",\"Package\":\"q\"}\n".into(),
            "go test: FAILED 4/1/2/1 p.B,q",
        ),
        (
            json(json!({"SchemaVersion": 2, "ArtifactName": "a", "Results": [{"Target": "t", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-1", "PkgName": "z", "InstalledVersion": "1", "Severity": "HIGH"},
                {"VulnerabilityID": "CVE-2", "PkgIdentifier": {"PURL": "pkg:deb/z@1"}, "Severity": "UNKNOWN"}],
                "Misconfigurations": [{"ID": "DS1", "Status": "FAIL", "Severity": "LOW"}, {"ID": "DS2", "Status": "PASS", "Severity": "LOW"}],
                "Secrets": [{"RuleID": "key", "StartLine": 3, "Severity": "CRITICAL", "Match": "hunter2"}]}]})),
            "Trivy: CVE-1=HIGH@z@1 CVE-2=?@pkg:deb/z@1 DS1=LOW@t key=CRITICAL@t:3",
        ),
        (
            json(json!({"matches": [{"vulnerability": {"id": "CVE-1", "severity": "Medium"}, "artifact": {"name": "z", "version": "1", "purl": ""}}], "descriptor": {"name": "grype", "version": "1", "db": {"status": {"built": "2026-11-01T00:00:00Z"}}}})),
            "Grype: CVE-1=Medium@z@1",
        ),
        (
            json(json!({"results": [{"packages": [{"package": {"name": "z", "version": "1"}, "vulnerabilities": [{"id": "GHSA-1"}, {"id": "CVE-1", "database_specific": {"severity": "HIGH"}}], "groups": [{"ids": ["GHSA-1", "CVE-1"], "max_severity": "7.5"}]}]}]})),
            "OSV-Scanner: GHSA-1=7.5@z@1",
        ),
        (json(json!({"results": []})), "OSV-Scanner:"),
        (
            json(json!({"database": {"last-updated": "2026-11-01T00:00:00Z"}, "lockfile": {"dependency-count": 1}, "vulnerabilities": {"found": true, "count": 1, "list": [{"advisory": {"id": "RUSTSEC-1", "cvss": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, "package": {"name": "z", "version": "1.0.0"}}]}, "warnings": {"yanked": [{}]}})),
            "cargo-audit: RUSTSEC-1=9.8@z@1.0.0",
        ),
        (
            json(json!({"auditReportVersion": 2, "vulnerabilities": {"z": {"severity": "high", "via": [{"url": "https://github.com/advisories/GHSA-1"}], "range": "<2"}}, "metadata": {"vulnerabilities": {"total": 1}}})),
            "npm audit: GHSA-1=high@z@<2",
        ),
        (
            json(json!([{"RuleID": "aws", "Fingerprint": "f", "File": "a.env", "StartLine": 4, "Secret": "hunter2"}])),
            "gitleaks: aws=?@a.env:4",
        ),
        (
            json(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Semgrep OSS", "rules": [{"id": "r", "defaultConfiguration": {"level": "error"}}]}}, "results": [
                {"ruleId": "r", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 2}}}]},
                {"ruleId": "r", "suppressions": [{"kind": "inSource"}]}, {"ruleId": "r", "kind": "pass"}]}]})),
            "SARIF: r=high@a.py:2",
        ),
        (
            json(json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "clippy"}}, "results": [{"ruleId": "a", "level": "warning"}, {"ruleId": "b", "level": "error"}]}]})),
            "SARIF: quality fail errors=11 warnings=11 notes=01",
        ),
        (json(json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []})), "CycloneDX: https://cyclonedx.org/bom"),
        (json(json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT"})), "SPDX 2.3: https://spdx.dev/Document/v2.3"),
        (json(json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []})), "SPDX 3: https://spdx.dev/Document/v3"),
        ("TN:\nSF:a.c\nDA:1,1\nLF:3\nLH:2\nFNF:1\nFNH:1\nend_of_record\nSF:b.c\nLF:1\nLH:0\nend_of_record\n".into(), "LCOV: coverage pass lines.total=41 lines.covered=21 lines=50.00% functions.total=11 functions.covered=11 functions=100.00%"),
        (
            "<?xml version=\"1.0\" ?>\n<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n<coverage lines-valid=\"3\" lines-covered=\"2\" version=\"7\"><packages/></coverage>".into(),
            "Cobertura: coverage pass lines.total=31 lines.covered=21 lines=66.66%",
        ),
        (
            "<coverage><packages><package><classes><class filename=\"a\"><methods><method><lines><line number=\"1\" hits=\"1\"/></lines></method></methods><lines><line number=\"1\" hits=\"1\"/><line number=\"2\" hits=\"0\"/></lines></class></classes></package></packages></coverage>".into(),
            "Cobertura: coverage pass lines.total=21 lines.covered=11 lines=50.00%",
        ),
        (
            json(json!({"version": "0.2", "currency": "EUR", "projects": [], "totalMonthlyCost": "743.2", "pastTotalMonthlyCost": "700", "diffTotalMonthlyCost": "43.2"})),
            "Infracost: cost pass total=743.2EUR/month difference=43.2EUR/month",
        ),
        (
            "BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd\n0.1,0.1,USD,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n0.2,-0.05,USD,2026-10-02 00:00:00Z,2026-10-03 00:00:00Z\n1e-3,0,USD,2026-10-02T00:00:00Z,2026-10-03T00:00:00Z\n".into(),
            "FOCUS: cost pass billed=0.301USD effective=0.05USD",
        ),
        (
            json(json!({"metrics": {"http_req_duration": {"avg": 12.5, "p(95)": 120, "thresholds": {"p(95)<100": true}}, "checks": {"value": 1}}, "root_group": {}})),
            "k6: load fail checks.value=11 http_req_duration.avg=12.5ms http_req_duration.p(95)=120ms",
        ),
        (
            json(json!({"metrics": {"d": {"contains": "time", "values": {"avg": 1}, "thresholds": {"avg<5": {"ok": true}}}}, "state": {}})),
            "k6: load pass d.avg=1ms",
        ),
        (
            json(json!({"scorecard": {"version": "v5"}, "score": 7.5, "checks": [{"name": "Fuzzing", "score": 10}, {"name": "SAST", "score": -1}]})),
            "OpenSSF Scorecard: quality pass score=7.51 Fuzzing=101",
        ),
        (
            json(json!([{"filename": "a", "namespace": "main", "successes": 3, "failures": [{"msg": "no"}], "warnings": []}])),
            "Conftest: policy fail successes=31 warnings=01 failures=11 exceptions=01",
        ),
        (json(json!({"result": [{"expressions": [{"value": true, "text": "data.a.allow"}]}]})), "OPA: policy pass denials=01"),
        (json(json!({"result": [{"expressions": [{"value": ["no"], "text": "data.a.deny"}]}]})), "OPA: policy fail denials=11"),
        (harness("error", "warning"), "Harness policy evaluation: policy fail passed=01 warnings=11 failed=11 denials=21"),
        (
            json(json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [{"vulnerability": {"name": "CVE-1"}, "status": "not_affected", "justification": "component_not_present", "products": [{"@id": "pkg:oci/a"}]}, {"vulnerability": {"name": "CVE-2"}, "status": "affected"}]})),
            "OpenVEX: CVE-1:component_not_present",
        ),
        (
            json(json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "not_affected", "justification": "code_not_reachable"}}, {"id": "CVE-2", "analysis": {"state": "exploitable"}}]})),
            "CycloneDX VEX: CVE-1:code_not_reachable",
        ),
    ]
}

/// An evaluation of Harness of two policies that ended so.
fn harness(one: &str, other: &str) -> String {
    let policy = |name: &str, status: &str, denied: Value| {
        let policy = json!({"identifier": name, "name": name, "rego": format!("package {name}")});
        json!({"status": status, "deny_messages": denied, "error": "", "policy": policy})
    };
    let details = [
        policy("images", one, json!(["from elsewhere", "unsigned"])),
        policy("owners", other, Value::Null),
    ];
    let set = json!({"identifier": "prod", "status": one, "details": details});
    json!({
        "id": 7, "status": one, "type": "pipeline", "action": "onrun", "entity": "deploy",
        "created": 1_760_000_000_000_u64, "input": {"b": 1, "a": [2]}, "details": [set],
    })
    .to_string()
}

#[test]
fn a_decision_names_its_policy_and_its_input() {
    let world = ledger();
    let said = |world: &World, arguments: &[&str]| {
        world.docket_ok(&[&["attest", "--evidence"], arguments].concat());
        predicates(world)["https://git-docket.dev/measurement/v0.1"].clone()
    };
    world.write("harness.json", &harness("pass", "pass"));
    let of_text = |text: &str| json!(format!("sha256:{}", Sha256::of(text.as_bytes())));
    let measured = said(&world, &["harness.json"]);
    assert_eq!(measured["input"]["digest"], of_text(r#"{"a":[2],"b":1}"#));
    assert_eq!(
        measured["policies"][0],
        json!({"name": "images", "digest": of_text("package images")})
    );
    assert_eq!(
        measured["gate"],
        json!({"name": "pipeline onrun", "kind": "policy"})
    );
    assert_eq!(measured["result"], "pass");

    world.write(
        "conftest.json",
        r#"[{"filename": "a", "namespace": "main", "successes": 3}]"#,
    );
    world.write("deny.rego", "package main");
    world.write("input.yaml", "kind: Pod");
    let ran = world.docket(&["attest", "--evidence", "conftest.json"]);
    assert!(
        ran.code == 0 && ran.err.contains("--policy-file"),
        "{}",
        ran.err
    );
    let flags = [
        "conftest.json",
        "--policy-file",
        "deny.rego",
        "--input-file",
        "input.yaml",
    ];
    let measured = said(&world, &flags);
    assert_eq!(measured["input"]["digest"], of_text("kind: Pod"));
    assert_eq!(
        measured["policies"],
        json!([{"name": "deny.rego", "digest": of_text("package main")}])
    );

    world.write("junit.xml", JUNIT);
    let ran = world.docket(&[
        "attest",
        "--evidence",
        "junit.xml",
        "--policy-file",
        "deny.rego",
    ]);
    assert!(
        ran.code == 2 && ran.err.contains("no policy engine's decision"),
        "{}",
        ran.err
    );
    assert_eq!(world.docket(&["verify"]).code, 0);
}

#[test]
fn each_says_what_its_tool_says() {
    let mut kinds = Vec::new();
    for (text, expected) in samples() {
        let report = read(&text);
        assert_eq!(said(&report), expected, "{text}");
        kinds.push(report.kind);
        assert_eq!(
            read(&format!("\u{feff}{text}")).says,
            report.says,
            "a byte order mark changes nothing"
        );
    }
    let page = git_docket::manual::page("evidence").unwrap();
    for kind in Kind::ALL {
        assert!(kinds.contains(kind), "no sample of {kind}");
        assert!(page.contains(kind.as_str()), "{kind} is not in the manual");
    }
}

#[test]
fn what_is_broken_is_refused_with_its_reason() {
    let bomb =
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><testsuites>&b;</testsuites>";
    let external = "<!DOCTYPE testsuites [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><testsuites/>";
    let deep = format!(
        "{}{}",
        "<testsuite>".repeat(100),
        "</testsuite>".repeat(100)
    );
    for (text, reason) in [
        ("", "it is empty"),
        ("hello", "no report that is known"),
        (
            r#"{"status": "pass", "details": [], "entity": ""}"#,
            "nothing was evaluated",
        ),
        (
            &harness("maybe", "pass"),
            "is neither pass, warning nor error",
        ),
        ("{\"a\": 1}", "no report that is known"),
        ("[]", "no report that is known"),
        ("{\"a\": 1, \"a\": 2}", "it is no JSON"),
        (bomb, "a document type of its own"),
        (external, "a document type of its own"),
        (
            "<testsuites>&evil;</testsuites>",
            "an entity that XML does not define",
        ),
        ("<testsuites><testsuite></testsuites>", "XML at byte"),
        ("<testsuites>", "it ends within an element"),
        ("<testsuites/><testsuites/>", "several outermost elements"),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><testsuites/>",
            "another encoding",
        ),
        (&deep, "too deep"),
        (
            "<testsuites tests=\"3\" failures=\"1\"/>",
            "JUnit: it says 3 tests, and lists 0",
        ),
        (
            "<testsuites tests=\"1\" failures=\"1\"><testcase name=\"a\"/></testsuites>",
            "JUnit: it says 1 failures, and lists 0",
        ),
        (
            "{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"A\"}\n{\"Action\":",
            "line 2 is no JSON",
        ),
        (
            "{\"auditReportVersion\":2,\"vulnerabilities\":{},\"metadata\":{\"vulnerabilities\":{\"total\":3}}}",
            "npm audit: it says 3 vulnerabilities, and lists 0",
        ),
        (
            "{\"version\":\"2.1.0\",\"runs\":[]}",
            "SARIF: runs is empty: nothing ran",
        ),
        (
            "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"x\"}}}]}",
            "SARIF: runs[].results is no list",
        ),
        (
            "SF:a\nLF:1\nLH:2\nend_of_record\n",
            "LCOV: lines covers more than there is",
        ),
        ("SF:a\nLF:1\n", "LCOV: its end has no end_of_record"),
        ("SF:a\nLF:x\nend_of_record\n", "LCOV: line 2 is no count"),
        (
            "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd\n1,USD,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n1,EUR,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n",
            "FOCUS: line 3 is in another currency",
        ),
        (
            "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd\n=1,USD,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n",
            "FOCUS: line 2 has no decimal BilledCost",
        ),
        (
            "{\"projects\":[],\"totalMonthlyCost\":\"much\"}",
            "Infracost: totalMonthlyCost is no decimal number",
        ),
    ] {
        let said = refused(text);
        assert!(said.contains(reason), "{text}: {said}");
    }
    assert!(
        chain(&reports::read(b"<testsuites name=\"\xff\"/>").unwrap_err()).contains("no UTF-8")
    );
    assert!(
        chain(&reports::read(&vec![b' '; reports::LIMIT + 1]).unwrap_err())
            .contains("larger than 64 MiB")
    );
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(refused(&nested).contains("it is no JSON"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A report with bytes changed is read or refused; it never panics, and what is read still fits its type.
    #[test]
    fn changed_reports_are_read_or_refused(which in 0usize..1000, at in 0usize..10_000, byte in any::<u8>(), cut in any::<bool>()) {
        let all = samples();
        let mut bytes = all[which % all.len()].0.clone().into_bytes();
        let at = at % bytes.len();
        match cut {
            true => bytes.truncate(at),
            false => bytes[at] = byte,
        }
        if let Ok(report) = reports::read(&bytes) {
            prop_assert!(!said(&report).is_empty());
            if let Some((name, predicate)) = claimed(&bytes, report) {
                schemas::value_fits(&SCHEMAS[&name], &predicate);
            }
        }
    }
}

/// What is claimed of a report, with the name of its schema. Documents are their own, and fit that of their form.
fn claimed(bytes: &[u8], report: Report) -> Option<(String, Value)> {
    let (path, keep) = (Path::new("report"), Keep::UpTo(1 << 20));
    let source = Source { path, bytes };
    let (speaker, step) = ("ci".parse().unwrap(), usual_step(&report));
    let claim = reported::claim(source, report, &keep, Some(&speaker), step, Vec::new()).ok()?;
    // SPDX has a type for each version.
    let name = claim.predicate_type.short_name().unwrap_or("spdx");
    Some((name.to_owned(), Value::Object(claim.predicate)))
}

static SCHEMAS: LazyLock<BTreeMap<String, jsonschema::Validator>> = LazyLock::new(|| {
    ["test-result", "vulns", "measurement", "cyclonedx", "spdx"]
        .map(|name| {
            (
                name.to_owned(),
                schemas::schema(&format!("predicate/{name}.json")),
            )
        })
        .into()
});

fn ledger() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

/// The predicates of a commit's entries by type, newest last.
fn predicates(world: &World) -> BTreeMap<String, Value> {
    let shown = world.docket_ok(&["show", "HEAD", "-o", "json"]);
    let entries = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let statements = entries.map(|entry| entry["statement"].clone());
    statements
        .map(|statement| {
            (
                statement["predicateType"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                statement["predicate"].clone(),
            )
        })
        .collect()
}

const JUNIT: &str = "<testsuite><testcase name=\"a\"/></testsuite>";
const TESTS: &str = "https://in-toto.io/attestation/test-result/v0.1";

#[test]
fn attest_recognises_and_keeps_what_it_is_given() {
    let world = ledger();
    for (at, (text, _)) in samples().iter().enumerate() {
        let file = format!("report-{at}");
        world.write(&file, text);
        let ran = world.docket(&[
            "attest",
            "--evidence",
            &file,
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ]);
        let justifies = matches!(read(text).says, Says::Justified(_));
        assert_eq!(
            ran.code,
            if justifies { 2 } else { 0 },
            "{text}: {}",
            ran.err
        );
        if justifies {
            assert!(
                ran.err
                    .contains(&format!("git docket except C09 --vex {file}")),
                "{}",
                ran.err
            );
            let except = [
                "except",
                "C09",
                "--reason",
                "TEXT",
                "--requested-by",
                "bob",
                "--expires",
                "2099-01-01",
                "--vex",
                &file,
                "--dry-run",
            ];
            let draft: Value = serde_json::from_str(&world.docket_ok(&except)).unwrap();
            assert_eq!(draft["predicate"]["findings"], json!([{"id": "CVE-1"}]));
        }
    }
    assert_eq!(world.docket(&["verify"]).code, 0);

    world.write("junit.xml", JUNIT);
    world.docket_ok(&["attest", "--evidence", "junit.xml"]);
    let kept = predicates(&world)[TESTS]["report"].clone();
    let kept: git_docket::statement::predicate::KeptReport = serde_json::from_value(kept).unwrap();
    assert_eq!(kept.content().unwrap().unwrap(), JUNIT.as_bytes());
    world.docket_ok(&[
        "attest",
        "--step",
        "unit",
        "--evidence",
        "junit.xml",
        "--private",
        "--report-uri",
        "https://ci/1",
    ]);
    let private = predicates(&world)[TESTS]["report"].clone();
    assert_eq!(
        (&private["uri"], private.get("gzip")),
        (&json!("https://ci/1"), None)
    );

    world.write(
        "leaks.json",
        &json!([{"RuleID": "aws", "Fingerprint": "f", "Secret": "hunter2"}]).to_string(),
    );
    world.docket_ok(&["attest", "--evidence", "leaks.json"]);
    let vulns = predicates(&world)["https://in-toto.io/attestation/vulns/v0.2"].clone();
    assert!(
        vulns["report"]["digest"].is_string() && vulns["report"].get("gzip").is_none(),
        "{vulns}"
    );

    world.write("policy.toml", "version = 1\n[reports]\nkeepBytes = 10\n");
    world.docket_ok(&["policy", "publish", "policy.toml"]);
    world.docket_ok(&["attest", "--step", "small", "--evidence", "junit.xml"]);
    assert!(
        predicates(&world)[TESTS]["report"].get("gzip").is_none(),
        "larger than the policy keeps"
    );

    let before = world.docket_ok(&["log", "-o", "json"]).lines().count();
    world.write("bad.xml", "<testsuites>");
    let ran = world.docket(&["attest", "--evidence", "bad.xml"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("bad.xml") && ran.err.contains("XML at byte 12"),
        "{}",
        ran.err
    );
    assert_eq!(
        world.docket(&["attest", "--evidence", "nowhere.xml"]).code,
        5
    );
    assert_eq!(
        world.docket_ok(&["log", "-o", "json"]).lines().count(),
        before,
        "nothing was recorded"
    );
}

#[test]
fn a_doctored_report_is_no_evidence() {
    let world = ledger();
    let other = git_docket::statement::predicate::KeptReport::whole(b"other", "application/xml");
    let doctored = json!({"result": "PASSED", "configuration": [], "report": {
        "digest": format!("sha256:{}", "a".repeat(64)), "mediaType": "application/xml", "gzip": other.gzip}});
    world.write("result.json", &doctored.to_string());
    let ran = world.docket(&[
        "attest",
        "--step",
        "test",
        "--type",
        "test-result",
        "--predicate",
        "result.json",
    ]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("report.gzip holds what report.digest says"),
        "{}",
        ran.err
    );
}

#[test]
fn run_says_the_reports_that_its_command_leaves() {
    let world = ledger();
    let run = |more: &[&str], script: &str| {
        world.docket(
            &[
                &["run", "--step", "test"],
                more,
                &["--", "sh", "-c", script],
            ]
            .concat(),
        )
    };
    let evidence = ["--evidence", "out/*.xml"];
    let write = format!("mkdir -p out; printf '{JUNIT}' >out/a.xml");
    let ran = run(&evidence, &write);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(predicates(&world)[TESTS]["result"], "PASSED");
    let entries = |world: &World| world.docket_ok(&["log", "-o", "json"]).lines().count();
    let before = entries(&world);
    let ran = run(&evidence, "true");
    assert_eq!(ran.code, 125, "a report that was there before");
    assert!(
        ran.err
            .contains("out/a.xml was there before the command ran"),
        "{}",
        ran.err
    );
    let ran = run(&["--evidence", "none/*.xml"], "true");
    assert_eq!(ran.code, 125);
    assert!(
        ran.err.contains("no file matches --evidence none/*.xml"),
        "{}",
        ran.err
    );
    let ran = run(&evidence, "echo '<broken>' >out/a.xml");
    assert_eq!(ran.code, 125);
    assert!(ran.err.contains("out/a.xml"), "{}", ran.err);
    assert_eq!(entries(&world), before, "nothing was recorded");
    let failing = "printf '<testsuite><testcase name=\"a\"><failure/></testcase></testsuite>' >out/a.xml; exit 3";
    assert_eq!(run(&evidence, failing).code, 3);
    assert_eq!(predicates(&world)[TESTS]["failedTests"], json!(["a"]));
    assert_eq!(
        run(&["--evidence", "none/*.xml"], "exit 4").code,
        4,
        "a command that failed may leave none"
    );
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Every file of the corpus is read or refused; what JUnit's XML says of itself is what is counted.
#[test]
fn the_corpus() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for name in ["junit", "scanners", "sbom", "sarif"] {
        let Some(folder) = peer::corpus(name) else {
            return;
        };
        let mut found = Vec::new();
        files(&folder, &mut found);
        for path in found {
            let bytes = fs::read(&path).unwrap();
            let Ok(report) = reports::read(&bytes) else {
                continue;
            };
            *kinds.entry(report.kind.as_str()).or_default() += 1;
            if let (Kind::JUnit, Says::Tests(result)) = (report.kind, &report.says) {
                agrees(
                    &path,
                    &String::from_utf8(bytes).unwrap(),
                    result.result,
                    result.tests.unwrap(),
                );
            }
        }
    }
    let counted = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
    for (kind, least) in [
        ("JUnit", 20),
        ("Trivy", 3),
        ("Grype", 2),
        ("OSV-Scanner", 3),
        ("SARIF", 8),
        ("CycloneDX", 20),
        ("CycloneDX VEX", 15),
        ("OpenSSF Scorecard", 5),
        ("go test", 1),
    ] {
        assert!(
            counted(kind) >= least,
            "{kind}: {} {kinds:?}",
            counted(kind)
        );
    }
}

// Where the outermost element states totals, they are what was counted. Others count suites, or leave errors out.
fn agrees(
    path: &Path,
    text: &str,
    result: TestOutcome,
    counts: git_docket::statement::predicate::TestCounts,
) {
    let Some(start) = text.find("<testsuites ") else {
        return;
    };
    let element = &text[start..start + text[start..].find('>').unwrap()];
    let number = |name: &str| -> Option<u64> {
        let (_, rest) = element.split_once(&format!(" {name}=\""))?;
        rest.split('"').next()?.parse().ok()
    };
    if let Some(tests) = number("tests").filter(|tests| *tests > 0) {
        assert_eq!(counts.total, tests, "{}", path.display());
    }
    if let (Some(failures), Some(errors)) = (number("failures"), number("errors")) {
        assert_eq!(counts.failed, failures + errors, "{}", path.display());
    }
    assert_eq!(
        result == TestOutcome::Failed,
        counts.failed > 0,
        "{}",
        path.display()
    );
}
