//! A report or an audit stream is read or refused, and what it says of tests adds up.
#![no_main]

use git_docket::ingest::harness_audit;
use git_docket::ingest::reports::{self, Says};
use git_docket::statement::predicate::Predicate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drop(harness_audit::read(data));
    match reports::read(data).map(|report| report.says) {
        Ok(Says::Tests(result)) => assert!(result.to_map().is_ok()),
        Ok(Says::Vulns(vulns)) => assert!(vulns.to_map().is_ok()),
        _ => {}
    }
});
