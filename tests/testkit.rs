//! The testkit: one file a fault, each with the findings that it must raise.
//!
//! A vector's header is lines `name: value` up to a blank line, then a ledger in the form
//! `docket-ledger/v1`:
//!
//! ```text
//! attack: the row of the attack table, or none
//! about: one line
//! question: ledger | commit <id>
//! verdict: pass | failed | undecided | broken
//! expect: the codes of every finding but notes, sorted; or none
//! ```
//!
//! `DOCKET_TESTKIT=write cargo test --test testkit` writes the vectors again; a released one never changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/forge.rs"]
mod forge;

use std::{collections::BTreeSet, fs, num::NonZeroUsize, path::PathBuf};

use data_encoding::BASE64;
use forge::{ADA, BEN, Forge, MALLORY, ON_P256, ON_P384, ORIGIN, commit, key, revoked, roster};
use git_docket::{
    digest::{Algorithm, ObjectId, Sha256},
    finding::{Code, Severity},
    ledger::{
        in_memory::{InMemory, Parts},
        snapshot::{TreeFault, TreeFaultKind},
    },
    verify::{self, CommitSubject, Outcome, Question, Request, Verdict},
};

struct Vector {
    name: &'static str,
    attack: &'static str,
    about: &'static str,
    commit: Option<u8>,
    expect: &'static str,
    parts: Parts,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/testkit")
}

fn judge(parts: Parts, question: Question, threads: usize) -> Outcome {
    let request = Request {
        question,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads: NonZeroUsize::new(threads).unwrap(),
        keep: git_docket::verify::Keep::Nothing,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    verify::verify(&InMemory::new(parts), &request).unwrap()
}

fn heavy_codes(outcome: &Outcome) -> Vec<&'static str> {
    let heavy = outcome
        .findings
        .iter()
        .filter(|finding| finding.severity() > Severity::Note);
    let codes: BTreeSet<_> = heavy.map(|finding| finding.code.as_str()).collect();
    codes.into_iter().collect()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Failed => "failed",
        Verdict::Undecided => "undecided",
        Verdict::Broken => "broken",
    }
}

#[test]
fn every_vector_raises_what_it_expects() {
    if std::env::var_os("DOCKET_TESTKIT").is_some_and(|value| value == "write") {
        write_vectors();
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let header = std::str::from_utf8(&bytes[..split]).unwrap();
        let field = |name: &str| {
            let line = header
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("{}: no {name}", path.display()))
        };
        let parts = Parts::parse(&bytes[split + 2..]).unwrap();
        assert_eq!(parts.render(), &bytes[split + 2..], "{}", path.display());
        let question = question(field("question"), &parts);
        let outcome = judge(parts.clone(), question.clone(), 1);
        let found = heavy_codes(&outcome).join(", ");
        let found = if found.is_empty() {
            "none".into()
        } else {
            found
        };
        let name = path.display();
        if found != field("expect") || word(outcome.verdict) != field("verdict") {
            let expected = field("expect");
            wrong.push(format!(
                "{name}\n  expected {expected}\n  found    {found}: {:?}",
                outcome.findings
            ));
        }
        let parallel = judge(parts, question, 4);
        assert_eq!(parallel.findings, outcome.findings, "{name}: threads");
        seen += 1;
    }
    assert_eq!(
        seen,
        vectors().len(),
        "vectors and files differ: write them again"
    );
}

