//! `import --forge`: what a forge knows.

use std::error::Error as _;

use git_docket::ingest::forge::{self, Forge};
use git_docket::ops::say::{Desk, Imported};
use git_docket::report::escape::Line;

use super::super::recorded::{self, Drafts};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// As many records that were left out as are named one by one.
const MOST_NAMED: usize = 20;

pub(super) fn run(args: &super::Args, forge: Forge, context: &Context) -> Result<Exit, Stop> {
    let mut files = Vec::new();
    for file in &args.files {
        files.push((file.display().to_string(), super::super::read_bytes(file)?));
    }
    let records = forge::read(forge, &files).map_err(refused)?;
    let repository = context.repository()?;
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let desk = Desk::open(world, &repository, ledger, args.key.as_ref(), "HEAD", None)?;
    let import = desk.observed(records)?;
    if args.dry_run {
        let drafts = Drafts {
            statements: desk.drafts(&import)?,
        };
        context.report(&drafts, Drafts::text)?;
        return Ok(Exit::Pass);
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

fn refused(error: forge::Error) -> Stop {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    Stop::usage(text).hint("give what gh api or glab api prints, or what a webhook sent, unchanged")
}
