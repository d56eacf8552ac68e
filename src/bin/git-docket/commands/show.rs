//! `show`: entries in full.

use std::io::Write;

use git_docket::ledger::Snapshot;
use git_docket::ops::log::ledger_size;
use git_docket::ops::show::{self, Target};
use git_docket::report::json;

use crate::cli::Format;
use crate::context::{Context, cannot_write};
use crate::exit::{Exit, Stop};
use crate::ui::Data;

/// Show entries in full
///
/// By revision (all entries about that commit, oldest first), by seq, or by the
/// SHA-256 of an attestation or of a leaf. Shows what is recorded; `git docket
/// verify` judges it.
///
/// Examples:
///   git docket show HEAD
///   git docket show 41 -o json
///   git docket show 41 --raw > bundle.json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A revision, a seq, or sha256:<hex>
    #[arg(value_name = "REV|SEQ|DIGEST", default_value = "HEAD")]
    target: String,
    /// Print the attestation's bytes exactly as signed; there must be one entry
    #[arg(long)]
    raw: bool,
}

/// Shows.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let stored = context.ledger(&repository)?;
    let target = Target::parse(
        &args.target,
        &repository,
        ledger_size(&stored as &dyn Snapshot),
    )?;
    let entries = show::show(&stored, &target)?;
    if args.raw {
        let [entry] = entries.as_slice() else {
            return Err(Stop::usage(format!(
                "--raw shows one attestation, and {} names {}",
                args.target,
                entries.len()
            ))
            .hint("name one by its seq; git docket show without --raw lists them"));
        };
        let body = entry.body.as_deref().ok_or_else(|| {
            Stop::new(
                Exit::Broken,
                format!(
                    "the attestation of entry {} is not in the ledger",
                    entry.seq
                ),
            )
        })?;
        let mut out = Data::stdout();
        out.write_all(body)
            .and_then(|()| out.flush())
            .map_err(cannot_write)?;
        return Ok(Exit::Pass);
    }
    let mut listing = context.listing(&repository);
    for (at, entry) in entries.iter().enumerate() {
        let text = match context.globals.format {
            Format::Text if at > 0 => format!("\n{}", entry.to_text()),
            Format::Text => entry.to_text(),
            Format::Json => {
                json::line(entry).map_err(|error| Stop::new(Exit::CouldNotLook, error))?
            }
        };
        if listing.add(&text)?.is_break() {
            break;
        }
    }
    listing.finish()?;
    Ok(Exit::Pass)
}
