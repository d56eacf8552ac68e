//! cosign verifies our signature over our statement in our bundle, byte for byte as we wrote it, and refuses
//! another key, a changed artifact and a keyid that names another key.

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
    let [id, other] = [1, 2].map(|seed| samples::key(seed).public().id().to_string());
    fs::write(path("bundle.json"), &ours).unwrap();
    fs::write(path("renamed.json"), ours.replace(&id, &other)).unwrap();
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
            "renamed.json",
            "key.pem",
            "app",
            "accepted signatures do not match",
        ),
    ] {
        let error = verify(bundle, key, artifact).unwrap_err();
        assert!(error.contains(cause), "{bundle} {key} {artifact}: {error}");
    }
}
