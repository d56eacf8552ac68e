//! One push from a clone that has no ledger, `git clone --depth 1`, to a server that offers filters: what it moves. And a
//! later one, with what the first one brought still there, against the plain `git fetch` and `git push` of one who has the
//! whole ledger: where nobody else has gone on meanwhile, and where somebody has.
//!
//! `cargo bench --bench clones`

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on stops where it stands"
)]

mod common;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{git, report, side_by_side, timed};
use serde_json::Value;

const ROUNDS: usize = 20;
const LEDGER: &str = "refs/notes/docket";
const SEEN: &str = "+refs/notes/docket:refs/seen";

fn main() {
    let ledger = common::repository(common::entries());
    let site = Site::new(&ledger);
    let step = Cell::new(0);
    let moved = site.cold_push(&step);
    let whole = packs(&ledger.join(".git"));
    println!(
        "one append moves {moved} bytes of a ledger of {whole}: 1/{} (wanted: at most 1/500)",
        whole / moved
    );
    for (what, others) in [("a later push", 0), ("the same, after somebody else's", 1)] {
        let [ours, theirs] = side_by_side(
            ROUNDS,
            [&mut || site.push(&step, others), &mut || {
                site.fetch_and_push(&step, others)
            }],
        );
        let what = format!("{what}, against git fetch and git push");
        report(&what, ours, theirs, 1.5);
    }
}

/// A server with filters; `clone` and `other`, clones of depth 1 that hold the ledger to its pin; `whole`, with the ledger.
struct Site {
    root: PathBuf,
}

impl Site {
    fn new(ledger: &Path) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clones");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let site = Site { root };
        let from = ledger.to_str().unwrap();
        git(&site.root, &["clone", "-q", "--bare", from, "server.git"]);
        let server = site.root.join("server.git");
        let spec = format!("+refs/docket/generated:{LEDGER}");
        git(&server, &["fetch", "-q", from, &spec]);
        git(&server, &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", server.display());
        for clone in ["clone", "other"] {
            git(&site.root, &["clone", "-q", "--depth", "1", &url, clone]);
            let pin = ledger.join("pin.toml");
            let pin = ["config", "docket.pin", pin.to_str().unwrap()];
            git(&site.root.join(clone), &pin);
        }
        git(&site.root, &["clone", "-q", &url, "whole"]);
        git(&site.root.join("whole"), &["fetch", "-q", "origin", SEEN]);
        fs::copy(ledger.join("key.pem"), site.root.join("key.pem")).unwrap();
        site
    }

    fn record(&self, clone: &str, step: &Cell<u64>) {
        step.set(step.get() + 1);
        let step = format!("step{}", step.get());
        self.docket(clone, &["-q", "run", "--step", &step, "--", "true"]);
    }

    /// Somebody else goes on so often.
    fn others(&self, step: &Cell<u64>, times: u32) {
        for _ in 0..times {
            self.record("other", step);
            self.docket("other", &["push"]);
        }
    }

    /// The bytes of the packs that came, and of what went, as loose as it is.
    fn cold_push(&self, step: &Cell<u64>) -> u64 {
        self.record("clone", step);
        let told = self.docket("clone", &["push", "-o", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let brought = &told["brought"];
        assert_eq!(
            (&told["landed"], &brought["whole"]),
            (&1.into(), &false.into()),
            "{told}"
        );
        println!(
            "fetched in {} rounds (wanted: at most 5)",
            brought["rounds"]
        );
        size(&self.root.join("clone/.git/docket/transfer/objects"))
    }

    fn push(&self, step: &Cell<u64>, others: u32) -> Duration {
        self.others(step, others);
        self.record("clone", step);
        timed(|| self.docket("clone", &["push"])).0
    }

    fn fetch_and_push(&self, step: &Cell<u64>, others: u32) -> Duration {
        self.others(step, others);
        step.set(step.get() + 1);
        let note = step.get().to_string();
        let whole = self.root.join("whole");
        let note = ["notes", "--ref", "plain", "add", "-f", "-m", &note];
        let added = Command::new("git").args(note).current_dir(&whole).output();
        assert!(added.unwrap().status.success());
        let both = || {
            git(&whole, &["fetch", "-q", "origin", SEEN]);
            git(
                &whole,
                &["push", "-q", "--force", "origin", "refs/notes/plain"],
            );
        };
        timed(both).0
    }

    fn docket(&self, clone: &str, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_git-docket"))
            .args(["-C", self.root.join(clone).to_str().unwrap()])
            .args(arguments)
            .env("XDG_STATE_HOME", self.root.join("state"))
            .env("DOCKET_KEY", self.root.join("key.pem"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn packs(git_folder: &Path) -> u64 {
    size(&git_folder.join("objects/pack"))
}

fn size(folder: &Path) -> u64 {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| match path.is_dir() {
            true => size(&path),
            false
                if path
                    .extension()
                    .is_some_and(|kind| kind == "idx" || kind == "rev") =>
            {
                0
            }
            false => fs::metadata(&path).unwrap().len(),
        })
        .sum()
}
