//! Keys that other tools made and hold: OpenSSL, OpenSSH and its agent, cosign, a PKCS#11 token, securesystemslib.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::world::World;
use git_docket::signing::{Passphrase, PublicKey, SigningKey};

/// A world with a ledger, and the founder's key in its keyring.
fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

/// Runs a line of shell in the world's repository; what it said.
fn shell(world: &World, line: &str) -> String {
    let ran = world.run("sh", &["-ec", line]);
    assert_eq!(ran.code, 0, "{line}: {}{}", ran.out, ran.err);
    ran.out
}

/// An agent that ends with the test.
struct Agent(Child);

impl Agent {
    fn start(world: &mut World) -> Option<Self> {
        let program = peer::on_path("DOCKET_PEER_SSH_AGENT", "ssh-agent")?;
        let socket = world.root().join("agent");
        let mut agent = Command::new(program);
        agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let agent = Self(agent.spawn().unwrap());
        world.set("SSH_AUTH_SOCK", &socket.to_string_lossy());
        for _ in 0..500 {
            if socket.exists() {
                return Some(agent);
            }
            sleep(Duration::from_millis(20));
        }
        panic!("the agent has not made its socket within ten seconds");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Enrols a key file for `ci`, appends with `arguments`, and says what `verify` then finds.
fn signs(world: &World, public: &str, arguments: &[&str]) {
    let roles = ["--kind", "service", "--role", "writer"];
    let add = [
        &["roster", "add", "ci"][..],
        &roles,
        &["--public-key", public],
    ]
    .concat();
    world.docket_ok(&add);
    appends(world, arguments);
}

fn appends(world: &World, arguments: &[&str]) {
    let command = ["run", "--step", "test"];
    world.docket_ok(&[&command[..], arguments, &["--", "true"]].concat());
    let verdict = world.docket(&["verify", "--no-assert"]);
    assert_eq!(verdict.code, 0, "{}{}", verdict.out, verdict.err);
    // By whom, and not just that it holds: entry 0 is the founder's.
    let log = world.docket_ok(&["log", "-o", "json"]);
    let mut entries: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    entries.sort_by_key(|entry| entry["seq"].as_u64());
    let signer =
        |entry: &serde_json::Value| entry["statement"]["signer"].as_str().unwrap().to_owned();
    let [first, .., last] = &entries[..] else {
        panic!("{log}")
    };
    assert_ne!(signer(last), signer(first), "{arguments:?}");
}

#[test]
fn ssh_keygens_files_sign_and_have_its_fingerprints() {
    if peer::on_path("DOCKET_PEER_SSH_KEYGEN", "ssh-keygen").is_none() {
        return;
    }
    let mut world = founded();
    world.set("DOCKET_PASSPHRASE", "correct horse");
    for (kind, phrase) in [
        ("ed25519", ""),
        ("ed25519", "correct horse"),
        ("ecdsa -b 256", ""),
        ("ecdsa -b 256", "correct horse"),
        ("ecdsa -b 384", "correct horse"),
    ] {
        let make = format!(
            "rm -f k k.pub; ssh-keygen -q -C ci -t {kind} -N '{phrase}' -f k; ssh-keygen -lf k"
        );
        let said = shell(&world, &make);
        let id = said.split(' ').nth(1).unwrap();
        for file in ["./k", "./k.pub"] {
            let shown = world.docket_ok(&["key", "show", file]);
            assert!(shown.contains(id), "{kind}: {shown}");
        }
        signs(&world, "k.pub", &["--key", "./k"]);
        // The public file leads to the private one beside it.
        appends(&world, &["--key", "./k.pub"]);
        if kind.starts_with("ecdsa") {
            let theirs = shell(&world, "ssh-keygen -e -m PKCS8 -f k.pub");
            let theirs = PublicKey::from_pem(&theirs).unwrap();
            assert_eq!(theirs.id().to_string(), id);
        }
        // Private text is never printed, and a file that others can read is refused.
        fs::set_permissions(world.repo().join("k"), fs::Permissions::from_mode(0o644)).unwrap();
        let ran = world.docket(&["run", "--step", "test", "--key", "./k", "--", "true"]);
        assert_eq!(ran.code, 125, "{}", ran.err);
        assert!(ran.err.contains("chmod 600"), "{}", ran.err);
    }
    shell(
        &world,
        "rm -f k k.pub; ssh-keygen -q -t ed25519 -N 'other' -f k",
    );
    let ran = world.docket(&["key", "show", "./k"]);
    assert!(
        ran.err.contains("the passphrase does not open the key"),
        "{}",
        ran.err
    );
    for kind in ["rsa -b 2048", "ecdsa -b 521"] {
        shell(
            &world,
            &format!("rm -f k k.pub; ssh-keygen -q -t {kind} -N '' -f k"),
        );
        let ran = world.docket(&["key", "show", "./k"]);
        assert_ne!(ran.code, 0, "{kind}");
        assert!(ran.err.contains("not a private key"), "{kind}: {}", ran.err);
        let add = [
            "roster",
            "add",
            "eve",
            "--kind",
            "human",
            "--public-key",
            "k.pub",
        ];
        let ran = world.docket(&add);
        assert_ne!(ran.code, 0, "{kind}");
        assert!(
            ran.err.contains("not an SSH key of type"),
            "{kind}: {}",
            ran.err
        );
    }
}

#[test]
fn an_agents_keys_sign_and_git_names_them() {
    let mut world = founded();
    let Some(_agent) = Agent::start(&mut world) else {
        return;
    };
    let mut allowed = String::new();
    for kind in ["ed25519", "ecdsa -b 256", "ecdsa -b 384"] {
        let name = kind.replace(' ', "");
        let make = format!(
            "ssh-keygen -q -C {name} -t {kind} -N '' -f {name}; ssh-add -q {name}; rm {name}"
        );
        shell(&world, &make);
        let public = fs::read_to_string(world.repo().join(format!("{name}.pub"))).unwrap();
        allowed += &format!("ci@example.com namespaces=\"git,file\" {public}");
        allowed += &format!("eve@example.com {public}");
    }
    shell(
        &world,
        "ssh-keygen -q -C rsa -t rsa -b 2048 -N '' -f rsa; ssh-add -q rsa",
    );
    world.write("allowed", &allowed);
    let add = "roster add ci --kind service --role writer --email ci@example.com --allowed-signers allowed";
    let add: Vec<&str> = add.split(' ').collect();
    world.docket_ok(&add);
    let roster = world.docket_ok(&["roster", "show", "-o", "json"]);
    for algorithm in ["ecdsa-p256", "ecdsa-p384"] {
        assert!(roster.contains(algorithm), "{roster}");
    }
    for name in ["ed25519", "ecdsa-b256", "ecdsa-b384"] {
        appends(&world, &["--key", &format!("ssh-agent://{name}")]);
        let said = shell(&world, &format!("ssh-keygen -lf {name}.pub"));
        let id = said.split(' ').nth(1).unwrap();
        appends(&world, &["--key", &format!("ssh-agent://{id}")]);
        appends(&world, &["--key", &format!("./{name}.pub")]);
        // As git has it: the file, or the key itself.
        world.git(&["config", "gpg.format", "ssh"]);
        world.git(&["config", "user.signingKey", &format!("{name}.pub")]);
        appends(&world, &[]);
        let line = fs::read_to_string(world.repo().join(format!("{name}.pub"))).unwrap();
        world.git(&[
            "config",
            "user.signingKey",
            &format!("key::{}", line.trim()),
        ]);
        appends(&world, &[]);
        assert!(world.docket_ok(&["key", "show"]).contains(id));
        world.git(&["config", "--unset", "gpg.format"]);
    }
    let step = ["run", "--step", "test", "--key"];
    for (unclear, said) in [
        ("ssh-agent://", "not just one"),
        ("ssh-agent://nobody", "not just one"),
        ("ssh-agent://rsa", "not just one"),
        ("./rsa.pub", "not an SSH key of type"),
    ] {
        let ran = world.docket(&[&step[..], &[unclear, "--", "true"]].concat());
        assert_eq!(ran.code, 125, "{unclear}: {}", ran.err);
        assert!(ran.err.contains(said), "{unclear}: {}", ran.err);
    }
    // What the agent holds no more, it does not sign.
    shell(&world, "ssh-add -q -D");
    let ran = world.docket(&[&step[..], &["./ed25519.pub", "--", "true"]].concat());
    assert_eq!(ran.code, 125, "{}", ran.err);
    world.unset("SSH_AUTH_SOCK");
    let ran = world.docket(&[&step[..], &["ssh-agent://", "--", "true"]].concat());
    assert!(ran.err.contains("SSH_AUTH_SOCK is not set"), "{}", ran.err);
}

#[test]
fn openssls_keys_sign_and_openssl_verifies() {
    if peer::on_path("DOCKET_PEER_OPENSSL", "openssl").is_none() {
        return;
    }
    let world = World::bare_hands();
    for (curve, hash) in [("prime256v1", "sha256"), ("secp384r1", "sha384")] {
        let lines = [
            format!("openssl ecparam -name {curve} -genkey -out key"),
            format!("openssl ecparam -name {curve} -genkey -noout -out key"),
            format!("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:{curve} -out key"),
            format!(
                "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:{curve} -aes-256-cbc -pass pass:horse -out key"
            ),
        ];
        for line in lines {
            shell(&world, &line);
            let pem = fs::read_to_string(world.repo().join("key")).unwrap();
            let phrase = Passphrase::new("horse".into());
            let key = SigningKey::from_pem(&pem, Some(&phrase)).unwrap();
            let theirs = shell(&world, "openssl pkey -in key -passin pass:horse -pubout");
            assert_eq!(key.public().to_pem(), theirs);
            world.write("public", &theirs);
            world.write("message", "a message");
            fs::write(world.repo().join("ours"), key.sign(b"a message").unwrap()).unwrap();
            shell(
                &world,
                &format!("openssl dgst -{hash} -verify public -signature ours message"),
            );
            shell(
                &world,
                &format!("openssl dgst -{hash} -sign key -passin pass:horse -out theirs message"),
            );
            let theirs = fs::read(world.repo().join("theirs")).unwrap();
            assert!(key.public().verify(b"a message", &theirs).is_ok());
            assert!(key.public().verify(b"A message", &theirs).is_err());
            // Back again: what we write, OpenSSL reads.
            world.write("again", &key.to_pkcs8_pem(None).unwrap());
            let again = shell(&world, "openssl pkey -in again -pubout");
            assert_eq!(again, key.public().to_pem());
        }
    }
    // Curves that are not read, and a curve without a name.
    for line in [
        "openssl ecparam -name secp256k1 -genkey -noout -out key",
        "openssl ecparam -name secp521r1 -genkey -noout -out key",
        "openssl ecparam -name prime256v1 -param_enc explicit -genkey -noout -out key",
        "openssl genrsa -out key 2048",
    ] {
        shell(&world, line);
        let pem = fs::read_to_string(world.repo().join("key")).unwrap();
        assert!(SigningKey::from_pem(&pem, None).is_err(), "{line}");
        let public = shell(&world, "openssl pkey -in key -pubout");
        assert!(PublicKey::from_pem(&public).is_err(), "{line}");
    }
}

#[test]
fn cosigns_keys_sign_and_cosign_verifies() {
    let Some(cosign) = peer::peer("DOCKET_PEER_COSIGN", "bin/cosign") else {
        return;
    };
    let mut world = founded();
    for phrase in ["correct horse", ""] {
        let generate = |world: &World| {
            let folder = world.repo();
            let _ = fs::remove_file(folder.join("cosign.key"));
            let _ = fs::remove_file(folder.join("cosign.pub"));
            let mut command = world.command(&cosign);
            let status = command
                .arg("generate-key-pair")
                .env("COSIGN_PASSWORD", phrase);
            assert!(status.output().unwrap().status.success());
        };
        generate(&world);
        world.set("COSIGN_PASSWORD", phrase);
        signs(&world, "cosign.pub", &["--key", "./cosign.key"]);
        let key = fs::read_to_string(world.repo().join("cosign.key")).unwrap();
        world.set("CI_KEY", &key);
        appends(&world, &["--key", "env://CI_KEY"]);
        world.set("COSIGN_PASSWORD", "wrong");
        let ran = world.docket(&["key", "show", "./cosign.key"]);
        assert!(
            ran.err.contains("the passphrase does not open the key"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("COSIGN_PASSWORD"), "{}", ran.err);
        world.set("COSIGN_PASSWORD", phrase);
        // The newest attestation, as stock cosign reads it.
        world.write("app", "app");
        world.docket_ok(&[
            "run",
            "--step",
            "build",
            "--key",
            "./cosign.key",
            "--product",
            "app",
            "--",
            "true",
        ]);
        let newest = world.docket_ok(&["log", "-o", "json", "--step", "build"]);
        let newest = newest.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["seq"].as_u64().unwrap()
        });
        let newest = newest.max().unwrap().to_string();
        let shown = world.docket_ok(&["show", &newest, "--raw"]);
        world.write("bundle.json", &shown);
        let verified = world.run(
            &cosign,
            &[
                "verify-blob-attestation",
                "--insecure-ignore-tlog",
                "--type=https://in-toto.io/attestation/link/v0.3",
                "--key=cosign.pub",
                "--bundle=bundle.json",
                "app",
            ],
        );
        assert_eq!(verified.code, 0, "{}", verified.err);
    }
}

#[test]
fn a_tokens_key_signs_through_a_signer_command() {
    for program in ["softhsm2-util", "pkcs11-tool", "p11tool", "jq"] {
        if peer::on_path("DOCKET_PEER_TOKEN", program).is_none() {
            return;
        }
    }
    let mut world = founded();
    let module = "/usr/lib/softhsm/libsofthsm2.so";
    let folder = world.root().join("tokens");
    fs::create_dir(&folder).unwrap();
    let settings = format!("directories.tokendir = {}\n", folder.display());
    fs::write(world.root().join("softhsm.conf"), settings).unwrap();
    let settings = world.root().join("softhsm.conf");
    world.set("SOFTHSM2_CONF", &settings.to_string_lossy());
    for (name, value) in [
        ("PKCS11_MODULE", module),
        ("PKCS11_TOKEN", "docket"),
        ("PKCS11_PIN", "1234"),
    ] {
        world.set(name, value);
    }
    shell(
        &world,
        "softhsm2-util --init-token --free --label docket --pin 1234 --so-pin 5678",
    );
    let manual = include_str!("../src/manual/keys.md");
    assert!(manual.contains(include_str!("peers/pkcs11_signer.sh")));
    let script = peer::root().join("tests/peers/pkcs11_signer.sh");
    let script = script.to_string_lossy();
    for (id, curve) in [("01", "prime256v1"), ("02", "secp384r1")] {
        shell(
            &world,
            &format!(
                "pkcs11-tool --module {module} --token-label docket --login --pin 1234 --keypairgen --key-type EC:{curve} --id {id}"
            ),
        );
        world.set("PKCS11_KEY", id);
        let shown = world.docket_ok(&["--signer-command", &script, "key", "show"]);
        let pem = &shown[shown.find("-----BEGIN").unwrap()..];
        world.write("ci.pem", pem);
        signs(&world, "ci.pem", &["--signer-command", &script]);
        world.set("DOCKET_SIGNER_COMMAND", &script);
        appends(&world, &[]);
        world.unset("DOCKET_SIGNER_COMMAND");
    }
    // A wrong PIN: the program's own words are the reason, and nothing is appended.
    world.set("PKCS11_PIN", "0000");
    let before = world.git(&["rev-parse", "refs/notes/docket"]);
    let ran = world.docket(&[
        "--signer-command",
        &script,
        "run",
        "--step",
        "test",
        "--",
        "true",
    ]);
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("PIN"), "{}", ran.err);
    assert_eq!(world.git(&["rev-parse", "refs/notes/docket"]), before);
}

