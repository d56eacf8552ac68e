//! The hooks of a developer's clone. They help and never stand in the way: what goes wrong is a warning.

use std::path::PathBuf;

use git_docket::git::Repository;
use git_docket::ops::key::KeySource;
use git_docket::ops::say::Desk;
use git_docket::ops::{rewritten, trailer};
use git_docket::statement::predicate::{AiKind, Label};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Flags and arguments of `hook prepare-commit-msg`.
#[derive(clap::Args, Debug)]
pub struct Message {
    /// The message's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What git says of where the message comes from
    #[arg(value_name = "SOURCE")]
    source: Vec<String>,
    /// How much AI does by itself: none, assisted or autonomous
    #[arg(long, value_name = "KIND")]
    ai_kind: Option<AiKind>,
    /// The tool, where it is not the agent that runs this
    #[arg(long, value_name = "NAME")]
    ai_tool: Option<Label>,
    /// Its model, as MODEL or PROVIDER/MODEL
    #[arg(long, value_name = "MODEL")]
    ai_model: Option<Label>,
}

pub(super) fn prepare_commit_msg(args: Message, context: &Context) -> Result<Exit, Stop> {
    if args.source.first().is_some_and(|source| source == "merge") {
        return Ok(Exit::Pass);
    }
    let said = trailer::Said {
        kind: args.ai_kind,
        tool: args.ai_tool,
        model: args.ai_model,
    };
    let repository = context.repository()?;
    let done = trailer::prepare(&context.world, &repository, &args.file, &said);
    Ok(tolerated(done.map_err(Stop::from), context))
}

pub(super) fn post_rewrite(context: &Context) -> Result<Exit, Stop> {
    let told = super::input()?;
    let done = rewritten::add(&context.repository()?, &told);
    Ok(tolerated(done.map_err(Stop::from), context))
}

pub(super) fn pre_push(key: Option<&KeySource>, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    for line in super::input()?.lines() {
        let done = record(line, &repository, key, context);
        tolerated(done, context);
    }
    Ok(Exit::Pass)
}

// `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`: one statement for what is new on a branch.
fn record(
    line: &str,
    repository: &Repository,
    key: Option<&KeySource>,
    context: &Context,
) -> Result<(), Stop> {
    let Some(pushed) = rewritten::pushed(repository, line) else {
        return Ok(());
    };
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let desk = Desk::open(world, repository, ledger, key, &pushed.new.hex(), None)?;
    let step = "ai".parse().expect("a verb's name is a step's");
    let Some(range) = desk.new_commits(pushed.old.as_ref()) else {
        return Ok(());
    };
    desk.import(desk.collect_as_one(&step, &range)?)?;
    Ok(())
}

fn tolerated(done: Result<(), Stop>, context: &Context) -> Exit {
    if let Err(stop) = done {
        context.ui.warning(format!("git docket: {}", stop.error));
        if let Some(remedy) = stop.remedy {
            context.ui.hint(remedy);
        }
    }
    Exit::Pass
}
