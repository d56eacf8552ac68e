//! Queries: the entries that count, as flat rows, and filters over them.
//!
//! 1. [`rows`] makes a row of every entry of a judged [`Model`]: who did it, where, with what result. A row
//!    never says more than its entry, and carries its seq and the digest of its attestation.
//! 2. A [`Filter`] keeps the rows that fit all of its conditions; of one condition with several values, any.
//!
//! Entries that do not count (no sound signature, a signer without the right), and those that were retracted or
//! replaced, are not in a model and so in no row. This is also what an index is held against.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{ObjectId, Sha256};
use crate::judge::{Entry, Model};
use crate::policy::rules::fits;
use crate::statement::DigestSet;
use crate::statement::predicate::{
    Decision, DeploymentResult, Known, Link, MeasurementResult, OutcomeKind, PersonId, PersonKind,
    Predicate, ReviewVerdict, TestOutcome, VerificationResult, short_name_of, uri_of,
};
use crate::timestamp::Timestamp;

/// One entry, flat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its place.
    pub seq: u64,
    /// SHA-256 of its attestation; `sha256:<hex>` in JSON.
    #[serde(serialize_with = "prefixed", deserialize_with = "unprefixed")]
    pub attestation: Sha256,
    /// The moment that is held to: verified where somebody vouches for it, else claimed.
    pub time: Timestamp,
    /// Its step.
    pub step: String,
    /// The type of its predicate: the short name, where it has one.
    #[serde(rename = "type")]
    pub predicate: String,
    /// Who did it: the signer, or whom an observer saw.
    pub person: PersonId,
    /// What kind of person that is, by the roster then in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PersonKind>,
    /// Who signed it.
    pub signer: PersonId,
    /// How it ended, in the types that say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Ending>,
    /// The environments that it is about.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<String>,
    /// The services that it is about.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// The paths that it names: subjects, and files of an AI attribution.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub paths: BTreeSet<String>,
    /// The commit it is about.
    pub commit: ObjectId,
    /// What it is about.
    pub subjects: Vec<About>,
}

/// One thing that an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What its author calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub digest: DigestSet,
}

/// How something ended, over all types: a run, tests, a measurement, a review, a decision, a deployment, what
/// production said, a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Well.
    Pass,
    /// Nearly not.
    Warn,
    /// Not well.
    Fail,
}

impl Ending {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    fn of(entry: &Entry) -> Option<Self> {
        if entry.failed {
            return Some(Self::Fail);
        }
        // Of a link a model has the result alone.
        if entry.predicate_type == Link::TYPE {
            return Some(Self::Pass);
        }
        Some(match entry.said.as_ref()? {
            Known::TestResult(said) => match said.result {
                TestOutcome::Passed => Self::Pass,
                TestOutcome::Warned => Self::Warn,
                TestOutcome::Failed => Self::Fail,
            },
            Known::Measurement(said) => match said.result {
                MeasurementResult::Pass => Self::Pass,
                MeasurementResult::Warn => Self::Warn,
                MeasurementResult::Fail => Self::Fail,
            },
            Known::Review(said) => match said.verdict {
                ReviewVerdict::Approve => Self::Pass,
                ReviewVerdict::RequestChanges => Self::Fail,
                ReviewVerdict::Comment => return None,
            },
            Known::Approval(said) => match said.decision {
                Decision::Approved => Self::Pass,
                Decision::Rejected => Self::Fail,
                Decision::Withdrawn => return None,
            },
            Known::Deployment(said) => match said.result {
                DeploymentResult::Success => Self::Pass,
                DeploymentResult::Failure | DeploymentResult::Aborted => Self::Fail,
            },
            Known::Outcome(said) => match said.kind {
                OutcomeKind::Healthy | OutcomeKind::Recovered => Self::Pass,
                OutcomeKind::SloBurn => Self::Warn,
                OutcomeKind::Degraded
                | OutcomeKind::Outage
                | OutcomeKind::Rollback
                | OutcomeKind::Hotfix
                | OutcomeKind::Security => Self::Fail,
            },
            Known::Vsa(said) => match said.verification_result {
                VerificationResult::Passed => Self::Pass,
                VerificationResult::Failed => Self::Fail,
            },
            _ => return None,
        })
    }
}

/// A row for every entry that counts, by seq.
pub fn rows(model: &Model) -> impl Iterator<Item = Row> {
    model.entries.iter().map(|entry| row(model, entry))
}

