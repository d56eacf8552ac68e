//! An accepted edge renders to the same bytes.
#![no_main]

use git_docket::ledger::Edge;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(edge) = Edge::parse(data) {
        assert_eq!(edge.render().as_bytes(), data);
    }
});
