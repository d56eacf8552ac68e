//! Lines, decimals and base64 as the ledger's text records use them: one spelling each.

use thiserror::Error;

use crate::base64;
use crate::digest::Sha256;

/// The largest size or seq: 2^53 - 1, so that every JSON reader sees the same number.
pub(super) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Why a line is not what its record's grammar asks for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// The text ends before its grammar does.
    #[error("line {line}: missing")]
    MissingLine {
        /// Counted from 1.
        line: usize,
    },
    /// Lines after the last one of the grammar, or no LF at the end.
    #[error("line {line}: nothing may follow")]
    TrailingLine {
        /// Counted from 1.
        line: usize,
    },
    /// A line that does not fit.
    #[error("line {line}: expected {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the grammar asks for there.
        expected: &'static str,
    },
}

/// Reads a text line by line; every line ends with LF.
pub(super) struct LineReader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> LineReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, TextError> {
        let rest = std::str::from_utf8(bytes).map_err(|_| TextError::Encoding)?;
        Ok(Self { rest, line: 0 })
    }

    pub(super) fn next(&mut self) -> Result<&'a str, TextError> {
        self.line += 1;
        let (line, rest) = self
            .rest
            .split_once('\n')
            .ok_or(TextError::MissingLine { line: self.line })?;
        self.rest = rest;
        Ok(line)
    }

    /// The next line through `read`, which answers `None` where it does not fit.
    pub(super) fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        let text = self.next()?;
        read(text).ok_or(TextError::Line {
            line: self.line,
            expected,
        })
    }

    pub(super) fn end(self) -> Result<(), TextError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(TextError::TrailingLine {
                line: self.line + 1,
            })
        }
    }
}

/// A decimal without sign or leading zero, at most [`MAX_NUMBER`].
pub(super) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|n| *n <= MAX_NUMBER)
}

/// 32 bytes in padded standard base64, canonical trailing bits.
pub(super) fn hash(text: &str) -> Option<Sha256> {
    let bytes = base64::decode(text.as_bytes()).ok()?;
    Some(Sha256::from_bytes(bytes.try_into().ok()?))
}

pub(super) fn hash_text(hash: &Sha256) -> String {
    base64::encode(hash.as_bytes())
}
