//! `deploy`: say that something built was put to work.

use git_docket::ingest::running::planned::{self, Source};
use git_docket::ops::say::Deploy;
use git_docket::statement::predicate::{DeploymentReason, DeploymentResult, Who};
use git_docket::timestamp::Timestamp;

use super::EnvironmentArgs;
use super::{Common, finish, finish_all};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say that something built was put to work
///
/// What it relies on, what ran there before, and the changes it brings are found
/// in the ledger. With --from, services and digests are those of a file that the
/// deploying tool was given; each service is an entry.
///
/// Examples:
///   git docket deploy --env prod --service api --artifact ./app
///   git docket deploy --env prod --from helm manifest.yaml
///   git docket deploy --env prod --service api --artifact api@sha256:4f2c... --rollback v1.1
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// What people call the thing that runs; with --from, the only one of the file's that is meant
    #[arg(long, value_name = "NAME", required_unless_present = "from")]
    service: Option<String>,
    /// What was put there: a file or a digest
    #[arg(
        long,
        value_name = "FILE|DIGEST",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    artifact: Option<String>,
    /// What was put there: k8s-manifest, helm, terraform-show-json or docker-inspect, and the file
    #[arg(long, num_args = 2, value_names = ["KIND", "FILE|-"])]
    from: Option<Vec<String>>,
    /// What was there before; the last deployment's, where left out
    #[arg(long, value_name = "FILE|DIGEST", conflicts_with = "from")]
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
    let services = services(&args)?;
    let environment = args.environment.environment()?;
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = |(service, artifact): (String, String)| {
        desk.deploy(Deploy {
            step: args.common.step("deploy"),
            environment: environment.clone(),
            service,
            artifact,
            previous: args.previous.clone(),
            strategy: args.strategy.clone(),
            reason: args.reason,
            result: args.result,
            started: args.started,
            finished: args.finished,
            rollback: args.rollback.clone(),
            changes: args.changes.clone(),
            triggered_by: args.triggered_by.clone(),
            url: args.url.clone(),
        })
    };
    let mut claims: Vec<_> = services.into_iter().map(claim).collect::<Result<_, _>>()?;
    match (claims.len(), claims.pop()) {
        (1, Some(claim)) => finish(&desk, claim, &args.common, context),
        (_, last) => {
            claims.extend(last);
            finish_all(&desk, claims, &args.common, context)
        }
    }
}

/// Service and artifact of each.
fn services(args: &Args) -> Result<Vec<(String, String)>, Stop> {
    let Some((source, path)) = super::source::<Source>(args.from.as_deref())? else {
        let both = args.service.clone().zip(args.artifact.clone());
        return Ok(both.into_iter().collect());
    };
    let bytes = super::super::read_bytes(&path)?;
    let mut plan = planned::read(source, &bytes).map_err(|error| super::refused(&path, &error))?;
    if let Some(name) = &args.service {
        plan.retain(|service| service.name == *name);
    }
    if plan.is_empty() {
        let name = args.service.as_deref().unwrap_or_default();
        return Err(Stop::usage(format!(
            "{}: it names no service {name}",
            path.display()
        )));
    }
    Ok(plan.iter().map(super::named).collect())
}
