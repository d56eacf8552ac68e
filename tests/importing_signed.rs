//! `import FILE…` and `import --notes`: what others signed, through the program into a ledger, its bytes kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

#[path = "common/peer.rs"]
mod peer;

use common::world::World;
use git_docket::{base64, digest::Sha256};
use serde_json::{Value, json};

fn world() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

fn head(world: &World) -> String {
    world.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

/// A statement about this subject digest, signed by nobody that we know.
fn statement(digest: Value, predicate: Value) -> String {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": digest}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": predicate,
    });
    envelope(&statement)
}

fn envelope(payload: &Value) -> String {
    let payload = base64::encode(payload.to_string().as_bytes());
    format!(
        r#"{{"payload": "{payload}","payloadType":"application/vnd.in-toto+json","signatures":[{{"keyid":"ab","sig":"AAAA"}}]}}"#
    )
}

fn about(commit: &str) -> String {
    statement(json!({"gitCommit": commit}), json!({}))
}

fn import(world: &World, words: &[&str]) -> (i32, Value) {
    let ran = world.docket(&[&["import", "-o", "json"], words].concat());
    let said = serde_json::from_str(&ran.out).unwrap_or_else(|_| json!(ran.err));
    (ran.code, said)
}

fn digests(said: &Value) -> Vec<String> {
    let entries = said["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["attestation"].as_str().unwrap().to_owned())
        .collect()
}

fn reasons(said: &Value) -> Vec<String> {
    let left = said["left"].as_array().unwrap().iter();
    let told = |one: &Value| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        format!("{}: {}", text("record"), text("why"))
    };
    left.map(told).collect()
}

fn digest_of(text: &str) -> String {
    Sha256::of(text.as_bytes()).to_string()
}

#[test]
fn bytes_are_kept_and_twice_adds_nothing() {
    let world = world();
    let one = about(&head(&world));
    world.write("../one.json", &format!("\n{one}\n"));
    let (code, said) = import(&world, &["../one.json"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(digests(&said), [digest_of(&one)]);
    assert_eq!(said["entries"][0]["step"], "provenance");
    let note = world.git(&["notes", "--ref", "docket", "show", "HEAD"]);
    assert!(note.contains(&one), "the bytes stand in the note: {note}");

    // The same again, and in another container around the same signature.
    let bare: Value = serde_json::from_str(&one).unwrap();
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "ab"}, "tlogEntries": []},
        "dsseEnvelope": bare,
    });
    world.write("../two.json", &bundle.to_string());
    let (code, said) = import(&world, &["../one.json", "../two.json"]);
    assert_eq!((code, said["known"].clone()), (0, json!(2)), "{said}");
    assert_eq!(digests(&said), Vec::<String>::new());
}

#[test]
fn the_commit_is_the_one_that_it_names() {
    let world = world();
    let first = head(&world);
    let second = world.commit("more", "more\n");
    let built = |commit: &str| {
        let from = json!([{"digest": {"gitCommit": commit}}]);
        statement(
            json!({"sha256": "a".repeat(64)}),
            json!({"buildDefinition": {"resolvedDependencies": from}}),
        )
    };
    let both = envelope(&json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"gitCommit": first}}, {"digest": {"gitCommit": second}}],
        "predicateType": "https://example.com/other/v1",
        "predicate": {},
    }));
    let unbound = statement(json!({"sha512": "b".repeat(128)}), json!({}));
    let absent = about(&"c".repeat(40));
    for (text, more, expected) in [
        (about(&first), "", Ok(&first)),
        (built(&first), "", Ok(&first)),
        (built(&first), "HEAD", Err("not about")),
        (both.clone(), "", Err("it names 2 commits that are here")),
        (both, "HEAD", Ok(&second)),
        (unbound.clone(), "", Err("it names no commit that is here")),
        (unbound, "HEAD", Ok(&second)),
        (absent.clone(), "", Err("it names no commit that is here")),
        (absent, "HEAD", Err("not about")),
    ] {
        world.write("../f.json", &text);
        let words = ["../f.json", "--commit", more];
        let (code, said) = import(&world, &words[..if more.is_empty() { 1 } else { 3 }]);
        match expected {
            Ok(commit) => {
                assert_eq!(code, 0, "{said}");
                assert_eq!(said["entries"][0]["commit"], format!("sha1:{commit}"));
            }
            Err(why) => {
                assert_eq!(code, 3, "{said}");
                let reasons = reasons(&said);
                assert!(
                    reasons.len() == 1 && reasons[0].contains(why),
                    "{reasons:?}"
                );
            }
        }
    }
}

