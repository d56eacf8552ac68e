//! The entries that count, by seq, and where each is found: by what it says, by what it is about.
//!
//! Judging asks of each change and each deployment what is known about its trees and digests. The places are noted once,
//! when they are first asked for, and forgotten where an entry is added or taken out.

use std::collections::HashMap;
use std::iter::FromIterator;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::model::Entry;
use crate::digest::{ObjectId, Sha256};
use crate::statement::DigestSet;
use crate::statement::predicate::{Contains, Covered, Covers, Kind, Known};

/// An entry that was signed so long before one that stands before it waited in a spool or an inbox.
const SKEW: i64 = 300;

/// Entries, by seq. Copies share them.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    all: Arc<Vec<Entry>>,
    places: OnceLock<Arc<Places>>,
}

// Each list rises.
#[derive(Clone, Debug, Default)]
struct Places {
    of_type: HashMap<&'static str, Vec<usize>>,
    changes: HashMap<String, Vec<usize>>,
    with_tree: HashMap<ObjectId, Vec<usize>>,
    at_commit: HashMap<ObjectId, Vec<usize>>,
    // By the digests' values, whatever the algorithm.
    about: HashMap<String, Vec<usize>>,
    naming: HashMap<String, Vec<usize>>,
    containing: HashMap<String, Vec<usize>>,
    covering_tree: HashMap<ObjectId, Vec<usize>>,
    covering_head: HashMap<ObjectId, Vec<usize>>,
    attested: HashMap<Sha256, usize>,
    // Of each entry, and of one after all, the newest time claimed before it.
    newest_before: Vec<i64>,
}

impl Entries {
    /// Adds one that comes after all.
    pub fn push(&mut self, entry: Entry) {
        self.places = OnceLock::new();
        Arc::make_mut(&mut self.all).push(entry);
    }

    /// Keeps some.
    pub fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        if !self.all.iter().all(&keep) {
            self.places = OnceLock::new();
            Arc::make_mut(&mut self.all).retain(keep);
        }
    }

    /// Those of one type, with what they say.
    pub fn of<'a, T: Kind + 'a>(&'a self) -> impl DoubleEndedIterator<Item = (&'a Entry, &'a T)> {
        let places = self.places().of_type.get(T::TYPE);
        self.at(places)
            .filter_map(|entry| Some((entry, entry.says()?)))
    }

    /// Every entry that speaks of the change with this id, as its subject matter.
    pub fn of_change(&self, id: &str) -> impl DoubleEndedIterator<Item = &Entry> {
        self.at(self.places().changes.get(id))
    }

    /// Those about a tree: by their links, or by a subject.
    pub fn with_tree(&self, tree: &ObjectId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.at(self.places().with_tree.get(tree))
    }

    /// Those that stand under a commit.
    pub fn at_commit(&self, commit: &ObjectId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.at(self.places().at_commit.get(commit))
    }

    /// Those with a subject that has one of these sets of digests.
    pub fn about(&self, family: &[DigestSet]) -> Vec<&Entry> {
        let about = |entry: &&Entry| family.iter().any(|digest| entry.is_about(digest));
        let places = &self.places().about;
        self.with_any(places, family).filter(about).collect()
    }

    /// Deployments and approvals of an artifact that has one of these sets of digests.
    pub fn naming(&self, family: &[DigestSet]) -> Vec<&Entry> {
        let is_one = |named: &DigestSet| family.iter().any(|digest| digest.matches(named));
        let names = |entry: &&Entry| artifact(entry).is_some_and(is_one);
        let places = &self.places().naming;
        self.with_any(places, family).filter(names).collect()
    }

    /// What says that an artifact with these digests contains others, or is contained in one.
    pub fn containing(&self, digest: &DigestSet) -> impl Iterator<Item = &Contains> {
        let places = &self.places().containing;
        let entries = self.with_any(places, std::slice::from_ref(digest));
        entries.filter_map(Entry::says)
    }

    /// Approvals and reviews of a revision with this tree.
    pub fn covering_tree(&self, tree: &ObjectId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.at(self.places().covering_tree.get(tree))
    }

    /// Approvals and reviews of a revision with this head.
    pub fn covering_head(&self, head: &ObjectId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.at(self.places().covering_head.get(head))
    }

    /// The entry of an attestation.
    pub fn attested(&self, attestation: &Sha256) -> Option<&Entry> {
        let at = self.places().attested.get(attestation)?;
        Some(&self.all[*at])
    }

    /// Where the entry of a seq stands among them.
    pub fn place(&self, seq: u64) -> Option<usize> {
        self.all.binary_search_by_key(&seq, |entry| entry.seq).ok()
    }

    /// Whether it was signed well before an entry that stands before it.
    pub fn came_late(&self, entry: &Entry) -> bool {
        let at = self.all.partition_point(|other| other.seq < entry.seq);
        self.places().newest_before[at] > entry.claimed.unix().saturating_add(SKEW)
    }

    fn at<'a>(
        &'a self,
        places: Option<&'a Vec<usize>>,
    ) -> impl DoubleEndedIterator<Item = &'a Entry> {
        places.into_iter().flatten().map(|at| &self.all[*at])
    }

    fn with_any(
        &self,
        places: &HashMap<String, Vec<usize>>,
        family: &[DigestSet],
    ) -> impl Iterator<Item = &Entry> {
        let lists = family.iter().flat_map(values);
        let lists = lists.filter_map(|value| places.get(value));
        let mut found: Vec<usize> = lists.flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.all[at])
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| Arc::new(Places::of(&self.all)))
    }
}

