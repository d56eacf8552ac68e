//! Base64 (RFC 4648 §4), padded, one spelling for each byte string.
//!
//! The library's decoder is more lenient: it takes padding in the middle, for one. Here every text is
//! refused that its bytes would not print, so that nothing signed can be written in two ways.

use data_encoding::{BASE64, BASE64URL, Encoding};
use thiserror::Error;

/// Not the one base64 spelling of any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not padded base64 in its one spelling")]
pub struct Base64Error;

/// The text of bytes.
pub fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The bytes of a text.
///
/// # Errors
/// For every text that [`encode`] would not have written.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    strict(&BASE64, text)
}

/// The bytes of a text in the URL-safe alphabet (RFC 4648 §5), padded.
///
/// # Errors
/// As [`decode`], for that alphabet.
pub fn decode_url_safe(text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    strict(&BASE64URL, text)
}

fn strict(alphabet: &Encoding, text: &[u8]) -> Result<Vec<u8>, Base64Error> {
    // The decoder takes padded texts one after the other.
    if text[..text.len().saturating_sub(2)].contains(&b'=') {
        return Err(Base64Error);
    }
    alphabet.decode(text).map_err(|_| Base64Error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_in_the_middle_and_other_bits_are_refused() {
        for bad in [
            "Zg==Zg==", "Zh==", "Zg", "Zg=", "Zg==\n", " Zg==", "Z g=", "-_8=",
        ] {
            assert_eq!(decode(bad.as_bytes()), Err(Base64Error), "{bad}");
        }
        assert_eq!(decode_url_safe(b"-_8="), Ok(vec![0xfb, 0xff]));
        assert_eq!(decode(b""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_is_written(text in "[A-Za-z0-9+/=]{0,24}", bytes: Vec<u8>) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Ok(bytes));
            if let Ok(read) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&read), text);
            }
        }
    }
}
