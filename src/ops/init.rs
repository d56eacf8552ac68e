//! Init: found a ledger.
//!
//! 1. Everything is looked at first: there is a commit, no ledger yet, an origin (given, or guessed from the
//!    remote), a person (given, or git's `user.email`), a policy that reads.
//! 2. Keys: the person's, made where there is none, and the ledger's own.
//! 3. The genesis is signed, appended, and replayed before the ref exists.
//! 4. The repository is told: the pin in `.docket.toml` (to be committed), a fetch refspec without `+`, and
//!    the notes' display.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use thiserror::Error;

use super::{
    Explain, Failure, World,
    append::{self, Appender, Item},
    key::{self, KeySource, Protection},
    pin,
    record::ledger_key_name,
    verify as replay,
};
use crate::{
    attestation::{Attestation, SignError},
    digest::Sha256,
    git::{self, RefName, Repository},
    keyring::Keyring,
    ledger::{
        Origin,
        note::{KeyName, NoteError, VerifierKey},
    },
    policy::{self, Policy},
    process,
    signing::{KeyId, PublicKey},
    statement::{
        self, Placement, Statement, Step, Subject,
        predicate::{self, Continuity, Genesis, Key, PersonId, PersonKind, PolicyText, Role},
    },
    store,
    verify::{Pin, Question},
};

/// What is to be founded.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The ledger's name; guessed from the remote where not given.
    pub origin: Option<Origin>,
    /// Who founds it; git's `user.email` where not given.
    pub person: Option<PersonId>,
    /// The founder's key; the keyring's where not given, made where there is none.
    pub key: Option<KeySource>,
    /// Who else governs the ledger, each with a root key.
    pub roots: Vec<(PersonId, PublicKey)>,
    /// How many root keys must sign; 1 where not given.
    pub threshold: Option<u32>,
    /// The first policy's text; one that requires nothing where not given.
    pub policy: Option<String>,
    /// Where the policy's text came from, for messages.
    pub policy_path: Option<PathBuf>,
}

/// What was founded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Founded {
    /// The ledger's name.
    pub origin: Origin,
    /// Whether the name was guessed.
    pub origin_guessed: bool,
    /// The leaf of the genesis.
    pub genesis: Sha256,
    /// The founder.
    pub person: PersonId,
    /// The founder's key.
    pub key: KeyId,
    /// Whether that key was made now.
    pub key_made: bool,
    /// Where the ledger's own key is kept.
    pub ledger_key_file: PathBuf,
    /// The pin file, where there is a work tree to write it to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_file: Option<PathBuf>,
    /// How many further root keys must sign before the ledger opens.
    pub signatures_missing: u32,
    /// Whether the genesis is sealed.
    pub sealed: bool,
    /// What was added to the repository's configuration.
    pub configured: Vec<String>,
}

/// Why nothing was founded.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The program git could not.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A key could not be made or read.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The genesis could not be appended.
    #[error(transparent)]
    Append(#[from] append::Error),
    /// The new ledger could not be replayed.
    #[error(transparent)]
    Verify(#[from] replay::Error),
    /// The genesis is no statement.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The genesis could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A name that no key can have.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// There is a ledger already.
    #[error("there is a ledger already: {ledger}")]
    Exists {
        /// Its ref.
        ledger: RefName,
    },
    /// There is no commit to found it on.
    #[error("this repository has no commit yet")]
    NoCommit,
    /// Nothing suggests a name.
    #[error("no remote suggests a name for the ledger")]
    NoOrigin,
    /// Git does not know who this is, or by an address that cannot be a person's id.
    #[error("git's user.email does not say who founds the ledger")]
    NoPerson,
    /// The policy does not read.
    #[error("{}: the policy does not read", path.display())]
    Policy {
        /// Its file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<policy::Error>,
    },
    /// More root keys must sign than there are, or none.
    #[error("{threshold} of {keys} root keys cannot sign")]
    Threshold {
        /// What was asked for.
        threshold: u32,
        /// How many root keys there are.
        keys: usize,
    },
    /// A person or a root key was named twice: it would count twice.
    #[error("{id} is named twice, or by a root key that was named before")]
    RootTwice {
        /// Who.
        id: PersonId,
    },
    /// A file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The ledger's key is here already, from an attempt before.
    #[error("a ledger key for this origin is kept here already")]
    LedgerKeyExists {
        /// Its file.
        path: PathBuf,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::NoOrigin
            | Self::NoPerson
            | Self::Exists { .. }
            | Self::Threshold { .. }
            | Self::RootTwice { .. } => Failure::Usage,
            Self::Key(error) => error.failure(),
            Self::Append(error) => error.failure(),
            Self::Verify(error) => error.failure(),
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.remedy(),
            Self::Exists { .. } => "`git docket status` shows it".into(),
            Self::NoCommit => "commit something first: a ledger speaks about commits".into(),
            Self::NoOrigin => "name it: `git docket init --origin git.example.com/acme/app`".into(),
            Self::NoPerson => "say it: `git docket init --person ada@example.com`".into(),
            Self::LedgerKeyExists { path } => format!(
                "a ledger of this name was founded from here before; an origin is never reused: choose another --origin, or move {} away",
                path.display()
            ),
            Self::Threshold { .. } => {
                "name the others with --root ID=FILE, and at least one signer".into()
            }
            Self::RootTwice { .. } => "each root key needs a person of its own".into(),
            Self::Key(error) => return error.remedy(),
            Self::Append(error) => return error.remedy(),
            Self::Verify(error) => return error.remedy(),
            _ => return None,
        })
    }
}

