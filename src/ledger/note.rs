//! C2SP signed notes with signatures by Ed25519 (key type 0x01) and ECDSA (0x02), and by security keys (0xff).
//!
//! ```text
//! text, each line ended by LF
//!
//! — name base64(key id, 4 bytes || signature)
//! ```
//!
//! The key id is the first four bytes of `SHA-256(name || "\n" || 0x01 || public key)`; of an ECDSA key, as
//! Rekor has it, of the SHA-256 over its DER SubjectPublicKeyInfo. A signature counts only for its (name, id) pair; lines by keys that the reader does not know are not looked at. What the
//! reader accepts, it renders to the same bytes.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use thiserror::Error;

use crate::base64;
use crate::{
    digest::Sha256,
    signing::{KeyAlgorithm, KeyError, PublicKey, SigningError, SigningKey},
};

/// The longest note that is read, in bytes.
pub const NOTE_LIMIT: usize = 1 << 20;
/// The most signature lines that are read.
pub const SIGNATURE_LIMIT: usize = 16;

const ED25519: u8 = 0x01;
const ECDSA: u8 = 0x02;
/// The type of what the specification gives no type of its own; a text that nobody else takes follows it.
const OTHER: u8 = 0xff;
const SECURITY_KEY: &[u8] = b"git-docket.dev/sshsig\n";
const DASH: &str = "\u{2014} ";

/// A key's name: not empty, no Unicode white space, no control characters, no `+`; at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why bytes are no signed note, or one does not verify.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Over [`NOTE_LIMIT`].
    #[error("longer than {NOTE_LIMIT} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Encoding,
    /// A control character other than LF.
    #[error("byte {at}: a control character")]
    Control {
        /// Offset in the note.
        at: usize,
    },
    /// No text, no blank line after it, or no LF at the end.
    #[error("not a text, a blank line and signature lines")]
    Frame,
    /// A signature line that is not `— name base64`.
    #[error("signature {index}: not an em dash, a name and base64")]
    SignatureLine {
        /// Counted from 0.
        index: usize,
    },
    /// Over [`SIGNATURE_LIMIT`].
    #[error("more than {SIGNATURE_LIMIT} signatures")]
    TooManySignatures,
    /// Two lines of one name and key id.
    #[error("{name} signs twice with one key")]
    Repeated {
        /// The name.
        name: KeyName,
    },
    /// No line of the expected name and key id.
    #[error("no signature by {name} with key id {id}")]
    Unsigned {
        /// The expected name.
        name: KeyName,
        /// The expected key id, in hex.
        id: String,
    },
    /// The expected key's line does not verify.
    #[error("the signature by {name} does not verify")]
    Signature {
        /// The name.
        name: KeyName,
    },
    /// A name that no key can have.
    #[error(
        "{0:?} is no key name: it must not be empty nor hold white space, control characters or +"
    )]
    Name(String),
    /// A verifier key that is not `name+hash+base64`.
    #[error("not a verifier key name+hash+base64 of an Ed25519, ECDSA or security key")]
    VerifierKey,
    /// The key inside a verifier key.
    #[error("key")]
    Key(#[from] KeyError),
}

