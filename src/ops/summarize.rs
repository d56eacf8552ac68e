//! Summarize: an audit said as a VSA or SVR, signed with the key in use, and where wanted appended.
//!
//! What goes to a file and what goes into the ledger are the same bytes: the statement says its place in the ledger either
//! way, and Ed25519 signs the same alike.

use super::key::{self, KeySource};
use super::record::{self, Claim, Recorded, Recorder, Rehash};
use super::{Explain, Failure, World};
use crate::attestation::{Attestation, SignError};
use crate::git::{self, RefName, Repository};
use crate::report::audit::Audit;
use crate::report::summary;
use crate::statement::predicate::{self, Predicate, Svr, Vsa};
use crate::statement::{self, Placement, PredicateType, Statement, Step, Subject};
use crate::verify::Question;

/// Which summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SLSA verification summary v1.
    Vsa,
    /// In-toto simple verification result v0.2.
    Svr,
}

/// What a summary says besides the audit.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What is summed up is about this.
    pub question: Question,
    /// What was verified; where it is not given, the repository, if the question is about all or about commits.
    pub resource: Option<String>,
    /// The verifier's id, a URI.
    pub verifier: Option<String>,
    /// The key that signs.
    pub key: Option<KeySource>,
    /// The commit that the statement belongs to.
    pub revision: String,
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// It could not be appended.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The predicate breaks its type's rules.
    #[error(transparent)]
    Predicate(#[from] predicate::Error),
    /// It is not known what was verified.
    #[error("it is not known how what was verified is called")]
    NoResource,
    /// An SVR says what holds.
    #[error("no check passes, and an SVR can only say what holds")]
    NothingHolds,
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Key(error) => error.failure(),
            Self::Record(error) => error.failure(),
            Self::NoResource => Failure::Usage,
            Self::NothingHolds => Failure::Undecided,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.remedy(),
            Self::Git(error) => error.remedy(),
            Self::Record(error) => error.remedy(),
            Self::NoResource => {
                Some("name it: --resource-uri pkg:generic/app@1.0, for example".into())
            }
            Self::NothingHolds => Some("a VSA says FAILED: --output vsa=FILE".into()),
            _ => None,
        }
    }
}

/// A summary, signed.
///
/// # Errors
/// Where it cannot be made.
pub fn sign(
    world: &World,
    repository: &Repository,
    audit: &Audit,
    frame: &Frame,
    kind: Kind,
) -> Result<Attestation, Error> {
    let claim = claim(audit, frame, kind)?;
    let placement = Placement {
        origin: audit.origin.clone(),
        step: claim.step,
        commit: repository.commit_named(&frame.revision)?,
    };
    let statement = Statement::new(claim.subjects, claim.predicate_type, claim.predicate)?;
    let key = key::signing_key(world, frame.key.as_ref())?;
    Ok(Attestation::sign(&statement.placed(&placement), &key)?)
}

/// Summaries, signed and appended in one append.
///
/// # Errors
/// Where nothing was recorded.
pub fn append(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    audit: &Audit,
    frame: &Frame,
    kinds: &[Kind],
) -> Result<Vec<Recorded>, Error> {
    let claims: Result<Vec<_>, _> = kinds
        .iter()
        .map(|kind| claim(audit, frame, *kind))
        .collect();
    let key = frame.key.as_ref();
    let recorder = Recorder::open(world, repository, ledger, key, &frame.revision)?;
    Ok(recorder.record(claims?)?)
}

fn claim(audit: &Audit, frame: &Frame, kind: Kind) -> Result<Claim, Error> {
    let verifier = frame.verifier.as_deref().unwrap_or(summary::VERIFIER);
    let (predicate_type, predicate) = match kind {
        Kind::Vsa => {
            let of_source = !matches!(frame.question, Question::Artifact(_)) && !audit.is_narrowed;
            let usual = || of_source.then(|| summary::repository(audit));
            let resource = frame
                .resource
                .clone()
                .or_else(usual)
                .ok_or(Error::NoResource)?;
            let vsa = summary::vsa(audit, verifier, &resource);
            (PredicateType::of::<Vsa>(), vsa.to_map()?)
        }
        Kind::Svr => {
            let svr = summary::svr(audit, verifier).ok_or(Error::NothingHolds)?;
            (PredicateType::of::<Svr>(), svr.to_map()?)
        }
    };
    let subjects: Vec<Subject> = summary::subjects(audit, &frame.question);
    let step: Step = "audit".parse().expect("a step's name");
    Ok(Claim {
        step,
        predicate_type,
        predicate,
        subjects,
        rehash: Rehash::No,
    })
}
