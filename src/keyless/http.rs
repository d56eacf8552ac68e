//! HTTP as far as signing needs it: one request, one bounded answer. TLS with the system's certificate authorities.

use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};

use super::error::{Error, Service};
use crate::statement::shortened;

/// No answer of these services is larger: 1 MiB.
const MAX_ANSWER: u64 = 1 << 20;
/// How long one request may take; Rekor v2 answers when its next batch is in.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Client(ureq::Agent);

/// What is sent, beside the body.
pub(super) struct Call<'a> {
    pub(super) service: Service,
    pub(super) url: &'a str,
    pub(super) authorization: Option<&'a str>,
}

impl Client {
    pub(super) fn new() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("git-docket/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Self(config.into())
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Vec<u8>, Error> {
        check(call.url)?;
        let mut request = self.0.get(call.url);
        if let Some(authorization) = call.authorization {
            request = request.header("Authorization", authorization);
        }
        answer(call, request.call())
    }

    pub(super) fn post(
        &self,
        call: &Call<'_>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Error> {
        check(call.url)?;
        let mut request = self.0.post(call.url).header("Content-Type", content_type);
        // Rekor v1 answers in YAML where nothing is said.
        if content_type == "application/json" {
            request = request.header("Accept", content_type);
        }
        if let Some(authorization) = call.authorization {
            request = request.header("Authorization", authorization);
        }
        answer(call, request.send(body))
    }
}

/// Joins a service's address and a path.
pub(super) fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

// What carries tokens is encrypted, or does not leave this machine.
fn check(url: &str) -> Result<(), Error> {
    let refused = || Error::Address {
        url: shortened(url),
    };
    let uri: ureq::http::Uri = url.parse().map_err(|_| refused())?;
    let local = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(()),
        (Some("http"), Some(host)) if local(host) => Ok(()),
        _ => Err(refused()),
    }
}

fn answer(
    call: &Call<'_>,
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>, Error> {
    // The query of a CI system's token address is the job's own business.
    let url = || shortened(call.url.split('?').next().unwrap_or_default());
    let unreachable = |error: ureq::Error| Error::Unreachable {
        service: call.service,
        url: url(),
        source: Box::new(error),
    };
    let mut response = response.map_err(unreachable)?;
    let status = response.status();
    let body = response
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER)
        .read_to_vec()
        .map_err(unreachable)?;
    if !status.is_success() {
        let said: String = String::from_utf8_lossy(&body)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        return Err(Error::Answered {
            service: call.service,
            url: url(),
            status: status.as_u16(),
            said: shortened(said.trim()),
        });
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_nowhere() {
        for good in [
            "https://fulcio.example",
            "http://127.0.0.1:5555/a",
            "http://localhost:1",
            "http://[::1]:80",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://fulcio.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@example.com/",
            "file:///etc/passwd",
            "",
            "/a",
            "ftp://localhost",
        ] {
            assert!(matches!(check(bad), Err(Error::Address { .. })), "{bad}");
        }
    }
}
