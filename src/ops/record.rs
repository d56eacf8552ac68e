//! Record: sign a statement here and give it its place, or keep it until it can have one.
//!
//! [`Recorder::open`] checks whatever can be checked beforehand: the repository, the commit, the key, that
//! the origin is known, and, where there is a ledger, that the key may append. Only then does a step run.
//! [`Recorder::record`] signs once; where there is a ledger here the entry is appended, with all that
//! waits in the spool; where there is none, or others are faster for too long, it waits in the spool,
//! synced to disk before success is said.

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    Explain, Failure, World,
    append::{self, Appender, Item},
    key::{self, KeySource},
    keyless, pin, spool,
};
use crate::{
    attestation::{Attestation, SignError},
    digest::{ObjectId, Sha256},
    git::{self, RefName, Repository},
    keyless::Session,
    keyring,
    ledger::{
        Lines, Origin,
        note::{KeyName, VerifierKey},
        seal::SignedSeal,
    },
    policy::rules::Reports,
    signing::{KeyId, PublicKey, SigningKey},
    statement::predicate::PersonId,
    statement::{self, Placement, PredicateType, Statement, Step, Subject},
    store::{self, Tip},
};

/// Why nothing was recorded.
#[derive(Debug, Error)]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] key::Error),
    /// The pin could not be used.
    #[error(transparent)]
    Pin(#[from] pin::Error),
    /// The entry could not be appended.
    #[error(transparent)]
    Append(#[from] append::Error),
    /// The entry could not be kept.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The statement could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It could not be signed keyless.
    #[error(transparent)]
    Keyless(#[from] keyless::Error),
    /// Only somebody keyless signs here, and a writer is needed.
    #[error("this takes a key, and only an identity token was given")]
    NoWriter,
    /// Neither a ledger nor a pin says which ledger the entry is for.
    #[error("it is not known for which ledger to sign: there is no {ledger} here, and no pin")]
    NoOrigin {
        /// The ledger's ref.
        ledger: RefName,
    },
    /// A step that only governance may use.
    #[error("the step {step} is the ledger's own")]
    Reserved {
        /// The step.
        step: Step,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Append(error) => error.failure(),
            Self::Key(error) => error.failure(),
            Self::Keyless(error) => error.failure(),
            Self::Pin(error) => error.failure(),
            Self::Spool(error) => error.failure(),
            Self::Reserved { .. } | Self::Statement(_) => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.remedy(),
            Self::Append(error) => error.remedy(),
            Self::Key(error) => error.remedy(),
            Self::Keyless(error) => error.remedy(),
            Self::Pin(error) => error.remedy(),
            Self::Spool(error) => error.remedy(),
            Self::NoWriter => Some("name a writer's key with --key".into()),
            Self::NoOrigin { .. } => Some(
                "`git docket init` founds a ledger; `git docket fetch` brings one; a committed .docket.toml names one".into(),
            ),
            Self::Reserved { step } => Some(format!("use `git docket {step}` or another step name")),
            _ => None,
        }
    }
}

/// What is said, before it is signed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The step.
    pub step: Step,
    /// What kind of thing is said.
    pub predicate_type: PredicateType,
    /// What is said.
    pub predicate: Map<String, Value>,
    /// What it is about; commit and tree where empty.
    pub subjects: Vec<Subject>,
    /// Whether the tree, hashed again with SHA-256, is to be among the subjects.
    pub rehash: Rehash,
}

/// Whether a SHA-1 tree is hashed again with SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehash {
    /// It is: releases, and where asked for.
    Yes,
    /// It is not.
    No,
}

/// Where a claim is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// SHA-256 of the attestation.
    pub attestation: Sha256,
    /// The commit.
    pub commit: ObjectId,
    /// The step.
    pub step: Step,
    /// Its place, where it is in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Whether a seal covers it.
    pub sealed: bool,
    /// How many entries wait in the spool.
    pub pending: usize,
    /// Why it is not in the ledger, where others were faster.
    #[serde(skip)]
    pub contention: Option<append::Contention>,
}

