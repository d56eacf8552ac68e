//! The records around the entries: append record, seal, edge, in-force pointer.

use super::{Heads, examine::Record, governance::Timeline};
use crate::{
    digest::Sha256,
    finding::{Code, Finding, chain},
    ledger::{
        Edge, InForce, Origin, TreeHead, append_record::SignedAppendRecord, note::NoteError,
        path::NotePath, seal::SignedSeal, snapshot::Shape,
    },
    merkle::CompactRange,
    roster::Roster,
    statement::predicate::{PersonId, Role},
};

/// The signed records as far as their grammar holds.
pub(super) struct Signed {
    pub(super) append: Option<SignedAppendRecord>,
    pub(super) seal: Option<SignedSeal>,
}

/// Reads the signed records; what does not parse is a finding.
pub(super) fn read(shape: &Shape, findings: &mut Vec<Finding>) -> Signed {
    let append = match &shape.append {
        None => {
            findings.push(Finding::new(
                Code::AppendRecordMissing,
                "docket/append is not there",
            ));
            None
        }
        Some(bytes) => SignedAppendRecord::parse(bytes)
            .map_err(|error| findings.push(Finding::new(Code::AppendRecordGrammar, chain(&error))))
            .ok(),
    };
    let seal = shape.seal.as_ref().and_then(|bytes| {
        SignedSeal::parse(bytes)
            .map_err(|error| findings.push(Finding::new(Code::SealGrammar, chain(&error))))
            .ok()
    });
    Signed { append, seal }
}

/// The roots of the first n leaves for the sizes that somebody asks about, in one pass.
pub(super) struct Roots<'a> {
    records: &'a [Record],
}

impl<'a> Roots<'a> {
    /// Over records sorted by seq.
    pub(super) fn of(records: &'a [Record]) -> Self {
        Self { records }
    }

    /// The root over the first `size` leaves; `None` where there are fewer.
    pub(super) fn at(&self, sizes: &[u64]) -> Vec<Option<Sha256>> {
        let mut roots = vec![None; sizes.len()];
        let mut range = CompactRange::empty(0);
        let mut note = |range: &CompactRange, size: u64| {
            for (root, _) in roots
                .iter_mut()
                .zip(sizes)
                .filter(|(_, wanted)| **wanted == size)
            {
                *root = range.root();
            }
        };
        note(&range, 0);
        for (index, record) in self.records.iter().enumerate() {
            range.push(record.leaf);
            let size = index as u64 + 1;
            if sizes.contains(&size) {
                note(&range, size);
            }
        }
        roots
    }
}

