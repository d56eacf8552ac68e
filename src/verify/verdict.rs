//! From what replay found to a verdict: pin and memory, each entry's right to count, the required steps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{
    CommitSubject, Evidence, Heads, Memory, Outcome, Question, Request, Verdict, VerifyError,
    examine::{GOVERNANCE, Kept, Name, Names, Record, State},
    governance::Timeline,
    heads::Roots,
    signer::Signer,
};
use crate::{
    digest::{ObjectId, Sha256},
    finding::{Code, Finding},
    judge,
    ledger::{
        Origin, Seal, Snapshot, TreeHead,
        fork_proof::{ForkProof, SealedBy},
        note::VerifierKey,
        seal::SignedSeal,
    },
    merkle,
    policy::StepRule,
    signing::KeyId,
    statement::{
        Step,
        predicate::{self, Known, PersonId},
    },
};

/// How many entries there are, counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryCounts {
    /// All entries.
    pub total: u64,
    /// Those that a seal covers.
    pub sealed: u64,
    /// Those that no seal covers yet.
    pub unsealed: u64,
    /// Those that the question was about.
    pub asked: u64,
    /// Those among them that count as evidence: sound, by a known person, allowed.
    pub counted: u64,
    /// Those among them that rule the ledger (genesis, roster, policy, their signatures) and are no evidence.
    pub governance: u64,
}

/// How a required step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Enough persons attested that it passed.
    Passed,
    /// The newest entry says that it failed.
    Failed,
    /// Nobody, or not enough persons, attested it.
    Missing,
}

/// A required step for one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepVerdict {
    /// The commit that was asked about.
    pub commit: ObjectId,
    /// The step.
    pub step: Step,
    /// How it stands.
    pub state: StepState,
    /// The entries that count for it.
    pub entries: Vec<u64>,
    /// The persons that attested it.
    pub persons: Vec<PersonId>,
    /// How many persons the policy asks for.
    pub needed: u32,
}

/// Pin and memory: is it the ledger that was meant, and an extension of what was seen.
pub(super) fn history(
    request: &Request,
    records: &[Record],
    timeline: &Timeline,
    origin: &Origin,
    heads: &Heads,
    findings: &mut Vec<Finding>,
) -> Result<Vec<ForkProof>, VerifyError> {
    let mut find = |code, detail: String| findings.push(Finding::new(code, detail));
    let mut held = Held {
        records,
        timeline,
        heads,
        proofs: Vec::new(),
    };
    let genesis = records.first().map(|record| record.leaf);
    if let Some(pin) = &request.pin {
        if pin.origin != *origin {
            find(
                Code::PinMismatch,
                format!("pinned is {}, the ledger is {origin}", pin.origin),
            );
        }
        if genesis != Some(pin.genesis) {
            find(
                Code::PinMismatch,
                format!("pinned is the genesis {}", pin.genesis),
            );
        }
        if pin.ledger_key != timeline.at(0).ledger_key {
            find(
                Code::PinMismatch,
                format!("pinned is the ledger key {}", pin.ledger_key),
            );
        }
        if let Some(seal) = &pin.seal {
            held.extends("the pinned seal", seal, &mut find);
        }
    } else {
        find(Code::FirstUse, format!("origin {origin}"));
    }
    let (ours, others): (Vec<_>, Vec<_>) = request
        .memories
        .iter()
        .partition(|memory| Some(memory.genesis) == genesis);
    if request.pin.is_none() {
        for other in others.iter().filter(|other| other.origin == *origin) {
            find(
                Code::SecondGenesis,
                format!("known is the genesis {}", other.genesis),
            );
        }
    }
    for seal in &request.seals {
        let Seal { origin: of, head } = seal.unverified();
        if *of != *origin || held.key_of(seal).is_none() {
            return Err(VerifyError::ForeignSeal {
                origin: of.clone(),
                size: head.size,
            });
        }
        held.extends("the seal given", seal, &mut find);
    }
    let pinned_seal = request.pin.as_ref().is_some_and(|pin| pin.seal.is_some());
    let Some(memory) = ours.first() else {
        if !pinned_seal && request.seals.is_empty() {
            find(Code::NoMemory, format!("origin {origin}"));
        }
        return Ok(held.proofs);
    };
    if let Some(seal) = &memory.seal {
        held.extends("the newest seal seen here", seal, &mut find);
    }
    let TreeHead { size, root } = memory.landed;
    if Roots::of(records).at(&[size])[0] != Some(root) {
        find(
            Code::LandedTailReplaced,
            format!(
                "{size} entries had landed when it was last seen, there are {}",
                records.len()
            ),
        );
    }
    Ok(held.proofs)
}

