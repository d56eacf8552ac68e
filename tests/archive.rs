//! The evidence archive: whole, cut and changed; and its VERIFY.md followed by a stranger.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/changes.rs"]
mod changes;
mod common;
#[path = "common/fulcio.rs"]
mod fulcio;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use changes::{approve, change, commit, land};
use common::world::World;
use git_docket::archive::pack::{self, Files};
use git_docket::digest::{ObjectId, Sha256};
use git_docket::statement::{Placement, PredicateType, Statement, Subject};
use serde_json::{Value, json};

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C03]\n[checks.C05]\n[checks.C07]\n[checks.C08]\n[checks.C09]\n";
const CHECKS: [&str; 5] = ["C03", "C05", "C07", "C08", "C09"];

/// A ledger of a change that was approved, tested, landed, released, scanned and deployed; and of another that was pushed.
fn ledger() -> World {
    let world = World::of_two(POLICY);
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    world.write("app.bin", "built");
    let junit = "<testsuite name='t' tests='2' failures='0'><testcase name='a'/><testcase name='b'/></testsuite>";
    world.write("../junit.xml", junit);
    world.docket_ok(&["attest", "--step", "test", "--evidence", "../junit.xml"]);
    world.docket_ok(&[
        "run",
        "--step",
        "build",
        "--product",
        "app.bin",
        "--",
        "true",
    ]);
    let vulns = json!({
        "scanner": {"uri": "pkg:generic/grype", "db": {"lastUpdate": "2026-11-21T00:00:00Z"}, "result": [
            {"id": "CVE-2026-1", "severity": [{"method": "cvss", "score": "9.8"}]},
            {"id": "CVE-2026-2", "severity": [{"method": "cvss", "score": "3.1"}]},
        ]},
        "metadata": {"scanStartedOn": "2026-11-22T09:00:00Z", "scanFinishedOn": "2026-11-22T09:01:00Z"},
    });
    world.write("../vulns.json", &vulns.to_string());
    world.docket_ok(&[
        "attest",
        "--step",
        "scan",
        "--type",
        "vulns",
        "--predicate",
        "../vulns.json",
        "app.bin",
    ]);
    world.docket_ok(&[
        "deploy",
        "--env",
        "prod",
        "--service",
        "api",
        "--artifact",
        "app.bin",
    ]);
    world.docket_ok(&[
        "observe",
        "--env",
        "prod",
        "--tool",
        "docker",
        "--complete",
        "api=app.bin",
        "other=../vulns.json",
    ]);
    if has("openssl") {
        for (name, curve) in [("west", "P-256"), ("east", "P-384")] {
            by_curve(&world, name, curve);
        }
    }
    for tag in ["v1.0", "v0.9"] {
        world.git(&["tag", tag]);
        world.docket_ok(&["release", tag]);
    }
    world.git(&["tag", "-f", "v0.9", "HEAD^"]);
    commit(&world, "pushed.txt", "without a change");
    world.docket_ok(&["seal"]);
    world
}

/// A step signed with ECDSA.
fn by_curve(world: &World, name: &str, curve: &str) {
    let script = format!(
        "umask 077; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out ../{name}.pem 2>/dev/null; \
         openssl pkey -in ../{name}.pem -pubout -out ../{name}.pub"
    );
    assert_eq!(world.run("sh", &["-ec", &script]).code, 0);
    let (private, public) = (format!("../{name}.pem"), format!("../{name}.pub"));
    let add = [
        "roster", "add", name, "--kind", "service", "--role", "builder",
    ];
    world.docket_ok(&[&add[..], &["--role", "writer", "--public-key", &public]].concat());
    world.docket_ok(&["run", "--step", "lint", "--key", &private, "--", "true"]);
}

fn archive(world: &World) -> Vec<u8> {
    let created = world.docket_ok(&["archive", "create", "../audit.tar"]);
    assert!(created.contains("does not prove"), "{created}");
    std::fs::read(world.root().join("audit.tar")).unwrap()
}

