//! The index: against a filter over plain rows, against the ledger, and for what it must notice and refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

use common::world::World;
use git_docket::digest::Sha256;
use git_docket::index::Head;
use git_docket::index::sqlite::Index;
use git_docket::ledger::TreeHead;
use git_docket::query::{Filter, Row};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const POLICY: &str = r#"
version = 1
protected = ["refs/heads/main"]
"#;

fn head() -> Head {
    Head {
        origin: "example.com/app".into(),
        genesis: Sha256::of(b"genesis"),
        tip: format!("sha1:{}", "1".repeat(40)).parse().unwrap(),
        landed: TreeHead::empty(),
        held: Sha256::of(b"held"),
    }
}

fn digest(number: u8) -> Value {
    json!({ "sha256": format!("{number:064x}") })
}

prop_compose! {
    fn row()(
        step in select(vec!["build", "test", "deploy"]),
        predicate in select(vec!["deployment", "link", "https://example.com/own/v1"]),
        person in select(vec!["ada", "ben", "bot"]),
        signer in select(vec!["ada", "ben", "watch"]),
        kind in select(vec!["human", "agent", "none"]),
        result in select(vec!["pass", "warn", "fail", "none"]),
        names in prop::collection::btree_set(select(vec!["api", "web", "prod", "it's \u{202e}"]), 0..3),
        subjects in prop::collection::vec(0u8..5, 0..3),
        minute in 0u8..5,
    ) -> Value {
        let mut row = json!({
            "seq": 0, "time": format!("2026-01-01T00:0{minute}:00Z"), "step": step, "type": predicate, "person": person,
            "signer": signer, "environments": names, "services": names, "paths": names,
            "commit": format!("sha1:{}", "2".repeat(40)),
            "subjects": subjects.iter().map(|n| json!({ "name": "a", "digest": digest(*n) })).collect::<Vec<_>>(),
        });
        if kind != "none" {
            row["kind"] = kind.into();
        }
        if result != "none" {
            row["result"] = result.into();
        }
        row
    }
}

fn read(rows: Vec<Value>) -> Vec<Row> {
    let numbered = rows.into_iter().enumerate().map(|(seq, mut row)| {
        row["seq"] = seq.into();
        row["attestation"] = format!("sha256:{}", Sha256::of(&seq.to_be_bytes())).into();
        serde_json::from_value(row).unwrap()
    });
    numbered.collect()
}

prop_compose! {
    fn filter()(
        steps in prop::collection::vec(select(vec!["build", "deploy"]), 0..2),
        types in prop::collection::vec(select(vec!["deployment", "link", "https://example.com/own/v1"]), 0..2),
        persons in prop::collection::vec(select(vec!["ada", "watch"]), 0..2),
        kinds in prop::collection::vec(select(vec!["human", "agent"]), 0..2),
        results in prop::collection::vec(select(vec!["pass", "fail"]), 0..2),
        names in prop::collection::vec(select(vec!["api", "it's \u{202e}"]), 0..2),
        subjects in prop::collection::vec(0u8..5, 0..2),
        since in prop::option::of(0u8..5),
        which in 0u8..8,
    ) -> Filter {
        let words = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let read = |words: Vec<&str>| json!(words);
        // Few conditions at a time, or nothing is ever found.
        let mut filter = Filter { steps: words(steps), ..Filter::default() };
        match which {
            0 => filter.types = words(types),
            1 => filter.persons = serde_json::from_value(read(persons)).unwrap(),
            2 => filter.kinds = serde_json::from_value(read(kinds)).unwrap(),
            3 => filter.results = serde_json::from_value(read(results)).unwrap(),
            4 => filter.environments = words(names),
            5 => filter.services = words(names),
            6 => filter.paths = words(names),
            _ => {
                let sets = subjects.into_iter().map(digest).collect::<Vec<_>>();
                filter.subjects = serde_json::from_value(json!(sets)).unwrap();
            }
        }
        filter.since = since.map(|minute| format!("2026-01-01T00:0{minute}:00Z").parse().unwrap());
        filter
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_answers_as_the_filter_does(
        rows in prop::collection::vec(row(), 0..30).prop_map(read),
        filters in prop::collection::vec(filter(), 8),
        most in prop::option::of(0usize..4),
    ) {
        let index = Index::in_memory(&head(), &rows).unwrap();
        prop_assert_eq!(index.head(), Some(head()));
        for filter in filters {
            let wanted = rows.iter().rev().filter(|row| filter.wants(row));
            let wanted: Vec<Row> = wanted.take(most.unwrap_or(usize::MAX)).cloned().collect();
            prop_assert_eq!(index.find(&filter, most).unwrap(), wanted);
        }
    }
}

/// Two people, two services, one outage.
fn world() -> World {
    let world = World::of_two(POLICY);
    world.write("app.bin", "app\n");
    for words in [
        &[
            "run",
            "--step",
            "build",
            "--product",
            "app.bin",
            "--",
            "true",
        ][..],
        &[
            "deploy",
            "--env",
            "prod",
            "--service",
            "api",
            "--artifact",
            "app.bin",
        ],
        &[
            "outcome",
            "outage",
            "--service",
            "web",
            "--env",
            "prod",
            "--key",
            "ben",
        ],
    ] {
        world.docket_ok(words);
    }
    world
}

fn file(world: &World) -> std::path::PathBuf {
    world.repo().join(".git/docket/index.sqlite")
}

#[test]
fn sql_reads_the_views_and_nothing_else() {
    let world = world();
    let sql = |sql: &str| world.docket(&["query", "--csv", "--sql", sql]);
    assert_eq!(
        sql("SELECT s.service, e.result FROM entries e JOIN services s USING (ledger, seq) ORDER BY 1").out,
        "\"service\",\"result\"\r\n\"api\",\"pass\"\r\n\"web\",\"fail\"\r\n"
    );
    let rows = world.docket_ok(&[
        "query",
        "-o",
        "json",
        "--sql",
        "SELECT count(*) AS n FROM entries",
    ]);
    let all = world.docket_ok(&["query", "-o", "json"]).lines().count();
    assert_eq!(
        serde_json::from_str::<Value>(&rows).unwrap()["row"],
        json!({ "n": all })
    );
    assert_eq!(sql("SELECT seq FROM entries WHERE step = 'none'").code, 3);
    let before = fs::read(file(&world)).unwrap();
    for refused in [
        "",
        "DELETE FROM docket_entry",
        "DROP VIEW entries",
        "CREATE TABLE a (b)",
        "ATTACH 'other.sqlite' AS other",
        "PRAGMA query_only = 0",
        "SELECT * FROM pragma_table_info('docket_entry')",
        "SELECT body FROM docket_entry",
        "SELECT sql FROM sqlite_master",
        "SELECT 1 AS a; SELECT 2 AS a",
        "SELECT 1 AS a, 2 AS a",
        "SELECT load_extension('x')",
        "SELECT zeroblob(100000000) AS a",
        "VACUUM INTO 'copy.sqlite'",
        "SELECT nothing FROM entries",
    ] {
        let ran = sql(refused);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (2, ""),
            "{refused}: {}",
            ran.err
        );
    }
    assert_eq!(fs::read(file(&world)).unwrap(), before);
    assert!(!world.repo().join("copy.sqlite").exists());
}

