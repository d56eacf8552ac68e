//! C05 four-eyes: at least N approvals by humans who are no author, committer, opener, pusher or AI operator of the
//! change, each of its base and tree, and after the newest change entry; and as many as an environment asks for, of each change
//! that a deployment brought there.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{Landed, changes, deployments, merge_approvals};
use crate::digest::ObjectId;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::FourEyes;
use crate::statement::predicate::{Approval, AssertedBy, Change, Decision, Known, PersonId, Who};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C05",
    name: "four-eyes",
    wants: "enough humans approved each change who had no hand in it",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let any = FourEyes::default();
    let judged = |it: &Landed<'_>| {
        let rule = it.policy(model).checks().c05.as_ref().unwrap_or(&any);
        it.item(of(model, it, rule, needed(it, rule)))
    };
    let mut items: Vec<Item> = changes(model, scope).iter().map(judged).collect();
    items.extend(brought(model, scope));
    items
}

/// What each deployment brought, where its environment asks for so many approvals.
fn brought(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items = Vec::new();
    let asking = deployments(model, scope).into_iter().filter_map(|it| {
        let rule = it.policy(model).checks().c05.as_ref()?;
        let asked = rule.environments.get(&it.deployment.environment.name)?;
        Some((it, rule, *asked))
    });
    let asking: Vec<_> = asking.collect();
    if asking.is_empty() {
        return items;
    }
    let all: BTreeMap<&str, Landed<'_>> = (changes(model, &Scope::default()).into_iter())
        .map(|change| (change.id(), change))
        .collect();
    for (it, rule, asked) in asking {
        let named: BTreeSet<&str> = it.deployment.changes.iter().map(String::as_str).collect();
        if named.is_empty() {
            let item = Item::of(it.label(), Reason::NothingApproved, "it names no change");
            items.push(it.item(item.resting_on([it.entry.seq])));
        }
        for id in named {
            let subject = format!("{id} by {}", it.label());
            let item = match all.get(id) {
                Some(change) => of(model, change, rule, asked),
                None => Item::of(id, Reason::NothingApproved, "no such change has landed"),
            };
            items.push(it.item(Item { subject, ..item }.resting_on([it.entry.seq])));
        }
    }
    items
}

// The most that any of its classes of paths asks for.
fn needed(it: &Landed<'_>, rule: &FourEyes) -> u32 {
    let classes = it.change.paths.iter().flat_map(|paths| &paths.classes);
    let most = classes
        .filter_map(|class| rule.path_classes.get(class))
        .max();
    most.copied().unwrap_or(0).max(rule.approvals)
}

/// What can be said of one change, where this many must approve it.
pub(super) fn of(model: &Model, it: &Landed<'_>, rule: &FourEyes, needed: u32) -> Item {
    let hands = match it.hands(model) {
        Ok(hands) => hands,
        Err(who) => {
            return Item::of(
                it.id(),
                Reason::AuthorUnknown,
                format!("{who} is nobody in the roster"),
            )
            .resting_on([it.entry.seq]);
        }
    };
    let observed = |said: &Known| {
        said.asserted()
            .is_some_and(|asserted| asserted.asserted_by == AssertedBy::Observed)
    };
    let claimed = !it.entry.said.as_ref().is_some_and(observed);
    let by_address = it
        .change
        .authors
        .iter()
        .find(|author| matches!(author.person, Who::Email { .. }));
    if let (true, false, Some(author)) = (claimed, rule.accept_claimed_authors, by_address) {
        return Item::of(it.id(), Reason::AuthorClaimed, author.person.to_string())
            .resting_on([it.entry.seq]);
    }
    let about = model.entries.covering_tree(&it.change.head.tree);
    let mut rejected = about
        .filter_map(|entry| Some((entry, entry.says::<Approval>()?)))
        .filter(|(_, approval)| approval.decision == Decision::Rejected);
    let (mut persons, mut entries) = (BTreeSet::<&PersonId>::new(), vec![it.entry.seq]);
    let (mut stale, mut expired) = (Vec::new(), Vec::new());
    // Of its tree, its head, and earlier heads of the same change.
    let heads = heads(model, it);
    for yes in merge_approvals(model, rule, &it.change.head.tree, &heads) {
        let same = yes.covered.tree == it.change.head.tree
            && yes
                .covered
                .base
                .is_none_or(|base| base == it.change.base.commit);
        if hands.contains(yes.actor.person.id()) || (!same && !heads.contains(&yes.covered.head)) {
            continue;
        }
        if !same || model.precedes(it.entry, yes.entry) == Some(false) {
            stale.push(yes.entry.seq);
        } else if yes.expires.is_some_and(|until| until < it.time()) {
            expired.push(yes.entry.seq);
        } else {
            persons.insert(yes.actor.person.id());
            entries.push(yes.entry.seq);
        }
    }
    if let Some((no, approval)) = rejected.next_back()
        && model
            .actor(no)
            .is_some_and(|actor| actor.is_human() && !persons.contains(actor.person.id()))
    {
        return Item::of(
            it.id(),
            Reason::ApprovalRejected,
            approval.approver.to_string(),
        )
        .resting_on([no.seq]);
    }
    if persons.len() as u64 >= u64::from(needed) {
        return Item::pass(it.id(), Vec::new()).resting_on(entries);
    }
    let (reason, of) = match (expired.is_empty(), stale.is_empty()) {
        (false, _) => (Reason::ApprovalExpired, expired),
        (true, false) => (Reason::ApprovalStale, stale),
        (true, true) => (Reason::TooFewApprovals, entries),
    };
    Item::of(
        it.id(),
        reason,
        format!("{} of {needed} persons", persons.len()),
    )
    .resting_on(of)
}

// The heads that it has had.
fn heads(model: &Model, it: &Landed<'_>) -> BTreeSet<ObjectId> {
    let all = model.entries.of_change(it.id());
    let heads = all.filter_map(|entry| Some(entry.says::<Change>()?.head.commit));
    heads.collect()
}
