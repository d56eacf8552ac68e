//! `attest`: attest something that happened.

use std::path::{Path, PathBuf};

use git_docket::{
    canonical,
    ops::{
        key::KeySource,
        record::{Claim, Recorder, Rehash},
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
/// none, the statement is about the commit and its tree.
///
/// Examples:
///   git docket attest --step scan --type scai --predicate scan.json target/release/app
///   git docket attest --step review --type https://example.com/review/v1 --predicate -
///   git docket attest --step build --statement statement.json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The step that happened
    #[arg(long)]
    step: Step,
    /// The predicate's type: a short name (git docket help statement lists them) or a URI
    #[arg(long = "type", value_name = "TYPE", requires = "predicate", value_parser = resolve)]
    predicate_type: Option<PredicateType>,
    /// The predicate as a JSON object; - reads standard input
    #[arg(long, value_name = "FILE|-", requires = "predicate_type")]
    predicate: Option<PathBuf>,
    /// A whole in-toto statement instead; its place is written onto its first subject
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["predicate", "subjects"])]
    statement: Option<PathBuf>,
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
    let claim = claim(&args, context)?;
    let recorder = Recorder::open(
        &context.world,
        &repository,
        &context.globals.ledger_ref,
        args.key.as_ref(),
        &args.commit,
    )?;
    recorded::report(recorder.record(vec![claim])?, context)
}

fn claim(args: &Args, context: &Context) -> Result<Claim, Stop> {
    let release = args.step.as_str() == "release";
    let rehash = if release || args.rehash {
        Rehash::Yes
    } else {
        Rehash::No
    };
    let step = args.step.clone();
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
    Ok(Claim {
        step,
        predicate_type: predicate_type.clone(),
        predicate,
        subjects,
        rehash,
    })
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
