//! What was in force when: roster, policy and ledger key by seq, replayed from the ledger itself.
//!
//! Entries of the governance steps are taken in order of seq. The genesis brings root keys, threshold, and
//! the first roster, policy and ledger key; it is signed by one of the root keys. A change is an entry by a
//! root key; further root keys sign it with `cosign` entries. It takes effect after the entry that
//! completes the threshold, and that entry and all before it are judged by the old state. A roster or
//! policy must name the one that it replaces, so that a change made against an older state is not taken
//! for one of this. The ledger key changes with the threshold, the new key's signature, and the old key's
//! unless it is declared lost. k signatures are those of k root keys.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::examine::Record;
use serde_json::Value;

use crate::{
    attestation::{Attestation, VerifiedStatement},
    canonical,
    digest::{ObjectId, Sha256},
    finding::{Code, Finding, chain},
    ledger::{Mark, Origin, note::VerifierKey},
    policy::Policy,
    roster::Roster,
    signing::{KeyId, PublicKey},
    statement::predicate::{
        self, Cosign, Genesis, LedgerKey, PolicyText, Predicate as _, Reference,
    },
};

/// What is in force from some seq on.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The roster.
    pub roster: Arc<Roster>,
    /// Where it stands.
    pub roster_mark: Mark,
    /// The policy.
    pub policy: Arc<Policy>,
    /// Where it stands.
    pub policy_mark: Mark,
    /// SHA-256 of the policy's text.
    pub policy_digest: Sha256,
    /// The key that signs seals.
    pub ledger_key: VerifierKey,
    /// The attestation that brought the roster, and the one that brought the policy.
    pub previous: Previous,
    /// The notes in which roster and policy stand.
    pub commits: (ObjectId, ObjectId),
}

/// The attestations that a change must name as what it replaces.
#[derive(Clone, Copy, Debug)]
pub struct Previous {
    /// The roster's.
    pub roster: Sha256,
    /// The policy's.
    pub policy: Sha256,
}

/// A genesis or a change that lacks signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its entry.
    pub seq: u64,
    /// Its attestation, which a `cosign` names.
    pub attestation: Sha256,
    /// Its step: `genesis`, `roster`, `policy` or `ledger-key`.
    pub step: &'static str,
    /// The keys that have signed it.
    pub signers: BTreeSet<KeyId>,
    /// The keys whose signature it can use: the root keys, and for a ledger key the old and the new one.
    pub wanted: BTreeSet<KeyId>,
    /// How many root keys must sign.
    pub threshold: usize,
}

impl Waiting {
    /// How many signatures it has that it can use.
    pub fn signed(&self) -> usize {
        self.signers.intersection(&self.wanted).count()
    }
}

/// The states of a ledger, by the first seq that each judges.
#[derive(Clone, Debug)]
pub struct Timeline {
    states: Vec<(u64, InForce)>,
    root_keys: BTreeSet<KeyId>,
    waiting: Vec<Waiting>,
    completed: Vec<Completed>,
    threshold: usize,
}

/// A change of roster, policy or ledger key that came into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Its entry.
    pub seq: u64,
    /// `roster`, `policy` or `ledger-key`.
    pub step: &'static str,
    /// What an approval of it covers: SHA-256 of the policy's text, or of the canonical JSON (RFC 8785) of the
    /// roster without `previous`; of the attestation, for a ledger key.
    pub document: Sha256,
    /// The root key that signed it first.
    pub signer: KeyId,
}

impl Timeline {
    /// What judges the entry at `seq`.
    pub fn at(&self, seq: u64) -> &InForce {
        let after = self.states.partition_point(|(from, _)| *from <= seq);
        &self.states[after.saturating_sub(1)].1
    }

    /// Every state, first to last, with the first seq that it judges.
    pub fn states(&self) -> &[(u64, InForce)] {
        &self.states
    }

    /// What lacks signatures, by seq.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// What came into force after the genesis, by seq.
    pub fn completed(&self) -> &[Completed] {
        &self.completed
    }

    /// By how many root keys a change must be signed.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// Whether a key is one of the root keys.
    pub fn is_root(&self, key: &KeyId) -> bool {
        self.root_keys.contains(key)
    }
}

