//! How an import is told: shared by the verbs that make entries of what they find.

use git_docket::ops::say::{Desk, Import, Imported};
use git_docket::report::escape::Line;

use super::recorded::{self, Drafts};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// As many records that were left out as are named one by one.
const MOST_NAMED: usize = 20;

/// Shows what would be said, or records it. Where nothing was found, 3.
pub fn finish(
    desk: &Desk<'_>,
    import: Import,
    dry_run: bool,
    context: &Context,
) -> Result<Exit, Stop> {
    if dry_run {
        let drafts = Drafts {
            statements: desk.drafts(&import)?,
        };
        context.report(&drafts, Drafts::text)?;
        return Ok(match drafts.statements.is_empty() && import.known == 0 {
            true => Exit::Undecided,
            false => Exit::Pass,
        });
    }
    let imported = desk.import(import)?;
    context.report(&imported, text)?;
    Ok(say(&imported, context))
}

fn text(imported: &Imported) -> String {
    let mut text = recorded::text(&imported.entries);
    if imported.known > 0 {
        text.push_str(&format!("{} said nothing new\n", imported.known));
    }
    text
}

fn say(imported: &Imported, context: &Context) -> Exit {
    for left in imported.left.iter().take(MOST_NAMED) {
        let (record, why) = (Line(&left.record), Line(&left.why));
        context.ui.warning(format!("left out: {record}: {why}"));
    }
    if let Some(more) = imported
        .left
        .len()
        .checked_sub(MOST_NAMED)
        .filter(|more| *more > 0)
    {
        context.ui.warning(format!("left out: {more} more"));
    }
    for login in &imported.unknown {
        let (forge, name) = (Line(&login.forge), Line(&login.login));
        context.ui.hint(format!(
            "{name} at {forge} is nobody in the roster: git docket roster add PERSON --login {forge}/{name}"
        ));
    }
    if let Some(lost) = imported
        .entries
        .iter()
        .find_map(|one| one.contention.clone())
    {
        context
            .ui
            .warning(format!("{lost}; the entries are kept in the spool"));
        return Exit::Contention;
    }
    match imported.entries.is_empty() && imported.known == 0 {
        true => Exit::Undecided,
        false => Exit::Pass,
    }
}
