//! ECDSA (FIPS 186-5) on P-256 with SHA-256 and on P-384 with SHA-384.
//!
//! A public key is the uncompressed point (SEC 1 §2.3.3) on a curve that is named (RFC 5480): no compressed
//! point, no parameters spelt out, each key one encoding. A signature is read as DER (RFC 3279 §2.2.3), which
//! OpenSSL, Go and cosign write, or as r and s of fixed length one after the other (IEEE P1363), which tokens
//! and web browsers write; in each form only the one canonical encoding. A high s is as good as a low one.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_FIXED, ParsedPublicKey, VerificationAlgorithm,
};

use super::ssh;

/// The DER of a SubjectPublicKeyInfo (RFC 5480 §2) up to the point.
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 3, 1, 7, 3, 0x42, 0,
];
const SPKI_P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22,
    3, 0x62, 0,
];
/// How an uncompressed point begins.
const UNCOMPRESSED: u8 = 4;

/// A curve of NIST's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-256: prime256v1, secp256r1.
    P256,
    /// P-384: secp384r1.
    P384,
}

impl Curve {
    pub(super) const ALL: [Self; 2] = [Self::P256, Self::P384];

    /// Bytes of a coordinate.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    /// What SSH calls it (RFC 5656 §10.1).
    pub(super) const fn ssh_name(self) -> &'static str {
        match self {
            Self::P256 => "nistp256",
            Self::P384 => "nistp384",
        }
    }

    fn reads_der(self, signature: &[u8]) -> bool {
        match self {
            Self::P256 => p256::ecdsa::Signature::from_der(signature).is_ok(),
            Self::P384 => p384::ecdsa::Signature::from_der(signature).is_ok(),
        }
    }

    const fn spki_prefix(self) -> &'static [u8] {
        match self {
            Self::P256 => SPKI_P256,
            Self::P384 => SPKI_P384,
        }
    }

    fn algorithms(self) -> [&'static dyn VerificationAlgorithm; 2] {
        match self {
            Self::P256 => [&ECDSA_P256_SHA256_ASN1, &ECDSA_P256_SHA256_FIXED],
            Self::P384 => [&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA384_FIXED],
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "ecdsa-p256",
            Self::P384 => "ecdsa-p384",
        })
    }
}

/// A point of a curve, ready to verify with.
#[derive(Clone)]
pub(super) struct EcdsaKey {
    curve: Curve,
    point: Vec<u8>,
    der: ParsedPublicKey,
    fixed: ParsedPublicKey,
}

impl EcdsaKey {
    /// Takes an uncompressed point; none if it is of another length or form, or not on the curve.
    pub(super) fn from_point(curve: Curve, point: &[u8]) -> Option<Self> {
        if point.len() != 1 + 2 * curve.width() || point.first() != Some(&UNCOMPRESSED) {
            return None;
        }
        let [der, fixed] = curve.algorithms();
        Some(Self {
            curve,
            point: point.to_owned(),
            der: ParsedPublicKey::new(der, point).ok()?,
            fixed: ParsedPublicKey::new(fixed, point).ok()?,
        })
    }

    /// The curve and point in a SubjectPublicKeyInfo, not yet held against each other.
    pub(super) fn split_spki(der: &[u8]) -> Option<(Curve, &[u8])> {
        Curve::ALL
            .into_iter()
            .find_map(|curve| Some((curve, der.strip_prefix(curve.spki_prefix())?)))
    }

    pub(super) const fn curve(&self) -> Curve {
        self.curve
    }

    pub(super) fn to_spki_der(&self) -> Vec<u8> {
        [self.curve.spki_prefix(), &self.point].concat()
    }

    /// The key's type as SSH names it (RFC 5656 §6.2).
    pub(super) fn ssh_name(&self) -> String {
        format!("ecdsa-sha2-{}", self.curve.ssh_name())
    }

    /// The key as SSH encodes it (RFC 5656 §3.1).
    pub(super) fn to_ssh_blob(&self) -> Vec<u8> {
        let (name, curve) = (self.ssh_name(), self.curve.ssh_name());
        ssh::strings(&[name.as_bytes(), curve.as_bytes(), &self.point])
    }

    /// A signature in DER, whichever of both forms it came in; none if it is in neither.
    pub(super) fn to_der(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let is_fixed = signature.len() == 2 * self.curve.width();
        if !is_fixed || self.curve.reads_der(signature) {
            return Some(signature.to_owned());
        }
        match self.curve {
            Curve::P256 => p256::ecdsa::Signature::from_slice(signature)
                .ok()
                .map(|signature| signature.to_der().as_bytes().to_vec()),
            Curve::P384 => p384::ecdsa::Signature::from_slice(signature)
                .ok()
                .map(|signature| signature.to_der().as_bytes().to_vec()),
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        // Both forms can be of one length; neither can be mistaken for the other and still hold.
        self.der.verify_sig(message, signature).is_ok()
            || (signature.len() == 2 * self.curve.width()
                && self.fixed.verify_sig(message, signature).is_ok())
    }
}
