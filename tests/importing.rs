//! `import --forge`: samples written after the forges' public documentation, their commits put in from a repository of the
//! test, through the program into a ledger and before the checks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::world::World;
use serde_json::{Value, json};

const POLICY: &str =
    "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C03]\n[checks.C05]\n[checks.C07]\n";

/// A topic branch of one commit, and a ledger in which `watch` observes.
struct Scene {
    world: World,
    base: String,
    head: String,
}

impl Scene {
    fn new() -> Self {
        let scene = Self::without_people();
        let people = [
            ("ada@example.com", "ada", "human"),
            ("ben", "ben", "human"),
            ("mia", "mia", "human"),
        ];
        for (id, login, kind) in people {
            let (github, gitlab) = (format!("github.com/{login}"), format!("gitlab.com/{login}"));
            let add = [
                "roster", "add", id, "--kind", kind, "--login", &github, "--login", &gitlab,
            ];
            scene.world.docket_ok(&add);
        }
        scene
    }

    fn without_people() -> Self {
        let world = World::of_two(POLICY);
        let key = world.docket_ok(&["key", "generate", "watch", "-o", "json"]);
        let key: Value = serde_json::from_str(&key).unwrap();
        world.write("../watch.pem", key["pem"].as_str().unwrap());
        let add = [
            "roster",
            "add",
            "watch",
            "--kind",
            "service",
            "--public-key",
            "../watch.pem",
        ];
        world.docket_ok(&[&add[..], &["--role", "observer", "--role", "writer"]].concat());
        let base = world.git(&["rev-parse", "HEAD"]).trim().to_owned();
        world.git(&["switch", "-q", "-c", "topic"]);
        let head = world.commit("topic.txt", "new\n");
        world.git(&["switch", "-q", "main"]);
        Self { world, base, head }
    }

