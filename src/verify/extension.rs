//! Extension: is what was added to a ledger what an entitled writer may add? Judged from what was added alone,
//! so that a server or a fetch can ask it of every push, however long the ledger is.
//!
//! What is handed in: the records of the old tip, the roster in force there, and a snapshot that holds the new
//! tip's records and only the notes, bodies and kept commits that differ. That nothing else differs, and that
//! a note's old lines are still its first, is known from the trees and is not asked here. The steps:
//!
//! 1. grammar of the new append record; its origin; its writer is one by the old roster and has signed;
//! 2. every new entry: grammar, digests, signature by a key of the old roster, placement, tree;
//! 3. seq and `prev` go on from the old last leaf;
//! 4. the old edge with the new leaves yields the new edge, and with it the record's size, roots and last leaf;
//! 5. every added body and kept commit belongs to an entry;
//! 6. a seal stays, or is replaced by one over more.
//!
//! What is *not* judged: a new seal, and entries that change roster, policy or ledger key. They need the whole
//! ledger: [`Extension::needs_replay`]. Nor is a repetition of an old entry found, nor what the policy lets
//! count: they break nothing, and replay says so.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use super::examine::{Examiner, GOVERNANCE, Names, Record, State, UnknownKeys};
use super::signer::Signer;
use super::{Keep, VerifyError, examine_notes, heads};
use crate::{
    digest::Sha256,
    finding::{Code, Finding, Severity},
    ledger::{AppendRecord, Edge, Snapshot, append_record::SignedAppendRecord, seal::SignedSeal},
    roster::Roster,
    sigstore::Trust,
};

/// The tip that is extended.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Its append record, verified when it was the new one.
    pub record: &'a AppendRecord,
    /// Its edge, which yields the record's root.
    pub edge: &'a Edge,
    /// The bytes of its seal.
    pub seal: Option<&'a SignedSeal>,
    /// The bytes of its in-force pointer.
    pub in_force: &'a [u8],
    /// The roster in force.
    pub roster: &'a Roster,
    /// Who is believed about keyless signatures.
    pub trust: &'a Trust,
}

/// What was added.
#[derive(Clone, Debug)]
pub struct Extension {
    /// How many entries.
    pub entries: u64,
    /// What is wrong with it; none where it may stand.
    pub findings: Vec<Finding>,
    /// Whether it brings a seal or a change of what is in force, which only replay of the whole can judge.
    pub needs_replay: bool,
}

/// Judges what `snapshot` adds to `base`.
///
/// # Errors
/// Where something of it could not be read.
pub fn extension(snapshot: &dyn Snapshot, base: &Base<'_>) -> Result<Extension, VerifyError> {
    let shape = snapshot.shape();
    let mut findings = super::shape_findings(snapshot);
    let signed = heads::read(shape, &mut findings);
    let old = &base.record.new;

    let names = Names::default();
    let keys: HashMap<_, _> = base
        .roster
        .keys()
        .map(|(key, _)| (key.id(), key.clone()))
        .collect();
    let examiner = Examiner {
        snapshot,
        origin: Some(&base.record.origin),
        artifact: None,
        names: &names,
        keys: &keys,
        trust: base.trust,
        keep: Keep::Nothing,
        unknown_keys: UnknownKeys::Fail,
    };
    let mut all = examine_notes(&examiner, NonZeroUsize::MIN, None)?;
    stray(snapshot, &all.records, &mut findings);
    all.records.retain(|record| record.seq >= old.size);
    all.records.sort_by_key(|record| record.seq);
    let governs = all
        .records
        .iter()
        .any(|record| GOVERNANCE.contains(&names.text(record.step).as_str()));
    // Who may sign what is in force anew, and what follows it in the same push, is for replay to say.
    findings.extend(all.findings.into_iter().filter(|finding| {
        let is_new = finding.seq.is_none_or(|seq| seq >= old.size);
        is_new && (!governs || finding.severity() == Severity::Broken)
    }));
    if !governs {
        for record in &all.records {
            findings.extend(entitled(record, &names, base.roster));
        }
    }

    let mut edge = base.edge.clone();
    let mut roots = HashMap::from([(old.size, old.root)]);
    let mut prev = base.record.last_leaf;
    for record in &all.records {
        let mut find = |code, detail: String| {
            findings.push(Finding::at(code, record.seq, record.commit, detail));
        };
        if record.seq != edge.size() {
            find(
                Code::SeqGap,
                format!(
                    "the next entry is {}, this one is {}",
                    edge.size(),
                    record.seq
                ),
            );
            break;
        }
        if record.prev != prev {
            find(Code::PrevMismatch, "it does not follow the old tip".into());
        }
        prev = record.leaf;
        edge.push(record.leaf);
        roots.extend(edge.root().map(|root| (edge.size(), root)));
    }
    let resealed = seal_changed(base, signed.seal.as_ref(), &mut findings);
    // A new seal moves the edge's border; then its root alone can be compared, and replay does the rest.
    let says = shape.edge.as_deref().map(Edge::parse);
    let meets = match &says {
        Some(Ok(new)) if resealed => new.size() == edge.size() && new.root() == edge.root(),
        Some(Ok(new)) => *new == edge,
        _ => false,
    };
    if !meets {
        findings.push(Finding::new(
            Code::EdgeMismatch,
            "the old edge with the new entries does not yield the new one",
        ));
    }
    if let Some(append) = &signed.append {
        record_findings(append, base, &edge, &roots, prev, governs, &mut findings);
    }
    if !governs && shape.in_force.as_deref() != Some(base.in_force) {
        findings.push(Finding::new(
            Code::InForceMismatch,
            "docket/in-force changes and no entry says why",
        ));
    }
    Ok(Extension {
        entries: edge.size() - old.size,
        findings,
        needs_replay: governs || resealed,
    })
}

