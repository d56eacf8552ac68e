//! `run`: run a command and attest it.
//!
//! 1. Whatever can be wrong beforehand is looked at before the child starts: repository, commit, ledger, key and
//!    its right to append; materials are hashed.
//! 2. The child runs on the user's own terminal and is waited for.
//! 3. Products are hashed, changed by the child or not.
//! 4. A `link` statement about the commit and the products is signed and appended: also for a child that failed,
//!    with its code, unless only successes are wanted.
//!
//! How the child ended is always in the outcome, whatever became of the record.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use super::key::{self, KeySource};
use super::record::{self, Claim, Recorded, Recorder, Rehash};
use super::{Explain, Failure, World};
use crate::capture::{self, Collected, CommandLine, Environment, Glob, Skipped};
use crate::git::{self, RefName, Repository};
use crate::process::{self, ChildError, Ended};
use crate::statement::predicate::{self, Predicate as _, ResourceDescriptor};
use crate::statement::{DigestSet, DigestSetError, PredicateType, Step, Subject};
use crate::timestamp::Timestamp;

/// What to run, and how to record it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The ref that holds the ledger.
    pub ledger: RefName,
    /// The delivery step.
    pub step: Step,
    /// The program and its arguments.
    pub command: (OsString, Vec<OsString>),
    /// Files that go in.
    pub materials: Vec<Glob>,
    /// Files that come out.
    pub products: Vec<Glob>,
    /// Further things that the statement is about.
    pub subjects: Vec<NamedDigest>,
    /// Variables to record beside the allowed ones.
    pub environment: Vec<String>,
    /// The key to sign with.
    pub key: Option<KeySource>,
    /// What to do where there is no key.
    pub signer: Signer,
    /// Which ends are recorded.
    pub ends: Ends,
}

/// What to do where there is no key to sign with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signer {
    /// The child is not started.
    Required,
    /// The child runs unattested.
    IfThere,
}

/// Which ends of the child are recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ends {
    /// All.
    All,
    /// Only code 0.
    OnlySuccess,
}

/// A subject as the command line names it: `NAME@alg:hex`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedDigest {
    name: String,
    digest: DigestSet,
}

/// Why a text is no such subject.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NamedDigestError {
    /// Not of the form `NAME@alg:hex`.
    #[error("{found:?} is not NAME@alg:hex, as in app@sha256:…")]
    Form {
        /// The text.
        found: String,
    },
    /// The digest is none.
    #[error("{found:?} has no sound digest")]
    Digest {
        /// The text.
        found: String,
        /// What is wrong with it.
        source: DigestSetError,
    },
}

impl std::str::FromStr for NamedDigest {
    type Err = NamedDigestError;

    fn from_str(text: &str) -> Result<Self, NamedDigestError> {
        let found = text.to_owned();
        // A name may have an @ in it (an image reference), a digest may not.
        let parts = text
            .rsplit_once('@')
            .and_then(|(name, digest)| Some((name, digest.split_once(':')?)));
        let Some((name, (algorithm, hex))) = parts.filter(|(name, _)| !name.is_empty()) else {
            return Err(NamedDigestError::Form { found });
        };
        match DigestSet::new(BTreeMap::from([(algorithm.to_owned(), hex.to_owned())])) {
            Ok(digest) => Ok(NamedDigest {
                name: name.to_owned(),
                digest,
            }),
            Err(source) => Err(NamedDigestError::Digest { found, source }),
        }
    }
}

/// What became of the child and of its record.
#[derive(Debug)]
pub struct Outcome {
    /// How the child ended.
    pub ended: Ended,
    /// What became of the record.
    pub record: Record,
    /// What matched a glob and was left out.
    pub skipped: Vec<Skipped>,
    /// Globs that matched nothing.
    pub unmatched: Vec<String>,
}

/// What became of the record.
#[derive(Debug)]
pub enum Record {
    /// It stands in the ledger, or waits in the spool.
    Kept(Vec<Recorded>),
    /// There was no key, and the child was to run all the same.
    NoSigner(Box<Error>),
    /// The child failed, and only successes were wanted.
    NotWanted,
    /// It could not be made or appended.
    Failed(Box<Error>),
}

/// Why the child was not started, or its end not recorded.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// It could not be signed or kept.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// Files cannot be hashed.
    #[error(transparent)]
    Capture(#[from] capture::Error),
    /// A glob of materials matches nothing.
    #[error("no file matches --material {glob}")]
    NoMaterial {
        /// The glob.
        glob: String,
    },
    /// The child did not run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The predicate cannot be made.
    #[error(transparent)]
    Predicate(#[from] predicate::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Error::Record(error) => error.failure(),
            Error::NoMaterial { .. } => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Error::Record(error) => error.remedy(),
            Error::NoMaterial { .. } => Some(
                "globs are anchored where the command runs: 'src/**/*.rs', not '*.rs'".to_owned(),
            ),
            _ => None,
        }
    }
}

