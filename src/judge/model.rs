//! What the checks judge: the entries that count, what git knows, and who was who.
//!
//! A model is made of a replay's outcome and of facts that the caller read from git; nothing here looks anything
//! up. Entries that were retracted or superseded are out of it, and named in [`Model::corrected`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entries::Entries;
use super::trailers::Trailer;
use crate::digest::{ObjectId, Sha256};
use crate::policy::Policy;
use crate::policy::rules::Checks;
use crate::roster::{Person, Roster};
use crate::statement::predicate::{
    AssertedBy, Change, Correction, CorrectionKind, Deployment, Kind, Known, Landing, PersonId,
    PersonKind, Reference, Role, Who, uri_of,
};
use crate::statement::{DigestSet, Subject};
use crate::timestamp::Timestamp;

/// An entry that counts: its signature holds, by a person who may attest its step.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub seq: u64,
    /// SHA-256 of its attestation.
    pub attestation: Sha256,
    /// The commit it is about.
    pub commit: ObjectId,
    /// That commit's tree.
    pub tree: ObjectId,
    /// Its signed step.
    pub step: String,
    /// Who signed it.
    pub signer: PersonId,
    /// When it was signed, as claimed.
    pub claimed: Timestamp,
    /// When it was there already, as a log or a timestamp authority says.
    pub verified: Option<Timestamp>,
    /// The type of its predicate.
    pub predicate_type: String,
    /// What it says, where the type is understood.
    pub said: Option<Known>,
    /// Whether it reports that its step failed.
    pub failed: bool,
    /// What it is about.
    pub subjects: Vec<Subject>,
}

/// What git knows of one commit.
#[derive(Clone, Debug)]
pub struct CommitFacts {
    /// The commit.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// The author's address.
    pub author: String,
    /// The committer's address.
    pub committer: String,
    /// When it was committed, as claimed.
    pub committed: Timestamp,
    /// Its trailers that speak of AI and of co-authors.
    pub trailers: Vec<Trailer>,
}

/// What git knows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Each protected ref's first-parent line since the ledger's beginning, newest first.
    pub lines: BTreeMap<String, Vec<CommitFacts>>,
    /// Other commits that entries speak of.
    pub others: BTreeMap<ObjectId, CommitFacts>,
    /// The trees of merges without conflict, by head and first parent.
    pub merges: BTreeMap<(ObjectId, ObjectId), ObjectId>,
    /// Heads and first parents whose merge cannot be recomputed, because one of them is not here any more.
    pub unmerged: BTreeSet<(ObjectId, ObjectId)>,
    /// Commits before the ledger's beginning, by ref: counted, and never judged.
    pub before: BTreeMap<String, u64>,
    /// What the refs are now that releases name.
    pub tags: BTreeMap<String, ObjectId>,
}

/// A change of roster or policy, or of the ledger's key.
#[derive(Clone, Debug)]
pub struct Governed {
    /// Its entry.
    pub seq: u64,
    /// `roster`, `policy` or `ledger-key`.
    pub step: String,
    /// What an approval of it covers: the digest of the document.
    pub document: Sha256,
    /// Who signed it, where it is known.
    pub signer: Option<PersonId>,
    /// By how many root keys it had to be signed.
    pub threshold: usize,
}

/// Something the replay found wrong, as the checks C01 and C02 see it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The finding's code.
    pub code: String,
    /// The entry, if it is about one.
    pub seq: Option<u64>,
    /// In words.
    pub detail: String,
}

/// All that is judged.
#[derive(Clone, Debug)]
pub struct Model {
    /// The ledger's name.
    pub origin: String,
    /// The entries that count, by seq.
    pub entries: Arc<Entries>,
    /// Entries that a later one took back or replaced: which, and by which.
    pub corrected: Vec<(u64, u64)>,
    /// Roster and policy, by the first seq that each judges.
    pub in_force: Vec<(u64, Arc<Roster>, Arc<Policy>)>,
    /// Changes of roster, policy and ledger key.
    pub governed: Vec<Governed>,
    /// What makes the ledger itself untrustworthy.
    pub broken: Vec<Fault>,
    /// What makes single entries not count.
    pub unsound: Vec<Fault>,
    /// What git knows.
    pub facts: Arc<Facts>,
    /// The moment of judgement.
    pub at: Timestamp,
}

impl Entry {
    /// The moment that is held to: verified where somebody vouches for it, else claimed.
    pub fn time(&self) -> Timestamp {
        self.verified.unwrap_or(self.claimed)
    }

