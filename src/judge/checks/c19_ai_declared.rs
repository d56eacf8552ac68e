//! C19 ai-declared: each landed change is none, assisted or autonomous by a signed statement; trailers and notes agree.

use super::items::{Landed, changes};
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::AiMode;
use crate::statement::predicate::AiKind;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C19",
    name: "ai-declared",
    wants: "somebody said of each landed change whether AI had a hand in it",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    changes(model, scope)
        .iter()
        .map(|it| it.item(of(model, it)))
        .collect()
}

fn of(model: &Model, it: &Landed<'_>) -> Item {
    let said = it.assistance_entries(model);
    let entries: Vec<u64> = said.iter().map(|(entry, _)| entry.seq).collect();
    let Some((_, newest)) = said.last() else {
        return Item::of(it.id(), Reason::AiUndeclared, String::new()).resting_on([it.entry.seq]);
    };
    let landed = it.landing.iter().flat_map(|(_, landing)| &landing.commits);
    let commits = landed
        .chain([&it.change.head.commit])
        .filter_map(|id| model.commit(id));
    let bots = &it.policy(model).ai().bots;
    let tools: Vec<String> = commits.flat_map(|commit| commit.ai_tools(bots)).collect();
    if newest.kind == AiKind::None && !tools.is_empty() {
        return Item::of(it.id(), Reason::AiContradicted, tools.join(", ")).resting_on(entries);
    }
    if newest.kind != AiKind::None && it.policy(model).ai().mode == AiMode::Ban {
        return Item::of(it.id(), Reason::AiBanned, newest.kind.to_string()).resting_on(entries);
    }
    Item::pass(it.id(), entries)
}
