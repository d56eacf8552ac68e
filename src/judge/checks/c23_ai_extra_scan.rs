//! C23 ai-extra-scan: listed extra suites or scanners ran for changes with AI in them.

use super::c08_tests_before_ship::{naming_lost, suite_item};
use super::items::changes;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::policy::rules::{AcceptedTests, Tests};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C23",
    name: "ai-extra-scan",
    wants: "the suites and scans that AI changes need have run",
    run,
};

fn run(model: &Model, scope: &Scope) -> Vec<Item> {
    let rule = Tests {
        accept: AcceptedTests::ExitCode,
        warned_passes: true,
        ..Tests::default()
    };
    let mut items = Vec::new();
    for it in changes(model, scope)
        .into_iter()
        .filter(|it| it.has_ai(model))
    {
        for step in &it.policy(model).ai().scans {
            let (trees, lost) = it.carried(model);
            let subject = format!("{} {step}", it.id());
            let (item, _) = suite_item(model, subject, step, &trees, &[], &rule);
            let item = match lost {
                Some(tree) => naming_lost(model, item, step, &tree),
                None => item,
            };
            let reason = item.reason.map(|reason| match reason {
                Reason::SuiteMissing | Reason::SuiteEmpty => Reason::AiScanMissing,
                _ => Reason::AiScanFailed,
            });
            items.push(it.item(match reason {
                Some(reason) => {
                    Item::of(item.subject, reason, item.detail).resting_on(item.entries)
                }
                None => item,
            }));
        }
    }
    items
}
