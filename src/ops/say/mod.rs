//! The typed verbs: `attest` with flags in place of hand-written JSON.
//!
//! Each makes one claim. What git and the ledger know is computed and never asked for: base, head and tree, authors,
//! paths, lines, the digest of a difference, the person behind the key, the entries that something relies on. A
//! [`Desk`] replays the ledger once to know these; without a ledger here (a shallow clone that will push later) it
//! asks for the person and relies on nothing.

mod assisted;
mod change;
mod forge;
mod harness;
mod mend;
mod release;
mod running;
mod told;

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::change::{Approve, Landed, Propose, Reviewed};
pub use self::forge::{Import, Imported, LeftOut};
pub use self::mend::{Amend, Assisted, Except, Missing};
pub use self::release::Publish;
pub use self::running::{Deploy, Figure, Happened, Limit, Measured, Observe, Ran};
use super::key::KeySource;
use super::record::{self, Claim, Recorded, Recorder, Rehash};
use super::verify::{self as replay, Remember};
use super::{Explain, Failure, World};
use crate::capture::{MergeRequest, SubjectsError};
use crate::digest::{ObjectId, Sha256};
use crate::git::{self, RefName, Repository};
use crate::process;
use crate::statement::predicate::{
    self, Asserted, BuiltArtifact, Covered, PersonId, Predicate, Reference, Sha256Text, Who,
};
use crate::statement::{self, DigestSet, PredicateType, Step, Subject};
use crate::timestamp::Timestamp;
use crate::verify::{Evidence, Keep, Question};

/// Ready to make a claim.
pub struct Desk<'a> {
    world: &'a World,
    repository: &'a Repository,
    recorder: Recorder<'a>,
    person: PersonId,
    evidence: Option<Evidence>,
}

