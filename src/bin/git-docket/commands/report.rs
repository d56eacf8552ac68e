//! `report`: what an auditor gets.

use std::path::{Path, PathBuf};

use git_docket::judge::{CheckResult, Verdict};
use git_docket::ops::key::KeySource;
use git_docket::ops::report;
use git_docket::ops::summarize::{self, Frame, Kind};
use git_docket::ops::verify::{self, Remember, Request};
use git_docket::report::audit::Audit;
use git_docket::report::markdown;
use git_docket::timestamp::Timestamp;
use git_docket::verify::Question;

use super::outputs::{self, Output};
use super::recorded;
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
///   git docket report --diff q2.json q3.json
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
    /// Official titles and texts of the packs' controls, from an OSCAL catalog in JSON (repeats)
    #[arg(long = "catalog", value_name = "FILE", requires = "packs")]
    catalogs: Vec<PathBuf>,
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
    /// Write it to a file: FORMAT is markdown, html, csv, sarif, junit, oscal, json, or a signed vsa or svr (repeats)
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = outputs::of_report)]
    outputs: Vec<(Output, PathBuf)>,
    /// Sign a verification summary of it and append that to the ledger: vsa or svr (repeats)
    #[arg(long, value_name = "KIND", value_parser = outputs::summary)]
    append: Vec<Kind>,
    /// The key that signs summaries: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    /// How this verifier is called in summaries
    #[arg(long, value_name = "URI")]
    verifier_id: Option<String>,
    /// How what was verified is called in summaries (git+https://ORIGIN for source)
    #[arg(long, value_name = "URI")]
    resource_uri: Option<String>,
    /// Say what changed between two reports (JSON), and look at nothing else
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with_all = ["subject", "packs", "catalogs", "environment", "period", "at", "pin", "outputs", "append", "no_assert"])]
    diff: Vec<PathBuf>,
    /// Observe only: end with 0 where it would be 1 or 3
    #[arg(long)]
    no_assert: bool,
}

/// Reports.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    if let [before, after] = &args.diff[..] {
        return super::report_diff::run(context, before, after);
    }
    let repository = context.repository()?;
    let mut packs = Vec::new();
    for name in &args.packs {
        let pack = report::pack_named(name)?;
        if !packs.contains(&pack) {
            packs.push(pack);
        }
    }
    for catalog in &args.catalogs {
        report::name_controls(&mut packs, catalog)?;
    }
    let question = match &args.subject {
        Some(word) => verify::question(&repository, Path::new("."), word)?,
        None => Question::Ledger,
    };
    let mut request = Request::new(question.clone());
    request.pin = args.pin;
    request.at = args.at;
    request.remember = Remember::No;
    request.scope.environment = args.environment;
    request.scope.period = args.period;
    let asked = args.subject.unwrap_or_else(|| "the whole ledger".into());
    let ledger = &context.globals.ledger_ref;
    let audit = report::report(&context.world, &repository, ledger, request, &packs, asked)?;
    let frame = Frame {
        revision: match &question {
            Question::Commits(commits) if commits.len() == 1 => commits[0].commit.hex(),
            _ => "HEAD".into(),
        },
        question,
        resource: args.resource_uri,
        verifier: args.verifier_id,
        key: args.key,
    };
    for (output, path) in &args.outputs {
        match output {
            Output::Form(form) => outputs::write(path, outputs::rendered(*form, &audit)?)?,
            Output::Summary(kind) => {
                let signed = summarize::sign(&context.world, &repository, &audit, &frame, *kind)?;
                outputs::write(path, signed.bytes())?;
            }
            Output::Text => outputs::write(path, markdown::markdown(&audit))?,
        }
    }
    context.report(&audit, markdown::markdown)?;
    if !args.append.is_empty() {
        let world = &context.world;
        let kinds = &args.append;
        let entries = summarize::append(world, &repository, ledger, &audit, &frame, kinds)?;
        for line in recorded::text(&entries).lines() {
            context.ui.note(line);
        }
        if let Some(lost) = entries.iter().find_map(|entry| entry.contention.as_ref()) {
            let message = format!("{lost}; the summary is kept in the spool");
            return Err(Stop::new(Exit::Contention, message));
        }
    }
    Ok(exit(&audit, args.no_assert))
}

fn exit(audit: &Audit, no_assert: bool) -> Exit {
    let is_broken = |check: &CheckResult| check.id == "C01" && check.verdict == Verdict::Fail;
    match (audit.verdict, no_assert) {
        _ if audit.checks.iter().any(is_broken) => Exit::Broken,
        (Verdict::NotApplicable, _) => Exit::Undecided,
        (Verdict::Pass | Verdict::Exception, _) | (_, true) => Exit::Pass,
        (Verdict::Unknown, false) => Exit::Undecided,
        (Verdict::Fail, false) => Exit::Failed,
    }
}
