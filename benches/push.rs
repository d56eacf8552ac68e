//! 48 writers that push at one moment, each a fresh clone and a process of its own, all to one bare repository on
//! this machine: against 48 plain pushes of one ref each, at one moment as well. And one push after somebody else's,
//! against the plain `git fetch` and `git push` that it stands on; that of one whom nobody disturbs is in `clones`.
//!
//! `cargo bench --bench push`

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on stops where it stands"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::{report, side_by_side, timed};

const WRITERS: usize = 48;
const ROUNDS: usize = 5;
const LEDGER: &str = "refs/notes/docket";

fn main() {
    let site = Site::new();
    let [ours, theirs] = side_by_side(
        ROUNDS,
        [&mut || site.all_at_once(Site::docket_push), &mut || {
            site.all_at_once(Site::plain_push)
        }],
    );
    report("48 writers against 48 plain pushes", ours, theirs, 3.0);
    let [ours, theirs] = side_by_side(
        30,
        [&mut || site.one(Site::docket_push), &mut || {
            site.one(Site::fetch_and_push)
        }],
    );
    report("one push against git fetch and git push", ours, theirs, 1.5);
}

/// A bare repository with a founded ledger, and the clones of its writers.
struct Site {
    root: PathBuf,
    founded: String,
}

impl Site {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("writers");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let mut site = Site {
            root,
            founded: String::new(),
        };
        site.git(".", &["init", "-q", "--bare", "-b", "main", "server.git"]);
        site.git(".", &["init", "-q", "-b", "main", "founder"]);
        site.git("founder", &["remote", "add", "origin", "../server.git"]);
        site.git("founder", &["commit", "-q", "--allow-empty", "-m", "first"]);
        let origin = ["init", "--origin", "git.example.com/acme/app"];
        done(site.docket("founder", &origin));
        site.git("founder", &["add", ".docket.toml"]);
        site.git("founder", &["commit", "-q", "-m", "Pin the ledger"]);
        site.git("founder", &["push", "-q", "origin", "main"]);
        done(site.docket("founder", &["push"]));
        site.founded = site.git("server.git", &["rev-parse", LEDGER]);
        site
    }

    /// Gives each of so many writers a fresh clone in which a step and a plain note wait.
    fn prepare(&self, writers: usize) {
        self.git("server.git", &["update-ref", LEDGER, self.founded.trim()]);
        // Before the ledger went back, by hand and on purpose.
        let _ = fs::remove_dir_all(self.root.join("home/.local/state"));
        for n in 0..writers {
            let name = format!("writer{n}");
            let _ = fs::remove_dir_all(self.root.join(&name));
            self.git(".", &["clone", "-q", "server.git", &name]);
            let step = format!("step{n}");
            done(self.docket(&name, &["-q", "run", "--step", &step, "--", "true"]));
            self.git(&name, &["notes", "--ref", "plain", "add", "-m", &step]);
        }
    }

    fn all_at_once(&self, push: fn(&Site, usize) -> Command) -> Duration {
        self.prepare(WRITERS);
        let (time, children) = timed(|| {
            let start = |n| {
                let mut push = push(self, n);
                push.stdout(Stdio::piped()).stderr(Stdio::piped());
                push.spawn().unwrap()
            };
            let children: Vec<Child> = (0..WRITERS).map(start).collect();
            let ended = children.into_iter().map(|child| child.wait_with_output());
            ended.map(Result::unwrap).collect::<Vec<_>>()
        });
        children.into_iter().for_each(done);
        self.all_are_kept();
        time
    }

    /// Whoever pushed a step finds it in the ledger.
    fn all_are_kept(&self) {
        let pushed = self.git("server.git", &["rev-parse", LEDGER]) != self.founded;
        if !pushed {
            return;
        }
        done(self.docket("founder", &["fetch"]));
        let log = self.docket("founder", &["log", "-o", "json"]);
        let entries = String::from_utf8(log.stdout).unwrap().lines().count();
        assert_eq!(entries, 1 + WRITERS);
        self.git("founder", &["update-ref", LEDGER, self.founded.trim()]);
        self.git(
            "founder",
            &[
                "update-ref",
                "-d",
                "refs/docket/fetched/origin/notes/docket",
            ],
        );
    }

    /// One writer, whose clone has fetched before, while another has gone on.
    fn one(&self, push: fn(&Site, usize) -> Command) -> Duration {
        self.prepare(2);
        done(self.docket("writer0", &["fetch"]));
        done(self.docket_push(1).output().unwrap());
        let (time, output) = timed(|| push(self, 0).output().unwrap());
        done(output);
        time
    }

    fn docket_push(&self, n: usize) -> Command {
        let mut push = self.command(env!("CARGO_BIN_EXE_git-docket"), &format!("writer{n}"));
        push.args(["push", "--tries", "1000", "--time", "600"]);
        push
    }

    fn plain_push(&self, n: usize) -> Command {
        let mut push = self.command("git", &format!("writer{n}"));
        let spec = format!("refs/notes/plain:refs/plain/{}-{n}", std::process::id());
        push.args(["push", "-q", "--force", "origin", &spec]);
        push
    }

    fn fetch_and_push(&self, n: usize) -> Command {
        let mut both = self.command("sh", &format!("writer{n}"));
        let script = "git fetch -q origin '+refs/notes/docket:refs/seen' && \
                      git push -q --force origin refs/notes/plain:refs/plain/one";
        both.args(["-ec", script]);
        both
    }

    fn docket(&self, folder: &str, arguments: &[&str]) -> Output {
        let mut docket = self.command(env!("CARGO_BIN_EXE_git-docket"), folder);
        docket.args(arguments).output().unwrap()
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let output = self.command("git", folder).args(arguments).output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stdout.clone()).unwrap();
        done(output);
        said
    }

    /// In a folder, with a home of the benchmark's own and nobody's configuration.
    fn command(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root.join(folder))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root.join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "CI")
            .env("GIT_AUTHOR_EMAIL", "ci@example.com")
            .env("GIT_COMMITTER_NAME", "CI")
            .env("GIT_COMMITTER_EMAIL", "ci@example.com");
        command
    }
}

fn done(output: Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}
