//! `run`: run a command and attest it.
//!
//! 1. Whatever can be wrong beforehand is looked at before the child starts: repository, commit, ledger, key and
//!    its right to append; materials are hashed.
//! 2. The child runs on the user's own terminal and is waited for.
//! 3. Products are hashed, changed by the child or not.
//! 4. A `link` statement about the commit and the products is signed and appended: also for a child that failed,
//!    with its code, unless only successes are wanted. Where asked for, SLSA provenance of the products of a
//!    child that succeeded is appended with it, and a typed statement for each report that the child left.
//!
//! How the child ended is always in the outcome, whatever became of the record.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use thiserror::Error;

use super::key::{self, KeySource};
use super::record::{self, Claim, Recorded, Recorder, Rehash};
use super::reported::{self, Keep};
use super::{Explain, Failure, World, govern, keyless};
use crate::capture::{
    self, Ci, Collected, CommandLine, Environment, Glob, Ignored, NamedDigest, Recording, Secrets,
    Skipped, Source, SubjectsError, WorkTree,
};
use crate::git::{self, RefName, Repository};
use crate::process::{self, ChildError, Ended};
use crate::statement::predicate::{self, Predicate};
use crate::statement::{PredicateType, Step, Subject};

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
    /// What to do where a successful child left none of them.
    pub no_product: NoProduct,
    /// Further things that the statement is about.
    pub subjects: Vec<NamedDigest>,
    /// Files that the child leaves, which name such things.
    pub subject_files: Vec<PathBuf>,
    /// Reports that the child leaves, which are said as well.
    pub evidence: Vec<Glob>,
    /// Whether reports may stand in the ledger, where somebody said that they may not.
    pub private: Option<Keep>,
    /// Variables to record beside the allowed ones.
    pub environment: Vec<String>,
    /// Whether what looks like a secret in the command is taken out.
    pub secrets: Secrets,
    /// The key to sign with.
    pub key: Option<KeySource>,
    /// How to sign keyless instead; the key, where one is named, then only appends.
    pub keyless: Option<keyless::Request>,
    /// What to do where there is no key.
    pub signer: Signer,
    /// Which ends are recorded.
    pub ends: Ends,
    /// In which predicates the run is said.
    pub predicates: Predicates,
}

/// In which predicates a run is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Predicates {
    /// An in-toto link.
    Link,
    /// A link, and SLSA provenance of what a successful child made.
    LinkAndProvenance,
}