/// Founds a ledger.
///
/// # Errors
/// Where nothing was founded.
pub fn init(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    request: Request,
) -> Result<Founded, Error> {
    if repository.reference(ledger)?.is_some() {
        return Err(Error::Exists {
            ledger: ledger.clone(),
        });
    }
    let commit = repository
        .commit_named("HEAD")
        .map_err(|_| Error::NoCommit)?;
    let tree = repository.commit(&commit)?.tree;
    let origin_guessed = request.origin.is_none();
    let origin = request
        .origin
        .or_else(|| guess(repository))
        .ok_or(Error::NoOrigin)?;
    let person = match request.person {
        Some(person) => person,
        None => repository
            .committer()
            .and_then(|(_, email)| email.parse().ok())
            .ok_or(Error::NoPerson)?,
    };
    let text = request.policy.unwrap_or_else(|| default_policy(repository));
    let policy = Policy::parse(&text).map_err(|source| Error::Policy {
        path: request.policy_path.unwrap_or_else(|| "policy".into()),
        source: Box::new(source),
    })?;

    let keyring = Keyring::in_folder(&world.folders.data);
    let ledger_key_file = keyring.path(&ledger_key_name(&origin));
    if ledger_key_file.exists() {
        return Err(Error::LedgerKeyExists {
            path: ledger_key_file,
        });
    }
    let (key, key_made) = match key::signing_key(world, request.key.as_ref()) {
        Err(key::Error::NoKey { .. }) if request.key.is_none() => {
            let name = key::DEFAULT_NAME
                .parse()
                .expect("the default name is a key's name");
            key::generate(world, name, Protection::FileMode)?;
            (key::signing_key(world, None)?, true)
        }
        other => (other?, false),
    };
    let mut roots = vec![(person.clone(), key.public().clone())];
    for (id, key) in request.roots {
        if roots
            .iter()
            .any(|(known, other)| *known == id || *other == key)
        {
            return Err(Error::RootTwice { id });
        }
        roots.push((id, key));
    }
    let threshold = request.threshold.unwrap_or(1);
    if threshold == 0 || threshold as usize > roots.len() {
        return Err(Error::Threshold {
            threshold,
            keys: roots.len(),
        });
    }
    key::generate(world, ledger_key_name(&origin), Protection::FileMode)?;
    let ledger_key = key::signing_key(world, Some(&KeySource::Named(ledger_key_name(&origin))))?;
    let name: KeyName = origin.as_str().parse()?;
    let verifier = VerifierKey::new(name, ledger_key.public());

    let genesis = Genesis {
        origin: origin.to_string(),
        root_keys: roots.iter().map(|(_, key)| Key(key.clone())).collect(),
        threshold,
        ledger_key: verifier
            .to_string()
            .parse()
            .expect("a verifier key has its own form"),
        roster: predicate::Roster {
            persons: roots.iter().map(|(id, key)| root(id, key)).collect(),
            revocations: Vec::new(),
            extends: None,
            previous: None,
        },
        continuity: continuity(repository, &policy)?,
        policy: PolicyText::new(text),
        from: None,
    };
    let step: Step = "genesis".parse().expect("it is a step's name");
    let placement = Placement {
        origin: origin.to_string(),
        step: step.clone(),
        commit,
    };
    let statement =
        Statement::of(vec![Subject::commit(&commit, &tree)], &genesis)?.placed(&placement);
    let attestation = Attestation::sign(&statement, &key)?;
    let alone = repository.remotes().is_empty();
    let appender = Appender {
        repository,
        ledger,
        key: &key,
        sealing: alone.then_some(&ledger_key),
        now: world.now,
        random: world.random.as_ref(),
    };
    appender.found(
        &origin,
        &person,
        Item {
            commit,
            step,
            attestation,
        },
    )?;

    let replayed = replay::verify(
        world,
        repository,
        ledger,
        &replay::Request::new(Question::Ledger),
    )?;
    let genesis = replayed.outcome.genesis.ok_or(Error::NoCommit)?;
    let pin = Pin {
        origin: origin.clone(),
        genesis,
        ledger_key: verifier,
        seal: replayed.outcome.heads.seal.clone(),
    };
    let pin_file = repository.work_dir().map(|folder| folder.join(pin::FILE));
    if let Some(path) = &pin_file {
        write(path, &pin::render(&pin))?;
    }
    Ok(Founded {
        origin,
        origin_guessed,
        genesis,
        person,
        key: key.public().id(),
        key_made,
        ledger_key_file,
        pin_file,
        signatures_missing: threshold - 1,
        sealed: alone,
        configured: configure(repository, ledger)?,
    })
}

