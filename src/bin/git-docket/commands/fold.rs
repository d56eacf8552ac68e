//! `fold`: take what waits in the remote's inboxes into its ledger.

use std::fmt::Write as _;
use std::time::Duration;

use git_docket::ops::key::KeySource;
use git_docket::ops::{fetch, fold, push};
use git_docket::report::escape::Line;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Take what waits in the remote's inboxes into its ledger
///
/// Each inbox is checked line by line: what is forged, malformed or for another
/// ledger is set aside with its reason and never enters. What is folded is
/// deleted in the same push. No inbox at all is no failure.
///
/// Examples:
///   git docket fold
///   git docket fold --drop 3f2a9c…
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
    /// Delete this inbox on the remote, unread
    #[arg(long, value_name = "INBOX")]
    drop: Option<String>,
}

/// Folds.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let request = push::Request {
        fetch: fetch::Request {
            ledger: &context.globals.ledger_ref,
            remote: args.remote.remote.as_deref(),
            limit: Duration::from_secs(args.remote.timeout),
        },
        key: args.key.as_ref(),
        tries: args.tries,
        time: Duration::MAX,
    };
    if let Some(inbox) = &args.drop {
        fold::drop_inbox(&repository, &request, inbox)?;
        context.ui.note("dropped, unread");
    }
    let outcome = match args.drop {
        Some(_) => fold::Outcome::default(),
        None => fold::fold(&context.world, &repository, &request)?,
    };
    context.report(&outcome, text)?;
    Ok(Exit::Pass)
}

fn text(outcome: &fold::Outcome) -> String {
    let mut text = format!(
        "{} inboxes folded, {} entries added\n",
        outcome.folded.len(),
        outcome.entries
    );
    for inbox in &outcome.waiting {
        let _ = writeln!(
            text,
            "waiting for commits that are not here: {}",
            Line(inbox)
        );
    }
    for aside in &outcome.set_aside {
        let _ = writeln!(
            text,
            "set aside: {}: {}",
            Line(&aside.inbox),
            Line(&aside.reason)
        );
    }
    if outcome.left > 0 {
        let _ = writeln!(text, "{} more inboxes; fold again", outcome.left);
    }
    text
}
