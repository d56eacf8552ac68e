//! Keyless signing against real servers in a network namespace of their own: Fulcio, a timestamp authority, and Rekor v2
//! without SCTs, or Rekor v1 with a CT log. What we sign, stock cosign verifies, and what it signs, we do; both count in
//! a ledger whose roster knows the signer. What the servers refuse is said, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::cell::Cell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use common::world::World;
use tempfile::TempDir;

const ISSUER: &str = "http://127.0.0.1:8888";
const PERSON: &str = "ci@example.com";
const KIND: &str = "https://example.com/said/v1";

#[test]
fn keyless_with_rekor_v2_and_no_sct() {
    among_servers("v2");
}

#[test]
fn keyless_with_rekor_v1_and_an_sct() {
    among_servers("v1");
}

fn among_servers(version: &str) {
    let fulcio = peer::peer("DOCKET_PEER_FULCIO", "bin/fulcio");
    let (Some(fulcio), Some(python), Some(unshare)) = (
        fulcio,
        peer::python(),
        peer::on_path("DOCKET_UNSHARE", "unshare"),
    ) else {
        return;
    };
    let folder = TempDir::with_prefix("docket-").unwrap();
    let output = Command::new(unshare)
        .arg("-rn")
        .arg(python)
        .arg(peer::root().join("tests/peers/sigstore_stack.py"))
        .arg(version)
        .args([fulcio.parent().unwrap(), folder.path()])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "inside", "--ignored", "--nocapture"])
        .env("DOCKET_STACK", folder.path())
        .env("DOCKET_STACK_VERSION", version)
        .env("DOCKET_STACK_COSIGN", fulcio.with_file_name("cosign"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("1 passed"), "{said}\n{errors}");
}

#[test]
#[ignore = "the others start it, among the servers"]
fn inside() {
    let mut stack = Stack {
        folder: env::var_os("DOCKET_STACK").unwrap().into(),
        cosign: env::var_os("DOCKET_STACK_COSIGN").unwrap().into(),
        scts: env::var_os("DOCKET_STACK_VERSION").unwrap() == "v1",
        said: Cell::new(0),
        world: World::new(),
    };
    // The servers' clocks are this machine's.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    // Somewhat ahead, as it stands still: a timestamp from the future is refused.
    let now = (now.as_secs() + 40).to_string();
    stack.world.set("SOURCE_DATE_EPOCH", &now);
    stack
        .world
        .docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    stack.world.write("app", "app\n");
    stack.knows(PERSON);
    refusals_leave_nothing(&stack);
    cosign_verifies_ours(&stack);
    a_job_asks_for_its_token(&mut stack);
    we_verify_cosigns(&stack);
    a_writers_key_appends(&stack);
    the_ledger_counts_both(&stack);
}

struct Stack {
    folder: PathBuf,
    cosign: PathBuf,
    /// Whether certificates carry one.
    scts: bool,
    /// How often something was.
    said: Cell<u32>,
    world: World,
}

impl Stack {
    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// `attest --keyless` about the file `app`; code and standard error.
    fn attest(&self, more: &[&str]) -> (i32, String) {
        let (config, root) = (
            self.file("signing_config.json"),
            self.file("trusted_root.json"),
        );
        // The same said twice by one signer would count once.
        let said = self.said.replace(self.said.get() + 1);
        self.world
            .write("said.json", &format!("{{\"time\":{said}}}"));
        let mut words = vec!["attest", "--step", "test", "--type", KIND];
        words.extend(["--predicate", "said.json", "app", "--keyless"]);
        words.extend(["--signing-config", &config, "--trusted-root", &root]);
        words.extend(more);
        let ran = self.world.docket(&words);
        (ran.code, ran.err)
    }

    /// Publishes a roster whose service signs by this identity.
    fn knows(&self, identity: &str) {
        let shown = self.world.docket_ok(&["roster", "show", "-o", "json"]);
        let mut roster: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let service = serde_json::json!({"id": "ci", "kind": "service", "roles": [], "keys": [],
            "oidc": [{"issuer": ISSUER, "san": identity}]});
        let persons = roster["persons"].as_array_mut().unwrap();
        persons.retain(|person| person["id"] != "ci");
        persons.push(service);
        self.world.write("../roster.json", &roster.to_string());
        self.world
            .docket_ok(&["roster", "publish", "../roster.json"]);
    }

