//! Verify-bundle: judge one Sigstore bundle, whoever made it. No repository, no network.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use serde::Serialize;

use super::{Explain, Failure, World};
use crate::sigstore::{
    self, Artifact, ArtifactError, Expected, Matcher, MatcherError, Names, Refusal, Roots,
    RootsError, Signer, SignerError, WellKnown,
};
use crate::statement::Subject;
use crate::timestamp::Timestamp;

/// What is judged, and against what.
#[derive(Clone, Debug)]
pub struct Request {
    /// The bundle's file.
    pub bundle: PathBuf,
    /// A digest as `alg:hex`, else a file.
    pub artifact: String,
    /// Whom it must be of.
    pub signer: ExpectedSigner,
    /// Whom the reader trusts.
    pub roots: TrustedRoots,
}

/// Whom a bundle must be of, as the command line says it.
#[derive(Clone, Debug)]
pub enum ExpectedSigner {
    /// The holder of the key in this PEM file.
    Key(PathBuf),
    /// An identity and its issuer.
    Identity {
        /// The certificate's name.
        identity: Text,
        /// Who vouched for it.
        issuer: Text,
    },
}

/// A text, or a pattern.
#[derive(Clone, Debug)]
pub enum Text {
    /// Exactly this.
    Exact(String),
    /// A regular expression over the whole.
    Pattern(String),
}

/// Whom the reader trusts.
#[derive(Clone, Debug)]
pub enum TrustedRoots {
    /// One that comes with the program.
    WellKnown(WellKnown),
    /// A file.
    File(PathBuf),
}

/// The verdict over a bundle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refused>,
    /// What the certificate says of the signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Verified times at which the signature was there already.
    pub times: Vec<Timestamp>,
    /// How many log entries were verified.
    pub log_entries: usize,
    /// How many timestamps were by nobody whom the trusted root names.
    pub timestamps_ignored: usize,
    /// The type of the signed statement's predicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// What the signed statement is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
}

/// Why a bundle was refused.
#[derive(Debug, Serialize)]
pub struct Refused {
    /// The stable name.
    pub code: &'static str,
    /// In words.
    pub reason: String,
}

/// What a certificate says of its holder.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Its names.
    pub identities: Vec<String>,
    /// Who vouched for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The source repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_repository: Option<String>,
    /// The source commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_commit: Option<String>,
    /// The source ref.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
}

/// We could not look.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A digest that is none.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A key file without a key.
    #[error("{path} holds no key to verify with")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: SignerError,
    },
    /// A pattern that is none.
    #[error("{flag} {pattern:?}")]
    Pattern {
        /// The flag.
        flag: &'static str,
        /// The pattern.
        pattern: String,
        /// Why.
        source: MatcherError,
    },
    /// A trusted root that cannot be used.
    #[error("the trusted root {name} cannot be used")]
    Roots {
        /// Its file, or its name.
        name: String,
        /// Why.
        source: RootsError,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Artifact(_) | Self::Pattern { .. } => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Artifact(_) => {
                "a digest is sha256:<64 hex digits>, sha512:<128>, gitCommit:<40 or 64>; a file is named by its path"
            }
            Self::Key { .. } => "openssl pkey -pubout and cosign public-key write such a file",
            Self::Roots { .. } => {
                "cosign trusted-root create and gh attestation trusted-root write one; without the flag the public-good root of the program is used"
            }
            Self::Pattern { .. } => {
                "the syntax is that of RE2 and Rust's regex; the pattern is over the whole name"
            }
            Self::File { .. } => return None,
        };
        Some(text.to_owned())
    }
}

/// Judges.
///
/// # Errors
/// Where we could not look. A bundle that is refused, malformed ones among them, is a verdict.
pub fn verify_bundle(world: &World, request: &Request) -> Result<Judged, Error> {
    let verdict = verified(world, request)?;
    Ok(verdict.map_or_else(Judged::refused, Judged::passed))
}

