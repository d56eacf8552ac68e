//! Serves pages to a browser: HTTP/1.1, read-only, on one thread.
//!
//! 1. Only `GET` and `HEAD` are answered; a request's body is never read. Heads are bounded in size and time, connections in number
//!    and time.
//! 2. With a token, each request must bring it: as `Authorization: Bearer`, or as the password of HTTP Basic, which every browser asks
//!    for. Without one, the `Host` must be this machine's own name, so that no other site's name can be pointed here.
//! 3. Answers forbid scripts, frames, forms and requests elsewhere, and are kept by no cache.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::base64;
use crate::digest::Sha256;

/// As many connections are open at once.
const MOST_CONNECTIONS: usize = 64;

/// As many bytes of a request's head are read.
const MOST_HEAD: usize = 16 << 10;

/// So long may a head take.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// So long may a connection last.
const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// What pages may do: show themselves.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a page is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The page.
    Page(String),
    /// There is none at this address, but at this one.
    Moved(String),
    /// There is none.
    Missing,
    /// It could not be made: why.
    Failed(String),
}

/// Who may read: whoever knows this. Kept as its SHA-256, and compared so, which tells nothing by time.
#[derive(Clone, Copy, Debug)]
pub struct Token(Sha256);

/// A token too short to keep anybody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {} characters", Token::SHORTEST)]
pub struct TooShort;

impl Token {
    /// As many characters as it has at least.
    pub const SHORTEST: usize = 16;

    /// From what its holder was given.
    ///
    /// # Errors
    /// Where it is too short.
    pub fn new(secret: &str) -> Result<Self, TooShort> {
        match secret.chars().count() < Self::SHORTEST {
            true => Err(TooShort),
            false => Ok(Self(Sha256::of(secret.as_bytes()))),
        }
    }

    fn is(&self, secret: &[u8]) -> bool {
        Sha256::of(secret) == self.0
    }

    fn is_brought_by(&self, headers: &HeaderMap) -> bool {
        let brought = headers
            .get(header::AUTHORIZATION)
            .map(HeaderValue::as_bytes);
        let Some((scheme, given)) =
            brought.and_then(|it| std::str::from_utf8(it).ok()?.split_once(' '))
        else {
            return false;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.is(given.trim().as_bytes());
        }
        let pair = base64::decode(given.trim().as_bytes()).ok();
        let pair = pair.filter(|_| scheme.eq_ignore_ascii_case("basic"));
        pair.is_some_and(|pair| {
            let password = pair.splitn(2, |byte| *byte == b':').nth(1);
            password.is_some_and(|password| self.is(password))
        })
    }
}

/// An address that was asked for, and where its answer goes.
type Asked = (String, oneshot::Sender<Answer>);

/// Answers until the process ends. `answer` is given addresses without the first `/`, one after the other.
///
/// # Errors
/// Where the socket cannot be used.
pub fn serve(
    listener: TcpListener,
    token: Option<Token>,
    answer: impl Fn(&str) -> Answer,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (ask, mut asked) = mpsc::channel::<Asked>(MOST_CONNECTIONS);
        spawn_local(accept(listener, token, ask));
        while let Some((address, reply)) = asked.recv().await {
            // Whoever asked may be gone.
            let _ = reply.send(answer(&address));
        }
        Ok(())
    })
}

async fn accept(listener: tokio::net::TcpListener, token: Option<Token>, ask: mpsc::Sender<Asked>) {
    // Each open connection holds one.
    let open = Rc::new(());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or the other side is gone: neither ends the service.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        if Rc::strong_count(&open) > MOST_CONNECTIONS {
            continue;
        }
        let (open, ask) = (open.clone(), ask.clone());
        spawn_local(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let ask = ask.clone();
                async move { Ok::<_, Infallible>(respond(request, token, ask).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(MOST_HEAD)
                .serve_connection(TokioIo::new(stream), service);
            // Whatever ends a connection is the other side's affair.
            let _ = timeout(CONNECTION_TIME, connection).await;
            drop(open);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    token: Option<Token>,
    ask: mpsc::Sender<Asked>,
) -> Response<Full<Bytes>> {
    if let Some(refusal) = refused(&request, token.as_ref()) {
        return refusal;
    }
    let (reply, answer) = oneshot::channel();
    let sent = ask.send((address(&request).to_owned(), reply)).await;
    let answer = match sent {
        Ok(()) => answer.await.ok(),
        Err(_) => None,
    };
    answered(answer.unwrap_or_else(|| Answer::Failed("the service ends".to_owned())))
}

fn address<B>(request: &Request<B>) -> &str {
    let path = request.uri().path();
    path.strip_prefix('/').unwrap_or(path)
}

// Before anything is looked up: what is asked, by whom, and whether of us.
fn refused<B>(request: &Request<B>, token: Option<&Token>) -> Option<Response<Full<Bytes>>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        set(&mut response, header::ALLOW, "GET, HEAD");
        return Some(response);
    }
    let headers = request.headers();
    match token {
        Some(token) if !token.is_brought_by(headers) => {
            let mut response = plain(StatusCode::UNAUTHORIZED, "a token is needed\n");
            let asks = "Basic realm=\"git-docket\", charset=\"UTF-8\"";
            set(&mut response, header::WWW_AUTHENTICATE, asks);
            Some(response)
        }
        None if !is_own_name(headers) => {
            let text = "this is not the host that was asked for\n";
            Some(plain(StatusCode::MISDIRECTED_REQUEST, text))
        }
        _ => None,
    }
}

fn answered(answer: Answer) -> Response<Full<Bytes>> {
    match answer {
        Answer::Page(page) => {
            let mut response = plain(StatusCode::OK, page);
            set(
                &mut response,
                header::CONTENT_TYPE,
                "text/html; charset=utf-8",
            );
            response
        }
        Answer::Moved(to) => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            set(&mut response, header::LOCATION, &format!("/{to}"));
            response
        }
        Answer::Missing => plain(StatusCode::NOT_FOUND, "there is no such page\n"),
        Answer::Failed(why) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.into())));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        set(&mut response, name, value);
    }
    response
}