/// Which rows are wanted. The default is all; an empty list asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these steps.
    pub steps: Vec<String>,
    /// Of these predicate types, by short name or URI.
    pub types: Vec<String>,
    /// Done or signed by these persons.
    pub persons: Vec<PersonId>,
    /// Done by persons of these kinds.
    pub kinds: Vec<PersonKind>,
    /// About one of these.
    pub subjects: Vec<DigestSet>,
    /// About these environments.
    pub environments: Vec<String>,
    /// About these services.
    pub services: Vec<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// At this time or earlier.
    pub until: Option<Timestamp>,
    /// With these results.
    pub results: Vec<Ending>,
    /// Naming a path that fits one of these globs.
    pub paths: Vec<String>,
}

impl Filter {
    /// Whether a row fits all conditions.
    pub fn wants(&self, row: &Row) -> bool {
        fn any<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
            wanted.is_empty() || wanted.iter().any(fits)
        }
        any(&self.steps, |step| *step == row.step)
            && any(&self.types, |wanted| {
                uri_of(&row.predicate).unwrap_or(&row.predicate) == uri_of(wanted).unwrap_or(wanted)
            })
            && any(&self.persons, |id| *id == row.person || *id == row.signer)
            && any(&self.kinds, |kind| row.kind == Some(*kind))
            && any(&self.subjects, |wanted| {
                row.subjects
                    .iter()
                    .any(|about| about.digest.matches(wanted))
            })
            && any(&self.environments, |name| row.environments.contains(name))
            && any(&self.services, |name| row.services.contains(name))
            && self.since.is_none_or(|since| row.time >= since)
            && self.until.is_none_or(|until| row.time <= until)
            && any(&self.results, |result| row.result == Some(*result))
            && any(&self.paths, |glob| {
                row.paths.iter().any(|path| fits(glob, path))
            })
    }
}

fn prefixed<S: Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("sha256:{digest}"))
}

fn unprefixed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
    let text = String::deserialize(deserializer)?;
    let hex = text
        .strip_prefix("sha256:")
        .ok_or_else(|| serde::de::Error::custom("expected sha256: before the digits"))?;
    hex.parse().map_err(serde::de::Error::custom)
}

fn row(model: &Model, entry: &Entry) -> Row {
    // Where the entry's word counts for nobody, what is left is who signed it.
    let person = model
        .actor(entry)
        .map(|actor| actor.person)
        .or_else(|| model.named(&entry.signer, entry.seq));
    let (environments, services) = places(entry.said.as_ref());
    let subjects = entry.subjects.iter().map(|subject| About {
        name: subject.name.clone(),
        digest: subject.digest.clone(),
    });
    Row {
        seq: entry.seq,
        attestation: entry.attestation,
        time: entry.time(),
        step: entry.step.clone(),
        predicate: short_name_of(&entry.predicate_type)
            .unwrap_or(&entry.predicate_type)
            .to_owned(),
        person: person.map_or_else(|| entry.signer.clone(), |person| person.id().clone()),
        kind: person.map(|person| person.kind()),
        signer: entry.signer.clone(),
        result: Ending::of(entry),
        environments,
        services,
        paths: paths(entry),
        commit: entry.commit,
        subjects: subjects.collect(),
    }
}

// Environments and services, as far as the type names any.
fn places(said: Option<&Known>) -> (BTreeSet<String>, BTreeSet<String>) {
    let one = |text: &String| BTreeSet::from([text.clone()]);
    match said {
        Some(Known::Deployment(said)) => (one(&said.environment.name), one(&said.service)),
        Some(Known::Outcome(said)) => (one(&said.environment.name), one(&said.service)),
        Some(Known::Inventory(said)) => {
            let services = said.items.iter().map(|item| item.service.clone());
            (one(&said.environment.name), services.collect())
        }
        Some(Known::Measurement(said)) => {
            let environment = said.environment.iter().map(|known| known.name.clone());
            (
                environment.collect(),
                said.service.iter().cloned().collect(),
            )
        }
        Some(Known::Exception(said)) => {
            let named = |names: &[String]| names.iter().cloned().collect();
            (named(&said.scope.environments), named(&said.scope.services))
        }
        _ => Default::default(),
    }
}

fn paths(entry: &Entry) -> BTreeSet<String> {
    let mut paths: BTreeSet<String> = entry
        .subjects
        .iter()
        .filter_map(|subject| subject.name.clone())
        .collect();
    if let Some(Known::AiAssistance(said)) = &entry.said {
        let files = said.attribution.iter().flat_map(|told| &told.files);
        paths.extend(files.map(|file| file.path.as_str().to_owned()));
    }
    paths
}
