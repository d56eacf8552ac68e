//! `change`: say what is proposed, and why.

use std::path::PathBuf;

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Propose;
use git_docket::statement::predicate::{Document, ImpactClass, ReasonKind, Significance, Who};

/// Say what is proposed, and why
///
/// Base, head, tree, authors, paths and lines are read from git.
///
/// Examples:
///   git docket change --reason fix --ticket https://tickets.example.com/APP-12
///   git docket change topic --id 7 --reason feature --impact low
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The commit
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,
    /// What the change is called: a pull request's number or URL
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What it is held against: a ref; the first protected one, where left out
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// Why: feature, fix, security, config, dependency or emergency
    #[arg(long, value_name = "KIND")]
    reason: ReasonKind,
    /// Where that was agreed on
    #[arg(long, value_name = "URL")]
    ticket: Option<String>,
    /// A snapshot of the ticket, whose digest is recorded
    #[arg(long, value_name = "FILE", requires = "ticket")]
    ticket_snapshot: Option<PathBuf>,
    /// What it means for security: none, low, moderate or high
    #[arg(long, value_name = "CLASS")]
    impact: Option<ImpactClass>,
    /// The same in words
    #[arg(long, value_name = "TEXT", requires = "impact")]
    impact_note: Option<String>,
    /// How much it matters: routine, notable or significant
    #[arg(long, value_name = "WORD")]
    significance: Option<Significance>,
    /// Who asked for it: a person, FORGE:LOGIN or <ADDRESS>
    #[arg(long, value_name = "WHO")]
    requester: Option<Who>,
    /// Who opened the request to merge
    #[arg(long, value_name = "WHO")]
    opener: Option<Who>,
    /// Who pushed its commits
    #[arg(long, value_name = "WHO")]
    pusher: Option<Who>,
    /// Who else wrote it (repeats)
    #[arg(long = "author", value_name = "WHO")]
    authors: Vec<Who>,
    /// How it is undone
    #[arg(long, value_name = "TEXT")]
    rollback: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, &args.revision)?;
    let snapshot = args
        .ticket_snapshot
        .as_deref()
        .map(super::digest_of)
        .transpose()?;
    let claim = desk.change(Propose {
        step: args.common.step("change"),
        id: args.id,
        base: args.base,
        reason: args.reason,
        ticket: args.ticket.map(|uri| Document {
            uri,
            digest: snapshot,
        }),
        impact: args.impact,
        impact_note: args.impact_note,
        significance: args.significance,
        requester: args.requester,
        opener: args.opener,
        pusher: args.pusher,
        authors: args.authors,
        rollback: args.rollback,
    })?;
    finish(&desk, claim, &args.common, context)
}
