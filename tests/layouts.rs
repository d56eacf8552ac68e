//! `verify --layout`: each way in which links may fail a layout, by its code, and what is imported of classic in-toto.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::world::World;
use git_docket::canonical;
use git_docket::judge::layout::{Key, Layout, Signed};
use git_docket::signing::SigningKey;
use serde_json::{Value, json};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn id(seed: u8) -> String {
    let key = Key::from_pem(&key(seed).public().to_pem()).unwrap();
    key.id().to_owned()
}

/// A Metablock, signed by these keys.
fn signed(value: &Value, seeds: &[u8]) -> String {
    let canonical = canonical::to_olpc(value).unwrap();
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let signatures: Vec<Value> = seeds
        .iter()
        .map(|seed| json!({"keyid": id(*seed), "sig": hex(&key(*seed).sign(&canonical).unwrap())}))
        .collect();
    json!({"signed": value, "signatures": signatures}).to_string()
}

fn link(name: &str, products: Value) -> Value {
    json!({
        "_type": "link", "name": name, "command": ["make"], "materials": {}, "products": products,
        "byproducts": {}, "environment": {},
    })
}

fn layout() -> Value {
    let public = |seed: u8| -> String {
        let bytes = *key(seed).public().ed25519_bytes().unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let key = |seed: u8| json!({"keyid": id(seed), "keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public(seed)}});
    json!({
        "_type": "layout", "expires": "2099-01-01T00:00:00Z", "readme": "", "inspect": [],
        "keys": {id(2): key(2), id(3): key(3)},
        "steps": [{
            "_type": "step", "name": "build", "pubkeys": [id(2), id(3)], "threshold": 1,
            "expected_command": ["make"], "expected_materials": [["DISALLOW", "*"]],
            "expected_products": [["CREATE", "app"], ["DISALLOW", "*"]],
        }],
    })
}

fn app(digit: &str) -> Value {
    json!({"app": {"sha256": digit.repeat(64)}})
}

/// A world whose ledger has these links about its one commit.
fn world(links: &[String]) -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.write("../owner.pub", &key(1).public().to_pem());
    world.write("../links.jsonl", &links.join("\n"));
    if !links.is_empty() {
        world.docket_ok(&["import", "--commit", "HEAD", "../links.jsonl"]);
    }
    world
}

/// The exit code, and the codes of what was found that weighs, each with the detail.
fn judged(world: &World, layout: &str) -> (i32, Vec<String>) {
    world.write("../root.layout", layout);
    let words = ["verify", "HEAD", "-o", "json", "--layout", "../root.layout"];
    let ran = world.docket(&[&words[..], &["--layout-key", "../owner.pub"]].concat());
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
    common::fits(&common::schema("output/verdict.json"), &ran.out);
    let findings = said["findings"].as_array().unwrap().iter();
    let codes = findings.map(|one| one["code"].as_str().unwrap().to_owned());
    let codes = codes.filter(|code| code.starts_with("layout-") || code == "no-entries");
    (ran.code, codes.collect())
}

#[test]
fn each_fault_has_its_code() {
    let good = || vec![signed(&link("build", app("1")), &[2])];
    let change = |pointer: &str, value: Value| {
        let mut layout = layout();
        *layout.pointer_mut(pointer).unwrap() = value;
        signed(&layout, &[1])
    };
    let inspection = json!([{
        "_type": "inspection", "name": "untar", "run": ["touch", "ran"],
        "expected_materials": [], "expected_products": [],
    }]);
    let both = |digit: &str| {
        let other = signed(&link("build", app(digit)), &[3]);
        [good(), vec![other]].concat()
    };
    let mut unsigned_field = layout();
    unsigned_field["more"] = json!(1);
    let broken = good()[0].replacen("\"sig\":\"", "\"sig\":\"00", 1);
    for (what, links, layout, code, expected) in [
        ("good", good(), signed(&layout(), &[1]), 0, ""),
        (
            "no owner",
            good(),
            signed(&layout(), &[2]),
            1,
            "layout-signature",
        ),
        (
            "nobody",
            good(),
            signed(&layout(), &[1]).replacen(&id(1), &id(3), 1),
            1,
            "layout-signature",
        ),
        (
            "another field",
            good(),
            signed(&unsigned_field, &[1]),
            1,
            "layout-malformed",
        ),
        ("no JSON", good(), "{".into(), 1, "layout-malformed"),
        ("a link", good(), good()[0].clone(), 1, "layout-malformed"),
        (
            "no steps",
            good(),
            change("/steps", json!([])),
            1,
            "layout-malformed",
        ),
        (
            "no threshold",
            good(),
            change("/steps/0/threshold", json!(0)),
            1,
            "layout-malformed",
        ),
        (
            "no rule",
            good(),
            change("/steps/0/expected_products/0/0", json!("PERMIT")),
            1,
            "layout-malformed",
        ),
        (
            "another time",
            good(),
            change("/expires", json!("2099-01-01T00:00:00+00:00")),
            1,
            "layout-malformed",
        ),
        (
            "expired",
            good(),
            change("/expires", json!("2026-11-22T10:00:00Z")),
            1,
            "layout-expired",
        ),
        (
            "inspection",
            good(),
            change("/inspect", inspection),
            3,
            "layout-inspection",
        ),
        (
            "no link",
            vec![],
            signed(&layout(), &[1]),
            3,
            "layout-links-missing",
        ),
        (
            "another step",
            vec![signed(&link("test", app("1")), &[2])],
            signed(&layout(), &[1]),
            3,
            "layout-links-missing",
        ),
        (
            "broken link",
            vec![broken],
            signed(&layout(), &[1]),
            3,
            "layout-links-missing",
        ),
        (
            "no other",
            good(),
            change("/steps/0/threshold", json!(2)),
            3,
            "layout-links-missing",
        ),
        (
            "two",
            both("1"),
            change("/steps/0/threshold", json!(2)),
            0,
            "",
        ),
        (
            "two differ",
            both("2"),
            change("/steps/0/threshold", json!(2)),
            1,
            "layout-links-differ",
        ),
        (
            "a product too many",
            vec![signed(
                &link("build", json!({"evil": {"sha256": "1"}})),
                &[2],
            )],
            signed(&layout(), &[1]),
            1,
            "layout-rule",
        ),
        (
            "another command",
            good(),
            change("/steps/0/expected_command", json!(["ninja"])),
            0,
            "layout-command",
        ),
    ] {
        let world = world(&links);
        let (exit, codes) = judged(&world, &layout);
        assert_eq!(exit, code, "{what}: {codes:?}");
        match expected {
            "" => assert_eq!(codes, Vec::<String>::new(), "{what}"),
            expected => assert!(
                codes.iter().any(|code| code == expected),
                "{what}: {codes:?}"
            ),
        }
        assert!(!world.repo().join("ran").exists());
    }
}

/// Whatever byte of a signed layout or link is changed: it is refused, or says the same.
#[test]
fn a_changed_byte_is_never_believed() {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let owner = [Key::from_pem(&key(1).public().to_pem()).unwrap()];
    let functionary = Key::from_pem(&key(2).public().to_pem()).unwrap();
    let (layout, link) = (
        signed(&layout(), &[1]),
        signed(&link("build", app("1")), &[2]),
    );
    assert!(Layout::verified(layout.as_bytes(), &owner, now).is_ok());
    let good = Signed::link(link.as_bytes()).unwrap();
    assert!(good.is_signed_by(&functionary));
    let flips = [1_u8, 0x20];
    let changed = |text: &str, at: usize, flip: u8| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= flip;
        bytes
    };
    for (at, flip) in (0..layout.len()).flat_map(|at| flips.map(|flip| (at, flip))) {
        let believed = Layout::verified(&changed(&layout, at, flip), &owner, now);
        assert!(believed.is_err(), "byte {at} of the layout");
    }
    for (at, flip) in (0..link.len()).flat_map(|at| flips.map(|flip| (at, flip))) {
        let believed = Signed::link(&changed(&link, at, flip));
        let believed = believed.is_ok_and(|link| link.is_signed_by(&functionary));
        assert!(!believed, "byte {at} of the link");
    }
}

/// One key under two names is one functionary.
#[test]
fn a_threshold_counts_keys_and_not_names() {
    let alias = "ab".repeat(32);
    let mut layout = layout();
    let mut again = layout["keys"][id(2)].clone();
    again["keyid"] = json!(alias);
    layout["keys"][&alias] = again;
    layout["steps"][0]["pubkeys"] = json!([id(2), alias]);
    layout["steps"][0]["threshold"] = json!(2);
    let one = signed(&link("build", app("1")), &[2]);
    let world = world(&[one.clone(), one.replacen(&id(2), &alias, 1)]);
    let (code, codes) = judged(&world, &signed(&layout, &[1]));
    assert_eq!(code, 3);
    assert!(
        codes.contains(&"layout-links-missing".to_owned()),
        "{codes:?}"
    );
}

/// The newest link of a key counts: a step may be run again.
#[test]
fn a_step_that_was_run_again() {
    let evil = signed(&link("build", json!({"evil": {"sha256": "1"}})), &[2]);
    let good = signed(&link("build", app("1")), &[2]);
    let layout = signed(&layout(), &[1]);
    assert_eq!(judged(&world(&[evil.clone(), good.clone()]), &layout).0, 0);
    assert_eq!(judged(&world(&[good, evil]), &layout).0, 1);
}

/// Links are carried: without a layout they are no fault of the ledger, and no evidence either.
#[test]
fn links_count_for_nothing_without_a_layout() {
    let world = world(&[signed(&link("build", app("1")), &[2])]);
    assert_eq!(world.docket(&["verify"]).code, 0);
    let ran = world.docket(&["verify", "HEAD~0", "-o", "json"]);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(
        said["findings"].to_string().contains("foreign-signer"),
        "{said}"
    );
    let shown = world.docket_ok(&["show", "HEAD"]);
    assert!(
        shown.contains("a link of classic in-toto, step build"),
        "{shown}"
    );
}

#[test]
fn what_is_no_link_is_refused_at_the_door() {
    let mut more = link("build", app("1"));
    more["more"] = json!(1);
    let mut hash = link("build", app("1"));
    hash["products"]["app"]["sha256"] = json!("xyz");
    let two = signed(&link("build", app("1")), &[2, 3]);
    let world = world(&[]);
    for (text, why) in [
        (signed(&more, &[2]), "the link has not exactly the fields"),
        (signed(&hash, &[2]), "is not hex"),
        (
            signed(&layout(), &[2]),
            "a layout, which is no evidence, and no step's",
        ),
        (two, "2 signatures"),
    ] {
        world.write("../f.json", &text);
        let ran = world.docket(&["import", "--commit", "HEAD", "../f.json"]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains(why), "{why}: {}", ran.err);
    }
    world.write("../f.json", &signed(&link("build", app("1")), &[2]));
    let ran = world.docket(&["import", "../f.json"]);
    assert!(ran.err.contains("--commit REV"), "{}", ran.err);
}

#[test]
fn the_flags_want_each_other_and_a_commit() {
    let world = world(&[]);
    for words in [
        &["verify", "HEAD", "--layout", "../owner.pub"][..],
        &["verify", "HEAD", "--layout-key", "../owner.pub"],
        &[
            "verify",
            "--layout",
            "../owner.pub",
            "--layout-key",
            "../owner.pub",
        ],
        &[
            "verify",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "--layout",
            "../owner.pub",
            "--layout-key",
            "../owner.pub",
        ],
        &[
            "verify",
            "HEAD",
            "--layout",
            "../owner.pub",
            "--layout-key",
            "README",
        ],
    ] {
        assert_eq!(world.docket(words).code, 2, "{words:?}");
    }
}
