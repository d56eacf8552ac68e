//! The ledger's ref and tree, held against stock git.

#![cfg(feature = "program")]

mod common;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;

use common::world::World;
use git_docket::digest::{Algorithm, ObjectId, ObjectKind, Sha256};
use git_docket::git::{self, Moved, RefName, Repository};
use git_docket::ledger::snapshot::{Snapshot as _, TreeFaultKind};
use git_docket::store::{Author, Change, Error, RECORD_LIMIT, Stored, Tip};
use git_docket::timestamp::Timestamp;

const FORMATS: [(&str, Algorithm); 2] = [("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256)];

fn name() -> RefName {
    "refs/notes/docket".parse().expect("a ref name")
}

fn open(folder: &Path) -> Repository {
    Repository::discover(folder).expect("a repository")
}

fn author() -> Author {
    Author {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        time: Timestamp::from_unix(1_795_341_600).expect("a time"),
    }
}

/// An id that need not name anything.
fn object(algorithm: Algorithm, number: usize) -> ObjectId {
    let content = number.to_le_bytes();
    ObjectId::of_object(algorithm, ObjectKind::Blob, &content).expect("no collision")
}

fn note(object: ObjectId, text: &str) -> Change {
    Change {
        notes: BTreeMap::from([(object, text.as_bytes().to_vec())]),
        ..Change::default()
    }
}

fn land(repository: &Repository, change: &Change) -> Moved {
    let tip = Tip::read(repository, &name()).expect("readable");
    tip.land(change, &author(), "test").expect("written").0
}

fn stored(repository: &Repository) -> Stored {
    Stored::read(repository, &name())
        .expect("readable")
        .expect("a ledger")
}

fn all(repository: &Repository) -> BTreeMap<ObjectId, String> {
    let stored = stored(repository);
    assert_eq!(stored.shape().faults, []);
    let mut reader = stored.reader();
    let read = |(at, id): (usize, &ObjectId)| {
        let bytes = reader.note(at).expect("readable");
        (*id, String::from_utf8(bytes).expect("text"))
    };
    stored.notes().iter().enumerate().map(read).collect()
}

/// Runs git with something on its standard input; returns the one line it says.
fn feed(world: &World, arguments: &[&str], input: &[u8]) -> String {
    let mut child = world
        .command("git")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git can be started");
    let mut pipe = child.stdin.take().expect("it was asked for");
    pipe.write_all(input).expect("git reads");
    drop(pipe);
    let out = child.wait_with_output().expect("git ends");
    assert!(out.status.success());
    String::from_utf8(out.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

fn blob(world: &World, content: &[u8]) -> String {
    feed(world, &["hash-object", "-w", "--stdin"], content)
}

/// Makes a tree of `mode kind id<TAB>name` lines the root of the ledger.
fn plant(world: &World, lines: &str) {
    let tree = feed(world, &["mktree", "--missing"], lines.as_bytes());
    let commit = feed(world, &["commit-tree", &tree], b"planted\n");
    world.git(&["update-ref", "refs/notes/docket", &commit]);
}

fn beside(world: &World, folder: &str) -> PathBuf {
    world.root().join(folder)
}

#[test]
fn stock_git_reads_what_we_write_and_keeps_it_through_gc() {
    for (format, algorithm) in FORMATS {
        let world = World::with_format(format);
        world.commit("README", "hello\n");
        world.git(&["notes", "--ref", "other", "add", "-m", "theirs"]);
        world.git(&["notes", "add", "-m", "everybody's"]);
        let others =
            ["refs/notes/other", "refs/notes/commits"].map(|name| world.git(&["rev-parse", name]));
        let repository = open(&world.repo());
        let body = b"a body".to_vec();
        for number in 0..30 {
            let mut change = note(object(algorithm, number), &format!("note {number}\n"));
            change.append = Some(format!("{number}\n").into_bytes());
            change.blobs.insert(Sha256::of(&body), body.clone());
            assert_eq!(land(&repository, &change), Moved::Yes);
        }
        let before = all(&repository);
        assert_eq!(before.len(), 30);
        world.git(&["fsck", "--strict"]);
        world.git(&["gc", "-q", "--prune=now"]);
        assert!(
            !world.repo().join(".git/refs/notes/docket").exists(),
            "the ref is packed"
        );

        // The handle from before and a new one both find the packs.
        assert_eq!(all(&repository), before);
        let repository = open(&world.repo());
        assert_eq!(all(&repository), before);
        assert_eq!(
            land(&repository, &note(object(algorithm, 30), "after\n")),
            Moved::Yes
        );
        let tip = Tip::read(&repository, &name()).expect("readable");
        assert_eq!(
            tip.record("append").expect("readable").as_deref(),
            Some(b"29\n".as_slice())
        );
        assert_eq!(tip.blob(&Sha256::of(&body)).expect("readable"), Some(body));

        let listed = world.git(&["notes", "--ref", "docket", "list"]);
        assert_eq!(listed.lines().count(), 31);
        let hex = object(algorithm, 7).hex();
        assert_eq!(
            world.git(&[
                "cat-file",
                "blob",
                &format!(
                    "refs/notes/docket:{}/{}/{}",
                    &hex[..2],
                    &hex[2..4],
                    &hex[4..]
                )
            ]),
            "note 7\n"
        );
        let parents = world.git(&[
            "rev-list",
            "--min-parents=2",
            "--count",
            "refs/notes/docket",
        ]);
        assert_eq!(parents.trim(), "0");
        let now =
            ["refs/notes/other", "refs/notes/commits"].map(|name| world.git(&["rev-parse", name]));
        assert_eq!(now, others);
    }
}

#[test]
fn worktrees_bare_repositories_alternates_and_shallow_clones_are_read_and_written() {
    for (format, algorithm) in FORMATS {
        let world = World::with_format(format);
        world.commit("README", "hello\n");
        let at = |folder: &str| beside(&world, folder).display().to_string();
        world.git(&["worktree", "add", "-q", "-b", "side", &at("linked")]);
        let linked = open(&beside(&world, "linked"));
        for number in 0..3 {
            let text = format!("{number}\n");
            assert_eq!(
                land(&linked, &note(object(algorithm, number), &text)),
                Moved::Yes
            );
        }
        let main = open(&world.repo());
        assert_eq!(
            main.common_dir().canonicalize().ok(),
            linked.common_dir().canonicalize().ok()
        );
        let written = all(&main);
        assert_eq!((written.len(), &written), (3, &all(&linked)));

        world.git(&["clone", "-q", "--mirror", ".", &at("bare.git")]);
        let bare = open(&beside(&world, "bare.git"));
        assert_eq!((bare.work_dir(), all(&bare)), (None, written.clone()));
        assert_eq!(
            land(&bare, &note(object(algorithm, 3), "bare\n")),
            Moved::Yes
        );

        world.git(&[
            "clone",
            "-q",
            "--shared",
            "--mirror",
            ".",
            &at("shared.git"),
        ]);
        let shared = open(&beside(&world, "shared.git"));
        assert_eq!(all(&shared), written);
        assert_eq!(
            land(&shared, &note(object(algorithm, 0), "0\n1\n")),
            Moved::Yes
        );
        assert_eq!(all(&shared)[&object(algorithm, 0)], "0\n1\n");
        world.git(&["-C", &at("shared.git"), "fsck", "--strict"]);

        let url = format!("file://{}", world.repo().display());
        world.git(&["clone", "-q", "--depth=1", &url, &at("shallow")]);
        world.git(&[
            "-C",
            &at("shallow"),
            "fetch",
            "-q",
            "--depth=1",
            "origin",
            "refs/notes/docket:refs/notes/docket",
        ]);
        let shallow = open(&beside(&world, "shallow"));
        assert!(shallow.is_shallow());
        assert_eq!(
            (all(&shallow), stored(&shallow).shape().commits.len()),
            (written, 1)
        );
        assert_eq!(
            land(&shallow, &note(object(algorithm, 9), "9\n")),
            Moved::Yes
        );
        assert_eq!(stored(&shallow).shape().commits.len(), 2);
    }
}

#[test]
fn a_submodule_has_a_ledger_of_its_own() {
    let world = World::new();
    let at = |folder: &str| beside(&world, folder).display().to_string();
    world.git(&["clone", "-q", ".", &at("library")]);
    let allowed = ["-c", "protocol.file.allow=always", "submodule", "add", "-q"];
    world.git(&[&allowed[..], &[&at("library"), "lib"]].concat());
    let inner = open(&world.repo().join("lib"));
    let target = object(Algorithm::Sha1, 1);
    assert_eq!(land(&inner, &note(target, "inner\n")), Moved::Yes);
    assert_eq!(all(&inner).len(), 1);
    let outer = Stored::read(&open(&world.repo()), &name()).expect("readable");
    assert!(outer.is_none());
    let listed = world.git(&["-C", "lib", "notes", "--ref", "docket", "list"]);
    assert!(listed.contains(&target.hex()));
}

#[test]
fn what_stock_git_does_to_our_notes_is_read_and_our_records_stay() {
    for (format, algorithm) in FORMATS {
        let world = World::with_format(format);
        let commit = world.commit("README", "hello\n");
        let target = ObjectId::from_hex(algorithm, &commit).expect("an id");
        let repository = open(&world.repo());
        let notes = (0..300).map(|number| (object(algorithm, number), b"x\n".to_vec()));
        let many = Change {
            notes: notes.collect(),
            append: Some(b"record\n".to_vec()),
            ..Change::default()
        };
        assert_eq!(land(&repository, &many), Moved::Yes);
        assert_eq!(land(&repository, &note(target, "ours\n")), Moved::Yes);
        world.git(&["notes", "--ref", "docket", "append", "-m", "theirs"]);
        assert_eq!(all(&repository)[&target], "ours\n\ntheirs\n");
        world.git(&["notes", "--ref", "docket", "remove"]);
        assert!(!all(&repository).contains_key(&target));
        let append = stored(&repository).shape().append.clone();
        assert_eq!(append.as_deref(), Some(b"record\n".as_slice()));
    }
}

#[test]
fn a_touched_note_is_folded_and_all_else_keeps_its_entry() {
    for (format, algorithm) in FORMATS {
        let world = World::with_format(format);
        let repository = open(&world.repo());
        let blob = blob(&world, b"by hand\n");
        let entry = |name: &str| format!("100644 blob {blob}\t{name}\n");
        // One note at each depth: ab/cd/ef/<rest>, ab/<rest> and <rest>.
        let (deep, mid, flat) = (
            object(algorithm, 1),
            object(algorithm, 2),
            object(algorithm, 3),
        );
        let nested = |hex: &str, depth: usize| {
            let mut line = entry(&hex[2 * depth..]);
            for level in (0..depth).rev() {
                let tree = feed(&world, &["mktree"], line.as_bytes());
                line = format!("040000 tree {tree}\t{}\n", &hex[2 * level..2 * level + 2]);
            }
            line
        };
        let foreign = format!("100664 blob {blob}\tgroup\n120000 blob {blob}\tlink\n");
        let lines = [
            nested(&deep.hex(), 3),
            nested(&mid.hex(), 1),
            nested(&flat.hex(), 0),
            foreign.clone(),
        ];
        plant(&world, &lines.concat());
        let found = stored(&repository);
        assert_eq!((found.notes().len(), found.misplaced_notes()), (3, 3));
        assert!(
            found
                .shape()
                .faults
                .iter()
                .all(|fault| fault.kind == TreeFaultKind::Foreign)
        );
        assert_eq!(found.shape().faults.len(), 2);
        let tip = Tip::read(&repository, &name()).expect("readable");
        for object in [deep, mid, flat] {
            assert_eq!(
                tip.note(&object).expect("readable").as_deref(),
                Some(b"by hand\n".as_slice())
            );
        }
        for (left, object) in [(2, deep), (1, flat), (0, mid)] {
            assert_eq!(land(&repository, &note(object, "ours\n")), Moved::Yes);
            let found = stored(&repository);
            assert_eq!((found.notes().len(), found.misplaced_notes()), (3, left));
        }
        let root = world.git(&["cat-file", "tree", "refs/notes/docket^{tree}"]);
        let kept = root.contains("100664 group\0") && root.contains("120000 link\0");
        assert!(kept, "modes that git writes no more are kept too");
    }
}

#[test]
fn two_notes_about_one_object_are_a_fault_and_never_written_over() {
    let world = World::with_format("sha1");
    let repository = open(&world.repo());
    let target = object(Algorithm::Sha1, 1);
    let hex = target.hex();
    let blob = blob(&world, b"one\n");
    let below = feed(
        &world,
        &["mktree"],
        format!("100644 blob {blob}\t{}\n", &hex[2..]).as_bytes(),
    );
    plant(
        &world,
        &format!(
            "100644 blob {blob}\t{hex}\n040000 tree {below}\t{}\n",
            &hex[..2]
        ),
    );
    let kinds: Vec<_> = stored(&repository)
        .shape()
        .faults
        .iter()
        .map(|fault| fault.kind)
        .collect();
    assert_eq!(kinds, [TreeFaultKind::DuplicateNote]);
    let tip = Tip::read(&repository, &name()).expect("readable");
    assert!(matches!(
        tip.note(&target),
        Err(Error::DuplicateNote { .. })
    ));
    let landed = tip.land(&note(target, "two\n"), &author(), "test");
    assert!(matches!(landed, Err(Error::DuplicateNote { .. })));
}

#[test]
fn hostile_trees_neither_exhaust_nor_fool_the_reader() {
    let world = World::with_format("sha1");
    let repository = open(&world.repo());
    let blob_id = blob(&world, b"x\n");

    // Sixteen folders that are one and the same, fifteen levels deep: 16^15 paths in sixteen objects.
    let mut tree = feed(
        &world,
        &["mktree"],
        format!("100644 blob {blob_id}\tff\n").as_bytes(),
    );
    for _ in 0..15 {
        let lines: String = (0..16)
            .map(|at| format!("040000 tree {tree}\t{at:02x}\n"))
            .collect();
        tree = feed(&world, &["mktree"], lines.as_bytes());
    }
    let commit = feed(&world, &["commit-tree", &tree], b"bomb\n");
    world.git(&["update-ref", "refs/notes/docket", &commit]);
    let found = stored(&repository);
    let faults = &found.shape().faults;
    assert_eq!(faults.len(), 15 * 15 + 1);
    assert!(
        faults
            .iter()
            .all(|fault| fault.kind == TreeFaultKind::Foreign)
    );

    // Deeper than an id has digits.
    let mut line = format!("100644 blob {blob_id}\tff\n");
    for _ in 0..40 {
        let tree = feed(&world, &["mktree"], line.as_bytes());
        line = format!("040000 tree {tree}\taa\n");
    }
    plant(&world, &line);
    let found = stored(&repository);
    let faults = &found.shape().faults;
    assert_eq!(
        (faults.len(), faults[0].kind, found.notes().len()),
        (1, TreeFaultKind::Foreign, 0)
    );

    // A record above its limit is a fault, and we write none.
    let large = vec![b'x'; RECORD_LIMIT as usize + 1];
    let large_id = blob(&world, &large);
    let docket = feed(
        &world,
        &["mktree"],
        format!("100644 blob {large_id}\tappend\n").as_bytes(),
    );
    plant(&world, &format!("040000 tree {docket}\tdocket\n"));
    let found = stored(&repository);
    assert_eq!(
        (found.shape().faults[0].kind, &found.shape().append),
        (TreeFaultKind::TooLarge, &None)
    );
    let change = Change {
        append: Some(large),
        ..Change::default()
    };
    let tip = Tip::read(&repository, &name()).expect("readable");
    assert!(matches!(
        tip.land(&change, &author(), "test"),
        Err(Error::TooLarge { .. })
    ));

    // A folder where a record should stand is not written over.
    let folder = feed(
        &world,
        &["mktree"],
        format!("040000 tree {docket}\tappend\n").as_bytes(),
    );
    plant(&world, &format!("040000 tree {folder}\tdocket\n"));
    let tip = Tip::read(&repository, &name()).expect("readable");
    let change = Change {
        append: Some(b"x\n".to_vec()),
        ..Change::default()
    };
    assert!(matches!(
        tip.land(&change, &author(), "test"),
        Err(Error::NotAFile { .. })
    ));

    // What the tree names and the repository lacks is an error that names the path, never an absence.
    let hex = object(Algorithm::Sha1, 5).hex();
    plant(
        &world,
        &format!("100644 blob {}\t{hex}\n", object(Algorithm::Sha1, 6).hex()),
    );
    let missing = Stored::read(&repository, &name())
        .map(|_| ())
        .expect_err("a note is missing");
    assert!(matches!(missing, Error::Missing { path, .. } if path == hex));
}

#[test]
fn replacement_refs_do_not_change_what_is_read() {
    let world = World::with_format("sha1");
    let target = object(Algorithm::Sha1, 1);
    let repository = open(&world.repo());
    assert_eq!(land(&repository, &note(target, "true\n")), Moved::Yes);
    let (real, fake) = (blob(&world, b"true\n"), blob(&world, b"fake\n"));
    world.git(&["replace", &real, &fake]);
    let commit = world.git(&["rev-parse", "refs/notes/docket"]);
    let tree = feed(&world, &["mktree"], b"");
    let other = feed(&world, &["commit-tree", &tree], b"empty\n");
    world.git(&["replace", commit.trim(), &other]);
    assert_eq!(world.git(&["cat-file", "blob", &real]), "fake\n");
    assert_eq!(
        all(&open(&world.repo())),
        BTreeMap::from([(target, "true\n".to_owned())])
    );
}

#[test]
fn of_writers_that_race_from_one_tip_exactly_one_wins() {
    const WRITERS: usize = 6;
    let world = World::with_format("sha1");
    for round in 0..8 {
        let start = Barrier::new(WRITERS);
        let won: Vec<Moved> = thread::scope(|scope| {
            let race = |writer: usize| {
                let repository = open(&world.repo());
                let tip = Tip::read(&repository, &name()).expect("readable");
                let change = note(object(Algorithm::Sha1, round * WRITERS + writer), "won\n");
                start.wait();
                tip.land(&change, &author(), "race").expect("git answers").0
            };
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| scope.spawn(move || race(writer)))
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().expect("no panic"))
                .collect()
        });
        assert_eq!(
            won.iter().filter(|moved| **moved == Moved::Yes).count(),
            1,
            "{won:?}"
        );
        assert_eq!(all(&open(&world.repo())).len(), round + 1);
    }
}

#[test]
fn writers_that_try_again_lose_nothing() {
    const WRITERS: usize = 16;
    const APPENDS: usize = 5;
    let world = World::with_format("sha1");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let repo = world.repo();
            scope.spawn(move || {
                let repository = open(&repo);
                for append in 0..APPENDS {
                    let change = note(object(Algorithm::Sha1, writer * APPENDS + append), "x\n");
                    while land(&repository, &change) == Moved::Elsewhere {}
                }
            });
        }
    });
    let repository = open(&world.repo());
    assert_eq!(all(&repository).len(), WRITERS * APPENDS);
    assert_eq!(stored(&repository).shape().commits.len(), WRITERS * APPENDS);
    world.git(&["fsck", "--strict"]);
}

