//! approval v0.1: somebody with the authority lets something go on, or stops it.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{Asserted, BuiltArtifact, Covered, Error, Predicate, Reference, Role, Sha256Text, Who};
use crate::timestamp::Timestamp;

/// A decision over exactly what it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// Who decided: the actor.
    pub approver: Who,
    /// In which role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What was decided.
    pub decision: Decision,
    /// For what it may be used.
    pub scope: ApprovalScope,
    /// What it is about, and nothing else.
    pub covers: Covers,
    /// Under which conditions, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// When it was decided, where another saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<Timestamp>,
    /// Until when it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The entries that the approver had seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub basis: Vec<Reference>,
    /// How many persons are to decide alike, where the approver says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
}

words! {
    /// What was decided.
    pub enum Decision {
        /// Go on.
        Approved = "approved",
        /// Do not.
        Rejected = "rejected",
        /// What this person decided before no longer counts.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// For what an approval may be used.
    pub enum ApprovalScope {
        /// To merge.
        Merge = "merge",
        /// To release.
        Release = "release",
        /// To deploy.
        Deploy = "deploy",
        /// To change the policy.
        Policy = "policy",
        /// To change the roster.
        Roster = "roster",
        /// To grant an exception.
        Exception = "exception",
    }
}

/// What an approval is about: one of three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "RawCovers", try_from = "RawCovers")]
pub enum Covers {
    /// A revision, or the difference between two: `base`, `head`, `tree`, `diffDigest`.
    Revision(Covered),
    /// Something built: `artifact`.
    Artifact(BuiltArtifact),
    /// The text of a policy, a roster or an exception: `digest`.
    Document(Sha256Text),
}

#[derive(Default, Serialize, Deserialize)]
struct RawCovers {
    #[serde(flatten)]
    revision: Option<Covered>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact: Option<BuiltArtifact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Sha256Text>,
}

impl From<Covers> for RawCovers {
    fn from(covers: Covers) -> Self {
        match covers {
            Covers::Revision(revision) => Self {
                revision: Some(revision),
                ..Self::default()
            },
            Covers::Artifact(artifact) => Self {
                artifact: Some(artifact),
                ..Self::default()
            },
            Covers::Document(digest) => Self {
                digest: Some(digest),
                ..Self::default()
            },
        }
    }
}

impl TryFrom<RawCovers> for Covers {
    type Error = Error;

    fn try_from(raw: RawCovers) -> Result<Self, Error> {
        match (raw.revision, raw.artifact, raw.digest) {
            (Some(revision), None, None) => Ok(Self::Revision(revision)),
            (None, Some(artifact), None) => Ok(Self::Artifact(artifact)),
            (None, None, Some(digest)) => Ok(Self::Document(digest)),
            _ => Err(Error::Broken {
                rule: "covers holds one of three: head and tree, artifact, or digest",
            }),
        }
    }
}

impl Predicate for Approval {
    const TYPE: &'static str = "https://git-docket.dev/approval/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted
            .validate_as(&self.approver, "approver is the actor")?;
        let fits = match (&self.covers, self.scope) {
            (Covers::Revision(covered), ApprovalScope::Merge) => covered.base.is_some(),
            (
                Covers::Revision(_) | Covers::Artifact(_),
                ApprovalScope::Release | ApprovalScope::Deploy,
            ) => true,
            (
                Covers::Document(_),
                ApprovalScope::Policy | ApprovalScope::Roster | ApprovalScope::Exception,
            ) => true,
            _ => false,
        };
        if !fits {
            return Err(Error::Broken {
                rule: "covers fits scope: base, head and tree for merge; those or an artifact for release and \
                       deploy; a digest for policy, roster and exception",
            });
        }
        match self.quorum {
            Some(0) => Err(Error::Broken {
                rule: "quorum is at least 1",
            }),
            _ => Ok(()),
        }
    }
}
