//! DSSE v1.0: <https://github.com/secure-systems-lab/dsse/blob/master/envelope.md>.
//!
//! What is signed is not the payload but its pre-authentication encoding, [`pae`], so that the payload's type
//! is signed with it and no parsing comes before verification. Reading:
//! 1. strict JSON, no duplicate key; unknown fields are ignored, as DSSE asks;
//! 2. `payload` and each `sig` are base64 with padding and no stray bits; the standard alphabet, or in a bare
//!    envelope the URL-safe one, which DSSE allows too;
//! 3. 1 to [`MAX_SIGNATURES`] signatures, none of them empty.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base64;
use crate::canonical;

/// No envelope has more signatures.
pub const MAX_SIGNATURES: usize = 64;

/// A payload, its type, and signatures over both. Nothing in it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    /// The payload stands at the end of what is signed.
    pae: Vec<u8>,
    payload_at: usize,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// A hint which key made it; signed by nobody.
    pub keyid: Option<String>,
    /// The signature's bytes.
    pub sig: Vec<u8>,
}

/// Which base64 alphabets a reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// RFC 4648 §4 alone.
    Standard,
    /// RFC 4648 §4 or §5, as DSSE allows.
    Either,
}

/// Why something is no DSSE envelope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not strict JSON.
    #[error("envelope is no strict JSON")]
    Json(#[from] canonical::Error),
    /// A field is missing or of another kind.
    #[error("not the shape of a DSSE envelope")]
    Shape(#[source] serde_json::Error),
    /// A field is not base64, or not in its one canonical form.
    #[error("{field} is not base64 with padding")]
    Base64 {
        /// `payload` or `signatures[].sig`.
        field: &'static str,
    },
    /// No payload type: the signature would bind the payload to nothing.
    #[error("payloadType is empty")]
    NoPayloadType,
    /// None, or more than [`MAX_SIGNATURES`].
    #[error("envelope with {count} signatures, not 1 to {MAX_SIGNATURES}")]
    SignatureCount {
        /// How many.
        count: usize,
    },
    /// A signature without a byte.
    #[error("a signature is empty")]
    EmptySignature,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Deserialize)]
struct RawSignature {
    sig: String,
    #[serde(default)]
    keyid: Option<String>,
}

/// Pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload`, lengths in decimal, one space
/// between each.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (type_length, length) = (payload_type.len(), payload.len());
    let head = format!("DSSEv1 {type_length} {payload_type} {length} ");
    [head.as_bytes(), payload].concat()
}

