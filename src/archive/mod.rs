//! The evidence archive: one file that carries what a verdict rests on, judged without a repository.
//!
//! ```text
//! MANIFEST                 SHA-256 and name of every other file, as sha256sum prints it
//! VERIFY.md                how to do it again with git, openssl, sha256sum and jq
//! archive.json             what its maker says and nothing in it proves: where refs and tags stood, merges, what is absent
//! checks.json              the parameters of the checks that VERIFY.md does again
//! git/commit/HEX           raw commits: each protected ref's first-parent line since the ledger began, and those that
//!                          changes and landings name
//! git/paths/HEX.json       the paths that a commit of a line changed
//! ledger/append, seal, edge, in-force
//! ledger/note/HEX, ledger/blob/HEX, ledger/commit/HEX
//! policy.toml, roster.json what is in force at the end
//! report/HEX               kept reports, by SHA-256
//! trust/HEX.json           the trusted roots that its maker believed about keyless entries, by SHA-256
//! ```
//!
//! The whole ledger goes in, whatever period is asked about: a chain has no middle. [`Archive::parse`] takes the
//! container apart; [`judge`](judge::judge) replays the ledger in it, by the same code as `verify`, and holds everything
//! else against what that shows. What was cut or changed is a [`Fault`]; what can only be believed is said as such.

pub mod judge;
pub mod pack;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::judge::{Judged, Request};
use self::pack::{Files, PackError};
use crate::digest::{Algorithm, ObjectId, Sha256};
use crate::ledger::in_memory::Parts;

const MANIFEST: &str = "MANIFEST";
const HEADER: &str = "archive.json";
/// The ledger's small files, by their names under `docket/`.
const RECORDS: [&str; 4] = ["append", "seal", "edge", "in-force"];

/// What the maker of an archive says, and nothing in it proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Said {
    /// The form's version: 1.
    pub v: u32,
    /// The ledger's commit.
    pub tip: ObjectId,
    /// Where each protected ref stood.
    pub refs: BTreeMap<String, ObjectId>,
    /// Where the tags of releases stood.
    pub tags: BTreeMap<String, ObjectId>,
    /// Merges that git recomputed.
    pub merges: Vec<Merged>,
    /// Commits that entries name and that were not to be had.
    pub absent: BTreeSet<ObjectId>,
}

/// A merge as git recomputed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merged {
    /// What was merged.
    pub head: ObjectId,
    /// What it was merged into.
    pub parent: ObjectId,
    /// The tree.
    pub tree: ObjectId,
}

/// An archive, read or about to be written.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The ledger.
    pub ledger: Parts,
    /// What its maker says.
    pub said: Said,
    /// Raw commits, by the names that they have in it.
    pub commits: BTreeMap<ObjectId, Vec<u8>>,
    /// The paths that commits changed.
    pub paths: BTreeMap<ObjectId, Vec<String>>,
    /// The trusted roots that its maker believed, by SHA-256; a reader believes its own.
    pub roots: BTreeMap<Sha256, Vec<u8>>,
    /// What follows from the rest, as it stands in it.
    told: Files,
    /// What the manifest says against.
    faults: Vec<Fault>,
}

/// Something of an archive that was cut or changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A file is not as the manifest says.
    #[error("{name} is not what MANIFEST says")]
    Changed {
        /// Its name.
        name: String,
    },
    /// A file is gone.
    #[error("{name} is in MANIFEST and not in the archive")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file that the manifest does not know.
    #[error("{name} is in the archive and not in MANIFEST")]
    Unlisted {
        /// Its name.
        name: String,
    },
    /// A commit's bytes are another commit's.
    #[error("commit {id} does not hash to its name")]
    Commit {
        /// The name.
        id: ObjectId,
    },
    /// A ref's line ends before the commit at which the ledger began.
    #[error("the line of {name} is cut: {id} is not here")]
    LineCut {
        /// The ref.
        name: String,
        /// The commit that is not here.
        id: ObjectId,
    },
    /// A landing is not on its ref's line.
    #[error("entry {seq} landed {id} on {name}, whose line does not have it")]
    OffLine {
        /// The landing's entry.
        seq: u64,
        /// The ref.
        name: String,
        /// The commit.
        id: ObjectId,
    },
    /// A commit that an entry names is neither here nor said to be absent.
    #[error("commit {id}, which an entry names, is not here")]
    NoCommit {
        /// The commit.
        id: ObjectId,
    },
    /// A file that follows from the ledger says something else.
    #[error("{name} does not follow from the ledger")]
    Told {
        /// Its name.
        name: String,
    },
}

