//! import --forge: what a forge knows, as *observed* entries.
//!
//! 1. The records are read ([`crate::ingest::forge`]); who signs must be a service of the roster with the role `observer`.
//! 2. For each request: a *change* between the merge base and its head, unless the ledger has it; its authors are those of
//!    its commits. The base is that of the change that the ledger knows for this head; else the merge base of the head and
//!    the commit that the forge names, or what the merge started from, or the branch as it is here.
//! 3. Then what people said of it, in the order of their time: reviews as *review*, approvals and their withdrawal (a
//!    dismissed review too) as *approval* for merge. Each covers exactly the commit that it was given for.
//! 4. Then a *landing*, where it was merged and the commit is here. Merge, squash and rebase are told apart by parents, and
//!    by whether the landed commits' authors and their times are those of the request's commits, one by one.
//! 5. Before these, a branch's protection as attributes (SCAI) on the branch's commit, step `protection`; landings on that
//!    branch give the digest of the record.
//!
//! Persons stay logins: who a login is, the roster says at the entry's place. Logins that it does not know now are named,
//! and so is everything that was left out. What the ledger was told before is not told again ([`super::told`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::record::{Claim, Recorded};
use super::told::{Is, Pair, Spoken, Told};
use super::{Desk, Error};
use crate::digest::ObjectId;
use crate::ingest::forge::{Merged, Opinion, Protection, Records, Request, Source, Word};
use crate::judge::CommitFacts;
use crate::statement::predicate::{
    Approval, ApprovalScope, Asserted, AssertedBy, Attribute, Author, Base, Change, Control,
    Covered, Covers, Decision, Known, Landing, Login, Method, ObservedSource, Observer, PersonKind,
    Predicate, Protections, Reason, ReasonKind, ResourceDescriptor, Review, ReviewKind, Revision,
    Role, Scai, Sha256Text, Who,
};
use crate::statement::{DigestSet, PredicateType};

/// As many landed commits as are held against a request's.
const MOST_COMMITS: usize = 10_000;

/// What an import did.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// What is new.
    pub entries: Vec<Recorded>,
    /// How many records said nothing new.
    pub known: usize,
    /// Logins that are nobody's in the roster.
    pub unknown: Vec<Login>,
    /// What was left out.
    pub left: Vec<LeftOut>,
}

/// A record that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which.
    pub record: String,
    /// Why, and what would mend it.
    pub why: String,
}

/// What is to be said, before it is signed.
#[derive(Debug, Default)]
pub struct Import {
    /// What is new, each about a commit and its tree.
    pub claims: Vec<((ObjectId, ObjectId), Claim)>,
    /// How many records say nothing new.
    pub known: usize,
    /// Logins that are nobody's in the roster.
    pub unknown: BTreeSet<Login>,
    /// What is left out.
    pub left: Vec<LeftOut>,
}

/// Where a request goes to, as far as it is known.
struct Goal {
    id: String,
    name: String,
    candidates: Vec<ObjectId>,
}

