//! `explain`: what a check, a control, a finding or a reason means.

use git_docket::finding::Code;
use git_docket::judge::{Reason, checks};
use git_docket::ops::report;
use serde::Serialize;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say what a check, a control, a finding or a reason means
///
/// From a control to its checks, from a check to what it wants, from a finding
/// to what mends it.
///
/// Examples:
///   git docket explain C05
///   git docket explain slsa/source-l4
///   git docket explain too-few-approvals
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Cnn, PACK/CONTROL, or the name of a finding or reason
    #[arg(value_name = "NAME")]
    name: String,
}

/// What something means.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    name: String,
    kind: &'static str,
    meaning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<String>,
}

/// Explains.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let explained = explained(&args.name)?.ok_or_else(|| {
        Stop::new(Exit::Usage, format!("nothing is called {:?}", args.name))
            .hint("git docket help checks and git docket help findings list the names")
    })?;
    context.report(&explained, text)?;
    Ok(Exit::Pass)
}

fn explained(name: &str) -> Result<Option<Explained>, Stop> {
    let found = |kind, meaning: &str, remedy: Option<&str>, checks| Explained {
        name: name.to_owned(),
        kind,
        meaning: meaning.to_owned(),
        remedy: remedy.map(str::to_owned),
        checks,
    };
    if let Some(check) = checks::check(name) {
        return Ok(Some(found(
            "check",
            &format!("{}: {}", check.name, check.wants),
            None,
            Vec::new(),
        )));
    }
    if let Some((pack, id)) = name.rsplit_once('/') {
        let pack = report::pack_named(pack)?;
        let control = pack.controls.into_iter().find(|control| control.id == id);
        return Ok(control.map(|control| {
            let meaning = format!(
                "{} (coverage {}): {}",
                control.title,
                control.coverage.as_str(),
                control.rationale
            );
            found("control", &meaning, None, control.checks)
        }));
    }
    if let Some(reason) = Reason::ALL.iter().find(|reason| reason.as_str() == name) {
        return Ok(Some(found(
            "reason",
            reason.meaning(),
            Some(reason.remedy()),
            Vec::new(),
        )));
    }
    let code = Code::ALL.iter().find(|code| code.as_str() == name);
    Ok(code.map(|code| found("finding", code.meaning(), Some(code.remedy()), Vec::new())))
}

fn text(explained: &Explained) -> String {
    let mut text = format!(
        "{} {}\n  {}\n",
        explained.kind, explained.name, explained.meaning
    );
    if let Some(remedy) = &explained.remedy {
        text += &format!("  mend: {remedy}\n");
    }
    for id in &explained.checks {
        let wants = checks::check(id).map_or("", |check| check.wants);
        text += &format!("  {id}: {wants}\n");
    }
    text
}
