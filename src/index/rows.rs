//! From an entry that counts to the rows of an index, whichever database holds them; and the tables these stand in.
//!
//! Of each [`Row`] there is one [`EntryRow`], a [`SubjectRow`] for every digest of every subject, and a [`NameRow`] for
//! every environment, service and path. The whole row stands in `body`, as JSON: what is read back is exactly what
//! was written, and the other columns only find it.

use crate::query::Row;
use crate::timestamp::Timestamp;

/// The schema's version: an index of another is made anew.
pub const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// What makes the tables fast to ask; run once they are filled.
pub const INDEXES: &str = include_str!("indexes.sql");

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite: times in views are texts, `2026-11-22T10:00:00Z`.
    Sqlite,
    /// PostgreSQL: times in views are of type `timestamptz`.
    Postgres,
}

/// Tables and views.
pub fn schema(engine: Engine) -> String {
    let time = match engine {
        Engine::Sqlite => "strftime('%Y-%m-%dT%H:%M:%SZ', time, 'unixepoch')",
        Engine::Postgres => "to_timestamp(time)",
    };
    SCHEMA.replace("{time} AS", &format!("{time} AS"))
}

/// A row of `docket_entry`, without its ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its place.
    pub seq: i64,
    /// SHA-256 of its attestation, in hex.
    pub attestation: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// Its step.
    pub step: String,
    /// The type of its predicate: the short name, where it has one.
    pub predicate: String,
    /// Who did it.
    pub person: String,
    /// `human`, `service` or `agent`, where it is known.
    pub kind: Option<String>,
    /// Who signed it.
    pub signer: String,
    /// `pass`, `warn` or `fail`, in the types that say so.
    pub result: Option<&'static str>,
    /// The commit it is about, in hex.
    pub commit: String,
    /// The whole row, as `query -o json` prints it.
    pub body: String,
}

/// A row of `docket_subject`: one digest of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRow {
    /// Which of the entry's subjects, from 0.
    pub place: i64,
    /// What the author calls it.
    pub name: Option<String>,
    /// `sha256`, `gitCommit`, …
    pub algorithm: String,
    /// The digest's value.
    pub digest: String,
}

/// What a [`NameRow`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// An environment.
    Environment,
    /// A service.
    Service,
    /// A path.
    Path,
}

/// A row of `docket_name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// Of what.
    pub field: Field,
    /// The name.
    pub name: String,
}

/// All rows of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The entry.
    pub entry: EntryRow,
    /// Its subjects' digests.
    pub subjects: Vec<SubjectRow>,
    /// What else it names.
    pub names: Vec<NameRow>,
}

impl Field {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Service => "service",
            Self::Path => "path",
        }
    }
}

impl Rows {
    /// The rows of an entry.
    pub fn of(row: &Row) -> Self {
        let entry = EntryRow {
            seq: row.seq.cast_signed(),
            attestation: row.attestation.to_string(),
            time: Timestamp::unix(row.time),
            step: row.step.clone(),
            predicate: row.predicate.clone(),
            person: row.person.to_string(),
            kind: row.kind.map(|kind| kind.to_string()),
            signer: row.signer.to_string(),
            result: row.result.map(|result| result.as_str()),
            commit: row.commit.hex(),
            body: serde_json::to_string(row).expect("strings and numbers are JSON"),
        };
        let subjects = (0..).zip(&row.subjects).flat_map(|(place, about)| {
            about
                .digest
                .iter()
                .map(move |(algorithm, digest)| SubjectRow {
                    place,
                    name: about.name.clone(),
                    algorithm: algorithm.to_owned(),
                    digest: digest.to_owned(),
                })
        });
        let all = [
            (Field::Environment, &row.environments),
            (Field::Service, &row.services),
            (Field::Path, &row.paths),
        ];
        let names = all.into_iter().flat_map(|(field, names)| {
            names.iter().map(move |name| NameRow {
                field,
                name: name.clone(),
            })
        });
        Self {
            entry,
            subjects: subjects.collect(),
            names: names.collect(),
        }
    }
}
