//! The link: the small record that gives one attestation its place.
//!
//! ```text
//! {"v":1,"seq":41,"prev":"<hex>","commit":"<algo>:<oid>","tree":"<algo>:<oid>","time":"2026-11-22T10:00:00Z","step":"build","attestation":"sha256:<hex>"}
//! ```
//!
//! One spelling: compact JSON, these keys in this order, no escapes, no other white space. `leaf()` is
//! the RFC 6962 leaf hash of exactly these bytes, and the next link's `prev`. The time is claimed by the
//! writer, and shown as claimed.

use thiserror::Error;

use super::text;
use crate::{
    digest::{ObjectId, Sha256},
    merkle,
    statement::Step,
    timestamp::Timestamp,
};

/// One attestation's place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The position, from 0 without a gap; at most 2^53 - 1.
    pub seq: u64,
    /// The leaf of the link before, or [`super::Origin::genesis_prev`].
    pub prev: Sha256,
    /// The commit that the entry is about: the note's name.
    pub commit: ObjectId,
    /// That commit's tree, claimed here and proved elsewhere.
    pub tree: ObjectId,
    /// When the link was made, by the writer's clock.
    pub time: Timestamp,
    /// The step that the attestation says it is.
    pub step: Step,
    /// SHA-256 over the attestation's bytes exactly as stored.
    pub attestation: Sha256,
}

/// Why bytes are no link.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The fixed text between two values is not there.
    #[error("byte {at}: expected {expected:?}")]
    Frame {
        /// Offset in the link.
        at: usize,
        /// The text that the grammar has there.
        expected: &'static str,
    },
    /// A value that its grammar refuses.
    #[error("byte {at}: not a valid {field}")]
    Value {
        /// Offset in the link.
        at: usize,
        /// The member's name.
        field: &'static str,
    },
    /// Commit and tree of different object formats.
    #[error("commit and tree are of different object formats")]
    MixedFormats,
}

impl Link {
    /// The one spelling of this link.
    pub fn render(&self) -> String {
        format!(
            r#"{{"v":1,"seq":{},"prev":"{}","commit":"{}","tree":"{}","time":"{}","step":"{}","attestation":"sha256:{}"}}"#,
            self.seq, self.prev, self.commit, self.tree, self.time, self.step, self.attestation
        )
    }

    /// Reads a link and says how many bytes it took; what follows is the caller's.
    ///
    /// # Errors
    /// Anything that [`Link::render`] would not have printed.
    pub fn parse_prefix(bytes: &[u8]) -> Result<(Self, usize), LinkError> {
        // A link has no braces inside and is short: its bytes end at the first one.
        let end = bytes
            .iter()
            .take(1024)
            .position(|b| *b == b'}')
            .map_or(bytes.len(), |i| i + 1);
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| LinkError::Encoding)?;
        let mut cursor = Cursor { text, at: 0 };
        cursor.frame(r#"{"v":1,"seq":"#)?;
        let seq = cursor.value("seq", ',', text::number)?;
        cursor.frame(r#","prev":""#)?;
        let prev = cursor.value("prev", '"', parsed)?;
        cursor.frame(r#"","commit":""#)?;
        let commit: ObjectId = cursor.value("commit", '"', parsed)?;
        cursor.frame(r#"","tree":""#)?;
        let tree: ObjectId = cursor.value("tree", '"', parsed)?;
        cursor.frame(r#"","time":""#)?;
        let time = cursor.value("time", '"', parsed)?;
        cursor.frame(r#"","step":""#)?;
        let step = cursor.value("step", '"', parsed)?;
        cursor.frame(r#"","attestation":"sha256:"#)?;
        let attestation = cursor.value("attestation", '"', parsed)?;
        cursor.frame(r#""}"#)?;
        if commit.algorithm() != tree.algorithm() {
            return Err(LinkError::MixedFormats);
        }
        Ok((
            Self {
                seq,
                prev,
                commit,
                tree,
                time,
                step,
                attestation,
            },
            cursor.at,
        ))
    }

    /// Reads a link that is all there is.
    ///
    /// # Errors
    /// As [`Link::parse_prefix`], and bytes after it.
    pub fn parse(bytes: &[u8]) -> Result<Self, LinkError> {
        match Self::parse_prefix(bytes)? {
            (link, length) if length == bytes.len() => Ok(link),
            (_, at) => Err(LinkError::Frame {
                at,
                expected: "the end",
            }),
        }
    }

    /// The leaf: `SHA-256(0x00 || bytes)`.
    pub fn leaf(&self) -> Sha256 {
        merkle::leaf_hash(self.render().as_bytes())
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn frame(&mut self, expected: &'static str) -> Result<(), LinkError> {
        if self.text[self.at..].starts_with(expected) {
            self.at += expected.len();
            Ok(())
        } else {
            Err(LinkError::Frame {
                at: self.at,
                expected,
            })
        }
    }

    fn value<T>(
        &mut self,
        field: &'static str,
        until: char,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, LinkError> {
        let rest = &self.text[self.at..];
        let value = rest
            .find(until)
            .and_then(|end| Some((read(&rest[..end])?, end)));
        let (value, length) = value.ok_or(LinkError::Value { at: self.at, field })?;
        self.at += length;
        Ok(value)
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}
