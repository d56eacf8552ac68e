//! Demo: a real repository, real steps, and faults that are caught.
//!
//! 1. A repository is made, with a key of its own; nothing outside the folder is touched.
//! 2. This very program is run in it as a user would run it: `init`, `run`, `attest`.
//! 3. The ledger is replayed, and must pass.
//! 4. Faults are planted, each in a copy of the ledger's ref, as somebody would plant them who may write to
//!    the repository; each copy is replayed, and the fault must be named by its code.
//!
//! Git and a POSIX shell are all it needs.

mod audit;
mod company;
mod quarter;
mod villain;
mod work;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Serialize;
use thiserror::Error;

pub use self::audit::{Audited, Expected, Planted, audit};
use self::villain::Villain;
use super::verify as replay;
use super::{Explain, Failure, World, append, key};
use crate::finding::Code;
use crate::git::{self, RefName, Repository};
use crate::ledger::link::LinkError;
use crate::process::{self, Quiet};
use crate::store;
use crate::verify::{CommitSubject, Outcome, Question, Verdict};

const ORIGIN: &str = "demo.example/app";
const LEDGER: &str = "refs/notes/docket";
const POLICY: &str = r#"version = 1
protected = ["refs/heads/main"]

[[step]]
name = "build"
types = ["link"]
roles = ["maintainer"]
required = true

[[step]]
name = "test"
types = ["link"]
roles = ["maintainer"]
required = true
"#;

/// Why the demo could not be shown.
#[derive(Debug, Error)]
pub enum Error {
    /// The folder is not empty, or cannot be used.
    #[error("cannot use {path}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program failed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key could not be read.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Verify(#[from] replay::Error),
    /// Something could not be appended.
    #[error(transparent)]
    Append(#[from] append::Error),
    /// A statement could not be made.
    #[error(transparent)]
    Statement(#[from] crate::statement::Error),
    /// A statement could not be signed.
    #[error(transparent)]
    Sign(#[from] crate::attestation::SignError),
    /// What somebody says in the story breaks its type's rules.
    #[error(transparent)]
    Predicate(#[from] crate::statement::predicate::Error),
    /// The system gave no random bytes.
    #[error("no random bytes for a key")]
    Random(#[source] io::Error),
    /// There is no report.
    #[error(transparent)]
    Report(#[from] super::report::Error),
    /// A link could not be read back.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The ledger of the demo lacks what a fault needs.
    #[error("the demo's ledger has no {what}")]
    Lacking {
        /// What.
        what: &'static str,
    },
    /// The ref of a copy moved while the fault was planted.
    #[error("the copy of the ledger moved")]
    Moved,
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        Failure::CouldNotLook
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Folder { .. } => Some("name a folder that does not exist yet".into()),
            Self::Process(_) => Some("git and a POSIX shell must be on the path".into()),
            _ => None,
        }
    }
}

/// What was shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The folder with everything in it.
    pub folder: PathBuf,
    /// The commands that were run, as a user would type them, with what they printed.
    pub steps: Vec<Ran>,
    /// Whether the untouched ledger passed.
    pub passed: bool,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The outcome of the untouched ledger.
    #[serde(skip)]
    pub outcome: Outcome,
}

/// A command of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct Ran {
    /// As a user would type it.
    pub command: String,
    /// What it printed.
    pub output: String,
}

/// A planted fault, and whether it was caught.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What was done.
    pub what: &'static str,
    /// Where: a ref to play with, or nothing where it was refused before anything was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// The code that must name it.
    pub expected: Code,
    /// Every code that replay raised above a note.
    pub found: Vec<Code>,
    /// Whether the expected one is among them.
    pub caught: bool,
}

impl Shown {
    /// Whether everything went as it must.
    pub fn is_right(&self) -> bool {
        self.passed && !self.faults.is_empty() && self.faults.iter().all(|fault| fault.caught)
    }
}

/// Shows it in `folder`, which must not exist or be empty. `world` must keep its keys and state inside
/// `folder/home`; `program` is this program's file.
///
/// # Errors
/// Where something did not work; a fault that is not caught is no error but says so.
pub fn demo(world: &World, program: &Path, folder: &Path) -> Result<Shown, Error> {
    make_empty(folder)?;
    let stage = Stage {
        program,
        folder,
        repo: folder.join("app"),
    };
    let steps = stage.play()?;
    let repository = Repository::discover(&stage.repo)?;
    let ledger = name(LEDGER);
    let head = repository.commit_named("HEAD")?;
    let tree = repository.commit(&head)?.tree;
    let question = Question::Commits(vec![CommitSubject { commit: head, tree }]);
    let outcome =
        replay::verify(world, &repository, &ledger, &replay::Request::new(question))?.outcome;
    let faults = Villain::new(world, &repository, &ledger)?.plant_all()?;
    Ok(Shown {
        folder: folder.to_owned(),
        steps,
        passed: outcome.verdict == Verdict::Pass && outcome.counts.asked > 0,
        faults,
        outcome,
    })
}

struct Stage<'a> {
    program: &'a Path,
    folder: &'a Path,
    repo: PathBuf,
}

