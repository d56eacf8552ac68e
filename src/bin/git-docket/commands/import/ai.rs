//! `import --ai`: what notes and trailers tell of AI.

use git_docket::ops::say::Desk;

use super::super::imported;
use crate::context::Context;
use crate::exit::{Exit, Stop};

pub(super) fn run(args: &super::Args, range: &str, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let (world, ledger) = (&context.world, &context.globals.ledger_ref);
    let desk = Desk::open(world, &repository, ledger, args.key.as_ref(), "HEAD", None)?;
    let step = "ai".parse().expect("a verb's name is a step's");
    imported::finish(&desk, desk.assisted(&step, range)?, args.dry_run, context)
}
