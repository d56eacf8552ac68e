//! Drawing a sample, drawn again by another implementation; and one change on one page.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/changes.rs"]
mod changes;
mod common;

use changes::{approve, change, land};
use common::world::World;
use git_docket::digest::Sha256;
use serde_json::Value;

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C05]\n[checks.C07]\n";

fn drawn(world: &World, more: &[&str]) -> Value {
    let words = ["sample", "--of", "deployments", "--seed", "S", "-o", "json"];
    serde_json::from_str(&world.docket_ok(&[&words[..], more].concat())).unwrap()
}

#[test]
fn both_sides_draw_the_same_list_and_it_is_the_documented_one() {
    let world = World::of_two(POLICY);
    for number in 0..9 {
        world.write("app.bin", &format!("build {number}"));
        let service = ["api", "web", "api"][number % 3];
        world.docket_ok(&[
            "deploy",
            "--env",
            "prod",
            "--service",
            service,
            "--artifact",
            "app.bin",
        ]);
    }
    world.docket_ok(&["seal"]);
    let all = drawn(&world, &["--size", "99"]);
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 9);
    // The manual's rule, in other words.
    let root: String = all["root"].as_str().unwrap().into();
    let root: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&root[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let mut ranked: Vec<(String, String)> = items
        .iter()
        .map(|item| {
            let name = item["name"].as_str().unwrap();
            (
                Sha256::of(&[b"S", &root[..], name.as_bytes()].concat()).to_string(),
                name.to_owned(),
            )
        })
        .collect();
    ranked.sort();
    let names = |said: &Value| -> Vec<String> {
        said["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected = |size: usize| -> Vec<String> {
        ranked[..size]
            .iter()
            .map(|(_, name)| name.clone())
            .collect()
    };
    assert_eq!(names(&drawn(&world, &["--size", "4"])), expected(4));

    let strata = drawn(&world, &["--size", "4", "--stratify", "service"])["strata"].clone();
    let places: Vec<(&str, u64, u64)> = strata
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["name"].as_str().unwrap(),
                one["population"].as_u64().unwrap(),
                one["places"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [("api", 6, 2), ("web", 3, 2)]);

    // The same seal gives the same list, to whoever sees more as well.
    world.docket_ok(&[
        "gap",
        "--from",
        "2026-11-01T00:00:00Z",
        "--until",
        "2026-11-02T00:00:00Z",
        "--reason",
        "TEXT",
    ]);
    let none = world.docket(&["sample", "--of", "releases", "--seed", "S", "--size", "1"]);
    assert_eq!(none.code, 3, "{}", none.err);
    let other = world.docket(&[
        "sample",
        "--of",
        "changes",
        "--seed",
        "S",
        "--size",
        "1",
        "--stratify",
        "colour",
    ]);
    assert_eq!(other.code, 2, "{}", other.err);
    world.write(
        "../sample.json",
        &drawn(&world, &["--size", "4"]).to_string(),
    );
    let kind = "https://git-docket.dev/sample/v0.1";
    world.docket_ok(&[
        "attest",
        "--step",
        "audit",
        "--type",
        kind,
        "--predicate",
        "../sample.json",
    ]);
}

#[test]
fn a_dossier_names_who_did_what_and_what_is_missing() {
    let world = World::of_two(POLICY);
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    let words = [
        "dossier",
        "7",
        "-o",
        "json",
        "--output",
        "html=../7.html",
        "--output",
        "markdown=../7.md",
    ];
    let said: Value = serde_json::from_str(&world.docket_ok(&words)).unwrap();
    let acts: Vec<(&str, &str)> = said["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| (act["act"].as_str().unwrap(), act["who"].as_str().unwrap()))
        .collect();
    let ada = "ada@example.com";
    assert_eq!(
        acts,
        [
            ("asked", ada),
            ("wrote", ada),
            ("approved", "ben"),
            ("landed", ada)
        ]
    );
    let holds = said["holds"].to_string();
    assert!(holds.contains("C05") && holds.contains("C07"), "{holds}");
    let missing = said["missing"].to_string();
    assert!(
        missing.contains("suite-missing") && missing.contains("ticket-missing"),
        "{missing}"
    );
    for name in ["7.html", "7.md"] {
        let page = std::fs::read_to_string(world.root().join(name)).unwrap();
        assert!(
            page.contains("approved") && page.contains("suite-missing"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
    }
    assert_eq!(world.docket(&["dossier", "none"]).code, 3);
}
