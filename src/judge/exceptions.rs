//! Exceptions: whether one covers an item, and whether it may.

use super::model::{Actor, Entry, Model};
use super::{Item, Reason, Verdict};
use crate::policy::rules::fits;
use crate::roster::PersonKind;
use crate::statement::predicate::Exception;

/// Every exception, with its entry.
pub(super) fn all(model: &Model) -> impl Iterator<Item = (&Entry, &Exception)> {
    model.of::<Exception>()
}

/// Turns a failed item into an exception, where one covers it.
pub(super) fn apply(model: &Model, check: &str, item: &mut Item) {
    if item.verdict != Verdict::Fail {
        return;
    }
    let covering = all(model).find(|(entry, exception)| {
        exception.checks.iter().any(|id| id == check)
            && covers(exception, item)
            && lasts(entry, exception, model, item)
            && is_granted(model, entry, exception)
    });
    if let Some((entry, exception)) = covering {
        let blanket = if exception.is_blanket() {
            " (blanket)"
        } else {
            ""
        };
        item.verdict = Verdict::Exception;
        item.detail = format!(
            "{}; allowed by entry {}{blanket}: {}",
            item.detail, entry.seq, exception.reason
        );
        item.remedy = Some(format!("it ends on {}", exception.expires));
        item.entries.push(entry.seq);
        item.entries.sort_unstable();
    }
}

fn covers(exception: &Exception, item: &Item) -> bool {
    let place = &item.place;
    let one_of = |list: &[String], value: &Option<String>| {
        list.is_empty() || value.as_ref().is_some_and(|value| list.contains(value))
    };
    let scope = &exception.scope;
    let artifacts = scope.artifacts.is_empty()
        || place
            .artifact
            .as_ref()
            .is_some_and(|artifact| scope.artifacts.iter().any(|one| one.matches(artifact)));
    let finding = match (&exception.findings[..], &place.finding) {
        ([], _) => true,
        (findings, Some((id, location))) => findings.iter().any(|one| {
            let there = one.location.is_none() || one.location == *location;
            one.id == *id && there
        }),
        (_, None) => false,
    };
    let paths = match (
        &scope.paths[..],
        place.finding.as_ref().and_then(|(_, at)| at.as_ref()),
    ) {
        ([], _) => true,
        (globs, Some(at)) => globs.iter().any(|glob| fits(glob, at)),
        (_, None) => false,
    };
    one_of(&scope.services, &place.service)
        && one_of(&scope.environments, &place.environment)
        && artifacts
        && finding
        && paths
}

// It reaches what happened while it held: from when it says, or was recorded, until it expires.
fn lasts(entry: &Entry, exception: &Exception, model: &Model, item: &Item) -> bool {
    let time = item.place.time.unwrap_or(model.at);
    let from = exception.effective_from.unwrap_or(entry.time());
    let late = exception.break_glass;
    (late || from <= time) && time < exception.expires
}

/// Whether whoever granted it may: a human, in person or as an observer saw, and not the one who asked.
pub(crate) fn is_granted(model: &Model, entry: &Entry, exception: &Exception) -> bool {
    let granted = model.person(&exception.granted_by, entry.seq);
    let asked = model.person(&exception.requested_by, entry.seq);
    let actor = model.actor(entry);
    match (granted, actor) {
        (Some(granted), Some(Actor { person, .. })) => {
            granted.kind() == PersonKind::Human
                && granted.id() == person.id()
                && asked.is_none_or(|asked| asked.id() != granted.id())
        }
        _ => false,
    }
}

/// Why an exception is not as it should be (C12).
pub(super) fn fault(
    model: &Model,
    entry: &Entry,
    exception: &Exception,
) -> Option<(Reason, String)> {
    if !is_granted(model, entry, exception) {
        let detail = format!(
            "granted by {}, asked for by {}",
            exception.granted_by, exception.requested_by
        );
        return Some((Reason::ExceptionNotGranted, detail));
    }
    let due = exception
        .retro_review
        .as_ref()
        .map(|review| review.due_by)?;
    let reviewed = model.entries.iter().any(|other| {
        let about = other
            .said
            .iter()
            .flat_map(|said| said.basis())
            .any(|basis| basis.attestation == entry.attestation);
        about && other.seq > entry.seq
    });
    match due < model.at && !reviewed {
        true => Some((
            Reason::ExceptionNotReviewed,
            format!("it was to be looked at again by {due}"),
        )),
        false => None,
    }
}
