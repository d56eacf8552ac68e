//! `org publish`: an organisation's roster and policy, brought to many repositories.
//!
//! In each repository the roster and the policy in force stay what they are, and build from now on on the organisation's
//! (`extends`). For each of the two:
//! 1. where what is in force builds on exactly this, nothing is done;
//! 2. where an entry that says so waits for further signatures, nothing is done either: it is said;
//! 3. else it is published, as `roster publish` and `policy publish` do it: rehearsed, and not appended where replay
//!    would refuse it.
//!
//! So what is done is read from the ledgers alone, and whoever is interrupted starts again.

use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use super::Clones;
use super::names::{Name, Place};
use crate::finding::chain;
use crate::git::{RefName, Repository};
use crate::ledger::Origin;
use crate::ops::govern::{self, BuildsOn, Office, Published};
use crate::ops::key::KeySource;
use crate::ops::{Explain, World, fetch, log, push};
use crate::report::entry::Content;
use crate::statement::predicate::{Extends, Roster};
use crate::statement::{Step, StepError};
use crate::store::{self, Stored};

/// What is brought, and how.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The organisation's roster.
    pub roster: Option<Roster>,
    /// The organisation's policy, its text.
    pub policy: Option<String>,
    /// The ledger that the two are from.
    pub origin: &'a Origin,
    /// The ledgers' ref.
    pub ledger: &'a RefName,
    /// The key to sign with.
    pub key: Option<&'a KeySource>,
    /// Whether folders too are brought up to date before, and pushed after; clones always are.
    pub push: bool,
    /// Where clones are kept.
    pub clones: Clones,
}

/// What became of all.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// One for each repository, by name.
    pub repositories: Vec<Told>,
    /// In how many nothing was left to do.
    pub unchanged: usize,
    /// In how many something waits for further signatures.
    pub waiting: usize,
    /// How many could not be brought there.
    pub failed: usize,
}

/// What became of one repository.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its name as it was given; hostile text.
    pub repository: String,
    /// What became of the roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roster: Option<Done>,
    /// What became of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Done>,
    /// How many entries landed on the remote, where it was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landed: Option<u64>,
    /// Why it went no further; hostile text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What became of a roster or a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Done {
    /// It was in force already.
    Unchanged,
    /// It is in force from now on.
    Published {
        /// Its entry.
        seq: u64,
    },
    /// It waits for further signatures.
    Waiting {
        /// Its entry.
        seq: u64,
    },
}