/// A ledger that is held against seals seen elsewhere or earlier.
struct Held<'a> {
    records: &'a [Record],
    timeline: &'a Timeline,
    heads: &'a Heads,
    proofs: Vec<ForkProof>,
}

impl Held<'_> {
    fn extends(&mut self, what: &str, seal: &SignedSeal, find: &mut impl FnMut(Code, String)) {
        let seen = &seal.unverified().head;
        let sealed = self.heads.sealed.as_ref().map_or(0, |head| head.size);
        if sealed < seen.size || (self.records.len() as u64) < seen.size {
            find(
                Code::Rollback,
                format!(
                    "{what} is over size {}, this ledger is sealed at {sealed}",
                    seen.size
                ),
            );
        } else if Roots::of(self.records).at(&[seen.size])[0] != Some(seen.root) {
            find(
                Code::Fork,
                format!("{what} has another root at size {}", seen.size),
            );
        } else {
            return;
        }
        self.proofs.extend(self.proof(seal));
    }

    // Without a seal of its own that holds, the ledger proves nothing to others.
    fn proof(&self, seen: &SignedSeal) -> Option<ForkProof> {
        let by = |seal: &SignedSeal| {
            Some(SealedBy {
                seal: seal.clone(),
                key: self.key_of(seal)?,
            })
        };
        let (seen, shown) = (by(seen)?, by(self.heads.seal.as_ref()?)?);
        let leaves: Vec<_> = self.records.iter().map(|record| record.leaf).collect();
        Some(ForkProof::new(seen, shown, Some(&leaves)))
    }

    // The ledger's key, at any time, that has signed a seal.
    fn key_of(&self, seal: &SignedSeal) -> Option<VerifierKey> {
        let mut states = self.timeline.states().iter();
        let (_, state) = states.find(|(_, state)| seal.verify(&state.ledger_key).is_ok())?;
        Some(state.ledger_key.clone())
    }
}

/// The outcome where there is no sound genesis: nothing can be judged.
pub(super) fn without_genesis(
    snapshot: &dyn Snapshot,
    records: &[Record],
    findings: Vec<Finding>,
) -> Outcome {
    let total = records.len() as u64;
    Outcome {
        tip: snapshot.shape().tip,
        origin: None,
        genesis: None,
        in_force: None,
        waiting: Vec::new(),
        ledger_key_at_genesis: None,
        heads: Heads {
            landed: TreeHead {
                size: total,
                root: merkle::empty_root(),
            },
            sealed: None,
            seal: None,
        },
        counts: EntryCounts {
            total,
            unsealed: total,
            ..EntryCounts::default()
        },
        findings: sorted(findings),
        elsewhere: Vec::new(),
        steps: Vec::new(),
        verdict: Verdict::Broken,
        memory: None,
        fork_proofs: Vec::new(),
        evidence: None,
    }
}

/// All that the last steps need.
pub(super) struct Judged<'a> {
    pub(super) tip: ObjectId,
    pub(super) request: &'a Request,
    pub(super) records: &'a [Record],
    pub(super) names: &'a Names,
    pub(super) timeline: &'a Timeline,
    pub(super) continuity: Vec<predicate::Continuity>,
    pub(super) kept: Option<Vec<Option<Box<Kept>>>>,
    pub(super) origin: Origin,
    pub(super) heads: Heads,
    pub(super) fork_proofs: Vec<ForkProof>,
    pub(super) findings: Vec<Finding>,
}

