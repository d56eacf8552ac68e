//! One note at a time: what can be said of an entry without the entries around it.
//!
//! For each line of a note: grammar; that it stands in the note its link names; the body's place and
//! digest; container, signature, statement; what the statement says about its place and subject. The
//! signature needs a key. A key is found by the id that the container names, and an id is the hash of its
//! key, so that it does not matter who told us of the key: where it is known the entry is judged here,
//! where it is not, again once replay has found every roster. Reading stops at a note's first malformed
//! line: what follows it has no place.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use super::signer::{self, Signer};
use super::{Artifact, Keep, VerifyError};
use crate::{
    attestation::{Attestation, Carrier, VerifyError as SignatureError},
    digest::{Algorithm, ObjectId, ObjectKind, Sha256},
    finding::{Code, Finding, chain},
    judge::layout::Signed,
    ledger::{
        Lines, Origin, Placement as BodyPlace, Reader, Snapshot,
        entry::{self, Line},
    },
    merkle,
    signing::{KeyId, PublicKey},
    sigstore::Trust,
    statement::{
        Statement, Step, Subject,
        predicate::{self, Known, Predicate as _},
    },
    timestamp::Timestamp,
};

/// Steps whose statements change the ledger's own state; everything else is evidence.
pub(super) const GOVERNANCE: [&str; 5] = ["genesis", "roster", "policy", "cosign", "ledger-key"];

/// The step of entries that say what is missing.
pub(super) const GAP: &str = "gap";

/// A text that many entries share, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name(u32);

/// Numbers texts. The numbers depend on the order of reading and never reach an output.
#[derive(Default)]
pub(super) struct Names(Mutex<(HashMap<String, u32>, Vec<String>)>);

impl Names {
    pub(super) fn number(&self, text: &str) -> Name {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = inner.0.get(text) {
            return Name(*number);
        }
        let number = inner.1.len() as u32;
        inner.0.insert(text.to_owned(), number);
        inner.1.push(text.to_owned());
        Name(number)
    }

    pub(super) fn text(&self, name: Name) -> String {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1.get(name.0 as usize).cloned().unwrap_or_default()
    }
}

/// How far an entry's attestation was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Signature, statement and place hold; who may have signed is still to be asked.
    Sound {
        /// The signing key, or the certificate's names.
        signer: Name,
        /// The predicate's type.
        predicate_type: Name,
    },
    /// The key that the container names is not known yet.
    KeyWanted,
    /// It was found unsound, and counts for nothing.
    Unsound,
    /// Another tool's, by a signer whom nobody here knows: it counts for nothing, and is no fault.
    Carried,
}

/// What the statement says that later judgement asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    /// Its subjects include the artifact that was asked for.
    pub(super) artifact: bool,
    /// It says how that artifact was made: provenance, a link, a release.
    pub(super) makes: bool,
    /// It reports that its step failed.
    pub(super) failed: bool,
    /// Its subjects include a tree hashed with SHA-256.
    pub(super) rehashed: bool,
    /// A subject proves the link's tree.
    pub(super) tree: bool,
}

/// What stays in memory of one entry.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) prev: Sha256,
    pub(super) leaf: Sha256,
    pub(super) attestation: Sha256,
    pub(super) pae: Sha256,
    pub(super) commit: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) step: Name,
    pub(super) state: State,
    pub(super) says: Says,
    pub(super) in_blob: bool,
    pub(super) claimed: Timestamp,
    /// The earliest verified time at which it was signed already.
    pub(super) verified: Option<Timestamp>,
    /// What the statement says, where it is to be judged.
    pub(super) kept: Option<Box<Kept>>,
    /// The commits from which the artifact that was asked for came, as provenance names them.
    pub(super) sources: Box<[ObjectId]>,
}

/// What is kept of a statement that is to be judged.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) subjects: Vec<Subject>,
    /// `None` for a type that is not understood, for one that breaks its own rules, and for links, of which
    /// only the result counts.
    pub(super) said: Option<Known>,
}

/// What one note yielded.
#[derive(Default)]
pub(super) struct Examined {
    pub(super) records: Vec<Record>,
    pub(super) findings: Vec<Finding>,
    /// Attestations of governance steps, by seq.
    pub(super) governance: BTreeMap<u64, Attestation>,
    /// Broken tips of the ref from which sound entries say that the ledger was recovered, by seq.
    pub(super) recovered: BTreeMap<u64, ObjectId>,
}

/// What every note is examined against.
pub(super) struct Examiner<'a> {
    pub(super) snapshot: &'a dyn Snapshot,
    pub(super) origin: Option<&'a Origin>,
    pub(super) artifact: Option<&'a Artifact>,
    pub(super) names: &'a Names,
    pub(super) keys: &'a HashMap<KeyId, PublicKey>,
    /// Who is believed about keyless signatures.
    pub(super) trust: &'a Trust,
    /// Whether what statements say is kept.
    pub(super) keep: Keep,
    /// Whether an entry whose key is not among `keys` is left for later, or has failed.
    pub(super) unknown_keys: UnknownKeys,
}

