//! Canonical bytes are a fixed point.
#![no_main]

use git_docket::canonical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(value) = canonical::parse_strict(data)
        && let Ok(bytes) = canonical::to_vec(&value)
    {
        let again = canonical::parse_strict(&bytes).expect("canonical bytes read");
        assert_eq!(canonical::to_vec(&again).expect("and write"), bytes);
    }
});
