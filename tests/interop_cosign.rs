//! cosign verifies our signature over our statement in our bundle, and refuses another key and a changed
//! artifact.
//!
//! One thing stands between us: cosign takes a `keyid` only if it is the key's SSH fingerprint (it looks at
//! nothing else in that field), and ours is the SHA-256 of the SubjectPublicKeyInfo. So cosign reads our
//! bundles once their `keyid`, which is signed by nobody, is taken out; that this is all, is tested too.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;

use tempfile::TempDir;

#[path = "common/peer.rs"]
mod peer;
#[path = "common/samples.rs"]
mod samples;

#[test]
fn cosign_verifies_our_bundle() {
    let Some(cosign) = peer::peer("DOCKET_PEER_COSIGN", "bin/cosign") else {
        return;
    };
    let folder = TempDir::with_prefix("docket-").unwrap();
    let path = |name: &str| {
        folder
            .path()
            .join(name)
            .into_os_string()
            .into_string()
            .unwrap()
    };
    let ours = String::from_utf8(samples::attestation().bytes().to_vec()).unwrap();
    let keyid = format!(r#","keyid":"{}""#, samples::key(1).public().id());
    assert_eq!(ours.matches(&keyid).count(), 1);
    fs::write(path("ours.json"), &ours).unwrap();
    fs::write(path("bundle.json"), ours.replacen(&keyid, "", 1)).unwrap();
    fs::write(path("key.pem"), samples::key(1).public().to_pem()).unwrap();
    fs::write(path("other.pem"), samples::key(2).public().to_pem()).unwrap();
    fs::write(path("app"), "app").unwrap();
    fs::write(path("changed"), "App").unwrap();
    let verify = |bundle: &str, key: &str, artifact: &str| {
        let (bundle, key, artifact) = (path(bundle), path(key), path(artifact));
        let kind = "--type=https://in-toto.io/attestation/link/v0.3";
        let offline = [
            "--insecure-ignore-tlog",
            kind,
            "--bundle",
            &bundle,
            "--key",
            &key,
            &artifact,
        ];
        peer::run(&cosign, ["verify-blob-attestation"].iter().chain(&offline))
    };
    verify("bundle.json", "key.pem", "app").unwrap();
    for (bundle, key, artifact, cause) in [
        (
            "bundle.json",
            "other.pem",
            "app",
            "accepted signatures do not match",
        ),
        ("bundle.json", "key.pem", "changed", "digest"),
        (
            "ours.json",
            "key.pem",
            "app",
            "accepted signatures do not match",
        ),
    ] {
        let error = verify(bundle, key, artifact).unwrap_err();
        assert!(error.contains(cause), "{bundle} {key} {artifact}: {error}");
    }
}