/// What becomes of an entry whose key is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownKeys {
    /// Left for later.
    Wait,
    /// Found.
    Fail,
}

impl Examiner<'_> {
    pub(super) fn note(
        &self,
        reader: &mut dyn Reader,
        index: usize,
    ) -> Result<Examined, VerifyError> {
        let object = self.snapshot.notes()[index];
        let note = reader.note(index).map_err(|source| VerifyError::Read {
            what: format!("the note of {object}"),
            source,
        })?;
        let mut examined = Examined::default();
        let mut lines = Lines::of(&note);
        while let Some(line) = lines.next() {
            match line {
                Ok(line) => self.line(reader, &object, &line, &mut examined)?,
                Err(error) => examined.findings.push(Finding {
                    code: Code::EntryGrammar,
                    seq: None,
                    commit: Some(object),
                    detail: format!("byte {} of the note: {}", lines.offset(), chain(&error)),
                }),
            }
        }
        self.kept_commit(reader, &mut examined)?;
        Ok(examined)
    }

    fn line(
        &self,
        reader: &mut dyn Reader,
        object: &ObjectId,
        line: &Line<'_>,
        out: &mut Examined,
    ) -> Result<(), VerifyError> {
        let link = &line.link;
        let mut find = |code, detail: String| {
            out.findings
                .push(Finding::at(code, link.seq, link.commit, detail));
        };
        if link.commit != *object {
            find(
                Code::NoteMismatch,
                format!("it stands in the note of {object}"),
            );
        }
        let mut record = Record {
            seq: link.seq,
            prev: link.prev,
            leaf: merkle::leaf_hash(line.link_bytes),
            attestation: link.attestation,
            pae: Sha256::from_bytes([0; 32]),
            commit: link.commit,
            tree: link.tree,
            step: self.names.number(link.step.as_str()),
            state: State::Unsound,
            says: Says::default(),
            in_blob: line.body.is_none(),
            claimed: link.time,
            verified: None,
            kept: None,
            sources: Box::default(),
        };
        let body = match line.body {
            Some(body) => Some(body.to_vec()),
            None => reader
                .blob(&link.attestation)
                .map_err(|source| VerifyError::Read {
                    what: format!("the attestation sha256:{}", link.attestation),
                    source,
                })?,
        };
        match body {
            None => find(Code::BodyMissing, format!("sha256:{}", link.attestation)),
            Some(body) => {
                let digest = Sha256::of(&body);
                if digest != link.attestation {
                    find(
                        Code::AttestationDigest,
                        format!(
                            "the link names sha256:{}, the bytes are sha256:{digest}",
                            link.attestation
                        ),
                    );
                } else {
                    let inline = || entry::placement(&body, line.offset) == BodyPlace::Inline;
                    if line.body.is_none() && inline() {
                        find(Code::BodyMisplaced, format!("{} bytes", body.len()));
                    }
                    self.attestation(body, &link.step, &mut record, out);
                }
            }
        }
        out.records.push(record);
        Ok(())
    }

    fn attestation(&self, body: Vec<u8>, step: &Step, record: &mut Record, out: &mut Examined) {
        // The caller has held the bytes against the link's digest.
        let attestation = match Attestation::parse_digested(body, record.attestation) {
            Ok(attestation) => attestation,
            Err(error) => {
                return out
                    .findings
                    .push(at(record, Code::AttestationGrammar, chain(&error)));
            }
        };
        record.pae = attestation.pae_digest();
        let (state, finding) = self.judge(&attestation, step, record);
        record.state = state;
        out.findings.extend(finding);
        if step.as_str() == GAP
            && let (State::Sound { .. }, Ok(statement)) =
                (state, attestation.unverified_statement())
            && let Some(broken) = recovered_from(&statement)
        {
            out.recovered.insert(record.seq, broken);
        }
        if GOVERNANCE.contains(&step.as_str()) {
            out.governance.insert(record.seq, attestation);
        }
    }

    /// Signature, statement, placement and subjects of one attestation.
    pub(super) fn judge(
        &self,
        attestation: &Attestation,
        step: &Step,
        record: &mut Record,
    ) -> (State, Option<Finding>) {
        let unsound = |code, detail| (State::Unsound, Some(at(record, code, detail)));
        let unknown = |code, detail: String| match is_carried(attestation, step) {
            true => (
                State::Carried,
                Some(at(record, Code::ForeignSigner, detail)),
            ),
            false => unsound(code, detail),
        };
        if attestation.carrier() == Carrier::Certificate {
            return self.judge_keyless(attestation, step, record);
        }
        let Some(key_id) = attestation.key_id() else {
            return unknown(
                Code::SignatureInvalid,
                "it names no key of a kind that is verified".into(),
            );
        };
        let Some(key) = self.keys.get(&key_id) else {
            return match self.unknown_keys {
                UnknownKeys::Wait => (State::KeyWanted, None),
                UnknownKeys::Fail => unknown(Code::KeyUnknown, format!("key {key_id}")),
            };
        };
        let verified = match attestation.verify(key) {
            Ok(verified) => verified,
            Err(error) => {
                let code = match error {
                    SignatureError::PayloadType { .. } | SignatureError::Statement(_) => {
                        Code::StatementGrammar
                    }
                    _ => Code::SignatureInvalid,
                };
                return unsound(code, chain(&error));
            }
        };
        self.judge_statement(verified.statement(), &Signer::Key(key_id), step, record)
    }

    /// The same of an attestation with a certificate. Whose it is, the bundle shows; one that makes no claim on this
    /// ledger is carried whoever signed it.
    fn judge_keyless(
        &self,
        attestation: &Attestation,
        step: &Step,
        record: &mut Record,
    ) -> (State, Option<Finding>) {
        let verdict = self
            .trust
            .verify(attestation.bytes(), attestation.envelope());
        let carried = is_carried(attestation, step);
        let vouched = match verdict {
            Ok(vouched) => vouched,
            Err(refusal) => {
                let detail = format!("{}: {refusal}", refusal.code());
                let (state, code) = match carried {
                    true => (State::Carried, Code::ForeignSigner),
                    false => (State::Unsound, Code::KeylessRefused),
                };
                return (state, Some(at(record, code, detail)));
            }
        };
        if carried {
            let detail = format!("its bundle holds, of {}", signer::seen(&vouched.names));
            return (
                State::Carried,
                Some(at(record, Code::ForeignSigner, detail)),
            );
        }
        record.verified = vouched.times.first().copied();
        let signer = Signer::Identity(vouched.names);
        self.judge_statement(&vouched.statement, &signer, step, record)
    }

    /// Placement and subjects of a statement whose signature holds.
    fn judge_statement(
        &self,
        statement: &Statement,
        signer: &Signer,
        step: &Step,
        record: &mut Record,
    ) -> (State, Option<Finding>) {
        if let Some((code, detail)) = self.misplaced(statement, step, record) {
            return (State::Unsound, Some(at(record, code, detail)));
        }
        record.says = self.says(statement, record);
        if record.says.makes {
            record.sources = sources(statement, record);
        }
        if self.keep == Keep::Said && !GOVERNANCE.contains(&step.as_str()) {
            record.kept = Some(Box::new(Kept::of(statement)));
        }
        let state = State::Sound {
            signer: self.names.number(&signer.text()),
            predicate_type: self.names.number(statement.predicate_type().as_str()),
        };
        (state, None)
    }

    fn misplaced(
        &self,
        statement: &Statement,
        step: &Step,
        record: &Record,
    ) -> Option<(Code, String)> {
        let placement = match statement.placement() {
            Ok(Some(placement)) => placement,
            Ok(None) => return Some((Code::PlacementMissing, "no docket annotations".into())),
            Err(error) => return Some((Code::StatementGrammar, chain(&error))),
        };
        let mismatch = |what: &str, says: &dyn std::fmt::Display, link: &dyn std::fmt::Display| {
            Some((
                Code::PlacementMismatch,
                format!("the statement says {what} {says}, the link stands under {link}"),
            ))
        };
        if let Some(origin) = self
            .origin
            .filter(|origin| origin.as_str() != placement.origin)
        {
            return mismatch("origin", &placement.origin, origin);
        }
        if placement.step != *step {
            return mismatch("step", &placement.step, step);
        }
        if placement.commit != record.commit {
            return mismatch("commit", &placement.commit, &record.commit);
        }
        // Subjects that name commits or trees of this repository's format must name this one among them.
        let (commit, tree) = (record.commit.hex(), record.tree.hex());
        let mut others = Vec::new();
        for subject in statement.subjects() {
            for (algorithm, own) in [("gitCommit", &commit), ("gitTree", &tree)] {
                match subject.digest.get(algorithm) {
                    Some(digest) if digest == own => return None,
                    Some(digest) if digest.len() == own.len() => others.push(digest.to_owned()),
                    _ => {}
                }
            }
        }
        others.first().map(|other| {
            (
                Code::SubjectMismatch,
                format!("the statement is about {other}, the link about {commit}"),
            )
        })
    }

    fn says(&self, statement: &Statement, record: &Record) -> Says {
        let tree = record.tree.hex();
        let mut says = Says {
            failed: reports_failure(statement),
            ..Says::default()
        };
        for subject in statement.subjects() {
            let git_tree = subject.digest.get("gitTree");
            says.tree |= git_tree == Some(tree.as_str());
            says.rehashed |= git_tree.is_some_and(|hex| hex.len() == 64);
            says.artifact |= self.artifact.is_some_and(|artifact| artifact.is(subject));
        }
        let kind = statement.predicate_type().as_str();
        let makes = ["provenance", "link", "release"].map(predicate::uri_of);
        says.makes = says.artifact && !says.failed && makes.contains(&Some(kind));
        says
    }

    // The tree of a link is believed from the kept commit, whose bytes hash to its name, or from a
    // signed subject.
    fn kept_commit(&self, reader: &mut dyn Reader, out: &mut Examined) -> Result<(), VerifyError> {
        let Some(first) = out.records.first() else {
            return Ok(());
        };
        let commit = first.commit;
        let kept = reader.commit(&commit).map_err(|source| VerifyError::Read {
            what: format!("the kept commit {commit}"),
            source,
        })?;
        let tree = match &kept {
            None => None,
            Some(raw) => {
                let id = ObjectId::of_object(commit.algorithm(), ObjectKind::Commit, raw);
                let tree = tree_of(commit.algorithm(), raw);
                if id != Ok(commit) || tree.is_none() {
                    out.findings.push(Finding {
                        code: Code::KeptCommit,
                        seq: None,
                        commit: Some(commit),
                        detail: "its bytes are not the commit of that name".into(),
                    });
                    return Ok(());
                }
                tree
            }
        };
        for record in &mut out.records {
            match tree {
                Some(tree) if tree == record.tree => record.says.tree = true,
                Some(tree) => out.findings.push(at(
                    record,
                    Code::KeptCommit,
                    format!("the commit's tree is {tree}, the link says {}", record.tree),
                )),
                None => {}
            }
        }
        Ok(())
    }
}

