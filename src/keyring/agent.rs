//! Keys in an SSH agent (draft-ietf-sshm-ssh-agent), over the socket that `SSH_AUTH_SOCK` names.
//!
//! A request is its length in four bytes, its number, and what it is about; so is the answer. Asked are the list
//! of keys (11, answered by 12) and signatures (13, answered by 14). The agent signs the message itself, not a text
//! around it, so that what it signs verifies as any other signature of the key does; with a security key it signs an
//! SSHSIG's text, since such a key signs more than the message anyway. No answer is longer than
//! 256 KiB, and none is waited for longer than two minutes: somebody may have to confirm at a window.

use std::borrow::Cow;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::signing::{KeyAlgorithm, KeyId, PublicKey, Remote, security_key, ssh};

const LIST: u8 = 11;
const LISTED: u8 = 12;
const SIGN: u8 = 13;
const SIGNED: u8 = 14;
const ANSWER_LIMIT: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(120);

/// Why an agent did not help.
#[derive(Debug, Error)]
pub enum Error {
    /// No agent there, or it broke off.
    #[error("the SSH agent at {path} cannot be asked")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An answer that is none.
    #[error("the SSH agent gave an answer that is malformed")]
    Malformed,
    /// It does not want to, or has not that key.
    #[error("the SSH agent refuses to sign")]
    Refused,
}

/// A key that an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The key.
    pub public: PublicKey,
    /// What the agent calls it.
    pub comment: String,
}

/// An agent, by its socket.
#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
}

impl Agent {
    /// The agent at a socket; nothing is asked yet.
    pub fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// The keys that it holds and that can sign here, in its order. Certificates and keys of other types are
    /// left out.
    ///
    /// # Errors
    /// Where it cannot be asked, or its answer is malformed.
    pub fn list(&self) -> Result<Vec<Held>, Error> {
        let answer = self.ask(LIST, &[])?;
        listed(&answer).ok_or(Error::Malformed)
    }

    /// What signs with a key of the agent's.
    pub fn signer(&self, key: &PublicKey) -> impl Remote + use<> {
        Signer {
            agent: self.clone(),
            key: key.clone(),
        }
    }

    fn sign(&self, key: &PublicKey, message: &[u8]) -> Result<Vec<u8>, Error> {
        let message = match key.is_security_key() {
            true => Cow::Owned(security_key::to_sign(message)),
            false => Cow::Borrowed(message),
        };
        let mut request = ssh::strings(&[&key.to_ssh_blob(), &message]);
        // No flags: they choose among RSA's hash functions.
        request.extend_from_slice(&[0; 4]);
        let answer = self.ask(SIGN, &request)?;
        signature(key, &answer).ok_or(Error::Malformed)
    }

    /// The answer, with its number.
    fn ask(&self, number: u8, about: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |source| Error::Socket {
            path: self.socket.clone(),
            source,
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(failed)?;
        let length = u32::try_from(about.len() + 1).map_err(|_| Error::Refused)?;
        let request = [&length.to_be_bytes(), &[number][..], about].concat();
        let mut exchange = || {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(&request)?;
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > ANSWER_LIMIT {
                return Ok(None);
            }
            let mut answer = vec![0; length];
            stream.read_exact(&mut answer)?;
            Ok(Some(answer))
        };
        exchange().map_err(failed)?.ok_or(Error::Malformed)
    }
}

struct Signer {
    agent: Agent,
    key: PublicKey,
}

impl Remote for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.agent.sign(&self.key, message)?)
    }
}

