//! `run`: codes, records, and what is looked at before the child starts.

mod common;

use common::world::World;

fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

fn entries(world: &World) -> usize {
    world.docket_ok(&["log", "-o", "json"]).lines().count()
}

fn predicate(world: &World, seq: &str) -> serde_json::Value {
    let entry = world.docket_ok(&["show", seq, "-o", "json"]);
    let entry: serde_json::Value = serde_json::from_str(&entry).expect("JSON");
    entry["statement"].clone()
}

#[test]
fn the_child_speaks_for_itself_and_its_code_is_ours() {
    let world = founded();
    let ran = world.docket(&[
        "run",
        "--step",
        "test",
        "--",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ]);
    assert_eq!((ran.code, ran.out.as_str()), (7, "out\n"));
    assert!(ran.err.starts_with("err\nnote: entry 1"), "{}", ran.err);
    assert_eq!(
        predicate(&world, "1")["predicate"]["byproducts"]["return-value"],
        7
    );
    let code = |command: &[&str]| {
        world
            .docket(&[&["run", "--step", "test", "--"], command].concat())
            .code
    };
    assert_eq!(code(&["sh", "-c", "kill -KILL $$"]), 137);
    assert_eq!(
        predicate(&world, "2")["predicate"]["byproducts"]["signal"],
        9
    );
    assert_eq!(code(&["no-such-program"]), 127);
    assert_eq!(code(&["/etc/passwd"]), 126);
    assert_eq!(entries(&world), 3, "what did not start is not recorded");
    let ran = world.docket(&["run", "--step", "test", "--only-success", "--", "false"]);
    assert_eq!((ran.code, entries(&world)), (1, 3));
}

#[test]
fn materials_and_products_are_recorded_below_the_work_tree() {
    let world = founded();
    world.write("sub/in.txt", "in");
    world.write("sub/.gitignore", "/target\n");
    let script = "mkdir -p target && cp in.txt target/app && ln -s /etc/passwd target/link";
    let ran = world.docket(&[
        "-C",
        "sub",
        "run",
        "--step",
        "build",
        "--material",
        "*.txt",
        "--product",
        "target/*",
        "--product",
        "none/*",
        "--record",
        "best-effort",
        "--subject",
        "image@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err
            .contains("warning: target/link is left out: a symbolic link"),
        "{}",
        ran.err
    );
    assert!(
        ran.err
            .contains("warning: no file matches --product none/*"),
        "{}",
        ran.err
    );
    let statement = predicate(&world, "1");
    assert_eq!(statement["predicate"]["materials"][0]["name"], "sub/in.txt");
    let names: Vec<&str> = statement["subjects"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert_eq!(names, ["sub/target/app", "image"]);
    assert_eq!(world.docket(&["verify", "sub/target/app"]).code, 0);
}

#[test]
fn whatever_can_be_checked_is_checked_before_the_child_starts() {
    let mut world = founded();
    let touch = ["--", "touch", "started"];
    let started = |world: &World| world.repo().join("started").exists();
    for (flags, code) in [
        (&["run", "--step", "genesis"][..], 125),
        (&["run", "--step", "test", "--material", "none/*"], 125),
        (&["run", "--step", "test", "--key", "nobody"], 125),
        (&["run", "--step", "test", "--key", "env://NOT_SET"], 125),
        (
            &["run", "--step", "test", "--ledger-ref", "refs/notes/none"],
            125,
        ),
        (&["run", "--step", "Not A Step"], 2),
        (&["run", "--step", "test", "--product", "../x"], 2),
        (&["run", "--step", "test", "--subject", "x@sha256:12"], 2),
    ] {
        let ran = world.docket(&[flags, &touch].concat());
        assert_eq!(ran.code, code, "{flags:?}: {}", ran.err);
        assert!(!started(&world), "{flags:?}");
    }
    world.set("DOCKET_STEP", "lint");
    assert_eq!(
        world.docket(&[&["run"][..], &touch].concat()).code,
        0,
        "a flag has its variable"
    );
    assert!(started(&world));
    world.git(&["config", "docket.step", "format"]);
    world.set("DOCKET_STEP", "audit");
    world.docket_ok(&["run", "--", "true"]);
    world.unset("DOCKET_STEP");
    world.docket_ok(&["run", "--", "true"]);
    world.docket_ok(&["run", "--step", "deploy", "--", "true"]);
    let log = world.docket_ok(&["log", "-n", "3"]);
    let steps: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(
        steps,
        ["deploy", "format", "audit"],
        "command line, then variable, then configuration"
    );
}

#[test]
fn without_a_key_the_child_runs_only_where_that_was_said() {
    let mut world = founded();
    let elsewhere = world
        .root()
        .join("elsewhere")
        .to_string_lossy()
        .into_owned();
    world.set("XDG_DATA_HOME", &elsewhere);
    let ran = world.docket(&["run", "--step", "test", "--", "true"]);
    assert_eq!(ran.code, 125);
    assert!(
        ran.err.contains("hint: git docket key generate"),
        "{}",
        ran.err
    );
    let ran = world.docket(&[
        "run",
        "--step",
        "test",
        "--if-signer",
        "--",
        "sh",
        "-c",
        "exit 4",
    ]);
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("warning: NOT ATTESTED"), "{}", ran.err);
    world.docket_ok(&["key", "generate"]);
    let ran = world.docket(&["run", "--step", "test", "--if-signer", "--", "true"]);
    assert_eq!(
        ran.code, 125,
        "a key that may not append is no missing key: {}",
        ran.err
    );
    assert_eq!(entries(&world), 1);
}

#[test]
fn a_record_that_fails_is_125_unless_best_effort() {
    let world = founded();
    // The child takes the ledger away under our feet.
    let script = "git update-ref -d refs/notes/docket";
    let ran = world.docket(&["run", "--step", "test", "--", "sh", "-c", script]);
    assert_eq!(ran.code, 125, "{}", ran.err);
    assert!(ran.err.contains("NOT RECORDED"), "{}", ran.err);
    let world = founded();
    let ran = world.docket(&[
        "run",
        "--step",
        "test",
        "--record",
        "best-effort",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("warning: NOT RECORDED"), "{}", ran.err);
}

#[test]
fn a_product_that_is_not_there_is_no_success() {
    let world = founded();
    world.write("kept", "unchanged");
    let run = |flags: &[&str], script: &str| {
        let words = ["run", "--step", "build", "--product", "kept"];
        world.docket(&[&words[..], flags, &["--", "sh", "-c", script]].concat())
    };
    assert_eq!(run(&[], "true").code, 0, "the child need not change it");
    let missing = ["--product", "out/*.bin"];
    let ran = run(&missing, "echo said");
    assert_eq!((ran.code, ran.out.as_str()), (125, "said\n"));
    assert!(
        ran.err
            .contains("the command passed, and no file matches --product out/*.bin")
            && ran.err.contains("--record best-effort"),
        "{}",
        ran.err
    );
    assert_eq!(entries(&world), 2, "nothing is recorded");
    let ran = run(&missing, "exit 3");
    assert_eq!(ran.code, 3, "a command that failed may have left none");
    assert!(ran.err.contains("warning: no file matches"), "{}", ran.err);
    let lenient = ["--product", "out/*.bin", "--record", "best-effort"];
    let ran = run(&lenient, ":");
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("warning: no file matches"), "{}", ran.err);
    assert_eq!(entries(&world), 4);
    let ran = run(&missing, "mkdir out && touch out/a.bin");
    assert_eq!(ran.code, 0, "{}", ran.err);
}