impl Desk<'_> {
    /// What a forge's records say that the ledger was not told yet.
    ///
    /// # Errors
    /// Where the signer is no observer, there is no ledger here, or git cannot say what it should.
    pub fn observed(&self, records: Records) -> Result<Import, Error> {
        let evidence = self.evidence.as_ref().ok_or(Error::NoLedgerHere)?;
        let roster = evidence.in_force.last().map(|(_, roster, _)| roster);
        let observer = roster.and_then(|roster| roster.person(&self.person));
        let is_observer = observer.is_some_and(|person| {
            person.kind() == PersonKind::Service && person.has_role(Role::OBSERVER)
        });
        if !is_observer {
            return Err(Error::NotAnObserver {
                person: self.person.clone(),
            });
        }
        let mut work = Work {
            desk: self,
            told: Told::of(evidence.entries.iter()),
            authors: records.authors.into_iter().collect(),
            protections: BTreeMap::new(),
            covered: BTreeMap::new(),
            import: Import::default(),
        };
        let left = records.left.into_iter().map(|left| LeftOut {
            record: left.record,
            why: left.why.to_string(),
        });
        work.import.left.extend(left);
        for protection in &records.protections {
            work.protection(protection)?;
        }
        for request in &records.requests {
            work.change(request)?;
        }
        for opinion in &records.opinions {
            work.opinion(opinion, &records.requests)?;
        }
        for request in &records.requests {
            if let Some(merged) = &request.merged {
                work.landing(request, merged)?;
            }
        }
        let mut import = work.import;
        import.unknown.retain(|login| {
            let is = |person: &crate::roster::Person| person.wire().logins.contains(login);
            !roster.is_some_and(|roster| roster.persons().iter().any(is))
        });
        Ok(import)
    }

    /// The statements that an import would sign.
    ///
    /// # Errors
    /// Where one cannot be made.
    pub fn drafts(&self, import: &Import) -> Result<Vec<Value>, Error> {
        let drafts = import.claims.iter().map(|(about, claim)| {
            let statement = self.recorder.statement_about(about, claim.clone())?;
            serde_json::from_slice(&statement.to_bytes()?).map_err(Error::Edited)
        });
        drafts.collect()
    }

    /// Signs and appends what an import found.
    ///
    /// # Errors
    /// Where nothing could be recorded.
    pub fn import(&self, import: Import) -> Result<Imported, Error> {
        let entries = match import.claims.is_empty() {
            true => Vec::new(),
            false => self.recorder.record_about(import.claims)?,
        };
        Ok(Imported {
            entries,
            known: import.known,
            unknown: import.unknown.into_iter().collect(),
            left: import.left,
        })
    }
}

struct Work<'a> {
    desk: &'a Desk<'a>,
    told: Told,
    authors: BTreeMap<ObjectId, Login>,
    protections: BTreeMap<String, (Source, Vec<String>)>,
    covered: BTreeMap<(ObjectId, ObjectId), Covered>,
    import: Import,
}

