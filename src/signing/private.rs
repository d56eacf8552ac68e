//! Private keys, at rest as PKCS#8 (RFC 5958 version 1, RFC 8410 §7), plain or under PBES2 (RFC 8018).

use std::fmt;

use pkcs8::{
    EncryptedPrivateKeyInfoRef,
    der::{Decode as _, Encode as _, asn1::OctetStringRef, pem},
    pkcs5::{
        self,
        pbes2::{self, Kdf, ScryptParams},
        scrypt,
    },
};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::PublicKey;

const PLAIN: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
/// The DER of an Ed25519 OneAsymmetricKey of version 1 up to the seed. Version 2, which carries the
/// public key too, is not read by OpenSSL 3.0.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
/// scrypt with N = 2^14, r = 8, p = 1: 16 MiB, and within what OpenSSL reads without being told more.
const SCRYPT_LOG_N: u8 = 14;
/// The most memory and work that a file may ask of us: 256 MiB, 10 million rounds.
const SCRYPT_LIMIT: u64 = 256 << 20;
const PBKDF2_LIMIT: u32 = 10_000_000;

/// A passphrase, wiped when dropped; never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes it.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Fresh random bytes for one encryption: salt and initialisation vector.
pub struct EncryptionSeed(pub [u8; 32]);

/// Why a private key could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PrivateKeyError {
    /// Not one PEM block of a private key.
    #[error("not one PEM block labelled PRIVATE KEY or ENCRYPTED PRIVATE KEY")]
    Pem,
    /// Not PKCS#8.
    #[error("not a PKCS#8 private key")]
    Pkcs8,
    /// A key of another algorithm.
    #[error("not an Ed25519 private key")]
    Algorithm,
    /// It carries a public key that is not its own.
    #[error("the public key inside does not belong to the private key")]
    PublicKey,
    /// Encrypted, and no passphrase given.
    #[error("the key is encrypted and no passphrase was given")]
    PassphraseNeeded,
    /// An encryption scheme that we do not read.
    #[error("the key is encrypted with a scheme other than PBES2 with PBKDF2 or scrypt")]
    Scheme,
    /// Key derivation would take more memory or time than we grant a file.
    #[error("the key's encryption asks for too much memory or time")]
    Cost,
    /// The passphrase is wrong, or the file is damaged.
    #[error("the passphrase does not open the key")]
    Passphrase,
}

/// A private key. Its bytes are wiped when it is dropped; it has no text form but PKCS#8.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a 32-byte seed, which must be random and secret.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        let public = PublicKey::from_ed25519(key.verifying_key().as_bytes())
            .expect("a clamped scalar times the base point is a canonical point of large order");
        Self { key, public }
    }

    /// Reads one PEM block `PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`.
    ///
    /// # Errors
    /// Another block, another algorithm, a passphrase that is missing or wrong.
    pub fn from_pkcs8_pem(
        text: &str,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, PrivateKeyError> {
        let (label, der) =
            pem::decode_vec(text.trim().as_bytes()).map_err(|_| PrivateKeyError::Pem)?;
        let der = Zeroizing::new(der);
        match label {
            PLAIN => Self::from_pkcs8_der(&der),
            ENCRYPTED => {
                let passphrase = passphrase.ok_or(PrivateKeyError::PassphraseNeeded)?;
                Self::from_pkcs8_der(&decrypt(&der, passphrase)?)
            }
            _ => Err(PrivateKeyError::Pem),
        }
    }

    /// Whether a PEM text holds an encrypted key, so that a passphrase is worth asking for.
    pub fn is_encrypted(text: &str) -> bool {
        text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    }

    /// A PEM block, encrypted where a passphrase is given (scrypt, AES-256-CBC).
    ///
    /// # Errors
    /// None in practice; the library's type says that encryption may fail.
    pub fn to_pkcs8_pem(
        &self,
        encryption: Option<(&Passphrase, EncryptionSeed)>,
    ) -> Result<Zeroizing<String>, PrivateKeyError> {
        let der = Zeroizing::new([&PKCS8_PREFIX[..], self.key.as_bytes()].concat());
        let (label, der) = match encryption {
            None => (PLAIN, der),
            Some((passphrase, seed)) => (ENCRYPTED, encrypt(&der, passphrase, &seed)?),
        };
        pem::encode_string(label, pem::LineEnding::LF, &der)
            .map(Zeroizing::new)
            .map_err(|_| PrivateKeyError::Pem)
    }

    /// Its public key.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message: R and S, 64 bytes. Deterministic, as RFC 8032 §5.1.6 says.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        use ed25519_dalek::Signer as _;
        self.key.sign(message).to_bytes()
    }

    fn from_pkcs8_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(|_| PrivateKeyError::Pkcs8)?;
        if info.algorithm.oid != ed25519_dalek::pkcs8::ALGORITHM_OID
            || info.algorithm.parameters.is_some()
        {
            return Err(PrivateKeyError::Algorithm);
        }
        // The private key is an OCTET STRING inside an OCTET STRING (RFC 8410 §7).
        let seed = match info.private_key.as_bytes() {
            [4, 32, seed @ ..] => seed.try_into().map_err(|_| PrivateKeyError::Pkcs8)?,
            _ => return Err(PrivateKeyError::Pkcs8),
        };
        let key = Self::from_seed(seed);
        match info
            .public_key
            .map(|public| public.as_bytes() == Some(key.public.ed25519_bytes()))
        {
            Some(false) => Err(PrivateKeyError::PublicKey),
            _ => Ok(key),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public.id())
    }
}

