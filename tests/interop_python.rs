//! Python's tools read and verify what we sign: securesystemslib the envelope, sigstore's models the bundle,
//! in-toto's attestation library the statement.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

#[path = "common/peer.rs"]
mod peer;
#[path = "common/samples.rs"]
mod samples;

const VERIFY: &str = r#"
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
bundle, key = sys.argv[1:]
bundle = json.load(open(bundle))
keyid = bundle["verificationMaterial"]["publicKey"]["hint"]
key = SSlibKey.from_crypto(load_pem_public_key(open(key, "rb").read()), keyid)
print(len(Envelope.from_dict(bundle["dsseEnvelope"]).verify([key], 1)), end="")
"#;

const BUNDLE: &str = r#"
import sys
from sigstore_models.bundle.v1 import Bundle
bundle = Bundle.from_json(open(sys.argv[1]).read())
print(bundle.verification_material.public_key.hint, end="")
"#;

const STATEMENT: &str = r#"
import sys
from google.protobuf.json_format import Parse
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
statement = Statement.copy_from_pb(Parse(open(sys.argv[1], "rb").read(), statement_pb2.Statement()))
statement.validate()
print(statement.pb.predicate_type, statement.pb.subject[0].annotations["docket.step"], end="")
"#;

/// Files to hand over: the bundle, the statement, a key.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = TempDir::with_prefix("docket-").unwrap();
        let attestation = samples::attestation();
        for (name, bytes) in [
            ("bundle.json", attestation.bytes().to_vec()),
            ("statement.json", attestation.envelope().payload().to_vec()),
            ("key.pem", samples::key(1).public().to_pem().into_bytes()),
            ("other.pem", samples::key(2).public().to_pem().into_bytes()),
        ] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self(folder)
    }

    fn python(&self, python: &Path, script: &str, files: &[&str]) -> Result<String, String> {
        let files = files
            .iter()
            .map(|file| self.0.path().join(file).into_os_string());
        peer::run(
            python,
            ["-I".into(), "-c".into(), script.into()]
                .into_iter()
                .chain(files),
        )
    }
}

#[test]
fn securesystemslib_verifies_our_envelope() {
    let Some(python) = peer::python() else { return };
    let files = Files::new();
    assert_eq!(
        files
            .python(&python, VERIFY, &["bundle.json", "key.pem"])
            .unwrap(),
        "1"
    );
    let error = files
        .python(&python, VERIFY, &["bundle.json", "other.pem"])
        .unwrap_err();
    assert!(error.contains("VerificationError"), "{error}");
}

#[test]
fn sigstores_models_read_our_bundle() {
    let Some(python) = peer::python() else { return };
    let hint = Files::new()
        .python(&python, BUNDLE, &["bundle.json"])
        .unwrap();
    assert_eq!(hint, samples::key(1).public().id().to_string());
}

#[test]
fn in_totos_library_reads_our_statement() {
    let Some(python) = peer::python() else { return };
    let said = Files::new()
        .python(&python, STATEMENT, &["statement.json"])
        .unwrap();
    assert_eq!(said, "https://in-toto.io/attestation/link/v0.3 build");
}
