//! roster v0.1: which keys and identities belong to which person, and what each person may do.
//!
//! Identity is a person, not a key: k signatures of one person count once. A key's validity is a range of
//! seq, given by the entries that add and remove it, never by claimed time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::{shortened, text_value};
use super::{Error, Key, Predicate, Reference, sha256_text};
use crate::canonical;
use crate::digest::Sha256;
use crate::signing::KeyId;

/// A roster as it stands in the ledger: always the whole of it, never a change to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Who is known.
    pub persons: Vec<Person>,
    /// Keys that are no longer good, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<Revocation>,
    /// A roster published elsewhere that this one builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Extends>,
    /// The roster that this one replaces; none in a genesis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Reference>,
}

/// One person: a human, a service, or an agent with a human operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// What the person is called in this ledger, for good.
    pub id: PersonId,
    /// What kind of person.
    pub kind: PersonKind,
    /// The human who answers for an agent; agents have one, nobody else has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<PersonId>,
    /// The organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// What the person may do; see [`Role`].
    pub roles: Vec<Role>,
    /// The keys the person signs with.
    pub keys: Vec<Key>,
    /// Identities for keyless signatures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oidc: Vec<Oidc>,
    /// What git calls the person. A claim of the committer's, no proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub git_identities: Vec<GitIdentity>,
    /// What forges call the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logins: Vec<Login>,
}

/// What kind of person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonKind {
    /// A human being.
    Human,
    /// A machine that does as configured: a CI system, a bot.
    Service,
    /// A machine that decides: an AI agent. Never counts as a human.
    Agent,
}

/// A keyless identity: an issuer, and what its certificates say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The OIDC issuer's URL.
    pub issuer: String,
    /// The certificate's subject alternative name. Either this or `subject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub san: Option<String>,
    /// The token's subject. Either this or `san`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Whether that text is a pattern (a regular expression over the whole) and not a literal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pattern: bool,
}

/// An address that commits are made under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitIdentity {
    /// The address.
    pub email: String,
}

/// A name on a forge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The forge's host name.
    pub forge: String,
    /// The name there.
    pub login: String,
}

/// A key that is no longer good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Its id.
    pub key: KeyId,
    /// Why.
    pub reason: RevocationReason,
    /// Seq from which on what the key signed is in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect_since: Option<u64>,
}

/// Why a key is no longer good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationReason {
    /// Somebody else has it, or may have.
    Compromised,
    /// Its person left.
    Left,
    /// Another key took its place.
    Superseded,
}

/// A document published in another ledger, an organisation's: what this one builds on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extends {
    /// The ledger's origin.
    pub origin: String,
    /// SHA-256 of the document, written `sha256:<hex>`.
    #[serde(with = "sha256_text")]
    pub digest: Sha256,
    /// The document itself, without which nothing is built on it: it is only named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl Extends {
    /// A document of another ledger's.
    pub fn new(origin: impl Into<String>, document: impl Into<String>) -> Self {
        let document = document.into();
        Self {
            origin: origin.into(),
            digest: Sha256::of(document.as_bytes()),
            document: Some(document),
        }
    }

    /// Whether the digest is that of the document, where it is there.
    pub(super) fn is_whole(&self) -> bool {
        let is_its = |document: &String| Sha256::of(document.as_bytes()) == self.digest;
        self.document.as_ref().is_none_or(is_its)
    }
}

/// Name of a person: 1 to 128 characters of `[A-Za-z0-9@._/-]`. It is also the name of the person's
/// signatures in signed notes, which is why it has no plus sign and no space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

/// What a person may do: 1 to 64 characters of `[a-z0-9-]`. A policy gives roles their meaning; the
/// constants here are those that the ledger itself knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Role(String);

/// Why a text is no person's or role's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// No person's name.
    #[error("person id {found:?} is not 1 to 128 characters of [A-Za-z0-9@._/-]")]
    Person {
        /// The text.
        found: String,
    },
    /// No role's name.
    #[error("role {found:?} is not 1 to 64 characters of [a-z0-9-]")]
    Role {
        /// The text.
        found: String,
    },
}

