//! correction v0.1: an earlier entry was a mistake. It hides nothing, and stands in every report.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{Asserted, Error, Predicate, Reference, not_empty};

/// What is mended, how and why. It is signed as the mended entry needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// The entry that was a mistake.
    pub about: Reference,
    /// What becomes of it.
    pub kind: CorrectionKind,
    /// The entry that stands in its place, recorded before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<Reference>,
    /// Why.
    pub reason: String,
}

words! {
    /// What becomes of an entry that was a mistake.
    pub enum CorrectionKind {
        /// It counts no more.
        Retract = "retract",
        /// Another counts in its place.
        Supersede = "supersede",
    }
}

impl Predicate for Correction {
    const TYPE: &'static str = "https://git-docket.dev/correction/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        not_empty("reason", &self.reason)?;
        if self.replacement.is_some() != (self.kind == CorrectionKind::Supersede) {
            return Err(Error::Broken {
                rule: "replacement is there where kind is supersede, and only there",
            });
        }
        match self.replacement.as_ref() == Some(&self.about) {
            true => Err(Error::Broken {
                rule: "replacement is another entry than about",
            }),
            false => Ok(()),
        }
    }
}
