//! The cases of the Sigstore client conformance suite, read from the corpus.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]
#![allow(
    dead_code,
    reason = "each test binary uses its own part of the testkit"
)]

use std::fs;
use std::path::{Path, PathBuf};

use git_docket::sigstore::{Artifact, Expected, Matcher, Refusal, Roots, Signer, Verified, verify};
use git_docket::timestamp::Timestamp;

use crate::peer;

/// One case of the conformance suite.
pub struct Case {
    pub name: String,
    pub bundle: Vec<u8>,
    pub artifact: Vec<u8>,
    pub key: Option<String>,
    pub identity: String,
    pub issuer: String,
    pub roots: String,
}

const BEACON: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ACTIONS: &str = "https://token.actions.githubusercontent.com";

/// When they are judged.
pub fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

/// All of them, by name; `None` where the corpus is not here.
pub fn cases() -> Option<Vec<Case>> {
    let folder = peer::corpus("sigstore-conformance")?.join("test/assets/bundle-verify");
    let roots = peer::corpus("roots")?.join("public-good.trusted_root.json");
    let text = |path: PathBuf| fs::read_to_string(path).ok();
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if !path.is_dir() {
            continue;
        }
        let word = |name: &str, usual: &str| {
            text(path.join(name)).map_or(usual.to_owned(), |t| t.trim().to_owned())
        };
        let own: &Path = &path.join("artifact");
        cases.push(Case {
            name: entry.file_name().into_string().unwrap(),
            bundle: fs::read(path.join("bundle.sigstore.json")).unwrap(),
            artifact: fs::read(own)
                .or_else(|_| fs::read(folder.join("a.txt")))
                .unwrap(),
            key: text(path.join("key.pub")),
            identity: word("identity", BEACON),
            issuer: word("issuer", ACTIONS),
            roots: text(path.join("trusted_root.json"))
                .unwrap_or_else(|| fs::read_to_string(&roots).unwrap()),
        });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(cases.len() >= 24, "{} cases", cases.len());
    Some(cases)
}

impl Case {
    /// Who is expected.
    pub fn signer(&self) -> Signer {
        match &self.key {
            Some(key) => Signer::key_from_pem(key).unwrap(),
            None => Signer::Identity(Expected {
                identity: Matcher::Exact(self.identity.clone()),
                issuer: Matcher::Exact(self.issuer.clone()),
            }),
        }
    }

    /// Whether the key can be read at all.
    pub fn has_key_or_needs_none(&self) -> bool {
        self.key
            .as_ref()
            .is_none_or(|key| Signer::key_from_pem(key).is_ok())
    }

    /// What we say of a bundle in its place.
    pub fn judge(&self, bundle: &[u8]) -> Result<Verified, Refusal> {
        let roots = Roots::parse(self.roots.as_bytes()).unwrap();
        verify(
            bundle,
            &Artifact::of_content(&self.artifact),
            &self.signer(),
            &roots,
            now(),
        )
    }
}
