//! No ledger makes replay panic, and none that names no sound genesis passes.
#![no_main]

use std::num::NonZeroUsize;

use git_docket::{
    ledger::in_memory::{InMemory, Parts},
    verify::{Question, Request, Verdict, verify},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(parts) = Parts::parse(data) else {
        return;
    };
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        trust: git_docket::sigstore::Trust::built_in().into(),
        threads: NonZeroUsize::MIN,
        keep: git_docket::verify::Keep::Nothing,
    };
    let outcome = verify(&InMemory::new(parts), &request).expect("memory can be read");
    assert!(outcome.origin.is_some() || outcome.verdict == Verdict::Broken);
});
