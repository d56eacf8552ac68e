//! `explain`: what a check, a control, a finding or a reason means.

use std::path::PathBuf;

use git_docket::finding::Code;
use git_docket::judge::pack::Official;
use git_docket::judge::{Reason, checks};
use git_docket::ops::evidence::{self, CheckEvidence, Evidence, ItemEvidence};
use git_docket::ops::report;
use git_docket::report::escape::{Block, Line};
use serde::Serialize;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say what a check, a control, a finding or a reason means
///
/// From a control to its checks, and where there is a ledger, to what they say
/// of it, to the entries that say so, and to their signed bytes; from a check to
/// what it wants, from a finding to what mends it.
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
    /// A control's official title and text, from an OSCAL catalog in JSON
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    official: Option<Official>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

/// Explains.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let found = match args.name.rsplit_once('/') {
        Some((pack, id)) => control(pack, id, &args, context)?,
        None if args.catalog.is_some() => {
            return Err(Stop::usage("--catalog is about a control: PACK/CONTROL"));
        }
        None => explained(&args.name),
    };
    let explained = found.ok_or_else(|| {
        Stop::new(Exit::Usage, format!("nothing is called {:?}", args.name))
            .hint("git docket help checks and git docket help findings list the names")
    })?;
    context.report(&explained, text)?;
    Ok(Exit::Pass)
}

fn control(
    pack: &str,
    id: &str,
    args: &Args,
    context: &Context,
) -> Result<Option<Explained>, Stop> {
    let mut pack = report::pack_named(pack)?;
    let Some(at) = pack.controls.iter().position(|control| control.id == id) else {
        return Ok(None);
    };
    pack.controls = vec![pack.controls.swap_remove(at)];
    if let Some(catalog) = &args.catalog {
        report::name_controls(std::slice::from_mut(&mut pack), catalog)?;
    }
    // Where there is no ledger, what a control asks is all that can be said.
    let ledger = &context.globals.ledger_ref;
    let evidence = match context.repository() {
        Ok(repository) if repository.reference(ledger)?.is_some() => {
            evidence::evidence(&context.world, &repository, ledger, &pack, id)?
        }
        _ => None,
    };
    let control = pack.controls.swap_remove(0);
    Ok(Some(Explained {
        name: args.name.clone(),
        kind: "control",
        meaning: format!(
            "{} (coverage {}): {}{}",
            control.title,
            control.coverage.as_str(),
            control.rationale,
            control.besides()
        ),
        remedy: None,
        checks: control.checks,
        official: control.official,
        evidence,
    }))
}

fn explained(name: &str) -> Option<Explained> {
    let found = |kind, meaning: &str, remedy: Option<&str>| Explained {
        name: name.to_owned(),
        kind,
        meaning: meaning.to_owned(),
        remedy: remedy.map(str::to_owned),
        checks: Vec::new(),
        official: None,
        evidence: None,
    };
    if let Some(check) = checks::check(name) {
        let meaning = format!("{}: {}", check.name, check.wants);
        return Some(found("check", &meaning, None));
    }
    if let Some(reason) = Reason::ALL.iter().find(|reason| reason.as_str() == name) {
        return Some(found("reason", reason.meaning(), Some(reason.remedy())));
    }
    let code = Code::ALL.iter().find(|code| code.as_str() == name);
    code.map(|code| found("finding", code.meaning(), Some(code.remedy())))
}

fn text(explained: &Explained) -> String {
    let mut text = format!(
        "{} {}\n  {}\n",
        explained.kind,
        Line(&explained.name),
        Line(&explained.meaning)
    );
    if let Some(official) = &explained.official {
        let indented = Block {
            text: &official.text,
            indent: "    ",
        };
        text += &format!(
            "  officially: {}\n{indented}  from {}\n",
            Line(&official.title),
            Line(&official.source)
        );
    }
    if let Some(remedy) = &explained.remedy {
        text += &format!("  mend: {remedy}\n");
    }
    for id in &explained.checks {
        let wants = checks::check(id).map_or("", |check| check.wants);
        text += &format!("  {id}: {wants}\n");
    }
    if let Some(evidence) = &explained.evidence {
        text += &format!("\nin this ledger: {}\n", evidence.verdict.as_str());
        evidence
            .checks
            .iter()
            .for_each(|check| text += &shown(check, &evidence.program));
    }
    text
}

fn shown(check: &CheckEvidence, program: &str) -> String {
    let mut text = format!("  {} {}\n", check.id, check.verdict.as_str());
    for ItemEvidence { item, rows } in &check.items {
        let reason = item
            .reason
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let (verdict, subject) = (item.verdict.as_str(), Line(&item.subject));
        text += &format!("    {verdict} {subject}{reason}\n");
        for row in rows {
            text += &format!(
                "      entry {} {} by {}, sha256:{}: {}\n",
                row.seq,
                Line(&row.step),
                Line(&row.signer),
                row.attestation,
                row.raw
            );
        }
    }
    if check.left > 0 {
        text += &format!("    {} more: {program} report\n", check.left);
    }
    text
}