/// Why nothing was claimed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Recording could not be prepared, or done.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A program that git has could not be run, or refused.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Files that name subjects cannot be read.
    #[error(transparent)]
    Subjects(#[from] SubjectsError),
    /// What is said breaks its type's rules.
    #[error("what would be said breaks a rule")]
    Predicate(#[from] predicate::Error),
    /// The statement cannot be made.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The key is nobody's in the roster, or there is no roster here.
    #[error("nobody in the roster has the key {key}")]
    Nobody {
        /// Its id.
        key: crate::signing::KeyId,
    },
    /// No ref to be held against.
    #[error("the policy protects no ref, so it is not known what {what} is held against")]
    NoBase {
        /// The commit.
        what: ObjectId,
    },
    /// No common ancestor.
    #[error("{one} and {other} have no common ancestor")]
    Unrelated {
        /// One commit.
        one: ObjectId,
        /// The other.
        other: ObjectId,
    },
    /// An entry that is not there or does not count.
    #[error("there is no entry {seq} that counts")]
    NoEntry {
        /// Its seq.
        seq: u64,
    },
    /// A tag that is none.
    #[error("{name:?} is no tag")]
    NoTag {
        /// The name.
        name: String,
    },
    /// No change to tie a landing to.
    #[error("no recorded change has {head} or its tree, so it is not known which one landed")]
    NoChange {
        /// The commit that landed.
        head: ObjectId,
    },
    /// A word that is neither a file nor a digest.
    #[error("{word:?} is neither a digest nor a file that can be read")]
    NoArtifact {
        /// The word.
        word: String,
    },
    /// What an editor left, or a roster's file, is no JSON object.
    #[error("this is no JSON object as it should be")]
    Edited(#[source] serde_json::Error),
    /// The editor's file.
    #[error("the file for the editor cannot be used")]
    EditorFile(#[source] std::io::Error),
    /// What others did is imported into a ledger that is here, or twice.
    #[error("there is no ledger here, so it is not known what it was told already")]
    NoLedgerHere,
    /// What AI did could not be looked up.
    #[error(transparent)]
    Assistance(Box<super::assistance::Error>),
    /// Only an observer may say what others did.
    #[error("{person} is no service with the role observer")]
    NotAnObserver {
        /// The signer.
        person: PersonId,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Record(error) => error.failure(),
            Self::Replay(error) => error.failure(),
            Self::Assistance(error) => error.failure(),
            Self::Git(_) | Self::Process(_) | Self::EditorFile(_) | Self::NoLedgerHere => {
                Failure::CouldNotLook
            }
            _ => Failure::Usage,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Record(error) => return error.remedy(),
            Self::Replay(error) => return error.remedy(),
            Self::Assistance(error) => return error.remedy(),
            Self::Nobody { .. } => {
                "say who with --actor ID, or have the key added: git docket roster add".into()
            }
            Self::NoBase { .. } => "say it: --base refs/heads/main".into(),
            Self::Unrelated { .. } => {
                "fetch more history (git fetch --unshallow), or name another --base".into()
            }
            Self::NoEntry { .. } => "git docket log lists the entries with their numbers".into(),
            Self::NoTag { .. } => "git tag lists them; git fetch --tags brings them".into(),
            Self::NoChange { .. } => {
                "say which with --change ID, or --change direct for a push without one".into()
            }
            Self::NoArtifact { .. } => "a digest is sha256:<hex> or NAME@sha256:<hex>".into(),
            _ => return None,
        })
    }
}

/// What a claim would be, before it is signed.
#[derive(Debug, Serialize)]
pub struct Draft {
    /// The statement.
    pub statement: Value,
}

impl<'a> Desk<'a> {
    /// Prepares to claim something about a revision.
    ///
    /// # Errors
    /// Where nothing could be recorded later, or nobody is known to speak.
    pub fn open(
        world: &'a World,
        repository: &'a Repository,
        ledger: &RefName,
        key: Option<&KeySource>,
        revision: &str,
        actor: Option<PersonId>,
    ) -> Result<Self, Error> {
        let recorder = Recorder::open(world, repository, ledger, key, revision)?;
        let mut request = replay::Request::new(Question::Ledger);
        request.remember = Remember::No;
        request.keep = Keep::Said;
        request.checks = super::judgement::Wanted::These(Vec::new());
        let evidence = match replay::verify(world, repository, ledger, &request) {
            Ok(replayed) => replayed.outcome.evidence,
            Err(replay::Error::NoLedger { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let key = recorder.key_id()?;
        let known = evidence.as_ref().and_then(|evidence| {
            let (_, roster, _) = evidence.in_force.last()?;
            roster.person_of(&key).map(|person| person.id().clone())
        });
        let person = actor.or(known).ok_or(Error::Nobody { key })?;
        Ok(Self {
            world,
            repository,
            recorder,
            person,
            evidence,
        })
    }

    /// The statement that would be signed.
    ///
    /// # Errors
    /// As [`Recorder::statement`].
    pub fn draft(&self, claim: &Claim) -> Result<Draft, Error> {
        let statement = self.recorder.statement(claim.clone())?;
        let bytes = statement.to_bytes()?;
        let statement = serde_json::from_slice(&bytes).map_err(Error::Edited)?;
        Ok(Draft { statement })
    }

    /// Signs and appends.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record(&self, claims: Vec<Claim>) -> Result<Vec<Recorded>, Error> {
        Ok(self.recorder.record(claims)?)
    }

    /// Lets a person change what is said in their editor, as git chooses it; what comes back is checked.
    ///
    /// # Errors
    /// Where there is no editor, it fails, or what it leaves breaks the type's rules.
    pub fn edit(&self, mut claim: Claim) -> Result<Claim, Error> {
        let folder = tempfile::tempdir().map_err(Error::EditorFile)?;
        let path = folder.path().join("PREDICATE.json");
        let text = serde_json::to_string_pretty(&claim.predicate).map_err(Error::Edited)?;
        std::fs::write(&path, text).map_err(Error::EditorFile)?;
        let editor = self.repository.git(&["var", "GIT_EDITOR"]).output()?;
        let editor = String::from_utf8_lossy(&editor).trim().to_owned();
        process::edit(&editor, &path)?;
        let text = std::fs::read(&path).map_err(Error::EditorFile)?;
        claim.predicate =
            serde_json::from_slice::<Map<String, Value>>(&text).map_err(Error::Edited)?;
        predicate::check(&claim.predicate_type, &claim.predicate)?;
        Ok(claim)
    }

    fn asserted(&self) -> Asserted {
        Asserted::by(self.person.clone())
    }

    fn now(&self) -> Timestamp {
        self.world.now
    }

    fn commit(&self) -> ObjectId {
        self.recorder.commit()
    }

    fn tree(&self) -> ObjectId {
        self.recorder.tree()
    }

    fn claim<P: Predicate>(
        &self,
        step: Step,
        predicate: &P,
        subjects: Vec<Subject>,
    ) -> Result<Claim, Error> {
        Ok(Claim {
            step,
            predicate_type: PredicateType::of::<P>(),
            predicate: predicate.to_map()?,
            subjects,
            rehash: Rehash::No,
        })
    }

    /// Whom an address in a commit is.
    fn who(&self, email: &str) -> Who {
        let roster = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.in_force.last());
        let persons = roster.map_or(&[][..], |(_, roster, _)| roster.persons());
        let known = persons.iter().find(|person| {
            person
                .wire()
                .git_identities
                .iter()
                .any(|one| one.email == email)
        });
        known.map_or_else(
            || Who::Email {
                email: email.to_owned(),
            },
            |person| Who::Person(person.id().clone()),
        )
    }

    /// The AI co-authors that the policy names besides the known ones.
    fn bots(&self) -> &[String] {
        let policy = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.in_force.last());
        policy.map_or(&[], |(_, _, policy)| &policy.ai().bots)
    }

    /// The pull or merge request that CI runs for.
    fn request(&self) -> Option<MergeRequest> {
        let lookup = |name: &str| (self.world.variable)(name)?.into_string().ok();
        MergeRequest::recognise(self.world.ci.as_ref(), lookup)
    }

    /// The ref that changes go to: the one named, else what CI's request goes to, else the first that the policy
    /// protects.
    fn base_ref(&self, named: Option<&str>) -> Option<String> {
        let policy = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.in_force.last());
        let first = policy.and_then(|(_, _, policy)| policy.protected().first().cloned());
        let asked = || Some(format!("refs/heads/{}", self.request()?.target?));
        named.map(str::to_owned).or_else(asked).or(first)
    }

    /// The commit of a ref that changes go to; where CI has checked out no such branch, as a remote was seen to have it.
    fn base_commit(&self, name: &str) -> Result<ObjectId, Error> {
        let here = self.repository.commit_named(name);
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            return Ok(here?);
        };
        let remotes = self.repository.remotes();
        let seen = || {
            remotes.iter().find_map(|remote| {
                let tracked = format!("refs/remotes/{remote}/{branch}");
                self.repository.commit_named(&tracked).ok()
            })
        };
        here.or_else(|error| seen().ok_or(error.into()))
    }

    /// References to the entries that a claim relies on.
    fn basis(&self, counts: impl Fn(&crate::judge::Entry) -> bool) -> Vec<Reference> {
        let entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        entries
            .filter(|entry| counts(entry))
            .map(|entry| self.reference_to(entry.attestation))
            .collect()
    }

    fn reference_to(&self, attestation: Sha256) -> Reference {
        Reference {
            origin: self.recorder.origin().to_string(),
            attestation,
        }
    }

    /// The reference to an entry by its seq.
    fn reference(&self, seq: u64) -> Result<Reference, Error> {
        let mut entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        let entry = entries
            .find(|entry| entry.seq == seq)
            .ok_or(Error::NoEntry { seq })?;
        Ok(self.reference_to(entry.attestation))
    }

    /// The merge base with a ref, and what lies between it and the commit spoken about.
    fn covered(&self, base: Option<&str>) -> Result<Covered, Error> {
        let name = self.base_ref(base).ok_or(Error::NoBase {
            what: self.commit(),
        })?;
        let base = self.merge_base(&self.base_commit(&name)?)?;
        Ok(Covered {
            base: Some(base),
            head: self.commit(),
            tree: self.tree(),
            diff_digest: Some(Sha256Text(
                self.repository.difference(&base, &self.commit())?.digest,
            )),
        })
    }

    // Where the ref has it already (after a merge, on the branch itself) the parent is what it was held against.
    fn merge_base(&self, other: &ObjectId) -> Result<ObjectId, Error> {
        let (one, other) = (self.commit(), *other);
        let base = self
            .repository
            .merge_base(&one, &other)?
            .ok_or(Error::Unrelated { one, other })?;
        let parents = self.repository.commit(&one)?.parents;
        Ok(match (base == one, parents.first()) {
            (true, Some(parent)) => *parent,
            _ => base,
        })
    }

    /// Something built: a digest, or a file that is hashed.
    fn artifact(&self, word: &str) -> Result<BuiltArtifact, Error> {
        let error = || Error::NoArtifact {
            word: word.to_owned(),
        };
        let (name, digest) = match replay::digest_word(word)? {
            Some((name, digest)) => (name, digest),
            None => {
                let digest = replay::digest_of(Path::new(word)).map_err(|_| error())?;
                (word.to_owned(), DigestSet::sha256(&digest))
            }
        };
        Ok(BuiltArtifact {
            name: (!name.contains(':')).then_some(name),
            digest,
        })
    }
}

/// A subject for something built.
fn subject(artifact: &BuiltArtifact) -> Subject {
    let subject = Subject::new(artifact.digest.clone());
    match &artifact.name {
        Some(name) => subject.named(name),
        None => subject,
    }
}

/// The statement of a draft, ready to be read by people.
pub fn pretty(draft: &Draft) -> String {
    serde_json::to_string_pretty(&draft.statement).unwrap_or_default() + "\n"
}
