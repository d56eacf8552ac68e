//! What a forge knows: pull and merge requests, reviews, approvals, merges and the protection of branches, as its REST
//! interface answers (`gh api`, `glab api`) and as its webhooks send.
//!
//! 1. The text is one JSON value, or several one after another (as paginated answers come); arrays are opened, also
//!    arrays of arrays. No key may stand twice in an object, nothing may nest deeper than [`canonical::DEPTH_LIMIT`],
//!    and there may be at most [`MOST_RECORDS`] records.
//! 2. Each record is recognised by its members (`github`, `gitlab`). Its digest is SHA-256 over its bytes exactly as
//!    they came. A record of another kind, or one that lacks what it needs, is left out and named.
//! 3. GitLab's approvals name no commit. Each is held against the versions of its merge request: it covers the newest
//!    that was there when it was given. Where only one version is known it covers that; else it is left out.
//!
//! Nothing is looked up here: whether commits exist, and whose a login is, others say.

mod github;
mod gitlab;
mod protection;

use std::str::FromStr;

use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::canonical;
use crate::digest::{Algorithm, ObjectId, Sha256};
use crate::statement::predicate::{Login, ReviewVerdict};
use crate::timestamp::Timestamp;

/// As many records as are read at once.
pub const MOST_RECORDS: usize = 20_000;

/// The longest name, address or login that is taken over, in bytes.
const LONGEST: usize = 1024;

/// Whose records they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, in its cloud or on a server of one's own.
    GitHub,
    /// GitLab, likewise.
    GitLab,
}

/// Why a word is no forge.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected github or gitlab")]
pub struct ForgeError;

impl FromStr for Forge {
    type Err = ForgeError;

    fn from_str(text: &str) -> Result<Self, ForgeError> {
        match text {
            "github" => Ok(Self::GitHub),
            "gitlab" => Ok(Self::GitLab),
            _ => Err(ForgeError),
        }
    }
}

/// Why nothing could be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON.
    #[error("{file}: record {record} is not JSON")]
    Json {
        /// The file.
        file: String,
        /// Which of its records, from 1.
        record: usize,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A key twice, or nested too deep.
    #[error("{file}: record {record} cannot be read in one way only")]
    Ambiguous {
        /// The file.
        file: String,
        /// Which of its records, from 1.
        record: usize,
        /// Where and why.
        #[source]
        source: canonical::Error,
    },
    /// More than are read.
    #[error("there are more than {MOST_RECORDS} records")]
    TooMany,
    /// Nothing in it.
    #[error("there is no record in it")]
    Empty,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Pull and merge requests, oldest record first.
    pub requests: Vec<Request>,
    /// What people said of them, in the order of its time; what names no time stands first.
    pub opinions: Vec<Opinion>,
    /// How branches are protected.
    pub protections: Vec<Protection>,
    /// What a forge calls the authors of commits.
    pub authors: Vec<(ObjectId, Login)>,
    /// What was left out.
    pub left: Vec<Left>,
}

/// Where a record comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The forge's host name.
    pub forge: String,
    /// Where it can be seen.
    pub url: Option<String>,
    /// SHA-256 over its bytes as they came.
    pub digest: Sha256,
}

/// A pull or merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it was read.
    pub source: Source,
    /// Its address: what the change is called.
    pub url: String,
    /// The branch that it goes to.
    pub target: String,
    /// What the forge holds it against: a commit on that branch, or the merge base.
    pub base: Option<ObjectId>,
    /// Where it ends.
    pub head: ObjectId,
    /// Who opened it.
    pub opener: Option<Login>,
    /// Who pushed its head.
    pub pusher: Option<Login>,
    /// How it was merged, if it was.
    pub merged: Option<Merged>,
}

/// How a request was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The last commit that it brought to the branch; its head itself, where the branch moved forward to it.
    pub to: ObjectId,
    /// Who did it.
    pub by: Option<Login>,
}

/// What somebody said of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Where it was read.
    pub source: Source,
    /// The request.
    pub request: String,
    /// Who said it.
    pub person: Login,
    /// What.
    pub word: Word,
    /// Of which commit.
    pub head: ObjectId,
    /// When.
    pub on: Option<Timestamp>,
}

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// An opinion.
    Review(ReviewVerdict),
    /// A yes with authority.
    Approved,
    /// What was said before no longer counts.
    Withdrawn,
}

/// How a branch is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Where it was read.
    pub source: Source,
    /// The branch.
    pub branch: String,
    /// Each setting as `name=value`, the name as the forge has it; sorted.
    pub settings: Vec<String>,
}

/// A record that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which: by address, else by its place.
    pub record: String,
    /// Why.
    pub why: Why,
}

/// Why a record was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Why {
    /// Another kind of record.
    #[error("it is no request, review, approval, merge or protection of this forge")]
    Unknown,
    /// Something that it needs is not there or not as it should be.
    #[error("{0} is missing, or not as it should be")]
    Lacks(&'static str),
    /// Approvals whose commit nobody can tell.
    #[error(
        "an approval names no commit, and the merge request's versions are not given, or do not say which it was"
    )]
    NoVersion,
    /// Records that are for others to understand.
    #[error("the merge request that it belongs to is not given")]
    NoRequest,
    /// Settings that name no project.
    #[error("no merge request is given that says which project it belongs to")]
    NoProject,
}

