//! The append record: a writer's signed word over one append.
//!
//! ```text
//! git-docket/append/v1
//! git.example.com/acme/app
//! 41 <base64 root of the first 41 leaves>
//! 43 <base64 root of all 43>
//! <base64 last leaf>
//! roster 0 <base64 leaf>
//! policy 17 <base64 leaf>
//!
//! — alice@example.com <base64 key id and signature>
//! ```
//!
//! It is not a checkpoint: a writer that lost a race has signed a root that never came to be. The
//! signature's name is the writer's person id; whether that person may append is judged by replay.

use thiserror::Error;

use super::{
    note::{KeyName, NoteError, SignedNote, VerifierKey},
    origin::Origin,
    text::{self, LineReader, TextError},
};
use crate::{
    digest::Sha256,
    merkle,
    signing::{PublicKey, SigningError, SigningKey},
};

const HEADER: &str = "git-docket/append/v1";

/// A size and the RFC 6962 root over as many leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// How many entries.
    pub size: u64,
    /// The root over their leaves.
    pub root: Sha256,
}

impl TreeHead {
    /// The head of a ledger with nothing in it.
    pub fn empty() -> Self {
        Self {
            size: 0,
            root: merkle::empty_root(),
        }
    }

    fn render(&self) -> String {
        format!("{} {}", self.size, text::hash_text(&self.root))
    }

    fn parse(line: &str) -> Option<Self> {
        let (size, root) = line.split_once(' ')?;
        Some(Self {
            size: text::number(size)?,
            root: text::hash(root)?,
        })
    }
}

/// One entry, named so that nobody can mean another: its seq and its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The entry's position.
    pub seq: u64,
    /// The entry's leaf.
    pub leaf: Sha256,
}

/// What the signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendRecord {
    /// The ledger's name.
    pub origin: Origin,
    /// What was extended.
    pub old: TreeHead,
    /// What it became; `new.size > old.size`.
    pub new: TreeHead,
    /// The leaf of the last entry: what the next link's `prev` needs.
    pub last_leaf: Sha256,
    /// The roster in force for the next entry.
    pub roster: Mark,
    /// The policy in force for the next entry.
    pub policy: Mark,
}

/// Why bytes are no append record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendRecordError {
    /// The signed note around it.
    #[error("signed note")]
    Note(#[from] NoteError),
    /// A line of the body.
    #[error("body")]
    Body(#[from] TextError),
    /// The new size is not larger than the old, or a mark lies at or past it.
    #[error("sizes do not fit: {old} to {new}, roster {roster}, policy {policy}")]
    Sizes {
        /// Old size.
        old: u64,
        /// New size.
        new: u64,
        /// Seq of the roster.
        roster: u64,
        /// Seq of the policy.
        policy: u64,
    },
    /// More than one signature.
    #[error("an append record has one signature, this one has {count}")]
    Signatures {
        /// How many there are.
        count: usize,
    },
}

impl AppendRecord {
    /// The body: what is signed, through its last LF.
    pub fn text(&self) -> String {
        format!(
            "{HEADER}\n{}\n{}\n{}\n{}\nroster {}\npolicy {}\n",
            self.origin,
            self.old.render(),
            self.new.render(),
            text::hash_text(&self.last_leaf),
            render_mark(&self.roster),
            render_mark(&self.policy),
        )
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Anything that [`AppendRecord::text`] would not have printed, or sizes that cannot be.
    pub fn parse_text(bytes: &[u8]) -> Result<Self, AppendRecordError> {
        let mut lines = LineReader::new(bytes)?;
        lines.read("git-docket/append/v1", |line| {
            (line == HEADER).then_some(())
        })?;
        let record = Self {
            origin: lines.read("the origin", |line| line.parse().ok())?,
            old: lines.read("old size and root", TreeHead::parse)?,
            new: lines.read("new size and root", TreeHead::parse)?,
            last_leaf: lines.read("the last leaf", text::hash)?,
            roster: lines.read("roster, seq and leaf", |line| parse_mark(line, "roster "))?,
            policy: lines.read("policy, seq and leaf", |line| parse_mark(line, "policy "))?,
        };
        lines.end()?;
        let size = record.new.size;
        let fits = record.old.size < size && record.roster.seq < size && record.policy.seq < size;
        if !fits {
            return Err(AppendRecordError::Sizes {
                old: record.old.size,
                new: size,
                roster: record.roster.seq,
                policy: record.policy.seq,
            });
        }
        Ok(record)
    }

    /// The signed record, as `docket/append` holds it.
    ///
    /// # Errors
    /// Where a key that is elsewhere does not sign.
    pub fn sign(
        &self,
        writer: &KeyName,
        key: &SigningKey,
    ) -> Result<SignedAppendRecord, SigningError> {
        let note = SignedNote::sign(self.text(), &[(writer.clone(), key)])?;
        Ok(SignedAppendRecord {
            record: self.clone(),
            note,
        })
    }
}

/// An append record with its one signature, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAppendRecord {
    record: AppendRecord,
    note: SignedNote,
}

impl SignedAppendRecord {
    /// Reads `docket/append`.
    ///
    /// # Errors
    /// Anything but a signed note with one signature over a record's body.
    pub fn parse(bytes: &[u8]) -> Result<Self, AppendRecordError> {
        let note = SignedNote::parse(bytes)?;
        if note.signatures().len() != 1 {
            return Err(AppendRecordError::Signatures {
                count: note.signatures().len(),
            });
        }
        Ok(Self {
            record: AppendRecord::parse_text(note.text().as_bytes())?,
            note,
        })
    }

    /// The bytes of `docket/append`.
    pub fn render(&self) -> Vec<u8> {
        self.note.render().into_bytes()
    }

    /// The record, whose signature nobody has checked here.
    pub fn unverified(&self) -> &AppendRecord {
        &self.record
    }

    /// The writer that the signature names.
    pub fn writer(&self) -> &KeyName {
        self.note.signatures()[0].name()
    }

    /// Holds the signature against a writer's key.
    ///
    /// # Errors
    /// Where the note is not signed by that name and key.
    pub fn verify(&self, key: &PublicKey) -> Result<&AppendRecord, NoteError> {
        self.note
            .verify(&VerifierKey::new(self.writer().clone(), key))?;
        Ok(&self.record)
    }
}

fn render_mark(mark: &Mark) -> String {
    format!("{} {}", mark.seq, text::hash_text(&mark.leaf))
}

fn parse_mark(line: &str, prefix: &str) -> Option<Mark> {
    let (seq, leaf) = line.strip_prefix(prefix)?.split_once(' ')?;
    Some(Mark {
        seq: text::number(seq)?,
        leaf: text::hash(leaf)?,
    })
}
