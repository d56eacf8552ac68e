//! What a policy says to the checks: one table `[checks.Cnn]` for each that is enforced, environments, classes
//! of paths, and the rules for AI.
//!
//! A check is enforced where its table stands, even an empty one. Every key has a default, which the manual's
//! page `policy` gives; an unknown key is refused by its line and column.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::statement::Step;
use crate::statement::predicate::{Decimal, Role, Tier};
use crate::timestamp::Timestamp;

/// An environment that the policy speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentRule {
    /// Its name, as deployments give it.
    pub name: String,
    /// How near to the public it is.
    pub tier: Option<Tier>,
    /// The environments in which the same artifact must have run before (C13).
    #[serde(default)]
    pub after: Vec<String>,
}

/// A class of paths.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathClass {
    /// Its name, as changes list it.
    pub name: String,
    /// Globs: `*` within a name, `**` across names, `?` one character.
    pub paths: Vec<String>,
}

macro_rules! checks {
    ($($(#[$meta:meta])* $field:ident $id:literal $type:ty)+) => {
        /// The checks that are enforced, with their parameters.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Checks {
            $($(#[$meta])* #[serde(rename = $id)] pub $field: Option<$type>,)+
        }

        impl Checks {
            /// The ids of those that are enforced, rising.
            pub fn enforced(&self) -> Vec<&'static str> {
                let mut ids = Vec::new();
                $(if self.$field.is_some() { ids.push($id); })+
                ids
            }

            /// Whether a check, by its id, is enforced.
            pub fn enforces(&self, id: &str) -> bool {
                match id {
                    $($id => self.$field.is_some(),)+
                    _ => false,
                }
            }

            /// The same, with the tables of those that the others have.
            pub(super) fn with(&self, others: &Self) -> Self {
                Self { $($field: others.$field.as_ref().or(self.$field.as_ref()).cloned(),)+ }
            }

            /// Adds what another policy enforces; of a check that both enforce otherwise, its id.
            pub(super) fn add(&mut self, more: Self) -> Result<(), &'static str> {
                $(match (&self.$field, more.$field) {
                    (_, None) => {}
                    (None, more) => self.$field = more,
                    (Some(known), Some(more)) if *known == more => {}
                    (Some(_), Some(_)) => return Err($id),
                })+
                Ok(())
            }

            /// From when on a check is enforced, if its table names a time.
            pub fn effective_from(&self, id: &str) -> Option<Timestamp> {
                match id {
                    $($id => self.$field.as_ref().and_then(|rule| rule.effective_from),)+
                    _ => None,
                }
            }
        }
    };
}

checks! {
    /// chain-intact
    c01 "C01" Plain
    /// signed-by-known
    c02 "C02" Plain
    /// population-complete
    c03 "C03" Plain
    /// ordering
    c04 "C04" Plain
    /// four-eyes
    c05 "C05" FourEyes
    /// duties-separated
    c06 "C06" Duties
    /// final-revision
    c07 "C07" Plain
    /// tests-before-ship
    c08 "C08" Tests
    /// scan-clean
    c09 "C09" Scans
    /// provenance-match
    c10 "C10" Builders
    /// sbom-present
    c11 "C11" Plain
    /// exception-bounded
    c12 "C12" Plain
    /// promotion-path
    c13 "C13" Plain
    /// rollback-ready
    c14 "C14" Plain
    /// reason-and-impact
    c15 "C15" Plain
    /// retention
    c16 "C16" Retention
    /// time-sane
    c17 "C17" Times
    /// policy-pinned
    c18 "C18" FourEyes
    /// ai-declared
    c19 "C19" Plain
    /// ai-human-reviewed
    c20 "C20" Plain
    /// ai-tool-allowed
    c21 "C21" Plain
    /// ai-share-cap
    c22 "C22" Plain
    /// ai-extra-scan
    c23 "C23" Plain
    /// ai-prompt-digest
    c24 "C24" Plain
    /// agent-no-authority
    c25 "C25" Plain
    /// cost-gate
    c26 "C26" Gates
    /// reliability-gate
    c27 "C27" Gates
    /// failure-followed-up
    c28 "C28" FollowUp
}

/// A check without parameters of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Plain {
    /// From when on it is enforced; what is older is not judged by it.
    pub effective_from: Option<Timestamp>,
}