/// `archive verify`, away from any repository.
fn verify(world: &World, bytes: &[u8], more: &[&str]) -> (i32, Value, String) {
    let away = world.root().join("away");
    std::fs::create_dir_all(&away).unwrap();
    std::fs::write(away.join("a.tar"), bytes).unwrap();
    let mut command = world.command(env!("CARGO_BIN_EXE_git-docket"));
    let words = [&["archive", "verify", "a.tar", "-o", "json"], more].concat();
    let ran = world.ran(&command.current_dir(&away).args(words).output().unwrap());
    let said = serde_json::from_str(&ran.out).unwrap_or(Value::Null);
    (ran.code, said, ran.err)
}

fn items(said: &Value) -> BTreeSet<String> {
    let checks = said["judged"]["checks"].as_array().unwrap().iter();
    let checks = checks.filter(|check| CHECKS.contains(&check["id"].as_str().unwrap()));
    let item = |check: &Value, item: &Value| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        format!(
            "{} {} {}",
            word(&check["id"]),
            word(&item["verdict"]),
            word(&item["subject"])
        )
    };
    checks
        .flat_map(|check| {
            check["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |one| item(check, one))
        })
        .collect()
}

/// Packs files with a manifest that fits them, as somebody would who knows the form.
fn packed(mut files: Files) -> Vec<u8> {
    files.remove("MANIFEST");
    let lines = files
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", Sha256::of(content)));
    let manifest: String = lines.collect();
    files.insert("MANIFEST".into(), manifest.into_bytes());
    pack::pack(&files).unwrap()
}

#[test]
fn an_archive_is_judged_without_a_repository_as_verify_judges_the_repository() {
    let world = ledger();
    let bytes = archive(&world);
    assert_eq!(
        bytes,
        archive(&world),
        "the same ledger gives the same bytes"
    );
    let ran = world.docket(&["verify", "--check", "all", "-o", "json"]);
    let here: Value = serde_json::from_str(&ran.out).unwrap();
    let (code, there, err) = verify(&world, &bytes, &["--check", "all"]);
    assert_eq!(code, ran.code, "{err}");
    assert_eq!(there["faults"], json!([]));
    for field in [
        "checks", "root", "size", "sealed", "genesis", "policy", "origin", "verdict",
    ] {
        assert_eq!(there["judged"][field], here[field], "{field}");
    }
    let found = items(&there);
    for wanted in [
        "C05 pass 7",
        "C07 pass 7",
        "C08 pass 7 test",
        "C03 pass api in prod",
        "C03 fail other in prod",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found:?}");
    }
    assert!(
        found
            .iter()
            .any(|item| item.starts_with("C09 fail") && item.ends_with("CVE-2026-1"))
    );
}

#[test]
fn keyless_entries_are_judged_by_the_readers_roots_and_the_makers_are_carried() {
    let world = World::of_two(POLICY);
    let mut roster: Value =
        serde_json::from_str(&world.docket_ok(&["roster", "show", "-o", "json"])).unwrap();
    roster["persons"][0]["oidc"] = json!([{"issuer": fulcio::ISSUER, "san": fulcio::WORKFLOW}]);
    world.write("../roster.json", &roster.to_string());
    world.docket_ok(&["roster", "publish", "../roster.json"]);
    let id = |what: &str| {
        let hex = world.git(&["rev-parse", what]);
        format!("sha1:{}", hex.trim()).parse::<ObjectId>().unwrap()
    };
    let (commit, tree) = (id("HEAD"), id("HEAD^{tree}"));
    let predicate = json!({"attributes": [{"attribute": "built"}]});
    let statement = Statement::new(
        vec![Subject::commit(&commit, &tree)],
        PredicateType::resolve("scai").unwrap(),
        predicate.as_object().unwrap().clone(),
    )
    .unwrap()
    .placed(&Placement {
        origin: "git.example.com/acme/app".into(),
        step: "e2e".parse().unwrap(),
        commit,
    });
    let bundle = fulcio::Making::default().bundle(&statement).to_string();
    let line = json!({"v": 1, "commit": commit.to_string(), "step": "e2e", "attestation": base64(bundle.as_bytes())});
    world.write("../spool.jsonl", &format!("{line}\n"));
    world.write("../root.json", &fulcio::document().to_string());
    world.docket_ok(&["spool", "import", "../spool.jsonl"]);
    world.git(&["config", "docket.trustedRoot", "../root.json"]);
    world.docket_ok(&["run", "--step", "build", "--", "true"]);
    world.docket_ok(&["seal"]);
    let bytes = archive(&world);
    let files = pack::unpack(&bytes).unwrap();
    let root = fulcio::document().to_string().into_bytes();
    let name = format!("trust/{}.json", Sha256::of(&root));
    assert_eq!(files.get(&name), Some(&root));

    let believed = ["--trusted-root", "../root.json"];
    let (_, said, error) = verify(&world, &bytes, &believed);
    assert!(!said.to_string().contains("keyless-refused"), "{error}");
    let unproved = said["unproved"].to_string();
    assert!(unproved.contains(&name), "{unproved}");
    // What the archive carries is believed by nobody who does not name it.
    let (code, said, _) = verify(&world, &bytes, &[]);
    assert_eq!(code, 1);
    assert!(said.to_string().contains("keyless-refused"));
    let mut other: Files = files;
    other.insert(name, b"{}".to_vec());
    assert_ne!(verify(&world, &packed(other), &believed).0, 0);
}

