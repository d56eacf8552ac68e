//! Whatever stands in a file that is imported is taken, with bytes that read back, or refused.
#![no_main]

use git_docket::attestation::Attestation;
use git_docket::ingest::attestations;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let found = attestations::read("data", data);
    assert!(!found.attestations.is_empty() || !found.refused.is_empty());
    for one in found.attestations {
        let again = Attestation::parse(one.attestation.bytes().to_vec());
        assert_eq!(again.ok().as_ref(), Some(&one.attestation));
    }
});
