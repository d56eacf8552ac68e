//! The seal: a C2SP tlog-checkpoint by the ledger's own key.
//!
//! ```text
//! git.example.com/acme/app
//! 43
//! <base64 root>
//!
//! — git.example.com/acme/app <base64 key id and signature>
//! ```
//!
//! Made only over a tip that has landed and been read back, and consistent with the seal before. Further
//! signature lines (cosignatures by witnesses) may follow and are kept; extension lines are refused, for
//! we write none.

use thiserror::Error;

use super::{
    append_record::TreeHead,
    note::{KeyName, NoteError, SignedNote, VerifierKey},
    origin::Origin,
    text::{self, LineReader, TextError},
};
use crate::signing::{SigningError, SigningKey};

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The ledger's name, and the signing key's.
    pub origin: Origin,
    /// The sealed size and root.
    pub head: TreeHead,
}

/// Why bytes are no seal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The signed note around it.
    #[error("signed note")]
    Note(#[from] NoteError),
    /// A line of the checkpoint.
    #[error("checkpoint")]
    Body(#[from] TextError),
    /// A seal over nothing.
    #[error("a seal covers at least one entry")]
    Empty,
}

impl Seal {
    /// The checkpoint's text.
    pub fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.head.size,
            text::hash_text(&self.head.root)
        )
    }

    /// Reads a checkpoint's text.
    ///
    /// # Errors
    /// Anything that [`Seal::text`] would not have printed.
    pub fn parse_text(bytes: &[u8]) -> Result<Self, SealError> {
        let mut lines = LineReader::new(bytes)?;
        let origin = lines.read("the origin", |line| line.parse().ok())?;
        let size = lines.read("a size", text::number)?;
        let root = lines.read("a root in base64", text::hash)?;
        lines.end()?;
        if size == 0 {
            return Err(SealError::Empty);
        }
        Ok(Self {
            origin,
            head: TreeHead { size, root },
        })
    }

    /// The signed seal; the key's name is the origin.
    ///
    /// # Errors
    /// Where a key that is elsewhere does not sign.
    pub fn sign(&self, key: &SigningKey) -> Result<SignedSeal, SigningError> {
        let name: KeyName = self
            .origin
            .as_str()
            .parse()
            .expect("an origin is a key name");
        Ok(SignedSeal {
            seal: self.clone(),
            note: SignedNote::sign(self.text(), &[(name, key)])?,
        })
    }
}

/// A seal with its signatures, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSeal {
    seal: Seal,
    note: SignedNote,
}

impl SignedSeal {
    /// Reads `docket/seal`.
    ///
    /// # Errors
    /// Anything but a signed note over a checkpoint without extension lines.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        let note = SignedNote::parse(bytes)?;
        Ok(Self {
            seal: Seal::parse_text(note.text().as_bytes())?,
            note,
        })
    }

    /// The bytes of `docket/seal`.
    pub fn render(&self) -> Vec<u8> {
        self.note.render().into_bytes()
    }

    /// The seal, whose signatures nobody has checked here.
    pub fn unverified(&self) -> &Seal {
        &self.seal
    }

    /// Holds the signature against the ledger's key; other signatures are not looked at.
    ///
    /// # Errors
    /// Where the ledger's key has not signed, or its signature fails.
    pub fn verify(&self, ledger_key: &VerifierKey) -> Result<&Seal, NoteError> {
        self.note.verify(ledger_key)?;
        Ok(&self.seal)
    }
}
