//! Keys in security keys, without the hardware: an agent of the test's own that holds both kinds and answers as a
//! token's does, and `ssh-keygen`, which verifies what such keys sign.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use common::world::World;
use data_encoding::BASE64;
use git_docket::envelope::pae;
use git_docket::signing::{Curve, PublicKey, SigningKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;

/// Texts or bytes as SSH has them (RFC 4251 §5).
fn strings(fields: &[&[u8]]) -> Vec<u8> {
    let field = |field: &&[u8]| [&(field.len() as u32).to_be_bytes(), *field].concat();
    fields.iter().flat_map(field).collect()
}

/// The first such field, and the rest.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    rest.split_at(u32::from_be_bytes(*length) as usize)
}

/// A key in a token (PROTOCOL.u2f).
#[derive(Clone)]
struct Token {
    key: SigningKey,
    name: &'static str,
    flags: u8,
}

impl Token {
    const APPLICATION: &str = "ssh:";

    fn ed25519(seed: u8, flags: u8) -> Self {
        Self {
            key: SigningKey::from_seed([seed; 32]),
            name: "sk-ssh-ed25519@openssh.com",
            flags,
        }
    }

    fn ecdsa(seed: u8, flags: u8) -> Self {
        Self {
            key: SigningKey::from_scalar(Curve::P256, &[seed; 32]).unwrap(),
            name: "sk-ecdsa-sha2-nistp256@openssh.com",
            flags,
        }
    }

    fn blob(&self) -> Vec<u8> {
        let plain = self.key.public().to_ssh_blob();
        let name = strings(&[self.name.as_bytes()]);
        let application = strings(&[Self::APPLICATION.as_bytes()]);
        [&name, string(&plain).1, &application].concat()
    }

    fn line(&self) -> String {
        format!("{} {} token", self.name, BASE64.encode(&self.blob()))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let counter = 7u32.to_be_bytes();
        let signed = [
            &Sha256::digest(Self::APPLICATION)[..],
            &[self.flags],
            &counter,
            &Sha256::digest(message),
        ]
        .concat();
        let mut inner = self.key.sign(&signed).unwrap();
        if let Ok(signature) = p256::ecdsa::Signature::from_der(&inner) {
            // DER's integers are SSH's but for the length.
            let number = |half: &[u8]| {
                let bare: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
                let sign = vec![0; usize::from(bare[0] >= 0x80)];
                [sign, bare].concat()
            };
            let fixed = signature.to_bytes();
            inner = strings(&[&number(&fixed[..32]), &number(&fixed[32..])]);
        }
        let fields = strings(&[self.name.as_bytes(), &inner]);
        [&fields[..], &[self.flags], &counter].concat()
    }
}

/// An agent that holds them; it ends with the test.
fn agent(world: &mut World, tokens: &[Token]) {
    let socket = world.root().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    world.set("SSH_AUTH_SOCK", &socket.to_string_lossy());
    let tokens = tokens.to_vec();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &tokens);
        }
    });
}

fn serve(mut stream: UnixStream, tokens: &[Token]) {
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        let answer = match request[0] {
            11 => {
                let one = |token: &Token| strings(&[&token.blob(), b"token"]);
                let listed: Vec<u8> = tokens.iter().flat_map(one).collect();
                [&[12], &(tokens.len() as u32).to_be_bytes()[..], &listed].concat()
            }
            _ => {
                let (blob, rest) = string(&request[1..]);
                let token = tokens.iter().find(|token| token.blob() == blob).unwrap();
                [vec![14], strings(&[&token.sign(string(rest).0)])].concat()
            }
        };
        stream.write_all(&strings(&[&answer])).unwrap();
    }
}

fn newest(world: &World) -> Value {
    let log = world.docket_ok(&["log", "-o", "json"]);
    let entries = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries
        .max_by_key(|entry| entry["seq"].as_u64().unwrap())
        .unwrap()
}

/// Signs a step with the key, which the verdict then holds to be its.
fn appends(world: &World, token: &Token, arguments: &[&str]) {
    world.docket_ok(&[&["run", "--step", "test"], arguments, &["--", "true"]].concat());
    let verdict = world.docket(&["verify", "--no-assert"]);
    assert_eq!(verdict.code, 0, "{}{}", verdict.out, verdict.err);
    let id = PublicKey::from_ssh_line(&token.line()).unwrap().id();
    assert_eq!(newest(world)["statement"]["signer"], id.to_string());
}

