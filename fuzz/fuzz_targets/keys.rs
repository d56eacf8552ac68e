//! No key file makes the readers panic; an accepted public key prints to one that reads.
#![no_main]

use git_docket::{
    ledger::note::VerifierKey,
    signing::{Passphrase, PublicKey, SigningKey},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    let _ = SigningKey::from_pem(text, Some(&Passphrase::new(String::new())));
});
