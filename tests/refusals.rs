//! Bundles that are refused, each by its own code, and a list of the codes that have none here: cases of the Sigstore
//! conformance suite with one thing changed, in the bundle, the trusted root, what is asked for, or the clock.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::BTreeSet;

use git_docket::sigstore::{Artifact, Expected, Matcher, Refusal, Roots, Signer, verify};
use git_docket::timestamp::Timestamp;
use serde_json::{Value, json};

#[path = "common/conformance.rs"]
mod conformance;
#[path = "common/peer.rs"]
mod peer;

use conformance::{Case, cases, now};

/// A case of the suite, to be changed.
#[derive(Clone)]
struct Trial {
    bundle: Value,
    roots: Value,
    artifact: Artifact,
    signer: Signer,
    now: Timestamp,
}

impl Trial {
    fn of(cases: &[Case], name: &str) -> Self {
        let case = cases.iter().find(|case| case.name == name);
        let case = case.unwrap_or_else(|| panic!("no case {name}"));
        Self {
            bundle: serde_json::from_slice(&case.bundle).unwrap(),
            roots: serde_json::from_str(&case.roots).unwrap(),
            artifact: Artifact::of_content(&case.artifact),
            signer: case.signer(),
            now: now(),
        }
    }

    fn judge(&self) -> Result<(), &'static str> {
        let roots = Roots::parse(self.roots.to_string().as_bytes()).unwrap();
        let bundle = self.bundle.to_string().into_bytes();
        verify(&bundle, &self.artifact, &self.signer, &roots, self.now)
            .map(drop)
            .map_err(|refusal| refusal.code())
    }
}

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

fn put(document: &mut Value, place: &str, value: Value) {
    let (parent, last) = place.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[last.parse::<usize>().unwrap()] = value,
        object => object[last] = value,
    }
}

fn remove(document: &mut Value, place: &str) {
    let (parent, last) = place.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(last).unwrap();
}

/// Every `validFor` of a list of the root's is past.
fn past(roots: &mut Value, list: &str) {
    for one in roots[list].as_array_mut().unwrap() {
        let at = match list {
            "tlogs" | "ctlogs" => "/publicKey/validFor",
            _ => "/validFor",
        };
        let year = json!({"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"});
        put(one, at, year);
    }
}

/// Base64 of what the change makes of the bytes at a place.
fn rebased(document: &mut Value, place: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let text = document.pointer(place).unwrap().as_str().unwrap();
    let bytes = data_encoding::BASE64.decode(text.as_bytes()).unwrap();
    let changed = data_encoding::BASE64.encode(&change(bytes));
    put(document, place, json!(changed));
}

/// A case, what is changed, and the code that must come of it.
type Vector = (&'static str, &'static str, fn(&mut Trial));

const V1: &str = "happy-path-v0.1";
const V3: &str = "happy-path-v0.3";
const DSSE: &str = "happy-path-intoto-in-dsse-v3";
const KEY: &str = "managed-key-happy-path";
const REKOR2: &str = "rekor2-happy-path";
const STAMP: &str =
    "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

