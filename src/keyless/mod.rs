//! Keyless signing: a key that lives for one signature or a few, a certificate that says who held it, and proof of when.
//!
//! The only module that speaks to Sigstore's services, and only where signing keyless was asked for. In order:
//!
//! 1. an identity token is found ([`TokenSource`]), and its times and audience are looked at, so that what the
//!    authority would refuse is said in our words first;
//! 2. an ECDSA P-256 key is made, and Fulcio certifies it (`POST /api/v2/signingCert`); the certificate must be over
//!    that key and hold now. One certificate serves everything that one [`Session`] signs;
//! 3. the statement's PAE is signed; each timestamp authority stamps the signature (RFC 3161); each log takes it (Rekor
//!    v1: kind `dsse` 0.0.1; Rekor v2: kind `hashedrekord` 0.0.2 over the PAE's SHA-256);
//! 4. a bundle v0.3 is made of it, and judged by [`crate::sigstore`] against the trusted root, as any reader will. What
//!    does not hold is never returned.
//!
//! Tokens go over TLS, or to this machine itself; they are in no error and no record. Answers are bounded, redirects are
//! not followed.

mod authority;
mod error;
mod http;
mod log;
mod services;
mod token;

use std::cell::OnceCell;

use serde_json::json;
use zeroize::Zeroizing;

use self::authority::Certified;
pub use self::error::Error;
use self::http::Client;
pub use self::services::{LogVersion, Services};
pub use self::token::{Token, TokenSource};
use crate::attestation::Attestation;
use crate::base64;
use crate::envelope::pae;
use crate::signing::{Curve, SigningKey};
use crate::sigstore::{self, Artifact, Expected, Matcher, Roots, Signer};
use crate::statement::{PAYLOAD_TYPE, Statement};
use crate::timestamp::Timestamp;

/// What a session may use of the world.
pub struct Surroundings<'a> {
    /// Reads the time.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// Fills a buffer with random bytes.
    pub random: &'a dyn Fn(&mut [u8]) -> std::io::Result<()>,
    /// Looks a variable up.
    pub variable: &'a dyn Fn(&str) -> Option<std::ffi::OsString>,
}

/// Signs for one identity, with one certificate, which is asked for when the first statement is signed.
pub struct Session<'a> {
    surroundings: Surroundings<'a>,
    source: TokenSource,
    audience: String,
    services: Services,
    roots: Roots,
    client: Client,
    certified: OnceCell<Certified>,
}

impl<'a> Session<'a> {
    /// Looks for a token and reads it, so that a step without one does not start; nothing is signed or certified yet.
    ///
    /// # Errors
    /// No token, one that does not hold now or is for others, or services that cannot be used.
    pub fn open(
        surroundings: Surroundings<'a>,
        source: TokenSource,
        audience: String,
        services: Services,
        roots: Roots,
    ) -> Result<Self, Error> {
        let session = Self {
            surroundings,
            source,
            audience,
            services,
            roots,
            client: Client::new(),
            certified: OnceCell::new(),
        };
        session.token()?;
        Ok(session)
    }

    /// Signs a statement; what is returned has been verified.
    ///
    /// # Errors
    /// Where a service cannot be reached, refuses, or gives what does not hold.
    pub fn sign(&self, statement: &Statement) -> Result<Attestation, Error> {
        let certified = self.certified()?;
        let payload = statement.to_bytes()?;
        let pae = pae(PAYLOAD_TYPE, &payload);
        let signature = certified.key.sign(&pae)?;
        let envelope = json!({
            "payload": base64::encode(&payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64::encode(&signature)}],
        });
        let mut timestamps = Vec::new();
        for url in &self.services.timestamps {
            let stamp = authority::timestamp(&self.client, url, &signature, &self.nonce()?)?;
            timestamps.push(json!({"signedTimestamp": base64::encode(&stamp)}));
        }
        let mut entries = Vec::new();
        for (url, version) in &self.services.logs {
            let certificate = &certified.certificate;
            entries.push(match version {
                LogVersion::V1 => log::dsse(&self.client, url, &envelope, certificate)?,
                LogVersion::V2 => log::hashed(&self.client, url, &pae, &signature, certificate)?,
            });
        }
        let bundle = json!({
            "mediaType": crate::envelope::MEDIA_TYPE,
            "verificationMaterial": {
                "certificate": {"rawBytes": base64::encode(&certified.certificate)},
                "tlogEntries": entries,
                "timestampVerificationData": {"rfc3161Timestamps": timestamps},
            },
            "dsseEnvelope": envelope,
        });
        let bytes = bundle.to_string().into_bytes();
        self.check(&bytes, statement)?;
        Ok(Attestation::parse(bytes)?)
    }

    fn certified(&self) -> Result<&Certified, Error> {
        let now = (self.surroundings.clock)();
        if let Some(certified) = self.certified.get() {
            certified.holds(now)?;
            return Ok(certified);
        }
        let token = self.token()?;
        let certified = authority::certify(
            &self.client,
            &self.services.authority,
            &token,
            self.fresh_key()?,
            now,
        )?;
        Ok(self.certified.get_or_init(|| certified))
    }

    fn token(&self) -> Result<Token, Error> {
        let token = self.source.token(&self.client, &self.audience, &|name| {
            (self.surroundings.variable)(name)?.into_string().ok()
        })?;
        token.check(&self.audience, (self.surroundings.clock)())?;
        Ok(token)
    }

    // A number past the curve's order is drawn again: one in 2^32 is.
    fn fresh_key(&self) -> Result<SigningKey, Error> {
        loop {
            let mut scalar = Zeroizing::new([0; 32]);
            (self.surroundings.random)(&mut *scalar).map_err(Error::Random)?;
            if let Ok(key) = SigningKey::from_scalar(Curve::P256, &*scalar) {
                return Ok(key);
            }
            if *scalar == [0; 32] {
                return Err(Error::Random(std::io::ErrorKind::InvalidData.into()));
            }
        }
    }

    fn nonce(&self) -> Result<[u8; 8], Error> {
        let mut nonce = [0; 8];
        (self.surroundings.random)(&mut nonce).map_err(Error::Random)?;
        Ok(nonce)
    }

    // Whoever it names is who the authority says; that it names somebody, and everything else, must hold.
    fn check(&self, bundle: &[u8], statement: &Statement) -> Result<(), Error> {
        let anyone = || Matcher::pattern(".*").expect("it is a pattern");
        let signer = Signer::Identity(Expected {
            identity: anyone(),
            issuer: anyone(),
        });
        let subject = statement.subjects().first().ok_or(Error::NoSubject)?;
        let (algorithm, hex) = subject.digest.iter().next().ok_or(Error::NoSubject)?;
        let artifact =
            Artifact::of_digest(&format!("{algorithm}:{hex}")).map_err(|_| Error::NoSubject)?;
        let now = (self.surroundings.clock)();
        sigstore::verify(bundle, &artifact, &signer, &self.roots, now)
            .map(drop)
            .map_err(Error::Refused)
    }
}
