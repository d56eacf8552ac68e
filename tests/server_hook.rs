//! `hook pre-receive` behind real pushes: what honest writers push goes through, everything else is refused in
//! words, and the server's refs stand where they stood.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use common::world::{Ran, World};
use git_docket::attestation::Attestation;
use git_docket::digest::{ObjectId, ObjectKind, Sha256};
use git_docket::git::{Entry, EntryKind, RefName, Repository, Written};
use git_docket::ledger::append_record::SignedAppendRecord;
use git_docket::ledger::entry::render_line;
use git_docket::ledger::note::KeyName;
use git_docket::ledger::{AppendRecord, Edge, Link, TreeHead};
use git_docket::signing::SigningKey;
use git_docket::statement::{Placement, PredicateType, Statement, Subject};
use git_docket::store::{Author, Change, Tip};
use git_docket::timestamp::Timestamp;

const FORMATS: [&str; 2] = ["sha1", "sha256"];
const LEDGER: &str = "refs/notes/docket";
const ORIGIN: &str = "git.example.com/acme/app";

/// A repository with a ledger, and a server that has it and guards it.
struct Guarded {
    world: World,
    server: PathBuf,
}

impl Guarded {
    fn new(format: &str) -> Self {
        let world = World::with_format(format);
        world.commit("README", "hello\n");
        world.docket_ok(&["init", "--origin", ORIGIN]);
        let server = world.root().join("server.git");
        let path = server.display().to_string();
        world.git(&["init", "-q", "--bare", "--object-format", format, &path]);
        world.git(&["remote", "add", "server", &path]);
        let hook = server.join("hooks/pre-receive");
        let program = env!("CARGO_BIN_EXE_git-docket");
        let script = format!("#!/bin/sh\nexec {program} hook pre-receive\n");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        Guarded { world, server }
    }

    /// With the ledger pushed, and a build recorded and pushed after it.
    fn with_a_build(format: &str) -> Self {
        let guarded = Guarded::new(format);
        guarded.accepted(&["main", LEDGER]);
        guarded.record("build");
        guarded.accepted(&[LEDGER]);
        guarded
    }

    fn record(&self, step: &str) {
        self.world
            .docket_ok(&["-q", "run", "--step", step, "--", "true"]);
    }

    fn push(&self, what: &[&str]) -> Ran {
        self.world
            .run("git", &[&["push", "--atomic", "server"], what].concat())
    }

    fn accepted(&self, what: &[&str]) -> Ran {
        let ran = self.push(what);
        assert_eq!(ran.code, 0, "{what:?}: {}", ran.err);
        ran
    }

    /// The push fails, with these words, and changes nothing.
    fn refused(&self, what: &[&str], words: &str) {
        let before = self.refs();
        let ran = self.push(what);
        assert_ne!(ran.code, 0, "{words}: let in: {}", ran.err);
        assert!(
            ran.err.contains(words),
            "expected {words:?} in\n{}",
            ran.err
        );
        assert_eq!(self.refs(), before, "{words}");
    }

    fn refs(&self) -> String {
        let server = self.server.display().to_string();
        self.world.git(&["-C", &server, "for-each-ref"])
    }

    fn tip(&self) -> String {
        self.world.git(&["rev-parse", LEDGER]).trim().to_owned()
    }

    fn reset(&self, tip: &str) {
        self.world.git(&["update-ref", LEDGER, tip]);
    }

    fn repository(&self) -> Repository {
        Repository::discover(&self.world.repo()).unwrap()
    }

    fn own_key(&self) -> SigningKey {
        let keys = self.world.root().join("home/.local/share/git-docket/keys");
        let record = self.signed().render();
        let private = fs::read_dir(keys)
            .unwrap()
            .filter_map(|file| fs::read_to_string(file.unwrap().path()).ok());
        let mut keys = private.filter_map(|text| SigningKey::from_pem(&text, None).ok());
        let record = SignedAppendRecord::parse(&record).unwrap();
        keys.find(|key| record.verify(key.public()).is_ok())
            .expect("one of the user's keys signed the append record")
    }

