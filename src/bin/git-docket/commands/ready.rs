//! `ready`: the gate before an act.

use std::path::Path;

use git_docket::ops::ready::{self, Act, Readiness};
use git_docket::ops::verify;
use git_docket::report::escape::Line;
use git_docket::verify::Question;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say whether something may be merged, released or deployed
///
/// Judges only what can be known before that act; what only the act brings is
/// pending, and does not block. Exit codes: 0 ready, 1 something fails, 3
/// something is missing.
///
/// Examples:
///   git docket ready topic --for merge
///   git docket ready v1.2 --for release
///   git docket ready ./app --for deploy:prod --service api
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A revision; for a deployment a file or a digest
    #[arg(value_name = "SUBJECT", default_value = "HEAD")]
    subject: String,
    /// merge, release or deploy:ENVIRONMENT
    #[arg(long = "for", value_name = "ACT")]
    act: String,
    /// The service that is to be deployed; the file's name, where left out
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

/// Judges.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let act = match (args.act.as_str(), args.act.strip_prefix("deploy:")) {
        ("merge", _) => Act::Merge,
        ("release", _) => Act::Release,
        (_, Some(environment)) if !environment.is_empty() => Act::Deploy {
            environment: environment.to_owned(),
            service: args.service.unwrap_or_else(|| file_name(&args.subject)),
        },
        _ => {
            return Err(Stop::usage(
                "--for takes merge, release or deploy:ENVIRONMENT",
            ));
        }
    };
    let question = verify::question(&repository, Path::new("."), &args.subject)?;
    let built = matches!(question, Question::Artifact(_));
    if built != matches!(act, Act::Deploy { .. }) {
        return Err(Stop::usage(
            "a deployment is of a file or a digest, a merge or release of a revision",
        ));
    }
    let ledger = &context.globals.ledger_ref;
    let readiness = ready::ready(
        &context.world,
        &repository,
        ledger,
        &args.subject,
        question,
        &act,
    )?;
    context.report(&readiness, text)?;
    Ok(match readiness.verdict {
        "ready" => Exit::Pass,
        "not-ready" => Exit::Failed,
        _ => Exit::Undecided,
    })
}

fn file_name(word: &str) -> String {
    let name = Path::new(word).file_name().unwrap_or(word.as_ref());
    name.to_string_lossy().into_owned()
}

fn text(readiness: &Readiness) -> String {
    let Readiness {
        verdict,
        subject,
        act,
        ..
    } = readiness;
    let mut text = format!("{verdict}: {} for {}\n", Line(subject), Line(act));
    for obstacle in &readiness.missing {
        text += &format!(
            "  {}: {}\n    {}\n",
            Line(&obstacle.what),
            Line(&obstacle.why),
            Line(&obstacle.remedy)
        );
    }
    if !readiness.pending.is_empty() {
        text += &format!("  pending until then: {}\n", readiness.pending.join(", "));
    }
    text
}
