//! What changed between two audits, from their JSON forms alone.
//!
//! 1. Each report is read within bounds and strictly as far as it is used: version, origin, verdicts, items.
//! 2. They must be on the same ledger. What was asked may differ (another quarter), and is shown.
//! 3. The heads are compared: the same, larger, smaller, or another history of the same size. Reports are nobody's signed word:
//!    that the second head extends the first, `verify` shows.
//! 4. Verdicts of checks and controls, the population's counts, and items by check and subject are set side by side; what is
//!    the same is left out, and what passes in the second and was not in the first is counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::{ObjectId, Sha256};
use crate::judge::Verdict;
use crate::report::escape::line;
use crate::report::json::SCHEMA_VERSION;
use crate::timestamp::Timestamp;

/// No report is larger: 256 MiB.
pub const MAX_REPORT_BYTES: usize = 256 << 20;

/// A report, as far as two are compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    schema_version: u32,
    #[serde(flatten)]
    head: Head,
    population: BTreeMap<String, u64>,
    packs: Vec<Pack>,
    checks: Vec<Check>,
}

/// What a report is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The ledger's name.
    pub origin: String,
    /// What was asked.
    pub asked: String,
    /// The moment of judgement.
    pub at: Timestamp,
    /// The ledger's commit.
    pub tip: ObjectId,
    /// How many entries it had.
    pub size: u64,
    /// Their Merkle root.
    pub root: Sha256,
    /// The policy that judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The heaviest verdict.
    pub verdict: Verdict,
}

/// The policy that judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its entry.
    pub seq: u64,
    /// SHA-256 of its text.
    pub digest: Sha256,
}

#[derive(Clone, Debug, Deserialize)]
struct Pack {
    id: String,
    controls: Vec<Control>,
}

#[derive(Clone, Debug, Deserialize)]
struct Control {
    id: String,
    verdict: Verdict,
}

#[derive(Clone, Debug, Deserialize)]
struct Check {
    id: String,
    verdict: Verdict,
    items: Vec<Item>,
}

#[derive(Clone, Debug, Deserialize)]
struct Item {
    subject: String,
    verdict: Verdict,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    detail: String,
}

/// What changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// The first report's head.
    pub before: Head,
    /// The second's.
    pub after: Head,
    /// How the second's ledger stands to the first's.
    pub ledger: Moved,
    /// Whether another policy judged.
    pub policy_changed: bool,
    /// Counts of the population that differ.
    pub population: Vec<Count>,
    /// Controls whose verdict differs, as `PACK/CONTROL`.
    pub controls: Vec<Turned>,
    /// Checks whose verdict differs.
    pub checks: Vec<Turned>,
    /// Items that differ.
    pub items: Vec<ItemTurned>,
    /// How many items of the second pass and were not in the first.
    pub new_passes: u64,
}

/// How a head stands to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moved {
    /// It is the same.
    Same,
    /// It has more entries.
    Larger,
    /// It has fewer.
    Smaller,
    /// It has as many, and others: one of them is no honest ledger's.
    Rewritten,
}

/// A count that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// In the first.
    pub before: u64,
    /// In the second.
    pub after: u64,
}

/// A verdict that differs; none where a report lacks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turned {
    /// Of what.
    pub id: String,
    /// In the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Verdict>,
    /// In the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Verdict>,
}

/// What a check says of a subject, where that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemTurned {
    /// The check.
    pub check: String,
    /// The subject.
    pub subject: String,
    /// In the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Said>,
    /// In the second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Said>,
}

/// What was said of a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Said {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Why two reports cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Larger than [`MAX_REPORT_BYTES`].
    #[error("a report of more than {MAX_REPORT_BYTES} bytes")]
    TooLarge,
    /// Not a report's JSON.
    #[error("no report in the form of schemas/output/audit.json")]
    Form(#[from] serde_json::Error),
    /// A version that is not known.
    #[error("schemaVersion {found} is not {SCHEMA_VERSION}")]
    Version {
        /// What it says.
        found: u32,
    },
    /// They are on two ledgers.
    #[error("one is on {before:?}, the other on {after:?}")]
    Origin {
        /// The first's.
        before: String,
        /// The second's.
        after: String,
    },
}

impl Report {
    /// Reads a report's JSON.
    ///
    /// # Errors
    /// Where it is none, or of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(Error::TooLarge);
        }
        let report: Self = serde_json::from_slice(bytes)?;
        match report.schema_version {
            SCHEMA_VERSION => Ok(report),
            found => Err(Error::Version { found }),
        }
    }
}

