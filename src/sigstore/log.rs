//! Log entries: that one is about this bundle, and that a log of the trusted root holds it.

use jiff::Timestamp as Time;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_types::bundle::{InclusionProof, TransparencyLogEntry};
use sigstore_types::{
    DerCertificate, DerPublicKey, HashAlgorithm, KindVersion, Sha256Hash, SignatureBytes,
};

use super::artifact::Artifact;
use super::memo::Memo;
use super::received::{Content, Received};
use super::roots::{Log, Roots, contains};
use super::{Refusal, certificate, signature_of};
use crate::base64;
use crate::canonical;
use crate::digest::Sha256;
use crate::merkle;

/// Holds an entry's body against the bundle: the same signature, by the same key, over the same bytes. Without
/// that an entry of somebody else's signature would lend its time (CVE-2022-36056).
pub(super) fn belongs(
    entry: &TransparencyLogEntry,
    received: &Received,
    artifact: Option<&Artifact>,
    key: &DerPublicKey,
) -> Result<(), Refusal> {
    let body = entry.canonicalized_body.as_bytes();
    let says = match (entry.kind_version, received.content()) {
        (KindVersion::HashedRekordV001, Content::Message { .. }) => {
            read::<HashedRekord>(body, entry)?.says()?
        }
        (KindVersion::HashedRekordV002, _) => read::<HashedRekordV2>(body, entry)?.says()?,
        (KindVersion::DsseV001, Content::Envelope { .. }) => read::<Dsse>(body, entry)?.says()?,
        (KindVersion::IntotoV002, Content::Envelope { payload_type, .. }) => {
            let intoto: InToto = read(body, entry)?;
            if intoto.content.envelope.payload_type != *payload_type {
                return Err(Refusal::LogEntryMismatch {
                    what: "payload type",
                });
            }
            intoto.says()?
        }
        (kind, _) => {
            return Err(Refusal::LogEntryKind {
                kind: format!("{} {}", kind.kind(), kind.version()),
            });
        }
    };
    let same = |what, holds| match holds {
        true => Ok(()),
        false => Err(Refusal::LogEntryMismatch { what }),
    };
    let signed = match (received.content(), says.of) {
        (Content::Message { .. }, Of::Signed) => artifact
            .ok_or(Refusal::NoStatement)?
            .digest(HashAlgorithm::Sha2256)?
            .to_vec(),
        (Content::Envelope { pae, .. }, Of::Signed) => Sha256::of(pae).as_bytes().to_vec(),
        (Content::Envelope { payload, .. }, Of::Payload) => Sha256::of(payload).as_bytes().to_vec(),
        (Content::Message { .. }, Of::Payload) => return Err(Refusal::LogEntryMalformed),
    };
    same("digest", says.digest == signed)?;
    same(
        "signature",
        says.signature == signature_of(received.content()).as_bytes(),
    )?;
    same("signer", says.verifier.is(received.certificate(), key))
}

/// What a body says, whatever its kind.
struct Says {
    of: Of,
    digest: Vec<u8>,
    signature: Vec<u8>,
    verifier: Verifier,
}

/// What a body's digest is of.
enum Of {
    /// The signed bytes: the artifact, or an envelope's PAE.
    Signed,
    /// An envelope's payload.
    Payload,
}

/// By whom a body says that it was signed.
enum Verifier {
    Certificate(DerCertificate),
    Key(DerPublicKey),
}

impl Verifier {
    fn from_pem(text: &str) -> Result<Self, Refusal> {
        match DerCertificate::from_pem(text) {
            Ok(certificate) => Ok(Self::Certificate(certificate)),
            Err(_) => DerPublicKey::from_pem(text)
                .map(Self::Key)
                .map_err(|_| Refusal::LogEntryMalformed),
        }
    }

