//! npm's `@sigstore/verify` takes what we sign, and judges the conformance cases and other clients' bundles as we do.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use git_docket::base64;
use git_docket::sigstore::{Artifact, Expected, Matcher, Roots, Signer, verify};
use serde_json::{Value, json};

#[path = "common/conformance.rs"]
mod conformance;
#[path = "common/peer.rs"]
mod peer;
#[path = "common/samples.rs"]
mod samples;

use conformance::{cases, now};

/// What npm's verifier says of each; `None` where it is not here.
fn theirs(asked: &[Value]) -> Option<Vec<Value>> {
    let packages = peer::peer("DOCKET_PEER_NPM", "npm/node_modules")?;
    let mut node = Command::new("node")
        .arg(peer::root().join("tests/peers/npm_verify.cjs"))
        .env("NODE_PATH", packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    let lines: String = asked.iter().map(|one| format!("{one}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), asked.len());
    Some(said)
}

#[test]
fn what_we_sign_passes_and_nothing_else_does() {
    let bundle = String::from_utf8(samples::attestation().bytes().to_vec()).unwrap();
    let [key, other] =
        [1, 2].map(|seed| base64::encode(&samples::key(seed).public().to_spki_der()));
    let value: Value = serde_json::from_str(&bundle).unwrap();
    let mut changed = value.clone();
    let payload = changed["dsseEnvelope"]["payload"].as_str().unwrap();
    let mut payload = base64::decode(payload.as_bytes()).unwrap();
    *payload.last_mut().unwrap() = b' ';
    changed["dsseEnvelope"]["payload"] = base64::encode(&payload).into();
    let asked = |bundle: &Value, key: &str| json!({"bundle": bundle.to_string(), "artifact": "", "key": key, "entries": 0, "timestamps": 0});
    let asked = [
        asked(&value, &key),
        asked(&value, &other),
        asked(&changed, &key),
    ];
    let Some(said) = theirs(&asked) else { return };
    assert_eq!(said[0].get("refused"), None, "{}", said[0]);
    for refused in &said[1..] {
        let why = refused["refused"].as_str().unwrap();
        assert!(why.starts_with("SIGNATURE_ERROR"), "{why}");
    }
}

/// Where it judges otherwise than the suite asks: it does not know an envelope logged by Rekor v2 as a `hashedrekord`.
const OTHERWISE: [&str; 1] = ["rekor2-dsse-happy-path"];

#[test]
fn conformance_cases_are_judged_alike() {
    let Some(cases) = cases() else { return };
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| case.key.is_none())
        .collect();
    let asked = cases.iter().map(|case| {
        json!({
            "bundle": String::from_utf8_lossy(&case.bundle),
            "roots": serde_json::from_str::<Value>(&case.roots).unwrap(),
            "artifact": base64::encode(&case.artifact),
            "entries": 1,
            "timestamps": 1,
            "identity": case.identity,
            "issuer": case.issuer,
        })
    });
    let Some(said) = theirs(&asked.collect::<Vec<_>>()) else {
        return;
    };
    let mut differing = Vec::new();
    for (case, said) in cases.iter().zip(said) {
        let ours = case.judge(&case.bundle);
        if ours.is_ok() == said.get("refused").is_some() {
            println!("{}: {said}, {ours:?}", case.name);
            differing.push(case.name.as_str());
        }
    }
    assert_eq!(differing, OTHERWISE);
}

/// Every bundle of sigstore-js that we take is taken, with the same signer; what we refuse is refused.
#[test]
fn other_clients_bundles_are_judged_alike() {
    let (Some(folder), Some(roots)) = (peer::corpus("sigstore-js"), peer::corpus("roots")) else {
        return;
    };
    let json = fs::read_to_string(roots.join("public-good.trusted_root.json")).unwrap();
    let roots = Roots::parse(json.as_bytes()).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let any = || Matcher::pattern(".*").unwrap();
    let signer = Signer::Identity(Expected {
        identity: any(),
        issuer: any(),
    });
    let mut bundles = Vec::new();
    for entry in fs::read_dir(folder.join("tests/bundles")).unwrap() {
        bundles.push(fs::read(entry.unwrap().path()).unwrap());
    }
    let values = bundles
        .iter()
        .map(|bytes| serde_json::from_slice(bytes).unwrap());
    let values: Vec<Value> = values.collect();
    let asked = values.iter().map(|bundle| {
        json!({"bundle": bundle.to_string(), "roots": json, "artifact": "", "entries": 1, "timestamps": 1})
    });
    let Some(said) = theirs(&asked.collect::<Vec<_>>()) else {
        return;
    };
    let mut passed = 0;
    for ((bytes, value), said) in bundles.iter().zip(&values).zip(said) {
        let payload = value["dsseEnvelope"]["payload"].as_str().unwrap();
        let statement = base64::decode(payload.as_bytes()).unwrap();
        let statement: Value = serde_json::from_slice(&statement).unwrap();
        let digests = statement["subject"][0]["digest"].as_object().unwrap();
        let (algorithm, hex) = digests.iter().next().unwrap();
        let artifact =
            Artifact::of_digest(&format!("{algorithm}:{}", hex.as_str().unwrap())).unwrap();
        let ours = verify(bytes, &artifact, &signer, &roots, now());
        assert_eq!(
            ours.is_ok(),
            said.get("refused").is_none(),
            "{said} {ours:?}"
        );
        passed += usize::from(ours.is_ok());
    }
    assert!(passed > 0);
}
