//! DSSE envelopes that others made: the specification's vector, and those of in-toto's attestation-verifier.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;

use git_docket::attestation::{Attestation, Carrier};
use git_docket::envelope::{Envelope, pae};
use git_docket::statement::{PAYLOAD_TYPE, Statement, Version};
use serde_json::Value;

#[path = "common/peer.rs"]
mod peer;

#[test]
fn the_specifications_vector() {
    let Some(folder) = peer::corpus("dsse") else {
        return;
    };
    let vector: Value =
        serde_json::from_slice(&fs::read(folder.join("dsse_vector.json")).unwrap()).unwrap();
    let text = |name: &str| vector[name].as_str().unwrap().to_owned();
    let expected = text("pae").into_bytes();
    assert_eq!(
        pae(&text("payloadType"), text("payload").as_bytes()),
        expected
    );

    let envelope = Envelope::parse(vector["envelope"].to_string().as_bytes()).unwrap();
    assert_eq!(envelope.payload(), text("payload").as_bytes());
    assert_eq!(envelope.payload_type(), text("payloadType"));
    assert_eq!(envelope.pae(), expected);
    let [signature] = envelope.signatures() else {
        panic!("one signature")
    };
    assert_eq!(signature.keyid.as_deref(), Some("66301bbf"));
    assert_eq!(signature.sig.len(), 64);
}

#[test]
fn five_envelopes_of_attestation_verifier() {
    let Some(folder) = peer::corpus("attestation-verifier") else {
        return;
    };
    let mut read = Vec::new();
    for part in ["test-data", "test-data-npm"] {
        for entry in fs::read_dir(folder.join(part)).unwrap().map(Result::unwrap) {
            let name = format!("{part}/{}", entry.file_name().to_str().unwrap());
            let attestation = Attestation::parse(fs::read(entry.path()).unwrap()).unwrap();
            assert_eq!(attestation.carrier(), Carrier::Bare, "{name}");
            let envelope = attestation.envelope();
            assert_eq!(envelope.payload_type(), PAYLOAD_TYPE, "{name}");
            assert_eq!(
                Envelope::parse(envelope.to_json().as_bytes()).unwrap(),
                *envelope,
                "{name}"
            );
            let found = Statement::parse(envelope.payload()).map(|statement| statement.version());
            read.push((name, found.ok()));
        }
    }
    read.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("test-data-npm/build.fe1c6281.json", Some(Version::V0_1)),
        ("test-data-npm/publish.fe1c6281.json", Some(Version::V0_1)),
        ("test-data/build.fe1c6281.json", Some(Version::V1)),
        // Its statement says `type` instead of `_type`.
        ("test-data/clone.fe1c6281.json", None),
        ("test-data/test.fe1c6281.json", Some(Version::V1)),
    ];
    assert_eq!(
        read,
        expected.map(|(name, version)| (name.to_owned(), version))
    );
}