    /// A sample with this scene's commits in it, written where the program finds it.
    fn sample(&self, name: &str, landed: &str) -> String {
        let path = format!("{}/testdata/forge/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let text = [("1", self.head.as_str()), ("2", &self.base), ("3", landed)]
            .iter()
            .fold(text, |text, (digit, id)| {
                text.replace(&digit.repeat(40), id)
            });
        let file = format!("../{}", name.replace('/', "-"));
        self.world.write(&file, &text);
        file
    }

    fn try_import(&self, names: &[&str], landed: &str) -> (i32, Value, String) {
        let forge = names[0].split('/').next().unwrap();
        let files: Vec<String> = names.iter().map(|name| self.sample(name, landed)).collect();
        let mut words = vec!["import", "--forge", forge, "--key", "watch", "-o", "json"];
        words.extend(files.iter().map(String::as_str));
        let ran = self.world.docket(&words);
        let said = serde_json::from_str(&ran.out).unwrap_or(Value::Null);
        (ran.code, said, ran.err)
    }

    /// Imports samples; the steps of the new entries.
    fn import(&self, names: &[&str]) -> Vec<String> {
        let landed = self.world.git(&["rev-parse", "main"]);
        let (code, said, err) = self.try_import(names, landed.trim());
        assert_eq!(code, 0, "{err}");
        common::schemas::predicates_fit(&self.world.docket_ok(&["log", "-o", "json"]));
        let entries = said["entries"].as_array().unwrap().iter();
        entries
            .map(|one| one["step"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the newest entry of a step says.
    fn said(&self, step: &str) -> Value {
        let log = self.world.docket_ok(&["log", "--step", step, "-o", "json"]);
        let newest: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        newest["statement"]["predicate"].clone()
    }

    fn verdicts(&self, check: &str) -> Vec<String> {
        let verdict = self.world.docket(&["verify", "-o", "json"]).out;
        let verdict: Value = serde_json::from_str(&verdict).unwrap();
        let checks = verdict["checks"].as_array().unwrap();
        let of = checks.iter().find(|one| one["id"] == check).unwrap();
        let items = of["items"].as_array().unwrap().iter();
        let reason = |item: &Value| item["reason"].as_str().unwrap_or("pass").to_owned();
        items.map(reason).collect()
    }
}

#[test]
fn from_github_s_request_to_its_merge() {
    let scene = Scene::new();
    let opened = [
        "github/pull.json",
        "github/commits.json",
        "github/reviews.json",
    ];
    assert_eq!(scene.import(&opened), ["change", "review", "review"]);
    let change = scene.said("change");
    assert_eq!(change["id"], "https://github.com/acme/app/pull/7");
    assert_eq!(change["assertedBy"], "observed");
    assert_eq!(
        change["actor"],
        json!({"forge": "github.com", "login": "ada"})
    );
    assert_eq!(change["opener"], change["actor"]);
    assert_eq!(change["authors"], json!([{"person": "ada@example.com"}]));
    assert_eq!(change["base"]["commit"], format!("sha1:{}", scene.base));
    assert_eq!(change["lines"], json!({"added": 1, "deleted": 0}));
    assert_eq!(change["observer"]["id"], "watch");

    scene
        .world
        .git(&["merge", "-q", "--no-ff", "-m", "seven", "topic"]);
    assert_eq!(scene.import(&["github/pull-merged.json"]), ["land"]);
    let landing = scene.said("land");
    assert_eq!(landing["method"], "merge");
    assert_eq!(
        landing["merger"],
        json!({"forge": "github.com", "login": "mia"})
    );
    // Ben has no key: the forge knows what he did.
    for check in ["C02", "C03", "C05", "C07"] {
        assert_eq!(scene.verdicts(check), ["pass"], "{check}");
    }
    assert_eq!(scene.world.docket(&["verify"]).code, 0);
    let log = scene.world.docket_ok(&["log", "--step", "review"]);
    assert!(
        log.contains("ben at github.com: approve (code) (observed)"),
        "{log}"
    );
}

#[test]
fn a_policy_may_refuse_what_is_only_observed() {
    let strict = POLICY.replace("[checks.C05]", "[checks.C05]\nacceptObserved = false");
    for (before, expected) in [(true, "too-few-approvals"), (false, "pass")] {
        let scene = Scene::new();
        scene.world.write("../strict.toml", &strict);
        let publish = || {
            scene
                .world
                .docket_ok(&["policy", "publish", "../strict.toml"]);
        };
        scene.import(&["github/pull.json", "github/reviews.json"]);
        scene
            .world
            .git(&["merge", "-q", "--no-ff", "-m", "seven", "topic"]);
        if before {
            publish();
        }
        scene.import(&["github/pull-merged.json"]);
        assert_eq!(scene.verdicts("C05"), [expected]);
        // What a later policy demands is not demanded of what landed before it.
        if !before {
            publish();
            assert_eq!(scene.verdicts("C05"), [expected]);
        }
    }
}

#[test]
fn importing_twice_adds_nothing() {
    let scene = Scene::new();
    let none = Vec::<String>::new();
    let all = [
        "github/protection.json",
        "github/pull.json",
        "github/reviews.json",
    ];
    assert_eq!(
        scene.import(&all),
        ["protection", "change", "review", "review"]
    );
    assert_eq!(scene.import(&all), none);
    // The same things, told in other ways.
    for other in [
        "github/reviews-paginated.json",
        "github/event-pull-request-opened.json",
        "github/event-review-submitted.json",
    ] {
        assert_eq!(scene.import(&[other]), none, "{other}");
    }
    scene.world.git(&["merge", "-q", "--squash", "topic"]);
    scene.world.git(&["commit", "-q", "-m", "seven"]);
    assert_eq!(
        scene.import(&["github/event-pull-request-closed.json"]),
        ["land"]
    );
    assert_eq!(scene.said("land")["method"], "squash");
    assert_eq!(scene.import(&["github/pull-merged.json"]), none);
    assert_eq!(scene.verdicts("C05"), ["pass"]);
}

#[test]
fn a_dismissed_review_no_longer_counts() {
    let none = Vec::<String>::new();
    for dismissed in [
        "github/reviews-dismissed.json",
        "github/event-review-dismissed.json",
    ] {
        let scene = Scene::new();
        scene.import(&["github/pull.json", "github/reviews.json"]);
        assert_eq!(scene.import(&[dismissed]), ["approve"]);
        assert_eq!(scene.said("approve")["decision"], "withdrawn");
        assert_eq!(scene.import(&[dismissed]), none);
        // The old record again brings nothing back.
        assert_eq!(scene.import(&["github/reviews.json"]), none);
        scene
            .world
            .git(&["merge", "-q", "--no-ff", "-m", "seven", "topic"]);
        scene.import(&["github/pull-merged.json"]);
        assert_eq!(scene.verdicts("C05"), ["too-few-approvals"], "{dismissed}");
    }
    // What was never counted need not be taken back.
    let scene = Scene::new();
    let from_the_start = ["github/pull.json", "github/reviews-dismissed.json"];
    assert_eq!(scene.import(&from_the_start), ["change", "review"]);
}

#[test]
fn from_gitlab_s_request_to_its_merge() {
    let scene = Scene::new();
    let all = [
        "gitlab/protected-branch.json",
        "gitlab/merge-request.json",
        "gitlab/versions.json",
        "gitlab/approvals.json",
    ];
    // Cy approved the version before; that commit is not here.
    assert_eq!(scene.import(&all), ["protection", "change", "approve"]);
    let (_, said, err) = scene.try_import(&all, "");
    assert_eq!(said["entries"], json!([]));
    assert!(
        err.contains("git fetch origin refs/merge-requests/7/head"),
        "{err}"
    );
    let approval = scene.said("approve");
    assert_eq!(
        approval["actor"],
        json!({"forge": "gitlab.com", "login": "ben"})
    );
    assert_eq!(approval["decidedOn"], "2026-11-20T10:00:00Z");
    assert_eq!(approval["covers"]["head"], format!("sha1:{}", scene.head));
    let protection = scene.said("protection").to_string();
    for setting in [
        "allow_force_push=false",
        "merge_access_levels=Maintainers",
        "push_access_levels=No one",
    ] {
        assert!(protection.contains(setting), "{protection}");
    }
    scene
        .world
        .git(&["merge", "-q", "--no-ff", "-m", "seven", "topic"]);
    assert_eq!(
        scene.import(&["gitlab/merge-request-merged.json"]),
        ["land"]
    );
    for check in ["C02", "C03", "C05", "C07"] {
        assert_eq!(scene.verdicts(check), ["pass"], "{check}");
    }
}

#[test]
fn gitlab_s_webhooks_say_the_same() {
    let none = Vec::<String>::new();
    let scene = Scene::new();
    assert_eq!(scene.import(&["gitlab/event-open.json"]), ["change"]);
    assert_eq!(
        scene.said("change")["pusher"],
        json!({"forge": "gitlab.com", "login": "ada"})
    );
    assert_eq!(scene.import(&["gitlab/event-approved.json"]), ["approve"]);
    let asked = [
        "gitlab/merge-request.json",
        "gitlab/version.json",
        "gitlab/approvals-without-times.json",
    ];
    assert_eq!(scene.import(&asked), none);
    assert_eq!(scene.import(&["gitlab/event-unapproved.json"]), ["approve"]);
    assert_eq!(
        scene.import(&["gitlab/event-unapproved.json", "gitlab/event-approved.json"]),
        none
    );
    scene.world.git(&["merge", "-q", "--ff-only", "topic"]);
    assert_eq!(
        scene.import(&["gitlab/merge-request-fast-forward.json"]),
        ["land"]
    );
    assert_eq!(scene.said("land")["method"], "merge");
    assert_eq!(scene.verdicts("C05"), ["too-few-approvals"]);
}

#[test]
fn a_rebase_is_told_from_a_squash() {
    for (word, steps) in [("rebase", 2), ("squash", 1)] {
        let mut scene = Scene::new();
        scene.world.git(&["switch", "-q", "topic"]);
        scene.head = scene.world.commit("more.txt", "more\n");
        scene.world.git(&["switch", "-q", "main"]);
        let opened = ["gitlab/merge-request.json"];
        scene.import(&opened);
        match word {
            "rebase" => {
                // Made anew by somebody else, as a forge does.
                let pick = [
                    "-c",
                    "user.name=Forge",
                    "cherry-pick",
                    "--keep-redundant-commits",
                    "main..topic",
                ];
                scene.world.set("GIT_COMMITTER_NAME", "Forge");
                scene.world.git(&pick)
            }
            _ => {
                scene.world.git(&["merge", "-q", "--squash", "topic"]);
                scene.world.git(&["commit", "-q", "-m", "seven"])
            }
        };
        assert_eq!(
            scene.import(&["gitlab/merge-request-squashed.json"]),
            ["land"]
        );
        let landing = scene.said("land");
        assert_eq!(landing["method"], word);
        assert_eq!(landing["commits"].as_array().unwrap().len(), steps);
        assert_eq!(landing["from"], format!("sha1:{}", scene.base));
    }
}

#[test]
fn who_is_nobody_stays_a_login_and_is_named() {
    let scene = Scene::without_people();
    let (code, said, err) = scene.try_import(&["github/pull.json", "github/reviews.json"], "");
    assert_eq!(code, 0, "{err}");
    let login = |name: &str| json!({"forge": "github.com", "login": name});
    assert_eq!(
        said["unknown"],
        json!([login("ada"), login("ben"), login("cy")])
    );
    assert!(
        err.contains("git docket roster add PERSON --login github.com/cy"),
        "{err}"
    );
    assert_eq!(scene.said("review")["reviewer"], login("cy"));
}

#[test]
fn only_an_observer_imports() {
    let scene = Scene::new();
    let file = scene.sample("github/pull.json", "");
    let ran = scene.world.docket(&["import", "--forge", "github", &file]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("ada@example.com is no service with the role observer"),
        "{}",
        ran.err
    );
    let dry = [
        "import",
        "--forge",
        "github",
        "--key",
        "watch",
        "--dry-run",
        "-o",
        "json",
        &file,
    ];
    let drafts: Value = serde_json::from_str(&scene.world.docket_ok(&dry)).unwrap();
    assert_eq!(
        drafts["statements"][0]["predicate"]["id"],
        "https://github.com/acme/app/pull/7"
    );
}

#[test]
fn what_cannot_be_told_is_left_out_and_named() {
    let scene = Scene::new();
    let cases: &[(&[&str], &str)] = &[
        (
            &["github/reviews.json"],
            "nothing says where https://github.com/acme/app/pull/7 goes to",
        ),
        (
            &["gitlab/approvals.json"],
            "the merge request that it belongs to is not given",
        ),
        (
            &["gitlab/protected-branch.json"],
            "no merge request is given that says which project",
        ),
        (&["gitlab/version.json"], ""),
    ];
    for (names, why) in cases {
        let (code, said, err) = scene.try_import(names, "");
        assert_eq!(code, 3, "{names:?}: {err}");
        assert_eq!(said["entries"], json!([]));
        assert!(err.contains(why), "{names:?}: {err}");
    }
    let odd = [
        ("", 2),
        ("[]", 2),
        ("nonsense", 2),
        ("{\"a\":1,\"a\":2}", 2),
        ("{}", 3),
        ("[[{}]] 7", 3),
    ];
    for (text, code) in odd {
        scene.world.write("../odd.json", text);
        let ran = scene.world.docket(&[
            "import",
            "--forge",
            "github",
            "--key",
            "watch",
            "../odd.json",
        ]);
        assert_eq!(ran.code, code, "{text}: {}", ran.err);
    }
    let deep = "[".repeat(1_000_000);
    let wide = "{\"a\":".repeat(100) + "1" + &"}".repeat(100);
    let many = format!("[{}1]", "1,".repeat(20_000));
    for text in [deep, wide, many] {
        scene.world.write("../odd.json", &text);
        let ran = scene.world.docket(&[
            "import",
            "--forge",
            "gitlab",
            "--key",
            "watch",
            "../odd.json",
        ]);
        assert_eq!(ran.code, 2, "{}", ran.err);
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let scene = Scene::new();
    let file = scene.sample("github/pull.json", "");
    let text = std::fs::read_to_string(scene.world.repo().join(&file)).unwrap();
    let with = |from: &str, to: &str| {
        scene.world.write("../odd.json", &text.replace(from, to));
        let words = [
            "import",
            "--forge",
            "github",
            "--key",
            "watch",
            "-o",
            "json",
            "../odd.json",
        ];
        scene.world.docket(&words)
    };
    for (from, to) in [
        ("\"login\": \"ada\"", "\"login\": \"\\u001b[2Jada\""),
        ("\"login\": \"ada\"", "\"login\": \"\""),
        ("\"login\": \"ada\"", "\"login\": 7"),
    ] {
        let ran = with(from, to);
        assert_eq!(ran.code, 0, "{}", ran.err);
        // Nobody is named by such a word.
        assert!(
            !ran.err.contains('\u{1b}') && !ran.out.contains("2Jada"),
            "{to}"
        );
    }
    for (from, to) in [
        (scene.head.as_str(), "HEAD"),
        (scene.head.as_str(), "--upload-pack=x"),
        ("\"ref\": \"main\"", "\"ref\": \"../../x y\""),
        (
            "https://github.com/acme/app/pull/7\"",
            "file:///etc/passwd\"",
        ),
    ] {
        assert_ne!(with(from, to).code, 0, "{to}");
    }
}

/// The shell lines of a forge's step in the manual.
fn step_of(forge: &str) -> String {
    let page = git_docket::manual::page("forges").unwrap();
    let (_, rest) = page.split_once(&format!("\n{forge} (")).expect(forge);
    let block = rest.split("```").nth(1).unwrap();
    let (_, lines) = block.split_once("|\n").unwrap();
    assert!(lines.contains("git docket import"), "{lines}");
    lines.to_owned()
}

#[test]
fn the_manual_s_steps_feed_it() {
    let forges = [
        (
            "GitHub Actions",
            "gh",
            "pull",
            &["change", "review", "review", "protection"][..],
        ),
        (
            "GitLab CI",
            "glab",
            "merge-requests",
            &["change", "approve", "protection"][..],
        ),
    ];
    for (forge, program, refs, expected) in forges {
        let mut scene = Scene::new();
        let bare = scene.world.root().join("server.git").display().to_string();
        scene
            .world
            .git(&["init", "-q", "--bare", "-b", "main", &bare]);
        scene.world.git(&["remote", "add", "origin", &bare]);
        let head = format!("topic:refs/{refs}/7/head");
        scene.world.git(&["push", "-q", "origin", "main", &head]);
        scene.world.docket_ok(&["push"]);
        // What the forge would answer.
        let sample = |name: &str| {
            format!(
                "{}/{}",
                scene.world.repo().display(),
                scene.sample(name, &scene.base)
            )
        };
        let answers = match program {
            "gh" => [
                ("*/pulls/7", sample("github/pull.json")),
                ("*/pulls/7/commits", sample("github/commits.json")),
                ("*/pulls/7/reviews", sample("github/reviews.json")),
                (
                    "*/branches/main/protection",
                    sample("github/protection.json"),
                ),
            ],
            _ => [
                ("*/merge_requests/7", sample("gitlab/merge-request.json")),
                (
                    "*/merge_requests/7/versions",
                    sample("gitlab/versions.json"),
                ),
                (
                    "*/merge_requests/7/approvals",
                    sample("gitlab/approvals.json"),
                ),
                (
                    "*/protected_branches/main",
                    sample("gitlab/protected-branch.json"),
                ),
            ],
        };
        let cases: String = answers
            .map(|(path, file)| format!("{path}) cat '{file}';;\n"))
            .concat();
        let script =
            format!("#!/bin/sh\nfor last; do :; done\ncase $last in\n{cases}*) exit 1;;\nesac\n");
        scene.world.write(&format!("../bin/{program}"), &script);
        scene
            .world
            .run("chmod", &["+x", &format!("../bin/{program}")]);
        let ours = std::path::Path::new(env!("CARGO_BIN_EXE_git-docket"))
            .parent()
            .unwrap();
        let path = format!(
            "{}:{}:{}",
            scene.world.root().join("bin").display(),
            ours.display(),
            std::env::var("PATH").unwrap()
        );
        let key = std::fs::read_to_string(
            scene
                .world
                .root()
                .join("home/.local/share/git-docket/keys/watch.pem"),
        )
        .unwrap();
        for (name, value) in [
            ("PATH", path.as_str()),
            ("DOCKET_KEY", "env://DOCKET_OBSERVER_KEY"),
            ("DOCKET_OBSERVER_KEY", &key),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("CI_PROJECT_ID", "42"),
            ("CI_DEFAULT_BRANCH", "main"),
        ] {
            scene.world.set(name, value);
        }
        let before = scene
            .world
            .docket_ok(&["log", "-o", "json"])
            .lines()
            .count();
        let lines = step_of(forge);
        for _ in 0..2 {
            let ran = scene.world.run("sh", &["-euc", &lines]);
            assert_eq!(ran.code, 0, "{forge}: {}{}", ran.out, ran.err);
        }
        let log = scene.world.docket_ok(&["log", "-o", "json"]);
        let added = log.lines().count() - before;
        let mut steps: Vec<String> = log
            .lines()
            .take(added)
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["step"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        steps.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(steps, expected, "{forge}: once each");
        let remote = scene
            .world
            .git(&["ls-remote", "origin", "refs/notes/docket"]);
        let here = scene.world.git(&["rev-parse", "refs/notes/docket"]);
        assert!(remote.starts_with(here.trim()), "{forge}: pushed");
    }
}
