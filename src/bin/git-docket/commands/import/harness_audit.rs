//! `import --harness-audit`: what Harness' audit stream tells.

use git_docket::finding::chain;
use git_docket::ingest::harness_audit;
use git_docket::ops::say::Desk;

use super::super::imported;
use crate::context::Context;
use crate::exit::{Exit, Stop};

pub(super) fn run(args: &super::Args, context: &Context) -> Result<Exit, Stop> {
    let mut events = Vec::new();
    for file in &args.files {
        let read = harness_audit::read(&super::super::read_bytes(file)?);
        events.extend(read.map_err(|error| {
            Stop::usage(format!("{}: {}", file.display(), chain(&error)))
                .hint("give the stream's JSON lines as Harness wrote them, unchanged")
        })?);
    }
    let repository = context.repository()?;
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let desk = Desk::open(world, &repository, ledger, args.key.as_ref(), "HEAD", None)?;
    let step = "audit".parse().expect("a step's name");
    imported::finish(&desk, desk.audited(&step, &events)?, args.dry_run, context)
}
