//! What is known of AI's part in commits: from signed entries, from git-ai's notes, from trailers.
//!
//! For each commit every claim is looked up:
//!
//! 1. *entries*: statements of type ai-assistance that count, about the commit, about a commit with its tree, naming it
//!    among their subjects, or about the head or the landed commit of the change that it belongs to;
//! 2. *notes* under `refs/notes/ai` ([`crate::ingest::git_ai`]);
//! 3. *trailers* ([`crate::judge::trailers`]).
//!
//! A commit that was amended or rebased here has also what was known of the commits that it was made from: the hook
//! `post-rewrite` keeps a list of these ([`super::rewritten`]).
//!
//! The heaviest claim counts: autonomous over assisted over none. Without a claim it is unknown, never none. A share is
//! known from notes, or from the attribution of an entry about this very commit, and is a range: lines that nobody claimed
//! may be anybody's. A note may claim no more lines of a file than the commit brought.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Explain, Failure, World, rewritten, verify as replay};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::{self, RefName, Repository};
use crate::ingest::git_ai::{self, Note};
use crate::judge::trailers::{Mark, Says, Trailer};
use crate::judge::{CommitFacts, Entry};
use crate::process;
use crate::statement::predicate::{
    AiAssistance, AiKind, AiModel, AiSession, AiTool, AssertedBy, Change, FileShares, Known, Label,
    LineShares, Who,
};
use crate::verify::{Evidence, Keep, Question};

/// As many commits as are looked at in one question.
pub const MOST_COMMITS: usize = 10_000;

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A program that git has could not be run.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// The list of rewritten commits cannot be used.
    #[error(transparent)]
    Rewritten(#[from] super::rewritten::Error),
    /// Too many.
    #[error("{found} commits are more than {MOST_COMMITS}")]
    TooMany {
        /// How many there are.
        found: usize,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::TooMany { .. } => Failure::Usage,
            Self::Git(git::Error::Revision { .. } | git::Error::Kind { .. }) => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.remedy(),
            Self::Replay(error) => error.remedy(),
            Self::TooMany { .. } => Some("ask in smaller ranges".to_owned()),
            _ => None,
        }
    }
}

/// What is known of one commit.
#[derive(Clone, Debug, Serialize)]
pub struct CommitStatus {
    /// The commit.
    pub commit: ObjectId,
    /// `none`, `assisted` or `autonomous`; `unknown` where nobody said.
    pub kind: &'static str,
    /// How many of its lines may be AI's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Who says what.
    pub claims: Vec<Claim>,
}

/// A share as a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// At least so many lines.
    pub least: u64,
    /// At most so many.
    pub most: u64,
    /// Of so many.
    pub total: u64,
}

/// One claim and its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// `entry`, `note` or `trailer`.
    pub source: &'static str,
    /// `none`, `assisted` or `autonomous`; `unreadable` for a note that is none.
    pub says: String,
    /// The entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The tools, or what is wrong.
    pub detail: String,
}

/// Looks claims up.
pub struct Reader<'a> {
    repository: &'a Repository,
    entries: Vec<(&'a Entry, &'a AiAssistance)>,
    bots: &'a [String],
    by_commit: BTreeMap<ObjectId, BTreeSet<usize>>,
    by_tree: BTreeMap<ObjectId, BTreeSet<usize>>,
    notes: BTreeMap<String, ObjectId>,
    before: BTreeMap<ObjectId, Vec<ObjectId>>,
}

/// What a commit itself tells: trailers and note.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The heaviest.
    pub kind: Option<AiKind>,
    /// The sessions that are named.
    pub sessions: Vec<AiSession>,
    /// Whose its lines are, where a note says.
    pub lines: Option<LineShares>,
    /// The same by file.
    pub files: Vec<FileShares>,
    /// The note's bytes, where there is one that can be read.
    pub note: Option<Vec<u8>>,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// Says of each commit of a range what is known of it, newest first.
