//! Verify: find the ledger, the pin, the memory and what is asked about; replay; remember.

use std::{
    cmp::Reverse,
    fs::File,
    io::{self, Read as _},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{
    Explain, Failure, World, fork_proof,
    judgement::{self, Wanted},
    layout, memory,
    pin::{self, PinSource},
    trust,
};
use crate::{
    digest::ObjectId,
    finding::{Code, Finding},
    git::{self, RefName, Repository},
    judge::{CheckResult, Scope, layout::StepHeld},
    ledger::{
        Snapshot as _, TreeHead,
        append_record::SignedAppendRecord,
        seal::{SealError, SignedSeal},
    },
    statement::DigestSet,
    store::{self, Stored, Tip},
    timestamp::Timestamp,
    verify::{self, Artifact, CommitSubject, Memory, Outcome, Question, Verdict},
};

/// What is asked, and what the ledger is held to.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub question: Question,
    /// A pin file that the user named.
    pub pin: Option<PathBuf>,
    /// Files with seals that other readers have.
    pub seals: Vec<PathBuf>,
    /// Files of the roots that are believed about keyless signatures, in place of those configured.
    pub trusted_roots: Vec<PathBuf>,
    /// How many threads may work.
    pub threads: NonZeroUsize,
    /// What was seen before; read now where it is not given. Whoever asks a remote reads it first: what other
    /// processes see meanwhile may be newer than the answer.
    pub memories: Option<Vec<Memory>>,
    /// Whether what was seen is remembered.
    pub remember: Remember,
    /// Whether what statements say is kept, for the checks.
    pub keep: verify::Keep,
    /// What the checks are asked about, beside the question.
    pub scope: Scope,
    /// Which checks are run.
    pub checks: Wanted,
    /// The moment of judgement; without it, that of the newest entry.
    pub at: Option<Timestamp>,
    /// A layout that the links of the asked commits are held against.
    pub layout: Option<layout::Given>,
}

/// Whether what was seen is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remember {
    /// It is, where the ledger is not broken.
    Yes,
    /// It is not.
    No,
}

impl Request {
    /// With no pin named, on every core, remembering.
    pub fn new(question: Question) -> Self {
        let keep = match question {
            Question::Ledger => verify::Keep::WhereEnforced,
            // Few, and among them the releases whose tags may have moved.
            Question::Commits(_) | Question::Artifact(_) => verify::Keep::Said,
        };
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            question,
            pin: None,
            seals: Vec::new(),
            trusted_roots: Vec::new(),
            memories: None,
            threads,
            remember: Remember::Yes,
            keep,
            scope: Scope::default(),
            checks: Wanted::Enforced,
            at: None,
            layout: None,
        }
    }
}

/// An outcome, and what the ledger was held to.
#[derive(Debug)]
pub struct Replayed {
    /// What was seen.
    pub outcome: Outcome,
    /// Where the pin came from.
    pub pin: PinSource,
    /// How many attestations wait in the spool.
    pub pending: usize,
    /// Attested commits that are not in the repository (squashed away, pruned, not fetched), sorted: they were
    /// judged by the bytes that the ledger keeps.
    pub absent: Vec<ObjectId>,
    /// What the checks say.
    pub checks: Vec<CheckResult>,
    /// How the steps of the layout stand, where one was given.
    pub layout: Option<Vec<StepHeld>>,
    /// Where the proofs of a rollback or fork were written.
    pub fork_proofs: Vec<PathBuf>,
}

