//! `attest`: attest something that happened.

use std::path::{Path, PathBuf};

use git_docket::{
    canonical,
    ingest::reports::{Report, Says},
    ops::{
        key::KeySource,
        record::{Claim, Recorder, Rehash},
        reported::{self, Keep, Source, usual_step},
        verify::{digest_of, digest_word},
    },
    statement::{DigestSet, PredicateType, Statement, Step, Subject},
};

use super::recorded;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Attest something that happened
///
/// Signs a statement about a commit, or about artifacts, and appends it. A
/// SUBJECT is a file (its SHA-256 is taken), alg:hex, or NAME@alg:hex; with
/// none, the statement is about the commit and its tree. A report of another tool
/// (--evidence) is recognised by its content; git docket help evidence lists which.
///
/// Examples:
///   git docket attest --step scan --type scai --predicate scan.json target/release/app
///   git docket attest --step review --type https://example.com/review/v1 --predicate -
///   git docket attest --step build --statement statement.json
///   git docket attest --evidence trivy.json app@sha256:4f2c...
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The step that happened; with --evidence, where left out: test, scan, sbom or measure
    #[arg(long, required_unless_present = "evidence")]
    step: Option<Step>,
    /// The predicate's type: a short name (git docket help statement lists them) or a URI
    #[arg(long = "type", value_name = "TYPE", requires = "predicate", value_parser = resolve)]
    predicate_type: Option<PredicateType>,
    /// The predicate as a JSON object; - reads standard input
    #[arg(long, value_name = "FILE|-", requires = "predicate_type")]
    predicate: Option<PathBuf>,
    /// A whole in-toto statement instead; its place is written onto its first subject
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["predicate", "subjects"])]
    statement: Option<PathBuf>,
    /// A report of another tool; - reads standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["predicate", "statement"])]
    evidence: Option<PathBuf>,
    /// Name the report by its digest alone
    #[arg(long, requires = "evidence")]
    private: bool,
    /// Where the private report can be had by those who may
    #[arg(long, value_name = "URI", requires = "private")]
    report_uri: Option<String>,
    /// The policy that OPA or Conftest held against its input; its SHA-256 is stated
    #[arg(long, value_name = "FILE", requires = "evidence")]
    policy_file: Vec<PathBuf>,
    /// What OPA or Conftest was given; its SHA-256 is stated
    #[arg(long, value_name = "FILE", requires = "evidence")]
    input_file: Option<PathBuf>,
    /// What it is about
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// Also about these digests, alg:hex or NAME@alg:hex
    #[arg(long, value_name = "DIGEST")]
    subject_digest: Vec<String>,
    /// The commit that it belongs to
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    commit: String,
    /// Add the tree, hashed again with SHA-256, as a subject (a release always has it)
    #[arg(long)]
    rehash: bool,
    /// The key to sign with: a key's name, a PEM file, or env://VARIABLE
    #[arg(long)]
    key: Option<KeySource>,
}

/// Attests.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let open = || {
        let (world, ledger) = (&context.world, &context.globals.ledger_ref);
        Recorder::open(world, &repository, ledger, args.key.as_ref(), &args.commit)
    };
    let (claim, recorder) = match &args.evidence {
        None => (claim(&args, context)?, open()?),
        Some(path) => {
            let bytes = super::read_bytes(path)?;
            let source = Source {
                path,
                bytes: &bytes,
            };
            let mut report = source.read()?;
            decided(&args, source, &mut report, context)?;
            let recorder = open()?;
            (reported(&args, path, &bytes, report, &recorder)?, recorder)
        }
    };
    recorded::report(recorder.record(vec![claim])?, context)
}

