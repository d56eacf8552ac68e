//! Sigstore bundles, judged offline: received bytes, a trusted root and the time come in, what was verified or
//! the reason of refusal goes out.
//!
//! Composed from the Sigstore project's building blocks (`sigstore-types`, `-crypto`, `-trust-root`, `-tsa`);
//! the order and the rules are ours. [`verify`] takes these steps, and the first that fails gives the refusal:
//!
//! 1. *bundle*: strict JSON of a known version, with what that version asks for and nothing twice;
//! 2. *material*: a certificate where an identity is expected, a key hint where a key is;
//! 3. *log entries*: each belongs to this bundle (CVE-2022-36056), is included in a log that the root names, and
//!    its checkpoint and promise are signed by that log's key;
//! 4. *times*: RFC 3161 timestamps over the signature, and the integrated times that a Rekor v1 promise signs.
//!    A Rekor v2 entry has no time of its own. A timestamp that no authority of the root made is no proof and
//!    no fault;
//! 5. *certificate*: a chain to the root's authority that holds at every one of those times; the embedded
//!    signed certificate timestamp where the root names certificate logs;
//! 6. *identity* and *issuer*;
//! 7. *signature*, over the artifact's digest or the envelope's PAE as received;
//! 8. *artifact*: the signed digest, or one of the statement's subjects, is the artifact's.
//!
//! What the root does not name is not asked for: one without logs (GitHub's) wants timestamps only, one without
//! certificate logs wants no certificate timestamp. A key given by hand wants neither; what is there must hold.
//! Not checked: revocation (short-lived certificates have none), and whether a log shows everyone the same.
//!
//! The protocol: <https://github.com/sigstore/sigstore-conformance>; the steps:
//! <https://docs.sigstore.dev/about/bundle/> and the client specification.

mod artifact;
mod certificate;
mod log;
mod memo;
mod received;
mod refusal;
mod roots;
mod signer;
mod times;
mod trust;

use jiff::Timestamp as Time;
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

pub use self::artifact::{Artifact, ArtifactError};
pub use self::certificate::Names;
use self::received::{Content, Received};
pub use self::refusal::Refusal;
pub use self::roots::{Roots, RootsError, WellKnown};
pub use self::signer::{Expected, Key, Matcher, MatcherError, Signer, SignerError};
pub use self::trust::{Trust, Vouched};
use crate::envelope::Envelope;
use crate::statement::Statement;
use crate::timestamp::Timestamp;

/// What held, and what it says.
#[derive(Debug, Clone)]
pub struct Verified {
    /// What the certificate says of the signer; `None` where a key was given.
    pub certificate: Option<Names>,
    /// Verified times at which the signature was there already, rising.
    pub times: Vec<Timestamp>,
    /// How many log entries were verified.
    pub log_entries: usize,
    /// How many timestamps were passed over because no authority of the root made them.
    pub timestamps_ignored: usize,
    /// What was signed, where it is a statement.
    pub statement: Option<Statement>,
}

/// Judges one bundle; the module's documentation gives the steps.
///
/// # Errors
/// The first reason for which the bundle does not show what is expected.
pub fn verify(
    bundle: &[u8],
    artifact: &Artifact,
    signer: &Signer,
    roots: &Roots,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let now = Time::from_second(now.unix()).map_err(|_| Refusal::ClockUnusable)?;
    let received = Received::parse(bundle)?;
    let certificate = match (signer, received.certificate()) {
        (Signer::Identity(_), Some(leaf)) => Some(certificate::read(leaf)?),
        (Signer::Key(_), None) => None,
        (Signer::Identity(_), None) => return Err(Refusal::NoKeyGiven),
        (Signer::Key(_), Some(_)) => return Err(Refusal::NotAKeyBundle),
    };
    let key = match (signer, &certificate) {
        (Signer::Key(key), _) => key.der(),
        (Signer::Identity(_), Some(certificate)) => certificate.public_key(),
        (Signer::Identity(_), None) => return Err(Refusal::NoKeyGiven),
    };
    let key_wanted = matches!(signer, Signer::Key(_));
    if received.entries().is_empty() && roots.has_logs() && !key_wanted {
        return Err(Refusal::LogEntryMissing);
    }
    for entry in received.entries() {
        log::belongs(entry, &received, Some(artifact), key)?;
        log::included(entry, roots, now)?;
    }
    let times = times::verified(&received, roots, now)?;
    log::keys_in_window(received.entries(), roots, &times.times)?;
    if let (Signer::Identity(expected), Some(certificate)) = (signer, &certificate) {
        certificate::holds(&received, certificate, roots, &times.times)?;
        certificate.names().meet(expected)?;
    }
    signature(&received, key, Some(artifact))?;
    let statement = artifact::bound(&received, artifact)?;
    Ok(Verified {
        certificate: certificate.map(|certificate| certificate.names().clone()),
        times: times.seconds(),
        log_entries: received.entries().len(),
        timestamps_ignored: times.ignored,
        statement,
    })
}

/// Judges a bare DSSE envelope, which is no bundle, by a key given by hand: steps 7 and 8 of [`verify`].
///
/// # Errors
/// The first reason for which it does not show what is expected.
pub fn verify_bare(
    envelope: &Envelope,
    artifact: &Artifact,
    key: &Key,
) -> Result<Statement, Refusal> {
    let algorithm = KeyAlgorithm::from_spki(key.der()).map_err(|_| Refusal::KeyUnsupported)?;
    let key = verifying_key(key.der(), algorithm.default_signing_scheme())?;
    let holds = |signature: &crate::envelope::Signature| {
        key.verify(envelope.pae(), &SignatureBytes::from_bytes(&signature.sig))
            .is_ok()
    };
    match envelope.signatures().iter().any(holds) {
        true => artifact::statement_about(envelope.payload_type(), envelope.payload(), artifact),
        false => Err(Refusal::SignatureInvalid),
    }
}

fn signature(
    received: &Received,
    key: &DerPublicKey,
    artifact: Option<&Artifact>,
) -> Result<(), Refusal> {
    let algorithm = KeyAlgorithm::from_spki(key).map_err(|_| Refusal::KeyUnsupported)?;
    let invalid = |_| Refusal::SignatureInvalid;
    match received.content() {
        Content::Envelope { pae, signature, .. } => {
            verifying_key(key, algorithm.default_signing_scheme())?
                .verify(pae, signature)
                .map_err(invalid)
        }
        Content::Message { digest, signature } => {
            let artifact = artifact.ok_or(Refusal::NoStatement)?;
            let scheme = match digest {
                Some(digest) => algorithm
                    .resolve_signing_scheme(digest.algorithm)
                    .map_err(|_| Refusal::DigestUnsupported)?,
                None => algorithm.default_signing_scheme(),
            };
            let key = verifying_key(key, scheme)?;
            match scheme.hash_algorithm() {
                Some(hash) => key
                    .verify_prehashed(artifact.digest(hash)?, signature)
                    .map_err(invalid),
                None => key.verify(artifact.content()?, signature).map_err(invalid),
            }
        }
    }
}

fn verifying_key(key: &DerPublicKey, scheme: SigningScheme) -> Result<VerificationKey, Refusal> {
    VerificationKey::from_spki_with_scheme(key, scheme).map_err(|_| Refusal::KeyUnsupported)
}

/// The signature that log entries and timestamps are about.
fn signature_of(content: &Content) -> &SignatureBytes {
    match content {
        Content::Envelope { signature, .. } | Content::Message { signature, .. } => signature,
    }
}
