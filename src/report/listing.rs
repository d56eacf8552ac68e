//! Rows of a query as a table and as CSV, by the columns that somebody asked for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::csv::row as csv_row;
use super::escape::clipped;
use crate::query::Row;

macro_rules! columns {
    ($($variant:ident $name:literal)*) => {
        /// A column.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is called as the field of a row that it shows")]
        pub enum Column { $($variant,)* }

        impl Column {
            /// Every column, by name.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant),)*];
        }
    };
}

columns! {
    Seq "seq"
    Time "time"
    Step "step"
    Type "type"
    Person "person"
    Kind "kind"
    Signer "signer"
    Result "result"
    Environment "environment"
    Service "service"
    Path "path"
    Commit "commit"
    Subject "subject"
    Attestation "attestation"
}

/// What is shown where nobody asks for columns: each row leads to its entry.
pub const USUAL: &[Column] = &[
    Column::Seq,
    Column::Time,
    Column::Step,
    Column::Type,
    Column::Person,
    Column::Result,
    Column::Environment,
    Column::Service,
    Column::Attestation,
];

/// Not a column.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{found:?} is no column; there are seq, time, step, type, person, kind, signer, result, environment, service, path, commit, subject, attestation"
)]
pub struct NoColumn {
    found: String,
}

impl FromStr for Column {
    type Err = NoColumn;

    fn from_str(text: &str) -> Result<Self, NoColumn> {
        let known = Self::ALL.iter().find(|(name, _)| *name == text);
        known.map(|(_, column)| *column).ok_or_else(|| NoColumn {
            found: text.to_owned(),
        })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::ALL.iter().find(|(_, column)| column == self);
        f.pad(known.map_or("", |(name, _)| name))
    }
}

impl Column {
    /// The field, whole and not escaped; several values are separated by spaces.
    pub fn of(self, row: &Row) -> String {
        let joined = |values: &mut dyn Iterator<Item = String>| {
            let values: Vec<String> = values.collect();
            values.join(" ")
        };
        match self {
            Self::Seq => row.seq.to_string(),
            Self::Time => row.time.to_string(),
            Self::Step => row.step.clone(),
            Self::Type => row.predicate.clone(),
            Self::Person => row.person.to_string(),
            Self::Kind => row.kind.map(|kind| kind.to_string()).unwrap_or_default(),
            Self::Signer => row.signer.to_string(),
            Self::Result => row.result.map_or("", |result| result.as_str()).to_owned(),
            Self::Environment => joined(&mut row.environments.iter().cloned()),
            Self::Service => joined(&mut row.services.iter().cloned()),
            Self::Path => joined(&mut row.paths.iter().cloned()),
            Self::Commit => row.commit.to_string(),
            Self::Subject => joined(&mut row.subjects.iter().flat_map(|about| {
                let digests = about.digest.iter();
                digests.map(|(algorithm, hex)| format!("{algorithm}:{hex}"))
            })),
            Self::Attestation => format!("sha256:{}", row.attestation),
        }
    }

    // Long text is cut; what leads to an entry is not.
    fn shown(self, row: &Row) -> String {
        let text = self.of(row);
        match self {
            Self::Attestation | Self::Commit => text,
            _ => clipped(&text),
        }
    }
}

/// An aligned table, its heading first, a line a row; no row, no text.
pub fn table(rows: &[Row], columns: &[Column]) -> String {
    let heading = columns.iter().map(Column::to_string).collect::<Vec<_>>();
    let cells = |row: &Row| columns.iter().map(|column| column.shown(row)).collect();
    aligned(&heading, rows.iter().map(cells).collect())
}

/// The same of any texts, which are escaped and cut.
pub fn table_of(heading: &[String], rows: &[Vec<String>]) -> String {
    let shown = |row: &Vec<String>| row.iter().map(|text| clipped(text)).collect();
    let heading: Vec<String> = heading.iter().map(|text| clipped(text)).collect();
    aligned(&heading, rows.iter().map(shown).collect())
}

/// CSV (RFC 4180), its heading first, safe in a spreadsheet; whole fields. No row, no text.
pub fn csv(rows: &[Row], columns: &[Column]) -> String {
    let heading: Vec<String> = columns.iter().map(Column::to_string).collect();
    let fields =
        |row: &Row| -> Vec<String> { columns.iter().map(|column| column.of(row)).collect() };
    csv_of(&heading, &rows.iter().map(fields).collect::<Vec<_>>())
}

/// The same of any texts.
pub fn csv_of(heading: &[String], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let rows = rows.iter().map(|row| csv_row(row));
    std::iter::once(csv_row(heading)).chain(rows).collect()
}

fn aligned(heading: &[String], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading = heading.iter().map(|name| name.to_uppercase()).collect();
    let mut lines: Vec<Vec<String>> = vec![heading];
    lines.extend(rows);
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|at| lines.iter().map(|cells| cells[at].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut out = String::new();
    for cells in &lines {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        out.push_str(padded.join("  ").trim_end());
        out.push('\n');
    }
    out
}
