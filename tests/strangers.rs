//! Every verb in every odd place: what a stranger stumbles into ends with a documented code and says why.

mod common;

use common::world::World;

const VERBS: &[&str] = &[
    "",
    "status",
    "log",
    "log -o json",
    "log nope..HEAD",
    "show",
    "show 0",
    "show 99",
    "show nope",
    "verify",
    "verify HEAD",
    "verify nope",
    "verify --pin nowhere",
    "verify -- bad",
    "verify --output json=nowhere/x",
    "seal",
    "seal --pin",
    "cosign",
    "cosign 7",
    "policy show",
    "policy check bad",
    "policy publish bad",
    "policy publish .",
    "roster show",
    "roster check bad",
    "roster publish bad",
    "roster remove nobody",
    "roster add x --kind human --public-key bad",
    "spool list",
    "spool export nowhere/x",
    "spool import bad",
    "spool import .",
    "key list",
    "key show nobody",
    "key show bad",
    "doctor",
    "attest --step x --type scai --predicate bad",
    "attest --step x --type scai --predicate .",
    "attest --step x --statement bad",
    "run --step x -- true",
    "run --step x --material . -- true",
    "init --policy bad --origin a.example/b",
    "init --policy nowhere --origin a.example/b",
    "init --root bob=bad --origin a.example/b",
];

fn stumble(world: &World, place: &str) {
    std::fs::write(world.root().join("repo/bad"), b"\xff\0\x1b[2J{").expect("written");
    for verb in VERBS {
        let words: Vec<&str> = verb.split_whitespace().collect();
        let ran = world.docket(&words);
        let documented = (0..=6).contains(&ran.code) || ran.code == 125;
        assert!(documented, "{place}: {verb}: {} {}", ran.code, ran.err);
        assert!(
            !ran.err.contains("panicked"),
            "{place}: {verb}: {}",
            ran.err
        );
        assert!(!ran.err.contains('\u{1b}'), "{place}: {verb}: {}", ran.err);
        let explained = ran.code == 0 || !(ran.err.is_empty() && ran.out.is_empty());
        assert!(
            explained,
            "{place}: {verb} says nothing and ends with {}",
            ran.code
        );
    }
}

fn founded() -> World {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    world
}

#[test]
fn without_a_ledger() {
    stumble(&World::bare_hands(), "no repository");
    stumble(&World::with_format("sha256"), "unborn HEAD");
    let world = World::bare_hands();
    world.git(&["init", "-q", "--bare", "."]);
    stumble(&world, "bare");
    let mut world = World::new();
    world.set("HOME", "/nonexistent");
    stumble(&world, "no home");
}

#[test]
fn with_a_ledger() {
    let world = founded();
    world.git(&["checkout", "-q", "--detach"]);
    stumble(&world, "detached");
    let mut world = founded();
    world.write(".docket.toml", "version = \"x\u{1b}[2J\"");
    stumble(&world, "a pin that is none");
    world.set("XDG_STATE_HOME", "/dev/null");
    stumble(&world, "no place to remember");
}

#[test]
fn with_a_ledger_that_is_none() {
    let blob = |world: &World, text: &str| {
        world.write("blob", text);
        world.git(&["hash-object", "-w", "blob"]).trim().to_owned()
    };
    for (path, text) in [
        ("docket/append", "\u{1b}[2J\n"),
        ("docket/seal", ""),
        ("docket/edge", "git-docket/edge/v1\n"),
        ("docket/in-force", "x"),
        ("docket/append.sigstore.json", "{}"),
        ("README", "x"),
    ] {
        let mut world = founded();
        let index = world.root().join("index").to_string_lossy().into_owned();
        world.set("GIT_INDEX_FILE", &index);
        world.git(&["read-tree", "refs/notes/docket"]);
        let entry = format!("100644,{},{path}", blob(&world, text));
        world.git(&["update-index", "--add", "--cacheinfo", &entry]);
        let tree = world.git(&["write-tree"]);
        let commit = world.git(&["commit-tree", "-m", "odd", tree.trim()]);
        world.git(&["update-ref", "refs/notes/docket", commit.trim()]);
        world.unset("GIT_INDEX_FILE");
        stumble(&world, path);
        let code = world.docket(&["verify"]).code;
        assert!(code >= 3, "{path}: {code}");
    }
    let world = World::new();
    let id = blob(&world, "no commit");
    std::fs::create_dir_all(world.repo().join(".git/refs/notes")).expect("made");
    std::fs::write(world.repo().join(".git/refs/notes/docket"), id + "\n").expect("written");
    stumble(&world, "a ref to a blob");
    assert_eq!(world.docket(&["verify"]).code, 5);
}
