//! Insight for a terminal: a line a measure, with what it rests on and its weeks as a sparkline.

use std::fmt::Write as _;

use super::{basis, sentences, title, value};
use crate::insight::{Group, Insight, Kind, Measure, Measured};
use crate::report::escape::{Line, clipped};

/// As many releases as are listed, newest first.
const MOST_RELEASES: usize = 10;

/// What a service is told by; its cohorts and all else are in the other forms.
const OF_SERVICE: [Measure; 6] = [
    Measure::LeadTime,
    Measure::Frequency,
    Measure::RecoveryTime,
    Measure::FailRate,
    Measure::ReworkRate,
    Measure::Controls,
];

/// The text.
pub fn text(insight: &Insight) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Delivery of {}, {} up to {}",
        Line(&insight.origin),
        insight.period.from,
        insight.period.until
    );
    let production = match &insight.environment {
        Some(name) => format!("the environment {}", Line(name)),
        None => "environments of tier prod".to_owned(),
    };
    let _ = writeln!(out, "Production: {production}; weeks begin on Mondays, UTC");
    if insight.required.is_empty() {
        out.push_str("The policy requires no control, so none is measured\n");
    }
    for sentence in insight.groups.iter().take(1).flat_map(sentences) {
        let _ = writeln!(out, "{sentence}");
    }
    for group in &insight.groups {
        of_group(&mut out, insight, group);
    }
    releases(&mut out, insight);
    load(&mut out, insight);
    out.push_str("\nWhat each figure is, and what is not measured: git docket help insight\n");
    out
}

fn of_group(out: &mut String, insight: &Insight, group: &Group) {
    let heading = match (&group.service, group.cohort) {
        (None, None) => "All".to_owned(),
        (None, Some(cohort)) => format!("AI {}", cohort.as_str()),
        (Some(service), None) => format!("Service {}", clipped(service)),
        (Some(_), Some(_)) => return,
    };
    let _ = writeln!(out, "\n{heading}");
    for measured in &group.measures {
        if group.service.is_some() && !OF_SERVICE.contains(&measured.measure) {
            continue;
        }
        let (value, beside) = value(measured);
        let _ = writeln!(
            out,
            "  {:<44} {value:<14} {beside:<26} {:<28} {}",
            title(measured),
            basis(&measured.figure),
            sparkline(insight, measured)
        );
        trim(out);
    }
}

// Padding at a line's end is no text.
fn trim(out: &mut String) {
    out.truncate(out.trim_end().len());
    out.push('\n');
}

/// A bar a week, a dot where nothing is known; rates from 0 to 1, all else up to its own highest.
pub fn sparkline(insight: &Insight, measured: &Measured) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<Option<f64>> = insight
        .weeks
        .iter()
        .map(|week| {
            let point = measured.weekly.iter().find(|it| it.week == *week);
            point.and_then(|point| point.figure.value)
        })
        .collect();
    let highest = match measured.measure.kind() {
        Kind::Rate => 1.0,
        _ => values.iter().flatten().copied().fold(0.0, f64::max),
    };
    if values.iter().all(Option::is_none) {
        return String::new();
    }
    let bar = |value: Option<f64>| match value {
        None => '·',
        Some(_) if highest <= 0.0 => BARS[0],
        Some(value) => BARS[((value / highest * 7.0).round() as usize).min(7)],
    };
    values.into_iter().map(bar).collect()
}

fn releases(out: &mut String, insight: &Insight) {
    let told = insight
        .releases
        .iter()
        .filter(|it| !it.cost.is_empty() || !it.slo.is_empty());
    let all = told.clone().count();
    if all == 0 {
        out.push_str("\nCost and SLO by release: nothing was measured\n");
        return;
    }
    out.push_str("\nCost and SLO by release\n");
    for release in told.take(MOST_RELEASES) {
        let cost = release.cost.iter().map(|it| {
            let metric = clipped(&it.metric);
            format!("{} {metric} {} {}", it.phase, it.value, clipped(&it.unit))
        });
        let slo = release.slo.iter();
        let slo = slo.map(|it| format!("SLO {} {}", clipped(&it.gate), it.result));
        let told: Vec<String> = cost.chain(slo).collect();
        let _ = writeln!(
            out,
            "  #{} {} {} to {}: {}",
            release.seq,
            release.finished_on,
            clipped(&release.service),
            clipped(&release.environment),
            told.join("; ")
        );
    }
    if all > MOST_RELEASES {
        let _ = writeln!(out, "  {} more are in the JSON form", all - MOST_RELEASES);
    }
}

fn load(out: &mut String, insight: &Insight) {
    let load = &insight.exceptions;
    let _ = writeln!(
        out,
        "\nExceptions: {} granted ({} blanket, {} break-glass), {} in force at the end, {} by nobody who may",
        load.granted, load.blanket, load.break_glass, load.in_force, load.not_granted
    );
    if !insight.unattributed.is_empty() {
        let _ = writeln!(
            out,
            "Failures in production that no deployment is known to have caused: {}; they are in no rate",
            insight.unattributed.len()
        );
    }
}
