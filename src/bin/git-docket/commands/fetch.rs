//! `fetch`: bring the remote's ledger here, verified first.

use std::time::Duration;

use git_docket::ops::fetch::{self, Fetched, Request};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Bring the remote's ledger here: verified before anything moves, never by force
///
/// A ledger that is broken, rolled back or forked is refused (4), and so is one
/// with another genesis. What is only here goes to the spool, and on top with
/// the next append.
///
/// Examples:
///   git docket fetch
///   git docket fetch --remote upstream
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    remote: super::RemoteArgs,
}

/// Fetches.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let request = Request {
        ledger: &context.globals.ledger_ref,
        remote: args.remote.remote.as_deref(),
        limit: Duration::from_secs(args.remote.timeout),
    };
    let fetched = fetch::fetch(&context.world, &repository, &request)?;
    context.report(&fetched, text)?;
    if fetched.pending > 0 {
        context
            .ui
            .hint("git docket push: brings what waits to the remote");
    }
    Ok(Exit::Pass)
}

fn text(fetched: &Fetched) -> String {
    format!(
        "{}: {} entries, {} sealed, {} new here; {} of ours not there yet\n",
        fetched.remote, fetched.entries, fetched.sealed, fetched.new, fetched.pending
    )
}
