//! Judgement: machine rules over the entries that count.
//!
//! Each check C01 to C28 is a pure function over one [`Model`]; it looks at the items that it is about (changes
//! that landed, deployments, the ledger itself) within a [`Scope`], and says for each: pass, fail, exception,
//! unknown. A check without an item is not applicable. What weighs most decides: fail over unknown over
//! exception over pass. Missing evidence is unknown, never a pass.
//!
//! [`judge`] then holds the results together:
//!
//! 1. where C01 or C02 fails, nothing else can be known: every other check is unknown;
//! 2. an exception covers what it names (check, finding, scope), while it lasts, if a human who is not the
//!    author granted it; what it covers is an exception, and shown before passes;
//! 3. an item that is older than a check's `effectiveFrom` is not judged by it; until then it is a warning;
//! 4. a gap that was said openly is shown as such on what it covers: still unknown.

pub mod checks;
mod commit;
mod demands;
pub mod entries;
mod exceptions;
pub mod gather;
pub mod layout;
pub mod model;
pub mod pack;
mod reason;
pub mod sample;
pub mod scenario;
mod starter;
pub mod trailers;
pub mod trails;

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

pub(crate) use self::checks::items::Landed;
pub use self::demands::demands;
pub(crate) use self::exceptions::is_granted;
pub use self::model::{Actor, CommitFacts, Entry, Facts, Fault, Governed, Model};
pub use self::reason::Reason;
pub use self::starter::starter;
use crate::digest::ObjectId;
use crate::statement::DigestSet;
use crate::statement::predicate::KeptReport;
use crate::timestamp::Timestamp;

/// What a check says of one item, or of all together. In order of weight.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is nothing that it is about.
    NotApplicable,
    /// It holds.
    Pass,
    /// It does not hold, and somebody with the authority allowed that.
    Exception,
    /// Evidence is missing, or not yet there.
    Unknown,
    /// It does not hold.
    Fail,
}

impl Verdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Pass => "pass",
            Self::Exception => "exception",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// What a check says of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is about: a change's id, a deployment, a commit.
    pub subject: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, by its stable name; none for a plain pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The entries that it rests on, by seq.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
    /// What would mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    #[serde(skip)]
    pub(crate) place: Place,
}

/// Where an item stands, for exceptions and for `effectiveFrom`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) time: Option<Timestamp>,
    pub(crate) seq: Option<u64>,
    pub(crate) service: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) artifact: Option<DigestSet>,
    /// The tool's own name for what was found: `CVE-2026-1234`, and where.
    pub(crate) finding: Option<(String, Option<String>)>,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// `C05`
    pub id: &'static str,
    /// `four-eyes`
    pub name: &'static str,
    /// What weighs most.
    pub verdict: Verdict,
    /// How many items there are of each verdict.
    pub counts: Counts,
    /// The items, heaviest first.
    pub items: Vec<Item>,
    /// What does not hold, and will not be let pass any longer once the check is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coming: Option<Coming>,
}

/// A check that is not in force yet: a warning, which weighs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coming {
    /// From when on it is in force.
    pub from: Timestamp,
    /// What would not hold then, heaviest first.
    pub items: Vec<Item>,
}

/// How many items there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Hold.
    pub pass: u64,
    /// Are allowed not to.
    pub exception: u64,
    /// Cannot be told.
    pub unknown: u64,
    /// Do not hold.
    pub fail: u64,
}

/// What is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only changes with one of these commits: as head, or as landed.
    pub commits: Option<Vec<ObjectId>>,
    /// Only what is about this artifact.
    pub artifact: Option<DigestSet>,
    /// Only deployments to this environment, and what they brought.
    pub environment: Option<String>,
    /// Only what landed or was deployed from the first moment up to, and without, the second.
    pub period: Option<(Timestamp, Timestamp)>,
}

impl Scope {
    /// Whether an environment or a period was named.
    pub fn is_narrowed(&self) -> bool {
        self.environment.is_some() || self.period.is_some()
    }
}

/// One of the rules.
pub struct Check {
    /// `C05`
    pub id: &'static str,
    /// `four-eyes`
    pub name: &'static str,
    /// What it wants, in a sentence.
    pub wants: &'static str,
    /// Looks at everything in scope.
    pub(crate) run: fn(&Model, &Scope) -> Vec<Item>,
}

impl Check {
    fn result(&self, model: &Model, scope: &Scope, asked: Asked<'_>) -> CheckResult {
        let mut items = (self.run)(model, scope);
        let rules = |item: &Item| {
            let seq = item.place.seq.unwrap_or(u64::MAX);
            model.in_force(seq).1.checks()
        };
        if matches!(asked, Asked::Enforced) && !ALWAYS.contains(&self.id) {
            items.retain(|item| rules(item).enforces(self.id));
        }
        for item in &mut items {
            exceptions::apply(model, self.id, item);
        }
        let is_older = |item: &mut Item| {
            let both = item.place.time.zip(rules(item).effective_from(self.id));
            both.is_some_and(|(time, from)| time < from)
        };
        let mut older: Vec<Item> = items.extract_if(.., is_older).collect();
        older.retain(|item| item.verdict > Verdict::Exception);
        sort(&mut older);
        let mut result = CheckResult::of(self, items);
        // Once it is in force, what is older is none of its business; until then it is a warning.
        let from = model.policy().checks().effective_from(self.id);
        let coming = from.filter(|from| model.at < *from && !older.is_empty());
        result.coming = coming.map(|from| Coming { from, items: older });
        result
    }
}

/// They say whether anything else can be known.
pub const ALWAYS: [&str; 2] = ["C01", "C02"];