/// Judges each entry, then the question.
pub(super) fn entries(judged: Judged<'_>) -> Outcome {
    let Judged {
        tip,
        request,
        records,
        names,
        timeline,
        continuity,
        kept,
        origin,
        heads,
        fork_proofs,
        mut findings,
    } = judged;
    let counting = counting(records, names, timeline, &mut findings);
    let subjects = subjects(&request.question, records, &counting);
    let asked: HashSet<u64> = records
        .iter()
        .filter(|record| is_asked(record, &request.question, &subjects))
        .map(|record| record.seq)
        .collect();
    let total = records.len() as u64;
    let sealed = heads.sealed.as_ref().map_or(0, |head| head.size);
    let counts = EntryCounts {
        total,
        sealed,
        unsealed: total.saturating_sub(sealed),
        asked: asked.len() as u64,
        counted: asked
            .iter()
            .filter(|seq| counting.contains_key(seq))
            .count() as u64,
        governance: records
            .iter()
            .filter(|record| asked.contains(&record.seq))
            .filter(|record| GOVERNANCE.contains(&names.text(record.step).as_str()))
            .count() as u64,
    };
    if counts.unsealed > 0 {
        findings.push(Finding::new(
            Code::Unsealed,
            format!("{} of {total} entries", counts.unsealed),
        ));
    }
    let judged = |record: &&Record| record.state != State::Carried;
    let mut judged = records.iter().filter(judged);
    if !judged.any(|record| asked.contains(&record.seq)) {
        findings.push(Finding::new(Code::NoEntries, describe(&request.question)));
    }
    let in_force = timeline.at(total);
    let evidence = match kept {
        None => None,
        Some(kept) => {
            let records = records.iter().zip(kept);
            Some(evidence(records, names, timeline, &counting, continuity))
        }
    };
    let mut steps = Vec::new();
    for subject in &subjects {
        for rule in required(subject, records, timeline) {
            let verdict = step(rule, subject, records, names, &counting);
            let mut finding = step_finding(&verdict);
            if let (Some(finding), Some(evidence)) = (&mut finding, &evidence)
                && let Some(seq) = lost(evidence, subject, &verdict)
            {
                let lost =
                    format!("; entry {seq} has it on the change's head, and another tree landed");
                finding.detail.push_str(&lost);
            }
            findings.extend(finding);
            steps.push(verdict);
        }
    }
    // What is wrong with an entry that nobody asked about is said, and does not decide; what is wrong
    // with the ledger always does.
    let (findings, elsewhere): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| {
        use crate::finding::Severity;
        matches!(request.question, Question::Ledger)
            || finding.severity() == Severity::Broken
            || finding.seq.is_none_or(|seq| asked.contains(&seq))
    });
    let verdict = Verdict::of(findings.iter().map(Finding::severity).max());
    let genesis = records.first().map(|record| record.leaf);
    let memory = genesis
        .filter(|_| verdict != Verdict::Broken)
        .map(|genesis| Memory {
            origin: origin.clone(),
            genesis,
            seal: heads.seal.clone(),
            landed: heads.landed.clone(),
        });
    Outcome {
        tip,
        origin: Some(origin),
        genesis,
        in_force: Some(in_force.clone()),
        waiting: timeline.waiting().to_vec(),
        ledger_key_at_genesis: Some(timeline.at(0).ledger_key.clone()),
        heads,
        counts,
        findings: sorted(findings),
        elsewhere: sorted(elsewhere),
        steps,
        verdict,
        memory,
        fork_proofs,
        evidence,
    }
}