/// What replay of the governance entries yields. Without a sound genesis there is no timeline, and nothing
/// in the ledger can be judged.
pub(super) struct Replay {
    pub(super) origin: Option<Origin>,
    pub(super) timeline: Option<Timeline>,
    pub(super) findings: Vec<Finding>,
    /// Every key that any state names, by id.
    pub(super) keys: HashMap<KeyId, PublicKey>,
    /// Where each protected ref stood at the genesis.
    pub(super) continuity: Vec<predicate::Continuity>,
}

/// Replays `entries`, the attestations of governance steps by seq, whose links are among `records` (sorted
/// by seq).
pub(super) fn replay(entries: &BTreeMap<u64, Attestation>, records: &[Record]) -> Replay {
    let mut replay = Replay {
        origin: None,
        timeline: None,
        findings: Vec::new(),
        keys: HashMap::new(),
        continuity: Vec::new(),
    };
    let first = entries.first_key_value().filter(|(seq, _)| **seq == 0);
    let record = records.first().filter(|record| record.seq == 0);
    let (Some((_, attestation)), Some(record)) = (first, record) else {
        replay.findings.push(Finding::new(
            Code::GenesisInvalid,
            "there is no genesis at seq 0",
        ));
        return replay;
    };
    let mut ledger = match open(attestation, record) {
        Ok(ledger) => ledger,
        Err(detail) => {
            replay
                .findings
                .push(Finding::at(Code::GenesisInvalid, 0, record.commit, detail));
            return replay;
        }
    };
    for (seq, attestation) in entries.range(1..) {
        if let Some(record) = record_at(records, *seq) {
            ledger.entry(attestation, record);
        }
    }
    if let Some(opened) = ledger.opened_at {
        let early = records
            .iter()
            .filter(|record| record.seq > 0 && record.seq <= opened);
        for record in early.filter(|record| !ledger.opening.contains(&record.seq)) {
            ledger.findings.push(Finding::at(
                Code::NotOpened,
                record.seq,
                record.commit,
                format!("the genesis was complete only at seq {opened}"),
            ));
        }
    }
    ledger.finish(&mut replay, records);
    replay
}

struct Ledger {
    origin: Origin,
    threshold: usize,
    genesis: Sha256,
    keys: HashMap<KeyId, PublicKey>,
    states: Vec<(u64, InForce)>,
    root_keys: BTreeSet<KeyId>,
    genesis_signers: BTreeSet<KeyId>,
    opened_at: Option<u64>,
    opening: BTreeSet<u64>,
    pending: BTreeMap<Sha256, Pending>,
    completed: Vec<Completed>,
    continuity: Vec<predicate::Continuity>,
    findings: Vec<Finding>,
}

struct Pending {
    change: Change,
    signer: KeyId,
    seq: u64,
    commit: ObjectId,
    leaf: Sha256,
    attestation: Sha256,
    signers: BTreeSet<KeyId>,
}

enum Change {
    Roster {
        roster: Box<Roster>,
        document: Sha256,
        previous: Option<Reference>,
    },
    Policy {
        policy: Box<Policy>,
        digest: Sha256,
        previous: Option<Reference>,
    },
    LedgerKey {
        old: Box<VerifierKey>,
        new: Box<VerifierKey>,
        lost: bool,
    },
}

fn record_at(records: &[Record], seq: u64) -> Option<&Record> {
    let index = records
        .binary_search_by_key(&seq, |record| record.seq)
        .ok()?;
    records.get(index)
}

