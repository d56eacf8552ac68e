//! Replay: judge a ledger at one tip, for one question.
//!
//! The order, each step on what the ones before it left standing:
//!
//! 1. shape of the ref and of its tree;
//! 2. grammar of the append record and the seal;
//! 3. every note, on as many threads as asked for: grammar, digests, signatures, statements
//!    (`examine`); an entry whose key is not known yet is taken up again after step 5;
//! 4. seq dense from 0, `prev` chain;
//! 5. genesis, and with it what was in force when (`governance`);
//! 6. roots, append record, seal, edge, in-force pointer (`heads`);
//! 7. pin and memory: is it the ledger that was meant, and an extension of what was seen;
//! 8. each entry: was its key in the roster in force, is it no repetition, does the policy in force allow
//!    it;
//! 9. the question: are the required steps there for what was asked about;
//! 10. the verdict.
//!
//! Pure: the same snapshot, request and time give the same outcome for any number of threads. Missing
//! evidence is undecided, never a pass; nothing found is never a pass. What is *not* checked: that a
//! claimed time is true, that a command did what its name says, that a recorded person is who they claim
//! beyond the roster.

mod examine;
mod extension;
pub mod governance;
mod heads;
mod model;
mod signer;
pub mod summary;
mod verdict;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use thiserror::Error;

use self::examine::{Examined, Examiner, Names, Record, State, UnknownKeys};
pub use self::extension::{Base, Extension, extension};
pub use self::verdict::{EntryCounts, StepState, StepVerdict};
use crate::{
    attestation::Attestation,
    digest::{ObjectId, Sha256},
    finding::{Code, Finding, Severity},
    judge,
    judge::entries::Entries,
    ledger::{
        Origin, Snapshot, TreeHead,
        entry::Lines,
        fork_proof::ForkProof,
        in_force,
        note::VerifierKey,
        seal::SignedSeal,
        snapshot::{ReadError, Shape, TreeFault, TreeFaultKind},
    },
    policy::Policy,
    roster::Roster,
    signing::{KeyId, PublicKey},
    sigstore::Trust,
    statement::{DigestSet, Statement, Step, Subject, predicate},
};

/// What a reader holds a ledger to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The ledger's name.
    pub origin: Origin,
    /// The leaf of its genesis.
    pub genesis: Sha256,
    /// The ledger's key at the genesis.
    pub ledger_key: VerifierKey,
    /// A seal that the ledger must extend.
    pub seal: Option<SignedSeal>,
}

/// What was seen of a ledger before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The ledger's name.
    pub origin: Origin,
    /// The leaf of its genesis.
    pub genesis: Sha256,
    /// The newest seal seen.
    pub seal: Option<SignedSeal>,
    /// The head as landed.
    pub landed: TreeHead,
}

/// A commit that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSubject {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree: evidence about an equal tree counts too.
    pub tree: ObjectId,
}

/// An artifact that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What people call it.
    pub name: String,
    /// Its digests: a subject that has one of them is the artifact.
    pub digest: DigestSet,
}

impl Artifact {
    fn is(&self, subject: &Subject) -> bool {
        subject.digest.matches(&self.digest)
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Is the ledger sound, every entry of it?
    Ledger,
    /// And are the required steps there for each of these commits?
    Commits(Vec<CommitSubject>),
    /// And are they there for the commits from which this artifact came?
    Artifact(Artifact),
}

/// All that a verdict depends on besides the ledger.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub question: Question,
    /// What the ledger is held to.
    pub pin: Option<Pin>,
    /// What was seen of ledgers of this origin before: one for each genesis known.
    pub memories: Vec<Memory>,
    /// Seals that other readers have: the ledger must extend each.
    pub seals: Vec<SignedSeal>,
    /// How many threads may work; the outcome does not depend on it.
    pub threads: NonZeroUsize,
    /// Whether what statements say is kept, for the checks.
    pub keep: Keep,
    /// Who is believed about keyless signatures.
    pub trust: Arc<Trust>,
}

