//! Entries as a note holds them: one line each.
//!
//! ```text
//! {"link":{…},"attestation":{…}}      the body stands inline
//! {"link":{…}}                        the body stands in docket/blob, by its SHA-256
//! ```
//!
//! Link and frame are byte-exact; the body between `"attestation":` and the line's last `}` is anybody's
//! JSON and is kept as it came. Where a body stands is not the writer's choice: [`placement`] decides it
//! from the body and from where in the note its line begins, and a reader refuses the other place.

use thiserror::Error;

use super::link::{Link, LinkError};

/// The longest body that may stand inline, in bytes.
pub const INLINE_BODY_LIMIT: usize = 49_152;

/// A line that begins past this offset keeps its body in `docket/blob`: each append rewrites its note
/// whole, so a note must not grow with its bodies.
pub const SMALL_NOTE: usize = 65_536;

/// Where a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the entry's line.
    Inline,
    /// In `docket/blob`, by its SHA-256.
    Blob,
}

/// Where the body of a line that begins at `offset` of its note must stand.
///
/// Inline if and only if it is at most [`INLINE_BODY_LIMIT`] bytes of valid UTF-8 JSON without LF or CR
/// and without white space around it, and `offset` is at most [`SMALL_NOTE`].
pub fn placement(body: &[u8], offset: usize) -> Placement {
    let fits = offset <= SMALL_NOTE
        && body.len() <= INLINE_BODY_LIMIT
        && memchr::memchr2(b'\n', b'\r', body).is_none()
        && !body.first().is_none_or(u8::is_ascii_whitespace)
        && !body.last().is_none_or(u8::is_ascii_whitespace)
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
        && std::str::from_utf8(body).is_ok();
    if fits {
        Placement::Inline
    } else {
        Placement::Blob
    }
}

/// One line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The link.
    pub link: Link,
    /// Its bytes as stored: what the leaf is made of.
    pub link_bytes: &'a [u8],
    /// The attestation's bytes where they stand inline.
    pub body: Option<&'a [u8]>,
    /// Where in the note the line begins.
    pub offset: usize,
}

/// Why a line of a note is no entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// The note is empty, or its last line does not end with LF.
    #[error("the note does not end with a line feed")]
    Unterminated,
    /// The frame `{"link":` or what follows the link.
    #[error("byte {at} of the line: expected {expected:?}")]
    Frame {
        /// Offset in the line.
        at: usize,
        /// The text that the grammar has there.
        expected: &'static str,
    },
    /// The link inside.
    #[error("link")]
    Link(#[from] LinkError),
    /// A body stands inline that may not.
    #[error("the attestation may not stand inline")]
    InlineBody,
    /// The seq does not rise within the note.
    #[error("seq {seq} does not rise within its note")]
    Order {
        /// The later line's seq.
        seq: u64,
    },
}

/// The lines of a note, in order; ends after the first error.
pub struct Lines<'a> {
    note: &'a [u8],
    offset: usize,
    last: Option<u64>,
    failed: bool,
}

impl<'a> Lines<'a> {
    /// Over a note's bytes. An empty note is an error, not an empty iteration.
    pub fn of(note: &'a [u8]) -> Self {
        Self {
            note,
            offset: 0,
            last: None,
            failed: false,
        }
    }

    /// Where the next line begins.
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn read(&mut self) -> Result<Line<'a>, LineError> {
        let rest = &self.note[self.offset..];
        let length = memchr::memchr(b'\n', rest).ok_or(LineError::Unterminated)?;
        let line = parse_line(&rest[..length], self.offset)?;
        if self.last.is_some_and(|last| line.link.seq <= last) {
            return Err(LineError::Order { seq: line.link.seq });
        }
        self.last = Some(line.link.seq);
        self.offset += length + 1;
        Ok(line)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at_end = self.offset == self.note.len() && self.offset > 0;
        if self.failed || at_end {
            return None;
        }
        let line = self.read();
        self.failed = line.is_err();
        Some(line)
    }
}

