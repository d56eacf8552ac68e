//! The containers that a signed payload travels in.
//!
//! [`Envelope`] is DSSE: payload, payload type, signatures. [`Bundle`] is a Sigstore bundle v0.3 around one:
//! what we write, because every current verifier reads it. [`Foreign`] are other
//! tools' containers around the same. None judges a signature or looks into the
//! payload: that is [`crate::attestation`]'s. Manual: `git docket help envelope`.

mod bundle;
mod dsse;
mod foreign;

pub use bundle::{Bundle, BundleError, MEDIA_TYPE, Material};
pub use dsse::{Alphabet, Envelope, EnvelopeError, MAX_SIGNATURES, Signature, pae};
pub use foreign::{Foreign, ForeignError};
