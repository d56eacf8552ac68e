//! Paths in the ledger's tree: one fan-out, `ab/cd/<rest>`.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::digest::{Algorithm, ObjectId};

/// The path of a commit's note as we write it: two hex digits, two more, the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotePath(ObjectId);

/// The text is not such a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a note's path ab/cd/<rest>")]
pub struct NotePathError;

impl NotePath {
    /// Where the note about `object` stands.
    pub fn of(object: ObjectId) -> Self {
        Self(object)
    }

    /// The object that the note is about.
    pub fn object(&self) -> ObjectId {
        self.0
    }
}

impl fmt::Display for NotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.0.hex();
        write!(f, "{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..])
    }
}

impl FromStr for NotePath {
    type Err = NotePathError;

    fn from_str(text: &str) -> Result<Self, NotePathError> {
        let hex = text.replace('/', "");
        let algorithm = match hex.len() {
            40 => Algorithm::Sha1,
            64 => Algorithm::Sha256,
            _ => return Err(NotePathError),
        };
        let path = Self(ObjectId::from_hex(algorithm, &hex).map_err(|_| NotePathError)?);
        if path.to_string() == text {
            Ok(path)
        } else {
            Err(NotePathError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_only_what_it_prints() {
        let text = "e6/9d/e29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(text.parse::<NotePath>().unwrap().to_string(), text);
        for bad in [
            "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "e6/9de29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "E6/9d/e29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "/e6/9d/e29bb2d1d6434b8b29ae775ad8c2e48c5391",
            "docket/append",
        ] {
            assert!(bad.parse::<NotePath>().is_err(), "{bad}");
        }
    }
}