///
/// # Errors
/// Where the range is none, or something cannot be read.
pub fn status(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    range: &str,
) -> Result<Vec<CommitStatus>, Error> {
    let mut request = replay::Request::new(Question::Ledger);
    request.remember = replay::Remember::No;
    request.keep = Keep::Said;
    request.checks = super::judgement::Wanted::These(Vec::new());
    let evidence = match replay::verify(world, repository, ledger, &request) {
        Ok(replayed) => replayed.outcome.evidence,
        Err(replay::Error::NoLedger { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let reader = Reader::new(repository, evidence.as_ref())?;
    let ids = commits(repository, range)?;
    ids.iter().map(|id| reader.status(id)).collect()
}

/// The commits of a range, newest first; one word means that commit alone.
///
/// # Errors
/// Where it is none, or has too many.
pub fn commits(repository: &Repository, range: &str) -> Result<Vec<ObjectId>, Error> {
    if !range.contains("..") {
        return Ok(vec![repository.commit_named(range)?]);
    }
    let within = repository.commits_in(range)?;
    if within.len() > MOST_COMMITS {
        return Err(Error::TooMany {
            found: within.len(),
        });
    }
    let (_, to) = range.split_once("..").unwrap_or(("", range));
    let to = repository.commit_named(if to.is_empty() { "HEAD" } else { to })?;
    let mut ids: Vec<ObjectId> = repository
        .history(&to)
        .into_iter()
        .map(|(id, _)| id)
        .filter(|id| within.contains(id))
        .collect();
    ids.truncate(MOST_COMMITS);
    Ok(ids)
}

impl<'a> Reader<'a> {
    /// Prepares to answer.
    ///
    /// # Errors
    /// Where notes or the list of rewritten commits cannot be read.
    pub fn new(repository: &'a Repository, evidence: Option<&'a Evidence>) -> Result<Self, Error> {
        let bots = evidence
            .and_then(|evidence| evidence.in_force.last())
            .map_or(&[][..], |(_, _, policy)| &policy.ai().bots);
        let all = evidence
            .into_iter()
            .flat_map(|evidence| evidence.entries.of());
        let entries = all.filter(|(entry, said)| own_word(entry, said));
        let mut reader = Self {
            repository,
            entries: entries.collect(),
            bots,
            by_commit: BTreeMap::new(),
            by_tree: BTreeMap::new(),
            notes: notes(repository)?,
            before: rewritten::read(repository)?,
        };
        reader.place(evidence.map_or(&[], |evidence| &*evidence.entries))?;
        Ok(reader)
    }

    fn place(&mut self, all: &[Entry]) -> Result<(), Error> {
        for (at, (entry, _)) in self.entries.iter().enumerate() {
            self.by_tree.entry(entry.tree).or_default().insert(at);
            self.by_commit.entry(entry.commit).or_default().insert(at);
            let named = entry.subjects.iter().filter_map(|subject| {
                let hex = subject.digest.get("gitCommit")?;
                ObjectId::from_hex(entry.commit.algorithm(), hex).ok()
            });
            for commit in named {
                self.by_commit.entry(commit).or_default().insert(at);
            }
        }
        for group in groups(all) {
            let mut about = BTreeSet::new();
            for end in group.landed.iter().chain([&group.change.head.commit]) {
                about.extend(self.by_commit.get(end).into_iter().flatten());
            }
            about.extend(
                self.by_tree
                    .get(&group.change.head.tree)
                    .into_iter()
                    .flatten(),
            );
            if !about.is_empty() {
                for commit in group.commits(self.repository)? {
                    self.by_commit.entry(commit).or_default().extend(&about);
                }
            }
        }
        Ok(())
    }

    /// The commits that one was made from by amending or rebasing here, the newest first, without itself.
    pub fn made_from(&self, commit: &ObjectId) -> Vec<ObjectId> {
        let (mut found, mut open) = (Vec::new(), vec![*commit]);
        while let Some(next) = open.pop() {
            for old in self.before.get(&next).into_iter().flatten() {
                if old != commit && !found.contains(old) && found.len() < MOST_COMMITS {
                    found.push(*old);
                    open.push(*old);
                }
            }
        }
        found
    }

    /// The statements that speak of a commit.
    pub fn entries_about(
        &self,
        commit: &ObjectId,
    ) -> Result<Vec<(&'a Entry, &'a AiAssistance)>, Error> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        found.extend(self.by_commit.get(commit).into_iter().flatten());
        if self.repository.has(commit) {
            let tree = self.repository.commit(commit)?.tree;
            found.extend(self.by_tree.get(&tree).into_iter().flatten());
        }
        Ok(found.into_iter().map(|at| self.entries[at]).collect())
    }

    /// All that is known of a commit.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn status(&self, commit: &ObjectId) -> Result<CommitStatus, Error> {
        let mut claims = Vec::new();
        let mut kind = None;
        let mut share = None;
        for id in [&[*commit][..], &self.made_from(commit)].concat() {
            for (entry, said) in self.entries_about(&id)? {
                kind = kind.max(Some(said.kind));
                let lines = said.attribution.as_ref().and_then(|it| it.lines);
                share = share.or(lines.filter(|_| entry.commit == *commit));
                let tools = said.sessions.iter().map(|one| one.tool.name.as_str());
                claims.push(Claim {
                    source: "entry",
                    says: said.kind.to_string(),
                    seq: Some(entry.seq),
                    detail: tools.collect::<Vec<_>>().join(", "),
                });
            }
            let told = self.told(&id)?;
            kind = kind.max(told.kind);
            share = told.lines.filter(|_| id == *commit).or(share);
            claims.extend(told.claims);
        }
        claims.dedup();
        Ok(CommitStatus {
            commit: *commit,
            kind: kind.map_or("unknown", |kind| kind.as_str()),
            share: share.map(|lines| {
                let (least, most) = lines.ai_range();
                Share {
                    least,
                    most,
                    total: lines.total,
                }
            }),
            claims,
        })
    }

    /// What a commit itself tells; nothing, where it is not here.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn told(&self, commit: &ObjectId) -> Result<Told, Error> {
        let mut told = Told::default();
        if !self.repository.has(commit) {
            return Ok(told);
        }
        let raw = self.repository.commit(commit)?.raw;
        let Some(facts) = CommitFacts::parse(*commit, &raw) else {
            return Ok(told);
        };
        self.read_note(&facts, &mut told)?;
        for trailer in &facts.trailers {
            self.read_trailer(&facts, trailer, &mut told);
        }
        Ok(told)
    }

    fn read_trailer(&self, facts: &CommitFacts, trailer: &Trailer, told: &mut Told) {
        let Some(says) = trailer.says(self.bots) else {
            return;
        };
        let (kind, tool) = match says {
            Says::None => (AiKind::None, String::new()),
            Says::Tool { kind, tool, model } => {
                let name = tool.as_str().to_owned();
                let known = |one: &AiSession| one.tool.name == tool;
                if !told.sessions.iter().any(known) {
                    told.sessions
                        .push(session(commit_label(&facts.id), tool, model));
                }
                (kind, name)
            }
        };
        told.kind = told.kind.max(Some(kind));
        let mark = match trailer.mark {
            Mark::Assisted => "Assisted-by",
            Mark::Generated => "Generated-by",
            Mark::CoAuthor => "Co-authored-by",
        };
        told.claims.push(Claim {
            source: "trailer",
            says: kind.to_string(),
            seq: None,
            detail: format!("{mark} {tool}").trim_end().to_owned(),
        });
    }

    fn read_note(&self, facts: &CommitFacts, told: &mut Told) -> Result<(), Error> {
        let Some(blob) = self.notes.get(&facts.id.hex()) else {
            return Ok(());
        };
        let limit = git_ai::LARGEST as u64;
        let bytes = match self.repository.content(blob, ObjectKind::Blob, limit) {
            Ok(bytes) => bytes,
            Err(git::Error::TooLarge { bytes, .. }) => {
                told.claims.push(unreadable(&format!("{bytes} bytes")));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let note = match Note::read(&bytes) {
            Ok(note) => note,
            Err(error) => {
                told.claims.push(unreadable(&error.to_string()));
                return Ok(());
            }
        };
        let (lines, files) = shares(&note, &self.repository.brought(&facts.id)?.gained);
        told.lines = Some(lines);
        told.files = files;
        for one in note.sessions {
            let model = one.model.map(|model| {
                let provider = crate::judge::trailers::provider(model.as_str());
                (provider.parse().expect("a provider is a label"), model)
            });
            told.sessions.push(session(one.id, one.tool, model));
        }
        let tools = told.sessions.iter().map(|one| one.tool.name.as_str());
        // A note without an agent's lines says that none was seen, and not that there was none.
        if lines.ai > 0 || !told.sessions.is_empty() {
            told.kind = told.kind.max(Some(AiKind::Assisted));
            told.claims.push(Claim {
                source: "note",
                says: AiKind::Assisted.to_string(),
                seq: None,
                detail: tools.collect::<Vec<_>>().join(", "),
            });
        }
        told.note = Some(bytes);
        Ok(())
    }
}

/// A change, and how it landed.
pub struct Group<'a> {
    /// The change, as its newest entry says.
    pub change: &'a Change,
    /// The commits that landed.
    pub landed: Vec<ObjectId>,
}

impl Group<'_> {
    /// Its commits as far as they are here: those that landed, and those from base to head.
    ///
    /// # Errors
    /// Where history cannot be walked.
    pub fn commits(&self, repository: &Repository) -> Result<BTreeSet<ObjectId>, Error> {
        let mut commits: BTreeSet<ObjectId> = self.landed.iter().copied().collect();
        commits.extend(self.proposed(repository)?);
        Ok(commits)
    }

    /// Its commits from base to head; none where they are not here.
    ///
    /// # Errors
    /// Where history cannot be walked.
    pub fn proposed(&self, repository: &Repository) -> Result<Vec<ObjectId>, Error> {
        let (base, head) = (&self.change.base.commit, &self.change.head.commit);
        if !repository.has(base) || !repository.has(head) {
            return Ok(Vec::new());
        }
        let range = format!("{}..{}", base.hex(), head.hex());
        Ok(repository.commits_in(&range)?.into_iter().collect())
    }
}

