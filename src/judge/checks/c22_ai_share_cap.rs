//! C22 ai-share-cap: the upper bound of AI's share is within the cap of each class of paths; off unless the policy sets one.

use super::items::{Landed, changes};
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::AiKind;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C22",
    name: "ai-share-cap",
    wants: "no more lines may be AI's than the policy allows",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let changes = changes(model, scope);
    changes
        .iter()
        .filter_map(|it| of(model, it).map(|item| it.item(item)))
        .collect()
}

fn of(model: &Model, it: &Landed<'_>) -> Option<Item> {
    let share = &it.policy(model).ai().share;
    let classes = it.change.paths.iter().flat_map(|paths| &paths.classes);
    let caps = classes
        .filter_map(|class| share.get(class))
        .chain(share.get("*"));
    let cap = u64::from(*caps.min()?);
    let said = it.assistance_entries(model);
    let entries: Vec<u64> = said.iter().map(|(entry, _)| entry.seq).collect();
    let (_, newest) = said.last()?;
    if newest.kind == AiKind::None {
        return Some(Item::pass(it.id(), entries));
    }
    let Some(lines) = newest
        .attribution
        .as_ref()
        .and_then(|attribution| attribution.lines)
    else {
        return Some(Item::of(it.id(), Reason::AiShareUnknown, String::new()).resting_on(entries));
    };
    let (_, most) = lines.ai_range();
    // Widened, because hostile counts may be as large as they like.
    let over = u128::from(most) * 100 > u128::from(cap) * u128::from(lines.total);
    Some(match over {
        true => Item::of(
            it.id(),
            Reason::AiShareOver,
            format!("up to {most} of {} lines, at most {cap} %", lines.total),
        )
        .resting_on(entries),
        false => Item::pass(it.id(), entries),
    })
}
