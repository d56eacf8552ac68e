//! `import`: bring in what others signed or recorded.

mod ai;
mod forge;
mod harness_audit;
mod signed;

use std::path::PathBuf;

use git_docket::git::RefName;
use git_docket::ingest::forge::Forge;
use git_docket::ops::key::KeySource;
use git_docket::statement::Step;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Bring in what others signed or recorded
///
/// Attestations that others signed: Sigstore bundles, DSSE envelopes and JSON
/// lines of them, what `gh attestation download`, GitHub's API, npm's registry
/// and PyPI's provenance give, cosign's local files, and links of classic
/// in-toto. Their bytes are kept exactly, and each is filed under the commit
/// that it names; what names none needs --commit. What cannot be taken is
/// listed with the reason, and ends nothing.
///
/// With --notes, the same from the notes of another tool in this repository:
/// a line of a note must be about the commit that it annotates.
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
///   git docket import sha256:*.jsonl
///   git docket import --commit HEAD --step build build.77665544.link
///   git docket import --notes refs/notes/commits
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
        required_unless_present_any = ["ai", "notes"],
        conflicts_with_all = ["ai", "notes"]
    )]
    files: Vec<PathBuf>,
    /// Whose records they are: github or gitlab
    #[arg(long, value_name = "FORGE", conflicts_with_all = ["ai", "notes", "harness_audit"])]
    forge: Option<Forge>,
    /// The files are audit streams of Harness
    #[arg(long, conflicts_with_all = ["ai", "notes"])]
    harness_audit: bool,
    /// Of which commits notes and trailers are read
    #[arg(long, value_name = "RANGE")]
    ai: Option<String>,
    /// The notes ref of another tool, such as refs/notes/commits
    #[arg(long, value_name = "REF", conflicts_with = "ai")]
    notes: Option<RefName>,
    /// The commit that attestations are about which name none; of notes, the only one
    #[arg(long, value_name = "REV", conflicts_with_all = ["ai", "forge", "harness_audit"])]
    commit: Option<String>,
    /// The step that the attestations are filed under
    #[arg(long, value_name = "STEP", conflicts_with_all = ["ai", "forge", "harness_audit"])]
    step: Option<Step>,
    /// Print the statements, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
}

/// Imports.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match (args.forge, &args.ai) {
        _ if args.harness_audit => harness_audit::run(&args, context),
        (_, Some(range)) => ai::run(&args, range, context),
        (Some(forge), None) => forge::run(&args, forge, context),
        (None, None) => signed::run(&args, args.notes.as_ref(), context),
    }
}
