//! Insight as OpenMetrics 1.0 text, for Prometheus and what reads it.
//!
//! Rates are gauges `docket_…_ratio`, with their interval as `docket_…_interval_ratio{bound}`; times are summaries
//! `docket_…_seconds` with the quantiles 0.5 and 0.9; counts are gauges `docket_…_per_week`. How much is known stands beside
//! each as `docket_…_observations{state}`. What is not known has no sample: a missing series is not zero. Labels: `service` and
//! `cohort`, empty over all of them, and `check`.

use std::fmt::Write as _;

use crate::insight::{Figure, Group, Insight, Kind, Measure, Measured};
use crate::report::escape::line;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The exposition, with its `# EOF`.
pub fn openmetrics(insight: &Insight) -> String {
    let mut out = String::new();
    out.push_str("# TYPE docket_ledger info\n# HELP docket_ledger The ledger and the period that was measured.\n");
    let _ = writeln!(
        out,
        "docket_ledger_info{{origin={},from={},until={}}} 1",
        quoted(&insight.origin),
        quoted(&insight.period.from.to_string()),
        quoted(&insight.period.until.to_string())
    );
    for measure in Measure::ALL {
        let of_it = insight.groups.iter().flat_map(|group| {
            let of_it = group.measures.iter().filter(|it| it.measure == *measure);
            of_it.map(move |it| (labels(group, it), it.figure))
        });
        let all: Vec<(String, Figure)> = of_it.collect();
        if !all.is_empty() {
            family(&mut out, *measure, &all);
        }
    }
    out.push_str("# EOF\n");
    out
}

fn family(out: &mut String, measure: Measure, all: &[(String, Figure)]) {
    let name = format!("docket_{}", measure.as_str().replace('-', "_"));
    let (full, kind, unit) = match (measure.kind(), measure.unit()) {
        (Kind::Rate, _) => (format!("{name}_ratio"), "gauge", Some("ratio")),
        (Kind::Count, _) => (format!("{name}_per_week"), "gauge", None),
        (Kind::Spread, "seconds") => (format!("{name}_seconds"), "summary", Some("seconds")),
        (Kind::Spread, _) => (format!("{name}_lines_per_hour"), "summary", None),
    };
    head(out, &full, kind, unit, measure.title());
    let mut sample = |name: &str, labels: &str, value: Option<f64>| {
        if let Some(value) = value {
            let _ = writeln!(out, "{name}{{{labels}}} {value}");
        }
    };
    for (labels, figure) in all {
        match measure.kind() {
            Kind::Spread => {
                sample(&full, &format!("{labels},quantile=\"0.5\""), figure.value);
                sample(&full, &format!("{labels},quantile=\"0.9\""), figure.p90);
                sample(&format!("{full}_count"), labels, Some(figure.n as f64));
            }
            _ => sample(&full, labels, figure.value),
        }
    }
    if measure.kind() == Kind::Rate {
        let interval = format!("{name}_interval_ratio");
        let title = format!("Wilson interval, 95 %: {}", measure.title());
        head(out, &interval, "gauge", Some("ratio"), &title);
        for (labels, figure) in all {
            for (bound, value) in [("low", figure.low), ("high", figure.high)] {
                if let Some(value) = value {
                    let _ = writeln!(out, "{interval}{{{labels},bound=\"{bound}\"}} {value}");
                }
            }
        }
    }
    let counts = format!("{name}_observations");
    let title = format!(
        "How many are known, and how many are not: {}",
        measure.title()
    );
    head(out, &counts, "gauge", None, &title);
    for (labels, figure) in all {
        for (state, count) in [("known", figure.n), ("unknown", figure.unknown)] {
            let _ = writeln!(out, "{counts}{{{labels},state=\"{state}\"}} {count}");
        }
    }
}

fn head(out: &mut String, name: &str, kind: &str, unit: Option<&str>, help: &str) {
    let _ = writeln!(out, "# TYPE {name} {kind}");
    if let Some(unit) = unit {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    let _ = writeln!(out, "# HELP {name} {help}.");
}

fn labels(group: &Group, measured: &Measured) -> String {
    let service = quoted(group.service.as_deref().unwrap_or_default());
    let cohort = quoted(group.cohort.map_or("", |it| it.as_str()));
    match measured.check {
        Some(check) => format!("service={service},cohort={cohort},check={}", quoted(check)),
        None => format!("service={service},cohort={cohort}"),
    }
}

// A label's value: what acts on a terminal written out, then as OpenMetrics quotes.
fn quoted(text: &str) -> String {
    let shown = line(text);
    format!("\"{}\"", shown.replace('\\', "\\\\").replace('"', "\\\""))
}