/// Sets two reports side by side.
///
/// # Errors
/// Where they are on different ledgers.
pub fn diff(before: &Report, after: &Report) -> Result<Diff, Error> {
    let (was, is) = (&before.head, &after.head);
    if was.origin != is.origin {
        return Err(Error::Origin {
            before: was.origin.clone(),
            after: is.origin.clone(),
        });
    }
    let (items, new_passes) = items(before, after);
    let counts = after.population.iter().filter_map(|(name, after)| {
        let before = before.population.get(name).copied().unwrap_or(0);
        let (name, after) = (name.clone(), *after);
        (before != after).then_some(Count {
            name,
            before,
            after,
        })
    });
    Ok(Diff {
        ledger: match (was.size.cmp(&is.size), was.root == is.root) {
            (std::cmp::Ordering::Equal, true) => Moved::Same,
            (std::cmp::Ordering::Equal, false) => Moved::Rewritten,
            (std::cmp::Ordering::Less, _) => Moved::Larger,
            (std::cmp::Ordering::Greater, _) => Moved::Smaller,
        },
        policy_changed: was.policy.as_ref().map(|policy| policy.digest)
            != is.policy.as_ref().map(|policy| policy.digest),
        population: counts.collect(),
        controls: turned(&controls(before), &controls(after)),
        checks: turned(&checks(before), &checks(after)),
        items,
        new_passes,
        before: was.clone(),
        after: is.clone(),
    })
}

fn controls(report: &Report) -> BTreeMap<String, Verdict> {
    let all = report.packs.iter().flat_map(|pack| {
        let name = |control: &Control| format!("{}/{}", pack.id, control.id);
        pack.controls
            .iter()
            .map(move |control| (name(control), control.verdict))
    });
    all.collect()
}

fn checks(report: &Report) -> BTreeMap<String, Verdict> {
    let all = report.checks.iter();
    all.map(|check| (check.id.clone(), check.verdict)).collect()
}

fn turned(before: &BTreeMap<String, Verdict>, after: &BTreeMap<String, Verdict>) -> Vec<Turned> {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let each = ids.into_iter().map(|id| Turned {
        id: id.clone(),
        before: before.get(id).copied(),
        after: after.get(id).copied(),
    });
    each.filter(|one| one.before != one.after).collect()
}

type Items<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<Said>>;

fn items(before: &Report, after: &Report) -> (Vec<ItemTurned>, u64) {
    fn by_subject(report: &Report) -> Items<'_> {
        let mut all = Items::new();
        for check in &report.checks {
            for item in &check.items {
                let key = (check.id.as_str(), item.subject.as_str());
                all.entry(key).or_default().insert(Said {
                    verdict: item.verdict,
                    reason: item.reason.clone(),
                    detail: item.detail.clone(),
                });
            }
        }
        all
    }
    let (was, is) = (by_subject(before), by_subject(after));
    let keys: BTreeSet<_> = was.keys().chain(is.keys()).copied().collect();
    let none = BTreeSet::new();
    let mut new_passes = 0;
    let mut items = Vec::new();
    for key in keys {
        let (was, is) = (
            was.get(&key).unwrap_or(&none),
            is.get(&key).unwrap_or(&none),
        );
        let verdicts = |said: &BTreeSet<Said>| -> BTreeSet<_> {
            said.iter()
                .map(|one| (one.verdict, one.reason.clone()))
                .collect()
        };
        if verdicts(was) == verdicts(is) {
            continue;
        }
        if was.is_empty() && is.iter().all(|said| said.verdict == Verdict::Pass) {
            new_passes += 1;
            continue;
        }
        items.push(ItemTurned {
            check: key.0.to_owned(),
            subject: key.1.to_owned(),
            before: was.iter().cloned().collect(),
            after: is.iter().cloned().collect(),
        });
    }
    (items, new_passes)
}

impl Diff {
    /// Whether nothing that is compared differs.
    pub fn is_empty(&self) -> bool {
        self.ledger == Moved::Same
            && !self.policy_changed
            && self.population.is_empty()
            && self.controls.is_empty()
            && self.checks.is_empty()
            && self.items.is_empty()
            && self.new_passes == 0
    }