/// Every change of a ledger with its last landing, by the change's id.
pub fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    for entry in entries {
        if let Some(Known::Change(change)) = &entry.said {
            let landed = groups.remove(change.id.as_str()).map(|group| group.landed);
            let landed = landed.unwrap_or_default();
            groups.insert(&change.id, Group { change, landed });
        }
    }
    for entry in entries {
        if let Some(Known::Landing(landing)) = &entry.said
            && let Some(group) = groups.get_mut(landing.change_id.as_str())
        {
            group.landed = landing.commits.clone();
        }
    }
    groups.into_values().collect()
}

// Whose word an entry is, as far as it can be told without the roster.
fn own_word(entry: &Entry, said: &AiAssistance) -> bool {
    match said.asserted.asserted_by {
        AssertedBy::SelfMade => said.asserted.actor == Who::Person(entry.signer.clone()),
        AssertedBy::Observed => true,
    }
}

fn session(id: Label, name: Label, model: Option<(Label, Label)>) -> AiSession {
    AiSession {
        id,
        tool: AiTool {
            name,
            version: None,
        },
        model: model.map(|(provider, id)| AiModel {
            provider,
            id,
            version: None,
        }),
        role: None,
        started_on: None,
        finished_on: None,
        task: None,
        prompt: None,
        instructions: Vec::new(),
        tools: Vec::new(),
        sandbox: None,
    }
}

