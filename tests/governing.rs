//! `policy` and `roster`: shown, checked, published, and in force from the next entry on.

mod common;

use common::world::World;

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n\n[[step]]\nname = \"test\"\ntypes = [\"link\"]\nroles = [\"maintainer\"]\nrequired = true\n";

fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

#[test]
fn a_published_policy_is_enforced_from_then_on() {
    let world = founded();
    world.write("policy.toml", POLICY);
    let explained = world.docket_ok(&["policy", "check", "policy.toml"]);
    assert!(explained.contains("Step test is required"), "{explained}");
    assert_eq!(
        world.docket_ok(&["policy", "publish", "policy.toml"]),
        "entry 1, in force for the next entry\n"
    );
    assert_eq!(world.docket_ok(&["policy", "show"]), POLICY);
    assert_eq!(
        world.docket(&["policy", "publish", "policy.toml"]).code,
        2,
        "nothing would change"
    );
    assert_eq!(
        world.docket(&["verify", "HEAD"]).code,
        0,
        "what was there before the ledger is never failed"
    );
    world.commit("src", "x");
    assert_eq!(
        world.docket(&["verify", "HEAD"]).code,
        3,
        "the step is missing"
    );
    world.docket(&["run", "--step", "test", "--", "false"]);
    assert_eq!(world.docket(&["verify", "HEAD"]).code, 1, "the step failed");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);
    let ran = world.docket(&["verify", "HEAD"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    world.write("bad.toml", &POLICY.replace("required", "requird"));
    let ran = world.docket(&["policy", "check", "bad.toml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("line 8, column 1"), "{}", ran.err);
}

#[test]
fn a_person_who_is_added_may_append_and_one_who_is_removed_may_not() {
    let mut world = founded();
    let bob = world.root().join("bob").to_string_lossy().into_owned();
    world.set("XDG_DATA_HOME", &bob);
    world.docket_ok(&["key", "generate"]);
    let run = ["run", "--step", "test", "--", "true"];
    assert_eq!(world.docket(&run).code, 125, "a stranger may not append");
    world.unset("XDG_DATA_HOME");
    let public = format!("{bob}/git-docket/keys/default.pub.pem");
    let add = [
        "roster",
        "add",
        "bob@example.com",
        "--role",
        "writer",
        "--public-key",
        &public,
    ];
    assert_eq!(world.docket(&add).code, 2, "of which kind?");
    world.docket_ok(&[&add[..], &["--kind", "human"]].concat());
    assert_eq!(world.docket(&add).code, 2, "nothing would change");
    let shown = world.docket_ok(&["roster", "show"]);
    assert!(
        shown.contains("bob@example.com  human  writer\n"),
        "{shown}"
    );
    world.set("XDG_DATA_HOME", &bob);
    assert_eq!(world.docket(&run).code, 0);
    assert_ne!(
        world.docket(&["roster", "remove", "ada@example.com"]).code,
        0,
        "a writer does not govern"
    );
    world.unset("XDG_DATA_HOME");
    world.docket_ok(&["roster", "remove", "bob@example.com"]);
    assert_eq!(
        world.docket(&["roster", "remove", "bob@example.com"]).code,
        2
    );
    world.set("XDG_DATA_HOME", &bob);
    assert_eq!(world.docket(&run).code, 125);
    world.unset("XDG_DATA_HOME");
    let ran = world.docket(&["verify"]);
    assert_eq!(
        ran.code, 0,
        "what bob signed while he was there stands: {}",
        ran.out
    );
}

#[test]
fn what_show_gives_can_be_published() {
    let world = founded();
    let roster = world.docket_ok(&["roster", "show", "-o", "json"]);
    world.write(
        "roster.json",
        &roster.replace("\"maintainer\"", "\"maintainer\",\"builder\""),
    );
    world.docket_ok(&["roster", "check", "roster.json"]);
    world.docket_ok(&["roster", "publish", "roster.json"]);
    assert!(
        world
            .docket_ok(&["roster", "show"])
            .contains("maintainer, builder, writer")
    );
    world.write("roster.json", "{\"persons\": 1}");
    assert_eq!(world.docket(&["roster", "check", "roster.json"]).code, 1);
    assert_eq!(world.docket(&["roster", "check", "nowhere.json"]).code, 5);
}

#[test]
fn with_two_of_three_root_keys_nothing_goes_before_two_have_signed() {
    let mut world = World::new();
    let folder = |name: &str| world.root().join(name).to_string_lossy().into_owned();
    let (bob, eve) = (folder("bob"), folder("eve"));
    let mut roots = Vec::new();
    for (name, data) in [("bob", &bob), ("eve", &eve)] {
        world.set("XDG_DATA_HOME", data);
        let pem = world.docket_ok(&["key", "generate", "-o", "json"]);
        let key: serde_json::Value = serde_json::from_str(&pem).expect("JSON");
        let file = format!("{name}.pub.pem");
        world.write(&file, key["pem"].as_str().expect("a key"));
        roots.push(format!("{name}@example.com={file}"));
    }
    world.unset("XDG_DATA_HOME");
    let init = |threshold: &str, roots: &[&str]| {
        let mut arguments = vec!["init", "--origin", "git.example.com/acme/app"];
        arguments.extend(["--threshold", threshold]);
        for root in roots {
            arguments.extend(["--root", root]);
        }
        world.docket(&arguments)
    };
    let both = [roots[0].as_str(), roots[1].as_str()];
    for (threshold, roots) in [
        ("0", &both[..]),
        ("4", &both[..]),
        ("2", &[]),
        ("1", &[both[0], both[0]]),
        (
            "1",
            &["bob@example.com=bob.pub.pem", "ada@example.com=eve.pub.pem"],
        ),
        ("1", &["bob@example.com"]),
        ("1", &["bob@example.com="]),
    ] {
        assert_eq!(init(threshold, roots).code, 2, "{threshold} {roots:?}");
    }
    assert_eq!(init("1", &["bob@example.com=nowhere.pem"]).code, 5);
    let ran = init("2", &both);
    assert_eq!(
        ran.code, 0,
        "what was refused left nothing behind: {}",
        ran.err
    );
    assert!(
        ran.out.contains("opens when 1 more root key(s)"),
        "{}",
        ran.out
    );

    // Not open: nothing else is appended, and it is said what to do.
    world.write("policy.toml", POLICY);
    world.write(
        "scan.json",
        r#"{"attributes":[{"attribute":"NO_SECRETS"}]}"#,
    );
    for (arguments, code) in [
        (&["run", "--step", "test", "--", "touch", "ran"][..], 125),
        (
            &[
                "attest",
                "--step",
                "scan",
                "--type",
                "scai",
                "--predicate",
                "scan.json",
            ],
            5,
        ),
        (&["policy", "publish", "policy.toml"], 5),
        (&["roster", "remove", "eve@example.com"], 5),
    ] {
        let ran = world.docket(arguments);
        assert_eq!(ran.code, code, "{arguments:?} {}", ran.err);
        assert!(
            ran.err.contains("1 of 2 root keys have signed its genesis")
                && ran.err.contains("git docket cosign"),
            "{arguments:?} {}",
            ran.err
        );
    }
    assert!(
        !world.repo().join("ran").exists(),
        "the child did not start"
    );
    let overview = world.docket_ok::<&str>(&[]);
    assert!(overview.contains("next: git docket cosign\n"), "{overview}");
    let verdict = world.docket_ok(&["verify"]);
    assert!(
        verdict.contains(
            "waiting   entry 0, genesis: 1 of 2 root keys have signed; git docket cosign 0"
        ),
        "{verdict}"
    );
    let ran = world.docket(&["cosign"]);
    assert_eq!(ran.code, 2, "ada has signed: {}", ran.err);
    world.set("XDG_DATA_HOME", &bob);
    assert_eq!(
        world.docket(&["cosign", "1"]).code,
        2,
        "no such entry waits"
    );
    assert_eq!(
        world.docket_ok(&["cosign"]),
        "entry 1 signs entry 0 (genesis): the ledger is open\n"
    );
    assert_eq!(world.docket(&["cosign"]).code, 2, "nothing waits");
    world.docket_ok(&["run", "--step", "test", "--", "true"]);

    // A change waits for the second person, and changes nothing until then.
    world.unset("XDG_DATA_HOME");
    assert_eq!(
        world.docket_ok(&["policy", "publish", "policy.toml"]),
        "entry 3, in force once enough others have signed it: git docket cosign 3\n"
    );
    assert_ne!(world.docket_ok(&["policy", "show"]), POLICY);
    world.set("XDG_DATA_HOME", &eve);
    world.docket_ok(&["roster", "remove", "bob@example.com"]);
    let ran = world.docket(&["cosign"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err
            .contains("several entries wait for signatures: 3, 4"),
        "{}",
        ran.err
    );
    assert_eq!(
        world.docket_ok(&["cosign", "3"]),
        "entry 5 signs entry 3 (policy): in force for the next entry\n"
    );
    assert_eq!(world.docket_ok(&["policy", "show"]), POLICY);
    assert_eq!(world.docket(&["cosign", "4"]).code, 2, "eve has signed it");
    world.unset("XDG_DATA_HOME");
    world.docket_ok(&["cosign"]);
    world.set("XDG_DATA_HOME", &bob);
    assert_eq!(
        world.docket(&["run", "--step", "test", "--", "true"]).code,
        125
    );
    world.unset("XDG_DATA_HOME");
    let ran = world.docket(&["verify"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn a_roster_keeps_what_it_extends_through_every_change() {
    let world = founded();
    let shown = |world: &World| -> serde_json::Value {
        let shown = world.docket_ok(&["roster", "show", "-o", "json"]);
        serde_json::from_str(&shown).expect("JSON")
    };
    let mut roster = shown(&world);
    let extends = serde_json::json!({
        "origin": "git.example.com/acme/org",
        "digest": format!("sha256:{}", "5".repeat(64)),
    });
    roster["extends"] = extends.clone();
    world.write("roster.json", &roster.to_string());
    world.docket_ok(&["roster", "publish", "roster.json"]);
    assert_eq!(shown(&world)["extends"], extends);
    let add = ["roster", "add", "bot", "--kind", "service", "--role"];
    world.docket_ok(&[&add[..], &["writer"]].concat());
    assert_eq!(shown(&world)["extends"], extends);
    world.docket_ok(&["roster", "remove", "bot"]);
    assert_eq!(shown(&world)["extends"], extends);
}

#[test]
fn a_policy_to_start_from_can_be_published_as_it_stands() {
    let world = founded();
    world.docket_ok(&["policy", "init", "--pack", "slsa,ssdf", "new.toml"]);
    let again = world.docket(&["policy", "init", "new.toml"]);
    assert_eq!(again.code, 5, "nothing is written over: {}", again.err);
    let printed = world.docket_ok(&["policy", "init", "--pack", "slsa", "--pack", "ssdf"]);
    assert_eq!(
        printed,
        std::fs::read_to_string(world.repo().join("new.toml")).expect("a file")
    );
    let explained = world.docket_ok(&["policy", "check", "new.toml"]);
    assert!(
        explained.contains("C05 four-eyes: ") && explained.contains("1 human;"),
        "{explained}"
    );
    world.docket_ok(&["policy", "publish", "new.toml"]);
    let nobody = world.docket(&["policy", "init", "--pack", "nobody"]);
    assert_eq!(nobody.code, 2, "{}", nobody.err);
    assert!(
        nobody.err.contains("slsa"),
        "it says which there are: {}",
        nobody.err
    );
}

#[test]
fn a_policy_is_tested_by_the_cases_of_the_manual() {
    let world = founded();
    let page = git_docket::manual::page("policy-test").expect("a page");
    let cases = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let cases = cases.expect("a block");
    world.write("cases.toml", cases);
    world.write("policy.toml", "version = 1\n[checks.C05]\n");
    let test = ["policy", "test", "policy.toml", "cases.toml"];
    assert_eq!(
        world.docket_ok(&test),
        "as expected an author's own approval is not enough\nas expected another's is\n2 as expected, 0 otherwise\n"
    );
    world.write("policy.toml", "version = 1\n[checks.C05]\napprovals = 2\n");
    let ran = world.docket(&test);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains(
            "otherwise   another's is\n  expected  pass\n  found     fail too-few-approvals\n"
        ),
        "{}",
        ran.out
    );
    let refused = |text: &str, reason: &str| {
        world.write("cases.toml", text);
        let ran = world.docket(&test);
        assert_eq!(ran.code, 2, "{text}: {}", ran.out);
        assert!(
            ran.err.contains(reason) && ran.err.contains("cases.toml"),
            "{}",
            ran.err
        );
    };
    refused("case = []", "there is no case in it");
    refused(
        "[[case]]\nname = 'x'\nexpect = 'pass'\npolicy = 'x'\n",
        "brings a policy of its own",
    );
    refused(
        "[[case]]\nname = 'x'\nexpect = 'good'\n",
        "\"good\" is no verdict",
    );
    assert_eq!(
        world
            .docket(&["policy", "test", "policy.toml", "nowhere.toml"])
            .code,
        5
    );
    assert_eq!(
        world.docket(&["policy", "test", "policy.toml"]).code,
        2,
        "no cases"
    );
}

#[test]
fn an_organisation_s_roster_and_policy_are_added_to_and_never_weakened() {
    let world = founded();
    let publish = |what: &str, own: &str, base: &str| {
        let origin = "git.example.com/acme/org";
        world.docket(&[
            what,
            "publish",
            own,
            "--extends",
            base,
            "--extends-origin",
            origin,
        ])
    };
    // Somebody whom only the organisation knows.
    let key = world.docket_ok(&["key", "generate", "olga", "-o", "json"]);
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    world.write("olga.pem", key["pem"].as_str().expect("a key"));
    let own = world.docket_ok(&["roster", "show", "-o", "json"]);
    world.write("own.json", &own);
    let add = [
        "roster",
        "add",
        "olga",
        "--kind",
        "human",
        "--public-key",
        "olga.pem",
    ];
    world.docket_ok(
        &[
            &add[..],
            &["--role", "writer", "--email", "olga@example.com"],
        ]
        .concat(),
    );
    let both = world.docket_ok(&["roster", "show", "-o", "json"]);
    let mut org: serde_json::Value = serde_json::from_str(&both).expect("JSON");
    let persons = org["persons"].as_array_mut().expect("a list");
    persons.retain(|person| person["id"] == "olga");
    world.write("org.json", &org.to_string());
    world.docket_ok(&["roster", "publish", "own.json"]);
    let run = ["run", "--key", "olga", "--step", "test", "--", "true"];
    assert_eq!(world.docket(&run).code, 125, "nobody here");
    let published = publish("roster", "own.json", "org.json");
    assert_eq!(published.code, 0, "{}", published.err);
    let shown = world.docket_ok(&["roster", "show"]);
    assert!(
        shown.contains("builds on the roster of git.example.com/acme/org"),
        "{shown}"
    );
    assert!(
        shown.contains("olga  human  writer") && shown.contains("address olga@example.com"),
        "{shown}"
    );
    world.docket_ok(&["run", "--key", "olga", "--step", "test", "--", "true"]);
    assert_eq!(world.docket(&["verify"]).code, 0);

    // A revocation here holds for the organisation's key too.
    let id = key["id"].as_str().expect("an id");
    world.docket_ok(&["roster", "revoke", id, "--reason", "left"]);
    let ran = world.docket(&["run", "--key", "olga", "--step", "test", "--", "true"]);
    assert_eq!(ran.code, 125, "{}", ran.err);
    assert_eq!(world.docket(&["verify"]).code, 0, "what came before stands");

    // Another text under the same digest, or somebody of another kind, is refused.
    let mut roster: serde_json::Value =
        serde_json::from_str(&world.docket_ok(&["roster", "show", "-o", "json"])).expect("JSON");
    roster["extends"]["document"] = "{}".into();
    world.write("doctored.json", &roster.to_string());
    let refused = world.docket(&["roster", "check", "doctored.json"]);
    assert!(
        refused.code == 1 && refused.err.contains("not the one of the digest"),
        "{}",
        refused.err
    );
    org["persons"][0]["id"] = "ada@example.com".into();
    org["persons"][0]["kind"] = "service".into();
    world.write("other.json", &org.to_string());
    let refused = publish("roster", "own.json", "other.json");
    assert!(
        refused.code != 0 && refused.err.contains("of another kind"),
        "{}",
        refused.err
    );

    world.write(
        "org.toml",
        "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C05]\napprovals = 2\n",
    );
    world.write(
        "own.toml",
        "version = 1\nprotected = [\"refs/heads/next\"]\n[checks.C08]\n",
    );
    let published = publish("policy", "own.toml", "org.toml");
    assert_eq!(published.code, 0, "{}", published.err);
    let shown = world.docket(&["policy", "show"]);
    assert!(
        shown.err.contains("refs/heads/main, refs/heads/next"),
        "{}",
        shown.err
    );
    assert!(
        shown.err.contains("C05") && shown.err.contains("C08"),
        "{}",
        shown.err
    );
    // The next text is still held to it.
    world.write("weak.toml", "version = 1\n[checks.C05]\napprovals = 1\n");
    let refused = world.docket(&["policy", "publish", "weak.toml"]);
    assert!(
        refused.code != 0 && refused.err.contains("checks.C05 stands in the policy"),
        "{}",
        refused.err
    );
    world.write("next.toml", "version = 1\n");
    world.docket_ok(&["policy", "publish", "next.toml"]);
    assert!(world.docket(&["policy", "show"]).err.contains("C05"));
    world.docket_ok(&["policy", "publish", "next.toml", "--no-extends"]);
    assert!(!world.docket(&["policy", "show"]).err.contains("C05"));
    assert_eq!(world.docket(&["verify"]).code, 0);
}
