//! C25 agent-no-authority: no approval, exception, policy or roster entry signed by an agent, or in its name.

use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::roster::PersonKind;
use crate::statement::predicate::{Decision, Known, Who};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C25",
    name: "agent-no-authority",
    wants: "no AI agent approved, allowed or governed anything",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    let is_agent = |who: &Who, seq| {
        model
            .person(who, seq)
            .is_some_and(|person| person.kind() == PersonKind::Agent)
    };
    let mut items = Vec::new();
    for entry in &model.entries {
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
    items
}