// The genesis is the one statement that is read before its signature holds: the keys to hold it against
// stand in it. It convinces nobody by that; a pin, or what was seen before, does.
fn open(attestation: &Attestation, record: &Record) -> Result<Ledger, String> {
    let text = |error: &dyn std::error::Error| chain(error);
    let claimed = attestation.unverified_statement().map_err(|e| text(&e))?;
    let genesis: Genesis = claimed.decode().map_err(|e| text(&e))?;
    let origin: Origin = genesis
        .origin
        .parse()
        .map_err(|e: crate::ledger::origin::OriginError| text(&e))?;
    let signer = attestation.key_id().ok_or("it names no key")?;
    let key = genesis
        .root_keys
        .iter()
        .find(|key| key.0.id() == signer)
        .ok_or_else(|| format!("it is signed by {signer}, which is none of its root keys"))?;
    let verified = attestation.verify(&key.0).map_err(|e| text(&e))?;
    place(&verified, &origin, "genesis", record)
        .map_err(|what| format!("it says another {what}"))?;
    if record.prev != origin.genesis_prev() {
        return Err("its link does not begin the chain of its origin".into());
    }
    let ledger_key: VerifierKey = genesis
        .ledger_key
        .as_str()
        .parse()
        .map_err(|e: crate::ledger::note::NoteError| text(&e))?;
    let roster = Roster::from_predicate(&genesis.roster).map_err(|e| text(&e))?;
    let policy = Policy::from_predicate(&genesis.policy).map_err(|e| text(&e))?;
    let mark = Mark {
        seq: 0,
        leaf: record.leaf,
    };
    let mut keys: HashMap<_, _> = genesis
        .root_keys
        .iter()
        .map(|key| (key.0.id(), key.0.clone()))
        .collect();
    keys.extend(roster.keys().map(|(key, _)| (key.id(), key.clone())));
    keys.insert(ledger_key.key().id(), ledger_key.key().clone());
    let threshold = genesis.threshold as usize;
    Ok(Ledger {
        threshold,
        genesis: record.attestation,
        keys,
        states: vec![(
            0,
            InForce {
                roster: Arc::new(roster),
                roster_mark: mark.clone(),
                policy: Arc::new(policy),
                policy_mark: mark,
                policy_digest: genesis.policy.digest,
                ledger_key,
                previous: Previous {
                    roster: record.attestation,
                    policy: record.attestation,
                },
                commits: (record.commit, record.commit),
            },
        )],
        root_keys: genesis.root_keys.iter().map(|key| key.0.id()).collect(),
        genesis_signers: BTreeSet::from([signer]),
        opened_at: (threshold == 1).then_some(0),
        opening: BTreeSet::new(),
        pending: BTreeMap::new(),
        completed: Vec::new(),
        continuity: genesis.continuity,
        findings: Vec::new(),
        origin,
    })
}

impl Ledger {
    fn now(&self) -> &InForce {
        &self.states[self.states.len() - 1].1
    }

    fn find(&mut self, code: Code, record: &Record, detail: impl Into<String>) {
        self.findings
            .push(Finding::at(code, record.seq, record.commit, detail));
    }

    fn entry(&mut self, attestation: &Attestation, record: &Record) {
        if let Err(detail) = self.take(attestation, record) {
            self.find(Code::GovernanceUnauthorised, record, detail);
        }
    }

