//! review v0.1: an opinion on a change. It gives no permission; an approval does.

use serde::{Deserialize, Serialize};

use super::asserted::in_order;
use super::words::words;
use super::{Asserted, Covered, Error, Predicate, Tool, Who};
use crate::timestamp::Timestamp;

/// What somebody thinks of what was covered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// Who looked: the actor.
    pub reviewer: Who,
    /// At what.
    pub kind: ReviewKind,
    /// And found.
    pub verdict: ReviewVerdict,
    /// What was looked at.
    pub covers: Covered,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<Timestamp>,
    /// How many remarks there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Remarks>,
    /// What helped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tooling: Vec<Tool>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

words! {
    /// What a reviewer looked at.
    pub enum ReviewKind {
        /// The code.
        Code = "code",
        /// Its security.
        Security = "security",
        /// Its design.
        Design = "design",
        /// Whether it follows rules.
        Compliance = "compliance",
    }
}

words! {
    /// What a reviewer found.
    pub enum ReviewVerdict {
        /// Good.
        Approve = "approve",
        /// Not yet good.
        RequestChanges = "request-changes",
        /// Neither.
        Comment = "comment",
    }
}

/// How many remarks a review made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// Made.
    pub opened: u64,
    /// Of these, done with.
    pub resolved: u64,
}

impl Predicate for Review {
    const TYPE: &'static str = "https://git-docket.dev/review/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted
            .validate_as(&self.reviewer, "reviewer is the actor")?;
        in_order(
            ("startedOn", self.started_on),
            ("finishedOn", self.finished_on),
        )?;
        match self.findings {
            Some(Remarks { opened, resolved }) if resolved > opened => Err(Error::Broken {
                rule: "findings.resolved is at most findings.opened",
            }),
            _ => Ok(()),
        }
    }
}
