//! The pages of a site, one by one.

use maud::{Markup, html};

use super::address::{check_part, part};
use super::{BLOCK, Places, Site};
use crate::judge::{CheckResult, Item};
use crate::query::Row;
use crate::report::entry::{Content, EntryView};
use crate::report::escape::Block;
use crate::report::html::{self as audit_page, page, scroll, shown, verdict};
use crate::report::insight::html as insight_page;

/// As many rows stand on one page, newest first.
const MOST_ROWS: usize = 1_000;

/// As many items of one check.
const MOST_ITEMS: usize = 1_000;

/// As many bytes of a predicate are shown.
const MOST_BYTES: usize = 64 << 10;

/// A page while it is written.
pub(super) struct Page<'a> {
    pub(super) site: &'a Site,
    /// To the root.
    pub(super) up: String,
}

impl Page<'_> {
    pub(super) fn first(&self) -> String {
        let audit = &self.site.audit;
        self.frame("Ledger", html! {
            p.banner { (verdict(audit.verdict)) " over " (shown(&audit.asked)) ", as of " (audit.at.to_string()) ". " (self.to("verdict/", "The verdict and its sources")) }
            dl {
                dt { "ledger" } dd { (shown(&audit.origin)) }
                dt { "head" } dd { code { (audit.tip.to_string()) } ", " (audit.size) " entries, " (audit.sealed) " of them sealed" }
                dt { "root" } dd { code { "sha256:" (audit.root.to_string()) } }
                @if let Some(policy) = audit.policy { dt { "policy" } dd { (self.to(&format!("entry/{}/", policy.seq), &format!("entry {}", policy.seq))) } }
                dt { "pin" } dd { (shown(&audit.pin)) }
            }
            h2 { "Newest entries that count" }
            (self.rows("Newest entries", self.site.rows.iter().rev().take(20)))
        })
    }

    pub(super) fn verdict(&self) -> String {
        let (title, body) = audit_page::parts(&self.site.audit, self.nav());
        page(&title, "", body)
    }

    pub(super) fn insight(&self) -> String {
        let (title, body) = insight_page::parts(&self.site.insight, self.nav());
        page(&title, insight_page::STYLE, body)
    }

    pub(super) fn blocks(&self) -> String {
        let size = self.site.audit.size;
        self.frame("Entries", html! { ul {
            @for block in (0..size.div_ceil(BLOCK)).rev() { li {
                (self.to(&format!("entries/{block}/"), &format!("{} to {}", block * BLOCK, ((block + 1) * BLOCK).min(size) - 1)))
            } }
        } })
    }

    pub(super) fn block(&self, block: u64) -> Option<String> {
        let from = block.checked_mul(BLOCK)?;
        let until = (from + BLOCK).min(self.site.audit.size);
        let rows = self.site.rows.iter();
        let rows = rows.filter(|row| (from..until).contains(&row.seq)).rev();
        let others = (from..until).filter(|seq| self.site.row(*seq).is_none());
        Some(self.frame(&format!("Entries {from} to {}", until - 1), html! {
            (self.rows("Entries that count", rows))
            p { "Entries that rule the ledger, were taken back, or do not count: " @for seq in others { (self.to(&format!("entry/{seq}/"), &format!("#{seq}"))) " " } }
        }))
    }

    pub(super) fn entry(&self, view: &EntryView) -> String {
        let row = self.site.row(view.seq);
        let said = match &view.content {
            Content::Statement(view) => {
                serde_json::to_string_pretty(&view.predicate).unwrap_or_default()
            }
            Content::Fault(fault) => fault.clone(),
        };
        let cut = said
            .char_indices()
            .map(|(at, _)| at)
            .find(|at| *at >= MOST_BYTES);
        let text = Block {
            text: &said[..cut.unwrap_or(said.len())],
            indent: "",
        }
        .to_string();
        self.frame(&format!("Entry {}", view.seq), html! {
            p.banner {
                @match row {
                    Some(_) => "It counts: its signature holds, by somebody who may attest its step.",
                    None => "It is no evidence by itself: it rules the ledger, was taken back, or does not count. The verdict names what is wrong.",
                }
            }
            dl {
                dt { "step" } dd { (shown(view.step.as_str())) }
                dt { "attestation" } dd { code { (view.attestation) } }
                dt { "leaf" } dd { code { "sha256:" (view.leaf.to_string()) } }
                dt { "commit" } dd { code { (view.commit.to_string()) } }
                dt { "tree" } dd { code { (view.tree.to_string()) } }
                dt { "appended" } dd { (view.time.to_string()) " (claimed)" }
                @if let Some(row) = row { (self.facts(row)) }
            }
            p { "The signed bytes: " code { "git docket show " (view.seq) " --raw" } "; their SHA-256 is the attestation's digest." }
            h2 { "What it says" }
            (scroll("What it says", html! { pre { (text) } }))
            @if cut.is_some() { p.soft { "The rest is in the signed bytes." } }
        })
    }

    fn facts(&self, row: &Row) -> Markup {
        html! {
            dt { "type" } dd { (shown(&row.predicate)) }
            dt { "by" } dd { (self.named("person", row.person.as_str())) @if row.person != row.signer { ", as " (self.named("person", row.signer.as_str())) " saw" } }
            @if let Some(result) = row.result { dt { "result" } dd { (result.as_str()) } }
            @for environment in &row.environments { dt { "environment" } dd { (self.named("environment", environment)) } }
            @for service in &row.services { dt { "service" } dd { (shown(service)) } }
            @for subject in &row.subjects { @for (algorithm, digest) in subject.digest.iter() { dt { "about" } dd {
                @if let Some(name) = &subject.name { (shown(name)) " " }
                @if algorithm.starts_with("git") { (shown(algorithm)) " " code { (shown(digest)) } } @else { (self.named("artifact", &format!("{algorithm}-{digest}"))) }
            } } }
        }
    }

    pub(super) fn releases(&self) -> String {
        let rows = self
            .site
            .releases
            .iter()
            .rev()
            .map(|at| &self.site.rows[*at]);
        self.frame("Releases and deployments", html! {
            (scroll("Releases", html! { table {
                thead { tr { th scope="col" { "release" } th scope="col" { "when" } th scope="col" { "what" } th scope="col" { "result" } } }
                tbody { @for row in rows.clone().take(MOST_ROWS) { tr {
                    td { (self.to(&format!("release/{}/", row.seq), &format!("{} {}", row.predicate, row.seq))) }
                    td { (row.time.to_string()) }
                    td { @for service in &row.services { (shown(service)) " " } @for name in &row.environments { "to " (self.named("environment", name)) " " } }
                    td { @if let Some(result) = row.result { (result.as_str()) } }
                } } }
            } }))
            (left(rows.count(), MOST_ROWS))
        })
    }

    pub(super) fn release(&self, seq: u64) -> Option<String> {
        let row = self
            .site
            .row(seq)
            .filter(|row| matches!(&*row.predicate, "deployment" | "release"))?;
        let trail = self
            .site
            .audit
            .trails
            .releases
            .iter()
            .find(|trail| trail.seq == seq);
        Some(self.frame(&format!("Release {seq}"), html! {
            (self.rows("The release", std::iter::once(row)))
            h2 { "What led to it" }
            @match trail {
                None => p { "Trails are followed of the newest deployments alone; " code { "git docket report" } " has those of a period." },
                Some(trail) => {
                    p { @for (check, said) in &trail.verdicts { (self.to(&format!("check/{}/", check_part(check)), check)) " " (verdict(*said)) " " } }
                    (scroll("Steps", html! { table {
                        thead { tr { th scope="col" { "entry" } th scope="col" { "step" } th scope="col" { "who" } th scope="col" { "when" } } }
                        tbody { @for event in &trail.events { tr {
                            td { (self.to(&format!("entry/{}/", event.seq), &format!("#{}", event.seq))) }
                            td { (shown(&event.step)) }
                            td { @match &event.who { Some(who) => (shown(who)), None => "nobody whom the roster knows" } }
                            td { (event.time.to_string()) @if event.verified { " verified" } @else { " claimed" } }
                        } } }
                    } }))
                }
            }
        }))
    }

    pub(super) fn names(&self, title: &str, folder: &str, places: &Places) -> String {
        self.frame(title, html! {
            @if places.is_empty() { p { "There is none on record." } }
            ul { @for (part, (name, about)) in places.iter().take(MOST_ROWS) {
                li { (self.to(&format!("{folder}/{part}/"), name)) " " span.soft { (about.len()) " entries" } }
            } }
            (left(places.len(), MOST_ROWS))
        })
    }

    pub(super) fn about(&self, what: &str, (name, about): &(String, Vec<usize>)) -> String {
        let rows = about.iter().rev().map(|at| &self.site.rows[*at]);
        self.frame(
            &format!("{what} {name}"),
            html! {
                (self.rows(&format!("Entries of {}", shown(name)), rows))
            },
        )
    }

    pub(super) fn checks(&self) -> String {
        self.frame("Checks", html! { ul { @for check in &self.site.audit.checks { li {
            (verdict(check.verdict)) " " (self.to(&format!("check/{}/", check_part(check.id)), &format!("{} {}", check.id, check.name)))
        } } } })
    }

    pub(super) fn check(&self, name: &str) -> Option<String> {
        let check = self
            .site
            .audit
            .checks
            .iter()
            .find(|check| check_part(check.id) == name)?;
        Some(self.frame(
            &format!("Check {} {}", check.id, check.name),
            self.items(check),
        ))
    }

    fn items(&self, check: &CheckResult) -> Markup {
        let counts = check.counts;
        html! {
            @if let Some(rule) = crate::judge::checks::check(check.id) { p { "Wants: " (rule.wants) "." } }
            p.banner { (verdict(check.verdict)) " " (counts.fail) " fail, " (counts.unknown) " unknown, " (counts.exception) " exceptions, " (counts.pass) " pass" }
            (scroll("Items", html! { table {
                thead { tr { th scope="col" { "verdict" } th scope="col" { "what" } th scope="col" { "entries" } } }
                tbody { @for item in check.items.iter().take(MOST_ITEMS) { (self.item(item)) } }
            } }))
            (left(check.items.len(), MOST_ITEMS))
        }
    }

    fn item(&self, item: &Item) -> Markup {
        html! { tr {
            td { (verdict(item.verdict)) }
            td {
                (shown(&item.subject))
                @if let Some(reason) = item.reason { ": " (reason.meaning()) " " code { (reason.as_str()) } }
                @if !item.detail.is_empty() { " " span.soft { (shown(&item.detail)) } }
                @if let Some(remedy) = &item.remedy { br; span.soft { "Mend: " (shown(remedy)) } }
            }
            td { @for seq in item.entries.iter().take(12) { (self.seq(*seq)) " " } @if item.entries.len() > 12 { "and " (item.entries.len() - 12) " more" } }
        } }
    }

    fn rows<'r>(&self, label: &str, rows: impl Iterator<Item = &'r Row> + Clone) -> Markup {
        html! {
            (scroll(label, html! { table {
                thead { tr { th scope="col" { "entry" } th scope="col" { "time" } th scope="col" { "step" } th scope="col" { "type" } th scope="col" { "by" } th scope="col" { "result" } th scope="col" { "where" } th scope="col" { "attestation" } } }
                tbody { @for row in rows.clone().take(MOST_ROWS) { tr {
                    td { (self.seq(row.seq)) }
                    td { (row.time.to_string()) }
                    td { (shown(&row.step)) }
                    td { (shown(&row.predicate)) }
                    td { (self.named("person", row.person.as_str())) }
                    td { @if let Some(result) = row.result { (result.as_str()) } }
                    td { @for name in row.environments.iter().take(12) { (self.named("environment", name)) " " } @for name in row.services.iter().take(12) { (shown(name)) " " } }
                    td { code { (row.attestation.to_string()) } }
                } } }
            } }))
            (left(rows.count(), MOST_ROWS))
        }
    }

    // Entries that a replay did not reach have no page.
    fn seq(&self, seq: u64) -> Markup {
        match seq < self.site.audit.size {
            true => self.to(&format!("entry/{seq}/"), &format!("#{seq}")),
            false => html! { "#" (seq) },
        }
    }

    fn named(&self, folder: &str, name: &str) -> Markup {
        self.to(&format!("{folder}/{}/", part(name)), name)
    }

    fn to(&self, address: &str, text: &str) -> Markup {
        html! { a href={ (self.up) (address) } { (shown(text)) } }
    }

    fn nav(&self) -> Markup {
        let all = [
            ("", "Ledger"),
            ("verdict/", "Verdict"),
            ("releases/", "Releases"),
            ("artifacts/", "Artifacts"),
            ("persons/", "Persons"),
            ("environments/", "Environments"),
            ("checks/", "Checks"),
            ("entries/", "Entries"),
            ("insight/", "Insight"),
        ];
        html! { nav aria-label="Site" { ul { @for (address, name) in all { li { (self.to(address, name)) } } } } }
    }

    fn frame(&self, title: &str, content: Markup) -> String {
        let full = format!("{title} – {}", self.site.audit.origin);
        page(
            &full,
            "pre{white-space:pre-wrap;font:.85em ui-monospace,monospace}",
            html! {
                a.skip href="#main" { "To the content" }
                (self.nav())
                main id="main" { h1 { (shown(title)) } (content) }
            },
        )
    }
}

fn left(all: usize, most: usize) -> Markup {
    html! { @if all > most { p.soft { (all - most) " more: " code { "git docket query" } " lists all." } } }
}