fn evidence<'a>(
    records: impl Iterator<Item = (&'a Record, Option<Box<Kept>>)>,
    names: &Names,
    timeline: &Timeline,
    counting: &BTreeMap<u64, PersonId>,
    continuity: Vec<predicate::Continuity>,
) -> Evidence {
    let entries = records.filter_map(|(record, kept)| {
        let signer = counting.get(&record.seq)?;
        let State::Sound { predicate_type, .. } = record.state else {
            return None;
        };
        let Kept { subjects, said } = *kept?;
        Some(judge::Entry {
            seq: record.seq,
            attestation: record.attestation,
            commit: record.commit,
            tree: record.tree,
            step: names.text(record.step),
            signer: signer.clone(),
            claimed: record.claimed,
            verified: record.verified,
            predicate_type: names.text(predicate_type),
            said,
            failed: record.says.failed,
            subjects,
        })
    });
    let governed = timeline.completed().iter().map(|change| {
        let (_, state) = timeline
            .states()
            .first()
            .expect("a timeline begins with the genesis");
        let before = match timeline
            .states()
            .iter()
            .rfind(|(from, _)| *from <= change.seq)
        {
            Some((_, before)) => before,
            None => state,
        };
        judge::Governed {
            seq: change.seq,
            step: change.step.to_owned(),
            document: change.document,
            signer: before
                .roster
                .person_of(&change.signer)
                .map(|person| person.id().clone()),
            threshold: timeline.threshold(),
        }
    });
    let states = timeline.states().iter();
    Evidence {
        entries: Arc::new(entries.collect()),
        in_force: states
            .map(|(from, state)| (*from, state.roster.clone(), state.policy.clone()))
            .collect(),
        governed: governed.collect(),
        continuity,
    }
}

// The entries that count, with the person behind each. Everything in the way is a finding.
fn counting(
    records: &[Record],
    names: &Names,
    timeline: &Timeline,
    findings: &mut Vec<Finding>,
) -> BTreeMap<u64, PersonId> {
    let mut seen: HashMap<(Sha256, Name), u64> = HashMap::new();
    let mut texts: HashMap<Name, String> = HashMap::new();
    let mut text = |name: Name| {
        texts
            .entry(name)
            .or_insert_with(|| names.text(name))
            .clone()
    };
    let mut rehashed = Vec::new();
    let mut suspects = Vec::new();
    let mut counting = BTreeMap::new();
    for record in records {
        let State::Sound {
            signer,
            predicate_type,
        } = record.state
        else {
            continue;
        };
        let mut find = |code, detail: String| {
            findings.push(Finding::at(code, record.seq, record.commit, detail));
        };
        if let Some(first) = seen.get(&(record.pae, signer)) {
            find(Code::Replayed, format!("it stands at seq {first} already"));
            continue;
        }
        seen.insert((record.pae, signer), record.seq);
        if !record.says.tree {
            find(Code::TreeUnproved, format!("tree {}", record.tree));
            continue;
        }
        let step = text(record.step);
        if GOVERNANCE.contains(&step.as_str()) {
            continue;
        }
        let in_force = timeline.at(record.seq);
        let Some(signer) = Signer::read(&text(signer)) else {
            continue;
        };
        if let Signer::Key(key) = &signer
            && let Some(detail) = suspect(timeline, key, record.seq)
        {
            suspects.push((record, predicate_type, detail));
            continue;
        }
        let Some(person) = signer.person(&in_force.roster) else {
            let mut states = timeline.states().iter();
            let elsewhere = states.any(|(_, state)| signer.person(&state.roster).is_some());
            let (code, detail) = signer.unknown(&in_force.roster, elsewhere);
            find(code, detail);
            continue;
        };
        let rule = step
            .parse::<Step>()
            .ok()
            .and_then(|step| in_force.policy.step(&step));
        if let Some(rule) = rule {
            let type_text = text(predicate_type);
            let allowed_type = rule
                .types()
                .iter()
                .any(|allowed| allowed.as_str() == type_text);
            let allowed_role = person.roles().iter().any(|role| rule.allows_role(role));
            if !allowed_type || !allowed_role {
                let what = if allowed_type {
                    "role"
                } else {
                    "predicate type"
                };
                find(
                    Code::StepNotAllowed,
                    format!(
                        "{what} of step {step}: attested by {} as {type_text}",
                        person.id()
                    ),
                );
                continue;
            }
        }
        if step == "release" && record.commit.algorithm() == crate::digest::Algorithm::Sha1 {
            rehashed.push(record);
        }
        counting.insert(record.seq, person.id().clone());
    }
    for record in rehashed.into_iter().filter(|record| !record.says.rehashed) {
        findings.push(Finding::at(
            Code::Sha1Only,
            record.seq,
            record.commit,
            "no SHA-256 tree",
        ));
    }
    if !suspects.is_empty() {
        let again = records.iter().filter_map(|record| match record.state {
            State::Sound { predicate_type, .. } if counting.contains_key(&record.seq) => {
                Some(((record.commit, record.step, predicate_type), record.seq))
            }
            _ => None,
        });
        let again: HashMap<_, u64> = again.collect();
        findings.extend(
            suspects
                .into_iter()
                .map(|(record, predicate_type, detail)| {
                    let since = again.get(&(record.commit, record.step, predicate_type));
                    let code = match since {
                        Some(seq) if *seq > record.seq => Code::AttestedAgain,
                        _ => Code::KeyRevoked,
                    };
                    Finding::at(code, record.seq, record.commit, detail)
                }),
        );
    }
    counting
}