#[test]
fn what_belongs_elsewhere_is_refused() {
    let world = world();
    let commit = head(&world);
    let placed = |origin: &str, step: &str| {
        let mut statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"gitCommit": commit}, "annotations": {
                "docket.origin": origin, "docket.step": step, "docket.commit": format!("sha1:{commit}"),
            }}],
            "predicateType": "https://example.com/t/v1",
            "predicate": {},
        });
        statement["predicate"]["step"] = json!(step);
        envelope(&statement)
    };
    let here = "git.example.com/acme/app";
    let layout = envelope(&json!({"_type": "layout", "name": "x"}));
    let text = [
        placed("git.example.com/acme/fork", "build"),
        placed(here, "roster"),
        placed(here, "build"),
        layout,
        r#"{"payload":"eA==","payloadType":"text/plain","signatures":[{"sig":"AA=="}]}"#.to_owned(),
        envelope(&json!({"_type": "https://in-toto.io/Statement/v9"})),
        format!("{:?}", "text"),
    ];
    world.write("../many.jsonl", &text.join("\n"));
    let (code, said) = import(&world, &["../many.jsonl"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said["entries"][0]["step"], "build");
    assert_eq!(digests(&said).len(), 1);
    let reasons = reasons(&said);
    let told = [
        "line 1: it was signed for the ledger git.example.com/acme/fork",
        "line 2: the step roster is the ledger's own",
        "line 4: its payload is a layout",
        "line 5: its payload type \"text/plain\"",
        "line 6: its payload is no statement",
        "line 7: neither an object nor a list",
    ];
    assert_eq!(reasons.len(), told.len(), "{reasons:#?}");
    for (at, reason) in told.iter().enumerate() {
        // What could not be read is told before what cannot be placed.
        assert!(
            reasons.iter().any(|one| one.contains(reason)),
            "{at}: {reasons:#?}"
        );
    }
    // In text they are named and counted.
    let ran = world.docket(&["import", "../many.jsonl"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.out.contains("1 said nothing new\n6 left out\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("warning: left out: ../many.jsonl, line 2"),
        "{}",
        ran.err
    );
}

#[test]
fn a_signature_that_the_roster_can_refute_is_refused() {
    let world = world();
    let keys = world.docket_ok(&["key", "list", "-o", "json"]);
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let id = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].as_str().unwrap());
    let text: Vec<String> = id
        .map(|id| about(&head(&world)).replace("\"ab\"", &format!("{id:?}")))
        .collect();
    assert!(!text.is_empty());
    world.write("../forged.jsonl", &text.join("\n"));
    let (_, said) = import(&world, &["../forged.jsonl"]);
    let reasons = reasons(&said);
    assert!(
        reasons.iter().any(|one| one.contains("does not verify")),
        "{reasons:?}"
    );
}

#[test]
fn notes_of_another_tool_line_by_line() {
    let world = world();
    let first = head(&world);
    let second = world.commit("more", "more\n");
    let note = |commit: &str, text: &str| {
        world.write("../note.txt", text);
        let words = ["notes", "add", "-f", "-C"];
        let blob = world.git(&["hash-object", "-w", "../note.txt"]);
        world.git(&[&words[..], &[blob.trim(), commit]].concat());
    };
    let good = about(&first);
    let lines = [
        "",
        "reviewed by Ada",
        &good,
        "  ",
        &about(&second),
        "{\"a\":1}",
        "{",
        &good,
        "\u{7f}",
    ];
    note(&first, &lines.join("\n"));
    note(&second, &format!("{}\n", about(&second)));
    let blob = world.git(&["hash-object", "-w", "README"]);
    note(blob.trim(), "{}");

    let before = world.git(&["rev-parse", "refs/notes/commits"]);
    let (code, said) = import(&world, &["--notes", "refs/notes/commits"]);
    assert_eq!(code, 0, "{said}");
    let mut taken = digests(&said);
    taken.sort();
    let mut expected = [digest_of(&good), digest_of(&about(&second))];
    expected.sort();
    assert_eq!(taken, expected);
    assert_eq!(said["known"], 1, "the line that stands there twice");
    let reasons = reasons(&said);
    for (line, why) in [
        (2, "no strict JSON"),
        (5, "it is about"),
        (6, "no attestation"),
        (7, "no strict JSON"),
        (9, "no strict JSON"),
    ] {
        let place = format!("note of {first}, line {line}: {why}");
        assert!(
            reasons.iter().any(|one| one.starts_with(&place)),
            "{place}: {reasons:#?}"
        );
    }
    assert!(
        reasons.iter().any(|one| one.contains("no commit")),
        "{reasons:#?}"
    );
    assert_eq!(reasons.len(), 6, "{reasons:#?}");
    assert_eq!(world.git(&["rev-parse", "refs/notes/commits"]), before);

    let (code, said) = import(&world, &["--notes", "refs/notes/commits"]);
    assert_eq!((code, said["known"].clone()), (0, json!(3)), "{said}");
    assert_eq!(digests(&said), Vec::<String>::new());

    let absent = world.docket(&["import", "--notes", "refs/notes/other"]);
    assert_eq!(absent.code, 5, "{}", absent.err);
    assert!(
        absent.err.contains("there is no refs/notes/other"),
        "{}",
        absent.err
    );
    let own = world.docket(&["import", "--notes", "refs/notes/docket"]);
    assert_eq!(own.code, 2, "{}", own.err);
}