impl KeyName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.len() > 255 || text.contains(bad) {
            return Err(NoteError::Name(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key with its name: `name+<key id in hex>+base64(0x01 || key)`, of an ECDSA
/// key `base64(0x02 || DER SubjectPublicKeyInfo)`, of a security key
/// `base64(0xff || "git-docket.dev/sshsig" || LF || SSH encoding)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    key: PublicKey,
    id: [u8; 4],
}

impl VerifierKey {
    /// Gives a key a name.
    pub fn new(name: KeyName, key: &PublicKey) -> Self {
        let id = key_id(&name, key);
        Self {
            name,
            key: key.clone(),
            id,
        }
    }

    /// The key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = typed(&self.key);
        write!(
            f,
            "{}+{}+{}",
            self.name,
            HEXLOWER.encode(&self.id),
            base64::encode(&key)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        // Base64 may hold a plus, a name may not.
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(NoteError::VerifierKey);
        let (name, id, key) = (part()?, part()?, part()?);
        let raw = base64::decode(key.as_bytes()).map_err(|_| NoteError::VerifierKey)?;
        let key = match raw.split_first() {
            Some((&ED25519, key)) => {
                PublicKey::from_ed25519(key.try_into().map_err(|_| NoteError::VerifierKey)?)?
            }
            Some((&ECDSA, der)) => {
                let key = PublicKey::from_spki_der(der)?;
                let is_ecdsa = matches!(key.algorithm(), KeyAlgorithm::Ecdsa(_));
                is_ecdsa.then_some(key).ok_or(NoteError::VerifierKey)?
            }
            Some((&OTHER, key)) => {
                let blob = key
                    .strip_prefix(SECURITY_KEY)
                    .ok_or(NoteError::VerifierKey)?;
                let key = PublicKey::from_ssh_blob(blob)?;
                let is_one = key.is_security_key();
                is_one.then_some(key).ok_or(NoteError::VerifierKey)?
            }
            _ => return Err(NoteError::VerifierKey),
        };
        let verifier = Self::new(name.parse()?, &key);
        if HEXLOWER.encode(&verifier.id) != id {
            return Err(NoteError::VerifierKey);
        }
        Ok(verifier)
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl NoteSignature {
    /// The name that signs.
    pub fn name(&self) -> &KeyName {
        &self.name
    }
}

/// A text with signature lines, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Signs a text, which is not empty, ends with LF and holds no other control character.
    ///
    /// # Errors
    /// Where a key that is elsewhere does not sign.
    pub fn sign(text: String, signers: &[(KeyName, &SigningKey)]) -> Result<Self, SigningError> {
        debug_assert!(
            text.ends_with('\n') && !text.contains(|c: char| c.is_control() && c != '\n')
        );
        let sign = |(name, key): &(KeyName, &SigningKey)| {
            Ok(NoteSignature {
                name: name.clone(),
                id: key_id(name, key.public()),
                signature: key.sign(text.as_bytes())?,
            })
        };
        Ok(Self {
            signatures: signers.iter().map(sign).collect::<Result<_, _>>()?,
            text,
        })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// Anything that [`SignedNote::render`] would not print.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_LIMIT {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Encoding)?;
        if let Some(at) = bytes
            .iter()
            .position(|b| (*b < 0x20 && *b != b'\n') || *b == 0x7f)
        {
            return Err(NoteError::Control { at });
        }
        let split = whole.rfind("\n\n").ok_or(NoteError::Frame)?;
        let (text, lines) = (&whole[..=split], &whole[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Frame)?;
        if text.trim_matches('\n').is_empty() {
            return Err(NoteError::Frame);
        }
        let mut signatures: Vec<NoteSignature> = Vec::new();
        for (index, line) in lines.split('\n').enumerate() {
            if index == SIGNATURE_LIMIT {
                return Err(NoteError::TooManySignatures);
            }
            let signature = parse_signature(line).ok_or(NoteError::SignatureLine { index })?;
            if signatures
                .iter()
                .any(|s| s.name == signature.name && s.id == signature.id)
            {
                return Err(NoteError::Repeated {
                    name: signature.name,
                });
            }
            signatures.push(signature);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The note's bytes.
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            let raw = [&signature.id[..], &signature.signature].concat();
            out.push_str(&format!(
                "{DASH}{} {}\n",
                signature.name,
                base64::encode(&raw)
            ));
        }
        out
    }

    /// The signed text, its last LF included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order; at least one.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Holds the note against one key: it must have signed, under its name.
    ///
    /// # Errors
    /// Where that pair of name and key has no line, or its line does not verify.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let line = self
            .signatures
            .iter()
            .find(|line| line.name == key.name && line.id == key.id)
            .ok_or_else(|| NoteError::Unsigned {
                name: key.name.clone(),
                id: HEXLOWER.encode(&key.id),
            })?;
        key.key
            .verify(self.text.as_bytes(), &line.signature)
            .map_err(|_| NoteError::Signature {
                name: key.name.clone(),
            })
    }
}

/// A key after the number of its type.
fn typed(key: &PublicKey) -> Vec<u8> {
    match key.ed25519_bytes() {
        Some(key) => [&[ED25519], &key[..]].concat(),
        None if key.is_security_key() => [&[OTHER], SECURITY_KEY, &key.to_ssh_blob()].concat(),
        None => [&[ECDSA], &key.to_spki_der()[..]].concat(),
    }
}

fn key_id(name: &KeyName, key: &PublicKey) -> [u8; 4] {
    let digest = match key.algorithm() {
        KeyAlgorithm::Ecdsa(_) => Sha256::of(&key.to_spki_der()),
        _ => Sha256::of_parts(&[name.0.as_bytes(), b"\n", &typed(key)]),
    };
    let [a, b, c, d, ..] = *digest.as_bytes();
    [a, b, c, d]
}

fn parse_signature(line: &str) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
    let raw = base64::decode(base64.as_bytes()).ok()?;
    let (id, signature) = raw.split_at_checked(4)?;
    if signature.is_empty() {
        return None;
    }
    Some(NoteSignature {
        name: name.parse().ok()?,
        id: id.try_into().ok()?,
        signature: signature.to_vec(),
    })
}
