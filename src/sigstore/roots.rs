//! The trusted root, read once: authorities, logs and their keys, each with the time it was in use.

use rustls_pki_types::{CertificateDer, TrustAnchor};
use sigstore_crypto::VerificationKey;
use sigstore_trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_types::{DerPublicKey, TimeRange, TsaAuthority};

use super::memo::Memo;
use crate::canonical;
use crate::finding::chain;

/// What a reader of bundles trusts.
pub struct Roots {
    logs: Vec<Log>,
    certificate_logs: Vec<CertificateLog>,
    authorities: Vec<(TrustAnchor<'static>, Option<TimeRange>)>,
    intermediates: Vec<CertificateDer<'static>>,
    timestamp_authorities: Vec<TsaAuthority>,
    memo: Memo,
}

/// A transparency log.
pub(super) struct Log {
    pub(super) id: Vec<u8>,
    pub(super) key: VerificationKey,
    pub(super) in_use: Option<TimeRange>,
}

/// A certificate log. Its key is made into a verifying key when a timestamp says by which scheme.
pub(super) struct CertificateLog {
    pub(super) id: Vec<u8>,
    pub(super) key: DerPublicKey,
    pub(super) in_use: Option<TimeRange>,
}

/// Trusted roots that come with the program. Their dates and how to have newer ones: `git docket help
/// verify-bundle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WellKnown {
    /// The public-good instance of the Sigstore project.
    PublicGood,
    /// GitHub's instance for artifact attestations.
    GitHub,
}

/// Why a trusted root cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// No trusted root in JSON.
    #[error("no trusted root: {reason}")]
    Malformed {
        /// What the reader said.
        reason: String,
    },
    /// Of another kind or version.
    #[error("mediaType {found:?} is not that of a trusted root of version 0.1 or 0.2")]
    MediaType {
        /// What it says.
        found: String,
    },
    /// A certificate that is none.
    #[error("certificate {at} of authority {authority:?} cannot be read")]
    Certificate {
        /// The authority's address.
        authority: String,
        /// Its place in the chain, from 0.
        at: usize,
    },
    /// A time that ends before it begins.
    #[error("the time of {of:?} ends before it begins")]
    Window {
        /// Whose.
        of: String,
    },
    /// Nobody in it could vouch for anything.
    #[error("the trusted root names no certificate authority and no log")]
    Nobody,
}

impl Roots {
    /// Reads a `trusted_root.json` of the Sigstore project's protobuf form.
    ///
    /// Keys of kinds that are not verified are passed over: what they signed is of an unknown log then.
    pub fn parse(json: &[u8]) -> Result<Self, RootsError> {
        canonical::check_strict(json).map_err(|error| RootsError::Malformed {
            reason: chain(&error),
        })?;
        let root: TrustedRoot =
            serde_json::from_slice(json).map_err(|error| RootsError::Malformed {
                reason: chain(&error),
            })?;
        Self::from_root(&root)
    }

    /// One that comes with the program.
    pub fn well_known(which: WellKnown) -> Result<Self, RootsError> {
        let instance = match which {
            WellKnown::PublicGood => SigstoreInstance::PublicGood,
            WellKnown::GitHub => SigstoreInstance::GitHub,
        };
        Self::parse(instance.embedded_trusted_root_json().as_bytes())
    }

    /// The documents of those that come with the program.
    pub fn documents() -> [&'static [u8]; 2] {
        let of = |which: SigstoreInstance| which.embedded_trusted_root_json().as_bytes();
        [
            of(SigstoreInstance::PublicGood),
            of(SigstoreInstance::GitHub),
        ]
    }

