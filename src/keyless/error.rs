//! Why nothing was signed keyless, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::attestation::ParseError;
use crate::signing::SigningError;
use crate::sigstore::Refusal;
use crate::statement;
use crate::timestamp::Timestamp;

const CLOCK: &str = "set this machine's clock (timedatectl), and unset SOURCE_DATE_EPOCH; a certificate holds for ten minutes";

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing here gives an identity token.
    #[error("there is no identity token to sign with")]
    NoToken,
    /// A file that holds the token cannot be read.
    #[error("the identity token in {path} cannot be read")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no token.
    #[error("what was given as an identity token is no JSON web token (RFC 7519)")]
    TokenMalformed,
    /// It names nobody whom the authority could certify.
    #[error("the identity token names no subject, or an e-mail address that is not verified")]
    TokenNobody,
    /// It has expired.
    #[error("the identity token expired at {expired}, and it is {now}")]
    TokenExpired {
        /// When.
        expired: Timestamp,
        /// The time here.
        now: Timestamp,
    },
    /// It is from the future.
    #[error("the identity token holds from {from}, and it is {now} here: one of two clocks is off")]
    TokenEarly {
        /// From when it holds.
        from: Timestamp,
        /// The time here.
        now: Timestamp,
    },
    /// It is for somebody else.
    #[error("the identity token is for {found:?}, not for {wanted:?}")]
    Audience {
        /// For whom it is, shortened.
        found: String,
        /// For whom it should be.
        wanted: String,
    },
    /// An address that a token must not go to.
    #[error("{url:?} is not an https address, nor http on this machine")]
    Address {
        /// The address, shortened.
        url: String,
    },
    /// A service does not answer.
    #[error("{service} at {url} does not answer")]
    Unreachable {
        /// Which service.
        service: Service,
        /// Its address.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A service answered with an error.
    #[error("{service} at {url} answered {status}: {said}")]
    Answered {
        /// Which service.
        service: Service,
        /// Its address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said, shortened and escaped.
        said: String,
    },
    /// A service answered with something else than it should.
    #[error("{service} at {url} answered without {what}")]
    Answer {
        /// Which service.
        service: Service,
        /// Its address.
        url: String,
        /// What is missing or malformed.
        what: &'static str,
    },
    /// The certificate is over another key.
    #[error("the certificate is not over the key that was to be certified")]
    OtherKey,
    /// The certificate does not hold now.
    #[error("the certificate holds from {from} to {to}, and it is {now} here")]
    CertificateTime {
        /// From when.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
        /// The time here.
        now: Timestamp,
    },
    /// The signing configuration is none.
    #[error("not a signing configuration (v0.2)")]
    Configuration(#[source] serde_json::Error),
    /// The signing configuration is of another form.
    #[error("a signing configuration of the type {found:?}")]
    ConfigurationType {
        /// What it says.
        found: String,
    },
    /// The signing configuration has too few services of a kind for what it asks.
    #[error(
        "the signing configuration asks for {wanted} of {service}, and {found} can be used now"
    )]
    TooFew {
        /// Which.
        service: Service,
        /// How many it asks for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random(#[source] io::Error),
    /// The statement is about nothing with a digest.
    #[error("the statement is about nothing with a digest")]
    NoSubject,
    /// The statement cannot be written.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The key does not sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// What was made is no attestation of ours.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// What was made does not hold.
    #[error("what the services gave does not verify against the trusted root ({}): nothing is recorded", .0.code())]
    Refused(#[source] Refusal),
}

/// One of the services that a keyless signature takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// Who gives identity tokens.
    Tokens,
    /// Fulcio.
    Authority,
    /// Rekor.
    Log,
    /// RFC 3161.
    Timestamps,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tokens => "the token service",
            Self::Authority => "the certificate authority",
            Self::Log => "the transparency log",
            Self::Timestamps => "the timestamp authority",
        })
    }
}

impl Error {
    /// What to do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoToken => {
                "give the job an identity token (GitHub: `permissions: id-token: write`; GitLab: `id_tokens: SIGSTORE_ID_TOKEN`), or --identity-token-file FILE: git docket help keyless"
            }
            Self::TokenMalformed | Self::TokenNobody | Self::TokenFile { .. } => {
                "give a file that holds one JSON web token and nothing else: git docket help keyless"
            }
            Self::TokenExpired { .. } => {
                "ask for a new token right before this step; tokens hold for some minutes"
            }
            Self::Refused(refusal) if refusal.code().ends_with("-ahead") => CLOCK,
            Self::TokenEarly { .. } | Self::CertificateTime { .. } => CLOCK,
            Self::Audience { .. } => {
                "ask for a token with that audience, or name the one that your authority expects: --token-audience"
            }
            Self::Address { .. } => "name the service with https://",
            Self::Unreachable { .. } => {
                "try again later; nothing was recorded; a key signs without services: --key"
            }
            Self::Answered {
                service: Service::Authority,
                status: 400 | 401 | 403,
                ..
            } => {
                "the authority does not take this token: compare its issuer and audience with what the authority is configured for"
            }
            Self::Answered { .. } | Self::Answer { .. } => {
                "compare the service's address and version with --signing-config, --rekor-url and --rekor-version"
            }
            Self::Configuration(_) | Self::ConfigurationType { .. } | Self::TooFew { .. } => {
                "cosign signing-config create writes one; --fulcio-url, --rekor-url and --timestamp-url name services without one"
            }
            Self::Refused(_) => {
                "give the trusted root of these services: --trusted-root FILE (cosign trusted-root create writes one)"
            }
            _ => return None,
        })
    }
}