/// Reads a forge's records from files, each with its name.
///
/// # Errors
/// Where a text is no JSON with one reading, or all hold nothing, or too much.
pub fn read(forge: Forge, files: &[(String, Vec<u8>)]) -> Result<Records, Error> {
    let mut records = Vec::new();
    for (file, bytes) in files {
        let json = |record, source| Error::Json {
            file: file.clone(),
            record,
            source,
        };
        for (index, raw) in split(bytes, MOST_RECORDS - records.len(), json)?
            .iter()
            .enumerate()
        {
            let text = raw.get().as_bytes();
            let value = canonical::parse_strict(text).map_err(|source| Error::Ambiguous {
                file: file.clone(),
                record: index + 1,
                source,
            })?;
            records.push(Record {
                value,
                digest: Sha256::of(text),
                place: format!("{file}: record {}", index + 1),
            });
        }
    }
    if records.is_empty() {
        return Err(Error::Empty);
    }
    let mut read = match forge {
        Forge::GitHub => github::read(&records),
        Forge::GitLab => gitlab::read(&records),
    };
    read.opinions.sort_by_key(|opinion| opinion.on);
    Ok(read)
}

/// One record, before it is understood.
struct Record {
    value: Value,
    digest: Sha256,
    place: String,
}

impl Record {
    fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer).filter(|value| !value.is_null())
    }

    fn has(&self, pointer: &str) -> bool {
        self.at(pointer).is_some()
    }

    /// A text that may be shown and kept: not empty, not too long, without control characters.
    fn text(&self, pointer: &str) -> Option<&str> {
        let text = self.at(pointer)?.as_str()?;
        let good = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        good.then_some(text)
    }

    /// A branch's name, as git allows it.
    fn branch(&self, pointer: &str) -> Option<&str> {
        self.text(pointer).filter(|name| is_branch(name))
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.at(pointer)?.as_u64()
    }

    fn commit(&self, pointer: &str) -> Option<ObjectId> {
        let hex = self.text(pointer)?;
        let algorithm = match hex.len() {
            40 => Algorithm::Sha1,
            _ => Algorithm::Sha256,
        };
        ObjectId::from_hex(algorithm, hex).ok()
    }

    fn time(&self, pointer: &str) -> Option<Timestamp> {
        let text = self.text(pointer)?;
        // Older webhooks of GitLab write `2026-11-22 10:00:00 UTC`.
        let older = || {
            format!("{}Z", text.strip_suffix(" UTC")?.replacen(' ', "T", 1))
                .parse()
                .ok()
        };
        Timestamp::parse_rfc3339(text).ok().or_else(older)
    }

    fn login(&self, forge: &str, pointer: &str) -> Option<Login> {
        Some(Login {
            forge: forge.to_owned(),
            login: self.text(pointer)?.to_owned(),
        })
    }

    /// An address on the web, with its host.
    fn url(&self, pointer: &str) -> Option<(&str, &str)> {
        let url = self.text(pointer)?;
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next()?;
        let plain = !host.is_empty() && !host.contains('@') && !url.contains(' ');
        plain.then_some((url, host))
    }

    fn source(&self, forge: &str, url: Option<&str>) -> Source {
        Source {
            forge: forge.to_owned(),
            url: url.map(str::to_owned),
            digest: self.digest,
        }
    }

    fn left(&self, why: Why) -> Left {
        let pointers = ["/html_url", "/web_url", "/object_attributes/url", "/url"];
        let url = pointers.iter().find_map(|pointer| self.url(pointer));
        Left {
            record: url.map_or_else(|| self.place.clone(), |(url, _)| url.to_owned()),
            why,
        }
    }
}

// As `git check-ref-format` has it, as far as another reading than a name could come of it.
fn is_branch(name: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !name.is_empty()
        && !name.contains(forbidden)
        && !["..", "@{", "//"].iter().any(|bad| name.contains(bad))
        && !name.starts_with(['/', '-'])
        && !name.ends_with(['/', '.'])
}

/// Every record's own bytes; at most so many.
fn split(
    bytes: &[u8],
    most: usize,
    json: impl Fn(usize, serde_json::Error) -> Error,
) -> Result<Vec<&RawValue>, Error> {
    let mut records = Vec::new();
    let stream = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    for raw in stream {
        let record = records.len() + 1;
        let raw = raw.map_err(|source| json(record, source))?;
        open(raw, 2, &mut records).map_err(|source| json(record, source))?;
        if records.len() > most {
            return Err(Error::TooMany);
        }
    }
    Ok(records)
}

// Opens arrays, `levels` deep; what is deeper is a record of its own, and no known one.
fn open<'a>(
    raw: &'a RawValue,
    levels: u32,
    into: &mut Vec<&'a RawValue>,
) -> Result<(), serde_json::Error> {
    if levels == 0 || !raw.get().starts_with('[') {
        into.push(raw);
        return Ok(());
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw.get())?;
    items
        .into_iter()
        .try_for_each(|item| open(item, levels - 1, into))
}