/// Approvals by others (C05; C18 for policy and roster).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FourEyes {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// By how many humans.
    pub approvals: u32,
    /// Whether what a forge's observer says counts beside what people sign themselves.
    pub accept_observed: bool,
    /// Whether an approving review counts as an approval.
    pub accept_reviews: bool,
    /// Whether an author who is only claimed by a commit counts as known.
    pub accept_claimed_authors: bool,
    /// How many approvals in each environment, where it is another number.
    pub environments: BTreeMap<String, u32>,
    /// How many approvals for each class of paths, where it is more.
    pub path_classes: BTreeMap<String, u32>,
}

impl Default for FourEyes {
    fn default() -> Self {
        Self {
            effective_from: None,
            approvals: 1,
            accept_observed: true,
            accept_reviews: true,
            accept_claimed_authors: true,
            environments: BTreeMap::new(),
            path_classes: BTreeMap::new(),
        }
    }
}

/// Duties that one person may not hold together (C06).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Duties {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// Pairs such as `author+approver`.
    pub apart: Vec<Pair>,
}

impl Default for Duties {
    fn default() -> Self {
        Self {
            effective_from: None,
            apart: vec![
                Pair(Duty::Author, Duty::Approver),
                Pair(Duty::Author, Duty::Deployer),
            ],
        }
    }
}

/// A part in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Wrote it.
    Author,
    /// Let it go on.
    Approver,
    /// Brought it in.
    Merger,
    /// Put it to work.
    Deployer,
}

/// Two duties: `author+approver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pair(pub Duty, pub Duty);

/// Why a text is no pair of duties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not two of author, approver, merger and deployer with a plus sign between")]
pub struct PairError {
    found: String,
}

impl Duty {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Merger => "merger",
            Self::Deployer => "deployer",
        }
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let duty = |word: &str| {
            let all = [Duty::Author, Duty::Approver, Duty::Merger, Duty::Deployer];
            all.into_iter().find(|duty| duty.as_str() == word)
        };
        let pair = text
            .split_once('+')
            .and_then(|(a, b)| Some(Self(duty(a)?, duty(b)?)));
        pair.filter(|pair| pair.0 != pair.1)
            .ok_or_else(|| PairError {
                found: crate::statement::shortened(text),
            })
    }
}

impl TryFrom<String> for Pair {
    type Error = PairError;

    fn try_from(text: String) -> Result<Self, PairError> {
        text.parse()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.0.as_str(), self.1.as_str())
    }
}

/// Tests (C08).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Tests {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// The suites that must have passed, by their signed step.
    pub suites: Vec<Step>,
    /// Whether the exit code of a command is enough, without a report.
    pub accept: AcceptedTests,
    /// Whether a suite that warned has passed.
    pub warned_passes: bool,
}

impl Default for Tests {
    fn default() -> Self {
        Self {
            effective_from: None,
            suites: vec!["test".parse().expect("a step's name")],
            accept: AcceptedTests::Report,
            warned_passes: false,
        }
    }
}

/// What shows that tests passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedTests {
    /// A report with counts.
    Report,
    /// A report, or that the command ended well.
    ExitCode,
}

/// Scanners (C09).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Scans {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// The scans that must have run, by their signed step.
    pub scanners: Vec<Step>,
    /// How old a scanner's database may be when it runs, in days.
    pub database_days: u32,
    /// From which severity on a finding needs an exception.
    pub severity: Severity,
    /// Within how many days what runs must be scanned anew.
    pub rescan_days: Option<u32>,
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            effective_from: None,
            scanners: vec!["scan".parse().expect("a step's name")],
            database_days: 7,
            severity: Severity::High,
            rescan_days: None,
        }
    }
}

/// How bad a vulnerability is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// CVSS below 4.
    Low,
    /// CVSS from 4.
    Medium,
    /// CVSS from 7.
    High,
    /// CVSS from 9.
    Critical,
}

impl Severity {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Builders (C10).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Builders {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// The builders that are trusted, by id, a glob each; none named: any whose signer has a role for the step.
    pub builders: Vec<String>,
}

/// How long evidence must reach back (C16).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Retention {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// How many days.
    pub days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            effective_from: None,
            days: 365,
        }
    }
}

/// Claimed times (C17).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Times {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// By how many seconds clocks may differ.
    pub skew_seconds: u32,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            effective_from: None,
            skew_seconds: 300,
        }
    }
}

/// Measurements that must have passed before a deployment (C26, C27).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Gates {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// For which services; none named: for all.
    pub services: Vec<String>,
    /// For which environments; none named: those of the tier `prod`.
    pub environments: Vec<String>,
    /// The limit for each service's cost, in the unit that the measurement gives (C26).
    pub limits: BTreeMap<String, Decimal>,
}