const VECTORS: &[Vector] = &[
    ("bundle-malformed", V3, |t| t.bundle = json!([])),
    ("bundle-version-missing", V3, |t| {
        remove(&mut t.bundle, "/mediaType");
    }),
    ("bundle-version-unknown", V3, |t| {
        put(&mut t.bundle, "/mediaType", json!("application/json"));
    }),
    ("bundle-chain", V3, |t| {
        let one = t.bundle["verificationMaterial"]["certificate"].clone();
        remove(&mut t.bundle, "/verificationMaterial/certificate");
        let chain = json!({"certificates": [one]});
        put(
            &mut t.bundle,
            "/verificationMaterial/x509CertificateChain",
            chain,
        );
    }),
    ("bundle-chain-empty", V1, |t| {
        let place = "/verificationMaterial/x509CertificateChain/certificates";
        put(&mut t.bundle, place, json!([]));
    }),
    ("bundle-too-many", REKOR2, |t| {
        let list = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
        let many: Vec<Value> = (0..33)
            .map(|n| json!({"signedTimestamp": data_encoding::BASE64.encode(&[n])}))
            .collect();
        put(&mut t.bundle, list, json!(many));
    }),
    ("bundle-repeated", REKOR2, |t| {
        let list = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
        let one = t.bundle.pointer(list).unwrap()[0].clone();
        put(&mut t.bundle, list, json!([one, one]));
    }),
    ("no-key-given", KEY, |t| {
        t.signer = Signer::Identity(Expected {
            identity: Matcher::Exact("a".into()),
            issuer: Matcher::Exact("b".into()),
        });
    }),
    ("log-entry-missing", V3, |t| {
        put(
            &mut t.bundle,
            "/verificationMaterial/tlogEntries",
            json!([]),
        );
    }),
    ("log-entry-malformed", V3, |t| {
        rebased(&mut t.bundle, &format!("{ENTRY}/canonicalizedBody"), |_| {
            b"[]".to_vec()
        });
    }),
    ("log-entry-kind", V3, |t| {
        put(
            &mut t.bundle,
            &format!("{ENTRY}/kindVersion/kind"),
            json!("dsse"),
        );
    }),
    ("log-entry-mismatch", DSSE, |t| {
        rebased(
            &mut t.bundle,
            "/dsseEnvelope/signatures/0/sig",
            |mut sig| {
                *sig.last_mut().unwrap() ^= 1;
                sig
            },
        );
    }),
    ("log-unknown", V3, |t| t.roots["tlogs"] = json!([])),
    ("log-key-window", V3, |t| past(&mut t.roots, "tlogs")),
    ("inclusion-missing", V3, |t| {
        remove(&mut t.bundle, &format!("{ENTRY}/inclusionProof"))
    }),
    ("promise-missing", V1, |t| {
        remove(&mut t.bundle, &format!("{ENTRY}/inclusionPromise"))
    }),
    ("inclusion-proof", V3, |t| {
        rebased(
            &mut t.bundle,
            &format!("{ENTRY}/inclusionProof/hashes/0"),
            |_| vec![0; 32],
        );
    }),
    ("checkpoint-missing", V3, |t| {
        remove(&mut t.bundle, &format!("{ENTRY}/inclusionProof/checkpoint"));
    }),
    ("checkpoint-mismatch", V3, |t| {
        rebased(
            &mut t.bundle,
            &format!("{ENTRY}/inclusionProof/rootHash"),
            |_| vec![0; 32],
        );
    }),
    (
        "checkpoint-signature",
        "invalid-checkpoint-signature_fail",
        |_| (),
    ),
    ("promise-signature", "set-invalid-signature_fail", |_| ()),
    ("log-time-ahead", V3, |t| {
        t.now = "2022-06-01T00:00:00Z".parse().unwrap()
    }),
    (
        "timestamp-mismatch",
        "rekor2-timestamp-payload-mismatch_fail",
        |_| (),
    ),
    ("timestamp-signature", REKOR2, |t| {
        rebased(&mut t.bundle, STAMP, |mut stamp| {
            *stamp.last_mut().unwrap() ^= 1;
            stamp
        });
    }),
    ("timestamp-malformed", REKOR2, |t| {
        rebased(&mut t.bundle, STAMP, |_| b"stamp".to_vec())
    }),
    ("timestamp-window", REKOR2, |t| {
        past(&mut t.roots, "timestampAuthorities");
    }),
    ("timestamp-ahead", REKOR2, |t| {
        t.now = "2025-04-17T00:00:00Z".parse().unwrap()
    }),
    // A timestamp of an authority that nobody named is passed over, and there is no other.
    ("no-verified-time", REKOR2, |t| {
        t.roots["timestampAuthorities"] = json!([])
    }),
    ("certificate-malformed", V3, |t| {
        rebased(
            &mut t.bundle,
            "/verificationMaterial/certificate/rawBytes",
            |_| b"x".to_vec(),
        );
    }),
    ("certificate-chain", V3, |t| {
        let other = t.roots["timestampAuthorities"][0]["certChain"].clone();
        for authority in t.roots["certificateAuthorities"].as_array_mut().unwrap() {
            authority["certChain"] = other.clone();
        }
    }),
    ("authority-window", V3, |t| {
        past(&mut t.roots, "certificateAuthorities");
    }),
    ("sct-unknown-log", "invalid-ct-key_fail", |_| ()),
    ("sct-unknown-log", V3, |t| past(&mut t.roots, "ctlogs")),
    ("sct-signature", V3, |t| {
        // Every log under the name of the one that signed, with another's key.
        let logs = t.roots["tlogs"].as_array().unwrap();
        let p256 = "PKIX_ECDSA_P256_SHA_256";
        let is_p256 = |log: &&Value| log["publicKey"]["keyDetails"] == p256;
        let other = logs.iter().find(is_p256).unwrap()["publicKey"]["rawBytes"].clone();
        for log in t.roots["ctlogs"].as_array_mut().unwrap() {
            log["publicKey"]["rawBytes"] = other.clone();
        }
    }),
    ("identity-mismatch", V3, |t| {
        if let Signer::Identity(expected) = &mut t.signer {
            expected.identity = Matcher::Exact("somebody else".into());
        }
    }),
    ("issuer-mismatch", V3, |t| {
        if let Signer::Identity(expected) = &mut t.signer {
            expected.issuer = Matcher::Exact("https://example.com".into());
        }
    }),
    ("subject-mismatch", DSSE, |t| {
        t.artifact = Artifact::of_content(b"another")
    }),
    ("digest-unknown", V3, |t| {
        t.artifact = Artifact::of_digest(&format!("sha512:{}", "0".repeat(128))).unwrap();
    }),
    ("clock-unusable", V3, |t| {
        t.now = "9999-12-31T23:59:59Z".parse().unwrap()
    }),
];

#[test]
fn every_code_has_a_bundle_that_is_refused_by_it_or_is_known_to_lack_one() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    for (code, name, change) in VECTORS {
        let mut trial = Trial::of(&cases, name);
        change(&mut trial);
        let judged = trial.judge();
        if judged != Err(*code) {
            wrong.push(format!("{code} from {name}: {judged:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let here: BTreeSet<&str> = VECTORS.iter().map(|(code, ..)| *code).collect();
    let missing: Vec<&str> = Refusal::CODES
        .iter()
        .copied()
        .filter(|code| ![ELSEWHERE, LACKING].concat().contains(code) && !here.contains(code))
        .collect();
    assert!(missing.is_empty(), "no vector for {missing:?}");
    let known = [ELSEWHERE, LACKING].concat();
    let twice: Vec<_> = known.iter().filter(|code| here.contains(*code)).collect();
    assert!(twice.is_empty(), "listed, and there is a vector: {twice:?}");
}

/// Refused by these are bundles in `tests/keyless.rs` and `tests/corpus_sigstore.rs`.
const ELSEWHERE: &[&str] = &[
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-usage",
    "envelope-mismatch",
    "not-a-key-bundle",
    "sct-missing",
    "signature-invalid",
];

/// No bundle is refused by these in any test yet: each takes one that is signed anew.
const LACKING: &[&str] = &[
    "artifact-mismatch",
    "bundle-too-large",
    "content-needed",
    "digest-unsupported",
    "key-unsupported",
    "no-statement",
    "payload-type",
    "sct-malformed",
    "statement-malformed",
];
