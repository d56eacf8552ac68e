//! The typed verbs: what they compute, what they record, and what the checks make of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::world::World;
use git_docket::digest::Sha256;
use serde_json::{Value, json};

const POLICY: &str = r#"version = 1
protected = ["refs/heads/main"]
[[environment]]
name = "staging"
[[environment]]
name = "prod"
tier = "prod"
after = ["staging"]
[[pathClass]]
name = "docs"
paths = ["docs/**"]
[checks.C03]
[checks.C05]
[checks.C07]
[checks.C08]
accept = "exit-code"
[checks.C13]
[checks.C14]
[checks.C19]
[checks.C20]
"#;

/// A ledger of two people, whose policy enforces the checks of a delivery.
fn ledger() -> World {
    World::of_two(POLICY)
}

fn topic(world: &World) {
    world.git(&["switch", "-q", "-c", "topic"]);
    world.write("docs/guide.md", "one\ntwo\n");
    world.write("topic.txt", "new\n");
    world.git(&["add", "docs", "topic.txt"]);
    world.git(&["commit", "-q", "-m", "topic"]);
    world.git(&["switch", "-q", "main"]);
}

/// What a verb would say.
fn said(world: &World, words: &[&str]) -> Value {
    let draft = world.docket_ok(&[words, &["--dry-run", "-o", "json"]].concat());
    let draft: Value = serde_json::from_str(&draft).unwrap();
    draft["statement"].clone()
}

