//! C21 ai-tool-allowed: tool and model are on the list that was in force then.

use super::items::changes;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::fits;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C21",
    name: "ai-tool-allowed",
    wants: "only tools and models on the policy's list had a hand in a change",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items = Vec::new();
    for it in changes(model, scope) {
        for (entry, said) in it.assistance_entries(model) {
            let ai = model.in_force(entry.seq).1.ai();
            for session in &said.sessions {
                let subject = format!("{} session {}", it.id(), session.id.as_str());
                let tool = session.tool.name.as_str();
                let named = session
                    .model
                    .as_ref()
                    .map(|one| format!("{}/{}", one.provider.as_str(), one.id.as_str()));
                let fault = if !ai.tools.is_empty() && !ai.tools.iter().any(|name| name == tool) {
                    Some((Reason::AiToolUnknown, tool.to_owned()))
                } else {
                    match named {
                        _ if ai.models.is_empty() => None,
                        None => Some((Reason::AiModelUnsaid, tool.to_owned())),
                        Some(named) => {
                            let listed = ai.models.iter().any(|glob| fits(glob, &named));
                            (!listed).then_some((Reason::AiToolUnknown, named))
                        }
                    }
                };
                items.push(it.item(match fault {
                    Some((reason, detail)) => {
                        Item::of(subject, reason, detail).resting_on([entry.seq])
                    }
                    None => Item::pass(subject, vec![entry.seq]),
                }));
            }
        }
    }
    items
}
