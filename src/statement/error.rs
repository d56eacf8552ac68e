//! Why something is no statement.

use super::predicate;
use super::{MAX_STATEMENT_BYTES, MAX_SUBJECTS, PredicateType, STATEMENT_V0_1, STATEMENT_V1};
use crate::canonical;

/// Why bytes or parts are no statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Larger than [`MAX_STATEMENT_BYTES`].
    #[error("statement of {bytes} bytes, more than {MAX_STATEMENT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not strict JSON, or not expressible as RFC 8785.
    #[error("statement is no strict JSON")]
    Json(#[from] canonical::Error),
    /// A field is missing or of another kind.
    #[error("statement does not have the shape of in-toto Statement v1")]
    Shape(#[source] serde_json::Error),
    /// Neither Statement v1 nor v0.1.
    #[error("statement type {found:?} is neither {STATEMENT_V1} nor {STATEMENT_V0_1}")]
    Type {
        /// What `_type` says.
        found: String,
    },
    /// No subject.
    #[error("statement without a subject")]
    NoSubject,
    /// More than [`MAX_SUBJECTS`].
    #[error("statement with {count} subjects, more than {MAX_SUBJECTS}")]
    TooManySubjects {
        /// How many.
        count: usize,
    },
    /// Statement v0.1 is read only.
    #[error("statements of version v0.1 are read and never written")]
    ReadOnlyVersion,
    /// Some of the three placement annotations are there and some are not.
    #[error(
        "first subject has some of the annotations docket.origin, docket.step, docket.commit but not {missing}"
    )]
    PartialPlacement {
        /// The first one that is missing.
        missing: &'static str,
    },
    /// A placement annotation does not have its form.
    #[error("annotation {annotation} of the first subject does not have its form")]
    PlacementForm {
        /// Which one.
        annotation: &'static str,
    },
    /// The statement is of another type than the one asked for.
    #[error("predicate type {found} instead of {expected}")]
    OtherPredicate {
        /// What was asked for.
        expected: &'static str,
        /// What the statement has.
        found: PredicateType,
    },
    /// The predicate does not have its type's shape, or breaks its rules.
    #[error("predicate refused")]
    Predicate(#[from] predicate::Error),
}
