//! `push`: bring what waits to the remote's ledger.

use std::time::Duration;

use git_docket::ops::fetch;
use git_docket::ops::key::KeySource;
use git_docket::ops::light::Brought;
use git_docket::ops::push::{self, Outcome, Request};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Bring everything that waits here to the remote's ledger, in one push
///
/// Others may push at the same moment: it fetches, verifies, puts what is ours
/// on top and tries again, bounded by --tries and --time. After that an inbox, a
/// ref of its own, carries what waits (6), until somebody folds it in.
///
/// Examples:
///   git docket push
///   git docket push --tries 50 --time 120
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    remote: super::RemoteArgs,
    /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    /// How often to try
    #[arg(long, value_name = "N", default_value_t = 40)]
    tries: u32,
    /// For how many seconds to try
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    time: u64,
}

/// Pushes.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let request = Request {
        fetch: fetch::Request {
            ledger: &context.globals.ledger_ref,
            remote: args.remote.remote.as_deref(),
            limit: Duration::from_secs(args.remote.timeout),
        },
        key: args.key.as_ref(),
        tries: args.tries,
        time: Duration::from_secs(args.time),
    };
    let outcome = push::push(&context.world, &repository, &request)?;
    context.report(&outcome, text)?;
    Ok(match (outcome.pending, &outcome.inbox) {
        (0, _) => Exit::Pass,
        (_, inbox) => {
            context.ui.hint(match inbox {
                Some(_) => {
                    "git docket push, or anybody's git docket fold, brings it into the ledger"
                }
                None => "git docket spool list: what waits is about commits that are not here",
            });
            Exit::Contention
        }
    })
}

fn text(outcome: &Outcome) -> String {
    let mut text = format!("{}: {} entries landed", outcome.remote, outcome.landed);
    if outcome.pending > 0 {
        text += &format!("; {} not in its ledger yet", outcome.pending);
    }
    if let Some(inbox) = &outcome.inbox {
        text += &format!(", carried by {inbox}");
    }
    if let Some(Brought { whole, rounds }) = outcome.brought {
        text += &match whole {
            false => {
                format!("; of its ledger only the parts needed were fetched, in {rounds} rounds")
            }
            true => {
                "; it offers no parts of its ledger: the newest state was fetched whole".to_owned()
            }
        };
    }
    text + "\n"
}
