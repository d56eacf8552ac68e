//! Bytes are kept, and no signature of a stranger holds.
#![no_main]

use git_docket::{attestation::Attestation, signing::SigningKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(attestation) = Attestation::parse(data.to_vec()) {
        assert_eq!(attestation.bytes(), data);
        let stranger = SigningKey::from_seed([66; 32]);
        assert!(attestation.verify(stranger.public()).is_err());
    }
});
