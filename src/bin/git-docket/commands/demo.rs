//! `demo`: a real repository, real steps, and faults that are caught.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use git_docket::ops::World;
use git_docket::ops::demo::{self, Audited, Shown};
use git_docket::report::audit::Population;
use git_docket::report::escape::{Block, Line};
use git_docket::report::form::Form;
use git_docket::report::json;
use git_docket::report::verdict::{Frame, VerdictView};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// The forms in which the quarter's report is kept.
const FORMS: [(Form, &str); 4] = [
    (Form::Html, "report.html"),
    (Form::Markdown, "report.md"),
    (Form::Csv, "report.csv"),
    (Form::Json, "report.json"),
];

/// Show recording, verifying, and faults that are caught, in a new repository
///
/// Everything happens in a folder of its own, with a key of its own; nothing
/// else is touched. The folder stays, to play with. Needs git and a POSIX
/// shell.
///
/// With --audit: a company's quarter of a few hundred changes, with faults in
/// it, and the report that an auditor gets, which names them and nothing else.
///
/// Examples:
///   git docket demo
///   git docket demo /tmp/docket-demo
///   git docket demo --audit /tmp/docket-audit
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Where; a new folder under the temporary one where not given
    folder: Option<PathBuf>,
    /// Play a quarter with faults in it, and report on it
    #[arg(long)]
    audit: bool,
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
    let world = context.world_at(&folder.join("home"))?;
    if args.audit {
        return audit(context, &world, &folder);
    }
    let program = env::current_exe().map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
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
    write(&folder, "report.txt", &verdict)?;
    write(&folder, "report.json", &document)?;
    context.report(&shown, |shown| text(shown, &verdict, &program))?;
    Ok(if shown.is_right() {
        Exit::Pass
    } else {
        Exit::Failed
    })
}

fn audit(context: &Context, world: &World, folder: &Path) -> Result<Exit, Stop> {
    let audited = demo::audit(world, folder)?;
    for (form, name) in FORMS {
        let content = form
            .render(&audited.audit)
            .map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
        write(folder, name, &content)?;
    }
    context.report(&audited, audit_text)?;
    Ok(match audited.is_right() {
        true => Exit::Pass,
        false => Exit::Failed,
    })
}

fn audit_text(audited: &Audited) -> String {
    let Population {
        changes,
        deployments,
        ..
    } = audited.population;
    let mut out = format!(
        "A quarter of {changes} changes and {deployments} deployments, {} entries, judged by every pack.\n\n",
        audited.entries
    );
    let _ = writeln!(
        out,
        "Faults that were planted, and what the report calls them:\n"
    );
    for fault in &audited.planted {
        let word = match fault.missed.is_empty() {
            true => "named",
            false => "MISSED",
        };
        let names: BTreeSet<String> = fault
            .expected
            .iter()
            .map(|one| format!("{} {}", one.check, one.reason))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        let _ = writeln!(
            out,
            "  {word}  {}\n         {}",
            fault.what,
            names.join(", ")
        );
    }
    for more in &audited.unexpected {
        let subject = Line(&more.subject);
        let _ = writeln!(
            out,
            "  NOT PLANTED  {} {} {subject}",
            more.check, more.reason
        );
    }
    let named = audited
        .planted
        .iter()
        .filter(|fault| fault.missed.is_empty());
    let folder = audited.folder.display().to_string();
    let folder = Line(&folder);
    let _ = writeln!(
        out,
        "\n{} of {} faults named, {} other items; {} items allowed by exceptions.\n\nThe report: {folder}/report.html, and as .md, .csv, .json. To play with it:\n\n    cd {folder}/shop\n    git docket report --period 2026-07-01..2026-09-30",
        named.count(),
        audited.planted.len(),
        audited.unexpected.len(),
        audited.exceptions,
    );
    out
}

fn write(folder: &Path, name: &str, content: &str) -> Result<(), Stop> {
    let path = folder.join(name);
    fs::write(&path, content).map_err(|error| {
        let path = path.display();
        Stop::new(Exit::CouldNotLook, format!("cannot write {path}: {error}"))
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
