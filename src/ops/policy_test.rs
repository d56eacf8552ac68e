//! `policy test`: does a policy judge made-up ledgers as its authors mean it to?

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::{Explain, Failure};
use crate::judge::scenario::{self, Scenarios};
use crate::policy::Policy;

/// No file of cases is larger: 4 MiB.
const LIMIT: u64 = 4 << 20;

/// Why cases cannot be judged.
#[derive(Debug, Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is too large.
    #[error("{path} is larger than 4 MiB")]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// A file holds no cases.
    #[error("{path}")]
    Cases {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<scenario::Error>,
    },
    /// A case makes no ledger.
    #[error("{path}: case {case:?}")]
    Case {
        /// The file.
        path: PathBuf,
        /// The case.
        case: String,
        /// Why.
        source: Box<scenario::Error>,
    },
    /// A case brings lines of policy, and would not test the one that was named.
    #[error("{path}: case {case:?} brings a policy of its own")]
    OwnPolicy {
        /// The file.
        path: PathBuf,
        /// The case.
        case: String,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::File { .. } => Failure::CouldNotLook,
            _ => Failure::Usage,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::File { .. } => None,
            Self::OwnPolicy { .. } => Some("leave out `policy` in the case".into()),
            _ => Some("git docket help policy-test describes the form".into()),
        }
    }
}

/// What came of all cases.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// Each case, in the order of files and cases.
    pub cases: Vec<Tried>,
    /// How many came out as expected.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
}

/// What came of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// The file.
    pub file: PathBuf,
    /// The case.
    pub name: String,
    /// The check; none where all that the policy enforces were judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Whether it came out as expected.
    pub as_expected: bool,
    /// What was expected.
    pub expected: Outcome,
    /// What came.
    pub found: Outcome,
}

/// A verdict and its reasons, each sorted.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: String,
    /// The reasons of every item that does not pass.
    pub reasons: Vec<String>,
    /// The reasons of what would not hold, once its check is in force.
    pub coming: Vec<String>,
}

/// Judges every case of these files by a policy.
///
/// # Errors
/// Where a file or a case does not read, or there is none.
pub fn test(policy: &Policy, files: &[PathBuf]) -> Result<Tested, Error> {
    let mut cases = Vec::new();
    for path in files {
        let text = read(path)?;
        let parsed = Scenarios::parse(&text).map_err(|source| Error::Cases {
            path: path.clone(),
            source: Box::new(source),
        })?;
        for case in parsed {
            let (path, name) = (path.clone(), case.name.clone());
            if !case.policy.is_empty() {
                return Err(Error::OwnPolicy { path, case: name });
            }
            let ran = case.run(policy.clone()).map_err(|source| Error::Case {
                path: path.clone(),
                case: name.clone(),
                source: Box::new(source),
            })?;
            let sorted = |mut words: Vec<String>| {
                words.sort();
                words.dedup();
                words
            };
            cases.push(Tried {
                file: path,
                name,
                check: case.check,
                as_expected: ran.as_expected,
                expected: Outcome {
                    verdict: case.expect,
                    reasons: sorted(case.reasons),
                    coming: sorted(case.coming),
                },
                found: Outcome {
                    verdict: ran.verdict.as_str().to_owned(),
                    reasons: ran.reasons.into_iter().collect(),
                    coming: ran.coming.into_iter().collect(),
                },
            });
        }
    }
    let passed = cases.iter().filter(|case| case.as_expected).count();
    Ok(Tested {
        failed: cases.len() - passed,
        passed,
        cases,
    })
}

fn read(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let opened =
        fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_string(&mut text));
    opened.map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    match text.len() as u64 > LIMIT {
        true => Err(Error::TooLarge {
            path: path.to_owned(),
        }),
        false => Ok(text),
    }
}
