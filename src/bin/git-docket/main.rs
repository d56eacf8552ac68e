//! The program `git docket`: words, exit codes, and nothing else. What it does is in the library.

mod cli;
mod commands;
mod context;
mod exit;
mod ui;

use std::cell::OnceCell;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use git_docket::git::Repository;

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::{Exit, Stop};
use crate::ui::Talk;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let found = OnceCell::new();
    let configured = |folder| configured(folder, &found);
    let cli = match cli::parse(&arguments, &cli::variables(env::vars_os()), configured) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Pass
            };
            // A reader of the help that went away has read enough.
            let _ = error.print();
            return exit.into();
        }
    };
    match run(cli, found.into_inner()) {
        Ok(exit) => exit.into(),
        Err((talk, stop)) => {
            context::voice(talk).stop(&stop);
            stop.exit.into()
        }
    }
}

fn run(cli: Cli, found: Option<Repository>) -> Result<Exit, (Talk, Stop)> {
    let talk = if cli.globals.quiet {
        Talk::Terse
    } else {
        Talk::Full
    };
    if let Some(folder) = &cli.globals.directory {
        env::set_current_dir(folder).map_err(|error| {
            let message = format!("cannot go to {}: {error}", folder.display());
            (talk, Stop::new(Exit::CouldNotLook, message))
        })?;
    }
    Context::new(cli.globals, found)
        .and_then(|context| commands::run(cli.verb, &context))
        .map_err(|stop| (talk, stop))
}

/// The git configuration's `docket.*` keys, where there is a repository; that of the current folder is kept,
/// so that it is opened once.
fn configured(folder: Option<PathBuf>, found: &OnceCell<Repository>) -> Vec<(String, String)> {
    let here = folder.is_none();
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    let Ok(repository) = Repository::discover(&folder) else {
        return Vec::new();
    };
    let settings = repository.section("docket");
    if here {
        let _ = found.set(repository);
    }
    let named = |(key, value)| (format!("docket.{key}"), value);
    settings.into_iter().map(named).collect()
}
