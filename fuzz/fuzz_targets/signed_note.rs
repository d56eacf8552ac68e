//! An accepted note renders to the same bytes.
#![no_main]

use git_docket::ledger::note::SignedNote;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(note) = SignedNote::parse(data) {
        assert_eq!(note.render().as_bytes(), data);
    }
});