    fn take(&mut self, attestation: &Attestation, record: &Record) -> Result<(), String> {
        let signer = attestation.key_id().ok_or("it names no key")?;
        let key = self
            .candidate(&signer)
            .ok_or_else(|| format!("nobody knows its key {signer}"))?;
        let verified = attestation.verify(&key).map_err(|error| chain(&error))?;
        let statement = verified.statement();
        let step = statement
            .placement()
            .ok()
            .flatten()
            .map(|placement| placement.step.to_string())
            .ok_or("it does not say where it belongs")?;
        place(&verified, &self.origin, &step, record)
            .map_err(|what| format!("it says another {what}"))?;
        let read = |error: crate::statement::Error| chain(&error);
        let change = match step.as_str() {
            "cosign" => {
                let cosign: Cosign = statement.decode().map_err(read)?;
                return self.cosign(&cosign, signer, record);
            }
            "roster" => {
                let roster: predicate::Roster = statement.decode().map_err(read)?;
                let domain = Roster::from_predicate(&roster).map_err(|error| chain(&error))?;
                Change::Roster {
                    document: roster_document(&roster).map_err(|error| chain(&error))?,
                    roster: Box::new(domain),
                    previous: roster.previous,
                }
            }
            "policy" => {
                let text: PolicyText = statement.decode().map_err(read)?;
                let policy = Policy::from_predicate(&text).map_err(|error| chain(&error))?;
                Change::Policy {
                    policy: Box::new(policy),
                    digest: text.digest,
                    previous: text.previous,
                }
            }
            "ledger-key" => {
                let change: LedgerKey = statement.decode().map_err(read)?;
                let parse = |text: &str| -> Result<Box<VerifierKey>, String> {
                    text.parse()
                        .map(Box::new)
                        .map_err(|e: crate::ledger::note::NoteError| chain(&e))
                };
                let (old, new) = (parse(change.old.as_str())?, parse(change.new.as_str())?);
                Change::LedgerKey {
                    old,
                    new,
                    lost: change.lost,
                }
            }
            _ => return Err("a ledger has one genesis".into()),
        };
        if self.opened_at.is_none() {
            return Err("the genesis is not complete yet".into());
        }
        if !self.root_keys.contains(&signer) {
            return Err(format!("its signer {signer} is no root key"));
        }
        if let Change::LedgerKey { new, .. } = &change {
            self.keys.insert(new.key().id(), new.key().clone());
        }
        self.check_previous(&change)?;
        self.pending.insert(
            record.attestation,
            Pending {
                change,
                signer,
                seq: record.seq,
                commit: record.commit,
                leaf: record.leaf,
                attestation: record.attestation,
                signers: BTreeSet::from([signer]),
            },
        );
        self.complete(record.attestation, record)
    }

    fn candidate(&self, id: &KeyId) -> Option<PublicKey> {
        self.keys.get(id).cloned()
    }

    fn check_previous(&self, change: &Change) -> Result<(), String> {
        let (previous, expected) = match change {
            Change::Roster { previous, .. } => (previous, self.now().previous.roster),
            Change::Policy { previous, .. } => (previous, self.now().previous.policy),
            Change::LedgerKey { old, .. } if **old == self.now().ledger_key => return Ok(()),
            Change::LedgerKey { .. } => {
                return Err("the key that it replaces is not the ledger's key".into());
            }
        };
        let named = previous
            .as_ref()
            .filter(|named| named.origin == self.origin.as_str());
        if named.is_some_and(|named| named.attestation == expected) {
            Ok(())
        } else {
            Err(format!(
                "it does not replace what is in force, sha256:{expected}"
            ))
        }
    }

    fn cosign(&mut self, cosign: &Cosign, signer: KeyId, record: &Record) -> Result<(), String> {
        if cosign.about.origin != self.origin.as_str() {
            return Err("it is about another ledger".into());
        }
        let about = cosign.about.attestation;
        if about == self.genesis && self.opened_at.is_none() {
            if !self.root_keys.contains(&signer) {
                return Err(format!("its signer {signer} is no root key"));
            }
            self.genesis_signers.insert(signer);
            self.opening.insert(record.seq);
            if self.genesis_signers.len() >= self.threshold {
                self.opened_at = Some(record.seq);
            }
            return Ok(());
        }
        let Some(pending) = self.pending.get_mut(&about) else {
            return Err(format!(
                "nothing waits for a signature under sha256:{about}"
            ));
        };
        pending.signers.insert(signer);
        self.complete(about, record)
    }

