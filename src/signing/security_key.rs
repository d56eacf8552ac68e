//! Keys in a security key (`sk-ssh-ed25519@openssh.com` and `sk-ecdsa-sha2-nistp256@openssh.com`; OpenSSH's
//! PROTOCOL.u2f), and the signatures that they make here.
//!
//! Such a token signs no message alone, but also what it is used for and how. So a signature of one is typed: an
//! SSHSIG of version 1 (OpenSSH's PROTOCOL.sshsig), not in armour, in a namespace of our own, over the message's
//! SHA-512. `ssh-keygen -Y verify` takes it; a tool that knows DSSE alone does not. It holds where
//! 1. it names this very key and namespace, that hash, and nothing in the reserved field;
//! 2. the inner signature has the key's type, and nothing comes after it;
//! 3. the flags say that somebody was there (bit 0, user presence); the other bits are free, that somebody was
//!    verified (bit 2) among them;
//! 4. the key in the token signed SHA-256(application) ‖ flags ‖ counter ‖ SHA-256(what SSHSIG says is signed).
//!
//! The counter is signed, and compared with nothing: entries of one key come from several clones, in no order.

use sha2::{Digest as _, Sha512};

use super::{Curve, KeyAlgorithm, KeyError, PublicKey, ssh};
use crate::digest::Sha256;

/// What our signatures are for, as SSHSIG asks for.
pub(crate) const NAMESPACE: &str = "ledger@git-docket.dev";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: [u8; 4] = [0, 0, 0, 1];
const HASH: &[u8] = b"sha512";
const USER_PRESENT: u8 = 1;
/// OpenSSH enrols for applications that begin so; others belong to web sites, whose keys sign for them.
const APPLICATION: &str = "ssh:";
const APPLICATION_LIMIT: usize = 255;

pub(super) const ED25519: &str = "sk-ssh-ed25519@openssh.com";
pub(super) const ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com";

/// The key that a token holds, and what it holds it for.
#[derive(Clone)]
pub(super) struct SecurityKey {
    /// Ed25519, or ECDSA on P-256.
    inner: Box<PublicKey>,
    application: String,
}

impl SecurityKey {
    /// Reads what follows the type in an SSH key; none if the type is of no security key.
    pub(super) fn from_fields(
        name: &[u8],
        fields: &mut ssh::Reader<'_>,
    ) -> Option<Result<Self, KeyError>> {
        let is_ed25519 = name == ED25519.as_bytes();
        (is_ed25519 || name == ECDSA.as_bytes()).then(|| {
            let mut field = || fields.string().ok_or(KeyError::Ssh);
            let inner = if is_ed25519 {
                PublicKey::from_ed25519(field()?.try_into().map_err(|_| KeyError::Ssh)?)?
            } else if field()? == Curve::P256.ssh_name().as_bytes() {
                PublicKey::from_ecdsa(Curve::P256, field()?)?
            } else {
                return Err(KeyError::Ssh);
            };
            let application = std::str::from_utf8(field()?).ok().filter(|text| {
                text.starts_with(APPLICATION)
                    && text.len() <= APPLICATION_LIMIT
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
            });
            Ok(Self {
                inner: Box::new(inner),
                application: application.ok_or(KeyError::Application)?.to_owned(),
            })
        })
    }

    pub(super) const fn ssh_name(&self) -> &'static str {
        match self.algorithm() {
            KeyAlgorithm::SkEd25519 => ED25519,
            _ => ECDSA,
        }
    }

    pub(super) const fn algorithm(&self) -> KeyAlgorithm {
        match self.inner.algorithm() {
            KeyAlgorithm::Ed25519 => KeyAlgorithm::SkEd25519,
            _ => KeyAlgorithm::SkEcdsaP256,
        }
    }

    /// The key in the token, which signs no message of ours as it stands.
    pub(super) const fn inner(&self) -> &PublicKey {
        &self.inner
    }

    /// The key as SSH encodes it: as the key in the token, but for the name, and the application after it.
    pub(super) fn to_ssh_blob(&self) -> Vec<u8> {
        let inner = self.inner.to_ssh_blob();
        let mut fields = ssh::Reader(&inner);
        fields
            .string()
            .expect("an SSH key begins with the name of its type");
        let name = ssh::strings(&[self.ssh_name().as_bytes()]);
        let application = ssh::strings(&[self.application.as_bytes()]);
        [&name, fields.0, &application].concat()
    }

    /// Whether an SSHSIG over the message holds, by the steps in this module's head.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.holds(message, signature).is_some()
    }

    fn holds(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let mut fields = ssh::Reader(signature.strip_prefix(&head(&self.to_ssh_blob())[..])?);
        let whole = fields.string()?;
        fields.end()?;
        let mut fields = ssh::Reader(whole);
        if fields.string()? != self.ssh_name().as_bytes() {
            return None;
        }
        let signature = fields.string()?;
        let (flags, counter) = (fields.bytes(1)?, fields.bytes(4)?);
        fields.end()?;
        if flags[0] & USER_PRESENT == 0 {
            return None;
        }
        let signature = match self.inner.algorithm() {
            KeyAlgorithm::Ecdsa(curve) => ssh::ecdsa_signature(signature, curve.width())?,
            _ => signature.to_owned(),
        };
        let signed = [
            Sha256::of(self.application.as_bytes()).as_bytes(),
            flags,
            counter,
            Sha256::of(&to_sign(message)).as_bytes(),
        ]
        .concat();
        self.inner.verify(&signed, &signature).ok()
    }
}

