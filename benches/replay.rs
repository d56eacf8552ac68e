//! Full strict replay of a large ledger against the bare signature verifications that it contains, on the same
//! threads, in the same run; and the memory that the replay takes, in a process of its own.
//!
//! `cargo bench --bench replay`

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on stops where it stands"
)]

mod common;

use std::{
    fs,
    num::NonZeroUsize,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use common::{forge, report, side_by_side, timed};
use git_docket::{
    attestation::Attestation,
    git::Repository,
    ledger::{Snapshot, entry::Lines},
    signing::PublicKey,
    store::Stored,
    verify::{self, Outcome, Question, Request, Verdict},
};

fn main() {
    let entries = common::entries();
    if let Some(folder) = std::env::args().skip_while(|a| a != "--memory").nth(1) {
        return memory(Path::new(&folder));
    }
    let folder = common::repository(entries);
    let threads = std::thread::available_parallelism().unwrap();
    println!("{entries} entries, {threads} threads");

    let signatures = signatures(&folder);
    let bytes: usize = signatures.iter().map(|(pae, _, _)| pae.len()).sum();
    println!("mean signed statement: {} bytes", bytes / signatures.len());
    for threads in [threads, NonZeroUsize::MIN] {
        let [ours, raw] = side_by_side(
            3,
            [&mut || timed(|| replay(&folder, threads)).0, &mut || {
                raw(&signatures, threads)
            }],
        );
        report(
            &format!("replay, {threads} threads, against raw verifications"),
            ours,
            raw,
            1.25,
        );
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .arg("--memory")
        .arg(&folder)
        .status()
        .unwrap();
    assert!(status.success());
}

fn replay(folder: &Path, threads: NonZeroUsize) -> Outcome {
    let repository = Repository::discover(folder).unwrap();
    let name = "refs/notes/docket".parse().unwrap();
    let stored = Stored::read(&repository, &name).unwrap().unwrap();
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads,
        keep: git_docket::verify::Keep::Nothing,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    let outcome = verify::verify(&stored, &request).unwrap();
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    outcome
}

/// Every signature of the ledger: what it is over, itself, its key.
fn signatures(folder: &Path) -> Vec<(Vec<u8>, Vec<u8>, PublicKey)> {
    let repository = Repository::discover(folder).unwrap();
    let name = "refs/notes/docket".parse().unwrap();
    let stored = Stored::read(&repository, &name).unwrap().unwrap();
    let keys = [forge::ADA, forge::BEN].map(|seed| forge::key(seed).public().clone());
    let mut reader = stored.reader();
    let mut all = Vec::new();
    for index in 0..stored.notes().len() {
        let note = reader.note(index).unwrap();
        for line in Lines::of(&note) {
            let body = line.unwrap().body.unwrap().to_vec();
            let attestation = Attestation::parse(body).unwrap();
            let id = attestation.key_id().unwrap();
            let key = keys.iter().find(|key| key.id() == id).unwrap();
            let sig = attestation.envelope().signatures()[0].sig.clone();
            all.push((attestation.pae().to_vec(), sig, key.clone()));
        }
    }
    all
}

fn raw(signatures: &[(Vec<u8>, Vec<u8>, PublicKey)], threads: NonZeroUsize) -> Duration {
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let start = next.fetch_add(256, Ordering::Relaxed);
            if start >= signatures.len() {
                return;
            }
            for (message, sig, key) in signatures.iter().skip(start).take(256) {
                key.verify(message, sig).unwrap();
            }
        }
    };
    timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..threads.get() {
                scope.spawn(work);
            }
        });
    })
    .0
}

/// Replays once and says how much memory of its own it took at the most: pages of mapped files (the pack) belong
/// to the system.
fn memory(folder: &Path) {
    static PEAK: AtomicU64 = AtomicU64::new(0);
    std::thread::spawn(|| {
        loop {
            PEAK.fetch_max(anonymous(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let outcome = replay(folder, std::thread::available_parallelism().unwrap());
    let peak = PEAK.fetch_max(anonymous(), Ordering::Relaxed) as f64 / 1024.0;
    let entries = outcome.heads.landed.size;
    // 64 MB for 100,000 entries, 300 MB for 1,000,000.
    let target = 64.0 + (entries.saturating_sub(100_000)) as f64 / 900_000.0 * 236.0;
    let verdict = if peak <= target { "met" } else { "MISSED" };
    println!("memory of the replay: {peak:.1} MiB, target {target:.0}: {verdict}");
}

/// Anonymous memory now, in KiB (Linux).
fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
