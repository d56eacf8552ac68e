//! One file a verb: its flags, whose comments are its help, and `run`.

mod attest;
mod completions;
mod doctor;
mod help;
mod init;
mod key;
mod log;
mod man;
mod recorded;
mod run;
mod seal;
mod show;
mod spool;
mod status;
mod verify;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(init::Args),
    Run(run::Args),
    Attest(attest::Args),
    Log(log::Args),
    Show(show::Args),
    Status(status::Args),
    Verify(verify::Args),
    Seal(seal::Args),
    Spool(spool::Args),
    Key(key::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}

/// Does what the verb says; without one, the overview.
pub fn run(verb: Option<Verb>, context: &Context) -> Result<Exit, Stop> {
    match verb {
        Some(Verb::Init(args)) => init::run(args, context),
        Some(Verb::Run(args)) => run::run(args, context),
        Some(Verb::Attest(args)) => attest::run(args, context),
        Some(Verb::Log(args)) => log::run(args, context),
        Some(Verb::Show(args)) => show::run(args, context),
        Some(Verb::Status(args)) => status::run(args, context),
        Some(Verb::Verify(args)) => verify::run(args, context),
        Some(Verb::Seal(args)) => seal::run(args, context),
        Some(Verb::Spool(args)) => spool::run(args, context),
        Some(Verb::Key(args)) => key::run(args, context),
        Some(Verb::Doctor(args)) => doctor::run(args, context),
        Some(Verb::Completions(args)) => completions::run(args, context),
        Some(Verb::Man(args)) => man::run(args, context),
        Some(Verb::Help(args)) => help::run(args, context),
        None => status::overview(context),
    }
}
