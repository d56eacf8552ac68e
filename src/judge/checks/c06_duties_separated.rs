//! C06 duties-separated: author, approver, merger and deployer fit the matrix.

use std::collections::{BTreeSet, HashMap};

use super::items::{Landed, changes, merge_approvals};
use crate::judge::{Check, Entry, Item, Model, Reason, Scope};
use crate::policy::rules::Duty;
use crate::statement::predicate::{Deployment, PersonId};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C06",
    name: "duties-separated",
    wants: "no person holds two duties that the policy keeps apart",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let rule = model.policy().checks().c06.clone().unwrap_or_default();
    let changes = changes(model, scope);
    let deployed = deployed(model);
    let judged = changes.iter().map(|it| {
        let both = rule.apart.iter().find_map(|pair| {
            let first = holders(model, it, &deployed, pair.0);
            let then = holders(model, it, &deployed, pair.1);
            first
                .intersection(&then)
                .next()
                .map(|person| format!("{person} is {pair}"))
        });
        it.item(match both {
            Some(detail) => {
                Item::of(it.id(), Reason::DutiesTogether, detail).resting_on([it.entry.seq])
            }
            None => Item::pass(it.id(), vec![it.entry.seq]),
        })
    });
    judged.collect()
}

/// Deployments, by the changes that they brought.
type DeployedBy<'a> = HashMap<&'a str, Vec<(&'a Entry, &'a Deployment)>>;

fn deployed(model: &Model) -> DeployedBy<'_> {
    let mut by_change = DeployedBy::new();
    for (entry, deployment) in model.deployments() {
        for id in &deployment.changes {
            by_change.entry(id).or_default().push((entry, deployment));
        }
    }
    by_change
}

fn holders<'a>(
    model: &'a Model,
    it: &Landed<'a>,
    deployed: &DeployedBy<'a>,
    duty: Duty,
) -> BTreeSet<&'a PersonId> {
    let known = |who| model.person(who, it.entry.seq).map(|person| person.id());
    match duty {
        Duty::Author => it
            .change
            .authors
            .iter()
            .filter_map(|author| known(&author.person))
            .collect(),
        Duty::Approver => merge_approvals(
            model,
            &Default::default(),
            &it.change.head.tree,
            &BTreeSet::new(),
        )
        .into_iter()
        .map(|yes| yes.actor.person.id())
        .collect(),
        Duty::Merger => it
            .landing
            .iter()
            .filter_map(|(_, landing)| known(landing.merger.as_ref()?))
            .collect(),
        Duty::Deployer => deployed
            .get(it.id())
            .into_iter()
            .flatten()
            .filter_map(|(entry, deployment)| {
                let person = deployment
                    .trigger
                    .as_ref()
                    .and_then(|trigger| trigger.person.as_ref());
                person
                    .and_then(known)
                    .or_else(|| model.actor(entry).map(|actor| actor.person.id()))
            })
            .collect(),
    }
}
