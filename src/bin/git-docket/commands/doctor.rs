//! `doctor`: what about this machine and this clone would sooner or later hurt.

use std::fmt::Write;

use git_docket::ops::doctor::{self, Diagnosis, Weight};
use git_docket::report::escape::Line;
use serde::Serialize;

use crate::cli;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Look for what would sooner or later hurt
///
/// Configuration, missing refs, refspecs that force, settings by which git
/// itself would write into the ledger, keys that others can read, the clock,
/// the manual page. Mends nothing: each finding says what to type. It does not
/// judge the ledger's contents: `git docket verify` does. Ends with 1 where
/// there is a problem.
///
/// Examples:
///   git docket doctor
///   git docket doctor -o json
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {}

#[derive(Serialize)]
struct Diagnoses {
    diagnoses: Vec<Diagnosis>,
}

/// Examines.
pub fn run(_: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository().ok();
    let flags = cli::settable(&cli::command());
    let facts = doctor::gather(
        &context.world,
        repository.as_ref(),
        &context.globals.ledger_ref,
        &flags,
    )?;
    let diagnoses = Diagnoses {
        diagnoses: doctor::examine(&facts),
    };
    context.report(&diagnoses, |found| text(&found.diagnoses))?;
    let worst = diagnoses
        .diagnoses
        .iter()
        .map(|diagnosis| diagnosis.weight)
        .max();
    Ok(if worst == Some(Weight::Problem) {
        Exit::Failed
    } else {
        Exit::Pass
    })
}

fn text(diagnoses: &[Diagnosis]) -> String {
    let mut text = String::new();
    for diagnosis in diagnoses {
        let weight = match diagnosis.weight {
            Weight::Sound => "ok",
            Weight::Advice => "advice",
            Weight::Problem => "PROBLEM",
        };
        let _ = writeln!(
            text,
            "{weight:<8} {:<16} {}",
            diagnosis.code,
            Line(&diagnosis.seen)
        );
        if let Some(remedy) = &diagnosis.remedy {
            let _ = writeln!(text, "{:26}-> {}", "", Line(remedy));
        }
    }
    text
}
