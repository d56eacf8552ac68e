//! What every benchmark needs: a large ledger that is the same each time, and ratios.
//!
//! The ledger is what a busy project would have after years: a first-parent line of commits; for each a
//! pipeline that appended 2 to 8 attestations of about 1.3 KB at once, as one commit of the notes ref with its
//! append record; sealed at the end but for the last pipeline. It is written through the package's own formats
//! into `git fast-import`, packed as git packs, kept in the target folder, and made from a seed: nothing in it
//! depends on the day.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each benchmark uses its own part; one that cannot go on stops where it stands"
)]

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use git_docket::{
    attestation::Attestation,
    digest::{Algorithm, ObjectId, ObjectKind, Sha256},
    ledger::{
        AppendRecord, Edge, InForce, Link, Mark, Origin, Seal, TreeHead, entry, note::VerifierKey,
        path::NotePath,
    },
    statement::{Placement, PredicateType, Statement, Subject},
};

#[path = "../../tests/common/forge.rs"]
pub mod forge;

const SEED: u64 = 20_261_123;
const WHO: &str = "CI <ci@example.com>";
const STEPS: [&str; 8] = [
    "build", "test", "scan", "lint", "review", "e2e", "package", "publish",
];

/// Generators of random numbers have to stay the same for ever here; this is SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn hex(&mut self) -> String {
        (0..4).map(|_| format!("{:016x}", self.next())).collect()
    }
}

