//! Identity tokens: where they come from, and what they say. They are never verified here: the authority does that.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::{Error, Service};
use super::http::{Call, Client};
use crate::statement::shortened;
use crate::timestamp::Timestamp;

/// No token is larger: 64 KiB.
const MAX_TOKEN: u64 = 64 << 10;
/// How far two clocks may differ, in seconds.
const SKEW: i64 = 60;

/// Where the token comes from.
#[derive(Clone)]
pub enum TokenSource {
    /// It was given.
    Given(Zeroizing<String>),
    /// A file holds it.
    File(PathBuf),
    /// The job has it, or may ask for it: `SIGSTORE_ID_TOKEN`, else GitHub Actions, else Buildkite.
    Ambient,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given"),
            Self::File(path) => write!(f, "File({path:?})"),
            Self::Ambient => f.write_str("Ambient"),
        }
    }
}

/// A token, and what it claims. It has no text form.
pub struct Token {
    text: Zeroizing<String>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: Audience,
    sub: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: Verified,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

// Some issuers write it as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Verified {
    Flag(bool),
    Text(String),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Default for Verified {
    fn default() -> Self {
        Self::Flag(false)
    }
}

impl TokenSource {
    pub(super) fn token(
        &self,
        client: &Client,
        audience: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Token, Error> {
        let text = match self {
            Self::Given(text) => text.clone(),
            Self::File(path) => read(path).map_err(|source| Error::TokenFile {
                path: path.clone(),
                source,
            })?,
            Self::Ambient => ambient(client, audience, variable)?,
        };
        Token::read(text)
    }
}

impl Token {
    /// Reads a token's claims.
    ///
    /// # Errors
    /// What is no JSON web token.
    pub fn read(text: Zeroizing<String>) -> Result<Self, Error> {
        let text = Zeroizing::new(text.trim().to_owned());
        let mut parts = text.split('.');
        let (Some(_), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::TokenMalformed);
        };
        let claims = BASE64URL_NOPAD
            .decode(claims.as_bytes())
            .map_err(|_| Error::TokenMalformed)?;
        let claims = serde_json::from_slice(&claims).map_err(|_| Error::TokenMalformed)?;
        Ok(Self { text, claims })
    }

    /// Whether it holds now, and is for this audience.
    ///
    /// # Errors
    /// Where it does not, or is not.
    pub fn check(&self, audience: &str, now: Timestamp) -> Result<(), Error> {
        let time = |claim: Option<f64>| {
            claim
                .map(|seconds| Timestamp::from_unix(seconds as i64))
                .transpose()
                .map_err(|_| Error::TokenMalformed)
        };
        if let Some(expired) = time(self.claims.exp)?.filter(|at| *at <= now) {
            return Err(Error::TokenExpired { expired, now });
        }
        let from = time(self.claims.nbf)?.max(time(self.claims.iat)?);
        if let Some(from) = from.filter(|at| at.unix() > now.unix() + SKEW) {
            return Err(Error::TokenEarly { from, now });
        }
        let found = match &self.claims.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several,
        };
        match found.iter().any(|one| one == audience) {
            true => self.subject().map(drop),
            false => Err(Error::Audience {
                found: shortened(&found.join(", ")),
                wanted: audience.to_owned(),
            }),
        }
    }

