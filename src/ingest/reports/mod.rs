//! Reports of other tools: recognised by their content, read within bounds, said as a predicate.
//!
//! | what | says |
//! | --- | --- |
//! | JUnit XML, `go test -json` | test-result ([`tests`]) |
//! | Trivy, Grype, OSV-Scanner, cargo-audit, npm audit, gitleaks; SARIF of a security tool | vulns ([`scans`]) |
//! | CycloneDX, SPDX 2.3 and 3 | themselves ([`bills`]) |
//! | LCOV, Cobertura, Infracost, FOCUS, k6, Scorecard; SARIF of another tool | measurement ([`figures`]) |
//! | Conftest, OPA, Harness' policy evaluations | measurement ([`decisions`]) |
//! | OpenVEX, CycloneDX VEX | findings that an exception may name ([`vex`]) |
//!
//! Counts are the tool's own: where a report states totals, what is counted must agree with them, or the report is
//! refused. What is not recognised is refused, never guessed.

pub mod bills;
pub mod decisions;
pub mod figures;
mod kind;
mod sarif;
pub mod scans;
pub mod tests;
pub mod vex;
mod xml;

use serde_json::{Map, Value};
use thiserror::Error;

pub use self::figures::Figures;
pub use self::kind::Kind;
pub use self::vex::Justified;
use crate::canonical;
use crate::statement::PredicateType;
use crate::statement::predicate::{TestResult, Vulns};

/// No report is larger: 64 MiB.
pub const LIMIT: usize = 64 << 20;

/// A report that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Whose it is.
    pub kind: Kind,
    /// What it says.
    pub says: Says,
}

/// What a report says.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// How tests went.
    Tests(TestResult),
    /// What a scanner found.
    Vulns(Vulns),
    /// It is a predicate itself.
    Document(PredicateType, Map<String, Value>),
    /// Figures.
    Figures(Figures),
    /// Findings that do no harm.
    Justified(Vec<Justified>),
}

