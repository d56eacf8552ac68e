//! `policy` and `roster`: what is in force, and its change.
//!
//! What is in force is what replay says, never what a file or a pointer says. A change is an entry like any
//! other: signed, naming what it replaces, rehearsed before it is appended (an append that replay would refuse
//! is not made), and judged by what was in force before it.

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::append::Appended;
use super::key::KeySource;
use super::record::{self, Recorder};
use super::show::{self, Target};
use super::verify::{self as replay, Remember, Request};
use super::{Explain, Failure, World};
use crate::git::{RefName, Repository};
use crate::judge;
use crate::policy::{self, Policy};
use crate::report::entry::Content;
use crate::signing::{KeyId, PublicKey};
use crate::statement::predicate::{
    self, Extends, GitIdentity, Key, Login, Person, PersonId, PersonKind, PolicyText, Reference,
    Revocation, Role, Roster,
};
use crate::statement::{self, Statement};
use crate::store::{self, Stored};
use crate::verify::Question;
use crate::verify::governance::InForce;

/// Why what is in force cannot be shown or changed.
#[derive(Debug, Error)]
pub enum Error {
    /// A key to revoke that no person of the roster has.
    #[error("no person of the roster has the key {key}")]
    NobodysKey {
        /// Its id.
        key: KeyId,
    },
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Replay found no sound genesis.
    #[error("the ledger has no sound genesis, so nothing is in force")]
    NothingInForce,
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The entry that brought it cannot be found.
    #[error(transparent)]
    Show(#[from] show::Error),
    /// The entry that brought it does not hold it.
    #[error("entry {seq} holds no {wanted}")]
    NoText {
        /// The entry.
        seq: u64,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The policy does not read.
    #[error("the policy does not read")]
    Policy(#[from] policy::Error),
    /// The roster breaks its rules.
    #[error("the roster does not read")]
    Roster(#[from] predicate::Error),
    /// There is no such person.
    #[error("the roster has no person {id}")]
    NoPerson {
        /// Who.
        id: PersonId,
    },
    /// A new person's kind was not said.
    #[error("{id} is new to the roster, and of which kind was not said")]
    NoKind {
        /// Who.
        id: PersonId,
    },
    /// Nothing would change.
    #[error("that is in force already")]
    Unchanged,
    /// The entry could not be made.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The entry is no statement.
    #[error(transparent)]
    Statement(#[from] statement::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Error::Replay(error) => error.failure(),
            Error::Show(error) => error.failure(),
            Error::Record(error) => error.failure(),
            Error::NothingInForce | Error::NoText { .. } => Failure::Broken,
            Error::Policy(_)
            | Error::Roster(_)
            | Error::NoPerson { .. }
            | Error::NoKind { .. }
            | Error::NobodysKey { .. }
            | Error::Unchanged => Failure::Usage,
            Error::Store(_) | Error::Statement(_) => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Error::Replay(error) => error.remedy(),
            Error::Record(error) => error.remedy(),
            Error::NothingInForce | Error::NoText { .. } => {
                Some("git docket verify names everything that is wrong".to_owned())
            }
            Error::Policy(_) => Some("git docket help policy describes the form".to_owned()),
            Error::Roster(_) => Some("git docket help roster describes the form".to_owned()),
            Error::NoPerson { .. } | Error::NobodysKey { .. } => {
                Some("git docket roster show lists who is known".to_owned())
            }
            Error::NoKind { .. } => Some("say --kind human, service or agent".to_owned()),
            _ => None,
        }
    }
}

/// What is in force, and where it stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<T> {
    /// The entry that brought it.
    pub seq: u64,
    /// What it is.
    #[serde(flatten)]
    pub content: T,
}

/// A policy's text and what it says in plain words.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyShown {
    /// The text.
    pub text: String,
    /// A sentence a line.
    pub explained: Vec<String>,
}

impl PolicyShown {
    /// A policy with its text.
    pub fn of(text: String, policy: &Policy) -> Self {
        let explained = [policy.explain(), judge::demands(policy)].concat();
        Self { text, explained }
    }
}

/// What was published.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// The entry.
    pub seq: u64,
    /// Whether it is in force for the next entry; where not, further signatures are needed.
    pub in_force: bool,
}