impl Envelope {
    /// An envelope of these parts.
    pub fn new(
        payload_type: impl Into<String>,
        payload: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Self, EnvelopeError> {
        let payload_type = payload_type.into();
        if payload_type.is_empty() {
            return Err(EnvelopeError::NoPayloadType);
        }
        if !(1..=MAX_SIGNATURES).contains(&signatures.len()) {
            let count = signatures.len();
            return Err(EnvelopeError::SignatureCount { count });
        }
        if signatures.iter().any(|s| s.sig.is_empty()) {
            return Err(EnvelopeError::EmptySignature);
        }
        let pae = pae(&payload_type, &payload);
        Ok(Self {
            payload_type,
            payload_at: pae.len() - payload.len(),
            pae,
            signatures,
        })
    }

    /// What is signed as it stands, without a type before it: the payload is all that the signatures are over.
    pub(super) fn untyped(
        payload: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Self, EnvelopeError> {
        Ok(Self {
            payload_type: String::new(),
            pae: payload,
            payload_at: 0,
            ..Self::new("untyped", Vec::new(), signatures)?
        })
    }

    /// Reads a bare envelope.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        Self::from_value(canonical::parse_strict(bytes)?, Alphabet::Either)
    }

    /// Reads an envelope that stands inside another document, which was parsed strictly.
    pub fn from_value(value: Value, alphabet: Alphabet) -> Result<Self, EnvelopeError> {
        let raw = RawEnvelope::deserialize(value).map_err(EnvelopeError::Shape)?;
        let payload = alphabet.decode("payload", &raw.payload)?;
        let signatures = raw.signatures.into_iter().map(|signature| {
            let sig = alphabet.decode("signatures[].sig", &signature.sig)?;
            let keyid = signature.keyid.filter(|keyid| !keyid.is_empty());
            Ok(Signature { keyid, sig })
        });
        let signatures: Vec<Signature> = signatures.collect::<Result<_, EnvelopeError>>()?;
        Self::new(raw.payload_type, payload, signatures)
    }

    /// The envelope as a compact JSON text, keys in DSSE's order, base64 in the standard alphabet.
    pub fn to_json(&self) -> String {
        let signatures: Vec<String> = self.signatures.iter().map(Signature::to_json).collect();
        format!(
            r#"{{"payload":"{}","payloadType":{},"signatures":[{}]}}"#,
            base64::encode(self.payload()),
            json!(self.payload_type),
            signatures.join(","),
        )
    }

    /// What the payload is; signed.
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload's bytes, exactly as signed.
    pub fn payload(&self) -> &[u8] {
        &self.pae[self.payload_at..]
    }

    /// At least one.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// What the signatures are over.
    pub fn pae(&self) -> &[u8] {
        &self.pae
    }
}

impl Signature {
    fn to_json(&self) -> String {
        let sig = base64::encode(&self.sig);
        match &self.keyid {
            Some(keyid) => format!(r#"{{"sig":"{sig}","keyid":{}}}"#, json!(keyid)),
            None => format!(r#"{{"sig":"{sig}"}}"#),
        }
    }
}

impl Alphabet {
    fn decode(self, field: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
        let standard = base64::decode(text.as_bytes());
        let bytes = match self {
            Self::Standard => standard,
            Self::Either => standard.or_else(|_| base64::decode_url_safe(text.as_bytes())),
        };
        bytes.map_err(|_| EnvelopeError::Base64 { field })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pae_is_that_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("é", b""), "DSSEv1 2 é 0 ".as_bytes());
    }

    #[test]
    fn refuses_what_is_no_envelope() {
        let good = r#"{"payload":"eA==","payloadType":"t","signatures":[{"sig":"AA=="}]}"#;
        assert!(Envelope::parse(good.as_bytes()).is_ok());
        for (from, to) in [
            (r#""eA==""#, r#""eA""#),
            (r#""eA==""#, r#""eB==""#),
            (r#""eA==""#, r#""e A==""#),
            (r#""t""#, r#""""#),
            (r#"[{"sig":"AA=="}]"#, "[]"),
            (r#""AA==""#, r#""""#),
            (r#""payloadType":"t","#, ""),
            (
                r#""payloadType":"t","#,
                r#""payloadType":"t","payloadType":"t","#,
            ),
            (r#"{"sig""#, r#"{"keyid":1,"sig""#),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(Envelope::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn url_safe_base64_is_for_bare_envelopes_alone() {
        let json = br#"{"payload":"-_-_","payloadType":"t","signatures":[{"sig":"AA=="}]}"#;
        let envelope = Envelope::parse(json).unwrap();
        assert_eq!(envelope.payload(), [0xfb, 0xff, 0xbf]);
        let value = canonical::parse_strict(json).unwrap();
        assert!(Envelope::from_value(value, Alphabet::Standard).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            payload_type in ".{1,20}",
            payload: Vec<u8>,
            signatures in prop::collection::vec((prop::option::of(".{1,8}"), prop::collection::vec(any::<u8>(), 1..70)), 1..4),
        ) {
            let signatures = signatures.into_iter().map(|(keyid, sig)| Signature { keyid, sig }).collect();
            let envelope = Envelope::new(payload_type, payload, signatures).unwrap();
            let json = envelope.to_json();
            let read = Envelope::parse(json.as_bytes()).unwrap();
            prop_assert_eq!(&read, &envelope);
            prop_assert_eq!(read.to_json(), json);
        }
    }
}
