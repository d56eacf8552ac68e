//! A turn: of the pushes from one machine to one remote's ledger, one goes at a time, and carries what the others have.
//!
//! Writers on one machine need not find out by rejected pushes that they are several. Each waits for a lock on a file
//! under the user's state folder (`pushing/<SHA-256 of URL and ref>`), which the system takes back when a process ends,
//! however it ends. Whoever has to wait leaves a copy of what waits in its clone beside the lock
//! (`<the same>.waiting/<SHA-256 of the lines>`, lines of a spool). Whose turn it is appends what fits together with its own,
//! and says so in a file of that name with `.in` after it once the remote was seen to hold it. The one who waited then asks
//! the remote itself; its own copy is in its spool or ledger until it has seen it there.
//!
//! All that saves work and decides nothing: after a bounded wait, and wherever a file cannot be locked, read or written, the
//! push goes on by itself, and the remote's comparison of values keeps writers apart as it does between machines. What is
//! read here is checked as what comes from an inbox.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::append::Item;
use super::{World, spool};
use crate::digest::Sha256;
use crate::git::{RefName, Repository};

/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(5);
/// No more of others is carried in one turn, in requests and in bytes of each.
const MOST_REQUESTS: usize = 512;
const MOST_BYTES: u64 = 4 << 20;

/// Held while a push goes on; the turn ends with it.
pub(super) struct Turn {
    _locked: Option<File>,
    waiting: PathBuf,
    carried: u64,
}

/// What another push has, which waits for its turn.
pub(super) struct Request {
    /// Its file.
    path: PathBuf,
    /// What it has.
    pub(super) items: Vec<Item>,
}

impl Request {
    /// Whether it is the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Turn {
    /// Waits for the turn, for at most so long; or until somebody else has carried `own`.
    pub(super) fn wait(
        world: &World,
        repository: &Repository,
        remote: &str,
        ledger: &RefName,
        limit: Duration,
        own: impl Fn() -> Vec<Item>,
    ) -> Self {
        let path = path(world, repository, remote, ledger);
        let mut turn = Turn {
            _locked: None,
            waiting: path.with_extension("waiting"),
            carried: 0,
        };
        let Ok(file) = fs::create_dir_all(&turn.waiting).and_then(|()| File::create(&path)) else {
            return turn;
        };
        let mut left: Option<(PathBuf, u64)> = None;
        let began = (world.elapsed)();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    turn._locked = Some(file);
                    break;
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(_) => break,
            }
            if left.as_ref().is_some_and(|(path, _)| answer(path).exists())
                || (world.elapsed)().saturating_sub(began) >= limit
            {
                break;
            }
            if left.is_none() {
                let items = own();
                let written = write(&turn.waiting, &items).unwrap_or_default();
                left = Some((written, items.len() as u64));
            }
            std::thread::sleep(PAUSE);
        }
        if let Some((path, items)) = left {
            // Removed before the answer, or whoever reads it meanwhile would leave one for nobody.
            let _ = fs::remove_file(&path);
            if fs::remove_file(answer(&path)).is_ok() {
                turn.carried = items;
            }
        }
        turn
    }

    /// How many of one's own another push has carried, as it says.
    pub(super) fn carried(&self) -> u64 {
        self.carried
    }

    /// What others have left here; nothing where it is not one's turn.
    pub(super) fn requests(&self) -> Vec<Request> {
        if self._locked.is_none() {
            return Vec::new();
        }
        let files = fs::read_dir(&self.waiting).into_iter().flatten().flatten();
        let files = files.map(|file| file.path());
        let named = files.filter(|path| path.extension().is_none() && !answer(path).exists());
        let read = named.filter_map(|path| Some((read(&path)?, path)));
        let requests = read.map(|(items, path)| Request { path, items });
        requests.take(MOST_REQUESTS).collect()
    }

    /// Says that the remote holds what was asked for.
    pub(super) fn answer(&self, requests: &[Request]) {
        for request in requests {
            // Where that fails, the other one pushes by itself, and finds everything there.
            if fs::remove_file(&request.path).is_ok() {
                let _ = File::create(answer(&request.path));
            }
        }
    }
}

fn answer(path: &Path) -> PathBuf {
    path.with_extension("in")
}

// Whole or not at all.
fn write(folder: &Path, items: &[Item]) -> io::Result<PathBuf> {
    let text: String = items.iter().map(spool::render).collect();
    if text.is_empty() || text.len() as u64 > MOST_BYTES {
        return Ok(PathBuf::new());
    }
    let path = folder.join(Sha256::of(text.as_bytes()).to_string());
    let mut file = tempfile::Builder::new()
        .suffix(".new")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(&path)?;
    Ok(path)
}

fn read(path: &Path) -> Option<Vec<Item>> {
    let is_small = fs::metadata(path).is_ok_and(|file| file.len() <= MOST_BYTES);
    let text = is_small.then(|| fs::read_to_string(path).ok()).flatten()?;
    let items: Result<Vec<Item>, _> = text.lines().map(spool::parse).collect();
    items.ok().filter(|items| !items.is_empty())
}

fn path(world: &World, repository: &Repository, remote: &str, ledger: &RefName) -> PathBuf {
    let url = repository
        .setting(&format!("remote.{remote}.pushurl"))
        .or_else(|| repository.setting(&format!("remote.{remote}.url")))
        .unwrap_or_else(|| remote.to_owned());
    let name = Sha256::of_parts(&[url.as_bytes(), b"\n", ledger.as_str().as_bytes()]);
    world.folders.state.join("pushing").join(name.to_string())
}
