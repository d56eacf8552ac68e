//! One push from a clone that has no ledger, `git clone --depth 1`, to a server that offers filters: what it moves, and a
//! second one, with what the first one brought still there, against the plain `git fetch` and `git push` that it stands on.
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
    let [ours, theirs] = side_by_side(
        ROUNDS,
        [&mut || site.push(&step), &mut || site.fetch_and_push(&step)],
    );
    report(
        "a second push against git fetch and git push",
        ours,
        theirs,
        1.5,
    );
}

/// A server with filters, and a clone of depth 1 that holds the ledger to its pin.
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
        git(&site.root, &["clone", "-q", "--depth", "1", &url, "clone"]);
        fs::copy(ledger.join("key.pem"), site.root.join("key.pem")).unwrap();
        let pin = ledger.join("pin.toml");
        git(
            &site.clone(),
            &["config", "docket.pin", pin.to_str().unwrap()],
        );
        site
    }

    fn clone(&self) -> PathBuf {
        self.root.join("clone")
    }

    fn record(&self, step: &Cell<u64>) {
        step.set(step.get() + 1);
        let step = format!("step{}", step.get());
        self.docket(&["-q", "run", "--step", &step, "--", "true"]);
    }

    /// The bytes of the packs that came, and of what went, as loose as it is.
    fn cold_push(&self, step: &Cell<u64>) -> u64 {
        self.record(step);
        let told: Value = serde_json::from_str(&self.docket(&["push", "-o", "json"])).unwrap();
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
        size(&self.clone().join(".git/docket/transfer/objects"))
    }

    fn push(&self, step: &Cell<u64>) -> Duration {
        self.record(step);
        timed(|| self.docket(&["push"])).0
    }

    fn fetch_and_push(&self, step: &Cell<u64>) -> Duration {
        step.set(step.get() + 1);
        let note = step.get().to_string();
        let clone = self.clone();
        git(
            &clone,
            &["notes", "--ref", "plain", "add", "-f", "-m", &note],
        );
        let spec = format!("+{LEDGER}:refs/seen");
        let both = || {
            git(
                &clone,
                &[
                    "fetch",
                    "-q",
                    "--depth",
                    "1",
                    "--filter=tree:0",
                    "origin",
                    &spec,
                ],
            );
            git(
                &clone,
                &["push", "-q", "--force", "origin", "refs/notes/plain"],
            );
        };
        timed(both).0
    }

    fn docket(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_git-docket"))
            .args(["-C", self.clone().to_str().unwrap()])
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
