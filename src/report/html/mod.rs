//! An audit as one HTML page: no script, nothing fetched, prints, light and dark.
//!
//! It opens with scope, population and what is not covered; then exceptions, controls, controls by release, who waited for
//! what, checks and entries. From a control to its checks, from a check to its items, from an item to its entries, and from an entry to the command
//! that shows its signed bytes, by links within the page. A verdict is a word and a mark, never a colour alone. What is long is cut, and said to be: of 100,000
//! entries the page stays under 5 MB.

pub(super) mod trails;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::audit::{Audit, PackView};
use super::escape::line;
use crate::judge::pack::Official;
use crate::judge::{CheckResult, Item, Verdict};

/// As many items of one check as are shown open; the rest are counted.
const MOST_OPEN: usize = 200;

/// As many that hold.
const MOST_HELD: usize = 50;

/// As many bytes as each of these may take, one with another.
const ITEM_BYTES: usize = 320;

/// As many of one item's entries are named.
const MOST_LINKS: usize = 12;

/// As many entries as are listed.
const MOST_ENTRIES: usize = 2_000;

/// As many characters of one text as are shown.
const MOST_CHARS: usize = 400;

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn html(audit: &Audit) -> String {
    let (title, body) = parts(audit, html! {});
    page(&title, "", body)
}

/// Its title and its body, with this above its contents.
pub(in crate::report) fn parts(audit: &Audit, above: Markup) -> (String, Markup) {
    let title = format!("Audit of {}", audit.origin);
    let body = html! {
        a.skip href="#main" { "To the content" }
        header {
            (above)
            h1 { (shown(&title)) }
            p.banner { (verdict(audit.verdict)) " over " (shown(&audit.asked)) ", as of " (audit.at.to_string()) }
            nav aria-label="Contents" { ul { @for (id, name) in contents(audit) { li { a href={ "#" (id) } { (shown(&name)) } } } } }
        }
        main id="main" {
            (scope(audit))
            (exceptions(audit))
            @for (at, pack) in audit.packs.iter().enumerate() { (of_pack(at, pack)) }
            (trails::matrix(audit))
            (trails::waterfall(audit))
            section aria-labelledby="checks" {
                h2 id="checks" { "Checks" }
                @for check in &audit.checks { (of_check(audit, check)) }
            }
            (entries(audit))
        }
    };
    (title, body)
}

/// A page that needs nothing besides itself: no script, no request. `style` is added to the usual one.
pub(in crate::report) fn page(title: &str, style: &str, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (shown(title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

fn contents(audit: &Audit) -> Vec<(String, String)> {
    let fixed = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    let mut contents = vec![
        fixed("scope", "Scope and population"),
        fixed("exceptions", "Exceptions"),
    ];
    let packs = audit.packs.iter().enumerate();
    contents.extend(packs.map(|(at, pack)| (format!("pack-{at}"), pack.name.clone())));
    if !audit.trails.releases.is_empty() {
        contents.push(fixed("by-release", "Controls by release"));
        contents.push(fixed("waterfall", "Who waited for what"));
    }
    contents.extend([fixed("checks", "Checks"), fixed("entries", "Entries")]);
    contents
}

fn of_pack(at: usize, pack: &PackView) -> Markup {
    let id = format!("pack-{at}");
    let table = html! { table {
        thead { tr { th scope="col" { "control" } th scope="col" { "verdict" } th scope="col" { "coverage" } th scope="col" { "checks" } th scope="col" { "what it asks, and how far this reaches" } } }
        tbody { @for control in &pack.controls { tr {
            th scope="row" { (shown(&control.id)) }
            td { (verdict(control.verdict)) }
            td { (control.coverage.as_str()) }
            td { @for check in &control.checks { a href={ "#" (check) } { (check) } " " } }
            td {
                (shown(&control.title)) " " span.soft { (shown(&control.rationale)) }
                @for further in &control.further {
                    " " span.soft { (shown(&further.to_string())) }
                }
                @if let Some(official) = &control.official { (of_framework(official)) }
            }
        } } }
    } };
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (shown(&pack.name)) " " (shown(&pack.version)) }
            p.soft { "A ledger gives evidence that a control operated; it proves no control by itself. Mapping by " (shown(&pack.author)) "." }
            (scroll(&format!("Controls of {}", shown(&pack.name)), table))
        }
    }
}