fn base64(bytes: &[u8]) -> String {
    git_docket::base64::encode(bytes)
}

#[test]
fn what_is_cut_or_changed_is_found() {
    let world = ledger();
    let bytes = archive(&world);
    let files = pack::unpack(&bytes).unwrap();
    for (name, content) in files.iter().filter(|(name, _)| *name != "MANIFEST") {
        let mut changed = files.clone();
        let at = content.len() / 2;
        changed.get_mut(name).unwrap()[at] ^= 1;
        assert_eq!(
            verify(&world, &pack::pack(&changed).unwrap(), &[]).0,
            4,
            "{name} changed"
        );
        let mut cut = files.clone();
        cut.remove(name);
        assert_eq!(
            verify(&world, &pack::pack(&cut).unwrap(), &[]).0,
            4,
            "{name} cut"
        );
        // And by somebody who writes a manifest that fits. The lists of paths are their maker's word, and said to be.
        if !name.starts_with("git/paths/") {
            assert_eq!(
                verify(&world, &packed(changed), &[]).0,
                4,
                "{name} changed, manifest too"
            );
            let kept = cut
                .keys()
                .any(|other| other.rsplit('/').next() == name.rsplit('/').next());
            if !kept {
                assert_eq!(
                    verify(&world, &packed(cut), &[]).0,
                    4,
                    "{name} cut, manifest too"
                );
            }
        }
    }
    let mut more = files.clone();
    more.insert("notes.txt".into(), b"read me".to_vec());
    assert_eq!(verify(&world, &packed(more), &[]).0, 4, "a file more");
}

#[test]
fn a_ref_moved_back_and_an_earlier_ledger_are_found() {
    let world = ledger();
    let early = archive(&world);
    world.docket_ok(&[
        "gap",
        "--from",
        "2026-11-01T00:00:00Z",
        "--until",
        "2026-11-02T00:00:00Z",
        "--reason",
        "TEXT",
    ]);
    world.docket_ok(&["seal"]);
    let seal = world.git(&["show", "refs/notes/docket:docket/seal"]);
    std::fs::create_dir_all(world.root().join("away")).unwrap();
    std::fs::write(world.root().join("away/seal"), seal).unwrap();
    let (code, said, _) = verify(&world, &early, &["--seal", "seal"]);
    assert_eq!((code, &said["judged"]["verdict"]), (4, &json!("broken")));

    let files = pack::unpack(&early).unwrap();
    let mut header: Value = serde_json::from_slice(&files["archive.json"]).unwrap();
    let begun = world.git(&["rev-list", "--max-parents=0", "main"]);
    header["refs"]["refs/heads/main"] = json!(format!("sha1:{}", begun.trim()));
    let mut files = files;
    let mut text = serde_json::to_vec_pretty(&header).unwrap();
    text.push(b'\n');
    files.insert("archive.json".into(), ordered(&text));
    let (code, said, err) = verify(&world, &packed(files), &[]);
    assert_eq!(code, 4, "{err}");
    assert!(
        said["faults"]
            .to_string()
            .contains("whose line does not have it"),
        "{said}"
    );
}

