//! An attestation: a statement, signed, in its container, kept byte for byte as it was received.
//!
//! The container is a Sigstore bundle (with a public key hint, which we write; or with a certificate, which
//! is carried), a bare DSSE envelope with one signature, or a container of another tool's around the same. Bytes received are the bytes checked: the digest
//! that a ledger's link holds is over them, and nothing is encoded again before verifying.
//!
//! [`Attestation::verify`], in order:
//! 1. the container's material: for a bundle of ours, the key must be the one the hint names; for a
//!    certificate, refused, because certificate verification is not built yet;
//! 2. the signature over the envelope's PAE;
//! 3. the payload type;
//! 4. only now the payload is parsed, as a [`Statement`].
//!
//! The outcome is a type, [`VerifiedStatement`], that is made nowhere else. Whether the key was allowed to
//! sign this is not asked here: that takes a roster and a policy.

use crate::canonical;
use crate::digest::Sha256;
use crate::envelope::{
    Bundle, BundleError, Envelope, EnvelopeError, Foreign, ForeignError, Material,
};
use crate::signing::{KeyId, PublicKey, SignatureError, SigningError, SigningKey};
use crate::statement::{self, PAYLOAD_TYPE, Statement};

/// No attestation is larger: 32 MiB.
pub const MAX_ATTESTATION_BYTES: usize = 32 << 20;

/// A signed statement in its container. Parsed as far as the envelope; nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    bytes: Vec<u8>,
    digest: Sha256,
    carrier: Carrier,
    envelope: Envelope,
}

/// The container an attestation came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier {
    /// A bundle that names a public key: what we write.
    PublicKey(KeyId),
    /// A bundle with a certificate: carried, not yet verifiable.
    Certificate,
    /// A bundle that names its key in another tool's terms: carried.
    OtherKey,
    /// A bare DSSE envelope.
    Bare,
    /// A container of another tool's.
    Foreign(Foreign),
}

/// A statement whose signature holds, with the key that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedStatement {
    statement: Statement,
    signer: KeyId,
}

/// Why bytes are no attestation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Larger than [`MAX_ATTESTATION_BYTES`].
    #[error("attestation of {bytes} bytes, more than {MAX_ATTESTATION_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not strict JSON.
    #[error("attestation is no strict JSON")]
    Json(#[from] canonical::Error),
    /// It looks like a bundle, and is none.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It looks like a bare envelope, and is none.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It looks like another tool's container, and is none.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// An attestation has one signer; more of them sign in entries of their own.
    #[error("attestation with {count} signatures, not one")]
    SignatureCount {
        /// How many.
        count: usize,
    },
}

