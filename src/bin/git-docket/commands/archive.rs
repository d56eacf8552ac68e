//! `archive`: an audit's evidence in one file.

use std::path::PathBuf;

use clap::Subcommand;
use git_docket::judge::Scope;
use git_docket::ops::archive::{self, Checked, Created, Request};
use git_docket::report::archived::ArchiveView;
use git_docket::report::escape::Line;
use git_docket::timestamp::Timestamp;
use git_docket::verify::Verdict;

use super::verify::{check, period, time, wanted_ids};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Carry an audit's evidence in one file, judged without a repository
///
/// The file is a tar with the whole ledger, the commits that it is judged
/// against, policy, roster, kept reports, and VERIFY.md, by which a stranger
/// does the same with git, openssl, sha256sum and jq.
///
/// Exit codes of archive verify are those of verify; a file of the archive that
/// was cut or changed is 4.
///
/// Examples:
///   git docket archive create audit.tar
///   git docket archive verify audit.tar --pin pin.toml --check all
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write an archive of this repository's ledger
    Create {
        /// The file to write
        file: PathBuf,
        /// Believe this trusted_root.json about keyless signatures, not the program's (repeats)
        #[arg(long = "trusted-root", value_name = "FILE")]
        trusted_roots: Vec<PathBuf>,
    },
    /// Judge an archive; no repository is needed
    Verify(VerifyArgs),
}

#[derive(clap::Args, Debug)]
struct VerifyArgs {
    /// The archive
    file: PathBuf,
    /// Hold the ledger to the pin in this file
    #[arg(long, value_name = "FILE")]
    pin: Option<PathBuf>,
    /// Hold the ledger to a seal that another reader has (repeats)
    #[arg(long = "seal", value_name = "FILE")]
    seals: Vec<PathBuf>,
    /// Believe this trusted_root.json about keyless signatures, not the program's nor the archive's (repeats)
    #[arg(long = "trusted-root", value_name = "FILE")]
    trusted_roots: Vec<PathBuf>,
    /// Deployments to this environment, and the changes that they brought
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What landed or was deployed in these days: 2026-07-01..2026-09-30
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    period: Option<(Timestamp, Timestamp)>,
    /// Run these checks, whatever the policy enforces: C05, or all
    #[arg(long = "check", value_name = "Cnn", value_parser = check)]
    checks: Vec<String>,
    /// Judge as of this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
}

/// Writes or judges.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.verb {
        Verb::Create {
            file,
            trusted_roots,
        } => {
            let repository = context.repository()?;
            let ledger = &context.globals.ledger_ref;
            let created =
                archive::create(&context.world, &repository, ledger, &file, &trusted_roots)?;
            context.report(&created, said)?;
            Ok(Exit::Pass)
        }
        Verb::Verify(args) => {
            let request = Request {
                checks: (!args.checks.is_empty()).then(|| wanted_ids(args.checks)),
                scope: Scope {
                    environment: args.environment,
                    period: args.period,
                    ..Scope::default()
                },
                file: args.file,
                pin: args.pin,
                seals: args.seals,
                trusted_roots: args.trusted_roots,
                at: args.at,
            };
            let checked = archive::verify(&request)?;
            context.report(&view(&checked, &request), ArchiveView::to_text)?;
            Ok(match checked.judged.verdict() {
                Verdict::Pass => Exit::Pass,
                Verdict::Failed => Exit::Failed,
                Verdict::Undecided => Exit::Undecided,
                Verdict::Broken => Exit::Broken,
            })
        }
    }
}

fn view(checked: &Checked, request: &Request) -> ArchiveView {
    let pin = request.pin.as_ref().map(|path| path.display().to_string());
    ArchiveView::of(
        &checked.judged,
        request.file.display().to_string(),
        checked.sha256,
        checked.files,
        pin,
        request.at,
    )
}

fn said(created: &Created) -> String {
    let mut text = format!(
        "{}: {} entries, {} commits, {} bytes; verdict {}\nsha256:{}\n",
        Line(&created.file),
        created.entries,
        created.commits,
        created.bytes,
        created.verdict,
        created.sha256
    );
    for line in &created.unproved {
        text.push_str(&format!("  does not prove {}\n", Line(line)));
    }
    text
}