fn commit_label(id: &ObjectId) -> Label {
    id.hex().parse().expect("hex digits are a label")
}

fn unreadable(why: &str) -> Claim {
    Claim {
        source: "note",
        says: "unreadable".to_owned(),
        seq: None,
        detail: why.to_owned(),
    }
}

// What a note claims of a file is held against what the commit brought; what nobody claims is unknown.
fn shares(note: &Note, gained: &[(String, u64)]) -> (LineShares, Vec<FileShares>) {
    let mut all = LineShares::default();
    let mut files = Vec::new();
    for (path, total) in gained {
        let ai = note.files.get(path).copied().unwrap_or(0).min(*total);
        all.ai += ai;
        all.total += total;
        let lines = LineShares {
            ai,
            unknown: total - ai,
            total: *total,
            ..LineShares::default()
        };
        files.extend(
            path.parse()
                .ok()
                .filter(|_| ai > 0)
                .map(|path| FileShares { path, lines }),
        );
    }
    all.ai_modified = note.overridden.min(all.total - all.ai);
    all.unknown = all.total - all.ai - all.ai_modified;
    (all, files)
}

// Each commit that has a note of git-ai's, by its hex digits.
fn notes(repository: &Repository) -> Result<BTreeMap<String, ObjectId>, Error> {
    let name: RefName = git_ai::REF.parse().expect("a fixed name is a ref's");
    if repository.reference(&name)?.is_none() {
        return Ok(BTreeMap::new());
    }
    let notes = listed_notes(repository, &name)?.into_iter();
    Ok(notes.map(|(of, blob)| (of.hex(), blob)).collect())
}

/// Each object that a notes ref has a note about, with the note's blob; the ref must be there.
pub(super) fn listed_notes(
    repository: &Repository,
    name: &RefName,
) -> Result<Vec<(ObjectId, ObjectId)>, process::Error> {
    let listed = repository
        .git(&["notes", "--ref", name.as_str(), "list"])
        .output()?;
    let listed = String::from_utf8_lossy(&listed);
    let id = |hex| ObjectId::from_hex(repository.algorithm(), hex).ok();
    let pairs = listed.lines().filter_map(|line| {
        let (blob, of) = line.split_once(' ')?;
        Some((id(of)?, id(blob)?))
    });
    Ok(pairs.collect())
}

/// SHA-256 over several texts one after another.
pub fn digest_of<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Sha256 {
    let all: Vec<&[u8]> = texts.collect();
    Sha256::of(&all.concat())
}