    /// Ready to be read by people.
    pub fn to_text(&self) -> String {
        let (was, is) = (&self.before, &self.after);
        let asked = match was.asked == is.asked {
            true => line(&is.asked),
            false => format!("{} -> {}", line(&was.asked), line(&is.asked)),
        };
        let mut text = format!(
            "{}: {asked}\nverdict    {}\nledger     {}\n",
            line(&is.origin),
            arrow(Some(was.verdict), Some(is.verdict)),
            match self.ledger {
                Moved::Same => format!("the same {} entries", is.size),
                Moved::Larger => format!("{} -> {} entries", was.size, is.size),
                Moved::Smaller => format!("{} -> {} entries: fewer than before", was.size, is.size),
                Moved::Rewritten => format!("another {} entries: rewritten", is.size),
            }
        );
        if self.policy_changed {
            text.push_str("policy     another one judged\n");
        }
        for count in &self.population {
            let name = line(&count.name);
            text.push_str(&format!("{name}: {} -> {}\n", count.before, count.after));
        }
        for one in self.controls.iter().chain(&self.checks) {
            let (id, arrow) = (line(&one.id), arrow(one.before, one.after));
            text.push_str(&format!("{id}: {arrow}\n"));
        }
        for item in &self.items {
            let (check, subject) = (line(&item.check), line(&item.subject));
            text.push_str(&format!("\n{check} {subject}\n"));
            for (mark, said) in item
                .before
                .iter()
                .map(|said| ('-', said))
                .chain(item.after.iter().map(|said| ('+', said)))
            {
                let reason = line(said.reason.as_deref().unwrap_or_default());
                let words = format!("{} {reason} {}", said.verdict.as_str(), line(&said.detail));
                text.push_str(&format!("  {mark} {}\n", words.trim_end()));
            }
        }
        if self.new_passes > 0 {
            text.push_str(&format!("\n{} new items pass\n", self.new_passes));
        }
        if self.is_empty() {
            text.push_str("nothing differs\n");
        }
        text
    }
}

fn arrow(before: Option<Verdict>, after: Option<Verdict>) -> String {
    let word = |verdict: Option<Verdict>| verdict.map_or("none", Verdict::as_str);
    match before == after {
        true => word(after).to_owned(),
        false => format!("{} -> {}", word(before), word(after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn report(size: u64, root: &str, items: Value) -> Report {
        let value = json!({
            "schemaVersion": 1, "origin": "o.example", "asked": "the whole ledger", "at": "2026-11-22T10:00:00Z",
            "tip": format!("sha1:{}", "0".repeat(40)), "size": size, "root": root.repeat(64), "verdict": "fail",
            "population": {"changes": size}, "packs": [{"id": "p", "controls": [{"id": "c", "verdict": "fail"}]}],
            "checks": [{"id": "C05", "verdict": "fail", "items": items}],
        });
        Report::parse(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_is_the_same_is_left_out() {
        let items = json!([
            {"subject": "7", "verdict": "fail", "reason": "too-few-approvals", "detail": "0 of 1"},
            {"subject": "8", "verdict": "pass"},
        ]);
        let one = report(3, "a", items.clone());
        assert!(diff(&one, &one).unwrap().is_empty());
        let later = json!([
            {"subject": "7", "verdict": "pass"},
            {"subject": "8", "verdict": "pass"},
            {"subject": "9", "verdict": "pass"},
            {"subject": "\u{1b}[2J", "verdict": "unknown"},
        ]);
        let found = diff(&one, &report(5, "b", later)).unwrap();
        let subjects: Vec<&str> = found.items.iter().map(|it| it.subject.as_str()).collect();
        assert_eq!((subjects, found.new_passes), (vec!["\u{1b}[2J", "7"], 1));
        assert_eq!((found.ledger, found.population.len()), (Moved::Larger, 1));
        let text = found.to_text();
        assert!(
            text.contains("- fail too-few-approvals 0 of 1\n  + pass\n"),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'), "{text}");
        let rewritten = diff(&one, &report(3, "b", items)).unwrap();
        assert_eq!(rewritten.ledger, Moved::Rewritten);
        assert!(!rewritten.is_empty());
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for bad in ["", "{}", "[]", "null"] {
            assert!(Report::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let mut other = report(1, "a", json!([]));
        other.head.origin.push('x');
        let refused = diff(&report(1, "a", json!([])), &other);
        assert!(matches!(refused, Err(Error::Origin { .. })));
    }
}
