//! Other projects' tools and test data, which must agree with us.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of the testkit"
)]

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Another project's tool that must agree with us: from the environment variable, else from this path under
/// `target/peers`, where CI puts it. `None` if it is not there, which is said loudly, and is a failure where
/// `DOCKET_REQUIRE_PEERS=1`.
pub fn peer(variable: &str, under_target_peers: &str) -> Option<PathBuf> {
    let path = match env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => root().join("target/peers").join(under_target_peers),
    };
    match path.exists() {
        true => Some(path),
        false => skipped(&format!("no {} (set {variable})", path.display())),
    }
}

/// A Python with securesystemslib, sigstore and in-toto-attestation.
pub fn python() -> Option<PathBuf> {
    peer("DOCKET_PEER_PYTHON", "venv/bin/python")
}

/// A program of the machine's own: from the environment variable, else from `PATH`. `None` as with [`peer`].
pub fn on_path(variable: &str, name: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from);
    let mut folders = env::var_os("PATH").unwrap_or_default();
    // Where servers stand, which is on nobody's path but root's.
    folders.push(":/usr/sbin");
    let mut found = env::split_paths(&folders).map(|folder| folder.join(name));
    match named.or_else(|| found.find(|path| path.is_file())) {
        Some(path) => Some(path),
        None => skipped(&format!("no {name} on PATH (set {variable})")),
    }
}

/// A folder of the corpus: `DOCKET_CORPUS`, else `../shared/corpus`. `None` as with [`peer`].
pub fn corpus(folder: &str) -> Option<PathBuf> {
    let corpus = match env::var_os("DOCKET_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => root().join("../shared/corpus"),
    };
    let path = corpus.join(folder);
    match path.is_dir() {
        true => Some(path),
        false => skipped(&format!(
            "no corpus at {} (set DOCKET_CORPUS)",
            path.display()
        )),
    }
}

/// Runs a program to its end; its output if it succeeded.
pub fn run<I: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = I>,
) -> Result<String, String> {
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .output()
        .expect("the program was found");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!(
            "{}\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        )),
    }
}

pub fn skipped<T>(why: &str) -> Option<T> {
    let required = env::var_os("DOCKET_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "DOCKET_REQUIRE_PEERS=1, but {why}");
    // Not `eprintln!`, which the test harness keeps to itself when a test passes.
    writeln!(io::stderr(), "skipped: {why}").expect("standard error is open");
    None
}
