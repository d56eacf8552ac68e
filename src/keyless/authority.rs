//! Fulcio, and RFC 3161 timestamp authorities.

use serde_json::{Value, json};
use sigstore_types::DerCertificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::Token;
use super::error::{Error, Service};
use super::http::{Call, Client, join};
use crate::base64;
use crate::digest::Sha256;
use crate::signing::SigningKey;
use crate::statement::shortened;
use crate::timestamp::Timestamp;

/// How far two clocks may differ, in seconds.
const SKEW: i64 = 60;

/// A key and the certificate over it.
pub(super) struct Certified {
    pub(super) key: SigningKey,
    /// DER.
    pub(super) certificate: Vec<u8>,
    from: Timestamp,
    to: Timestamp,
}

impl Certified {
    /// Whether something signed now is signed within the certificate's time.
    pub(super) fn holds(&self, now: Timestamp) -> Result<(), Error> {
        match self.from.unix() - SKEW <= now.unix() && now <= self.to {
            true => Ok(()),
            false => Err(Error::CertificateTime {
                from: self.from,
                to: self.to,
                now,
            }),
        }
    }
}

/// Asks Fulcio for a certificate over a key (its API v2, with a public key and a proof that we hold its private half).
pub(super) fn certify(
    client: &Client,
    base: &str,
    token: &Token,
    key: SigningKey,
    now: Timestamp,
) -> Result<Certified, Error> {
    let url = join(base, "/api/v2/signingCert");
    let proof = key.sign(token.subject()?.as_bytes())?;
    let request = json!({
        "credentials": {"oidcIdentityToken": token.text()},
        "publicKeyRequest": {
            "publicKey": {"algorithm": "ECDSA", "content": key.public().to_pem()},
            "proofOfPossession": base64::encode(&proof),
        },
    });
    let request = zeroize::Zeroizing::new(request.to_string());
    let call = Call {
        service: Service::Authority,
        url: &url,
        authorization: None,
    };
    let answer = client.post(&call, "application/json", request.as_bytes())?;
    let missing = || Error::Answer {
        service: Service::Authority,
        url: shortened(&url),
        what: "a certificate",
    };
    let answer: Value = serde_json::from_slice(&answer).map_err(|_| missing())?;
    let leaf = [
        "signedCertificateEmbeddedSct",
        "signedCertificateDetachedSct",
    ]
    .iter()
    .find_map(|kind| answer.get(kind)?.pointer("/chain/certificates/0")?.as_str());
    let leaf = DerCertificate::from_pem(leaf.ok_or_else(missing)?).map_err(|_| missing())?;
    let certificate = leaf.as_bytes().to_vec();
    let read = x509_cert::Certificate::from_der(&certificate).map_err(|_| missing())?;
    let body = read.tbs_certificate;
    let spki = body
        .subject_public_key_info
        .to_der()
        .map_err(|_| missing())?;
    if spki != key.public().to_spki_der() {
        return Err(Error::OtherKey);
    }
    let time = |time: x509_cert::time::Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| missing())?;
        Timestamp::from_unix(seconds).map_err(|_| missing())
    };
    let certified = Certified {
        key,
        certificate,
        from: time(body.validity.not_before)?,
        to: time(body.validity.not_after)?,
    };
    certified.holds(now)?;
    Ok(certified)
}

/// Asks for a timestamp over a signature: the whole answer (`TimeStampResp`), as bundles carry it.
pub(super) fn timestamp(
    client: &Client,
    url: &str,
    signature: &[u8],
    nonce: &[u8; 8],
) -> Result<Vec<u8>, Error> {
    let (request, nonce) = request(signature, nonce);
    let call = Call {
        service: Service::Timestamps,
        url,
        authorization: None,
    };
    let answer = client.post(&call, "application/timestamp-query", &request)?;
    // Whether it is a timestamp, and of whom, is judged with the bundle; an old one would pass there.
    match answer.windows(nonce.len()).any(|window| window == nonce) {
        true => Ok(answer),
        false => Err(Error::Answer {
            service: Service::Timestamps,
            url: shortened(url),
            what: "a timestamp of this request",
        }),
    }
}

/// A `TimeStampReq` (RFC 3161 §2.4.1) over SHA-256, with a nonce, asking for the certificate; and the nonce's DER.
fn request(signature: &[u8], nonce: &[u8; 8]) -> (Vec<u8>, [u8; 10]) {
    /// SEQUENCE { INTEGER 1, SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING of 32 …
    const HEAD: [u8; 24] = [
        0x30, 67, 2, 1, 1, 0x30, 49, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0,
        4, 32,
    ];
    const CERTIFICATE_WANTED: [u8; 3] = [1, 1, 0xff];
    let mut integer = [2, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    integer[2..].copy_from_slice(nonce);
    // Positive, and in no fewer than eight bytes.
    integer[2] = integer[2] & 0x3f | 0x40;
    let digest = Sha256::of(signature);
    let request = [&HEAD[..], digest.as_bytes(), &integer, &CERTIFICATE_WANTED].concat();
    (request, integer)
}