/// Why a report is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Too large.
    #[error("it is larger than 64 MiB")]
    TooLarge,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Not UTF-8.
    #[error("it is no UTF-8 text")]
    Text(#[from] std::str::Utf8Error),
    /// Not JSON, a key that stands twice, or too deep.
    #[error("it is no JSON")]
    Json(#[from] canonical::Error),
    /// A line of JSON lines.
    #[error("line {line} is no JSON")]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        source: canonical::Error,
    },
    /// XML that is none, or asks for more than we give.
    #[error("XML at byte {at}: {why}")]
    Xml {
        /// Where.
        at: u64,
        /// Why.
        why: String,
    },
    /// CSV that is none.
    #[error("it is no CSV")]
    Csv(#[from] csv::Error),
    /// Nobody's that we know.
    #[error("it is no report that is known here")]
    Unknown,
    /// A report without what it must have.
    #[error("{kind}: {place} {why}")]
    Shape {
        /// Whose.
        kind: Kind,
        /// Where in it.
        place: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Counts that do not agree.
    #[error("{kind}: it says {said} {what}, and lists {listed}")]
    Disagrees {
        /// Whose.
        kind: Kind,
        /// Of what.
        what: &'static str,
        /// By its own total.
        said: u64,
        /// By its list.
        listed: u64,
    },
}

/// Recognises and reads a report.
///
/// # Errors
/// Where it is too large, not recognised, or not what it seems.
pub fn read(bytes: &[u8]) -> Result<Report, Error> {
    if bytes.len() > LIMIT {
        return Err(Error::TooLarge);
    }
    let text = std::str::from_utf8(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().chars().next() {
        None => Err(Error::Empty),
        Some('<') => read_xml(text),
        Some('{' | '[') => read_json(text),
        Some(_) => read_text(text),
    }
}

fn read_xml(text: &str) -> Result<Report, Error> {
    let (kind, says) = match xml::root(text)?.as_str() {
        "testsuites" | "testsuite" => (Kind::JUnit, Says::Tests(tests::junit(text)?)),
        "coverage" => (Kind::Cobertura, Says::Figures(figures::cobertura(text)?)),
        _ => return Err(Error::Unknown),
    };
    Ok(Report { kind, says })
}

fn read_text(text: &str) -> Result<Report, Error> {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let (kind, says) = if ["TN:", "SF:"].iter().any(|mark| first.starts_with(mark)) {
        (Kind::Lcov, Says::Figures(figures::lcov(text)?))
    } else if first.contains("BilledCost") && first.contains("ChargePeriodStart") {
        (Kind::Focus, Says::Figures(figures::focus(text)?))
    } else {
        return Err(Error::Unknown);
    };
    Ok(Report { kind, says })
}

fn read_json(text: &str) -> Result<Report, Error> {
    // JSON lines: more than one value, each on a line of its own.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let is_line = |line: &str| canonical::parse_strict(line.trim().as_bytes()).ok();
    if let Some(event) = is_line(first).filter(|event| event["Action"].is_string()) {
        drop(event);
        return Ok(Report {
            kind: Kind::GoTest,
            says: Says::Tests(tests::go_test(text)?),
        });
    }
    let value = canonical::parse_strict(text.as_bytes())?;
    let kind = Kind::of(&value).ok_or(Error::Unknown)?;
    let says = match kind {
        Kind::Sarif => sarif::read(&value)?,
        Kind::Trivy => Says::Vulns(scans::trivy(&value)?),
        Kind::Grype => Says::Vulns(scans::grype(&value)?),
        Kind::OsvScanner => Says::Vulns(scans::osv(&value)?),
        Kind::CargoAudit => Says::Vulns(scans::cargo_audit(&value)?),
        Kind::NpmAudit => Says::Vulns(scans::npm_audit(&value)?),
        Kind::Gitleaks => Says::Vulns(scans::gitleaks(&value)?),
        Kind::CycloneDx | Kind::Spdx2 | Kind::Spdx3 => bills::read(kind, value)?,
        Kind::Infracost => Says::Figures(figures::infracost(&value)?),
        Kind::K6 => Says::Figures(figures::k6(&value)?),
        Kind::Scorecard => Says::Figures(figures::scorecard(&value)?),
        Kind::Conftest => Says::Figures(decisions::conftest(&value)?),
        Kind::Opa => Says::Figures(decisions::opa(&value)?),
        Kind::HarnessPolicy => Says::Figures(decisions::harness(&value)?),
        Kind::OpenVex => Says::Justified(vex::openvex(&value)?),
        Kind::CycloneDxVex => Says::Justified(vex::cyclonedx(&value)?),
        Kind::JUnit | Kind::GoTest | Kind::Lcov | Kind::Cobertura | Kind::Focus => {
            return Err(Error::Unknown);
        }
    };
    Ok(Report { kind, says })
}

/// A member that must be a text.
fn text_of<'a>(kind: Kind, value: &'a Value, place: &str) -> Result<&'a str, Error> {
    let found = value.as_str().filter(|text| !text.is_empty());
    found.ok_or_else(|| shape(kind, place, "is no text"))
}

/// A member that must be a list.
fn list_of<'a>(kind: Kind, value: &'a Value, place: &str) -> Result<&'a [Value], Error> {
    let found = value.as_array().map(Vec::as_slice);
    found.ok_or_else(|| shape(kind, place, "is no list"))
}

fn shape(kind: Kind, place: &str, why: &'static str) -> Error {
    Error::Shape {
        kind,
        place: place.to_owned(),
        why,
    }
}

fn agree(kind: Kind, what: &'static str, said: u64, listed: u64) -> Result<(), Error> {
    match said == listed {
        true => Ok(()),
        false => Err(Error::Disagrees {
            kind,
            what,
            said,
            listed,
        }),
    }
}
