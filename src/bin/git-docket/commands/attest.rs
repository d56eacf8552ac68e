//! `attest`: attest something that happened.

mod evidence;
mod said;

use std::path::PathBuf;

use git_docket::ops::key::KeySource;
use git_docket::ops::record::Recorder;
use git_docket::ops::reported::Source;
use git_docket::statement::{PredicateType, Step};

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
    /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    #[command(flatten)]
    keyless: super::keyless::Flags,
}

/// Attests.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let keyless = args.keyless.request();
    let repository = context.repository()?;
    let open = || {
        let (world, ledger) = (&context.world, &context.globals.ledger_ref);
        let key = args.key.as_ref();
        match &keyless {
            None => Recorder::open(world, &repository, ledger, key, &args.commit),
            Some(how) => {
                Recorder::open_keyless(world, &repository, ledger, (how, key), &args.commit)
            }
        }
    };
    let (claim, recorder) = match &args.evidence {
        None => (said::claim(&args, context)?, open()?),
        Some(path) => {
            let bytes = super::read_bytes(path)?;
            let source = Source {
                path,
                bytes: &bytes,
            };
            let mut report = source.read()?;
            evidence::decided(&args, source, &mut report, context)?;
            let recorder = open()?;
            (
                evidence::claim(&args, path, &bytes, report, &recorder)?,
                recorder,
            )
        }
    };
    recorded::report(recorder.record(vec![claim])?, context)
}

fn resolve(text: &str) -> Result<PredicateType, String> {
    PredicateType::resolve(text).map_err(|error| error.to_string())
}
