//! What only a pin, a memory or two histories can tell; and the findings that are mere notes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/forge.rs"]
mod forge;

use std::num::NonZeroUsize;

use forge::{ADA, BEN, Forge, LEDGER, MALLORY, ORIGIN, key};
use git_docket::{
    digest::{Algorithm, Sha256},
    finding::Code,
    ledger::{
        fork_proof::{ForkProof, Proved, Unproved},
        in_memory::InMemory,
        note::VerifierKey,
        seal::SignedSeal,
    },
    verify::{self, Memory, Outcome, Pin, Question, Request, Verdict, VerifyError},
};

fn judge(forge: &Forge, pin: Option<Pin>, memories: Vec<Memory>) -> Outcome {
    let request = Request {
        question: Question::Ledger,
        pin,
        memories,
        seals: Vec::new(),
        threads: NonZeroUsize::MIN,
        keep: git_docket::verify::Keep::Nothing,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    verify::verify(&InMemory::new(forge.parts()), &request).unwrap()
}

fn sound() -> Forge {
    Forge::sound(Algorithm::Sha1)
}

fn seen(forge: &Forge) -> Memory {
    judge(forge, None, Vec::new()).memory.unwrap()
}

fn pin() -> Pin {
    let memory = seen(&sound());
    Pin {
        origin: memory.origin,
        genesis: memory.genesis,
        ledger_key: VerifierKey::new(ORIGIN.parse().unwrap(), key(LEDGER).public()),
        seal: None,
    }
}

fn has(outcome: &Outcome, code: Code) -> bool {
    outcome.findings.iter().any(|finding| finding.code == code)
}

/// The sound ledger with another end after its first `keep` entries.
fn other_end(keep: usize, sealed: usize) -> Forge {
    let mut forge = sound();
    forge.planned.truncate(keep);
    for step in ["alpha", "beta", "gamma", "delta"] {
        forge.step(3, step, BEN);
    }
    forge.sealed = sealed;
    forge
}

#[test]
fn an_extension_of_what_was_seen_passes() {
    let mut longer = sound();
    longer.step(3, "build", BEN);
    longer.sealed += 2;
    let outcome = judge(&longer, Some(pin()), vec![seen(&sound())]);
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    assert!(!has(&outcome, Code::NoMemory) && !has(&outcome, Code::FirstUse));
}

/// What the outcome's one fork proof proves to others, who have the file and nothing else.
fn proved(outcome: &Outcome) -> Result<Proved, Unproved> {
    let [proof] = &outcome.fork_proofs[..] else {
        panic!("{} proofs", outcome.fork_proofs.len());
    };
    ForkProof::parse(&proof.render()).unwrap().judge()
}

#[test]
fn a_rollback_and_a_fork_leave_proofs_and_nothing_else_does() {
    let mut older = sound();
    older.planned.truncate(4);
    older.sealed = 3;
    let memory = || vec![seen(&sound())];
    assert_eq!(proved(&judge(&older, None, memory())), Ok(Proved::Rollback));
    let fork = judge(&other_end(3, 6), None, memory());
    assert_eq!(proved(&fork), Ok(Proved::Fork));
    for innocent in [sound(), other_end(5, 5)] {
        assert_eq!(judge(&innocent, None, memory()).fork_proofs, []);
    }
}

#[test]
fn a_seal_of_another_reader_is_held_against_the_ledger() {
    let held = |forge: &Forge, seal: SignedSeal| {
        let request = Request {
            question: Question::Ledger,
            pin: Some(pin()),
            memories: Vec::new(),
            seals: vec![seal],
            threads: NonZeroUsize::MIN,
            keep: git_docket::verify::Keep::Nothing,
            trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
        };
        verify::verify(&InMemory::new(forge.parts()), &request)
    };
    let theirs = |forge: &Forge| seen(forge).seal.unwrap();
    let same = held(&sound(), theirs(&sound())).unwrap();
    assert_eq!(same.verdict, Verdict::Pass, "{:?}", same.findings);
    assert!(!has(&same, Code::NoMemory), "their seal is a memory");
    let split = held(&other_end(3, 6), theirs(&sound())).unwrap();
    assert!(has(&split, Code::Fork), "{:?}", split.findings);
    assert_eq!(proved(&split), Ok(Proved::Fork));
    let mut longer = sound();
    longer.step(3, "build", BEN);
    longer.sealed += 2;
    let old = held(&sound(), theirs(&longer)).unwrap();
    assert!(has(&old, Code::Rollback), "{:?}", old.findings);
    let seal = theirs(&sound()).unverified().clone();
    let foreign = held(&sound(), seal.sign(&key(MALLORY)).unwrap());
    assert!(matches!(foreign, Err(VerifyError::ForeignSeal { .. })));
}

#[test]
fn an_older_sealed_tip_is_a_rollback() {
    let mut older = sound();
    older.planned.truncate(4);
    older.sealed = 3;
    let outcome = judge(&older, None, vec![seen(&sound())]);
    assert!(has(&outcome, Code::Rollback), "{:?}", outcome.findings);
    assert_eq!(outcome.verdict, Verdict::Broken);
    assert_eq!(outcome.memory, None, "a broken ledger is not remembered");
}

#[test]
fn another_history_under_a_seal_of_the_same_key_is_a_fork() {
    let outcome = judge(&other_end(3, 6), None, vec![seen(&sound())]);
    assert!(has(&outcome, Code::Fork), "{:?}", outcome.findings);
    assert_eq!(outcome.verdict, Verdict::Broken);
}

#[test]
fn an_unsealed_end_that_was_replaced_is_named_as_such_and_not_as_a_fork() {
    let outcome = judge(&other_end(5, 5), None, vec![seen(&sound())]);
    assert!(
        has(&outcome, Code::LandedTailReplaced),
        "{:?}",
        outcome.findings
    );
    assert!(!has(&outcome, Code::Fork) && !has(&outcome, Code::Rollback));
    assert_eq!(outcome.verdict, Verdict::Broken);
}

#[test]
fn a_seal_in_the_pin_tells_a_fresh_machine_of_a_rollback() {
    let pinned = Pin {
        seal: seen(&sound()).seal,
        ..pin()
    };
    let mut older = sound();
    older.planned.truncate(4);
    older.sealed = 3;
    let outcome = judge(&older, Some(pinned.clone()), Vec::new());
    assert!(has(&outcome, Code::Rollback));
    let outcome = judge(&sound(), Some(pinned), Vec::new());
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert!(
        !has(&outcome, Code::NoMemory),
        "the pinned seal is a memory"
    );
}

#[test]
fn each_part_of_a_pin_is_held_against_the_ledger() {
    let others = [
        Pin {
            origin: "git.example.com/other".parse().unwrap(),
            ..pin()
        },
        Pin {
            genesis: Sha256::of(b"another"),
            ..pin()
        },
        Pin {
            ledger_key: VerifierKey::new(ORIGIN.parse().unwrap(), key(MALLORY).public()),
            ..pin()
        },
    ];
    for other in others {
        let outcome = judge(&sound(), Some(other.clone()), Vec::new());
        assert!(has(&outcome, Code::PinMismatch), "{other:?}");
        assert_eq!(outcome.verdict, Verdict::Broken);
    }
    assert_eq!(
        judge(&sound(), Some(pin()), Vec::new()).verdict,
        Verdict::Pass
    );
}

#[test]
fn a_second_genesis_of_a_known_origin_needs_a_pin() {
    let mut known = seen(&sound());
    known.genesis = Sha256::of(b"another genesis");
    let outcome = judge(&sound(), None, vec![known.clone()]);
    assert!(has(&outcome, Code::SecondGenesis));
    assert_eq!(outcome.verdict, Verdict::Broken);
    assert_eq!(
        judge(&sound(), Some(pin()), vec![known]).verdict,
        Verdict::Pass
    );
}

#[test]
fn first_use_without_memory_is_said() {
    let outcome = judge(&sound(), None, Vec::new());
    assert_eq!(outcome.verdict, Verdict::Pass);
    for code in [Code::FirstUse, Code::NoMemory, Code::Unsealed] {
        assert!(has(&outcome, code), "{code}");
    }
    assert_eq!((outcome.counts.sealed, outcome.counts.unsealed), (5, 2));
}

#[test]
fn a_release_of_a_sha1_repository_without_the_rehash_rests_on_sha1() {
    let release = |format| {
        let mut forge = Forge::sound(format);
        forge.step(2, "release", BEN);
        judge(&forge, Some(pin()), Vec::new())
    };
    assert!(has(&release(Algorithm::Sha1), Code::Sha1Only));
    assert!(!has(&release(Algorithm::Sha256), Code::Sha1Only));
}

#[test]
fn a_change_below_the_threshold_waits_and_changes_nothing() {
    let mut forge = sound();
    forge.planned.clear();
    forge.genesis(forge::POLICY, 2);
    forge.cosign(0, BEN);
    forge.publish_policy("version = 1\n", 0, ADA);
    (forge.sealed, forge.last_append) = (0, 3);
    forge.writer = ("ada@example.com".into(), ADA);
    let outcome = judge(&forge, None, Vec::new());
    assert!(
        has(&outcome, Code::GovernancePending),
        "{:?}",
        outcome.findings
    );
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    assert_eq!(outcome.in_force.unwrap().policy_mark.seq, 0);

    // The second root key's signature completes it; it is in force for the entries after that.
    forge.cosign(2, BEN);
    let mut parts = forge.parts();
    parts.files = forge.records(&forge.links(), (0, 1), (2, 2));
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads: NonZeroUsize::MIN,
        keep: git_docket::verify::Keep::Nothing,
        trust: std::sync::Arc::new(git_docket::sigstore::Trust::built_in()),
    };
    let outcome = verify::verify(&InMemory::new(parts), &request).unwrap();
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    let in_force = outcome.in_force.unwrap();
    assert_eq!(in_force.policy_mark.seq, 2);
    assert!(in_force.policy.steps().is_empty());
}