fn reasons(world: &World) -> Vec<String> {
    let verdict: Value =
        serde_json::from_str(&world.docket(&["verify", "-o", "json"]).out).unwrap();
    let checks = verdict["checks"].as_array().unwrap();
    let items = checks
        .iter()
        .flat_map(|check| check["items"].as_array().unwrap());
    items
        .filter_map(|item| item["reason"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn from_change_to_outcome() {
    let none = Vec::<String>::new();
    let world = ledger();
    topic(&world);
    world.docket_ok(&["change", "topic", "--id", "7", "--reason", "fix"]);
    world.docket_ok(&[
        "ai", "assisted", "--commit", "topic", "--tool", "helper", "--model", "p/m",
    ]);
    world.docket_ok(&["approve", "topic", "--key", "ben"]);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    world.docket_ok(&["land"]);
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    assert_eq!(reasons(&world), none);

    world.docket_ok(&[
        "run",
        "--step",
        "build",
        "--product",
        "app",
        "--",
        "sh",
        "-c",
        "echo built > app",
    ]);
    let deploy = [
        "deploy",
        "--service",
        "api",
        "--artifact",
        "app",
        "--rollback",
        "previous",
    ];
    let prod = ["--env", "prod", "--tier", "prod"];
    world.docket_ok(&[&deploy[..], &prod].concat());
    assert!(reasons(&world).contains(&"stage-skipped".to_owned()));
    let wrong = world.docket_ok(&["log", "--step", "deploy", "-o", "json"]);
    let wrong: Value = serde_json::from_str(wrong.lines().next().unwrap()).unwrap();
    world.docket_ok(&[
        "amend",
        &wrong["seq"].to_string(),
        "--reason",
        "it never happened",
    ]);
    assert!(!reasons(&world).contains(&"stage-skipped".to_owned()));

    world.docket_ok(&[&deploy[..], &["--env", "staging"]].concat());
    world.docket_ok(&[&deploy[..], &prod].concat());
    // Nothing says yet what runs.
    assert_eq!(reasons(&world), ["no-inventory", "no-inventory"]);
    for environment in ["staging", "prod"] {
        let observe = [
            "observe",
            "--env",
            environment,
            "--tool",
            "docker",
            "--complete",
            "api=app",
        ];
        world.docket_ok(&observe);
    }
    assert_eq!(reasons(&world), none);
    assert_eq!(world.docket(&["verify"]).code, 0);
    world.docket_ok(&["outcome", "healthy", "--service", "api", "--env", "prod"]);
    assert_eq!(world.docket(&["verify", "--environment", "prod"]).code, 0);
    assert_eq!(
        world.docket(&["verify", "--environment", "nowhere"]).code,
        3
    );
    assert_eq!(
        world
            .docket(&["verify", "--period", "2001-01-01..2001-12-31"])
            .code,
        3
    );
}

#[test]
fn ready_says_what_stands_in_the_way_before_the_act() {
    let world = ledger();
    topic(&world);
    let ready = |words: &[&str]| {
        let ran = world.docket(&[&["ready", "-o", "json"], words].concat());
        let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}", ran.err));
        let missing = said["missing"].as_array().unwrap().iter();
        let what: Vec<String> = missing
            .map(|one| {
                one["what"]
                    .as_str()
                    .unwrap()
                    .split(' ')
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        (said["verdict"].as_str().unwrap().to_owned(), what, ran.code)
    };
    let is = |verdict: &str, what: &[&str], code| {
        (
            verdict.to_owned(),
            what.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
            code,
        )
    };
    assert_eq!(
        ready(&["topic", "--for", "merge"]),
        is("undecided", &["change"], 3)
    );
    world.docket_ok(&["change", "topic", "--id", "7", "--reason", "fix"]);
    assert_eq!(
        ready(&["topic", "--for", "merge"]),
        is("not-ready", &["C05", "C08", "C19"], 1)
    );
    world.docket_ok(&["approve", "topic", "--key", "ben"]);
    world.docket_ok(&["ai", "none", "--commit", "topic"]);
    assert_eq!(
        ready(&["topic", "--for", "merge"]),
        is("undecided", &["C08"], 3)
    );
    world.git(&["switch", "-q", "topic"]);
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    world.docket_ok(&[
        "run",
        "--step",
        "build",
        "--product",
        "app",
        "--",
        "sh",
        "-c",
        "echo built > app",
    ]);
    assert_eq!(ready(&["topic", "--for", "merge"]), is("ready", &[], 0));

    assert_eq!(
        ready(&["app", "--for", "deploy:staging", "--service", "api"]),
        is("ready", &[], 0)
    );
    assert_eq!(
        ready(&["app", "--for", "deploy:prod", "--service", "api"]),
        is("not-ready", &["C13"], 1)
    );
    world.docket_ok(&[
        "deploy",
        "--env",
        "staging",
        "--service",
        "api",
        "--artifact",
        "app",
        "--rollback",
        "x",
    ]);
    assert_eq!(
        ready(&["app", "--for", "deploy:prod", "--service", "api"]),
        is("ready", &[], 0)
    );
    for wrong in [
        &["topic", "--for", "deploy:prod"][..],
        &["app", "--for", "merge"],
        &["topic", "--for", "deploy:"],
        &["topic", "--for", "fun"],
    ] {
        assert_eq!(
            world.docket(&[&["ready"], wrong].concat()).code,
            2,
            "{wrong:?}"
        );
    }
}

#[test]
fn git_is_asked_and_not_the_user() {
    let world = ledger();
    topic(&world);
    let (base, head) = (
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", "topic"]),
    );
    let change = said(&world, &["change", "topic", "--reason", "feature"]);
    let predicate = &change["predicate"];
    assert_eq!(predicate["base"]["commit"], format!("sha1:{}", base.trim()));
    assert_eq!(predicate["head"]["commit"], format!("sha1:{}", head.trim()));
    assert_eq!(predicate["paths"]["count"], 2);
    assert_eq!(predicate["paths"]["classes"], json!(["docs"]));
    assert_eq!(predicate["lines"], json!({"added": 3, "deleted": 0}));
    assert_eq!(predicate["id"], predicate["head"]["commit"]);
    assert_eq!(change["subject"][0]["digest"]["gitCommit"], head.trim());

    // The list's digest, as the manual gives it.
    let list = Sha256::of(b"docs/guide.md\0topic.txt\0");
    assert_eq!(predicate["paths"]["listDigest"], format!("sha256:{list}"));
    // The digest of the difference does not depend on anybody's settings.
    let digest = |world: &World| {
        let review = said(world, &["review", "topic", "--verdict", "approve"]);
        review["predicate"]["covers"]["diffDigest"].clone()
    };
    let before = digest(&world);
    for (name, value) in [
        ("diff.renames", "copies"),
        ("diff.algorithm", "patience"),
        ("core.abbrev", "7"),
        ("diff.external", "false"),
        ("diff.x.textconv", "false"),
        ("diff.ignoreSubmodules", "all"),
    ] {
        world.git(&["config", name, value]);
    }
    assert_eq!(digest(&world), before);
    // Nor on attributes and replacements.
    world.write(".git/info/attributes", "* diff=x binary\n");
    world.git(&["replace", "topic:topic.txt", "topic:docs/guide.md"]);
    world.git(&["replace", "topic^{tree}", "main^{tree}"]);
    assert_eq!(digest(&world), before);
    let again = said(&world, &["change", "topic", "--reason", "feature"]);
    assert_eq!(again["predicate"], change["predicate"]);
    world.git(&["replace", "-d", "topic^{tree}", "topic:topic.txt"]);
    let raw = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-renames",
        "--full-index",
        "main^{tree}",
        "topic^{tree}",
    ];
    let raw = world.git(&raw);
    assert_eq!(before, format!("sha256:{}", Sha256::of(raw.as_bytes())));
}

#[test]
fn ci_says_which_request_it_is_and_where_it_goes() {
    let mut world = ledger();
    topic(&world);
    world.git(&["remote", "add", "origin", "../elsewhere.git"]);
    world.git(&["update-ref", "refs/remotes/origin/next", "main"]);
    world.git(&["switch", "-q", "--detach", "topic"]);
    let set = |world: &mut World, variables: &[(&str, &str)]| {
        for (name, value) in variables {
            world.set(name, value);
        }
        let change = said(world, &["change", "--reason", "fix"])["predicate"].clone();
        for (name, _) in variables {
            world.unset(name);
        }
        (change["id"].clone(), change["base"]["ref"].clone())
    };
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REF", "refs/pull/7/merge"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_BASE_REF", "next"),
    ];
    let next = json!("refs/heads/next");
    let wanted = json!("https://github.com/acme/app/pull/7");
    assert_eq!(set(&mut world, &github), (wanted, next.clone()));
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_MERGE_REQUEST_PROJECT_URL", "https://gl.example.com/a/b"),
        ("CI_MERGE_REQUEST_IID", "9"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "next"),
    ];
    let wanted = json!("https://gl.example.com/a/b/-/merge_requests/9");
    assert_eq!(set(&mut world, &gitlab), (wanted, next));
    let buildkite = [("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false")];
    let (_, base) = set(&mut world, &buildkite);
    assert_eq!(base, json!("refs/heads/main"), "no request: the policy's");
}

