//! An audit as Markdown: fits a CI system's summary.

use std::fmt::Write as _;

use super::audit::Audit;
use super::escape::line;
use crate::judge::{Item, Verdict};

/// The report; text that others wrote cannot make markup in it.
pub fn markdown(audit: &Audit) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Audit of {}: {}\n",
        cell(&audit.origin),
        audit.verdict.as_str()
    );
    let policy = audit.policy.map_or("none".to_owned(), |policy| {
        format!("entry {}, sha256:{}", policy.seq, policy.digest)
    });
    let population = &audit.population;
    let rows = [
        ("asked", cell(&audit.asked)),
        ("as of", audit.at.to_string()),
        (
            "ledger head",
            format!(
                "{} of {} entries ({} sealed), root {}",
                audit.tip, audit.size, audit.sealed, audit.root
            ),
        ),
        ("policy", policy),
        ("pin", cell(&audit.pin)),
        (
            "commits on protected refs",
            format!(
                "{}, {} of them in a landing",
                population.commits, population.commits_landed
            ),
        ),
        (
            "landings",
            format!(
                "{}, {} of them with a change",
                population.landings, population.landings_with_change
            ),
        ),
        (
            "changes, deployments",
            format!("{}, {}", population.changes, population.deployments),
        ),
        (
            "signed by the person, observed",
            format!("{}, {}", population.self_signed, population.observed),
        ),
    ];
    out.push_str("| | |\n| --- | --- |\n");
    for (label, value) in rows {
        let _ = writeln!(out, "| {label} | {value} |");
    }
    out.push_str("\nNot covered:\n\n");
    for text in &audit.not_covered {
        let _ = writeln!(out, "- {}", cell(text));
    }
    section(&mut out, "Exceptions", &audit.exceptions);
    for pack in &audit.packs {
        let _ = writeln!(
            out,
            "\n## {} {}\n\n| control | verdict | coverage | checks | |",
            cell(&pack.name),
            cell(&pack.version)
        );
        out.push_str("| --- | --- | --- | --- | --- |\n");
        for control in &pack.controls {
            let _ = writeln!(
                out,
                "| {} | **{}** | {} | {} | {}{} |",
                cell(&control.id),
                control.verdict.as_str(),
                control.coverage.as_str(),
                control.checks.join(" "),
                match &control.official {
                    Some(official) =>
                        format!("{}: {}", cell(&official.title), cell(&control.title)),
                    None => cell(&control.title),
                },
                (control.further.iter())
                    .map(|further| format!(" {}", cell(&further.to_string())))
                    .collect::<String>()
            );
        }
    }
    out.push_str("\n## Checks\n\n| check | verdict | fail | unknown | exception | pass |\n| --- | --- | --- | --- | --- | --- |\n");
    for check in &audit.checks {
        let counts = check.counts;
        let _ = writeln!(
            out,
            "| {} {} | **{}** | {} | {} | {} | {} |",
            check.id,
            check.name,
            check.verdict.as_str(),
            counts.fail,
            counts.unknown,
            counts.exception,
            counts.pass
        );
    }
    for check in &audit.checks {
        let open: Vec<Item> = check
            .items
            .iter()
            .filter(|item| item.verdict > Verdict::Exception)
            .cloned()
            .collect();
        section(&mut out, &format!("{} {}", check.id, check.name), &open);
        if let Some(coming) = &check.coming {
            let title = format!(
                "{} {}, in force from {} on",
                check.id, check.name, coming.from
            );
            section(&mut out, &title, &coming.items);
        }
    }
    out
}

fn section(out: &mut String, title: &str, items: &[Item]) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n");
    for item in items {
        let reason = item
            .reason
            .map(|reason| reason.as_str())
            .unwrap_or_default();
        let entries: String = item.entries.iter().map(|seq| format!(" #{seq}")).collect();
        let _ = writeln!(
            out,
            "- **{}** {}: {reason} {}{entries}",
            item.verdict.as_str(),
            cell(&item.subject),
            cell(&item.detail)
        );
        if let Some(remedy) = &item.remedy {
            let _ = writeln!(out, "  - {}", cell(remedy));
        }
    }
}

/// One line in which nothing is left that a terminal, Markdown or HTML would act upon.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
