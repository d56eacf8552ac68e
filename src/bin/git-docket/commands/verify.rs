//! `verify`: replay the ledger and judge it.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use git_docket::{
    finding::{Code, Finding},
    judge::{checks, layout::Key},
    ops::{
        judgement::Wanted,
        layout::Given,
        report,
        verify::{self, Remember, Replayed, Request},
    },
    report::{
        form::Form,
        json,
        verdict::{Frame, VerdictView},
    },
    statement::DigestSet,
    timestamp::Timestamp,
    verify::{Artifact, Keep, Question, Verdict},
};

use super::outputs::{self, Output};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Replay the ledger and judge it, offline
///
/// Without SUBJECT: the whole ledger and every entry, but no required steps,
/// which are asked of a commit. With one: the ledger, and the entries and
/// required steps of a commit, of every commit in a range, or of the commits
/// that an artifact came from.
///
/// Exit codes: 0 pass, 1 failed, 3 undecided, 4 the ledger is broken, 5 could
/// not look.
///
/// Examples:
///   git docket verify
///   git docket verify v1.0..HEAD
///   git docket verify ./target/release/app
///   git docket verify HEAD --layout root.layout --layout-key owner.pub
///   git docket verify sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A revision, a range A..B, a file, or a digest alg:hex
    #[arg(value_name = "SUBJECT", conflicts_with = "file")]
    subject: Option<String>,
    /// A file, never read as a revision
    #[arg(last = true, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Hold the ledger to the pin in this file
    #[arg(long, value_name = "FILE")]
    pin: Option<PathBuf>,
    /// Hold the ledger to a seal that another reader has (repeats)
    #[arg(long = "seal", value_name = "FILE")]
    seals: Vec<PathBuf>,
    /// Believe this trusted_root.json about keyless signatures, not the program's (repeats)
    #[arg(long = "trusted-root", value_name = "FILE")]
    trusted_roots: Vec<PathBuf>,
    /// Judge a proof of a fork or rollback, which no repository is needed for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["subject", "file", "seals", "at", "environment", "period", "checks", "layout", "threads", "no_assert", "outputs"])]
    fork_proof: Option<PathBuf>,
    /// Judge as of this time (RFC 3339), and remember nothing
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// Judge deployments to this environment, and the changes that they brought
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Judge what landed or was deployed from the first day to the last: 2026-07-01..2026-09-30
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    period: Option<(Timestamp, Timestamp)>,
    /// Run these checks, whatever the policy enforces: C05, or all
    #[arg(long = "check", value_name = "Cnn", value_parser = check)]
    checks: Vec<String>,
    /// Hold the links of classic in-toto about a commit against this layout
    #[arg(long, value_name = "FILE", requires_all = ["subject", "layout_keys"])]
    layout: Option<PathBuf>,
    /// A public key of the layout's owners (PEM); each has to have signed it (repeats)
    #[arg(long = "layout-key", value_name = "PUB", requires = "layout")]
    layout_keys: Vec<PathBuf>,
    /// How many threads may work; the verdict does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Observe only: end with 0 where it would be 1 or 3 (an empty result stays 3, a broken ledger 4)
    #[arg(long)]
    no_assert: bool,
    /// Write it to a file as well: FORMAT is text, json, or a report's markdown, html, csv, sarif, junit or oscal (repeats)
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = outputs::of_verdict)]
    outputs: Vec<(Output, PathBuf)>,
}