/// We could not look.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such ref: never an empty ledger.
    #[error("there is no ledger: {ledger} does not exist in this repository")]
    NoLedger {
        /// The ref.
        ledger: RefName,
    },
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The mirror could not be looked at.
    #[error(transparent)]
    Mirror(#[from] super::mirror::Error),
    /// The pin could not be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// A trusted root cannot be used.
    #[error(transparent)]
    Trust(#[from] trust::Error),
    /// Memory could not be used.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The spool could not be read.
    #[error(transparent)]
    Spool(#[from] super::spool::Error),
    /// Something of the ledger could not be read.
    #[error(transparent)]
    Verify(#[from] verify::VerifyError),
    /// A file that should hold a seal does not.
    #[error("{path} is no seal")]
    Seal {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: SealError,
    },
    /// A word that names nothing.
    #[error("{word:?} is neither a revision, nor a range, nor a file, nor a digest")]
    Nothing {
        /// The word.
        word: String,
    },
    /// A word that names two things.
    #[error("{word:?} is both a revision and a file")]
    Ambiguous {
        /// The word.
        word: String,
    },
    /// A digest that is none.
    #[error("{word:?} is not a digest as sha256:<hex>")]
    Digest {
        /// The word.
        word: String,
    },
    /// A range without commits.
    #[error("there is no commit in {word}")]
    EmptyRange {
        /// The range.
        word: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Nothing { .. } | Self::Ambiguous { .. } | Self::Digest { .. } => Failure::Usage,
            Self::EmptyRange { .. } => Failure::Undecided,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::NoLedger { .. } => "a clone does not bring notes by itself: `git docket fetch` does; `git docket init` founds a ledger".into(),
            Self::Pin(error) => return error.remedy(),
            Self::Trust(error) => return error.remedy(),
            Self::Memory(error) => return error.remedy(),
            Self::Spool(error) => return error.remedy(),
            Self::Seal { .. } => "a seal is what `git show refs/notes/docket:docket/seal` prints, byte for byte".into(),
            Self::Verify(verify::VerifyError::ForeignSeal { .. }) => {
                "ask whoever gave it which ledger it is of; one made after a rotation of the key is known once that is fetched".into()
            }
            Self::Verify(_) => {
                "fetch the ledger whole: `git fetch --refetch origin refs/notes/docket:refs/notes/docket`".into()
            }
            Self::Nothing { .. } => "a file is named by its path, a digest as sha256:<hex>".into(),
            Self::Ambiguous { word } => {
                format!("write ./{word} for the file, or refs/heads/{word} for the revision")
            }
            Self::Digest { .. } => "64 lower-case hex digits after sha256:".into(),
            Self::EmptyRange { .. } => "the range's ends may be the wrong way round".into(),
            _ => return None,
        })
    }
}

/// What a word of the command line asks about: a digest, a range, a revision, or a file.
///
/// # Errors
/// Where it is none of these, or two.
pub fn question(repository: &Repository, folder: &Path, word: &str) -> Result<Question, Error> {
    if let Some((name, digest)) = digest_word(word)? {
        return Ok(Question::Artifact(Artifact { name, digest }));
    }
    let path = folder.join(word);
    let is_file = path.is_file();
    if word.contains("..") && !is_file {
        let mut commits: Vec<_> = repository.commits_in(word)?.into_iter().collect();
        commits.sort();
        if commits.is_empty() {
            return Err(Error::EmptyRange {
                word: word.to_owned(),
            });
        }
        let subjects: Result<Vec<_>, git::Error> = commits
            .into_iter()
            .map(|commit| {
                Ok(CommitSubject {
                    commit,
                    tree: repository.commit(&commit)?.tree,
                })
            })
            .collect();
        return Ok(Question::Commits(subjects?));
    }
    match (repository.is_revision(word), is_file) {
        (true, true) => Err(Error::Ambiguous {
            word: word.to_owned(),
        }),
        (true, false) => {
            let commit = repository.commit_named(word)?;
            let tree = repository.commit(&commit)?.tree;
            Ok(Question::Commits(vec![CommitSubject { commit, tree }]))
        }
        (false, true) => {
            let digest = DigestSet::sha256(&digest_of(&path)?);
            Ok(Question::Artifact(Artifact {
                name: word.to_owned(),
                digest,
            }))
        }
        (false, false) => Err(Error::Nothing {
            word: word.to_owned(),
        }),
    }
}

/// A digest as `alg:hex` or `NAME@alg:hex`, never looked up as a file; `None` where the word is no such
/// thing.
///
/// # Errors
/// Where it begins as one and is none.
pub fn digest_word(word: &str) -> Result<Option<(String, DigestSet)>, Error> {
    const ALGORITHMS: [&str; 8] = [
        "sha256",
        "sha512",
        "sha384",
        "sha1",
        "gitCommit",
        "gitTree",
        "gitBlob",
        "gitTag",
    ];
    let (name, digest) = word
        .rsplit_once('@')
        .map_or((word, word), |(name, digest)| (name, digest));
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Ok(None);
    };
    if !ALGORITHMS.contains(&algorithm) {
        return Ok(None);
    }
    let set = DigestSet::new(
        [(algorithm.to_owned(), hex.to_owned())]
            .into_iter()
            .collect(),
    );
    set.map(|set| Some((name.to_owned(), set)))
        .map_err(|_| Error::Digest {
            word: word.to_owned(),
        })
}

