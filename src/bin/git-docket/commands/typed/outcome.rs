//! `outcome`: say what production said afterwards.

use git_docket::ops::say::Happened;
use git_docket::statement::predicate::{Document, OutcomeKind};
use git_docket::timestamp::Timestamp;

use super::EnvironmentArgs;
use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say what production said afterwards
///
/// Follow-ups are outcomes --about an earlier entry.
///
/// Examples:
///   git docket outcome outage --service api --env prod --caused-by 41
///   git docket outcome recovered --service api --env prod --about 42 --root-cause config
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// What: degraded, outage, rollback, hotfix, security, recovered, slo-burn or healthy
    #[arg(value_name = "KIND")]
    kind: OutcomeKind,
    /// What it happened to
    #[arg(long, value_name = "NAME")]
    service: String,
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// The entry that this one follows up
    #[arg(long, value_name = "SEQ")]
    about: Option<u64>,
    /// The deployment or landing that caused it
    #[arg(long, value_name = "SEQ")]
    caused_by: Option<u64>,
    /// Where it was handled
    #[arg(long, value_name = "URL")]
    incident: Option<String>,
    /// When it was noticed; now, where left out
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    detected: Option<Timestamp>,
    /// When all was well again
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    restored: Option<Timestamp>,
    /// How bad
    #[arg(long, value_name = "WORD")]
    severity: Option<String>,
    /// What lay behind it: code, config, capacity, dependency, process
    #[arg(long, value_name = "WORD")]
    root_cause: Option<String>,
    /// Whether AI had a part in that
    #[arg(long, value_name = "BOOL", requires = "root_cause")]
    ai_related: Option<bool>,
    /// What said so
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = desk.outcome(Happened {
        step: args.common.step("outcome"),
        kind: args.kind,
        service: args.service,
        environment: args.environment.environment()?,
        about: args.about,
        caused_by: args.caused_by,
        incident: args.incident.map(|uri| Document { uri, digest: None }),
        detected: args.detected,
        restored: args.restored,
        severity: args.severity,
        root_cause: args.root_cause,
        ai_related: args.ai_related,
        tool: args.tool,
    })?;
    finish(&desk, claim, &args.common, context)
}
