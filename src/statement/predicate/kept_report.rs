//! The report that a statement was made from: always by digest, and within the statement where it is to be kept.
//!
//! A kept report stands in the statement itself, compressed (RFC 1952) and in base64: so it is signed with it, goes with it through
//! spool, inbox and push, and needs no file of its own. What it holds must be what the digest says.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::{Error, Sha256Text};
use crate::base64;
use crate::digest::Sha256;

/// No kept report is larger before it is compressed: 16 MiB.
pub const MAX_KEPT_BYTES: usize = 16 << 20;

/// A report of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReport {
    /// SHA-256 of it.
    pub digest: Sha256Text,
    /// Its media type.
    pub media_type: String,
    /// Where it is, if it is not kept here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The report itself, gzip in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gzip: Option<String>,
}

impl KeptReport {
    /// By digest alone.
    pub fn by_digest(bytes: &[u8], media_type: &str, uri: Option<String>) -> Self {
        Self {
            digest: Sha256Text(Sha256::of(bytes)),
            media_type: media_type.to_owned(),
            uri,
            gzip: None,
        }
    }

    /// With its bytes. The same bytes give the same text.
    pub fn whole(bytes: &[u8], media_type: &str) -> Self {
        // Neither time nor name stands in the header.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
        let compressed = written.expect("a vector takes what is written");
        Self {
            gzip: Some(base64::encode(&compressed)),
            ..Self::by_digest(bytes, media_type, None)
        }
    }

    /// Whether the report can be had: it is here, or somewhere that is named.
    pub fn is_somewhere(&self) -> bool {
        self.gzip.is_some() || self.uri.is_some()
    }

    /// The report, where it is here.
    ///
    /// # Errors
    /// Where it is not gzip in base64, too large, or another one than its digest says.
    pub fn content(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(text) = &self.gzip else {
            return Ok(None);
        };
        let broken = |rule| Error::Broken { rule };
        let compressed = base64::decode(text.as_bytes())
            .map_err(|_| broken("report.gzip is base64 (RFC 4648 §4)"))?;
        let mut bytes = Vec::new();
        let mut decoder = GzDecoder::new(compressed.as_slice()).take(MAX_KEPT_BYTES as u64 + 1);
        decoder
            .read_to_end(&mut bytes)
            .map_err(|_| broken("report.gzip is gzip (RFC 1952)"))?;
        if bytes.len() > MAX_KEPT_BYTES {
            return Err(broken("report.gzip holds at most 16 MiB"));
        }
        match Sha256::of(&bytes) == self.digest.0 {
            true => Ok(Some(bytes)),
            false => Err(broken("report.gzip holds what report.digest says")),
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        self.content().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_kept_and_another_is_refused() {
        let kept = KeptReport::whole(b"<testsuite/>", "application/xml");
        assert_eq!(kept, KeptReport::whole(b"<testsuite/>", "application/xml"));
        assert_eq!(
            kept.content().expect("kept").as_deref(),
            Some(&b"<testsuite/>"[..])
        );
        assert!(kept.is_somewhere());
        let summary = KeptReport::by_digest(b"x", "text/plain", None);
        assert!(!summary.is_somewhere() && summary.content().expect("sound").is_none());
        let other = KeptReport::whole(b"other", "application/xml");
        for gzip in ["", "!", "AAAA", other.gzip.as_deref().unwrap_or_default()] {
            let bad = KeptReport {
                gzip: Some(gzip.to_owned()),
                ..kept.clone()
            };
            assert!(bad.validate().is_err(), "{gzip}");
        }
        let bomb = KeptReport::whole(&vec![0; MAX_KEPT_BYTES + 1], "text/plain");
        assert!(bomb.validate().is_err(), "larger than it may be");
    }
}
