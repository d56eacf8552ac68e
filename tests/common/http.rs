//! A server of our own: `git http-backend` behind HTTP on the loopback interface, with bad habits on demand.
//!
//! One thread a connection, one request a connection. Requests are read whole (chunked ones too), handed to
//! the backend as CGI (RFC 3875), and its answer is sent back. What it counts are bytes of bodies, so that
//! tests can say what a fetch or a push moved.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does beside serving. `default()` is a good one.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Waits before it answers a request.
    pub delay: Duration,
    /// Breaks one in so many connections: before the work, after it and before the answer, or in the middle
    /// of the answer. 0: none.
    pub breaks_one_in: u64,
    /// Wants this name and password (RFC 7617).
    pub credentials: Option<(String, String)>,
    /// Wants this header, as CI systems give a token by `http.<url>.extraheader`.
    pub header: Option<(String, String)>,
    /// Answers every push with this status.
    pub refuses_pushes: Option<u16>,
    /// Serves what asks for this service (`git-upload-pack`, `git-receive-pack`) from below another folder.
    pub instead: Option<(&'static str, PathBuf)>,
}

/// A server, stopped when dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    habits: Mutex<Habits>,
    stopped: AtomicBool,
    random: AtomicU64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    fetches: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

/// What has come and gone since the server was started or the counts were taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Traffic {
    /// Requests of any kind.
    pub requests: u64,
    /// Answers with objects or lists of refs: POSTs to `git-upload-pack`.
    pub fetches: u64,
    /// Bytes of bodies that came in.
    pub received: u64,
    /// Bytes of bodies that went out.
    pub sent: u64,
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

enum Broken {
    No,
    BeforeTheWork,
    BeforeTheAnswer,
    InTheAnswer,
}

impl Server {
    /// Serves the repositories below a folder, for reading and writing.
    pub fn start(root: &Path, habits: Habits) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            habits: Mutex::new(habits),
            stopped: AtomicBool::new(false),
            random: AtomicU64::new(1),
            counts: Counts::default(),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let server = Arc::clone(&server);
                // A client that went away is its own affair.
                thread::spawn(move || stream.map(|stream| server.serve(stream)));
            }
        });
        Server { address, shared }
    }

    /// The address of a repository below the folder.
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    /// Takes on other habits.
    pub fn behave(&self, habits: Habits) {
        *self.shared.habits.lock().expect("no thread panicked") = habits;
    }

    /// Takes the counts, and begins again at 0.
    pub fn traffic(&self) -> Traffic {
        let counts = &self.shared.counts;
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Traffic {
            requests: take(&counts.requests),
            fetches: take(&counts.fetches),
            received: take(&counts.received),
            sent: take(&counts.sent),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // The listener wakes up and sees it.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let habits = self.habits.lock().expect("no thread panicked").clone();
        let mut reader = BufReader::new(stream.try_clone()?);
        let Some(request) = read_request(&mut reader, &stream)? else {
            return Ok(());
        };
        let received = request.body.len() as u64;
        let fetch = request.method == "POST" && request.path.ends_with("/git-upload-pack");
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts
            .fetches
            .fetch_add(u64::from(fetch), Ordering::Relaxed);
        self.counts.received.fetch_add(received, Ordering::Relaxed);
        thread::sleep(habits.delay);
        if let Some(refusal) = refusal(&habits, &request) {
            return answer(&stream, &refusal);
        }
        let broken = self.broken(&habits);
        if matches!(broken, Broken::BeforeTheWork) {
            return stream.shutdown(Shutdown::Both);
        }
        let reply = backend(self.root_for(&habits, &request), &request)?;
        self.counts
            .sent
            .fetch_add(reply.body.len() as u64, Ordering::Relaxed);
        match broken {
            Broken::BeforeTheAnswer => stream.shutdown(Shutdown::Both),
            Broken::InTheAnswer => {
                let half = Reply {
                    cut: Some(reply.body.len() / 2),
                    ..reply
                };
                answer(&stream, &half)
            }
            _ => answer(&stream, &reply),
        }
    }

    fn broken(&self, habits: &Habits) -> Broken {
        if habits.breaks_one_in == 0 {
            return Broken::No;
        }
        // Knuth's MMIX generator; its high bits are the good ones.
        let step = |x: u64| {
            x.wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407)
        };
        let before = self
            .random
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(step(x)));
        let number = step(before.unwrap_or_default()) >> 33;
        match (
            number % habits.breaks_one_in,
            number / habits.breaks_one_in % 3,
        ) {
            (0, 0) => Broken::BeforeTheWork,
            (0, 1) => Broken::BeforeTheAnswer,
            (0, _) => Broken::InTheAnswer,
            _ => Broken::No,
        }
    }

    fn root_for<'a>(&'a self, habits: &'a Habits, request: &Request) -> &'a Path {
        match &habits.instead {
            Some((service, root))
                if request.path.ends_with(service) || request.query.ends_with(service) =>
            {
                root
            }
            _ => &self.root,
        }
    }
}