/// What an agent is asked to sign with a security key, for a message.
pub(crate) fn to_sign(message: &[u8]) -> Vec<u8> {
    let fields = [NAMESPACE.as_bytes(), b"", HASH, &Sha512::digest(message)];
    [MAGIC, &ssh::strings(&fields)].concat()
}

/// The SSHSIG of a key, by its SSH encoding, around what an agent answered.
#[cfg(feature = "program")]
pub(crate) fn signature(blob: &[u8], answered: &[u8]) -> Vec<u8> {
    [head(blob), ssh::strings(&[answered])].concat()
}

fn head(blob: &[u8]) -> Vec<u8> {
    let fields = ssh::strings(&[blob, NAMESPACE.as_bytes(), b"", HASH]);
    [MAGIC, &VERSION, &fields].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    /// What a token does: both kinds of key, under an application, with flags and a counter.
    fn token(ecdsa: bool, application: &str) -> (SigningKey, Vec<u8>) {
        let key = match ecdsa {
            true => SigningKey::from_scalar(Curve::P256, &[7; 32]).unwrap(),
            false => SigningKey::from_seed([7; 32]),
        };
        let blob = key.public().to_ssh_blob();
        let mut fields = ssh::Reader(&blob);
        fields.string().unwrap();
        let name = ssh::strings(&[if ecdsa { ECDSA } else { ED25519 }.as_bytes()]);
        let application = ssh::strings(&[application.as_bytes()]);
        let blob = [&name, fields.0, &application].concat();
        (key, blob)
    }

    fn answered(key: &SigningKey, flags: u8, message: &[u8]) -> Vec<u8> {
        let counter = 9u32.to_be_bytes();
        let signed = [
            Sha256::of(b"ssh:").as_bytes(),
            &[flags][..],
            &counter,
            Sha256::of(&to_sign(message)).as_bytes(),
        ]
        .concat();
        let inner = key.sign(&signed).unwrap();
        let (name, inner) = match key.public().algorithm() {
            KeyAlgorithm::Ed25519 => (ED25519, inner),
            _ => {
                let read = p256::ecdsa::Signature::from_der(&inner).unwrap();
                let fixed = read.to_bytes();
                (ECDSA, [&fixed[..32], &fixed[32..]].map(number).concat())
            }
        };
        let fields = ssh::strings(&[name.as_bytes(), &inner]);
        [&fields[..], &[flags], &counter].concat()
    }

    /// A positive number (RFC 4251 §5).
    fn number(bytes: &[u8]) -> Vec<u8> {
        let begin = bytes.iter().position(|byte| *byte != 0).unwrap();
        let sign: &[u8] = if bytes[begin] < 0x80 { &[] } else { &[0] };
        ssh::strings(&[&[sign, &bytes[begin..]].concat()])
    }

    #[test]
    fn a_signature_holds_for_its_message_with_every_byte_as_it_was() {
        for ecdsa in [false, true] {
            let (key, blob) = token(ecdsa, "ssh:");
            let public = PublicKey::from_ssh_blob(&blob).unwrap();
            assert_eq!(public.to_ssh_blob(), blob);
            assert_ne!(public.id(), key.public().id());
            for (flags, holds) in [(1, true), (5, true), (0, false), (4, false)] {
                let signed = signature(&blob, &answered(&key, flags, b"a"));
                assert_eq!(public.verify(b"a", &signed).is_ok(), holds, "{flags}");
                assert!(public.verify(b"b", &signed).is_err());
                assert!(public.verify(b"a", &[&signed[..], &[0]].concat()).is_err());
                for at in 0..signed.len() {
                    let mut bad = signed.clone();
                    bad[at] ^= 2;
                    assert!(public.verify(b"a", &bad).is_err(), "byte {at}");
                    assert!(public.verify(b"a", &signed[..at]).is_err());
                }
            }
            // The key in the token signs nothing of ours, and what it signs plainly is no signature of the token's.
            let plain = key.sign(b"a").unwrap();
            assert!(public.verify(b"a", &plain).is_err());
            let signed = signature(&blob, &answered(&key, 1, b"a"));
            assert!(key.public().verify(b"a", &signed).is_err());
        }
    }

    #[test]
    fn a_key_for_anything_but_ssh_is_refused() {
        let long = format!("ssh:{}", "a".repeat(252));
        for application in ["https://example.com", "", "ssh", "ssh:a b", "ssh:\n", &long] {
            for ecdsa in [false, true] {
                let read = PublicKey::from_ssh_blob(&token(ecdsa, application).1);
                assert_eq!(read, Err(KeyError::Application), "{application}");
            }
        }
        let (key, blob) = token(false, "ssh:other");
        let other = PublicKey::from_ssh_blob(&blob).unwrap();
        let signed = signature(&blob, &answered(&key, 1, b"a"));
        assert!(other.verify(b"a", &signed).is_err(), "signed for ssh:");
    }
}
