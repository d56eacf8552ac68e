//! exception v0.1: something is let through that a check would stop: what exactly, why, until when.

use serde::{Deserialize, Serialize};

use super::asserted::in_order;
use super::{Asserted, Error, Predicate, Who, not_empty};
use crate::statement::DigestSet;
use crate::timestamp::Timestamp;

/// A deviation that somebody with the authority allows. It reaches what it names, and no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// The checks it is for, by id: `C09`.
    pub checks: Vec<String>,
    /// The controls it is for, as packs name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<String>,
    /// The findings it is for; none named: it is blanket, and shown so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ExceptedFinding>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "ExceptionScope::is_everywhere")]
    pub scope: ExceptionScope,
    /// Why.
    pub reason: String,
    /// What may come of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// What is done instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compensating: Vec<String>,
    /// Who asked for it.
    pub requested_by: Who,
    /// Who allowed it.
    pub granted_by: Who,
    /// From when; absent: from when it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Timestamp>,
    /// Until when. There is none for ever.
    pub expires: Timestamp,
    /// Whether it was taken before it was granted, because it could not wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub break_glass: bool,
    /// By when it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retro_review: Option<RetroReview>,
}

/// A finding that is excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptedFinding {
    /// As the tool names it: `CVE-2026-1234`.
    pub id: String,
    /// Where: a package URL, a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Where an exception holds: in what each list names; an empty list names everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionScope {
    /// Services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// Environments, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<String>,
    /// Paths, as globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Things built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<DigestSet>,
}

impl ExceptionScope {
    /// Whether it names nothing, and so holds everywhere.
    pub fn is_everywhere(&self) -> bool {
        *self == Self::default()
    }
}

/// When an exception is looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetroReview {
    /// By when.
    pub due_by: Timestamp,
}

impl Exception {
    /// Whether it names no finding: then it is for all that its checks find.
    pub fn is_blanket(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Predicate for Exception {
    const TYPE: &'static str = "https://git-docket.dev/exception/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        not_empty("reason", &self.reason)?;
        let is_check = |id: &String| {
            id.len() == 3 && id.starts_with('C') && id[1..].bytes().all(|b| b.is_ascii_digit())
        };
        if self.checks.is_empty() || !self.checks.iter().all(is_check) {
            return Err(Error::Broken {
                rule: "checks names at least one check, each by an id such as C09",
            });
        }
        self.findings
            .iter()
            .try_for_each(|finding| not_empty("findings[].id", &finding.id))?;
        if self.break_glass && self.retro_review.is_none() {
            return Err(Error::Broken {
                rule: "where breakGlass is true, retroReview.dueBy says by when it is looked at again",
            });
        }
        in_order(
            ("effectiveFrom", self.effective_from),
            ("expires", Some(self.expires)),
        )
    }
}
