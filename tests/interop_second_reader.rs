//! The proof of the manual: `tests/peers/second_reader.py`, written from its pages alone, agrees with this
//! program about ledgers that this program made and about every vector of the testkit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::world::World;
use git_docket::digest::Algorithm;
use git_docket::ledger::in_memory::Parts;
use git_docket::ledger::snapshot::{TreeFault, TreeFaultKind};
use tempfile::TempDir;

/// What the second reader says: `sound` and the size, or the code of the first fault.
fn second_reader(python: &Path, repository: &Path, name: &str) -> Result<String, String> {
    let script = peer::root().join("tests/peers/second_reader.py");
    let words = [
        "-I".as_ref(),
        script.as_os_str(),
        repository.as_os_str(),
        name.as_ref(),
    ];
    let output = Command::new(python).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

#[test]
fn it_agrees_about_a_sound_ledger_of_each_object_format() {
    let Some(python) = peer::python() else { return };
    for format in ["sha1", "sha256"] {
        let world = World::with_format(format);
        world.commit("a", "a");
        world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
        let big = format!(
            r#"{{"attributes":[{{"attribute":"{}"}}]}}"#,
            "x".repeat(50_000)
        );
        world.write("big.json", &big);
        for step in ["build", "test"] {
            world.commit(step, step);
            world.docket_ok(&["run", "--step", step, "--product", "a", "--", "true"]);
        }
        world.docket_ok(&[
            "attest",
            "--step",
            "scan",
            "--type",
            "scai",
            "--predicate",
            "big.json",
            "a",
        ]);
        world.docket_ok(&[
            "roster", "add", "bot", "--kind", "service", "--role", "writer",
        ]);
        world.docket_ok(&[
            "run",
            "--step",
            "build",
            "--provenance",
            "--product",
            "a",
            "--",
            "true",
        ]);
        let verdict: serde_json::Value =
            serde_json::from_str(&world.docket_ok(&["verify", "-o", "json"])).unwrap();
        let said = second_reader(&python, &world.repo(), "refs/notes/docket");
        assert_eq!(said, Ok(format!("sound {}", verdict["size"])), "{format}");
    }
}

#[test]
fn it_names_the_faults_of_the_demo() {
    let Some(python) = peer::python() else { return };
    let world = World::bare_hands();
    let shown = world.docket_ok(&["demo", "../demo", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let mut refused = 0;
    for fault in shown["faults"].as_array().unwrap() {
        let Some(name) = fault["ledger"].as_str() else {
            continue;
        };
        let found: Vec<&str> = fault["found"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|code| code.as_str())
            .collect();
        let said = second_reader(&python, &world.root().join("demo/app"), name);
        let judged = found.iter().any(|code| !NOT_JUDGED.contains(code));
        match said {
            Err(code) if found.contains(&code.as_str()) => refused += 1,
            said => assert!(said.is_ok() && !judged, "{name}: {found:?}, but {said:?}"),
        }
    }
    assert!(refused > 4, "only {refused} refused");
}

/// What only a policy tells, which the second reader does not judge.
const NOT_JUDGED: &[&str] = &[
    "step-failed",
    "step-missing",
    "step-not-allowed",
    "no-entries",
];

#[test]
fn it_names_the_fault_of_every_vector() {
    let Some(python) = peer::python() else { return };
    let (mut refused, mut sound) = (0, 0);
    for file in fs::read_dir(peer::root().join("testdata/testkit")).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let header = std::str::from_utf8(&bytes[..split]).unwrap();
        let expect = header
            .lines()
            .find_map(|line| line.strip_prefix("expect: "))
            .unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let parts = Parts::parse(&bytes[split + 2..]).unwrap();
        let is_huge = |fault: &TreeFault| fault.kind == TreeFaultKind::TooLarge;
        if parts.faults.iter().any(is_huge) {
            continue;
        }
        let repository = repository(&parts);
        let said = second_reader(&python, repository.path(), "refs/heads/ledger");
        let expected: Vec<&str> = expect
            .split(", ")
            .filter(|code| !NOT_JUDGED.contains(code))
            .collect();
        match (&said, expected.as_slice()) {
            (Ok(_), [] | ["none"]) => sound += 1,
            (Err(code), codes) if codes.contains(&code.as_str()) => refused += 1,
            _ => panic!("{name}: expected {expected:?}, the second reader says {said:?}"),
        }
    }
    assert!(
        sound >= 2 && refused > 40,
        "{sound} sound, {refused} refused"
    );
}

/// A repository whose branch `ledger` has what a vector says as its tree.
fn repository(parts: &Parts) -> TempDir {
    let folder = TempDir::with_prefix("docket-").unwrap();
    let git = |words: &[&str], input: &[u8]| {
        let mut git = Command::new("git")
            .args(words)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(input).unwrap();
        assert!(git.wait().unwrap().success(), "git {words:?}");
    };
    let format = match parts.algorithm() {
        Algorithm::Sha1 => "--object-format=sha1",
        Algorithm::Sha256 => "--object-format=sha256",
    };
    git(&["init", "-q", "--bare", format], b"");
    git(&["fast-import", "--quiet"], &stream(parts));
    folder
}

fn stream(parts: &Parts) -> Vec<u8> {
    let commit = |mark: u8, branch: &str, more: &str| {
        format!(
            "commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.com> 0 +0000\ndata 0\n{more}"
        )
    };
    let mut head = commit(1, "ledger", "") + &commit(2, "other", "");
    let merged = parts.refs.iter().any(|(_, parents)| *parents > 1);
    head += &commit(
        3,
        "ledger",
        if merged {
            "from :1\nmerge :2\n"
        } else {
            "from :1\n"
        },
    );
    let mut out = head.into_bytes();
    let mut put = |mode: &str, path: &str, content: &[u8]| {
        let mut quoted = String::new();
        for byte in path.bytes() {
            write!(quoted, "\\{byte:03o}").unwrap();
        }
        let size = content.len();
        out.extend(format!("M {mode} inline \"{quoted}\"\ndata {size}\n").bytes());
        out.extend_from_slice(content);
        out.push(b'\n');
    };
    let split = |hex: &str| format!("{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..]);
    for (name, content) in &parts.files {
        put("100644", &format!("docket/{name}"), content);
    }
    for (id, content) in &parts.notes {
        put("100644", &split(&id.hex()), content);
    }
    for (digest, content) in &parts.bodies {
        let hex = digest.to_string();
        put(
            "100644",
            &format!("docket/blob/{}/{}", &hex[..2], &hex[2..]),
            content,
        );
    }
    for (id, content) in &parts.commits {
        put(
            "100644",
            &format!("docket/commit/{}", split(&id.hex())),
            content,
        );
    }
    for fault in &parts.faults {
        let mode = match fault.kind {
            TreeFaultKind::Mode => "120000",
            _ => "100644",
        };
        let path = match fault.kind {
            TreeFaultKind::DuplicateNote => parts.notes.keys().next().unwrap().hex(),
            _ => fault.path.clone(),
        };
        put(mode, &path, b"x\n");
    }
    out
}