#[test]
fn every_code_has_a_vector_or_stands_elsewhere() {
    // What needs a remote, a memory, a pin or two histories is tested where these are: tests/history.rs, and
    // tests/server_hook.rs for the mirror.
    let elsewhere = [
        Code::PinMismatch,
        Code::SecondGenesis,
        Code::Rollback,
        Code::Fork,
        Code::LandedTailReplaced,
        Code::MirrorMismatch,
        Code::MirrorAhead,
        Code::MirrorUnseen,
        // Needs a repository's tags: tests/typed_verbs.rs.
        Code::TagMoved,
        // Need a layout: tests/layouts.rs.
        Code::LayoutMalformed,
        Code::LayoutSignature,
        Code::LayoutExpired,
        Code::LayoutInspection,
        Code::LayoutLinksMissing,
        Code::LayoutLinksDiffer,
        Code::LayoutRule,
        Code::LayoutCommand,
        // Need certificates: tests/keyless.rs.
        Code::KeylessRefused,
        Code::IdentityUnknown,
        // Notes, which a vector's header does not list.
        Code::NoMemory,
        Code::Recovered,
        Code::FirstUse,
        Code::Unsealed,
        Code::Sha1Only,
        Code::GovernancePending,
        Code::AttestedAgain,
        Code::ForeignSigner,
    ];
    let covered: BTreeSet<_> = vectors()
        .iter()
        .flat_map(|vector| vector.expect.split(", "))
        .collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !elsewhere.contains(code) && !covered.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "codes without a vector: {missing:?}");
}

fn question(text: &str, parts: &Parts) -> Question {
    match text.strip_prefix("commit ") {
        None => Question::Ledger,
        Some(id) => {
            let id: ObjectId = id.parse().unwrap();
            let tree = (1..=9)
                .map(|number| commit(parts.algorithm(), number))
                .find(|commit| commit.id == id)
                .unwrap()
                .tree;
            Question::Commits(vec![CommitSubject { commit: id, tree }])
        }
    }
}

fn write_vectors() {
    fs::create_dir_all(folder()).unwrap();
    for vector in vectors() {
        let asked = match vector.commit {
            None => "ledger".into(),
            Some(number) => format!("commit {}", commit(vector.parts.algorithm(), number).id),
        };
        let outcome = judge(vector.parts.clone(), question(&asked, &vector.parts), 1);
        let mut text = format!(
            "attack: {}\nabout: {}\nquestion: {asked}\nverdict: {}\nexpect: {}\n\n",
            vector.attack,
            vector.about,
            word(outcome.verdict),
            vector.expect,
        )
        .into_bytes();
        text.extend(vector.parts.render());
        fs::write(folder().join(format!("{}.txt", vector.name)), text).unwrap();
    }
}

fn sound() -> Forge {
    Forge::sound(Algorithm::Sha1)
}

/// The sound ledger with `change` done to its parts.
fn altered(change: impl FnOnce(&mut Parts)) -> Parts {
    let mut parts = sound().parts();
    change(&mut parts);
    parts
}

fn note_of(parts: &mut Parts, number: u8) -> &mut Vec<u8> {
    let id = commit(parts.algorithm(), number).id;
    parts.notes.get_mut(&id).unwrap()
}

fn lines(note: &[u8]) -> Vec<Vec<u8>> {
    note.split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

fn replace(bytes: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    *bytes = text.replacen(from, to, 1).into_bytes();
}

fn file<'a>(parts: &'a mut Parts, name: &str) -> &'a mut Vec<u8> {
    parts.files.get_mut(name).unwrap()
}

/// Entries of the sound ledger, chosen anew and linked again, under records over the whole.
fn relinked(keep: &[usize]) -> Parts {
    let forge = sound();
    let whole = forge.parts();
    let mut chosen = forge.clone();
    chosen.planned = keep
        .iter()
        .map(|index| forge.planned[*index].clone())
        .collect();
    let mut parts = chosen.parts();
    parts.files = whole.files;
    parts
}

/// Entries of the sound ledger with the links that they have there.
fn kept(keep: &[usize]) -> Parts {
    let forge = sound();
    let links = forge.links();
    let chosen: Vec<_> = keep.iter().map(|index| links[*index].clone()).collect();
    let bodies: Vec<_> = keep
        .iter()
        .map(|index| forge.planned[*index].body.clone())
        .collect();
    let mut parts = forge.entries(&chosen, &bodies);
    parts.files = forge.parts().files;
    parts
}

fn with(change: impl FnOnce(&mut Forge)) -> Parts {
    let mut forge = sound();
    change(&mut forge);
    forge.parts()
}

