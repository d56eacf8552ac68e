//! `amend`: say that an entry was a mistake.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Amend;

/// Say that an entry was a mistake
///
/// Only who signed the entry can. It hides nothing: both stand in every report.
///
/// Examples:
///   git docket amend 41 --reason "wrong environment"
///   git docket amend 41 --by 43 --reason "wrong environment"
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The entry
    #[arg(value_name = "SEQ")]
    seq: u64,
    /// The entry that stands in its place
    #[arg(long, value_name = "SEQ")]
    by: Option<u64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = desk.amend(Amend {
        step: args.common.step("amend"),
        seq: args.seq,
        by: args.by,
        reason: args.reason,
    })?;
    finish(&desk, claim, &args.common, context)
}
