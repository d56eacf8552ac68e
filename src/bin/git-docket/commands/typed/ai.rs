//! `ai`: say whether AI had a hand in a commit, and look up who said so.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Common, finish};
use crate::commands::{ai_status, imported};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::key::KeySource;
use git_docket::ops::say::{Assisted, Desk};
use git_docket::statement::Step;
use git_docket::statement::predicate::{AiKind, Label, PersonId};

/// Say whether AI had a hand in a commit
///
/// One signed none serves a whole change. With trailers or git-ai's notes nobody
/// need say anything: collect makes one statement for each change (`git docket
/// help ai`). No prompt is recorded: at most its digest.
///
/// Examples:
///   git docket ai none
///   git docket ai assisted --tool helper --model provider/model-1
///   git docket ai collect origin/main..HEAD
///   git docket ai status v1.0..HEAD
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// No AI took part
    None(Said),
    /// It helped a person
    Assisted(Said),
    /// It worked on its own
    Autonomous(Said),
    /// Make one statement for each change from its commits' trailers and notes
    Collect(Collect),
    /// Say of each commit who said what of AI
    Status {
        /// The commits
        #[arg(value_name = "RANGE", default_value = "HEAD")]
        range: String,
    },
}

#[derive(clap::Args, Debug)]
struct Said {
    /// The commit
    #[arg(long = "commit", value_name = "REV", default_value = "HEAD")]
    revision: String,
    /// The human who answers for it; whoever signs, where left out
    #[arg(long, value_name = "ID")]
    operator: Option<PersonId>,
    /// The tool
    #[arg(long, value_name = "NAME")]
    tool: Option<Label>,
    /// Its version
    #[arg(long, value_name = "VERSION", requires = "tool")]
    tool_version: Option<Label>,
    /// The model, as PROVIDER/ID
    #[arg(long, value_name = "MODEL", requires = "tool", value_parser = super::model)]
    model: Option<(Label, Label)>,
    /// The session's id
    #[arg(long, value_name = "ID", requires = "tool")]
    session: Option<Label>,
    /// The prompt's file, of which only the digest is kept
    #[arg(long, value_name = "FILE", requires = "tool")]
    prompt_digest: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args, Debug)]
struct Collect {
    /// The commits
    #[arg(value_name = "BASE..HEAD")]
    range: String,
    /// The step, where it is not ai
    #[arg(long, value_name = "STEP", default_value = "ai")]
    step: Step,
    /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    /// Print the statements, and record nothing
    #[arg(long)]
    dry_run: bool,
}

/// Claims it, or looks it up.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.what {
        What::None(said) => claim(AiKind::None, said, context),
        What::Assisted(said) => claim(AiKind::Assisted, said, context),
        What::Autonomous(said) => claim(AiKind::Autonomous, said, context),
        What::Collect(args) => collect(&args, context),
        What::Status { range } => ai_status::run(&range, context),
    }
}

fn claim(kind: AiKind, said: Said, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = said.common.desk(context, &repository, &said.revision)?;
    let prompt = said
        .prompt_digest
        .as_deref()
        .map(super::digest_of)
        .transpose()?;
    let claim = desk.ai(Assisted {
        step: said.common.step("ai"),
        kind,
        operator: said.operator,
        tool: said.tool.map(|name| (name, said.tool_version)),
        model: said.model,
        session: said.session,
        prompt,
    })?;
    finish(&desk, claim, &said.common, context)
}

fn collect(args: &Collect, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let desk = Desk::open(world, &repository, ledger, args.key.as_ref(), "HEAD", None)?;
    let import = desk.collect(&args.step, &args.range)?;
    imported::finish(&desk, import, args.dry_run, context)
}
