//! `man`: manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use crate::cli;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Print the manual page, or write one for every verb
///
/// `git docket --help` is git's own, and shows what `man git-docket` shows: it
/// needs the page installed.
///
/// Examples:
///   git docket man | man -l -
///   git docket man --dir ~/.local/share/man/man1
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Write git-docket.1 and a page for each verb into this folder, made if need be
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints one page or writes all.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let mut command = cli::command().bin_name("git docket");
    command.build();
    match args.dir {
        None => {
            let page = page(command, "git-docket")
                .map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
            context.print(&page)?;
        }
        Some(dir) => {
            let count = write_all(&command, &dir).map_err(|error| {
                let message = format!(
                    "manual pages cannot be written to {}: {error}",
                    dir.display()
                );
                Stop::new(Exit::CouldNotLook, message)
            })?;
            context
                .ui
                .note(format_args!("{count} pages written to {}", dir.display()));
        }
    }
    Ok(Exit::Pass)
}

fn page(command: Command, name: &str) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.name(name.to_owned())).render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    Ok(page.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n"))
}

/// Writes the page of a command and of all below it; returns how many.
fn write_all(command: &Command, dir: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(dir)?;
    let mut pages = vec![("git-docket".to_owned(), command.clone())];
    let mut written = 0;
    while let Some((name, command)) = pages.pop() {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            pages.push((format!("{name}-{}", sub.get_name()), sub.clone()));
        }
        std::fs::write(dir.join(format!("{name}.1")), page(command, &name)?)?;
        written += 1;
    }
    Ok(written)
}