/// Why one repository was left.
#[derive(Debug, Error)]
enum Error {
    #[error(transparent)]
    Open(#[from] super::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Govern(#[from] govern::Error),
    #[error(transparent)]
    Push(#[from] push::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("{pending} entries are not on the remote: others were faster for too long")]
    Pending { pending: u64 },
}

impl Explain for Error {
    fn remedy(&self) -> Option<String> {
        match self {
            Self::Open(error) => error.remedy(),
            Self::Fetch(error) => error.remedy(),
            Self::Govern(error) => error.remedy(),
            Self::Push(error) => error.remedy(),
            Self::Pending { .. } => Some("the same command again goes on from here".into()),
            _ => None,
        }
    }
}

/// Publishes to all of these. What goes wrong in one stands in its result.
pub fn publish(world: &World, names: &[Name], request: &Request<'_>) -> Outcome {
    let mut repositories = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let mut told = Told {
            repository: name.to_string(),
            roster: None,
            policy: None,
            landed: None,
            error: None,
            remedy: None,
        };
        if let Err(error) = one(world, name, request, &mut told) {
            told.error = Some(chain(&error));
            told.remedy = error.remedy();
        }
        repositories.push(told);
        (world.progress)("repositories", at + 1, names.len());
    }
    let count = |is: fn(&Told) -> bool| repositories.iter().filter(|told| is(told)).count();
    Outcome {
        unchanged: count(|told| {
            told.error.is_none() && told.both().all(|done| done == Done::Unchanged)
        }),
        waiting: count(|told| told.both().any(|done| matches!(done, Done::Waiting { .. }))),
        failed: count(|told| told.error.is_some()),
        repositories,
    }
}

impl Told {
    fn both(&self) -> impl Iterator<Item = Done> {
        self.roster.into_iter().chain(self.policy)
    }
}

fn one(world: &World, name: &Name, request: &Request<'_>, told: &mut Told) -> Result<(), Error> {
    const TRIES: u32 = 40;
    let repository = request.clones.open(name)?;
    let push = request.push || matches!(name.place(), Place::Url(_));
    let fetch = fetch::Request {
        ledger: request.ledger,
        remote: None,
        limit: request.clones.limit,
    };
    if push {
        fetch::fetch(world, &repository, &fetch)?;
    }
    let office = Office {
        world,
        repository: &repository,
        ledger: request.ledger,
        key: request.key,
    };
    if let Some(roster) = &request.roster {
        let document = serde_json::to_string(roster).expect("a roster is JSON");
        told.roster = Some(bring_roster(&office, extends(request, document))?);
    }
    if let Some(text) = &request.policy {
        told.policy = Some(bring_policy(&office, extends(request, text.clone()))?);
    }
    if push {
        let request = push::Request {
            fetch,
            key: request.key,
            tries: TRIES,
            time: request.clones.limit.max(Duration::from_secs(1)),
        };
        let outcome = push::push(world, &repository, &request)?;
        told.landed = Some(outcome.landed);
        if outcome.pending > 0 {
            return Err(Error::Pending {
                pending: outcome.pending,
            });
        }
    }
    Ok(())
}

fn extends(request: &Request<'_>, document: String) -> Extends {
    Extends::new(request.origin.to_string(), document)
}

fn bring_roster(office: &Office<'_>, extends: Extends) -> Result<Done, Error> {
    let shown = office.roster()?;
    let mut roster = shown.content;
    if roster.extends.as_ref() == Some(&extends) {
        return Ok(Done::Unchanged);
    }
    if let Some(seq) = waits(
        office.repository,
        office.ledger,
        "roster",
        shown.seq,
        &extends,
    )? {
        return Ok(Done::Waiting { seq });
    }
    roster.extends = Some(extends);
    Ok(office.publish_roster(roster)?.into())
}

fn bring_policy(office: &Office<'_>, extends: Extends) -> Result<Done, Error> {
    let shown = office.policy()?;
    if let Some(seq) = waits(
        office.repository,
        office.ledger,
        "policy",
        shown.seq,
        &extends,
    )? {
        return Ok(Done::Waiting { seq });
    }
    match office.publish_policy(shown.content.text, BuildsOn::This(extends)) {
        Err(govern::Error::Unchanged) => Ok(Done::Unchanged),
        published => Ok(published?.into()),
    }
}

impl From<Published> for Done {
    fn from(published: Published) -> Self {
        let seq = published.seq;
        match published.in_force {
            true => Self::Published { seq },
            false => Self::Waiting { seq },
        }
    }
}

/// The newest entry of a governing step after the one in force that builds on this.
fn waits(
    repository: &Repository,
    ledger: &RefName,
    step: &str,
    in_force: u64,
    extends: &Extends,
) -> Result<Option<u64>, Error> {
    let Some(stored) = Stored::read(repository, ledger)? else {
        return Ok(None);
    };
    let filter = log::Filter {
        step: Some(step.parse::<Step>()?),
        ..log::Filter::default()
    };
    let mut found = None;
    log::log(&stored, &filter, |entry, _| {
        if entry.seq <= in_force {
            return ControlFlow::Break(());
        }
        if let Content::Statement(statement) = &entry.content
            && let Some(named) = statement.predicate.get("extends")
            && serde_json::from_value::<Extends>(named.clone()).is_ok_and(|named| named == *extends)
        {
            found = Some(entry.seq);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