/// Adds what the report of a policy engine does not say itself.
fn decided(
    args: &Args,
    source: Source<'_>,
    report: &mut Report,
    context: &Context,
) -> Result<(), Stop> {
    let mut policies = Vec::new();
    for path in &args.policy_file {
        policies.push((path.display().to_string(), digest_of(path)?));
    }
    let input = args.input_file.as_deref().map(digest_of).transpose()?;
    if !policies.is_empty() || input.is_some() {
        reported::decided(source, report, policies, input)?;
    }
    if let Says::Figures(figures) = &report.says
        && report.kind.is_decision()
        && figures.policies.is_empty()
    {
        context
            .ui
            .note("which policy was evaluated is not said: --policy-file FILE says it");
    }
    Ok(())
}

fn reported(
    args: &Args,
    path: &Path,
    bytes: &[u8],
    report: Report,
    recorder: &Recorder<'_>,
) -> Result<Claim, Stop> {
    let keep = match args.private {
        true => Keep::Private(args.report_uri.clone()),
        false => Keep::UpTo(recorder.keeps_reports_of()?),
    };
    let step = args.step.clone().unwrap_or_else(|| usual_step(&report));
    let mut subjects = vec![recorder.subject()];
    subjects.extend(named(args)?);
    let (source, speaker) = (Source { path, bytes }, recorder.speaker());
    Ok(reported::claim(
        source,
        report,
        &keep,
        speaker.as_ref(),
        step,
        subjects,
    )?)
}

fn claim(args: &Args, context: &Context) -> Result<Claim, Stop> {
    let Some(step) = args.step.clone() else {
        return Err(Stop::usage("say which step happened: --step STEP"));
    };
    let rehash = if step.as_str() == "release" || args.rehash {
        Rehash::Yes
    } else {
        Rehash::No
    };
    if let Some(path) = &args.statement {
        let statement =
            Statement::parse(&super::read_bytes(path)?).map_err(|error| bad(path, error))?;
        return Ok(Claim {
            step,
            predicate_type: statement.predicate_type().clone(),
            predicate: statement.predicate().clone(),
            subjects: statement.subjects().to_vec(),
            rehash,
        });
    }
    let (Some(predicate_type), Some(path)) = (&args.predicate_type, &args.predicate) else {
        return Err(Stop::usage(
            "nothing is said: give --type and --predicate, or --statement",
        ));
    };
    let value =
        canonical::parse_strict(&super::read_bytes(path)?).map_err(|error| bad(path, error))?;
    let serde_json::Value::Object(predicate) = value else {
        return Err(Stop::usage(format!(
            "{}: a predicate is a JSON object",
            path.display()
        )));
    };
    git_docket::statement::predicate::check(predicate_type, &predicate)
        .map_err(|error| bad(path, error))?;
    if predicate_type.short_name().is_none() {
        context
            .ui
            .note(format!("{predicate_type} is carried, and not understood"));
    }
    Ok(Claim {
        step,
        predicate_type: predicate_type.clone(),
        predicate,
        subjects: named(args)?,
        rehash,
    })
}

/// The subjects that were named.
fn named(args: &Args) -> Result<Vec<Subject>, Stop> {
    let words = args.subjects.iter().map(|word| (word, Path::new(word)));
    let mut subjects = Vec::new();
    for (word, path) in words {
        subjects.push(subject(word, path)?);
    }
    for word in &args.subject_digest {
        let (name, digest) = digest_word(word)?.ok_or_else(|| {
            Stop::usage(format!(
                "--subject-digest: {word:?} is not alg:hex or NAME@alg:hex"
            ))
        })?;
        subjects.push(Subject::new(digest).named(name));
    }
    Ok(subjects)
}

fn subject(word: &str, path: &Path) -> Result<Subject, Stop> {
    if let Some((name, digest)) = digest_word(word)? {
        return Ok(Subject::new(digest).named(name));
    }
    let digest = DigestSet::sha256(&digest_of(path)?);
    Ok(Subject::new(digest).named(word))
}

fn bad(path: &Path, error: impl std::error::Error + 'static) -> Stop {
    let mut text = format!("{}: {error}", path.display());
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    Stop::usage(text)
}

fn resolve(text: &str) -> Result<PredicateType, String> {
    PredicateType::resolve(text).map_err(|error| error.to_string())
}