/// The line of `link` with `body`, LF included, for a note in which it begins at `offset`.
pub fn render_line(link: &Link, body: &[u8], offset: usize) -> (Vec<u8>, Placement) {
    let mut line = format!(r#"{{"link":{}"#, link.render()).into_bytes();
    let placement = placement(body, offset);
    if placement == Placement::Inline {
        line.extend_from_slice(br#","attestation":"#);
        line.extend_from_slice(body);
    }
    line.extend_from_slice(b"}\n");
    (line, placement)
}

fn parse_line(line: &[u8], offset: usize) -> Result<Line<'_>, LineError> {
    const OPEN: &str = r#"{"link":"#;
    const BODY: &str = r#","attestation":"#;
    let after = line.strip_prefix(OPEN.as_bytes()).ok_or(LineError::Frame {
        at: 0,
        expected: OPEN,
    })?;
    let (link, length) = Link::parse_prefix(after)?;
    let (link_bytes, rest) = after.split_at(length);
    let at = OPEN.len() + length;
    let body = if rest == b"}" {
        None
    } else {
        let body = rest
            .strip_prefix(BODY.as_bytes())
            .ok_or(LineError::Frame { at, expected: BODY })?
            .strip_suffix(b"}")
            .ok_or(LineError::Frame {
                at: line.len(),
                expected: "}",
            })?;
        if placement(body, offset) != Placement::Inline {
            return Err(LineError::InlineBody);
        }
        Some(body)
    };
    Ok(Line {
        link,
        link_bytes,
        body,
        offset,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::digest::Sha256;

    fn link(seq: u64) -> Link {
        let oid = "sha1:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        Link {
            seq,
            prev: Sha256::of(b"prev"),
            commit: oid.parse().unwrap(),
            tree: oid.parse().unwrap(),
            time: "2026-11-22T10:00:00Z".parse().unwrap(),
            step: "build".parse().unwrap(),
            attestation: Sha256::of(b"body"),
        }
    }

    fn lines(note: &[u8]) -> Vec<Result<Line<'_>, LineError>> {
        Lines::of(note).collect()
    }

    #[test]
    fn a_note_of_two_lines_reads_back() {
        let (mut note, _) = render_line(&link(3), br#"{"a":"}"}"#, 0);
        let second = note.len();
        let (line, placed) = render_line(&link(5), b"{\n}", second);
        assert_eq!(placed, Placement::Blob);
        note.extend(line);
        let read: Vec<Line<'_>> = Lines::of(&note).collect::<Result<_, _>>().unwrap();
        assert_eq!(read[0].body, Some(&br#"{"a":"}"}"#[..]));
        assert_eq!(
            (read[1].body, read[1].offset, &read[1].link),
            (None, second, &link(5))
        );
        assert_eq!(read[0].link_bytes, link(3).render().as_bytes());
    }

    #[test]
    fn placement_follows_each_of_its_conditions() {
        assert_eq!(placement(b"{}", SMALL_NOTE), Placement::Inline);
        for (body, offset) in [
            (&b"{}"[..], SMALL_NOTE + 1),
            (b"{}\n", 0),
            (b"{\r}", 0),
            (b" {}", 0),
            (b"{} ", 0),
            (b"", 0),
            (b"{", 0),
            (b"{}}", 0),
            (b"\"\xff\"", 0),
        ] {
            assert_eq!(placement(body, offset), Placement::Blob, "{body:?}");
        }
        let long = |n: usize| format!("\"{}\"", "x".repeat(n - 2)).into_bytes();
        assert_eq!(placement(&long(INLINE_BODY_LIMIT), 0), Placement::Inline);
        assert_eq!(placement(&long(INLINE_BODY_LIMIT + 1), 0), Placement::Blob);
    }

    #[test]
    fn empty_blank_and_unterminated_notes_are_refused() {
        for note in [&b""[..], b"\n", b"{}", b"{}\n"] {
            assert!(lines(note)[0].is_err(), "{note:?}");
        }
        let (line, _) = render_line(&link(1), b"{}", 0);
        assert!(lines(&line[..line.len() - 1])[0].is_err());
        let twice = [line.clone(), line].concat();
        assert_eq!(lines(&twice)[1], Err(LineError::Order { seq: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_read_renders_to_the_same_bytes(at in 0usize..400, byte: u8) {
            let (mut note, _) = render_line(&link(1), br#"{"payload":"e30="}"#, 0);
            let at = at % note.len();
            note[at] = byte;
            if let Ok(Some(line)) = Lines::of(&note).next().transpose() {
                let body = line.body.unwrap_or(b"\n");
                let (rendered, _) = render_line(&line.link, body, 0);
                prop_assert_eq!(&rendered[..], &note[..]);
                let link = line.link.render();
                prop_assert_eq!(link.as_bytes(), line.link_bytes);
            }
        }
    }
}