/// Which checks are run, and over what.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// These, by id, over everything in scope.
    These(&'a [&'a str]),
    /// Those that any policy of the ledger enforced, over what that policy governed: by the entry of a landing, a
    /// deployment, a release; what has none is governed by the policy in force now.
    Enforced,
}

/// Runs checks, in their order; [`checks::ALL`] has every one. Each item is judged with the parameters that the policy in
/// force at its entry gives.
///
/// C01 and C02 are always run, because they say whether anything else can be known; but nothing is run where nothing is
/// asked for. How many threads work makes no difference to what they say.
pub fn judge(
    model: &Model,
    scope: &Scope,
    asked: Asked<'_>,
    threads: NonZeroUsize,
) -> Vec<CheckResult> {
    let wanted = |id: &str| match asked {
        Asked::These(ids) => ids.contains(&id),
        Asked::Enforced => model.ever_enforced(id),
    };
    if !checks::ALL.iter().any(|check| wanted(check.id)) {
        return Vec::new();
    }
    let selected: Vec<&Check> = checks::ALL
        .iter()
        .filter(|check| ALWAYS.contains(&check.id) || wanted(check.id))
        .collect();
    let results: Vec<OnceLock<CheckResult>> = selected.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(check) = selected.get(at) else {
                return;
            };
            results[at].get_or_init(|| check.result(model, scope, asked));
        }
    };
    // Of fewer entries a thread takes longer to start than to judge.
    let threads = threads.get().min(1 + model.entries.len() / 1000);
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let results = results.into_iter().filter_map(OnceLock::into_inner);
    let mut results: Vec<CheckResult> = results.collect();
    let sound = results
        .iter()
        .all(|result| !ALWAYS.contains(&result.id) || result.verdict != Verdict::Fail);
    if !sound {
        for result in results
            .iter_mut()
            .filter(|result| !ALWAYS.contains(&result.id))
        {
            result.cannot_be_known();
        }
    }
    results
}

/// The verdict over several checks: the heaviest.
///
/// C01 and C02 hold of any sound ledger: where nothing else had anything to look at, they make no pass.
pub fn overall<'a>(results: impl IntoIterator<Item = &'a CheckResult>) -> Verdict {
    let (mut heaviest, mut others, mut looked) = (Verdict::NotApplicable, false, false);
    for result in results {
        heaviest = heaviest.max(result.verdict);
        if !matches!(result.id, "C01" | "C02") {
            others = true;
            looked |= result.verdict != Verdict::NotApplicable;
        }
    }
    match heaviest == Verdict::Pass && others && !looked {
        true => Verdict::NotApplicable,
        false => heaviest,
    }
}

fn sort(items: &mut Vec<Item>) {
    items.sort_by(|a, b| {
        (b.verdict, &a.subject, &a.detail).cmp(&(a.verdict, &b.subject, &b.detail))
    });
    items.dedup();
}

impl CheckResult {
    fn of(check: &Check, mut items: Vec<Item>) -> Self {
        sort(&mut items);
        Self::counted(check.id, check.name, items)
    }

    /// Over items that stand heaviest first.
    pub(crate) fn counted(id: &'static str, name: &'static str, items: Vec<Item>) -> Self {
        let mut result = Self {
            id,
            name,
            verdict: items
                .first()
                .map_or(Verdict::NotApplicable, |item| item.verdict),
            counts: Counts::default(),
            items,
            coming: None,
        };
        result.count();
        result
    }

    fn cannot_be_known(&mut self) {
        self.coming = None;
        if self.verdict == Verdict::NotApplicable {
            return;
        }
        for item in &mut self.items {
            item.verdict = Verdict::Unknown;
            item.reason = Some(Reason::LedgerUnsound);
            item.detail = "C01 or C02 fails".to_owned();
            item.remedy = None;
        }
        self.verdict = Verdict::Unknown;
        self.count();
    }

    fn count(&mut self) {
        let of = |verdict| {
            self.items
                .iter()
                .filter(|item| item.verdict == verdict)
                .count() as u64
        };
        self.counts = Counts {
            pass: of(Verdict::Pass),
            exception: of(Verdict::Exception),
            unknown: of(Verdict::Unknown),
            fail: of(Verdict::Fail),
        };
    }
}

impl Item {
    /// It holds, because of these entries.
    pub(crate) fn pass(subject: impl Into<String>, entries: Vec<u64>) -> Self {
        Self {
            subject: subject.into(),
            verdict: Verdict::Pass,
            reason: None,
            detail: String::new(),
            entries,
            remedy: None,
            place: Place::default(),
        }
    }

    /// It does not hold, or cannot be told: as the reason says.
    pub(crate) fn of(
        subject: impl Into<String>,
        reason: Reason,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.into(),
            verdict: reason.verdict(),
            reason: Some(reason),
            detail: detail.into(),
            entries: Vec::new(),
            remedy: Some(reason.remedy().to_owned()),
            place: Place::default(),
        }
    }

    pub(crate) fn resting_on(mut self, entries: impl IntoIterator<Item = u64>) -> Self {
        self.entries.extend(entries);
        self.entries.sort_unstable();
        self.entries.dedup();
        self
    }

    /// Says so where the report that it was summed up from is nowhere.
    pub(crate) fn resting_on_summary(mut self, report: Option<&KeptReport>) -> Self {
        if !report.is_some_and(KeptReport::is_somewhere) {
            self.detail = "summary only".to_owned();
        }
        self
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Place {
            finding: self.place.finding.take().or_else(|| place.finding.clone()),
            ..place
        };
        self
    }
}
