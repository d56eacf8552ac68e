//! Inboxes: how many wait on a remote, as it was last asked.
//!
//! Each time that a verb asks a remote for its ledger, it asks for its inboxes too, and keeps their number in
//! `<git folder>/docket/inboxes/<remote>.json`, so that `status` can tell it without a network:
//!
//! ```text
//! {"v":1,"asked":"2026-11-22T10:00:00Z","inboxes":2}
//! ```
//!
//! It is an account of another machine's and decides nothing. What cannot be read is as if nobody had asked.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::World;
use super::push::INBOX;
use crate::digest::{ObjectId, Sha256};
use crate::git::Repository;
use crate::timestamp::Timestamp;

const VERSION: u32 = 1;

/// What a remote answered.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Inboxes {
    /// When.
    pub asked: Timestamp,
    /// How many inboxes it had.
    pub inboxes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    v: u32,
    asked: Timestamp,
    inboxes: u64,
}

impl Inboxes {
    /// Reads such a file.
    pub fn parse(text: &str) -> Option<Self> {
        let Document { v, asked, inboxes } = serde_json::from_str(text).ok()?;
        (v == VERSION).then_some(Inboxes { asked, inboxes })
    }

    /// One line of JSON, LF at its end.
    pub fn render(&self) -> String {
        let Inboxes { asked, inboxes } = *self;
        let document = Document {
            v: VERSION,
            asked,
            inboxes,
        };
        serde_json::to_string(&document).expect("a time and numbers are JSON") + "\n"
    }
}

/// Keeps how many of a remote's refs, by their names, are inboxes.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn keep(
    world: &World,
    repository: &Repository,
    remote: &str,
    refs: &BTreeMap<String, ObjectId>,
) -> io::Result<()> {
    let inboxes = refs.keys().filter(|name| name.starts_with(INBOX)).count();
    let answer = Inboxes {
        asked: world.now,
        inboxes: inboxes as u64,
    };
    let path = path(repository, remote);
    let folder = path.parent().expect("a file below a folder has one");
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(answer.render().as_bytes())?;
    file.persist(&path)?;
    Ok(())
}

/// What a remote answered when it was last asked; `None` where it was not.
pub fn last(repository: &Repository, remote: &str) -> Option<Inboxes> {
    Inboxes::parse(&fs::read_to_string(path(repository, remote)).ok()?)
}

/// How many there are in this repository, as where it is the one that others push to.
///
/// # Errors
/// Where its refs cannot be read.
pub fn here(repository: &Repository) -> Result<u64, crate::git::Error> {
    Ok(repository.references(INBOX)?.len() as u64)
}

fn path(repository: &Repository, remote: &str) -> PathBuf {
    let folder = repository.common_dir().join("docket/inboxes");
    folder.join(format!("{}.json", as_file_name(remote)))
}

/// A remote's name or URL as one part of a path.
pub(super) fn as_file_name(remote: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !remote.is_empty() && remote.chars().all(plain) {
        true => remote.to_owned(),
        false => Sha256::of(remote.as_bytes()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_is_read() {
        let written = "{\"v\":1,\"asked\":\"2026-11-22T10:00:00Z\",\"inboxes\":2}\n";
        let read = Inboxes::parse(written).expect("it is as we write it");
        assert_eq!((read.inboxes, read.render().as_str()), (2, written));
        for other in [
            written.replace("\"v\":1", "\"v\":2"),
            written.replace(":2}", ":-2}"),
            written.replace(":2}", ":2,\"x\":1}"),
            written.replace("10:00:00Z", "10:00:00+00:00"),
            String::new(),
        ] {
            assert_eq!(Inboxes::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_remote_s_name_stays_in_its_folder() {
        assert_eq!(as_file_name("origin"), "origin");
        for odd in ["", "..", "../x", "https://example.com/a.git", "a b"] {
            assert_eq!(as_file_name(odd).len(), 64, "{odd}");
        }
    }
}