/// Why a file is no archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The container.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A file that every archive has.
    #[error("it has no {name}")]
    Lacking {
        /// Its name.
        name: &'static str,
    },
    /// The manifest is not as sha256sum prints it.
    #[error("MANIFEST, line {line}: not a SHA-256 and a name, sorted by name")]
    Manifest {
        /// The line, from 1.
        line: usize,
    },
    /// The header.
    #[error("archive.json is not of the form of version 1")]
    Header(#[source] serde_json::Error),
    /// The header is of another version, or spelled otherwise.
    #[error("archive.json is not spelled as version 1 spells it")]
    Spelling,
    /// A file that has no place.
    #[error("{name} has no place in an archive")]
    Place {
        /// Its name.
        name: String,
    },
}

impl Archive {
    /// Puts the parts together.
    pub fn new(
        ledger: Parts,
        said: Said,
        commits: BTreeMap<ObjectId, Vec<u8>>,
        paths: BTreeMap<ObjectId, Vec<String>>,
    ) -> Self {
        Self {
            ledger,
            said,
            commits,
            paths,
            roots: BTreeMap::new(),
            told: Files::new(),
            faults: Vec::new(),
        }
    }

    /// The bytes, with what follows from the ledger as its judgement told it.
    ///
    /// # Errors
    /// Where it is too large.
    pub fn render(&self, judged: &Judged) -> Result<Vec<u8>, PackError> {
        let mut files = self.files();
        files.extend(judged.told.clone());
        let manifest: String = files
            .iter()
            .map(|(name, content)| format!("{}  {name}\n", Sha256::of(content)))
            .collect();
        files.insert(MANIFEST.to_owned(), manifest.into_bytes());
        pack::pack(&files)
    }

    /// Reads an archive. What its manifest says against is a fault of it, and told by its judgement.
    ///
    /// # Errors
    /// Where the bytes are no archive.
    pub fn parse(packed: &[u8]) -> Result<Self, ParseError> {
        let mut files = pack::unpack(packed)?;
        let manifest = files
            .remove(MANIFEST)
            .ok_or(ParseError::Lacking { name: MANIFEST })?;
        let faults = held_against(&files, &manifest)?;
        let header = files
            .remove(HEADER)
            .ok_or(ParseError::Lacking { name: HEADER })?;
        let said: Said = serde_json::from_slice(&header).map_err(ParseError::Header)?;
        if said.v != 1 || said.render() != header {
            return Err(ParseError::Spelling);
        }
        let mut archive = Self::new(parts(said.tip), said, BTreeMap::new(), BTreeMap::new());
        archive.faults = faults;
        for (name, content) in files {
            archive
                .take(&name, content)
                .ok_or(ParseError::Place { name })?;
        }
        Ok(archive)
    }

    /// The object format.
    pub fn algorithm(&self) -> Algorithm {
        self.ledger.algorithm()
    }

    /// How many files it has but its manifest and header.
    pub fn len(&self) -> usize {
        self.files().len() + self.told.len() - 1
    }

    /// Never: an archive has a ledger.
    pub fn is_empty(&self) -> bool {
        self.ledger.notes.is_empty()
    }