/// Whether what statements say is kept in [`Outcome::evidence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is not.
    Nothing,
    /// It is, where the policy that is said to be in force enforces checks.
    WhereEnforced,
    /// It is.
    Said,
}

/// We could not look.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Something that the ledger's tree names could not be read: a shallow or partial clone, or damage.
    #[error("cannot read {what} of the ledger")]
    Read {
        /// What.
        what: String,
        /// Why.
        source: ReadError,
    },
    /// A seal of another reader that this ledger's key has not signed: it says nothing about this ledger.
    #[error("the seal given, of {origin} over {size} entries, is not signed by this ledger's key")]
    ForeignSeal {
        /// Whose it says that it is.
        origin: Origin,
        /// How many entries it covers.
        size: u64,
    },
}

/// The verdict over everything that was asked, in order of weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Everything that was asked holds.
    Pass,
    /// Evidence is missing or not yet there.
    Undecided,
    /// Judged, and failed.
    Failed,
    /// The ledger itself is broken.
    Broken,
}

/// The heads that replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Over all entries.
    pub landed: TreeHead,
    /// Over the sealed ones, where a seal holds.
    pub sealed: Option<TreeHead>,
    /// That seal.
    pub seal: Option<SignedSeal>,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The ref's tip.
    pub tip: ObjectId,
    /// The ledger's name, where there is a sound genesis.
    pub origin: Option<Origin>,
    /// The leaf of the genesis.
    pub genesis: Option<Sha256>,
    /// What is in force for the next entry.
    pub in_force: Option<governance::InForce>,
    /// What lacks signatures before it takes effect, by seq.
    pub waiting: Vec<governance::Waiting>,
    /// The ledger's key as the genesis names it: what a pin holds.
    pub ledger_key_at_genesis: Option<VerifierKey>,
    /// The heads.
    pub heads: Heads,
    /// Counts of entries.
    pub counts: EntryCounts,
    /// What was found and weighs on the verdict, heaviest first.
    pub findings: Vec<Finding>,
    /// What was found about entries that were not asked about.
    pub elsewhere: Vec<Finding>,
    /// The policy's required steps for each commit that was asked about.
    pub steps: Vec<StepVerdict>,
    /// The verdict.
    pub verdict: Verdict,
    /// What to remember of this ledger; `None` where it is broken.
    pub memory: Option<Memory>,
    /// Each seal that this ledger contradicts, with its own: what convinces others.
    pub fork_proofs: Vec<ForkProof>,
    /// What the checks judge, where it was kept.
    pub evidence: Option<Evidence>,
}

/// What the checks judge, as far as the ledger tells it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The entries that count.
    pub entries: Arc<Entries>,
    /// Roster and policy, by the first seq that each judges.
    pub in_force: Vec<(u64, Arc<Roster>, Arc<Policy>)>,
    /// Changes of roster, policy and ledger key.
    pub governed: Vec<judge::Governed>,
    /// Where each protected ref stood when the ledger began, as the genesis says.
    pub continuity: Vec<predicate::Continuity>,
}

