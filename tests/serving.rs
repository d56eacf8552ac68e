//! A ledger's pages, behind a server and as files: each link followed, strangers' strings everywhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/browser.rs"]
mod browser;
#[path = "common/changes.rs"]
mod changes;
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use browser::opened;
use changes::{approve, change, land, person, record};
use common::world::World;
use serde_json::json;

const POLICY: &str = "version = 1\nprotected = [\"refs/heads/main\"]\n[checks.C03]\n[checks.C05]\n";

const HOSTILE: &str = "../..//?#%2e=<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'&\u{1b}[31m\u{202e}";

/// A change that landed and went out, to an environment and by a service that strangers named.
fn ledger() -> World {
    let world = World::of_two(POLICY);
    let at = change(&world);
    approve(&world, "ben", "ben", &at);
    world.git(&["merge", "-q", "--squash", "topic"]);
    world.git(&["commit", "-q", "-m", "seven"]);
    land(&world, &at.0);
    let person = person(&world);
    let said = json!({
        "actor": person, "assertedBy": "self", "environment": {"name": HOSTILE, "tier": "prod"}, "service": HOSTILE,
        "artifact": {"name": HOSTILE, "digest": {"sha256": "a".repeat(64)}}, "strategy": HOSTILE, "reason": "planned",
        "finishedOn": "2026-11-22T09:30:00Z", "result": "success", "changes": ["7", HOSTILE],
    });
    record(&world, "default", "deployment", &said);
    world.write("app.bin", "app");
    let build = [
        "run",
        "--step",
        "build",
        "--product",
        "app.bin",
        "--",
        "true",
    ];
    world.docket_ok(&build);
    world
}

