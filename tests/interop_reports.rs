//! Reports freshly made by the tools themselves: what is counted is what the tool prints.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use git_docket::ingest::reports::{self, Figures, Kind, Says};
use git_docket::statement::predicate::{TestCounts, TestOutcome};
use serde_json::Value;

/// The folder of programs of pytest, coverage.py and semgrep.
fn programs() -> Option<PathBuf> {
    peer::peer("DOCKET_PEER_REPORTS", "reports/bin")
}

fn read(path: &Path) -> reports::Report {
    reports::read(&fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{}", git_docket::finding::chain(&error)))
}

fn said(program: impl AsRef<Path>, folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(program.as_ref());
    command
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("GOFLAGS");
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn figure(figures: &Figures, name: &str) -> String {
    let found = figures.metrics.iter().find(|metric| metric.name == name);
    found
        .unwrap_or_else(|| panic!("no {name}"))
        .value
        .as_str()
        .to_owned()
}

/// `N word`, as tools sum up.
fn summed(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text
        .split([' ', ',', '\n', '='])
        .filter(|word| !word.is_empty())
        .collect();
    let at = words.iter().rposition(|found| *found == word);
    at.and_then(|at| words[at - 1].parse().ok()).unwrap_or(0)
}

const PYTHON: &str = "import pytest\n\ndef double(x):\n    if x < 0:\n        return None\n    return 2 * x\n\ndef test_one(): assert double(1) == 2\ndef test_two(): assert double(2) == 4\ndef test_wrong(): assert double(1) == 3, '<&\"'\n@pytest.mark.skip\ndef test_skipped(): pass\n@pytest.fixture\ndef broken(): raise ValueError\ndef test_error(broken): pass\n";

#[test]
fn pytest_and_coverage() {
    let Some(programs) = programs() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("test_it.py"), PYTHON).unwrap();
    let printed = said(
        programs.join("coverage"),
        folder,
        &[
            "run",
            "--branch",
            "-m",
            "pytest",
            "--junitxml",
            "junit.xml",
            "-p",
            "no:cacheprovider",
        ],
    );
    let report = read(&folder.join("junit.xml"));
    let Says::Tests(result) = report.says else {
        panic!("tests")
    };
    let failed = summed(&printed, "failed") + summed(&printed, "error");
    let (passed, skipped) = (summed(&printed, "passed"), summed(&printed, "skipped"));
    assert_eq!((passed, failed, skipped), (2, 2, 1), "{printed}");
    assert_eq!(
        result.tests.unwrap(),
        TestCounts {
            total: 5,
            passed,
            failed,
            skipped
        }
    );
    assert_eq!(result.result, TestOutcome::Failed);

    for form in ["lcov", "xml", "json"] {
        said(
            programs.join("coverage"),
            folder,
            &[form, "-o", &format!("coverage.{form}")],
        );
    }
    let own: Value =
        serde_json::from_slice(&fs::read(folder.join("coverage.json")).unwrap()).unwrap();
    for (file, kind) in [
        ("coverage.lcov", Kind::Lcov),
        ("coverage.xml", Kind::Cobertura),
    ] {
        let report = read(&folder.join(file));
        assert_eq!(report.kind, kind);
        let Says::Figures(figures) = report.says else {
            panic!("figures")
        };
        for (name, total) in [
            ("lines.total", "num_statements"),
            ("lines.covered", "covered_lines"),
            ("branches.total", "num_branches"),
            ("branches.covered", "covered_branches"),
        ] {
            assert_eq!(
                figure(&figures, name),
                own["totals"][total].to_string(),
                "{file} {name}"
            );
        }
    }
}

#[test]
fn go_test() {
    let Some(go) = peer::on_path("DOCKET_PEER_GO", "go") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("go.mod"), "module example.com/x\n\ngo 1.21\n").unwrap();
    fs::write(
        folder.join("x_test.go"),
        "package x\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {\n\tt.Run(\"one\", func(t *testing.T) {})\n\tt.Run(\"two\", func(t *testing.T) { t.Fatal(\"no\") })\n}\nfunc TestB(t *testing.T) { t.Skip() }\nfunc TestC(t *testing.T) {}\n",
    )
    .unwrap();
    fs::create_dir(folder.join("broken")).unwrap();
    fs::write(
        folder.join("broken/y_test.go"),
        "package broken\n\nfunc TestD( {}\n",
    )
    .unwrap();
    let plain = said(&go, folder, &["test", "-v", "."]);
    let ended = |mark: &str| {
        plain
            .lines()
            .filter(|line| line.trim_start().starts_with(mark))
            .count() as u64
    };
    let json = said(&go, folder, &["test", "-json", "./..."]);
    let json: String = json
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| format!("{line}\n"))
        .collect();
    let report = reports::read(json.as_bytes()).unwrap();
    assert_eq!(report.kind, Kind::GoTest);
    let Says::Tests(result) = report.says else {
        panic!("tests")
    };
    let counts = result.tests.unwrap();
    assert_eq!(
        (ended("--- PASS"), ended("--- SKIP"), ended("--- FAIL")),
        (2, 1, 2),
        "{plain}"
    );
    assert_eq!((counts.passed, counts.skipped), (2, 1));
    assert_eq!(
        counts.failed, 3,
        "and the package that does not build: {:?}",
        result.failed_tests
    );
}