/// Judges a ledger.
///
/// # Errors
/// Only where something could not be read; everything that was read and is wrong is a finding.
pub fn verify(snapshot: &dyn Snapshot, request: &Request) -> Result<Outcome, VerifyError> {
    let shape = snapshot.shape();
    let mut findings = shape_findings(snapshot);
    let signed = heads::read(shape, &mut findings);

    let names = Names::default();
    let claimed_origin = request
        .pin
        .as_ref()
        .map(|pin| pin.origin.clone())
        .or_else(|| {
            signed
                .append
                .as_ref()
                .map(|append| append.unverified().origin.clone())
        });
    let artifact = match &request.question {
        Question::Artifact(artifact) => Some(artifact),
        Question::Ledger | Question::Commits(_) => None,
    };
    let hints = hints(snapshot)?;
    let keys = hints.keys;
    let keep = match request.keep {
        Keep::WhereEnforced if hints.enforces => Keep::Said,
        Keep::WhereEnforced => Keep::Nothing,
        keep => keep,
    };
    let mut examiner = Examiner {
        snapshot,
        origin: claimed_origin.as_ref(),
        artifact,
        names: &names,
        keys: &keys,
        trust: &request.trust,
        keep,
        unknown_keys: UnknownKeys::Wait,
    };
    let mut all = examine_notes(&examiner, request.threads, None)?;
    all.records.sort_by_key(|record| record.seq);
    findings.append(&mut all.findings);
    merge_findings(shape, &all.recovered, &mut findings);
    chain_findings(&all.records, &mut findings);

    let replay = governance::replay(&all.governance, &all.records);
    findings.extend(replay.findings);
    let wanted: Vec<ObjectId> = all
        .records
        .iter()
        .filter(|record| record.state == State::KeyWanted)
        .map(|record| record.commit)
        .collect();
    if !wanted.is_empty() {
        examiner.keys = &replay.keys;
        examiner.unknown_keys = UnknownKeys::Fail;
        let again = examine_notes(&examiner, request.threads, Some(&wanted))?;
        take_again(&mut all.records, again, &mut findings);
    }
    stray_findings(snapshot, &all.records, &mut findings);

    let (Some(timeline), Some(origin)) = (replay.timeline, replay.origin) else {
        return Ok(verdict::without_genesis(snapshot, &all.records, findings));
    };
    // The pointer was wrong; that is found below. What is enforced is judged all the same.
    let enforces = |policy: &Policy| !policy.checks().enforced().is_empty();
    if request.keep == Keep::WhereEnforced
        && keep == Keep::Nothing
        && enforces(&timeline.at(u64::MAX).policy)
    {
        let keep = Keep::Said;
        return verify(
            snapshot,
            &Request {
                keep,
                ..request.clone()
            },
        );
    }
    let heads = heads::judge(
        &signed,
        shape,
        &all.records,
        &timeline,
        &origin,
        &mut findings,
    );
    let fork_proofs = verdict::history(
        request,
        &all.records,
        &timeline,
        &origin,
        &heads,
        &mut findings,
    )?;
    let kept = all.records.iter_mut().map(|record| record.kept.take());
    let kept = (keep != Keep::Nothing).then(|| kept.collect());
    Ok(verdict::entries(verdict::Judged {
        tip: shape.tip,
        request,
        records: &all.records,
        names: &names,
        timeline: &timeline,
        continuity: replay.continuity,
        kept,
        origin,
        heads,
        fork_proofs,
        findings,
    }))
}

/// Whether entries of this step change the ledger's own state.
pub fn is_governance(step: &Step) -> bool {
    examine::GOVERNANCE.contains(&step.as_str())
}

impl Verdict {
    /// The verdict that findings of this weight allow.
    pub fn of(heaviest: Option<Severity>) -> Self {
        match heaviest {
            None | Some(Severity::Note) => Self::Pass,
            Some(Severity::Missing) => Self::Undecided,
            Some(Severity::Failed) => Self::Failed,
            Some(Severity::Broken) => Self::Broken,
        }
    }
}

fn shape_findings(snapshot: &dyn Snapshot) -> Vec<Finding> {
    let fault = |fault: &TreeFault| {
        let code = match fault.kind {
            TreeFaultKind::DuplicateNote => Code::DuplicateNote,
            TreeFaultKind::Mode => Code::TreeMode,
            TreeFaultKind::TooLarge => Code::ObjectTooLarge,
            TreeFaultKind::KeylessAppend => Code::AppendRecordKeyless,
            TreeFaultKind::UnknownDocketPath | TreeFaultKind::Foreign => Code::UnexpectedPath,
        };
        Finding::new(code, fault.path.clone())
    };
    snapshot.shape().faults.iter().map(fault).collect()
}