/// Why a statement cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The statement cannot be written.
    #[error(transparent)]
    Statement(#[from] statement::Error),
    /// The bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A key that is elsewhere does not sign.
    #[error(transparent)]
    Key(#[from] SigningError),
}

/// Why an attestation does not verify.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Certificate chains, log entries and timestamps are another part of the work.
    #[error("signed by a certificate: certificate verification is not built yet")]
    Certificate,
    /// The bundle names another key.
    #[error("signed by key {named}, not by {given}")]
    OtherKey {
        /// The key the bundle names.
        named: KeyId,
        /// The key to verify with.
        given: KeyId,
    },
    /// The signature does not hold.
    #[error("signature by key {key} does not hold")]
    Signature {
        /// The key it was held against.
        key: KeyId,
        /// Why not.
        source: SignatureError,
    },
    /// Signed, but no in-toto statement.
    #[error("payload type {found:?} is not {PAYLOAD_TYPE}")]
    PayloadType {
        /// What it is.
        found: String,
    },
    /// Signed, but what was signed is not a sound statement.
    #[error(transparent)]
    Statement(#[from] statement::Error),
}

impl Attestation {
    /// Reads a bundle or a bare envelope; the bytes are kept exactly.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let digest = Sha256::of(&bytes);
        Self::parse_digested(bytes, digest)
    }

    /// The same of bytes whose digest was just computed.
    pub(crate) fn parse_digested(bytes: Vec<u8>, digest: Sha256) -> Result<Self, ParseError> {
        if bytes.len() > MAX_ATTESTATION_BYTES {
            return Err(ParseError::TooLarge { bytes: bytes.len() });
        }
        let (carrier, envelope) = match Bundle::parse_ours(&bytes) {
            Some(bundle) => bundle.into(),
            None => Self::parse_foreign(&bytes)?,
        };
        Ok(Self {
            bytes,
            digest,
            carrier,
            envelope,
        })
    }

    /// Signs a statement, in the one form that we write.
    pub fn sign(statement: &Statement, key: &SigningKey) -> Result<Self, SignError> {
        let payload = statement.to_bytes()?;
        let sig = key.sign(&crate::envelope::pae(PAYLOAD_TYPE, &payload))?;
        let bundle = Bundle::new(PAYLOAD_TYPE, payload, key.public().id(), sig)?;
        let bytes = bundle
            .to_json()
            .expect("a bundle made around a key id has one form")
            .into_bytes();
        let (carrier, envelope) = bundle.into();
        Ok(Self {
            digest: Sha256::of(&bytes),
            bytes,
            carrier,
            envelope,
        })
    }

    /// The bytes, as they were received or written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 over [`bytes`](Self::bytes): what a ledger's link holds.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The container.
    pub fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The envelope. Its payload is nobody's word until [`verify`](Self::verify) passed.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The key that the container says signed; a bare envelope's keyid counts if it has the form of ours.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.carrier {
            Carrier::PublicKey(key) => Some(key),
            Carrier::Certificate | Carrier::OtherKey | Carrier::Foreign(_) => None,
            Carrier::Bare => self.signature().keyid.as_ref()?.parse().ok(),
        }
    }

    /// What the signature is over.
    pub fn pae(&self) -> &[u8] {
        self.envelope.pae()
    }

    /// SHA-256 of [`pae`](Self::pae): with the signer, what a statement is recognised by in whatever
    /// container it comes.
    pub fn pae_digest(&self) -> Sha256 {
        Sha256::of(self.pae())
    }

    /// The statement as it stands there, signed by nobody yet: for a first look (which key to fetch, what to
    /// show as unverified), never for a verdict.
    pub fn unverified_statement(&self) -> Result<Statement, statement::Error> {
        Statement::parse(self.envelope.payload())
    }

    /// Holds the signature against a key, then reads the statement; the module's documentation gives the
    /// order.
    pub fn verify(&self, key: &PublicKey) -> Result<VerifiedStatement, VerifyError> {
        let given = key.id();
        match self.carrier {
            Carrier::Certificate => return Err(VerifyError::Certificate),
            Carrier::PublicKey(named) if named != given => {
                return Err(VerifyError::OtherKey { named, given });
            }
            // A bare envelope's keyid is a hint in another tool's terms; the signature decides.
            Carrier::PublicKey(_) | Carrier::OtherKey | Carrier::Bare | Carrier::Foreign(_) => {}
        }
        key.verify(self.pae(), &self.signature().sig)
            .map_err(|source| VerifyError::Signature { key: given, source })?;
        if self.envelope.payload_type() != PAYLOAD_TYPE {
            let found = statement::shortened(self.envelope.payload_type());
            return Err(VerifyError::PayloadType { found });
        }
        Ok(VerifiedStatement {
            statement: Statement::parse(self.envelope.payload())?,
            signer: given,
        })
    }

    fn signature(&self) -> &crate::envelope::Signature {
        &self.envelope.signatures()[0]
    }

    fn parse_foreign(bytes: &[u8]) -> Result<(Carrier, Envelope), ParseError> {
        let value = canonical::parse_strict(bytes)?;
        // A bundle without its media type must be refused as a bundle, not tried as something else.
        let marks = [
            "mediaType",
            "verificationMaterial",
            "dsseEnvelope",
            "messageSignature",
        ];
        if marks.iter().any(|mark| value.get(mark).is_some()) {
            return Ok(Bundle::from_value(value)?.into());
        }
        let (carrier, envelope) = match Foreign::of(&value) {
            Some(foreign) => (Carrier::Foreign(foreign), foreign.read(&value)?),
            None => {
                // Witness and others put the certificate beside the signature that it is for.
                let certified = value.pointer("/signatures/0").is_some_and(|signature| {
                    ["cert", "certificate"]
                        .iter()
                        .any(|field| signature.get(field).is_some())
                });
                let carrier = if certified {
                    Carrier::Certificate
                } else {
                    Carrier::Bare
                };
                let envelope = Envelope::from_value(value, crate::envelope::Alphabet::Either)?;
                (carrier, envelope)
            }
        };
        match envelope.signatures().len() {
            1 => Ok((carrier, envelope)),
            count => Err(ParseError::SignatureCount { count }),
        }
    }
}

impl From<Bundle> for (Carrier, Envelope) {
    fn from(bundle: Bundle) -> Self {
        let carrier = match bundle.material() {
            Material::PublicKey(key) => Carrier::PublicKey(key),
            Material::Certificate => Carrier::Certificate,
            Material::OtherKey => Carrier::OtherKey,
        };
        (carrier, bundle.into_envelope())
    }
}

impl VerifiedStatement {
    /// What was signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// What was signed.
    pub fn into_statement(self) -> Statement {
        self.statement
    }