#[test]
fn semgrep() {
    let Some(programs) = programs() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(
        folder.join("a.py"),
        "import os\nos.system(\"x\")\neval(\"1\")\neval(\"2\")  # nosemgrep\n",
    )
    .unwrap();
    let rule = |id: &str, severity: &str, pattern: &str| {
        format!(
            "- id: {id}\n  languages: [python]\n  severity: {severity}\n  message: no\n  pattern: {pattern}(...)\n"
        )
    };
    fs::write(
        folder.join("rules.yaml"),
        format!(
            "rules:\n{}{}",
            rule("no-eval", "ERROR", "eval"),
            rule("no-system", "WARNING", "os.system")
        ),
    )
    .unwrap();
    let scan = [
        "scan",
        "--metrics",
        "off",
        "--disable-version-check",
        "--config",
        "rules.yaml",
    ];
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    for (form, file) in [("--sarif", "out.sarif"), ("--json", "out.json")] {
        let mut command = Command::new(programs.join("semgrep"));
        command
            .args(scan)
            .args([form, "-o", file, "a.py"])
            .current_dir(folder)
            .env("HOME", folder)
            .env("PATH", &path);
        let output = command.output().unwrap();
        assert!(
            folder.join(file).is_file(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let own: Value = serde_json::from_slice(&fs::read(folder.join("out.json")).unwrap()).unwrap();
    let report = read(&folder.join("out.sarif"));
    let Says::Vulns(vulns) = report.says else {
        panic!("semgrep is a security tool")
    };
    assert_eq!(
        vulns.scanner.result.len(),
        own["results"].as_array().unwrap().len()
    );
    let found: Vec<String> = vulns
        .scanner
        .result
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one.severity[0].score,
                one.location.as_deref().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        found,
        ["medium a.py:2", "high a.py:3"],
        "what is suppressed does not count"
    );
}

/// Cargo's further commands.
fn cargo_tool(name: &str) -> Option<PathBuf> {
    Some(peer::peer("DOCKET_PEER_CARGO_TOOLS", "bin")?.join(name))
}

/// A crate that nothing has to be fetched for, with another beside it.
fn crate_in(folder: &Path) {
    for (file, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"outer\"\nversion = \"1.2.3\"\nedition = \"2021\"\n[dependencies]\ninner = { path = \"inner\" }\n[workspace]\n",
        ),
        (
            "src/lib.rs",
            "#[test] fn a() {}\n#[test] fn b() { panic!(\"<&\\\"]]>\") }\n#[test] #[ignore] fn c() {}\n#[test] fn d() {}\n",
        ),
        (
            "inner/Cargo.toml",
            "[package]\nname = \"inner\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        ("inner/src/lib.rs", ""),
        (
            ".config/nextest.toml",
            "[profile.default.junit]\npath = \"junit.xml\"\n",
        ),
    ] {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Runs a further command of cargo in the folder, with the toolchain that runs the tests.
fn cargo(tool: &Path, folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(tool);
    command
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_NET_OFFLINE", "true");
    command.env("CARGO_TARGET_DIR", folder.join("target"));
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn nextest() {
    let Some(nextest) = cargo_tool("cargo-nextest") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    crate_in(folder);
    let printed = cargo(&nextest, folder, &["nextest", "run", "--no-fail-fast"]);
    let report = read(&folder.join("target/nextest/default/junit.xml"));
    assert_eq!(report.kind, Kind::JUnit);
    let Says::Tests(result) = report.says else {
        panic!("tests")
    };
    // What it does not run, it does not report.
    let summary = printed
        .lines()
        .find(|line| line.contains("Summary"))
        .unwrap();
    let (passed, failed) = (summed(summary, "passed"), summed(summary, "failed"));
    assert_eq!((passed, failed), (2, 1), "{printed}");
    let expected = TestCounts {
        total: 3,
        passed,
        failed,
        skipped: 0,
    };
    assert_eq!(result.tests.unwrap(), expected);
    assert_eq!(result.failed_tests, ["outer.b"]);
}

#[test]
fn cargo_audit_on_a_database_made_up() {
    let Some(audit) = cargo_tool("cargo-audit") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let advisories = folder.join("db/crates/broken");
    fs::create_dir_all(&advisories).unwrap();
    for (id, score) in [("RUSTSEC-2024-0001", "H"), ("RUSTSEC-2024-0002", "L")] {
        let text = format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"broken\"\ndate = \"2024-01-02\"\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:{score}/I:{score}/A:{score}\"\n\n[versions]\npatched = [\">= 0.3.2\"]\n```\n\n# It breaks\n\nMade up.\n"
        );
        fs::write(advisories.join(format!("{id}.md")), text).unwrap();
    }
    let package = |name: &str, version: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{:064}\"\n\n",
            0
        )
    };
    let lock = format!(
        "version = 3\n\n{}{}",
        package("broken", "0.3.1"),
        package("fine", "1.0.0")
    );
    fs::write(folder.join("Cargo.lock"), lock).unwrap();
    git(&folder.join("db"), &["init", "-q"]);
    git(&folder.join("db"), &["add", "-A"]);
    git(
        &folder.join("db"),
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "commit",
            "-qm",
            "advisories",
        ],
    );
    let output = Command::new(&audit)
        .args(["audit", "--no-fetch", "--stale", "--db", "db", "--json"])
        .current_dir(folder)
        .output()
        .unwrap();
    let own: Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = reports::read(&output.stdout).unwrap();
    assert_eq!(report.kind, Kind::CargoAudit);
    let Says::Vulns(vulns) = report.says else {
        panic!("vulnerabilities")
    };
    assert_eq!(own["vulnerabilities"]["count"], 2);
    let found: Vec<(&str, &str)> = vulns
        .scanner
        .result
        .iter()
        .map(|one| (one.id.as_str(), one.severity[0].score.as_str()))
        .collect();
    assert_eq!(
        found,
        [("RUSTSEC-2024-0001", "9.8"), ("RUSTSEC-2024-0002", "7.3")]
    );
}

fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn bills_of_cargo_and_python() {
    let (Some(cyclonedx), Some(programs)) = (cargo_tool("cargo-cyclonedx"), programs()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    crate_in(folder);
    cargo(&cyclonedx, folder, &["cyclonedx", "-f", "json"]);
    let components = |report: reports::Report| match report.says {
        Says::Document(_, document) => document["components"].as_array().unwrap().len(),
        other => panic!("{other:?}"),
    };
    let report = read(&folder.join("outer.cdx.json"));
    assert_eq!(report.kind, Kind::CycloneDx);
    assert_eq!(components(report), 1, "the one crate that it depends on");

    let python = programs.join("python");
    let python = python.to_str().unwrap();
    let bill = folder.join("python.json");
    let printed = said(
        programs.join("cyclonedx-py"),
        folder,
        &["environment", "-o", "python.json", python],
    );
    assert!(bill.is_file(), "{printed}");
    let installed = said(python, folder, &["-m", "pip", "list", "--format", "json"]);
    let installed = installed
        .lines()
        .find(|line| line.starts_with('['))
        .unwrap();
    let installed: Vec<Value> = serde_json::from_str(installed).unwrap();
    assert_eq!(components(read(&bill)), installed.len());
}