/// A ledger in which a governance entry of commit 2 took effect.
fn governed(change: impl FnOnce(&mut Forge), roster: (usize, u8), policy: (usize, u8)) -> Parts {
    let mut forge = sound();
    change(&mut forge);
    let mut parts = forge.parts();
    parts.files = forge.records(&forge.links(), roster, policy);
    parts
}

fn vectors() -> Vec<Vector> {
    let mut all = Vec::new();
    let mut add = |name, attack, about, expect, parts| {
        all.push(Vector {
            name,
            attack,
            about,
            commit: None,
            expect,
            parts,
        });
    };
    let every = [0, 1, 2, 3, 4, 5, 6];

    add(
        "sound-sha1",
        "none",
        "a sound ledger",
        "none",
        sound().parts(),
    );
    add(
        "sound-sha256",
        "none",
        "a sound ledger in a SHA-256 repository",
        "none",
        Forge::sound(Algorithm::Sha256).parts(),
    );
    add(
        "flip-link",
        "1",
        "one digit of a link's time changed",
        "edge-mismatch, prev-mismatch, root-mismatch, seal-mismatch",
        altered(|p| {
            let note = note_of(p, 1);
            let mut all = lines(note);
            replace(&mut all[1], "T10:00:00Z", "T10:00:01Z");
            *note = all.concat();
        }),
    );
    add(
        "flip-attestation",
        "1",
        "one character of an attestation's signature changed",
        "attestation-digest",
        altered(|p| replace(note_of(p, 1), "\"sig\":\"", "\"sig\":\"A")),
    );
    add(
        "flip-last-link",
        "2",
        "one digit of the last link changed",
        "edge-mismatch, root-mismatch",
        altered(|p| {
            let note = note_of(p, 2);
            let mut all = lines(note);
            let last = all.len() - 1;
            replace(&mut all[last], "T10:00:00Z", "T10:00:01Z");
            *note = all.concat();
        }),
    );
    add(
        "delete-middle",
        "3",
        "an entry deleted",
        "edge-mismatch, root-mismatch, seal-mismatch, seq-gap, size-mismatch",
        kept(&[0, 1, 3, 4, 5, 6]),
    );
    add(
        "delete-and-relink",
        "4",
        "an entry deleted, the rest numbered and linked again",
        "edge-mismatch, root-mismatch, seal-mismatch, size-mismatch",
        relinked(&[0, 1, 3, 4, 5, 6]),
    );
    add(
        "tail-cut",
        "5",
        "the last entry cut off, the append record kept",
        "edge-mismatch, size-mismatch",
        kept(&[0, 1, 2, 3, 4, 5]),
    );
    add(
        "sealed-cut",
        "6",
        "sealed entries cut off, a valid append record over the rest",
        "edge-mismatch, seal-mismatch",
        {
            let mut forge = sound();
            let seal = forge.parts().files["seal"].clone();
            forge.planned.truncate(4);
            let mut parts = forge.parts();
            parts.files.insert("seal".into(), seal);
            parts
        },
    );
    add(
        "reorder-relinked",
        "8",
        "two entries in the other order, linked again",
        "edge-mismatch, root-mismatch, seal-mismatch",
        relinked(&[0, 2, 1, 3, 4, 5, 6]),
    );
    add(
        "reorder-lines",
        "8",
        "two lines of a note in the other order",
        "edge-mismatch, entry-grammar, root-mismatch, seal-mismatch, seq-gap, size-mismatch",
        altered(|p| {
            let note = note_of(p, 1);
            let mut all = lines(note);
            all.swap(1, 2);
            *note = all.concat();
        }),
    );
    add(
        "insert-backdated",
        "9",
        "an entry inserted in the past, the rest linked again",
        "edge-mismatch, root-mismatch, seal-mismatch, size-mismatch",
        {
            let mut forge = sound();
            let files = forge.parts().files;
            let mut extra = forge.clone();
            extra.step(1, "audit", BEN);
            forge.planned.insert(2, extra.planned.pop().unwrap());
            let mut parts = forge.parts();
            parts.files = files;
            parts
        },
    );
    add(
        "duplicate-line",
        "10",
        "a line stands twice",
        "entry-grammar",
        altered(|p| {
            let note = note_of(p, 2);
            let mut all = lines(note);
            all.push(all[all.len() - 1].clone());
            *note = all.concat();
        }),
    );
    add(
        "replay",
        "10",
        "a statement appended again by a valid writer",
        "replayed",
        with(|f| {
            let again = f.planned[1].clone();
            f.planned.push(again);
        }),
    );
    add(
        "rewrapped",
        "10",
        "a statement appended again as a bare envelope",
        "replayed",
        with(|f| {
            let mut again = f.planned[1].clone();
            let bundle: serde_json::Value = serde_json::from_slice(&again.body).unwrap();
            again.body = serde_json::to_vec(&bundle["dsseEnvelope"]).unwrap();
            f.planned.push(again);
        }),
    );
    add(
        "moved-to-commit",
        "11",
        "an attestation filed under another commit",
        "placement-mismatch",
        with(|f| f.attest(3, "build", "build", ORIGIN, 1, BEN, "clean")),
    );
    add(
        "moved-to-step",
        "11",
        "a lint result filed as e2e",
        "placement-mismatch",
        with(|f| f.attest(2, "e2e", "lint", ORIGIN, 2, BEN, "moved")),
    );
    add(
        "from-a-fork",
        "11",
        "an attestation of a fork that shares the commit",
        "placement-mismatch",
        with(|f| f.attest(2, "e2e", "e2e", "git.example.com/fork/app", 2, BEN, "clean")),
    );
    add(
        "foreign-statement",
        "11",
        "a statement without our annotations",
        "placement-missing",
        with(|f| {
            use git_docket::{
                attestation::Attestation,
                statement::{PredicateType, Statement},
            };
            let statement = Statement::new(
                vec![f.subject(2)],
                PredicateType::resolve("scai").unwrap(),
                serde_json::json!({"attributes": [{"attribute": "x"}]})
                    .as_object()
                    .unwrap()
                    .clone(),
            )
            .unwrap();
            let body = Attestation::sign(&statement, &key(BEN))
                .unwrap()
                .bytes()
                .to_vec();
            f.planned.push(forge::Planned {
                commit: 2,
                step: "e2e".into(),
                body,
            });
        }),
    );
    add(
        "subject-of-another",
        "11",
        "placed here, but about another commit",
        "subject-mismatch",
        with(|f| {
            use git_docket::statement::{PredicateType, Statement};
            let statement = Statement::new(
                vec![f.subject(3)],
                PredicateType::resolve("scai").unwrap(),
                serde_json::json!({"attributes": [{"attribute": "x"}]})
                    .as_object()
                    .unwrap()
                    .clone(),
            )
            .unwrap();
            f.plan(2, "e2e", statement, BEN);
        }),
    );
    add(
        "removed-writer",
        "14",
        "a writer that a newer roster removed goes on",
        "append-record-signer, key-out-of-range",
        governed(
            |f| {
                let mut less = roster();
                less.persons.truncate(1);
                f.publish_roster(less, 0, ADA);
                f.step(2, "late", BEN);
                f.last_append = 1;
            },
            (7, 2),
            (0, 1),
        ),
    );
    let with_ecdsa = |f: &mut Forge| {
        let mut more = roster();
        let keys = [ON_P256, ON_P384].map(|seed| key(seed).public().clone());
        let keys = keys.map(git_docket::statement::predicate::Key);
        more.persons[1].keys.extend(keys);
        f.publish_roster(more, 0, ADA);
        f.step(2, "late", ON_P256);
        f.step(2, "later", ON_P384);
        f.writer.1 = ON_P256;
    };
    add(
        "ecdsa",
        "none",
        "keys on P-256 and P-384, enrolled by a newer roster, sign entries and the append",
        "none",
        governed(with_ecdsa, (7, 2), (0, 1)),
    );
    add(
        "ecdsa-bad-signature",
        "27",
        "a signature by a key on P-384 that does not verify",
        "signature-invalid",
        governed(
            |f| {
                with_ecdsa(f);
                let last = f.planned.len() - 1;
                replace(
                    &mut f.planned[last].body,
                    "\"payload\":\"eyJ",
                    "\"payload\":\"eyK",
                );
            },
            (7, 2),
            (0, 1),
        ),
    );
    add(
        "ecdsa-append-forged",
        "2",
        "an append record whose signature is of its writer's other key",
        "append-record-signature",
        {
            let mut parts = governed(with_ecdsa, (7, 2), (0, 1));
            let sound = String::from_utf8(file(&mut parts, "append").clone()).unwrap();
            let forged = governed(
                |f| {
                    with_ecdsa(f);
                    f.writer.1 = ON_P384;
                },
                (7, 2),
                (0, 1),
            );
            let forged = String::from_utf8(forged.files["append"].clone()).unwrap();
            let raw = |note: &str| {
                let line = note.trim_end().rsplit(' ').next().unwrap().to_owned();
                (BASE64.decode(line.as_bytes()).unwrap(), line)
            };
            let ((own, line), (other, _)) = (raw(&sound), raw(&forged));
            let mixed = BASE64.encode(&[&own[..4], &other[4..]].concat());
            *file(&mut parts, "append") = sound.replace(&line, &mixed).into_bytes();
            parts
        },
    );
    add(
        "suspect-key",
        "14",
        "a key revoked as suspect since a seq",
        "key-revoked",
        governed(
            |f| {
                let mut less = roster();
                less.persons[1].keys = vec![git_docket::statement::predicate::Key(
                    key(3).public().clone(),
                )];
                less.revocations = vec![revoked(BEN, Some(5))];
                f.publish_roster(less, 0, ADA);
                f.writer = ("ada@example.com".into(), ADA);
            },
            (7, 2),
            (0, 1),
        ),
    );
    add(
        "suspect-key-attested-again",
        "14",
        "a step that another key attested again after the first was declared suspect",
        "none",
        governed(
            |f| {
                let mut less = roster();
                less.persons[1].keys = vec![git_docket::statement::predicate::Key(
                    key(3).public().clone(),
                )];
                less.revocations = vec![revoked(BEN, Some(5))];
                f.publish_roster(less, 0, ADA);
                f.writer = ("ada@example.com".into(), ADA);
                f.step(2, "scan", 3);
                f.step(2, "lint", 3);
                f.last_append = 2;
            },
            (7, 2),
            (0, 1),
        ),
    );
    add(
        "wrong-key-id",
        "15",
        "a known name with another key",
        "append-record-signer",
        with(|f| f.writer = ("ci@example.com".into(), MALLORY)),
    );
    add(
        "unknown-writer",
        "14",
        "an append record by nobody that the roster knows",
        "append-record-signer",
        with(|f| f.writer = ("mallory@example.com".into(), MALLORY)),
    );
    add(
        "append-record-forged",
        "2",
        "one size of the append record's body changed after signing",
        "append-record-signature, root-mismatch",
        altered(|p| {
            let note = file(p, "append");
            let text = String::from_utf8(note.clone()).unwrap();
            let line = text.lines().nth(2).unwrap();
            let (size, root) = line.split_once(' ').unwrap();
            let other: u64 = size.parse::<u64>().unwrap() - 1;
            *note = text
                .replacen(line, &format!("{other} {root}"), 1)
                .into_bytes();
        }),
    );
    add(
        "note-with-cr",
        "16",
        "CR LF in the append record",
        "append-record-grammar",
        altered(|p| {
            let note = file(p, "append");
            *note = String::from_utf8(note.clone())
                .unwrap()
                .replace('\n', "\r\n")
                .into_bytes();
        }),
    );
    add(
        "note-trailing",
        "16",
        "bytes after the append record",
        "append-record-grammar",
        altered(|p| file(p, "append").extend_from_slice(b"\n")),
    );
    add(
        "seal-leading-zero",
        "17",
        "a leading zero in the seal's size",
        "edge-mismatch, seal-grammar",
        altered(|p| replace(file(p, "seal"), "\n5\n", "\n05\n")),
    );
    add(
        "seal-sloppy-base64",
        "17",
        "a seal's root with other trailing bits",
        "edge-mismatch, seal-grammar",
        altered(|p| {
            let note = file(p, "seal");
            let text = String::from_utf8(note.clone()).unwrap();
            let root = text.lines().nth(2).unwrap().to_owned();
            let mut sloppy = root.clone().into_bytes();
            let at = sloppy.len() - 2;
            sloppy[at] += 1;
            *note = text
                .replacen(&root, std::str::from_utf8(&sloppy).unwrap(), 1)
                .into_bytes();
        }),
    );
    add(
        "seal-forged",
        "27",
        "a seal by another key",
        "seal-signature",
        with(|f| f.sealer = MALLORY),
    );
    add(
        "space-in-link",
        "20",
        "a space after a colon in a link",
        "edge-mismatch, entry-grammar, root-mismatch, seal-mismatch, seq-gap, size-mismatch",
        altered(|p| replace(note_of(p, 1), "\"seq\":1,", "\"seq\": 1,")),
    );
    add(
        "key-twice",
        "20",
        "a link with a key twice",
        "edge-mismatch, entry-grammar, root-mismatch, seal-mismatch, seq-gap, size-mismatch",
        altered(|p| {
            replace(
                note_of(p, 1),
                "{\"v\":1,\"seq\":1,",
                "{\"v\":1,\"seq\":1,\"seq\":1,",
            )
        }),
    );
    add(
        "merged",
        "22",
        "two parents: notes were merged",
        "ledger-merge",
        altered(|p| p.refs[0].1 = 2),
    );
    add(
        "edited",
        "22",
        "a word appended to a note by hand",
        "entry-grammar",
        altered(|p| note_of(p, 2).extend_from_slice(b"reviewed, looks fine\n")),
    );
    add(
        "pruned",
        "22",
        "the note of a commit pruned",
        "edge-mismatch, root-mismatch, seal-mismatch, seq-gap, size-mismatch, stray-body",
        altered(|p| {
            let id = commit(p.algorithm(), 2).id;
            p.notes.remove(&id);
        }),
    );
    let fault = |path: &str, kind| {
        altered(|p| {
            p.faults.push(TreeFault {
                path: path.into(),
                kind,
            })
        })
    };
    add(
        "duplicate-note",
        "23",
        "two paths name one object",
        "duplicate-note",
        fault("ab/cdef", TreeFaultKind::DuplicateNote),
    );
    add(
        "symlink",
        "24",
        "a symlink in the tree",
        "tree-mode",
        fault("docket/append", TreeFaultKind::Mode),
    );
    add(
        "huge",
        "24",
        "a blob above its limit",
        "object-too-large",
        fault("docket/blob/ab/cd", TreeFaultKind::TooLarge),
    );
    add(
        "keyless-append",
        "none",
        "an append record that a keyless writer signed",
        "append-record-keyless",
        fault("docket/append.sigstore.json", TreeFaultKind::KeylessAppend),
    );
    add(
        "foreign-path",
        "24",
        "a file that is neither a note nor ours",
        "unexpected-path",
        fault("README", TreeFaultKind::Foreign),
    );
    add(
        "reset",
        "25",
        "a ledger without genesis",
        "edge-mismatch, genesis-invalid",
        {
            let mut parts = relinked(&[1, 2]);
            parts.files.remove("seal");
            parts
        },
    );
    add(
        "foreign-key",
        "27",
        "an attestation by a key that nobody enrolled",
        "key-unknown",
        with(|f| f.step(2, "e2e", MALLORY)),
    );
    add(
        "not-opened",
        "25",
        "an entry before enough root keys signed the genesis",
        "not-opened",
        {
            let mut forge = sound();
            forge.planned.clear();
            forge.genesis(forge::POLICY, 2);
            forge.step(1, "build", BEN);
            (forge.sealed, forge.last_append) = (0, 2);
            forge.writer = ("ada@example.com".into(), ADA);
            forge.parts()
        },
    );
    add(
        "second-genesis-entry",
        "38",
        "a second genesis in the same chain",
        "governance-unauthorised",
        with(|f| f.genesis(forge::POLICY, 1)),
    );
    add(
        "weak-policy",
        "28",
        "a weaker policy by somebody who is no root key",
        "governance-unauthorised",
        with(|f| f.publish_policy("version = 1\n", 0, BEN)),
    );
    add(
        "in-force-lie",
        "28",
        "an append record that names a policy which never took effect",
        "governance-unauthorised, in-force-mismatch",
        governed(
            |f| f.publish_policy("version = 1\n", 0, BEN),
            (0, 1),
            (7, 2),
        ),
    );
    add(
        "wrong-role",
        "28",
        "a build attested by somebody without the role",
        "step-not-allowed",
        with(|f| f.attest(2, "build", "build", ORIGIN, 2, ADA, "mine")),
    );
    add(
        "edge-altered",
        "34",
        "the edge altered",
        "edge-mismatch",
        altered(|p| {
            let note = file(p, "edge");
            let text = String::from_utf8(note.clone()).unwrap();
            let hash = text.lines().nth(2).unwrap().to_owned();
            *note = text
                .replacen(&hash, &data_encoding::BASE64.encode(&[7; 32]), 1)
                .into_bytes();
        }),
    );
    add(
        "body-missing",
        "35",
        "a body removed, its link kept",
        "body-missing",
        altered(|p| p.bodies.clear()),
    );
    add(
        "body-misplaced",
        "35",
        "a small body in docket/blob",
        "body-misplaced",
        altered(|p| {
            let body = sound().planned[6].body.clone();
            let note = note_of(p, 2);
            let text = String::from_utf8(note.clone()).unwrap();
            let inline = format!(",\"attestation\":{}", std::str::from_utf8(&body).unwrap());
            assert!(text.contains(&inline));
            *note = text.replacen(&inline, "", 1).into_bytes();
            p.bodies.insert(Sha256::of(&body), body);
        }),
    );
    add(
        "stray-body",
        "35",
        "a body that no entry names",
        "stray-body",
        altered(|p| {
            p.bodies.insert(Sha256::of(b"stray"), b"stray".to_vec());
        }),
    );
    add(
        "kept-commit",
        "30",
        "a kept commit with other bytes",
        "kept-commit, tree-unproved",
        altered(|p| {
            let id = commit(p.algorithm(), 1).id;
            p.commits.insert(id, b"tree x\n".to_vec());
        }),
    );
    add(
        "no-append-record",
        "5",
        "the append record removed",
        "append-record-missing",
        altered(|p| drop(p.files.remove("append"))),
    );
    add(
        "other-origin",
        "25",
        "records of another ledger",
        "origin-mismatch",
        altered(|p| {
            let note = file(p, "seal");
            let seal = git_docket::ledger::Seal {
                origin: "git.example.com/other".parse().unwrap(),
                head: git_docket::ledger::seal::SignedSeal::parse(note)
                    .unwrap()
                    .unverified()
                    .head
                    .clone(),
            };
            *note = seal.sign(&key(forge::LEDGER)).unwrap().render();
        }),
    );
    add(
        "not-json",
        "1",
        "an attestation that is none, by a valid writer",
        "attestation-grammar",
        with(|f| {
            f.planned.push(forge::Planned {
                commit: 2,
                step: "e2e".into(),
                body: b"{}".to_vec(),
            });
        }),
    );
    add(
        "bad-signature",
        "27",
        "a signature that does not verify, in a sound chain",
        "signature-invalid",
        with(|f| {
            let mut bad = f.planned[1].clone();
            replace(&mut bad.body, "\"payload\":\"eyJ", "\"payload\":\"eyK");
            f.planned.push(bad);
        }),
    );
    add(
        "not-a-statement",
        "27",
        "a signed payload that is no statement",
        "statement-grammar",
        with(|f| {
            let body = forge_envelope(br#"{"hello":"world"}"#);
            f.planned.push(forge::Planned {
                commit: 2,
                step: "e2e".into(),
                body,
            });
        }),
    );
    add(
        "tree-unproved",
        "21",
        "no kept commit, and a statement that names no tree",
        "tree-unproved",
        with_artifact_only(),
    );
    add(
        "note-of-another",
        "11",
        "a note moved to another object",
        "note-mismatch",
        altered(|p| {
            let (from, to) = (commit(p.algorithm(), 2), commit(p.algorithm(), 3));
            let note = p.notes.remove(&from.id).unwrap();
            p.notes.insert(to.id, note);
        }),
    );
    add(
        "seq-duplicate",
        "10",
        "two entries of one seq",
        "edge-mismatch, seq-duplicate, size-mismatch",
        {
            let mut parts = kept(&every);
            let mut extra = sound();
            extra.step(3, "build", BEN);
            let mut link = extra.links()[7].clone();
            link.seq = 6;
            let body = extra.planned[7].body.clone();
            let third = commit(Algorithm::Sha1, 3);
            parts.notes.insert(
                third.id,
                git_docket::ledger::entry::render_line(&link, &body, 0).0,
            );
            parts.commits.insert(third.id, third.raw);
            parts
        },
    );
    add(
        "terminal-escape",
        "31",
        "a path that would move the cursor",
        "unexpected-path",
        fault("\u{1b}[2J", TreeFaultKind::Foreign),
    );

    let mut ask = |name, about, number, expect, parts| {
        all.push(Vector {
            name,
            attack: "none",
            about,
            commit: Some(number),
            expect,
            parts,
        });
    };
    ask(
        "step-passed",
        "a commit with its required step",
        1,
        "none",
        sound().parts(),
    );
    ask(
        "step-missing",
        "a commit without its required step",
        3,
        "step-missing",
        with(|f| f.step(3, "test", BEN)),
    );
    ask(
        "no-entries",
        "a commit that nobody recorded anything about",
        4,
        "no-entries, step-missing",
        sound().parts(),
    );
    ask(
        "step-failed",
        "a required step that failed",
        3,
        "step-failed",
        failed_build(),
    );
    all
}

/// An envelope by the builder around any payload.
fn forge_envelope(payload: &[u8]) -> Vec<u8> {
    use git_docket::envelope::{Bundle, pae};
    let payload_type = "application/vnd.in-toto+json";
    let signature = key(BEN).sign(&pae(payload_type, payload)).unwrap();
    let bundle = Bundle::new(
        payload_type,
        payload.to_vec(),
        key(BEN).public().id(),
        signature,
    );
    bundle.unwrap().to_json().unwrap().into_bytes()
}

fn with_artifact_only() -> Parts {
    use git_docket::statement::{PredicateType, Statement, Subject};
    let mut forge = sound();
    let predicate = serde_json::json!({"attributes": [{"attribute": "x"}]});
    let statement = Statement::new(
        vec![Subject::artifact("app", &Sha256::of(b"app"))],
        PredicateType::resolve("scai").unwrap(),
        predicate.as_object().unwrap().clone(),
    );
    forge.plan(3, "e2e", statement.unwrap(), BEN);
    let mut parts = forge.parts();
    let id = commit(parts.algorithm(), 3).id;
    parts.commits.remove(&id);
    parts
}

fn failed_build() -> Parts {
    use git_docket::statement::{PredicateType, Statement};
    let mut forge = sound();
    forge.planned.clear();
    forge.genesis(&forge::POLICY.replace("scai", "link"), 1);
    let predicate = serde_json::json!({"name": "build", "byproducts": {"return-value": 1}});
    let statement = Statement::new(
        vec![forge.subject(3)],
        PredicateType::resolve("link").unwrap(),
        predicate.as_object().unwrap().clone(),
    );
    forge.plan(3, "build", statement.unwrap(), BEN);
    (forge.sealed, forge.last_append) = (1, 1);
    forge.parts()
}