    fn signed(&self) -> SignedAppendRecord {
        let repository = self.repository();
        let tip = Tip::read(&repository, &name()).unwrap();
        SignedAppendRecord::parse(&tip.record("append").unwrap().unwrap()).unwrap()
    }

    /// Appends a build of HEAD as the program would, but for what a fault changes, and without asking replay.
    fn forge(&self, fault: impl FnOnce(&mut Forged)) {
        let repository = self.repository();
        let tip = Tip::read(&repository, &name()).unwrap();
        let signed = self.signed();
        let old = signed.unverified().clone();
        let commit = repository.commit_named("HEAD").unwrap();
        let facts = repository.commit(&commit).unwrap();
        let mut forged = Forged {
            signer: self.own_key(),
            writer: signed.writer().clone(),
            writer_key: self.own_key(),
            origin: ORIGIN.into(),
            seq: old.new.size,
            prev: old.last_leaf,
            note: tip.note(&commit).unwrap().unwrap_or_default(),
            change: Change::default(),
            record: |_| {},
            edge: |_| {},
        };
        fault(&mut forged);
        let predicate = serde_json::json!({"attributes": [{"attribute": "clean"}]});
        let statement = Statement::new(
            vec![Subject::commit(&commit, &facts.tree)],
            PredicateType::resolve("scai").unwrap(),
            predicate.as_object().unwrap().clone(),
        );
        let placed = statement.unwrap().placed(&Placement {
            origin: forged.origin.clone(),
            step: "build".parse().unwrap(),
            commit,
        });
        let attestation = Attestation::sign(&placed, &forged.signer).unwrap();
        let link = Link {
            seq: forged.seq,
            prev: forged.prev,
            commit,
            tree: facts.tree,
            time: Timestamp::from_unix(1_795_341_600).unwrap(),
            step: "build".parse().unwrap(),
            attestation: attestation.digest(),
        };
        let (line, _) = render_line(&link, attestation.bytes(), forged.note.len());
        forged.note.extend(line);
        let mut edge = Edge::parse(&tip.record("edge").unwrap().unwrap()).unwrap();
        edge.push(link.leaf());
        let mut record = AppendRecord {
            new: TreeHead {
                size: edge.size(),
                root: edge.root().unwrap(),
            },
            old: old.new.clone(),
            last_leaf: link.leaf(),
            ..old
        };
        (forged.record)(&mut record);
        (forged.edge)(&mut edge);
        let mut change = forged.change;
        change.notes.entry(commit).or_insert(forged.note);
        change.commits.insert(commit, facts.raw);
        change.edge.get_or_insert(edge.render().into_bytes());
        let signed = record
            .sign(&forged.writer, &forged.writer_key)
            .unwrap()
            .render();
        change.append.get_or_insert(signed);
        tip.land(&change, &author(), "forged").unwrap();
    }

