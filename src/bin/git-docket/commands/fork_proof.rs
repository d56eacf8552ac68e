//! `verify --fork-proof`: what a proof of a fork or rollback proves.

use std::path::Path;

use git_docket::ops::fork_proof::{self, Judged};
use git_docket::report::escape::Line;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Judges a file, in or outside a repository.
pub fn run(context: &Context, path: &Path, pin: Option<&Path>) -> Result<Exit, Stop> {
    let repository = context.repository().ok();
    let judged = fork_proof::judge(repository.as_ref(), path, pin)?;
    context.report(&judged, said)?;
    Ok(match judged.proved {
        Some(_) => Exit::Broken,
        None => Exit::Failed,
    })
}

fn said(judged: &Judged) -> String {
    use git_docket::ledger::fork_proof::Proved;
    let verdict = match judged.proved {
        Some(Proved::Fork) => {
            "fork: one key has signed two histories, whoever made this file".to_owned()
        }
        Some(Proved::Rollback) => "rollback: less was shown than that key had signed; in which order they were seen is the word of this file's maker".to_owned(),
        None => format!("proves nothing: {}", Line(judged.reason.as_deref().unwrap_or_default())),
    };
    let key = match judged.pinned {
        true => "that of the pin",
        false => "taken as found; compare it with one that you trust, or give --pin FILE",
    };
    let mut text = format!("{verdict}\n  origin    {}\n", Line(judged.origin.as_str()));
    for (name, side) in [("seen", &judged.seen), ("shown", &judged.shown)] {
        text.push_str(&format!(
            "  {name:<9} {} entries, root {}\n            signed by {}\n",
            side.size,
            side.root,
            Line(&side.key)
        ));
    }
    text.push_str(&format!("  key       {key}\n"));
    text
}
