//! `policy`: what is required, shown, checked and published.

use std::path::PathBuf;

use clap::Subcommand;
use git_docket::ops::govern::{Office, PolicyShown};
use git_docket::ops::key::KeySource;
use git_docket::policy::Policy;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show, check and publish the policy
///
/// The policy says which steps are required and who may attest them. It lives
/// in the ledger: each entry is judged by the policy in force at its place.
///
/// Examples:
///   git docket policy show > policy.toml
///   git docket policy check policy.toml
///   git docket policy publish policy.toml
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print the policy in force
    Show,
    /// Read a policy and say in plain words what it asks for
    Check {
        /// The policy, TOML; - for standard input
        file: PathBuf,
    },
    /// Append a policy to the ledger
    Publish {
        /// The policy, TOML; - for standard input
        file: PathBuf,
        /// The key to sign with: a name, a file, or env://VARIABLE
        #[arg(long)]
        key: Option<KeySource>,
    },
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.verb {
        Verb::Check { file } => {
            let text = super::read_text(&file)?;
            let policy = Policy::parse(&text).map_err(|error| {
                Stop::new(Exit::Failed, format!("{}: {error}", file.display()))
                    .hint("git docket help policy describes the form")
            })?;
            context.report(&PolicyShown::of(text, &policy), |shown| {
                shown.explained.join("\n") + "\n"
            })?;
        }
        Verb::Show => {
            let repository = context.repository()?;
            let shown = office(context, &repository, None).policy()?;
            context.report(&shown, |shown| shown.content.text.clone())?;
            let seq = shown.seq;
            context.ui.note(format_args!(
                "of entry {seq}\n{}",
                shown.content.explained.join("\n")
            ));
        }
        Verb::Publish { file, key } => {
            let repository = context.repository()?;
            let text = super::read_text(&file)?;
            let published = office(context, &repository, key.as_ref()).publish_policy(text)?;
            super::report_published(&published, context)?;
        }
    }
    Ok(Exit::Pass)
}

/// An office of this program's.
pub fn office<'a>(
    context: &'a Context,
    repository: &'a git_docket::git::Repository,
    key: Option<&'a KeySource>,
) -> Office<'a> {
    Office {
        world: &context.world,
        repository,
        ledger: &context.globals.ledger_ref,
        key,
    }
}
