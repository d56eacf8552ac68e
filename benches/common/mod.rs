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
    statement::{
        Placement, PredicateType, Statement, Subject,
        predicate::{Genesis, Key, PolicyText, Roster},
    },
};
use serde_json::Value;

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

/// What a ledger is of: its genesis, and for each commit the attestations of a pipeline, with their steps.
pub trait Content {
    /// A name for the folder.
    fn name(&self) -> &'static str;

    /// The genesis.
    fn genesis(&mut self, first: &Project) -> Vec<u8>;

    /// At most so many attestations about a commit.
    fn pipeline(&mut self, commit: &Project, most: u64) -> Vec<(&'static str, Vec<u8>)>;
}

/// A repository with a ledger of so many entries, in-toto links all of them, made where it is not there yet.
pub fn repository(entries: u64) -> PathBuf {
    of(entries, &mut Links(Random(SEED)))
}

/// A repository with a ledger of so many entries of that content, made where it is not there yet.
pub fn of(entries: u64, content: &mut dyn Content) -> PathBuf {
    let name = format!("{}-{entries}-{SEED}", content.name());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
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
    let genesis = write_ledger(entries, content, &mut out);
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

/// A commit of the project: one file that holds its number.
pub struct Project {
    pub n: u64,
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parent: Option<ObjectId>,
    raw: String,
    text: String,
}

/// Commit number `n`.
fn project(n: u64, before: Option<&ObjectId>) -> Project {
    let hash = |kind, bytes: &[u8]| ObjectId::of_object(Algorithm::Sha1, kind, bytes).unwrap();
    let text = n.to_string();
    let blob = hash(ObjectKind::Blob, text.as_bytes());
    let tree = hash(ObjectKind::Tree, &[b"100644 n\0", blob.as_bytes()].concat());
    let who = format!("{WHO} {} +0000", time(n));
    let parent = before.map_or(String::new(), |parent| format!("parent {}\n", parent.hex()));
    let raw = format!(
        "tree {}\n{parent}author {who}\ncommitter {who}\n\nchange {n}\n",
        tree.hex()
    );
    Project {
        n,
        parent: before.copied(),
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
fn write_ledger(entries: u64, content: &mut dyn Content, out: &mut impl Write) -> Sha256 {
    let origin: Origin = forge::ORIGIN.parse().unwrap();
    let mut edge = Edge::empty();
    let mut prev = origin.genesis_prev();
    let (mut seq, mut n) = (0, 0);
    let mut parent: Option<ObjectId> = None;
    let mut genesis = None;
    let mut seal = None;
    while seq < entries {
        let commit = project(n, parent.as_ref());
        let mut bodies = Vec::new();
        if seq == 0 {
            bodies.push(("genesis", content.genesis(&commit)));
        }
        let most = entries - seq - bodies.len() as u64;
        bodies.extend(content.pipeline(&commit, most));
        let last = seq + bodies.len() as u64 == entries;
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
        for (step, body) in bodies {
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

/// In-toto links with two materials and a product, of about 1.3 KB once signed; 2 to 8 a commit.
struct Links(Random);

impl Content for Links {
    fn name(&self) -> &'static str {
        "ledger"
    }

    fn genesis(&mut self, first: &Project) -> Vec<u8> {
        let policy = "version = 1\nprotected = [\"refs/heads/main\"]\n";
        genesis(first, forge::roster(), policy)
    }

    fn pipeline(&mut self, commit: &Project, most: u64) -> Vec<(&'static str, Vec<u8>)> {
        let steps = STEPS[..(2 + self.0.next() % 7).min(most) as usize].iter();
        steps
            .map(|step| (*step, link(commit, step, &mut self.0)))
            .collect()
    }
}

/// A genesis with this roster and policy.
pub fn genesis(first: &Project, roster: Roster, policy: &str) -> Vec<u8> {
    let name = forge::ORIGIN.parse().unwrap();
    let ledger_key = VerifierKey::new(name, forge::key(forge::LEDGER).public());
    let genesis = Genesis {
        origin: forge::ORIGIN.into(),
        root_keys: vec![Key(forge::key(forge::ADA).public().clone())],
        threshold: 1,
        ledger_key: ledger_key.to_string().parse().unwrap(),
        roster,
        policy: PolicyText::new(policy),
        continuity: Vec::new(),
        from: None,
    };
    let subject = Subject::commit(&first.id, &first.tree);
    let statement = Statement::of(vec![subject], &genesis).unwrap();
    sign(statement, first, "genesis", forge::ADA)
}

fn link(commit: &Project, step: &str, random: &mut Random) -> Vec<u8> {
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
    attest(
        commit,
        step,
        "link",
        Some((product, digest)),
        predicate,
        forge::BEN,
    )
}

/// A signed statement about a commit, and an artifact.
pub fn attest(
    commit: &Project,
    step: &str,
    kind: &str,
    artifact: Option<(String, Sha256)>,
    predicate: Value,
    seed: u8,
) -> Vec<u8> {
    let mut subjects = vec![Subject::commit(&commit.id, &commit.tree)];
    subjects.extend(artifact.map(|(name, digest)| Subject::artifact(name, &digest)));
    let kind = PredicateType::resolve(kind).unwrap();
    let statement = Statement::new(subjects, kind, predicate.as_object().unwrap().clone());
    sign(statement.unwrap(), commit, step, seed)
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