fn entitled(record: &Record, names: &Names, roster: &Roster) -> Option<Finding> {
    let State::Sound { signer, .. } = record.state else {
        return None;
    };
    let find = |code, detail| Some(Finding::at(code, record.seq, record.commit, detail));
    if !record.says.tree {
        return find(Code::TreeUnproved, format!("tree {}", record.tree));
    }
    let key = match Signer::read(&names.text(signer))? {
        Signer::Key(key) => key,
        signer @ Signer::Identity(_) => {
            if signer.person(roster).is_some() {
                return None;
            }
            let (code, detail) = signer.unknown(roster, false);
            return find(code, detail);
        }
    };
    let since = roster.revocation(&key)?.suspect_since?;
    (record.seq >= since).then_some(())?;
    find(
        Code::KeyRevoked,
        format!("key {key} is suspect since seq {since}"),
    )
}

// Whether the seal is another one; one that is gone or covers less is found.
fn seal_changed(base: &Base<'_>, new: Option<&SignedSeal>, findings: &mut Vec<Finding>) -> bool {
    let size = |seal: Option<&SignedSeal>| seal.map_or(0, |seal| seal.unverified().head.size);
    let old = base.seal;
    if old == new {
        return false;
    }
    if size(new) < size(old) {
        findings.push(Finding::new(
            Code::SealMismatch,
            format!("{} entries were sealed, now {}", size(old), size(new)),
        ));
    }
    true
}

fn record_findings(
    append: &SignedAppendRecord,
    base: &Base<'_>,
    edge: &Edge,
    roots: &HashMap<u64, Sha256>,
    last_leaf: Sha256,
    governs: bool,
    findings: &mut Vec<Finding>,
) {
    let mut find = |code, detail: String| findings.push(Finding::new(code, detail));
    let record = append.unverified();
    if record.origin != base.record.origin {
        find(
            Code::OriginMismatch,
            format!("the append record is of {}", record.origin),
        );
    }
    if edge.size() == base.record.new.size {
        if record != base.record {
            find(
                Code::RootMismatch,
                "another append record over the same entries".into(),
            );
        }
        return;
    }
    if record.new.size != edge.size() {
        find(
            Code::SizeMismatch,
            format!(
                "the append record says {}, there are {}",
                record.new.size,
                edge.size()
            ),
        );
    } else if Some(record.new.root) != edge.root() || record.last_leaf != last_leaf {
        find(Code::RootMismatch, "the root over all entries".into());
    }
    if roots.get(&record.old.size) != Some(&record.old.root) {
        find(
            Code::RootMismatch,
            format!(
                "the append record extends {} entries of another history",
                record.old.size
            ),
        );
    }
    if governs {
        return;
    }
    if record.roster != base.record.roster || record.policy != base.record.policy {
        find(
            Code::InForceMismatch,
            "the append record names another roster or policy, and no entry says why".into(),
        );
    }
    if let Err(error) = heads::signed_by_writer(append, base.roster) {
        find(error.0, error.1);
    }
}

// What an old line of a note that grew names is here with it.
fn stray(snapshot: &dyn Snapshot, records: &[Record], findings: &mut Vec<Finding>) {
    let shape = snapshot.shape();
    let bodies: BTreeSet<_> = records
        .iter()
        .filter(|record| record.in_blob)
        .map(|record| record.attestation)
        .collect();
    let commits: BTreeSet<_> = records.iter().map(|record| record.commit).collect();
    let bodies = shape.blobs.iter().filter(|blob| !bodies.contains(blob));
    let commits = shape.kept_commits.iter().filter(|id| !commits.contains(id));
    let names = bodies
        .map(|blob| format!("docket/blob sha256:{blob}"))
        .chain(commits.map(|id| format!("docket/commit {id}")));
    findings.extend(names.map(|name| Finding::new(Code::StrayBody, name)));
}