/// Why a roster is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// Nobody is in it: nobody could append or mend it.
    #[error("roster without a person")]
    Nobody,
    /// Two persons of one name.
    #[error("person {person} stands there twice")]
    RepeatedPerson {
        /// The name.
        person: PersonId,
    },
    /// An agent nobody answers for.
    #[error("agent {person} has no operator")]
    AgentWithoutOperator {
        /// The agent.
        person: PersonId,
    },
    /// Only agents have operators.
    #[error("{person} has an operator but is no agent")]
    OperatorOfNonAgent {
        /// The person.
        person: PersonId,
    },
    /// Only a human of the same roster can answer for an agent.
    #[error("operator {operator} of agent {person} is no human of this roster")]
    OperatorNotHuman {
        /// The agent.
        person: PersonId,
        /// The operator it names.
        operator: PersonId,
    },
    /// One key, one person, once.
    #[error("key {key} of {person} stands there twice; it is also of {other}")]
    RepeatedKey {
        /// Its id.
        key: KeyId,
        /// Who has it second.
        person: PersonId,
        /// Who has it first.
        other: PersonId,
    },
    /// One role twice.
    #[error("role {role} of {person} stands there twice")]
    RepeatedRole {
        /// The role.
        role: Role,
        /// The person.
        person: PersonId,
    },
    /// A key cannot be good and revoked.
    #[error("key {key} is revoked and still a key of {person}")]
    RevokedKeyInUse {
        /// Its id.
        key: KeyId,
        /// Whose it is.
        person: PersonId,
    },
    /// One key revoked twice.
    #[error("key {key} is revoked twice")]
    RepeatedRevocation {
        /// Its id.
        key: KeyId,
    },
    /// A keyless identity names exactly one of san and subject, and nothing in it is empty.
    #[error("an oidc identity of {person} needs an issuer and exactly one of san and subject")]
    Oidc {
        /// The person.
        person: PersonId,
    },
    /// A keyless identity's pattern is a regular expression.
    #[error("an oidc identity of {person} is a pattern, and no regular expression")]
    OidcPattern {
        /// The person.
        person: PersonId,
    },
    /// What it extends has another digest.
    #[error("the roster that it extends is not the one of the digest that it names")]
    ExtendedDigest,
    /// What it extends is no roster.
    #[error("the roster that it extends is none: {reason}")]
    Extended {
        /// Why.
        reason: String,
    },
    /// One may build on another, and not further.
    #[error("the roster that it extends extends another")]
    ExtendedTwice,
    /// A person who is somebody else in the roster that is extended.
    #[error("{person} is of another kind, operator or organisation in the roster that is extended")]
    ExtendedPerson {
        /// Who.
        person: PersonId,
    },
    /// An address or login that is empty.
    #[error("an empty git identity or login of {person}")]
    EmptyIdentity {
        /// The person.
        person: PersonId,
    },
}

impl Predicate for Roster {
    const TYPE: &'static str = "https://git-docket.dev/roster/v0.1";

    fn validate(&self) -> Result<(), Error> {
        Ok(self.whole()?.check()?)
    }
}

impl Roster {
    /// The roster with everybody of the one that it extends. Of a person who stands in both, what stands here is added:
    /// roles, keys and identities; kind, operator and organisation must be the same. A key that either revokes is nobody's; from
    /// when on it was suspect, only this ledger's own revocation says.
    ///
    /// # Errors
    /// Where the document is another than its digest says, is no roster, extends one itself, or a person differs.
    pub fn whole(&self) -> Result<Cow<'_, Self>, RosterError> {
        let Some(extends) = &self.extends else {
            return Ok(Cow::Borrowed(self));
        };
        if !extends.is_whole() {
            return Err(RosterError::ExtendedDigest);
        }
        let Some(document) = &extends.document else {
            return Ok(Cow::Borrowed(self));
        };
        let base: Self = canonical::parse_strict(document.as_bytes())
            .map_err(|error| error.to_string())
            .and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
            .map_err(|reason| RosterError::Extended { reason })?;
        if base.extends.is_some() {
            return Err(RosterError::ExtendedTwice);
        }
        base.check()?;
        let mut whole = base;
        // That ledger counts its own entries.
        whole
            .revocations
            .iter_mut()
            .for_each(|one| one.suspect_since = None);
        whole.extends = self.extends.clone();
        whole.previous = self.previous.clone();
        for person in &self.persons {
            match whole.persons.iter_mut().find(|known| known.id == person.id) {
                None => whole.persons.push(person.clone()),
                Some(known) => known.add(person)?,
            }
        }
        for revocation in &self.revocations {
            whole
                .revocations
                .retain(|known| known.key != revocation.key);
            whole.revocations.push(revocation.clone());
        }
        let revoked: BTreeSet<KeyId> = whole.revocations.iter().map(|one| one.key).collect();
        for person in &mut whole.persons {
            person.keys.retain(|key| !revoked.contains(&key.0.id()));
        }
        Ok(Cow::Owned(whole))
    }

    fn check(&self) -> Result<(), RosterError> {
        if self.persons.is_empty() {
            return Err(RosterError::Nobody);
        }
        let mut kinds = BTreeMap::new();
        for Person { id, kind, .. } in &self.persons {
            if kinds.insert(id, *kind).is_some() {
                return Err(RosterError::RepeatedPerson { person: id.clone() });
            }
        }
        let mut revoked = BTreeSet::new();
        for Revocation { key, .. } in &self.revocations {
            if !revoked.insert(*key) {
                return Err(RosterError::RepeatedRevocation { key: *key });
            }
        }
        let mut owners: BTreeMap<KeyId, &PersonId> = BTreeMap::new();
        for person in &self.persons {
            person.check(&kinds)?;
            for key in person.keys.iter().map(|key| key.0.id()) {
                if revoked.contains(&key) {
                    let person = person.id.clone();
                    return Err(RosterError::RevokedKeyInUse { key, person });
                }
                if let Some(other) = owners.insert(key, &person.id) {
                    let (person, other) = (person.id.clone(), other.clone());
                    return Err(RosterError::RepeatedKey { key, person, other });
                }
            }
        }
        Ok(())
    }
}

