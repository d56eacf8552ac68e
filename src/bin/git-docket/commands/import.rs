//! `import`: bring in what others recorded.

mod ai;
mod forge;
mod harness_audit;

use std::path::PathBuf;

use git_docket::ingest::forge::Forge;
use git_docket::ops::key::KeySource;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Bring in what others recorded
///
/// With --forge, what a forge knows: pull and merge requests, reviews, approvals,
/// merges and the protection of branches, as `gh api` and `glab api` print them
/// and as webhooks send them. Nothing is asked of the forge. The entries are
/// signed by a service with the role observer and say what that service saw;
/// what the ledger has already is not added again.
///
/// With --ai, what git-ai's notes (refs/notes/ai) and trailers tell of the
/// commits of a range.
///
/// With --harness-audit, the events of Harness' audit stream (JSON lines), each by
/// its digest, with who did what to which resource, and when.
///
/// Examples:
///   git docket import --forge github pull.json reviews.json
///   git docket import --forge github - --dry-run
///   git docket import --forge gitlab merge-request.json approvals.json
///   git docket import --ai main..topic
///   git docket import --harness-audit audit.jsonl
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The files; - reads standard input
    #[arg(
        value_name = "FILE|-",
        required_unless_present = "ai",
        conflicts_with = "ai"
    )]
    files: Vec<PathBuf>,
    /// Whose records they are: github or gitlab
    #[arg(
        long,
        value_name = "FORGE",
        required_unless_present_any = ["ai", "harness_audit"],
        conflicts_with_all = ["ai", "harness_audit"]
    )]
    forge: Option<Forge>,
    /// The files are audit streams of Harness
    #[arg(long, conflicts_with = "ai")]
    harness_audit: bool,
    /// Of which commits notes and trailers are read
    #[arg(long, value_name = "RANGE")]
    ai: Option<String>,
    /// Print the statements, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// The key to sign with: a key's name, a PEM file, or env://VARIABLE
    #[arg(long)]
    key: Option<KeySource>,
}

/// Imports.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match (args.forge, &args.ai) {
        _ if args.harness_audit => harness_audit::run(&args, context),
        (_, Some(range)) => ai::run(&args, range, context),
        (Some(forge), None) => forge::run(&args, forge, context),
        (None, None) => Err(Stop::usage("say whose records they are: --forge FORGE")),
    }
}
