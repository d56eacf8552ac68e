//! Hook: what a server lets a push do to a ledger.
//!
//! Git runs `pre-receive` with one line `old new ref` for each ref of a push, before any of them moves. Of
//! these lines:
//!
//! - a ledger (`refs/notes/docket*`, the mirror, and the ledger that a flag names) is neither deleted nor
//!   rewound; it goes on in commits of one parent, and only by what
//!   [`verify::extension`] lets stand. A founding, a new seal, and a change of roster, policy or ledger key are
//!   replayed whole. Where it is broken as it stands, it goes on by a recovery alone: what is pushed replays as
//!   sound, is sealed to its end, extends the seal that stands there, and names the broken tip. What is refused costs
//!   one replay at most;
//! - with a mirror configured, it moves together with the ledger, to the same commit;
//! - an inbox ref (`refs/docket/inbox/`) is made or deleted, never moved, and is bounded in size and form; what
//!   it says is for the fold to judge;
//! - a ref under `refs/docket/quarantine/` is made and never touched again;
//! - no other ref is looked at.
//!
//! Everything is read through the objects that the push brought and those that are there ([`Incoming`]).

use std::cell::OnceCell;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::{Explain, Failure, World, append, fetch, mirror, pin, trust};
use crate::{
    digest::{Algorithm, ObjectId},
    finding::{Code, Finding, Severity},
    git::{self, EntryKind, Incoming, RefName, Repository},
    ledger::{in_memory::InMemory, seal::SignedSeal},
    sigstore::Trust,
    store::{self, Delta, Stored, Tip},
    verify::{self, Base, Question, Request, Verdict},
};

/// No push of a ledger has more commits.
const COMMIT_LIMIT: usize = 100_000;
/// No inbox ref has more files.
const INBOX_FILES: usize = 10_000;
/// No inbox ref has more bytes.
const INBOX_BYTES: u64 = 64 << 20;

/// One line of `pre-receive`'s input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Where the ref stands; `None` where it is to be made.
    pub old: Option<ObjectId>,
    /// Where it is to stand; `None` where it is to go.
    pub new: Option<ObjectId>,
    /// The ref.
    pub name: String,
}

/// A ref that was looked at and may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The ref.
    pub name: String,
    /// How many entries it gains; 0 where it is no ledger.
    pub entries: u64,
}

