//! C10 provenance-match: provenance's subject is the deployed digest, its builder is allowed, its source commit is on a
//! protected ref.

use std::collections::HashSet;

use super::items::{Deployed, deployments};
use crate::digest::ObjectId;
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::fits;
use crate::statement::predicate::Provenance;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C10",
    name: "provenance-match",
    wants: "the deployed digest has provenance, by an allowed builder, from a commit of a protected ref",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let names = model.policy().protected().iter();
    let line = names
        .filter_map(|name| model.facts.lines.get(name))
        .flatten();
    let landed = model.landings().flat_map(|(_, landing)| &landing.commits);
    let source = Source {
        is_known: line.clone().next().is_some(),
        commits: line.map(|commit| &commit.id).chain(landed).collect(),
    };
    deployments(model, scope)
        .iter()
        .map(|it| it.item(of(model, it, &source)))
        .collect()
}

// What is on protected refs, or was said to have landed; and whether git knows any of it.
struct Source<'a> {
    is_known: bool,
    commits: HashSet<&'a ObjectId>,
}

fn of(model: &Model, it: &Deployed<'_>, source: &Source<'_>) -> Item {
    let rule = it.policy(model).checks().c10.clone().unwrap_or_default();
    let family = model.family(it.digest());
    let about = model.entries.about(&family);
    let about: Vec<(&Entry, &Provenance)> = about
        .into_iter()
        .filter_map(|entry| Some((entry, entry.says()?)))
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
    let on_line = commits.iter().any(|commit| source.commits.contains(commit));
    match (on_line, source.is_known) {
        (true, _) => Item::pass(it.label(), entries.to_vec()),
        (false, false) => Item::of(
            it.label(),
            Reason::SourceUnknown,
            "no protected ref was read",
        )
        .resting_on(entries),
        (false, true) => {
            let names: Vec<String> = commits.iter().map(ObjectId::to_string).collect();
            Item::of(it.label(), Reason::SourceOffLine, names.join(", ")).resting_on(entries)
        }
    }
}
