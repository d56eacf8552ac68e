//! When the signature was there already: what authorities and logs signed about it.

use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier};
use jiff::Timestamp as Time;
use sigstore_tsa::Error as TsaError;
use sigstore_types::{KindVersion, TimestampToken, TsaAuthority};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::received::Received;
use super::roots::Roots;
use super::{Refusal, signature_of};
use crate::timestamp::Timestamp;

/// Verified times, rising, and how many timestamps proved nothing.
pub(super) struct Times {
    pub(super) times: Vec<Time>,
    pub(super) ignored: usize,
}

impl Times {
    /// In whole seconds.
    pub(super) fn seconds(&self) -> Vec<Timestamp> {
        let seconds = self.times.iter().map(|time| time.as_second());
        seconds
            .filter_map(|seconds| Timestamp::from_unix(seconds).ok())
            .collect()
    }
}

/// Every time that somebody trusted has signed. Log entries must have been verified before.
pub(super) fn verified(received: &Received, roots: &Roots, now: Time) -> Result<Times, Refusal> {
    let mut verified = Times {
        times: Vec::new(),
        ignored: 0,
    };
    for token in received.timestamps() {
        match timestamp(token, received, roots)? {
            Some(time) if time > now => {
                return Err(Refusal::TimestampAhead {
                    time: time.to_string(),
                });
            }
            Some(time) => verified.times.push(time),
            None => verified.ignored += 1,
        }
    }
    for entry in received.entries() {
        // An inclusion proof covers the body, not the time; only a promise signs that, and Rekor v2 makes none.
        let signed = entry.inclusion_promise.is_some()
            && entry.kind_version != KindVersion::HashedRekordV002;
        if let Some(time) = entry.integrated_time.filter(|_| signed) {
            if time > now {
                return Err(Refusal::LogTimeAhead {
                    time: time.to_string(),
                });
            }
            verified.times.push(time);
        }
    }
    verified.times.sort();
    Ok(verified)
}

// `None`: it was made by nobody that the root names.
fn timestamp(
    token: &TimestampToken,
    received: &Received,
    roots: &Roots,
) -> Result<Option<Time>, Refusal> {
    let signature = signature_of(received.content());
    let signer = signer(token).ok_or(Refusal::TimestampMalformed)?;
    let made = |authority: &&TsaAuthority| is_by(authority, &signer);
    let mut refused = None;
    for authority in roots.timestamp_authorities().iter().filter(made) {
        refused = Some(
            match sigstore_tsa::verify_timestamp_for_authority(token, signature, authority) {
                Ok(time) => return Ok(Some(time)),
                Err(TsaError::HashMismatch { .. }) => Refusal::TimestampMismatch,
                Err(TsaError::Parse(_) | TsaError::Asn1(_) | TsaError::NoTstInfo) => {
                    Refusal::TimestampMalformed
                }
                Err(TsaError::TimestampOutsideValidity { time }) => Refusal::TimestampWindow {
                    time: time.to_string(),
                },
                Err(_) => Refusal::TimestampSignature,
            },
        );
    }
    refused.map_or(Ok(None), Err)
}

/// Whom a token names as its signer (RFC 5652 §5.3): a claim, by which the authority is found.
fn signer(token: &TimestampToken) -> Option<SignerIdentifier> {
    let content = content(token.as_bytes())?;
    let signed = SignedData::from_der(&content.content.to_der().ok()?).ok()?;
    signed.signer_infos.0.get(0).map(|info| info.sid.clone())
}

/// A token (CMS), alone or in the authority's response (RFC 3161 §2.4.2).
fn content(bytes: &[u8]) -> Option<ContentInfo> {
    let in_response = || {
        let mut reader = SliceReader::new(bytes).ok()?;
        let token = reader.sequence(|response| {
            let _status = response.tlv_bytes()?;
            ContentInfo::decode(response)
        });
        token.ok()
    };
    ContentInfo::from_der(bytes).ok().or_else(in_response)
}

fn is_by(authority: &TsaAuthority, signer: &SignerIdentifier) -> bool {
    let Ok(leaf) = Certificate::from_der(authority.leaf.as_bytes()) else {
        return false;
    };
    let leaf = leaf.tbs_certificate;
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            leaf.issuer == id.issuer && leaf.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            leaf.get()
                .is_ok_and(|found: Option<(bool, SubjectKeyIdentifier)>| {
                    found.is_some_and(|(_, found)| found == *id)
                })
        }
    }
}
