//! `hook`: what a server runs before a push is let in.

use std::io::Read as _;

use clap::Subcommand;

use git_docket::ops::hook::{self, Accepted};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Guard the ledger on a server: only a verified extension is let in
///
/// Installed as a server's pre-receive hook; `git docket help server` says how,
/// for plain Git, Gitea, Forgejo and GitLab.
///
/// Examples:
///   git docket hook pre-receive     # in hooks/pre-receive of a bare repository
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
}

/// Judges a push.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let Which::PreReceive = args.which;
    const LIMIT: u64 = 64 << 20;
    let mut input = String::new();
    std::io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_string(&mut input)
        .map_err(|error| {
            let message = format!("standard input cannot be read: {error}");
            Stop::new(Exit::CouldNotLook, message)
        })?;
    let updates = hook::updates(&input)?;
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let accepted = hook::pre_receive(&context.world, &repository, ledger, &updates)?;
    for Accepted { name, entries } in accepted.iter().filter(|one| one.entries > 0) {
        let entries = match entries {
            1 => "1 entry".to_owned(),
            more => format!("{more} entries"),
        };
        context
            .ui
            .note(format!("git docket: {entries} verified for {name}"));
    }
    Ok(Exit::Pass)
}