impl Places {
    fn of(all: &[Entry]) -> Self {
        let mut places = Self::default();
        let mut newest = i64::MIN;
        for (at, entry) in all.iter().enumerate() {
            places.newest_before.push(newest);
            newest = newest.max(entry.claimed.unix());
            places.note(at, entry);
        }
        places.newest_before.push(newest);
        places
    }

    fn note(&mut self, at: usize, entry: &Entry) {
        self.attested.entry(entry.attestation).or_insert(at);
        add(&mut self.at_commit, entry.commit, at);
        add(&mut self.with_tree, entry.tree, at);
        for digest in entry.subjects.iter().map(|subject| &subject.digest) {
            let tree = digest.get("gitTree");
            let tree = tree.and_then(|hex| ObjectId::from_hex(entry.tree.algorithm(), hex).ok());
            if let Some(tree) = tree.filter(|tree| entry.has_tree(tree)) {
                add(&mut self.with_tree, tree, at);
            }
            for value in values(digest) {
                add(&mut self.about, value.to_owned(), at);
            }
        }
        for value in artifact(entry).into_iter().flat_map(values) {
            add(&mut self.naming, value.to_owned(), at);
        }
        let Some(said) = &entry.said else { return };
        add(&mut self.of_type, said.predicate_type(), at);
        if let Known::Change(change) = said {
            add(&mut self.changes, change.id.clone(), at);
        }
        if let Known::Contains(said) = said {
            let parts = said.children.iter().map(|child| &child.digest);
            for value in parts.chain([&said.parent.digest]).flat_map(values) {
                add(&mut self.containing, value.to_owned(), at);
            }
        }
        if let Some(covered) = covered(entry) {
            add(&mut self.covering_tree, covered.tree, at);
            add(&mut self.covering_head, covered.head, at);
        }
    }
}

/// The revision that an approval or a review is of.
pub(super) fn covered(entry: &Entry) -> Option<&Covered> {
    match entry.said.as_ref()? {
        Known::Review(review) => Some(&review.covers),
        Known::Approval(approval) => match &approval.covers {
            Covers::Revision(covered) => Some(covered),
            _ => None,
        },
        _ => None,
    }
}

fn values(set: &DigestSet) -> impl Iterator<Item = &str> {
    set.iter().map(|(_, value)| value)
}

// The artifact that was deployed or approved, which need not be a subject.
fn artifact(entry: &Entry) -> Option<&DigestSet> {
    match entry.said.as_ref()? {
        Known::Deployment(said) => Some(&said.artifact.digest),
        Known::Approval(said) => match &said.covers {
            Covers::Artifact(artifact) => Some(&artifact.digest),
            _ => None,
        },
        _ => None,
    }
}

