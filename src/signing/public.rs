//! Public keys.

use std::fmt;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use pkcs8::der::pem;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base64;
use crate::digest::Sha256;

/// The DER of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4) up to the key.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0,
];
const PEM_LABEL: &str = "PUBLIC KEY";
const SSH_NAME: &str = "ssh-ed25519";

/// A key as SSH encodes it (RFC 8709 §4): its type's name and its bytes, each after its length.
fn ssh_blob(key: &[u8; 32]) -> Vec<u8> {
    let mut blob = Vec::with_capacity(51);
    for field in [SSH_NAME.as_bytes(), key] {
        blob.extend_from_slice(&(field.len() as u32).to_be_bytes());
        blob.extend_from_slice(field);
    }
    blob
}

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519, RFC 8032.
    Ed25519,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ed25519",
        })
    }
}

/// A key's name: its OpenSSH fingerprint, `SHA256:` and the unpadded base64 of the SHA-256 over the key as SSH
/// encodes it (RFC 4253 §6.6); what `ssh-keygen -l` prints.
///
/// It is the `keyid` of our DSSE signatures and the hint of our bundles. DSSE leaves a `keyid` open, but the
/// field's Go library skips a signature whose `keyid` is anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Sha256);

impl KeyId {
    /// The characters of one.
    pub const LENGTH: usize = PREFIX.len() + 43;
}

const PREFIX: &str = "SHA256:";

/// Not the one spelling of a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a key id: `SHA256:` and 43 characters of base64, as `ssh-keygen -l` prints it")]
pub struct KeyIdError;

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = base64::encode(self.0.as_bytes());
        write!(f, "{PREFIX}{}", text.trim_end_matches('='))
    }
}

impl std::str::FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let digest = text.strip_prefix(PREFIX).ok_or(KeyIdError)?;
        let bytes = base64::decode(format!("{digest}=").as_bytes()).map_err(|_| KeyIdError)?;
        let bytes = bytes.try_into().map_err(|_| KeyIdError)?;
        Ok(Self(Sha256::from_bytes(bytes)))
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a public key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not the SubjectPublicKeyInfo of an Ed25519 key.
    #[error("not an Ed25519 public key (SubjectPublicKeyInfo)")]
    Spki,
    /// Not one PEM block `PUBLIC KEY`.
    #[error("not one PEM block labelled PUBLIC KEY")]
    Pem,
    /// No point of the curve.
    #[error("not a point of the curve")]
    Point,
    /// A point in another encoding than its canonical one.
    #[error("the key is not canonically encoded")]
    NonCanonical,
    /// Of small order: everybody can sign for it.
    #[error("the key is of small order: signatures by it prove nothing")]
    Weak,
}

/// The signature does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature does not verify")]
pub struct SignatureError;

/// A public key that is fit to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Takes an Ed25519 public key's 32 bytes.
    ///
    /// # Errors
    /// No point, not canonical, or of small order.
    pub fn from_ed25519(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NonCanonical);
        }
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        let id = KeyId(Sha256::of(&ssh_blob(bytes)));
        Ok(Self { key, id })
    }

    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// Any other key or bytes, and the refusals of [`PublicKey::from_ed25519`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let bytes = der.strip_prefix(&SPKI_PREFIX).ok_or(KeyError::Spki)?;
        Self::from_ed25519(bytes.try_into().map_err(|_| KeyError::Spki)?)
    }

    /// Reads a PEM block `PUBLIC KEY`.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode_vec(text.trim().as_bytes()).map_err(|_| KeyError::Pem)?;
        if label != PEM_LABEL {
            return Err(KeyError::Pem);
        }
        Self::from_spki_der(&der)
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], self.key.as_bytes()].concat()
    }

    /// A PEM block `PUBLIC KEY`, LF at its end.
    pub fn to_pem(&self) -> String {
        // 44 bytes are 60 characters: one line.
        format!(
            "-----BEGIN {PEM_LABEL}-----\n{}\n-----END {PEM_LABEL}-----\n",
            base64::encode(&self.to_spki_der())
        )
    }

    /// One line as OpenSSH writes public keys (RFC 4253 §6.6, RFC 8709 §4): `ssh-ed25519 AAAA… comment`.
    pub fn to_ssh_line(&self, comment: &str) -> String {
        let blob = base64::encode(&ssh_blob(self.key.as_bytes()));
        let line = format!("{SSH_NAME} {blob} {comment}");
        line.trim_end().to_owned()
    }

    /// The key's 32 bytes.
    pub fn ed25519_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::Ed25519
    }

    /// Its name.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Holds a signature (64 bytes, R and S) against a message, by the rule in the module's head.
    ///
    /// # Errors
    /// A wrong length, `S >= L`, or another R.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = Signature::from_slice(signature).map_err(|_| SignatureError)?;
        self.key
            .verify(message, &signature)
            .map_err(|_| SignatureError)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::encode(&self.to_spki_der()))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let der = base64::decode(text.as_bytes())
            .map_err(|_| serde::de::Error::custom("a public key is its DER in base64"))?;
        Self::from_spki_der(&der).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    fn key() -> PublicKey {
        SigningKey::from_seed([7; 32]).public().clone()
    }

    #[test]
    fn every_form_reads_back() {
        let key = key();
        assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key.clone()));
        assert_eq!(
            PublicKey::from_spki_der(&key.to_spki_der()),
            Ok(key.clone())
        );
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
        assert!(
            key.to_ssh_line("a")
                .starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")
        );
    }

    #[test]
    fn a_key_id_has_one_spelling() {
        let id = key().id().to_string();
        assert_eq!(id.len(), KeyId::LENGTH);
        assert_eq!(id.parse(), Ok(key().id()));
        let hex = "ab".repeat(32);
        // No prefix, padded, short, bits left over, hex.
        let last = format!("{}B", &id[..KeyId::LENGTH - 1]);
        for bad in [&id[7..], &format!("{id}="), &id[..49], &last, &hex, ""] {
            assert_eq!(bad.parse::<KeyId>(), Err(KeyIdError), "{bad}");
        }
    }

    #[test]
    fn weak_and_odd_keys_are_refused() {
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(PublicKey::from_ed25519(&one), Err(KeyError::Weak));
        assert_eq!(PublicKey::from_ed25519(&[0; 32]), Err(KeyError::Weak));
        // y = p + 1, which is 1 again.
        let mut odd = [0xff; 32];
        (odd[0], odd[31]) = (0xee, 0x7f);
        assert_eq!(PublicKey::from_ed25519(&odd), Err(KeyError::NonCanonical));
        assert_eq!(PublicKey::from_spki_der(&[0; 44]), Err(KeyError::Spki));
        assert_eq!(PublicKey::from_pem("x"), Err(KeyError::Pem));
    }

    #[test]
    fn a_signature_holds_for_its_message_only() {
        let signing = SigningKey::from_seed([7; 32]);
        let signature = signing.sign(b"a");
        assert_eq!(key().verify(b"a", &signature), Ok(()));
        assert_eq!(key().verify(b"b", &signature), Err(SignatureError));
        assert_eq!(key().verify(b"a", &signature[..63]), Err(SignatureError));
    }
}