fn encrypt(
    der: &[u8],
    passphrase: &Passphrase,
    seed: &EncryptionSeed,
) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let failed = |_| PrivateKeyError::Scheme;
    let (salt, rest) = seed.0.split_at(16);
    let mut iv = [0; 16];
    iv.copy_from_slice(rest);
    let costs = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).map_err(|_| PrivateKeyError::Scheme)?;
    let parameters = pbes2::Parameters {
        kdf: ScryptParams::from_params_and_salt(costs, salt)
            .map_err(failed)?
            .into(),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv },
    };
    let encrypted = parameters
        .encrypt(passphrase.0.as_bytes(), der)
        .map_err(failed)?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&encrypted).map_err(|_| PrivateKeyError::Pkcs8)?,
    };
    info.to_der()
        .map(Zeroizing::new)
        .map_err(|_| PrivateKeyError::Pkcs8)
}

fn decrypt(der: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| PrivateKeyError::Pkcs8)?;
    let pkcs5::EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(PrivateKeyError::Scheme);
    };
    let affordable = match &parameters.kdf {
        Kdf::Pbkdf2(costs) => costs.iteration_count <= PBKDF2_LIMIT,
        Kdf::Scrypt(costs) => {
            let (r, p) = (
                u64::from(costs.block_size),
                u64::from(costs.parallelization),
            );
            let memory = costs
                .cost_parameter
                .saturating_mul(128)
                .saturating_mul(r.max(1));
            memory.saturating_mul(p.max(1)) <= SCRYPT_LIMIT
        }
        _ => return Err(PrivateKeyError::Scheme),
    };
    if !affordable {
        return Err(PrivateKeyError::Cost);
    }
    parameters
        .decrypt(passphrase.0.as_bytes(), info.encrypted_data.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| PrivateKeyError::Passphrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed([9; 32])
    }

    #[test]
    fn pkcs8_reads_back() {
        let pem = key().to_pkcs8_pem(None).unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAkJ"));
        let read = SigningKey::from_pkcs8_pem(&pem, None).unwrap();
        assert_eq!(read.public(), key().public());
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_only() {
        let right = Passphrase::new("correct horse".into());
        let wrong = Passphrase::new("wrong horse".into());
        let pem = key()
            .to_pkcs8_pem(Some((&right, EncryptionSeed([3; 32]))))
            .unwrap();
        assert!(SigningKey::is_encrypted(&pem));
        let open = |passphrase| SigningKey::from_pkcs8_pem(&pem, passphrase);
        assert_eq!(open(Some(&right)).unwrap().public(), key().public());
        assert_eq!(open(Some(&wrong)).unwrap_err(), PrivateKeyError::Passphrase);
        assert_eq!(open(None).unwrap_err(), PrivateKeyError::PassphraseNeeded);
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(
            SigningKey::from_pkcs8_pem("", None).unwrap_err(),
            PrivateKeyError::Pem
        );
        let public = key().public().to_pem();
        assert_eq!(
            SigningKey::from_pkcs8_pem(&public, None).unwrap_err(),
            PrivateKeyError::Pem
        );
    }
}