/// Ready to sign and append.
pub struct Recorder<'a> {
    world: &'a World,
    repository: &'a Repository,
    ledger: RefName,
    origin: Origin,
    /// The key that appends, and signs where nobody signs keyless.
    key: Option<SigningKey>,
    keyless: Option<Session<'a>>,
    sealing: Option<SigningKey>,
    commit: ObjectId,
    tree: ObjectId,
    /// The ledger's tip as it was found; none where there is no ledger.
    seen: Option<(Tip<'a>, append::Head)>,
}

impl<'a> Recorder<'a> {
    /// Checks what can be checked before anything is done.
    ///
    /// # Errors
    /// Where recording could not succeed later.
    pub fn open(
        world: &'a World,
        repository: &'a Repository,
        ledger: &RefName,
        key: Option<&KeySource>,
        revision: &str,
    ) -> Result<Self, Error> {
        let key = key::signing_key(world, key)?;
        Self::open_with(world, repository, ledger, (Some(key), None), revision)
    }

    /// The same for somebody who signs keyless. Only where a writer's key is named too, what is signed is appended
    /// here; else it waits in the spool.
    ///
    /// # Errors
    /// As [`open`](Self::open), and without a token that holds now.
    pub fn open_keyless(
        world: &'a World,
        repository: &'a Repository,
        ledger: &RefName,
        (request, key): (&keyless::Request, Option<&KeySource>),
        revision: &str,
    ) -> Result<Self, Error> {
        let key = key.map(|key| key::signing_key(world, Some(key)));
        let signers = (key.transpose()?, Some(keyless::open(world, request)?));
        Self::open_with(world, repository, ledger, signers, revision)
    }

