//! Keys of classic in-toto: how a layout names them, and how their signatures verify.
//!
//! A key is `keyid`, `keytype`, `scheme` and `keyval.public`. Read are, with their schemes:
//!
//! | keytype | scheme | public |
//! | --- | --- | --- |
//! | `ed25519` | `ed25519` | 32 bytes in hex |
//! | `ecdsa`, `ecdsa-sha2-nistp256`, `ecdsa-sha2-nistp384` | `ecdsa-sha2-nistp256`, `ecdsa-sha2-nistp384` | PEM |
//! | `rsa` | `rsassa-pss-sha256` | PEM, 2048 bits or more |
//!
//! A PSS signature has a salt as long as its digest, as in-toto makes them. A key of GnuPG is refused. A key that is given
//! as PEM has the id that in-toto gives it: the SHA-256 of its OLPC canonical JSON without the id.

use std::fmt;

use serde_json::{Value, json};
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

use crate::canonical;
use crate::digest::Sha256;
use crate::signing::PublicKey;
use crate::statement::shortened;

/// A key that signs layouts or links.
#[derive(Clone)]
pub struct Key {
    id: String,
    spki: Vec<u8>,
    verifier: Verifier,
}

#[derive(Clone)]
enum Verifier {
    Ed25519(Box<PublicKey>),
    Other(DerPublicKey, SigningScheme),
}

/// Why a key is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not PEM of a public key.
    #[error("no public key in PEM (SubjectPublicKeyInfo)")]
    Pem,
    /// Neither Ed25519, ECDSA on P-256 or P-384, nor RSA of 2048 bits or more.
    #[error("neither Ed25519, ECDSA P-256 or P-384, nor RSA of 2048 bits or more")]
    Kind,
    /// A field of a layout's key is missing or no text.
    #[error("the key has no {field}")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A key type or scheme that is not read.
    #[error("the key is of type {keytype:?} and scheme {scheme:?}, which is not verified here")]
    Scheme {
        /// Its type.
        keytype: String,
        /// Its scheme.
        scheme: String,
    },
    /// It stands under another id than its own.
    #[error("the key stands under {under}, and calls itself {id}")]
    OtherId {
        /// Where it stands.
        under: String,
        /// What it says.
        id: String,
    },
}

impl Key {
    /// A key in PEM, with the id that in-toto gives it.
    ///
    /// # Errors
    /// Where it is none, or of a kind that is not verified.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let spki = DerPublicKey::from_pem(text).map_err(|_| KeyError::Pem)?;
        let pem = || pem_of(spki.as_bytes());
        let (keytype, scheme, public) = match KeyAlgorithm::from_spki(&spki) {
            Ok(KeyAlgorithm::Ed25519) => {
                let key = PublicKey::from_spki_der(spki.as_bytes()).map_err(|_| KeyError::Kind)?;
                let bytes = key.ed25519_bytes().ok_or(KeyError::Kind)?;
                let hex = data_encoding::HEXLOWER.encode(bytes);
                ("ed25519", "ed25519", hex)
            }
            Ok(KeyAlgorithm::EcdsaP256) => ("ecdsa", "ecdsa-sha2-nistp256", pem()),
            Ok(KeyAlgorithm::EcdsaP384) => ("ecdsa", "ecdsa-sha2-nistp384", pem()),
            Ok(KeyAlgorithm::Rsa) => ("rsa", "rsassa-pss-sha256", pem()),
            _ => return Err(KeyError::Kind),
        };
        let value = json!({"keytype": keytype, "scheme": scheme, "keyval": {"public": public}});
        let canonical = canonical::to_olpc(&value).expect("texts have a canonical form");
        Self::new(Sha256::of(&canonical).to_string(), keytype, scheme, &public)
    }

    /// A key as it stands in a layout, under an id.
    ///
    /// # Errors
    /// Where a field is missing, or it is of a kind that is not verified.
    pub fn from_layout(under: &str, value: &Value) -> Result<Self, KeyError> {
        let text = |value: Option<&Value>, field| {
            let text = value.and_then(Value::as_str);
            text.map(str::to_owned).ok_or(KeyError::Missing { field })
        };
        let id = text(value.get("keyid"), "keyid")?;
        if id != under {
            let under = shortened(under);
            let id = shortened(&id);
            return Err(KeyError::OtherId { under, id });
        }
        let keytype = text(value.get("keytype"), "keytype")?;
        let scheme = text(value.get("scheme"), "scheme")?;
        let public = text(value.pointer("/keyval/public"), "keyval.public")?;
        Self::new(id, &keytype, &scheme, &public)
    }

    fn new(id: String, keytype: &str, scheme: &str, public: &str) -> Result<Self, KeyError> {
        let signing = match (keytype, scheme) {
            ("ed25519", "ed25519") => {
                let raw = data_encoding::HEXLOWER_PERMISSIVE.decode(public.as_bytes());
                let raw = raw.ok().and_then(|raw| <[u8; 32]>::try_from(raw).ok());
                let key = PublicKey::from_ed25519(&raw.ok_or(KeyError::Kind)?);
                let key = key.map_err(|_| KeyError::Kind)?;
                return Ok(Self {
                    id,
                    spki: key.to_spki_der(),
                    verifier: Verifier::Ed25519(Box::new(key)),
                });
            }
            ("rsa", "rsassa-pss-sha256") => SigningScheme::RsaPssSha256,
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => {
                SigningScheme::EcdsaP256Sha256
            }
            ("ecdsa" | "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384") => {
                SigningScheme::EcdsaP384Sha384
            }
            _ => {
                let keytype = shortened(keytype);
                let scheme = shortened(scheme);
                return Err(KeyError::Scheme { keytype, scheme });
            }
        };
        let spki = DerPublicKey::from_pem(public).map_err(|_| KeyError::Pem)?;
        VerificationKey::from_spki_with_scheme(&spki, signing).map_err(|_| KeyError::Kind)?;
        Ok(Self {
            id,
            spki: spki.as_bytes().to_vec(),
            verifier: Verifier::Other(spki, signing),
        })
    }

    /// What it is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is: two names of one key have the same.
    pub fn material(&self) -> &[u8] {
        &self.spki
    }

    /// Whether a signature over a message is by this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Ed25519(key) => key.verify(message, signature).is_ok(),
            Verifier::Other(spki, scheme) => {
                let signature = SignatureBytes::new(signature.to_vec());
                VerificationKey::from_spki_with_scheme(spki, *scheme)
                    .is_ok_and(|key| key.verify(message, &signature).is_ok())
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

// As the Python library writes it, which the id is over: lines of 64 characters, and a line feed at the end.
fn pem_of(der: &[u8]) -> String {
    let text = crate::base64::encode(der);
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}
