//! Insight as one page: charts without a script, light and dark, each mark of which leads to a row of a table, and that to entries.
//!
//! It shows the whole, the cohorts, and the first 40 services; the cohorts of services are in the other forms.

use std::cell::RefCell;
use std::collections::BTreeSet;

use maud::{Markup, html};

use super::charts::{self, Mark};
use super::{basis, sentences, title, value};
use crate::insight::{Group, Insight, Kind, Measure, Measured, Release};
use crate::report::html::{page, scroll, shown};

/// As many services are shown.
const MOST_SERVICES: usize = 40;

/// As many releases.
const MOST_RELEASES: usize = 100;

/// As many entries of one figure are named.
const MOST_LINKS: usize = 12;

/// Measures by which groups are held beside each other.
const COMPARED: [Measure; 6] = [
    Measure::LeadTime,
    Measure::Frequency,
    Measure::RecoveryTime,
    Measure::FailRate,
    Measure::ReworkRate,
    Measure::Controls,
];

/// What charts need besides the usual style.
pub(in crate::report) const STYLE: &str = include_str!("charts.css");

/// The page while it is written.
struct Page<'a> {
    insight: &'a Insight,
    /// Entries that something links to, which have to stand in the table.
    linked: RefCell<BTreeSet<u64>>,
}

/// The page.
pub fn html(insight: &Insight) -> String {
    let (title, body) = parts(insight, html! {});
    page(&title, STYLE, body)
}

/// Its title and its body, with this above its contents.
pub(in crate::report) fn parts(insight: &Insight, above: Markup) -> (String, Markup) {
    let of = Page {
        insight,
        linked: RefCell::default(),
    };
    let name = format!("Delivery of {}", insight.origin);
    let contents = [
        ("measures", "Measures by week"),
        ("compared", "Cohorts and services"),
        ("releases", "Cost and SLO by release"),
        ("exceptions", "Exceptions"),
        ("weeks", "Figures by week"),
        ("entries", "Entries"),
    ];
    let content = html! {
        (of.measures())
        (of.compared())
        (of.releases())
        (of.exceptions())
        (of.weeks())
    };
    let body = html! {
        a.skip href="#main" { "To the content" }
        header {
            (above)
            h1 { (shown(&name)) }
            p { (insight.period.from.to_string()) " up to " (insight.period.until.to_string()) "; production: " (of.production()) }
            @for sentence in insight.groups.iter().take(1).flat_map(sentences) { p.banner { (sentence) } }
            nav aria-label="Contents" { ul { @for (id, name) in contents { li { a href={ "#" (id) } { (name) } } } } }
        }
        main id="main" { (content) (of.entries()) }
    };
    (name, body)
}

impl<'a> Page<'a> {
    fn production(&self) -> String {
        match &self.insight.environment {
            Some(name) => shown(&format!("the environment {name}")),
            None => "environments of tier prod".to_owned(),
        }
    }

    fn measures(&self) -> Markup {
        let all = self
            .insight
            .groups
            .iter()
            .take(1)
            .flat_map(|it| &it.measures);
        html! {
            section aria-labelledby="measures" {
                h2 id="measures" { "Measures by week" }
                p.soft {
                    "A dot with a line is a rate and its 95 % interval (Wilson); a bar with a line is a median and the 90th percentile. "
                    "Where nothing is drawn, nothing is known. Formulas, and what is not measured: " code { "git docket help insight" } "."
                }
                div.cards { @for measured in all { (self.card(measured)) } }
            }
        }
    }

    fn card(&self, measured: &Measured) -> Markup {
        let (said, beside) = value(measured);
        let marks: Vec<Option<Mark>> = self
            .insight
            .weeks
            .iter()
            .map(|week| {
                let point = measured.weekly.iter().find(|it| it.week == *week)?;
                Some(Mark {
                    id: week_id(measured, week),
                    says: format!("{week}: {}", told(measured, point.figure)),
                    figure: point.figure,
                })
            })
            .collect();
        html! {
            div.card {
                h3 { (title(measured)) }
                p { b { (said) } " " span.soft { (beside) } }
                p.soft { (basis(&measured.figure)) }
                @if !measured.weekly.is_empty() { (charts::weeks(measured.measure.kind(), &marks)) }
            }
        }
    }