fn of_framework(official: &Official) -> Markup {
    html! {
        details {
            summary { "Officially: " (shown(&official.title)) }
            @for text in official.text.lines() { p { (shown(text)) } }
            p.soft { "From " (shown(&official.source)) "." }
        }
    }
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
    let shown = first(audit.exceptions.iter(), MOST_OPEN, |item| {
        of_item(audit, item)
    });
    html! {
        section aria-labelledby="exceptions" {
            h2 id="exceptions" { "Exceptions" }
            @if audit.exceptions.is_empty() { p { "None was used." } }
            @for item in &shown { (item) }
            (more(audit.exceptions.len() - shown.len()))
        }
    }
}

fn of_check(audit: &Audit, check: &CheckResult) -> Markup {
    let counts = check.counts;
    let (held, open): (Vec<&Item>, Vec<&Item>) = check
        .items
        .iter()
        .partition(|item| item.verdict == Verdict::Pass);
    let coming = check.coming.iter().flat_map(|coming| &coming.items);
    let coming_count = coming.clone().count();
    let open = first(open.into_iter(), MOST_OPEN, |item| of_item(audit, item));
    let held = first(held.into_iter(), MOST_HELD, |item| of_held(audit, item));
    let coming = first(coming, MOST_HELD, |item| of_item(audit, item));
    let left = check.items.len() + coming_count - open.len() - held.len() - coming.len();
    html! {
        details id=(check.id) open[check.verdict > Verdict::Exception] {
            summary {
                (verdict(check.verdict)) " " strong { (check.id) " " (check.name) } " "
                span.soft { (counts.fail) " fail, " (counts.unknown) " unknown, " (counts.exception) " exceptions, " (counts.pass) " pass" }
            }
            @if let Some(rule) = crate::judge::checks::check(check.id) { p.soft { "Wants: " (rule.wants) "." } }
            @for item in &open { (item) }
            @if !held.is_empty() {
                (scroll(&format!("What holds of {}", check.id), html! { table.held {
                    caption { "What holds" }
                    thead { tr { th scope="col" { "verdict" } th scope="col" { "what" } th scope="col" { "entries" } } }
                    tbody { @for item in &held { (item) } }
                } }))
            }
            @if let Some(when) = &check.coming {
                p { "In force from " (when.from) " on. As things stand, this would not hold then:" }
                @for item in &coming { (item) }
            }
            (more(left))
        }
    }
}

/// The first of a list, as many as there is room for.
fn first<'a>(
    items: impl Iterator<Item = &'a Item>,
    most: usize,
    render: impl Fn(&Item) -> Markup,
) -> Vec<Markup> {
    let mut room = most * ITEM_BYTES;
    let mut shown = Vec::new();
    for item in items.take(most).map(render) {
        match room.checked_sub(item.0.len()) {
            Some(left) => room = left,
            None => break,
        }
        shown.push(item);
    }
    shown
}

fn more(left: usize) -> Markup {
    html! { @if left > 0 { p.soft { (left) " more are in the JSON and CSV forms." } } }
}

fn of_held(audit: &Audit, item: &Item) -> Markup {
    html! { tr {
        td { (verdict(item.verdict)) }
        td { (shown(&item.subject)) " " span.soft { (shown(&item.detail)) } }
        td { (links(audit, item)) }
    } }
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
        @for seq in item.entries.iter().take(MOST_LINKS) {
            @if is_shown(seq) { a href={ "#e" (seq) } { "#" (seq) } } @else { "#" (seq) }
            " "
        }
        @if item.entries.len() > MOST_LINKS { "and " (item.entries.len() - MOST_LINKS) " more" }
    }
}