    /// What Fulcio wants signed in proof of the key: the verified address, else the subject.
    pub(super) fn subject(&self) -> Result<&str, Error> {
        let verified = match &self.claims.email_verified {
            Verified::Flag(flag) => *flag,
            Verified::Text(text) => text == "true",
        };
        let name = match &self.claims.email {
            Some(email) if verified => Some(email),
            Some(_) => None,
            None => self.claims.sub.as_ref(),
        };
        let name = name.filter(|name| !name.is_empty());
        name.map(String::as_str).ok_or(Error::TokenNobody)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn read(path: &PathBuf) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?
        .take(MAX_TOKEN)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn ambient(
    client: &Client,
    audience: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Zeroizing<String>, Error> {
    if let Some(token) = variable("SIGSTORE_ID_TOKEN") {
        return Ok(Zeroizing::new(token));
    }
    let call = |url, authorization| Call {
        service: Service::Tokens,
        url,
        authorization: Some(authorization),
    };
    if let (Some(url), Some(secret)) = (
        variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
        variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
    ) {
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}audience={}", encoded(audience));
        let secret = Zeroizing::new(format!("Bearer {secret}"));
        let answer = client.get(&call(&url, &secret))?;
        return field(&answer, "value", &url);
    }
    if let (Some(endpoint), Some(job), Some(secret)) = (
        variable("BUILDKITE_AGENT_ENDPOINT"),
        variable("BUILDKITE_JOB_ID"),
        variable("BUILDKITE_AGENT_ACCESS_TOKEN"),
    ) {
        let path = format!("/jobs/{}/oidc/tokens", encoded(&job));
        let url = super::http::join(&endpoint, &path);
        let secret = Zeroizing::new(format!("Token {secret}"));
        let body = serde_json::json!({"audience": audience}).to_string();
        let answer = client.post(&call(&url, &secret), "application/json", body.as_bytes())?;
        return field(&answer, "token", &url);
    }
    Err(Error::NoToken)
}

fn field(answer: &[u8], name: &'static str, url: &str) -> Result<Zeroizing<String>, Error> {
    let answer: Option<serde_json::Value> = serde_json::from_slice(answer).ok();
    let token = answer.and_then(|answer| Some(answer.get(name)?.as_str()?.to_owned()));
    token.map(Zeroizing::new).ok_or_else(|| Error::Answer {
        service: Service::Tokens,
        url: shortened(url.split('?').next().unwrap_or_default()),
        what: "a token",
    })
}

// RFC 3986: what is not unreserved is written as %XX.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Result<Token, Error> {
        let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
        Token::read(Zeroizing::new(format!("e30.{claims}.c2ln\n")))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).unwrap()
    }

    #[test]
    fn a_token_holds_in_its_time_for_its_audience() {
        let good = token(r#"{"aud":["x","sigstore"],"sub":"ci","iat":1000,"exp":1600}"#).unwrap();
        assert!(good.check("sigstore", at(1000)).is_ok());
        assert!(good.check("sigstore", at(1599)).is_ok());
        assert!(good.check("sigstore", at(940)).is_ok());
        let expired = good.check("sigstore", at(1600));
        assert!(matches!(expired, Err(Error::TokenExpired { .. })));
        let early = good.check("sigstore", at(939));
        assert!(matches!(early, Err(Error::TokenEarly { .. })));
        let elsewhere = good.check("sigstor", at(1000));
        assert!(matches!(elsewhere, Err(Error::Audience { .. })));
    }

    #[test]
    fn it_is_for_a_verified_address_or_else_the_subject() {
        let subject = |claims: &str| token(claims).unwrap().subject().map(str::to_owned).ok();
        assert_eq!(subject(r#"{"sub":"ci"}"#).unwrap(), "ci");
        let verified = r#"{"sub":"ci","email":"a@b","email_verified":"true"}"#;
        assert_eq!(subject(verified).unwrap(), "a@b");
        for nobody in [
            r#"{"sub":"ci","email":"a@b"}"#,
            r#"{"sub":"ci","email":"a@b","email_verified":false}"#,
            r#"{"sub":""}"#,
            "{}",
        ] {
            assert!(subject(nobody).is_none(), "{nobody}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in [
            "",
            "a.b",
            "a.b.c.d",
            "e30.e30=.c2ln",
            "e30.W10.c2ln",
            "e30.!!.c2ln",
        ] {
            let read = Token::read(Zeroizing::new(text.to_owned()));
            assert!(matches!(read, Err(Error::TokenMalformed)), "{text}");
        }
    }

    /// One answer to one request on this machine; its address, and the request when it was answered.
    fn answering(body: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let answered = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let (mut request, mut some) = (Vec::new(), [0; 4096]);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let whole = |request: &[u8]| {
                let all = text(request);
                let post = all.starts_with("POST");
                all.split_once("\r\n\r\n")
                    .is_some_and(|(_, body)| !post || body.ends_with('}'))
            };
            while !whole(&request) {
                let read = stream.read(&mut some).unwrap();
                assert!(read > 0, "the request ends early");
                request.extend(&some[..read]);
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            text(&request)
        });
        (url, answered)
    }

    fn found(variables: &[(&str, &str)], audience: &str) -> Result<String, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let token = ambient(&Client::new(), audience, &variable)?;
        Ok(token.to_string())
    }

    #[test]
    fn github_is_asked_with_the_audience_in_the_address() {
        let (url, asked) = answering(r#"{"count":3,"value":"a.b.c"}"#);
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{url}/t?v=2")[..]),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
        ];
        assert_eq!(found(&variables, "https://a b").unwrap(), "a.b.c");
        let request = asked.join().unwrap();
        let line = "GET /t?v=2&audience=https%3A%2F%2Fa%20b HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
        let lower = request.to_lowercase();
        assert!(
            lower.contains("authorization: bearer secret\r\n"),
            "{request}"
        );
    }

    #[test]
    fn buildkite_is_asked_with_the_audience_as_it_is() {
        let (url, asked) = answering(r#"{"token":"d.e.f"}"#);
        let variables = [
            ("BUILDKITE_AGENT_ENDPOINT", &format!("{url}/v3/")[..]),
            ("BUILDKITE_JOB_ID", "job/1"),
            ("BUILDKITE_AGENT_ACCESS_TOKEN", "secret"),
        ];
        assert_eq!(found(&variables, "https://a b").unwrap(), "d.e.f");
        let request = asked.join().unwrap();
        let line = "POST /v3/jobs/job%2F1/oidc/tokens HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
        assert!(
            request.ends_with(r#"{"audience":"https://a b"}"#),
            "{request}"
        );
        let lower = request.to_lowercase();
        assert!(
            lower.contains("authorization: token secret\r\n"),
            "{request}"
        );
    }

    #[test]
    fn a_token_that_is_there_is_asked_of_nobody() {
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:9"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
            ("SIGSTORE_ID_TOKEN", "g.h.i"),
        ];
        assert_eq!(found(&variables, "sigstore").unwrap(), "g.h.i");
        let none = found(&[("BUILDKITE_JOB_ID", "1")], "sigstore");
        assert!(matches!(none, Err(Error::NoToken)));
        let (url, _) = answering(r#"{"value":7}"#);
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &url[..]),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
        ];
        let other = found(&variables, "sigstore");
        assert!(matches!(other, Err(Error::Answer { .. })));
    }
}
