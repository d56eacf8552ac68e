//! A small real project goes from change to outcome in the environment of every CI system that is recognised; and log,
//! show and verify read well at each step.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::collections::BTreeSet;

use common::world::World;
use serde_json::Value;

type Variables = &'static [(&'static str, &'static str)];

/// What each system sets in a job, by its documentation: the name under which it is recognised, and the variables.
const SYSTEMS: &[(&str, Variables)] = &[
    (
        "GitHub Actions",
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_RUN_ID", "1658821493"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_ACTOR", "ben"),
            ("GITHUB_EVENT_NAME", "push"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
        ],
    ),
    (
        "GitLab CI",
        &[
            ("GITLAB_CI", "true"),
            ("CI_SERVER_URL", "https://gitlab.example.com"),
            ("CI_PROJECT_URL", "https://gitlab.example.com/acme/app"),
            ("CI_RUNNER_ID", "12"),
            (
                "CI_JOB_URL",
                "https://gitlab.example.com/acme/app/-/jobs/77",
            ),
            ("GITLAB_USER_LOGIN", "ben"),
            ("CI_PIPELINE_SOURCE", "push"),
        ],
    ),
    (
        "Harness",
        &[
            ("DRONE", "true"),
            ("HARNESS_BUILD_ID", "41"),
            ("HARNESS_ACCOUNT_ID", "acme"),
            ("HARNESS_EXECUTION_ID", "e1"),
            ("DRONE_BUILD_EVENT", "push"),
        ],
    ),
    (
        "Jenkins",
        &[
            ("JENKINS_URL", "https://ci.example.com/"),
            ("BUILD_URL", "https://ci.example.com/job/app/17/"),
            ("BUILD_TAG", "jenkins-app-17"),
        ],
    ),
    (
        "CircleCI",
        &[
            ("CIRCLECI", "true"),
            ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/app/9"),
            ("CIRCLE_USERNAME", "ben"),
        ],
    ),
    (
        "Buildkite",
        &[
            ("BUILDKITE", "true"),
            ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
            (
                "BUILDKITE_BUILD_URL",
                "https://buildkite.com/acme/app/builds/1514",
            ),
            ("BUILDKITE_JOB_ID", "0191"),
        ],
    ),
    (
        "Azure Pipelines",
        &[
            ("TF_BUILD", "True"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
            ("SYSTEM_TEAMPROJECT", "app"),
            ("BUILD_BUILDID", "503"),
        ],
    ),
    (
        "Bitbucket Pipelines",
        &[
            ("BITBUCKET_BUILD_NUMBER", "8"),
            ("BITBUCKET_REPO_FULL_NAME", "acme/app"),
        ],
    ),
    (
        "Drone",
        &[
            ("DRONE", "true"),
            ("DRONE_SYSTEM_PROTO", "https"),
            ("DRONE_SYSTEM_HOST", "drone.example.com"),
            ("DRONE_BUILD_LINK", "https://drone.example.com/acme/app/42"),
        ],
    ),
    (
        "TeamCity",
        &[
            ("TEAMCITY_VERSION", "2025.07 (build 197242)"),
            ("BUILD_NUMBER", "19"),
            (
                "BUILD_URL",
                "https://tc.example.com/buildConfiguration/App_Build/4711",
            ),
        ],
    ),
    (
        "Tekton",
        &[
            ("TEKTON_TASK_RUN", "build-x7k"),
            ("TEKTON_NAMESPACE", "ci"),
            ("TEKTON_TASK_RUN_UID", "aed1"),
        ],
    ),
];

const POLICY: &str = r#"version = 1
protected = ["refs/heads/main"]
[checks.C05]
[checks.C08]
[[environment]]
name = "prod"
tier = "prod"
"#;

const JUNIT: &str = r#"<testsuites tests="2"><testsuite name="s"><testcase name="a"/><testcase name="b"/></testsuite></testsuites>"#;

/// What log, show and verify say after a step: its entry is the newest, all of it is shown, and nothing is broken.
fn reads_well(world: &World, system: &str, step: &str, entries: &mut usize, added: usize) {
    *entries += added;
    let log = world.docket_ok(&["log"]);
    let newest = log.lines().next().unwrap();
    assert!(newest.contains(step), "{system} {step}: {log}");
    let lines = world.docket_ok(&["log", "-o", "json"]);
    assert_eq!(lines.lines().count(), *entries, "{system} {step}");
    let newest: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let commit = newest["commit"]
        .as_str()
        .unwrap()
        .split_once(':')
        .unwrap()
        .1;
    let shown = world.docket_ok(&["show", commit]);
    assert!(shown.contains(step), "{system} {step}: {shown}");
    let verified = world.docket(&["verify"]);
    // Undecided until all of the evidence is there; never broken, never silent about why.
    let said = format!("{system} {step}: {}{}", verified.out, verified.err);
    assert!([0, 1, 3].contains(&verified.code), "{said}");
    assert!(
        verified.out.contains(&format!("entries   {entries}: ")),
        "{said}"
    );
}

