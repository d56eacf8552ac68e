//! `cosign`: one more root key signs what the ledger waits for.

use git_docket::ops::{
    cosign::{self, Cosigned},
    key::KeySource,
};

use super::policy::office;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Sign the genesis or a change that waits for more root keys
///
/// Where a ledger asks for several root keys, its genesis and every change of
/// roster, policy and ledger key wait until as many have signed. Nothing else
/// can be appended before the genesis is complete. Without SEQ: the only entry
/// that waits.
///
/// Examples:
///   git docket cosign
///   git docket cosign 7 --key bob
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The entry to sign
    #[arg(value_name = "SEQ")]
    seq: Option<u64>,
    /// The root key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
}

/// Signs.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let office = office(context, &repository, args.key.as_ref());
    let cosigned = cosign::cosign(&office, args.seq)?;
    context.report(&cosigned, text)?;
    Ok(Exit::Pass)
}

fn text(cosigned: &Cosigned) -> String {
    let Cosigned {
        seq,
        about,
        step,
        signed,
        threshold,
        ..
    } = cosigned;
    let state = match (cosigned.in_force, *step) {
        (true, "genesis") => "the ledger is open".to_owned(),
        (true, _) => "in force for the next entry".to_owned(),
        (false, _) => format!("{signed} of {threshold} have signed; it waits for more"),
    };
    format!("entry {seq} signs entry {about} ({step}): {state}\n")
}
