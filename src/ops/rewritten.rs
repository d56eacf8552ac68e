//! hook post-rewrite: the commits that others were made from here by amending and rebasing.
//!
//! Git tells the hook `old new` of each; the list `docket/rewritten` in git's folder keeps them, one pair a line, the
//! newest last. It stays in this clone: what is known of a commit that is gone reaches others as a statement that names
//! it (`ai collect`, hook `pre-push`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Explain;
use crate::digest::ObjectId;
use crate::git::Repository;

/// Why the list cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used", path.display())]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

impl Explain for Error {}

/// The commits that others were made from here, by the newer one.
///
/// # Errors
/// Where the list is there and cannot be read.
pub fn read(repository: &Repository) -> Result<BTreeMap<ObjectId, Vec<ObjectId>>, Error> {
    let path = list(repository);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Error { path, source }),
    };
    let mut map: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
    for (old, new) in pairs(repository, &text) {
        map.entry(new).or_default().push(old);
    }
    Ok(map)
}

/// Takes what git tells the hook `post-rewrite` into the list: `old new` a line, and perhaps more words.
///
/// # Errors
/// Where the list cannot be written.
pub fn add(repository: &Repository, told: &str) -> Result<(), Error> {
    use std::io::Write as _;
    let path = list(repository);
    let lines: String = pairs(repository, told)
        .map(|(old, new)| format!("{} {}\n", old.hex(), new.hex()))
        .collect();
    let write = || {
        std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)?;
        file.write_all(lines.as_bytes())
    };
    write().map_err(|source| Error {
        path: path.clone(),
        source,
    })
}

/// A branch on its way to a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// What the remote has; `None` where the branch is new there.
    pub old: Option<ObjectId>,
    /// What it is to have.
    pub new: ObjectId,
}

/// Reads a line that git tells the hook `pre-push`: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`. `None` for what is no
/// branch, or is deleted.
pub fn pushed(repository: &Repository, line: &str) -> Option<Pushed> {
    let words: Vec<&str> = line.split(' ').collect();
    let [_, new, name, old] = words[..] else {
        return None;
    };
    let id = |hex: &str| ObjectId::from_hex(repository.algorithm(), hex).ok();
    let is_none = |hex: &str| hex.bytes().all(|digit| digit == b'0');
    (name.starts_with("refs/heads/") && !is_none(new)).then_some(Pushed {
        old: id(old).filter(|_| !is_none(old)),
        new: id(new)?,
    })
}

fn list(repository: &Repository) -> PathBuf {
    repository.common_dir().join("docket").join("rewritten")
}

fn pairs<'a>(
    repository: &Repository,
    text: &'a str,
) -> impl Iterator<Item = (ObjectId, ObjectId)> + 'a {
    let algorithm = repository.algorithm();
    text.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        let mut id = || ObjectId::from_hex(algorithm, words.next()?).ok();
        Some((id()?, id()?))
    })
}
