//! A bundle as received: strict JSON, one known version, and what that version asks for.

use sigstore_types::bundle::{MessageDigest, TransparencyLogEntry, VerificationMaterialContent};
use sigstore_types::{
    Bundle, DerCertificate, MediaType, SignatureBytes, SignatureContent, TimestampToken,
};

use super::Refusal;
use crate::canonical;
use crate::statement::shortened;

/// Above every bundle that anyone makes.
const MAX_BYTES: usize = 32 << 20;

/// As many timestamps, and as many log entries, as are read.
const MAX_PROOFS: usize = 32;

/// A bundle that has the form of its version.
pub(super) struct Received {
    bundle: Bundle,
    content: Content,
}

/// What was signed, and the signature.
pub(super) enum Content {
    /// A DSSE envelope.
    Envelope {
        payload_type: String,
        payload: Vec<u8>,
        pae: Vec<u8>,
        signature: SignatureBytes,
    },
    /// The digest of an artifact.
    Message {
        digest: Option<MessageDigest>,
        signature: SignatureBytes,
    },
}

impl Received {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::TooLarge { bytes: bytes.len() });
        }
        canonical::check_strict(bytes).map_err(|error| Refusal::malformed(&error))?;
        version(bytes)?;
        let bundle: Bundle =
            serde_json::from_slice(bytes).map_err(|error| Refusal::malformed(&error))?;
        let content = match &bundle.content {
            SignatureContent::DsseEnvelope(envelope) => Content::Envelope {
                payload_type: envelope.payload_type.clone(),
                payload: envelope.payload.as_bytes().to_vec(),
                pae: envelope.pae(),
                signature: envelope.signature.sig.clone(),
            },
            SignatureContent::MessageSignature(message) => Content::Message {
                digest: message.message_digest.clone(),
                signature: message.signature.clone(),
            },
            _ => {
                return Err(Refusal::Malformed {
                    reason: "neither a messageSignature nor a dsseEnvelope".into(),
                });
            }
        };
        let received = Self { bundle, content };
        received.check_form()?;
        Ok(received)
    }

    // What the versions ask for: 0.1 a promise, 0.2 and 0.3 a proof, 0.3 one certificate and no chain.
    fn check_form(&self) -> Result<(), Refusal> {
        let media_type = self.bundle.media_type();
        match &self.bundle.verification_material.content {
            VerificationMaterialContent::X509CertificateChain { .. }
                if media_type == MediaType::Bundle0_3 =>
            {
                return Err(Refusal::ChainInV03);
            }
            VerificationMaterialContent::X509CertificateChain { certificates }
                if certificates.is_empty() =>
            {
                return Err(Refusal::ChainEmpty);
            }
            _ => {}
        }
        at_most("log entries", self.entries().len())?;
        at_most("timestamps", self.timestamps().count())?;
        for (at, entry) in self.entries().iter().enumerate() {
            if self.entries()[..at].contains(entry) {
                return Err(Refusal::Repeated { what: "log entry" });
            }
            match media_type {
                MediaType::Bundle0_1 if entry.inclusion_promise.is_none() => {
                    return Err(Refusal::PromiseMissing);
                }
                MediaType::Bundle0_1 => {}
                _ if entry.inclusion_proof.is_none() => return Err(Refusal::InclusionMissing),
                _ => {}
            }
        }
        let timestamps: Vec<_> = self.timestamps().map(|token| token.as_bytes()).collect();
        let repeated = |(at, token): (usize, &&[u8])| timestamps[..at].contains(token);
        match timestamps.iter().enumerate().any(repeated) {
            true => Err(Refusal::Repeated { what: "timestamp" }),
            false => Ok(()),
        }
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    pub(super) fn entries(&self) -> &[TransparencyLogEntry] {
        &self.bundle.verification_material.tlog_entries
    }

    pub(super) fn timestamps(&self) -> impl Iterator<Item = &TimestampToken> {
        let data = &self
            .bundle
            .verification_material
            .timestamp_verification_data;
        data.rfc3161_timestamps
            .iter()
            .map(|timestamp| &timestamp.signed_timestamp)
    }

    /// The signer's certificate; `None` where the bundle only hints at a key.
    pub(super) fn certificate(&self) -> Option<&DerCertificate> {
        self.bundle.signing_certificate()
    }

    /// The certificates that came along with the signer's.
    pub(super) fn intermediates(&self) -> impl Iterator<Item = &DerCertificate> {
        let chain = match &self.bundle.verification_material.content {
            VerificationMaterialContent::X509CertificateChain { certificates } => &certificates[..],
            _ => &[],
        };
        chain
            .iter()
            .skip(1)
            .map(|certificate| &certificate.raw_bytes)
    }
}

// Some readers take a bundle without a version for one of 0.1; nobody's signer meant that.
fn version(bytes: &[u8]) -> Result<(), Refusal> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        #[serde(rename = "mediaType")]
        media_type: Option<String>,
    }
    let versioned: Versioned =
        serde_json::from_slice(bytes).map_err(|error| Refusal::malformed(&error))?;
    let found = versioned.media_type.ok_or(Refusal::VersionMissing)?;
    match found.parse::<MediaType>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::VersionUnknown {
            found: shortened(&found),
        }),
    }
}

fn at_most(what: &'static str, count: usize) -> Result<(), Refusal> {
    match count > MAX_PROOFS {
        true => Err(Refusal::TooMany { what, count }),
        false => Ok(()),
    }
}
