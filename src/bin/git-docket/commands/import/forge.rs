//! `import --forge`: what a forge knows.

use std::error::Error as _;

use git_docket::ingest::forge::{self, Forge};
use git_docket::ops::say::Desk;

use super::super::imported;
use crate::context::Context;
use crate::exit::{Exit, Stop};

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
    imported::finish(&desk, import, args.dry_run, context)
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