fn root(person: &PersonId, key: &PublicKey) -> predicate::Person {
    let role = |role: &str| role.parse::<Role>().expect("a reserved role is a role");
    predicate::Person {
        id: person.clone(),
        kind: PersonKind::Human,
        operator: None,
        org: None,
        roles: vec![role(Role::MAINTAINER), role(Role::WRITER)],
        keys: vec![Key(key.clone())],
        oidc: Vec::new(),
        // Whoever is called by an address commits under it.
        git_identities: person
            .as_str()
            .contains('@')
            .then(|| predicate::GitIdentity {
                email: person.to_string(),
            })
            .into_iter()
            .collect(),
        logins: Vec::new(),
    }
}

fn guess(repository: &Repository) -> Option<Origin> {
    let mut remotes = repository.remotes();
    remotes.sort_by_key(|remote| remote != "origin");
    remotes
        .iter()
        .filter_map(|remote| repository.setting(&format!("remote.{remote}.url")))
        .find_map(|url| Origin::from_remote_url(&url))
}

// The template speaks of refs/heads/main; a repository may call its branch otherwise.
fn default_policy(repository: &Repository) -> String {
    let branch = format!("{:?}", default_branch(repository));
    Policy::template().replace("\"refs/heads/main\"", &branch)
}

/// The full name of the branch that HEAD is on; `refs/heads/main` where it is on none.
pub fn default_branch(repository: &Repository) -> String {
    let branch = repository
        .git(&["symbolic-ref", "--quiet", "HEAD"])
        .output()
        .ok()
        .map(|out| String::from_utf8_lossy(&out).trim().to_owned())
        .filter(|name| !name.is_empty() && !name.contains(['"', '\\']));
    branch.unwrap_or_else(|| "refs/heads/main".into())
}

fn continuity(repository: &Repository, policy: &Policy) -> Result<Vec<Continuity>, Error> {
    let mut starts = Vec::new();
    for name in policy.protected() {
        let Ok(reference) = name.parse::<RefName>() else {
            continue;
        };
        if let Some(commit) = repository.reference(&reference)? {
            starts.push(Continuity {
                reference: name.clone(),
                commit,
            });
        }
    }
    Ok(starts)
}

// What git needs to fetch and to show the notes. No `+`: a forced refspec takes a rollback silently.
fn configure(repository: &Repository, ledger: &RefName) -> Result<Vec<String>, Error> {
    let mut wanted = vec![("notes.displayRef".to_owned(), ledger.to_string())];
    for remote in repository.remotes() {
        wanted.push((
            format!("remote.{remote}.fetch"),
            // A pattern, because git fetch fails over a plain name that the remote does not have yet.
            format!("{ledger}*:{ledger}*"),
        ));
    }
    let mut configured = Vec::new();
    for (key, value) in wanted {
        if repository.settings(&key).contains(&value) {
            continue;
        }
        repository
            .git(&["config", "--local", "--add", &key, &value])
            .output()?;
        configured.push(format!("{key} = {value}"));
    }
    Ok(configured)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}
