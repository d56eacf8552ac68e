//! change v0.1: what somebody proposes to do to a protected ref, and why.

use serde::{Deserialize, Serialize};

use super::asserted::full_ref;
use super::words::words;
use super::{
    Asserted, Document, Error, PersonKind, Predicate, Revision, Sha256Text, Who, not_empty,
};
use crate::digest::ObjectId;
use crate::timestamp::Timestamp;

/// One change: from where, to what, by whom, for what reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// What the change is called: unique in its ledger, such as a pull request's URL or number.
    pub id: String,
    /// Where it starts.
    pub base: Base,
    /// Where it ends.
    pub head: Revision,
    /// Who wrote it: the authors of its commits and whoever else had a hand in it.
    pub authors: Vec<Author>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Who>,
    /// Who opened the request to merge it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opener: Option<Who>,
    /// Who pushed its commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pusher: Option<Who>,
    /// Why.
    pub reason: Reason,
    /// What it means for security.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_impact: Option<SecurityImpact>,
    /// How much it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub significance: Option<Significance>,
    /// What it touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Paths>,
    /// How long it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
    /// How it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Which of the forge's controls held, and since when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<Control>,
}

/// Where a change starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// The full name of the ref that it is to go to.
    #[serde(rename = "ref")]
    pub name: String,
    /// The commit there: the merge base with the head.
    pub commit: ObjectId,
}

/// One who wrote a part of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// Who.
    pub person: Who,
    /// What kind of person, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PersonKind>,
}

/// Why a change is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// What kind of change it is.
    pub kind: ReasonKind,
    /// Where that was agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Document>,
}

words! {
    /// What kind of change.
    pub enum ReasonKind {
        /// Something new.
        Feature = "feature",
        /// A fault mended.
        Fix = "fix",
        /// A weakness mended.
        Security = "security",
        /// Settings only.
        Config = "config",
        /// What others wrote, in another version.
        Dependency = "dependency",
        /// It cannot wait for what is usual.
        Emergency = "emergency",
        /// Nobody said, as where a forge's record is all there is.
        Unstated = "unstated",
    }
}

/// What a change means for security.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityImpact {
    /// How much.
    pub class: ImpactClass,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

words! {
    /// How much a change means for security (the levels of FIPS 199, and none).
    pub enum ImpactClass {
        /// Nothing.
        None = "none",
        /// Little.
        Low = "low",
        /// Something.
        Moderate = "moderate",
        /// Much.
        High = "high",
    }
}

words! {
    /// How much a change matters.
    pub enum Significance {
        /// As every day.
        Routine = "routine",
        /// More than that.
        Notable = "notable",
        /// Enough to tell those who rely on the system.
        Significant = "significant",
    }
}

/// What a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paths {
    /// How many paths.
    pub count: u64,
    /// SHA-256 over the list of them.
    pub list_digest: Sha256Text,
    /// The policy's classes that they fall in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// How long a change is. Binary files count for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// Lines that were not there.
    pub added: u64,
    /// Lines that are there no more.
    pub deleted: u64,
}

/// A control of the forge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// What the forge calls it.
    pub name: String,
    /// Since when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Predicate for Change {
    const TYPE: &'static str = "https://git-docket.dev/change/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        not_empty("id", &self.id)?;
        if self.id == super::Landing::DIRECT {
            return Err(Error::Broken {
                rule: "id is not \"direct\", which is what a landing without a change says",
            });
        }
        full_ref(&self.base.name)?;
        match self.authors.is_empty() {
            true => Err(Error::Empty { field: "authors" }),
            false => Ok(()),
        }
    }
}
