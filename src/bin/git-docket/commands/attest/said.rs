//! `attest` in somebody's own words: a predicate or a whole statement, and its subjects.

use std::path::Path;

use git_docket::canonical;
use git_docket::finding::chain;
use git_docket::ops::record::{Claim, Rehash};
use git_docket::ops::verify::{digest_of, digest_word};
use git_docket::statement::{DigestSet, Statement, Subject};

use super::Args;
use crate::context::Context;
use crate::exit::Stop;

/// What the predicate or the statement says, as a claim.
pub(super) fn claim(args: &Args, context: &Context) -> Result<Claim, Stop> {
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
            Statement::parse(&super::super::read_bytes(path)?).map_err(|error| bad(path, error))?;
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
    let value = canonical::parse_strict(&super::super::read_bytes(path)?)
        .map_err(|error| bad(path, error))?;
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
pub(super) fn named(args: &Args) -> Result<Vec<Subject>, Stop> {
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
    Stop::usage(format!("{}: {}", path.display(), chain(&error)))
}
