//! What a ledger was told of a forge already, so that an import adds nothing twice.
//!
//! What makes two records one:
//!
//! - a *change*: the newest entry of the same id has the same ref and head, whoever says so;
//! - a *word* (review, approval, withdrawal): the same person, request, address, commit, decision and moment; or, where
//!   it brings nothing new, the newest decision of that person about that commit is the same, from the same address;
//! - a *landing*: the same ref, commit and change, whoever says so;
//! - a branch's *protection*: the newest entry about the branch, from the same address, has the same settings.
//!
//! A word that is older than a decision of the same person about the same commit that the ledger has already is late:
//! it must not count again. A withdrawal with nothing before it takes nothing back.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::ObjectId;
use crate::ingest::forge::{Protection, Word};
use crate::judge::Entry;
use crate::statement::predicate::{
    AssertedBy, Change, Covers, Decision, Known, Landing, Login, ReviewVerdict, Scai, Who,
};
use crate::timestamp::Timestamp;

/// All that was told.
#[derive(Default)]
pub(super) struct Told {
    changes: BTreeMap<String, Pair>,
    heads: BTreeMap<(String, ObjectId), (String, ObjectId)>,
    words: BTreeMap<(Login, ObjectId), Vec<Spoken>>,
    landings: BTreeSet<(String, ObjectId, String)>,
    /// By branch and the address that it was read from.
    protections: BTreeMap<(String, Option<String>), Vec<String>>,
}

/// Where a change starts and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The ref, by full name.
    pub(super) name: String,
    pub(super) base: ObjectId,
    pub(super) head: ObjectId,
}

/// One word of a person about a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) url: Option<String>,
    pub(super) word: Word,
    pub(super) on: Option<Timestamp>,
}

/// What a word is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    New,
    Known,
    /// The ledger has a later one.
    Late,
    /// It may be one or the other: it names no moment.
    Unclear,
}

impl Told {
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut told = Self::default();
        for entry in entries {
            if let Some(said) = &entry.said {
                told.tell(said);
            }
        }
        told
    }

    pub(super) fn tell(&mut self, said: &Known) {
        match said {
            Known::Change(change) => self.tell_change(change),
            Known::Landing(landing) => {
                self.landings.insert(place(landing));
            }
            Known::Scai(said) => {
                self.protections.extend(protection(said));
            }
            _ => {
                if let Some((login, head, spoken)) = spoken(said) {
                    self.words.entry((login, head)).or_default().push(spoken);
                }
            }
        }
    }

    fn tell_change(&mut self, change: &Change) {
        let pair = Pair {
            name: change.base.name.clone(),
            base: change.base.commit,
            head: change.head.commit,
        };
        self.heads.insert(
            (pair.name.clone(), pair.head),
            (change.id.clone(), pair.base),
        );
        self.changes.insert(change.id.clone(), pair);
    }

    /// The newest of the change with this id.
    pub(super) fn change(&self, id: &str) -> Option<&Pair> {
        self.changes.get(id)
    }

    /// Id and base of the newest change that takes a commit to a ref.
    pub(super) fn of_head(&self, name: &str, head: &ObjectId) -> Option<(&str, ObjectId)> {
        let (id, base) = self.heads.get(&(name.to_owned(), *head))?;
        Some((id, *base))
    }

    pub(super) fn has_landing(&self, landing: &Landing) -> bool {
        self.landings.contains(&place(landing))
    }

    pub(super) fn has_protection(&self, branch: &str, read: &Protection) -> bool {
        let place = (branch.to_owned(), read.source.url.clone());
        self.protections.get(&place) == Some(&read.settings)
    }

    /// What a word is to those that the same person said of the same commit before.
    pub(super) fn weigh(&self, person: &Login, head: &ObjectId, spoken: &Spoken) -> Is {
        let before = self.words.get(&(person.clone(), *head));
        let before = before.map_or(&[][..], Vec::as_slice);
        if before.contains(spoken) {
            return Is::Known;
        }
        if spoken.word == Word::Review(ReviewVerdict::Comment) {
            return Is::New;
        }
        let decisions = || {
            before
                .iter()
                .filter(|one| one.word != Word::Review(ReviewVerdict::Comment))
        };
        let newest = decisions().next_back();
        if newest.is_some_and(|newest| newest.word == spoken.word && newest.url == spoken.url) {
            return Is::Known;
        }
        let late = |one: &Spoken| match (one.on, spoken.on) {
            (Some(one), Some(this)) => one > this,
            _ => false,
        };
        if decisions().any(late) {
            return Is::Late;
        }
        match (spoken.word, newest) {
            (Word::Withdrawn, None) => Is::Known,
            (Word::Withdrawn, _) | (_, None) => Is::New,
            (_, Some(_)) if spoken.on.is_none() => Is::Unclear,
            (_, Some(_)) => Is::New,
        }
    }
}

fn place(landing: &Landing) -> (String, ObjectId, String) {
    (landing.name.clone(), landing.to, landing.change_id.clone())
}

// Branch and settings, where a statement of attributes is one that an import makes.
fn protection(said: &Scai) -> Option<((String, Option<String>), Vec<String>)> {
    let first = said.attributes.first()?;
    let branch = first.target.as_ref()?.name.clone()?;
    let url = first.evidence.as_ref()?.uri.clone();
    let settings = said.attributes.iter().map(|one| one.attribute.clone());
    branch
        .starts_with("refs/heads/")
        .then(|| ((branch, url), settings.collect()))
}

fn spoken(said: &Known) -> Option<(Login, ObjectId, Spoken)> {
    let asserted = said.asserted()?;
    let (AssertedBy::Observed, Who::Login(login)) = (asserted.asserted_by, &asserted.actor) else {
        return None;
    };
    let (head, word, on) = match said {
        Known::Review(review) => (
            review.covers.head,
            Word::Review(review.verdict),
            review.finished_on,
        ),
        Known::Approval(approval) => {
            let Covers::Revision(covered) = &approval.covers else {
                return None;
            };
            let word = match approval.decision {
                Decision::Approved => Word::Approved,
                _ => Word::Withdrawn,
            };
            (covered.head, word, approval.decided_on)
        }
        _ => return None,
    };
    let source = asserted.observer.as_ref()?.source.as_ref()?;
    let url = source.url.clone();
    Some((login.clone(), head, Spoken { url, word, on }))
}