/// What to do where a glob of products matches nothing after a successful child.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoProduct {
    /// Nothing is recorded: the entry would pass for one of a step that made them.
    Refused,
    /// The rest is recorded.
    Told,
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
    /// A glob of products matches nothing, and the child had passed.
    #[error("the command passed, and no file matches --product {glob}")]
    NoProduct {
        /// The glob.
        glob: String,
    },
    /// A glob of reports matches nothing, and the child had passed.
    #[error("the command passed, and no file matches --evidence {glob}")]
    NoReport {
        /// The glob.
        glob: String,
    },
    /// A report that the child did not write.
    #[error(
        "{path} was there before the command ran, and is unchanged: it is no report of this run"
    )]
    StaleReport {
        /// The file.
        path: PathBuf,
    },
    /// A report is refused.
    #[error(transparent)]
    Report(#[from] Box<reported::Error>),
    /// What is in force cannot be told.
    #[error(transparent)]
    InForce(Box<govern::Error>),
    /// A file with subjects cannot be read.
    #[error("{path} cannot be read")]
    SubjectFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file with subjects is none.
    #[error("{path} names no subjects")]
    Subjects {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SubjectsError,
    },
    /// Provenance of nothing.
    #[error("provenance is of products, and none are named")]
    NothingMade,
    /// A variable to record that holds a secret.
    #[error(transparent)]
    Secret(#[from] capture::SecretName),
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
            Error::Report(error) => error.failure(),
            Error::InForce(error) => error.failure(),
            Error::NoMaterial { .. } | Error::NothingMade | Error::Secret(_) => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Error::Git(error) => error.remedy(),
            Error::Record(error) => error.remedy(),
            Error::NoMaterial { .. } => Some(
                "globs are anchored where the command runs: 'src/**/*.rs', not '*.rs'".to_owned(),
            ),
            Error::NoProduct { .. } => {
                Some("correct the glob, or record without it: --record best-effort".to_owned())
            }
            Error::Report(error) => error.remedy(),
            Error::InForce(error) => error.remedy(),
            Error::NoReport { .. } => {
                Some("correct the glob, or record without it: --record best-effort".to_owned())
            }
            Error::StaleReport { .. } => {
                Some("let the command write it anew, or remove it first".to_owned())
            }
            Error::NothingMade => Some("add --product GLOB, or --subject NAME@alg:hex".to_owned()),
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
    let key = request.key.as_ref();
    let recorder = match &request.keyless {
        None => Recorder::open(world, &repository, &request.ledger, key, "HEAD"),
        Some(how) => {
            Recorder::open_keyless(world, &repository, &request.ledger, (how, key), "HEAD")
        }
    };
    let recorder = match recorder {
        Ok(recorder) => recorder,
        Err(
            error @ (record::Error::Key(key::Error::NoKey { .. } | key::Error::Variable { .. })
            | record::Error::Keyless(keyless::Error::Keyless(
                crate::keyless::Error::NoToken,
            ))),
        ) if request.signer == Signer::IfThere => {
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
    Environment::check(&request.environment)?;
    let makes_nothing = request.products.is_empty()
        && request.subjects.is_empty()
        && request.subject_files.is_empty();
    if request.predicates == Predicates::LinkAndProvenance && makes_nothing {
        return Err(Error::NothingMade);
    }
    let work_tree = if repository.is_modified()? {
        WorkTree::Modified
    } else {
        WorkTree::Clean
    };
    let materials = collect(
        world,
        folder,
        "materials",
        &request.materials,
        Ignored::LeftOut,
    )?;
    if let Some(glob) = materials.unmatched.first() {
        return Err(Error::NoMaterial { glob: glob.clone() });
    }
    let before = stamps(folder, &request.evidence)?;
    let prefix = prefix(&repository, folder);
    let source = Source {
        origin: recorder.origin().clone(),
        commit: recorder.commit(),
        tree: recorder.tree(),
        work_tree,
    };

    let started = (world.clock)();
    let ended = start(request)?;
    let (program, arguments) = &request.command;
    let lookup = |name: &str| (world.variable)(name).and_then(|value| value.into_string().ok());
    let recording = Recording {
        step: request.step.clone(),
        command: CommandLine::cleared(program, arguments, request.secrets),
        started,
        finished: (world.clock)(),
        ended,
        materials: below(&prefix, materials.files),
        environment: Environment::capture(lookup, &request.environment),
        ci: Ci::recognise(world.ci.as_ref(), lookup),
        source,
    };

    let (mut skipped, mut unmatched) = (materials.skipped, Vec::new());
    let record = if request.ends == Ends::OnlySuccess && ended != Ended::Exited(0) {
        Record::NotWanted
    } else {
        let products = collect(world, folder, "products", &request.products, Ignored::Taken);
        let recorded = products.and_then(|products| {
            skipped.extend(products.skipped);
            unmatched = products.unmatched;
            if let (Ended::Exited(0), NoProduct::Refused, Some(glob)) =
                (ended, request.no_product, unmatched.first())
            {
                return Err(Error::NoProduct { glob: glob.clone() });
            }
            let products = below(&prefix, products.files);
            let left_behind = left_behind(folder, request, ended)?;
            let mut claims = claims(request, &recorder, &recording, products, &left_behind)?;
            let (reports, missing) = reports(folder, request, &recorder, ended, &before)?;
            claims.extend(reports);
            unmatched.extend(missing);
            Ok(recorder.record(claims)?)
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
    ignored: Ignored,
) -> Result<Collected, Error> {
    let progress = &*world.progress;
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(capture::collect(
        folder,
        globs,
        ignored,
        threads,
        &|done, all| progress(what, done, all),
    )?)
}

fn start(request: &Request) -> Result<Ended, ChildError> {
    let (program, arguments) = &request.command;
    process::run_child(program, arguments)
}

/// The claims of one run: a link, and provenance where it is wanted and something was made.
fn claims(
    request: &Request,
    recorder: &Recorder<'_>,
    recording: &Recording,
    products: Vec<capture::File>,
    left_behind: &[NamedDigest],
) -> Result<Vec<Claim>, Error> {
    let made = products
        .into_iter()
        .map(|file| Subject::artifact(file.name, &file.sha256));
    let named = request.subjects.iter().chain(left_behind);
    let made: Vec<Subject> = made.chain(named.map(NamedDigest::to_subject)).collect();
    let about: Vec<Subject> = std::iter::once(recorder.subject())
        .chain(made.iter().cloned())
        .collect();
    let mut claims = vec![claim(request, &recording.link(), about)?];
    if request.predicates == Predicates::LinkAndProvenance
        && recording.ended == Ended::Exited(0)
        && !made.is_empty()
    {
        // The commit is what it was made from, and so no subject.
        claims.push(claim(request, &recording.provenance(), made)?);
    }
    Ok(claims)
}

fn claim<P: Predicate>(
    request: &Request,
    predicate: &P,
    subjects: Vec<Subject>,
) -> Result<Claim, Error> {
    Ok(Claim {
        step: request.step.clone(),
        predicate_type: PredicateType::of::<P>(),
        predicate: predicate.to_map()?,
        subjects,
        rehash: Rehash::No,
    })
}

/// When each report was written that is there before the child runs.
fn stamps(folder: &Path, globs: &[Glob]) -> Result<BTreeMap<PathBuf, Stamp>, Error> {
    let found = capture::matching(folder, globs)?;
    let stamps = found.into_iter().filter_map(|path| {
        let stamp = stamp(&folder.join(&path)).ok()?;
        Some((path, stamp))
    });
    Ok(stamps.collect())
}

type Stamp = (Option<SystemTime>, u64);

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified().ok(), metadata.len()))
}

/// A claim for each report that the child left, and the globs that match none. Each is about what the run is about; a
/// child that failed may have left none.
fn reports(
    folder: &Path,
    request: &Request,
    recorder: &Recorder<'_>,
    ended: Ended,
    before: &BTreeMap<PathBuf, Stamp>,
) -> Result<(Vec<Claim>, Vec<String>), Error> {
    let (mut claims, mut missing) = (Vec::new(), Vec::new());
    let mut keep = request.private.clone();
    for glob in &request.evidence {
        let found = capture::matching(folder, std::slice::from_ref(glob))?;
        if found.is_empty() {
            if (ended, request.no_product) == (Ended::Exited(0), NoProduct::Refused) {
                return Err(Error::NoReport {
                    glob: glob.to_string(),
                });
            }
            missing.push(glob.to_string());
        }
        for path in found {
            let file = folder.join(&path);
            let cannot = |source| Error::SubjectFile {
                path: path.clone(),
                source,
            };
            if before.get(&path) == Some(&stamp(&file).map_err(cannot)?) {
                return Err(Error::StaleReport { path });
            }
            let mut bytes = Vec::new();
            let limit = crate::ingest::reports::LIMIT as u64 + 1;
            let opened =
                fs::File::open(&file).and_then(|file| file.take(limit).read_to_end(&mut bytes));
            opened.map_err(cannot)?;
            let keep = match &mut keep {
                Some(keep) => keep,
                unset => {
                    let limit = recorder.keeps_reports_of();
                    unset.insert(Keep::UpTo(
                        limit.map_err(|error| Error::InForce(Box::new(error)))?,
                    ))
                }
            };
            let source = reported::Source {
                path: &path,
                bytes: &bytes,
            };
            let report = source.read().map_err(Box::new)?;
            let speaker = recorder.speaker();
            let subjects = request.subjects.iter().map(NamedDigest::to_subject);
            let subjects = std::iter::once(recorder.subject())
                .chain(subjects)
                .collect();
            let claim = reported::claim(
                source,
                report,
                keep,
                speaker.as_ref(),
                request.step.clone(),
                subjects,
            );
            claims.push(claim.map_err(Box::new)?);
        }
    }
    Ok((claims, missing))
}

/// The subjects in the files that the child left. A child that failed may have left none.
fn left_behind(folder: &Path, request: &Request, ended: Ended) -> Result<Vec<NamedDigest>, Error> {
    let mut all = Vec::new();
    for path in &request.subject_files {
        let path = path.clone();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match fs::File::open(folder.join(&path)) {
            Ok(file) => match capture::read_subjects(&name, file) {
                Ok(subjects) => all.extend(subjects),
                Err(source) => return Err(Error::Subjects { path, source }),
            },
            Err(source)
                if source.kind() == io::ErrorKind::NotFound && ended != Ended::Exited(0) => {}
            Err(source) => return Err(Error::SubjectFile { path, source }),
        }
    }
    Ok(all)
}

/// The same files, named by their paths below the work tree: they are called the same wherever the command ran.
fn below(prefix: &Path, files: Vec<capture::File>) -> Vec<capture::File> {
    let named = files.into_iter().map(|file| capture::File {
        name: prefix.join(&file.name).to_string_lossy().into_owned(),
        ..file
    });
    named.collect()
}

fn prefix(repository: &Repository, folder: &Path) -> PathBuf {
    let absolute = |path: &Path| path.canonicalize().ok();
    let top = repository.work_dir().and_then(absolute);
    let below =
        absolute(folder).and_then(|folder| Some(folder.strip_prefix(top?).ok()?.to_owned()));
    below.unwrap_or_default()
}
