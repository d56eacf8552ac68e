//! The mirror: the ledger's commits in a branch as well, for forges that protect branches and no notes.
//!
//! `docket.mirror` names the branch. A push moves both in one atomic push, `fetch` brings both, and here the two are
//! compared, as they were last fetched. The ledger may be ahead, by what is not pushed yet. Where the mirror has what
//! the ledger has not, either the ledger was not fetched since, or its ref was moved back on the server. A mirror that
//! was never seen says nothing, and that is a finding too.

use thiserror::Error;

use super::fetch;
use crate::digest::ObjectId;
use crate::finding::{Code, Finding};
use crate::git::transport::{Remote, Update};
use crate::git::{self, RefName, Repository};

/// Why the mirror could not be looked at.
#[derive(Debug, Error)]
pub enum Error {
    /// The setting is no branch.
    #[error("docket.mirror is {found:?}, and not a branch such as refs/heads/docket-ledger")]
    Setting {
        /// The setting.
        found: String,
    },
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
}

const BRANCHES: &str = "refs/heads/";

/// The mirror that the configuration names.
///
/// # Errors
/// Where it names no branch.
pub fn configured(repository: &Repository) -> Result<Option<RefName>, Error> {
    let Some(found) = repository.setting("docket.mirror") else {
        return Ok(None);
    };
    let name = found.parse::<RefName>().ok();
    match name.filter(|name| name.as_str().starts_with(BRANCHES)) {
        Some(name) => Ok(Some(name)),
        None => Err(Error::Setting { found }),
    }
}

/// What a push of the ledger does to the mirror: forward from where it is, and never anywhere else.
///
/// # Errors
/// Where the remote cannot be asked.
pub fn update(
    repository: &Repository,
    remote: &Remote<'_>,
    mirror: &RefName,
    held: Option<ObjectId>,
    tip: ObjectId,
) -> Result<Update, Error> {
    let there = remote.value(mirror.as_str())?;
    let behind = match there {
        Some(there) => repository.has(&there) && repository.is_ancestor(&there, &tip)?,
        None => true,
    };
    Ok(Update {
        name: mirror.to_string(),
        // One that stands elsewhere is not where it is expected, and the server takes neither.
        expected: if behind { there } else { held },
        new: Some(tip),
    })
}

/// The mirror as it is known here: the branch itself, and what each remote was seen to have of it.
///
/// # Errors
/// Where a ref cannot be read.
pub fn seen(
    repository: &Repository,
    mirror: &RefName,
) -> Result<Vec<(RefName, ObjectId)>, git::Error> {
    let branch = mirror.as_str().trim_start_matches(BRANCHES);
    let mut names = Vec::new();
    for remote in repository.remotes() {
        names.extend(format!("refs/remotes/{remote}/{branch}").parse::<RefName>());
        names.push(fetch::private_ref(&remote, mirror));
    }
    names.push(mirror.clone());
    let mut seen = Vec::new();
    for name in names {
        if let Some(there) = repository.reference(&name)? {
            seen.push((name, there));
        }
    }
    Ok(seen)
}

/// Holds the ledger at `tip` against the mirror wherever it is known here.
///
/// # Errors
/// Where a ref or the history between cannot be read.
pub fn findings(repository: &Repository, tip: &ObjectId) -> Result<Vec<Finding>, Error> {
    let Some(mirror) = configured(repository)? else {
        return Ok(Vec::new());
    };
    let seen = seen(repository, &mirror)?;
    if seen.is_empty() {
        return Ok(vec![Finding::new(Code::MirrorUnseen, mirror.to_string())]);
    }
    let mut findings = Vec::new();
    for (name, there) in seen {
        if there == *tip || repository.is_ancestor(&there, tip)? {
            continue;
        }
        let code = match repository.is_ancestor(tip, &there)? {
            true => Code::MirrorAhead,
            false => Code::MirrorMismatch,
        };
        let detail = format!("{name} is at {there}, the ledger at {tip}");
        findings.push(Finding::new(code, detail));
    }
    Ok(findings)
}
