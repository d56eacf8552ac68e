//! `demo`: a real repository, real steps, and faults that are caught.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use git_docket::{
    ops::demo::{self, Shown},
    report::{
        escape::{Block, Line},
        json,
        verdict::{Frame, VerdictView},
    },
};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show recording, verifying, and faults that are caught, in a new repository
///
/// Everything happens in a folder of its own, with a key of its own; nothing
/// else is touched. The folder stays, to play with. Needs git and a POSIX
/// shell.
///
/// Examples:
///   git docket demo
///   git docket demo /tmp/docket-demo
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Where; a new folder under the temporary one where not given
    folder: Option<PathBuf>,
}

/// Shows it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let folder = match args.folder {
        Some(folder) => folder,
        None => tempfile::Builder::new()
            .prefix("git-docket-demo-")
            .tempdir()
            .map_err(|error| Stop::new(Exit::CouldNotLook, error))?
            .keep(),
    };
    let folder =
        std::path::absolute(folder).map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
    let program = env::current_exe().map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
    let world = context.world_at(&folder.join("home"))?;
    let shown = demo::demo(&world, &program, &folder)?;
    let report = VerdictView::of(
        &shown.outcome,
        Frame {
            asked: "HEAD".into(),
            pin: "from .docket.toml of the checked-out commit".into(),
            pending: 0,
            at: world.now,
            at_chosen: false,
            absent: Vec::new(),
            checks: Vec::new(),
            layout: None,
        },
    );
    let verdict = report.to_text();
    let document = json::document(&report).map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
    for (name, content) in [("report.txt", &verdict), ("report.json", &document)] {
        let path = folder.join(name);
        fs::write(&path, content).map_err(|error| {
            Stop::new(
                Exit::CouldNotLook,
                format!("cannot write {}: {error}", path.display()),
            )
        })?;
    }
    context.report(&shown, |shown| text(shown, &verdict, &program))?;
    Ok(if shown.is_right() {
        Exit::Pass
    } else {
        Exit::Failed
    })
}

fn text(shown: &Shown, verdict: &str, program: &Path) -> String {
    let mut out = String::from("A repository, and real steps in it:\n\n");
    for step in &shown.steps {
        let _ = writeln!(out, "  $ {}", Line(&step.command));
        let _ = write!(
            out,
            "{}",
            Block {
                text: &step.output,
                indent: "    "
            }
        );
    }
    let _ = writeln!(out, "\nThe ledger replayed (git docket verify HEAD):\n");
    let _ = write!(
        out,
        "{}",
        Block {
            text: verdict,
            indent: "    "
        }
    );
    let _ = writeln!(out, "\nFaults, each planted in a copy of the ledger:\n");
    for fault in &shown.faults {
        let codes: Vec<_> = fault.found.iter().map(|code| code.as_str()).collect();
        let word = if fault.caught { "caught" } else { "MISSED" };
        let _ = writeln!(
            out,
            "  {word}  {}\n          {}",
            fault.what,
            codes.join(", ")
        );
    }
    let caught = shown.faults.iter().filter(|fault| fault.caught).count();
    let folder = shown.folder.display().to_string();
    let folder = Line(&folder);
    let _ = writeln!(out, "\n{caught} of {} faults caught.\n", shown.faults.len());
    let _ = writeln!(
        out,
        "The report: {folder}/report.txt and report.json. To play with it:\n"
    );
    let program = program.parent().unwrap_or(program).display().to_string();
    let program = Line(&program);
    let _ = writeln!(out, "    cd {folder}/app");
    let _ = writeln!(
        out,
        "    HOME={folder}/home PATH={program}:$PATH sh    # until exit"
    );
    let _ = writeln!(out, "    git docket verify HEAD");
    let _ = writeln!(
        out,
        "    git docket --ledger-ref refs/notes/fault-delete verify"
    );
    out
}
