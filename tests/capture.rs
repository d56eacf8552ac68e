//! What `run` captures: files, variables, the CI system, a cleared command, and provenance.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::world::World;
use serde_json::{Value, json};

fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

fn statement(world: &World, seq: &str) -> Value {
    let entry = world.docket_ok(&["show", seq, "-o", "json"]);
    let entry: Value = serde_json::from_str(&entry).expect("JSON");
    entry["statement"].clone()
}

/// Everything that the ledger holds, as text.
fn ledger(world: &World) -> String {
    let notes = world.git(&["notes", "--ref", "docket", "show", "HEAD"]);
    let bodies = notes.lines().filter_map(|line| {
        let entry: Value = serde_json::from_str(line).ok()?;
        let payload = entry["attestation"]["dsseEnvelope"]["payload"]
            .as_str()?
            .to_owned();
        let payload = data_encoding::BASE64
            .decode(payload.as_bytes())
            .expect("base64");
        Some(String::from_utf8(payload).expect("UTF-8"))
    });
    bodies.collect()
}

#[test]
fn no_secret_and_no_prompt_reaches_the_ledger() {
    let mut world = founded();
    world.set("MY_TOKEN", "hunter2");
    world.set("JENKINS_URL", "https://me:hunter2@ci.example.com/");
    world.set("BUILD_URL", "https://ci.example.com/job/app/1/");
    world.docket_ok(&[
        "run",
        "--step",
        "test",
        "--",
        "true",
        "--token=hunter2",
        "--password",
        "hunter2",
    ]);
    world.docket_ok(&[
        "run",
        "--step",
        "test",
        "--",
        "sh",
        "-c",
        "API_KEY=hunter2 true",
    ]);
    world.docket_ok(&[
        "run",
        "--step",
        "test",
        "--",
        "true",
        "claude",
        "-p",
        "mend the hunter2 bug",
    ]);
    let ledger = ledger(&world);
    assert_eq!(ledger.matches("in-toto.io/attestation/link").count(), 3);
    assert!(!ledger.contains("hunter2"), "{ledger}");
    let link = &statement(&world, "1")["predicate"];
    assert_eq!(
        link["command"],
        json!(["true", "--token=[redacted]", "--password", "[redacted]"])
    );
    assert_eq!(link["environment"]["ci"]["system"], "Jenkins");
    let told = &statement(&world, "3")["predicate"]["command"][2];
    assert!(
        told.as_str()
            .is_some_and(|word| word.starts_with("sha256:")),
        "{told}"
    );
}

