//! Harness' audit stream: JSON lines, an event each, as Harness writes them into a bucket
//! (<https://developer.harness.io/docs/platform/governance/audit-trail/audit-streaming>).
//!
//! Of an event its id, time, action, resource, scope and whose hand it was are read; the digest is SHA-256 over the line
//! as it came, without its line end. Nothing else is taken over: no addresses, no names of hosts, no metadata.

use serde_json::Value;
use thiserror::Error;

use crate::canonical;
use crate::digest::Sha256;
use crate::timestamp::Timestamp;

/// As many events as are read at once.
pub const MOST_EVENTS: usize = 20_000;
/// The longest word that is taken over, in bytes.
const LONGEST: usize = 1024;

/// Something that somebody did in Harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What Harness calls it.
    pub id: String,
    /// SHA-256 over its line.
    pub digest: Sha256,
    /// When.
    pub time: Timestamp,
    /// What was done: `CREATE`, `START`, `LOGIN`…
    pub action: String,
    /// The part of Harness: `CD`, `CORE`…
    pub module: String,
    /// To what: type and identifier.
    pub resource: (String, String),
    /// Where that is.
    pub scope: Scope,
    /// Whose hand it was: type and identifier.
    pub principal: (String, String),
}

/// Where a resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account: String,
    /// The organisation, where it is in one.
    pub organisation: Option<String>,
    /// The project, where it is in one.
    pub project: Option<String>,
}

/// Why a stream is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Not UTF-8.
    #[error("it is no UTF-8 text")]
    Text(#[from] std::str::Utf8Error),
    /// A line that is no JSON.
    #[error("line {line} is no JSON")]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        source: canonical::Error,
    },
    /// An event without what it must have.
    #[error("line {line}: {field} is missing, or not as it should be")]
    Lacks {
        /// Which, from 1.
        line: usize,
        /// What.
        field: &'static str,
    },
    /// More than are read.
    #[error("there are more than {MOST_EVENTS} events")]
    TooMany,
    /// Nothing in it.
    #[error("there is no event in it")]
    Empty,
}

/// Reads a stream; blank lines are none.
///
/// # Errors
/// Where any line is no event: then none is read.
pub fn read(bytes: &[u8]) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for (at, line) in std::str::from_utf8(bytes)?.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        if events.len() == MOST_EVENTS {
            return Err(Error::TooMany);
        }
        events.push(event(line, at + 1)?);
    }
    match events.is_empty() {
        true => Err(Error::Empty),
        false => Ok(events),
    }
}

fn event(text: &str, line: usize) -> Result<Event, Error> {
    let value =
        canonical::parse_strict(text.as_bytes()).map_err(|source| Error::Line { line, source })?;
    let optional = |pointer: &'static str| {
        let found = value.pointer(pointer).and_then(Value::as_str);
        found
            .filter(|text| !text.is_empty() && text.len() <= LONGEST)
            .map(str::to_owned)
    };
    let wanted = |pointer: &'static str| {
        optional(pointer).ok_or(Error::Lacks {
            line,
            field: pointer.trim_start_matches('/'),
        })
    };
    Ok(Event {
        id: wanted("/auditEventId")?,
        digest: Sha256::of(text.as_bytes()),
        time: moment(&value["auditEventTime"]).ok_or(Error::Lacks {
            line,
            field: "auditEventTime",
        })?,
        action: wanted("/auditAction")?,
        module: wanted("/auditModule")?,
        resource: (
            wanted("/auditResource/type")?,
            wanted("/auditResource/identifier")?,
        ),
        scope: Scope {
            account: wanted("/auditResourceScope/accountIdentifier")?,
            organisation: optional("/auditResourceScope/orgIdentifier"),
            project: optional("/auditResourceScope/projectIdentifier"),
        },
        principal: (
            wanted("/auditEventAuthor/principal/type")?,
            wanted("/auditEventAuthor/principal/identifier")?,
        ),
    })
}

/// RFC 3339, or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => Timestamp::parse_rfc3339(text).ok(),
        Value::Number(number) => Timestamp::from_unix(number.as_i64()? / 1000).ok(),
        _ => None,
    }
}
