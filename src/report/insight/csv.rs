//! Insight as CSV (RFC 4180), safe in a spreadsheet: a row a measure of a group, over the period and in each week.

use crate::insight::{Figure, Group, Insight, Measured};
use crate::report::csv::row;

/// The rows, the heading first; `week` is empty over the whole period. What is not known is an empty field.
pub fn csv(insight: &Insight) -> String {
    let mut out = row(&[
        "service", "cohort", "measure", "check", "week", "unit", "n", "unknown", "few", "hits",
        "value", "low", "high", "p90", "entries",
    ]
    .map(str::to_owned));
    for group in &insight.groups {
        for measured in &group.measures {
            out.push_str(&line(
                group,
                measured,
                "",
                &measured.figure,
                &measured.entries(),
            ));
            for point in &measured.weekly {
                out.push_str(&line(
                    group,
                    measured,
                    &point.week,
                    &point.figure,
                    &point.entries,
                ));
            }
        }
    }
    out
}

fn line(
    group: &Group,
    measured: &Measured,
    week: &str,
    figure: &Figure,
    entries: &[u64],
) -> String {
    let number = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
    let entries: Vec<String> = entries.iter().map(u64::to_string).collect();
    row(&[
        group.service.clone().unwrap_or_default(),
        group.cohort.map_or("", |it| it.as_str()).to_owned(),
        measured.measure.as_str().to_owned(),
        measured.check.unwrap_or_default().to_owned(),
        week.to_owned(),
        measured.unit.to_owned(),
        figure.n.to_string(),
        figure.unknown.to_string(),
        figure.few.to_string(),
        figure.hits.map(|it| it.to_string()).unwrap_or_default(),
        number(figure.value),
        number(figure.low),
        number(figure.high),
        number(figure.p90),
        entries.join(" "),
    ])
}