    /// The key whose signature holds.
    pub fn signer(&self) -> KeyId {
        self.signer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::{DigestSet, PredicateType, Subject};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn statement() -> Statement {
        let subject = Subject::new(DigestSet::sha256(&Sha256::of(b"app"))).named("app");
        let predicate_type = PredicateType::resolve("scai").unwrap();
        Statement::new(vec![subject], predicate_type, Default::default()).unwrap()
    }

    #[test]
    fn what_is_signed_verifies_and_reads_back() {
        let attestation = Attestation::sign(&statement(), &key(1)).unwrap();
        let read = Attestation::parse(attestation.bytes().to_vec()).unwrap();
        assert_eq!(read, attestation);
        assert_eq!(read.digest(), Sha256::of(read.bytes()));
        assert_eq!(read.key_id(), Some(key(1).public().id()));
        let verified = read.verify(key(1).public()).unwrap();
        assert_eq!(verified.statement(), &statement());
        assert_eq!(verified.signer(), key(1).public().id());
    }

    #[test]
    fn another_key_is_refused_by_name() {
        let attestation = Attestation::sign(&statement(), &key(1)).unwrap();
        let error = attestation.verify(key(2).public()).unwrap_err();
        assert!(matches!(error, VerifyError::OtherKey { .. }), "{error}");
    }

    #[test]
    fn any_changed_byte_is_refused_or_for_the_digest_to_see() {
        let good = Attestation::sign(&statement(), &key(1)).unwrap();
        // A field by another name is one that readers of bundles ignore.
        let text = std::str::from_utf8(good.bytes()).unwrap();
        let start = text.find("tlogEntries").unwrap();
        let ignored = start..start + "tlogEntries".len();
        for position in 0..good.bytes().len() {
            for flip in [1, 0x20, 0x80] {
                let mut bytes = good.bytes().to_vec();
                bytes[position] ^= flip;
                let Ok(bad) = Attestation::parse(bytes) else {
                    continue;
                };
                assert_ne!(bad.digest(), good.digest());
                if let Ok(verified) = bad.verify(key(1).public()) {
                    assert!(ignored.contains(&position), "byte {position} passed");
                    assert_eq!(verified.statement(), &statement());
                }
            }
        }
    }

    #[test]
    fn a_bare_envelope_is_the_same_statement_in_another_container() {
        let bundle = Attestation::sign(&statement(), &key(1)).unwrap();
        let bare = Attestation::parse(bundle.envelope().to_json().into_bytes()).unwrap();
        assert_eq!(bare.carrier(), Carrier::Bare);
        assert_ne!(bare.digest(), bundle.digest());
        assert_eq!(bare.pae_digest(), bundle.pae_digest());
        assert_eq!(
            bare.verify(key(1).public()).unwrap().statement(),
            &statement()
        );
        let error = bare.verify(key(2).public()).unwrap_err();
        assert!(matches!(error, VerifyError::Signature { .. }), "{error}");
    }

    #[test]
    fn one_signature_no_more() {
        let json = Attestation::sign(&statement(), &key(1))
            .unwrap()
            .envelope()
            .to_json();
        let two = json.replacen(r#"[{"sig""#, r#"[{"sig":"AA=="},{"sig""#, 1);
        assert_eq!(
            Envelope::parse(two.as_bytes()).unwrap().signatures().len(),
            2
        );
        let error = Attestation::parse(two.into_bytes()).unwrap_err();
        assert!(
            matches!(error, ParseError::SignatureCount { count: 2 }),
            "{error}"
        );
    }

    #[test]
    fn a_bundle_is_never_tried_as_a_bare_envelope() {
        let json = Attestation::sign(&statement(), &key(1))
            .unwrap()
            .envelope()
            .to_json();
        let marked = json.replacen('{', r#"{"dsseEnvelope":null,"#, 1);
        assert!(matches!(
            Attestation::parse(marked.into_bytes()),
            Err(ParseError::Bundle(_))
        ));
    }

    #[test]
    fn certificates_fail_closed_with_their_own_cause() {
        let json =
            String::from_utf8(Attestation::sign(&statement(), &key(1)).unwrap().bytes).unwrap();
        let json = json.replacen("publicKey", "certificate", 1);
        let carried = Attestation::parse(json.into_bytes()).unwrap();
        assert_eq!(carried.carrier(), Carrier::Certificate);
        assert!(matches!(
            carried.verify(key(1).public()),
            Err(VerifyError::Certificate)
        ));
    }

    #[test]
    fn what_is_signed_but_no_statement_is_refused() {
        let sign = |payload_type: &str, payload: &[u8]| {
            let sig = key(1)
                .sign(&crate::envelope::pae(payload_type, payload))
                .unwrap();
            let id = key(1).public().id();
            let bundle = Bundle::new(payload_type, payload.to_vec(), id, sig).unwrap();
            let bytes = bundle.to_json().unwrap().into_bytes();
            Attestation::parse(bytes)
                .unwrap()
                .verify(key(1).public())
                .unwrap_err()
        };
        let payload = statement().to_bytes().unwrap();
        assert!(matches!(
            sign("text/plain", &payload),
            VerifyError::PayloadType { .. }
        ));
        assert!(matches!(
            sign(PAYLOAD_TYPE, b"{}"),
            VerifyError::Statement(_)
        ));
    }
}
