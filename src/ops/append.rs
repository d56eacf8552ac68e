//! Append: give signed attestations their place in the ledger.
//!
//! Position is cheap, claims are dear: what is handed in is signed already and knows no position. Each
//! try, in order:
//!
//! 1. read the tip's append record, seal and edge: the signature of the record, and that the edge yields
//!    both roots (who had the right to sign is judged by replay);
//! 2. find the roster in force, which the record names by seq and leaf: the signing key must belong to a
//!    person who may append;
//! 3. leave out what stands there already (same attestation about the same commit): a retry adds nothing;
//! 4. make links, notes, bodies and the new edge;
//! 5. where a governance entry is among them, write the result aside and replay it, so that a change that
//!    nobody would accept is never appended, and the record says what is in force after it;
//! 6. sign one append record, and a seal where the ledger's key was given;
//! 7. write everything, sync it, and move the ref by compare-and-swap. Who lost the race begins again.

use std::{num::NonZeroUsize, time::Duration};

use thiserror::Error;

use super::{Explain, Failure};
use crate::{
    attestation::Attestation,
    digest::{ObjectId, Sha256},
    finding::{Code, Finding, Severity},
    git::{self, Moved, RefName, Repository, Written},
    ledger::{
        AppendRecord, Edge, InForce, Lines, Link, Mark, Origin, Placement, Seal, TreeHead,
        append_record::{AppendRecordError, SignedAppendRecord},
        edge::EdgeError,
        entry,
        note::{KeyName, NoteError},
        path::NotePath,
        seal::{SealError, SignedSeal},
    },
    roster::Roster,
    signing::{KeyId, SigningError, SigningKey},
    statement::{
        Step,
        predicate::{self, PersonId, Role},
    },
    store::{self, Author, Change, Stored, Tip},
    timestamp::Timestamp,
    verify::{self, Question, Request},
};

/// How often a lost race is run again.
const TRIES: u32 = 400;

/// An attestation on its way into the ledger.
#[derive(Clone, Debug)]
pub struct Item {
    /// The commit that it is about.
    pub commit: ObjectId,
    /// Its step, as the statement says.
    pub step: Step,
    /// The attestation.
    pub attestation: Attestation,
}

/// What an append needs besides the items.
pub struct Appender<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// The ledger's ref.
    pub ledger: &'a RefName,
    /// The writer's key.
    pub key: &'a SigningKey,
    /// The ledger's own key, where this append is to be sealed at once.
    pub sealing: Option<&'a SigningKey>,
    /// The time.
    pub now: Timestamp,
    /// Fills a buffer with random bytes: the jitter between tries.
    pub random: &'a dyn Fn(&mut [u8]) -> std::io::Result<()>,
}

/// Where the items stand now, in their order.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The seq of each item.
    pub seqs: Vec<u64>,
    /// The size of the ledger.
    pub size: u64,
    /// How many entries are sealed.
    pub sealed: u64,
}

/// Why nothing was appended.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no ledger.
    #[error("there is no ledger: {ledger} does not exist in this repository")]
    NoLedger {
        /// The ref.
        ledger: RefName,
    },
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A trusted root cannot be used.
    #[error(transparent)]
    Trust(#[from] super::trust::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A record of the tip is missing.
    #[error("the ledger's tip has no docket/{record}")]
    Missing {
        /// Which.
        record: &'static str,
    },
    /// The last writer was keyless.
    #[error(
        "the ledger's append record is signed by a keyless writer, which this version cannot verify"
    )]
    Keyless,
    /// The append record cannot be read.
    #[error("docket/append is damaged")]
    Record(#[from] AppendRecordError),
    /// The seal cannot be read.
    #[error("docket/seal is damaged")]
    Seal(#[from] SealError),
    /// The edge cannot be read.
    #[error("docket/edge is damaged")]
    Edge(#[from] EdgeError),
    /// The tip's records do not agree with each other.
    #[error("the ledger's tip is not sound: {what}")]
    Unsound {
        /// What does not agree.
        what: &'static str,
    },
    /// The key's person may not append.
    #[error("the key {key} may not append to this ledger")]
    NotAWriter {
        /// The key.
        key: KeyId,
    },
    /// Too few root keys have signed the genesis.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// The ledger's key is not the one that was given.
    #[error("the key to seal with is not the ledger's key")]
    NotTheLedgerKey,
    /// The change would not be accepted.
    #[error("the ledger would refuse this: {}: {}", finding.code, finding.detail)]
    Refused {
        /// The heaviest thing that replay found.
        finding: Box<Finding>,
    },
    /// Replay could not be run.
    #[error(transparent)]
    Verify(#[from] verify::VerifyError),
    /// A writer has a name that no key can have.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The key does not sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Others were in the way, every time.
    #[error(transparent)]
    Contention(Contention),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Contention(_) => Failure::Contention,
            Self::Unsound { .. }
            | Self::Missing { .. }
            | Self::Record(_)
            | Self::Seal(_)
            | Self::Edge(_) => Failure::Broken,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::NoLedger { .. } => {
                "`git docket init` founds one; `git docket fetch` brings one that the remote has"
                    .into()
            }
            Self::NotAWriter { key } => {
                format!(
                    "have a root key's holder give it the role writer: `git docket roster add … --role writer` (key {key})"
                )
            }
            Self::NotOpened(_) => {
                "each of the other root keys' holders runs `git docket cosign`".into()
            }
            Self::Keyless => "append with a version of git-docket that can".into(),
            Self::Contention(_) => "try again".into(),
            Self::Refused { finding } => finding.code.remedy().into(),
            Self::Unsound { .. }
            | Self::Missing { .. }
            | Self::Record(_)
            | Self::Seal(_)
            | Self::Edge(_) => "`git docket verify` names everything that is wrong".into(),
            _ => return None,
        })
    }
}