/// Why a ref may not move, in words for whoever pushed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It would be deleted.
    #[error("a ledger is never deleted")]
    Deletion,
    /// The new commit does not descend from the old one.
    #[error("the ledger stands at {old}, which the pushed commit does not extend")]
    NotAnExtension {
        /// Where it stands.
        old: ObjectId,
    },
    /// A commit with two parents, or one that founds a ledger and has any.
    #[error("commit {commit} has {parents} parents; a ledger's commits have one, its first none")]
    Parents {
        /// The commit.
        commit: ObjectId,
        /// How many.
        parents: usize,
    },
    /// More commits than one push may bring.
    #[error("more than {COMMIT_LIMIT} commits in one push")]
    TooManyCommits,
    /// Something of the old tip is not in the new one as it was.
    #[error("{path} was altered or taken away; a ledger only grows{}", and_more(*others))]
    Altered {
        /// One such path; hostile text.
        path: String,
        /// How many more there are.
        others: usize,
    },
    /// Nothing was added.
    #[error("it adds neither an entry nor a seal")]
    Nothing,
    /// Something that was added may not stand.
    #[error("{}: {}{}{}", finding.code, finding.code.meaning(), detail(finding), and_more(*others))]
    Finding {
        /// The heaviest.
        finding: Box<Finding>,
        /// How many more there are.
        others: usize,
    },
    /// The mirror and the ledger part.
    #[error("{mirror} and {ledger} move together, to one commit")]
    Mirror {
        /// The mirror.
        mirror: RefName,
        /// The ledger.
        ledger: RefName,
    },
    /// An inbox or quarantine ref that exists would be moved, or a kept one deleted.
    #[error("such a ref is made once and never moved{}", if *.kept { " or deleted" } else { "" })]
    Moved {
        /// Whether it may not be deleted either.
        kept: bool,
    },
    /// An inbox ref's name or content has no form of ours.
    #[error("an inbox ref is refs/docket/inbox/<id> and holds a commit of plain files")]
    InboxForm,
    /// An inbox ref holds too much.
    #[error("an inbox ref holds at most {INBOX_FILES} files of {INBOX_BYTES} bytes together")]
    InboxSize,
    /// The ledger as it stands cannot be extended.
    #[error("the ledger as it stands on the server cannot be extended")]
    Standing(#[source] append::Error),
    /// What was pushed cannot be read.
    #[error("it cannot be read")]
    Store(#[from] store::Error),
    /// What was pushed cannot be read.
    #[error("it cannot be replayed")]
    Verify(#[from] verify::VerifyError),
}

/// Why the push as a whole is refused.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no input.
    #[error("standard input has no line `old new ref`; git runs this hook, and people do not")]
    NoInput,
    /// The input is not what git writes.
    #[error("line {line} of the input is not `old new ref`")]
    Input {
        /// Which, from 1.
        line: usize,
    },
    /// The mirror's name is none.
    #[error(transparent)]
    Mirror(#[from] mirror::Error),
    /// The objects cannot be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The pin that the server's configuration names cannot be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// A trusted root cannot be used.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// A ref may not move.
    #[error("{name} is refused")]
    Refused {
        /// The ref; hostile text.
        name: String,
        /// Why.
        source: Refusal,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Refused { .. } => Failure::Broken,
            Self::NoInput => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        let Self::Refused { source, .. } = self else {
            return None;
        };
        Some(match source {
            Refusal::NotAnExtension { .. } => {
                "somebody was faster, or the server has what you have not: fetch the ledger, then push again".into()
            }
            Refusal::Finding { finding, .. } => finding.code.remedy().into(),
            Refusal::Mirror { mirror, ledger } => {
                format!("git push --atomic <remote> {ledger} {ledger}:{mirror}")
            }
            Refusal::Standing(error) => return error.remedy(),
            _ => "`git docket help server` says what may be pushed".into(),
        })
    }
}

/// Reads the input of `pre-receive`.
///
/// # Errors
/// Where there is no line, and where one is not `old new ref`, ids in hex.
pub fn updates(input: &str) -> Result<Vec<Update>, Error> {
    let line = |(at, line): (usize, &str)| {
        let mut words = line.splitn(3, ' ');
        let mut id = || {
            let hex = words.next()?;
            let algorithm = match hex.len() {
                40 => Algorithm::Sha1,
                64 => Algorithm::Sha256,
                _ => return None,
            };
            let id = ObjectId::from_hex(algorithm, hex).ok()?;
            Some((!hex.bytes().all(|digit| digit == b'0')).then_some(id))
        };
        let (old, new) = (id(), id());
        let update = |name: &str| {
            Some(Update {
                old: old?,
                new: new?,
                name: name.to_owned(),
            })
        };
        words
            .next()
            .filter(|name| !name.is_empty())
            .and_then(update)
            .ok_or(Error::Input { line: at + 1 })
    };
    let updates: Vec<Update> = input
        .lines()
        .enumerate()
        .map(line)
        .collect::<Result<_, _>>()?;
    if updates.is_empty() {
        return Err(Error::NoInput);
    }
    Ok(updates)
}

/// Judges a push; what it returns was looked at and may move.
///
/// # Errors
/// Where one of the refs may not move, and where that cannot be found out: then none may.
pub fn pre_receive(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    updates: &[Update],
) -> Result<Vec<Accepted>, Error> {
    let objects = object_folders(world, repository);
    let incoming = Incoming::open(repository.algorithm(), &objects)?;
    let mirror = mirror::configured(repository)?;
    let (pin, _) = pin::find(repository, None)?;
    let gate = Gate {
        incoming: &incoming,
        ledger,
        mirror: mirror.as_ref(),
        pin,
        trust: trust::find(Some(repository), &[])?,
        updates,
    };
    let mut accepted = Vec::new();
    for update in updates {
        let entries = gate.update(update).map_err(|source| Error::Refused {
            name: update.name.clone(),
            source,
        })?;
        accepted.extend(entries.map(|entries| Accepted {
            name: update.name.clone(),
            entries,
        }));
    }
    Ok(accepted)
}

// Where git says that objects are; without its variables, the repository's own.
fn object_folders(world: &World, repository: &Repository) -> Vec<PathBuf> {
    let own = repository.common_dir().join("objects");
    let main = (world.variable)("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    let others = (world.variable)("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    let others = std::env::split_paths(&others).filter(|path| !path.as_os_str().is_empty());
    let mut folders: Vec<PathBuf> = main.into_iter().chain(others).collect();
    folders.push(own);
    folders
}

/// The replay of what was pushed, where it was needed.
type Replay = OnceCell<verify::Outcome>;

struct Gate<'a> {
    incoming: &'a Repository,
    ledger: &'a RefName,
    mirror: Option<&'a RefName>,
    pin: Option<verify::Pin>,
    trust: Arc<Trust>,
    updates: &'a [Update],
}

impl Gate<'_> {
    // How many entries a ledger gains; `None` for a ref that nobody looked at.
    fn update(&self, update: &Update) -> Result<Option<u64>, Refusal> {
        let name = update.name.as_str();
        let is = |known: &RefName| known.as_str() == name;
        if self.mirror.is_some() && (self.mirror.is_some_and(is) || is(self.ledger)) {
            self.in_step()?;
        }
        if name.starts_with("refs/notes/docket") || is(self.ledger) || self.mirror.is_some_and(is) {
            return self.ledger(update).map(Some);
        }
        if let Some(id) = name.strip_prefix("refs/docket/inbox/") {
            return self.inbox(id, update).map(|()| Some(0));
        }
        if name.starts_with("refs/docket/quarantine/") {
            return match update.old {
                None => Ok(Some(0)),
                Some(_) => Err(Refusal::Moved { kept: true }),
            };
        }
        Ok(None)
    }

    fn in_step(&self) -> Result<(), Refusal> {
        let Some(mirror) = self.mirror else {
            return Ok(());
        };
        let new_of = |name: &RefName| {
            let mut updates = self.updates.iter();
            updates
                .find(|update| update.name == name.as_str())
                .map(|update| update.new)
        };
        match (new_of(self.ledger), new_of(mirror)) {
            (Some(ledger), Some(mirror)) if ledger == mirror => Ok(()),
            _ => Err(Refusal::Mirror {
                mirror: mirror.clone(),
                ledger: self.ledger.clone(),
            }),
        }
    }

    fn ledger(&self, update: &Update) -> Result<u64, Refusal> {
        let new = update.new.ok_or(Refusal::Deletion)?;
        // A mirror that is made later begins where the ledger stands; it is judged as a ledger anew.
        self.descends(update.old, new)?;
        let Some(old) = update.old else {
            return self.replay(new, 0, &OnceCell::new());
        };
        let whole = OnceCell::new();
        match self.extended(old, new, &whole) {
            Err(_) if self.recovers(old, new, &whole).unwrap_or(false) => Ok(0),
            judged => judged,
        }
    }

    fn extended(&self, old: ObjectId, new: ObjectId, whole: &Replay) -> Result<u64, Refusal> {
        let old_tip = Tip::at(self.incoming, self.ledger, old)?;
        let new_tip = Tip::at(self.incoming, self.ledger, new)?;
        let head = append::head(&old_tip).map_err(Refusal::Standing)?;
        let in_force = old_tip.record("in-force")?.unwrap_or_default();
        let delta = Delta::between(self.incoming, &old_tip, &new_tip, new)?;
        if let [path, others @ ..] = delta.altered.as_slice() {
            return Err(Refusal::Altered {
                path: path.clone(),
                others: others.len(),
            });
        }
        let base = Base {
            record: &head.record,
            edge: &head.edge,
            seal: head.seal.as_ref(),
            in_force: &in_force,
            roster: &head.roster,
            trust: &self.trust,
        };
        let added = verify::extension(&InMemory::new(delta.parts), &base)?;
        sound(added.findings)?;
        if added.needs_replay {
            self.replay(new, head.record.new.size, whole)?;
        } else if added.entries == 0 {
            return Err(Refusal::Nothing);
        }
        Ok(added.entries)
    }

    /// Whether the ledger is broken as it stands, and whoever has its key goes on from there in the open.
    fn recovers(&self, old: ObjectId, new: ObjectId, whole: &Replay) -> Result<bool, Refusal> {
        // Before any replay: a recovery ends with a seal over everything.
        let head = append::head(&Tip::at(self.incoming, self.ledger, new)?);
        let edge = head.map_err(Refusal::Standing)?.edge;
        if edge.sealed_size() != edge.size() {
            return Ok(false);
        }
        let outcome = self.whole(new, whole)?;
        let names_it =
            |finding: &Finding| finding.code == Code::Recovered && finding.commit == Some(old);
        let sound = outcome.verdict != Verdict::Broken
            && outcome.heads.sealed.as_ref() == Some(&outcome.heads.landed)
            && outcome.findings.iter().any(names_it);
        if !sound || !self.is_the_same(old, outcome) {
            return Ok(false);
        }
        // No hostile push comes this far: only the ledger's key seals.
        let extends = match self.standing_seal(old)? {
            None => true,
            Some(seal) => match self.judged(new, Some(seal)) {
                // What stands there as a seal is none of this ledger's.
                Err(verify::VerifyError::ForeignSeal { .. }) => true,
                judged => judged?.verdict != Verdict::Broken,
            },
        };
        Ok(extends && self.judged(old, None)?.verdict == Verdict::Broken)
    }

    /// Whoever founds a ledger anew can seal it too: only a pin, or the same genesis, says that it is this one.
    fn is_the_same(&self, old: ObjectId, new: &verify::Outcome) -> bool {
        let standing = || {
            let stored = Stored::at(self.incoming, old).ok()?;
            fetch::genesis(&stored).ok()?
        };
        new.genesis.is_some() && (self.pin.is_some() || standing() == new.genesis)
    }

    fn standing_seal(&self, old: ObjectId) -> Result<Option<SignedSeal>, Refusal> {
        let seal = Tip::at(self.incoming, self.ledger, old)?.record("seal")?;
        Ok(seal.and_then(|seal| SignedSeal::parse(&seal).ok()))
    }

    // Every commit between has one parent; that of a founding has none.
    fn descends(&self, old: Option<ObjectId>, new: ObjectId) -> Result<(), Refusal> {
        let mut at = new;
        for _ in 0..COMMIT_LIMIT {
            if Some(at) == old {
                return Ok(());
            }
            let parents = self
                .incoming
                .commit(&at)
                .map_err(store::Error::Git)?
                .parents;
            match (parents.as_slice(), old) {
                ([], None) => return Ok(()),
                ([], Some(old)) => return Err(Refusal::NotAnExtension { old }),
                ([parent], _) => at = *parent,
                (more, _) => {
                    return Err(Refusal::Parents {
                        commit: at,
                        parents: more.len(),
                    });
                }
            }
        }
        Err(Refusal::TooManyCommits)
    }

    // The whole ledger at a commit; what was found about its old entries was there before.
    fn replay(&self, tip: ObjectId, before: u64, whole: &Replay) -> Result<u64, Refusal> {
        let outcome = self.whole(tip, whole)?;
        let is_new = |finding: &Finding| match finding.severity() {
            Severity::Broken => true,
            Severity::Failed => finding.seq.is_none_or(|seq| seq >= before),
            Severity::Missing | Severity::Note => false,
        };
        sound(
            outcome
                .findings
                .iter()
                .filter(|f| is_new(f))
                .cloned()
                .collect(),
        )?;
        Ok(outcome.heads.landed.size)
    }

    // The replay of what was pushed, once for whoever asks.
    fn whole<'a>(
        &self,
        tip: ObjectId,
        whole: &'a Replay,
    ) -> Result<&'a verify::Outcome, verify::VerifyError> {
        if let Some(outcome) = whole.get() {
            return Ok(outcome);
        }
        let outcome = self.judged(tip, None)?;
        Ok(whole.get_or_init(|| outcome))
    }

    fn judged(
        &self,
        tip: ObjectId,
        seal: Option<SignedSeal>,
    ) -> Result<verify::Outcome, verify::VerifyError> {
        let read = |source| verify::VerifyError::Read {
            what: "the tip".to_owned(),
            source,
        };
        let stored = Stored::at(self.incoming, tip).map_err(|e| read(e.into()))?;
        let request = Request {
            question: Question::Ledger,
            pin: self.pin.clone(),
            memories: Vec::new(),
            seals: seal.into_iter().collect(),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            keep: verify::Keep::Nothing,
            trust: self.trust.clone(),
        };
        verify::verify(&stored, &request)
    }

    fn inbox(&self, id: &str, update: &Update) -> Result<(), Refusal> {
        let new = match (update.old, update.new) {
            (Some(_), Some(_)) => return Err(Refusal::Moved { kept: false }),
            (_, None) => return Ok(()),
            (None, Some(new)) => new,
        };
        let named = (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !named {
            return Err(Refusal::InboxForm);
        }
        let commit = self.incoming.commit(&new);
        let mut pending = vec![commit.map_err(|_| Refusal::InboxForm)?.tree];
        let (mut files, mut bytes) = (0, 0);
        while let Some(tree) = pending.pop() {
            for entry in self.incoming.tree(&tree).map_err(store::Error::Git)? {
                files += 1;
                match entry.kind {
                    EntryKind::Tree => pending.push(entry.id),
                    EntryKind::File => {
                        let size = self.incoming.size(&entry.id).map_err(store::Error::Git)?;
                        bytes += size.unwrap_or(u64::MAX / 2);
                    }
                    _ => return Err(Refusal::InboxForm),
                }
                if files > INBOX_FILES || bytes > INBOX_BYTES {
                    return Err(Refusal::InboxSize);
                }
            }
        }
        Ok(())
    }
}

fn sound(mut findings: Vec<Finding>) -> Result<(), Refusal> {
    // The heaviest first; one about an entry says more than one about the whole.
    findings.sort_by_key(|f| (std::cmp::Reverse(f.severity()), f.seq.is_none(), f.seq));
    // Of an unauthorised change, that it is one, and not what its key lacks.
    let telling = |finding: &Finding| finding.code == Code::GovernanceUnauthorised;
    let others = findings.len().saturating_sub(1);
    let at = findings.iter().position(telling).unwrap_or(0);
    match findings.into_iter().nth(at) {
        None => Ok(()),
        Some(finding) => Err(Refusal::Finding {
            finding: Box::new(finding),
            others,
        }),
    }
}

fn detail(finding: &Finding) -> String {
    let at = finding
        .seq
        .map(|seq| format!("entry {seq}: "))
        .unwrap_or_default();
    match finding.detail.as_str() {
        "" => String::new(),
        detail => format!(" ({at}{detail})"),
    }
}

fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        others => format!("; and {others} more"),
    }
}
