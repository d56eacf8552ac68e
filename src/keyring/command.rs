//! Keys behind a program, which knows a token, a key service or a cloud: `--signer-command`.
//!
//! The program is run by `sh -c` once for the public key and once for each signature. It reads one JSON object from
//! standard input, writes one to standard output, and ends with 0; else its last words are the reason why there is
//! no signature. The page `keys` gives both objects. What it signs is held against its public key before it is
//! used, so a program that errs spoils nothing. It has two minutes: somebody may have to touch a token.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use thiserror::Error;

use crate::base64;
use crate::process::{self, Quiet};
use crate::signing::{Curve, KeyAlgorithm, KeyError, KeyId, PublicKey, Remote};

const PROTOCOL: &str = "git-docket-signer/v1";
const PATIENCE: Duration = Duration::from_secs(120);
/// An answer is a key or a signature, never near this: 64 KiB.
const ANSWER_LIMIT: usize = 64 << 10;

/// Why a program did not sign.
#[derive(Debug, Error)]
pub enum Error {
    /// It could not be run, or ended with another code than 0.
    #[error("the signer command does not answer")]
    Run(#[from] process::Error),
    /// What it wrote is not the JSON that was asked for.
    #[error("the signer command's answer to {asked:?} is not the JSON that it has to be")]
    Answer {
        /// What was asked.
        asked: &'static str,
    },
    /// Its public key is refused.
    #[error("the signer command's public key cannot be used")]
    Key(#[from] KeyError),
}

/// A program that signs.
#[derive(Clone, Debug)]
pub struct External {
    line: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    protocol: &'static str,
    request: &'static str,
    #[serde(flatten)]
    message: Option<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    key_id: KeyId,
    algorithm: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

/// What key services want, which sign no message but its hash.
#[derive(Serialize)]
struct Digest {
    algorithm: &'static str,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    public_key: String,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

impl External {
    /// A program, as a shell understands it; nothing is run yet.
    pub fn new(line: String) -> Self {
        Self { line }
    }

    /// Asks for the public key.
    ///
    /// # Errors
    /// Where the program fails, or gives no key that is fit to verify with.
    pub fn public(&self) -> Result<PublicKey, Error> {
        let key: Key = self.ask("public-key", None)?;
        Ok(PublicKey::from_pem(&key.public_key)?)
    }

    /// What signs with it, as this key.
    pub fn signer(&self, key: &PublicKey) -> impl Remote + use<> {
        Signer {
            command: self.clone(),
            key: key.clone(),
        }
    }

    fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        asked: &'static str,
        message: Option<Message<'_>>,
    ) -> Result<T, Error> {
        let request = Request {
            protocol: PROTOCOL,
            request: asked,
            message,
        };
        let mut text = serde_json::to_string(&request).expect("texts and numbers are JSON");
        text.push('\n');
        let run = Quiet::program("sh", &["-c", &self.line]);
        let answer = run.limit(PATIENCE).input(text).output()?;
        let read = (answer.len() <= ANSWER_LIMIT).then(|| serde_json::from_slice(&answer).ok());
        read.flatten().ok_or(Error::Answer { asked })
    }
}

struct Signer {
    command: External,
    key: PublicKey,
}

impl Remote for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let digest = match self.key.algorithm() {
            KeyAlgorithm::Ecdsa(Curve::P256) => Some(Digest {
                algorithm: "sha256",
                value: base64::encode(&sha2::Sha256::digest(message)),
            }),
            KeyAlgorithm::Ecdsa(Curve::P384) => Some(Digest {
                algorithm: "sha384",
                value: base64::encode(&sha2::Sha384::digest(message)),
            }),
            _ => None,
        };
        let asked = Message {
            key_id: self.key.id(),
            algorithm: self.key.algorithm().to_string(),
            message: &base64::encode(message),
            digest,
        };
        let signed: Signature = self.command.ask("sign", Some(asked))?;
        let signature = base64::decode(signed.signature.as_bytes());
        Ok(signature.map_err(|_| Error::Answer { asked: "sign" })?)
    }
}