    fn spooled(&self) -> Vec<PathBuf> {
        let folder = self.world.repo().join(".git/docket/spool");
        let files = fs::read_dir(folder).into_iter().flatten();
        files.map(|file| file.unwrap().path()).collect()
    }

    /// The attestation in a spool's file, in a file of its own.
    fn bundle(&self, spooled: &Path) -> String {
        let line: serde_json::Value = serde_json::from_slice(&fs::read(spooled).unwrap()).unwrap();
        let bytes = line["attestation"].as_str().unwrap().as_bytes();
        let path = self.file("ours.json");
        fs::write(&path, data_encoding::BASE64.decode(bytes).unwrap()).unwrap();
        path
    }

    fn cosign_verifies(&self, bundle: &str, identity: &str) -> Result<String, String> {
        self.cosign_verifies_with_sct(bundle, identity, self.scts)
    }

    fn cosign_verifies_with_sct(
        &self,
        bundle: &str,
        identity: &str,
        sct: bool,
    ) -> Result<String, String> {
        let (root, app) = (self.file("trusted_root.json"), self.app());
        let words = ["verify-blob-attestation", "--new-bundle-format=true"];
        let more = ["--bundle", bundle, "--trusted-root", &root, "--type", KIND];
        let whom = ["--certificate-identity", identity];
        let rest = [
            "--certificate-oidc-issuer",
            ISSUER,
            "--use-signed-timestamps",
        ];
        let ignored = format!("--insecure-ignore-sct={}", !sct);
        let end = [&ignored[..], &app];
        let all = words
            .iter()
            .chain(&more)
            .chain(&whom)
            .chain(&rest)
            .chain(&end);
        peer::run(&self.cosign, all)
    }

    fn we_verify(&self, bundle: &str, identity: &str) -> i32 {
        let (root, app) = (self.file("trusted_root.json"), self.app());
        let words = ["verify-bundle", "--bundle", bundle, "--trusted-root", &root];
        let whom = ["--certificate-identity", identity];
        let rest = ["--certificate-oidc-issuer", ISSUER, &app];
        self.world.docket(&[&words[..], &whom, &rest].concat()).code
    }

    fn app(&self) -> String {
        self.world.repo().join("app").to_str().unwrap().to_owned()
    }
}

fn refusals_leave_nothing(stack: &Stack) {
    for (token, cause, remedy) in [
        ("expired", "expired at", "a new token"),
        ("early", "clocks is off", "clock"),
        ("elsewhere", "is for \"somebody\"", "--token-audience"),
        ("stranger", "answered 400", "issuer"),
        ("absent", "cannot be read", "one JSON web token"),
    ] {
        let (code, err) = stack.attest(&["--identity-token-file", &stack.file(token)]);
        assert_eq!(code, 5, "{token}: {err}");
        assert!(
            err.contains(cause) && err.contains(remedy),
            "{token}: {err}"
        );
    }
    let token = stack.file("token");
    let good = ["--identity-token-file", &token];
    for (more, cause) in [
        (["--rekor-url", "http://127.0.0.1:9"], "does not answer"),
        (["--timestamp-url", "http://127.0.0.1:9"], "does not answer"),
        (["--fulcio-url", "http://127.0.0.1:9"], "does not answer"),
        (
            ["--timestamp-url", "http://127.0.0.1:8888/keys"],
            "answered 5",
        ),
        (["--token-audience", "other"], "is for \"sigstore\""),
    ] {
        let (code, err) = stack.attest(&[&good[..], &more].concat());
        assert_eq!(code, 5, "{more:?}: {err}");
        assert!(err.contains(cause), "{more:?}: {err}");
    }
    let (code, err) = stack.attest(&[&good[..], &["--fulcio-url", "http://example.com"]].concat());
    assert_eq!(code, 2, "{err}");
    let (code, err) = stack.attest(&[]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("there is no identity token"), "{err}");
    assert!(stack.spooled().is_empty(), "{:?}", stack.spooled());
}

