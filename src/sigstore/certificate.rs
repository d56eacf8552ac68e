//! The signer's certificate: its names, its chain, its signed certificate timestamp.

use jiff::Timestamp as Time;
use rustls_pki_types::{CertificateDer, UnixTime};
use sigstore_crypto::{CertificateInfo, SigningScheme, VerificationKey, WEBPKI_VERIFICATION_ALGS};
use sigstore_types::{DerCertificate, DerPublicKey, SignatureBytes};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Any, Decode, Encode, Tag};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Refusal;
use super::memo::Path;
use super::received::Received;
use super::roots::{Roots, contains};
use super::signer::Expected;
use crate::digest::Sha256;
use crate::statement::shortened;

/// `id-kp-codeSigning` (RFC 5280 §4.2.1.12).
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
/// Embedded signed certificate timestamps (RFC 6962 §3.3).
const SCT_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// Fulcio's otherName for identities that are neither address nor URI.
const FULCIO_USERNAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");

/// A certificate, read.
pub(super) struct Certificate {
    info: CertificateInfo,
    parsed: x509_cert::Certificate,
    names: Names,
}

/// What a certificate says of its holder. A claim of the authority's; whether it is the expected one is judged
/// apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Subject alternative names: addresses, URIs, DNS names and Fulcio's user names, in the certificate's order.
    pub identities: Vec<String>,
    /// Who vouched for them: the OIDC issuer (Fulcio's extensions 1.3.6.1.4.1.57264.1.8 and .1.1).
    pub issuer: Option<String>,
    /// The token's subject (1.3.6.1.4.1.57264.1.24).
    pub subject: Option<String>,
    /// The source repository, where a CI system signed (1.3.6.1.4.1.57264.1.12).
    pub source_repository: Option<String>,
    /// The source commit (1.3.6.1.4.1.57264.1.13).
    pub source_commit: Option<String>,
    /// The source ref (1.3.6.1.4.1.57264.1.14).
    pub source_ref: Option<String>,
}

pub(super) fn read(der: &DerCertificate) -> Result<Certificate, Refusal> {
    let malformed = || Refusal::CertificateMalformed;
    let parsed = x509_cert::Certificate::from_der(der.as_bytes()).map_err(|_| malformed())?;
    let info = sigstore_crypto::parse_certificate_info(der).map_err(|error| match error {
        sigstore_crypto::Error::UnsupportedAlgorithm(_) => Refusal::KeyUnsupported,
        _ => malformed(),
    })?;
    let san: Option<(bool, SubjectAltName)> =
        parsed.tbs_certificate.get().map_err(|_| malformed())?;
    let names = san.iter().flat_map(|(_, san)| &san.0);
    let identities = names.filter_map(name).collect();
    let names = Names {
        identities,
        issuer: info.issuer.clone(),
        subject: info.ci_claims.token_subject.clone(),
        source_repository: info.ci_claims.source_repository_uri.clone(),
        source_commit: info.ci_claims.source_repository_digest.clone(),
        source_ref: info.ci_claims.source_repository_ref.clone(),
    };
    Ok(Certificate {
        info,
        parsed,
        names,
    })
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(text)
        | GeneralName::UniformResourceIdentifier(text)
        | GeneralName::DnsName(text) => Some(text.to_string()),
        GeneralName::OtherName(other) if other.type_id == FULCIO_USERNAME => {
            String::from_utf8(other.value.value().to_vec()).ok()
        }
        _ => None,
    }
}

impl Certificate {
    pub(super) fn public_key(&self) -> &DerPublicKey {
        &self.info.public_key
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }
}

impl Names {
    /// Whether one of the identities, and the issuer, are the expected ones.
    pub(super) fn meet(&self, expected: &Expected) -> Result<(), Refusal> {
        let found = |names: &[String]| match names {
            [] => "nobody".to_owned(),
            names => names
                .iter()
                .map(|name| format!("{:?}", shortened(name)))
                .collect::<Vec<_>>()
                .join(", "),
        };
        if !self
            .identities
            .iter()
            .any(|name| expected.identity.matches(name))
        {
            return Err(Refusal::IdentityMismatch {
                expected: expected.identity.to_string(),
                found: found(&self.identities),
            });
        }
        match self
            .issuer
            .as_ref()
            .is_some_and(|issuer| expected.issuer.matches(issuer))
        {
            true => Ok(()),
            false => Err(Refusal::IssuerMismatch {
                expected: expected.issuer.to_string(),
                found: found(self.issuer.as_slice()),
            }),
        }
    }
}