/// A place to govern from.
pub struct Office<'a> {
    /// Clock, keys and chance.
    pub world: &'a World,
    /// The repository.
    pub repository: &'a Repository,
    /// The ledger's ref.
    pub ledger: &'a RefName,
    /// The key to sign with.
    pub key: Option<&'a KeySource>,
}

impl Office<'_> {
    /// What replay says is in force.
    ///
    /// # Errors
    /// Where the ledger cannot be replayed, or has no sound genesis.
    pub fn in_force(&self) -> Result<InForce, Error> {
        let mut request = Request::new(Question::Ledger);
        request.remember = Remember::No;
        let replayed = replay::verify(self.world, self.repository, self.ledger, &request)?;
        replayed.outcome.in_force.ok_or(Error::NothingInForce)
    }

    /// The policy in force.
    ///
    /// # Errors
    /// As [`Office::in_force`], and where its entry cannot be read.
    pub fn policy(&self) -> Result<Shown<PolicyShown>, Error> {
        let in_force = self.in_force()?;
        let seq = in_force.policy_mark.seq;
        let holder = self.brought(seq, "policy")?;
        let text = holder
            .get("text")
            .and_then(|text| text.as_str())
            .ok_or(Error::NoText {
                seq,
                wanted: "policy",
            })?;
        let content = PolicyShown::of(text.to_owned(), &in_force.policy);
        Ok(Shown { seq, content })
    }

    /// The roster in force, as a file for `publish` holds it.
    ///
    /// # Errors
    /// As [`Office::in_force`].
    pub fn roster(&self) -> Result<Shown<Roster>, Error> {
        let seq = self.in_force()?.roster_mark.seq;
        let mut roster = self.brought(seq, "roster")?;
        roster.remove("previous");
        let content = serde_json::from_value(Value::Object(roster)).map_err(|_| Error::NoText {
            seq,
            wanted: "roster",
        })?;
        Ok(Shown { seq, content })
    }

    /// What the entry at `seq` brought: its predicate, or that part of a genesis.
    fn brought(&self, seq: u64, wanted: &'static str) -> Result<Map<String, Value>, Error> {
        let stored = Stored::read(self.repository, self.ledger)?.ok_or(Error::NothingInForce)?;
        let entry = show::show(&stored, &Target::Seq(seq))?.into_iter().next();
        let Some(Content::Statement(statement)) = entry.map(|entry| entry.content) else {
            return Err(Error::NoText { seq, wanted });
        };
        let mut predicate = statement.predicate;
        Ok(match predicate.remove(wanted) {
            Some(Value::Object(part)) => part,
            _ => predicate,
        })
    }

    /// Publishes a policy.
    ///
    /// # Errors
    /// Where it does not read, is in force already, or the ledger would refuse it.
    pub fn publish_policy(&self, text: String, on: BuildsOn) -> Result<Published, Error> {
        let in_force = self.in_force()?;
        let before = self.brought(in_force.policy_mark.seq, "policy")?;
        let before = before
            .get("extends")
            .and_then(|extends| serde_json::from_value::<Extends>(extends.clone()).ok());
        let mut policy = PolicyText::new(text);
        policy.extends = match on {
            BuildsOn::AsBefore => before.clone(),
            BuildsOn::Nothing => None,
            BuildsOn::This(extends) => Some(extends),
        };
        Policy::from_predicate(&policy)?;
        if policy.digest == in_force.policy_digest && policy.extends == before {
            return Err(Error::Unchanged);
        }
        let recorder = self.recorder()?;
        policy.previous = Some(replaced(&recorder, in_force.previous.policy));
        let statement = Statement::of(vec![recorder.subject()], &policy)?;
        let appended = recorder.govern("policy", statement)?;
        self.published(&appended, |state| state.policy_mark.seq)
    }

    /// Publishes a roster; what it replaces is filled in here.
    ///
    /// # Errors
    /// Where it breaks its rules, or the ledger would refuse it.
    pub fn publish_roster(&self, mut roster: Roster) -> Result<Published, Error> {
        let in_force = self.in_force()?;
        let recorder = self.recorder()?;
        roster.previous = Some(replaced(&recorder, in_force.previous.roster));
        crate::roster::Roster::from_predicate(&roster)?;
        let statement = Statement::of(vec![recorder.subject()], &roster)?;
        let appended = recorder.govern("roster", statement)?;
        self.published(&appended, |state| state.roster_mark.seq)
    }

    fn recorder(&self) -> Result<Recorder<'_>, Error> {
        Ok(Recorder::open(
            self.world,
            self.repository,
            self.ledger,
            self.key,
            "HEAD",
        )?)
    }

    fn published(
        &self,
        appended: &Appended,
        mark: impl Fn(&InForce) -> u64,
    ) -> Result<Published, Error> {
        let seq = appended.seqs.first().copied().unwrap_or_default();
        Ok(Published {
            seq,
            in_force: mark(&self.in_force()?) == seq,
        })
    }
}