fn sources(statement: &Statement, record: &Record) -> Box<[ObjectId]> {
    let read = Known::read(statement.predicate_type(), statement.predicate());
    match read {
        Ok(Some(Known::Provenance(said))) => said.commits(record.commit.algorithm()).into(),
        _ => Box::default(),
    }
}

impl Kept {
    fn of(statement: &Statement) -> Self {
        let predicate_type = statement.predicate_type();
        let is_link = predicate_type.as_str() == predicate::Link::TYPE;
        let read = || {
            Known::read(predicate_type, statement.predicate())
                .ok()
                .flatten()
        };
        Self {
            subjects: statement.subjects().to_vec(),
            said: (!is_link).then(read).flatten(),
        }
    }
}

fn at(record: &Record, code: Code, detail: String) -> Finding {
    Finding::at(code, record.seq, record.commit, detail)
}

/// Whether an attestation claims nothing of this ledger: a statement without a placement, or a link of classic in-toto. What
/// is filed under one of the ledger's own steps always claims something.
fn is_carried(attestation: &Attestation, step: &Step) -> bool {
    let unplaced = |statement: Statement| matches!(statement.placement(), Ok(None));
    let is_link = || Signed::link(attestation.bytes()).is_ok();
    !GOVERNANCE.contains(&step.as_str())
        && attestation
            .unverified_statement()
            .map_or_else(|_| is_link(), unplaced)
}

