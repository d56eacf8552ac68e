//! The index in SQLite: one file a ledger, whole or not at all.
//!
//! 1. A first index is filled in a file of its own, synced and renamed into place ([`Index::create`]).
//! 2. What is new is added in one transaction ([`Index::extend`]). Whoever writes holds [`Writing`], a lock on a file
//!    beside it, which the system takes back when a process ends; readers need none.
//! 3. [`Index::open`] holds the schema's version and every table's count against what was written. What does not fit
//!    is [`Error::Damaged`], and to be made anew.
//! 4. [`Index::find`] narrows by columns and lets the [`Filter`] itself decide over each row.
//! 5. [`Index::ask`] runs one statement of somebody's own: it may read the views, and nothing else; it may not work
//!    longer than [`STEPS`], nor answer more than [`MOST_ROWS`] rows.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value as Held, ValueRef};
use rusqlite::{Connection, OpenFlags, Transaction, params, params_from_iter};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use thiserror::Error;

use super::Head;
use super::rows::{Engine, Field, INDEXES, Rows, VERSION, schema};
use crate::digest::{Hasher, Sha256};
use crate::ledger::TreeHead;
use crate::query::{Filter, Row};
use crate::statement::predicate::{short_name_of, uri_of};

/// A statement of somebody's own may take so many thousand steps of SQLite's machine: some seconds of work.
pub const STEPS: u32 = 500_000;
/// And answer at most so many rows.
pub const MOST_ROWS: usize = 1_000_000;
/// And be so long, in bytes.
const MOST_SQL: i32 = 100_000;
/// No text or blob in an answer is larger.
const MOST_VALUE: i32 = 16 << 20;
/// What may be asked.
pub const VIEWS: [&str; 6] = [
    "ledgers",
    "entries",
    "subjects",
    "environments",
    "services",
    "paths",
];
const TABLES: [&str; 4] = [
    "docket_ledger",
    "docket_entry",
    "docket_subject",
    "docket_name",
];
/// How long a reader waits for a writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the index cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite could not.
    #[error("the index cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// It is not what was written.
    #[error("the index is damaged")]
    Damaged,
    /// The statement is none, or more than one, or does what it may not.
    #[error("the statement is refused")]
    Refused(#[source] rusqlite::Error),
    /// It does something else than read the views.
    #[error("the statement is refused: it may read the views, and do nothing else")]
    NotReading,
    /// It would take too long.
    #[error("the statement takes too long, and was stopped")]
    TooLong,
    /// It answers too much.
    #[error("the statement answers more than {MOST_ROWS} rows")]
    TooMany,
    /// Two columns of the answer have one name.
    #[error("two columns of the answer are called {name:?}")]
    Ambiguous {
        /// The name.
        name: String,
    },
}

impl Error {
    /// Whether the question is at fault, and not the index.
    pub fn is_question(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::NotReading
                | Self::TooLong
                | Self::TooMany
                | Self::Ambiguous { .. }
        )
    }
}

/// The right to write an index, among all processes.
#[derive(Debug)]
pub struct Writing {
    path: PathBuf,
    _locked: File,
}

impl Writing {
    /// Waits for it; the folder is made.
    ///
    /// # Errors
    /// Where folder or lock cannot be made.
    pub fn wait(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let lock = path.with_extension("lock");
        let file = File::create(&lock).map_err(failed(&lock))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| failed(&lock)(errno.into()))?;
        Ok(Self {
            path: path.to_owned(),
            _locked: file,
        })
    }

    /// Removes the index.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn remove(&self) -> Result<(), Error> {
        gone(&self.path.with_extension("sqlite-journal"))?;
        gone(&self.path)
    }
}

/// An index.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
}

/// What a statement answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The columns' names, each once.
    pub columns: Vec<String>,
    /// A value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// One value of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// None.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A text; of bytes, their hex.
    Text(String),
}

