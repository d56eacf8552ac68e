//! The edge: two compact ranges, so that an append needs neither the entries nor their leaves.
//!
//! ```text
//! git-docket/edge/v1
//! 0 41
//! <base64 hash>        one line for each perfect subtree of [0, 41), largest first
//! 41 43
//! <base64 hash>        one line for each perfect subtree of [41, 43)
//! ```
//!
//! The first range must yield the seal's root, both together the append record's. It is derived: replay
//! recomputes it, and it convinces nobody by itself.

use thiserror::Error;

use super::text::{self, LineReader, TextError};
use crate::{
    digest::Sha256,
    merkle::{CompactRange, RangeError},
};

const HEADER: &str = "git-docket/edge/v1";

/// The compact ranges `[0, sealed)` and `[sealed, size)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    sealed: CompactRange,
    unsealed: CompactRange,
}

/// Why bytes are no edge.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EdgeError {
    /// A line that does not fit.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A range that cannot be.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The first range does not begin at 0, or the second not where the first ends.
    #[error("the two ranges do not meet")]
    Apart,
}

impl Edge {
    /// The edge of a ledger with nothing in it.
    pub fn empty() -> Self {
        Self {
            sealed: CompactRange::empty(0),
            unsealed: CompactRange::empty(0),
        }
    }

    /// The edge over all `leaves`, the first `sealed` of them sealed.
    ///
    /// `sealed` is at most the number of leaves; more is taken as all.
    pub fn of_leaves(leaves: &[Sha256], sealed: u64) -> Self {
        let at = usize::try_from(sealed)
            .unwrap_or(usize::MAX)
            .min(leaves.len());
        let (first, rest) = leaves.split_at(at);
        Self {
            sealed: CompactRange::from_leaves(0, first),
            unsealed: CompactRange::from_leaves(at as u64, rest),
        }
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Sha256) {
        self.unsealed.push(leaf);
    }

    /// The same leaves, all of them sealed.
    ///
    /// # Errors
    /// None for an edge that was read or built here: its ranges meet.
    pub fn seal(&self) -> Result<Self, EdgeError> {
        let sealed = self.sealed.merge(&self.unsealed)?;
        Ok(Self {
            unsealed: CompactRange::empty(sealed.end()),
            sealed,
        })
    }

    /// How many entries are sealed.
    pub fn sealed_size(&self) -> u64 {
        self.sealed.end()
    }

    /// How many entries there are.
    pub fn size(&self) -> u64 {
        self.unsealed.end()
    }

    /// The root over the sealed entries.
    pub fn sealed_root(&self) -> Option<Sha256> {
        self.sealed.root()
    }

    /// The root over all entries.
    pub fn root(&self) -> Option<Sha256> {
        self.sealed.merge(&self.unsealed).ok()?.root()
    }

    /// The bytes of `docket/edge`.
    pub fn render(&self) -> String {
        let mut out = format!("{HEADER}\n");
        for range in [&self.sealed, &self.unsealed] {
            out.push_str(&format!("{} {}\n", range.begin(), range.end()));
            for hash in range.hashes() {
                out.push_str(&text::hash_text(hash));
                out.push('\n');
            }
        }
        out
    }

    /// Reads `docket/edge`.
    ///
    /// # Errors
    /// Anything that [`Edge::render`] would not have printed.
    pub fn parse(bytes: &[u8]) -> Result<Self, EdgeError> {
        let mut lines = LineReader::new(bytes)?;
        lines.read("git-docket/edge/v1", |line| (line == HEADER).then_some(()))?;
        let sealed = parse_range(&mut lines)?;
        let unsealed = parse_range(&mut lines)?;
        lines.end()?;
        if sealed.begin() != 0 || unsealed.begin() != sealed.end() {
            return Err(EdgeError::Apart);
        }
        Ok(Self { sealed, unsealed })
    }
}

fn parse_range(lines: &mut LineReader<'_>) -> Result<CompactRange, EdgeError> {
    let (begin, end) = lines.read("begin and end of a range", |line| {
        let (begin, end) = line.split_once(' ')?;
        Some((text::number(begin)?, text::number(end)?))
    })?;
    let mut hashes = Vec::new();
    for _ in 0..CompactRange::hash_count(begin, end)? {
        hashes.push(lines.read("a hash in base64", text::hash)?);
    }
    Ok(CompactRange::from_hashes(begin, end, hashes)?)
}
