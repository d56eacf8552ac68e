//! An audit becomes evidence: VSA and SVR, signed, appended, verified as input, and read by others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/changes.rs"]
mod changes;
mod common;
#[path = "common/peer.rs"]
mod peer;

use changes::{approve, change, land, rev};
use common::world::World;
use serde_json::Value;

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C05]\n[checks.C07]\n";
const RESOURCE: &str = "git+https://git.example.com/acme/app";

/// A ledger with a change that landed; approved or not.
fn ledger(approved: bool) -> World {
    let world = World::of_two(POLICY);
    let at = change(&world);
    if approved {
        approve(&world, "ben", "ben", &at);
    }
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    for key in ["default", "ben"] {
        let shown = world.docket_ok(&["key", "show", key, "-o", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        world.write(&format!("../{key}.pem"), shown["pem"].as_str().unwrap());
    }
    world
}

fn read(world: &World, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(world.root().join(name)).unwrap()).unwrap()
}

/// The statement in a bundle.
fn statement(world: &World, name: &str) -> Value {
    let payload = read(world, name)["dsseEnvelope"]["payload"].clone();
    let bytes = data_encoding::BASE64
        .decode(payload.as_str().unwrap().as_bytes())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The exit code of `verify-summary`, and the refusal's code.
fn taken(world: &World, words: &[&str]) -> (i32, String) {
    let ran = world.docket(&[&["verify-summary", "-o", "json"], words].concat());
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    let code = said["refusal"]["code"].as_str().unwrap_or_default();
    (ran.code, code.to_owned())
}

#[test]
fn an_audit_is_signed_appended_and_taken_as_evidence() {
    let world = ledger(true);
    let commit = format!("gitCommit:{}", &rev(&world, "HEAD")["sha1:".len()..]);
    let words = [
        "report",
        "HEAD",
        "--output=vsa=../vsa.json",
        "--output=svr=../svr.json",
        "--append=vsa",
        "--append=svr",
    ];
    let ran = world.docket(&words);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let vsa = statement(&world, "vsa.json");
    assert_eq!(vsa["predicate"]["verificationResult"], "PASSED");
    let levels = vsa["predicate"]["verifiedLevels"].as_array().unwrap();
    assert!(levels.contains(&"GIT_DOCKET_C05_PASS".into()), "{levels:?}");
    assert!(
        !levels
            .iter()
            .any(|level| level.as_str().unwrap().starts_with("SLSA_SOURCE_LEVEL")),
        "a level that rests in part on the forge is not claimed: {levels:?}"
    );
    for (seq, file) in [(6, "vsa.json"), (7, "svr.json")] {
        let raw = world.docket_ok(&["show", &seq.to_string(), "--raw"]);
        let written = std::fs::read_to_string(world.root().join(file)).unwrap();
        assert_eq!(raw.trim_end(), written.trim_end(), "the same bytes");
    }
    assert_eq!(world.docket(&["verify"]).code, 0, "and the ledger is sound");

    let vsa = ["../vsa.json", &commit, "--key", "../default.pem"];
    let sound = [&vsa[..], &["--resource-uri", RESOURCE]].concat();
    assert_eq!(taken(&world, &sound), (0, String::new()));
    let with = |more: &[&str]| taken(&world, &[&sound[..], more].concat());
    assert_eq!(with(&["--level", "GIT_DOCKET_C07_PASS"]).0, 0);
    assert_eq!(
        with(&["--level", "SLSA_SOURCE_LEVEL_1"]),
        (1, "summary-level".into())
    );
    assert_eq!(
        with(&["--verifier-id", "https://other.example"]),
        (1, "summary-verifier".into())
    );
    assert_eq!(taken(&world, &vsa), (1, "summary-resource".into()));
    let other = [
        "../vsa.json",
        &commit,
        "--key",
        "../ben.pem",
        "--resource-uri",
        RESOURCE,
    ];
    assert_eq!(taken(&world, &other), (1, "signature-invalid".into()));
    let elsewhere = format!("gitCommit:{}", "0".repeat(40));
    let other = [
        "../vsa.json",
        &elsewhere,
        "--key",
        "../default.pem",
        "--resource-uri",
        RESOURCE,
    ];
    assert_eq!(taken(&world, &other), (1, "subject-mismatch".into()));
    let svr = [
        "../svr.json",
        &commit,
        "--key",
        "../default.pem",
        "--level",
        "GIT_DOCKET_C05_PASS",
    ];
    assert_eq!(taken(&world, &svr), (0, String::new()));

    // The bare envelope, as other verifiers publish theirs.
    let envelope = read(&world, "vsa.json")["dsseEnvelope"].to_string();
    world.write("../bare.json", &envelope);
    let bare: Vec<&str> = sound
        .iter()
        .map(|word| match *word {
            "../vsa.json" => "../bare.json",
            word => word,
        })
        .collect();
    assert_eq!(taken(&world, &bare), (0, String::new()));
    world.write(
        "../bare.json",
        &envelope.replacen("\"sig\":\"", "\"sig\":\"AAAA", 1),
    );
    assert_eq!(taken(&world, &bare), (1, "signature-invalid".into()));
    world.write("../bare.json", "not JSON");
    assert_eq!(taken(&world, &bare).0, 1);
    assert_eq!(
        world
            .docket(&[
                "verify-summary",
                "none.json",
                &commit,
                "--key",
                "../ben.pem"
            ])
            .code,
        5
    );
}

#[test]
fn what_does_not_pass_is_never_passed() {
    let world = ledger(false);
    let ran = world.docket(&["report", "--output=vsa=../vsa.json", "--no-assert"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let vsa = statement(&world, "vsa.json");
    assert_eq!(vsa["predicate"]["verificationResult"], "FAILED");
    assert_eq!(
        vsa["predicate"]["verifiedLevels"],
        serde_json::json!(["FAILED"])
    );
    let root = vsa["subject"][0]["digest"]["sha256"].as_str().unwrap();
    let subject = format!("sha256:{root}");
    let words = [
        "../vsa.json",
        &subject,
        "--key",
        "../default.pem",
        "--resource-uri",
        RESOURCE,
    ];
    assert_eq!(taken(&world, &words), (1, "summary-failed".into()));
    // A part of the whole is not called by the name of the whole.
    let part = [
        "report",
        "--period",
        "2026-11-01..2026-11-30",
        "--output=vsa=../part.json",
        "--no-assert",
    ];
    let ran = world.docket(&part);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("--resource-uri"), "{}", ran.err);
    assert_eq!(world.docket(&["report", "--output=vsb=x"]).code, 2);
}

/// Follows <https://slsa.dev/spec/v1.2/verification_summary>, "How to verify", with Python's own libraries.
const READER: &str = r#"
import base64, json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import Parse
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

envelope = json.load(open(sys.argv[1]))["dsseEnvelope"]
key = load_pem_public_key(open(sys.argv[2], "rb").read())
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), pae)
statement = Statement.copy_from_pb(Parse(payload, statement_pb2.Statement()))
statement.validate()
assert statement.pb.predicate_type == "https://slsa.dev/verification_summary/v1"
assert any(s.digest["gitCommit"] == sys.argv[3] for s in statement.pb.subject)
vsa = json.loads(payload)["predicate"]
assert vsa["verifier"]["id"] == "https://git-docket.dev"
assert vsa["resourceUri"] == sys.argv[4]
assert vsa["policy"]["digest"]["sha256"] and vsa["timeVerified"]
print(vsa["verificationResult"], *vsa["verifiedLevels"], end="")
"#;

#[test]
fn an_independent_reader_and_cosign_take_the_vsa() {
    let world = ledger(true);
    let ran = world.docket(&["report", "HEAD", "--output=vsa=../vsa.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let path = |name: &str| world.root().join(name).display().to_string();
    let commit = rev(&world, "HEAD")["sha1:".len()..].to_owned();
    if let Some(python) = peer::python() {
        let script = ["-c", READER, &path("vsa.json"), &path("default.pem")];
        let words = [&script[..], &[&commit, RESOURCE]].concat();
        let said = peer::run(&python, words).unwrap();
        assert_eq!(
            said,
            "PASSED GIT_DOCKET_C01_PASS GIT_DOCKET_C02_PASS GIT_DOCKET_C05_PASS GIT_DOCKET_C07_PASS"
        );
        let other = ["-c", READER, &path("vsa.json"), &path("ben.pem")];
        let words = [&other[..], &[&commit, RESOURCE]].concat();
        assert!(peer::run(&python, words).is_err(), "another key");
    }
    if let Some(cosign) = peer::peer("DOCKET_PEER_COSIGN", "bin/cosign") {
        let cosign_checks = |kind: &str| {
            let words = [
                "verify-blob-attestation",
                "--bundle",
                &path("vsa.json"),
                "--key",
                &path("default.pem"),
                "--type",
                kind,
                "--insecure-ignore-tlog",
                "--digestAlg=gitCommit",
                "--digest",
                &commit,
            ];
            peer::run(&cosign, words)
        };
        let said = cosign_checks("https://slsa.dev/verification_summary/v1");
        assert!(said.is_ok(), "{said:?}");
        assert!(cosign_checks("https://slsa.dev/provenance/v1").is_err());
    }
}
