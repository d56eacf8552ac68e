//! JSON results: one object, or one object a line, each with `schemaVersion` first.

use serde::Serialize;

/// The version of every JSON result; a change that breaks a reader raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// A result and the version of its form.
#[derive(Serialize)]
struct Versioned<'a, T> {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    #[serde(flatten)]
    result: &'a T,
}

/// Renders a result as indented JSON with a line feed at its end. The result must serialise as an object.
pub fn document<T: Serialize>(result: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&Versioned {
        schema_version: SCHEMA_VERSION,
        result,
    })?;
    text.push('\n');
    Ok(text)
}

/// Renders a result as one line (JSON Lines), with its line feed.
pub fn line<T: Serialize>(result: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Versioned {
        schema_version: SCHEMA_VERSION,
        result,
    })?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_says_its_version_first() {
        #[derive(Serialize)]
        struct Result {
            answer: u8,
        }
        assert_eq!(
            line(&Result { answer: 42 }).expect("serialises"),
            "{\"schemaVersion\":1,\"answer\":42}\n"
        );
        assert!(line(&7).is_err(), "a bare number can carry no version");
    }
}