fn backend(root: &Path, request: &Request) -> io::Result<Reply> {
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_ADDR", "127.0.0.1")
        // http-backend lets nobody push who has no name.
        .env("REMOTE_USER", "somebody")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("it is piped");
    let body = request.body.clone();
    let writer = thread::spawn(move || pipe.write_all(&body));
    let output = child.wait_with_output()?;
    let _ = writer.join();
    Ok(Reply::of_cgi(&output.stdout))
}

struct Reply {
    status: String,
    headers: Vec<String>,
    body: Vec<u8>,
    /// Sends so many bytes of the body and then nothing.
    cut: Option<usize>,
}

impl Reply {
    fn status(status: &str, headers: &[&str]) -> Self {
        Reply {
            status: status.to_owned(),
            headers: headers.iter().map(ToString::to_string).collect(),
            body: Vec::new(),
            cut: None,
        }
    }

    fn of_cgi(output: &[u8]) -> Self {
        let end = output.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return Reply::status("500 Internal Server Error", &[]);
        };
        let head = String::from_utf8_lossy(&output[..end]);
        let mut reply = Reply::status("200 OK", &[]);
        for line in head.lines() {
            match line.strip_prefix("Status: ") {
                Some(status) => status.clone_into(&mut reply.status),
                None => reply.headers.push(line.to_owned()),
            }
        }
        output[end + 4..].clone_into(&mut reply.body);
        reply
    }
}

fn refusal(habits: &Habits, request: &Request) -> Option<Reply> {
    let has = |name: &str, value: &str| {
        let mut headers = request.headers.iter();
        headers.any(|(known, given)| known.eq_ignore_ascii_case(name) && given == value)
    };
    if let Some((name, password)) = &habits.credentials {
        let plain = format!("{name}:{password}");
        let wanted = format!("Basic {}", data_encoding::BASE64.encode(plain.as_bytes()));
        if !has("authorization", &wanted) {
            let ask = "WWW-Authenticate: Basic realm=\"git\"";
            return Some(Reply::status("401 Unauthorized", &[ask]));
        }
    }
    if let Some((name, value)) = &habits.header
        && !has(name, value)
    {
        return Some(Reply::status("403 Forbidden", &[]));
    }
    let push = request.path.ends_with("/git-receive-pack");
    habits
        .refuses_pushes
        .filter(|_| push)
        .map(|status| Reply::status(&format!("{status} Refused"), &[]))
}

fn answer(mut stream: &TcpStream, reply: &Reply) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {}\r\n", reply.status);
    for header in &reply.headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!(
        "Content-Length: {}\r\nConnection: close\r\n\r\n",
        reply.body.len()
    ));
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply.body[..reply.cut.unwrap_or(reply.body.len())])?;
    stream.shutdown(Shutdown::Both)
}

fn read_request(
    reader: &mut BufReader<TcpStream>,
    mut stream: &TcpStream,
) -> io::Result<Option<Request>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(None);
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let name = name.to_ascii_lowercase();
        request.headers.push((name, value.trim().to_owned()));
    }
    let header = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    if header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    if header("transfer-encoding").is_some_and(|how| how == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            request.body.extend_from_slice(&chunk[..size]);
        }
    } else if let Some(length) = header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
    }
    Ok(Some(request))
}
