//! How an import is told: shared by the verbs that make entries of what they find.

use git_docket::ops::say::{Desk, Import, Imported, LeftOut};
use git_docket::report::escape::Line;
use serde_json::Value;

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
        return drafted(desk.drafts(&import)?, import.known, context);
    }
    report(&desk.import(import)?, context)
}

/// Shows what would be said, beside so much that is known. Where there is neither, 3.
pub fn drafted(statements: Vec<Value>, known: usize, context: &Context) -> Result<Exit, Stop> {
    let drafts = Drafts { statements };
    context.report(&drafts, Drafts::text)?;
    Ok(match drafts.statements.is_empty() && known == 0 {
        true => Exit::Undecided,
        false => Exit::Pass,
    })
}

/// Tells what was recorded. Where nothing was found, 3.
pub fn report(imported: &Imported, context: &Context) -> Result<Exit, Stop> {
    context.report(imported, text)?;
    Ok(say(imported, context))
}

/// Names what was left out, up to a bound.
pub fn left_out(left: &[LeftOut], context: &Context) {
    for one in left.iter().take(MOST_NAMED) {
        let (record, why) = (Line(&one.record), Line(&one.why));
        context.ui.warning(format!("left out: {record}: {why}"));
    }
    if let Some(more) = left.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        context.ui.warning(format!("left out: {more} more"));
    }
}

fn text(imported: &Imported) -> String {
    let mut text = recorded::text(&imported.entries);
    if imported.known > 0 {
        text.push_str(&format!("{} said nothing new\n", imported.known));
    }
    if !imported.left.is_empty() {
        text.push_str(&format!("{} left out\n", imported.left.len()));
    }
    text
}

fn say(imported: &Imported, context: &Context) -> Exit {
    left_out(&imported.left, context);
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
