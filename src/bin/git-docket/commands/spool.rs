//! `spool`: what is signed here and not yet in the ledger.

use std::{fmt::Write as _, path::PathBuf};

use clap::Subcommand;
use git_docket::ops::spool::Spool;
use serde::Serialize;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// List, export and import attestations that are not in the ledger yet
///
/// The next `run` or `attest` appends what waits and is about commits that are
/// here.
///
/// Examples:
///   git docket spool list
///   git docket spool export docket-spool.jsonl
///   git docket spool import */docket-spool.jsonl
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what waits
    List,
    /// Write what waits into a file; the spool keeps it
    Export {
        /// The file
        file: PathBuf,
    },
    /// Take what other spools exported
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Serialize)]
struct Listing {
    pending: Vec<Waiting>,
}

#[derive(Serialize)]
struct Waiting {
    attestation: String,
    commit: String,
    step: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    attestations: usize,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let spool = Spool::of(&repository);
    match args.verb {
        Verb::List => {
            let waiting = spool.items()?.into_iter().map(|item| Waiting {
                attestation: format!("sha256:{}", item.attestation.digest()),
                commit: item.commit.to_string(),
                step: item.step.to_string(),
            });
            context.report(
                &Listing {
                    pending: waiting.collect(),
                },
                text,
            )?;
        }
        Verb::Export { file } => {
            let attestations = spool.export(&file)?;
            context.report(&Moved { attestations }, |moved| {
                format!(
                    "{} attestations written to {}\n",
                    moved.attestations,
                    file.display()
                )
            })?;
        }
        Verb::Import { files } => {
            let attestations = spool.import(&files)?;
            context.report(&Moved { attestations }, |moved| {
                format!("{} attestations taken into the spool\n", moved.attestations)
            })?;
        }
    }
    Ok(Exit::Pass)
}

fn text(listing: &Listing) -> String {
    if listing.pending.is_empty() {
        return "nothing waits\n".into();
    }
    let mut out = String::new();
    for Waiting {
        attestation,
        commit,
        step,
    } in &listing.pending
    {
        let _ = writeln!(out, "{step:<12} {commit} {attestation}");
    }
    out
}
