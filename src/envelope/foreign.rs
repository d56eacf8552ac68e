//! Containers of other tools around a DSSE signature, read so that their bytes can be carried as they came.
//!
//! - *PyPI attestation* (PEP 740): `version`, `verification_material` and `envelope` with the base64 of a statement
//!   and of a signature over its DSSE encoding;
//! - *cosign's local file* (what `attest-blob --bundle` wrote before bundles): `base64Signature` is the base64 of a
//!   DSSE envelope, beside `cert` and `rekorBundle`;
//! - *Metablock* of classic in-toto: `signed` and hex signatures over its OLPC canonical JSON, without a type.
//!
//! Nothing is verified here. What a certificate or a log entry in them is worth is not read either.

use serde::Deserialize;
use serde_json::Value;

use super::dsse::{Alphabet, Envelope, EnvelopeError, Signature};
use crate::{base64, canonical, statement::PAYLOAD_TYPE};

/// Which container of another tool's it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A PyPI attestation object, PEP 740.
    Pypi,
    /// cosign's local file.
    CosignFile,
    /// A Metablock of classic in-toto, a link or a layout.
    Metablock,
}

/// Why a container of another tool's cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// A field is missing or of another kind.
    #[error("not the shape of {container}")]
    Shape {
        /// What it looks like.
        container: &'static str,
        /// Where not.
        source: serde_json::Error,
    },
    /// A version that is not read.
    #[error("PyPI attestation of version {found}, not 1")]
    Version {
        /// What it says.
        found: u64,
    },
    /// A field is not base64, or not in its one canonical form.
    #[error("{field} is not base64 with padding")]
    Base64 {
        /// Which.
        field: &'static str,
    },
    /// cosign signed a blob: there is no statement in it.
    #[error("base64Signature is no DSSE envelope: a blob was signed, not a statement")]
    NoEnvelope(#[source] EnvelopeError),
    /// A signature of a Metablock is not lower-case hex.
    #[error("a signature of the Metablock is not hex; one by GnuPG is not read")]
    Hex,
    /// What a Metablock signs has no canonical form.
    #[error("the Metablock's signed part has no canonical form")]
    Canonical(#[from] canonical::Error),
    /// The envelope is none.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

#[derive(Deserialize)]
struct PypiAttestation {
    version: u64,
    #[serde(rename = "verification_material")]
    _material: PypiMaterial,
    envelope: PypiEnvelope,
}

#[derive(Deserialize)]
struct PypiMaterial {
    #[serde(rename = "certificate")]
    _certificate: String,
    #[serde(rename = "transparency_entries")]
    _entries: Vec<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct PypiEnvelope {
    statement: String,
    signature: String,
}

#[derive(Deserialize)]
struct MetablockSignature {
    keyid: String,
    sig: String,
}

impl Foreign {
    /// Which container it looks like, by its fields; `None` for a bundle, a bare envelope or anything else.
    pub fn of(value: &Value) -> Option<Self> {
        let has = |field| value.get(field).is_some();
        if has("envelope") && has("verification_material") {
            Some(Self::Pypi)
        } else if has("base64Signature") {
            Some(Self::CosignFile)
        } else if has("signed") && has("signatures") && !has("payload") {
            Some(Self::Metablock)
        } else {
            None
        }
    }

    /// What was signed and the signatures, of a value that was parsed strictly.
    ///
    /// # Errors
    /// Where it is not what it looks like.
    pub fn read(self, value: &Value) -> Result<Envelope, ForeignError> {
        match self {
            Self::Pypi => pypi(value),
            Self::CosignFile => cosign(value),
            Self::Metablock => metablock(value),
        }
    }
}

fn pypi(value: &Value) -> Result<Envelope, ForeignError> {
    let shape = |source| ForeignError::Shape {
        container: "a PyPI attestation",
        source,
    };
    let raw = PypiAttestation::deserialize(value).map_err(shape)?;
    if raw.version != 1 {
        let found = raw.version;
        return Err(ForeignError::Version { found });
    }
    let statement = decoded("envelope.statement", &raw.envelope.statement)?;
    let sig = decoded("envelope.signature", &raw.envelope.signature)?;
    let signature = Signature { keyid: None, sig };
    Ok(Envelope::new(PAYLOAD_TYPE, statement, vec![signature])?)
}

fn cosign(value: &Value) -> Result<Envelope, ForeignError> {
    let text = value.get("base64Signature").and_then(Value::as_str);
    let bytes = decoded("base64Signature", text.unwrap_or_default())?;
    let inner = canonical::parse_strict(&bytes).map_err(EnvelopeError::from);
    inner
        .and_then(|inner| Envelope::from_value(inner, Alphabet::Either))
        .map_err(ForeignError::NoEnvelope)
}

fn metablock(value: &Value) -> Result<Envelope, ForeignError> {
    let shape = |source| ForeignError::Shape {
        container: "a Metablock",
        source,
    };
    let signatures = Vec::<MetablockSignature>::deserialize(&value["signatures"]).map_err(shape)?;
    let signatures = signatures.into_iter().map(|signature| {
        let sig = data_encoding::HEXLOWER.decode(signature.sig.as_bytes());
        Ok(Signature {
            keyid: Some(signature.keyid),
            sig: sig.map_err(|_| ForeignError::Hex)?,
        })
    });
    let signatures = signatures.collect::<Result<_, ForeignError>>()?;
    let signed = canonical::to_olpc(&value["signed"])?;
    Ok(Envelope::untyped(signed, signatures)?)
}

fn decoded(field: &'static str, text: &str) -> Result<Vec<u8>, ForeignError> {
    base64::decode(text.as_bytes()).map_err(|_| ForeignError::Base64 { field })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Envelope, ForeignError> {
        Foreign::of(value).unwrap().read(value)
    }

    fn pypi() -> Value {
        json!({
            "version": 1,
            "verification_material": {"certificate": "AA==", "transparency_entries": [{}]},
            "envelope": {"statement": base64::encode(b"{}"), "signature": "AA=="},
        })
    }

    #[test]
    fn a_pypi_attestation_is_an_in_toto_envelope() {
        let envelope = read(&pypi()).unwrap();
        assert_eq!(
            (envelope.payload_type(), envelope.payload()),
            (PAYLOAD_TYPE, &b"{}"[..])
        );
        for (pointer, value) in [
            ("/version", json!(2)),
            ("/version", json!("1")),
            ("/verification_material/certificate", json!(null)),
            ("/verification_material/transparency_entries", json!({})),
            ("/envelope/statement", json!("e30")),
            ("/envelope/signature", json!("")),
        ] {
            let mut bad = pypi();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cosign_s_file_holds_an_envelope_or_signs_a_blob() {
        let inner =
            r#"{"payloadType":"t","payload":"eA==","signatures":[{"keyid":"","sig":"AA=="}]}"#;
        let file = json!({"base64Signature": base64::encode(inner.as_bytes()), "cert": "x"});
        assert_eq!(read(&file).unwrap().payload(), b"x");
        let blob = json!({"base64Signature": "MEUCIQ==", "cert": "x"});
        assert!(matches!(read(&blob), Err(ForeignError::NoEnvelope(_))));
    }

    #[test]
    fn a_metablock_signs_its_canonical_form() {
        let block = json!({
            "signed": {"b": [1, true, null], "_type": "link", "é": "a\"\\\n"},
            "signatures": [{"keyid": "ab", "sig": "00ff"}],
        });
        let envelope = read(&block).unwrap();
        let canonical = "{\"_type\":\"link\",\"b\":[1,true,null],\"é\":\"a\\\"\\\\\n\"}";
        assert_eq!(envelope.pae(), canonical.as_bytes());
        assert_eq!(envelope.payload(), envelope.pae());
        for (pointer, value) in [
            ("/signatures", json!([])),
            ("/signatures/0/sig", json!("0G")),
            ("/signatures/0/sig", json!("")),
            ("/signatures/0/keyid", json!(1)),
            ("/signed/b", json!(1.5)),
        ] {
            let mut bad = block.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(read(&bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_looks_like_one_is_read_or_refused(field in ".{0,12}", number: u64, which in 0..3usize) {
            let value = [
                json!({"envelope": {"statement": field, "signature": field}, "verification_material": number}),
                json!({"base64Signature": field}),
                json!({"signed": number, "signatures": [{"keyid": field, "sig": field}]}),
            ];
            let _ = read(&value[which]);
        }
    }
}