impl Work<'_> {
    fn claim<P: Predicate>(
        &mut self,
        about: (ObjectId, ObjectId),
        step: &'static str,
        predicate: &P,
    ) -> Result<(), Error> {
        let step = step.parse().expect("a verb's name is a step's");
        let claim = self.desk.claim(step, predicate, Vec::new())?;
        if let Some(said) = Known::read(&PredicateType::of::<P>(), &claim.predicate)? {
            self.told.tell(&said);
        }
        self.import.claims.push((about, claim));
        Ok(())
    }

    fn left(&mut self, record: &str, why: impl Into<String>) {
        let left = LeftOut {
            record: record.to_owned(),
            why: why.into(),
        };
        if !self.import.left.contains(&left) {
            self.import.left.push(left);
        }
    }

    fn asserted(&mut self, actor: Option<&Login>, source: &Source) -> Asserted {
        let actor = match actor {
            Some(login) => self.login(login),
            None => Who::Person(self.desk.person.clone()),
        };
        Asserted {
            actor,
            asserted_by: AssertedBy::Observed,
            observer: Some(Observer {
                id: self.desk.person.clone(),
                source: Some(ObservedSource {
                    forge: source.forge.clone(),
                    url: source.url.clone(),
                    digest: Sha256Text(source.digest),
                }),
                position: None,
            }),
        }
    }

    fn login(&mut self, login: &Login) -> Who {
        self.import.unknown.insert(login.clone());
        Who::Login(login.clone())
    }

    fn goal(&self, request: &Request) -> Goal {
        let name = format!("refs/heads/{}", request.target);
        let known = self.told.of_head(&name, &request.head);
        let landed = request.merged.as_ref().map(|merged| merged.to);
        let before = landed
            .filter(|to| *to != request.head)
            .and_then(|to| self.desk.repository.commit(&to).ok())
            .and_then(|facts| facts.parents.first().copied());
        Goal {
            id: known.map_or_else(|| request.url.clone(), |(id, _)| id.to_owned()),
            candidates: request.base.into_iter().chain(before).collect(),
            name,
        }
    }

    /// The merge base of a head and what it goes to.
    fn base(&self, goal: &Goal, head: &ObjectId) -> Result<Option<ObjectId>, Error> {
        if let Some((_, base)) = self.told.of_head(&goal.name, head) {
            return Ok(Some(base));
        }
        let repository = self.desk.repository;
        let branch = self.desk.base_commit(&goal.name).ok();
        for other in goal.candidates.iter().copied().chain(branch) {
            if !repository.has(&other) {
                continue;
            }
            let base = repository.merge_base(head, &other)?;
            if let Some(base) = base.filter(|base| base != head) {
                return Ok(Some(base));
            }
        }
        Ok(None)
    }

    fn covers(&mut self, base: ObjectId, head: ObjectId) -> Result<Covered, Error> {
        if let Some(known) = self.covered.get(&(base, head)) {
            return Ok(known.clone());
        }
        let repository = self.desk.repository;
        let covered = Covered {
            base: Some(base),
            head,
            tree: repository.commit(&head)?.tree,
            diff_digest: Some(Sha256Text(repository.difference(&base, &head)?.digest)),
        };
        self.covered.insert((base, head), covered.clone());
        Ok(covered)
    }

    /// A commit's facts; `None`, and said, where it is not here.
    fn here(&mut self, record: &str, id: &ObjectId) -> Option<CommitFacts> {
        let facts = self.desk.repository.commit(id).ok();
        let facts = facts.and_then(|facts| CommitFacts::parse(*id, &facts.raw));
        if facts.is_none() {
            let why = format!("commit {id} is not here; {}", fetching(record));
            self.left(record, why);
        }
        facts
    }

    fn protection(&mut self, protection: &Protection) -> Result<(), Error> {
        let name = format!("refs/heads/{}", protection.branch);
        let place = (protection.source.clone(), protection.settings.clone());
        self.protections.insert(name.clone(), place);
        if protection.settings.is_empty() || self.told.has_protection(&name, protection) {
            self.import.known += 1;
            return Ok(());
        }
        let record = protection.source.url.clone().unwrap_or(name.clone());
        let Ok(commit) = self.desk.base_commit(&name) else {
            self.left(&record, format!("{name} is not here"));
            return Ok(());
        };
        let Some(facts) = self.here(&record, &commit) else {
            return Ok(());
        };
        let described = |name: Option<String>, uri: Option<String>, digest| ResourceDescriptor {
            name,
            uri,
            digest,
            content: None,
            download_location: None,
            media_type: None,
            annotations: Map::new(),
        };
        let source = &protection.source;
        let digest = DigestSet::sha256(&source.digest);
        let attributes = protection.settings.iter().map(|setting| Attribute {
            attribute: setting.clone(),
            target: Some(described(Some(name.clone()), None, None)),
            conditions: Map::<String, Value>::new(),
            evidence: Some(described(None, source.url.clone(), Some(digest.clone()))),
        });
        let said = Scai {
            attributes: attributes.collect(),
            producer: None,
        };
        self.claim((commit, facts.tree), "protection", &said)
    }

    fn change(&mut self, request: &Request) -> Result<(), Error> {
        let goal = self.goal(request);
        let known = self.told.change(&goal.id);
        if known.is_some_and(|pair| pair.head == request.head && pair.name == goal.name) {
            self.import.known += 1;
            return Ok(());
        }
        let Some(facts) = self.here(&request.url, &request.head) else {
            return Ok(());
        };
        let Some(base) = self.base(&goal, &request.head)? else {
            self.left(&request.url, NO_BASE);
            return Ok(());
        };
        let pair = Pair {
            name: goal.name.clone(),
            base,
            head: request.head,
        };
        let mut authors = BTreeSet::new();
        for commit in self.desk.commits_between(&base, &request.head)? {
            authors.insert(self.author(&commit));
            let co_authors = commit.co_authors(self.desk.bots());
            authors.extend(co_authors.map(|email| self.desk.who(email)));
        }
        let (paths, lines) = self.desk.extent(&base, &request.head)?;
        let actor = request.opener.as_ref().or(request.pusher.as_ref());
        let controls = self.protections.get(&goal.name);
        let controls = controls.map_or(&[][..], |(_, settings)| settings);
        let controls = controls.iter().map(|name| Control {
            name: name.clone(),
            since: None,
        });
        let change = Change {
            controls: controls.collect(),
            asserted: self.asserted(actor, &request.source),
            id: goal.id,
            base: Base {
                name: pair.name,
                commit: base,
            },
            head: Revision {
                commit: request.head,
                tree: facts.tree,
            },
            authors: authors
                .into_iter()
                .map(|person| Author { person, kind: None })
                .collect(),
            requester: None,
            opener: request.opener.as_ref().map(|login| self.login(login)),
            pusher: request.pusher.as_ref().map(|login| self.login(login)),
            reason: Reason {
                kind: ReasonKind::Unstated,
                ticket: None,
            },
            security_impact: None,
            significance: None,
            paths: Some(paths),
            lines: Some(lines),
            rollback: None,
        };
        self.claim((request.head, facts.tree), "change", &change)
    }

    // By the address in the commit; where that is nobody's, by what the forge calls the author.
    fn author(&mut self, commit: &CommitFacts) -> Who {
        match (self.desk.who(&commit.author), self.authors.get(&commit.id)) {
            (Who::Email { .. }, Some(login)) => {
                let login = login.clone();
                self.login(&login)
            }
            (who, _) => who,
        }
    }

    fn opinion(&mut self, opinion: &Opinion, requests: &[Request]) -> Result<(), Error> {
        let spoken = Spoken {
            url: opinion.source.url.clone(),
            word: opinion.word,
            on: opinion.on,
        };
        let record = spoken.url.clone().unwrap_or(opinion.request.clone());
        match self.told.weigh(&opinion.person, &opinion.head, &spoken) {
            Is::New => {}
            Is::Known => {
                self.import.known += 1;
                return Ok(());
            }
            Is::Late => {
                self.left(&record, "the ledger has a later word of the same person");
                return Ok(());
            }
            Is::Unclear => {
                self.left(
                    &record,
                    "it names no moment, and the ledger has another word of the same person",
                );
                return Ok(());
            }
        }
        let request = requests.iter().find(|one| one.url == opinion.request);
        let goal = match (request, self.told.change(&opinion.request)) {
            (Some(request), _) => self.goal(request),
            (None, Some(pair)) => Goal {
                id: opinion.request.clone(),
                name: pair.name.clone(),
                candidates: vec![pair.base],
            },
            (None, None) => {
                let why = format!(
                    "nothing says where {} goes to; give it too",
                    opinion.request
                );
                self.left(&record, why);
                return Ok(());
            }
        };
        let Some(facts) = self.here(&record, &opinion.head) else {
            return Ok(());
        };
        let Some(base) = self.base(&goal, &opinion.head)? else {
            self.left(&record, NO_BASE);
            return Ok(());
        };
        let covered = self.covers(base, opinion.head)?;
        let asserted = self.asserted(Some(&opinion.person), &opinion.source);
        let person = asserted.actor.clone();
        let about = (opinion.head, facts.tree);
        let decision = match opinion.word {
            Word::Review(verdict) => {
                let review = Review {
                    asserted,
                    reviewer: person,
                    kind: ReviewKind::Code,
                    verdict,
                    covers: covered,
                    started_on: None,
                    finished_on: opinion.on,
                    findings: None,
                    tooling: Vec::new(),
                    link: spoken.url,
                };
                return self.claim(about, "review", &review);
            }
            Word::Approved => Decision::Approved,
            Word::Withdrawn => Decision::Withdrawn,
        };
        let approval = Approval {
            asserted,
            approver: person,
            role: None,
            decision,
            scope: ApprovalScope::Merge,
            covers: Covers::Revision(covered),
            conditions: Vec::new(),
            decided_on: opinion.on,
            valid_until: None,
            basis: Vec::new(),
            quorum: None,
        };
        self.claim(about, "approve", &approval)
    }

    fn landing(&mut self, request: &Request, merged: &Merged) -> Result<(), Error> {
        let Some(facts) = self.here(&request.url, &merged.to) else {
            return Ok(());
        };
        let goal = self.goal(request);
        let Some((method, commits)) = self.brought(request, &goal, &facts)? else {
            return Ok(());
        };
        let first = commits.first().unwrap_or(&merged.to);
        let parents = self.desk.repository.commit(first)?.parents;
        let protections = self.protections.get(&goal.name);
        let landing = Landing {
            protections: protections.map(|(source, _)| Protections {
                digest: Sha256Text(source.digest),
            }),
            asserted: self.asserted(merged.by.as_ref(), &request.source),
            change_id: goal.id,
            name: goal.name,
            from: parents.first().copied(),
            to: merged.to,
            commits,
            method,
            merger: merged.by.as_ref().map(|login| self.login(login)),
        };
        if self.told.has_landing(&landing) {
            self.import.known += 1;
            return Ok(());
        }
        self.claim((merged.to, facts.tree), "land", &landing)
    }

    /// How it was merged, and the commits that came to the branch's first-parent line, oldest first; `None`, and said,
    /// where that cannot be told.
    fn brought(
        &mut self,
        request: &Request,
        goal: &Goal,
        to: &CommitFacts,
    ) -> Result<Option<(Method, Vec<ObjectId>)>, Error> {
        if to.parents.len() > 1 {
            return Ok(Some((Method::Merge, vec![to.id])));
        }
        if self.here(&request.url, &request.head).is_none() {
            return Ok(None);
        }
        let Some(base) = self.base(goal, &request.head)? else {
            self.left(&request.url, NO_BASE);
            return Ok(None);
        };
        let proposed = self.line(&request.head, &base, MOST_COMMITS)?;
        if to.id == request.head {
            return Ok(Some((Method::Merge, proposed)));
        }
        let landed = self.line(&to.id, &base, proposed.len())?;
        let repository = self.desk.repository;
        let mut pairs = proposed.iter().zip(&landed);
        let same = pairs.try_fold(true, |same, (one, other)| {
            let (one, other) = (repository.commit(one)?, repository.commit(other)?);
            Ok::<_, Error>(same && author_line(&one.raw) == author_line(&other.raw))
        })?;
        Ok(Some(
            match same && proposed.len() == landed.len() && landed.len() > 1 {
                true => (Method::Rebase, landed),
                false => (Method::Squash, vec![to.id]),
            },
        ))
    }

    // Along first parents, oldest first, without the base; at most so many.
    fn line(&self, to: &ObjectId, base: &ObjectId, most: usize) -> Result<Vec<ObjectId>, Error> {
        let repository = self.desk.repository;
        let (mut line, mut next) = (Vec::new(), Some(*to));
        while let Some(id) = next.filter(|id| id != base && line.len() < most) {
            line.push(id);
            let parent = repository.commit(&id)?.parents.first().copied();
            next = parent.filter(|parent| repository.has(parent));
        }
        line.reverse();
        Ok(line)
    }
}

const NO_BASE: &str = "it is not known what it was held against: the branch has it already, or has no common ancestor with it here";

fn author_line(raw: &[u8]) -> Option<&[u8]> {
    raw.split(|byte| *byte == b'\n')
        .find(|line| line.starts_with(b"author "))
}

fn fetching(record: &str) -> String {
    let number = |mark: &str| {
        let (_, rest) = record.split_once(mark)?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        (!digits.is_empty()).then(|| digits.to_owned())
    };
    if let Some(number) = number("/-/merge_requests/") {
        return format!(
            "git fetch origin refs/merge-requests/{number}/head brings what GitLab keeps"
        );
    }
    match number("/pull/") {
        Some(number) => {
            format!("git fetch origin refs/pull/{number}/head brings what GitHub keeps")
        }
        None => "git fetch brings what the remote has".to_owned(),
    }
}
