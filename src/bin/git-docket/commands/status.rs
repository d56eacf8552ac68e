//! `status`, and `git docket` alone: where things stand, and what to do next.

use std::fmt::Write;
use std::time::Duration;

use git_docket::git::Repository;
use git_docket::ops::status::{self, Status};
use git_docket::report::escape::Line;

use crate::cli::Format;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show where the ledger stands
///
/// Counts what is spooled, in inboxes, in the ledger and sealed apart. Reads the
/// ledger's newest records and judges nothing: `git docket verify` does. Of
/// remotes it tells what was seen last. Ends with 3 where there is no ledger.
///
/// Examples:
///   git docket status
///   git docket status --ask
///   git docket status -o json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Ask the remotes how many inboxes they have now
    #[arg(long)]
    ask: bool,
    /// How many seconds one exchange with a remote may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "ask")]
    timeout: u64,
}

const NEWEST: usize = 5;

/// Shows.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    if args.ask {
        let limit = Duration::from_secs(args.timeout);
        status::ask(&context.world, &repository, limit)?;
    }
    show(&repository, context)
}

fn show(repository: &Repository, context: &Context) -> Result<Exit, Stop> {
    let status = status::status(repository, &context.globals.ledger_ref, NEWEST)?;
    context.report(&status, text)?;
    let (command, why) = status.next();
    context.ui.hint(format_args!("{command}: {why}"));
    Ok(if status.ledger.is_some() {
        Exit::Pass
    } else {
        Exit::Undecided
    })
}

/// `git docket` without a verb: an overview for whoever it is, wherever they are.
pub fn overview(context: &Context) -> Result<Exit, Stop> {
    if context.globals.format == Format::Json {
        return show(&context.repository()?, context);
    }
    let mut shown = String::from(
        "git docket: a signed, hash-chained ledger of delivery steps, kept in the repository\n\n",
    );
    let next = match context.repository() {
        Err(_) => {
            shown.push_str("this folder is in no Git repository\n");
            "git docket demo\n      shows what it does, in a folder of its own".to_owned()
        }
        Ok(repository) => {
            let status = status::status(&repository, &context.globals.ledger_ref, NEWEST)?;
            shown.push_str(&text(&status));
            let (command, why) = status.next();
            format!("{command}\n      {why}")
        }
    };
    let _ = write!(
        shown,
        "\nnext: {next}\n\nhelp: git docket help               all verbs and the manual's pages\n      git docket VERB -h            a verb's flags, with examples\n      git docket doctor             what would sooner or later hurt\n"
    );
    context.print(&shown)?;
    Ok(Exit::Pass)
}

fn inboxes(status: &Status, text: &mut String) {
    if status.inboxes.here > 0 {
        let _ = writeln!(text, "inboxes   {} in this repository", status.inboxes.here);
    }
    for (remote, asked) in &status.inboxes.remotes {
        let (remote, inboxes, when) = (Line(remote), asked.inboxes, asked.asked);
        let _ = writeln!(text, "inboxes   {inboxes} on {remote}, asked {when}");
    }
}

fn text(status: &Status) -> String {
    let mut text = String::new();
    let Some(ledger) = &status.ledger else {
        let _ = writeln!(
            text,
            "there is no ledger here: {} is missing",
            status.reference
        );
        if status.pending > 0 {
            let _ = writeln!(text, "{} signed entries wait in the spool", status.pending);
        }
        inboxes(status, &mut text);
        return text;
    };
    let _ = writeln!(text, "ledger    {}, in {}", ledger.origin, status.reference);
    let _ = writeln!(
        text,
        "entries   {}: {} sealed, {} unsealed; {} pending in the spool",
        ledger.entries, ledger.sealed, ledger.unsealed, status.pending
    );
    for (remote, waits) in ledger.unpushed.iter().filter(|(_, waits)| **waits > 0) {
        let remote = Line(remote);
        let _ = writeln!(text, "unpushed  {waits} that {remote} was not seen to hold");
    }
    inboxes(status, &mut text);
    if let Some(mirror) = &status.mirror {
        let seen = if mirror.seen {
            ""
        } else {
            ", which was never seen from here"
        };
        let _ = writeln!(text, "mirror    {}{seen}", mirror.reference);
    }
    let _ = writeln!(text, "pin       {}", status.pin);
    if let Some(head) = &status.head {
        let _ = writeln!(text, "HEAD      {head}: {} entries", status.about_head);
    }
    let width = ledger
        .newest
        .first()
        .map_or(1, |entry| entry.seq.to_string().len());
    let _ = writeln!(text, "\nnewest:");
    for entry in &ledger.newest {
        let _ = writeln!(text, "  {}", entry.to_line(width));
    }
    text
}
