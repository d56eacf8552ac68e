//! `org publish`: one roster and one policy for many repositories.

use std::path::PathBuf;

use git_docket::ledger::Origin;
use git_docket::ops::key::KeySource;
use git_docket::ops::org::publish::{Done, Outcome, Request, Told, publish};
use git_docket::report::escape::line;

use super::super::{policy, roster};
use super::Which;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Bring an organisation's roster and policy to many repositories
///
/// What each repository has in force stays, and builds on the organisation's
/// from now on. Where it does so already nothing is done: an interrupted run is
/// taken up by the same command. Those named by URLs are cloned, and pushed.
///
/// Examples:
///   git docket org publish --roster r.json --origin example.com/org app lib
///   git docket org publish --policy p.toml --origin example.com/org --from-file repos --push
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The organisation's roster, JSON; - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "policy")]
    roster: Option<PathBuf>,
    /// The organisation's policy, TOML; - for standard input
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The origin of the organisation's own ledger
    #[arg(long, value_name = "ORIGIN")]
    origin: Origin,
    /// Fetch before and push after in folders too
    #[arg(long)]
    push: bool,
    /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
}

/// Publishes.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let request = Request {
        roster: args.roster.as_deref().map(roster::read).transpose()?,
        policy: match args.policy.as_deref() {
            Some(path) => Some(policy::read(path)?.0),
            None => None,
        },
        origin: &args.origin,
        ledger: &context.globals.ledger_ref,
        key: args.key.as_ref(),
        push: args.push,
        clones: args.which.clones(),
    };
    let names = args.which.names(context)?;
    let outcome = publish(&context.world, &names, &request);
    context.report(&outcome, text)?;
    if outcome.failed > 0 {
        context
            .ui
            .hint("the same command again tries those that failed; what is done stays done");
        return Ok(Exit::CouldNotLook);
    }
    Ok(match outcome.waiting {
        0 => Exit::Pass,
        _ => Exit::Undecided,
    })
}

fn text(outcome: &Outcome) -> String {
    let lines: String = outcome.repositories.iter().map(told).collect();
    let all = outcome.repositories.len();
    format!(
        "{lines}{all} repositories: {} unchanged, {} waiting for signatures, {} failed\n",
        outcome.unchanged, outcome.waiting, outcome.failed
    )
}

fn told(told: &Told) -> String {
    let mut text = line(&told.repository);
    for (what, done) in [("roster", told.roster), ("policy", told.policy)] {
        text += &match done {
            None => String::new(),
            Some(Done::Unchanged) => format!("  {what} unchanged"),
            Some(Done::Published { seq }) => format!("  {what} entry {seq}"),
            Some(Done::Waiting { seq }) => format!("  {what} entry {seq} waits for signatures"),
        };
    }
    if let Some(landed) = told.landed {
        text += &format!("  {landed} landed");
    }
    if let Some(error) = &told.error {
        text += &format!("  failed: {}", line(error));
        if let Some(remedy) = &told.remedy {
            text += &format!(" ({})", line(remedy));
        }
    }
    text + "\n"
}
