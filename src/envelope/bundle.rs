//! Sigstore bundle v0.3 around a DSSE envelope.
//!
//! <https://github.com/sigstore/protobuf-specs>, `sigstore_bundle.proto`, in its JSON form. Two kinds:
//! - *public key*: `verificationMaterial.publicKey.hint` names the key. It is what we write, and read
//!   strictly: exactly one signature, and the hint equals the envelope's `keyid`, which is the key's
//!   OpenSSH fingerprint. A hint in another tool's terms is carried, and names no key of ours.
//! - *certificate*: recognised and carried. Its chain, log entries and timestamps are not judged here.
//!
//! Versions 0.1 and 0.2 are read too: npm's and others' bundles are of these.
//!
//! What we write has one form, down to the byte: compact, keys in the order of [`Bundle::to_json`]. It has an
//! empty `tlogEntries`, because sigstore's Python models want the field and protobuf's JSON allows it.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::dsse::{Alphabet, Envelope, EnvelopeError, Signature};
use crate::base64;
use crate::canonical;
use crate::signing::KeyId;

/// Media type of the bundles that we write.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Media types that are read.
const MEDIA_TYPES: [&str; 4] = [
    MEDIA_TYPE,
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// A bundle: an envelope with exactly one signature, and what to verify it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    material: Material,
    envelope: Envelope,
}

/// What a bundle's signature is to be verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Material {
    /// A key that the verifier has, by its id.
    PublicKey(KeyId),
    /// A key that is named in another tool's terms.
    OtherKey,
    /// A certificate in the bundle.
    Certificate,
}