    fn is(&self, certificate: Option<&DerCertificate>, key: &DerPublicKey) -> bool {
        match (self, certificate) {
            (Self::Certificate(logged), Some(certificate)) => logged == certificate,
            // One logged a certificate's key, or wrapped a key in a certificate: the key decides.
            (Self::Certificate(logged), None) => {
                certificate::read(logged).is_ok_and(|read| read.public_key() == key)
            }
            (Self::Key(logged), _) => logged == key,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<S> {
    api_version: String,
    kind: String,
    spec: S,
}

fn read<S: serde::de::DeserializeOwned>(
    body: &[u8],
    entry: &TransparencyLogEntry,
) -> Result<S, Refusal> {
    canonical::check_strict(body).map_err(|_| Refusal::LogEntryMalformed)?;
    let body: Body<S> = serde_json::from_slice(body).map_err(|_| Refusal::LogEntryMalformed)?;
    let kind = entry.kind_version;
    match body.kind == kind.kind() && body.api_version == kind.version() {
        true => Ok(body.spec),
        false => Err(Refusal::LogEntryMismatch { what: "kind" }),
    }
}

#[derive(Deserialize)]
struct HashedRekord {
    data: HashedRekordData,
    signature: HashedRekordSignature,
}

#[derive(Deserialize)]
struct HashedRekordData {
    hash: HexHash,
}

/// `{"algorithm":"sha256","value":"<hex>"}`
#[derive(Deserialize)]
struct HexHash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekordSignature {
    content: String,
    public_key: PemContent,
}

#[derive(Deserialize)]
struct PemContent {
    content: String,
}

impl HashedRekord {
    fn says(self) -> Result<Says, Refusal> {
        Ok(Says {
            of: Of::Signed,
            digest: self.data.hash.sha256()?,
            signature: decoded(&self.signature.content)?,
            verifier: Verifier::from_pem(&text(&self.signature.public_key.content)?)?,
        })
    }
}

impl HexHash {
    fn sha256(&self) -> Result<Vec<u8>, Refusal> {
        match self.algorithm.as_str() {
            "sha256" => data_encoding::HEXLOWER
                .decode(self.value.as_bytes())
                .map_err(|_| Refusal::LogEntryMalformed),
            _ => Err(Refusal::LogEntryMalformed),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekordV2 {
    hashed_rekord_v002: HashedRekordV2Inner,
}

#[derive(Deserialize)]
struct HashedRekordV2Inner {
    data: HashedRekordV2Data,
    signature: HashedRekordV2Signature,
}

#[derive(Deserialize)]
struct HashedRekordV2Data {
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
struct HashedRekordV2Signature {
    content: String,
    verifier: HashedRekordV2Verifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HashedRekordV2Verifier {
    x509_certificate: Option<RawBytes>,
    public_key: Option<RawBytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBytes {
    raw_bytes: String,
}

impl HashedRekordV2 {
    fn says(self) -> Result<Says, Refusal> {
        let HashedRekordV2Inner { data, signature } = self.hashed_rekord_v002;
        if data.algorithm != "SHA2_256" {
            return Err(Refusal::LogEntryMalformed);
        }
        let verifier = match (
            signature.verifier.x509_certificate,
            signature.verifier.public_key,
        ) {
            (Some(certificate), None) => {
                Verifier::Certificate(DerCertificate::new(decoded(&certificate.raw_bytes)?))
            }
            (None, Some(key)) => Verifier::Key(DerPublicKey::new(decoded(&key.raw_bytes)?)),
            _ => return Err(Refusal::LogEntryMalformed),
        };
        Ok(Says {
            of: Of::Signed,
            digest: decoded(&data.digest)?,
            signature: decoded(&signature.content)?,
            verifier,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dsse {
    payload_hash: HexHash,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
struct DsseSignature {
    signature: String,
    verifier: String,
}

impl Dsse {
    fn says(self) -> Result<Says, Refusal> {
        let [signature] = &self.signatures[..] else {
            return Err(Refusal::LogEntryMismatch {
                what: "number of signatures",
            });
        };
        Ok(Says {
            of: Of::Payload,
            digest: self.payload_hash.sha256()?,
            signature: decoded(&signature.signature)?,
            verifier: Verifier::from_pem(&text(&signature.verifier)?)?,
        })
    }
}

#[derive(Deserialize)]
struct InToto {
    content: InTotoContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoContent {
    envelope: InTotoEnvelope,
    payload_hash: HexHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoEnvelope {
    payload_type: String,
    signatures: Vec<InTotoSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InTotoSignature {
    public_key: String,
    sig: String,
}

impl InToto {
    fn says(self) -> Result<Says, Refusal> {
        let [signature] = &self.content.envelope.signatures[..] else {
            return Err(Refusal::LogEntryMismatch {
                what: "number of signatures",
            });
        };
        Ok(Says {
            of: Of::Payload,
            digest: self.content.payload_hash.sha256()?,
            // Base64 of base64: Rekor v1 kept the envelope's text.
            signature: decoded(&text(&signature.sig)?)?,
            verifier: Verifier::from_pem(&text(&signature.public_key)?)?,
        })
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    base64::decode(text.as_bytes()).map_err(|_| Refusal::LogEntryMalformed)
}

fn text(base64: &str) -> Result<String, Refusal> {
    String::from_utf8(decoded(base64)?).map_err(|_| Refusal::LogEntryMalformed)
}

/// Holds inclusion proof, checkpoint and promise against a log of the root: whatever is there must hold.
pub(super) fn included(
    entry: &TransparencyLogEntry,
    roots: &Roots,
    now: Time,
) -> Result<(), Refusal> {
    let log = log_of(entry, roots)?;
    if log.in_use.is_some_and(|in_use| in_use.start > now) {
        return Err(Refusal::LogKeyWindow);
    }
    if let Some(proof) = &entry.inclusion_proof {
        inclusion(entry, proof, log, roots.memo())?;
    }
    if entry.inclusion_promise.is_some() {
        promise(entry, log)?;
    }
    Ok(())
}

/// Whether each log's key was in use at one of the verified times. Without any time there is nothing to hold it
/// against.
pub(super) fn keys_in_window(
    entries: &[TransparencyLogEntry],
    roots: &Roots,
    times: &[Time],
) -> Result<(), Refusal> {
    for entry in entries {
        let log = log_of(entry, roots)?;
        let in_use = times.is_empty() || times.iter().any(|time| contains(log.in_use, *time));
        if !in_use {
            return Err(Refusal::LogKeyWindow);
        }
    }
    Ok(())
}

fn log_of<'a>(entry: &TransparencyLogEntry, roots: &'a Roots) -> Result<&'a Log, Refusal> {
    let id = entry.log_id.key_id.as_bytes();
    let log = roots.logs().iter().find(|log| log.id == id);
    log.ok_or(Refusal::LogUnknown)
}

// RFC 6962 §2.1.1. A v1 proof repeats index, size and root; a v2 proof's own are ignored, as its log asks.
fn inclusion(
    entry: &TransparencyLogEntry,
    proof: &InclusionProof,
    log: &Log,
    memo: &Memo,
) -> Result<(), Refusal> {
    let checkpoint = proof
        .checkpoint
        .checkpoint()
        .ok_or(Refusal::CheckpointMissing)?;
    let (size, root) = (checkpoint.tree_size(), sha256(checkpoint.root_hash()));
    let index = match entry.kind_version {
        KindVersion::HashedRekordV002 => entry.log_index.get(),
        _ if proof.tree_size != size || sha256(&proof.root_hash) != root => {
            return Err(Refusal::CheckpointMismatch);
        }
        _ => proof.log_index.get(),
    };
    let leaf = merkle::leaf_hash(entry.canonicalized_body.as_bytes());
    let hashes: Vec<Sha256> = proof.hashes.iter().map(sha256).collect();
    merkle::verify_inclusion(&leaf, index, size, &hashes, &root)
        .map_err(|_| Refusal::InclusionProof)?;
    // Four bytes of a key id may collide: every signature with the log's hint is tried.
    let by_log = |id: &[u8]| log.id.get(..4) == Some(id);
    let signed = checkpoint.signed_data();
    let holds = |signature: &SignatureBytes| log.key.verify(signed, signature).is_ok();
    let mut by_this_log = checkpoint
        .signatures()
        .iter()
        .filter(|signature| by_log(signature.key_id.as_bytes()))
        .map(|signature| &signature.signature);
    match by_this_log.any(|signature| {
        let parts = [&log.id, signed, signature.as_bytes()];
        memo.checkpoint(parts, || holds(signature))
    }) {
        true => Ok(()),
        false => Err(Refusal::CheckpointSignature),
    }
}

// Rekor v1: a signature over the canonical JSON of body, time, index and log id.
fn promise(entry: &TransparencyLogEntry, log: &Log) -> Result<(), Refusal> {
    let promise = entry
        .inclusion_promise
        .as_ref()
        .ok_or(Refusal::PromiseMissing)?;
    if entry
        .integrated_time
        .is_some_and(|time| !contains(log.in_use, time))
    {
        return Err(Refusal::LogKeyWindow);
    }
    let payload: Value = json!({
        "body": base64::encode(entry.canonicalized_body.as_bytes()),
        "integratedTime": entry.integrated_time.map_or(0, Time::as_second),
        "logIndex": entry.log_index.get(),
        "logID": data_encoding::HEXLOWER.encode(entry.log_id.key_id.as_bytes()),
    });
    let payload = canonical::to_vec(&payload).map_err(|_| Refusal::LogEntryMalformed)?;
    let signature = SignatureBytes::new(promise.signed_entry_timestamp.as_bytes().to_vec());
    log.key
        .verify(&payload, &signature)
        .map_err(|_| Refusal::Promise)
}

fn sha256(hash: &Sha256Hash) -> Sha256 {
    Sha256::from_bytes(*hash.as_bytes())
}
