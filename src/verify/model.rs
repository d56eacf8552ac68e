//! From a replay's outcome to what the checks judge.

use std::sync::Arc;

use super::{Evidence, Outcome, Verdict};
use crate::digest::ObjectId;
use crate::finding::{Code, Finding, Severity};
use crate::judge::{self, CheckResult, Fault, Model, Scope};
use crate::statement::predicate::Known;
use crate::timestamp::Timestamp;

impl Outcome {
    /// All that checks judge, without git's facts. Without a time given, the moment of judgement is that of the newest
    /// entry: so the same ledger is judged alike whenever that is done.
    pub fn model(&self, evidence: &Evidence, at: Option<Timestamp>) -> Model {
        let fault = |finding: &Finding| Fault {
            code: finding.code.as_str().to_owned(),
            seq: finding.seq,
            detail: finding.detail.clone(),
        };
        let all = || self.findings.iter().chain(&self.elsewhere);
        let newest = evidence.entries.iter().map(|entry| entry.claimed).max();
        let mut model = Model {
            origin: self
                .origin
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            entries: evidence.entries.clone(),
            corrected: Vec::new(),
            in_force: evidence.in_force.clone(),
            governed: evidence.governed.clone(),
            broken: all()
                .filter(|finding| finding.severity() == Severity::Broken)
                .map(fault)
                .collect(),
            // What is about an entry and fails: its signature, its place, its signer. Steps are the policy's, and a tag
            // that was moved leaves the entry that names it as it was: that is C07's.
            unsound: all()
                .filter(|finding| finding.severity() == Severity::Failed && finding.seq.is_some())
                .filter(|finding| finding.code != Code::TagMoved)
                .map(fault)
                .collect(),
            facts: Arc::default(),
            at: at
                .or(newest)
                .unwrap_or_else(|| Timestamp::from_unix(0).expect("1970 is in range")),
        };
        model.correct();
        model
    }
}

impl Evidence {
    /// Released tags that are other objects now, as `now` says of a ref. A tag that is not there says nothing.
    ///
    /// # Errors
    /// Where `now` fails.
    pub fn moved_tags<E>(
        &self,
        now: impl Fn(&str) -> Result<Option<ObjectId>, E>,
    ) -> Result<Vec<Finding>, E> {
        let mut findings = Vec::new();
        for entry in self.entries.iter() {
            let Some(Known::Release(release)) = &entry.said else {
                continue;
            };
            let Some(name) = &release.name else { continue };
            let Some(now) = now(name)? else { continue };
            if !entry.is_tagged(&now) {
                findings.push(Finding::at(
                    Code::TagMoved,
                    entry.seq,
                    entry.commit,
                    format!("{name} is {now} now"),
                ));
            }
        }
        Ok(findings)
    }
}

impl Verdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
            Self::Broken => "broken",
        }
    }

    /// This one, and what the checks say.
    pub fn with(self, checks: &[CheckResult], scope: &Scope) -> Self {
        self.max(match judge::overall(checks) {
            judge::Verdict::Fail => Self::Failed,
            judge::Verdict::Unknown => Self::Undecided,
            // What was asked for by name has nothing in it: that is no pass.
            judge::Verdict::NotApplicable if scope.is_narrowed() => Self::Undecided,
            _ => Self::Pass,
        })
    }
}