#[test]
fn a_token_signs_and_ssh_keygen_and_the_second_reader_agree() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let tokens = [
        Token::ed25519(21, PRESENT),
        Token::ecdsa(22, PRESENT | VERIFIED),
    ];
    agent(&mut world, &tokens);
    for (at, token) in tokens.iter().enumerate() {
        let (person, file) = (format!("p{at}@example.com"), format!("{at}.pub"));
        world.write(&file, &token.line());
        world.write("allowed", &format!("{person} {}\n", token.line()));
        let add = [
            "roster", "add", &person, "--kind", "human", "--role", "writer",
        ];
        // One from its own file, the other from allowed signers.
        let from = match at {
            0 => ["--public-key", &file],
            _ => ["--allowed-signers", "allowed"],
        };
        world.docket_ok(&[&add[..], &from].concat());
        let public = PublicKey::from_ssh_line(&token.line()).unwrap();
        let id = public.id().to_string();
        let shown = world.docket_ok(&["key", "show", &format!("./{file}"), "-o", "json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["id"], *id);
        assert!(shown.get("pem").is_none(), "{shown}");
        appends(&world, token, &["--key", &format!("./{file}")]);
        appends(&world, token, &["--key", &format!("ssh-agent://{id}")]);
        world.git(&["config", "gpg.format", "ssh"]);
        world.git(&[
            "config",
            "user.signingKey",
            &format!("key::{}", token.line()),
        ]);
        appends(&world, token, &[]);
        world.git(&["config", "--unset", "gpg.format"]);

        let seq = newest(&world)["seq"].to_string();
        let bundle = world.docket_ok(&["show", &seq, "--raw"]);
        let bundle: Value = serde_json::from_str(&bundle).unwrap();
        let bytes =
            |at: &str| BASE64.decode(bundle.pointer(at).unwrap().as_str().unwrap().as_bytes());
        let payload = bytes("/dsseEnvelope/payload").unwrap();
        let signature = bytes("/dsseEnvelope/signatures/0/sig").unwrap();
        let encoded = pae("application/vnd.in-toto+json", &payload);
        keygen_agrees(&world, &person, &id, &signature, &encoded);
    }
    if let Some(python) = peer::python() {
        let script = peer::root().join("tests/peers/second_reader.py");
        let arguments = ["-I", &script.to_string_lossy(), ".", "refs/notes/docket"];
        let read = world.run(&python, &arguments);
        assert_eq!(read.code, 0, "{}", read.err);
        assert!(read.out.starts_with("sound "), "{}", read.out);
    }
}

/// That stock OpenSSH takes the signature in an envelope for the bytes that DSSE signs, and for no others.
fn keygen_agrees(world: &World, person: &str, id: &str, signature: &[u8], pae: &[u8]) {
    let Some(keygen) = peer::on_path("DOCKET_PEER_SSH_KEYGEN", "ssh-keygen") else {
        return;
    };
    let text = BASE64.encode(signature);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(70)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let armour = format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    );
    world.write("sig", &armour);
    let public = match person {
        "p0@example.com" => "0.pub",
        _ => "1.pub",
    };
    let line = fs::read_to_string(world.repo().join(public)).unwrap();
    world.write("signers", &format!("{person} {line}\n"));
    for (message, namespace, holds) in [
        (pae, "ledger@git-docket.dev", true),
        (&pae[1..], "ledger@git-docket.dev", false),
        (pae, "file", false),
    ] {
        fs::write(world.repo().join("message"), message).unwrap();
        let line = format!(
            "{} -Y verify -f signers -I {person} -n {namespace} -s sig <message",
            keygen.display()
        );
        let ran = world.run("sh", &["-c", &line]);
        assert_eq!(ran.code == 0, holds, "{}{}", ran.out, ran.err);
        assert_eq!(ran.out.contains(id), holds, "{}", ran.out);
    }
}

#[test]
fn nobody_there_nothing_signed() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let absent = [Token::ed25519(21, 0), Token::ecdsa(22, VERIFIED)];
    agent(&mut world, &absent);
    for (at, token) in absent.iter().enumerate() {
        world.write("k.pub", &token.line());
        let id = format!("p{at}");
        let add = [
            "roster", "add", &id, "--kind", "service", "--role", "writer",
        ];
        world.docket_ok(&[&add[..], &["--public-key", "k.pub"]].concat());
        let before = world.git(&["rev-parse", "refs/notes/docket"]);
        world.write("p.json", r#"{"attributes":[{"attribute":"clean"}]}"#);
        let attest = "attest --step scan --type scai --predicate p.json --key ./k.pub";
        let ran = world.docket(&attest.split(' ').collect::<Vec<_>>());
        assert_ne!(ran.code, 0);
        assert!(ran.err.contains("does not hold"), "{}", ran.err);
        assert_eq!(world.git(&["rev-parse", "refs/notes/docket"]), before);
    }
}
