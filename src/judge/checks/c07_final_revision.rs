//! C07 final-revision: what was approved is what landed: the same tree, or the merge of the approved head into the actual
//! first parent, recomputed; or the approved artifact is the deployed one; and a release's tag is what it was.

use std::collections::BTreeMap;

use super::items::{Deployed, Landed, changes, deployments, in_period, merge_approvals};
use crate::judge::{Check, Entry, Item, Model, Place, Reason, Scope};
use crate::statement::predicate::{Approval, ApprovalScope, Covers, Decision, Release};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C07",
    name: "final-revision",
    wants: "what was approved is what landed and what was deployed, and no release's tag was moved",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items: Vec<Item> = changes(model, scope)
        .iter()
        .filter_map(|it| of_change(model, it).map(|item| it.item(item)))
        .collect();
    items.extend(
        deployments(model, scope)
            .iter()
            .filter_map(|it| of_deployment(model, it).map(|item| it.item(item))),
    );
    items.extend(released(model, scope));
    items
}

// A tag that is not here says nothing.
fn released(model: &Model, scope: &Scope) -> Vec<Item> {
    let releases = model.of::<Release>();
    let in_scope = |entry: &Entry| {
        let commits = scope.commits.as_ref();
        let artifact = scope.artifact.as_ref();
        scope.environment.is_none()
            && commits.is_none_or(|asked| asked.contains(&entry.commit))
            && artifact.is_none_or(|asked| entry.is_about(asked))
            && in_period(scope, entry.time())
    };
    let here = releases.filter(|(entry, _)| in_scope(entry));
    here.filter_map(|(entry, release)| {
        let name = release.name.as_ref()?;
        let now = model.facts.tags.get(name)?;
        let item = match entry.is_tagged(now) {
            true => Item::pass(name, vec![entry.seq]),
            false => {
                Item::of(name, Reason::TagMoved, format!("it is {now} now")).resting_on([entry.seq])
            }
        };
        Some(item.at(Place {
            time: Some(entry.time()),
            seq: Some(entry.seq),
            ..Place::default()
        }))
    })
    .collect()
}

fn of_change(model: &Model, it: &Landed<'_>) -> Option<Item> {
    let (_, landing) = it.landing?;
    let rule = it.policy(model).checks().c05.clone().unwrap_or_default();
    let head = &it.change.head;
    let approved = merge_approvals(model, &rule, &head.tree, &[head.commit].into());
    if approved.is_empty() {
        return Some(
            Item::of(it.id(), Reason::NothingApproved, String::new()).resting_on([it.entry.seq]),
        );
    }
    let Some(landed) = it.landed_tree(model) else {
        return Some(Item::of(
            it.id(),
            Reason::NoPopulation,
            format!("{} is not here", landing.to),
        ));
    };
    let entries: Vec<u64> = approved.iter().map(|yes| yes.entry.seq).collect();
    let first_parent = landing
        .from
        .or_else(|| model.commit(&landing.to)?.parents.first().copied());
    let merged = |head| first_parent.and_then(|parent| model.facts.merges.get(&(head, parent)));
    let same = approved.iter().any(|yes| yes.covered.tree == landed);
    let recomputed = approved
        .iter()
        .any(|yes| merged(yes.covered.head) == Some(&landed));
    let lost = approved.iter().find(|yes| {
        first_parent
            .is_some_and(|parent| model.facts.unmerged.contains(&(yes.covered.head, parent)))
    });
    let mut item = match (same || recomputed, lost) {
        (true, _) => Item::pass(it.id(), entries),
        (false, Some(yes)) => Item::of(
            it.id(),
            Reason::MergeUnknown,
            format!("commit {} is not here", yes.covered.head),
        )
        .resting_on(entries),
        (false, None) => Item::of(
            it.id(),
            Reason::NotWhatWasApproved,
            format!("tree {landed} landed"),
        )
        .resting_on(entries),
    };
    if recomputed && !same {
        item.detail = "the landed tree is the recomputed merge of the approved head".to_owned();
    }
    Some(item)
}

fn of_deployment(model: &Model, it: &Deployed<'_>) -> Option<Item> {
    let relied_on = it.deployment.basis.iter();
    let relied_on: BTreeMap<u64, &Entry> = relied_on
        .filter_map(|basis| model.entries.attested(&basis.attestation))
        .map(|entry| (entry.seq, entry))
        .collect();
    let mut approved = relied_on.into_values().filter_map(|entry| {
        let approval: &Approval = entry.says()?;
        let counts =
            approval.scope == ApprovalScope::Deploy && approval.decision == Decision::Approved;
        match &approval.covers {
            Covers::Artifact(artifact) if counts => Some((entry.seq, &artifact.digest)),
            _ => None,
        }
    });
    // Without an approval that it relied on there is nothing to hold it against.
    let (seq, digest) = approved.next()?;
    let same = |digest| {
        model
            .family(it.digest())
            .iter()
            .any(|one| one.matches(digest))
    };
    let any = same(digest) || approved.any(|(_, digest)| same(digest));
    Some(match any {
        true => Item::pass(it.label(), vec![seq, it.entry.seq]),
        false => Item::of(
            it.label(),
            Reason::NotWhatWasApproved,
            format!("entry {seq} approves another artifact"),
        )
        .resting_on([seq, it.entry.seq]),
    })
}