// serde_json sorts the keys of a map; the header has an order of its own.
fn ordered(text: &[u8]) -> Vec<u8> {
    let said: git_docket::archive::Said = serde_json::from_slice(text).unwrap();
    let mut text = serde_json::to_vec_pretty(&said).unwrap();
    text.push(b'\n');
    text
}

/// The shell blocks of a page, one after another.
fn blocks(page: &str) -> String {
    let parts = page.split("```bash\n").skip(1);
    parts
        .map(|part| part.split("```").next().unwrap())
        .collect()
}

/// Extracts an archive with tar and follows its VERIFY.md; what was printed, and whether all held.
fn followed(folder: &Path, bytes: &[u8]) -> (bool, String, String) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.with_extension("tar");
    std::fs::write(&file, bytes).unwrap();
    let tar = Command::new("tar")
        .arg("xf")
        .arg(&file)
        .arg("-C")
        .arg(folder)
        .status()
        .unwrap();
    assert!(tar.success());
    // The page that the reader was given by another way, not the one in a spoilt archive.
    let script = blocks(include_str!("../src/archive/VERIFY.md"));
    let ran = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.success(), text(&ran.stdout), text(&ran.stderr))
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--help").output().is_ok()
}

#[test]
fn a_stranger_follows_verify_md_and_comes_to_the_same() {
    if let Some(missing) = ["bash", "git", "jq", "openssl", "sha256sum", "tar"]
        .into_iter()
        .find(|name| !has(name))
    {
        eprintln!("SKIPPED: there is no {missing}; VERIFY.md was not followed");
        return;
    }
    let world = ledger();
    let bytes = archive(&world);
    let folder = world.root().join("stranger");
    let (held, out, err) = followed(&folder, &bytes);
    assert!(held, "{out}{err}");
    let (_, said, _) = verify(&world, &bytes, &["--check", "all"]);
    let theirs: BTreeSet<String> = out
        .lines()
        .filter(|line| line.starts_with('C'))
        .map(str::to_owned)
        .collect();
    assert_eq!(theirs, items(&said));
    let size = said["judged"]["size"].as_u64().unwrap();
    let root = world.git(&["show", "refs/notes/docket:docket/append"]);
    let head = format!("head {}", root.lines().nth(3).unwrap());
    assert!(out.lines().any(|line| line == head), "{out}");
    for wanted in [
        format!("signatures {size}"),
        format!("sealed {size}"),
        format!("seal {size}"),
    ] {
        assert!(out.lines().any(|line| line == wanted), "{wanted}: {out}");
    }

    let files = pack::unpack(&bytes).unwrap();
    let spoilt = |prefix: &str, at: &dyn Fn(&[u8]) -> usize| {
        let mut files = files.clone();
        let (_, content) = files
            .iter_mut()
            .find(|(name, _)| name.starts_with(prefix))
            .unwrap();
        let at = at(content);
        content[at] = if content[at] == b'A' { b'B' } else { b'A' };
        packed(files)
    };
    let find = |word: &'static str| {
        move |content: &[u8]| {
            let at = content
                .windows(word.len())
                .position(|part| part == word.as_bytes());
            at.unwrap() + word.len() + 8
        }
    };
    let last = |content: &[u8]| content.len() - 20;
    for (what, bytes) in [
        ("a signature", spoilt("ledger/note/", &find("\"sig\":\""))),
        ("a payload", spoilt("ledger/note/", &find("\"payload\":\""))),
        ("a link", spoilt("ledger/note/", &find("\"prev\":\""))),
        ("the seal", spoilt("ledger/seal", &last)),
        ("a commit", spoilt("git/commit/", &last)),
    ] {
        let (held, out, err) = followed(&folder, &bytes);
        assert!(!held, "{what}: {out}{err}");
    }
    // Without a manifest that fits, the first block is enough.
    let mut cut = files.clone();
    cut.remove("policy.toml");
    assert!(!followed(&folder, &pack::pack(&cut).unwrap()).0);
}
