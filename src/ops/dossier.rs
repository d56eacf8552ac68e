//! Dossier: replay, and put one change on one page.

use super::World;
use super::judgement;
use super::report::Error;
use super::verify::{self as replay, Remember};
use crate::git::{RefName, Repository};
use crate::report::dossier::Dossier;
use crate::verify::{Keep, Question};

/// The page of one change; `None` where no entry speaks of it.
///
/// # Errors
/// Where we could not look.
pub fn dossier(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    change: &str,
) -> Result<Option<Dossier>, Error> {
    let mut request = replay::Request::new(Question::Ledger);
    request.remember = Remember::No;
    request.keep = Keep::Said;
    let outcome = replay::verify(world, repository, ledger, &request)?.outcome;
    let evidence = outcome.evidence.as_ref().ok_or(Error::NoGenesis)?;
    let model = judgement::model(repository, &outcome, evidence, None)?;
    Ok(Dossier::of(&model, change))
}
