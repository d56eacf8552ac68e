//! Public keys.

use std::fmt;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use pkcs8::der::pem;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ecdsa::{Curve, EcdsaKey};
use super::security_key::SecurityKey;
use super::ssh;
use crate::base64;
use crate::digest::Sha256;

/// The DER of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4) up to the key.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0,
];
const PEM_LABEL: &str = "PUBLIC KEY";
const SSH_ED25519: &str = "ssh-ed25519";

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519, RFC 8032.
    Ed25519,
    /// ECDSA, FIPS 186-5, with the hash function of the curve's strength.
    Ecdsa(Curve),
    /// Ed25519 in a security key, OpenSSH's PROTOCOL.u2f.
    SkEd25519,
    /// ECDSA on P-256 in a security key.
    SkEcdsaP256,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Ecdsa(curve) => curve.fmt(f),
            Self::SkEd25519 => f.write_str("sk-ed25519"),
            Self::SkEcdsaP256 => f.write_str("sk-ecdsa-p256"),
        }
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
    /// Not the SubjectPublicKeyInfo of a key of a kind that is read.
    #[error("not an Ed25519, ECDSA P-256 or ECDSA P-384 public key (SubjectPublicKeyInfo)")]
    Spki,
    /// Not one PEM block `PUBLIC KEY`.
    #[error("not one PEM block labelled PUBLIC KEY")]
    Pem,
    /// Not an SSH key of a kind that is read.
    #[error(
        "not an SSH key of type ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, or sk- of the first two"
    )]
    Ssh,
    /// A security key's, for something else than SSH.
    #[error(
        "the security key's application is not `ssh:` and what may follow, at most 255 characters"
    )]
    Application,
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
#[derive(Clone)]
pub struct PublicKey {
    key: Key,
    id: KeyId,
}

#[derive(Clone)]
enum Key {
    Ed25519(VerifyingKey),
    Ecdsa(EcdsaKey),
    Security(SecurityKey),
}

