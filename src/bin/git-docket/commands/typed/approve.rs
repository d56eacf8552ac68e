//! `approve`: let something go on, or stop it.

use std::path::PathBuf;

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Approve;
use git_docket::statement::predicate::{ApprovalScope, Decision, Role};
use git_docket::timestamp::Timestamp;

/// Let something go on, or stop it
///
/// What is approved is a revision, something built, or a document, and nothing
/// else. The entries about the same that are in the ledger are listed as what you
/// had seen.
///
/// Examples:
///   git docket approve topic
///   git docket approve v1.2 --scope release
///   git docket approve ./app --scope deploy --valid-until 2026-12-01T00:00:00Z
///   git docket approve --scope policy --document policy.toml
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A revision, a file, or a digest alg:hex
    #[arg(value_name = "SUBJECT", default_value = "HEAD")]
    subject: String,
    /// For what: merge, release, deploy, policy, roster or exception
    #[arg(long, value_name = "WORD", default_value = "merge")]
    scope: ApprovalScope,
    /// What is decided: approved, rejected or withdrawn
    #[arg(long, value_name = "WORD", default_value = "approved")]
    decision: Decision,
    /// The document that is approved
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// What it is held against: a ref; the first protected one, where left out
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// In which role
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,
    /// Under which condition (repeats)
    #[arg(long = "condition", value_name = "TEXT")]
    conditions: Vec<String>,
    /// Until when it may be used
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    valid_until: Option<Timestamp>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    // A revision first, as in git; what is none is something built.
    let is_revision = repository.is_revision(&args.subject);
    let revision = if is_revision { &args.subject } else { "HEAD" };
    let desk = args.common.desk(context, &repository, revision)?;
    let document = args
        .document
        .as_deref()
        .map(super::super::read_bytes)
        .transpose()?;
    let claim = desk.approve(Approve {
        step: args.common.step("approve"),
        scope: args.scope,
        decision: args.decision,
        artifact: (!is_revision).then(|| args.subject.clone()),
        document,
        base: args.base,
        role: args.role,
        conditions: args.conditions,
        valid_until: args.valid_until,
    })?;
    finish(&desk, claim, &args.common, context)
}