/// Holds the signed records against the entries and against what was in force.
pub(super) fn judge(
    signed: &Signed,
    shape: &Shape,
    records: &[Record],
    timeline: &Timeline,
    origin: &Origin,
    findings: &mut Vec<Finding>,
) -> Heads {
    let mut find = |code, detail: String| findings.push(Finding::new(code, detail));
    let size = records.len() as u64;
    let record = signed.append.as_ref().map(SignedAppendRecord::unverified);
    let seal = signed.seal.as_ref().map(SignedSeal::unverified);
    let sealed_size = seal.map_or(0, |seal| seal.head.size);
    let old_size = record.map_or(0, |record| record.old.size);
    let roots = Roots::of(records).at(&[size, sealed_size, old_size]);
    let root = roots[0].unwrap_or_else(crate::merkle::empty_root);
    let mut heads = Heads {
        landed: TreeHead { size, root },
        sealed: None,
        seal: None,
    };

    if let Some(record) = record {
        if record.origin != *origin {
            find(
                Code::OriginMismatch,
                format!(
                    "the append record is of {}, the ledger is {origin}",
                    record.origin
                ),
            );
        }
        if record.new.size != size {
            find(
                Code::SizeMismatch,
                format!(
                    "the append record says {}, there are {size}",
                    record.new.size
                ),
            );
        } else if record.new.root != root {
            find(Code::RootMismatch, "the root over all entries".into());
        } else if records
            .last()
            .is_some_and(|last| last.leaf != record.last_leaf)
        {
            find(Code::RootMismatch, "the last leaf".into());
        }
        if roots[2].is_some_and(|root| root != record.old.root) {
            find(
                Code::RootMismatch,
                format!("the root over the first {old_size} entries"),
            );
        }
        let next = timeline.at(record.new.size);
        if record.new.size == size
            && (record.roster != next.roster_mark || record.policy != next.policy_mark)
        {
            find(
                Code::InForceMismatch,
                format!(
                    "the append record names roster {} and policy {}, in force are {} and {}",
                    record.roster.seq,
                    record.policy.seq,
                    next.roster_mark.seq,
                    next.policy_mark.seq
                ),
            );
        }
    }
    if let Some(append) = &signed.append {
        signer(append, timeline, &mut find);
    }

    if let (Some(signed_seal), Some(seal)) = (&signed.seal, seal) {
        if seal.origin != *origin {
            find(
                Code::OriginMismatch,
                format!("the seal is of {}, the ledger is {origin}", seal.origin),
            );
        }
        let key = &timeline.at(sealed_size.min(size)).ledger_key;
        if let Err(error) = signed_seal.verify(key) {
            find(Code::SealSignature, chain(&error));
        } else if sealed_size > size {
            find(
                Code::SealMismatch,
                format!("{sealed_size} entries are sealed, there are {size}"),
            );
        } else if roots[1].is_none_or(|root| root != seal.head.root) {
            find(
                Code::SealMismatch,
                format!("the root over the first {sealed_size} entries"),
            );
        } else {
            heads.sealed = Some(seal.head.clone());
            heads.seal = Some(signed_seal.clone());
        }
    }

    let leaves: Vec<_> = records.iter().map(|record| record.leaf).collect();
    let edge = Edge::of_leaves(&leaves, sealed_size).render();
    if shape.edge.as_deref() != Some(edge.as_bytes()) {
        find(Code::EdgeMismatch, "docket/edge".into());
    }
    let next = timeline.at(size);
    let pointer = InForce {
        roster: NotePath::of(next.commits.0),
        policy: NotePath::of(next.commits.1),
    };
    if shape.in_force.as_deref() != Some(pointer.render().as_bytes()) {
        find(Code::InForceMismatch, "docket/in-force".into());
    }
    heads
}

// The writer must have been one before this append: a batch cannot entitle its own writer. Only the very
// first append is judged by the genesis that it brings.
fn signer(append: &SignedAppendRecord, timeline: &Timeline, find: &mut impl FnMut(Code, String)) {
    let before = timeline.at(append.unverified().old.size);
    if let Err((code, detail)) = signed_by_writer(append, &before.roster) {
        find(code, detail);
    }
}

/// Holds an append record's signature against the roster that judges it.
pub(super) fn signed_by_writer(
    append: &SignedAppendRecord,
    roster: &Roster,
) -> Result<(), (Code, String)> {
    let writer = append.writer();
    let id = writer.as_str().parse::<PersonId>().ok();
    let person = id
        .and_then(|id| roster.person(&id))
        .filter(|person| person.has_role(Role::WRITER))
        .ok_or_else(|| {
            let detail = format!("{writer} may not append there");
            (Code::AppendRecordSigner, detail)
        })?;
    let mut outcome = Err(NoteError::Frame);
    for key in person.keys() {
        outcome = append.verify(key).map(drop);
        if !matches!(outcome, Err(NoteError::Unsigned { .. })) {
            break;
        }
    }
    outcome.map_err(|error| match error {
        NoteError::Signature { .. } => (Code::AppendRecordSignature, format!("by {writer}")),
        _ => {
            let detail = format!("no key of {writer} has signed");
            (Code::AppendRecordSigner, detail)
        }
    })
}
