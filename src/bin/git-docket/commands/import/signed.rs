//! `import FILE…` and `import --notes`: what others signed.

use git_docket::git::RefName;
use git_docket::ingest::attestations::{self, Found};
use git_docket::ops::import::Importer;
use git_docket::ops::record::Recorder;

use super::super::imported;
use crate::context::Context;
use crate::exit::{Exit, Stop};

pub(super) fn run(
    args: &super::Args,
    notes: Option<&RefName>,
    context: &Context,
) -> Result<Exit, Stop> {
    let mut found = Found::default();
    for file in &args.files {
        let bytes = super::super::read_bytes(file)?;
        found.extend(attestations::read(&file.display().to_string(), &bytes));
    }
    let repository = context.repository()?;
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let commit = args.commit.as_ref();
    let commit = commit
        .map(|revision| repository.commit_named(revision))
        .transpose()?;
    let importer = Importer {
        repository: &repository,
        recorder: &Recorder::open(world, &repository, ledger, args.key.as_ref(), "HEAD")?,
        step: args.step.clone(),
        commit,
    };
    let plan = match notes {
        Some(name) => importer.notes(ledger, name)?,
        None => importer.files(found)?,
    };
    if args.dry_run {
        imported::left_out(plan.left(), context);
        return imported::drafted(plan.statements(), plan.known(), context);
    }
    imported::report(&importer.carry(plan)?, context)
}
