//! Keys and signatures.
//!
//! Ed25519 (RFC 8032) and ECDSA (FIPS 186-5) on P-256 and P-384, each with one declared rule, so that one
//! input has one verdict on every machine. ECDSA's is in `ecdsa`. Ed25519's: the cofactorless equation, `S < L`, and R compared as bytes, as Go, OpenSSL and cosign judge. Public keys
//! that are not canonically encoded or of small order are refused on every way in. A key in a security key signs
//! more than the message: `security_key`. There is no batch mode: batches decide some malformed signatures otherwise.
//!
//! Nothing here makes random numbers: seeds and salts are arguments.

mod cosign;
mod ecdsa;
mod openssh;
mod private;
mod public;
pub(crate) mod security_key;
pub(crate) mod ssh;

pub use ecdsa::Curve;
pub use private::{
    EncryptionSeed, Lock, Passphrase, PrivateKeyError, Remote, SigningError, SigningKey,
};
pub use public::{KeyAlgorithm, KeyError, KeyId, KeyIdError, PublicKey, SignatureError};
