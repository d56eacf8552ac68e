//! `hook`: what git runs before and after things happen, on a server and in a developer's clone.

mod developer;
mod pre_receive;

use std::io::Read as _;

use clap::Subcommand;
use git_docket::ops::key::KeySource;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Run as one of git's hooks
///
/// On a server, pre-receive guards the ledger: only a verified extension is let in
/// (`git docket help server`). In a developer's clone, the others set trailers
/// that say which AI took part, and keep track of amended commits
/// (`git docket help ai`).
///
/// Examples:
///   git docket hook pre-receive                 # in hooks/pre-receive on a server
///   git docket hook prepare-commit-msg "$@"     # in hooks/prepare-commit-msg
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Judge the push that git describes on standard input
    PreReceive,
    /// Put a trailer into the message that names the AI tool at work
    PrepareCommitMsg(developer::Message),
    /// Remember from which commits the amended and rebased ones were made
    PostRewrite {
        /// amend or rebase
        #[arg(value_name = "BY")]
        by: Option<String>,
    },
    /// Record what trailers and notes tell of the commits that are pushed
    PrePush {
        /// The remote's name and address
        #[arg(value_name = "REMOTE")]
        remote: Vec<String>,
        /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
        #[arg(long)]
        key: Option<KeySource>,
    },
}

/// Runs it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.which {
        Which::PreReceive => pre_receive::run(context),
        Which::PrepareCommitMsg(message) => developer::prepare_commit_msg(message, context),
        Which::PostRewrite { .. } => developer::post_rewrite(context),
        Which::PrePush { key, .. } => developer::pre_push(key.as_ref(), context),
    }
}

/// What git tells on standard input.
fn input() -> Result<String, Stop> {
    const LIMIT: u64 = 64 << 20;
    let mut input = String::new();
    let read = std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_string(&mut input);
    match read {
        Ok(_) => Ok(input),
        Err(error) => {
            let message = format!("standard input cannot be read: {error}");
            Err(Stop::new(Exit::CouldNotLook, message))
        }
    }
}
