//! C20 ai-human-reviewed: C05 with the number that `[ai]` asks for; the reviewer is not the operator; high-risk paths need a role.

use std::collections::BTreeSet;

use super::items::{Landed, changes, merge_approvals};
use crate::judge::Verdict;
use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C20",
    name: "ai-human-reviewed",
    wants: "each change with AI in it was approved by enough humans who did not run it",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let with_ai = changes(model, scope)
        .into_iter()
        .filter(|it| it.has_ai(model));
    with_ai.map(|it| it.item(of(model, &it))).collect()
}

fn of(model: &Model, it: &Landed<'_>) -> Item {
    let ai = it.policy(model).ai();
    let rule = it.policy(model).checks().c05.clone().unwrap_or_default();
    let item = super::c05_four_eyes::of(model, it, &rule, ai.review);
    match item.verdict {
        Verdict::Pass => {}
        Verdict::Fail => {
            return Item::of(it.id(), Reason::AiNotReviewed, item.detail).resting_on(item.entries);
        }
        _ => return item,
    }
    let classes = it.change.paths.iter().flat_map(|paths| &paths.classes);
    for (class, role) in classes.filter_map(|class| Some((class, ai.review_roles.get(class)?))) {
        let hands = it.hands(model).unwrap_or_default();
        let yes = merge_approvals(model, &rule, &it.change.head.tree, &BTreeSet::new());
        let held = yes
            .iter()
            .any(|yes| yes.actor.has(role) && !hands.contains(yes.actor.person.id()));
        if !held {
            return Item::of(
                it.id(),
                Reason::AiRoleMissing,
                format!("{class} needs {}", role.as_str()),
            )
            .resting_on(item.entries);
        }
    }
    item
}
