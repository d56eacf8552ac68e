//! Bundles that others made: the Sigstore client conformance cases, and what becomes of them when they are
//! changed. The Sigstore project's own verifier must agree wherever both give a verdict.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::BTreeSet;
use std::fs;

use git_docket::attestation::Attestation;
use git_docket::sigstore::{
    Artifact, Expected, Matcher, Refusal, Roots, Signer, Trust, WellKnown, verify,
};
use serde_json::{Value, json};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy};

#[path = "common/conformance.rs"]
mod conformance;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/schemas.rs"]
mod schemas;

use conformance::{Case, cases, now};

/// What the Sigstore project's own verifier says; `None` where it could not be asked.
fn stock(case: &Case, bundle: &[u8]) -> Option<Result<(), String>> {
    let roots = sigstore_verify::trust_root::TrustedRoot::from_json(&case.roots).ok()?;
    let bundle = match sigstore_verify::types::Bundle::from_json(std::str::from_utf8(bundle).ok()?)
    {
        Ok(bundle) => bundle,
        Err(error) => return Some(Err(error.to_string())),
    };
    let verdict = match &case.key {
        Some(key) => {
            let key = sigstore_verify::types::DerPublicKey::from_pem(key).unwrap();
            sigstore_verify::verify(
                &case.artifact,
                &bundle,
                &PublicKeyVerificationPolicy::new(key),
                &roots,
            )
        }
        None => {
            let policy = VerificationPolicy::new(case.identity.as_str(), case.issuer.as_str());
            sigstore_verify::verify(&case.artifact, &bundle, &policy, &roots)
        }
    };
    Some(verdict.map(drop).map_err(|error| error.to_string()))
}

#[test]
fn conformance_cases_pass_and_fail_as_named() {
    let Some(cases) = cases() else { return };
    for case in cases {
        if !case.has_key_or_needs_none() {
            assert_eq!(case.name, "managed-key-wrong-key_fail");
            continue;
        }
        let ours = case.judge(&case.bundle);
        assert_eq!(
            ours.is_err(),
            case.name.ends_with("_fail"),
            "{}: {ours:?}",
            case.name
        );
        let stock = stock(&case, &case.bundle).unwrap();
        assert_eq!(
            stock.is_ok(),
            ours.is_ok(),
            "{}: {stock:?} {ours:?}",
            case.name
        );
    }
}

#[test]
fn each_refused_case_says_why() {
    let Some(cases) = cases() else { return };
    let code = |name: &str| {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        case.judge(&case.bundle).unwrap_err().code()
    };
    for (name, expected) in [
        ("bundle-from-wrong-instance_fail", "log-unknown"),
        ("bundle-malformed-json_fail", "bundle-malformed"),
        ("bundle-unknown-version_fail", "bundle-version-unknown"),
        ("dsse-invalid-sig_fail", "log-entry-mismatch"),
        ("dsse-mismatch-envelope_fail", "log-entry-mismatch"),
        ("invalid-checkpoint-signature_fail", "checkpoint-signature"),
        ("invalid-ct-key_fail", "sct-unknown-log"),
        ("invalid-inclusion-proof_fail", "checkpoint-missing"),
        ("managed-key-no-key_fail", "no-key-given"),
        ("rekor2-no-inclusion-proof_fail", "inclusion-missing"),
        ("rekor2-no-timestamp_fail", "no-verified-time"),
        (
            "rekor2-timestamp-payload-mismatch_fail",
            "timestamp-mismatch",
        ),
        ("set-invalid-signature_fail", "promise-signature"),
        ("signature-mismatch_fail", "log-entry-mismatch"),
        ("wrong-material_fail", "log-entry-mismatch"),
    ] {
        assert_eq!(code(name), expected, "{name}");
    }
}

#[test]
fn the_identity_and_the_issuer_decide() {
    let Some(cases) = cases() else { return };
    for case in cases
        .iter()
        .filter(|case| !case.name.ends_with("_fail") && case.key.is_none())
    {
        let roots = Roots::parse(case.roots.as_bytes()).unwrap();
        let artifact = Artifact::of_content(&case.artifact);
        let judge = |identity, issuer| {
            let signer = Signer::Identity(Expected { identity, issuer });
            verify(&case.bundle, &artifact, &signer, &roots, now())
                .map_err(|refusal| refusal.code())
        };
        let exact = |text: &str| Matcher::Exact(text.to_owned());
        let pattern = |text: &str| Matcher::pattern(text).unwrap();
        let verified = judge(pattern(".*"), exact(&case.issuer)).unwrap();
        assert!(!verified.times.is_empty() && verified.log_entries > 0);
        assert_eq!(
            verified.certificate.unwrap().identities,
            [case.identity.as_str()]
        );
        assert!(
            judge(
                pattern("https://github\\.com/sigstore-conformance/.*"),
                pattern("https://.*")
            )
            .is_ok()
        );
        assert_eq!(
            judge(exact("ada@example.com"), exact(&case.issuer)).unwrap_err(),
            "identity-mismatch"
        );
        assert_eq!(
            judge(pattern("github"), exact(&case.issuer)).unwrap_err(),
            "identity-mismatch"
        );
        assert_eq!(
            judge(exact(&case.identity), exact("https://example.com")).unwrap_err(),
            "issuer-mismatch"
        );
        let wrong_key =
            Signer::key_from_pem(include_str!("../testdata/sigstore/other-key.pub")).unwrap();
        let refused = verify(&case.bundle, &artifact, &wrong_key, &roots, now());
        assert_eq!(refused.unwrap_err().code(), "not-a-key-bundle");
        let before = verify(
            &case.bundle,
            &artifact,
            &case.signer(),
            &roots,
            "2021-01-01T00:00:00Z".parse().unwrap(),
        );
        assert!(before.is_err(), "{}: judged before it was made", case.name);
    }
}