/// What a policy that is published builds on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildsOn {
    /// What the one in force builds on.
    AsBefore,
    /// Nothing.
    Nothing,
    /// A policy of another ledger's.
    This(Extends),
}

/// What is to be added to a roster: a new person, or keys and roles for one that is known.
#[derive(Clone, Debug)]
pub struct Addition {
    /// Who.
    pub id: PersonId,
    /// Of which kind; needed for a new person.
    pub kind: Option<PersonKind>,
    /// Who answers for an agent.
    pub operator: Option<PersonId>,
    /// Roles to give.
    pub roles: Vec<Role>,
    /// Keys to add.
    pub keys: Vec<PublicKey>,
    /// Addresses that the person commits under.
    pub emails: Vec<String>,
    /// What forges call the person.
    pub logins: Vec<Login>,
}

/// Takes a key from whoever has it, for good.
///
/// # Errors
/// Where it is nobody's.
pub fn revoke(roster: &mut Roster, revocation: Revocation) -> Result<(), Error> {
    let id = revocation.key;
    let whole = roster.whole().map_err(predicate::Error::from)?;
    let mut keys = whole.persons.iter().flat_map(|person| &person.keys);
    if !keys.any(|key| key.0.id() == id) {
        return Err(Error::NobodysKey { key: id });
    }
    // One that the extended roster gave goes by the revocation alone.
    for person in &mut roster.persons {
        person.keys.retain(|key| key.0.id() != id);
    }
    roster.revocations.push(revocation);
    Ok(())
}

/// Adds a person, or keys and roles to one that is known.
///
/// # Errors
/// Where a new person's kind is not said, or nothing would change.
pub fn add(roster: &mut Roster, addition: Addition) -> Result<(), Error> {
    let before = roster.clone();
    let at = match roster
        .persons
        .iter()
        .position(|person| person.id == addition.id)
    {
        Some(at) => at,
        None => {
            let kind = addition.kind.ok_or_else(|| Error::NoKind {
                id: addition.id.clone(),
            })?;
            roster.persons.push(Person {
                id: addition.id,
                kind,
                operator: addition.operator,
                org: None,
                roles: Vec::new(),
                keys: Vec::new(),
                oidc: Vec::new(),
                git_identities: Vec::new(),
                logins: Vec::new(),
            });
            roster.persons.len() - 1
        }
    };
    let person = &mut roster.persons[at];
    for role in addition.roles {
        if !person.roles.contains(&role) {
            person.roles.push(role);
        }
    }
    for email in addition.emails {
        let identity = GitIdentity { email };
        if !person.git_identities.contains(&identity) {
            person.git_identities.push(identity);
        }
    }
    for login in addition.logins {
        if !person.logins.contains(&login) {
            person.logins.push(login);
        }
    }
    for key in addition.keys {
        if !person.keys.iter().any(|known| known.0 == key) {
            person.keys.push(Key(key));
        }
    }
    if *roster == before {
        Err(Error::Unchanged)
    } else {
        Ok(())
    }
}

/// Takes a person out.
///
/// # Errors
/// Where there is no such person.
pub fn remove(roster: &mut Roster, id: &PersonId) -> Result<(), Error> {
    let before = roster.persons.len();
    roster.persons.retain(|person| person.id != *id);
    if roster.persons.len() == before {
        Err(Error::NoPerson { id: id.clone() })
    } else {
        Ok(())
    }
}

fn replaced(recorder: &Recorder<'_>, attestation: crate::digest::Sha256) -> Reference {
    Reference {
        origin: recorder.origin().to_string(),
        attestation,
    }
}
