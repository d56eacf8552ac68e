//! Scenarios: made-up ledgers in a few lines of TOML, and what the checks should say of them.
//!
//! ```toml
//! [[case]]
//! name = "the author approved"
//! check = "C05"
//! expect = "fail"                         # pass, exception, unknown, not-applicable
//! reasons = ["too-few-approvals"]         # of every item that does not pass, sorted
//! entries = [
//!     { like = "change" },
//!     { like = "landing" },
//!     { like = "approval", by = "ada" },
//! ]
//! ```
//!
//! An entry is like a template, said `by` a person, with fields of its predicate `set` or `unset`; a plain case has one
//! commit on the protected ref that lands change `c1`. Names in values stand for digests: `@X` is the git object of that
//! name, `#X` the SHA-256 of the artifact of that name, `&N` the reference to entry N and `~N` its attestation. Manual:
//! `git docket help policy-test`.

mod cast;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::entries::Entries;
use super::trailers::{Mark, Trailer};
use super::{
    Asked, CheckResult, CommitFacts, Entry, Facts, Fault, Governed, Model, Scope, Verdict, checks,
};
use crate::digest::{Algorithm, ObjectId, Sha256};
use crate::policy::rules::Checks;
use crate::policy::{self, Policy};
use crate::roster::Roster;
use crate::statement::predicate::{self, Known, PersonId};
use crate::statement::{DigestSet, PredicateType, Subject};
use crate::timestamp::Timestamp;

/// The name of every scenario's ledger.
pub const ORIGIN: &str = "git.example.com/acme/app";

/// A file of scenarios.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenarios {
    /// Persons besides the usual ones, as a roster has them.
    #[serde(default)]
    pub person: Vec<Value>,
    /// The cases.
    pub case: Vec<Case>,
}

/// A made-up ledger, and what a check should say of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A line that tells it apart.
    pub name: String,
    /// The check; without one, all that the policies enforce together, each over what it governs.
    pub check: Option<String>,
    /// The verdict.
    pub expect: String,
    /// The reasons of every item that does not pass.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The reasons of what would not hold, once the check is in force.
    #[serde(default)]
    pub coming: Vec<String>,
    /// Further lines of the policy.
    #[serde(default)]
    pub policy: String,
    /// Policies that came later.
    #[serde(default)]
    pub later: Vec<LaterWords>,
    /// What is asked about; everything where left out.
    #[serde(default)]
    pub scope: ScopeWords,
    /// The moment of judgement.
    #[serde(default = "now")]
    pub at: String,
    /// The ledger's entries, from seq 1 on.
    #[serde(default)]
    pub entries: Vec<EntryWords>,
    /// The protected ref's line, newest first.
    pub line: Option<Vec<CommitWords>>,
    /// Trees of merges without conflict: head, first parent, tree.
    #[serde(default)]
    pub merges: Vec<[String; 3]>,
    /// Merges that cannot be recomputed: head, first parent.
    #[serde(default)]
    pub unmerged: Vec<[String; 2]>,
    /// What refs are now that releases name: ref, object.
    #[serde(default)]
    pub tags: Vec<[String; 2]>,
    /// What makes the ledger untrustworthy: `code: detail`.
    #[serde(default)]
    pub broken: Vec<String>,
    /// What makes an entry not count: `code: detail`.
    #[serde(default)]
    pub unsound: Vec<String>,
    /// Changes of policy, roster and ledger key.
    #[serde(default)]
    pub governed: Vec<GovernedWords>,
    /// The file's further persons.
    #[serde(skip)]
    persons: Vec<Value>,
}

/// A policy that came later.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaterWords {
    /// The first entry that it judges.
    pub from: u64,
    /// Its lines, as a case's policy has them.
    pub policy: String,
}

/// What is asked about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeWords {
    /// An environment.
    pub environment: Option<String>,
    /// An artifact, by name.
    pub artifact: Option<String>,
    /// Commits, by name.
    pub commits: Option<Vec<String>>,
    /// From, and up to.
    pub period: Option<[String; 2]>,
}

/// An entry: a template and what differs from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryWords {
    /// The template.
    pub like: String,
    /// Who signs it, and acts.
    pub by: Option<String>,
    /// Fields of the predicate.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// Fields of the template that are left out.
    #[serde(default)]
    pub unset: Vec<String>,
    /// Its step, if another.
    pub step: Option<String>,
    /// Its commit, by name, if another than `H`.
    pub commit: Option<String>,
    /// Its tree, by name, if another than `T`.
    pub tree: Option<String>,
    /// An artifact that it is about, by name; `A` where its kind has one.
    pub about: Option<String>,
    /// When it was signed, as claimed.
    pub claimed: Option<String>,
    /// When it was there already, as somebody vouches.
    pub verified: Option<String>,
    /// Whether it reports that its step failed.
    #[serde(default)]
    pub failed: bool,
}

