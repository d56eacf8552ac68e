//! No text makes the reader panic.
#![no_main]

use git_docket::policy::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Policy::parse(text).map(|policy| policy.explain());
    }
});
