//! C10 provenance-match: provenance's subject is the deployed digest, its builder is allowed, its source commit is on a
//! protected ref.

use super::items::{Deployed, deployments};
use crate::digest::ObjectId;
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::fits;
use crate::statement::predicate::{Known, Provenance};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C10",
    name: "provenance-match",
    wants: "the deployed digest has provenance, by an allowed builder, from a commit of a protected ref",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    deployments(model, scope)
        .iter()
        .map(|it| it.item(of(model, it)))
        .collect()
}

fn of(model: &Model, it: &Deployed<'_>) -> Item {
    let rule = model.policy().checks().c10.clone().unwrap_or_default();
    let family = model.family(it.digest());
    let all = model.of(|said| match said {
        Known::Provenance(provenance) => Some(&**provenance),
        _ => None,
    });
    let about: Vec<(&Entry, &Provenance)> = all
        .filter(|(entry, _)| family.iter().any(|digest| entry.is_about(digest)))
        .collect();
    let Some((last, _)) = about.last() else {
        return Item::of(it.label(), Reason::ProvenanceMissing, String::new())
            .resting_on([it.entry.seq]);
    };
    let allowed = |provenance: &Provenance| {
        let id = &provenance.run_details.builder.id;
        rule.builders.is_empty() || rule.builders.iter().any(|glob| fits(glob, id))
    };
    let Some((entry, _)) = about.iter().rfind(|(_, provenance)| allowed(provenance)) else {
        let ids: Vec<&str> = about
            .iter()
            .map(|(_, provenance)| provenance.run_details.builder.id.as_str())
            .collect();
        return Item::of(it.label(), Reason::BuilderUnknown, ids.join(", ")).resting_on([last.seq]);
    };
    let entries = [entry.seq, it.entry.seq];
    let commits = entry.source_commits();
    let protected = model
        .policy()
        .protected()
        .iter()
        .filter_map(|name| model.facts.lines.get(name))
        .flatten();
    let on_line = protected.clone().any(|commit| commits.contains(&commit.id));
    let landed = model.landings().any(|(_, landing)| {
        landing
            .commits
            .iter()
            .any(|commit| commits.contains(commit))
    });
    match (on_line || landed, protected.count()) {
        (true, _) => Item::pass(it.label(), entries.to_vec()),
        (false, 0) => Item::of(
            it.label(),
            Reason::SourceUnknown,
            "no protected ref was read",
        )
        .resting_on(entries),
        (false, _) => {
            let names: Vec<String> = commits.iter().map(ObjectId::to_string).collect();
            Item::of(it.label(), Reason::SourceOffLine, names.join(", ")).resting_on(entries)
        }
    }
}