// An entry is noted once in a list, however often it names the thing.
fn add<K: std::hash::Hash + Eq>(places: &mut HashMap<K, Vec<usize>>, key: K, at: usize) {
    let list = places.entry(key).or_default();
    if list.last() != Some(&at) {
        list.push(at);
    }
}

impl Deref for Entries {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.all
    }
}

impl From<Vec<Entry>> for Entries {
    fn from(all: Vec<Entry>) -> Self {
        let (all, places) = (Arc::new(all), OnceLock::new());
        Self { all, places }
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        entries.into_iter().collect::<Vec<_>>().into()
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::scenario::Scenarios;

    const CASES: &str = r#"
        [[case]]
        name = "everything"
        expect = "pass"
        entries = [
            { like = "change" }, { like = "landing" }, { like = "approval" }, { like = "review" }, { like = "provenance" },
            { like = "scan" }, { like = "deployment" }, { like = "contains" }, { like = "approval-artifact" },
            { like = "change", tree = "T2", commit = "H2", set = { id = "c2" } }, { like = "tests", tree = "T2" },
        ]
    "#;

    /// Each way of finding gives what looking at every entry gives, also after entries were added and taken out.
    #[test]
    fn what_is_found_is_what_a_look_at_every_entry_finds() {
        let cases = Scenarios::parse(CASES).expect("cases");
        let policy = cases[0].own_policy().expect("a policy");
        let mut entries = Entries::clone(&cases[0].model(policy).expect("entries").entries);
        agrees(&entries);
        let mut last = entries.last().expect("there are some").clone();
        (last.seq, last.attestation) = (99, Sha256::of(b"another"));
        entries.retain(|entry| entry.seq % 3 != 0);
        agrees(&entries);
        entries.push(last);
        agrees(&entries);
    }

    fn agrees(entries: &Entries) {
        let seqs = |found: Vec<&Entry>| found.iter().map(|entry| entry.seq).collect::<Vec<_>>();
        let naive = |fits: &dyn Fn(&Entry) -> bool| {
            let fitting = entries.iter().filter(|entry| fits(entry));
            fitting.map(|entry| entry.seq).collect::<Vec<_>>()
        };
        for one in entries {
            let by_tree = seqs(entries.with_tree(&one.tree).collect());
            assert_eq!(by_tree, naive(&|entry| entry.has_tree(&one.tree)));
            let by_commit = seqs(entries.at_commit(&one.commit).collect());
            assert_eq!(by_commit, naive(&|entry| entry.commit == one.commit));
            for subject in &one.subjects {
                let family = [subject.digest.clone()];
                let about = seqs(entries.about(&family));
                assert_eq!(about, naive(&|entry| entry.is_about(&subject.digest)));
            }
            if let Some(named) = artifact(one) {
                let naming = seqs(entries.naming(std::slice::from_ref(named)));
                let names = |entry: &Entry| artifact(entry).is_some_and(|it| it.matches(named));
                assert_eq!(naming, naive(&names));
            }
            if let Some(revision) = covered(one) {
                let of_tree = seqs(entries.covering_tree(&revision.tree).collect());
                let same =
                    |entry: &Entry| covered(entry).is_some_and(|it| it.tree == revision.tree);
                assert_eq!(of_tree, naive(&same));
            }
            let newest = entries.iter().filter(|other| other.seq < one.seq);
            let newest = newest.map(|other| other.claimed.unix()).max();
            let late = newest.is_some_and(|newest| newest > one.claimed.unix() + SKEW);
            assert_eq!(entries.came_late(one), late);
            assert_eq!(
                entries.attested(&one.attestation).map(|it| it.seq),
                Some(one.seq)
            );
        }
        let changes = seqs(
            entries
                .of::<crate::statement::predicate::Change>()
                .map(|it| it.0)
                .collect(),
        );
        assert_eq!(
            changes,
            naive(&|entry| matches!(entry.said, Some(Known::Change(_))))
        );
    }
}