/// A commit of the protected ref.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitWords {
    /// Its name.
    pub id: String,
    /// Its tree's name.
    pub tree: String,
    /// Its author's address.
    #[serde(default = "ada_address")]
    pub author: String,
    /// Its committer's address.
    #[serde(default = "ada_address")]
    pub committer: String,
    /// The AI tools that its trailers name.
    #[serde(default)]
    pub ai: Vec<String>,
    /// Its parents' names.
    #[serde(default)]
    pub parents: Vec<String>,
}

/// A change of policy, roster or ledger key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernedWords {
    /// `policy`, `roster` or `ledger-key`.
    pub step: String,
    /// Who signed it; nobody in the roster where left out.
    pub signer: Option<String>,
    /// By how many root keys it had to be signed.
    #[serde(default = "one")]
    pub threshold: usize,
}

/// Why a text is no file of scenarios, or a case no ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No TOML, or not the shape; the place is in the source's message.
    #[error("no scenarios")]
    Toml(#[from] toml::de::Error),
    /// There is no case.
    #[error("there is no case in it")]
    Empty,
    /// A template that there is not.
    #[error("there is no entry like {found:?}; there are {}", cast::LIKES.join(", "))]
    Like {
        /// What it says.
        found: String,
    },
    /// A field to leave out that is not there.
    #[error("entry {seq}: there is no {field} to leave out")]
    Unset {
        /// The entry.
        seq: u64,
        /// The field.
        field: String,
    },
    /// What an entry says breaks its type's rules.
    #[error("entry {seq}")]
    Predicate {
        /// The entry.
        seq: u64,
        /// Which.
        source: predicate::Error,
    },
    /// A moment that is none.
    #[error("{found:?} is no time such as 2026-11-22T00:00:00Z")]
    Time {
        /// What it says.
        found: String,
    },
    /// A person's name that is none.
    #[error("{found:?} is no person's id")]
    Person {
        /// What it says.
        found: String,
    },
    /// The persons make no roster.
    #[error("the persons make no roster")]
    Roster(#[source] predicate::Error),
    /// A person is not as a roster has them.
    #[error("a person is not as a roster has them")]
    Persons(#[from] serde_json::Error),
    /// The policy's lines.
    #[error("the policy")]
    Policy(#[from] policy::Error),
    /// What is broken is no code and detail.
    #[error("{found:?} is no code and detail such as \"link-broken: at 3\"")]
    Fault {
        /// What it says.
        found: String,
    },
    /// A check that there is not.
    #[error("there is no check {found:?}")]
    Check {
        /// What it says.
        found: String,
    },
    /// A verdict that there is not.
    #[error("{found:?} is no verdict: pass, fail, exception, unknown, not-applicable")]
    Verdict {
        /// What it says.
        found: String,
    },
}

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The verdict.
    pub verdict: Verdict,
    /// The reasons of every item that does not pass.
    pub reasons: BTreeSet<String>,
    /// The reasons of what would not hold later.
    pub coming: BTreeSet<String>,
    /// Whether it came out as expected.
    pub as_expected: bool,
}

impl Scenarios {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it is not of the shape, or has no case.
    pub fn parse(text: &str) -> Result<Vec<Case>, Error> {
        let file: Self = toml::from_str(text)?;
        if file.case.is_empty() {
            return Err(Error::Empty);
        }
        let mut cases = file.case;
        for case in &mut cases {
            case.persons.clone_from(&file.person);
        }
        Ok(cases)
    }
}

impl Case {
    /// The policy of a case that is about a check, and brings what the check needs itself.
    ///
    /// # Errors
    /// Where its lines do not read.
    pub fn own_policy(&self) -> Result<Policy, policy::Error> {
        with_head(&self.policy)
    }

    /// Judges it by a policy: its check, else all that the policy enforces.
    ///
    /// # Errors
    /// Where its words make no ledger.
    pub fn run(&self, policy: Policy) -> Result<Ran, Error> {
        let expected = verdict(&self.expect)?;
        let model = self.model(policy)?;
        let named: Vec<&str> = self.check.iter().map(String::as_str).collect();
        if let Some(id) = named.iter().find(|id| checks::check(id).is_none()) {
            let found = (*id).to_owned();
            return Err(Error::Check { found });
        }
        let asked = match named[..] {
            [] => Asked::Enforced,
            _ => Asked::These(&named),
        };
        let mut results = super::judge(&model, &self.scope()?, asked, NonZeroUsize::MIN);
        // C01 and C02 are always run, and asked about only by name.
        let is_asked = |id| named.contains(&id) || named.is_empty() && model.ever_enforced(id);
        results.retain(|result| is_asked(result.id));
        let verdict = super::overall(&results);
        let reasons_of = |items: &[super::Item]| -> Vec<String> {
            let reasons = items.iter().filter_map(|item| item.reason);
            reasons.map(|reason| reason.to_string()).collect()
        };
        let reasons: BTreeSet<String> = results
            .iter()
            .flat_map(|result| reasons_of(&result.items))
            .collect();
        let coming = results.iter().filter_map(|result| result.coming.as_ref());
        let coming: BTreeSet<String> = coming
            .flat_map(|coming| reasons_of(&coming.items))
            .collect();
        let words = |words: &[String]| words.iter().cloned().collect::<BTreeSet<_>>();
        let as_expected =
            verdict == expected && reasons == words(&self.reasons) && coming == words(&self.coming);
        Ok(Ran {
            verdict,
            reasons,
            coming,
            as_expected,
        })
    }

    /// What a check says of it.
    ///
    /// # Errors
    /// Where its words make no ledger, or its policy does not read.
    pub fn judge(&self, check: &str) -> Result<CheckResult, Error> {
        self.judge_under(check, &Checks::default())
    }

    /// The same, as if its policies had asked for this besides.
    ///
    /// # Errors
    /// Where its words make no ledger, or its policy does not read.
    pub fn judge_under(&self, check: &str, parameters: &Checks) -> Result<CheckResult, Error> {
        let results = super::judge(
            &self.model(self.own_policy()?)?.under(parameters),
            &self.scope()?,
            Asked::These(&[check]),
            NonZeroUsize::MIN,
        );
        let found = results.into_iter().find(|result| result.id == check);
        found.ok_or_else(|| Error::Check {
            found: check.to_owned(),
        })
    }

    pub(in crate::judge) fn model(&self, policy: Policy) -> Result<Model, Error> {
        let usual = [CommitWords {
            id: "L".into(),
            tree: "T".into(),
            author: ada_address(),
            committer: "noreply@github.com".into(),
            ai: Vec::new(),
            parents: vec!["B".into()],
        }];
        let line = self.line.as_deref().unwrap_or(&usual);
        let mut facts = Facts::default();
        if !line.is_empty() {
            let line: Result<_, _> = line.iter().map(CommitWords::facts).collect();
            let name = policy.protected().first().cloned();
            facts
                .lines
                .insert(name.unwrap_or_else(|| "refs/heads/main".into()), line?);
        }
        let merges = self.merges.iter();
        facts.merges = merges
            .map(|[head, parent, tree]| ((id(head), id(parent)), id(tree)))
            .collect();
        let tags = self.tags.iter();
        facts.tags = tags.map(|[name, now]| (name.clone(), id(now))).collect();
        let unmerged = self.unmerged.iter();
        facts.unmerged = unmerged
            .map(|[head, parent]| (id(head), id(parent)))
            .collect();
        let faults = |texts: &[String]| {
            texts
                .iter()
                .map(|text| fault(text))
                .collect::<Result<Vec<_>, _>>()
        };
        let governed = self.governed.iter().enumerate().map(|(at, words)| {
            let seq = 100 + at as u64;
            Ok(Governed {
                seq,
                step: words.step.clone(),
                document: attestation(seq),
                signer: words.signer.as_deref().map(person).transpose()?,
                threshold: words.threshold,
            })
        });
        let entries = self.entries.iter().enumerate();
        let mut model = Model {
            origin: ORIGIN.into(),
            entries: entries
                .map(|(at, entry)| entry.entry(at as u64 + 1))
                .collect::<Result<Entries, _>>()?
                .into(),
            corrected: Vec::new(),
            in_force: self.in_force(policy)?,
            governed: governed.collect::<Result<_, Error>>()?,
            broken: faults(&self.broken)?,
            unsound: faults(&self.unsound)?,
            facts: facts.into(),
            at: time(&self.at)?,
        };
        model.correct();
        Ok(model)
    }

    fn in_force(&self, first: Policy) -> Result<Vec<(u64, Arc<Roster>, Arc<Policy>)>, Error> {
        let roster = Arc::new(self.roster()?);
        let mut states = vec![(0, Arc::clone(&roster), Arc::new(first))];
        for later in &self.later {
            let policy = with_head(&later.policy)?;
            states.push((later.from, Arc::clone(&roster), Arc::new(policy)));
        }
        states.sort_by_key(|(from, ..)| *from);
        Ok(states)
    }

    fn roster(&self) -> Result<Roster, Error> {
        let mut persons = cast::persons();
        if let Value::Array(persons) = &mut persons {
            persons.extend(self.persons.iter().cloned());
        }
        let roster: predicate::Roster = serde_json::from_value(json!({ "persons": persons }))?;
        Roster::from_predicate(&roster).map_err(Error::Roster)
    }

    fn scope(&self) -> Result<Scope, Error> {
        let words = &self.scope;
        let period = words
            .period
            .as_ref()
            .map(|[from, until]| Ok::<_, Error>((time(from)?, time(until)?)));
        Ok(Scope {
            commits: words
                .commits
                .as_ref()
                .map(|names| names.iter().map(|name| id(name)).collect()),
            artifact: words.artifact.as_deref().map(artifact),
            environment: words.environment.clone(),
            period: period.transpose()?,
        })
    }
}

fn with_head(lines: &str) -> Result<Policy, policy::Error> {
    let head = "version = 1\nprotected = [\"refs/heads/main\"]\n";
    Policy::parse(&format!("{head}{lines}"))
}

impl CommitWords {
    fn facts(&self) -> Result<CommitFacts, Error> {
        Ok(CommitFacts {
            id: id(&self.id),
            tree: id(&self.tree),
            parents: self.parents.iter().map(|name| id(name)).collect(),
            author: self.author.clone(),
            committer: self.committer.clone(),
            committed: time("2026-11-09T12:00:00Z")?,
            trailers: self
                .ai
                .iter()
                .map(|value| Trailer {
                    mark: Mark::Assisted,
                    value: value.clone(),
                })
                .collect(),
        })
    }
}

impl EntryWords {
    fn entry(&self, seq: u64) -> Result<Entry, Error> {
        let like = cast::like(&self.like).ok_or_else(|| Error::Like {
            found: self.like.clone(),
        })?;
        let Value::Object(mut said) = like.said else {
            return Err(Error::Like {
                found: self.like.clone(),
            });
        };
        let by = self.by.as_deref().unwrap_or(like.by);
        for field in ["actor", "approver", "reviewer"] {
            if said.contains_key(field) && !self.set.contains_key(field) {
                said.insert(field.to_owned(), json!(by));
            }
        }
        merge(&mut said, &resolved_map(&self.set));
        for field in &self.unset {
            said.remove(field).ok_or_else(|| Error::Unset {
                seq,
                field: field.clone(),
            })?;
        }
        let predicate_type =
            PredicateType::resolve(like.kind).expect("every template's kind is a short name");
        let known = Known::read(&predicate_type, &said)
            .map_err(|source| Error::Predicate { seq, source })?;
        let name = |word: &Option<String>, usual: &str| id(word.as_deref().unwrap_or(usual));
        let (commit, tree) = (name(&self.commit, "H"), name(&self.tree, "T"));
        let mut subjects = vec![Subject::commit(&commit, &tree)];
        if like.of_artifact || self.about.is_some() {
            subjects.push(Subject::new(artifact(self.about.as_deref().unwrap_or("A"))));
        }
        let usual =
            Timestamp::from_unix(1_793_000_000 + 3600 * seq as i64).expect("an hour of 2026");
        Ok(Entry {
            seq,
            attestation: attestation(seq),
            commit,
            tree,
            step: self.step.clone().unwrap_or_else(|| like.step.to_owned()),
            signer: person(by)?,
            claimed: self.claimed.as_deref().map_or(Ok(usual), time)?,
            verified: self.verified.as_deref().map(time).transpose()?,
            predicate_type: predicate_type.to_string(),
            said: known.filter(|_| like.kind != "link"),
            failed: self.failed,
            subjects,
        })
    }
}

fn resolved_map(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter()
        .map(|(name, value)| (name.clone(), resolved(value)))
        .collect()
}

fn resolved(value: &Value) -> Value {
    let placed = |seq: &str| {
        seq.parse()
            .ok()
            .map(|seq| format!("sha256:{}", attestation(seq)))
    };
    match value {
        Value::String(text) => {
            let digest = match text.split_at_checked(1) {
                Some(("@", name)) => Some(json!(id(name).to_string())),
                Some(("#", name)) => Some(json!(Sha256::of(name.as_bytes()).to_string())),
                Some(("&", seq)) => {
                    placed(seq).map(|digest| json!({"origin": ORIGIN, "attestation": digest}))
                }
                Some(("~", seq)) => placed(seq).map(|digest| json!(digest)),
                _ => None,
            };
            digest.unwrap_or_else(|| value.clone())
        }
        Value::Array(list) => Value::Array(list.iter().map(resolved).collect()),
        Value::Object(map) => Value::Object(resolved_map(map)),
        _ => value.clone(),
    }
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

fn fault(text: &str) -> Result<Fault, Error> {
    let (code, detail) = text.split_once(": ").ok_or_else(|| Error::Fault {
        found: text.to_owned(),
    })?;
    Ok(Fault {
        code: code.into(),
        seq: Some(1),
        detail: detail.into(),
    })
}

fn verdict(word: &str) -> Result<Verdict, Error> {
    let all = [
        Verdict::NotApplicable,
        Verdict::Pass,
        Verdict::Exception,
        Verdict::Unknown,
        Verdict::Fail,
    ];
    let found = all.into_iter().find(|verdict| verdict.as_str() == word);
    found.ok_or_else(|| Error::Verdict {
        found: word.to_owned(),
    })
}

fn time(text: &str) -> Result<Timestamp, Error> {
    text.parse().map_err(|_| Error::Time {
        found: text.to_owned(),
    })
}

fn person(name: &str) -> Result<PersonId, Error> {
    name.parse().map_err(|_| Error::Person {
        found: name.to_owned(),
    })
}

/// The object that a name stands for.
fn id(name: &str) -> ObjectId {
    let hex = Sha256::of(name.as_bytes()).to_string();
    ObjectId::from_hex(Algorithm::Sha1, &hex[..40]).expect("forty hex digits")
}

fn sha(name: &str) -> String {
    format!("sha256:{}", Sha256::of(name.as_bytes()))
}

fn artifact(name: &str) -> DigestSet {
    DigestSet::sha256(&Sha256::of(name.as_bytes()))
}

/// The attestation of the entry at this place.
fn attestation(seq: u64) -> Sha256 {
    Sha256::of(format!("entry {seq}").as_bytes())
}

fn one() -> usize {
    1
}

fn now() -> String {
    "2026-11-22T00:00:00Z".to_owned()
}

fn ada_address() -> String {
    "ada@example.com".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_an_entry_and_stands_in_the_manual() {
        let page = crate::manual::page("policy-test").expect("a page");
        for like in cast::LIKES {
            let text = format!(
                "[[case]]\nname = 'x'\nexpect = 'pass'\nentries = [{{ like = '{like}' }}]\n"
            );
            let cases = Scenarios::parse(&text).expect("a case");
            cases[0]
                .run(cases[0].own_policy().expect("a policy"))
                .unwrap_or_else(|error| panic!("{like}: {error:?}"));
            assert!(page.contains(&format!("`{like}`")), "{like}");
        }
    }

    #[test]
    fn what_makes_no_ledger_is_refused_with_its_reason() {
        let refused = |lines: &str| -> String {
            let text = format!("[[case]]\nname = 'x'\n{lines}\n");
            let run =
                Scenarios::parse(&text).and_then(|cases| cases[0].run(cases[0].own_policy()?));
            crate::finding::chain(&run.expect_err(lines))
        };
        for (lines, reason) in [
            ("expect = 'good'", "\"good\" is no verdict"),
            ("expect = 'pass'\ncheck = 'C99'", "no check \"C99\""),
            ("expect = 'pass'\nat = 'today'", "\"today\" is no time"),
            (
                "expect = 'pass'\nentries = [{ like = 'nothing' }]",
                "no entry like \"nothing\"; there are change,",
            ),
            (
                "expect = 'pass'\nentries = [{ like = 'change', unset = ['x'] }]",
                "entry 1: there is no x to leave out",
            ),
            (
                "expect = 'pass'\nentries = [{ like = 'change', set = { id = 7 } }]",
                "entry 1: ",
            ),
            (
                "expect = 'pass'\nbroken = ['all']",
                "\"all\" is no code and detail",
            ),
            ("expect = 'pass'\npolicy = 'x = 1'", "the policy: line 3"),
            ("expect = 'pass'\nnew = 1", "unknown field `new`"),
        ] {
            let said = refused(lines);
            assert!(said.contains(reason), "{lines}: {said}");
        }
        assert!(matches!(Scenarios::parse("case = []"), Err(Error::Empty)));
    }
}