/// Too few root keys have signed the genesis.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the ledger is not open yet: {signed} of {threshold} root keys have signed its genesis")]
pub struct NotOpened {
    /// How many have.
    pub signed: u64,
    /// How many must.
    pub threshold: u32,
}

/// Others were in the way, every time; nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Contention {
    /// They moved the ref first.
    #[error("others were faster {tries} times")]
    Lost {
        /// How often.
        tries: u32,
    },
    /// They held its lock all the time, or left it behind.
    #[error("{name} is locked by another process; if none is at work, remove {}", lock.display())]
    Locked {
        /// The ref.
        name: RefName,
        /// The lock file.
        lock: std::path::PathBuf,
    },
}

/// What is on a tip, as far as an append needs it.
#[derive(Clone)]
pub struct Head {
    /// The append record.
    pub record: AppendRecord,
    /// The edge.
    pub edge: Edge,
    /// The seal.
    pub seal: Option<SignedSeal>,
    /// The roster in force.
    pub roster: Roster,
    /// How many root keys must sign the genesis; 1 where a later roster shows that they have.
    threshold: u32,
}

impl Head {
    /// Whether anything but a signature under the genesis may be appended. Until it may, every entry is
    /// such a signature.
    ///
    /// # Errors
    /// Where the genesis lacks signatures.
    pub fn opened(&self) -> Result<(), NotOpened> {
        let (signed, threshold) = (self.record.new.size, self.threshold);
        if signed < u64::from(threshold) {
            return Err(NotOpened { signed, threshold });
        }
        Ok(())
    }
}