    fn from_root(root: &TrustedRoot) -> Result<Self, RootsError> {
        const KNOWN: [&str; 3] = [
            "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
            "application/vnd.dev.sigstore.trustedroot.v0.2+json",
        ];
        if !KNOWN.contains(&root.media_type.as_str()) {
            return Err(RootsError::MediaType {
                found: crate::statement::shortened(&root.media_type),
            });
        }
        let mut logs = Vec::new();
        for log in &root.tlogs {
            window(&log.base_url, log.public_key.valid_for)?;
            if let Ok(key) = VerificationKey::from_spki(&log.public_key.raw_bytes) {
                logs.push(Log {
                    id: log.log_id.key_id.as_bytes().to_vec(),
                    key,
                    in_use: log.public_key.valid_for,
                });
            }
        }
        let mut certificate_logs = Vec::new();
        for log in &root.ctlogs {
            window(&log.base_url, log.public_key.valid_for)?;
            certificate_logs.push(CertificateLog {
                id: log.log_id.key_id.as_bytes().to_vec(),
                key: log.public_key.raw_bytes.clone(),
                in_use: log.public_key.valid_for,
            });
        }
        let (mut authorities, mut intermediates) = (Vec::new(), Vec::new());
        for authority in &root.certificate_authorities {
            window(&authority.uri, authority.valid_for)?;
            let chain = &authority.cert_chain.certificates;
            for (at, certificate) in chain.iter().enumerate() {
                let der = CertificateDer::from(certificate.raw_bytes.as_bytes().to_vec());
                // The last of a chain is its anchor; what stands before leads to it.
                if at + 1 < chain.len() {
                    intermediates.push(der);
                    continue;
                }
                let anchor = webpki::anchor_from_trusted_cert(&der).map_err(|_| {
                    RootsError::Certificate {
                        authority: authority.uri.clone(),
                        at,
                    }
                })?;
                authorities.push((anchor.to_owned(), authority.valid_for));
            }
        }
        let mut timestamp_authorities = Vec::new();
        for authority in &root.timestamp_authorities {
            window(
                authority.uri.as_deref().unwrap_or("a timestamp authority"),
                authority.valid_for,
            )?;
            let (leaf, between, anchor) = match authority.cert_chain.certificates.as_slice() {
                [] => continue,
                [only] => (only, &[][..], only),
                [leaf, between @ .., anchor] => (leaf, between, anchor),
            };
            timestamp_authorities.push(TsaAuthority::new(
                leaf.raw_bytes.clone(),
                between
                    .iter()
                    .map(|certificate| certificate.raw_bytes.clone())
                    .collect(),
                anchor.raw_bytes.clone(),
                authority.valid_for,
            ));
        }
        if logs.is_empty() && authorities.is_empty() {
            return Err(RootsError::Nobody);
        }
        Ok(Self {
            logs,
            certificate_logs,
            authorities,
            intermediates,
            timestamp_authorities,
            memo: Memo::default(),
        })
    }

    pub(super) fn has_logs(&self) -> bool {
        !self.logs.is_empty()
    }

    pub(super) fn has_certificate_logs(&self) -> bool {
        !self.certificate_logs.is_empty()
    }

    pub(super) fn logs(&self) -> &[Log] {
        &self.logs
    }

    pub(super) fn certificate_logs(&self) -> &[CertificateLog] {
        &self.certificate_logs
    }

    pub(super) fn timestamp_authorities(&self) -> &[TsaAuthority] {
        &self.timestamp_authorities
    }

    pub(super) fn intermediates(&self) -> &[CertificateDer<'static>] {
        &self.intermediates
    }

    /// The anchors in use at a time, by number.
    pub(super) fn anchors_at(&self, time: jiff::Timestamp) -> Vec<usize> {
        let all = self.authorities.iter().enumerate();
        let at_work = all.filter(|(_, (_, in_use))| contains(*in_use, time));
        at_work.map(|(number, _)| number).collect()
    }

    /// The anchors of these numbers.
    pub(super) fn anchors(&self, numbers: &[usize]) -> Vec<TrustAnchor<'static>> {
        let anchors = numbers.iter().filter_map(|at| self.authorities.get(*at));
        anchors.map(|(anchor, _)| anchor.clone()).collect()
    }

    /// What was verified before.
    pub(super) fn memo(&self) -> &Memo {
        &self.memo
    }
}

/// Whether a time lies in a window; none is for ever.
pub(super) fn contains(window: Option<TimeRange>, time: jiff::Timestamp) -> bool {
    window.is_none_or(|window| window.contains(time))
}

fn window(of: &str, window: Option<TimeRange>) -> Result<(), RootsError> {
    match window {
        Some(TimeRange {
            start,
            end: Some(end),
        }) if end < start => Err(RootsError::Window { of: of.to_owned() }),
        _ => Ok(()),
    }
}