/// Runs the child and records it. `folder` is where it runs, which is where this process runs.
///
/// # Errors
/// Where the child was not started, or could not be. Once it ran, there is an [`Outcome`].
pub fn run(world: &World, folder: &Path, request: &Request) -> Result<Outcome, Error> {
    let repository = Repository::discover(folder)?;
    let recorder = match Recorder::open(
        world,
        &repository,
        &request.ledger,
        request.key.as_ref(),
        "HEAD",
    ) {
        Ok(recorder) => recorder,
        Err(error @ record::Error::Key(key::Error::NoKey { .. } | key::Error::Variable { .. }))
            if request.signer == Signer::IfThere =>
        {
            let ended = start(request)?;
            let record = Record::NoSigner(Box::new(error.into()));
            return Ok(Outcome {
                ended,
                record,
                skipped: Vec::new(),
                unmatched: Vec::new(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    recorder.may_use(&request.step)?;
    let is_modified = repository.is_modified()?;
    let materials = collect(world, folder, "materials", &request.materials)?;
    if let Some(glob) = materials.unmatched.first() {
        return Err(Error::NoMaterial { glob: glob.clone() });
    }

    let started = (world.clock)();
    let ended = start(request)?;
    let run = Run {
        ended,
        started,
        finished: (world.clock)(),
        is_modified,
        prefix: prefix(&repository, folder),
    };

    let (mut skipped, mut unmatched) = (materials.skipped.clone(), Vec::new());
    let record = if request.ends == Ends::OnlySuccess && ended != Ended::Exited(0) {
        Record::NotWanted
    } else {
        let products = collect(world, folder, "products", &request.products);
        let recorded = products.and_then(|products| {
            skipped.extend(products.skipped.iter().cloned());
            unmatched.clone_from(&products.unmatched);
            let claim = claim(world, request, &recorder, &run, &materials, &products)?;
            Ok(recorder.record(vec![claim])?)
        });
        match recorded {
            Ok(recorded) => Record::Kept(recorded),
            Err(error) => Record::Failed(Box::new(error)),
        }
    };
    Ok(Outcome {
        ended,
        record,
        skipped,
        unmatched,
    })
}

fn collect(
    world: &World,
    folder: &Path,
    what: &'static str,
    globs: &[Glob],
) -> Result<Collected, Error> {
    let progress = &*world.progress;
    Ok(capture::collect(folder, globs, &|done, all| {
        progress(what, done, all)
    })?)
}

fn start(request: &Request) -> Result<Ended, ChildError> {
    let (program, arguments) = &request.command;
    process::run_child(program, arguments)
}

/// How the child ran, and where.
struct Run {
    ended: Ended,
    started: Timestamp,
    finished: Timestamp,
    is_modified: bool,
    prefix: PathBuf,
}

impl Run {
    /// A file's path below the work tree, so that it is called the same wherever the command ran.
    fn named(&self, file: &capture::File) -> String {
        self.prefix.join(&file.name).to_string_lossy().into_owned()
    }
}

fn claim(
    world: &World,
    request: &Request,
    recorder: &Recorder<'_>,
    run: &Run,
    materials: &Collected,
    products: &Collected,
) -> Result<Claim, Error> {
    let material = |file: &capture::File| ResourceDescriptor {
        name: Some(run.named(file)),
        digest: Some(DigestSet::sha256(&file.sha256)),
        ..ResourceDescriptor::default()
    };
    let (program, arguments) = &request.command;
    let command = CommandLine::cleared(program, arguments);
    let link = predicate::Link {
        name: request.step.to_string(),
        command: command.words().to_vec(),
        materials: materials.files.iter().map(material).collect(),
        byproducts: byproducts(run),
        environment: environment(world, request, run),
    };
    let mut subjects = vec![recorder.subject()];
    subjects.extend(
        products
            .files
            .iter()
            .map(|file| Subject::artifact(run.named(file), &file.sha256)),
    );
    let extra = |subject: &NamedDigest| Subject::new(subject.digest.clone()).named(&subject.name);
    subjects.extend(request.subjects.iter().map(extra));
    Ok(Claim {
        step: request.step.clone(),
        predicate_type: PredicateType::of::<predicate::Link>(),
        predicate: link.to_map()?,
        subjects,
        rehash: Rehash::No,
    })
}

fn environment(world: &World, request: &Request, run: &Run) -> Map<String, Value> {
    let lookup = |name: &str| (world.variable)(name).and_then(|value| value.into_string().ok());
    let environment = Environment::capture(lookup, &request.environment);
    let mut recorded = Map::new();
    recorded.insert("arch".to_owned(), std::env::consts::ARCH.into());
    recorded.insert("os".to_owned(), std::env::consts::OS.into());
    recorded.insert(
        "variables".to_owned(),
        environment.variables().clone().into_iter().collect(),
    );
    let work_tree = if run.is_modified { "modified" } else { "clean" };
    recorded.insert("workTree".to_owned(), work_tree.into());
    recorded
}

fn byproducts(run: &Run) -> Map<String, Value> {
    let mut made = Map::new();
    match run.ended {
        Ended::Exited(code) => made.insert("return-value".to_owned(), code.into()),
        Ended::Signalled(signal) => made.insert("signal".to_owned(), signal.into()),
    };
    made.insert("startedOn".to_owned(), run.started.to_string().into());
    made.insert("finishedOn".to_owned(), run.finished.to_string().into());
    made
}

fn prefix(repository: &Repository, folder: &Path) -> PathBuf {
    let absolute = |path: &Path| path.canonicalize().ok();
    let top = repository.work_dir().and_then(absolute);
    let below =
        absolute(folder).and_then(|folder| Some(folder.strip_prefix(top?).ok()?.to_owned()));
    below.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_have_a_name_and_a_digest() {
        let hex = "a".repeat(64);
        let subject: NamedDigest = format!("ghcr.io/a/b@sha256:{hex}")
            .parse()
            .expect("a subject");
        assert_eq!(
            (subject.name.as_str(), subject.digest.get("sha256")),
            ("ghcr.io/a/b", Some(hex.as_str()))
        );
        for bad in [
            "app",
            "@sha256:00",
            "app@sha256",
            "app@sha256:00",
            &format!("app@sha256:{}", "A".repeat(64)),
        ] {
            assert!(bad.parse::<NamedDigest>().is_err(), "{bad:?}");
        }
    }
}
