//! An accepted record renders to the same bytes.
#![no_main]

use git_docket::ledger::append_record::SignedAppendRecord;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = SignedAppendRecord::parse(data) {
        assert_eq!(record.render(), data);
    }
});
