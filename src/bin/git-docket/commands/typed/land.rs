//! `land`: say that a protected ref moved, and which change that was.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Landed;
use git_docket::statement::predicate::{Method, Who};

/// Say that a protected ref moved, and which change that was
///
/// For the push to a protected ref. Which change landed is found by its head, its
/// tree or its recomputed merge; merge, squash and rebase are told from the
/// commits.
///
/// Examples:
///   git docket land
///   git docket land main --from main@{1}
///   git docket land --change direct
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The commit
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,
    /// The change's id, or direct
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// The ref that moved; the first protected one, where left out
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// Where it was; the first parent, where left out
    #[arg(long, value_name = "REV")]
    from: Option<String>,
    /// How: merge, squash or rebase
    #[arg(long, value_name = "WORD")]
    method: Option<Method>,
    /// Who did it: a person, FORGE:LOGIN or <ADDRESS>
    #[arg(long, value_name = "WHO")]
    merger: Option<Who>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, &args.revision)?;
    let claim = desk.land(Landed {
        step: args.common.step("land"),
        change: args.change,
        base: args.reference,
        from: args.from,
        method: args.method,
        merger: args.merger,
    })?;
    finish(&desk, claim, &args.common, context)
}