/// The tree that a commit's first line names.
fn tree_of(algorithm: Algorithm, raw: &[u8]) -> Option<ObjectId> {
    let line = raw.split(|b| *b == b'\n').next()?;
    let hex = std::str::from_utf8(line.strip_prefix(b"tree ")?).ok()?;
    ObjectId::from_hex(algorithm, hex).ok()
}

/// The broken tip that a recovery's statement names.
fn recovered_from(statement: &Statement) -> Option<ObjectId> {
    let gap = statement.decode::<predicate::Gap>().ok()?;
    Some(gap.recovery?.broken_tip)
}

/// Whether the predicate itself reports a failure: a link's `return-value` other than 0, a test result
/// `FAILED`.
fn reports_failure(statement: &Statement) -> bool {
    #[derive(serde::Deserialize)]
    struct Result {
        byproducts: Option<serde_json::Value>,
        result: Option<serde_json::Value>,
    }
    let kind = statement.predicate_type().short_name();
    if !matches!(kind, Some("link" | "test-result")) {
        return false;
    }
    let Some(Result { byproducts, result }) = statement.glance() else {
        return false;
    };
    match kind {
        Some("link") => byproducts.is_some_and(|byproducts| {
            let code = byproducts.get("return-value");
            code.is_some_and(|value| value.as_i64() != Some(0))
                || byproducts.get("signal").is_some()
        }),
        _ => result.is_some_and(|result| result == "FAILED"),
    }
}