/// Holds the certificate at every verified time: a chain to the root's authority, and the embedded timestamp where the
/// root names certificate logs.
pub(super) fn holds(
    received: &Received,
    certificate: &Certificate,
    roots: &Roots,
    times: &[Time],
) -> Result<(), Refusal> {
    if times.is_empty() {
        return Err(Refusal::NoVerifiedTime);
    }
    let der = received.certificate().ok_or(Refusal::ChainEmpty)?;
    let mut chained = Vec::new();
    for time in times {
        chained = chain(received, der, certificate, roots, *time)?;
    }
    match roots.has_certificate_logs() {
        true => roots
            .memo()
            .certificate_timestamp([der.as_bytes(), &chained], || {
                timestamp(&certificate.parsed, &chained, roots)
            }),
        false => Ok(()),
    }
}

/// Builds a chain that holds at a time, and gives the issuer's key (DER SubjectPublicKeyInfo). It has to hold at
/// each: one back-dated time among several would otherwise vouch for a key that had expired.
fn chain(
    received: &Received,
    der: &DerCertificate,
    certificate: &Certificate,
    roots: &Roots,
    time: Time,
) -> Result<Vec<u8>, Refusal> {
    let (from, until) = (certificate.info.not_before, certificate.info.not_after);
    if time < from {
        return Err(Refusal::CertificateNotYetValid {
            time: time.to_string(),
            from: from.to_string(),
        });
    }
    if time > until {
        return Err(Refusal::CertificateExpired {
            time: time.to_string(),
            until: until.to_string(),
        });
    }
    let numbers = roots.anchors_at(time);
    if numbers.is_empty() {
        return Err(Refusal::AuthorityWindow);
    }
    let sent: Vec<&[u8]> = received
        .intermediates()
        .map(DerCertificate::as_bytes)
        .collect();
    let path = Path::key(der.as_bytes(), &sent, &numbers);
    if let Some(issuer) = roots.memo().path(&path, time) {
        return Ok(issuer);
    }
    let der = CertificateDer::from(der.as_bytes());
    let leaf = EndEntityCert::try_from(&der).map_err(|_| Refusal::CertificateMalformed)?;
    let mut between = roots.intermediates().to_vec();
    between.extend(sent.iter().map(|der| CertificateDer::from(der.to_vec())));
    let anchors = roots.anchors(&numbers);
    let seconds = u64::try_from(time.as_second()).map_err(|_| Refusal::CertificateMalformed)?;
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let usage = KeyUsage::required(CODE_SIGNING.as_bytes());
    let found = leaf
        .verify_for_usage(
            WEBPKI_VERIFICATION_ALGS,
            &anchors,
            &between,
            at,
            usage,
            None,
            None,
        )
        .map_err(|error| match error {
            webpki::Error::RequiredEkuNotFoundContext(_) => Refusal::CertificateUsage,
            error => Refusal::CertificateChain {
                reason: error.to_string(),
            },
        })?;
    let mut certificates = found.intermediate_certificates();
    let issuer = match certificates.next() {
        Some(issuer) => issuer.subject_public_key_info().as_ref().to_vec(),
        // An anchor's key comes without its frame.
        None => Any::new(
            Tag::Sequence,
            found.anchor().subject_public_key_info.as_ref(),
        )
        .and_then(|key| key.to_der())
        .map_err(|_| Refusal::CertificateMalformed)?,
    };
    let mut holds = (from, until);
    for between in found.intermediate_certificates() {
        let validity = x509_cert::Certificate::from_der(&between.der())
            .map_err(|_| Refusal::CertificateMalformed)?
            .tbs_certificate
            .validity;
        let time = |time: x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs());
            seconds.ok().and_then(|at| Time::from_second(at).ok())
        };
        let (from, until) = time(validity.not_before)
            .zip(time(validity.not_after))
            .ok_or(Refusal::CertificateMalformed)?;
        holds = (holds.0.max(from), holds.1.min(until));
    }
    roots.memo().found(path, Path::new(holds, issuer.clone()));
    Ok(issuer)
}

