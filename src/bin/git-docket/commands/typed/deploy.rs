//! `deploy`: say that something built was put to work.

use git_docket::ops::say::Deploy;
use git_docket::statement::predicate::{DeploymentReason, DeploymentResult, Who};
use git_docket::timestamp::Timestamp;

use super::EnvironmentArgs;
use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say that something built was put to work
///
/// What it relies on, what ran there before, and the changes it brings are found
/// in the ledger.
///
/// Examples:
///   git docket deploy --env prod --service api --artifact ./app
///   git docket deploy --env prod --service api --artifact api@sha256:4f2c... --rollback v1.1
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// What people call the thing that runs
    #[arg(long, value_name = "NAME")]
    service: String,
    /// What was put there: a file or a digest
    #[arg(long, value_name = "FILE|DIGEST")]
    artifact: String,
    /// What was there before; the last deployment's, where left out
    #[arg(long, value_name = "FILE|DIGEST")]
    previous: Option<String>,
    /// How: rolling, blue-green, canary
    #[arg(long, value_name = "WORD")]
    strategy: Option<String>,
    /// Why: planned, unplanned-fix or rollback
    #[arg(long, value_name = "WORD", default_value = "planned")]
    reason: DeploymentReason,
    /// How it ended: success, failure or aborted
    #[arg(long, value_name = "WORD", default_value = "success")]
    result: DeploymentResult,
    /// From when
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    started: Option<Timestamp>,
    /// Until when; now, where left out
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    finished: Option<Timestamp>,
    /// How it is undone: a digest, a run book
    #[arg(long, value_name = "TEXT")]
    rollback: Option<String>,
    /// A change that came with it (repeats)
    #[arg(long = "change", value_name = "ID")]
    changes: Vec<String>,
    /// Who set it off
    #[arg(long, value_name = "WHO")]
    triggered_by: Option<Who>,
    /// Where that can be seen
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = desk.deploy(Deploy {
        step: args.common.step("deploy"),
        environment: args.environment.environment(),
        service: args.service,
        artifact: args.artifact,
        previous: args.previous,
        strategy: args.strategy,
        reason: args.reason,
        result: args.result,
        started: args.started,
        finished: args.finished,
        rollback: args.rollback,
        changes: args.changes,
        triggered_by: args.triggered_by,
        url: args.url,
    })?;
    finish(&desk, claim, &args.common, context)
}