#[test]
fn nothing_imported_is_never_success() {
    let world = world();
    world.write("../empty.json", "");
    world.write("../bad.json", "{}");
    for file in ["../empty.json", "../bad.json"] {
        assert_eq!(world.docket(&["import", file]).code, 3, "{file}");
        assert_eq!(
            world.docket(&["import", "--dry-run", file]).code,
            3,
            "{file}"
        );
    }
    assert_eq!(world.docket(&["import", "../absent.json"]).code, 5);
    assert_eq!(world.docket(&["import"]).code, 2);
}

/// What PyPI's integrity API answers: the type of its attestations says everything, and the predicate is null.
#[test]
fn pypi_s_provenance() {
    let world = world();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app-1.0-py3-none-any.whl", "digest": {"sha256": "a".repeat(64)}}],
        "predicateType": "https://docs.pypi.org/attestations/publish/v1",
        "predicate": null,
    });
    let attestation = json!({
        "version": 1,
        "verification_material": {"certificate": "AAAA", "transparency_entries": [{}]},
        "envelope": {"statement": base64::encode(statement.to_string().as_bytes()), "signature": "AAAA"},
    });
    let answer = json!({"version": 1, "attestation_bundles": [
        {"publisher": {"kind": "GitHub"}, "attestations": [attestation]},
    ]});
    world.write("../provenance.json", &answer.to_string());
    let (code, said) = import(&world, &["../provenance.json", "--commit", "HEAD"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(digests(&said), [digest_of(&attestation.to_string())]);
    let shown = world.docket_ok(&["show", "HEAD", "-o", "json"]);
    assert!(shown.contains("pypi-attestation"), "{shown}");
}

/// Envelopes of a published verifier's test data, signed by keys that nobody here has.
#[test]
fn envelopes_of_the_corpus() {
    let Some(corpus) = peer::corpus("attestation-verifier") else {
        return;
    };
    let world = world();
    let mut taken = 0;
    for folder in ["test-data", "test-data-npm"] {
        for file in fs::read_dir(corpus.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let (code, said) = import(&world, &[path.to_str().unwrap(), "--commit", "HEAD"]);
            let name = path.display();
            if path.ends_with("clone.fe1c6281.json") {
                // Its payload calls its type `type`.
                assert_eq!(code, 3, "{said}");
                assert!(
                    reasons(&said)[0].contains("missing field `_type`"),
                    "{said}"
                );
                continue;
            }
            assert_eq!(code, 0, "{name}: {said}");
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(digests(&said), [digest_of(text.trim())], "{name}");
            taken += 1;
        }
    }
    assert_eq!(taken, 4);
    // The ledger is sound, and has nothing that counts about a commit without more.
    assert_eq!(world.docket(&["verify"]).code, 0);
    let later = world.commit("later", "later\n");
    world.write("../one.json", &about(&later));
    world.docket_ok(&["import", "../one.json"]);
    for words in [&["verify", "HEAD"][..], &["verify", "HEAD", "--no-assert"]] {
        let ran = world.docket(words);
        assert_eq!(ran.code, 3, "{}", ran.out);
        assert!(ran.out.contains("foreign-signer"), "{}", ran.out);
    }
}

/// Every published bundle around a statement goes in with its bytes; one around an artifact's signature is refused.
#[test]
fn bundles_of_the_corpus() {
    let folders = [
        ("sigstore-js", "tests/bundles"),
        ("sigstore-conformance", "test/assets/bundle-verify"),
    ];
    let mut files = Vec::new();
    for (corpus, folder) in folders {
        let Some(corpus) = peer::corpus(corpus) else {
            return;
        };
        let mut folders = vec![corpus.join(folder)];
        while let Some(folder) = folders.pop() {
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let name = path.to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name.ends_with(".sigstore") || name.ends_with("bundle.sigstore.json") {
                    files.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    assert!(files.len() > 25, "{} bundles", files.len());
    let world = world();
    let (mut taken, mut refused) = (0, 0);
    for (name, text) in &files {
        let (code, said) = import(&world, &[name, "--commit", "HEAD"]);
        let is_envelope = text.contains("dsseEnvelope");
        match code {
            0 if said["known"] == 1 => taken += 1,
            0 => {
                assert_eq!(digests(&said), [digest_of(text.trim())], "{name}");
                assert!(is_envelope, "{name}");
                taken += 1;
            }
            _ => {
                assert_eq!((code, reasons(&said).len()), (3, 1), "{name}: {said}");
                refused += 1;
            }
        }
    }
    assert!(
        taken >= 9 && refused >= 9,
        "{taken} taken, {refused} refused"
    );
    // Nothing of it counts, and the ledger is sound.
    let verified = world.docket(&["verify", "-o", "json"]);
    assert_eq!(verified.code, 0, "{}", verified.out);
}
