//! `log`: the ledger's entries, newest first.
//!
//! 1. Every note is read once for its links; those that the filter wants are remembered by place.
//! 2. They are put in order of seq, newest first, and cut to the wanted number.
//! 3. Only these are decoded, one at a time, and handed to the caller.
//!
//! A note that cannot be read as entries is counted and named, never passed over in silence: the listing
//! goes on, since somebody who mends a ledger needs to see the rest of it.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use thiserror::Error;

use super::{Explain, Failure};
use crate::digest::ObjectId;
use crate::ledger::append_record::SignedAppendRecord;
use crate::ledger::seal::SignedSeal;
use crate::ledger::snapshot::{ReadError, Reader, Snapshot};
use crate::ledger::{Lines, Link};
use crate::report::entry::EntryView;
use crate::statement::Step;
use crate::timestamp::Timestamp;

/// Which entries to list. The default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only entries about these commits.
    pub commits: Option<HashSet<ObjectId>>,
    /// Only entries of this step.
    pub step: Option<Step>,
    /// Only entries that claim this time or a later one.
    pub since: Option<Timestamp>,
    /// Only entries that claim this time or an earlier one.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub max_count: Option<usize>,
}

impl Filter {
    fn wants(&self, link: &Link) -> bool {
        self.commits
            .as_ref()
            .is_none_or(|commits| commits.contains(&link.commit))
            && self.step.as_ref().is_none_or(|step| *step == link.step)
            && self.since.is_none_or(|since| link.time >= since)
            && self.until.is_none_or(|until| link.time <= until)
    }
}

/// What a listing came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listed {
    /// How many entries were handed over.
    pub entries: usize,
    /// Objects whose note holds something that is no entry, and what; what stands before it was listed.
    pub unreadable: Vec<(ObjectId, String)>,
}

/// Why entries cannot be listed.
#[derive(Debug, Error)]
pub enum Error {
    /// A part of the ledger could not be read.
    #[error("the note of {commit} cannot be read")]
    Note {
        /// The object that the note is about.
        commit: ObjectId,
        /// Why.
        source: ReadError,
    },
    /// A body could not be read.
    #[error("the attestation of entry {seq} cannot be read")]
    Body {
        /// The entry's seq.
        seq: u64,
        /// Why.
        source: ReadError,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        Failure::CouldNotLook
    }

    fn remedy(&self) -> Option<String> {
        Some("git fsck says whether objects are missing; git fetch brings what a partial clone lacks".to_owned())
    }
}

/// Where an entry stands.
struct Place {
    link: Link,
    note: usize,
    line: Range<usize>,
}

/// Hands each wanted entry to `each`, newest first, until it breaks off. `width` in its call is the number
/// of digits of the highest seq listed.
pub fn log(
    snapshot: &dyn Snapshot,
    filter: &Filter,
    mut each: impl FnMut(EntryView, usize) -> ControlFlow<()>,
) -> Result<Listed, Error> {
    let mut reader = snapshot.reader();
    let mut listed = Listed::default();
    let mut places = Vec::new();
    for (note, commit) in snapshot.notes().iter().enumerate() {
        if filter
            .commits
            .as_ref()
            .is_some_and(|commits| !commits.contains(commit))
        {
            continue;
        }
        let bytes = read_note(&mut *reader, note, *commit)?;
        if let Err(fault) = places_in(&bytes, note, filter, &mut places) {
            listed.unreadable.push((*commit, fault));
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.link.seq));
    places.truncate(filter.max_count.unwrap_or(usize::MAX));

    let sealed = sealed_size(snapshot);
    let width = places
        .first()
        .map_or(1, |place| place.link.seq.to_string().len());
    let mut last: Option<(usize, Vec<u8>)> = None;
    for place in places {
        let bytes = match last.take() {
            Some((note, bytes)) if note == place.note => bytes,
            _ => read_note(&mut *reader, place.note, place.link.commit)?,
        };
        let inline = Lines::of(&bytes[place.line.clone()])
            .next()
            .and_then(|line| Some(line.ok()?.body?.to_vec()));
        let seq = place.link.seq;
        let body = match inline {
            Some(body) => Some(body),
            None => reader
                .blob(&place.link.attestation)
                .map_err(|source| Error::Body { seq, source })?,
        };
        last = Some((place.note, bytes));
        listed.entries += 1;
        if each(EntryView::decode(place.link, body, sealed), width).is_break() {
            break;
        }
    }
    Ok(listed)
}

