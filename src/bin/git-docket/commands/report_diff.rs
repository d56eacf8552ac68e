//! `report --diff`: what changed between two audits.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use git_docket::finding::chain;
use git_docket::report::diff::{self, Diff, MAX_REPORT_BYTES, Moved, Report};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Compares two reports, in or outside a repository.
pub fn run(context: &Context, before: &Path, after: &Path) -> Result<Exit, Stop> {
    let read = |path: &Path| {
        let mut bytes = Vec::new();
        // One byte more than a report may have, so that a longer one is refused as such.
        File::open(path)
            .and_then(|file| {
                file.take(MAX_REPORT_BYTES as u64 + 1)
                    .read_to_end(&mut bytes)
            })
            .map_err(|error| {
                let message = format!("{} cannot be read: {error}", path.display());
                Stop::new(Exit::CouldNotLook, message)
            })?;
        Report::parse(&bytes)
            .map_err(|error| Stop::usage(format!("{}: {}", path.display(), chain(&error))))
    };
    let diff = diff::diff(&read(before)?, &read(after)?).map_err(|error| {
        Stop::usage(format!("the reports cannot be compared: {error}"))
            .hint("compare reports on the same ledger")
    })?;
    context.report(&diff, Diff::to_text)?;
    Ok(match diff.ledger {
        Moved::Rewritten => Exit::Broken,
        Moved::Same | Moved::Larger | Moved::Smaller => Exit::Pass,
    })
}
