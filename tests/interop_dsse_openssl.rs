//! OpenSSL verifies our signature over an envelope's PAE, and we verify OpenSSL's.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::{Path, PathBuf};

use git_docket::attestation::Attestation;
use git_docket::envelope::{Bundle, pae};
use git_docket::signing::PublicKey;
use git_docket::statement::PAYLOAD_TYPE;
use tempfile::TempDir;

#[path = "common/peer.rs"]
mod peer;
#[path = "common/samples.rs"]
mod samples;

/// OpenSSL, and a folder of its own.
struct OpenSsl(PathBuf, TempDir);

impl OpenSsl {
    fn find() -> Option<Self> {
        let program = peer::on_path("DOCKET_PEER_OPENSSL", "openssl")?;
        Some(Self(program, TempDir::with_prefix("docket-").unwrap()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.1.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(name), bytes).unwrap();
    }

    /// Runs a command line; a word that starts with `@` is a file of the folder.
    fn run(&self, line: &str) -> Result<String, String> {
        let words = line.split(' ').map(|word| match word.strip_prefix('@') {
            Some(file) => self.file(file),
            None => Path::new(word).to_owned(),
        });
        peer::run(&self.0, words)
    }
}

#[test]
fn openssl_verifies_our_signature() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    let attestation = samples::attestation();
    openssl.write("pae", attestation.pae());
    openssl.write("other", pae("text/plain", attestation.envelope().payload()));
    openssl.write("sig", &attestation.envelope().signatures()[0].sig);
    openssl.write("key.pem", samples::key(1).public().to_pem());
    let verify = |file| {
        let line = "pkeyutl -verify -pubin -inkey @key.pem -rawin -sigfile @sig -in";
        openssl.run(&format!("{line} @{file}"))
    };
    verify("pae").unwrap();
    verify("other").unwrap_err();
}

#[test]
fn we_verify_openssls_signature() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    openssl
        .run("genpkey -algorithm ed25519 -out @key.pem")
        .unwrap();
    let pem = openssl.run("pkey -in @key.pem -pubout").unwrap();
    let key = PublicKey::from_pem(&pem).unwrap();
    let payload = samples::statement(&samples::link()).to_bytes().unwrap();
    openssl.write("pae", pae(PAYLOAD_TYPE, &payload));
    openssl
        .run("pkeyutl -sign -inkey @key.pem -rawin -in @pae -out @sig")
        .unwrap();
    let sig = fs::read(openssl.file("sig")).unwrap();
    let bundle = Bundle::new(PAYLOAD_TYPE, payload, key.id(), sig).unwrap();
    let bytes = bundle.to_json().unwrap().into_bytes();
    Attestation::parse(bytes).unwrap().verify(&key).unwrap();
}