fn cosign_verifies_ours(stack: &Stack) {
    let (code, err) = stack.attest(&["--identity-token-file", &stack.file("token")]);
    assert_eq!(code, 0, "{err}");
    let spooled = stack.spooled();
    assert_eq!(spooled.len(), 1, "{spooled:?}");
    let bundle = stack.bundle(&spooled[0]);
    stack.cosign_verifies(&bundle, PERSON).unwrap();
    stack
        .cosign_verifies(&bundle, "eve@example.com")
        .unwrap_err();
    assert_eq!(stack.we_verify(&bundle, PERSON), 0);
    assert_ne!(stack.we_verify(&bundle, "eve@example.com"), 0);
    let with_sct = stack.cosign_verifies_with_sct(&bundle, PERSON, true);
    assert_eq!(with_sct.is_ok(), stack.scts, "{with_sct:?}");
    let text = fs::read_to_string(&bundle).unwrap();
    let kind = if stack.scts { "dsse" } else { "hashedrekord" };
    assert!(text.contains(&format!("\"kind\":\"{kind}\"")), "{text}");
}

fn a_job_asks_for_its_token(stack: &mut Stack) {
    let url = format!("{ISSUER}/github?job=1");
    stack.world.set("ACTIONS_ID_TOKEN_REQUEST_URL", &url);
    stack.world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "wrong");
    let (code, err) = stack.attest(&[]);
    assert_eq!(code, 5, "{err}");
    assert!(
        err.contains("answered 404") && !err.contains("wrong"),
        "{err}"
    );
    stack.world.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job");
    let (code, err) = stack.attest(&[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(stack.spooled().len(), 2);
    stack.world.unset("ACTIONS_ID_TOKEN_REQUEST_URL");
}

fn we_verify_cosigns(stack: &Stack) {
    let [bundle, config, root, token] = [
        "theirs.json",
        "signing_config.json",
        "trusted_root.json",
        "token",
    ]
    .map(|name| stack.file(name));
    let (app, said) = (stack.app(), stack.world.repo().join("said.json"));
    let said = said.to_str().unwrap();
    let words = ["attest-blob", "--yes", "--type", KIND, "--predicate", said];
    let more = ["--bundle", &bundle, "--signing-config", &config];
    let rest = ["--trusted-root", &root, "--identity-token", &token, &app];
    let all = words.iter().chain(&more).chain(&rest);
    peer::run(&stack.cosign, all).unwrap();
    assert_eq!(stack.we_verify(&bundle, PERSON), 0);
    assert_ne!(stack.we_verify(&bundle, "eve@example.com"), 0);
}

fn a_writers_key_appends(stack: &Stack) {
    let token = stack.file("token");
    let (code, err) = stack.attest(&["--identity-token-file", &token, "--key", "default"]);
    assert_eq!(code, 0, "{err}");
    // The two that waited went with it.
    assert!(stack.spooled().is_empty(), "{:?}", stack.spooled());
    let log = stack.world.docket_ok(&["log"]);
    assert_eq!(log.matches("test").count(), 3, "{log}");
}

fn the_ledger_counts_both(stack: &Stack) {
    let world = &stack.world;
    let root = stack.file("trusted_root.json");
    let verify = |more: &[&str]| {
        let ran = world.docket(&[&["verify"], more].concat());
        (ran.code, ran.out + &ran.err)
    };
    let trusting = ["--trusted-root", &root[..]];
    let theirs = stack.file("theirs.json");
    world.docket_ok(&["import", &theirs, "--commit", "HEAD", "--step", "audit"]);
    let (code, said) = verify(&trusting);
    assert_eq!(code, 0, "{said}");
    // Another tool's statement makes no claim on this ledger; its bundle holds all the same.
    assert!(
        said.contains("foreign-signer") && said.contains("its bundle holds"),
        "{said}"
    );
    let (code, said) = verify(&[]);
    assert!(code != 0 && said.contains("keyless-refused"), "{said}");

    stack.knows("somebody@example.com");
    let token = stack.file("token");
    let (code, err) = stack.attest(&["--identity-token-file", &token, "--key", "default"]);
    assert_eq!(code, 0, "{err}");
    let (code, said) = verify(&trusting);
    assert_ne!(code, 0, "{said}");
    for part in ["identity-unknown", PERSON, "somebody@example.com"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
