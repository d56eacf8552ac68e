//! An accepted pointer renders to the same bytes.
#![no_main]

use git_docket::ledger::InForce;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(pointer) = InForce::parse(data) {
        assert_eq!(pointer.render().as_bytes(), data);
    }
});