// A recovery goes on in a child commit of the broken tip, so that nothing is forced: what was merged below that tip
// stays in the ref's history for ever, and weighs no more.
fn merge_findings(shape: &Shape, recovered: &BTreeMap<u64, ObjectId>, findings: &mut Vec<Finding>) {
    let place = |id: &ObjectId| shape.commits.iter().position(|commit| commit.id == *id);
    let mut weighing = shape.commits.len();
    for (seq, broken) in recovered {
        if let Some(at) = place(broken) {
            weighing = weighing.min(at);
            let detail = format!("entry {seq}: from {broken}");
            findings.push(Finding {
                commit: Some(*broken),
                ..Finding::new(Code::Recovered, detail)
            });
        }
    }
    let merges = shape.commits[..weighing]
        .iter()
        .filter(|commit| commit.parents > 1);
    findings.extend(merges.map(|commit| {
        let detail = format!("{} has {} parents", commit.id, commit.parents);
        Finding::new(Code::LedgerMerge, detail)
    }));
}

/// What docket/in-force points to, so that most entries are judged in one pass. It is believed in nothing: a
/// key's id is the hash of the key, and what is in force, replay finds.
#[derive(Default)]
struct Hints {
    keys: HashMap<KeyId, PublicKey>,
    enforces: bool,
}

fn hints(snapshot: &dyn Snapshot) -> Result<Hints, VerifyError> {
    let mut hints = Hints::default();
    let pointer = snapshot.shape().in_force.as_deref();
    let Some(pointer) = pointer.and_then(|bytes| in_force::InForce::parse(bytes).ok()) else {
        return Ok(hints);
    };
    for object in BTreeSet::from([pointer.roster.object(), pointer.policy.object()]) {
        let Some(index) = snapshot.notes().iter().position(|note| *note == object) else {
            continue;
        };
        let read = |source| VerifyError::Read {
            what: format!("the note of {object}"),
            source,
        };
        let mut reader = snapshot.reader();
        let note = reader.note(index).map_err(read)?;
        for line in Lines::of(&note).map_while(Result::ok) {
            if !matches!(line.link.step.as_str(), "genesis" | "roster" | "policy") {
                continue;
            }
            let body = match line.body {
                Some(body) => Some(body.to_vec()),
                None => reader.blob(&line.link.attestation).map_err(read)?,
            };
            let statement = body
                .and_then(|body| Attestation::parse(body).ok())
                .and_then(|attestation| attestation.unverified_statement().ok());
            if let Some(statement) = statement {
                hints.take(&statement);
            }
        }
    }
    Ok(hints)
}

impl Hints {
    fn take(&mut self, statement: &Statement) {
        let genesis = statement.decode::<predicate::Genesis>().ok();
        let roster = genesis.as_ref().map(|genesis| genesis.roster.clone());
        let roster = roster.or_else(|| statement.decode::<predicate::Roster>().ok());
        let policy = genesis.map(|genesis| genesis.policy);
        let policy = policy.or_else(|| statement.decode::<predicate::PolicyText>().ok());
        if let Some(roster) = roster.and_then(|roster| Roster::from_predicate(&roster).ok()) {
            let keys = roster.keys().map(|(key, _)| (key.id(), key.clone()));
            self.keys.extend(keys);
        }
        if let Some(policy) = policy.and_then(|policy| Policy::from_predicate(&policy).ok()) {
            self.enforces |= !policy.checks().enforced().is_empty();
        }
    }
}

