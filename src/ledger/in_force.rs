//! Where the roster and the policy in force stand, for readers that have not replayed.
//!
//! ```text
//! git-docket/in-force/v1
//! roster ab/cd/<rest>
//! policy ab/cd/<rest>
//! ```
//!
//! A convenience: what is in force is said by the append record (seq and leaf) and judged by replay.

use super::{
    path::NotePath,
    text::{LineReader, TextError},
};

const HEADER: &str = "git-docket/in-force/v1";

/// The notes that hold the roster's and the policy's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The note with the roster's entry.
    pub roster: NotePath,
    /// The note with the policy's entry.
    pub policy: NotePath,
}

impl InForce {
    /// The bytes of `docket/in-force`.
    pub fn render(&self) -> String {
        format!("{HEADER}\nroster {}\npolicy {}\n", self.roster, self.policy)
    }

    /// Reads `docket/in-force`.
    ///
    /// # Errors
    /// Anything that [`InForce::render`] would not have printed.
    pub fn parse(bytes: &[u8]) -> Result<Self, TextError> {
        let mut lines = LineReader::new(bytes)?;
        lines.read("git-docket/in-force/v1", |line| {
            (line == HEADER).then_some(())
        })?;
        let roster = lines.read("roster and a path", |line| {
            line.strip_prefix("roster ")?.parse().ok()
        })?;
        let policy = lines.read("policy and a path", |line| {
            line.strip_prefix("policy ")?.parse().ok()
        })?;
        lines.end()?;
        Ok(Self { roster, policy })
    }
}
