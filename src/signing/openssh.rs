//! Private keys as `ssh-keygen` writes them (OpenSSH's PROTOCOL.key), plain or under a passphrase (bcrypt).

use ssh_key::private::{EcdsaKeypair, KeypairData, PrivateKey};
use ssh_key::{Cipher, Kdf};

use super::{Curve, Passphrase, PrivateKeyError, SigningKey};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
/// OpenSSH writes 16 or 24 rounds; a thousand take some ten seconds.
const BCRYPT_LIMIT: u32 = 1000;

/// Whether a text is such a key.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with(BEGIN)
}

/// Whether it is encrypted; no text that cannot be read is.
pub(super) fn is_encrypted(text: &str) -> bool {
    PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}

/// Reads one.
pub(super) fn read(
    text: &str,
    passphrase: Option<&Passphrase>,
) -> Result<SigningKey, PrivateKeyError> {
    let read = PrivateKey::from_openssh(text).map_err(|_| PrivateKeyError::OpenSsh)?;
    let key = match read.is_encrypted() {
        false => read,
        true => {
            let passphrase = passphrase.ok_or(PrivateKeyError::PassphraseNeeded)?;
            match (read.cipher(), read.kdf()) {
                (Cipher::None, _) | (_, Kdf::None) => return Err(PrivateKeyError::Scheme),
                (_, Kdf::Bcrypt { rounds, .. }) if *rounds > BCRYPT_LIMIT => {
                    return Err(PrivateKeyError::Cost);
                }
                (_, Kdf::Bcrypt { .. }) => {}
                _ => return Err(PrivateKeyError::Scheme),
            }
            read.decrypt(passphrase.bytes())
                .map_err(|_| PrivateKeyError::Passphrase)?
        }
    };
    let signing = match key.key_data() {
        KeypairData::Ed25519(pair) => SigningKey::from_seed(pair.private.to_bytes()),
        KeypairData::Ecdsa(EcdsaKeypair::NistP256 { private, .. }) => {
            SigningKey::from_scalar(Curve::P256, private.as_slice())?
        }
        KeypairData::Ecdsa(EcdsaKeypair::NistP384 { private, .. }) => {
            SigningKey::from_scalar(Curve::P384, private.as_slice())?
        }
        KeypairData::SkEd25519(_) | KeypairData::SkEcdsaSha2NistP256(_) => {
            return Err(PrivateKeyError::SecurityKey);
        }
        _ => return Err(PrivateKeyError::Algorithm),
    };
    let blob = key.public_key().to_bytes();
    match blob.is_ok_and(|blob| blob == signing.public().to_ssh_blob()) {
        true => Ok(signing),
        false => Err(PrivateKeyError::PublicKey),
    }
}
