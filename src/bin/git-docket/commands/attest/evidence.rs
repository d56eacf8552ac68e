//! `attest --evidence`: the report of another tool.

use std::path::Path;

use git_docket::ingest::reports::{Report, Says};
use git_docket::ops::record::{Claim, Recorder};
use git_docket::ops::reported::{self, Keep, Source, usual_step};
use git_docket::ops::verify::digest_of;

use super::Args;
use crate::context::Context;
use crate::exit::Stop;

/// Adds what the report of a policy engine does not say itself.
pub(super) fn decided(
    args: &Args,
    source: Source<'_>,
    report: &mut Report,
    context: &Context,
) -> Result<(), Stop> {
    let mut policies = Vec::new();
    for path in &args.policy_file {
        policies.push((path.display().to_string(), digest_of(path)?));
    }
    let input = args.input_file.as_deref().map(digest_of).transpose()?;
    if !policies.is_empty() || input.is_some() {
        reported::decided(source, report, policies, input)?;
    }
    if let Says::Figures(figures) = &report.says
        && report.kind.is_decision()
        && figures.policies.is_empty()
    {
        context
            .ui
            .note("which policy was evaluated is not said: --policy-file FILE says it");
    }
    Ok(())
}

/// What the report says, as a claim.
pub(super) fn claim(
    args: &Args,
    path: &Path,
    bytes: &[u8],
    report: Report,
    recorder: &Recorder<'_>,
) -> Result<Claim, Stop> {
    let keep = match args.private {
        true => Keep::Private(args.report_uri.clone()),
        false => Keep::UpTo(recorder.keeps_reports_of()?),
    };
    let step = args.step.clone().unwrap_or_else(|| usual_step(&report));
    let mut subjects = vec![recorder.subject()];
    subjects.extend(super::said::named(args)?);
    let (source, speaker) = (Source { path, bytes }, recorder.speaker());
    Ok(reported::claim(
        source,
        report,
        &keep,
        speaker.as_ref(),
        step,
        subjects,
    )?)
}
