//! `gap`: say that evidence is missing.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Missing;
use git_docket::statement::Step;
use git_docket::timestamp::Timestamp;

/// Say that evidence is missing
///
/// A gap hides nothing: it stands in every report.
///
/// Examples:
///   git docket gap --from 2026-11-01 --until 2026-11-02 --reason "the forge was down"
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// From when
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    from: Timestamp,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    until: Timestamp,
    /// Of which step; of all, where left out (repeats)
    #[arg(long = "of", value_name = "STEP")]
    steps: Vec<Step>,
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
    let claim = desk.gap(Missing {
        step: args.common.step("gap"),
        from: args.from,
        until: args.until,
        steps: args.steps,
        reason: args.reason,
    })?;
    finish(&desk, claim, &args.common, context)
}