impl Appender<'_> {
    /// Appends items to the ledger.
    ///
    /// # Errors
    /// Where nothing was appended; then nothing is changed.
    pub fn append(&self, items: &[Item]) -> Result<Appended, Error> {
        self.append_after(None, items)
    }

    /// As [`append`](Self::append); where the ref stands where it was `seen`, its records are not read again.
    ///
    /// # Errors
    /// As there.
    pub fn append_after(
        &self,
        seen: Option<&(Tip<'_>, Head)>,
        items: &[Item],
    ) -> Result<Appended, Error> {
        let mut seen = seen;
        for attempt in 0..TRIES {
            let stands = |(tip, _): &&(Tip<'_>, Head)| {
                Ok::<_, git::Error>(self.repository.reference(self.ledger)? == tip.commit())
            };
            let fresh;
            let (tip, head) = match seen.take() {
                Some(seen) if stands(&seen)? => (&seen.0, seen.1.clone()),
                _ => {
                    fresh = Tip::read(self.repository, self.ledger)?;
                    if fresh.commit().is_none() {
                        return Err(Error::NoLedger {
                            ledger: self.ledger.clone(),
                        });
                    }
                    (&fresh, head(&fresh)?)
                }
            };
            if items.iter().any(|item| item.step.as_str() != "cosign") {
                head.opened()?;
            }
            let writer = writer(&head.roster, self.key)?;
            match self.try_append(tip, head, &writer, items) {
                Ok(Some(appended)) => return Ok(appended),
                Ok(None) => {}
                Err(Error::Store(store::Error::Git(git::Error::Locked { name, lock }))) => {
                    return Err(Error::Contention(Contention::Locked { name, lock }));
                }
                Err(error) => return Err(error),
            }
            std::thread::sleep(self.pause(attempt));
        }
        Err(Error::Contention(Contention::Lost { tries: TRIES }))
    }

    /// Appends items on this tip, whose ref must stand where the tip expects it.
    ///
    /// # Errors
    /// Where nothing was appended, as where the ref stands elsewhere.
    pub fn append_on(&self, tip: &Tip<'_>, items: &[Item]) -> Result<Appended, Error> {
        let head = head(tip)?;
        let writer = writer(&head.roster, self.key)?;
        self.try_append(tip, head, &writer, items)?
            .ok_or(Error::Contention(Contention::Lost { tries: 1 }))
    }

    /// Founds a ledger: its first entry, and its first seal where the ledger's key is given.
    ///
    /// # Errors
    /// Where the ref exists already, or replay would refuse the genesis.
    pub fn found(
        &self,
        origin: &Origin,
        writer: &PersonId,
        genesis: Item,
    ) -> Result<Appended, Error> {
        let tip = Tip::read(self.repository, self.ledger)?;
        if tip.commit().is_some() {
            return Err(Error::Unsound {
                what: "a ledger exists already",
            });
        }
        let link = self.link(0, origin.genesis_prev(), &genesis)?;
        let mark = Mark {
            seq: 0,
            leaf: link.leaf(),
        };
        let mut change = Change::default();
        self.put(&tip, &mut change, &link, &genesis)?;
        let path = NotePath::of(genesis.commit);
        change.in_force = Some(
            InForce {
                roster: path,
                policy: path,
            }
            .render()
            .into_bytes(),
        );
        let mut edge = Edge::empty();
        edge.push(link.leaf());
        let record = AppendRecord {
            origin: origin.clone(),
            old: TreeHead::empty(),
            new: head_of(&edge)?,
            last_leaf: link.leaf(),
            roster: mark.clone(),
            policy: mark,
        };
        let name: KeyName = writer.as_str().parse()?;
        self.finish(&mut change, edge, &record, &name)?;
        self.rehearse(&tip, &change)?;
        match tip.land(&change, &self.author(), "git docket: genesis")?.0 {
            Moved::Yes => Ok(Appended {
                seqs: vec![0],
                size: 1,
                sealed: u64::from(self.sealing.is_some()),
            }),
            Moved::Elsewhere => Err(Error::Unsound {
                what: "a ledger was founded meanwhile",
            }),
        }
    }

    fn try_append(
        &self,
        tip: &Tip<'_>,
        head: Head,
        writer: &KeyName,
        items: &[Item],
    ) -> Result<Option<Appended>, Error> {
        let old = head.record;
        let mut edge = head.edge;
        let mut change = Change::default();
        let (mut prev, mut seqs) = (old.last_leaf, Vec::new());
        for item in items {
            if let Some(seq) = self.standing(tip, &change, item)? {
                seqs.push(seq);
                continue;
            }
            let link = self.link(edge.size(), prev, item)?;
            prev = link.leaf();
            edge.push(prev);
            seqs.push(link.seq);
            self.put(tip, &mut change, &link, item)?;
        }
        let sealed = if self.sealing.is_some() {
            edge.size()
        } else {
            edge.sealed_size()
        };
        let appended = Appended {
            seqs,
            size: edge.size(),
            sealed,
        };
        if edge.size() == old.new.size {
            return Ok(Some(appended));
        }
        let mut record = AppendRecord {
            origin: old.origin,
            old: old.new,
            new: head_of(&edge)?,
            last_leaf: prev,
            roster: old.roster,
            policy: old.policy,
        };
        self.finish(&mut change, edge.clone(), &record, writer)?;
        if items.iter().any(|item| verify::is_governance(&item.step)) {
            let in_force = self.rehearse(tip, &change)?;
            record.roster = in_force.roster_mark;
            record.policy = in_force.policy_mark;
            let pointer = InForce {
                roster: NotePath::of(in_force.commits.0),
                policy: NotePath::of(in_force.commits.1),
            };
            change.in_force = Some(pointer.render().into_bytes());
            self.finish(&mut change, edge, &record, writer)?;
        }
        let count = record.new.size - record.old.size;
        let message = match items {
            [item] => format!("git docket: {} on {}", item.step, item.commit.hex()),
            _ => format!("git docket: {count} entries"),
        };
        match tip.land(&change, &self.author(), &message)?.0 {
            Moved::Yes => Ok(Some(appended)),
            Moved::Elsewhere => Ok(None),
        }
    }

    fn link(&self, seq: u64, prev: Sha256, item: &Item) -> Result<Link, Error> {
        Ok(Link {
            seq,
            prev,
            commit: item.commit,
            tree: self.repository.commit(&item.commit)?.tree,
            time: self.now,
            step: item.step.clone(),
            attestation: item.attestation.digest(),
        })
    }

    // The seq under which this very attestation stands in its commit's note, if it does.
    fn standing(&self, tip: &Tip<'_>, change: &Change, item: &Item) -> Result<Option<u64>, Error> {
        let note = note_so_far(tip, change, &item.commit)?;
        let mut lines = Lines::of(&note).map_while(Result::ok);
        let digest = item.attestation.digest();
        Ok(lines
            .find(|line| line.link.attestation == digest)
            .map(|line| line.link.seq))
    }

    fn put(
        &self,
        tip: &Tip<'_>,
        change: &mut Change,
        link: &Link,
        item: &Item,
    ) -> Result<(), Error> {
        let mut note = note_so_far(tip, change, &item.commit)?;
        let body = item.attestation.bytes();
        let (line, placement) = entry::render_line(link, body, note.len());
        note.extend(line);
        if placement == Placement::Blob {
            change.blobs.insert(link.attestation, body.to_vec());
        }
        if tip.commit().is_none() || tip.kept_commit(&item.commit)?.is_none() {
            change
                .commits
                .insert(item.commit, self.repository.commit(&item.commit)?.raw);
        }
        change.notes.insert(item.commit, note);
        Ok(())
    }

    // Edge, append record and, with the ledger's key, the seal.
    fn finish(
        &self,
        change: &mut Change,
        mut edge: Edge,
        record: &AppendRecord,
        writer: &KeyName,
    ) -> Result<(), Error> {
        if let Some(key) = self.sealing {
            let seal = Seal {
                origin: record.origin.clone(),
                head: record.new.clone(),
            };
            change.seal = Some(seal.sign(key)?.render());
            edge = edge.seal()?;
        }
        change.edge = Some(edge.render().into_bytes());
        change.append = Some(record.sign(writer, self.key)?.render());
        Ok(())
    }

    // Writes the change where no ref points, replays it, and says what would be in force. What the append
    // record says of that is not looked at: it is made from the answer.
    fn rehearse(
        &self,
        tip: &Tip<'_>,
        change: &Change,
    ) -> Result<verify::governance::InForce, Error> {
        let mut written = Written::default();
        let commit = tip.write(
            change,
            &self.author(),
            "git docket: rehearsal",
            &mut written,
        )?;
        let stored = Stored::at(self.repository, commit)?;
        let request = Request {
            question: Question::Ledger,
            pin: None,
            memories: Vec::new(),
            seals: Vec::new(),
            threads: NonZeroUsize::MIN,
            keep: verify::Keep::Nothing,
            trust: super::trust::find(Some(self.repository), &[])?,
        };
        let outcome = verify::verify(&stored, &request)?;
        let before = edge_size_before(tip).unwrap_or(0);
        let refuses = |finding: &&Finding| match finding.severity() {
            Severity::Broken => finding.code != Code::InForceMismatch,
            Severity::Failed => finding.seq.is_some_and(|seq| seq >= before),
            Severity::Missing | Severity::Note => false,
        };
        // The most telling one: of an unauthorised change, that it is one, and not what its key lacks.
        let refusal = outcome
            .findings
            .iter()
            .filter(refuses)
            .min_by_key(|finding| finding.code != Code::GovernanceUnauthorised);
        match (refusal, outcome.in_force) {
            (None, Some(in_force)) => Ok(in_force),
            (Some(finding), _) => Err(Error::Refused {
                finding: Box::new(finding.clone()),
            }),
            (None, None) => Err(Error::Unsound {
                what: "it has no genesis",
            }),
        }
    }

    fn author(&self) -> Author {
        let (name, email) = self
            .repository
            .committer()
            .unwrap_or_else(|| ("git docket".into(), "git-docket@localhost".into()));
        Author {
            name,
            email,
            time: self.now,
        }
    }

    // Full jitter: anything up to a bound that grows, so that writers that met once do not meet again.
    fn pause(&self, attempt: u32) -> Duration {
        let mut bytes = [0; 4];
        let random = match (self.random)(&mut bytes) {
            Ok(()) => u64::from(u32::from_le_bytes(bytes)),
            Err(_) => u64::from(std::process::id()),
        };
        let bound = (5_u64 << attempt.min(5)).min(120);
        Duration::from_millis(random % bound)
    }
}