    fn open_with(
        world: &'a World,
        repository: &'a Repository,
        ledger: &RefName,
        (key, keyless): (Option<SigningKey>, Option<Session<'a>>),
        revision: &str,
    ) -> Result<Self, Error> {
        let commit = repository.commit_named(revision)?;
        let tree = repository.commit(&commit)?.tree;
        let tip = Tip::read(repository, ledger)?;
        let mut sealing = None;
        let (origin, seen) = if tip.commit().is_some() {
            let head = append::head(&tip)?;
            if let Some(key) = &key {
                append::writer(&head.roster, key)?;
            }
            let origin = head.record.origin.clone();
            // What others left unsealed, `git docket seal` replays first.
            let sealed = head.edge.sealed_size() == head.record.new.size;
            if sealed && repository.remotes().is_empty() {
                sealing = sealing_key(world, &origin, head.seal.as_ref())?;
            }
            (origin, Some((tip, head)))
        } else {
            let pin = pin::find(repository, None)?.0;
            let pin = pin.ok_or_else(|| Error::NoOrigin {
                ledger: ledger.clone(),
            })?;
            (pin.origin, None)
        };
        Ok(Self {
            world,
            repository,
            ledger: ledger.clone(),
            origin,
            key,
            keyless,
            sealing,
            commit,
            tree,
            seen,
        })
    }

    /// The commit that is spoken about.
    pub fn commit(&self) -> ObjectId {
        self.commit
    }

    /// Its tree.
    pub fn tree(&self) -> ObjectId {
        self.tree
    }

    /// The id of the key that signs.
    ///
    /// # Errors
    /// Where only somebody keyless signs.
    pub fn key_id(&self) -> Result<KeyId, Error> {
        Ok(self.own_key()?.public().id())
    }

    /// The person whose key signs, by the roster in force; nobody where there is no ledger here.
    pub fn speaker(&self) -> Option<PersonId> {
        let (_, head) = self.seen.as_ref()?;
        let person = head.roster.person_of(&self.key_id().ok()?)?;
        Some(person.id().clone())
    }

    /// Up to how many bytes the policy in force keeps of a report.
    ///
    /// # Errors
    /// Where the ledger cannot be replayed.
    pub fn keeps_reports_of(&self) -> Result<usize, super::govern::Error> {
        if self.seen.is_none() {
            return Ok(Reports::default().keep_bytes as usize);
        }
        let office = super::govern::Office {
            world: self.world,
            repository: self.repository,
            ledger: &self.ledger,
            key: None,
        };
        Ok(office.in_force()?.policy.keeps_reports_of())
    }

    /// The ledger's name.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the ledger is open, and a step's name free for claims.
    ///
    /// # Errors
    /// Where the genesis lacks signatures, or for a step of the ledger's own.
    pub fn may_use(&self, step: &Step) -> Result<(), Error> {
        if crate::verify::is_governance(step) {
            return Err(Error::Reserved { step: step.clone() });
        }
        let opened = self.seen.as_ref().map_or(Ok(()), |(_, head)| head.opened());
        Ok(opened.map_err(append::Error::from)?)
    }

    /// The statement that would be signed.
    ///
    /// # Errors
    /// For a step of the ledger's own, or where the tree cannot be hashed again.
    pub fn statement(&self, claim: Claim) -> Result<Statement, Error> {
        self.statement_about(&(self.commit, self.tree), claim)
    }

    /// The same about another commit and its tree.
    ///
    /// # Errors
    /// As [`statement`](Self::statement).
    pub fn statement_about(
        &self,
        (commit, tree): &(ObjectId, ObjectId),
        claim: Claim,
    ) -> Result<Statement, Error> {
        self.may_use(&claim.step)?;
        let mut subjects = claim.subjects;
        if subjects.is_empty() {
            subjects.push(Subject::commit(commit, tree));
        }
        if claim.rehash == Rehash::Yes && tree.algorithm() == crate::digest::Algorithm::Sha1 {
            let tree = super::rehash::tree(self.repository, tree)?;
            subjects.push(super::rehash::subject(&tree));
        }
        let placement = Placement {
            origin: self.origin.to_string(),
            step: claim.step,
            commit: *commit,
        };
        Ok(Statement::new(subjects, claim.predicate_type, claim.predicate)?.placed(&placement))
    }

    /// The key with this id, where the roster in force has it.
    pub fn key(&self, id: &KeyId) -> Option<&PublicKey> {
        self.seen.as_ref()?.1.roster.key(id)
    }

    /// What stands in the ledger about a commit, and what waits in the spool: every attestation that can be read.
    ///
    /// # Errors
    /// Where one cannot be read at all.
    pub fn standing(&self, commit: &ObjectId) -> Result<Vec<Attestation>, Error> {
        let spooled = spool::Spool::of(self.repository).items()?.into_iter();
        let mut standing: Vec<Attestation> = spooled
            .filter(|item| item.commit == *commit)
            .map(|item| item.attestation)
            .collect();
        let Some((tip, _)) = &self.seen else {
            return Ok(standing);
        };
        let note = tip.note(commit)?.unwrap_or_default();
        for line in Lines::of(&note).map_while(Result::ok) {
            let body = match line.body {
                Some(body) => Some(body.to_vec()),
                None => tip.blob(&line.link.attestation)?,
            };
            standing.extend(body.and_then(|body| Attestation::parse(body).ok()));
        }
        Ok(standing)
    }

    /// Appends what others signed, in one append, or keeps it; each is about the commit and the step that its item
    /// names, which the caller has held against what was signed.
    ///
    /// # Errors
    /// Where nothing was recorded.
    pub fn carry(&self, items: Vec<Item>) -> Result<Vec<Recorded>, Error> {
        match items.is_empty() {
            true => Ok(Vec::new()),
            false => self.place(items),
        }
    }

    /// Whether what somebody else has would be taken from an inbox: signed by one whom the roster in force knows, for its
    /// place in this ledger, and about a commit that is here.
    pub(super) fn takes(&self, item: &Item) -> bool {
        self.seen.as_ref().is_some_and(|(_, head)| {
            let fits = super::fold::fits(item, self.origin.as_str(), &head.roster);
            fits.is_ok() && self.repository.has(&item.commit)
        })
    }

    /// Signs claims and appends them, or keeps them.
    ///
    /// # Errors
    /// Where nothing was recorded.
    pub fn record(&self, claims: Vec<Claim>) -> Result<Vec<Recorded>, Error> {
        let own = (self.commit, self.tree);
        self.record_about(claims.into_iter().map(|claim| (own, claim)).collect())
    }

    /// Signs claims, each about a commit and its tree, and appends them in one append, or keeps them.
    ///
    /// # Errors
    /// Where nothing was recorded.
    pub fn record_about(
        &self,
        claims: Vec<((ObjectId, ObjectId), Claim)>,
    ) -> Result<Vec<Recorded>, Error> {
        let mut items = Vec::new();
        for (about, claim) in claims {
            let step = claim.step.clone();
            let statement = self.statement_about(&about, claim)?;
            let attestation = match &self.keyless {
                None => Ok(Attestation::sign(&statement, self.own_key()?)?),
                Some(session) => session.sign(&statement).map_err(keyless::Error::from),
            };
            match attestation {
                Ok(attestation) => items.push(Item {
                    commit: about.0,
                    step,
                    attestation,
                }),
                Err(error) => {
                    spool::Spool::of(self.repository).keep(&items)?;
                    return Err(error.into());
                }
            }
        }
        self.place(items)
    }

    /// Appends what waits in the spool; what is about commits that are not here stays there.
    ///
    /// # Errors
    /// Where the ledger refuses, or the spool cannot be read.
    pub fn drain(&self) -> Result<Vec<Recorded>, Error> {
        self.place(Vec::new())
    }

    fn place(&self, items: Vec<Item>) -> Result<Vec<Recorded>, Error> {
        let spool = spool::Spool::of(self.repository);
        let fresh = items.len();
        let mut all = items;
        let appends = self.seen.is_some() && self.key.is_some();
        if appends {
            let here = |item: &Item| self.repository.has(&item.commit);
            all.extend(spool.items()?.into_iter().filter(here));
        }
        let mut outcome = None;
        let mut contention = None;
        if appends && !all.is_empty() {
            match self.appender()?.append_after(self.seen.as_ref(), &all) {
                Ok(appended) => outcome = Some(appended),
                Err(append::Error::Contention(lost)) => contention = Some(lost),
                Err(error) => {
                    // The certificate and the log entry are not to be had again.
                    if self.keyless.is_some() {
                        spool.keep(&all[..fresh])?;
                    }
                    return Err(error.into());
                }
            }
        }
        match &outcome {
            Some(_) => spool.remove(&all[fresh..])?,
            None => spool.keep(&all[..fresh])?,
        }
        let pending = spool.items()?.len();
        let shown = if fresh > 0 { fresh } else { all.len() };
        let recorded = all[..shown].iter().enumerate().map(|(index, item)| {
            let seq = outcome
                .as_ref()
                .and_then(|appended| appended.seqs.get(index).copied());
            let sealed = outcome.as_ref().map_or(0, |appended| appended.sealed);
            Recorded {
                attestation: item.attestation.digest(),
                commit: item.commit,
                step: item.step.clone(),
                seq,
                sealed: seq.is_some_and(|seq| seq < sealed),
                pending,
                contention: contention.clone(),
            }
        });
        Ok(recorded.collect())
    }

    /// An appender with this recorder's keys.
    ///
    /// # Errors
    /// Where only somebody keyless signs.
    pub fn appender(&self) -> Result<Appender<'_>, Error> {
        Ok(Appender {
            repository: self.repository,
            ledger: &self.ledger,
            key: self.own_key()?,
            sealing: self.sealing.as_ref(),
            now: (self.world.clock)(),
            random: self.world.random.as_ref(),
        })
    }