impl PublicKey {
    fn new(key: Key) -> Self {
        let mut public = Self {
            key,
            id: KeyId(Sha256::from_bytes([0; 32])),
        };
        public.id = KeyId(Sha256::of(&public.to_ssh_blob()));
        public
    }

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
        Ok(Self::new(Key::Ed25519(key)))
    }

    /// Takes an ECDSA public key: an uncompressed point (SEC 1 §2.3.3).
    ///
    /// # Errors
    /// Another form or length, or no point of the curve.
    pub fn from_ecdsa(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let key = EcdsaKey::from_point(curve, point).ok_or(KeyError::Point)?;
        Ok(Self::new(Key::Ecdsa(key)))
    }

    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// Any other key or bytes, and the refusals of [`PublicKey::from_ed25519`] and [`PublicKey::from_ecdsa`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        if let Some((curve, point)) = EcdsaKey::split_spki(der) {
            return Self::from_ecdsa(curve, point);
        }
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

    /// Reads what [`PublicKey::to_bytes`] gives. The two forms begin with different bytes.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`] and [`PublicKey::from_ssh_blob`]; another key than a security key in SSH's
    /// encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.first() != Some(&0) {
            return Self::from_spki_der(bytes);
        }
        let key = Self::from_ssh_blob(bytes)?;
        key.is_security_key().then_some(key).ok_or(KeyError::Spki)
    }

    /// The key's one encoding in statements: the DER SubjectPublicKeyInfo; of a security key, which has none, the
    /// SSH encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self.is_security_key() {
            true => self.to_ssh_blob(),
            false => self.to_spki_der(),
        }
    }

    /// Whether a security key has the private half.
    pub const fn is_security_key(&self) -> bool {
        matches!(self.key, Key::Security(_))
    }

    /// The DER SubjectPublicKeyInfo. Of a security key it is that of the key inside, without the application, and so
    /// another key's.
    pub fn to_spki_der(&self) -> Vec<u8> {
        match &self.key {
            Key::Ed25519(key) => [&SPKI_PREFIX[..], key.as_bytes()].concat(),
            Key::Ecdsa(key) => key.to_spki_der(),
            Key::Security(key) => key.inner().to_spki_der(),
        }
    }

    /// A PEM block `PUBLIC KEY` of [`PublicKey::to_spki_der`], LF at its end.
    pub fn to_pem(&self) -> String {
        pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &self.to_spki_der())
            .expect("some hundred bytes and a plain label make a PEM block")
    }

    /// One line as OpenSSH writes public keys (RFC 4253 §6.6): `ssh-ed25519 AAAA… comment`.
    pub fn to_ssh_line(&self, comment: &str) -> String {
        let blob = base64::encode(&self.to_ssh_blob());
        let line = format!("{} {blob} {comment}", self.ssh_name());
        line.trim_end().to_owned()
    }

    /// Reads a line as OpenSSH writes public keys: type, base64, and a comment that is not looked at.
    ///
    /// # Errors
    /// Another type of key, more or fewer bytes than it has, and the refusals of [`PublicKey::from_ed25519`] and
    /// [`PublicKey::from_ecdsa`].
    pub fn from_ssh_line(line: &str) -> Result<Self, KeyError> {
        if line.contains(['\n', '\r']) {
            return Err(KeyError::Ssh);
        }
        let mut words = line.split_ascii_whitespace();
        let (name, blob) = words.next().zip(words.next()).ok_or(KeyError::Ssh)?;
        let blob = base64::decode(blob.as_bytes()).map_err(|_| KeyError::Ssh)?;
        let key = Self::from_ssh_blob(&blob)?;
        (key.ssh_name() == name).then_some(key).ok_or(KeyError::Ssh)
    }

    /// Reads a key as SSH encodes it (RFC 8709 §4, RFC 5656 §3.1).
    ///
    /// # Errors
    /// As [`PublicKey::from_ssh_line`].
    pub fn from_ssh_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut fields = ssh::Reader(blob);
        let name = fields.string().ok_or(KeyError::Ssh)?;
        if let Some(key) = SecurityKey::from_fields(name, &mut fields) {
            let key = Self::new(Key::Security(key?));
            return fields.end().map(|()| key).ok_or(KeyError::Ssh);
        }
        let mut field = || fields.string().ok_or(KeyError::Ssh);
        let key = if name == SSH_ED25519.as_bytes() {
            Self::from_ed25519(field()?.try_into().map_err(|_| KeyError::Ssh)?)
        } else {
            let named =
                |curve: &Curve| name == format!("ecdsa-sha2-{}", curve.ssh_name()).as_bytes();
            let curve = Curve::ALL.into_iter().find(named).ok_or(KeyError::Ssh)?;
            if field()? != curve.ssh_name().as_bytes() {
                return Err(KeyError::Ssh);
            }
            Self::from_ecdsa(curve, field()?)
        }?;
        fields.end().map(|()| key).ok_or(KeyError::Ssh)
    }

    /// The key's type as SSH names it.
    pub fn ssh_name(&self) -> String {
        match &self.key {
            Key::Ed25519(_) => SSH_ED25519.to_owned(),
            Key::Ecdsa(key) => key.ssh_name(),
            Key::Security(key) => key.ssh_name().to_owned(),
        }
    }

    /// The key as SSH encodes it (RFC 8709 §4, RFC 5656 §3.1, OpenSSH's PROTOCOL.u2f).
    pub fn to_ssh_blob(&self) -> Vec<u8> {
        match &self.key {
            Key::Ed25519(key) => ssh::strings(&[SSH_ED25519.as_bytes(), key.as_bytes()]),
            Key::Ecdsa(key) => key.to_ssh_blob(),
            Key::Security(key) => key.to_ssh_blob(),
        }
    }

    /// An Ed25519 key's 32 bytes.
    pub fn ed25519_bytes(&self) -> Option<&[u8; 32]> {
        match &self.key {
            Key::Ed25519(key) => Some(key.as_bytes()),
            Key::Ecdsa(_) | Key::Security(_) => None,
        }
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        match &self.key {
            Key::Ed25519(_) => KeyAlgorithm::Ed25519,
            Key::Ecdsa(key) => KeyAlgorithm::Ecdsa(key.curve()),
            Key::Security(key) => key.algorithm(),
        }
    }

    /// Its name.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// A signature in the form that we write: ECDSA's in DER. None if it cannot be.
    pub(super) fn canonical_signature(&self, signature: Vec<u8>) -> Option<Vec<u8>> {
        match &self.key {
            Key::Ed25519(_) | Key::Security(_) => Some(signature),
            Key::Ecdsa(key) => key.to_der(&signature),
        }
    }

    /// Holds a signature against a message, by the rules in the module's head: Ed25519's R and S, 64 bytes;
    /// ECDSA's r and s, in DER or of fixed length; a security key's SSHSIG.
    ///
    /// # Errors
    /// Where it does not hold, or is in no form that is read.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let holds = match &self.key {
            Key::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::Ecdsa(key) => key.verify(message, signature),
            Key::Security(key) => key.verify(message, signature),
        };
        holds.then_some(()).ok_or(SignatureError)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.to_ssh_blob() == other.to_ssh_blob()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::encode(&self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = base64::decode(text.as_bytes())
            .map_err(|_| serde::de::Error::custom("a public key is its encoding in base64"))?;
        Self::from_bytes(&bytes).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    fn key() -> PublicKey {
        SigningKey::from_seed([7; 32]).public().clone()
    }

    fn ecdsa(curve: Curve) -> SigningKey {
        SigningKey::from_scalar(curve, &vec![7; curve.width()]).unwrap()
    }

    fn one_of_each() -> [PublicKey; 3] {
        [
            key(),
            ecdsa(Curve::P256).public().clone(),
            ecdsa(Curve::P384).public().clone(),
        ]
    }

    #[test]
    fn every_form_reads_back() {
        for key in one_of_each() {
            assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key.clone()));
            assert_eq!(
                PublicKey::from_spki_der(&key.to_spki_der()),
                Ok(key.clone())
            );
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
            let line = key.to_ssh_line("a b");
            assert_eq!(PublicKey::from_ssh_line(&line), Ok(key));
        }
        assert!(
            key()
                .to_ssh_line("a")
                .starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI")
        );
    }

    #[test]
    fn a_key_in_any_other_encoding_is_refused() {
        for key in one_of_each() {
            let (der, blob) = (key.to_spki_der(), key.to_ssh_blob());
            for at in 0..der.len() {
                // A changed point can be another point; whatever is read has the encoding that was read.
                let mut bad = der.clone();
                bad[at] ^= 1;
                if let Ok(read) = PublicKey::from_spki_der(&bad) {
                    assert_eq!(read.to_spki_der(), bad);
                    assert_ne!(read, key);
                }
                assert!(PublicKey::from_spki_der(&der[..at]).is_err());
            }
            for at in 0..blob.len() {
                assert!(PublicKey::from_ssh_blob(&blob[..at]).is_err());
            }
            assert!(PublicKey::from_spki_der(&[&der[..], &[0]].concat()).is_err());
            assert!(PublicKey::from_ssh_blob(&[&blob[..], &[0]].concat()).is_err());
            let line = key.to_ssh_line("");
            let other = line.replace(&key.ssh_name(), "ssh-rsa");
            assert_eq!(PublicKey::from_ssh_line(&other), Err(KeyError::Ssh));
        }
        // Compressed, hybrid, off the curve, at infinity.
        let der = ecdsa(Curve::P256).public().to_spki_der();
        let point = &der[der.len() - 65..];
        let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
        let mut hybrid = point.to_vec();
        hybrid[0] = 6 + (point[64] & 1);
        let mut off = point.to_vec();
        off[64] ^= 1;
        for bad in [&compressed[..], &hybrid, &off, &[0], &[4; 65], &[]] {
            let read = PublicKey::from_ecdsa(Curve::P256, bad);
            assert_eq!(read, Err(KeyError::Point));
        }
    }

    #[test]
    fn ecdsa_holds_in_both_forms_and_for_its_message_and_curve_only() {
        for curve in Curve::ALL {
            let signing = ecdsa(curve);
            let der = signing.sign(b"a").unwrap();
            let fixed = match curve {
                Curve::P256 => {
                    let read = p256::ecdsa::Signature::from_der(&der).unwrap();
                    read.to_bytes().to_vec()
                }
                Curve::P384 => {
                    let read = p384::ecdsa::Signature::from_der(&der).unwrap();
                    read.to_bytes().to_vec()
                }
            };
            for signature in [&der, &fixed] {
                let holds = |message: &[u8], signature: &[u8]| {
                    signing.public().verify(message, signature).is_ok()
                };
                assert!(holds(b"a", signature));
                assert!(!holds(b"b", signature));
                assert!(!holds(b"a", &[&signature[..], &[0]].concat()));
                for at in 0..signature.len() {
                    let mut bad = signature.clone();
                    bad[at] ^= 1;
                    assert!(!holds(b"a", &bad), "byte {at}");
                    assert!(!holds(b"a", &signature[..at]));
                }
            }
            assert_eq!(signing.sign(b"a").unwrap(), der, "the same signs alike");
        }
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
        let signature = signing.sign(b"a").unwrap();
        assert_eq!(key().verify(b"a", &signature), Ok(()));
        assert_eq!(key().verify(b"b", &signature), Err(SignatureError));
        assert_eq!(key().verify(b"a", &signature[..63]), Err(SignatureError));
    }
}
