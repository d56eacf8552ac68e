//! `ai status`: who said what of AI, commit by commit.

use std::fmt::Write as _;

use git_docket::ops::assistance::{self, CommitStatus};
use git_docket::report::escape::Line;
use serde::Serialize;

use crate::context::Context;
use crate::exit::{Exit, Stop};

#[derive(Serialize)]
struct Commits {
    commits: Vec<CommitStatus>,
}

pub fn run(range: &str, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let commits = assistance::status(&context.world, &repository, ledger, range)?;
    let told = Commits { commits };
    context.report(&told, |told| told.commits.iter().map(line).collect())?;
    Ok(match told.commits.is_empty() {
        true => Exit::Undecided,
        false => Exit::Pass,
    })
}

fn line(commit: &CommitStatus) -> String {
    let mut text = format!("{} {:<10}", &commit.commit.hex()[..12], commit.kind);
    if let Some(share) = commit.share {
        let _ = write!(
            text,
            " {} to {} of {} lines",
            share.least, share.most, share.total
        );
    }
    for claim in &commit.claims {
        let place = match claim.seq {
            Some(seq) => format!("entry {seq}"),
            None => claim.source.to_owned(),
        };
        let said = format!("{} ({}) {}", claim.says, place, claim.detail);
        let _ = write!(text, "; {}", Line(said.trim_end()));
    }
    text.push('\n');
    text
}