// A value that is no header's is left out: none of ours is.
fn set(response: &mut Response<Full<Bytes>>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

// `localhost`, or a loopback address, with any port.
fn is_own_name(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address: Option<IpAddr> = bare.unwrap_or(name).parse().ok();
    name.eq_ignore_ascii_case("localhost") || address.is_some_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        token: Option<&str>,
    ) -> Response<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let token = token.map(|it| Token::new(it).expect("long enough"));
        refused(&request, token.as_ref()).unwrap_or_else(|| {
            answered(match address(&request) {
                "" => Answer::Page("<p>first</p>".into()),
                "entry/3" => Answer::Moved("entry/3/".into()),
                "broken/" => Answer::Failed("broken".into()),
                _ => Answer::Missing,
            })
        })
    }

    const OWN: (&str, &str) = ("host", "localhost:8080");

    #[test]
    fn only_reading_and_only_what_is_there() {
        let status = |method, path| asked(method, path, &[OWN], None).status().as_u16();
        assert_eq!(status(Method::GET, "/"), 200);
        assert_eq!(status(Method::HEAD, "/"), 200);
        assert_eq!(status(Method::GET, "/entry/3"), 308);
        assert_eq!(status(Method::GET, "/../etc/passwd"), 404);
        assert_eq!(status(Method::GET, "/broken/"), 503);
        for method in [
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::CONNECT,
        ] {
            assert_eq!(status(method.clone(), "/"), 405, "{method}");
        }
    }

    #[test]
    fn every_answer_forbids_scripts() {
        for (path, host) in [
            ("/", "localhost"),
            ("/none", "localhost"),
            ("/", "evil.example"),
        ] {
            let response = asked(Method::GET, path, &[("host", host)], None);
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .expect("text");
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"));
        }
    }

    #[test]
    fn without_a_token_only_this_machines_names() {
        let status =
            |headers: &[(&str, &str)]| asked(Method::GET, "/", headers, None).status().as_u16();
        for own in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:80",
            "127.9.9.9",
            "[::1]:80",
            "[::1]",
        ] {
            assert_eq!(status(&[("host", own)]), 200, "{own}");
        }
        for other in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "10.0.0.1",
            "",
            "localhost:x",
        ] {
            assert_eq!(status(&[("host", other)]), 421, "{other}");
        }
        assert_eq!(status(&[]), 421);
        assert_eq!(status(&[OWN, ("host", "evil.example")]), 421);
    }

    #[test]
    fn with_a_token_whoever_has_it() {
        const SECRET: &str = "correct horse battery";
        let basic = |pair: &str| format!("Basic {}", base64::encode(pair.as_bytes()));
        let status = |value: &str| {
            let headers = [("host", "ledger.example"), ("authorization", value)];
            asked(Method::GET, "/", &headers, Some(SECRET))
                .status()
                .as_u16()
        };
        for good in [
            format!("Bearer {SECRET}"),
            format!("bearer {SECRET}"),
            basic(&format!("any:{SECRET}")),
        ] {
            assert_eq!(status(&good), 200, "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer x",
            SECRET,
            "Basic !!",
            &basic(SECRET),
            &basic("any:"),
            &format!("Digest {SECRET}"),
        ] {
            assert_eq!(status(bad), 401, "{bad}");
        }
        assert!(Token::new("short").is_err());
    }
}
