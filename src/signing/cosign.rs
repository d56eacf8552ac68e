//! Private keys as `cosign generate-key-pair` writes them: a PEM block around JSON, in it PKCS#8 under scrypt
//! (RFC 7914) and NaCl's secretbox (XSalsa20 and Poly1305).

use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305, aead::Aead as _};
use pkcs8::pkcs5::scrypt;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Passphrase, PrivateKeyError};
use crate::base64;

/// The labels of such blocks: cosign's own, and the one before Sigstore had a name of its own.
pub(super) const LABELS: [&str; 2] = [
    "ENCRYPTED SIGSTORE PRIVATE KEY",
    "ENCRYPTED COSIGN PRIVATE KEY",
];

#[derive(Deserialize)]
struct Sealed {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Derivation {
    name: String,
    params: Costs,
    salt: String,
}

#[derive(Deserialize)]
struct Costs {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The DER of the PKCS#8 key inside; `limit` is the most bytes that derivation may take.
pub(super) fn open(
    json: &[u8],
    passphrase: &Passphrase,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let malformed = PrivateKeyError::Cosign;
    let sealed: Sealed = serde_json::from_slice(json).map_err(|_| malformed)?;
    if sealed.kdf.name != "scrypt" || sealed.cipher.name != "nacl/secretbox" {
        return Err(PrivateKeyError::Scheme);
    }
    let bytes = |text: &str| base64::decode(text.as_bytes()).map_err(|_| malformed);
    let salt = bytes(&sealed.kdf.salt)?;
    let nonce: [u8; 24] = bytes(&sealed.cipher.nonce)?
        .try_into()
        .map_err(|_| malformed)?;
    let Costs { n, r, p } = sealed.kdf.params;
    let memory = n.saturating_mul(128).saturating_mul(u64::from(r).max(1));
    if memory.saturating_mul(u64::from(p).max(1)) > limit {
        return Err(PrivateKeyError::Cost);
    }
    if !n.is_power_of_two() {
        return Err(malformed);
    }
    let log_n = u8::try_from(n.ilog2()).map_err(|_| malformed)?;
    let costs = scrypt::Params::new(log_n, r, p).map_err(|_| malformed)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.bytes(), &salt, &costs, &mut *key).map_err(|_| malformed)?;
    XSalsa20Poly1305::new((&*key).into())
        .decrypt((&nonce).into(), &*bytes(&sealed.ciphertext)?)
        .map(Zeroizing::new)
        .map_err(|_| PrivateKeyError::Passphrase)
}
