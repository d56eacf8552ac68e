//! `except`: let something through that a check would stop.

use std::path::{Path, PathBuf};

use git_docket::ingest::reports::Says;
use git_docket::ops::reported::Source;
use git_docket::ops::say::Except;
use git_docket::statement::predicate::{ExceptedFinding, ExceptionScope, Who};
use git_docket::timestamp::Timestamp;

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Let something through that a check would stop
///
/// It reaches what it names, until it expires. One that names no finding is
/// blanket, and shown so. Whoever signs grants it, and may not be who asked.
///
/// Examples:
///   git docket except C09 --reason TEXT --requested-by ada --expires 2027-01-01
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The checks
    #[arg(value_name = "Cnn", required = true)]
    checks: Vec<String>,
    /// A finding: ID or ID@LOCATION (repeats)
    #[arg(long = "finding", value_name = "ID[@LOCATION]", value_parser = super::finding)]
    findings: Vec<ExceptedFinding>,
    /// Findings that a VEX document (OpenVEX, CycloneDX) says do no harm
    #[arg(long, value_name = "FILE|-")]
    vex: Option<PathBuf>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    expires: Timestamp,
    /// Who asked for it: a person, FORGE:LOGIN or <ADDRESS>
    #[arg(long, value_name = "WHO")]
    requested_by: Who,
    /// Only for this service (repeats)
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Only in this environment (repeats)
    #[arg(long = "env", value_name = "NAME")]
    environments: Vec<String>,
    /// Only for these paths: a glob (repeats)
    #[arg(long = "path", value_name = "GLOB")]
    paths: Vec<String>,
    /// What may come of it
    #[arg(long, value_name = "TEXT")]
    risk: Option<String>,
    /// What is done instead (repeats)
    #[arg(long, value_name = "TEXT")]
    compensating: Vec<String>,
    /// It was taken before it was granted; by when it is looked at again
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    break_glass: Option<Timestamp>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = desk.except(Except {
        step: args.common.step("except"),
        checks: args.checks,
        findings: findings(&args.findings, args.vex.as_deref())?,
        scope: ExceptionScope {
            services: args.services,
            environments: args.environments,
            paths: args.paths,
            artifacts: Vec::new(),
        },
        reason: args.reason,
        risk: args.risk,
        compensating: args.compensating,
        requested_by: args.requested_by,
        expires: args.expires,
        break_glass: args.break_glass,
    })?;
    finish(&desk, claim, &args.common, context)
}

/// The findings that were named, and those of the document. One that excuses nothing is refused: without findings the
/// exception would be blanket.
fn findings(named: &[ExceptedFinding], vex: Option<&Path>) -> Result<Vec<ExceptedFinding>, Stop> {
    let mut findings = named.to_vec();
    if let Some(path) = vex {
        let bytes = super::super::read_bytes(path)?;
        let report = Source {
            path,
            bytes: &bytes,
        }
        .read()?;
        let Says::Justified(justified) = report.says else {
            return Err(Stop::usage(format!(
                "{}: {} is no VEX document",
                path.display(),
                report.kind
            )));
        };
        if justified.is_empty() {
            return Err(Stop::usage(format!(
                "{}: it says of no finding that it does no harm",
                path.display()
            )));
        }
        findings.extend(justified.into_iter().map(|one| ExceptedFinding {
            id: one.id,
            location: None,
        }));
        findings.sort_by(|a, b| (&a.id, &a.location).cmp(&(&b.id, &b.location)));
        findings.dedup();
    }
    Ok(findings)
}
