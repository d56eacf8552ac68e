//! `hook pre-receive`: what a server lets a push do.

use git_docket::ops::hook::{self, Accepted};

use crate::context::Context;
use crate::exit::{Exit, Stop};

pub(super) fn run(context: &Context) -> Result<Exit, Stop> {
    let updates = hook::updates(&super::input()?)?;
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let accepted = hook::pre_receive(&context.world, &repository, ledger, &updates)?;
    for Accepted { name, entries } in accepted.iter().filter(|one| one.entries > 0) {
        let entries = match entries {
            1 => "1 entry".to_owned(),
            more => format!("{more} entries"),
        };
        context
            .ui
            .note(format!("git docket: {entries} verified for {name}"));
    }
    Ok(Exit::Pass)
}
