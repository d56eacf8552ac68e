//! SARIF 2.1.0 (OASIS): a security tool's results are findings, another tool's are figures.
//!
//! A tool is one of security where a rule or result has `security-severity` or a tag `security`, or where its name is
//! known as one. Results of another `kind` than `fail` (§3.27.9) and those that are suppressed (§3.27.23) do not count.

use serde_json::Value;

use super::figures::Figures;
use super::scans::{by_name, finding};
use super::{Error, Kind, Says, list_of, text_of};
use crate::statement::predicate::{GateKind, MeasurementResult};

/// Names of drivers that look for weaknesses and say so nowhere.
const SECURITY: &[&str] = &[
    "bandit",
    "brakeman",
    "checkov",
    "codeql",
    "gitleaks",
    "gosec",
    "grype",
    "horusec",
    "kics",
    "njsscan",
    "nuclei",
    "osv-scanner",
    "semgrep",
    "semgrep oss",
    "snyk",
    "terrascan",
    "tfsec",
    "trivy",
    "trufflehog",
    "zizmor",
];

struct Result<'a> {
    rule: &'a str,
    level: &'a str,
    severity: Option<String>,
    location: Option<String>,
    is_security: bool,
}

pub(super) fn read(value: &Value) -> std::result::Result<Says, Error> {
    let kind = Kind::Sarif;
    let runs = list_of(kind, &value["runs"], "runs")?;
    let [run, more @ ..] = runs else {
        return Err(super::shape(kind, "runs", "is empty: nothing ran"));
    };
    let driver = &run["tool"]["driver"];
    let name = text_of(kind, &driver["name"], "runs[].tool.driver.name")?;
    let mut results = Vec::new();
    for run in std::iter::once(run).chain(more) {
        if run["tool"]["driver"]["name"] != driver["name"] {
            return Err(super::shape(
                kind,
                "runs",
                "are of several tools: give each a report of its own",
            ));
        }
        of_run(run, &mut results)?;
    }
    let known = SECURITY.contains(&name.to_ascii_lowercase().as_str());
    let rules = || {
        runs.iter().flat_map(|run| {
            run["tool"]["driver"]["rules"]
                .as_array()
                .into_iter()
                .flatten()
        })
    };
    let version = driver["semanticVersion"]
        .as_str()
        .or(driver["version"].as_str());
    let uri = driver["informationUri"].as_str();
    if known || rules().any(is_security) || results.iter().any(|result| result.is_security) {
        let found = results.iter().map(|result| {
            let usual = match result.level {
                "error" => "high",
                "note" | "none" => "low",
                _ => "medium",
            };
            let severity = result
                .severity
                .as_deref()
                .map_or(("sarif-level", usual), |score| ("security-severity", score));
            finding(result.rule, Some(severity), result.location.clone())
        });
        return Ok(Says::Vulns(by_name(name, version, uri, found.collect())));
    }
    let count = |level: &str| {
        results
            .iter()
            .filter(|result| result.level == level)
            .count() as u64
    };
    let errors = count("error");
    let mut figures = Figures::new(GateKind::Quality, name, version);
    for (metric, number) in [
        ("errors", errors),
        ("warnings", count("warning")),
        ("notes", count("note")),
    ] {
        figures.count(metric, number);
    }
    figures.result = match errors {
        0 => MeasurementResult::Pass,
        _ => MeasurementResult::Fail,
    };
    Ok(Says::Figures(figures))
}

fn of_run<'a>(run: &'a Value, results: &mut Vec<Result<'a>>) -> std::result::Result<(), Error> {
    let kind = Kind::Sarif;
    // §3.14.23: without `results` the run did not look, which is not the same as an empty list.
    let listed = list_of(kind, &run["results"], "runs[].results")?;
    let rules = run["tool"]["driver"]["rules"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    for result in listed {
        let suppressed = result["suppressions"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| !matches!(one["status"].as_str(), Some("rejected" | "underReview")))
        });
        if suppressed || result["kind"].as_str().is_some_and(|kind| kind != "fail") {
            continue;
        }
        let index = result["ruleIndex"]
            .as_u64()
            .or(result["rule"]["index"].as_u64());
        let by_index = index.and_then(|index| rules.get(usize::try_from(index).ok()?));
        let id = result["ruleId"].as_str().or(result["rule"]["id"].as_str());
        let id = id.or_else(|| by_index?["id"].as_str());
        let id = id
            .filter(|id| !id.is_empty())
            .ok_or_else(|| super::shape(kind, "a result", "names no rule"))?;
        let rule = by_index
            .or_else(|| rules.iter().find(|rule| rule["id"] == id))
            .unwrap_or(&Value::Null);
        let level = result["level"]
            .as_str()
            .or(rule["defaultConfiguration"]["level"].as_str());
        let score = |of: &Value| {
            let score = &of["properties"]["security-severity"];
            score
                .as_str()
                .map(str::to_owned)
                .or_else(|| score.as_f64().map(|score| score.to_string()))
        };
        let place = &result["locations"][0]["physicalLocation"];
        let line = place["region"]["startLine"]
            .as_u64()
            .map_or(String::new(), |line| format!(":{line}"));
        results.push(Result {
            rule: id,
            level: level.unwrap_or("warning"),
            severity: score(result).or_else(|| score(rule)),
            location: place["artifactLocation"]["uri"]
                .as_str()
                .map(|uri| format!("{uri}{line}")),
            is_security: is_security(result) || is_security(rule),
        });
    }
    Ok(())
}

fn is_security(of: &Value) -> bool {
    let properties = &of["properties"];
    let tags = properties["tags"].as_array();
    properties.get("security-severity").is_some()
        || tags.is_some_and(|tags| tags.iter().any(|tag| tag == "security"))
}
