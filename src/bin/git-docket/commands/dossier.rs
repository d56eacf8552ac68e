//! `dossier`: one change on one page.

use std::path::PathBuf;

use clap::ValueEnum;
use git_docket::ops::dossier;
use git_docket::report::dossier::Dossier;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show one change on one page
///
/// Who asked, wrote, reviewed, approved, tested, scanned, landed and deployed, in
/// the ledger's order with the entries, and what is missing by all checks.
///
/// Examples:
///   git docket dossier 42
///   git docket dossier 42 --output html=42.html --output markdown=42.md
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The change's id
    change: String,
    /// Write it to a file: FORMAT is text, markdown or html (repeats)
    #[arg(long = "output", value_name = "FORMAT=FILE", value_parser = output)]
    outputs: Vec<(Form, PathBuf)>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Text,
    Markdown,
    Html,
}

/// Shows.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let dossier = dossier::dossier(&context.world, &repository, ledger, &args.change)?;
    let dossier = dossier.ok_or_else(|| {
        Stop::new(
            Exit::Undecided,
            format!("no entry speaks of a change {:?}", args.change),
        )
        .hint("git docket log --step change lists changes")
    })?;
    for (form, path) in &args.outputs {
        let text = match form {
            Form::Text => dossier.to_text(),
            Form::Markdown => dossier.to_markdown(),
            Form::Html => dossier.to_html(),
        };
        std::fs::write(path, text).map_err(|error| {
            let message = format!("{} cannot be written: {error}", path.display());
            Stop::new(Exit::CouldNotLook, message)
        })?;
    }
    context.report(&dossier, Dossier::to_text)?;
    Ok(Exit::Pass)
}

fn output(text: &str) -> Result<(Form, PathBuf), String> {
    let (form, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("expected FORMAT=FILE")?;
    Ok((Form::from_str(form, false)?, path.into()))
}