/// The same, with what was verified.
pub(super) fn verified(
    world: &World,
    request: &Request,
) -> Result<Result<sigstore::Verified, Refusal>, Error> {
    let roots = roots(&request.roots)?;
    let signer = signer(&request.signer)?;
    let artifact = artifact(&request.artifact)?;
    let bundle = read(&request.bundle)?;
    Ok(sigstore::verify(
        &bundle, &artifact, &signer, &roots, world.now,
    ))
}

impl TrustedRoots {
    /// `public-good` or `github`, else a file.
    pub fn named(word: &str) -> Self {
        match word {
            "public-good" => Self::WellKnown(WellKnown::PublicGood),
            "github" => Self::WellKnown(WellKnown::GitHub),
            path => Self::File(PathBuf::from(path)),
        }
    }
}

impl Judged {
    fn refused(refusal: Refusal) -> Self {
        let (code, reason) = (refusal.code(), refusal.to_string());
        Self {
            verdict: "fail",
            refusal: Some(Refused { code, reason }),
            certificate: None,
            times: Vec::new(),
            log_entries: 0,
            timestamps_ignored: 0,
            predicate_type: None,
            subjects: Vec::new(),
        }
    }

    fn passed(verified: sigstore::Verified) -> Self {
        let statement = verified.statement.as_ref();
        Self {
            verdict: "pass",
            refusal: None,
            certificate: verified.certificate.map(Certificate::from),
            times: verified.times,
            log_entries: verified.log_entries,
            timestamps_ignored: verified.timestamps_ignored,
            predicate_type: statement.map(|statement| statement.predicate_type().to_string()),
            subjects: statement
                .map(|statement| statement.subjects().to_vec())
                .unwrap_or_default(),
        }
    }
}

impl From<Names> for Certificate {
    fn from(names: Names) -> Self {
        Self {
            identities: names.identities,
            issuer: names.issuer,
            source_repository: names.source_repository,
            source_commit: names.source_commit,
            source_ref: names.source_ref,
        }
    }
}

pub(super) fn roots(roots: &TrustedRoots) -> Result<Roots, Error> {
    let (name, read) = match roots {
        TrustedRoots::WellKnown(which) => (format!("{which:?}"), Roots::well_known(*which)),
        TrustedRoots::File(path) => (path.display().to_string(), Roots::parse(&read(path)?)),
    };
    read.map_err(|source| Error::Roots { name, source })
}

pub(super) fn signer(expected: &ExpectedSigner) -> Result<Signer, Error> {
    match expected {
        ExpectedSigner::Key(path) => {
            let pem = String::from_utf8_lossy(&read(path)?).into_owned();
            Signer::key_from_pem(&pem).map_err(|source| Error::Key {
                path: path.clone(),
                source,
            })
        }
        ExpectedSigner::Identity { identity, issuer } => Ok(Signer::Identity(Expected {
            identity: matcher("--certificate-identity-regexp", identity)?,
            issuer: matcher("--certificate-oidc-issuer-regexp", issuer)?,
        })),
    }
}

fn matcher(flag: &'static str, text: &Text) -> Result<Matcher, Error> {
    match text {
        Text::Exact(text) => Ok(Matcher::Exact(text.clone())),
        Text::Pattern(pattern) => Matcher::pattern(pattern).map_err(|source| Error::Pattern {
            flag,
            pattern: pattern.clone(),
            source,
        }),
    }
}

pub(super) fn artifact(word: &str) -> Result<Artifact, Error> {
    let algorithm = word.split_once(':').map(|(algorithm, _)| algorithm);
    if algorithm.is_some_and(|name| name.starts_with("sha") || name.starts_with("git")) {
        return Ok(Artifact::of_digest(word)?);
    }
    let path = PathBuf::from(word);
    let read = File::open(&path).and_then(|mut file| Artifact::of_reader(&mut file));
    read.map_err(|source| Error::File { path, source })
}

pub(super) fn read(path: &PathBuf) -> Result<Vec<u8>, Error> {
    // One byte above what a bundle may have, so that a longer one is refused as such.
    const LIMIT: u64 = (32 << 20) + 1;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
        .map_err(|source| Error::File {
            path: path.clone(),
            source,
        })?;
    Ok(bytes)
}
