//! `review`: say what you think of a change.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Reviewed;
use git_docket::statement::predicate::{ReviewKind, ReviewVerdict};

/// Say what you think of a change
///
/// It gives no permission; approve does.
///
/// Examples:
///   git docket review --verdict approve
///   git docket review topic --verdict request-changes --opened 4 --link https://forge.example.com/7
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The commit
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,
    /// What you think: approve, request-changes or comment
    #[arg(long, value_name = "WORD")]
    verdict: ReviewVerdict,
    /// Of what: code, security, design or compliance
    #[arg(long, value_name = "WORD", default_value = "code")]
    kind: ReviewKind,
    /// What it is held against: a ref; the first protected one, where left out
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// Remarks made
    #[arg(long, value_name = "N")]
    opened: Option<u64>,
    /// Of these done with
    #[arg(long, value_name = "N", requires = "opened")]
    resolved: Option<u64>,
    /// Where it can be read
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, &args.revision)?;
    let claim = desk.review(Reviewed {
        step: args.common.step("review"),
        verdict: args.verdict,
        kind: args.kind,
        base: args.base,
        remarks: args
            .opened
            .map(|opened| (opened, args.resolved.unwrap_or(0))),
        link: args.link,
    })?;
    finish(&desk, claim, &args.common, context)
}