/// How many entries the newest seal covers, by its own account; 0 where there is none.
pub fn sealed_size(snapshot: &dyn Snapshot) -> u64 {
    let seal = snapshot
        .shape()
        .seal
        .as_deref()
        .and_then(|bytes| SignedSeal::parse(bytes).ok());
    seal.map_or(0, |seal| seal.unverified().head.size)
}

/// How many entries the ledger has by its append record's own account; 0 where that cannot be read.
pub fn ledger_size(snapshot: &dyn Snapshot) -> u64 {
    let bytes = snapshot.shape().append.as_deref();
    let record = bytes.and_then(|bytes| SignedAppendRecord::parse(bytes).ok());
    record.map_or(0, |record| record.unverified().new.size)
}

fn read_note(reader: &mut dyn Reader, note: usize, commit: ObjectId) -> Result<Vec<u8>, Error> {
    reader
        .note(note)
        .map_err(|source| Error::Note { commit, source })
}

/// Remembers the wanted lines of a note; a fault ends it, as nothing after it has a known place.
fn places_in(
    bytes: &[u8],
    note: usize,
    filter: &Filter,
    places: &mut Vec<Place>,
) -> Result<(), String> {
    let mut lines = Lines::of(bytes);
    loop {
        let begin = lines.offset();
        match lines.next() {
            None => return Ok(()),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(line)) if filter.wants(&line.link) => {
                places.push(Place {
                    link: line.link,
                    note,
                    line: begin..lines.offset(),
                });
            }
            Some(Ok(_)) => {}
        }
    }
}

/// Why a text is no point in time.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{found:?} is neither a date such as 2026-11-22, a time such as 2026-11-22T10:00:00Z, nor an age such as 2.weeks"
)]
pub struct TimeError {
    found: String,
}

/// Reads a point in time as `--since` takes it: RFC 3339, a date (its midnight in UTC), or an age such as
/// `3 days ago`, `2.weeks` or `12 hours`. Nothing is guessed: what it cannot read, it refuses.
///
/// # Errors
/// Where it is none of these.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
    let error = || TimeError {
        found: text.to_owned(),
    };
    if let Ok(time) = Timestamp::parse_rfc3339(text) {
        return Ok(time);
    }
    if let Ok(midnight) = format!("{text}T00:00:00Z").parse() {
        return Ok(midnight);
    }
    let mut words = text.split([' ', '.']).filter(|word| !word.is_empty());
    let count: i64 = words
        .next()
        .and_then(|word| word.parse().ok())
        .ok_or_else(error)?;
    let unit = words.next().ok_or_else(error)?;
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return Err(error()),
    };
    let rest: Vec<&str> = words.collect();
    if count < 0 || !matches!(rest.as_slice(), [] | ["ago"]) {
        return Err(error());
    }
    let then = count
        .checked_mul(seconds)
        .and_then(|age| now.unix().checked_sub(age))
        .ok_or_else(error)?;
    Timestamp::from_unix(then).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_never_guessed() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
        for (text, time) in [
            ("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("3 days ago", "2026-11-19T10:00:00Z"),
            ("2.weeks", "2026-11-08T10:00:00Z"),
            ("1.hour.ago", "2026-11-22T09:00:00Z"),
        ] {
            assert_eq!(parse_time(text, now).expect(text).to_string(), time);
        }
        for bad in [
            "",
            "yesterday",
            "3",
            "3 moons",
            "-3 days",
            "3 days later",
            "9999999999999999 weeks",
            "2026-13-01",
        ] {
            assert!(parse_time(bad, now).is_err(), "{bad:?}");
        }
    }
}
