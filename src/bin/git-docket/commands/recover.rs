//! `recover`: go on after a break.

use std::fmt::Write as _;

use git_docket::ops::key::KeySource;
use git_docket::ops::recover::{self, Mode, Outcome, Request};
use git_docket::report::escape::Line;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Go on after a break, and say so in the ledger itself
///
/// Keeps the broken tip in refs/docket/quarantine/, goes on from the last sound
/// state in a child commit of the broken one (so that no push is forced), puts
/// every entry on top that verifies by itself, records a gap entry that names
/// both tips and what was left out, and seals. Takes the ledger's key.
///
/// Examples:
///   git docket recover --dry-run
///   git docket recover --reason 'notes were edited by hand'
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Why, for everybody who reads the ledger later
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
}

/// Recovers.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let request = Request {
        ledger: &context.globals.ledger_ref,
        key: args.key.as_ref(),
        reason: args.reason.as_deref().unwrap_or_default(),
        mode: match args.dry_run {
            true => Mode::DryRun,
            false => Mode::Write,
        },
    };
    let outcome = recover::recover(&context.world, &repository, &request)?;
    context.report(&outcome, text)?;
    context.ui.hint(match args.dry_run {
        true => "git docket recover --reason TEXT: does it",
        false => "git docket verify; then git docket push, where there is a remote",
    });
    Ok(Exit::Pass)
}

fn text(outcome: &Outcome) -> String {
    let mut text = format!("broken    {}\n", outcome.broken_tip);
    for finding in &outcome.findings {
        let _ = writeln!(text, "          {}", Line(finding));
    }
    let (sound, kept) = (outcome.sound_tip, outcome.kept);
    let _ = writeln!(text, "sound     {sound}, {kept} entries kept as they are");
    let _ = writeln!(text, "relinked  {} entries", outcome.relinked);
    let _ = writeln!(text, "left out  {}", outcome.omitted.len());
    for omitted in &outcome.omitted {
        let commit = omitted.commit.hex();
        let _ = writeln!(
            text,
            "          on {}: {}",
            &commit[..12],
            Line(&omitted.reason)
        );
    }
    if let (Some(quarantine), Some(size)) = (&outcome.quarantine, outcome.size) {
        let _ = writeln!(text, "kept in   {quarantine}");
        let _ = writeln!(text, "now       {size} entries, sealed");
    }
    text
}
