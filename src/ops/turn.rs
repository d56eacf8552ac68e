//! A turn: of the pushes from one machine to one remote's ledger, one goes at a time.
//!
//! Writers on one machine need not find out by rejected pushes that they are several. Each waits for a lock on a file
//! under the user's state folder (`pushing/<SHA-256 of URL and ref>`), which the system takes back when a process ends,
//! however it ends. It saves work and decides nothing: after a bounded wait, and wherever the file cannot be locked, the
//! push goes on without it, and the remote's comparison of values keeps writers apart as it does between machines.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::World;
use crate::digest::Sha256;
use crate::git::{RefName, Repository};

/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// Held while a push goes on; the turn ends with it.
pub(super) struct Turn {
    _locked: Option<File>,
}

impl Turn {
    /// Waits for the turn, for at most so long.
    pub(super) fn wait(
        world: &World,
        repository: &Repository,
        remote: &str,
        ledger: &RefName,
        limit: Duration,
    ) -> Self {
        let none = Turn { _locked: None };
        let path = path(world, repository, remote, ledger);
        let folder = path.parent().map(fs::create_dir_all);
        let (Some(Ok(())), Ok(file)) = (folder, File::create(&path)) else {
            return none;
        };
        let began = (world.elapsed)();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    return Turn {
                        _locked: Some(file),
                    };
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
                Err(_) => return none,
            }
            if (world.elapsed)().saturating_sub(began) >= limit {
                return none;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn path(world: &World, repository: &Repository, remote: &str, ledger: &RefName) -> PathBuf {
    let url = repository
        .setting(&format!("remote.{remote}.pushurl"))
        .or_else(|| repository.setting(&format!("remote.{remote}.url")))
        .unwrap_or_else(|| remote.to_owned());
    let name = Sha256::of_parts(&[url.as_bytes(), b"\n", ledger.as_str().as_bytes()]);
    world.folders.state.join("pushing").join(name.to_string())
}
