//! Bundles of statements in a ledger: judged against every root that the reader trusts, without an identity given
//! beforehand and without a clock.
//!
//! Who may have signed is for the roster to say; here it is only found out who did. The steps are those of the module
//! above, but for these: a certificate there must be; the verified times alone say when it was, so that no present time
//! enters and the answer is the same on every day; the envelope must be the very one that was read before. Several roots
//! are tried in order, and one that lets the bundle pass is enough. Where none does, the refusal is that of the one that
//! came furthest. GitHub's root asks for no log, so it is believed about GitHub's own issuers only.

use std::fmt;
use std::sync::OnceLock;

use jiff::Timestamp as Time;

use super::certificate::{self, Names};
use super::received::{Content, Received};
use super::roots::{Roots, WellKnown};
use super::signer::Matcher;
use super::{Refusal, log, signature, times};
use crate::envelope::Envelope;
use crate::finding::chain;
use crate::statement::{PAYLOAD_TYPE, Statement, shortened};
use crate::timestamp::Timestamp;

/// The issuers of GitHub's own: for github.com, its enterprises, and GitHub Enterprise Cloud with data residency.
const GITHUB_ISSUERS: &str =
    r"https://token\.actions\.(githubusercontent\.com(/[A-Za-z0-9_.-]+)?|[a-z0-9-]+\.ghe\.com)";

/// Every root that a reader of ledgers trusts, with what each has verified.
pub struct Trust {
    given: Option<Vec<Root>>,
    built_in: OnceLock<Vec<Root>>,
}

/// A root, and the issuers for which it is believed; all where there is none.
struct Root(Roots, Option<Matcher>);

/// A statement that somebody's certificate vouches for.
#[derive(Debug, Clone)]
pub struct Vouched {
    /// What was signed.
    pub statement: Statement,
    /// What the certificate says of the signer.
    pub names: Names,
    /// Verified times at which the signature was there already, rising; at least one.
    pub times: Vec<Timestamp>,
}

impl Trust {
    /// The public-good root and GitHub's, as they come with the program.
    pub fn built_in() -> Self {
        Self {
            given: None,
            built_in: OnceLock::new(),
        }
    }

    /// These, and no others.
    pub fn of(roots: Vec<Roots>) -> Self {
        Self {
            given: Some(roots.into_iter().map(|root| Root(root, None)).collect()),
            built_in: OnceLock::new(),
        }
    }

    /// Judges the bundle that holds this envelope.
    ///
    /// # Errors
    /// Why no root lets it pass.
    pub fn verify(&self, bundle: &[u8], envelope: &Envelope) -> Result<Vouched, Refusal> {
        let received = Received::parse(bundle)?;
        match received.content() {
            Content::Envelope { pae, signature, .. } => {
                let same = |read: &crate::envelope::Signature| read.sig == signature.as_bytes();
                if pae != envelope.pae() || !envelope.signatures().iter().all(same) {
                    return Err(Refusal::EnvelopeMismatch);
                }
            }
            Content::Message { .. } => return Err(Refusal::NoStatement),
        }
        let mut furthest = Refusal::NoVerifiedTime;
        let mut steps = None;
        for root in self.roots() {
            match root.verify(&received) {
                Ok(vouched) => return Ok(vouched),
                Err(refusal) => {
                    let came = Refusal::CODES
                        .iter()
                        .position(|code| *code == refusal.code());
                    if came > steps {
                        (furthest, steps) = (refusal, came);
                    }
                }
            }
        }
        Err(furthest)
    }

    // Read when the first bundle asks for them: most ledgers hold none.
    fn roots(&self) -> &[Root] {
        let read = || {
            let root = |which, issuers| {
                let roots =
                    Roots::well_known(which).expect("a test reads the roots of the program");
                Root(roots, issuers)
            };
            let github = Matcher::pattern(GITHUB_ISSUERS).expect("a test reads this pattern");
            vec![
                root(WellKnown::PublicGood, None),
                root(WellKnown::GitHub, Some(github)),
            ]
        };
        match &self.given {
            Some(given) => given,
            None => self.built_in.get_or_init(read),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.as_ref().map(Vec::len);
        f.debug_struct("Trust").field("given", &given).finish()
    }
}

impl Root {
    fn verify(&self, received: &Received) -> Result<Vouched, Refusal> {
        let Self(roots, issuers) = self;
        let leaf = received.certificate().ok_or(Refusal::NoKeyGiven)?;
        let certificate = certificate::read(leaf)?;
        let key = certificate.public_key();
        if received.entries().is_empty() && roots.has_logs() {
            return Err(Refusal::LogEntryMissing);
        }
        for entry in received.entries() {
            log::belongs(entry, received, None, key)?;
            log::included(entry, roots, Time::MAX)?;
        }
        let times = times::verified(received, roots, Time::MAX)?;
        log::keys_in_window(received.entries(), roots, &times.times)?;
        certificate::holds(received, &certificate, roots, &times.times)?;
        let names = certificate.names();
        if let Some(issuers) = issuers {
            let issuer = names.issuer.as_deref().unwrap_or_default();
            if !issuers.matches(issuer) {
                return Err(Refusal::IssuerMismatch {
                    expected: "an issuer of GitHub's, whose root this is".into(),
                    found: format!("{:?}", shortened(issuer)),
                });
            }
        }
        signature(received, key, None)?;
        Ok(Vouched {
            statement: statement(received)?,
            names: names.clone(),
            times: times.seconds(),
        })
    }
}

fn statement(received: &Received) -> Result<Statement, Refusal> {
    match received.content() {
        Content::Message { .. } => Err(Refusal::NoStatement),
        Content::Envelope { payload_type, .. } if payload_type != PAYLOAD_TYPE => {
            Err(Refusal::PayloadType {
                found: shortened(payload_type),
            })
        }
        Content::Envelope { payload, .. } => {
            Statement::parse(payload).map_err(|error| Refusal::StatementMalformed {
                reason: chain(&error),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_of_the_program_are_read() {
        assert_eq!(Trust::built_in().roots().len(), 2);
    }

    #[test]
    fn githubs_root_speaks_for_githubs_issuers() {
        let issuers = Matcher::pattern(GITHUB_ISSUERS).expect("a pattern");
        for good in [
            "https://token.actions.githubusercontent.com",
            "https://token.actions.githubusercontent.com/acme",
            "https://token.actions.acme.ghe.com",
        ] {
            assert!(issuers.matches(good), "{good}");
        }
        for bad in [
            "",
            "https://accounts.google.com",
            "https://token.actions.githubusercontent.com.evil.example",
            "https://token.actions.evil.example/.ghe.com",
            "https://tokenXactions.githubusercontent.com",
        ] {
            assert!(!issuers.matches(bad), "{bad}");
        }
    }
}