    /// Puts an object at a path of the ledger's tree, or takes the path away, by stock git.
    fn graft(&self, path: &str, put: Option<(&str, &str)>) {
        let (take, put) = match put {
            None => (path, String::new()),
            Some((mode, text)) => {
                self.world.write("grafted", text);
                let id = self.world.git(&["hash-object", "-w", "grafted"]);
                ("", format!("{mode},{},{path}", id.trim()))
            }
        };
        let script = format!(
            "export GIT_INDEX_FILE=$PWD/index; git read-tree {LEDGER}
             [ -z '{take}' ] || git rm -rq --cached -- '{take}'
             [ -z '{put}' ] || git update-index --add --cacheinfo '{put}'
             git update-ref {LEDGER} $(git commit-tree -p {LEDGER} -m graft $(git write-tree)); rm index"
        );
        let ran = self.world.run("sh", &["-ec", &script]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
}

/// What an entry is made of, for a fault to change.
struct Forged {
    signer: SigningKey,
    writer: KeyName,
    writer_key: SigningKey,
    origin: String,
    seq: u64,
    prev: Sha256,
    note: Vec<u8>,
    change: Change,
    record: fn(&mut AppendRecord),
    edge: fn(&mut Edge),
}

fn name() -> RefName {
    LEDGER.parse().unwrap()
}

fn author() -> Author {
    Author {
        name: "Mallory".into(),
        email: "m@example.com".into(),
        time: Timestamp::from_unix(1_795_341_600).unwrap(),
    }
}

fn mallory() -> SigningKey {
    SigningKey::from_seed([66; 32])
}

#[test]
fn what_honest_writers_push_goes_through() {
    for format in FORMATS {
        let guarded = Guarded::new(format);
        guarded.accepted(&["main", LEDGER]);
        guarded.record("build");
        let ran = guarded.accepted(&[LEDGER]);
        assert!(ran.err.contains("1 entry verified"), "{}", ran.err);
        // Several appends, a big body, another commit, one push.
        guarded.world.commit("main", "main\n");
        guarded.record("build");
        guarded.record("test");
        guarded.world.write(
            "big.json",
            &format!(
                r#"{{"attributes":[{{"attribute":"{}"}}]}}"#,
                "x".repeat(60_000)
            ),
        );
        let attest = [
            "attest",
            "--step",
            "scan",
            "--type",
            "scai",
            "--predicate",
            "big.json",
        ];
        guarded.world.docket_ok(&attest);
        let ran = guarded.accepted(&["main", LEDGER]);
        assert!(ran.err.contains("3 entries verified"), "{}", ran.err);
        // What only the whole can judge: the roster, the policy, a seal.
        guarded.world.docket_ok(&[
            "roster", "add", "bot", "--kind", "service", "--role", "writer",
        ]);
        guarded.accepted(&[LEDGER]);
        guarded.record("test");
        guarded.world.docket_ok(&["seal"]);
        guarded.accepted(&[LEDGER]);
        guarded.forge(|_| {});
        guarded.accepted(&[LEDGER]);
        // The server's own ledger verifies, and other refs are nobody's business.
        guarded.accepted(&["HEAD:refs/heads/side", ":refs/heads/main"]);
        let server = guarded.server.display().to_string();
        let verified = guarded.world.docket(&["-C", &server, "verify"]);
        assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    }
}

#[test]
fn the_ref_only_goes_forward() {
    for format in FORMATS {
        let guarded = Guarded::with_a_build(format);
        let parent = guarded.world.git(&["rev-parse", &format!("{LEDGER}~1")]);
        guarded.refused(&[&format!(":{LEDGER}")], "a ledger is never deleted");
        guarded.refused(
            &["-f", &format!("{}:{LEDGER}", parent.trim())],
            "which the pushed commit does not extend",
        );
        guarded.refused(&["-f", &format!("main:{LEDGER}")], "does not extend");
        let tree = guarded
            .world
            .git(&["rev-parse", &format!("{LEDGER}^{{tree}}")]);
        let make = |parents: &[&str]| {
            let commit = [&["commit-tree", "-m", "x", tree.trim()], parents].concat();
            guarded.world.git(&commit).trim().to_owned()
        };
        let merge = make(&["-p", LEDGER, "-p", "main"]);
        guarded.refused(&[&format!("{merge}:{LEDGER}")], "has 2 parents");
        let same = make(&["-p", LEDGER]);
        guarded.refused(
            &[&format!("{same}:{LEDGER}")],
            "adds neither an entry nor a seal",
        );
        // A ledger beside the first is no ledger because its name begins like one.
        guarded.refused(&["main:refs/notes/docket2"], "unexpected-path");
        guarded.refused(&["HEAD:refs/notes/docket/x"], "unexpected-path");
    }
}

#[test]
fn nothing_below_the_tip_is_touched() {
    let by_hand = [
        ("git notes --ref docket append -m theirs", "unexpected-path"),
        ("git notes --ref docket add -f -m theirs", "was altered"),
        ("git notes --ref docket remove HEAD", "was altered"),
        (
            "git notes --ref docket add -m theirs $(git commit-tree -m x HEAD^{tree})",
            "unexpected-path",
        ),
        (
            "git notes --ref docket copy HEAD $(git commit-tree -m x HEAD^{tree})",
            "unexpected-path",
        ),
        (
            "GIT_EDITOR='sed -i s/build/built/' git notes --ref docket edit",
            "was altered",
        ),
    ];
    for format in FORMATS {
        let guarded = Guarded::with_a_build(format);
        let tip = guarded.tip();
        for (script, words) in by_hand {
            let ran = guarded.world.run("sh", &["-c", script]);
            assert_eq!(ran.code, 0, "{script}: {}", ran.err);
            assert_ne!(guarded.tip(), tip, "{script} did nothing");
            guarded.refused(&[LEDGER], words);
            guarded.reset(&tip);
        }
        let head = guarded.world.git(&["rev-parse", "HEAD"]).trim().to_owned();
        let digest = Sha256::of(b"stray\n").to_string();
        let stray = format!("docket/blob/{}/{}", &digest[..2], &digest[2..]);
        let kept = format!(
            "docket/commit/{}/{}/{}",
            &head[..2],
            &head[2..4],
            &head[4..]
        );
        let other = format!("{}{}", "ab/cd/", &head[4..]);
        let grafts: [(&str, Option<(&str, &str)>, &str); 11] = [
            ("docket/append", None, "was altered or taken away"),
            ("docket/edge", None, "was altered or taken away"),
            ("docket/seal", None, "was altered or taken away"),
            ("docket/in-force", None, "was altered or taken away"),
            (
                "docket/append",
                Some(("100644", "x\n")),
                "append-record-grammar",
            ),
            ("docket/edge", Some(("100644", "x\n")), "edge-mismatch"),
            (&kept, Some(("100644", "x\n")), "was altered"),
            (&stray, Some(("100644", "stray\n")), "stray-body"),
            ("docket/unknown", Some(("100644", "x\n")), "unexpected-path"),
            (&other, Some(("120000", "../../x")), "tree-mode"),
            ("README", Some(("100755", "x\n")), "tree-mode"),
        ];
        for (path, put, words) in grafts {
            guarded.graft(path, put);
            guarded.refused(&[LEDGER], words);
            guarded.reset(&tip);
        }
    }
}

#[test]
fn an_entry_that_nobody_entitled_wrote_stays_out() {
    type Fault = fn(&mut Forged);
    let faults: [(Fault, &str); 10] = [
        (|it| it.note.extend(b"theirs\n"), "entry-grammar"),
        (|it| it.signer = mallory(), "key-unknown"),
        (|it| it.writer_key = mallory(), "append-record-signer"),
        (
            |it| it.writer = "mallory".parse().unwrap(),
            "append-record-signer",
        ),
        (
            |it| it.origin = "git.example.com/acme/fork".into(),
            "placement-mismatch",
        ),
        (|it| it.seq += 1, "seq-gap"),
        (|it| it.prev = Sha256::of(b"elsewhere"), "prev-mismatch"),
        (
            |it| it.record = |record| record.new.root = Sha256::of(b"x"),
            "root-mismatch",
        ),
        (
            |it| {
                it.record = |record| {
                    record.old = TreeHead {
                        size: 0,
                        root: Sha256::of(b""),
                    }
                }
            },
            "root-mismatch",
        ),
        (
            |it| it.edge = |edge| edge.push(Sha256::of(b"more")),
            "edge-mismatch",
        ),
    ];
    for format in FORMATS {
        let guarded = Guarded::with_a_build(format);
        let tip = guarded.tip();
        for (fault, words) in faults {
            guarded.forge(fault);
            guarded.refused(&[LEDGER], words);
            guarded.reset(&tip);
        }
        // The same hand without a fault: what is refused is refused for its fault.
        guarded.forge(|_| {});
        guarded.accepted(&[LEDGER]);
    }
}

#[test]
fn a_founding_is_replayed() {
    for format in FORMATS {
        let guarded = Guarded::new(format);
        let tip = guarded.tip();
        guarded.graft("docket/append", None);
        guarded.refused(&[LEDGER], "append-record-missing");
        guarded.reset(&tip);
        guarded.refused(&[&format!("main:{LEDGER}")], "unexpected-path");
        guarded.accepted(&[LEDGER]);
    }
}

#[test]
fn inbox_and_quarantine_refs_are_made_and_bounded() {
    for format in FORMATS {
        let guarded = Guarded::with_a_build(format);
        let inbox = "refs/docket/inbox/0123-abcd";
        guarded.accepted(&[&format!("HEAD:{inbox}")]);
        guarded.world.commit("more", "more\n");
        guarded.refused(&[&format!("HEAD:{inbox}")], "made once and never moved");
        guarded.accepted(&[&format!(":{inbox}")]);
        let blob = guarded.world.git(&["rev-parse", "HEAD:README"]);
        guarded.refused(
            &[&format!("{}:refs/docket/inbox/blob", blob.trim())],
            "holds a commit of plain files",
        );
        guarded.refused(
            &["HEAD:refs/docket/inbox/a/b"],
            "holds a commit of plain files",
        );
        let repository = guarded.repository();
        let mut written = Written::default();
        let huge = flood(&repository, &mut written);
        guarded.refused(
            &[&format!("{}:refs/docket/inbox/huge", huge.hex())],
            "holds at most",
        );
        let kept = "refs/docket/quarantine/1";
        guarded.accepted(&[&format!("HEAD~1:{kept}")]);
        guarded.refused(&[&format!("HEAD:{kept}")], "never moved or deleted");
        guarded.refused(&[&format!(":{kept}")], "never moved or deleted");
    }
}

/// A commit of more files than an inbox ref may have.
fn flood(repository: &Repository, written: &mut Written) -> ObjectId {
    let blob = repository.write(ObjectKind::Blob, b"x", written).unwrap();
    let entry = |number: u32| Entry {
        name: number.to_string().into_bytes(),
        kind: EntryKind::File,
        id: blob,
    };
    let tree = repository
        .write_tree((0..10_001).map(entry).collect(), written)
        .unwrap();
    let raw = format!(
        "tree {}\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n",
        tree.hex()
    );
    repository
        .write(ObjectKind::Commit, raw.as_bytes(), written)
        .unwrap()
}

#[test]
fn a_mirror_moves_with_the_ledger_or_neither_moves() {
    for format in FORMATS {
        let guarded = Guarded::new(format);
        let server = guarded.server.display().to_string();
        let mirror = "refs/heads/docket-ledger";
        guarded
            .world
            .git(&["-C", &server, "config", "docket.mirror", mirror]);
        let both = format!("{LEDGER}:{mirror}");
        guarded.refused(&[LEDGER], "move together, to one commit");
        guarded.refused(&[&both], "move together, to one commit");
        guarded.accepted(&[LEDGER, &both]);
        guarded.record("build");
        guarded.refused(&[LEDGER, &format!("{LEDGER}~1:{mirror}")], "move together");
        guarded.accepted(&[LEDGER, &both]);
        guarded.refused(&[LEDGER, &format!(":{mirror}")], "move together");
    }
}

#[test]
fn push_moves_both_and_verify_compares_them() {
    for format in FORMATS {
        let guarded = Guarded::new(format);
        let world = &guarded.world;
        let server = guarded.server.display().to_string();
        let mirror = "refs/heads/docket-ledger";
        world.git(&["-C", &server, "config", "docket.mirror", mirror]);
        world.git(&["config", "docket.mirror", mirror]);
        guarded.accepted(&["main"]);
        for step in ["build", "test"] {
            guarded.record(step);
            world.docket_ok(&["push"]);
            let there = world.git(&["-C", &server, "rev-parse", LEDGER, mirror]);
            let own = guarded.tip();
            assert!(there.lines().all(|tip| tip == own), "{there}");
        }
        // Not pushed yet: ahead of the mirror, which is nothing to find.
        guarded.record("lint");
        world.docket_ok(&["verify"]);
        let whole = guarded.tip();
        let found = |code: i32, finding: &str| {
            let ran = world.docket(&["verify"]);
            assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
            assert!(ran.out.contains(&format!("[{finding}]")), "{}", ran.out);
        };
        // On the server, by hand, both the ledger and this memory of it taken back: a branch that moved on tells.
        fs::remove_dir_all(world.root().join("home/.local/state")).unwrap();
        guarded.reset(&format!("{whole}~2"));
        found(3, "mirror-ahead");
        guarded.record("other");
        found(4, "mirror-mismatch");
        guarded.reset(&whole);
        world.docket_ok(&["verify"]);
        world.docket_ok(&["push"]);
        world.git(&["config", "docket.mirror", "docket-ledger"]);
        let ran = world.docket(&["verify"]);
        assert_eq!(ran.code, 5, "{}", ran.out);
        assert!(ran.err.contains("not a branch such as"), "{}", ran.err);
    }
}

#[test]
fn a_recovery_goes_through_where_the_ledger_is_broken_and_nowhere_else() {
    for format in FORMATS {
        let guarded = Guarded::new(format);
        let world = &guarded.world;
        world.docket_ok(&["push"]);
        // On the server, by hand, past the hook.
        let server = guarded.server.display().to_string();
        let broken = |message: &str| {
            let annotated = world.git(&["-C", &server, "notes", "--ref", "docket", "list"]);
            let object = annotated
                .split_whitespace()
                .nth(1)
                .expect("a note")
                .to_owned();
            let append = ["notes", "--ref", "docket", "append", "-m", message, &object];
            world.git(&[&["-C", &server][..], &append].concat());
        };
        broken("by hand");
        let ran = world.docket(&["fetch"]);
        assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
        world.docket_ok(&["recover", "--reason", "a test"]);
        world.docket_ok(&["push"]);
        assert_eq!(
            world.git(&["-C", &server, "rev-parse", LEDGER]).trim(),
            guarded.tip()
        );
        world.docket_ok(&["verify"]);
        // Another break that this recovery says nothing of is not passed over by more entries and a seal.
        let sound = guarded.tip();
        broken("again");
        let tree = world.git(&["rev-parse", &format!("{sound}^{{tree}}")]);
        let there = world.git(&["-C", &server, "rev-parse", LEDGER]);
        world.git(&["fetch", "-q", &server, LEDGER]);
        let silent = world.git(&["commit-tree", tree.trim(), "-p", there.trim(), "-m", "x"]);
        let spec = format!("{}:{LEDGER}", silent.trim());
        guarded.refused(&[&spec], "altered or taken away");
    }
}

#[test]
fn an_inbox_and_its_fold_go_through() {
    for format in FORMATS {
        let guarded = Guarded::with_a_build(format);
        let world = &guarded.world;
        guarded.record("test");
        let push = world.docket(&["push", "--tries", "0"]);
        assert_eq!(push.code, 6, "{}{}", push.out, push.err);
        assert!(guarded.refs().contains("refs/docket/inbox/"));
        world.docket_ok(&["fold"]);
        assert!(!guarded.refs().contains("refs/docket/inbox/"));
        let server = guarded.server.display().to_string();
        let log = world.docket_ok(&["-C", &server, "log", "-o", "json"]);
        assert_eq!(log.lines().count(), 3, "{log}");
        // What the server will not take is its refusal, in its words, and no contention.
        guarded.forge(|it| it.signer = mallory());
        let push = world.docket(&["push"]);
        assert_eq!(push.code, 5, "{}{}", push.out, push.err);
        assert!(push.err.contains("key-unknown"), "{}", push.err);
    }
}

#[test]
fn people_who_run_the_hook_by_hand_are_told_so() {
    let guarded = Guarded::new("sha1");
    let ran = guarded.world.docket(&["hook", "pre-receive"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("git runs this hook"), "{}", ran.err);
}