fn entries(audit: &Audit) -> Markup {
    html! {
        section aria-labelledby="entries" {
            h2 id="entries" { "Entries that this rests on" }
            p.soft { "The signed bytes of an entry: " code { "git docket show SEQ --raw" } "; their SHA-256 is the attestation's digest." }
            (scroll("Entries", html! { table {
                thead { tr { th scope="col" { "seq" } th scope="col" { "step" } th scope="col" { "signed by" } th scope="col" { "claimed time" } th scope="col" { "commit" } th scope="col" { "attestation" } } }
                tbody { @for entry in audit.entries.iter().take(MOST_ENTRIES) { tr id={ "e" (entry.seq) } {
                    td.n { (entry.seq) }
                    td { (shown(&entry.step)) }
                    td { (shown(&entry.signer)) }
                    td { (entry.claimed.to_string()) }
                    td { code { (&entry.commit.hex()[..12]) } }
                    td { code { (entry.attestation.to_string()) } }
                } } }
            } }))
            @if audit.entries.len() > MOST_ENTRIES { p.soft { (audit.entries.len() - MOST_ENTRIES) " more are in the JSON form." } }
        }
    }
}

pub(in crate::report) fn verdict(verdict: Verdict) -> Markup {
    html! { span class={ "v " (verdict.as_str()) } { span aria-hidden="true" { (mark(verdict)) } " " (verdict.as_str()) } }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "✗",
        Verdict::Unknown => "?",
        Verdict::Exception => "◐",
        Verdict::Pass => "✓",
        Verdict::NotApplicable => "–",
    }
}

// What may be wider than the page scrolls by itself, and by the keyboard too.
pub(in crate::report) fn scroll(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

// Escaped twice over: what acts on a terminal or turns the reading order here, markup by the template.
pub(in crate::report) fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", line(&text[..end])),
        None => line(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::judge::Reason;
    use crate::judge::trails::{Event, MOST, MOST_EVENTS, Trail, Trails};
    use crate::report::audit::EntryRow;
    use crate::report::form::tests::audit;

    /// All checks, each over 10,000 items of strangers' long strings, and 100,000 entries.
    #[test]
    fn of_a_hundred_thousand_entries_the_page_stays_under_five_megabytes() {
        const HOSTILE: &str = "<b>\u{202e}\"'&";
        let mut audit = audit();
        let text = HOSTILE.repeat(100);
        let items = |reason: Option<Reason>| -> Vec<Item> {
            let item = |at: u64| match reason {
                Some(reason) => {
                    Item::of(format!("{at}{text}"), reason, &*text).resting_on(at..at + 50)
                }
                None => Item::pass(format!("{at}{text}"), (at..at + 50).collect()),
            };
            (0..5_000).map(item).collect()
        };
        let (bad, good) = (items(Some(Reason::TooFewApprovals)), items(None));
        audit.exceptions = bad.clone();
        let all = crate::judge::checks::ALL.iter();
        audit.checks = all
            .map(|check| {
                CheckResult::counted(check.id, check.name, [bad.clone(), good.clone()].concat())
            })
            .collect();
        let row = |seq: u64| EntryRow {
            seq,
            step: "s".repeat(64),
            predicate_type: String::new(),
            signer: "p".repeat(64),
            claimed: audit.at,
            commit: audit.tip,
            attestation: Sha256::of(&seq.to_be_bytes()),
        };
        audit.entries = (0..100_000).map(row).collect();
        let event = |seq: u64| Event {
            seq,
            step: "s".repeat(64),
            who: Some("p".repeat(64)),
            signer: "p".repeat(64),
            observed: true,
            time: audit.at,
            verified: false,
        };
        let trail = |seq: usize| Trail {
            subject: text.clone(),
            seq: seq as u64,
            events: (0..MOST_EVENTS as u64).map(event).collect(),
            verdicts: all_verdicts(),
        };
        audit.trails = Trails {
            releases: (0..MOST).map(trail).collect(),
            left: 9_950,
        };
        let page = html(&audit);
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
        assert!(page.contains("98000 more are in the JSON form"));
        assert!(!page.contains("<b>\\u"));
    }

    fn all_verdicts() -> std::collections::BTreeMap<&'static str, Verdict> {
        let all = crate::judge::checks::ALL.iter();
        all.map(|check| (check.id, Verdict::NotApplicable))
            .collect()
    }
}
