//! Private keys, at rest as PKCS#8 (RFC 5958 version 1, RFC 8410 §7), plain or under PBES2 (RFC 8018); read
//! too as SEC 1 (RFC 5915), and as OpenSSH and cosign write them.

use std::fmt;
use std::sync::Arc;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use pkcs8::{
    AssociatedOid as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, ObjectIdentifier,
    SecretDocument,
    der::{Decode as _, Encode as _, asn1::OctetStringRef, pem},
    pkcs5::{
        self,
        pbes2::{self, Kdf, ScryptParams},
        scrypt,
    },
};
use sec1::EcPrivateKey;
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Curve, KeyId, PublicKey, cosign, openssh};

const PLAIN: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";
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

    /// What keys are derived from.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
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

/// Who encrypted a private key: whose habits say where its passphrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// We, OpenSSL or OpenSSH.
    Passphrase,
    /// cosign.
    Cosign,
}

/// Fresh random bytes for one encryption: salt and initialisation vector.
pub struct EncryptionSeed(pub [u8; 32]);

/// Why a private key could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PrivateKeyError {
    /// Not one PEM block of a private key.
    #[error("not one PEM block of a private key (PKCS#8, SEC 1, OpenSSH, cosign)")]
    Pem,
    /// Not PKCS#8.
    #[error("not a PKCS#8 private key")]
    Pkcs8,
    /// A key of another algorithm.
    #[error("not a private key of Ed25519, ECDSA P-256 or ECDSA P-384")]
    Algorithm,
    /// Not OpenSSH's form.
    #[error("not a private key in OpenSSH's form")]
    OpenSsh,
    /// Not cosign's form.
    #[error("not a private key in cosign's form")]
    Cosign,
    /// The key itself is in a token, and signs more than the message.
    #[error(
        "the key itself is in a security key: load it into an SSH agent, and name the .pub file"
    )]
    SecurityKey,
    /// Not SEC 1.
    #[error("not a private key in SEC 1's form")]
    Sec1,
    /// Zero, or past the curve's order.
    #[error("the private key is no number that the curve allows")]
    Scalar,
    /// The key's bytes are not here.
    #[error("the key is elsewhere, and cannot be written")]
    Elsewhere,
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

/// What signs with a key whose bytes we never see: an agent, a token, a service.
pub trait Remote: Send + Sync {
    /// A signature over the message, in a form that [`PublicKey::verify`] reads.
    ///
    /// # Errors
    /// Where it cannot or will not sign.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// Why there is no signature.
#[derive(Debug, Error)]
pub enum SigningError {
    /// What holds the key does not sign.
    #[error("key {key} does not sign")]
    Remote {
        /// The key.
        key: KeyId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What holds the key signed with another one, or something else.
    #[error("what was to sign with key {key} gave a signature that does not hold")]
    Wrong {
        /// The key.
        key: KeyId,
    },
}

/// A private key, or what signs with one. Its bytes are wiped when it is dropped; it has no text form but
/// PKCS#8.
#[derive(Clone)]
pub struct SigningKey {
    secret: Secret,
    public: PublicKey,
}

#[derive(Clone)]
enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    Remote(Arc<dyn Remote>),
}

impl SigningKey {
    /// The Ed25519 key of a 32-byte seed, which must be random and secret.
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        seed.zeroize();
        let public = PublicKey::from_ed25519(key.verifying_key().as_bytes())
            .expect("a clamped scalar times the base point is a canonical point of large order");
        let secret = Secret::Ed25519(key);
        Self { secret, public }
    }