impl Person {
    // Adds what else is said of the same person.
    fn add(&mut self, more: &Self) -> Result<(), RosterError> {
        fn union<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) {
            for one in more {
                if !known.contains(one) {
                    known.push(one.clone());
                }
            }
        }
        let is_other =
            |one: &Option<String>, other: &Option<String>| other.is_some() && one != other;
        if self.kind != more.kind
            || (more.operator.is_some() && self.operator != more.operator)
            || is_other(&self.org, &more.org)
        {
            let person = self.id.clone();
            return Err(RosterError::ExtendedPerson { person });
        }
        union(&mut self.roles, &more.roles);
        union(&mut self.keys, &more.keys);
        union(&mut self.oidc, &more.oidc);
        union(&mut self.git_identities, &more.git_identities);
        union(&mut self.logins, &more.logins);
        Ok(())
    }

    fn check(&self, kinds: &BTreeMap<&PersonId, PersonKind>) -> Result<(), RosterError> {
        let person = || self.id.clone();
        match (self.kind, &self.operator) {
            (PersonKind::Agent, None) => {
                return Err(RosterError::AgentWithoutOperator { person: person() });
            }
            (PersonKind::Agent, Some(operator)) => {
                if kinds.get(operator) != Some(&PersonKind::Human) {
                    let operator = operator.clone();
                    return Err(RosterError::OperatorNotHuman {
                        person: person(),
                        operator,
                    });
                }
            }
            (_, Some(_)) => return Err(RosterError::OperatorOfNonAgent { person: person() }),
            (_, None) => {}
        }
        let mut roles = BTreeSet::new();
        if let Some(role) = self.roles.iter().find(|role| !roles.insert(*role)) {
            let role = role.clone();
            return Err(RosterError::RepeatedRole {
                role,
                person: person(),
            });
        }
        if !self.oidc.iter().all(Oidc::is_whole) {
            return Err(RosterError::Oidc { person: person() });
        }
        let empty_email = self.git_identities.iter().any(|i| i.email.is_empty());
        let empty_login = self
            .logins
            .iter()
            .any(|l| l.forge.is_empty() || l.login.is_empty());
        if empty_email || empty_login {
            return Err(RosterError::EmptyIdentity { person: person() });
        }
        Ok(())
    }
}

impl Oidc {
    fn is_whole(&self) -> bool {
        let one = match (&self.san, &self.subject) {
            (Some(text), None) | (None, Some(text)) => !text.is_empty(),
            _ => false,
        };
        one && !self.issuer.is_empty()
    }
}

impl PersonId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Role {
    /// May append to the ledger.
    pub const WRITER: &str = "writer";
    /// A service that says what others did (`assertedBy: observed`).
    pub const OBSERVER: &str = "observer";
    /// Keeps the ledger; what that means, a policy says. Roster and policy are changed by root keys.
    pub const MAINTAINER: &str = "maintainer";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let good = (1..=128).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"@._/-".contains(&b));
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(IdError::Person {
                found: shortened(text),
            }),
        }
    }
}

impl FromStr for Role {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        match (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(IdError::Role {
                found: shortened(text),
            }),
        }
    }
}

text_value!(PersonId, IdError);
text_value!(Role, IdError);

impl fmt::Display for PersonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Human => "human",
            Self::Service => "service",
            Self::Agent => "agent",
        })
    }
}
