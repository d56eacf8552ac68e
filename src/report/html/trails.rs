//! Releases on the page: a control by release in marks, and each release's waterfall.

use maud::{Markup, html};

use super::{mark, scroll, shown};
use crate::judge::Verdict;
use crate::judge::trails::{Event, MOST, Trail};
use crate::report::audit::Audit;

/// How wide a waterfall's rail is, in its own units.
const WIDTH: i64 = 240;

/// Which columns a matrix has, and the checks behind each.
struct Column<'a> {
    name: &'a str,
    checks: Vec<&'a str>,
}

/// A table for each pack, a row a release, a column a control; without packs one of checks.
pub(super) fn matrix(audit: &Audit) -> Markup {
    if audit.trails.releases.is_empty() {
        return Markup::default();
    }
    let packs = audit.packs.iter().map(|pack| {
        let columns = pack.controls.iter().map(|control| Column {
            name: &control.id,
            checks: control.checks.iter().map(String::as_str).collect(),
        });
        (pack.name.as_str(), columns.collect())
    });
    let mut tables: Vec<(&str, Vec<Column<'_>>)> = packs.collect();
    if tables.is_empty() {
        let columns = audit.checks.iter().map(|check| Column {
            name: check.id,
            checks: vec![check.id],
        });
        tables.push(("Checks", columns.collect()));
    }
    html! {
        section aria-labelledby="by-release" {
            h2 id="by-release" { "Controls by release" }
            p.soft {
                "What a control's checks say of one release and the changes that it brought, the heaviest first: "
                @for verdict in [Verdict::Fail, Verdict::Unknown, Verdict::Exception, Verdict::Pass] { (mark(verdict)) " " (verdict.as_str()) ", " }
                (mark(Verdict::NotApplicable)) " nothing about it. What is said of the ledger as a whole stands above alone. " (older(audit))
            }
            @for (name, columns) in &tables { (scroll(&format!("{} by release", shown(name)), grid(audit, name, columns))) }
        }
    }
}

fn grid(audit: &Audit, name: &str, columns: &[Column<'_>]) -> Markup {
    html! { table.grid {
        caption { (shown(name)) }
        thead { tr { th scope="col" { "release" } @for column in columns { th scope="col" { (shown(column.name)) } } } }
        tbody { @for release in &audit.trails.releases { tr {
            th scope="row" { a href={ "#w" (release.seq) } { (shown(&release.subject)) } }
            @for column in columns { (cell(release, column)) }
        } } }
    } }
}

fn cell(release: &Trail, column: &Column<'_>) -> Markup {
    let said = column
        .checks
        .iter()
        .filter_map(|check| release.verdicts.get(check));
    let verdict = said.max().copied().unwrap_or(Verdict::NotApplicable);
    html! { td.(verdict.as_str()) { span aria-hidden="true" { (mark(verdict)) } span.h { (verdict.as_str()) } } }
}

fn older(audit: &Audit) -> String {
    match audit.trails.left {
        0 => String::new(),
        left => {
            format!("Shown are the newest {MOST}; {left} older ones are in the JSON and CSV forms.")
        }
    }
}

/// Each release's entries in time, with how long each had been waited for.
pub(super) fn waterfall(audit: &Audit) -> Markup {
    if audit.trails.releases.is_empty() {
        return Markup::default();
    }
    html! {
        section aria-labelledby="waterfall" {
            h2 id="waterfall" { "Who waited for what" }
            p.soft { "Every step that led to a release, in time; the bar before a step's tick is how long it was waited for. Times are as claimed, or where a log or a timestamp vouches for them, verified. " (older(audit)) }
            @for (at, release) in audit.trails.releases.iter().enumerate() { (one(audit, release, at == 0)) }
        }
    }
}

fn one(audit: &Audit, release: &Trail, open: bool) -> Markup {
    let (first, last) = match (release.events.first(), release.events.last()) {
        (Some(first), Some(last)) => (first.time.unix(), last.time.unix()),
        _ => return Markup::default(),
    };
    let times = || release.events.iter().map(|event| event.time.unix());
    let until = times().fold(last, i64::max);
    let waits: Vec<i64> = times()
        .zip(std::iter::once(first).chain(times()))
        .map(|(now, before)| now.saturating_sub(before).max(0))
        .collect();
    let longest = waits
        .iter()
        .zip(&release.events)
        .max_by_key(|(wait, _)| **wait);
    let table = html! { table {
        thead { tr { th scope="col" { "step" } th scope="col" { "who" } th scope="col" { "when" } th scope="col" { "waited" } th scope="col" { "in time" } th scope="col" { "entry" } } }
        tbody { @for (event, wait) in release.events.iter().zip(&waits) { tr {
            th scope="row" { (shown(&event.step)) }
            td { (who(event)) }
            td { (event.time.to_string()) " " span.soft { @if event.verified { "verified" } @else { "claimed" } } }
            td { (span(*wait)) }
            td { (rail(first, until, event.time.unix(), *wait)) }
            td { (link(audit, event.seq)) }
        } } }
    } };
    html! {
        details id={ "w" (release.seq) } open[open] {
            summary {
                strong { (shown(&release.subject)) } " "
                span.soft {
                    (release.events.len()) " steps in " (span(until - first))
                    @if let Some((wait, event)) = longest.filter(|(wait, _)| **wait > 0) { "; the longest wait, " (span(*wait)) ", was for " (shown(&event.step)) }
                }
            }
            (scroll(&format!("Steps to {}", shown(&release.subject)), table))
        }
    }
}

fn who(event: &Event) -> Markup {
    html! {
        @match (&event.who, event.observed) {
            (Some(who), false) => (shown(who)),
            (Some(who), true) => { (shown(who)) " " span.soft { "observed by " (shown(&event.signer)) } },
            (None, _) => { span.soft { "nobody whom the roster knows; signed by " } (shown(&event.signer)) },
        }
    }
}

fn link(audit: &Audit, seq: u64) -> Markup {
    let listed = &audit.entries[..audit.entries.len().min(super::MOST_ENTRIES)];
    let is_listed = listed.binary_search_by_key(&seq, |entry| entry.seq).is_ok();
    html! { @if is_listed { a href={ "#e" (seq) } { "#" (seq) } } @else { "#" (seq) } }
}

// Drawn for the eye alone: the column before says it in words.
fn rail(first: i64, until: i64, now: i64, wait: i64) -> Markup {
    let all = (until - first).max(1);
    let at = |time: i64| time.saturating_sub(first).clamp(0, all) * WIDTH / all;
    let (from, to) = (at(now - wait), at(now));
    html! {
        svg.w viewBox={ "0 0 " (WIDTH + 4) " 12" } width=(WIDTH + 4) height="12" aria-hidden="true" focusable="false" {
            rect.rail x="0" y="6" width=(WIDTH + 4) height="1" {}
            @if to > from { rect.wait x=(from) y="3.5" width=(to - from) height="6" {} }
            rect.tick x=(to) y="0" width="4" height="12" {}
        }
    }
}

/// A span of time in its two largest units.
pub(in crate::report) fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(at) = units.iter().position(|(size, _)| seconds >= *size) else {
        return "at once".to_owned();
    };
    let (size, name) = units[at];
    let rest = units
        .get(at + 1)
        .map(|(small, name)| (seconds % size / small, name));
    match rest.filter(|(count, _)| *count > 0) {
        Some((count, small)) => format!("{} {name} {count} {small}", seconds / size),
        None => format!("{} {name}", seconds / size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0, "at once"),
            (59, "59 s"),
            (60, "1 min"),
            (3_661, "1 h 1 min"),
            (90_000, "1 d 1 h"),
            (86_400, "1 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
