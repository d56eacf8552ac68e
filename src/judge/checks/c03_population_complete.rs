//! C03 population-complete: each commit on a protected ref's first-parent line is named by a landing, each landing by a change;
//! the digests of the newest complete inventory equal those of the newest deployments. Both differences by name.

use std::collections::{BTreeMap, BTreeSet};

use super::items::{Deployed, deployments};
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::{Inventory, Landing};
use crate::timestamp::Timestamp;

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C03",
    name: "population-complete",
    wants: "every commit of a protected ref is in a landing, every landing names a change, and what runs is what was deployed",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items = commits(model, scope);
    items.extend(landings(model, scope));
    items.extend(running(model, scope));
    items
}

fn commits(model: &Model, scope: &Scope) -> Vec<Item> {
    let mut items = Vec::new();
    for name in model.policy().protected() {
        let named: BTreeSet<_> = model
            .landings()
            .filter(|(_, landing)| landing.name == *name)
            .flat_map(|(_, landing)| &landing.commits)
            .collect();
        let Some(line) = model.facts.lines.get(name) else {
            items.push(Item::of(
                name,
                Reason::NoPopulation,
                "git's side of it was not read",
            ));
            continue;
        };
        for commit in line {
            let asked = scope
                .commits
                .as_ref()
                .is_none_or(|asked| asked.contains(&commit.id));
            let then = scope
                .period
                .is_none_or(|(from, until)| from <= commit.committed && commit.committed < until);
            let place = super::super::Place {
                time: Some(commit.committed),
                ..Default::default()
            };
            if scope.environment.is_some() || scope.artifact.is_some() || !asked || !then {
                continue;
            }
            items.push(match named.contains(&commit.id) {
                true => Item::pass(commit.id.to_string(), Vec::new()).at(place),
                false => Item::of(
                    commit.id.to_string(),
                    Reason::CommitNotLanded,
                    format!("on {name}"),
                )
                .at(place),
            });
        }
    }
    items
}

fn landings(model: &Model, scope: &Scope) -> Vec<Item> {
    let changes = model.changes();
    let asked = |landing: &Landing| {
        scope
            .commits
            .as_ref()
            .is_none_or(|asked| landing.commits.iter().any(|commit| asked.contains(commit)))
    };
    let unnamed = model.landings().filter(|(entry, landing)| {
        let then = scope
            .period
            .is_none_or(|(from, until)| from <= entry.time() && entry.time() < until);
        then && asked(landing) && !changes.contains_key(landing.change_id.as_str())
    });
    unnamed
        .map(|(entry, landing)| {
            let detail = format!(
                "{} came by {} as {:?}",
                landing.to, landing.method, landing.change_id
            );
            let place = super::super::Place {
                time: Some(entry.time()),
                seq: Some(entry.seq),
                ..Default::default()
            };
            Item::of(
                format!("landing {}", entry.seq),
                Reason::LandingWithoutChange,
                detail,
            )
            .resting_on([entry.seq])
            .at(place)
        })
        .collect()
}

// Each environment by its newest complete inventory.
fn running(model: &Model, scope: &Scope) -> Vec<Item> {
    let all = model.of::<Inventory>();
    let mut newest: BTreeMap<&str, (u64, &Inventory)> = BTreeMap::new();
    let until = scope.period.map(|(_, until)| until);
    let seen = |inventory: &Inventory| until.is_none_or(|until| inventory.observed_on < until);
    for (entry, inventory) in all.filter(|(_, inventory)| inventory.complete && seen(inventory)) {
        newest.insert(&inventory.environment.name, (entry.seq, inventory));
    }
    let mut current: BTreeMap<(&str, &str), Deployed<'_>> = BTreeMap::new();
    for deployed in deployments(model, &up_to_its_end(scope)) {
        let at = deployed.deployment;
        current.insert((&at.environment.name, &at.service), deployed);
    }
    let mut items = Vec::new();
    for ((environment, service), deployed) in &current {
        let label = format!("{service} in {environment}");
        let Some((seq, inventory)) = newest.get(environment) else {
            items.push(deployed.item(Item::of(
                label,
                Reason::NoInventory,
                format!("deployed by entry {}", deployed.entry.seq),
            )));
            continue;
        };
        let family = model.family(deployed.digest());
        let runs = inventory.items.iter().any(|item| {
            item.service == *service && family.iter().any(|one| one.matches(&item.digest))
        });
        let entries = [*seq, deployed.entry.seq];
        items.push(
            deployed.item(match runs {
                true => Item::pass(label, entries.to_vec()),
                false => Item::of(
                    label,
                    Reason::DeployedNotRunning,
                    format!("deployed by entry {}", deployed.entry.seq),
                )
                .resting_on(entries),
            }),
        );
    }
    for (environment, (seq, inventory)) in &newest {
        if scope.commits.is_some()
            || scope.artifact.is_some()
            || scope
                .environment
                .as_deref()
                .is_some_and(|name| name != *environment)
        {
            continue;
        }
        for item in &inventory.items {
            let declared = current.iter().any(|((name, service), deployed)| {
                name == environment
                    && *service == item.service
                    && model
                        .family(deployed.digest())
                        .iter()
                        .any(|one| one.matches(&item.digest))
            });
            let known = current.contains_key(&(*environment, item.service.as_str()));
            // Where the service was deployed with another digest, that is said above.
            if !declared && !known {
                let label = format!("{} in {environment}", item.service);
                let place = super::super::Place {
                    time: Some(inventory.observed_on),
                    seq: Some(*seq),
                    service: Some(item.service.clone()),
                    environment: Some((*environment).to_owned()),
                    ..Default::default()
                };
                items.push(
                    Item::of(
                        label,
                        Reason::RunningUndeclared,
                        format!("seen by entry {seq}"),
                    )
                    .resting_on([*seq])
                    .at(place),
                );
            }
        }
    }
    items
}

// What runs in a period was deployed in it or before.
fn up_to_its_end(scope: &Scope) -> Scope {
    let beginning = Timestamp::from_unix(0).ok();
    Scope {
        period: scope
            .period
            .and_then(|(_, until)| Some((beginning?, until))),
        ..scope.clone()
    }
}