    fn own_key(&self) -> Result<&SigningKey, Error> {
        self.key.as_ref().ok_or(Error::NoWriter)
    }

    /// This recorder, leaving what it appends to be sealed later: after a change of the ledger's key, the old
    /// one seals no more.
    #[must_use]
    pub fn unsealed(mut self) -> Self {
        self.sealing = None;
        self
    }

    /// A governance statement of one of the ledger's own steps, signed and placed; by this recorder's key where
    /// no other signs.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub fn governing(
        &self,
        step: &'static str,
        statement: Statement,
        signer: Option<&SigningKey>,
    ) -> Result<Item, Error> {
        let step: Step = step.parse().expect("a governance step is a step's name");
        let placement = Placement {
            origin: self.origin.to_string(),
            step: step.clone(),
            commit: self.commit,
        };
        let signer = signer.map_or_else(|| self.own_key(), Ok)?;
        Ok(Item {
            commit: self.commit,
            step,
            attestation: Attestation::sign(&statement.placed(&placement), signer)?,
        })
    }

    /// Appends a governance statement of one of the ledger's own steps.
    ///
    /// # Errors
    /// Where the ledger would refuse it.
    pub fn govern(
        &self,
        step: &'static str,
        statement: Statement,
    ) -> Result<append::Appended, Error> {
        let item = self.governing(step, statement, None)?;
        Ok(self.appender()?.append(&[item])?)
    }

    /// Commit and tree as a subject.
    pub fn subject(&self) -> Subject {
        Subject::commit(&self.commit, &self.tree)
    }
}

