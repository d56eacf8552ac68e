//! An audit as one HTML page: no script, nothing fetched, prints, light and dark.
//!
//! From a control to its checks, from a check to its items, from an item to its entries, and from an entry to the command
//! that shows its signed bytes, by links within the page. A verdict is a word and a mark, never a colour alone.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::audit::Audit;
use super::escape::line;
use crate::judge::{CheckResult, Item, Verdict};

/// As many items of one check as are shown open; the rest are counted.
const MOST_ITEMS: usize = 500;

/// As many entries as are listed.
const MOST_ENTRIES: usize = 5_000;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--fail:#a40e26;--unknown:#7a4b00;--exception:#5a32a3;--pass:#116329;--none:#57606a;--mark:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4ae;--paper:#0d1117;--line:#30363d;--fail:#ff9ba5;--unknown:#f0b860;--exception:#d2b6ff;--pass:#7ee2a0;--none:#9aa4ae;--mark:#161b22}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
p{margin:.4rem 0}a{color:inherit}code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--soft);padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);overflow-wrap:break-word}th{font-weight:600;white-space:nowrap}td.n{text-align:right;font-variant-numeric:tabular-nums}
.v{white-space:nowrap;font-weight:600}.fail{color:var(--fail)}.unknown{color:var(--unknown)}.exception{color:var(--exception)}.pass{color:var(--pass)}.not-applicable{color:var(--none)}
.sum{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0;padding:0;list-style:none}.sum li{border:1px solid var(--line);border-radius:.4rem;padding:.4rem .8rem;background:var(--mark)}.sum b{display:block;font-size:1.3rem}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
.soft{color:var(--soft)}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.6rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
:target{outline:2px solid var(--unknown);outline-offset:2px}@media(max-width:40rem){dl{display:block}dd{margin:0 0 .4rem}}
@media print{body{max-width:none;padding:0}details{break-inside:avoid}a{text-decoration:none}}
";

/// The page.
pub fn html(audit: &Audit) -> String {
    let title = format!("Audit of {}", audit.origin);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (shown(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (shown(&title)) }
                    p { "Verdict: " (verdict(audit.verdict)) " " span.soft { "over " (shown(&audit.asked)) ", as of " (audit.at.to_string()) } }
                }
                main {
                    (scope(audit))
                    (exceptions(audit))
                    @for pack in &audit.packs {
                        section aria-labelledby={ "pack-" (pack.id) } {
                            h2 id={ "pack-" (pack.id) } { (shown(&pack.name)) " " (shown(&pack.version)) }
                            p.soft { "A ledger gives evidence that a control operated; it proves no control by itself. Mapping by " (shown(&pack.author)) "." }
                            div.scroll { table {
                                thead { tr { th scope="col" { "control" } th scope="col" { "verdict" } th scope="col" { "coverage" } th scope="col" { "checks" } th scope="col" { "what it asks, and how far this reaches" } } }
                                tbody { @for control in &pack.controls { tr {
                                    th scope="row" { (shown(&control.id)) }
                                    td { (verdict(control.verdict)) }
                                    td { (control.coverage.as_str()) }
                                    td { @for check in &control.checks { a href={ "#" (check) } { (check) } " " } }
                                    td { (shown(&control.title)) " " span.soft { (shown(&control.rationale)) } }
                                } } }
                            } }
                        }
                    }
                    section aria-labelledby="checks" {
                        h2 id="checks" { "Checks" }
                        @for check in &audit.checks { (of_check(audit, check)) }
                    }
                    (entries(audit))
                }
            }
        }
    };
    page.into_string()
}

fn scope(audit: &Audit) -> Markup {
    let population = &audit.population;
    let counts = [
        (
            format!("{} / {}", population.commits_landed, population.commits),
            "commits on protected refs that are in a landing",
        ),
        (
            format!(
                "{} / {}",
                population.landings_with_change, population.landings
            ),
            "landings that name a recorded change",
        ),
        (population.changes.to_string(), "changes on record"),
        (population.deployments.to_string(), "deployments on record"),
        (
            population.self_signed.to_string(),
            "entries signed by whom they speak of",
        ),
        (population.observed.to_string(), "entries by observers"),
        (population.corrected.to_string(), "entries corrected later"),
    ];
    html! {
        section aria-labelledby="scope" {
            h2 id="scope" { "Scope and population" }
            dl {
                dt { "ledger" } dd { (shown(&audit.origin)) }
                dt { "head" } dd { code { (audit.tip.to_string()) } ", " (audit.size) " entries, " (audit.sealed) " of them sealed" }
                dt { "root" } dd { code { "sha256:" (audit.root.to_string()) } }
                @if let Some(policy) = audit.policy { dt { "policy" } dd { "entry " (policy.seq) ", " code { "sha256:" (policy.digest.to_string()) } } }
                dt { "pin" } dd { (shown(&audit.pin)) }
            }
            ul.sum { @for (count, what) in counts { li { b { (count) } (what) } } }
            p { "Not covered:" }
            ul { @for text in &audit.not_covered { li { (shown(text)) } } }
        }
    }
}

