//! A certificate authority and a transparency log of the tests' own: what Fulcio and Rekor v1 would have made, with any one
//! thing wrong. Fixed keys, every byte the same each time.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part of the testkit"
)]

use git_docket::{
    base64,
    digest::Sha256,
    envelope::pae,
    merkle,
    signing::{Curve, SigningKey},
    sigstore::{Roots, Trust},
    statement::{PAYLOAD_TYPE, Statement},
};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example.com";
pub const WORKFLOW: &str = "https://forge.example.com/acme/app/build.yml@refs/heads/main";
/// When a signature is logged, unless said otherwise: within the certificate's ten minutes.
pub const LOGGED: i64 = 1_795_341_660;

const AUTHORITY: u8 = 31;
const LOG: u8 = 32;
pub const LEAF: u8 = 33;
pub const OTHER: u8 = 34;

/// What is made; the fields say what is true of it.
#[derive(Clone)]
pub struct Making {
    pub issuer: Option<&'static str>,
    pub identity: &'static str,
    /// UTCTime.
    pub valid: (&'static str, &'static str),
    /// The last arc of the extended key usage: 3 is code signing.
    pub usage: u8,
    pub logged: i64,
    /// Seeds: who signs the certificate, the promise, the checkpoint, the statement.
    pub authority: u8,
    pub promise: u8,
    pub checkpoint: u8,
    pub signer: u8,
}

impl Default for Making {
    fn default() -> Self {
        Self {
            issuer: Some(ISSUER),
            identity: WORKFLOW,
            valid: ("261122100000Z", "261122101000Z"),
            usage: 3,
            logged: LOGGED,
            authority: AUTHORITY,
            promise: LOG,
            checkpoint: LOG,
            signer: LEAF,
        }
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_scalar(Curve::P256, &[seed; 32]).unwrap()
}

fn sign(seed: u8, message: &[u8]) -> Vec<u8> {
    key(seed).sign(message).unwrap()
}

fn spki(seed: u8) -> Vec<u8> {
    key(seed).public().to_spki_der()
}

fn log_id() -> Sha256 {
    Sha256::of(&spki(LOG))
}

/// The trusted root of these.
pub fn document() -> Value {
    let authority = certificate(&Making::default(), true);
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [{
            "baseUrl": "https://log.example.com",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64::encode(&spki(LOG)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": "2026-01-01T00:00:00Z"},
            },
            "logId": {"keyId": base64::encode(log_id().as_bytes())},
        }],
        "certificateAuthorities": [{
            "subject": {"organization": "tests", "commonName": "tests"},
            "uri": "https://ca.example.com",
            "certChain": {"certificates": [{"rawBytes": base64::encode(&authority)}]},
            "validFor": {"start": "2026-01-01T00:00:00Z"},
        }],
        "ctlogs": [],
        "timestampAuthorities": [],
    })
}

/// The same, changed as wanted.
pub fn root(change: impl FnOnce(&mut Value)) -> Roots {
    let mut root = document();
    change(&mut root);
    Roots::parse(root.to_string().as_bytes()).unwrap()
}

pub fn trust() -> Trust {
    Trust::of(vec![root(|_| {})])
}

