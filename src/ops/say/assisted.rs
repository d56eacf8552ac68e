//! ai collect, import --ai: what trailers and notes tell of AI, as signed statements.
//!
//! *collect* makes one statement for each change of which a commit lies in the range: about the commit that landed, else
//! about its head, with every commit that belongs to it (those from base to head, and those that these were made from by
//! amending or rebasing here) among the subjects: so what was squashed away is still named. Of all their claims the
//! heaviest counts; without AI the statement is *none* only where every commit says so. A change that has a statement
//! already, be it a single signed *none*, is left as it is.
//!
//! *import* makes one statement for each commit of a range that tells anything.
//!
//! What was read is named by digest: the bytes of the notes, oldest commit first, where lines are told by notes; else those
//! of the commits whose trailers speak. Lines of a change are counted commit by commit as they were written; those of
//! commits without a note are unknown. The operator is the author of the newest commit with AI in it, and must be in the
//! roster. No text of a prompt can come in: see [`crate::ingest::git_ai`] and [`Label`](crate::statement::predicate::Label).

use std::collections::BTreeSet;

use super::super::assistance::{self, Group, Reader, Told, commits, digest_of, groups};
use super::super::record::Claim;
use super::forge::{Import, LeftOut};
use super::{Desk, Error};
use crate::digest::ObjectId;
use crate::ingest::git_ai;
use crate::judge::CommitFacts;
use crate::statement::predicate::{
    AiAssistance, AiKind, AiSession, Attribution, AttributionMethod, AttributionSource, FileShares,
    LineShares, PersonId, Sha256Text, Who,
};
use crate::statement::{DigestSet, Step, Subject};

/// As many sessions as one statement names.
const MOST_SESSIONS: usize = 1000;

/// A claim, and the commit and tree that it is about.
type About = ((ObjectId, ObjectId), Claim);

/// What several commits tell together.
#[derive(Default)]
struct Sum {
    kind: Option<AiKind>,
    silent: Vec<ObjectId>,
    /// Commits that brought lines and have no note.
    unnoted: Vec<ObjectId>,
    /// What a note on a landed commit says, where those from base to head have none.
    landed: Option<LineShares>,
    sessions: Vec<AiSession>,
    lines: Option<LineShares>,
    files: Vec<FileShares>,
    notes: Vec<Vec<u8>>,
    raw: Vec<Vec<u8>>,
    author: Option<String>,
}

