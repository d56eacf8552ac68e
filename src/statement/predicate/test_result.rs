//! in-toto test-result v0.1: <https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md>.
//!
//! The subject is the source that was tested; the suite is the signed `docket.step`. `tests` and `report` are
//! ours, and others ignore them.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{Error, KeptReport, Predicate, ResourceDescriptor};

/// What a run of tests said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// Of all together.
    pub result: TestOutcome,
    /// What was run with what: may be empty.
    pub configuration: Vec<ResourceDescriptor>,
    /// Where it can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Names of tests that passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_tests: Vec<String>,
    /// Names of tests that warned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned_tests: Vec<String>,
    /// Names of tests that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
    /// How many there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestCounts>,
    /// The tool's own report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<KeptReport>,
}

words! {
    /// Of all tests together.
    pub enum TestOutcome {
        /// All passed.
        Passed = "PASSED",
        /// None failed, some warned.
        Warned = "WARNED",
        /// Some failed.
        Failed = "FAILED",
    }
}

/// How many tests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// All: the three others together.
    pub total: u64,
    /// Passed.
    pub passed: u64,
    /// Failed, or could not be run.
    pub failed: u64,
    /// Not run.
    pub skipped: u64,
}

impl Predicate for TestResult {
    const TYPE: &'static str = "https://in-toto.io/attestation/test-result/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.report.iter().try_for_each(KeptReport::validate)?;
        let Some(TestCounts {
            total,
            passed,
            failed,
            skipped,
        }) = self.tests
        else {
            return Ok(());
        };
        let sum = passed
            .checked_add(failed)
            .and_then(|sum| sum.checked_add(skipped));
        if sum != Some(total) {
            return Err(Error::Broken {
                rule: "tests: passed, failed and skipped add up to total",
            });
        }
        match failed > 0 && self.result != TestOutcome::Failed {
            true => Err(Error::Broken {
                rule: "result is FAILED where tests.failed is not 0",
            }),
            false => Ok(()),
        }
    }
}