/// Judges.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    if let Some(path) = &args.fork_proof {
        return super::fork_proof::run(context, path, args.pin.as_deref());
    }
    let repository = context.repository()?;
    let question = match (&args.subject, &args.file) {
        (Some(word), _) => verify::question(&repository, Path::new("."), word)?,
        (None, Some(file)) => Question::Artifact(Artifact {
            name: file.display().to_string(),
            digest: DigestSet::sha256(&verify::digest_of(file)?),
        }),
        (None, None) => Question::Ledger,
    };
    let file = args.file.map(|file| file.display().to_string());
    let layout = match &args.layout {
        Some(path) => Some(layout(path, &args.layout_keys, &question)?),
        None => None,
    };
    let mut request = Request::new(question);
    request.layout = layout;
    request.pin = args.pin;
    request.seals = args.seals;
    request.trusted_roots = args.trusted_roots;
    if let Some(threads) = args.threads {
        request.threads = threads;
    }
    if args.at.is_some() {
        request.remember = Remember::No;
    }
    request.at = args.at;
    request.scope.environment = args.environment;
    request.scope.period = args.period;
    let is_report = |output: &Output| matches!(output, Output::Form(form) if *form != Form::Json);
    if args.outputs.iter().any(|(output, _)| is_report(output)) {
        request.keep = Keep::Said;
    }
    if !args.checks.is_empty() {
        request.checks = Wanted::These(wanted_ids(args.checks));
        request.keep = Keep::Said;
    }
    let replayed = verify::verify(
        &context.world,
        &repository,
        &context.globals.ledger_ref,
        &request,
    )?;
    let asked = args
        .subject
        .or(file)
        .unwrap_or_else(|| "the whole ledger".into());
    let frame = Frame {
        asked: asked.clone(),
        pin: replayed.pin.to_string(),
        pending: replayed.pending,
        at: args.at.unwrap_or(context.world.now),
        at_chosen: args.at.is_some(),
        absent: replayed.absent.clone(),
        checks: replayed.checks.clone(),
        layout: replayed.layout.clone(),
    };
    let view = VerdictView::of(&replayed.outcome, frame);
    context.report(&view, VerdictView::to_text)?;
    for path in &replayed.fork_proofs {
        context.ui.warning(format!(
            "a proof for others is in {}; `git docket verify --fork-proof FILE` checks it",
            path.display()
        ));
    }
    for (output, path) in &args.outputs {
        let text = match output {
            Output::Form(Form::Json) => {
                json::document(&view).map_err(|error| Stop::new(Exit::CouldNotLook, error))?
            }
            Output::Form(form) => {
                let audit = report::of_verified(&repository, &replayed, &request, asked.clone())?;
                outputs::rendered(*form, &audit)?
            }
            _ => view.to_text(),
        };
        outputs::write(path, text)?;
    }
    Ok(exit(&replayed, args.no_assert))
}

fn layout(path: &Path, keys: &[PathBuf], question: &Question) -> Result<Given, Stop> {
    let Question::Commits(subjects) = question else {
        return Err(
            Stop::usage("a layout is held against the links about commits")
                .hint("name a revision or a range"),
        );
    };
    let keys = keys.iter().map(|path| {
        let bytes = super::read_bytes(path)?;
        let text = String::from_utf8_lossy(&bytes);
        Key::from_pem(&text).map_err(|error| Stop::usage(format!("{}: {error}", path.display())))
    });
    Ok(Given {
        bytes: super::read_bytes(path)?,
        keys: keys.collect::<Result<_, _>>()?,
        commits: subjects.iter().map(|subject| subject.commit).collect(),
    })
}

pub(super) fn wanted_ids(ids: Vec<String>) -> Vec<String> {
    let all = || checks::ALL.iter().map(|check| check.id.to_owned());
    match ids.iter().any(|id| id == "all") {
        true => all().collect(),
        false => ids,
    }
}

pub(super) fn check(id: &str) -> Result<String, String> {
    match id == "all" || checks::check(id).is_some() {
        true => Ok(id.to_owned()),
        false => Err("expected C01 to C28, or all".into()),
    }
}

/// Whole days in UTC, the last one included.
pub(super) fn period(text: &str) -> Result<(Timestamp, Timestamp), String> {
    const DAY: i64 = 86_400;
    let day = |day: &str| format!("{day}T00:00:00Z").parse::<Timestamp>().ok();
    let days = text.split_once("..").and_then(|(from, to)| {
        let (from, to) = (day(from)?, day(to)?);
        Some((from, Timestamp::from_unix(to.unix() + DAY).ok()?))
    });
    days.filter(|(from, to)| from < to)
        .ok_or_else(|| "expected two days such as 2026-07-01..2026-09-30".into())
}

fn exit(replayed: &Replayed, no_assert: bool) -> Exit {
    let nothing = |one: &Finding| one.code == Code::NoEntries;
    let empty = replayed.outcome.findings.iter().any(nothing) || replayed.outcome.counts.asked == 0;
    match replayed.outcome.verdict {
        Verdict::Broken => Exit::Broken,
        Verdict::Pass if empty => Exit::Undecided,
        Verdict::Pass => Exit::Pass,
        Verdict::Failed | Verdict::Undecided if no_assert && !empty => Exit::Pass,
        Verdict::Failed => Exit::Failed,
        Verdict::Undecided => Exit::Undecided,
    }
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).map_err(|error| error.to_string())
}
