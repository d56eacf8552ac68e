//! A world of its own for each test: an empty HOME, no system or global git configuration, a fixed clock,
//! and a repository to work in. Nothing of the machine shows through but the programs on its path.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// 2026-11-22T10:00:00Z, the time in every world.
pub const NOW: &str = "1795341600";

/// A folder with a home and a repository in it, gone when dropped.
pub struct World {
    root: TempDir,
    variables: Vec<(String, String)>,
}

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; a signal is a panic of the test.
    pub code: i32,
    /// Standard output, with the world's folder shown as `$WORLD`.
    pub out: String,
    /// Standard error, with the world's folder shown as `$WORLD`.
    pub err: String,
}

impl World {
    /// A world with a home and an empty folder `repo` that is no repository yet.
    pub fn bare_hands() -> Self {
        let root = TempDir::with_prefix("docket-").expect("a temporary folder can be made");
        for folder in ["home", "repo"] {
            fs::create_dir(root.path().join(folder)).expect("a folder can be made");
        }
        World {
            root,
            variables: Vec::new(),
        }
    }

    /// A world whose `repo` is a repository of the given object format, without a commit.
    pub fn with_format(format: &str) -> Self {
        let world = World::bare_hands();
        world.git(&["init", "-q", "-b", "main", "--object-format", format]);
        world
    }

    /// A world with a SHA-1 repository and one commit.
    pub fn new() -> Self {
        let world = World::with_format("sha1");
        world.commit("README", "hello\n");
        world
    }

    /// A world whose ledger has two people with keys, the founder and `ben`, and this policy in force.
    pub fn of_two(policy: &str) -> Self {
        let world = Self::new();
        world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
        let key = world.docket_ok(&["key", "generate", "ben", "-o", "json"]);
        let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
        world.write("../ben.pem", key["pem"].as_str().expect("a key"));
        let add = [
            "roster",
            "add",
            "ben",
            "--kind",
            "human",
            "--public-key",
            "../ben.pem",
        ];
        let more = [
            "--role",
            "maintainer",
            "--role",
            "writer",
            "--email",
            "ben@example.com",
        ];
        world.docket_ok(&[&add[..], &more].concat());
        world.write("../policy.toml", policy);
        world.docket_ok(&["policy", "publish", "../policy.toml"]);
        world
    }

    /// Sets a variable for all later programs.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable away again.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    /// The world's folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The repository's work tree.
    pub fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// Writes a file of the work tree, its folders made as needed.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    /// Writes a file, commits it, and returns the commit's id.
    pub fn commit(&self, path: &str, text: &str) -> String {
        self.write(path, text);
        self.git(&["add", "--", path]);
        self.git(&["commit", "-q", "-m", &format!("change {path}")]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git in the repository; it must succeed. Returns its standard output.
    pub fn git<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        let ran = self.run("git", arguments);
        assert_eq!(ran.code, 0, "git failed: {}", ran.err);
        ran.out
    }

    /// Runs `git docket` in the repository.
    pub fn docket<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        self.run(env!("CARGO_BIN_EXE_git-docket"), arguments)
    }

    /// Runs `git docket`, which must pass, and returns its standard output.
    pub fn docket_ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        let ran = self.docket(arguments);
        assert_eq!(ran.code, 0, "git docket failed: {}{}", ran.out, ran.err);
        ran.out
    }

    /// Runs a program in the repository.
    pub fn run<S: AsRef<OsStr>>(&self, program: impl AsRef<OsStr>, arguments: &[S]) -> Ran {
        let output = self
            .command(program)
            .args(arguments)
            .output()
            .expect("the program can be started");
        self.ran(&output)
    }

    /// A program about to be run in the repository, with this world's environment and no other.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root().join("home"))
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", self.root())
            .env("SOURCE_DATE_EPOCH", NOW)
            .stdin(std::process::Stdio::null());
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), "Ada")
                .env(format!("GIT_{role}_EMAIL"), "ada@example.com")
                .env(format!("GIT_{role}_DATE"), format!("{NOW} +0000"));
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What a program said, with this world's folder named `$WORLD`.
    pub fn ran(&self, output: &Output) -> Ran {
        let root = self.root().to_string_lossy().into_owned();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&root, "$WORLD");
        Ran {
            code: output
                .status
                .code()
                .expect("the program was not ended by a signal"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}
