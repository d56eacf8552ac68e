//! landing v0.1: a protected ref moved; which change that was.

use serde::{Deserialize, Serialize};

use super::asserted::full_ref;
use super::words::words;
use super::{Asserted, Error, Predicate, Sha256Text, Who, not_empty};
use crate::digest::ObjectId;

/// One move of one protected ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Landing {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// The change that landed, by its id; [`DIRECT`](Self::DIRECT) where there was none.
    pub change_id: String,
    /// The ref, by full name.
    #[serde(rename = "ref")]
    pub name: String,
    /// Where it was; nowhere, if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ObjectId>,
    /// Where it is.
    pub to: ObjectId,
    /// The commits on the ref's first-parent line that came with it, oldest first; the last is `to`.
    pub commits: Vec<ObjectId>,
    /// How the change was brought in.
    pub method: Method,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merger: Option<Who>,
    /// What protected the ref at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protections: Option<Protections>,
}

words! {
    /// How a change was brought in.
    pub enum Method {
        /// By a merge commit, or by moving forward to the change's head.
        Merge = "merge",
        /// As one commit.
        Squash = "squash",
        /// Its commits made anew on the new base.
        Rebase = "rebase",
        /// By a push, without a change.
        Direct = "direct",
    }
}

/// What protected a ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Protections {
    /// SHA-256 of the forge's settings as they were read.
    pub digest: Sha256Text,
}

impl Landing {
    /// The change id of a push without a change.
    pub const DIRECT: &'static str = "direct";
}

impl Predicate for Landing {
    const TYPE: &'static str = "https://git-docket.dev/landing/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        not_empty("changeId", &self.change_id)?;
        full_ref(&self.name)?;
        if (self.change_id == Self::DIRECT) != (self.method == Method::Direct) {
            return Err(Error::Broken {
                rule: "changeId is \"direct\" where method is, and only there",
            });
        }
        match self.commits.last() == Some(&self.to) {
            true => Ok(()),
            false => Err(Error::Broken {
                rule: "commits ends with the commit in to",
            }),
        }
    }
}
