//! What a report of another tool becomes: a claim, with the report kept or named by its digest.

use std::path::PathBuf;

use thiserror::Error;

use super::record::{Claim, Rehash};
use super::{Explain, Failure};
use crate::digest::Sha256;
use crate::ingest::reports::{self, Kind, Report, Says};
use crate::statement::predicate::{
    self, Asserted, KeptReport, MeasuredInput, MeasuredPolicy, Measurement, PersonId, Predicate,
    Sha256Text,
};
use crate::statement::{PredicateType, Step, Subject};

/// Whether a report may stand in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It may, up to so many bytes.
    UpTo(usize),
    /// Its digest alone, and where it is.
    Private(Option<String>),
}

/// Why a report is no claim.
#[derive(Debug, Error)]
pub enum Error {
    /// It could not be read.
    #[error("{}", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<reports::Error>,
    },
    /// It says what only a person can.
    #[error("{}: {kind} says that findings do no harm, and only a human may except them", path.display())]
    Justifies {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        kind: Kind,
    },
    /// A policy and an input belong to a decision.
    #[error("{}: {kind} is no policy engine's decision, so it was held against no policy", path.display())]
    NoDecision {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        kind: Kind,
    },
    /// Figures are somebody's word, and it is not known whose.
    #[error("{}: it is not known who speaks: nobody in the roster has the key", path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
    },
    /// What would be said breaks its type's rules.
    #[error("{}", path.display())]
    Predicate {
        /// The file.
        path: PathBuf,
        /// Which.
        source: Box<predicate::Error>,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        Failure::Usage
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Report { .. } => {
                "git docket help evidence lists the reports that are read".into()
            }
            Self::Justifies { path, .. } => {
                format!(
                    "git docket except C09 --vex {} --reason TEXT --requested-by WHO --expires DATE",
                    path.display()
                )
            }
            Self::NoDecision { .. } => "leave --policy-file and --input-file out".into(),
            Self::Nobody { .. } => "have the key added: git docket roster add".into(),
            Self::Predicate { .. } => return None,
        })
    }
}

/// A report's bytes and where they came from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file.
    pub path: &'a std::path::Path,
    /// What was in it.
    pub bytes: &'a [u8],
}

impl Source<'_> {
    /// Recognises and reads it.
    ///
    /// # Errors
    /// Where it is not known, or broken.
    pub fn read(&self) -> Result<Report, Error> {
        reports::read(self.bytes).map_err(|source| Error::Report {
            path: self.path.to_owned(),
            source: Box::new(source),
        })
    }
}

/// Says which policies were held against which input, for an engine whose report does not.
///
/// # Errors
/// Where no policy engine decided this.
pub fn decided(
    source: Source<'_>,
    report: &mut Report,
    policies: Vec<(String, Sha256)>,
    input: Option<Sha256>,
) -> Result<(), Error> {
    match &mut report.says {
        Says::Figures(figures) if report.kind.is_decision() => {
            figures.policies.extend(policies);
            figures.input = input.or(figures.input);
            Ok(())
        }
        _ => Err(Error::NoDecision {
            path: source.path.to_owned(),
            kind: report.kind,
        }),
    }
}

/// The step that a report is of, where nobody says another.
pub fn usual_step(report: &Report) -> Step {
    let name = match &report.says {
        Says::Tests(_) => "test",
        Says::Vulns(_) => "scan",
        Says::Document(..) => "sbom",
        Says::Figures(_) | Says::Justified(_) => "measure",
    };
    name.parse().expect("a step's name")
}

/// What a report says, as a claim of this step about these subjects.
///
/// # Errors
/// Where it says nothing that can be claimed, or nobody is known to speak.
pub fn claim(
    source: Source<'_>,
    report: Report,
    keep: &Keep,
    speaker: Option<&PersonId>,
    step: Step,
    subjects: Vec<Subject>,
) -> Result<Claim, Error> {
    let path = || source.path.to_owned();
    let media_type = report.kind.media_type();
    // What leaked stands in such a report.
    let holds_secrets = report.kind == Kind::Gitleaks;
    let kept = Some(match keep {
        Keep::UpTo(bytes) if source.bytes.len() <= *bytes && !holds_secrets => {
            KeptReport::whole(source.bytes, media_type)
        }
        Keep::UpTo(_) => KeptReport::by_digest(source.bytes, media_type, None),
        Keep::Private(uri) => KeptReport::by_digest(source.bytes, media_type, uri.clone()),
    });
    let predicate = match report.says {
        Says::Tests(mut result) => {
            result.report = kept;
            of(&result)
        }
        Says::Vulns(mut vulns) => {
            vulns.report = kept;
            of(&vulns)
        }
        Says::Document(predicate_type, document) => Ok((predicate_type, document)),
        Says::Figures(figures) => {
            let person = speaker.ok_or_else(|| Error::Nobody { path: path() })?;
            of(&Measurement {
                asserted: Asserted::by(person.clone()),
                service: None,
                environment: None,
                window: figures.window,
                phase: figures.phase,
                gate: figures.gate,
                tool: figures.tool,
                input: figures.input.map(|digest| MeasuredInput {
                    digest: Sha256Text(digest),
                }),
                policies: figures.policies.into_iter().map(policy).collect(),
                metrics: figures.metrics,
                thresholds: figures.thresholds,
                result: figures.result,
                report: kept,
                valid_until: None,
            })
        }
        Says::Justified(_) => {
            return Err(Error::Justifies {
                path: path(),
                kind: report.kind,
            });
        }
    };
    let (predicate_type, predicate) = predicate.map_err(|source| Error::Predicate {
        path: path(),
        source: Box::new(source),
    })?;
    Ok(Claim {
        step,
        predicate_type,
        predicate,
        subjects,
        rehash: Rehash::No,
    })
}

fn policy((name, digest): (String, Sha256)) -> MeasuredPolicy {
    MeasuredPolicy {
        name,
        digest: Sha256Text(digest),
    }
}

fn of<P: Predicate>(
    predicate: &P,
) -> Result<(PredicateType, serde_json::Map<String, serde_json::Value>), predicate::Error> {
    Ok((PredicateType::of::<P>(), predicate.to_map()?))
}