/// Replays the ledger.
///
/// # Errors
/// Where we could not look.
pub fn verify(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    request: &Request,
) -> Result<Replayed, Error> {
    // Before the ledger: what others see meanwhile is no rollback of what is read here.
    let mut memories = match &request.memories {
        Some(memories) => memories.clone(),
        None => memory::recall_all(&world.folders.state)?,
    };
    let stored = Stored::read(repository, ledger)?.ok_or_else(|| Error::NoLedger {
        ledger: ledger.clone(),
    })?;
    let (pin, source) = pin::find(repository, request.pin.as_deref())?;
    let origin = match &pin {
        Some(pin) => Some(pin.origin.clone()),
        None => Tip::read(repository, ledger)?
            .record("append")?
            .and_then(|record| SignedAppendRecord::parse(&record).ok())
            .map(|record| record.unverified().origin.clone()),
    };
    memories.retain(|memory| Some(&memory.origin) == origin.as_ref());
    let mut outcome = verify::verify(
        &stored,
        &verify::Request {
            question: request.question.clone(),
            pin,
            memories,
            seals: request
                .seals
                .iter()
                .map(|path| seal(path))
                .collect::<Result<_, _>>()?,
            threads: request.threads,
            keep: request.keep,
            trust: trust::find(Some(repository), &request.trusted_roots)?,
        },
    )?;
    let apart = super::mirror::findings(repository, &outcome.tip)?;
    if !apart.is_empty() {
        let may_be_moved_back = apart.iter().any(|found| found.code != Code::MirrorUnseen);
        outcome.findings.splice(0..0, apart);
        outcome
            .findings
            .sort_by_key(|found| Reverse(found.severity()));
        outcome.verdict = Verdict::of(outcome.findings.first().map(Finding::severity));
        // What may have been moved back is not what landed.
        if may_be_moved_back {
            outcome.memory = None;
        }
    }
    // With a remote, only what it was seen to hold has landed; the local ref may be ahead of it.
    if !repository.remotes().is_empty()
        && let Some(memory) = &mut outcome.memory
    {
        memory.landed = outcome.heads.sealed.clone().unwrap_or_else(TreeHead::empty);
    }
    if let (Remember::Yes, Some(memory)) = (request.remember, &outcome.memory) {
        memory::remember(&world.folders.state, memory)?;
    }
    let fork_proofs = match request.remember {
        Remember::Yes => {
            fork_proof::keep(&world.folders.state, outcome.genesis, &outcome.fork_proofs)?
        }
        Remember::No => Vec::new(),
    };
    if let Some(evidence) = &outcome.evidence {
        let moved = judgement::moved_tags(repository, evidence)?;
        if !moved.is_empty() {
            outcome.verdict = outcome.verdict.max(Verdict::Failed);
            outcome.findings.extend(moved);
            outcome
                .findings
                .sort_by_key(|found| Reverse(found.severity()));
        }
    }
    let layout = request.layout.as_ref();
    let layout = layout.map(|given| {
        let now = request.at.unwrap_or(world.now);
        layout::judge(&stored, given, now, &mut outcome)
    });
    let layout = layout.transpose()?;
    let scope = scoped(&request.question, &request.scope);
    let checks = judgement::judge(
        repository,
        &outcome,
        &scope,
        &request.checks,
        request.at,
        request.threads,
    )?;
    outcome.verdict = outcome.verdict.with(&checks, &scope);
    let pending = super::spool::Spool::of(repository).items()?.len();
    Ok(Replayed {
        checks,
        layout,
        fork_proofs,
        outcome,
        pin: source,
        pending,
        absent: repository.lacking(stored.notes()),
    })
}

pub(super) fn seal(path: &Path) -> Result<SignedSeal, Error> {
    const LIMIT: u64 = 1 << 16;
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    SignedSeal::parse(&bytes).map_err(|source| Error::Seal {
        path: path.to_owned(),
        source,
    })
}

/// What the checks are asked about: what the question is about.
pub(super) fn scoped(question: &Question, scope: &Scope) -> Scope {
    let mut scope = scope.clone();
    match question {
        Question::Ledger => {}
        Question::Commits(subjects) => {
            scope.commits = Some(subjects.iter().map(|subject| subject.commit).collect());
        }
        Question::Artifact(artifact) => scope.artifact = Some(artifact.digest.clone()),
    }
    scope
}

/// SHA-256 of a file's content.
///
/// # Errors
/// Where it cannot be read.
pub fn digest_of(path: &Path) -> Result<crate::digest::Sha256, Error> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = crate::digest::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