/// Holds the embedded signed certificate timestamp against a certificate log of the root: one that holds is
/// enough (RFC 6962 §3.2).
fn timestamp(
    certificate: &x509_cert::Certificate,
    issuer: &[u8],
    roots: &Roots,
) -> Result<(), Refusal> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let list = extensions
        .iter()
        .find(|extension| extension.extn_id == SCT_LIST)
        .ok_or(Refusal::SctMissing)?;
    let stamps = Sct::list(list.extn_value.as_bytes()).ok_or(Refusal::SctMalformed)?;
    let mut before = certificate.tbs_certificate.clone();
    before.extensions = Some(
        extensions
            .iter()
            .filter(|extension| extension.extn_id != SCT_LIST)
            .cloned()
            .collect(),
    );
    let before = before.to_der().map_err(|_| Refusal::CertificateMalformed)?;
    let mut refused = Refusal::SctMissing;
    for stamp in stamps {
        match stamp.verify(&before, issuer, roots) {
            Ok(()) => return Ok(()),
            Err(why) => refused = why,
        }
    }
    Err(refused)
}

/// A SignedCertificateTimestamp of version 1 (RFC 6962 §3.2).
struct Sct {
    log: Vec<u8>,
    milliseconds: u64,
    extensions: Vec<u8>,
    scheme: Option<SigningScheme>,
    signature: Vec<u8>,
}

impl Sct {
    /// The list in a certificate's extension: an OCTET STRING around TLS vectors. `None` where it is malformed
    /// or empty; timestamps of other versions are passed over.
    fn list(der: &[u8]) -> Option<Vec<Self>> {
        let list = x509_cert::der::asn1::OctetString::from_der(der).ok()?;
        let mut all = Bytes(list.as_bytes());
        let mut entries = Bytes(all.vector()?);
        if !all.0.is_empty() || entries.0.is_empty() {
            return None;
        }
        let mut stamps = Vec::new();
        while !entries.0.is_empty() {
            let mut one = Bytes(entries.vector()?);
            if one.take(1)? != [0] {
                continue;
            }
            let stamp = Self {
                log: one.take(32)?.to_vec(),
                milliseconds: u64::from_be_bytes(one.take(8)?.try_into().ok()?),
                extensions: one.vector()?.to_vec(),
                // RFC 5246 §7.4.1.4.1: hash, then signature.
                scheme: match one.take(2)? {
                    [4, 3] => Some(SigningScheme::EcdsaP256Sha256),
                    [5, 3] => Some(SigningScheme::EcdsaP384Sha384),
                    [4, 1] => Some(SigningScheme::RsaPkcs1Sha256),
                    [5, 1] => Some(SigningScheme::RsaPkcs1Sha384),
                    [6, 1] => Some(SigningScheme::RsaPkcs1Sha512),
                    _ => None,
                },
                signature: one.vector()?.to_vec(),
            };
            if !one.0.is_empty() {
                return None;
            }
            stamps.push(stamp);
        }
        Some(stamps)
    }

    fn verify(&self, certificate: &[u8], issuer: &[u8], roots: &Roots) -> Result<(), Refusal> {
        let milliseconds = i64::try_from(self.milliseconds).map_err(|_| Refusal::SctMalformed)?;
        let time = Time::from_millisecond(milliseconds).map_err(|_| Refusal::SctMalformed)?;
        let mut logs = roots.certificate_logs().iter();
        let log = logs
            .find(|log| log.id == self.log && contains(log.in_use, time))
            .ok_or(Refusal::SctUnknownLog)?;
        let scheme = self.scheme.ok_or(Refusal::SctMalformed)?;
        let key = VerificationKey::from_der(&log.key, scheme).map_err(|_| Refusal::SctSignature)?;
        let signed = self
            .signed(certificate, issuer)
            .ok_or(Refusal::SctMalformed)?;
        key.verify(&signed, &SignatureBytes::new(self.signature.clone()))
            .map_err(|_| Refusal::SctSignature)
    }

    /// What the log signed: the certificate without its timestamps, and its issuer's key.
    fn signed(&self, certificate: &[u8], issuer: &[u8]) -> Option<Vec<u8>> {
        const V1: u8 = 0;
        const CERTIFICATE_TIMESTAMP: u8 = 0;
        const PRECERT_ENTRY: [u8; 2] = [0, 1];
        let length = u32::try_from(certificate.len()).ok()?.to_be_bytes();
        if length[0] != 0 {
            return None;
        }
        let mut signed = vec![V1, CERTIFICATE_TIMESTAMP];
        signed.extend(self.milliseconds.to_be_bytes());
        signed.extend(PRECERT_ENTRY);
        signed.extend(Sha256::of(issuer).as_bytes());
        signed.extend(&length[1..]);
        signed.extend(certificate);
        signed.extend(u16::try_from(self.extensions.len()).ok()?.to_be_bytes());
        signed.extend(&self.extensions);
        Some(signed)
    }
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A TLS vector with a length of two bytes.
    fn vector(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(length))
    }
}