#[test]
fn a_signer_command_that_lies_or_fails_signs_nothing() {
    let world = founded();
    let pem = SigningKey::from_seed([7; 32]).public().to_pem();
    world.write(
        "key.json",
        &serde_json::json!({"publicKey": pem}).to_string(),
    );
    world.write("lie.pem", &pem);
    let add = "roster add liar --kind service --role writer --public-key lie.pem";
    world.docket_ok(&add.split(' ').collect::<Vec<_>>());
    let lie = serde_json::json!({"signature": data_encoding::BASE64.encode(&[7; 64])});
    world.write("lie.json", &lie.to_string());
    let key = "if grep -q public-key; then cat key.json; else";
    let before = world.git(&["rev-parse", "refs/notes/docket"]);
    for (command, said) in [
        (format!("{key} cat lie.json; fi"), "does not hold"),
        (format!("{key} echo no; fi"), "is not the JSON"),
        (
            format!("{key} echo '{{\"signature\":\"!\"}}'; fi"),
            "is not the JSON",
        ),
        (
            format!("{key} echo out of order >&2; exit 1; fi"),
            "out of order",
        ),
        ("true".to_owned(), "is not the JSON"),
        (
            "echo '{\"publicKey\":\"x\"}'".to_owned(),
            "public key cannot be used",
        ),
        ("exit 3".to_owned(), "does not answer"),
    ] {
        let kind = [
            "attest",
            "--step",
            "scan",
            "--type",
            "scai",
            "--predicate",
            "p.json",
        ];
        world.write("p.json", r#"{"attributes":[{"attribute":"clean"}]}"#);
        let ran = world.docket(&[&["--signer-command", &command], &kind[..]].concat());
        assert_ne!(ran.code, 0, "{command}");
        assert!(ran.err.contains(said), "{command}: {}", ran.err);
        assert_eq!(world.git(&["rev-parse", "refs/notes/docket"]), before);
    }
    let both = ["--signer-command", "true", "key", "show", "env://KEY"];
    let ran = world.docket(&both);
    assert!(
        ran.err.contains("both a key and a signer command"),
        "{}",
        ran.err
    );
}

#[test]
fn securesystemslib_verifies_our_ecdsa_and_we_its() {
    let Some(python) = peer::python() else {
        return;
    };
    let world = World::bare_hands();
    let script = r#"
import sys, pathlib
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, Signature
key = load_pem_private_key(pathlib.Path("key.pem").read_bytes(), None)
signer = CryptoSigner(key)
signer.public_key.verify_signature(Signature(signer.public_key.keyid, pathlib.Path("ours").read_bytes().hex()), b"a message")
pathlib.Path("theirs").write_bytes(bytes.fromhex(signer.sign(b"a message").signature))
"#;
    for curve in ["prime256v1", "secp384r1"] {
        shell(
            &world,
            &format!(
                "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:{curve} -out key.pem"
            ),
        );
        let key = fs::read_to_string(world.repo().join("key.pem")).unwrap();
        let key = SigningKey::from_pem(&key, None).unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(world.repo().join(name), bytes).unwrap();
        write("ours", &key.sign(b"a message").unwrap());
        let ran = world.run(Path::new(&python), &["-c", script]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let theirs = fs::read(world.repo().join("theirs")).unwrap();
        assert!(key.public().verify(b"a message", &theirs).is_ok());
        write("ours", &key.sign(b"another").unwrap());
        assert_ne!(world.run(Path::new(&python), &["-c", script]).code, 0);
    }
}