fn exceptions(audit: &Audit) -> Markup {
    html! {
        section aria-labelledby="exceptions" {
            h2 id="exceptions" { "Exceptions" }
            @if audit.exceptions.is_empty() { p { "None was used." } }
            @for item in &audit.exceptions { (of_item(audit, item)) }
        }
    }
}

fn of_check(audit: &Audit, check: &CheckResult) -> Markup {
    let counts = check.counts;
    let open: Vec<&Item> = check
        .items
        .iter()
        .filter(|item| item.verdict != Verdict::Pass)
        .take(MOST_ITEMS)
        .collect();
    let held: Vec<&Item> = check
        .items
        .iter()
        .filter(|item| item.verdict == Verdict::Pass)
        .take(MOST_ITEMS)
        .collect();
    let left = check.items.len() - open.len() - held.len();
    html! {
        details id=(check.id) open[check.verdict > Verdict::Exception] {
            summary {
                (verdict(check.verdict)) " " strong { (check.id) " " (check.name) } " "
                span.soft { (counts.fail) " fail, " (counts.unknown) " unknown, " (counts.exception) " exceptions, " (counts.pass) " pass" }
            }
            @if let Some(rule) = crate::judge::checks::check(check.id) { p.soft { "Wants: " (rule.wants) "." } }
            @for item in open { (of_item(audit, item)) }
            @if !held.is_empty() {
                div.scroll { table {
                    caption { "What holds" }
                    tbody { @for item in held { tr { td { (verdict(item.verdict)) } td { (shown(&item.subject)) " " span.soft { (shown(&item.detail)) } } td { (links(audit, item)) } } } }
                } }
            }
            @if let Some(coming) = &check.coming {
                p { "In force from " (coming.from) " on. As things stand, this would not hold then:" }
                @for item in coming.items.iter().take(MOST_ITEMS) { (of_item(audit, item)) }
            }
            @if left > 0 { p.soft { (left) " more are in the JSON and CSV forms." } }
        }
    }
}

fn of_item(audit: &Audit, item: &Item) -> Markup {
    html! {
        p {
            (verdict(item.verdict)) " " strong { (shown(&item.subject)) }
            @if let Some(reason) = item.reason { ": " (reason.meaning()) " " code { (reason.as_str()) } }
            @if !item.detail.is_empty() { " " (shown(&item.detail)) }
            " " (links(audit, item))
            @if let Some(remedy) = &item.remedy { br; span.soft { "Mend: " (shown(remedy)) } }
        }
    }
}

// Entries that rule the ledger are no evidence, and stand in no table.
fn links(audit: &Audit, item: &Item) -> Markup {
    let shown = &audit.entries[..audit.entries.len().min(MOST_ENTRIES)];
    let is_shown = |seq: &u64| shown.binary_search_by_key(seq, |entry| entry.seq).is_ok();
    html! {
        @for seq in &item.entries {
            @if is_shown(seq) { a href={ "#e" (seq) } { "#" (seq) } } @else { "#" (seq) }
            " "
        }
    }
}

fn entries(audit: &Audit) -> Markup {
    html! {
        section aria-labelledby="entries" {
            h2 id="entries" { "Entries that this rests on" }
            p.soft { "The signed bytes of an entry: " code { "git docket show SEQ --raw" } "; their SHA-256 is the attestation's digest." }
            div.scroll { table {
                thead { tr { th scope="col" { "seq" } th scope="col" { "step" } th scope="col" { "signed by" } th scope="col" { "claimed time" } th scope="col" { "commit" } th scope="col" { "attestation" } } }
                tbody { @for entry in audit.entries.iter().take(MOST_ENTRIES) { tr id={ "e" (entry.seq) } {
                    td.n { (entry.seq) }
                    td { (shown(&entry.step)) }
                    td { (shown(&entry.signer)) }
                    td { (entry.claimed.to_string()) }
                    td { code { (&entry.commit.hex()[..12]) } }
                    td { code { (entry.attestation.to_string()) } }
                } } }
            } }
        }
    }
}

fn verdict(verdict: Verdict) -> Markup {
    let mark = match verdict {
        Verdict::Fail => "✗",
        Verdict::Unknown => "?",
        Verdict::Exception => "◐",
        Verdict::Pass => "✓",
        Verdict::NotApplicable => "–",
    };
    html! { span class={ "v " (verdict.as_str()) } { span aria-hidden="true" { (mark) } " " (verdict.as_str()) } }
}

// Escaped twice over: what acts on a terminal or turns the reading order here, markup by the template.
fn shown(text: &str) -> String {
    line(text)
}
