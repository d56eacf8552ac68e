//! `observe`: say what was seen running.

use std::path::PathBuf;

use git_docket::ops::say::Observe;

use super::EnvironmentArgs;
use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say what was seen running
///
/// With --complete: what is not listed did not run.
///
/// Examples:
///   git docket observe --env prod --tool kubectl --complete api=sha256:4f2c...
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// What ran: SERVICE=DIGEST
    #[arg(value_name = "SERVICE=DIGEST", required = true, value_parser = super::pair)]
    items: Vec<(String, String)>,
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// What was asked
    #[arg(long, value_name = "NAME")]
    tool: String,
    /// Whether that is all
    #[arg(long)]
    complete: bool,
    /// The answer, whose digest is recorded
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let answer = args.answer.as_deref().map(super::read).transpose()?;
    let claim = desk.observe(Observe {
        step: args.common.step("observe"),
        environment: args.environment.environment(),
        tool: args.tool,
        items: args.items,
        complete: args.complete,
        answer,
    })?;
    finish(&desk, claim, &args.common, context)
}