/// The one of several keys that a text names: by its id, or by its whole comment. None named: the only one.
pub fn choose<'a>(held: &'a [Held], named: &str) -> Option<&'a Held> {
    let id = named.parse::<KeyId>().ok();
    let is_named = |one: &&Held| match id {
        Some(id) => one.public.id() == id,
        None => named.is_empty() || one.comment == named,
    };
    let mut found = held.iter().filter(is_named);
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn listed(answer: &[u8]) -> Option<Vec<Held>> {
    let mut fields = ssh::Reader(answer);
    if fields.bytes(1)? != [LISTED] {
        return None;
    }
    let mut held = Vec::new();
    for _ in 0..fields.number()? {
        let (blob, comment) = (fields.string()?, fields.string()?);
        if let Ok(public) = PublicKey::from_ssh_blob(blob) {
            let comment = String::from_utf8_lossy(comment).into_owned();
            held.push(Held { public, comment });
        }
    }
    fields.end()?;
    Some(held)
}

/// The signature in an answer: Ed25519's as it is, ECDSA's two numbers (RFC 5656 §3.1.2) side by side, a security
/// key's in an SSHSIG.
fn signature(key: &PublicKey, answer: &[u8]) -> Option<Vec<u8>> {
    let mut fields = ssh::Reader(answer);
    if fields.bytes(1)? != [SIGNED] {
        return None;
    }
    let whole = fields.string()?;
    fields.end()?;
    if key.is_security_key() {
        return Some(security_key::signature(&key.to_ssh_blob(), whole));
    }
    let mut fields = ssh::Reader(whole);
    let (kind, signature) = (fields.string()?, fields.string()?);
    fields.end()?;
    if kind != key.ssh_name().as_bytes() {
        return None;
    }
    match key.algorithm() {
        KeyAlgorithm::Ecdsa(curve) => ssh::ecdsa_signature(signature, curve.width()),
        _ => Some(signature.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::{Curve, SigningKey};

    fn answer(number: u8, rest: &[u8]) -> Vec<u8> {
        [&[number], rest].concat()
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let ada = SigningKey::from_seed([1; 32]).public().clone();
        let fields = [&ada.to_ssh_blob()[..], b"ada", b"some other key", b"rsa"];
        let sound = answer(
            LISTED,
            &[&[0, 0, 0, 2][..], &ssh::strings(&fields)].concat(),
        );
        let held = listed(&sound).unwrap();
        assert_eq!(held.len(), 1);
        assert_eq!((&held[0].public, &*held[0].comment), (&ada, "ada"));
        for length in 0..sound.len() {
            assert_eq!(listed(&sound[..length]), None);
        }
        assert_eq!(listed(&[&sound[..], &[0]].concat()), None);
        assert_eq!(listed(&[5]), None, "failure");
        let endless = answer(LISTED, &[0xff; 4]);
        assert_eq!(listed(&endless), None);
    }

    #[test]
    fn a_key_is_named_by_id_or_comment_and_never_guessed() {
        let one = |seed: u8, comment: &str| Held {
            public: SigningKey::from_seed([seed; 32]).public().clone(),
            comment: comment.into(),
        };
        let held = [one(1, "ada"), one(2, "work"), one(3, "work")];
        let id = held[2].public.id().to_string();
        assert_eq!(choose(&held, &id), Some(&held[2]));
        assert_eq!(choose(&held, "ada"), Some(&held[0]));
        for unclear in ["work", "", "ad", &id[..20]] {
            assert_eq!(choose(&held, unclear), None, "{unclear}");
        }
        assert_eq!(choose(&held[..1], ""), Some(&held[0]));
    }

    #[test]
    fn ecdsa_signatures_have_two_numbers_that_fit() {
        let key = SigningKey::from_scalar(Curve::P256, &[7; 32]).unwrap();
        let key = key.public();
        let name = key.ssh_name();
        let read = |r: &[u8], s: &[u8]| {
            let numbers = ssh::strings(&[r, s]);
            let whole = ssh::strings(&[name.as_bytes(), &numbers]);
            signature(key, &answer(SIGNED, &ssh::strings(&[&whole])))
        };
        let long = [&[0][..], &[0x80; 32]].concat();
        let fixed = read(&[5], &long).unwrap();
        assert_eq!(fixed[..32], [&[0; 31][..], &[5]].concat());
        assert_eq!(fixed[32..], [0x80; 32]);
        assert_eq!(read(&[1; 33], &[1]), None);
    }
}
