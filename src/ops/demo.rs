//! Demo: a real repository, real steps, and faults that are caught.
//!
//! 1. A repository is made, with a key of its own; nothing outside the folder is touched.
//! 2. This very program is run in it as a user would run it: `init`, `run`, `attest`.
//! 3. The ledger is replayed, and must pass.
//! 4. Faults are planted, each in a copy of the ledger's ref, as somebody would plant them who may write to
//!    the repository; each copy is replayed, and the fault must be named by its code.
//!
//! Git and a POSIX shell are all it needs.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use super::{
    Explain, Failure, World,
    append::{self, Appender, Item},
    key::{self, KeySource},
    record::sealing_key,
    verify as replay,
};
use crate::{
    attestation::Attestation,
    digest::Sha256,
    finding::Code,
    git::{self, Moved, Reason, RefName, Repository},
    ledger::{Lines, Link, Origin, Placement as Place, entry, link::LinkError, seal::SignedSeal},
    process::{self, Quiet},
    signing::SigningKey,
    statement::{
        Placement, Statement, Step, Subject,
        predicate::{PolicyText, Reference},
    },
    store::{self, Author, Change, Tip},
    verify::{Outcome, Question, Verdict},
};

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
    let failed = |source| Error::Folder {
        path: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(failed(io::ErrorKind::DirectoryNotEmpty.into()));
    }
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
    let question = Question::Commits(vec![crate::verify::CommitSubject { commit: head, tree }]);
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

/// Somebody who may write to the repository, holds the founder's writing key where a fault says so, and
/// makes keys of their own.
struct Villain<'a> {
    world: &'a World,
    repository: &'a Repository,
    ledger: &'a RefName,
    writer: SigningKey,
    stranger: SigningKey,
    origin: Origin,
    entries: Vec<(Link, Vec<u8>)>,
}

impl<'a> Villain<'a> {
    fn new(
        world: &'a World,
        repository: &'a Repository,
        ledger: &'a RefName,
    ) -> Result<Self, Error> {
        let tip = Tip::read(repository, ledger)?;
        let mut entries = Vec::new();
        for note in notes(repository, &tip)? {
            for line in Lines::of(&note).map_while(Result::ok) {
                let body = match line.body {
                    Some(body) => body.to_vec(),
                    None => tip.blob(&line.link.attestation)?.unwrap_or_default(),
                };
                entries.push((line.link, body));
            }
        }
        entries.sort_by_key(|(link, _)| link.seq);
        let mut seed = [0; 32];
        // A key that nobody enrolled needs no secrecy, only to be another one.
        seed.copy_from_slice(Sha256::of(b"git docket demo: the stranger").as_bytes());
        Ok(Self {
            world,
            repository,
            ledger,
            writer: key::signing_key(world, Some(&KeySource::Named(default_key())))?,
            stranger: SigningKey::from_seed(seed),
            origin: append::head(&tip)?.record.origin,
            entries,
        })
    }

    fn plant_all(&self) -> Result<Vec<Fault>, Error> {
        let last = self.entries.len() - 1;
        let mut faults = vec![
            self.altered(
                "flip",
                "one byte of a signature flipped",
                Code::AttestationDigest,
                |entries| {
                    let at = entries[1].1.len() / 2;
                    let byte = &mut entries[1].1[at];
                    *byte = if *byte == b'A' { b'B' } else { b'A' };
                },
            )?,
            self.relinked(
                "delete",
                "the test deleted, the rest numbered and linked again",
                Code::RootMismatch,
                |entries| drop(entries.remove(2)),
            )?,
            self.altered(
                "truncate",
                "the last entry cut off",
                Code::SizeMismatch,
                |entries| {
                    entries.truncate(last);
                },
            )?,
            self.relinked(
                "reorder",
                "build and test in the other order, linked again",
                Code::RootMismatch,
                |entries| entries.swap(1, 2),
            )?,
        ];
        faults.push(self.replayed_elsewhere()?);
        faults.push(self.weak_policy()?);
        faults.push(self.foreign_key()?);
        faults.push(self.pruned()?);
        Ok(faults)
    }