// A key that a later roster declares suspect from some seq on does not count from there, until it is
// attested again; a revoked one stands in no roster from then on anyway.
fn suspect(timeline: &Timeline, key: &KeyId, seq: u64) -> Option<String> {
    timeline.states().iter().find_map(|(_, state)| {
        let since = state.roster.revocation(key)?.suspect_since?;
        (seq >= since).then(|| format!("key {key} is suspect since seq {since}"))
    })
}

// An artifact's commits are those that it was made from: what counts and says so, provenance by the commits that it
// names as far as the ledger knows them. Where nothing says so, those of all entries about it.
fn subjects(
    question: &Question,
    records: &[Record],
    counting: &BTreeMap<u64, PersonId>,
) -> Vec<CommitSubject> {
    match question {
        Question::Ledger => return Vec::new(),
        Question::Commits(subjects) => return subjects.clone(),
        Question::Artifact(_) => {}
    }
    let makes = |record: &&Record| record.says.makes && counting.contains_key(&record.seq);
    let about = |record: &&Record| record.says.artifact;
    let mut subjects: Vec<CommitSubject> = Vec::new();
    let mut add = |record: &Record| {
        let subject = CommitSubject {
            commit: record.commit,
            tree: record.tree,
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    };
    if !records.iter().any(|record| makes(&record)) {
        records.iter().filter(about).for_each(add);
        return subjects;
    }
    for maker in records.iter().filter(makes) {
        let mut known = false;
        for source in &maker.sources {
            let proved = |one: &&Record| one.commit == *source && one.says.tree;
            if let Some(record) = records.iter().find(proved) {
                add(record);
                known = true;
            }
        }
        if !known {
            add(maker);
        }
    }
    subjects
}

// What was required when the first evidence about it came, and what is required since the newest: a policy
// that was weakened afterwards takes nothing back.
fn required<'a>(
    subject: &CommitSubject,
    records: &[Record],
    timeline: &'a Timeline,
) -> Vec<&'a StepRule> {
    let mut about = records
        .iter()
        .filter(|record| is_about(record, subject))
        .map(|r| r.seq);
    let first = about.next().unwrap_or(records.len() as u64);
    let last = about.next_back().unwrap_or(first);
    let mut rules: Vec<_> = timeline.at(first).policy.required().collect();
    for rule in timeline.at(last).policy.required() {
        if rules.iter().all(|known| known.name() != rule.name()) {
            rules.push(rule);
        }
    }
    rules
}