    /// What it says, where that is of this type.
    pub fn says<T: Kind>(&self) -> Option<&T> {
        T::of(self.said.as_ref()?)
    }

    /// Whether one of its subjects has one of these digests.
    pub fn is_about(&self, digest: &DigestSet) -> bool {
        self.subjects
            .iter()
            .any(|subject| subject.digest.matches(digest))
    }

    /// Whether it says how something was made: provenance, a link or a release, of a step that did not fail.
    pub fn makes(&self) -> bool {
        let is = |short: &&str| uri_of(short) == Some(self.predicate_type.as_str());
        !self.failed && ["provenance", "link", "release"].iter().any(is)
    }

    /// The commits that what it made came from: those that a provenance names, else the one that it stands under.
    pub fn source_commits(&self) -> Vec<ObjectId> {
        let named = match &self.said {
            Some(Known::Provenance(said)) => said.commits(self.commit.algorithm()),
            _ => Vec::new(),
        };
        match named.is_empty() {
            true => vec![self.commit],
            false => named,
        }
    }

    /// Whether a ref that names its release may be this object: an annotated tag is bound by its own object, a plain one
    /// by its commit.
    pub fn is_tagged(&self, object: &ObjectId) -> bool {
        let named = |digest: &str| {
            let mut subjects = self.subjects.iter();
            subjects.find_map(|subject| subject.digest.get(digest))
        };
        named("gitTag").or(named("gitCommit")) == Some(object.hex().as_str())
    }

    /// Whether it is about this tree: by its link, or by a subject.
    pub fn has_tree(&self, tree: &ObjectId) -> bool {
        let hex = tree.hex();
        self.tree == *tree
            || self
                .subjects
                .iter()
                .any(|subject| subject.digest.get("gitTree") == Some(hex.as_str()))
    }
}

impl Model {
    /// Takes out what was retracted or superseded by whoever may: the person who signed it.
    pub fn correct(&mut self) {
        let mut corrected = Vec::new();
        for (correction, said) in self.of::<Correction>() {
            let target = self.entries.attested(&said.about.attestation);
            let target = target
                .filter(|entry| entry.seq < correction.seq && entry.signer == correction.signer);
            let replaced = match (&said.kind, &said.replacement) {
                (CorrectionKind::Supersede, Some(by)) => self.entry(by).is_some(),
                (kind, _) => *kind == CorrectionKind::Retract,
            };
            if let (Some(target), true) = (target, replaced && said.about.origin == self.origin) {
                corrected.push((target.seq, correction.seq));
            }
        }
        let gone: BTreeSet<u64> = corrected.iter().map(|(seq, _)| *seq).collect();
        if !gone.is_empty() {
            Arc::make_mut(&mut self.entries).retain(|entry| !gone.contains(&entry.seq));
        }
        self.corrected = corrected;
    }

    /// The roster and the policy that judge an entry.
    pub fn in_force(&self, seq: u64) -> (&Roster, &Policy) {
        let after = self.in_force.partition_point(|(from, ..)| *from <= seq);
        let (_, roster, policy) = &self.in_force[after.saturating_sub(1)];
        (roster, policy)
    }

    /// Whether any policy that was in force enforces a check.
    pub fn ever_enforced(&self, id: &str) -> bool {
        let mut policies = self.in_force.iter().map(|(.., policy)| policy);
        policies.any(|policy| policy.checks().enforces(id))
    }

    /// The same, as if every policy had asked for this of these checks.
    pub fn under(&self, parameters: &Checks) -> Self {
        let mut model = self.clone();
        for (.., policy) in &mut model.in_force {
            *policy = Arc::new(policy.asking(parameters));
        }
        model
    }

    /// The policy in force now.
    pub fn policy(&self) -> &Policy {
        self.in_force(u64::MAX).1
    }

    /// The entry that a reference names.
    pub fn entry(&self, reference: &Reference) -> Option<&Entry> {
        let here = reference.origin == self.origin;
        self.entries
            .attested(&reference.attestation)
            .filter(|_| here)
    }

    /// Which person somebody is, by the roster in force at an entry.
    pub fn person(&self, who: &Who, seq: u64) -> Option<&Person> {
        let (roster, _) = self.in_force(seq);
        roster.persons().iter().find(|person| match who {
            Who::Person(id) => person.id() == id,
            Who::Login(login) => person.wire().logins.contains(login),
            Who::Email { email } => person
                .wire()
                .git_identities
                .iter()
                .any(|known| known.email == *email),
        })
    }

