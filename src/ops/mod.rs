//! The verbs, one a file: pure orchestration over `git`, `store`, `ledger` and `keyring`.
//!
//! An operation takes a request and the [`World`], and returns an outcome. It prints nothing, and reads
//! neither clock nor environment: whatever differs from one run to the next is handed in.

mod apart;
pub mod append;
pub mod archive;
pub mod assistance;
pub mod cosign;
pub mod demo;
pub mod doctor;
pub mod dossier;
pub mod evidence;
pub mod fetch;
pub mod fold;
pub mod fork_proof;
pub mod govern;
pub mod hook;
pub mod import;
pub mod inboxes;
pub mod incremental;
pub mod index;
pub mod init;
pub mod insight;
pub mod judgement;
pub mod key;
pub mod keyless;
pub mod layout;
pub mod light;
pub mod log;
pub mod memory;
pub mod mirror;
pub mod org;
pub mod pin;
pub mod policy_test;
pub mod push;
pub mod query;
pub mod ready;
pub mod record;
pub mod recover;
pub mod rehash;
pub mod report;
pub mod reported;
pub mod rewritten;
pub mod rotate;
pub mod run;
pub mod sample;
pub mod say;
pub mod seal;
pub mod show;
pub mod site;
pub mod spool;
pub mod status;
pub mod summarize;
pub mod trailer;
pub mod trust;
mod turn;
pub mod verify;
pub mod verify_bundle;
pub mod verify_summary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::capture::Systems;
use crate::timestamp::Timestamp;

/// What an operation may use of the world outside the repository.
pub struct World {
    /// The time, as `SOURCE_DATE_EPOCH` or else the clock says.
    pub now: Timestamp,
    /// Reads the time anew; it stands still where `SOURCE_DATE_EPOCH` is set.
    pub clock: Box<dyn Fn() -> Timestamp>,
    /// How long this process has been at work: what limits in time are held against.
    pub elapsed: Box<dyn Fn() -> Duration>,
    /// Told of long work: what is being hashed, how many are done, of how many. Called from several threads.
    pub progress: Box<dyn Fn(&'static str, usize, usize) + Sync>,
    /// Where this user's files are kept.
    pub folders: Folders,
    /// Fills a buffer with random bytes from the operating system.
    pub random: Box<dyn Fn(&mut [u8]) -> std::io::Result<()>>,
    /// Looks a variable up. An empty one counts as absent.
    pub variable: Box<dyn Fn(&str) -> Option<OsString>>,
    /// A program that signs in place of a key.
    pub signer_command: Option<String>,
    /// The SSH key that git signs with, where `gpg.format` is `ssh`.
    pub git_key: Option<key::KeySource>,
    /// The user's own table of CI systems.
    pub ci: Option<Systems>,
    /// Asks a person for a passphrase, without echo; `None` where there is no terminal to ask on.
    pub ask_passphrase: Box<dyn Fn(&str) -> std::io::Result<Option<Zeroizing<String>>>>,
}

/// This user's folders of the XDG base directory specification, each already ending in `git-docket`.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Settings.
    pub config: PathBuf,
    /// Keys and spool.
    pub data: PathBuf,
    /// Trusted state.
    pub state: PathBuf,
}

/// What a failed operation tells its caller beside its message.
pub trait Explain: std::error::Error {
    /// Which kind of failure this is: it becomes the exit code.
    fn failure(&self) -> Failure {
        Failure::CouldNotLook
    }

    /// What to do about it: a sentence without capital or full stop, best with the command to type.
    fn remedy(&self) -> Option<String> {
        None
    }
}

impl Explain for crate::store::Error {
    fn remedy(&self) -> Option<String> {
        match self {
            crate::store::Error::Git(error) => error.remedy(),
            _ => Some("git fsck says whether objects are missing or damaged".to_owned()),
        }
    }
}

impl Explain for crate::git::Error {
    fn remedy(&self) -> Option<String> {
        use crate::git::Error as E;
        Some(match self {
            E::NoCommit => "commit something first: a ledger speaks about commits".into(),
            E::Ambiguous { .. } => "give more digits of the id".into(),
            E::Revision { .. } => "`git log --oneline --all` lists what there is".into(),
            E::Missing { .. } | E::Read { .. } | E::Walk(_) => {
                "git fsck says whether objects are missing or damaged; a shallow or partial clone lacks some: `git fetch --unshallow`".into()
            }
            _ => return None,
        })
    }
}

/// Why an operation returned no outcome. (A judgement that went badly is an outcome, not a failure.)
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The request makes no sense here.
    Usage,
    /// Evidence is missing or not yet there.
    Undecided,
    /// The ledger itself is broken.
    Broken,
    /// A file, key, repository or network could not be used.
    CouldNotLook,
    /// Others were faster; what was signed is kept and not in the ledger yet.
    Contention,
}
