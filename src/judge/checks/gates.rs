//! Measurements that must have passed before a deployment: what C26 and C27 share.

use super::items::{Deployed, deployments};
use crate::judge::{Item, Model, Reason, Scope};
use crate::policy::rules::{Checks, Gates};
use crate::statement::predicate::{GateKind, Measurement, MeasurementResult, Tier};

/// Judges the deployments that a rule is about.
pub(super) fn judge(
    model: &Model,
    scope: &Scope,
    rule: fn(&Checks) -> Option<&Gates>,
    kinds: &[GateKind],
) -> Vec<Item> {
    let any = Gates::default();
    let rule = |it: &Deployed<'_>| rule(it.policy(model).checks()).unwrap_or(&any).clone();
    let concerned = |it: &Deployed<'_>| {
        let rule = rule(it);
        let environment = &it.deployment.environment;
        let tier = environment
            .tier
            .or_else(|| it.policy(model).environment(&environment.name)?.tier);
        let there = match rule.environments.is_empty() {
            true => tier == Some(Tier::Prod),
            false => rule.environments.contains(&environment.name),
        };
        there && (rule.services.is_empty() || rule.services.contains(&it.deployment.service))
    };
    deployments(model, scope)
        .iter()
        .filter(|it| concerned(it))
        .map(|it| it.item(of(model, it, &rule(it), kinds)))
        .collect()
}

// The newest measurement of the service that came before decides.
fn of(model: &Model, it: &Deployed<'_>, rule: &Gates, kinds: &[GateKind]) -> Item {
    let all = model.of::<Measurement>();
    let about = |said: &Measurement| {
        let service = said
            .service
            .as_ref()
            .is_none_or(|service| *service == it.deployment.service);
        let environment = said
            .environment
            .as_ref()
            .is_none_or(|one| one.name == it.deployment.environment.name);
        service && environment && kinds.contains(&said.gate.kind)
    };
    let mut before =
        all.filter(|(entry, said)| about(said) && model.precedes(entry, it.entry) == Some(true));
    let Some((entry, said)) = before.next_back() else {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        return Item::of(it.label(), Reason::GateMissing, kinds.join(" or "))
            .resting_on([it.entry.seq]);
    };
    let entries = [entry.seq, it.entry.seq];
    if said
        .valid_until
        .is_some_and(|until| until < it.deployment.finished_on)
    {
        return Item::of(
            it.label(),
            Reason::GateExpired,
            format!("entry {}", entry.seq),
        )
        .resting_on(entries);
    }
    let limit = rule.limits.get(&it.deployment.service);
    let over = limit.and_then(|limit| said.metrics.iter().find(|metric| metric.value > *limit));
    match (said.result, over) {
        (MeasurementResult::Fail, _) => {
            Item::of(it.label(), Reason::GateFailed, said.gate.name.clone()).resting_on(entries)
        }
        (_, Some(metric)) => {
            let detail = format!("{} is {} {}", metric.name, metric.value, metric.unit);
            Item::of(it.label(), Reason::GateFailed, detail).resting_on(entries)
        }
        _ => Item::pass(it.label(), entries.to_vec()),
    }
}
