//! C06 duties-separated: author, approver, merger and deployer fit the matrix.

use std::collections::{BTreeSet, HashMap};

use super::items::{Landed, changes, merge_approvals};
use crate::judge::{Check, Entry, Item, Model, Reason, Scope};
use crate::policy::rules::{Duties, Duty};
use crate::statement::predicate::{Deployment, PersonId, Who};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C06",
    name: "duties-separated",
    wants: "no person holds two duties that the policy keeps apart",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let any = Duties::default();
    let changes = changes(model, scope);
    let deployed = deployed(model);
    let judged = changes.iter().map(|it| {
        let rule = it.policy(model).checks().c06.as_ref().unwrap_or(&any);
        let mut unknown = None;
        for pair in &rule.apart {
            let first = holders(model, it, &deployed, pair.0);
            let then = holders(model, it, &deployed, pair.1);
            let both = first.known.intersection(&then.known).next();
            if let Some(person) = both {
                let detail = format!("{person} is {pair}");
                let item = Item::of(it.id(), Reason::DutiesTogether, detail);
                return it.item(item.resting_on([it.entry.seq]));
            }
            // Whoever nobody knows may be anybody who holds the other duty.
            unknown = unknown.or(first.unknown).or(then.unknown);
        }
        let item = match unknown {
            Some(who) => Item::of(
                it.id(),
                Reason::HolderUnknown,
                format!("{who} is nobody in the roster"),
            )
            .resting_on([it.entry.seq]),
            None => Item::pass(it.id(), vec![it.entry.seq]),
        };
        it.item(item)
    });
    judged.collect()
}

/// Who holds a duty.
#[derive(Default)]
struct Holders<'a> {
    known: BTreeSet<&'a PersonId>,
    /// One whom the roster does not know.
    unknown: Option<&'a Who>,
}

impl<'a> Holders<'a> {
    fn add(&mut self, model: &'a Model, who: &'a Who, seq: u64) {
        match model.person(who, seq) {
            Some(person) => drop(self.known.insert(person.id())),
            None => self.unknown = Some(who),
        }
    }
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
) -> Holders<'a> {
    let seq = it.entry.seq;
    let mut holders = Holders::default();
    match duty {
        Duty::Author => {
            let named = it.change.authors.iter();
            named.for_each(|author| holders.add(model, &author.person, seq));
        }
        Duty::Approver => {
            let (rule, heads) = (Default::default(), BTreeSet::new());
            let yes = merge_approvals(model, &rule, &it.change.head.tree, &heads);
            holders.known = yes.iter().map(|yes| yes.actor.person.id()).collect();
        }
        Duty::Merger => {
            let merger = it.landing.and_then(|(_, landing)| landing.merger.as_ref());
            if let Some(who) = merger {
                holders.add(model, who, seq);
            }
        }
        Duty::Deployer => {
            for (entry, deployment) in deployed.get(it.id()).into_iter().flatten() {
                let trigger = deployment.trigger.as_ref();
                match trigger.and_then(|trigger| trigger.person.as_ref()) {
                    Some(who) => holders.add(model, who, seq),
                    None => holders
                        .known
                        .extend(model.actor(entry).map(|actor| actor.person.id())),
                }
            }
        }
    }
    holders
}