    /// Who acted, as an entry says: the signer, or whom an observer saw. `None` where its own word is somebody
    /// else's, or an observer is none: then it counts for nobody.
    pub fn actor(&self, entry: &Entry) -> Option<Actor<'_>> {
        let Some(asserted) = entry.said.as_ref().and_then(Known::asserted) else {
            return self.named(&entry.signer, entry.seq).map(|person| Actor {
                person,
                observed: false,
            });
        };
        let person = self.person(&asserted.actor, entry.seq);
        match asserted.asserted_by {
            AssertedBy::SelfMade => {
                let person = person.filter(|person| *person.id() == entry.signer)?;
                Some(Actor {
                    person,
                    observed: false,
                })
            }
            AssertedBy::Observed => {
                let observer = self.named(&entry.signer, entry.seq)?;
                let is_observer =
                    observer.kind() == PersonKind::Service && observer.has_role("observer");
                let named = asserted
                    .observer
                    .as_ref()
                    .is_some_and(|named| named.id == entry.signer);
                (is_observer && named).then_some(())?;
                person.map(|person| Actor {
                    person,
                    observed: true,
                })
            }
        }
    }

    /// A person by roster id.
    pub fn named(&self, id: &PersonId, seq: u64) -> Option<&Person> {
        self.in_force(seq).0.person(id)
    }

    /// Entries of one type, with what they say.
    pub fn of<'a, T: Kind + 'a>(&'a self) -> impl DoubleEndedIterator<Item = (&'a Entry, &'a T)> {
        self.entries.of()
    }

    /// Every change, by its id: the newest entry that speaks of it.
    pub fn changes(&self) -> BTreeMap<&str, (&Entry, &Change)> {
        let all = self.of::<Change>();
        all.map(|(entry, change)| (change.id.as_str(), (entry, change)))
            .collect()
    }

    /// Every landing.
    pub fn landings(&self) -> impl Iterator<Item = (&Entry, &Landing)> {
        self.of()
    }

    /// Every deployment.
    pub fn deployments(&self) -> impl Iterator<Item = (&Entry, &Deployment)> {
        self.of()
    }

    /// A digest and those of the same release: an index and its platforms' manifests.
    pub fn family(&self, digest: &DigestSet) -> Vec<DigestSet> {
        let mut family = vec![digest.clone()];
        for contains in self.entries.containing(digest) {
            let whole = &contains.parent.digest;
            if whole.matches(digest) {
                family.extend(contains.children.iter().map(|child| child.digest.clone()));
            } else if contains
                .children
                .iter()
                .any(|child| child.digest.matches(digest))
            {
                family.push(whole.clone());
            }
        }
        family
    }

    /// What git knows of a commit.
    pub fn commit(&self, id: &ObjectId) -> Option<&CommitFacts> {
        let named = self.facts.others.get(id);
        // Most are named by an entry; the lines are long.
        named.or_else(|| {
            self.facts
                .lines
                .values()
                .flatten()
                .find(|commit| commit.id == *id)
        })
    }

    /// Whether one entry precedes another: because the later one says that it relied on it, because verified
    /// times say so, or because of their places, where neither came late. `None`: nobody can tell.
    pub fn precedes(&self, first: &Entry, then: &Entry) -> Option<bool> {
        if self.relies(then, first) {
            return Some(true);
        }
        if self.relies(first, then) {
            return Some(false);
        }
        if let (Some(a), Some(b)) = (first.verified, then.verified)
            && a != b
        {
            return Some(a < b);
        }
        match self.entries.came_late(first) || self.entries.came_late(then) {
            true => None,
            false => Some(first.seq < then.seq),
        }
    }

    // By its basis, also through the bases of those.
    fn relies(&self, entry: &Entry, on: &Entry) -> bool {
        let mut open = vec![entry];
        let mut seen = BTreeSet::new();
        while let Some(entry) = open.pop() {
            for reference in entry.said.iter().flat_map(|said| said.basis()) {
                match self.entry(reference) {
                    Some(named) if named.seq == on.seq => return true,
                    // References point backward: whatever else does not is not followed.
                    Some(named) if named.seq < entry.seq && seen.insert(named.seq) => {
                        open.push(named)
                    }
                    _ => {}
                }
            }
        }
        false
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// The person.
    pub person: &'a Person,
    /// Whether somebody else says so.
    pub observed: bool,
}

impl Actor<'_> {
    /// Whether it is a human being.
    pub fn is_human(&self) -> bool {
        self.person.kind() == PersonKind::Human
    }

    /// Whether the person has a role.
    pub fn has(&self, role: &Role) -> bool {
        self.person.has_role(role.as_str())
    }
}
