//! `report`: what an auditor gets.

use std::path::{Path, PathBuf};

use git_docket::judge::Verdict;
use git_docket::ops::report;
use git_docket::ops::verify::{self, Remember, Request};
use git_docket::report::form::{Form, FormError};
use git_docket::report::markdown;
use git_docket::timestamp::Timestamp;
use git_docket::verify::Question;

use super::verify::{period, time};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Report what the ledger shows, by framework and check
///
/// Without SUBJECT: everything. The report opens with scope, population counts
/// from both sides and what is not covered; exceptions come before passes; each
/// verdict leads to entries, and these to signed bytes. The same ledger, policy
/// and question give the same bytes.
///
/// Examples:
///   git docket report --pack slsa --pack ssdf --output html=audit.html
///   git docket report --environment prod --period 2026-07-01..2026-09-30
///   git docket report v1.0..v1.1 --output markdown=summary.md --output sarif=c.sarif
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A revision, a range A..B, a file, or a digest alg:hex
    #[arg(value_name = "SUBJECT")]
    subject: Option<String>,
    /// A framework: slsa, nist-800-53, ssdf, osps, soc2, ai, or a pack's file (repeats)
    #[arg(long = "pack", value_name = "NAME|FILE")]
    packs: Vec<String>,
    /// Deployments to this environment, and the changes that they brought
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What landed or was deployed in these days: 2026-07-01..2026-09-30
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    period: Option<(Timestamp, Timestamp)>,
    /// Judge as of this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Hold the ledger to the pin in this file
    #[arg(long, value_name = "FILE")]
    pin: Option<PathBuf>,
    /// Write it to a file: markdown, html, csv, sarif, junit or json, =FILE (repeats)
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = output)]
    outputs: Vec<(Form, PathBuf)>,
    /// Observe only: end with 0 where it would be 1 or 3
    #[arg(long)]
    no_assert: bool,
}

/// Reports.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let packs: Result<Vec<_>, _> = args
        .packs
        .iter()
        .map(|name| report::pack_named(name))
        .collect();
    let question = match &args.subject {
        Some(word) => verify::question(&repository, Path::new("."), word)?,
        None => Question::Ledger,
    };
    let mut request = Request::new(question);
    request.pin = args.pin;
    request.at = args.at;
    request.remember = Remember::No;
    request.scope.environment = args.environment;
    request.scope.period = args.period;
    let asked = args.subject.unwrap_or_else(|| "the whole ledger".into());
    let ledger = &context.globals.ledger_ref;
    let audit = report::report(&context.world, &repository, ledger, request, &packs?, asked)?;
    for (form, path) in &args.outputs {
        let text = form
            .render(&audit)
            .map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
        std::fs::write(path, text).map_err(|error| {
            Stop::new(
                Exit::CouldNotLook,
                format!("{} cannot be written: {error}", path.display()),
            )
        })?;
    }
    context.report(&audit, markdown::markdown)?;
    Ok(match (audit.verdict, args.no_assert) {
        _ if audit
            .checks
            .iter()
            .any(|check| check.id == "C01" && check.verdict == Verdict::Fail) =>
        {
            Exit::Broken
        }
        (Verdict::NotApplicable, _) => Exit::Undecided,
        (Verdict::Pass | Verdict::Exception, _) | (_, true) => Exit::Pass,
        (Verdict::Unknown, false) => Exit::Undecided,
        (Verdict::Fail, false) => Exit::Failed,
    })
}

fn output(text: &str) -> Result<(Form, PathBuf), String> {
    let (form, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("expected FORMAT=FILE")?;
    let form = form.parse().map_err(|error: FormError| error.to_string())?;
    Ok((form, path.into()))
}