/// What must follow a failed deployment (C28).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FollowUp {
    /// From when on it is enforced.
    pub effective_from: Option<Timestamp>,
    /// Within how many days its root cause must be recorded.
    pub days: u32,
}

impl Default for FollowUp {
    fn default() -> Self {
        Self {
            effective_from: None,
            days: 14,
        }
    }
}

/// What a policy says about AI (C19 to C25).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Ai {
    /// Whether it may take part.
    pub mode: AiMode,
    /// The tools that may, by name; none named: any.
    pub tools: Vec<String>,
    /// The models that may, as `provider/id`, a glob each; none named: any.
    pub models: Vec<String>,
    /// By how many humans a change with AI in it must be approved (C20).
    pub review: u32,
    /// The role that one of them needs, by class of paths (C20).
    pub review_roles: BTreeMap<String, Role>,
    /// The greatest share of AI's lines, in percent, by class of paths; `*` for all (C22).
    pub share: BTreeMap<String, u32>,
    /// The suites or scans that must run besides (C23).
    pub scans: Vec<Step>,
    /// Whether every session needs its prompt's digest (C24).
    pub prompt_digest: bool,
    /// Names and addresses of programs that commits name as co-authors, besides the known ones.
    pub bots: Vec<String>,
    /// What agents may do by themselves (C25).
    pub agents: Agents,
}

/// What agents may do by themselves; authority they never have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Agents {
    /// The steps that they may attest; none named: any.
    pub steps: Vec<Step>,
    /// The classes of paths in which a change may be theirs alone; none named: any.
    pub path_classes: Vec<String>,
}

impl Default for Ai {
    fn default() -> Self {
        Self {
            mode: AiMode::Declare,
            tools: Vec::new(),
            models: Vec::new(),
            review: 1,
            review_roles: BTreeMap::new(),
            share: BTreeMap::new(),
            scans: Vec::new(),
            prompt_digest: false,
            bots: Vec::new(),
            agents: Agents::default(),
        }
    }
}

/// What is kept of other tools' reports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Reports {
    /// Up to how many bytes a report is kept in the ledger; a larger one is named by its digest.
    pub keep_bytes: u32,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            keep_bytes: 1 << 20,
        }
    }
}

/// Whether AI may take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AiMode {
    /// It may, and nobody asks.
    Allow,
    /// It may, where it is declared.
    Declare,
    /// It may not.
    Ban,
}

/// Whether a text fits a glob: `*` within a name, `**` across names, `?` one character of a name.
pub fn fits(glob: &str, text: &str) -> bool {
    fn inner(glob: &[u8], text: &[u8]) -> bool {
        match (glob, text) {
            ([], []) => true,
            ([b'*', b'*', b'/', rest @ ..], _) if inner(rest, text) => true,
            ([b'*', b'*', rest @ ..], _) => (0..=text.len()).any(|at| inner(rest, &text[at..])),
            ([b'*', rest @ ..], _) => {
                let name = text
                    .iter()
                    .position(|byte| *byte == b'/')
                    .unwrap_or(text.len());
                (0..=name).any(|at| inner(rest, &text[at..]))
            }
            ([b'?', glob @ ..], [byte, text @ ..]) => *byte != b'/' && inner(glob, text),
            ([a, glob @ ..], [b, text @ ..]) => a == b && inner(glob, text),
            _ => false,
        }
    }
    // A policy's author is trusted with the pattern, the text is not: few stars keep it short.
    glob.matches('*').count() <= 16 && inner(glob.as_bytes(), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, yes, no) in [
            ("src/**", "src/a/b.rs", "lib/a"),
            ("*.rs", "a.rs", "a/b.rs"),
            ("**/*.rs", "a/b.rs", "a/b.rsx"),
            ("**/*.rs", "b.rs", "b.c"),
            ("a?c", "abc", "a/c"),
            ("https://ci/*", "https://ci/x", "https://ci/x/y"),
            ("", "", "a"),
        ] {
            assert!(fits(glob, yes), "{glob} {yes}");
            assert!(!fits(glob, no), "{glob} {no}");
        }
    }

    #[test]
    fn pairs() {
        assert_eq!(
            "author+approver".parse(),
            Ok(Pair(Duty::Author, Duty::Approver))
        );
        for bad in ["author", "author+", "author+author", "author+writer", ""] {
            assert!(bad.parse::<Pair>().is_err(), "{bad}");
        }
    }
}
