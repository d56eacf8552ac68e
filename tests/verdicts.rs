//! `verify` on the command line: its forms, files and codes. What it finds is tested elsewhere.

mod common;

use common::world::World;

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n\n[[step]]\nname = \"test\"\ntypes = [\"link\"]\nroles = [\"maintainer\"]\nrequired = true\n";

#[test]
fn each_verdict_has_its_code_and_fits_the_schema() {
    let world = World::new();
    let schema = common::schema("output/verdict.json");
    let judged = |arguments: &[&str]| {
        let flags = ["verify", "-o", "json", "--output", "text=verdict.txt"];
        let arguments = [&flags[..], arguments].concat();
        let ran = world.docket(&arguments);
        common::fits(&schema, &ran.out);
        let said: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        let text = std::fs::read_to_string(world.repo().join("verdict.txt")).expect("written");
        let verdict = said["verdict"].as_str().expect("a word").to_owned();
        assert!(text.contains(&format!("\n{verdict}")), "{text}");
        (ran.code, verdict)
    };
    assert_eq!(
        world.docket(&["verify"]).code,
        5,
        "no ledger is no empty ledger"
    );
    world.write("policy.toml", POLICY);
    world.docket_ok(&[
        "init",
        "--origin",
        "git.example.com/acme/app",
        "--policy",
        "policy.toml",
    ]);
    assert_eq!(judged(&[]), (0, "pass".into()));
    world.commit("src", "x");
    assert_eq!(judged(&["HEAD"]), (3, "undecided".into()));
    world.docket(&["run", "--step", "test", "--product", "src", "--", "false"]);
    assert_eq!(judged(&["HEAD"]), (1, "failed".into()));
    assert_eq!(judged(&["HEAD", "--no-assert"]).0, 0);
    world.docket_ok(&["run", "--step", "test", "--product", "src", "--", "true"]);
    assert_eq!(judged(&["HEAD~1..HEAD"]), (0, "pass".into()));
    assert_eq!(judged(&["src"]), (0, "pass".into()));
    world.git(&["branch", "src"]);
    let ran = world.docket(&["verify", "src"]);
    assert_eq!(ran.code, 2, "both a revision and a file: {}", ran.err);
    assert_eq!(judged(&["--", "src"]), (0, "pass".into()));
    world.write("other", "never recorded");
    let (code, _) = judged(&["--no-assert", "--", "other"]);
    assert_eq!(code, 3, "an empty result is never 0");
    assert_eq!(world.docket(&["verify", "--output", "yaml=x"]).code, 2);
    world.git(&["notes", "--ref", "docket", "remove", "HEAD"]);
    assert_eq!(judged(&["--no-assert"]), (4, "broken".into()));
}

#[test]
fn fetching_works_before_and_after_the_ledger_is_pushed() {
    let world = World::new();
    let remote = world.root().join("remote").to_string_lossy().into_owned();
    world.git(&["init", "-q", "--bare", &remote]);
    world.git(&["remote", "add", "origin", &remote]);
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.git(&["fetch", "-q", "origin"]);
    assert_eq!(
        world.docket(&["seal"]).code,
        5,
        "only what has landed is sealed"
    );
    world.git(&["push", "-q", "origin", "refs/notes/docket"]);
    world.docket_ok(&["seal"]);
    assert_eq!(world.docket(&["doctor"]).code, 0);
}

#[test]
fn no_clock_changes_a_verdict_and_each_says_which_time_it_was_given() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    let judged = |world: &World, arguments: &[&str]| {
        let ran = world.docket(&[&["verify", "-o", "json"], arguments].concat());
        let mut said: serde_json::Value =
            serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("no JSON: {}", ran.err));
        let at = said
            .as_object_mut()
            .and_then(|fields| fields.remove("at"))
            .expect("it says the time");
        (at, said, ran.code)
    };
    judged(&world, &[]);
    let (at, now, code) = judged(&world, &[]);
    assert_eq!((at, code), ("2026-11-22T10:00:00Z".into(), 0));
    for at in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        assert_eq!(judged(&world, &["--at", at]), (at.into(), now.clone(), 0));
    }
    for seconds in ["0", "253402300799"] {
        world.set("SOURCE_DATE_EPOCH", seconds);
        assert_eq!(judged(&world, &[]).1, now, "by the clock {seconds}");
    }
    let text = world.docket_ok(&["verify", "--at", "2020-02-02T02:02:02Z"]);
    assert!(
        text.contains("\nas of     2020-02-02T02:02:02Z; no rule in force depends on the time\n"),
        "{text}"
    );
    for wrong in ["", "yesterday", "2020-02-02", "2020-02-30T00:00:00Z"] {
        assert_eq!(
            world.docket(&["verify", "--at", wrong]).code,
            2,
            "{wrong:?}"
        );
    }
}

#[test]
fn a_keyless_append_record_is_named_and_never_passes() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let index = world.root().join("index").to_string_lossy().into_owned();
    world.set("GIT_INDEX_FILE", &index);
    world.write("bundle", "{}\n");
    let blob = world.git(&["hash-object", "-w", "bundle"]);
    world.git(&["read-tree", "refs/notes/docket"]);
    let entry = format!("100644,{},docket/append.sigstore.json", blob.trim());
    world.git(&["update-index", "--add", "--cacheinfo", &entry]);
    let tree = world.git(&["write-tree"]);
    let commit = ["commit-tree", "-p", "refs/notes/docket", "-m", "keyless"];
    let commit = world.git(&[&commit[..], &[tree.trim()]].concat());
    world.git(&["update-ref", "refs/notes/docket", commit.trim()]);
    world.unset("GIT_INDEX_FILE");
    let ran = world.docket(&["verify"]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    let named = "missing [append-record-keyless]: docket/append.sigstore.json\n";
    assert!(ran.out.contains(named), "{}", ran.out);
    assert!(!ran.out.contains("unexpected-path"), "{}", ran.out);
    let ran = world.docket(&["run", "--step", "test", "--", "touch", "started"]);
    assert_eq!(ran.code, 125);
    assert!(
        ran.err.contains("signed by a keyless writer"),
        "{}",
        ran.err
    );
    assert!(!world.repo().join("started").exists());
}