#[test]
fn every_ci_s_environment() {
    let known: BTreeSet<&str> = SYSTEMS.iter().map(|(name, _)| *name).collect();
    let table: toml::Value = toml::from_str(include_str!("../src/capture/ci.toml")).unwrap();
    let systems = table["system"].as_array().unwrap().iter();
    let recognised: BTreeSet<&str> = systems.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(known, recognised, "each has its journey");
    for (system, variables) in SYSTEMS {
        from_change_to_outcome(system, variables);
    }
}

fn from_change_to_outcome(system: &str, variables: Variables) {
    let mut world = World::of_two(POLICY);
    let mut entries = world.docket_ok(&["log", "-o", "json"]).lines().count();
    let ben: &[&str] = &["--key", "ben"];
    let mut done = |world: &World, step: &str, words: &[&str], added: usize| {
        let ran = world.docket(words);
        assert_eq!(ran.code, 0, "{system} {step}: {}{}", ran.out, ran.err);
        reads_well(world, system, step, &mut entries, added);
    };
    world.git(&["switch", "-q", "-c", "topic"]);
    world.commit("main.c", "int main(void) { return 0; }\n");
    done(
        &world,
        "change",
        &["change", "--id", "7", "--reason", "feature"],
        1,
    );
    done(&world, "ai", &["ai", "none"], 1);
    done(
        &world,
        "review",
        &[&["review", "--verdict", "approve"], ben].concat(),
        1,
    );
    done(&world, "approve", &[&["approve"], ben].concat(), 1);
    world.git(&["switch", "-q", "main"]);
    world.git(&["merge", "-q", "--no-ff", "-m", "Merge 7", "topic"]);
    // From here on the pipeline.
    for (name, value) in variables {
        world.set(name, value);
    }
    done(&world, "land", &["land"], 1);
    let build = [
        "run",
        "--step",
        "build",
        "--provenance",
        "--product",
        "app",
        "--",
        "sh",
        "-c",
        "cat main.c >app",
    ];
    done(&world, "build", &build, 2);
    let newest = world.docket_ok(&["show", "HEAD", "-o", "json"]);
    let provenance = newest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["statement"].clone())
        .find(|statement| statement["predicateType"] == "https://slsa.dev/provenance/v1")
        .unwrap();
    let builder = provenance["predicate"]["runDetails"]["builder"]["id"]
        .as_str()
        .unwrap();
    assert!(
        builder.contains(':') && !builder.contains('{'),
        "{system}: {builder}"
    );
    let invocation = &provenance["predicate"]["runDetails"]["metadata"]["invocationId"];
    assert!(
        invocation.as_str().is_some_and(|id| !id.contains('{')),
        "{system}: {invocation}"
    );
    world.write("junit.xml", JUNIT);
    done(&world, "test", &["attest", "--evidence", "junit.xml"], 1);
    world.git(&["tag", "-a", "-m", "First", "v1.0"]);
    done(
        &world,
        "approve",
        &[&["approve", "v1.0", "--scope", "release"], ben].concat(),
        1,
    );
    done(&world, "release", &["release", "v1.0", "app"], 1);
    let deploy = [
        "deploy",
        "--env",
        "prod",
        "--service",
        "app",
        "--artifact",
        "app",
    ];
    done(&world, "deploy", &deploy, 1);
    world.write("seen.csv", "service,digest\napp,app@sha256:8a9d0fc3ffee8075660dc9629a56e82ceabc669f235a44c1a8f6dc9742ba640e\n");
    let observe = ["observe", "--env", "prod", "--from", "csv", "seen.csv"];
    done(&world, "observe", &observe, 1);
    let outcome = ["outcome", "healthy", "--service", "app", "--env", "prod"];
    done(&world, "outcome", &outcome, 1);
    common::schemas::predicates_fit(&world.docket_ok(&["log", "-o", "json"]));
    let verified = world.docket(&["verify", "v1.0"]);
    assert_eq!(
        verified.code, 0,
        "{system}: {}{}",
        verified.out, verified.err
    );
    let verified = world.docket(&["verify", "./app"]);
    assert_eq!(
        verified.code, 0,
        "{system}: {}{}",
        verified.out, verified.err
    );
}
