//! The checks' vectors: files of scenarios in `testdata/checks`, a check a file, found by listing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use git_docket::judge::scenario::{Case, Scenarios};
use git_docket::judge::{self, CheckResult, Reason, Verdict, pack};
use git_docket::policy::rules::Checks;
use proptest::prelude::*;

/// Every file's check and cases.
fn vectors() -> BTreeMap<String, Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checks");
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    files
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let cases = Scenarios::parse(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            (name.strip_suffix(".toml").unwrap().to_owned(), cases)
        })
        .collect()
}

#[test]
fn every_vector_gives_its_verdict_and_reasons() {
    let mut wrong = Vec::new();
    for (check, cases) in vectors() {
        for mut case in cases {
            case.check = Some(check.clone());
            let policy = case
                .own_policy()
                .unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let ran = case
                .run(policy)
                .unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
            if !ran.as_expected {
                wrong.push(format!("{check} {}: {ran:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_has_vectors_of_each_verdict_and_every_reason_one() {
    // What a check can never say, and why.
    let never: &[(&str, &[&str])] = &[
        ("C01", &["exception", "unknown", "not-applicable"]),
        ("C02", &["exception"]),
        ("C16", &["fail", "exception"]),
        ("C24", &["unknown"]),
        ("C25", &["unknown"]),
        ("C14", &["unknown"]),
        ("C11", &["fail", "exception"]),
        ("C17", &["unknown"]),
    ];
    let vectors = vectors();
    let mut reached = BTreeSet::new();
    for check in judge::checks::ALL {
        let cases = vectors
            .get(check.id)
            .unwrap_or_else(|| panic!("{} has no vectors", check.id));
        let verdicts: BTreeSet<&str> = cases.iter().map(|case| case.expect.as_str()).collect();
        let never = never
            .iter()
            .find(|(id, _)| *id == check.id)
            .map_or(&[][..], |(_, verdicts)| verdicts);
        for verdict in ["pass", "fail", "exception", "unknown", "not-applicable"] {
            assert!(
                verdicts.contains(verdict) != never.contains(&verdict),
                "{} {verdict}",
                check.id
            );
        }
        reached.extend(cases.iter().flat_map(|case| case.reasons.iter().cloned()));
    }
    assert_eq!(vectors.len(), judge::checks::ALL.len());
    // Of every check alike: `an_unsound_ledger_leaves_nothing_known`.
    reached.insert(Reason::LedgerUnsound.as_str().to_owned());
    let all: BTreeSet<String> = Reason::ALL
        .iter()
        .map(|reason| reason.as_str().to_owned())
        .collect();
    assert_eq!(
        all.difference(&reached).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "reasons without a vector"
    );
}

#[test]
fn each_item_is_judged_by_the_policy_in_force_at_its_entry() {
    // A change that one person approved, which landed at entry 3; the policy before and after entry 4.
    let judged = |before: &str, after: &str| {
        let case = format!(
            r#"
            [[case]]
            name = "two policies"
            expect = "pass"
            policy = """{before}"""
            later = [{{ from = 4, policy = """{after}""" }}]
            entries = [{{ like = "change" }}, {{ like = "approval", by = "ben" }}, {{ like = "landing" }}]
            "#
        );
        let case = Scenarios::parse(&case).unwrap().remove(0);
        case.run(case.own_policy().unwrap()).unwrap().verdict
    };
    let (two, one) = (
        "[checks.C05]\napprovals = 2\n",
        "[checks.C05]\napprovals = 1\n",
    );
    assert_eq!(judged(two, two), Verdict::Fail);
    assert_eq!(judged(one, one), Verdict::Pass);
    // Weakened, tightened, taken away afterwards: what landed before is judged as before.
    assert_eq!(judged(two, one), Verdict::Fail);
    assert_eq!(judged(one, two), Verdict::Pass);
    assert_eq!(judged(two, ""), Verdict::Fail);
    // What no policy asked for when it landed is nothing that it holds; nor is it a failure.
    assert_eq!(judged("", two), Verdict::NotApplicable);
    // A rule that was yet to start has not started because another came.
    let start = "effectiveFrom = \"2099-01-01T00:00:00Z\"\n";
    assert_eq!(
        judged(&format!("{two}{start}"), one),
        Verdict::NotApplicable
    );
}

#[test]
fn every_check_and_every_reason_stands_in_the_manual() {
    let page = git_docket::manual::page("checks").unwrap();
    for check in judge::checks::ALL {
        assert_eq!(
            page.matches(&format!("\n| {} | {} |", check.id, check.name))
                .count(),
            1,
            "{}",
            check.id
        );
    }
    for reason in Reason::ALL {
        let row = format!("\n| `{reason}` | {} | ", reason.verdict().as_str());
        assert_eq!(page.matches(&row).count(), 1, "{reason}");
    }
}

#[test]
fn every_check_has_a_page_with_its_reasons_and_controls() {
    let all = git_docket::manual::page("checks").unwrap();
    let packs = pack::shipped();
    for check in judge::checks::ALL {
        let page = git_docket::manual::page(&format!("check/{}", check.id)).unwrap();
        assert!(page.starts_with(&format!("# {} {}\n", check.id, check.name)));
        let row = format!("| {} | ", check.id);
        let row = all.lines().find(|line| line.starts_with(&row)).unwrap();
        let reasons = row.rsplit(" | ").next().unwrap().trim_end_matches(" |");
        for reason in reasons.split(", ") {
            let row = format!("| {reason} | ");
            let stands = |page: &'static str| page.lines().find(|line| line.starts_with(&row));
            assert_eq!(stands(page), stands(all), "{} {reason}", check.id);
        }
        assert!(page.contains(&format!("`[checks.{}]`", check.id)));
        for pack in &packs {
            for control in &pack.controls {
                let name = format!("`{}/{}`", pack.id, control.id);
                let speaks = control.checks.iter().any(|id| id == check.id);
                assert_eq!(page.contains(&name), speaks, "{} {name}", check.id);
            }
        }
    }
}

#[test]
fn what_a_control_asks_besides_the_policy_must_hold_as_well() {
    let pack = pack::Pack::parse(
        r#"
        id = "house"
        name = "House"
        version = "1"
        author = "us"
        [[control]]
        id = "two"
        title = "Two persons"
        checks = ["C05", "C15"]
        parameters.C05.approvals = 2
        coverage = "full"
        rationale = "Counted."
        "#,
    )
    .unwrap();
    let verdict = |approvals: &str| {
        let case = format!(
            "[[case]]\nname = \"n\"\nexpect = \"pass\"\npolicy = \"[checks.C05]\"\nentries = [{{ like = \"change\" }}, \
             {{ like = \"landing\" }}, {approvals}]\n"
        );
        let case = Scenarios::parse(&case).unwrap().remove(0);
        let results = ["C05", "C15"].map(|id| case.judge(id).unwrap());
        assert!(results.iter().all(|result| result.verdict == Verdict::Pass));
        let again = |parameters: &Checks, ids: &[&str]| {
            let of = |id: &&str| case.judge_under(id, parameters).unwrap();
            ids.iter().map(of).collect()
        };
        pack.apply(&results, again).remove(0)
    };
    let one = verdict(r#"{ like = "approval" }"#);
    assert_eq!(one.verdict, Verdict::Fail);
    assert_eq!(one.further.len(), 1);
    assert!(one.further[0].parameters.starts_with("2 humans"));
    assert_eq!(
        one.further[0].items,
        ["c1: too-few-approvals: 1 of 2 persons"]
    );
    let two = verdict(r#"{ like = "approval" }, { like = "approval", by = "grace" }"#);
    assert_eq!(two.verdict, Verdict::Pass);
    for wrong in [
        "parameters.C06.apart = []",
        "parameters.C05.effectiveFrom = \"2026-01-01T00:00:00Z\"",
        "parameters.C05.approvers = 2",
    ] {
        let text = format!(
            "id = \"h\"\nname = \"H\"\nversion = \"1\"\nauthor = \"u\"\n[[control]]\nid = \"c\"\ntitle = \"t\"\n\
             checks = [\"C05\"]\ncoverage = \"full\"\nrationale = \"r\"\n{wrong}\n"
        );
        assert!(pack::Pack::parse(&text).is_err(), "{wrong}");
    }
}

#[test]
fn every_control_of_every_pack_follows_the_vectors_of_its_checks() {
    let mut results: BTreeMap<String, Vec<(String, CheckResult)>> = BTreeMap::new();
    for (check, cases) in vectors() {
        for case in cases {
            let result = case.judge(&check).unwrap();
            results
                .entry(check.clone())
                .or_default()
                .push((case.name, result));
        }
    }
    let of = |check: &str, wanted: Verdict| {
        let mut vectors = results[check].iter();
        vectors.find(|(_, result)| result.verdict == wanted)
    };
    // Control, check, verdict: the vector that shows it.
    let mut table = BTreeMap::new();
    for pack in pack::shipped() {
        for control in &pack.controls {
            let place = format!("{}/{}", pack.id, control.id);
            assert!(!control.checks.is_empty(), "{place}");
            let said = |results: &[CheckResult]| {
                let all = pack.apply(results, |_, ids| {
                    let named = results.iter().filter(|one| ids.contains(&one.id));
                    named.cloned().collect()
                });
                all.into_iter()
                    .find(|one| one.id == control.id)
                    .unwrap()
                    .verdict
            };
            // With every check at its best the control holds, and each heavier vector of one check weighs it down.
            let good: Vec<CheckResult> = control
                .checks
                .iter()
                .map(|id| {
                    let best = of(id, Verdict::Pass).unwrap_or_else(|| panic!("{place} {id}"));
                    best.1.clone()
                })
                .collect();
            assert_eq!(said(&good), Verdict::Pass, "{place}");
            for (at, id) in control.checks.iter().enumerate() {
                for wanted in [Verdict::Exception, Verdict::Unknown, Verdict::Fail] {
                    let Some((name, result)) = of(id, wanted) else {
                        continue;
                    };
                    let mut worse = good.clone();
                    worse[at] = result.clone();
                    assert_eq!(said(&worse), wanted, "{place} {id}: {name}");
                    table.insert((place.clone(), id.clone(), wanted), name.clone());
                }
                let without = [&good[..at], &good[at + 1..]].concat();
                assert_eq!(said(&without), Verdict::Unknown, "{place} without {id}");
                let shown = table.keys().any(|(of, by, _)| *of == place && by == id);
                assert!(shown, "{place}: no vector shows {id} to fail");
            }
        }
    }
    assert!(table.len() > 150, "{}", table.len());
}

#[test]
fn an_unsound_ledger_leaves_nothing_known() {
    for (check, cases) in vectors() {
        for mut case in cases.into_iter().filter(|case| case.expect == "pass") {
            if matches!(check.as_str(), "C01" | "C02") {
                continue;
            }
            case.broken = vec!["root-mismatch: another root".into()];
            let result = case.judge(&check).unwrap();
            assert_eq!(result.verdict, Verdict::Unknown, "{check} {}", case.name);
            assert!(
                result
                    .items
                    .iter()
                    .all(|item| item.reason == Some(Reason::LedgerUnsound))
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Taking evidence away never makes a pass of what was none.
    #[test]
    fn less_evidence_makes_no_pass(which in 0usize..10_000, gone in any::<u32>()) {
        let vectors = vectors();
        // Evidence against something (a failure, a rejection, an inventory) is there to fail it.
        let against = [
            "approval-artifact","outcome", "inventory", "exception", "gap", "correction", "change", "landing", "deployment", "scan", "ai"];
        let all: Vec<(&String, &Case)> = vectors.iter().flat_map(|(check, cases)| cases.iter().map(move |case| (check, case))).collect();
        let (check, case) = all[which % all.len()];
        // These judge entries for being there at all; that none is gone, C01 sees to.
        prop_assume!(!["C02", "C12", "C17", "C25"].contains(&check.as_str()));
        let before = case.judge(check).unwrap().verdict;
        let mut less = case.clone();
        let mut at = 0;
        less.entries.retain(|entry| {
            at += 1;
            let plain = entry.by.is_none() && entry.set.is_empty() && !entry.failed;
            !plain || against.contains(&entry.like.as_str()) || gone >> (at % 32) & 1 == 0
        });
        // What stands after is named by its place.
        prop_assume!(less.entries.len() == case.entries.len() || !case.entries.iter().any(|entry| format!("{:?}", entry.set).contains('&')));
        let after = less.judge(check).unwrap().verdict;
prop_assert!(after != Verdict::Pass || matches!(before, Verdict::Pass | Verdict::Exception), "{check} {}: {before:?} became {after:?}", case.name);
    }
}