#[test]
fn a_digest_does_as_well_as_the_file() {
    let Some(cases) = cases() else { return };
    for case in cases.iter().filter(|case| !case.name.ends_with("_fail")) {
        let roots = Roots::parse(case.roots.as_bytes()).unwrap();
        let judge = |digest: &str| {
            let artifact = Artifact::of_digest(digest).unwrap();
            verify(&case.bundle, &artifact, &case.signer(), &roots, now())
                .map_err(|refusal| refusal.code())
        };
        let own = git_docket::digest::Sha256::of(&case.artifact);
        assert!(judge(&format!("sha256:{own}")).is_ok(), "{}", case.name);
        assert!(
            judge(&format!("sha256:{}", "0".repeat(64))).is_err(),
            "{}",
            case.name
        );
        let other = judge(&format!("sha512:{}", "0".repeat(128))).unwrap_err();
        assert!(
            ["digest-unknown", "subject-mismatch"].contains(&other),
            "{}: {other}",
            case.name
        );
    }
    for bad in ["sha256", "sha256:xyz", "sha256:ABCD", ":", "a.txt", ""] {
        assert!(Artifact::of_digest(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_roots_that_come_along_are_read() {
    assert!(Roots::well_known(WellKnown::PublicGood).is_ok());
    assert!(Roots::well_known(WellKnown::GitHub).is_ok());
    let Some(folder) = peer::corpus("roots") else {
        return;
    };
    for name in ["public-good", "github", "staging"] {
        let json = fs::read(folder.join(format!("{name}.trusted_root.json"))).unwrap();
        assert!(Roots::parse(&json).is_ok(), "{name}");
        assert!(Roots::parse(&json[..json.len() / 2]).is_err(), "{name}");
    }
}

/// Bundles of sigstore-js, by their own statement's subject: ours and the stock verifier agree on each.
#[test]
fn the_stock_verifier_agrees_on_other_clients_bundles() {
    let (Some(folder), Some(roots)) = (peer::corpus("sigstore-js"), peer::corpus("roots")) else {
        return;
    };
    let json = fs::read_to_string(roots.join("public-good.trusted_root.json")).unwrap();
    let ours = Roots::parse(json.as_bytes()).unwrap();
    let stock = sigstore_verify::trust_root::TrustedRoot::from_json(&json).unwrap();
    let any = || Matcher::pattern(".*").unwrap();
    let signer = Signer::Identity(Expected {
        identity: any(),
        issuer: any(),
    });
    let trust = Trust::of(vec![Roots::parse(json.as_bytes()).unwrap()]);
    let mut passed = 0;
    for entry in fs::read_dir(folder.join("tests/bundles"))
        .unwrap()
        .map(Result::unwrap)
    {
        let name = entry.file_name().into_string().unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let payload = value
            .pointer("/dsseEnvelope/payload")
            .unwrap()
            .as_str()
            .unwrap();
        let payload = git_docket::base64::decode(payload.as_bytes()).unwrap();
        let statement: Value = serde_json::from_slice(&payload).unwrap();
        let digests = statement["subject"][0]["digest"].as_object().unwrap();
        let (algorithm, hex) = digests.iter().next().unwrap();
        let artifact =
            Artifact::of_digest(&format!("{algorithm}:{}", hex.as_str().unwrap())).unwrap();
        let verdict = verify(&bytes, &artifact, &signer, &ours, now());
        let bundle =
            sigstore_verify::types::Bundle::from_json(std::str::from_utf8(&bytes).unwrap())
                .unwrap();
        let policy = VerificationPolicy::any_identity();
        // The stock verifier takes digests by SHA-256 only.
        if algorithm == "sha256" {
            let digest =
                sigstore_verify::types::Sha256Hash::from_hex(hex.as_str().unwrap()).unwrap();
            let theirs = sigstore_verify::verify(digest, &bundle, &policy, &stock);
            assert_eq!(
                theirs.is_ok(),
                verdict.is_ok(),
                "{name}: {theirs:?} {verdict:?}"
            );
        }
        // Inside a ledger: the same verdict, whoever is expected, with no clock.
        let attestation = Attestation::parse(bytes.clone()).unwrap();
        let in_ledger = trust.verify(&bytes, attestation.envelope());
        match (&verdict, in_ledger) {
            (Ok(verdict), Ok(in_ledger)) => {
                assert_eq!(verdict.certificate, Some(in_ledger.names), "{name}");
                assert_eq!(verdict.times, in_ledger.times, "{name}");
            }
            (Err(verdict), Err(in_ledger)) => {
                assert_eq!(verdict.code(), in_ledger.code(), "{name}");
            }
            (verdict, in_ledger) => panic!("{name}: {verdict:?} {in_ledger:?}"),
        }
        passed += usize::from(verdict.is_ok());
    }
    assert!(passed > 0);
}

#[test]
fn every_refusal_stands_in_the_manual_once() {
    let page = git_docket::manual::page("verify-bundle").unwrap();
    for code in Refusal::CODES {
        assert_eq!(page.matches(&format!("| `{code}` |")).count(), 1, "{code}");
    }
    let listed = page
        .lines()
        .filter(|line| line.starts_with("| `") && !line.contains("--"));
    assert_eq!(listed.count(), Refusal::CODES.len());
}

/// Whatever is changed in a good bundle, it is refused, or still says what it said: the changed place proves
/// nothing then. Never a panic, never another signer.
#[test]
fn changed_bundles_are_refused_or_mean_the_same() {
    let Some(cases) = cases() else { return };
    let (mut refused, mut same, mut codes) = (0, BTreeSet::new(), BTreeSet::new());
    for case in cases.iter().filter(|case| !case.name.ends_with("_fail")) {
        let good: Value = serde_json::from_slice(&case.bundle).unwrap();
        let whole = case.judge(&case.bundle).unwrap();
        let mut places = schemas::places(&good);
        places.sort();
        for place in &places {
            for changed in changes(&good, place) {
                let bytes = changed.to_string().into_bytes();
                match case.judge(&bytes) {
                    Err(refusal) => {
                        codes.insert(refusal.code());
                        refused += 1;
                    }
                    Ok(verified) => {
                        assert_eq!(
                            verified.certificate, whole.certificate,
                            "{}{place}",
                            case.name
                        );
                        same.insert(place.split('/').next_back().unwrap().to_owned());
                    }
                }
            }
            let doubled = doubled(&case.bundle, &good, place);
            if let Some(doubled) = doubled {
                assert_eq!(
                    case.judge(&doubled).unwrap_err().code(),
                    "bundle-malformed",
                    "{}{place}",
                    case.name
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 1000, "{refused} refused");
    assert!(codes.len() > 12, "{codes:?}");
    // What no reader believes: what is signed says it again, or it is a hint.
    let hints: BTreeSet<String> = [
        "0",
        "1",
        "2",
        "canonicalizedBody",
        "certificates",
        "checkpoint",
        "envelope",
        "hashes",
        "hint",
        "inclusionPromise",
        "inclusionProof",
        "integratedTime",
        "keyid",
        "logIndex",
        "mediaType",
        "messageDigest",
        "publicKey",
        "rfc3161Timestamps",
        "rootHash",
        // Flipped where it names its authority, it is one of nobody's, beside a log's own time.
        "signedTimestamp",
        "timestampVerificationData",
        "tlogEntries",
        "treeSize",
    ]
    .map(str::to_owned)
    .into();
    assert!(
        same.is_subset(&hints),
        "{:?}",
        same.difference(&hints).collect::<Vec<_>>()
    );
}

/// A place left out, of other kinds, empty, with its first or last character another.
fn changes(good: &Value, place: &str) -> Vec<Value> {
    let (parent, last) = place.rsplit_once('/').unwrap();
    let mut all = Vec::new();
    let mut without = good.clone();
    match without.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(last)),
        Value::Array(list) => drop(list.remove(last.parse().unwrap())),
        _ => unreachable!("a place has a parent that holds it"),
    }
    all.push(without);
    let mut put = |value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value;
        all.push(changed);
    };
    for other in [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
    ] {
        put(other);
    }
    match good.pointer(place).unwrap() {
        Value::String(text) if !text.is_empty() => {
            let flip = |at: usize| {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                String::from_utf8(bytes).ok()
            };
            for at in [0, text.len() / 3, text.len() / 2, text.len() - 1] {
                if let Some(text) = flip(at) {
                    put(json!(text));
                }
            }
        }
        Value::Array(list) if !list.is_empty() => {
            put(Value::Array([list.clone(), list.clone()].concat()));
            put(Value::Array(vec![list[0].clone(); 40]));
        }
        _ => {}
    }
    all
}

/// The bundle with a field of its object twice, the second time as another value.
fn doubled(bytes: &[u8], good: &Value, place: &str) -> Option<Vec<u8>> {
    let (parent, last) = place.rsplit_once('/')?;
    let Value::Object(_) = good.pointer(parent)? else {
        return None;
    };
    let mut marked = good.clone();
    let Value::Object(map) = marked.pointer_mut(parent)? else {
        return None;
    };
    let value = map.remove(last)?;
    map.insert("\u{1}".to_owned(), value.clone());
    let text = marked.to_string();
    let pair = format!("{}:{value}", json!("\u{1}"));
    let own = json!(last);
    assert!(!bytes.is_empty());
    Some(
        text.replacen(&pair, &format!("{own}:{value},{own}:null"), 1)
            .into_bytes(),
    )
}
