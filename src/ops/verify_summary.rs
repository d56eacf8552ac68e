//! Verify-summary: take another verifier's word, where it is theirs and says enough. No repository, no network.
//!
//! First the container, as `verify-bundle` judges one, or a bare DSSE envelope by its key; then the summary in it, as
//! [`crate::verify::summary`] does.

use serde::Serialize;

use super::World;
use super::verify_bundle::{self, Error, Refused};
use crate::envelope::{Alphabet, Envelope};
use crate::finding::chain;
use crate::sigstore::{self, Refusal, Signer};
use crate::statement::Statement;
use crate::timestamp::Timestamp;
use crate::verify::summary::{self, Wanted};

/// The verdict over a summary.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refused>,
    /// The type of the summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<&'static str>,
    /// What holds, as far as the verifier is trusted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// When the summary was made, as it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Timestamp>,
}

/// Judges.
///
/// # Errors
/// Where we could not look. A summary that is refused, malformed ones among them, is a verdict.
pub fn verify_summary(
    world: &World,
    container: &verify_bundle::Request,
    wanted: &Wanted,
) -> Result<Judged, Error> {
    let statement = match statement(world, container)? {
        Ok(statement) => statement,
        Err(refusal) => return Ok(Judged::refused(refusal.code(), refusal.to_string())),
    };
    Ok(match summary::judge(&statement, wanted) {
        Ok(accepted) => Judged {
            verdict: "pass",
            refusal: None,
            predicate_type: Some(accepted.predicate_type),
            holds: accepted.holds,
            claimed: accepted.claimed,
        },
        Err(refusal) => Judged::refused(refusal.code(), chain(&refusal)),
    })
}

impl Judged {
    fn refused(code: &'static str, reason: String) -> Self {
        Self {
            verdict: "fail",
            refusal: Some(Refused { code, reason }),
            predicate_type: None,
            holds: Vec::new(),
            claimed: None,
        }
    }
}

fn statement(
    world: &World,
    container: &verify_bundle::Request,
) -> Result<Result<Statement, Refusal>, Error> {
    let bytes = verify_bundle::read(&container.bundle)?;
    let bare = crate::canonical::parse_strict(&bytes)
        .ok()
        .filter(|value| value.get("payloadType").is_some())
        .map(|value| Envelope::from_value(value, Alphabet::Either));
    let Some(Ok(envelope)) = bare else {
        let verified = verify_bundle::verified(world, container)?;
        return Ok(verified.and_then(|verified| {
            verified.statement.ok_or(Refusal::PayloadType {
                found: String::new(),
            })
        }));
    };
    let artifact = verify_bundle::artifact(&container.artifact)?;
    Ok(match verify_bundle::signer(&container.signer)? {
        Signer::Key(key) => sigstore::verify_bare(&envelope, &artifact, &key),
        // A bare envelope has no certificate that could hold an identity.
        Signer::Identity(_) => Err(Refusal::NoKeyGiven),
    })
}
