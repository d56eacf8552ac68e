//! `insight`: how delivery goes.

use std::path::PathBuf;

use git_docket::insight::Asked;
use git_docket::ops::insight::insight;
use git_docket::report::insight::text::text;
use git_docket::report::insight::{Form, FormError};
use git_docket::timestamp::Timestamp;

use super::verify::{period, time};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Measure delivery by service, week and AI cohort, from signed entries
///
/// DORA's five measures, the wait in each stage, the velocity gap, control
/// coverage, review pace, exceptions, cost and SLO. Every rate has its n and an
/// interval; what nobody recorded is unknown, never zero. Persons are not ranked.
///
/// Examples:
///   git docket insight
///   git docket insight --period 2026-07-01..2026-09-30 -o json
///   git docket insight --output html=delivery.html --output openmetrics=d.prom
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// These days: 2026-07-01..2026-09-30; else the newest entry's week and twelve before it
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    period: Option<(Timestamp, Timestamp)>,
    /// What counts as production; else every environment of tier prod
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Write it to a file: FORMAT is html, csv, openmetrics, json or text (repeats)
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = output)]
    outputs: Vec<(Form, PathBuf)>,
    /// As of this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
}

/// Measures.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let asked = Asked {
        period: args.period,
        environment: args.environment,
    };
    let ledger = &context.globals.ledger_ref;
    let insight = insight(&context.world, &repository, ledger, asked, args.at)?;
    for (form, path) in &args.outputs {
        let written = form.render(&insight);
        let written = written.map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
        std::fs::write(path, written).map_err(|error| {
            let message = format!("{} cannot be written: {error}", path.display());
            Stop::new(Exit::CouldNotLook, message)
        })?;
    }
    context.report(&insight, text)?;
    if insight.is_empty() {
        context
            .ui
            .note("nothing that is measured was recorded in that time");
        return Ok(Exit::Undecided);
    }
    Ok(Exit::Pass)
}

fn output(text: &str) -> Result<(Form, PathBuf), String> {
    let (form, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("expected FORMAT=FILE")?;
    let form = form.parse().map_err(|error: FormError| error.to_string())?;
    Ok((form, path.into()))
}
