//! How tests went: JUnit's XML and `go test -json`.
//!
//! A test is counted once: it failed, was skipped, or passed. Names of those that failed are kept, up to [`MOST_NAMED`].

use std::collections::BTreeMap;

use super::xml::{Met, walk};
use super::{Error, Kind, shape};
use crate::canonical;
use crate::statement::predicate::{TestCounts, TestOutcome, TestResult};

/// As many failed tests as are named.
pub const MOST_NAMED: usize = 1000;

#[derive(Default)]
struct Tally {
    counts: TestCounts,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, name: impl FnOnce() -> String, end: End) {
        self.counts.total += 1;
        match end {
            End::Passed => self.counts.passed += 1,
            End::Skipped => self.counts.skipped += 1,
            End::Failed => {
                self.counts.failed += 1;
                if self.failed.len() < MOST_NAMED {
                    self.failed.push(name());
                }
            }
        }
    }

    // A run in which nothing was executed says so by its counts; it has not passed.
    fn result(self) -> TestResult {
        let outcome = match self.counts {
            TestCounts { failed: 1.., .. } => TestOutcome::Failed,
            TestCounts { passed: 0, .. } => TestOutcome::Warned,
            _ => TestOutcome::Passed,
        };
        TestResult {
            result: outcome,
            configuration: Vec::new(),
            url: None,
            passed_tests: Vec::new(),
            warned_tests: Vec::new(),
            failed_tests: self.failed,
            tests: Some(self.counts),
            report: None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Passed,
    Skipped,
    Failed,
}

/// JUnit's XML: each `testcase` with `failure` or `error` failed, with `skipped` was skipped. What the outermost
/// element says of failures and errors, or of tests, must not be more than what is listed.
pub fn junit(text: &str) -> Result<TestResult, Error> {
    let mut tally = Tally::default();
    let (mut case, mut end): (Option<String>, End) = (None, End::Passed);
    let mut suites: Vec<(u64, u64)> = Vec::new();
    let (mut said_tests, mut said_failed, mut depth) = (0, 0, 0_usize);
    walk(text, |met| {
        match met {
            Met::Start(element) => {
                depth += 1;
                match element.name.as_str() {
                    "testcase" => {
                        let class = element.get("classname").filter(|class| !class.is_empty());
                        let name = element.get("name").unwrap_or_default();
                        case =
                            Some(class.map_or(name.to_owned(), |class| format!("{class}.{name}")));
                        end = match element.get("status") {
                            Some("skipped" | "disabled" | "notrun") => End::Skipped,
                            _ => End::Passed,
                        };
                    }
                    "failure" | "error" if case.is_some() => end = End::Failed,
                    "skipped" if case.is_some() && end != End::Failed => end = End::Skipped,
                    "testsuite" | "testsuites" => {
                        let bad = element.count("failures").unwrap_or(0)
                            + element.count("errors").unwrap_or(0);
                        suites.push((element.count("tests").unwrap_or(0), bad));
                        if suites.len() == 1 {
                            (said_tests, said_failed) = (0, 0);
                        }
                    }
                    _ => {}
                }
            }
            Met::End(name) => {
                depth -= 1;
                match name {
                    "testcase" => {
                        if let Some(name) = case.take() {
                            tally.add(|| name, end);
                        }
                    }
                    "testsuite" | "testsuites" => {
                        if let (Some((tests, bad)), true) = (suites.pop(), depth <= 1) {
                            said_tests = said_tests.max(tests);
                            said_failed = said_failed.max(bad);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    })?;
    let counts = tally.counts;
    for (what, said, listed) in [
        ("tests", said_tests, counts.total),
        ("failures", said_failed, counts.failed),
    ] {
        if said > 0 && listed == 0 {
            return Err(Error::Disagrees {
                kind: Kind::JUnit,
                what,
                said,
                listed,
            });
        }
    }
    Ok(tally.result())
}

/// `go test -json` (`cmd/test2json`): each test by its last action; one that began and never ended failed, and so does a
/// package that failed without a test of its own that did (it did not build, or its process died).
pub fn go_test(text: &str) -> Result<TestResult, Error> {
    let mut tests: BTreeMap<(String, String), Option<End>> = BTreeMap::new();
    let mut packages: BTreeMap<String, End> = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let line_number = at + 1;
        let event =
            canonical::parse_strict(line.trim().as_bytes()).map_err(|source| Error::Line {
                line: line_number,
                source,
            })?;
        let action = event["Action"].as_str();
        let action = action.ok_or_else(|| {
            shape(
                Kind::GoTest,
                &format!("line {line_number}"),
                "has no Action",
            )
        })?;
        let package = event["Package"].as_str().unwrap_or_default().to_owned();
        let end = match action {
            "pass" => Some(End::Passed),
            "fail" => Some(End::Failed),
            "skip" => Some(End::Skipped),
            "run" => None,
            _ => continue,
        };
        match (event["Test"].as_str(), end) {
            (Some(test), end) => drop(tests.insert((package, test.to_owned()), end)),
            (None, Some(end)) => drop(packages.insert(package, end)),
            (None, None) => {}
        }
    }
    let mut tally = Tally::default();
    for ((package, test), end) in &tests {
        tally.add(|| format!("{package}.{test}"), end.unwrap_or(End::Failed));
    }
    for (package, _) in packages.iter().filter(|(_, end)| **end == End::Failed) {
        let own = tests
            .iter()
            .any(|((of, _), end)| of == package && end.unwrap_or(End::Failed) == End::Failed);
        if !own {
            tally.add(|| package.clone(), End::Failed);
        }
    }
    Ok(tally.result())
}
