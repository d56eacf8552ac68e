//! `ai`: say whether AI had a hand in a commit.

use std::path::PathBuf;

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Assisted;
use git_docket::statement::predicate::{AiKind, Label, PersonId};

/// Say whether AI had a hand in a commit
///
/// No prompt is recorded: at most its digest.
///
/// Examples:
///   git docket ai none
///   git docket ai assisted --tool helper --model provider/model-1
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// How much it did by itself: none, assisted or autonomous
    #[arg(value_name = "KIND")]
    kind: AiKind,
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

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, &args.revision)?;
    let prompt = args
        .prompt_digest
        .as_deref()
        .map(super::digest_of)
        .transpose()?;
    let claim = desk.ai(Assisted {
        step: args.common.step("ai"),
        kind: args.kind,
        operator: args.operator,
        tool: args.tool.map(|name| (name, args.tool_version)),
        model: args.model,
        session: args.session,
        prompt,
    })?;
    finish(&desk, claim, &args.common, context)
}
