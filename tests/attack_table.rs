//! The manual's table of attacks that no vector can hold: each row names a scenario that is there, that runs in both
//! object formats where it has a finding, and that looks for that finding.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use git_docket::finding::Code;
use git_docket::manual;

/// The rows of the attack table that need a remote or trusted state.
const NEEDED: [u32; 5] = [6, 7, 12, 13, 26];

struct Row {
    number: u32,
    finding: String,
    file: String,
    scenario: String,
}

fn rows() -> Vec<Row> {
    let page = manual::page("testkit").unwrap();
    let (_, section) = page.split_once("\n## What no vector can hold\n").unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, finding, scenario] = cells[..] else {
            panic!("a row of four cells: {line}");
        };
        let number = number.parse().ok()?;
        let (file, scenario) = scenario.trim_matches('`').split_once("::").expect(line);
        Some(Row {
            number,
            finding: finding.trim_matches('`').to_owned(),
            file: file.to_owned(),
            scenario: scenario.to_owned(),
        })
    };
    lines.filter_map(row).collect()
}

/// A test's text: from its name to the end of the function.
fn body(row: &Row) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{}.rs", row.file));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", row.file));
    let name = format!("#[test]\nfn {}() {{\n", row.scenario);
    let (_, rest) = text
        .split_once(&name)
        .unwrap_or_else(|| panic!("tests/{}.rs has no test {}", row.file, row.scenario));
    rest.split_once("\n}\n").unwrap().0.to_owned()
}

#[test]
fn every_row_has_its_scenario() {
    let rows = rows();
    let numbers: BTreeSet<u32> = rows.iter().map(|row| row.number).collect();
    for needed in NEEDED {
        assert!(numbers.contains(&needed), "row {needed} has no scenario");
    }
    for row in &rows {
        let body = body(row);
        if row.finding.is_empty() {
            continue;
        }
        let mut codes = Code::ALL.iter();
        assert!(
            codes.any(|code| code.as_str() == row.finding),
            "{}",
            row.finding
        );
        assert!(
            body.contains(&format!("\"{}\"", row.finding)),
            "{} does not look for {}",
            row.scenario,
            row.finding
        );
        assert!(
            body.contains("for format in FORMATS"),
            "{} is not run in both object formats",
            row.scenario
        );
    }
}
