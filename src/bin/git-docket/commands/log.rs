//! `log`: the ledger's entries, newest first.

use std::ops::ControlFlow;

use git_docket::ops::log::{self, Filter, parse_time};
use git_docket::report::json;
use git_docket::statement::Step;

use crate::cli::Format;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// List the ledger's entries, newest first
///
/// Shows what is recorded; `git docket verify` judges it. Times are those that
/// the writers claim. With -o json: one object a line.
///
/// Examples:
///   git docket log
///   git docket log v1.0..HEAD --step build
///   git docket log --since '2 weeks' -n 20 -o json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Only entries about these commits: A..B, or all that REV reaches
    #[arg(value_name = "REV|RANGE")]
    commits: Option<String>,
    /// Only entries of this step
    #[arg(long)]
    step: Option<Step>,
    /// Only entries of this time or later: a date, a time, or an age such as '3 days'
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only entries of this time or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    max_count: Option<usize>,
}

/// Lists.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let stored = context.ledger(&repository)?;
    let time = |text: String| {
        parse_time(&text, context.world.now).map_err(|error| Stop::new(Exit::Usage, error))
    };
    let commits = args
        .commits
        .map(|spec| repository.commits_in(&spec))
        .transpose();
    let filter = Filter {
        commits: commits.map_err(|error| Stop::new(Exit::Usage, error))?,
        step: args.step,
        since: args.since.map(time).transpose()?,
        until: args.until.map(time).transpose()?,
        max_count: args.max_count,
    };
    let mut listing = context.listing(&repository);
    let mut trouble = None;
    let listed = log::log(&stored, &filter, |entry, width| {
        let text = match context.globals.format {
            Format::Text => Ok(entry.to_line(width) + "\n"),
            Format::Json => {
                json::line(&entry).map_err(|error| Stop::new(Exit::CouldNotLook, error))
            }
        };
        text.and_then(|text| listing.add(&text))
            .unwrap_or_else(|stop| {
                trouble = Some(stop);
                ControlFlow::Break(())
            })
    })?;
    listing.finish()?;
    if let Some(stop) = trouble {
        return Err(stop);
    }
    for (object, fault) in &listed.unreadable {
        context
            .ui
            .warning(format_args!("the note about {object} is broken: {fault}"));
    }
    Ok(match (listed.unreadable.is_empty(), listed.entries) {
        (false, _) => {
            context.ui.hint("git docket verify says what was altered");
            Exit::Broken
        }
        (true, 0) => {
            context.ui.note("no entry matches");
            Exit::Undecided
        }
        (true, _) => Exit::Pass,
    })
}