/// The name under which a key signs append records: its person's id, who must have the role `writer`.
///
/// # Errors
/// Where the roster gives the key's person no such role.
pub fn writer(roster: &Roster, key: &SigningKey) -> Result<KeyName, Error> {
    let key = key.public().id();
    let person = roster
        .person_of(&key)
        .filter(|person| person.has_role(Role::WRITER));
    Ok(person
        .ok_or(Error::NotAWriter { key })?
        .id()
        .as_str()
        .parse()?)
}

/// Reads what an append extends, and holds the records against each other.
///
/// # Errors
/// Where a record is missing, damaged, or does not agree with the others.
pub fn head(tip: &Tip<'_>) -> Result<Head, Error> {
    let record = |name: &'static str| tip.record(name)?.ok_or(Error::Missing { record: name });
    if tip.record("append.sigstore.json")?.is_some() {
        return Err(Error::Keyless);
    }
    let signed = SignedAppendRecord::parse(&record("append")?)?;
    let edge = Edge::parse(&record("edge")?)?;
    let seal = tip
        .record("seal")?
        .map(|seal| SignedSeal::parse(&seal))
        .transpose()?;
    let append = signed.unverified().clone();
    let unsound = |what| Err(Error::Unsound { what });
    if edge.size() != append.new.size || edge.root() != Some(append.new.root) {
        return unsound("the edge does not yield the append record's root");
    }
    let sealed = seal.as_ref().map(|seal| &seal.unverified().head);
    let agrees = match sealed {
        None => edge.sealed_size() == 0,
        Some(head) => head.size == edge.sealed_size() && edge.sealed_root() == Some(head.root),
    };
    if !agrees {
        return unsound("the edge does not yield the seal's root");
    }
    let Ok(pointer) = InForce::parse(&record("in-force")?) else {
        return unsound("docket/in-force is damaged");
    };
    let Some((roster, threshold)) = roster_at(tip, &pointer.roster.object(), &append.roster)?
    else {
        return unsound("the roster in force is not where docket/in-force says");
    };
    let writer: Option<PersonId> = signed.writer().as_str().parse().ok();
    let writer = writer.and_then(|id| roster.person(&id));
    // A writer that the newest roster no longer names may have signed: replay judges that.
    if let Some(person) = writer
        && !person.keys().any(|key| signed.verify(key).is_ok())
    {
        return unsound("no key of its writer has signed the append record");
    }
    Ok(Head {
        record: append,
        edge,
        seal,
        roster,
        threshold,
    })
}