impl Stage<'_> {
    fn play(&self) -> Result<Vec<Ran>, Error> {
        let write = |path: &str, text: &str| {
            let path = self.folder.join(path);
            fs::write(&path, text).map_err(|source| Error::Folder { path, source })
        };
        fs::create_dir_all(self.repo.join("src")).map_err(|source| Error::Folder {
            path: self.repo.clone(),
            source,
        })?;
        write("policy.toml", POLICY)?;
        write("app/src/hello.txt", "hello, auditor\n")?;
        write("app/.gitignore", "out/\n")?;
        write(
            "scan.json",
            "{\"attributes\":[{\"attribute\":\"NO_KNOWN_SECRETS\"}]}\n",
        )?;
        let mut ran = Vec::new();
        for words in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "Ada"],
            &["config", "user.email", "ada@example.com"],
            &["add", "."],
            &["commit", "-q", "-m", "Say hello"],
        ] {
            self.git(words, &mut ran)?;
        }
        let docket = |words: &[&str], ran: &mut Vec<Ran>| self.docket(words, ran);
        docket(
            &["init", "--origin", ORIGIN, "--policy", "../policy.toml"],
            &mut ran,
        )?;
        self.git(&["add", ".docket.toml"], &mut ran)?;
        self.git(&["commit", "-q", "-m", "Pin the ledger"], &mut ran)?;
        let build = "mkdir -p out && tr a-z A-Z < src/hello.txt > out/app";
        docket(
            &[
                "run",
                "--step",
                "build",
                "--product",
                "out/app",
                "--",
                "sh",
                "-c",
                build,
            ],
            &mut ran,
        )?;
        docket(
            &[
                "run",
                "--step",
                "test",
                "--",
                "sh",
                "-c",
                "grep -q AUDITOR out/app",
            ],
            &mut ran,
        )?;
        docket(
            &[
                "attest",
                "--step",
                "scan",
                "--type",
                "scai",
                "--predicate",
                "../scan.json",
                "out/app",
            ],
            &mut ran,
        )?;
        docket(&["log"], &mut ran)?;
        Ok(ran)
    }

    fn git(&self, words: &[&str], ran: &mut Vec<Ran>) -> Result<(), Error> {
        self.run(Quiet::git(&self.repo, words), "git", words, ran)
    }

    fn docket(&self, words: &[&str], ran: &mut Vec<Ran>) -> Result<(), Error> {
        let mut all: Vec<OsString> = vec!["-C".into(), self.repo.clone().into()];
        all.extend(words.iter().map(OsString::from));
        self.run(
            Quiet::program(&self.program.to_string_lossy(), &all),
            "git docket",
            words,
            ran,
        )
    }

    // In a home of its own, blind to the user's configuration.
    fn run(
        &self,
        program: Quiet,
        shown: &str,
        words: &[&str],
        ran: &mut Vec<Ran>,
    ) -> Result<(), Error> {
        let home = self.folder.join("home");
        let output = program
            .variable("HOME", &home)
            .variable("XDG_CONFIG_HOME", home.join(".config"))
            .variable("XDG_DATA_HOME", home.join(".local/share"))
            .variable("XDG_STATE_HOME", home.join(".local/state"))
            .variable("GIT_CONFIG_NOSYSTEM", "1")
            .variable("GIT_CONFIG_GLOBAL", OsStr::new("/dev/null"))
            .output()?;
        let word = |word: &&str| {
            if word.contains([' ', '>', '|', '&']) {
                format!("'{word}'")
            } else {
                (*word).to_owned()
            }
        };
        let words: Vec<_> = words.iter().map(word).collect();
        ran.push(Ran {
            command: format!("{shown} {}", words.join(" ")),
            output: String::from_utf8_lossy(&output).into_owned(),
        });
        Ok(())
    }
}

fn name(text: &str) -> RefName {
    text.parse().expect("a ref's name of ours is one")
}

// A folder of its own, so that nothing of anybody's is touched.
fn make_empty(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder {
        path: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    match fs::read_dir(folder).map_err(failed)?.next() {
        Some(_) => Err(failed(io::ErrorKind::DirectoryNotEmpty.into())),
        None => Ok(()),
    }
}