/// The name under which a ledger's key is kept here.
pub fn ledger_key_name(origin: &Origin) -> keyring::KeyFileName {
    let digest = Sha256::of(origin.as_str().as_bytes()).to_string();
    format!("{}{}", key::LEDGER_PREFIX, &digest[..16])
        .parse()
        .expect("letters, digits and a hyphen are a key's name")
}

/// The ledger's key, where it is kept here and has signed the newest seal.
///
/// # Errors
/// Where it is here and cannot be read.
pub fn sealing_key(
    world: &World,
    origin: &Origin,
    seal: Option<&SignedSeal>,
) -> Result<Option<SigningKey>, key::Error> {
    kept_key(world, origin, |key| {
        seal.is_none_or(|seal| seal.verify(key).is_ok())
    })
}

/// This key of the ledger's, where it is kept here.
///
/// # Errors
/// Where it is here and cannot be read.
pub fn ledger_key(
    world: &World,
    origin: &Origin,
    wanted: &VerifierKey,
) -> Result<Option<SigningKey>, key::Error> {
    kept_key(world, origin, |key| key == wanted)
}

// The first key stands under the ledger's name; those that came after it have that name as their beginning.
fn kept_key(
    world: &World,
    origin: &Origin,
    is_it: impl Fn(&VerifierKey) -> bool,
) -> Result<Option<SigningKey>, key::Error> {
    let Ok(key_name) = origin.as_str().parse::<KeyName>() else {
        return Ok(None);
    };
    let ring = keyring::Keyring::in_folder(&world.folders.data);
    let first = ledger_key_name(origin);
    let is_it = |kept: &keyring::Kept| is_it(&VerifierKey::new(key_name.clone(), &kept.public));
    // Most ledgers never had another: the keyring is listed only where this one is not it.
    let kept = match ring.kept(first.clone()) {
        Ok(kept) if is_it(&kept) => Some(kept),
        _ if !ring.folder().exists() => None,
        _ => {
            let prefix = format!("{first}-");
            let mut later = ring.list()?.into_iter().flatten();
            later.find(|kept| kept.name.to_string().starts_with(&prefix) && is_it(kept))
        }
    };
    let source = kept.map(|kept| KeySource::Named(kept.name));
    source
        .map(|source| key::signing_key(world, Some(&source)))
        .transpose()
}
