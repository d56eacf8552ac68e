//! C24 ai-prompt-digest: a prompt's digest where it is required. That no prompt's text is there, the predicate's own rules see to.

use super::items::changes;
use crate::judge::{Check, Item, Model, Reason, Scope};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C24",
    name: "ai-prompt-digest",
    wants: "every session has its prompt's digest, where the policy asks for it",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items = Vec::new();
    let asked = changes(model, scope).into_iter();
    for it in asked.filter(|it| it.policy(model).ai().prompt_digest) {
        for (entry, said) in it.assistance_entries(model) {
            for session in &said.sessions {
                let subject = format!("{} session {}", it.id(), session.id.as_str());
                items.push(
                    it.item(match session.prompt {
                        Some(_) => Item::pass(subject, vec![entry.seq]),
                        None => Item::of(subject, Reason::AiPromptUnsaid, String::new())
                            .resting_on([entry.seq]),
                    }),
                );
            }
        }
    }
    items
}