#[test]
fn the_ledger_key_changes_with_old_and_new_signing() {
    use git_docket::statement::{Statement, predicate::LedgerKey};
    let vkey = |seed: u8| {
        VerifierKey::new(ORIGIN.parse().unwrap(), key(seed).public())
            .to_string()
            .parse()
            .unwrap()
    };
    let changed = |lost: bool, signers: &[u8]| {
        let mut forge = sound();
        let change = LedgerKey {
            old: vkey(LEDGER),
            new: vkey(7),
            lost,
        };
        let statement = Statement::of(vec![forge.subject(2)], &change).unwrap();
        let at = forge.planned.len();
        forge.plan(2, "ledger-key", statement, ADA);
        for signer in signers {
            forge.cosign(at, *signer);
        }
        forge.last_append = 1;
        (forge.sealed, forge.sealer) = (forge.planned.len(), 7);
        judge(&forge, None, Vec::new())
    };
    let whole = changed(false, &[LEDGER, 7]);
    assert_eq!(whole.verdict, Verdict::Pass, "{:?}", whole.findings);
    assert_eq!(changed(true, &[7]).verdict, Verdict::Pass);
    // Without the old key, and it not being lost, nothing changes: the new key's seal is a forgery.
    let lacking = changed(false, &[7]);
    assert!(has(&lacking, Code::SealSignature) && has(&lacking, Code::GovernancePending));
}
