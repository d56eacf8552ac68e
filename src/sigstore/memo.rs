//! What one trusted root has verified before, so that a replay verifies each chain and each checkpoint once.
//!
//! What is remembered is the outcome of a pure function, by SHA-256 of all that it depends on beside the root: memory
//! changes no verdict, in whatever order bundles come and on however many threads.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp as Time;

use super::Refusal;
use crate::digest::Sha256;

/// What was verified, by what it was about.
#[derive(Default)]
pub(super) struct Memo {
    checkpoints: Mutex<HashMap<Sha256, bool>>,
    certificate_timestamps: Mutex<HashMap<Sha256, Result<(), Refusal>>>,
    paths: Mutex<HashMap<Sha256, Vec<Path>>>,
}

/// A path from a certificate to an anchor that was found to hold.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// From when to when every certificate of the path is valid.
    holds: (Time, Time),
    issuer: Vec<u8>,
}

impl Path {
    /// The validity that all certificates of the path share, and the issuer's key.
    pub(super) fn new(holds: (Time, Time), issuer: Vec<u8>) -> Self {
        Self { holds, issuer }
    }

    /// What a path depends on: the certificate, those that came with it, and the anchors that may end it.
    pub(super) fn key(leaf: &[u8], sent: &[&[u8]], anchors: &[usize]) -> Sha256 {
        let anchors: Vec<u8> = anchors.iter().flat_map(|at| at.to_be_bytes()).collect();
        digest([leaf, &anchors].into_iter().chain(sent.iter().copied()))
    }
}

impl Memo {
    /// Whether a log's signature holds over a checkpoint: log, signed bytes, signature.
    pub(super) fn checkpoint(&self, parts: [&[u8]; 3], holds: impl FnOnce() -> bool) -> bool {
        once(&self.checkpoints, digest(parts), holds)
    }

    /// Whether a certificate's embedded timestamp holds: the certificate, its issuer's key.
    pub(super) fn certificate_timestamp(
        &self,
        parts: [&[u8]; 2],
        holds: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        once(&self.certificate_timestamps, digest(parts), holds)
    }

    /// The issuer's key of a path found before that holds at this time.
    pub(super) fn path(&self, key: &Sha256, time: Time) -> Option<Vec<u8>> {
        let paths = lock(&self.paths);
        let holds = |path: &&Path| path.holds.0 <= time && time <= path.holds.1;
        let found = paths.get(key)?.iter().find(holds)?;
        Some(found.issuer.clone())
    }

    /// A path was found.
    pub(super) fn found(&self, key: Sha256, path: Path) {
        lock(&self.paths).entry(key).or_default().push(path);
    }
}

/// Computed outside the lock: two threads may both do it, and come to the same.
fn once<V: Clone>(
    known: &Mutex<HashMap<Sha256, V>>,
    key: Sha256,
    compute: impl FnOnce() -> V,
) -> V {
    if let Some(value) = lock(known).get(&key) {
        return value.clone();
    }
    let value = compute();
    lock(known).insert(key, value.clone());
    value
}

fn lock<K: Eq + Hash, V>(map: &Mutex<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of parts with their lengths before them, so that no two lists of parts are the same bytes.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Sha256 {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    Sha256::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        let all = [
            digest([&b"ab"[..], b"c"]),
            digest([&b"a"[..], b"bc"]),
            digest([&b"abc"[..]]),
        ];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }

    #[test]
    fn a_path_holds_in_its_own_time_alone() {
        let at = |second| Time::from_second(second).expect("in range");
        let memo = Memo::default();
        let key = Path::key(b"leaf", &[], &[0]);
        memo.found(key, Path::new((at(10), at(20)), b"key".to_vec()));
        assert_eq!(memo.path(&key, at(10)).as_deref(), Some(&b"key"[..]));
        assert_eq!(memo.path(&key, at(20)).as_deref(), Some(&b"key"[..]));
        assert_eq!(memo.path(&key, at(9)), None);
        assert_eq!(memo.path(&key, at(21)), None);
        assert_eq!(memo.path(&Path::key(b"leaf", &[], &[1]), at(15)), None);
    }

    #[test]
    fn what_is_remembered_is_not_computed_again() {
        let memo = Memo::default();
        let parts = [&b"log"[..], b"body", b"signature"];
        assert!(!memo.checkpoint(parts, || false));
        assert!(!memo.checkpoint(parts, || true));
        assert!(memo.checkpoint([b"log", b"body", b"another"], || true));
    }
}
