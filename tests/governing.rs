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