    // Entries changed in place, their links and the records around them left alone.
    fn altered(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        change: impl FnOnce(&mut Vec<(Link, Vec<u8>)>),
    ) -> Result<Fault, Error> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        self.rewritten(short, what, expected, &entries)
    }

    // Entries changed and linked again, as somebody would who knows the format and holds no key.
    fn relinked(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        change: impl FnOnce(&mut Vec<(Link, Vec<u8>)>),
    ) -> Result<Fault, Error> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        let mut prev = self.origin.genesis_prev();
        for (seq, (link, _)) in entries.iter_mut().enumerate() {
            (link.seq, link.prev) = (seq as u64, prev);
            prev = link.leaf();
        }
        self.rewritten(short, what, expected, &entries)
    }

    fn rewritten(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        entries: &[(Link, Vec<u8>)],
    ) -> Result<Fault, Error> {
        let copy = self.copy(short)?;
        let mut change = Change::default();
        for (link, body) in entries {
            let note = change.notes.entry(link.commit).or_default();
            let (line, place) = entry::render_line(link, body, note.len());
            note.extend(line);
            if place == Place::Blob {
                change.blobs.insert(link.attestation, body.clone());
            }
        }
        let tip = Tip::read(self.repository, &copy)?;
        let author = Author {
            name: "Mallory".into(),
            email: "mallory@example.com".into(),
            time: self.world.now,
        };
        match tip.land(&change, &author, short)?.0 {
            Moved::Yes => self.judged(what, expected, &copy),
            Moved::Elsewhere => Err(Error::Moved),
        }
    }

    fn replayed_elsewhere(&self) -> Result<Fault, Error> {
        let copy = self.copy("replay")?;
        let other = self.entries[0].0.commit;
        let (link, body) = &self.entries[1];
        let attestation =
            Attestation::parse(body.clone()).map_err(|_| Error::Lacking { what: "build" })?;
        let item = Item {
            commit: other,
            step: link.step.clone(),
            attestation,
        };
        self.append(&copy, &self.writer, item)?;
        self.judged(
            "the build of one commit appended for another",
            Code::PlacementMismatch,
            &copy,
        )
    }

    fn foreign_key(&self) -> Result<Fault, Error> {
        let copy = self.copy("foreign-key")?;
        let (link, body) = &self.entries[2];
        let attestation =
            Attestation::parse(body.clone()).map_err(|_| Error::Lacking { what: "test" })?;
        let statement = attestation.unverified_statement()?;
        let attestation = Attestation::sign(&statement, &self.stranger)?;
        let item = Item {
            commit: link.commit,
            step: link.step.clone(),
            attestation,
        };
        self.append(&copy, &self.writer, item)?;
        self.judged(
            "a test attested by a key that nobody enrolled",
            Code::KeyUnknown,
            &copy,
        )
    }

    fn weak_policy(&self) -> Result<Fault, Error> {
        let copy = self.copy("weak-policy")?;
        let (link, body) = &self.entries[0];
        let mut policy = PolicyText::new("version = 1\n");
        policy.previous = Some(Reference {
            origin: self.origin.to_string(),
            attestation: Sha256::of(body),
        });
        let step: Step = "policy".parse().expect("it is a step's name");
        let placement = Placement {
            origin: self.origin.to_string(),
            step: step.clone(),
            commit: link.commit,
        };
        let subject = Subject::commit(&link.commit, &link.tree);
        let statement = Statement::of(vec![subject], &policy)?.placed(&placement);
        let attestation = Attestation::sign(&statement, &self.stranger)?;
        let item = Item {
            commit: link.commit,
            step,
            attestation,
        };
        // Our own program refuses to append it at all.
        let found = match self.append(&copy, &self.writer, item) {
            Err(Error::Append(append::Error::Refused { finding })) => vec![finding.code],
            Err(error) => return Err(error),
            Ok(()) => Vec::new(),
        };
        let expected = Code::GovernanceUnauthorised;
        Ok(Fault {
            what: "a weaker policy, signed by no root key (refused before it was written)",
            ledger: None,
            expected,
            caught: found.contains(&expected),
            found,
        })
    }

    fn pruned(&self) -> Result<Fault, Error> {
        let copy = self.copy("prune")?;
        let commit = self.entries[1].0.commit.hex();
        let who = [
            "-c",
            "user.name=Mallory",
            "-c",
            "user.email=mallory@example.com",
        ];
        let words = ["notes", "--ref", copy.as_str(), "remove", &commit];
        Quiet::git(self.repository.folder(), &[&who[..], &words].concat()).output()?;
        self.judged(
            "a commit's note removed with git notes",
            Code::SizeMismatch,
            &copy,
        )
    }

    fn append(&self, ledger: &RefName, key: &SigningKey, item: Item) -> Result<(), Error> {
        let tip = Tip::read(self.repository, ledger)?;
        let seal = tip
            .record("seal")?
            .and_then(|seal| SignedSeal::parse(&seal).ok());
        let sealing = sealing_key(self.world, &self.origin, seal.as_ref())?;
        let appender = Appender {
            repository: self.repository,
            ledger,
            key,
            sealing: sealing.as_ref(),
            now: self.world.now,
            random: self.world.random.as_ref(),
        };
        appender.append(&[item])?;
        Ok(())
    }

    fn copy(&self, short: &str) -> Result<RefName, Error> {
        let copy = name(&format!("refs/notes/fault-{short}"));
        let tip = self
            .repository
            .reference(self.ledger)?
            .ok_or(Error::Lacking { what: "tip" })?;
        let reason = Reason {
            text: "demo: a copy to spoil",
            time: self.world.now,
        };
        match self.repository.move_reference(&copy, None, &tip, reason)? {
            Moved::Yes => Ok(copy),
            Moved::Elsewhere => Err(Error::Moved),
        }
    }

    fn judged(&self, what: &'static str, expected: Code, copy: &RefName) -> Result<Fault, Error> {
        let request = replay::Request {
            remember: replay::Remember::No,
            ..replay::Request::new(Question::Ledger)
        };
        let outcome = replay::verify(self.world, self.repository, copy, &request)?.outcome;
        let mut found: Vec<_> = outcome
            .findings
            .iter()
            .filter(|finding| finding.severity() > crate::finding::Severity::Note)
            .map(|finding| finding.code)
            .collect();
        found.dedup();
        Ok(Fault {
            what,
            ledger: Some(copy.to_string()),
            expected,
            caught: found.contains(&expected) && outcome.verdict != Verdict::Pass,
            found,
        })
    }
}

fn notes(repository: &Repository, tip: &Tip<'_>) -> Result<Vec<Vec<u8>>, Error> {
    use crate::ledger::Snapshot as _;
    let commit = tip.commit().ok_or(Error::Lacking { what: "tip" })?;
    let stored = store::Stored::at(repository, commit)?;
    let mut notes = Vec::new();
    for object in stored.notes() {
        notes.extend(tip.note(object)?);
    }
    Ok(notes)
}

fn name(text: &str) -> RefName {
    text.parse().expect("a ref's name of ours is one")
}

fn default_key() -> crate::keyring::KeyFileName {
    key::DEFAULT_NAME
        .parse()
        .expect("the default name is a key's name")
}