#[test]
fn provenance_stands_beside_the_link_of_what_was_made() {
    let mut world = founded();
    world.write("in.txt", "in");
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.example.com"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_ACTOR", "ada"),
    ] {
        world.set(name, value);
    }
    let build = |script: &str| {
        world.docket(&[
            "run",
            "--step",
            "build",
            "--provenance",
            "--material",
            "in.txt",
            "--product",
            "app",
            "--",
            "sh",
            "-c",
            script,
        ])
    };
    let ran = build("cp in.txt app");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let (link, provenance) = (statement(&world, "1"), statement(&world, "2"));
    assert_eq!(
        link["predicateType"],
        "https://in-toto.io/attestation/link/v0.3"
    );
    assert_eq!(
        provenance["predicateType"],
        "https://slsa.dev/provenance/v1"
    );
    let names = |statement: &Value| {
        let subjects = statement["subjects"].as_array().expect("a list").clone();
        subjects
            .iter()
            .map(|subject| subject["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&link), [Value::Null, "app".into()]);
    assert_eq!(
        names(&provenance),
        ["app"],
        "the commit is what it was made from"
    );
    let definition = &provenance["predicate"]["buildDefinition"];
    let head = world.git(&["rev-parse", "HEAD"]);
    assert_eq!(
        definition["resolvedDependencies"][0]["digest"]["gitCommit"],
        head.trim()
    );
    assert_eq!(definition["resolvedDependencies"][1]["name"], "in.txt");
    let details = &provenance["predicate"]["runDetails"];
    assert_eq!(
        details["builder"]["id"],
        "https://github.example.com/actions/runner/self-hosted"
    );
    assert_eq!(
        details["metadata"]["invocationId"],
        "https://github.example.com/acme/app/actions/runs/7/attempts/1"
    );
    assert_eq!(world.docket(&["verify", "app"]).code, 0);

    let ran = build("false");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("warning: there is no provenance"),
        "{}",
        ran.err
    );
    assert_eq!(build("rm app").code, 125, "nothing was made");
    let log = world.docket_ok(&["log", "-o", "json"]);
    assert_eq!(log.lines().count(), 4, "{log}");
    let ran = world.docket(&[
        "run",
        "--step",
        "build",
        "--provenance",
        "--",
        "touch",
        "started",
    ]);
    assert_eq!(ran.code, 125);
    assert!(
        ran.err
            .contains("provenance is of products, and none are named"),
        "{}",
        ran.err
    );
    assert!(!world.repo().join("started").exists());
}

#[test]
fn a_modified_work_tree_is_said() {
    let world = founded();
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    world.write("README", "changed\n");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    let state = |seq| statement(&world, seq)["predicate"]["environment"]["workTree"].clone();
    assert_eq!(
        (state("1"), state("2")),
        ("clean".into(), "modified".into())
    );
}

#[test]
fn a_termination_reaches_the_child_and_its_end_is_recorded() {
    let world = founded();
    let mut running = world
        .command(env!("CARGO_BIN_EXE_git-docket"))
        .args([
            "run",
            "--step",
            "test",
            "--",
            "sh",
            "-c",
            "echo ready; exec sleep 60",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut ready = [0; 6];
    let mut out = running.stdout.take().expect("it is piped");
    out.read_exact(&mut ready).expect("the child speaks");
    world.run("kill", &["-TERM", &running.id().to_string()]);
    let status = running.wait().expect("it ends");
    assert_eq!(status.code(), Some(128 + 15));
    assert_eq!(
        statement(&world, "1")["predicate"]["byproducts"]["signal"],
        15
    );
}

#[test]
fn an_unreadable_material_stops_the_run_before_the_child() {
    let world = founded();
    world.write("in/loop", "x");
    std::fs::remove_file(world.repo().join("in/loop")).expect("removed");
    // Root may read anything; nobody can read a folder as a file's content or an endless link.
    std::os::unix::fs::symlink("loop", world.repo().join("in/loop")).expect("linked");
    let ran = world.docket(&["run", "--step", "test", "--material", "in/*", "--", "true"]);
    assert!(
        ran.err.contains("in/loop is left out: a symbolic link"),
        "{}",
        ran.err
    );
    let ran = world.docket(&[
        "run",
        "--step",
        "test",
        "--material",
        ".git/config",
        "--",
        "true",
    ]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("leads into .git"), "{}", ran.err);
}

#[test]
fn a_step_that_a_signal_ended_has_not_passed() {
    let world = World::new();
    world.write(
        "policy.toml",
        "version = 1\n[[step]]\nname = \"test\"\ntypes = [\"link\"]\nroles = [\"maintainer\"]\nrequired = true\n",
    );
    world.docket_ok(&[
        "init",
        "--origin",
        "git.example.com/acme/app",
        "--policy",
        "policy.toml",
    ]);
    let run = |script: &str| {
        world
            .docket(&["run", "--step", "test", "--", "sh", "-c", script])
            .code
    };
    assert_eq!(
        world.docket(&["verify", "HEAD"]).code,
        3,
        "nothing is there yet"
    );
    assert_eq!(run("kill -KILL $$"), 137);
    assert_eq!(
        statement(&world, "1")["predicate"]["byproducts"]["return-value"],
        137
    );
    let judged = world.docket(&["verify", "HEAD"]);
    assert_eq!(judged.code, 1, "{}{}", judged.out, judged.err);
    assert_eq!(run("true"), 0);
    let judged = world.docket(&["verify", "HEAD"]);
    assert_eq!(judged.code, 0, "{}{}", judged.out, judged.err);
}

#[test]
fn subjects_are_read_from_what_a_build_left_behind() {
    let world = founded();
    let run = |script: &str| {
        let flags = [
            "run",
            "--step",
            "image",
            "--provenance",
            "--subject-from",
            "out/meta.json",
            "--",
        ];
        world.docket(&[&flags[..], &["sh", "-c", script]].concat())
    };
    let hex = "c".repeat(64);
    let json =
        format!(r#"{{"containerimage.digest":"sha256:{hex}","image.name":"ghcr.io/acme/app:1"}}"#);
    let ran = run(&format!("mkdir out; echo '{json}' > out/meta.json"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        statement(&world, "1")["subjects"][1]["name"],
        "ghcr.io/acme/app:1"
    );
    assert_eq!(
        statement(&world, "2")["subjects"][0]["digest"]["sha256"],
        hex
    );
    assert_eq!(world.docket(&["verify", &format!("sha256:{hex}")]).code, 0);
    let ran = run("echo '{}' > out/meta.json");
    assert_eq!(ran.code, 125, "{}", ran.err);
    assert!(
        ran.err.contains("out/meta.json names no subjects"),
        "{}",
        ran.err
    );
    assert_eq!(
        run("rm out/meta.json").code,
        125,
        "a success without its file is none"
    );
    let ran = run("exit 3");
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert_eq!(world.docket_ok(&["log", "-o", "json"]).lines().count(), 4);
}

#[test]
fn a_ci_system_of_ones_own_and_arguments_as_they_are() {
    let mut world = founded();
    world.write("ci.toml", "[[system]]\nname = \"Ours\"\nmark = \"OUR_CI\"\nbuilder = [\"https://ci.example.com/{OUR_POOL}\"]\n[system.parameters]\njob = [\"{OUR_JOB}\"]\n");
    world.set("OUR_CI", "1");
    world.set("OUR_POOL", "small");
    world.set("OUR_JOB", "build");
    world.set("DOCKET_CI_TABLE", "ci.toml");
    let run = [
        "run",
        "--step",
        "build",
        "--product",
        "app",
        "--provenance",
        "--reveal-arguments",
        "--",
        "sh",
        "-c",
    ];
    world.docket_ok(&[&run[..], &["touch app # --token=none"]].concat());
    let shown = world.docket_ok(&["show", "HEAD", "-o", "json"]);
    assert!(shown.contains("--token=none"), "{shown}");
    assert!(shown.contains(r#""pipeline":{"job":"build"}"#), "{shown}");
    assert!(
        shown.contains("https://ci.example.com/small") && shown.contains(r#""system":"Ours""#),
        "{shown}"
    );
    world.write(
        "ci.toml",
        "[[system]]\nname = \"Ours\"\nmark = \"OUR_TOKEN\"\nbuilder = []\n",
    );
    let ran = world.docket(&["run", "--step", "x", "--", "touch", "started"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("ci.toml")
            && ran.err.contains("line 3")
            && ran.err.contains("OUR_TOKEN is a secret"),
        "{}",
        ran.err
    );
    assert!(!world.repo().join("started").exists());
    world.set("DOCKET_CI_TABLE", "nowhere.toml");
    assert_eq!(world.docket(&["status"]).code, 5);
    world.unset("DOCKET_CI_TABLE");
    world.set("DOCKET_REVEAL_ARGUMENTS", "true");
    world.docket_ok(&["run", "--step", "y", "--", "true", "--token=hunter2"]);
    assert!(
        !world
            .docket_ok(&["show", "HEAD", "-o", "json"])
            .contains("hunter2"),
        "only the command line reveals"
    );
}
