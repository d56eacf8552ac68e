//! `org`: many repositories at once.

mod publish;

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use git_docket::ops::org::Clones;
use git_docket::ops::org::names::{self, ListError, Name};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// A whole organisation: what is done to many repositories
///
/// Examples:
///   git docket org publish --roster r.json --policy p.toml --origin example.com/org app lib
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Publish(publish::Args),
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.verb {
        Verb::Publish(args) => publish::run(args, context),
    }
}

/// Which repositories.
#[derive(clap::Args, Debug)]
struct Which {
    /// Repositories: folders, or URLs
    #[arg(value_name = "REPO")]
    repositories: Vec<String>,
    /// A file that lists them, one a line; - for standard input (repeats)
    #[arg(long, value_name = "FILE")]
    from_file: Vec<PathBuf>,
    /// A command that prints them, one a line, run by sh (repeats)
    #[arg(long, value_name = "COMMAND")]
    from_command: Vec<String>,
    /// What to make of each name: https://github.com/{}.git
    #[arg(long, value_name = "TEMPLATE")]
    url: Option<String>,
    /// The folder that keeps clones of those named by URLs
    #[arg(long, value_name = "DIR")]
    clones: Option<PathBuf>,
    /// How many seconds one exchange with a remote may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

impl Which {
    fn names(&self, context: &Context) -> Result<Vec<Name>, Stop> {
        // It would name one repository for all of them.
        if (context.world.variable)("GIT_DIR").is_some() {
            return Err(Stop::usage("GIT_DIR is set").hint("unset GIT_DIR: repositories are named"));
        }
        let mut lists = Vec::new();
        for path in &self.from_file {
            lists.push(super::read_text(path)?);
        }
        for command in &self.from_command {
            lists.push(names::printed(command).map_err(|error| match error {
                ListError::Command(error) => Stop::new(Exit::CouldNotLook, error),
                ListError::Name(error) => Stop::new(Exit::Usage, error),
            })?);
        }
        let words = self.repositories.iter().map(String::as_str);
        names::gather(words, &lists, self.url.as_deref()).map_err(|error| {
            Stop::new(Exit::Usage, error).hint("git docket help organisation has the form of names")
        })
    }

    fn clones(&self) -> Clones {
        Clones {
            folder: self.clones.clone(),
            limit: Duration::from_secs(self.timeout),
        }
    }
}
