//! C25 agent-no-authority: no approval, exception, policy or roster entry signed by an agent, or in its name; and
//! nothing by an agent that the policy does not leave to agents.

use super::items::{Landed, changes};
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::roster::PersonKind;
use crate::statement::predicate::{AiKind, Decision, Known, Who};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C25",
    name: "agent-no-authority",
    wants: "no AI agent approved, allowed or governed anything, or went beyond what is left to agents",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let is_agent = |who: &Who, seq| {
        model
            .person(who, seq)
            .is_some_and(|person| person.kind() == PersonKind::Agent)
    };
    let mut items = Vec::new();
    for entry in model.entries.iter() {
        let (what, who) = match &entry.said {
            Some(Known::Approval(approval)) if approval.decision == Decision::Approved => {
                ("approval", &approval.approver)
            }
            Some(Known::Exception(exception)) => ("exception", &exception.granted_by),
            _ => continue,
        };
        let signer = Who::Person(entry.signer.clone());
        let by_agent = is_agent(who, entry.seq) || is_agent(&signer, entry.seq);
        let subject = format!("{what} {}", entry.seq);
        items.push(match by_agent {
            true => {
                Item::of(subject, Reason::AgentDecided, who.to_string()).resting_on([entry.seq])
            }
            false => Item::pass(subject, vec![entry.seq]),
        });
    }
    for change in &model.governed {
        let signer = change.signer.clone().map(Who::Person);
        let subject = format!("{} {}", change.step, change.seq);
        items.push(match signer.filter(|who| is_agent(who, change.seq)) {
            Some(who) => {
                Item::of(subject, Reason::AgentDecided, who.to_string()).resting_on([change.seq])
            }
            None => Item::pass(subject, vec![change.seq]),
        });
    }
    items.extend(model.entries.iter().filter_map(|entry| {
        let steps = &model.in_force(entry.seq).1.ai().agents.steps;
        let signer = Who::Person(entry.signer.clone());
        let limited = !steps.is_empty() && is_agent(&signer, entry.seq);
        limited.then(|| {
            let subject = format!("{} {}", entry.step, entry.seq);
            match steps.iter().any(|step| step.as_str() == entry.step) {
                true => Item::pass(subject, vec![entry.seq]),
                false => Item::of(subject, Reason::AgentOutside, entry.signer.to_string())
                    .resting_on([entry.seq]),
            }
        })
    }));
    items.extend(
        changes(model, scope)
            .iter()
            .filter_map(|it| alone(model, it)),
    );
    items
}

// A change that is an agent's alone stays within the classes of paths that are left to agents.
fn alone(model: &Model, it: &Landed<'_>) -> Option<Item> {
    let left = &model.in_force(it.entry.seq).1.ai().agents.path_classes;
    let (entry, said) = it.assistance_entries(model).pop()?;
    (!left.is_empty() && said.kind == AiKind::Autonomous).then_some(())?;
    // A change that hides its paths is not within any.
    let outside: Vec<&str> = match &it.change.paths {
        None => vec!["its paths are not said"],
        Some(paths) => {
            let outside = paths.classes.iter().filter(|class| !left.contains(class));
            outside.map(String::as_str).collect()
        }
    };
    Some(
        it.item(match outside.is_empty() {
            true => Item::pass(it.id(), vec![it.entry.seq, entry.seq]),
            false => Item::of(it.id(), Reason::AgentOutside, outside.join(", "))
                .resting_on([it.entry.seq, entry.seq]),
        }),
    )
}