impl Desk<'_> {
    /// One statement for each change of which a commit lies in a range.
    ///
    /// # Errors
    /// Where there is no ledger here, the range is none, or something cannot be read.
    pub fn collect(&self, step: &Step, range: &str) -> Result<Import, Error> {
        let evidence = self.evidence.as_ref().ok_or(Error::NoLedgerHere)?;
        let reader = Reader::new(self.repository, Some(evidence))?;
        let mut import = Import::default();
        let mut open: BTreeSet<ObjectId> = commits(self.repository, range)?.into_iter().collect();
        for group in groups(&evidence.entries) {
            let members = group.commits(self.repository)?;
            let ends = group.landed.last().unwrap_or(&group.change.head.commit);
            if !members.iter().chain([ends]).any(|one| open.contains(one)) {
                continue;
            }
            open.retain(|one| !members.contains(one) && one != ends);
            if self.has_word(&reader, &group)? {
                import.known += 1;
                continue;
            }
            let about = match self.repository.has(ends) {
                true => *ends,
                false => group.change.head.commit,
            };
            if !self.repository.has(&about) {
                let why = format!("commit {about} is not here");
                import.left.push(left(&group.change.id, why));
                continue;
            }
            // What landed by squash or rebase is the same again, and need not speak for itself.
            let proposed = group.proposed(self.repository)?;
            let own = match proposed.is_empty() {
                true => members.clone(),
                false => proposed.into_iter().collect(),
            };
            match self.sum_up(&reader, step, &about, &own, &members)? {
                Ok(claim) => import.claims.push(claim),
                Err(why) => import.left.push(left(&group.change.id, why)),
            }
        }
        // A merge brings nothing of its own.
        for id in open {
            let facts = self.repository.commit(&id)?;
            if facts.parents.len() < 2 {
                import
                    .left
                    .push(left(&id.to_string(), NO_CHANGE.to_owned()));
            }
        }
        Ok(import)
    }

    /// The range of what a push brings: from what the remote has, else from where changes go to.
    pub fn new_commits(&self, old: Option<&ObjectId>) -> Option<String> {
        let known = old.filter(|old| self.repository.has(old)).copied();
        let base = || self.base_commit(&self.base_ref(None)?).ok();
        let from = known.or_else(base)?;
        Some(format!("{}..{}", from.hex(), self.commit().hex()))
    }

    /// One statement for all commits of a range together, about the newest of them.
    ///
    /// # Errors
    /// As [`collect`](Self::collect).
    pub fn collect_as_one(&self, step: &Step, range: &str) -> Result<Import, Error> {
        let reader = Reader::new(self.repository, self.evidence.as_ref())?;
        let members = commits(self.repository, range)?;
        let mut import = Import::default();
        let Some(newest) = members.first().copied() else {
            return Ok(import);
        };
        if !reader.entries_about(&newest)?.is_empty() {
            import.known += 1;
            return Ok(import);
        }
        let members = members.into_iter().collect();
        match self.sum_up(&reader, step, &newest, &members, &members)? {
            Ok(claim) => import.claims.push(claim),
            Err(why) => import.left.push(left(&newest.to_string(), why)),
        }
        Ok(import)
    }

    /// One statement for each commit of a range that has a note or a trailer.
    ///
    /// # Errors
    /// As [`collect`](Self::collect).
    pub fn assisted(&self, step: &Step, range: &str) -> Result<Import, Error> {
        let reader = Reader::new(self.repository, self.evidence.as_ref())?;
        let mut import = Import::default();
        for id in commits(self.repository, range)?.into_iter().rev() {
            let told = reader.told(&id)?;
            let unreadable = told.claims.iter().find(|one| one.says == "unreadable");
            if let Some(claim) = unreadable {
                let why = format!("its note: {}", claim.detail);
                import.left.push(left(&id.to_string(), why));
            }
            if told.kind.is_none() {
                continue;
            }
            let about = reader.entries_about(&id)?;
            let mut of_it = about.iter().filter(|(entry, _)| entry.commit == id);
            if of_it.any(|(_, said)| Some(said.kind) == told.kind) {
                import.known += 1;
                continue;
            }
            let alone = BTreeSet::from([id]);
            match self.sum_up(&reader, step, &id, &alone, &alone)? {
                Ok(claim) => import.claims.push(claim),
                Err(why) => import.left.push(left(&id.to_string(), why)),
            }
        }
        Ok(import)
    }

    // Whether somebody spoke of the whole change: of its head, or of what landed.
    fn has_word(&self, reader: &Reader<'_>, group: &Group<'_>) -> Result<bool, Error> {
        for end in group
            .landed
            .last()
            .into_iter()
            .chain([&group.change.head.commit])
        {
            if !reader.entries_about(end)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What commits tell together; in words, why nothing can be said. Of the members only the own ones must speak.
    fn sum_up(
        &self,
        reader: &Reader<'_>,
        step: &Step,
        about: &ObjectId,
        own: &BTreeSet<ObjectId>,
        members: &BTreeSet<ObjectId>,
    ) -> Result<Result<About, String>, Error> {
        let mut sum = Sum::default();
        let mut named = BTreeSet::new();
        for id in self.oldest_first(members)? {
            let before = reader.made_from(&id);
            named.extend([&[id][..], &before].concat());
            let mut told = vec![(id, reader.told(&id)?)];
            for old in before {
                told.push((old, reader.told(&old)?));
            }
            let merges = self.repository.commit(&id)?.parents.len() > 1;
            let must_speak = own.contains(&id) && !merges;
            self.add(&mut sum, told, must_speak)?;
        }
        if let Some(lines) = &mut sum.lines {
            for id in &sum.unnoted {
                let added = self.repository.brought(id)?.added;
                lines.unknown += added;
                lines.total += added;
            }
        }
        sum.lines = sum.lines.or(sum.landed);
        if members.len() > 1 {
            // Of one file in several commits there is no one count.
            sum.files.clear();
        }
        let Some(kind) = sum
            .kind
            .filter(|kind| *kind != AiKind::None || sum.silent.is_empty())
        else {
            let silent: Vec<String> = sum
                .silent
                .iter()
                .map(|id| id.hex()[..12].to_owned())
                .collect();
            return Ok(Err(format!(
                "nobody said of {}: git docket ai none, or a trailer",
                silent.join(", ")
            )));
        };
        let operator = match (kind, &sum.author) {
            (AiKind::None, _) => None,
            (_, author) => match self.who(author.as_deref().unwrap_or_default()) {
                Who::Person(person) => Some(person),
                who => return Ok(Err(format!("its author {who} is nobody in the roster"))),
            },
        };
        let tree = self.repository.commit(about)?.tree;
        let mut subjects = vec![Subject::commit(about, &tree)];
        named.remove(about);
        subjects.extend(named.iter().map(|id| {
            let digest = DigestSet::new([("gitCommit".to_owned(), id.hex())].into());
            Subject::new(digest.expect("a commit's id is a digest"))
        }));
        let said = self.assistance(kind, operator, sum);
        Ok(Ok((
            (*about, tree),
            self.claim(step.clone(), &said, subjects)?,
        )))
    }

    fn assistance(&self, kind: AiKind, operator: Option<PersonId>, sum: Sum) -> AiAssistance {
        let source = |name: Option<&str>, texts: &[Vec<u8>]| AttributionSource {
            name: name.map(|name| name.parse().expect("a ref's name is a label")),
            digest: Sha256Text(digest_of(texts.iter().map(Vec::as_slice))),
        };
        let attribution = (kind != AiKind::None).then(|| match sum.lines {
            Some(lines) => Attribution {
                method: AttributionMethod::LineNotes,
                source: Some(source(Some(git_ai::REF), &sum.notes)),
                lines: Some(lines),
                files: sum.files,
            },
            None => Attribution {
                method: AttributionMethod::Trailer,
                source: Some(source(None, &sum.raw)),
                lines: None,
                files: Vec::new(),
            },
        });
        AiAssistance {
            asserted: self.asserted(),
            kind,
            operator,
            sessions: match kind {
                AiKind::None => Vec::new(),
                _ => sum.sessions,
            },
            attribution,
            human: None,
        }
    }

    // A commit and what it was made from: the first is what stands now.
    fn add(
        &self,
        sum: &mut Sum,
        told: Vec<(ObjectId, Told)>,
        must_speak: bool,
    ) -> Result<(), Error> {
        let Some((id, now)) = told.first() else {
            return Ok(());
        };
        let (id, noted) = (*id, now.lines);
        let kind = told.iter().filter_map(|(_, told)| told.kind).max();
        sum.kind = sum.kind.max(kind);
        if kind > Some(AiKind::None) && (must_speak || sum.author.is_none()) {
            let facts = self.repository.commit(&id)?;
            sum.author = CommitFacts::parse(id, &facts.raw).map(|facts| facts.author);
        }
        match (must_speak, noted) {
            (true, Some(more)) => sum.lines = Some(plus(sum.lines.unwrap_or_default(), more)),
            (true, None) => sum.unnoted.push(id),
            (false, noted) => sum.landed = noted.or(sum.landed),
        }
        if kind.is_none() && must_speak {
            sum.silent.push(id);
        }
        for (old, told) in told {
            if told.kind.is_some() {
                sum.raw.push(self.repository.commit(&old)?.raw);
            }
            sum.notes.extend(told.note);
            if old == id {
                sum.files.extend(told.files);
            }
            for session in told.sessions {
                let same = |one: &AiSession| one.tool == session.tool && one.model == session.model;
                if !sum.sessions.iter().any(same) && sum.sessions.len() < MOST_SESSIONS {
                    sum.sessions.push(session);
                }
            }
        }
        Ok(())
    }

    // By the number of their ancestors among them, then by id: the same on every machine.
    fn oldest_first(&self, members: &BTreeSet<ObjectId>) -> Result<Vec<ObjectId>, Error> {
        let (mut done, mut order) = (BTreeSet::new(), Vec::new());
        let mut stack: Vec<(ObjectId, bool)> = members.iter().map(|id| (*id, false)).collect();
        while let Some((id, parents_done)) = stack.pop() {
            if parents_done {
                order.push(id);
            } else if self.repository.has(&id) && done.insert(id) {
                stack.push((id, true));
                let parents = self.repository.commit(&id)?.parents;
                let within = parents
                    .into_iter()
                    .filter(|parent| members.contains(parent));
                stack.extend(within.map(|parent| (parent, false)));
            }
        }
        Ok(order)
    }
}

const NO_CHANGE: &str =
    "it belongs to no recorded change: git docket change, or git docket land --change direct";

fn left(record: &str, why: String) -> LeftOut {
    LeftOut {
        record: record.to_owned(),
        why,
    }
}

fn plus(one: LineShares, other: LineShares) -> LineShares {
    LineShares {
        ai: one.ai + other.ai,
        ai_modified: one.ai_modified + other.ai_modified,
        human: one.human + other.human,
        unknown: one.unknown + other.unknown,
        total: one.total + other.total,
    }
}

impl From<assistance::Error> for Error {
    fn from(error: assistance::Error) -> Self {
        Self::Assistance(Box::new(error))
    }
}