#[test]
fn a_landing_begins_where_the_last_one_ended() {
    let world = ledger();
    world.git(&["commit", "-q", "--allow-empty", "-m", "one"]);
    world.docket_ok(&["land", "--change", "direct"]);
    let before = world.git(&["rev-parse", "HEAD"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "three"]);
    let landing = said(&world, &["land", "--change", "direct"])["predicate"].clone();
    assert_eq!(landing["from"], format!("sha1:{}", before.trim()));
    assert_eq!(landing["commits"].as_array().unwrap().len(), 2);
}

#[test]
fn log_says_in_a_line_what_each_type_says() {
    let world = ledger();
    topic(&world);
    world.write("app", "binary");
    for words in [
        "change topic --id 7 --reason fix",
        "ai assisted --commit topic --tool helper --model p/m",
        "review topic --verdict approve",
        "approve topic --key ben",
        "land --change direct",
        "deploy --env prod --service api --artifact app",
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        world.docket_ok(&words);
    }
    let log = world.docket_ok(&["log", "--max-count", "6"]);
    let gists: Vec<String> = log
        .lines()
        .map(|line| {
            line.split_whitespace()
                .skip(4)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    insta::assert_snapshot!(gists.join("\n"), @r"
    deployment api to prod: success app
    landing direct on refs/heads/main
    approval ben: approved for merge
    review ada@example.com: approve (code)
    ai-assistance assisted helper
    change 7 fix for refs/heads/main +3 -0
    ");
}

#[test]
fn landings_are_recognised_however_they_came() {
    let landed = |ways: &[&[&str]], from: &str| {
        let world = ledger();
        topic(&world);
        world.git(&["tag", "before"]);
        world.docket_ok(&["change", "topic", "--id", "7", "--reason", "fix"]);
        for way in ways {
            world.git(way);
        }
        let said = said(&world, &["land", "--from", from]);
        (
            said["predicate"]["changeId"].clone(),
            said["predicate"]["method"].clone(),
        )
    };
    let merge: &[&[&str]] = &[&["merge", "-q", "--no-ff", "-m", "merge", "topic"]];
    assert_eq!(landed(merge, "before"), (json!("7"), json!("merge")));
    let forward: &[&[&str]] = &[&["merge", "-q", "--ff-only", "topic"]];
    assert_eq!(landed(forward, "before"), (json!("7"), json!("merge")));
    let squash: &[&[&str]] = &[
        &["merge", "-q", "--squash", "topic"],
        &["commit", "-q", "-m", "seven"],
    ];
    assert_eq!(landed(squash, "before"), (json!("7"), json!("squash")));
    let meanwhile: &[&str] = &["commit", "-q", "--allow-empty", "-m", "other"];
    let moved = [&[meanwhile][..], squash].concat();
    assert_eq!(landed(&moved, "main~1"), (json!("7"), json!("squash")));

    let world = ledger();
    world.git(&["commit", "-q", "--allow-empty", "-m", "nobody asked"]);
    let refused = world.docket(&["land"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("no recorded change has"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("--change direct"), "{}", refused.err);
    let direct = said(&world, &["land", "--change", "direct"]);
    assert_eq!(direct["predicate"]["method"], "direct");
}

#[test]
fn a_tag_that_moved_after_its_release_is_found() {
    let world = ledger();
    world.write("app", "built");
    world.git(&["tag", "-a", "-m", "one", "v1.0"]);
    world.docket_ok(&["release", "v1.0", "app"]);
    world.git(&["tag", "v2.0"]);
    world.docket_ok(&["release", "v2.0"]);
    let moved = |revision: &str| {
        let verdict = world.docket(&["verify", revision, "-o", "json"]).out;
        let verdict: Value = serde_json::from_str(&verdict).unwrap();
        let findings = verdict["findings"].as_array().unwrap();
        findings
            .iter()
            .filter(|one| one["code"] == "tag-moved")
            .count()
    };
    assert_eq!(moved("HEAD"), 0);
    // The same commit under a new tag object is another release.
    world.git(&["tag", "-f", "-a", "-m", "two", "v1.0", "HEAD"]);
    assert_eq!(moved("HEAD"), 1);
    world.git(&["commit", "-q", "--allow-empty", "-m", "later"]);
    world.git(&["tag", "-f", "v2.0"]);
    assert_eq!(moved("HEAD~1"), 2);
    assert_eq!(world.docket(&["verify", "HEAD~1"]).code, 1);
}

#[test]
fn an_editor_may_change_what_is_said_and_not_break_it() {
    let mut world = ledger();
    let words = [
        "change",
        "--reason",
        "fix",
        "--significance",
        "routine",
        "--edit",
        "--dry-run",
    ];
    world.set("GIT_EDITOR", "sed -i s/routine/notable/");
    assert!(
        world
            .docket_ok(&words)
            .contains("\"significance\": \"notable\"")
    );
    world.set("GIT_EDITOR", "sed -i s/routine/grave/");
    let refused = world.docket(&words);
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .err
            .contains("is none of routine, notable, significant"),
        "{}",
        refused.err
    );
    world.set("GIT_EDITOR", "false");
    assert_eq!(world.docket(&words).code, 5);
}

#[test]
fn bad_flags_are_refused_with_what_would_do() {
    let world = ledger();
    for (command, says) in [
        ("change --reason whim", "none of feature, fix, security"),
        ("change nothing --reason fix", "nothing"),
        ("review --verdict approve --base nowhere", "nowhere"),
        (
            "approve no-such-file --scope deploy",
            "neither a digest nor a file",
        ),
        ("approve --scope policy", "covers fits scope"),
        (
            "approve HEAD --scope deploy --valid-until tomorrow",
            "valid-until",
        ),
        ("release v9", "v9"),
        (
            "deploy --env prod --service api --artifact sha256:abc",
            "sha256:abc",
        ),
        (
            "deploy --env prod --service api --artifact missing",
            "neither a digest nor a file",
        ),
        (
            "outcome outage --service api --env prod --about 99",
            "no entry 99",
        ),
        ("measure --gate cost --tool x total", "NAME=VALUE"),
        (
            "measure --gate cost --tool x total=1e3",
            "no decimal number",
        ),
        (
            "measure --gate cost --tool x --limit sum<=1 total=1",
            "thresholds[].metric",
        ),
        (
            "except X1 --reason t --requested-by ada --expires 2027-01-01T00:00:00Z",
            "checks names",
        ),
        (
            "except C05 --reason t --requested-by ada --expires 2020-01-01T00:00:00Z",
            "expires is before",
        ),
        (
            "gap --from 2026-11-02T00:00:00Z --until 2026-11-01T00:00:00Z --reason t",
            "until is before from",
        ),
        ("ai assisted --tool helper --model m", "PROVIDER/ID"),
        ("amend 99 --reason t", "no entry 99"),
    ] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let refused = world.docket(&words);
        assert!(
            [2, 5].contains(&refused.code),
            "{command}: {} {}",
            refused.code,
            refused.out
        );
        assert!(refused.err.contains(says), "{command}: {}", refused.err);
    }
    assert_eq!(
        world.docket_ok(&["log", "-o", "json"]).lines().count(),
        3,
        "nothing was recorded"
    );
}

#[test]
fn deployments_and_inventories_are_read_from_the_files_of_other_tools() {
    let world = ledger();
    let pinned = |name: &str, c: &str| format!("{name}@sha256:{}", c.repeat(64));
    let manifest = |api: &str| {
        format!(
            "kind: Deployment\nmetadata: {{name: api}}\nspec: {{template: {{spec: {{containers: [{{name: api, image: \"{api}\"}}, {{name: proxy, image: \"{}\"}}]}}}}}}\n",
            pinned("proxy", "b")
        )
    };
    world.write("app.yaml", &manifest(&pinned("h:5000/api", "a")));
    let deploy = [
        "deploy",
        "--env",
        "prod",
        "--from",
        "k8s-manifest",
        "app.yaml",
    ];
    let drafts = world.docket_ok(&[&deploy[..], &["--dry-run", "-o", "json"]].concat());
    let drafts: Value = serde_json::from_str(&drafts).unwrap();
    let services: Vec<&str> = drafts["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["predicate"]["service"].as_str().unwrap())
        .collect();
    assert_eq!(services, ["api", "api/proxy"]);
    let said = world.docket_ok(&deploy);
    assert_eq!(
        said.lines().filter(|line| line.contains("deploy")).count(),
        2,
        "{said}"
    );
    let one = world.docket_ok(&[&deploy[..], &["--service", "api", "--dry-run"]].concat());
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        one["predicate"]["previousArtifact"]["digest"]["sha256"],
        "a".repeat(64),
        "what ran before is found"
    );
    assert_eq!(
        world
            .docket(&[&deploy[..], &["--service", "web"]].concat())
            .code,
        2
    );
    assert_eq!(
        world
            .docket(&[&deploy[..], &["--artifact", "app.yaml"]].concat())
            .code,
        2
    );

    world.write("app.yaml", &manifest("api:latest"));
    let before = world.docket_ok(&["log", "-o", "json"]).lines().count();
    let ran = world.docket(&deploy);
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(
        ran.err
            .contains("app.yaml: api runs \"api:latest\", which is not named by its digest"),
        "{}",
        ran.err
    );
    assert_eq!(
        world.docket_ok(&["log", "-o", "json"]).lines().count(),
        before,
        "nothing was recorded"
    );
    assert_eq!(
        world
            .docket(&["deploy", "--env", "prod", "--from", "compose", "app.yaml"])
            .code,
        2
    );
    assert_eq!(world.docket(&["deploy", "--env", "prod"]).code, 2);

    world.write(
        "seen.csv",
        &format!("service,digest,replicas\napi,sha256:{},2\n", "a".repeat(64)),
    );
    let observe = [
        "observe",
        "--env",
        "prod",
        "--complete",
        "--dry-run",
        "--from",
    ];
    let seen = world.docket_ok(&[&observe[..], &["csv", "seen.csv"]].concat());
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["predicate"]["items"][0]["replicas"], 2);
    assert_eq!(seen["predicate"]["complete"], true);
    assert_eq!(seen["predicate"]["source"]["tool"], "csv");
    assert!(seen["predicate"]["source"]["digest"].is_string());
    world.write(
        "ps.json",
        "{\"Names\":\"db\",\"Image\":\"postgres:17\",\"State\":\"running\"}\n",
    );
    let ran = world.docket(&[&observe[..], &["docker-ps", "ps.json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err
            .contains("left out: db: \"postgres:17\" names no digest"),
        "{}",
        ran.err
    );
    let seen: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        seen["predicate"]["complete"], false,
        "what was left out ran, too"
    );
    assert_eq!(
        world.docket(&["observe", "--from", "csv", "seen.csv"]).code,
        2,
        "where?"
    );

    world.write("index.json", &format!("{{\"manifests\":[{{\"digest\":\"sha256:{}\",\"platform\":{{\"os\":\"linux\",\"architecture\":\"amd64\"}}}}]}}", "c".repeat(64)));
    let contains = world.docket_ok(&["observe", "--index", "index.json", "--dry-run"]);
    let contains: Value = serde_json::from_str(&contains).unwrap();
    assert_eq!(
        contains["predicate"]["children"][0]["platform"],
        "linux/amd64"
    );
    world.docket_ok(&["observe", "--index", "index.json"]);
}