/// The program while it serves; ended when dropped.
struct Served {
    child: Child,
    /// Host and port.
    host: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(world: &World, more: &[&str]) -> Served {
    let mut child = world
        .command(env!("CARGO_BIN_EXE_git-docket"))
        .args([&["serve", "--listen", "127.0.0.1:0"], more].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let host = line.trim().strip_prefix("http://").unwrap();
    let host = host.strip_suffix('/').unwrap().to_owned();
    Served { child, host }
}

impl Served {
    /// Sends a request as it is; the status, the head, the body.
    fn send(&self, request: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // What is refused may be cut off.
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (status.unwrap_or(0), head.to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        let host = &self.host;
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }
}

/// Where a page's links lead: addresses from the root.
fn links(address: &str, page: &str) -> Vec<String> {
    let folder = address.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut all = Vec::new();
    for href in page.split(" href=\"").skip(1) {
        let href = href.split('"').next().unwrap();
        if href.starts_with('#') {
            continue;
        }
        assert!(
            !href.contains(':') && !href.starts_with('/'),
            "{href} leaves the site"
        );
        let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
        let (path, _) = href.split_once('#').unwrap_or((href, ""));
        for part in path.split('/') {
            match part {
                ".." => drop(parts.pop().expect("a link above the root")),
                "." | "" => {}
                part => parts.push(part),
            }
        }
        let end = if parts.is_empty() { "" } else { "/" };
        all.push(parts.join("/") + end);
    }
    all
}

/// Every page that can be reached from the first.
fn crawl(mut get: impl FnMut(&str) -> String) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(address) = open.pop() {
        if let Entry::Vacant(place) = pages.entry(address) {
            let page = get(place.key());
            open.extend(links(place.key(), &page));
            place.insert(page);
        }
    }
    pages
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let path = path.strip_prefix(folder).unwrap().to_str().unwrap();
                    found.insert(path.strip_suffix("index.html").unwrap().to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn every_link_leads_to_a_page_and_files_are_the_same_pages() {
    let world = ledger();
    let served = serve(&world, &[]);
    let pages = crawl(|address| {
        let (status, head, page) = served.get(&format!("/{address}"));
        assert_eq!(status, 200, "{address}: {head}");
        assert!(head.contains("default-src 'none'"), "{head}");
        page
    });
    for folder in [
        "entry/",
        "person/",
        "environment/",
        "artifact/",
        "release/",
        "check/",
    ] {
        let of_it = pages.keys().filter(|address| address.starts_with(folder));
        assert!(of_it.count() > 0, "no {folder}");
    }
    for (address, page) in &pages {
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{address}"
        );
        assert!(!page.contains(['\u{1b}', '\u{202e}']), "{address}");
    }
    let size: usize = world.docket_ok(&["log", "-o", "json"]).lines().count();
    for seq in 0..size {
        let digest = pages[&format!("entry/{seq}/")]
            .split("sha256:")
            .nth(1)
            .unwrap();
        let raw = world.docket_ok(&["show", &seq.to_string(), "--raw"]);
        let signed = git_docket::digest::Sha256::of(raw.trim_end().as_bytes());
        assert!(digest.starts_with(&signed.to_string()), "entry {seq}");
    }
    let folder = world.root().join("pages");
    world.docket_ok(&["serve", "--export", "../pages"]);
    let written =
        crawl(|address| fs::read_to_string(folder.join(address).join("index.html")).unwrap());
    assert_eq!(written, pages);
    assert_eq!(files(&folder), pages.keys().cloned().collect());
    let again = world.docket(&["serve", "--export", "../pages"]);
    assert_eq!(again.code, 2, "{}", again.err);
}

#[test]
fn pages_follow_the_ledger_and_nothing_else() {
    let world = ledger();
    let served = serve(&world, &[]);
    let size = world.docket_ok(&["log", "-o", "json"]).lines().count();
    let path = format!("/entry/{size}/");
    assert_eq!(served.get(&path).0, 404);
    let before = world.git(&["for-each-ref"]);
    world.write("../said.json", "{\"name\": \"x\"}");
    world.docket_ok(&["run", "--step", "build", "--", "true"]);
    assert_ne!(world.git(&["for-each-ref"]), before);
    assert_eq!(
        served.get(&path).0,
        200,
        "the ledger has moved, and so have the pages"
    );
    let (status, head, _) = served.get("/verdict");
    assert_eq!(status, 308);
    assert!(
        head.to_ascii_lowercase().contains("location: /verdict/"),
        "{head}"
    );
    for path in [
        "//evil.example/",
        "/entry/00/",
        "/entry/-1/",
        "/entry/99999999999999999999/",
        "/%2e%2e/",
        "/../../etc/passwd",
        "/person/x/",
    ] {
        assert_eq!(served.get(path).0, 404, "{path}");
    }
    let host = &served.host;
    for (request, expected) in [
        (
            format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            ),
            405,
        ),
        (
            "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(),
            421,
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n\r\n",
                "x".repeat(64 << 10)
            ),
            431,
        ),
        ("\u{0}\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(served.send(&request).0, expected, "{request:.60}");
    }
    let (status, head, body) = served.send(&format!(
        "HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    ));
    assert_eq!((status, body.as_str()), (200, ""), "{head}");
    // Tampered with: no page is evidence any more.
    let bad = world.git(&["commit-tree", "-m", "x", "HEAD^{tree}"]);
    world.git(&["update-ref", "refs/notes/docket", bad.trim()]);
    assert_eq!(served.get("/").0, 503);
}

#[test]
fn beyond_this_machine_only_with_a_token() {
    let world = ledger();
    let open = world.docket(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(open.code, 2, "{}", open.err);
    world.write("../token", "short\n");
    let short = world.docket(&["serve", "--token-file", "../token"]);
    assert_eq!(short.code, 2, "{}", short.err);
    world.write("../token", "a-token-long-enough\n");
    let served = serve(&world, &["--token-file", "../token"]);
    let (status, head, body) = served.get("/");
    assert_eq!(status, 401);
    assert!(
        head.to_ascii_lowercase()
            .contains("www-authenticate: basic"),
        "{head}"
    );
    assert!(!body.contains("acme"), "nothing is told: {body}");
    let ask = |token: &str| {
        served.send(&format!(
            "GET / HTTP/1.1\r\nHost: ledger.example\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        ))
    };
    assert_eq!(ask("a-token-long-enougH").0, 401);
    assert_eq!(ask("a-token-long-enough").0, 200);
}

#[test]
fn a_browser_runs_nothing_and_a_checker_of_accessibility_finds_nothing() {
    let world = ledger();
    let served = serve(&world, &[]);
    let environment = git_docket::report::site::address::part(HOSTILE);
    for (path, name) in [
        ("", "site-ledger"),
        ("verdict/", "site-verdict"),
        ("insight/", "site-insight"),
        ("entry/7/", "site-entry"),
        ("releases/", "site-releases"),
        (&format!("environment/{environment}/"), "site-environment"),
        ("check/c05/", "site-check"),
    ] {
        assert_eq!(served.get(&format!("/{path}")).0, 200, "{path}");
        let url = format!("http://{}/{path}", served.host);
        opened(Path::new(&url), name);
    }
}
