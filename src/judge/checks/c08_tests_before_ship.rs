//! C08 tests-before-ship: required suites (by signed step) PASSED on the same tree, its recomputed merge, or the artifact,
//! before deployment.

use std::collections::BTreeMap;

use super::items::{Deployed, Landed, changes, deployments};
use crate::digest::ObjectId;
use crate::judge::Entry;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::Policy;
use crate::policy::rules::{AcceptedTests, Tests};
use crate::statement::predicate::{Known, TestOutcome};
use crate::statement::{DigestSet, Step};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C08",
    name: "tests-before-ship",
    wants: "the required suites passed on what landed and on what was deployed, before",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let usual = Tests::default();
    let rule = |policy: &'_ Policy| policy.checks().c08.as_ref().unwrap_or(&usual).clone();
    let mut items = Vec::new();
    for it in changes(model, scope) {
        let rule = rule(it.policy(model));
        let of = |suite| it.item(of_change(model, &it, suite, &rule));
        items.extend(rule.suites.iter().map(of));
    }
    for it in deployments(model, scope) {
        let rule = rule(it.policy(model));
        let of = |suite| it.item(of_deployment(model, &it, suite, &rule));
        items.extend(rule.suites.iter().map(of));
    }
    items
}

fn of_change(model: &Model, it: &Landed<'_>, suite: &Step, rule: &Tests) -> Item {
    let (trees, lost) = it.carried(model);
    let subject = format!("{} {suite}", it.id());
    let (item, _) = suite_item(model, subject, suite, &trees, &[], rule);
    match lost {
        Some(tree) => naming_lost(model, item, suite, &tree),
        None => item,
    }
}

/// A missing result, with those named that are about a tree which did not land.
pub(super) fn naming_lost(model: &Model, item: Item, suite: &Step, lost: &ObjectId) -> Item {
    let entries: Vec<u64> = model
        .entries
        .with_tree(lost)
        .filter(|entry| entry.step == suite.as_str())
        .map(|entry| entry.seq)
        .collect();
    let (Some(_), Some(last)) = (
        item.reason.filter(|is| *is == Reason::SuiteMissing),
        entries.last(),
    ) else {
        return item;
    };
    let detail = format!("entry {last} is about tree {lost}, and another tree landed");
    Item { detail, ..item }.resting_on(entries)
}

fn of_deployment(model: &Model, it: &Deployed<'_>, suite: &Step, rule: &Tests) -> Item {
    let trees: Vec<ObjectId> = it
        .origins(model)
        .into_iter()
        .map(|(_, tree)| tree)
        .collect();
    let family = model.family(it.digest());
    let (item, result) = suite_item(
        model,
        format!("{} {suite}", it.label()),
        suite,
        &trees,
        &family,
        rule,
    );
    match result {
        Some(result) if model.precedes(it.entry, result) == Some(true) => Item::of(
            item.subject,
            Reason::SuiteLate,
            format!("entry {} came after", result.seq),
        )
        .resting_on([result.seq, it.entry.seq]),
        _ => item,
    }
}

/// What a suite's newest result about one of these trees or artifacts says.
pub(super) fn suite_item<'a>(
    model: &'a Model,
    subject: String,
    suite: &Step,
    trees: &[ObjectId],
    artifacts: &[DigestSet],
    rule: &Tests,
) -> (Item, Option<&'a Entry>) {
    let of_trees = trees.iter().flat_map(|tree| model.entries.with_tree(tree));
    let results: BTreeMap<u64, &Entry> = of_trees
        .chain(model.entries.about(artifacts))
        .filter(|entry| entry.step == suite.as_str())
        .map(|entry| (entry.seq, entry))
        .collect();
    let results: Vec<&Entry> = results.into_values().collect();
    let is_report = |entry: &&Entry| matches!(entry.said, Some(Known::TestResult(_)));
    // A report says more than the exit code of the command that wrote it.
    let newest = results
        .iter()
        .copied()
        .rfind(is_report)
        .or(results.last().copied());
    let Some(entry) = newest else {
        let mut item = Item::of(
            subject,
            Reason::SuiteMissing,
            format!("no entry of step {suite}"),
        );
        item.remedy = Some(format!(
            "git docket run --step {suite} --evidence REPORT -- COMMAND, or git docket attest --step {suite} --evidence REPORT"
        ));
        return (item, None);
    };
    let fault = |reason| {
        Item::of(subject.clone(), reason, format!("entry {}", entry.seq)).resting_on([entry.seq])
    };
    let item = match &entry.said {
        _ if entry.failed => fault(Reason::SuiteFailed),
        Some(Known::TestResult(said)) => match (said.result, said.tests) {
            (TestOutcome::Failed, _) => fault(Reason::SuiteFailed),
            (_, Some(tests)) if tests.total == tests.skipped => fault(Reason::SuiteEmpty),
            (TestOutcome::Warned, _) if !rule.warned_passes => fault(Reason::SuiteWarned),
            _ => Item::pass(subject, vec![entry.seq]).resting_on_summary(said.report.as_ref()),
        },
        _ if rule.accept == AcceptedTests::ExitCode => Item::pass(subject, vec![entry.seq]),
        _ => fault(Reason::SuiteNoReport),
    };
    (item, Some(entry))
}