    fn files(&self) -> Files {
        let mut files = Files::from([(HEADER.to_owned(), self.said.render())]);
        let ledger = &self.ledger;
        let records = ledger.files.iter();
        files.extend(records.map(|(name, content)| (format!("ledger/{name}"), content.clone())));
        let mut put = |folder: &str, id: String, content: &[u8]| {
            files.insert(format!("{folder}/{id}"), content.to_vec());
        };
        for (id, content) in &ledger.notes {
            put("ledger/note", id.hex(), content);
        }
        for (digest, content) in &ledger.bodies {
            put("ledger/blob", digest.to_string(), content);
        }
        for (id, content) in &ledger.commits {
            put("ledger/commit", id.hex(), content);
        }
        for (id, content) in &self.commits {
            put("git/commit", id.hex(), content);
        }
        for (digest, root) in &self.roots {
            put("trust", format!("{digest}.json"), root);
        }
        for (id, paths) in &self.paths {
            put("git/paths", format!("{}.json", id.hex()), &line(paths));
        }
        files
    }

    // One file to its place; `None` where there is none.
    fn take(&mut self, name: &str, content: Vec<u8>) -> Option<()> {
        let algorithm = self.algorithm();
        let object = |hex: &str| ObjectId::from_hex(algorithm, hex).ok();
        let Some((folder, last)) = name.rsplit_once('/') else {
            let told = told::NAMES.contains(&name);
            self.told.insert(name.to_owned(), content);
            return told.then_some(());
        };
        match folder {
            "ledger" => {
                RECORDS.contains(&last).then_some(())?;
                self.ledger.files.insert(last.to_owned(), content);
            }
            "ledger/note" => drop(self.ledger.notes.insert(object(last)?, content)),
            "ledger/blob" => drop(self.ledger.bodies.insert(last.parse().ok()?, content)),
            "ledger/commit" => drop(self.ledger.commits.insert(object(last)?, content)),
            "git/commit" => drop(self.commits.insert(object(last)?, content)),
            "git/paths" => {
                let paths: Vec<String> = serde_json::from_slice(&content).ok()?;
                (line(&paths) == content).then_some(())?;
                self.paths
                    .insert(object(last.strip_suffix(".json")?)?, paths);
            }
            "trust" => {
                let digest: Sha256 = last.strip_suffix(".json")?.parse().ok()?;
                (Sha256::of(&content) == digest).then_some(())?;
                self.roots.insert(digest, content);
            }
            "report" => drop(self.told.insert(name.to_owned(), content)),
            _ => return None,
        }
        Some(())
    }
}

impl Said {
    fn render(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("strings and numbers serialise");
        text.push(b'\n');
        text
    }
}

// The ref's own history is not carried: one commit stands for it.
fn parts(tip: ObjectId) -> Parts {
    Parts {
        tip,
        refs: vec![(tip, 1)],
        faults: Vec::new(),
        files: BTreeMap::new(),
        notes: BTreeMap::new(),
        bodies: BTreeMap::new(),
        commits: BTreeMap::new(),
    }
}

/// The parts of a ledger at this commit, to be filled.
pub fn empty(tip: ObjectId) -> Parts {
    parts(tip)
}

fn line<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).expect("strings serialise");
    text.push(b'\n');
    text
}

fn held_against(files: &Files, manifest: &[u8]) -> Result<Vec<Fault>, ParseError> {
    let mut listed = BTreeMap::new();
    let text = std::str::from_utf8(manifest).map_err(|_| ParseError::Manifest { line: 1 })?;
    for (at, row) in text.split_inclusive('\n').enumerate() {
        let read = || {
            let (digest, name) = row.strip_suffix('\n')?.split_once("  ")?;
            let rises = listed.last_key_value().is_none_or(|(last, _)| *last < name);
            Some((name, digest.parse::<Sha256>().ok().filter(|_| rises)?))
        };
        let (name, digest) = read().ok_or(ParseError::Manifest { line: at + 1 })?;
        listed.insert(name, digest);
    }
    let mut faults = Vec::new();
    for (name, digest) in &listed {
        let name = (*name).to_owned();
        match files.get(&name) {
            None => faults.push(Fault::Missing { name }),
            Some(content) if Sha256::of(content) != *digest => faults.push(Fault::Changed { name }),
            Some(_) => {}
        }
    }
    let unlisted = files
        .keys()
        .filter(|name| !listed.contains_key(name.as_str()));
    faults.extend(unlisted.map(|name| Fault::Unlisted { name: name.clone() }));
    Ok(faults)
}
