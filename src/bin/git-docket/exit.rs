//! Exit codes, and the failures that lead to them.

use std::error::Error;
use std::process::ExitCode;

use git_docket::ops::{Explain, Failure};

/// How the program ends; what each code means is the manual's page `exit-codes`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// Everything looked at holds.
    Pass,
    /// Judged, and failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// Evidence is missing or not yet there.
    Undecided,
    /// The ledger itself is broken.
    Broken,
    /// A file, key, repository or network could not be used.
    CouldNotLook,
    /// Signed and kept, but not in the ledger yet.
    Contention,
    /// `run` hands its child's code on.
    Child(u8),
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Pass => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Undecided => 3,
            Exit::Broken => 4,
            Exit::CouldNotLook => 5,
            Exit::Contention => 6,
            Exit::Child(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

impl From<Failure> for Exit {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Usage => Exit::Usage,
            Failure::Undecided => Exit::Undecided,
            Failure::Broken => Exit::Broken,
            Failure::CouldNotLook => Exit::CouldNotLook,
            Failure::Contention => Exit::Contention,
        }
    }
}

/// Why a verb ends early: its error, the code that goes with it, and what to do about it.
#[derive(Debug)]
pub struct Stop {
    /// The code to end with.
    pub exit: Exit,
    /// What happened; its sources are printed below it.
    pub error: Box<dyn Error>,
    /// What to do.
    pub remedy: Option<String>,
}

impl Stop {
    /// A stop for an error that does not explain itself.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error>>) -> Self {
        Stop {
            exit,
            error: error.into(),
            remedy: None,
        }
    }

    /// A stop over a command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Stop::new(Exit::Usage, message.into())
    }

    /// Adds what to do.
    pub fn hint(self, remedy: impl Into<String>) -> Self {
        Stop {
            remedy: Some(remedy.into()),
            ..self
        }
    }
}

impl<E: Explain + 'static> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop {
            exit: error.failure().into(),
            remedy: error.remedy(),
            error: Box::new(error),
        }
    }
}