    /// The ECDSA key of a scalar, big-endian, which must be random and secret.
    ///
    /// # Errors
    /// Zero, or not below the curve's order; another length than the curve's.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<Self, PrivateKeyError> {
        let refused = |_| PrivateKeyError::Scalar;
        if scalar.len() != curve.width() {
            return Err(PrivateKeyError::Scalar);
        }
        let (secret, point) = match curve {
            Curve::P256 => {
                let key = p256::SecretKey::from_slice(scalar).map_err(refused)?;
                let point = key.public_key().to_sec1_point(false).as_bytes().to_vec();
                (Secret::P256(key), point)
            }
            Curve::P384 => {
                let key = p384::SecretKey::from_slice(scalar).map_err(refused)?;
                let point = key.public_key().to_sec1_point(false).as_bytes().to_vec();
                (Secret::P384(key), point)
            }
        };
        let public = PublicKey::from_ecdsa(curve, &point)
            .expect("a scalar other than zero times the base point is a point of the curve");
        Ok(Self { secret, public })
    }

    /// A key whose bytes are elsewhere. Each signature is held against the public key before it is used.
    pub fn remote(public: PublicKey, remote: Arc<dyn Remote>) -> Self {
        let secret = Secret::Remote(remote);
        Self { secret, public }
    }

    /// Reads one PEM block: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY` (PKCS#8), `OPENSSH PRIVATE KEY`, `ENCRYPTED
    /// SIGSTORE PRIVATE KEY` (cosign), or `EC PRIVATE KEY` (SEC 1), before which `EC PARAMETERS` may stand, as
    /// OpenSSL writes them.
    ///
    /// # Errors
    /// Another block, another algorithm, a passphrase that is missing or wrong.
    pub fn from_pem(text: &str, passphrase: Option<&Passphrase>) -> Result<Self, PrivateKeyError> {
        let text = without_parameters(text.trim());
        if openssh::is_one(text) {
            return openssh::read(text, passphrase);
        }
        let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| PrivateKeyError::Pem)?;
        let der = Zeroizing::new(der);
        match label {
            PLAIN => Self::from_pkcs8_der(&der),
            ENCRYPTED => {
                let passphrase = passphrase.ok_or(PrivateKeyError::PassphraseNeeded)?;
                Self::from_pkcs8_der(&decrypt(&der, passphrase)?)
            }
            SEC1 => Self::from_sec1_der(&der, None),
            label if cosign::LABELS.contains(&label) => {
                let passphrase = passphrase.ok_or(PrivateKeyError::PassphraseNeeded)?;
                Self::from_pkcs8_der(&cosign::open(&der, passphrase, SCRYPT_LIMIT)?)
            }
            _ => Err(PrivateKeyError::Pem),
        }
    }

    /// What a PEM text's key is encrypted by, if it is, so that a passphrase is worth asking for.
    pub fn lock(text: &str) -> Option<Lock> {
        let text = text.trim();
        let begins = |label: &str| text.starts_with(&format!("-----BEGIN {label}-----"));
        if cosign::LABELS.into_iter().any(begins) {
            return Some(Lock::Cosign);
        }
        let locked = begins(ENCRYPTED) || (openssh::is_one(text) && openssh::is_encrypted(text));
        locked.then_some(Lock::Passphrase)
    }

    /// A PEM block, encrypted where a passphrase is given (scrypt, AES-256-CBC).
    ///
    /// # Errors
    /// Where the key is elsewhere.
    pub fn to_pkcs8_pem(
        &self,
        encryption: Option<(&Passphrase, EncryptionSeed)>,
    ) -> Result<Zeroizing<String>, PrivateKeyError> {
        let der = match &self.secret {
            Secret::Ed25519(key) => Zeroizing::new([&PKCS8_PREFIX[..], key.as_bytes()].concat()),
            Secret::P256(key) => document(key.to_pkcs8_der())?,
            Secret::P384(key) => document(key.to_pkcs8_der())?,
            Secret::Remote(_) => return Err(PrivateKeyError::Elsewhere),
        };
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

    /// Signs a message: Ed25519's R and S (64 bytes), or ECDSA's r and s in DER. A key at hand signs the same
    /// alike (RFC 8032 §5.1.6, RFC 6979). A security key's is an SSHSIG.
    ///
    /// # Errors
    /// Where a key that is elsewhere does not sign, or not what it was given.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        use ed25519_dalek::Signer as _;
        Ok(match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::DerSignature =
                    p256::ecdsa::SigningKey::from(key).sign(message);
                signature.as_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::DerSignature =
                    p384::ecdsa::SigningKey::from(key).sign(message);
                signature.as_bytes().to_vec()
            }
            Secret::Remote(remote) => {
                let key = self.public.id();
                let signature = remote.sign(message);
                let signature = signature.map_err(|source| SigningError::Remote { key, source })?;
                let holds = self.public.verify(message, &signature);
                holds.map_err(|_| SigningError::Wrong { key })?;
                let written = self.public.canonical_signature(signature);
                written.ok_or(SigningError::Wrong { key })?
            }
        })
    }

    fn from_pkcs8_der(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(|_| PrivateKeyError::Pkcs8)?;
        if info.algorithm.oid == p256::elliptic_curve::ALGORITHM_OID {
            let named = info.algorithm.parameters_oid();
            let curve = named.ok().and_then(curve_of);
            let curve = curve.ok_or(PrivateKeyError::Algorithm)?;
            return Self::from_sec1_der(info.private_key.as_bytes(), Some(curve));
        }
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
            .map(|public| public.as_bytes() == key.public.ed25519_bytes().map(|own| &own[..]))
        {
            Some(false) => Err(PrivateKeyError::PublicKey),
            _ => Ok(key),
        }
    }

    /// An ECPrivateKey (RFC 5915). Its curve is named in it, or around it; where both, they agree.
    fn from_sec1_der(der: &[u8], around: Option<Curve>) -> Result<Self, PrivateKeyError> {
        let read = EcPrivateKey::from_der(der).map_err(|_| PrivateKeyError::Sec1)?;
        let inside = match read.parameters {
            Some(parameters) => {
                let named = parameters.named_curve().and_then(curve_of);
                Some(named.ok_or(PrivateKeyError::Algorithm)?)
            }
            None => None,
        };
        let curve = match (around, inside) {
            (Some(around), Some(inside)) if around != inside => {
                return Err(PrivateKeyError::Algorithm);
            }
            (around, inside) => around.or(inside).ok_or(PrivateKeyError::Algorithm)?,
        };
        let key = Self::from_scalar(curve, read.private_key)?;
        match read.public_key {
            Some(point) if PublicKey::from_ecdsa(curve, point).ok() != Some(key.public.clone()) => {
                Err(PrivateKeyError::PublicKey)
            }
            _ => Ok(key),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public.id())
    }
}