#[test]
fn a_statement_without_end_is_stopped() {
    let index = Index::in_memory(&head(), &[]).unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n";
    assert!(
        index
            .ask(endless)
            .unwrap_err()
            .to_string()
            .contains("too long")
    );
    assert_eq!(index.ask("SELECT 1 AS a").unwrap().columns, ["a"]);
}

#[test]
fn a_damaged_or_doctored_index_is_noticed_and_made_anew() {
    let world = world();
    let ask = || world.docket_ok(&["query", "-o", "json"]);
    let wanted = world.docket_ok(&["query", "--verify", "-o", "json"]);
    assert_eq!(ask(), wanted);
    let good = fs::read(file(&world)).unwrap();

    for bad in [&b""[..], b"garbage", &good[..good.len() / 2]] {
        fs::write(file(&world), bad).unwrap();
        assert_eq!(ask(), wanted);
    }
    let altered = |sql: &str| {
        let database = rusqlite::Connection::open(file(&world)).unwrap();
        assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
    };
    // Each is noticed when the index is opened.
    for sql in [
        "DELETE FROM docket_entry WHERE seq = (SELECT max(seq) FROM docket_entry)",
        "DELETE FROM docket_subject",
        "UPDATE docket_entry SET person = 'eve'",
        "UPDATE docket_entry SET attestation = replace(attestation, 'a', 'b')",
        "UPDATE docket_ledger SET tip = replace(tip, 'a', 'b'), root = 'none'",
    ] {
        altered(sql);
        assert_eq!(ask(), wanted, "{sql}");
    }
    // What is consistent in itself, only a replay can tell.
    altered(
        "UPDATE docket_entry SET result = 'pass', body = replace(body, '\"fail\"', '\"pass\"')",
    );
    assert_ne!(ask(), wanted);
    let ran = world.docket(&["query", "--verify"]);
    assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{}", ran.err);
    assert!(!file(&world).exists());
    assert_eq!(ask(), wanted);
    assert_eq!(
        world.docket_ok(&["query", "--verify", "-o", "json"]),
        wanted
    );
}

#[test]
fn what_is_new_is_in_and_a_ledger_with_less_is_refused() {
    let world = world();
    let count = || world.docket(&["query", "-o", "json"]).out.lines().count();
    let before = count();
    world.docket_ok(&["outcome", "healthy", "--service", "web", "--env", "prod"]);
    assert_eq!(count(), before + 1);
    // Nobody remembers it but the index.
    world.git(&["update-ref", "refs/notes/docket", "refs/notes/docket~1"]);
    let _ = fs::remove_dir_all(world.root().join("home/.local/state/git-docket"));
    let good = fs::read(file(&world)).unwrap();
    let ran = world.docket(&["query"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{}", ran.err);
    assert_eq!(world.docket(&["query", "--sql", "SELECT 1 AS a"]).code, 4);
    assert_eq!(fs::read(file(&world)).unwrap(), good);
}

#[test]
fn several_processes_make_one_index() {
    let world = world();
    let wanted = world.docket_ok(&["query", "--verify", "-o", "json"]);
    let ran: Vec<_> = std::thread::scope(|scope| {
        let ask = || world.docket(&["query", "-o", "json"]);
        let all: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for ran in ran {
        assert_eq!((ran.code, ran.out), (0, wanted.clone()), "{}", ran.err);
    }
}
