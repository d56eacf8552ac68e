//! Rekor: an entry for a signature, in the form in which bundles carry it (`TransparencyLogEntry`).

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sigstore_types::DerCertificate;

use super::error::{Error, Service};
use super::http::{Call, Client, join};
use crate::base64;
use crate::digest::Sha256;
use crate::statement::shortened;

/// Rekor v1: an entry of kind `dsse` 0.0.1.
pub(super) fn dsse(
    client: &Client,
    base: &str,
    envelope: &Value,
    certificate: &[u8],
) -> Result<Value, Error> {
    let url = join(base, "/api/v1/log/entries");
    let pem = DerCertificate::from_bytes(certificate).to_pem();
    let request = json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {"proposedContent": {
            "envelope": envelope.to_string(),
            "verifiers": [base64::encode(pem.as_bytes())],
        }},
    });
    let answer = post(client, &url, &request)?;
    let missing = || missing(&url, "an entry of its log");
    let mut answer: std::collections::BTreeMap<String, Logged> =
        serde_json::from_slice(&answer).map_err(|_| missing())?;
    let (_, logged) = answer.pop_first().ok_or_else(missing)?;
    logged.into_entry().ok_or_else(missing)
}

/// Rekor v2: an entry of kind `hashedrekord` 0.0.2 over the PAE's SHA-256.
pub(super) fn hashed(
    client: &Client,
    base: &str,
    pae: &[u8],
    signature: &[u8],
    certificate: &[u8],
) -> Result<Value, Error> {
    let url = join(base, "/api/v2/log/entries");
    let request = json!({"hashedRekordRequestV002": {
        "digest": base64::encode(Sha256::of(pae).as_bytes()),
        "signature": {
            "content": base64::encode(signature),
            "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "x509Certificate": {"rawBytes": base64::encode(certificate)},
            },
        },
    }});
    let answer = post(client, &url, &request)?;
    let mut entry: Map<String, Value> =
        serde_json::from_slice(&answer).map_err(|_| missing(&url, "an entry of its log"))?;
    // Protobuf leaves out what is zero or empty; some readers want it all the same.
    entry.entry("logIndex").or_insert_with(|| json!("0"));
    if let Some(Value::Object(proof)) = entry.get_mut("inclusionProof") {
        proof.entry("logIndex").or_insert_with(|| json!("0"));
        proof.entry("hashes").or_insert_with(|| json!([]));
    }
    // The log's own clock is believed by nobody.
    entry.remove("integratedTime");
    Ok(Value::Object(entry))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    body: String,
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: u64,
    verification: Verification,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    signed_entry_timestamp: String,
    inclusion_proof: Proof,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    checkpoint: String,
    hashes: Vec<String>,
    log_index: u64,
    root_hash: String,
    tree_size: u64,
}

impl Logged {
    fn into_entry(self) -> Option<Value> {
        let bytes = |hex: &String| {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?;
            Some(base64::encode(&bytes))
        };
        let proof = self.verification.inclusion_proof;
        let hashes: Option<Vec<String>> = proof.hashes.iter().map(bytes).collect();
        Some(json!({
            "logIndex": self.log_index.to_string(),
            "logId": {"keyId": bytes(&self.log_id)?},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": self.integrated_time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": self.verification.signed_entry_timestamp,
            },
            "inclusionProof": {
                "logIndex": proof.log_index.to_string(),
                "rootHash": bytes(&proof.root_hash)?,
                "treeSize": proof.tree_size.to_string(),
                "hashes": hashes?,
                "checkpoint": {"envelope": proof.checkpoint},
            },
            "canonicalizedBody": self.body,
        }))
    }
}

fn post(client: &Client, url: &str, request: &Value) -> Result<Vec<u8>, Error> {
    let call = Call {
        service: Service::Log,
        url,
        authorization: None,
    };
    client.post(&call, "application/json", request.to_string().as_bytes())
}

fn missing(url: &str, what: &'static str) -> Error {
    Error::Answer {
        service: Service::Log,
        url: shortened(url),
        what,
    }
}