fn document(der: pkcs8::Result<SecretDocument>) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    der.map(|der| der.to_bytes())
        .map_err(|_| PrivateKeyError::Pkcs8)
}

fn curve_of(named: ObjectIdentifier) -> Option<Curve> {
    match named {
        p256::NistP256::OID => Some(Curve::P256),
        p384::NistP384::OID => Some(Curve::P384),
        _ => None,
    }
}

/// The text after a block `EC PARAMETERS`, which says what the key says again.
fn without_parameters(text: &str) -> &str {
    const END: &str = "-----END EC PARAMETERS-----";
    match text.split_once(END) {
        Some((before, key)) if before.starts_with("-----BEGIN EC PARAMETERS-----") => key.trim(),
        _ => text,
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

    fn ecdsa(curve: Curve) -> SigningKey {
        SigningKey::from_scalar(curve, &vec![9; curve.width()]).unwrap()
    }

    #[test]
    fn ecdsa_reads_back_as_pkcs8_and_sec1() {
        for curve in Curve::ALL {
            let key = ecdsa(curve);
            let pem = key.to_pkcs8_pem(None).unwrap();
            let read = SigningKey::from_pem(&pem, None).unwrap();
            assert_eq!(read.public(), key.public());
            let phrase = Passphrase::new("correct horse".into());
            let pem = key
                .to_pkcs8_pem(Some((&phrase, EncryptionSeed([3; 32]))))
                .unwrap();
            let read = SigningKey::from_pem(&pem, Some(&phrase)).unwrap();
            assert_eq!(read.public(), key.public());
        }
        let zero = SigningKey::from_scalar(Curve::P256, &[0; 32]).unwrap_err();
        assert_eq!(zero, PrivateKeyError::Scalar);
        let order = SigningKey::from_scalar(Curve::P384, &[0xff; 48]).unwrap_err();
        assert_eq!(order, PrivateKeyError::Scalar);
        assert!(SigningKey::from_scalar(Curve::P384, &[1; 32]).is_err());
    }

    #[test]
    fn sec1_names_its_curve_once_and_its_own_point() {
        let key = ecdsa(Curve::P256);
        let sec1 = |curve: Option<ObjectIdentifier>, point: Option<&[u8]>| {
            let der = EcPrivateKey {
                private_key: &[9; 32],
                parameters: curve.map(Into::into),
                public_key: point,
            };
            let pem = pem::encode_string(SEC1, pem::LineEnding::LF, &der.to_der().unwrap());
            SigningKey::from_pem(&pem.unwrap(), None)
        };
        let p256 = Some(p256::NistP256::OID);
        let der = key.public().to_spki_der();
        let point = &der[der.len() - 65..];
        assert_eq!(sec1(p256, Some(point)).unwrap().public(), key.public());
        assert_eq!(sec1(p256, None).unwrap().public(), key.public());
        let refused = |curve, point| sec1(curve, point).unwrap_err();
        let k256 = ObjectIdentifier::new_unwrap("1.3.132.0.10");
        assert_eq!(refused(Some(k256), None), PrivateKeyError::Algorithm);
        assert_eq!(refused(None, None), PrivateKeyError::Algorithm);
        let p384 = Some(p384::NistP384::OID);
        assert_eq!(refused(p384, None), PrivateKeyError::Scalar);
        let other = SigningKey::from_scalar(Curve::P256, &[8; 32]).unwrap();
        let other = other.public().to_spki_der();
        let other = &other[other.len() - 65..];
        assert_eq!(refused(p256, Some(other)), PrivateKeyError::PublicKey);
    }

    #[test]
    fn what_a_remote_signs_is_held_against_its_key() {
        struct Other(SigningKey);
        impl Remote for Other {
            fn sign(
                &self,
                message: &[u8],
            ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
                Ok(self.0.sign(message)?)
            }
        }
        let right = SigningKey::remote(key().public().clone(), Arc::new(Other(key())));
        assert_eq!(right.sign(b"a").unwrap(), key().sign(b"a").unwrap());
        let other = Arc::new(Other(ecdsa(Curve::P256)));
        let wrong = SigningKey::remote(key().public().clone(), other);
        assert!(matches!(wrong.sign(b"a"), Err(SigningError::Wrong { .. })));
        assert_eq!(wrong.to_pkcs8_pem(None), Err(PrivateKeyError::Elsewhere));
    }

    #[test]
    fn pkcs8_reads_back() {
        let pem = key().to_pkcs8_pem(None).unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAkJ"));
        let read = SigningKey::from_pem(&pem, None).unwrap();
        assert_eq!(read.public(), key().public());
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_only() {
        let right = Passphrase::new("correct horse".into());
        let wrong = Passphrase::new("wrong horse".into());
        let pem = key()
            .to_pkcs8_pem(Some((&right, EncryptionSeed([3; 32]))))
            .unwrap();
        assert_eq!(SigningKey::lock(&pem), Some(Lock::Passphrase));
        let open = |passphrase| SigningKey::from_pem(&pem, passphrase);
        assert_eq!(open(Some(&right)).unwrap().public(), key().public());
        assert_eq!(open(Some(&wrong)).unwrap_err(), PrivateKeyError::Passphrase);
        assert_eq!(open(None).unwrap_err(), PrivateKeyError::PassphraseNeeded);
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(
            SigningKey::from_pem("", None).unwrap_err(),
            PrivateKeyError::Pem
        );
        let public = key().public().to_pem();
        assert_eq!(
            SigningKey::from_pem(&public, None).unwrap_err(),
            PrivateKeyError::Pem
        );
    }
}