/// A repository with a ledger of so many entries, made where it is not there yet.
pub fn repository(entries: u64) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ledger-{entries}-{SEED}"));
    if folder.join("done").exists() {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let began = Instant::now();
    eprintln!("making a ledger of {entries} entries");
    git(&folder, &["init", "-q", "-b", "main"]);
    for (key, value) in [("user.name", "CI"), ("user.email", "ci@example.com")] {
        git(&folder, &["config", key, value]);
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufWriter::new(import.stdin.take().unwrap());
    let genesis = write_ledger(entries, &mut out);
    out.flush().unwrap();
    drop(out);
    assert!(import.wait().unwrap().success());
    git(&folder, &["reset", "-q", "--hard"]);
    let generated = ["update-ref", "refs/docket/generated", "refs/notes/docket"];
    git(&folder, &generated);
    git(&folder, &["repack", "-adfq", "--window=10"]);
    let pem = forge::key(forge::BEN).to_pkcs8_pem(None).unwrap();
    write_private(&folder.join("key.pem"), pem.as_bytes());
    fs::write(folder.join("pin.toml"), pin(&genesis)).unwrap();
    fs::write(folder.join("done"), "").unwrap();
    eprintln!("made in {:.0?}", began.elapsed());
    folder
}

#[cfg(unix)]
fn write_private(path: &Path, content: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(content).unwrap();
}

struct Project {
    id: ObjectId,
    tree: ObjectId,
    raw: String,
    text: String,
}

/// Commit number `n` of the project: one file that holds `n`.
fn project(n: u64, parent: Option<&ObjectId>) -> Project {
    let hash = |kind, bytes: &[u8]| ObjectId::of_object(Algorithm::Sha1, kind, bytes).unwrap();
    let text = n.to_string();
    let blob = hash(ObjectKind::Blob, text.as_bytes());
    let tree = hash(ObjectKind::Tree, &[b"100644 n\0", blob.as_bytes()].concat());
    let who = format!("{WHO} {} +0000", time(n));
    let parent = parent.map_or(String::new(), |parent| format!("parent {}\n", parent.hex()));
    let raw = format!(
        "tree {}\n{parent}author {who}\ncommitter {who}\n\nchange {n}\n",
        tree.hex()
    );
    Project {
        id: hash(ObjectKind::Commit, raw.as_bytes()),
        tree,
        raw,
        text,
    }
}

fn time(n: u64) -> u64 {
    1_500_000_000 + n * 60
}

fn pin(genesis: &Sha256) -> String {
    let ledger_key = forge::key(forge::LEDGER);
    let ledger_key = VerifierKey::new(forge::ORIGIN.parse().unwrap(), ledger_key.public());
    format!(
        "version = 1\n[pin]\norigin = \"{}\"\ngenesis = \"{genesis}\"\nledger-key = \"{ledger_key}\"\n",
        forge::ORIGIN
    )
}

/// Writes it, and says which leaf its genesis is.
fn write_ledger(entries: u64, out: &mut impl Write) -> Sha256 {
    let origin: Origin = forge::ORIGIN.parse().unwrap();
    let mut random = Random(SEED);
    let mut edge = Edge::empty();
    let mut prev = origin.genesis_prev();
    let (mut seq, mut n) = (0, 0);
    let mut parent: Option<ObjectId> = None;
    let mut genesis = None;
    let mut seal = None;
    while seq < entries {
        let commit = project(n, parent.as_ref());
        let pipeline = (2 + random.next() % 7).min(entries - seq);
        let last = seq + pipeline == entries;
        let old = head(&edge);
        if last && seq > 0 {
            let signed = Seal {
                origin: origin.clone(),
                head: head(&edge),
            };
            seal = Some(signed.sign(&forge::key(forge::LEDGER)).unwrap().render());
            edge = edge.seal().unwrap();
        }
        let mut note = Vec::new();
        for step in &STEPS[..pipeline as usize] {
            let (step, body) = match seq {
                0 => ("genesis", genesis_body(&commit)),
                _ => (*step, body(&commit, step, &mut random)),
            };
            let link = Link {
                seq,
                prev,
                commit: commit.id,
                tree: commit.tree,
                time: "2026-11-22T10:00:00Z".parse().unwrap(),
                step: step.parse().unwrap(),
                attestation: Sha256::of(&body),
            };
            prev = link.leaf();
            edge.push(prev);
            note.extend(entry::render_line(&link, &body, note.len()).0);
            if seq == 0 {
                genesis = Some((prev, NotePath::of(commit.id)));
            }
            seq += 1;
        }
        let (leaf, path) = genesis.unwrap();
        let mark = || Mark { seq: 0, leaf };
        let record = AppendRecord {
            origin: origin.clone(),
            old,
            new: head(&edge),
            last_leaf: prev,
            roster: mark(),
            policy: mark(),
        };
        let writer = "ci@example.com".parse().unwrap();
        let append = record
            .sign(&writer, &forge::key(forge::BEN))
            .unwrap()
            .render();
        let in_force = InForce {
            roster: path,
            policy: path,
        };
        let at = NotePath::of(commit.id).to_string();
        let mut files = vec![
            (at.clone(), note),
            (format!("docket/commit/{at}"), commit.raw.into_bytes()),
            ("docket/append".into(), append),
            ("docket/edge".into(), edge.render().into_bytes()),
            ("docket/in-force".into(), in_force.render().into_bytes()),
        ];
        files.extend(seal.take().map(|seal| ("docket/seal".into(), seal)));
        import(
            out,
            "refs/heads/main",
            n,
            &[("n".into(), commit.text.into())],
        );
        import(out, "refs/notes/docket", n, &files);
        parent = Some(commit.id);
        n += 1;
    }
    genesis.unwrap().0
}

fn import(out: &mut impl Write, name: &str, n: u64, files: &[(String, Vec<u8>)]) {
    let message = format!("change {n}\n");
    let (time, length) = (time(n), message.len());
    writeln!(
        out,
        "commit {name}\ncommitter {WHO} {time} +0000\ndata {length}\n{message}"
    )
    .unwrap();
    for (path, content) in files {
        writeln!(out, "M 100644 inline {path}\ndata {}", content.len()).unwrap();
        out.write_all(content).unwrap();
        writeln!(out).unwrap();
    }
    writeln!(out).unwrap();
}

fn head(edge: &Edge) -> TreeHead {
    match edge.size() {
        0 => TreeHead::empty(),
        size => TreeHead {
            size,
            root: edge.root().unwrap(),
        },
    }
}

fn genesis_body(commit: &Project) -> Vec<u8> {
    let mut forge = forge::Forge::sound(Algorithm::Sha1);
    forge.planned.clear();
    forge.genesis("version = 1\nprotected = [\"refs/heads/main\"]\n", 1);
    let body = forge.planned.remove(0).body;
    let statement = Attestation::parse(body).unwrap();
    let statement = statement.unverified_statement().unwrap();
    let subject = Subject::commit(&commit.id, &commit.tree);
    let statement = Statement::new(
        vec![subject],
        statement.predicate_type().clone(),
        statement.predicate().clone(),
    );
    sign(statement.unwrap(), commit, "genesis", forge::ADA)
}

/// An in-toto link with two materials and a product, of about 1.3 KB once signed.
fn body(commit: &Project, step: &str, random: &mut Random) -> Vec<u8> {
    let product = format!("target/release/{step}");
    let material =
        |name: &str, hex: String| serde_json::json!({"name": name, "digest": {"sha256": hex}});
    let predicate = serde_json::json!({
        "name": step,
        "command": ["make", step],
        "materials": [material("Cargo.lock", random.hex())],
        "byproducts": {"return-value": 0, "startedOn": "2026-11-22T09:58:00Z", "finishedOn": "2026-11-22T10:00:00Z"},
    });
    let digest = Sha256::of(random.hex().as_bytes());
    let subjects = vec![
        Subject::commit(&commit.id, &commit.tree),
        Subject::artifact(product, &digest),
    ];
    let kind = PredicateType::resolve("link").unwrap();
    let statement = Statement::new(subjects, kind, predicate.as_object().unwrap().clone());
    sign(statement.unwrap(), commit, step, forge::BEN)
}

fn sign(statement: Statement, commit: &Project, step: &str, seed: u8) -> Vec<u8> {
    let placed = statement.placed(&Placement {
        origin: forge::ORIGIN.into(),
        step: step.parse().unwrap(),
        commit: commit.id,
    });
    let attestation = Attestation::sign(&placed, &forge::key(seed)).unwrap();
    attestation.bytes().to_vec()
}

/// Runs git there; it must succeed.
pub fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

/// Runs each contender so many times in turn, so that what disturbs the machine disturbs all of them, and gives
/// the median of each.
pub fn side_by_side<const N: usize>(
    rounds: usize,
    mut contenders: [&mut dyn FnMut() -> Duration; N],
) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            times.push(contender());
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// How long something took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed(), result)
}

/// One line of the result: what was held against what, the ratio, the target.
pub fn report(what: &str, ours: Duration, theirs: Duration, target: f64) {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let verdict = if ratio <= target { "met" } else { "MISSED" };
    println!(
        "{what}: {ours:.2?} against {theirs:.2?}, ratio {ratio:.2}, target {target:.2}: {verdict}"
    );
}

/// The number of entries asked for by `DOCKET_BENCH_ENTRIES`, or 100,000.
pub fn entries() -> u64 {
    std::env::var("DOCKET_BENCH_ENTRIES").map_or(100_000, |text| text.parse().unwrap())
}