// The roster that stands there, and the threshold where it is a genesis that brought it.
fn roster_at(
    tip: &Tip<'_>,
    object: &ObjectId,
    mark: &Mark,
) -> Result<Option<(Roster, u32)>, Error> {
    let Some(note) = tip.note(object)? else {
        return Ok(None);
    };
    let line = Lines::of(&note)
        .map_while(Result::ok)
        .find(|line| line.link.seq == mark.seq && line.link.leaf() == mark.leaf);
    let Some(line) = line else { return Ok(None) };
    let body = match line.body {
        Some(body) => Some(body.to_vec()),
        None => tip.blob(&line.link.attestation)?,
    };
    let body = body.filter(|body| Sha256::of(body) == line.link.attestation);
    let statement = body
        .and_then(|body| Attestation::parse(body).ok())
        .and_then(|attestation| attestation.unverified_statement().ok());
    let roster = statement.and_then(|statement| {
        statement
            .decode::<predicate::Genesis>()
            .map(|genesis| (genesis.roster, genesis.threshold))
            .or_else(|_| {
                statement
                    .decode::<predicate::Roster>()
                    .map(|roster| (roster, 1))
            })
            .ok()
    });
    Ok(roster
        .and_then(|(roster, threshold)| Some((Roster::from_predicate(&roster).ok()?, threshold))))
}

fn note_so_far(tip: &Tip<'_>, change: &Change, commit: &ObjectId) -> Result<Vec<u8>, Error> {
    match change.notes.get(commit) {
        Some(note) => Ok(note.clone()),
        None => Ok(tip.note(commit)?.unwrap_or_default()),
    }
}

fn head_of(edge: &Edge) -> Result<TreeHead, Error> {
    let root = edge.root().ok_or(Error::Unsound {
        what: "the edge does not begin at 0",
    })?;
    Ok(TreeHead {
        size: edge.size(),
        root,
    })
}

fn edge_size_before(tip: &Tip<'_>) -> Option<u64> {
    let edge = tip.record("edge").ok().flatten()?;
    Edge::parse(&edge).ok().map(|edge| edge.size())
}