    // Puts the change in force where its signatures suffice.
    fn complete(&mut self, about: Sha256, record: &Record) -> Result<(), String> {
        let Some(pending) = self.pending.get(&about) else {
            return Ok(());
        };
        let roots = pending
            .signers
            .iter()
            .filter(|key| self.root_keys.contains(key))
            .count();
        let keys = match &pending.change {
            Change::LedgerKey { old, new, lost } => {
                let signed = |key: &VerifierKey| pending.signers.contains(&key.key().id());
                signed(new) && (*lost || signed(old))
            }
            _ => true,
        };
        if roots < self.threshold || !keys {
            return Ok(());
        }
        let Some(pending) = self.pending.remove(&about) else {
            return Ok(());
        };
        self.check_previous(&pending.change)?;
        let mut state = self.now().clone();
        let mark = Mark {
            seq: pending.seq,
            leaf: pending.leaf,
        };
        let (step, document) = match &pending.change {
            Change::Roster { document, .. } => ("roster", *document),
            Change::Policy { digest, .. } => ("policy", *digest),
            Change::LedgerKey { .. } => ("ledger-key", pending.attestation),
        };
        self.completed.push(Completed {
            seq: pending.seq,
            step,
            document,
            signer: pending.signer,
        });
        match pending.change {
            Change::Roster { roster, .. } => {
                self.keys
                    .extend(roster.keys().map(|(key, _)| (key.id(), key.clone())));
                state.roster = Arc::from(roster);
                state.roster_mark = mark;
                state.previous.roster = pending.attestation;
                state.commits.0 = pending.commit;
            }
            Change::Policy { policy, digest, .. } => {
                state.policy = Arc::from(policy);
                state.policy_mark = mark;
                state.policy_digest = digest;
                state.previous.policy = pending.attestation;
                state.commits.1 = pending.commit;
            }
            Change::LedgerKey { new, .. } => state.ledger_key = *new,
        }
        self.states.push((record.seq + 1, state));
        Ok(())
    }

    fn finish(mut self, replay: &mut Replay, records: &[Record]) {
        for pending in self.pending.values() {
            self.findings.push(Finding::at(
                Code::GovernancePending,
                pending.seq,
                pending.commit,
                format!(
                    "{} of {} root keys have signed",
                    pending.signers.len(),
                    self.threshold
                ),
            ));
        }
        if self.opened_at.is_none()
            && let Some(record) = records
                .iter()
                .find(|r| r.seq > 0 && !self.opening.contains(&r.seq))
        {
            self.find(Code::NotOpened, record, "the genesis lacks signatures");
        }
        let waiting = self.waiting();
        replay.findings.append(&mut self.findings);
        replay.keys = self.keys;
        replay.continuity = self.continuity;
        replay.origin = Some(self.origin);
        replay.timeline = Some(Timeline {
            states: self.states,
            root_keys: self.root_keys,
            waiting,
            completed: self.completed,
            threshold: self.threshold,
        });
    }

    fn waiting(&self) -> Vec<Waiting> {
        let genesis = self.opened_at.is_none().then(|| Waiting {
            seq: 0,
            attestation: self.genesis,
            step: "genesis",
            signers: self.genesis_signers.clone(),
            wanted: self.root_keys.clone(),
            threshold: self.threshold,
        });
        let changes = self.pending.values().map(|pending| {
            let mut wanted = self.root_keys.clone();
            let step = match &pending.change {
                Change::Roster { .. } => "roster",
                Change::Policy { .. } => "policy",
                Change::LedgerKey { old, new, .. } => {
                    wanted.extend([old.key().id(), new.key().id()]);
                    "ledger-key"
                }
            };
            Waiting {
                seq: pending.seq,
                attestation: pending.attestation,
                step,
                signers: pending.signers.clone(),
                wanted,
                threshold: self.threshold,
            }
        });
        let mut waiting: Vec<Waiting> = genesis.into_iter().chain(changes).collect();
        waiting.sort_by_key(|waiting| waiting.seq);
        waiting
    }
}

/// What an approval of a roster covers: SHA-256 of its canonical JSON (RFC 8785) without `previous`, because it is
/// given before anybody knows which roster this one will replace.
///
/// # Errors
/// Where the roster breaks its rules.
pub fn roster_document(roster: &predicate::Roster) -> Result<Sha256, predicate::Error> {
    let mut map = roster.to_map()?;
    map.remove("previous");
    let bytes =
        canonical::to_vec(&Value::Object(map)).expect("what was made from a roster is JSON");
    Ok(Sha256::of(&bytes))
}

fn place(
    verified: &VerifiedStatement,
    origin: &Origin,
    step: &str,
    record: &Record,
) -> Result<(), &'static str> {
    let placement = verified
        .statement()
        .placement()
        .ok()
        .flatten()
        .ok_or("place, or none")?;
    if placement.origin != origin.as_str() {
        return Err("origin");
    }
    if placement.step.as_str() != step {
        return Err("step");
    }
    if placement.commit != record.commit {
        return Err("commit");
    }
    Ok(())
}