#[test]
fn a_lock_left_behind_is_named() {
    let world = World::with_format("sha1");
    let repository = open(&world.repo());
    let target = object(Algorithm::Sha1, 1);
    assert_eq!(land(&repository, &note(target, "one\n")), Moved::Yes);
    let stale = world.repo().join(".git/refs/notes/docket.lock");
    std::fs::write(&stale, "").expect("written");
    let tip = Tip::read(&repository, &name()).expect("readable");
    match tip.land(&note(target, "one\ntwo\n"), &author(), "test") {
        Err(Error::Git(git::Error::Locked { lock, .. })) => {
            assert_eq!(lock.canonicalize().ok(), stale.canonicalize().ok());
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(&stale).expect("removed");
    assert_eq!(land(&repository, &note(target, "one\ntwo\n")), Moved::Yes);
}

#[test]
fn a_ref_storage_that_cannot_be_read_is_no_empty_repository() {
    let world = World::new();
    world.write(
        ".git/config",
        "[core]\nrepositoryFormatVersion = 1\n[extensions]\nrefStorage = reftable\n",
    );
    match Repository::discover(&world.repo()) {
        Err(git::Error::RefStorage { storage }) => assert_eq!(storage, "reftable"),
        other => panic!("{other:?}"),
    }
}

/// One append, for the tests that start this program again from outside.
#[test]
#[ignore = "a part of other tests"]
fn one_append() {
    let repository = open(Path::new("."));
    let target = object(repository.algorithm(), 1);
    assert_eq!(land(&repository, &note(target, "one\n")), Moved::Yes);
    println!("reported");
}

const ONE_APPEND: [&str; 4] = ["--exact", "one_append", "--ignored", "--nocapture"];

#[test]
fn a_relative_git_dir_counts_as_it_does_for_git() {
    let mut world = World::new();
    world.write("below/file", "");
    world.set("GIT_DIR", "../.git");
    world.set("GIT_WORK_TREE", "..");
    let program = std::env::current_exe().expect("a test is a program");
    let mut append = world.command(program);
    append
        .args(ONE_APPEND)
        .current_dir(world.repo().join("below"));
    let ran = world.ran(&append.output().expect("it can be started"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(all(&open(&world.repo())).len(), 1);
}

/// Everything that an append points to is synced before the ref moves, and the ref before it is reported.
#[test]
fn an_append_is_on_disk_before_it_is_reported() {
    let world = World::new();
    let trace = beside(&world, "trace");
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,write";
    let mut traced = world.command("strace");
    traced
        .args(["-f", "-y", "-s", "256", "-o"])
        .arg(&trace)
        .args(["-e", calls])
        .arg(std::env::current_exe().expect("a test is a program"))
        .args(ONE_APPEND);
    match traced.output() {
        Ok(output) if output.status.success() => {}
        _ => {
            eprintln!("skipped: strace cannot be used here");
            return;
        }
    }
    let trace = std::fs::read_to_string(trace).expect("text");
    let lines: Vec<&str> = trace.lines().collect();
    let first = |what: &dyn Fn(&str) -> bool, from: usize| {
        let at = lines[from..].iter().position(|line| what(line));
        at.map(|at| at + from)
            .unwrap_or_else(|| panic!("not in the trace:\n{trace}"))
    };
    // One that failed would have been reported as such.
    let is_sync = |line: &str| line.contains("sync(");
    let moved = first(
        &|line| line.contains("rename") && line.contains("docket.lock"),
        0,
    );
    let reported = first(&|line| line.contains("reported"), moved);
    let locked = |line: &str| is_sync(line) && line.contains("docket.lock>");
    assert!(first(&locked, 0) < moved);
    let folder = |line: &str| is_sync(line) && line.contains("refs/notes>");
    assert!(first(&folder, moved) < reported);

    let objects = world.git(&["rev-list", "--objects", "refs/notes/docket"]);
    let ids: Vec<&str> = objects
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(ids.len(), 5, "a commit, three trees and a note");
    for id in ids {
        let (shard, rest) = id.split_at(2);
        let name = format!("objects/{shard}/{rest}\"");
        let there = first(&|line| line.contains("rename") && line.contains(&name), 0);
        // File and folder in any order: both are on disk before the ref moves.
        let file = format!("objects/{shard}/{rest}>");
        let synced = first(&|line| is_sync(line) && line.contains(&file), there);
        let folder = format!("objects/{shard}>");
        let named = first(&|line| is_sync(line) && line.contains(&folder), there);
        assert!(synced < moved && named < moved, "{id}");
    }
    let all = first(&|line| is_sync(line) && line.contains(".git/objects>"), 0);
    assert!(all < moved);
}

#[test]
fn lines_meet_where_git_says_that_they_do() {
    for format in ["sha1", "sha256"] {
        let world = World::with_format(format);
        let first = world.commit("first", "1\n");
        let second = world.commit("second", "2\n");
        world.git(&["switch", "-q", "-c", "other", &first]);
        let other = world.commit("other", "3\n");
        world.git(&["merge", "-q", "-m", "merge", &second]);
        let merge = world.git(&["rev-parse", "HEAD"]).trim().to_owned();
        world.git(&["switch", "-q", "--orphan", "alone"]);
        let alone = world.commit("alone", "4\n");
        let repository = open(&world.repo());
        let id = |hex: &str| ObjectId::from_hex(repository.algorithm(), hex).expect("an id");
        let met = |a: &str, b: &str| repository.meeting(&id(a), &id(b)).map(|id| id.hex());
        assert_eq!(met(&first, &second), Some(first.clone()));
        assert_eq!(met(&second, &first), Some(first.clone()));
        assert_eq!(met(&second, &other), Some(first.clone()));
        assert_eq!(met(&second, &second), Some(second.clone()));
        assert_eq!(met(&merge, &second), None, "a merge is git's to follow");
        assert_eq!(met(&alone, &second), None);
        let is = |old: &str, new: &str| repository.is_ancestor(&id(old), &id(new)).expect("told");
        assert!(is(&first, &second) && is(&second, &merge) && is(&other, &merge));
        assert!(!is(&second, &first) && !is(&other, &second) && !is(&alone, &merge));
        assert!(!is(&merge, &second));
    }
}