impl Index {
    /// Opens what stands there; `None` where nothing does.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what was written.
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let index = Self { connection };
        index.check()?;
        Ok(Some(index))
    }

    /// Makes the index anew, in place of what stood there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(writing: &Writing, head: &Head, rows: &[Row]) -> Result<Self, Error> {
        let path = &writing.path;
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".index")
            .tempfile_in(folder)
            .map_err(failed(folder))?;
        {
            let mut connection = Connection::open(file.path())?;
            // Nobody else has it, and until it is renamed nobody will.
            connection.pragma_update(None, "journal_mode", "OFF")?;
            connection.pragma_update(None, "synchronous", "OFF")?;
            fill(&mut connection, head, rows)?;
        }
        file.as_file().sync_all().map_err(failed(path))?;
        // Of a writer that died: it is not the new file's.
        gone(&path.with_extension("sqlite-journal"))?;
        file.persist(path)
            .map_err(|error| failed(path)(error.error))?;
        Self::open(path)?.ok_or(Error::Damaged)
    }

    /// The same, in memory: where a folder cannot be written.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn in_memory(head: &Head, rows: &[Row]) -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        fill(&mut connection, head, rows)?;
        Ok(Self { connection })
    }

    /// Adds what came, and binds the index to a new head.
    ///
    /// # Errors
    /// Where it cannot be written; then it is as it was.
    pub fn extend(writing: &Writing, head: &Head, rows: &[Row], gone: &[u64]) -> Result<(), Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&writing.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let transaction = connection.transaction()?;
        for table in &TABLES[1..] {
            let sql = format!("DELETE FROM {table} WHERE ledger = 1 AND seq = ?1");
            let mut delete = transaction.prepare(&sql)?;
            for seq in gone {
                delete.execute([seq.cast_signed()])?;
            }
        }
        insert(&transaction, rows)?;
        bind(&transaction, head)?;
        Ok(transaction.commit()?)
    }

    /// What it was made from; `None` where what stands there is no head.
    pub fn head(&self) -> Option<Head> {
        let sql =
            "SELECT origin, genesis, tip, size, root, held FROM docket_ledger WHERE ledger = 1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, String>(4)?,
                row.get::<_, String>(5)?,
            ))
        };
        let (origin, genesis, tip, size, root, held) =
            self.connection.query_row(sql, [], read).ok()?;
        Some(Head {
            origin,
            genesis: genesis.parse().ok()?,
            tip: tip.parse().ok()?,
            landed: TreeHead {
                size: u64::try_from(size).ok()?,
                root: root.parse().ok()?,
            },
            held: held.parse().ok()?,
        })
    }

    /// The rows that a filter wants, newest first, at most so many.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not what was written.
    pub fn find(&self, filter: &Filter, most: Option<usize>) -> Result<Vec<Row>, Error> {
        let (narrow, values) = narrowed(filter);
        let sql = format!(
            "SELECT seq, attestation, body FROM docket_entry WHERE ledger = 1{narrow} ORDER BY seq DESC"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut rows = Vec::new();
        while rows.len() < most.unwrap_or(usize::MAX)
            && let Some(held) = found.next()?
        {
            let row: Row =
                serde_json::from_str(held.get_ref(2)?.as_str().map_err(|_| Error::Damaged)?)
                    .map_err(|_| Error::Damaged)?;
            let is_same = held.get::<_, i64>(0)? == row.seq.cast_signed()
                && held.get::<_, String>(1)? == row.attestation.to_string();
            if !is_same {
                return Err(Error::Damaged);
            }
            if filter.wants(&row) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Rows spread over the whole: what is looked up in the ledger to notice that somebody altered the index.
    /// Each has all its columns as its body says.
    ///
    /// # Errors
    /// As with [`Index::find`].
    pub fn sample(&self, count: u32) -> Result<Vec<Row>, Error> {
        let sql = "SELECT seq, attestation, time, step, type, person, kind, signer, result, git_commit, body
            FROM docket_entry WHERE ledger = 1
            AND seq >= ?1 * (SELECT max(seq) + 1 FROM docket_entry WHERE ledger = 1) / ?2 ORDER BY seq LIMIT 1";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows: Vec<Row> = Vec::new();
        for at in 0..count {
            let mut found = statement.query(params![at, count])?;
            let Some(held) = found.next()? else { break };
            let row: Row =
                serde_json::from_str(&held.get::<_, String>(10)?).map_err(|_| Error::Damaged)?;
            let Rows { entry, .. } = Rows::of(&row);
            let is_same = held.get::<_, i64>(0)? == entry.seq
                && held.get::<_, String>(1)? == entry.attestation
                && held.get::<_, i64>(2)? == entry.time
                && held.get::<_, String>(3)? == entry.step
                && held.get::<_, String>(4)? == entry.predicate
                && held.get::<_, String>(5)? == entry.person
                && held.get::<_, Option<String>>(6)? == entry.kind
                && held.get::<_, String>(7)? == entry.signer
                && held.get::<_, Option<String>>(8)?.as_deref() == entry.result
                && held.get::<_, String>(9)? == entry.commit;
            if !is_same {
                return Err(Error::Damaged);
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Runs one statement that reads the views.
    ///
    /// # Errors
    /// Where it is refused, takes too long, or answers too much.
    pub fn ask(&self, sql: &str) -> Result<Answer, Error> {
        let connection = &self.connection;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_SQL)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_VALUE)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        let done = AtomicU32::new(0);
        connection.progress_handler(
            1000,
            Some(move || {
                let is_enough = done.fetch_add(1, Ordering::Relaxed) >= STEPS;
                told.fetch_or(is_enough, Ordering::Relaxed);
                is_enough
            }),
        )?;
        connection.authorizer(Some(authorize))?;
        let answer = self.answer(sql);
        connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        connection.progress_handler(0, None::<fn() -> bool>)?;
        match answer {
            Err(_) if stopped.load(Ordering::Relaxed) => Err(Error::TooLong),
            answer => answer,
        }
    }

    fn answer(&self, sql: &str) -> Result<Answer, Error> {
        let refused = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => Error::NotReading,
            _ => Error::Refused(error),
        };
        let mut statement = self.connection.prepare(sql).map_err(refused)?;
        let names = statement.column_names();
        let columns: Vec<String> = names.into_iter().map(str::to_owned).collect();
        if columns.is_empty() || !statement.readonly() {
            return Err(Error::NotReading);
        }
        for (at, name) in columns.iter().enumerate() {
            if columns[..at].contains(name) {
                return Err(Error::Ambiguous { name: name.clone() });
            }
        }
        let mut found = statement.query([]).map_err(refused)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(refused)? {
            if rows.len() == MOST_ROWS {
                return Err(Error::TooMany);
            }
            let values = (0..columns.len()).map(|at| Ok(Value::of(row.get_ref(at)?)));
            rows.push(values.collect::<Result<_, rusqlite::Error>>()?);
        }
        Ok(Answer { columns, rows })
    }

    /// A digest over every value of every table: two indexes with the same are the same.
    ///
    /// # Errors
    /// Where SQLite cannot.
    pub fn fingerprint(&self) -> Result<Sha256, Error> {
        let mut hasher = Hasher::new();
        for (table, order) in [
            ("docket_entry", "seq"),
            ("docket_subject", "seq, place, algorithm"),
            ("docket_name", "seq, field, name"),
        ] {
            let sql = format!("SELECT * FROM {table} ORDER BY ledger, {order}");
            let mut statement = self.connection.prepare(&sql)?;
            let columns = statement.column_count();
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                for at in 0..columns {
                    let text = Value::of(row.get_ref(at)?).text();
                    hasher.update(&(text.len() as u64).to_be_bytes());
                    hasher.update(text.as_bytes());
                }
            }
        }
        Ok(hasher.finish())
    }

    // Whether it is one of ours, of this version, and holds as much as was written.
    fn check(&self) -> Result<(), Error> {
        let version: i64 = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version != VERSION {
            return Err(Error::Damaged);
        }
        let sql = "SELECT count(*) = 1 AND min(ledger) = 1
            AND min(entries) = (SELECT count(*) FROM docket_entry)
            AND min(subjects) = (SELECT count(*) FROM docket_subject)
            AND min(names) = (SELECT count(*) FROM docket_name) FROM docket_ledger";
        let is_whole: Option<bool> = self.connection.query_row(sql, [], |row| row.get(0))?;
        match is_whole {
            Some(true) => Ok(()),
            _ => Err(Error::Damaged),
        }
    }
}

impl Value {
    fn of(held: ValueRef<'_>) -> Self {
        match held {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Text(data_encoding::HEXLOWER.encode(bytes)),
        }
    }

    /// As text; nothing for null.
    pub fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

// The views read the tables; nobody else does, so that what is asked does not depend on how rows are kept.
fn authorize(context: AuthContext<'_>) -> Authorization {
    let is_view = |name: &str| VIEWS.contains(&name);
    let is_allowed = match context.action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Read {
            table_name,
            column_name,
        } => {
            is_view(table_name)
                || table_name.is_empty()
                // How SQLite says that a view's rows are counted, and nothing in them is read.
                || column_name.is_empty() && TABLES.contains(&table_name)
                || !TABLES.contains(&table_name) && !table_name.starts_with("sqlite_")
                || context.accessor.is_some_and(is_view)
        }
        AuthAction::Function { function_name } => function_name != "load_extension",
        _ => false,
    };
    match is_allowed {
        true => Authorization::Allow,
        false => Authorization::Deny,
    }
}

fn fill(connection: &mut Connection, head: &Head, rows: &[Row]) -> Result<(), Error> {
    connection.pragma_update(None, "user_version", VERSION)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(&schema(Engine::Sqlite))?;
    insert(&transaction, rows)?;
    transaction.execute_batch(INDEXES)?;
    bind(&transaction, head)?;
    Ok(transaction.commit()?)
}

fn insert(transaction: &Transaction<'_>, rows: &[Row]) -> Result<(), Error> {
    let mut entries = transaction.prepare(
        "INSERT INTO docket_entry VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let mut subjects =
        transaction.prepare("INSERT INTO docket_subject VALUES (1, ?1, ?2, ?3, ?4, ?5)")?;
    let mut names = transaction.prepare("INSERT INTO docket_name VALUES (1, ?1, ?2, ?3)")?;
    for row in rows {
        let made = Rows::of(row);
        let entry = &made.entry;
        entries.execute(params![
            entry.seq,
            entry.attestation,
            entry.time,
            entry.step,
            entry.predicate,
            entry.person,
            entry.kind,
            entry.signer,
            entry.result,
            entry.commit,
            entry.body
        ])?;
        for subject in &made.subjects {
            subjects.execute(params![
                entry.seq,
                subject.place,
                subject.name,
                subject.algorithm,
                subject.digest
            ])?;
        }
        for named in &made.names {
            names.execute(params![entry.seq, named.field.as_str(), named.name])?;
        }
    }
    Ok(())
}

fn bind(transaction: &Transaction<'_>, head: &Head) -> Result<(), Error> {
    transaction.execute(
        "INSERT OR REPLACE INTO docket_ledger VALUES (1, ?1, ?1, ?2, ?3, ?4, ?5, ?6,
            (SELECT count(*) FROM docket_entry), (SELECT count(*) FROM docket_subject),
            (SELECT count(*) FROM docket_name))",
        params![
            head.origin,
            head.genesis.to_string(),
            head.tip.to_string(),
            head.landed.size.cast_signed(),
            head.landed.root.to_string(),
            head.held.to_string()
        ],
    )?;
    Ok(())
}

// Conditions that every row fulfils which the filter wants, and their values.
fn narrowed(filter: &Filter) -> (String, Vec<Held>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    if !filter.persons.is_empty() {
        let marks = vec!["?"; filter.persons.len()].join(", ");
        sql.push_str(&format!(
            " AND (person IN ({marks}) OR signer IN ({marks}))"
        ));
        let twice = filter.persons.iter().chain(&filter.persons);
        values.extend(twice.map(|person| Held::from(person.to_string())));
    }
    let mut any = |before: &str, wanted: Vec<String>, after: &str| {
        if !wanted.is_empty() {
            let marks = vec!["?"; wanted.len()].join(", ");
            sql.push_str(&format!(" AND {before} IN ({marks}){after}"));
            values.extend(wanted.into_iter().map(Held::from));
        }
    };
    let types = filter.types.iter().flat_map(|wanted| {
        let others = [short_name_of(wanted), uri_of(wanted)];
        let others = others.into_iter().flatten().map(str::to_owned);
        others.chain([wanted.clone()])
    });
    any("step", filter.steps.clone(), "");
    any("type", types.collect(), "");
    any(
        "kind",
        filter.kinds.iter().map(ToString::to_string).collect(),
        "",
    );
    let results = filter
        .results
        .iter()
        .map(|result| result.as_str().to_owned());
    any("result", results.collect(), "");
    let digests = filter.subjects.iter().flat_map(|wanted| wanted.iter());
    any(
        "seq IN (SELECT seq FROM docket_subject WHERE ledger = 1 AND digest",
        digests.map(|(_, digest)| digest.to_owned()).collect(),
        ")",
    );
    for (field, wanted) in [
        (Field::Environment, &filter.environments),
        (Field::Service, &filter.services),
    ] {
        let before = format!(
            "seq IN (SELECT seq FROM docket_name WHERE ledger = 1 AND field = '{}' AND name",
            field.as_str()
        );
        any(&before, wanted.clone(), ")");
    }
    for (time, sign) in [(filter.since, ">="), (filter.until, "<=")] {
        if let Some(time) = time {
            sql.push_str(&format!(" AND time {sign} ?"));
            values.push(Held::from(time.unix()));
        }
    }
    (sql, values)
}

fn gone(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}