impl Making {
    /// The bundle over a statement.
    pub fn bundle(&self, statement: &Statement) -> Value {
        let payload = statement.to_bytes().unwrap();
        let signature = sign(self.signer, &pae(PAYLOAD_TYPE, &payload));
        let certificate = certificate(self, false);
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            base64::encode(&certificate)
        );
        let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "00".repeat(32)},
            "payloadHash": {"algorithm": "sha256", "value": Sha256::of(&payload).to_string()},
            "signatures": [{"signature": base64::encode(&signature), "verifier": base64::encode(pem.as_bytes())}],
        }});
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64::encode(&certificate)},
                "tlogEntries": [self.entry(&body)],
            },
            "dsseEnvelope": {
                "payload": base64::encode(&payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": base64::encode(&signature)}],
            },
        })
    }

    /// A log's entry around a body: the log's first and only one.
    pub fn entry(&self, body: &Value) -> Value {
        let body = body.to_string();
        let promised = json!({
            "body": base64::encode(body.as_bytes()),
            "integratedTime": self.logged,
            "logID": log_id().to_string(),
            "logIndex": 0,
        });
        let root = merkle::leaf_hash(body.as_bytes());
        let signed = format!("log.example.com\n1\n{}\n", base64::encode(root.as_bytes()));
        let hinted = [
            &log_id().as_bytes()[..4],
            &sign(self.checkpoint, signed.as_bytes()),
        ]
        .concat();
        let checkpoint = format!("{signed}\n— log.example.com {}\n", base64::encode(&hinted));
        json!({
            "logIndex": "0",
            "logId": {"keyId": base64::encode(log_id().as_bytes())},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": self.logged.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": base64::encode(&sign(self.promise, promised.to_string().as_bytes())),
            },
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": base64::encode(root.as_bytes()),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": base64::encode(body.as_bytes()),
        })
    }
}

/// A certificate (RFC 5280), of the authority or of a signer.
fn certificate(making: &Making, is_authority: bool) -> Vec<u8> {
    // ecdsa-with-SHA256
    let algorithm = tlv(0x30, &[&[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    // commonName
    let named = [
        tlv(0x06, &[&[0x55, 4, 3]]),
        tlv(0x0c, &[b"authority of the tests"]),
    ]
    .concat();
    let authority = tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&named])])]);
    let (serial, valid, subject, public) = match is_authority {
        true => (
            1,
            ("260101000000Z", "360101000000Z"),
            authority.clone(),
            spki(AUTHORITY),
        ),
        false => (2, making.valid, tlv(0x30, &[]), spki(LEAF)),
    };
    let validity = tlv(
        0x30,
        &[
            &tlv(0x17, &[valid.0.as_bytes()]),
            &tlv(0x17, &[valid.1.as_bytes()]),
        ],
    );
    let extensions = match is_authority {
        true => vec![
            extension(&[0x55, 0x1d, 19], true, &tlv(0x30, &[&[0x01, 1, 0xff]])),
            extension(&[0x55, 0x1d, 15], true, &[0x03, 2, 1, 0x06]),
        ],
        false => {
            let usage = tlv(0x06, &[&[0x2b, 6, 1, 5, 5, 7, 3, making.usage]]);
            let name = tlv(0x86, &[making.identity.as_bytes()]);
            let mut all = vec![
                extension(&[0x55, 0x1d, 15], true, &[0x03, 2, 7, 0x80]),
                extension(&[0x55, 0x1d, 37], false, &tlv(0x30, &[&usage])),
                extension(&[0x55, 0x1d, 17], true, &tlv(0x30, &[&name])),
            ];
            // 1.3.6.1.4.1.57264.1.8
            let fulcio = [0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, 8];
            all.extend(
                making
                    .issuer
                    .map(|issuer| extension(&fulcio, false, &tlv(0x0c, &[issuer.as_bytes()]))),
            );
            all
        }
    };
    let tbs = tlv(
        0x30,
        &[
            &tlv(0xa0, &[&[0x02, 1, 2]]),
            &[0x02, 1, serial],
            &algorithm,
            &authority,
            &validity,
            &subject,
            &public,
            &tlv(0xa3, &[&tlv(0x30, &[&extensions.concat()])]),
        ],
    );
    let signer = if is_authority {
        AUTHORITY
    } else {
        making.authority
    };
    let signature = tlv(0x03, &[&[0], &sign(signer, &tbs)]);
    tlv(0x30, &[&tbs, &algorithm, &signature])
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 1, 0xff] } else { &[] };
    tlv(0x30, &[&tlv(0x06, &[id]), critical, &tlv(0x04, &[value])])
}

/// DER: tag, length, and the parts behind one another.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    let head = match value.len() {
        0..=127 => vec![tag, length[1]],
        128..=255 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [head, value].concat()
}
