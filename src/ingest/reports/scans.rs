//! What scanners found.
//!
//! Each finding keeps the tool's own id, the severity in the tool's own word, and where it is: a package and version,
//! or a file and line. A finding without a severity may be anything, and checks take it so.

use serde_json::Value;

use super::{Error, Kind, agree, list_of, shape, text_of};
use crate::statement::predicate::{
    ScanMetadata, Scanner, ScannerDatabase, Vulnerability, VulnerabilitySeverity, Vulns,
};
use crate::timestamp::Timestamp;

fn vulns(uri: &str, version: Option<&str>, result: Vec<Vulnerability>) -> Vulns {
    Vulns {
        scanner: Scanner {
            uri: uri.to_owned(),
            version: version.map(str::to_owned),
            db: None,
            result,
        },
        metadata: ScanMetadata {
            scan_started_on: None,
            scan_finished_on: None,
        },
        report: None,
    }
}

pub(super) fn finding(
    id: &str,
    severity: Option<(&str, &str)>,
    location: Option<String>,
) -> Vulnerability {
    let severity =
        severity.filter(|(_, score)| !score.is_empty() && !score.eq_ignore_ascii_case("unknown"));
    let severity = severity.map(|(method, score)| VulnerabilitySeverity {
        method: method.to_owned(),
        score: score.to_owned(),
    });
    Vulnerability {
        id: id.to_owned(),
        severity: severity.into_iter().collect(),
        location,
        annotations: Vec::new(),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(value.as_str()?).ok()
}

fn package(name: &Value, version: &Value) -> Option<String> {
    let name = name.as_str()?;
    Some(
        match version.as_str().filter(|version| !version.is_empty()) {
            Some(version) => format!("{name}@{version}"),
            None => name.to_owned(),
        },
    )
}

/// `trivy --format json`, schema version 2: vulnerabilities, misconfigurations that failed, secrets. It names no date
/// of its database.
pub(super) fn trivy(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::Trivy;
    let mut found = Vec::new();
    let results = match &value["Results"] {
        Value::Null => &[][..],
        results => list_of(kind, results, "Results")?,
    };
    for result in results {
        let target = result["Target"].as_str().unwrap_or_default();
        let each = |name: &str| match &result[name] {
            Value::Null => Ok(&[][..]),
            list => list_of(kind, list, name),
        };
        for one in each("Vulnerabilities")? {
            let id = text_of(
                kind,
                &one["VulnerabilityID"],
                "Vulnerabilities[].VulnerabilityID",
            )?;
            let severity = one["Severity"].as_str().map(|severity| ("trivy", severity));
            let purl = one["PkgIdentifier"]["PURL"].as_str().map(str::to_owned);
            found.push(finding(
                id,
                severity,
                purl.or_else(|| package(&one["PkgName"], &one["InstalledVersion"])),
            ));
        }
        for one in each("Misconfigurations")? {
            if one["Status"]
                .as_str()
                .is_some_and(|status| status != "FAIL")
            {
                continue;
            }
            let id = text_of(kind, &one["ID"], "Misconfigurations[].ID")?;
            found.push(finding(
                id,
                one["Severity"].as_str().map(|severity| ("trivy", severity)),
                Some(target.to_owned()),
            ));
        }
        for one in each("Secrets")? {
            let id = text_of(kind, &one["RuleID"], "Secrets[].RuleID")?;
            let line = one["StartLine"]
                .as_u64()
                .map_or(String::new(), |line| format!(":{line}"));
            found.push(finding(
                id,
                one["Severity"].as_str().map(|severity| ("trivy", severity)),
                Some(format!("{target}{line}")),
            ));
        }
    }
    let version = value["Trivy"]["Version"].as_str();
    let mut vulns = vulns("https://github.com/aquasecurity/trivy", version, found);
    vulns.metadata.scan_finished_on = time(&value["CreatedAt"]);
    Ok(vulns)
}

/// `grype -o json`: matches; what it ignored is not among them.
pub(super) fn grype(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::Grype;
    let mut found = Vec::new();
    for one in list_of(kind, &value["matches"], "matches")? {
        let named = &one["vulnerability"];
        let id = text_of(kind, &named["id"], "matches[].vulnerability.id")?;
        let artifact = &one["artifact"];
        let purl = artifact["purl"]
            .as_str()
            .filter(|purl| !purl.is_empty())
            .map(str::to_owned);
        let location = purl.or_else(|| package(&artifact["name"], &artifact["version"]));
        found.push(finding(
            id,
            named["severity"]
                .as_str()
                .map(|severity| ("grype", severity)),
            location,
        ));
    }
    let descriptor = &value["descriptor"];
    let mut vulns = vulns(
        "https://github.com/anchore/grype",
        descriptor["version"].as_str(),
        found,
    );
    let database = &descriptor["db"];
    vulns.scanner.db = Some(ScannerDatabase {
        uri: None,
        version: None,
        // Under `status` since grype 0.88.
        last_update: time(&database["built"]).or_else(|| time(&database["status"]["built"])),
    });
    vulns.metadata.scan_finished_on = time(&descriptor["timestamp"]);
    Ok(vulns)
}

/// `osv-scanner --format json`: what it groups as one vulnerability is one finding. It asks a service, and names no date.
pub(super) fn osv(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::OsvScanner;
    let mut found = Vec::new();
    for source in list_of(kind, &value["results"], "results")? {
        for of in list_of(kind, &source["packages"], "results[].packages")? {
            let location = package(&of["package"]["name"], &of["package"]["version"]);
            let all = of["vulnerabilities"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let word = |id: &str| {
                let one = all.iter().find(|one| one["id"] == id)?;
                one["database_specific"]["severity"].as_str()
            };
            match of["groups"].as_array().filter(|groups| !groups.is_empty()) {
                Some(groups) => {
                    for group in groups {
                        let id = text_of(kind, &group["ids"][0], "groups[].ids[0]")?;
                        let score = group["max_severity"].as_str().map(|score| ("CVSS", score));
                        let score = score.filter(|(_, score)| !score.is_empty());
                        let severity = score.or_else(|| word(id).map(|word| ("osv", word)));
                        found.push(finding(id, severity, location.clone()));
                    }
                }
                None => {
                    for one in all {
                        let id = text_of(kind, &one["id"], "vulnerabilities[].id")?;
                        found.push(finding(
                            id,
                            word(id).map(|word| ("osv", word)),
                            location.clone(),
                        ));
                    }
                }
            }
        }
    }
    Ok(vulns("https://github.com/google/osv-scanner", None, found))
}

/// `cargo audit --json`: vulnerabilities; warnings (unmaintained, unsound, yanked) are none. A severity is the base
/// score of the advisory's CVSS vector.
pub(super) fn cargo_audit(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::CargoAudit;
    let list = list_of(
        kind,
        &value["vulnerabilities"]["list"],
        "vulnerabilities.list",
    )?;
    if let Some(said) = value["vulnerabilities"]["count"].as_u64() {
        agree(kind, "vulnerabilities", said, list.len() as u64)?;
    }
    let mut found = Vec::new();
    for one in list {
        let id = text_of(
            kind,
            &one["advisory"]["id"],
            "vulnerabilities.list[].advisory.id",
        )?;
        let vector = one["advisory"]["cvss"].as_str();
        let score = vector.and_then(|vector| vector.parse::<cvss::Cvss>().ok());
        let score = score.map(|cvss| format!("{:.1}", cvss.score()));
        let location = package(&one["package"]["name"], &one["package"]["version"]);
        found.push(finding(
            id,
            score.as_deref().map(|score| ("CVSS", score)),
            location,
        ));
    }
    let mut vulns = vulns("https://github.com/rustsec/rustsec", None, found);
    vulns.scanner.db = Some(ScannerDatabase {
        uri: None,
        version: value["database"]["last-commit"].as_str().map(str::to_owned),
        last_update: time(&value["database"]["last-updated"]),
    });
    Ok(vulns)
}

/// `npm audit --json` of npm 7 and later: a finding for each package, as npm counts.
pub(super) fn npm_audit(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::NpmAudit;
    let packages = value["vulnerabilities"].as_object();
    let packages = packages.ok_or_else(|| shape(kind, "vulnerabilities", "is no object"))?;
    if let Some(said) = value["metadata"]["vulnerabilities"]["total"].as_u64() {
        agree(kind, "vulnerabilities", said, packages.len() as u64)?;
    }
    let mut found = Vec::new();
    for (name, one) in packages {
        let advisories = one["via"].as_array().map_or(&[][..], Vec::as_slice);
        let advisory = advisories
            .iter()
            .find_map(|via| via["url"].as_str()?.rsplit('/').next());
        let severity = one["severity"].as_str().map(|severity| ("npm", severity));
        found.push(finding(
            advisory.unwrap_or(name),
            severity,
            package(&Value::from(name.as_str()), &one["range"]),
        ));
    }
    Ok(vulns(
        "https://docs.npmjs.com/cli/commands/npm-audit",
        None,
        found,
    ))
}

/// `gitleaks -f json`: rules and places, never what leaked.
pub(super) fn gitleaks(value: &Value) -> Result<Vulns, Error> {
    let kind = Kind::Gitleaks;
    let mut found = Vec::new();
    for one in list_of(kind, value, "it")? {
        let rule = text_of(kind, &one["RuleID"], "[].RuleID")?;
        let line = one["StartLine"]
            .as_u64()
            .map_or(String::new(), |line| format!(":{line}"));
        let file = one["File"].as_str().unwrap_or_default();
        found.push(finding(rule, None, Some(format!("{file}{line}"))));
    }
    Ok(vulns("https://github.com/gitleaks/gitleaks", None, found))
}

/// A scanner that is told by its name and version alone.
pub(super) fn by_name(
    name: &str,
    version: Option<&str>,
    uri: Option<&str>,
    result: Vec<Vulnerability>,
) -> Vulns {
    let named = format!("urn:sarif:driver:{name}");
    vulns(uri.unwrap_or(&named), version, result)
}