/// Why something is no bundle of ours, nor one that we can carry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Not strict JSON.
    #[error("bundle is no strict JSON")]
    Json(#[from] canonical::Error),
    /// A field is missing or of another kind.
    #[error("not the shape of a Sigstore bundle")]
    Shape(#[source] serde_json::Error),
    /// A media type that is not read, or not with this material.
    #[error("bundle media type {found:?} is not read here")]
    MediaType {
        /// What it says.
        found: String,
    },
    /// It signs a bare digest: there is no statement in it.
    #[error("bundle holds a message signature, no DSSE envelope")]
    NoEnvelope,
    /// Neither or several of key, certificate, chain.
    #[error("bundle has {count} of publicKey, certificate and x509CertificateChain, not one")]
    MaterialCount {
        /// How many.
        count: usize,
    },
    /// The envelope is none.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Bundle material vouches for one signature only.
    #[error("bundle with {count} signatures, not one")]
    SignatureCount {
        /// How many.
        count: usize,
    },
    /// Two answers to which key signed.
    #[error("public key hint {hint:?} and keyid {keyid:?} do not name one key")]
    Hint {
        /// What the material says.
        hint: String,
        /// What the envelope says.
        keyid: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBundle {
    media_type: String,
    verification_material: RawMaterial,
    dsse_envelope: Option<Value>,
    message_signature: Option<Value>,
}

/// Log entries and timestamps have to be of their kind, and are otherwise left alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read for their kind alone")]
struct RawMaterial {
    public_key: Option<RawPublicKey>,
    certificate: Option<Map<String, Value>>,
    x509_certificate_chain: Option<Map<String, Value>>,
    tlog_entries: Option<Vec<Map<String, Value>>>,
    timestamp_verification_data: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct RawPublicKey {
    #[serde(default)]
    hint: String,
}

impl Bundle {
    /// The bundle that we write around one signature.
    pub fn new(
        payload_type: &str,
        payload: Vec<u8>,
        key: KeyId,
        sig: Vec<u8>,
    ) -> Result<Self, BundleError> {
        let keyid = Some(key.to_string());
        let envelope = Envelope::new(payload_type, payload, vec![Signature { keyid, sig }])?;
        Ok(Self {
            material: Material::PublicKey(key),
            envelope,
        })
    }

    /// Reads a bundle; the module's documentation gives the rules.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        match Self::parse_ours(bytes) {
            Some(bundle) => Ok(bundle),
            None => Self::from_value(canonical::parse_strict(bytes)?),
        }
    }

    /// Reads a bundle that was parsed strictly.
    pub fn from_value(value: Value) -> Result<Self, BundleError> {
        let raw = RawBundle::deserialize(value).map_err(BundleError::Shape)?;
        let material = raw.verification_material;
        let certificates = [material.certificate, material.x509_certificate_chain];
        let certificates = certificates.iter().flatten().count();
        let public_key = match (material.public_key, certificates) {
            (Some(public_key), 0) => Some(public_key),
            (None, 1) => None,
            (key, certificates) => {
                let count = certificates + usize::from(key.is_some());
                return Err(BundleError::MaterialCount { count });
            }
        };
        if !MEDIA_TYPES.contains(&raw.media_type.as_str()) {
            let found = raw.media_type;
            return Err(BundleError::MediaType { found });
        }
        if raw.message_signature.is_some() {
            return Err(BundleError::NoEnvelope);
        }
        let envelope = raw.dsse_envelope.ok_or(BundleError::NoEnvelope)?;
        let envelope = Envelope::from_value(envelope, Alphabet::Standard)?;
        let [signature] = envelope.signatures() else {
            let count = envelope.signatures().len();
            return Err(BundleError::SignatureCount { count });
        };
        let Some(RawPublicKey { hint }) = public_key else {
            return Ok(Self {
                material: Material::Certificate,
                envelope,
            });
        };
        let material = match (KeyId::from_str(&hint), &signature.keyid) {
            (Ok(key), Some(keyid)) if *keyid == hint => Material::PublicKey(key),
            (Err(_), None) => Material::OtherKey,
            (Err(_), Some(keyid)) if *keyid == hint => Material::OtherKey,
            _ => {
                let keyid = signature.keyid.clone();
                return Err(BundleError::Hint { hint, keyid });
            }
        };
        Ok(Self { material, envelope })
    }

    /// The bundle as we write it; `None` for one that we only carry.
    pub fn to_json(&self) -> Option<String> {
        match self.material {
            Material::PublicKey(key) => Some(format!(
                r#"{HEAD}{key}{TO_ENVELOPE}{}}}"#,
                self.envelope.to_json()
            )),
            Material::Certificate | Material::OtherKey => None,
        }
    }

    /// What the signature is to be verified with.
    pub fn material(&self) -> Material {
        self.material
    }

    /// The envelope, with its one signature.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The envelope, with its one signature.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }

    /// Reads exactly the bytes that [`Bundle::to_json`] writes, without a JSON parser: a replay reads nothing
    /// else a hundred thousand times over. `None` means that the general reader has to look.
    pub(crate) fn parse_ours(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(HEAD.as_bytes())?;
        let (hint, rest) = rest.split_at_checked(KeyId::LENGTH)?;
        let rest = rest.strip_prefix(TO_ENVELOPE.as_bytes())?;
        let (payload, rest) = quoted(rest.strip_prefix(br#"{"payload":"#)?)?;
        let (payload_type, rest) = quoted(rest.strip_prefix(br#","payloadType":"#)?)?;
        let (sig, rest) = quoted(rest.strip_prefix(br#","signatures":[{"sig":"#)?)?;
        let (keyid, rest) = quoted(rest.strip_prefix(br#","keyid":"#)?)?;
        if rest != b"}]}}" || keyid != hint {
            return None;
        }
        let key = std::str::from_utf8(hint).ok()?.parse().ok()?;
        let plain = |b: &u8| b.is_ascii_graphic() && *b != b'\\';
        let payload_type = std::str::from_utf8(payload_type).ok()?;
        if !payload_type.as_bytes().iter().all(plain) {
            return None;
        }
        // Neither base64 nor a key id has another character.
        let (payload, sig) = (base64::decode(payload).ok()?, base64::decode(sig).ok()?);
        Self::new(payload_type, payload, key, sig).ok()
    }
}

/// What we write before the hint, and between it and the envelope.
const HEAD: &str = r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":""#;
const TO_ENVELOPE: &str = r#""},"tlogEntries":[]},"dsseEnvelope":"#;

/// Splits a JSON string off the front, which the caller knows to have no escapes.
fn quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', inner)?;
    Some((&inner[..end], &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn bundle() -> Bundle {
        let key = HINT.parse().unwrap();
        Bundle::new(
            "application/vnd.in-toto+json",
            b"{}".to_vec(),
            key,
            vec![7; 64],
        )
        .unwrap()
    }

    #[test]
    fn sigstores_own_reader_takes_ours() {
        let json = bundle().to_json().unwrap();
        let read = sigstore_types::Bundle::from_json(&json).unwrap();
        let sigstore_types::SignatureContent::DsseEnvelope(envelope) = &read.content else {
            panic!("no envelope in {read:?}");
        };
        assert_eq!(envelope.pae(), bundle().envelope().pae());
    }

    #[test]
    fn refuses_what_breaks_a_rule() {
        let good = bundle().to_json().unwrap();
        assert_eq!(Bundle::parse(good.as_bytes()).unwrap(), bundle());
        for (from, to) in [
            // Media type: missing, of a version never published.
            (
                r#""mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","#,
                String::new(),
            ),
            ("bundle.v0.3+json", "bundle.v0.4+json".into()),
            // Material: none, two, a hint that is not the keyid.
            (r#""publicKey":"#, r#""other":"#.into()),
            (r#""publicKey":"#, r#""certificate":{},"publicKey":"#.into()),
            (HINT, HINT.replace("AAA", "BAA")),
            (HINT, "ab".repeat(32)),
            (HINT, String::new()),
            // Envelope: none, beside a message signature, two signatures, sloppy base64.
            ("dsseEnvelope", "envelope".into()),
            (
                r#""dsseEnvelope""#,
                r#""messageSignature":{},"dsseEnvelope""#.into(),
            ),
            (r#"[{"sig""#, r#"[{"sig":"AA=="},{"sig""#.into()),
            (r#""e30=""#, r#""e30""#.into()),
            (r#""e30=""#, r#""e31=""#.into()),
            // Two readings.
            (
                r#""dsseEnvelope""#,
                r#""dsseEnvelope":{},"dsseEnvelope""#.into(),
            ),
        ] {
            let bad = good.replacen(from, &to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(Bundle::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_spellings_are_read_and_never_written() {
        let good = bundle().to_json().unwrap();
        for (from, to) in [
            (r#"{"mediaType""#, "{ \n\"mediaType\""),
            (
                r#"{"publicKey":"#,
                r#"{"timestampVerificationData":{},"publicKey":"#,
            ),
            ("vnd.in-toto+json", r"vnd.in-toto\u002bjson"),
        ] {
            let other = good.replacen(from, to, 1);
            assert_ne!(other, good);
            let read = Bundle::parse(other.as_bytes()).unwrap();
            assert_eq!(read, bundle());
            assert_eq!(read.to_json().unwrap(), good);
        }
    }

    #[test]
    fn other_tools_keys_are_carried() {
        let good = bundle().to_json().unwrap();
        let older = good.replacen("bundle.v0.3+json", "bundle+json;version=0.1", 1);
        let read = Bundle::parse(older.as_bytes()).unwrap();
        assert_eq!(read.material(), bundle().material());
        let cosign = good.replacen(HINT, "c2hh", 1);
        for keyid in ["", "c2hh"] {
            let read = Bundle::parse(cosign.replace(HINT, keyid).as_bytes()).unwrap();
            assert_eq!(read.material(), Material::OtherKey);
            assert_eq!(read.to_json(), None);
        }
    }

    #[test]
    fn certificates_are_carried() {
        let json = bundle().to_json().unwrap();
        let json = json.replacen("publicKey", "certificate", 1);
        let read = Bundle::parse(json.as_bytes()).unwrap();
        assert_eq!(read.material(), Material::Certificate);
        assert_eq!(read.to_json(), None);
    }

    proptest! {
        #[test]
        fn both_readers_agree(payload: Vec<u8>, sig in prop::collection::vec(any::<u8>(), 1..70), key: [u8; 32]) {
            let key = base64::encode(&key);
            let key = format!("SHA256:{}", key.trim_end_matches('=')).parse().unwrap();
            let bundle = Bundle::new("application/vnd.in-toto+json", payload, key, sig).unwrap();
            let json = bundle.to_json().unwrap();
            let ours = Bundle::parse_ours(json.as_bytes());
            let general = Bundle::from_value(canonical::parse_strict(json.as_bytes()).unwrap()).unwrap();
            prop_assert_eq!(ours.as_ref(), Some(&bundle));
            prop_assert_eq!(general, bundle);
        }

        /// The short way never takes what the general reader refuses or reads otherwise.
        #[test]
        fn the_short_way_takes_nothing_more(position: prop::sample::Index, byte: u8) {
            let mut json = bundle().to_json().unwrap().into_bytes();
            let position = position.index(json.len());
            json[position] = byte;
            if let Some(ours) = Bundle::parse_ours(&json) {
                let general = Bundle::from_value(canonical::parse_strict(&json).unwrap()).unwrap();
                prop_assert_eq!(&ours, &general);
                prop_assert_eq!(ours.to_json().unwrap().into_bytes(), json);
            }
        }
    }
}