fn is_asked(record: &Record, question: &Question, subjects: &[CommitSubject]) -> bool {
    match question {
        Question::Ledger => true,
        Question::Commits(_) => subjects.iter().any(|subject| is_about(record, subject)),
        Question::Artifact(_) => record.says.artifact,
    }
}

fn is_about(record: &Record, subject: &CommitSubject) -> bool {
    record.commit == subject.commit || (record.says.tree && record.tree == subject.tree)
}

// k persons, each by their newest word: one that last saw the step fail does not count for it.
fn step(
    rule: &StepRule,
    subject: &CommitSubject,
    records: &[Record],
    names: &Names,
    counting: &BTreeMap<u64, PersonId>,
) -> StepVerdict {
    let mut newest: BTreeMap<&PersonId, &Record> = BTreeMap::new();
    for record in records.iter().filter(|record| is_about(record, subject)) {
        let Some(person) = counting.get(&record.seq) else {
            continue;
        };
        if names.text(record.step) == rule.name().as_str() {
            newest.insert(person, record);
        }
    }
    let passed: Vec<_> = newest
        .iter()
        .filter(|(_, record)| !record.says.failed)
        .collect();
    let failed = newest.values().any(|record| record.says.failed);
    let state = if failed {
        StepState::Failed
    } else if passed.len() as u64 >= u64::from(rule.count()) {
        StepState::Passed
    } else {
        StepState::Missing
    };
    let entries: BTreeSet<_> = newest.values().map(|record| record.seq).collect();
    StepVerdict {
        commit: subject.commit,
        step: rule.name().clone(),
        state,
        entries: entries.into_iter().collect(),
        persons: passed
            .into_iter()
            .map(|(person, _)| (*person).clone())
            .collect(),
        needed: rule.count(),
    }
}

fn step_finding(verdict: &StepVerdict) -> Option<Finding> {
    let (code, detail) = match verdict.state {
        StepState::Passed => return None,
        StepState::Failed => (Code::StepFailed, format!("step {}", verdict.step)),
        StepState::Missing => (
            Code::StepMissing,
            format!(
                "step {}: {} of {} persons",
                verdict.step,
                verdict.persons.len(),
                verdict.needed
            ),
        ),
    };
    Some(Finding {
        code,
        seq: None,
        commit: Some(verdict.commit),
        detail,
    })
}

// The newest entry of a missing step about the head of the change that a commit landed, where its tree is another.
fn lost(evidence: &Evidence, subject: &CommitSubject, verdict: &StepVerdict) -> Option<u64> {
    if verdict.state != StepState::Missing {
        return None;
    }
    let entries = || evidence.entries.iter().rev();
    let id = entries().find_map(|entry| match &entry.said {
        Some(Known::Landing(landing)) if landing.commits.contains(&subject.commit) => {
            Some(&landing.change_id)
        }
        _ => None,
    })?;
    let head = entries().find_map(|entry| match &entry.said {
        Some(Known::Change(change)) if change.id == *id => Some(change.head),
        _ => None,
    })?;
    let about = |entry: &&judge::Entry| {
        let of_head = entry.commit == head.commit || entry.has_tree(&head.tree);
        of_head && entry.step == verdict.step.as_str() && !entry.failed
    };
    (head.tree != subject.tree).then(|| entries().find(about).map(|entry| entry.seq))?
}

fn describe(question: &Question) -> String {
    match question {
        Question::Ledger => "the ledger".into(),
        Question::Commits(subjects) => match subjects.as_slice() {
            [] => "no commit".into(),
            [one] => format!("commit {}", one.commit),
            [first, .., last] => {
                format!(
                    "{} commits from {} to {}",
                    subjects.len(),
                    first.commit,
                    last.commit
                )
            }
        },
        Question::Artifact(artifact) => format!("artifact {}", artifact.name),
    }
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        (b.severity(), a.seq, a.code, &a.commit, &a.detail).cmp(&(
            a.severity(),
            b.seq,
            b.code,
            &b.commit,
            &b.detail,
        ))
    });
    findings.dedup();
    findings
}
