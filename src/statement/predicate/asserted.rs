//! What our own predicates have in common: who acted, who says so, and what is referred to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::shortened;
use super::words::words;
use super::{Error, Login, PersonId, sha256_text};
use crate::digest::{ObjectId, Sha256};
use crate::statement::DigestSet;

/// Who acted and on whose word it stands: the fields `actor`, `assertedBy` and `observer`.
///
/// *self*: the signature must belong to the actor, who is named by person id. *observed*: it must belong to
/// a roster service with the role `observer`, which `observer` names with its source, and the actor may be
/// named by login. Whose the signature is, the verifier judges; the rest, [`validate`](Self::validate).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asserted {
    /// Who did it.
    pub actor: Who,
    /// Whose word it is.
    pub asserted_by: AssertedBy,
    /// Who saw it, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observer: Option<Observer>,
}

words! {
    /// Whose word a statement is.
    pub enum AssertedBy {
        /// The actor's own.
        SelfMade = "self",
        /// A service's that saw it.
        Observed = "observed",
    }
}

/// Who saw something, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observer {
    /// The roster service.
    pub id: PersonId,
    /// What it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ObservedSource>,
    /// Where it stood, as an observer of an AI agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// What an observer read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedSource {
    /// The forge's host name.
    pub forge: String,
    /// Where it can be seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of the record that was read, exactly as it came.
    pub digest: Sha256Text,
}

words! {
    /// Where an observer of an AI agent stood.
    pub enum Position {
        /// The agent says it of itself.
        InsideAgent = "inside-agent",
        /// What runs the agent says it.
        Harness = "harness",
        /// Something that the agent cannot reach says it.
        OutsideAgent = "outside-agent",
    }
}

/// A person as evidence names one: by roster id (a string), else by login at a forge or by the address in a
/// commit (an object). Which person a login or an address is, the roster in force says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Who {
    /// `"ada@example.com"`
    Person(PersonId),
    /// `{"forge":"github.com","login":"ada"}`
    Login(Login),
    /// `{"email":"ada@example.com"}`
    Email {
        /// The address, as the commit has it.
        email: String,
    },
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let who = match Value::deserialize(deserializer)? {
            Value::String(id) => return id.parse().map(Self::Person).map_err(D::Error::custom),
            Value::Object(who) => who,
            _ => serde_json::Map::new(),
        };
        let text = |name| {
            who.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        match (who.len(), text("forge"), text("login"), text("email")) {
            (2, Some(forge), Some(login), _) => Ok(Self::Login(Login {
                forge: forge.to_owned(),
                login: login.to_owned(),
            })),
            (1, _, _, Some(email)) => Ok(Self::Email {
                email: email.to_owned(),
            }),
            _ => Err(D::Error::custom(
                "a person is an id, {\"forge\",\"login\"} or {\"email\"}, none of them empty",
            )),
        }
    }
}

impl From<PersonId> for Who {
    fn from(id: PersonId) -> Self {
        Self::Person(id)
    }
}

/// As it is typed: `ada@example.com` a person, `github.com:ada` a login, `<ada@example.com>` an address.
impl std::str::FromStr for Who {
    type Err = super::IdError;

    fn from_str(text: &str) -> Result<Self, super::IdError> {
        if let Some(email) = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'))
            && !email.is_empty()
        {
            return Ok(Self::Email {
                email: email.to_owned(),
            });
        }
        match text.split_once(':') {
            Some((forge, login)) if !forge.is_empty() && !login.is_empty() => {
                Ok(Self::Login(Login {
                    forge: forge.to_owned(),
                    login: login.to_owned(),
                }))
            }
            _ => text.parse().map(Self::Person),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(id) => write!(f, "{id}"),
            Self::Login(login) => write!(f, "{} at {}", login.login, login.forge),
            Self::Email { email } => write!(f, "<{email}>"),
        }
    }
}

impl Asserted {
    /// A person's own word.
    pub fn by(actor: PersonId) -> Self {
        Self {
            actor: Who::Person(actor),
            asserted_by: AssertedBy::SelfMade,
            observer: None,
        }
    }

    /// Whether the named ones are there: a person id for *self*, an observer with its source for *observed*.
    pub fn validate(&self) -> Result<(), Error> {
        match (self.asserted_by, &self.actor, &self.observer) {
            (AssertedBy::SelfMade, Who::Person(_), _) => Ok(()),
            (AssertedBy::SelfMade, ..) => Err(Error::Broken {
                rule: "assertedBy self: actor is named by person id",
            }),
            (
                AssertedBy::Observed,
                _,
                Some(Observer {
                    source: Some(_), ..
                }),
            ) => Ok(()),
            (AssertedBy::Observed, ..) => Err(Error::Broken {
                rule: "assertedBy observed: observer is there, with its source",
            }),
        }
    }

    /// The same, and that whom the predicate names by another word is the actor.
    pub(super) fn validate_as(&self, who: &Who, rule: &'static str) -> Result<(), Error> {
        self.validate()?;
        match *who == self.actor {
            true => Ok(()),
            false => Err(Error::Broken { rule }),
        }
    }
}

/// SHA-256 written `sha256:<64 lower-case hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256Text(#[serde(with = "sha256_text")] pub Sha256);

/// A commit and its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
}

/// What a reviewer or an approver looked at: the difference from `base` to `head`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Covered {
    /// The commit it was held against; none where a whole revision was judged and no change to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ObjectId>,
    /// The commit that was judged.
    pub head: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// SHA-256 over the difference between the two trees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff_digest: Option<Sha256Text>,
}

/// A file, an image, a package: something built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltArtifact {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub digest: DigestSet,
}

/// A document elsewhere: a ticket, an incident. Its digest stands for what was there when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it is.
    pub uri: String,
    /// SHA-256 of a snapshot of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Text>,
}

/// A program that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// Where something runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What people call it; a policy's rules name it so.
    pub name: String,
    /// How near to the public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Whose machines they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

words! {
    /// How near to the public an environment is.
    pub enum Tier {
        /// Development.
        Dev = "dev",
        /// Tests.
        Test = "test",
        /// Staging.
        Stage = "stage",
        /// Production.
        Prod = "prod",
    }
}

impl Environment {
    /// An environment of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            tier: None,
            provider: None,
            region: None,
            cluster: None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        super::not_empty("environment.name", &self.name)
    }
}

/// `Err` unless it is a full ref name.
pub(super) fn full_ref(name: &str) -> Result<(), Error> {
    let good = name.starts_with("refs/") && !name.contains(|c: char| c.is_control() || c == ' ');
    match good {
        true => Ok(()),
        false => Err(Error::Ref {
            found: shortened(name),
        }),
    }
}

/// `Err` if the second time is before the first.
pub(super) fn in_order(
    first: (&'static str, Option<crate::timestamp::Timestamp>),
    second: (&'static str, Option<crate::timestamp::Timestamp>),
) -> Result<(), Error> {
    match (first.1, second.1) {
        (Some(from), Some(until)) if until < from => Err(Error::Order {
            first: first.0,
            second: second.0,
        }),
        _ => Ok(()),
    }
}