// Examines all notes, or those about `only`, on several threads. Each takes a few notes at a time in the
// snapshot's order; what they yield is put in order afterwards, so that threads change nothing.
fn examine_notes(
    examiner: &Examiner<'_>,
    threads: NonZeroUsize,
    only: Option<&[ObjectId]>,
) -> Result<Examined, VerifyError> {
    const CHUNK: usize = 64;
    let notes = examiner.snapshot.notes();
    let only: Option<HashSet<_>> = only.map(|only| only.iter().collect());
    let next = AtomicUsize::new(0);
    let work = || -> Result<Examined, VerifyError> {
        let mut reader = examiner.snapshot.reader();
        let mut all = Examined::default();
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            if start >= notes.len() {
                return Ok(all);
            }
            let chunk = notes.iter().enumerate().skip(start).take(CHUNK);
            for (index, note) in chunk {
                if only.as_ref().is_none_or(|only| only.contains(note)) {
                    all.append(examiner.note(reader.as_mut(), index)?);
                }
            }
        }
    };
    let parts = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads.get()).map(|_| scope.spawn(work)).collect();
        let own = work();
        let mut parts = vec![own];
        for worker in workers {
            parts.push(
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        parts
    });
    let mut all = Examined::default();
    let mut failed: Vec<VerifyError> = Vec::new();
    for part in parts {
        match part {
            Ok(part) => all.append(part),
            Err(error) => failed.push(error),
        }
    }
    // The same error whichever thread met its own first.
    failed.sort_by_key(ToString::to_string);
    match failed.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(all),
    }
}

impl Examined {
    fn append(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
        self.findings.append(&mut other.findings);
        self.governance.append(&mut other.governance);
        self.recovered.append(&mut other.recovered);
    }
}

fn chain_findings(records: &[Record], findings: &mut Vec<Finding>) {
    let mut expected = 0;
    for record in records {
        let mut find = |code, detail: String| {
            findings.push(Finding::at(code, record.seq, record.commit, detail));
        };
        if record.seq < expected {
            find(Code::SeqDuplicate, "another entry has this seq".into());
            continue;
        }
        if record.seq > expected {
            find(
                Code::SeqGap,
                format!("entries {expected} to {} are missing", record.seq - 1),
            );
        }
        expected = record.seq + 1;
    }
    for pair in records.windows(2) {
        let [before, record] = pair else { continue };
        if record.seq == before.seq + 1 && record.prev != before.leaf {
            findings.push(Finding::at(
                Code::PrevMismatch,
                record.seq,
                record.commit,
                format!(
                    "prev is {}, the leaf of entry {} is {}",
                    record.prev, before.seq, before.leaf
                ),
            ));
        }
    }
}

fn take_again(records: &mut [Record], again: Examined, findings: &mut Vec<Finding>) {
    let judged: BTreeMap<(u64, Sha256), Record> = again
        .records
        .into_iter()
        .map(|record| ((record.seq, record.leaf), record))
        .collect();
    let waiting: Vec<_> = records
        .iter_mut()
        .filter(|r| r.state == State::KeyWanted)
        .collect();
    let waited: std::collections::BTreeSet<_> = waiting.iter().map(|r| r.seq).collect();
    for record in waiting {
        if let Some(judged) = judged.get(&(record.seq, record.leaf)) {
            *record = judged.clone();
        }
    }
    let known: std::collections::BTreeSet<Finding> = findings.iter().cloned().collect();
    findings.extend(again.findings.into_iter().filter(|finding| {
        finding.seq.is_some_and(|seq| waited.contains(&seq)) && !known.contains(finding)
    }));
}

fn stray_findings(snapshot: &dyn Snapshot, records: &[Record], findings: &mut Vec<Finding>) {
    let shape = snapshot.shape();
    let bodies: std::collections::HashSet<_> = records
        .iter()
        .filter(|record| record.in_blob)
        .map(|record| record.attestation)
        .collect();
    let commits: std::collections::HashSet<_> =
        records.iter().map(|record| record.commit).collect();
    let stray_bodies = shape
        .blobs
        .iter()
        .filter(|digest| !bodies.contains(*digest));
    findings
        .extend(stray_bodies.map(|d| Finding::new(Code::StrayBody, format!("body sha256:{d}"))));
    let stray_commits = shape
        .kept_commits
        .iter()
        .filter(|id| !commits.contains(*id));
    findings.extend(stray_commits.map(|id| Finding::new(Code::StrayBody, format!("commit {id}"))));
}
