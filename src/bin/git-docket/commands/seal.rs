//! `seal`: sign the landed head with the ledger's key.

use std::fs;

use git_docket::ops::{
    pin,
    seal::{self, Sealed},
};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Seal what has landed, with the ledger's own key
///
/// Replays the whole ledger first; a broken one is never sealed. With a remote,
/// the remote must hold the tip that is here.
///
/// Examples:
///   git docket seal
///   git docket seal --pin        # and write the seal into .docket.toml, to be committed
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Write the newest seal into .docket.toml, so that a clone of this commit notices a rollback
    #[arg(long)]
    pin: bool,
}

/// Seals.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let sealed = seal::seal(&context.world, &repository, &context.globals.ledger_ref)?;
    if args.pin {
        let folder = repository
            .work_dir()
            .ok_or_else(|| Stop::usage("a bare repository has no .docket.toml to write"))?;
        let path = folder.join(pin::FILE);
        let text = seal::pinned(&sealed).unwrap_or_default();
        fs::write(&path, text).map_err(|error| {
            Stop::new(
                Exit::CouldNotLook,
                format!("cannot write {}: {error}", path.display()),
            )
        })?;
        context
            .ui
            .note(format!("wrote {}; commit it", path.display()));
    }
    context.report(&sealed, text)?;
    Ok(Exit::Pass)
}

fn text(sealed: &Sealed) -> String {
    let news = match sealed.size - sealed.before {
        0 => "nothing new".into(),
        new => format!("{new} more than before"),
    };
    format!("{} entries sealed, {news}\n\n{}", sealed.size, sealed.seal)
}
