//! An accepted seal renders to the same bytes.
#![no_main]

use git_docket::ledger::seal::SignedSeal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(seal) = SignedSeal::parse(data) {
        assert_eq!(seal.render(), data);
    }
});