    // The whole, the cohorts, and the first services by name, with their places.
    fn groups(&self) -> impl Iterator<Item = (usize, &'a Group)> {
        let all = self.insight.groups.iter().enumerate();
        let plain = all.filter(|(_, it)| it.service.is_none() || it.cohort.is_none());
        plain.take(MOST_SERVICES + 5)
    }

    fn compared(&self) -> Markup {
        html! {
            section aria-labelledby="compared" {
                h2 id="compared" { "Cohorts and services" }
                p.soft { "In the order of their names. Cohorts differ in more than AI; where intervals overlap, chance may be all the difference there is." }
                @for measure in COMPARED { (self.comparison(measure)) }
                @if self.insight.groups.len() > self.groups().count() { p.soft { "Further services, and the cohorts of each, are in the other forms." } }
            }
        }
    }

    fn comparison(&self, measure: Measure) -> Markup {
        let found = |(at, group): (usize, &'a Group)| Some((at, group, group.get(measure)?));
        let rows: Vec<_> = self.groups().filter_map(found).collect();
        let marks: Vec<(String, Mark)> = rows
            .iter()
            .map(|(at, group, measured)| {
                let mark = Mark {
                    id: row_id(measure, *at),
                    says: told(measured, measured.figure),
                    figure: measured.figure,
                };
                (short(&name(group)), mark)
            })
            .collect();
        let label = measure.title();
        html! {
            h3 { (label) }
            (charts::rows(measure.kind(), &marks))
            (scroll(label, html! { table {
                thead { tr { th scope="col" { "of" } th scope="col" { "value" } th scope="col" { "interval or spread" } th scope="col" { "over" } th scope="col" { "entries" } } }
                tbody { @for (at, group, measured) in &rows { tr id=(row_id(measure, *at)) {
                    @let (said, beside) = value(measured);
                    th scope="row" { (name(group)) }
                    td { (said) } td { (beside) } td { (basis(&measured.figure)) } td { (self.links(&measured.entries())) }
                } } }
            } }))
        }
    }

    fn releases(&self) -> Markup {
        let all = &self.insight.releases;
        html! {
            section aria-labelledby="releases" {
                h2 id="releases" { "Cost and SLO by release" }
                @if all.is_empty() { p { "Nothing was deployed to production." } } @else {
                    (scroll("Releases", html! { table {
                        thead { tr { th scope="col" { "when" } th scope="col" { "what" } th scope="col" { "AI" } th scope="col" { "fared" } th scope="col" { "cost" } th scope="col" { "SLO" } th scope="col" { "entries" } } }
                        tbody { @for release in all.iter().take(MOST_RELEASES) { (self.release(release)) } }
                    } }))
                }
                @if all.len() > MOST_RELEASES { p.soft { (all.len() - MOST_RELEASES) " more are in the JSON form." } }
            }
        }
    }

    fn release(&self, release: &Release) -> Markup {
        html! { tr {
            td { (release.finished_on.to_string()) }
            th scope="row" { (shown(&release.service)) " to " (shown(&release.environment)) }
            td { (release.cohort.as_str()) }
            td { (release.fate.as_str()) }
            td { @for cost in release.cost.iter().take(MOST_LINKS) { p { (shown(&cost.metric)) ": " (cost.value) " " (shown(&cost.unit)) " " span.soft { (cost.phase) } } } @if release.cost.is_empty() { "unknown" } }
            td { @for slo in release.slo.iter().take(MOST_LINKS) { p { (shown(&slo.gate)) ": " (slo.result) } } @if release.slo.is_empty() { "unknown" } }
            td { (self.links(&release.entries())) }
        } }
    }

    fn exceptions(&self) -> Markup {
        let load = &self.insight.exceptions;
        let counts = [
            (load.granted, "granted"),
            (load.blanket, "of these blanket"),
            (load.break_glass, "of these taken before they were granted"),
            (load.in_force, "in force at the period's end"),
            (load.not_granted, "by nobody who may"),
        ];
        html! {
            section aria-labelledby="exceptions" {
                h2 id="exceptions" { "Exceptions" }
                ul.sum { @for (count, what) in counts { li { b { (count) } (what) } } }
                p { (self.links(&load.entries)) }
                @if !self.insight.unattributed.is_empty() {
                    p { "Failures in production that no deployment is known to have caused, and that are in no rate: " (self.links(&self.insight.unattributed)) }
                }
            }
        }
    }

    fn weeks(&self) -> Markup {
        let all = self
            .insight
            .groups
            .iter()
            .take(1)
            .flat_map(|it| &it.measures);
        html! {
            section aria-labelledby="weeks" {
                h2 id="weeks" { "Figures by week" }
                @for measured in all.filter(|it| !it.weekly.is_empty()) {
                    h3 { (title(measured)) }
                    (scroll(&format!("{} by week", title(measured)), html! { table {
                        thead { tr { th scope="col" { "week of" } th scope="col" { "figure" } th scope="col" { "entries" } } }
                        tbody { @for point in &measured.weekly { tr id=(week_id(measured, &point.week)) {
                            th scope="row" { (point.week) }
                            td { (told(measured, point.figure)) }
                            td { (self.links(&point.entries)) }
                        } } }
                    } }))
                }
            }
        }
    }

    fn links(&self, entries: &[u64]) -> Markup {
        let named = &entries[..entries.len().min(MOST_LINKS)];
        self.linked.borrow_mut().extend(named);
        html! {
            @for seq in named { a href={ "#e" (seq) } { "#" (seq) } " " }
            @if entries.len() > MOST_LINKS { "and " (entries.len() - MOST_LINKS) " more in the JSON form" }
        }
    }

    fn entries(&self) -> Markup {
        let linked = self.linked.borrow();
        let rows = self
            .insight
            .entries
            .iter()
            .filter(|it| linked.contains(&it.seq));
        html! {
            section aria-labelledby="entries" {
                h2 id="entries" { "Entries that this rests on" }
                p.soft { "The signed bytes of an entry: " code { "git docket show SEQ --raw" } "; their SHA-256 is the attestation's digest." }
                (scroll("Entries", html! { table {
                    thead { tr { th scope="col" { "seq" } th scope="col" { "step" } th scope="col" { "time" } th scope="col" { "commit" } th scope="col" { "attestation" } } }
                    tbody { @for row in rows { tr id={ "e" (row.seq) } {
                        td.n { (row.seq) }
                        td { (shown(&row.step)) }
                        td { (row.time.to_string()) }
                        td { code { (&row.commit.hex()[..12]) } }
                        td { code { (row.attestation.to_string()) } }
                    } } }
                } }))
            }
        }
    }
}

fn name(group: &Group) -> String {
    match (&group.service, group.cohort) {
        (Some(service), _) => shown(service),
        (None, Some(cohort)) => format!("AI {}", cohort.as_str()),
        (None, None) => "all".to_owned(),
    }
}

// What has room beside a chart.
fn short(name: &str) -> String {
    match name.char_indices().nth(18) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn told(measured: &Measured, figure: crate::insight::Figure) -> String {
    let here = Measured {
        figure,
        weekly: Vec::new(),
        ..measured.clone()
    };
    let (said, beside) = value(&here);
    let counted = match measured.measure.kind() {
        Kind::Count => String::new(),
        _ => format!(", {}", basis(&figure)),
    };
    match beside.is_empty() {
        true => format!("{said}{counted}"),
        false => format!("{said} ({beside}){counted}"),
    }
}

fn week_id(measured: &Measured, week: &str) -> String {
    let check = measured.check.unwrap_or_default();
    format!("w-{}{check}-{week}", measured.measure.as_str())
}

fn row_id(measure: Measure, group: usize) -> String {
    format!("g-{}-{group}", measure.as_str())
}
