//! Statements: placeholder until the module lands.
use std::{fmt, str::FromStr};

/// A step's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(String);

impl Step {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Step {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut bytes = text.bytes();
        let start = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ok = text.len() <= 64
            && bytes.next().is_some_and(start)
            && bytes.all(|b| start(b) || b"._-".contains(&b));
        ok.then(|| Self(text.to_owned())).ok_or(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
