//! Insight in its forms: [`text`], JSON, [`csv`], [`openmetrics`], one page of [`html`] with charts.

mod charts;
pub mod csv;
pub mod html;
pub mod openmetrics;
pub mod text;

use std::str::FromStr;

use super::html::trails::span;
use super::json;
use crate::insight::{Figure, Group, Insight, Kind, Measured};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// [`text`]
    Text,
    /// The whole of it.
    Json,
    /// [`csv`]
    Csv,
    /// [`openmetrics`]
    OpenMetrics,
    /// [`html`]
    Html,
}

/// A word that names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is none of html, csv, openmetrics, json, text")]
pub struct FormError {
    found: String,
}

impl Form {
    /// The insight in this form.
    ///
    /// # Errors
    /// Where JSON cannot say it.
    pub fn render(self, insight: &Insight) -> Result<String, serde_json::Error> {
        Ok(match self {
            Self::Text => text::text(insight),
            Self::Json => json::document(insight)?,
            Self::Csv => csv::csv(insight),
            Self::OpenMetrics => openmetrics::openmetrics(insight),
            Self::Html => html::html(insight),
        })
    }
}

impl FromStr for Form {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Self, FormError> {
        Ok(match text {
            "text" => Self::Text,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "openmetrics" => Self::OpenMetrics,
            "html" => Self::Html,
            _ => {
                return Err(FormError {
                    found: text.to_owned(),
                });
            }
        })
    }
}

/// What a measure is called, with the check that it is of.
fn title(measured: &Measured) -> String {
    let title = measured.measure.title();
    match measured.check.and_then(crate::judge::checks::check) {
        Some(check) => format!("{} {} holds", check.id, check.name),
        None => title.to_owned(),
    }
}

/// An amount as people say it.
fn said(kind: Kind, unit: &str, amount: f64) -> String {
    match (kind, unit) {
        (Kind::Rate, _) => percent(amount),
        (_, "seconds") => span(amount as i64),
        (Kind::Count, unit) => format!("{amount:.1} {unit}"),
        (Kind::Spread, unit) => format!("{amount:.0} {unit}"),
    }
}

fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// The value, and how sure that is: its interval, or the 90th percentile.
fn value(measured: &Measured) -> (String, String) {
    let (kind, unit, figure) = (measured.measure.kind(), measured.unit, &measured.figure);
    let Some(value) = figure.value else {
        return ("unknown".to_owned(), String::new());
    };
    let beside = match (figure.low, figure.high, figure.p90) {
        (Some(low), Some(high), _) => format!("{} to {}", percent(low), percent(high)),
        (.., Some(p90)) => format!("nine of ten: {}", said(kind, unit, p90)),
        _ => String::new(),
    };
    (said(kind, unit, value), beside)
}

/// Over how many that is.
fn basis(figure: &Figure) -> String {
    let mut text = match figure.hits {
        Some(hits) => format!("{hits} of {}", figure.n),
        None => format!("n {}", figure.n),
    };
    if figure.unknown > 0 {
        text.push_str(&format!(", {} unknown", figure.unknown));
    }
    if figure.few {
        text.push_str(", too few");
    }
    text
}

/// What held changes up, and whether what is written arrives: a sentence each.
fn sentences(group: &Group) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(slowest) = &group.slowest {
        let few = if slowest.few {
            "; too few to go by"
        } else {
            ""
        };
        all.push(format!(
            "The slowest stage is the {}: {} of all that was waited, half of {} changes at most {}{few}.",
            slowest.stage.title(),
            percent(slowest.share),
            slowest.n,
            span(slowest.median as i64),
        ));
    }
    if let Some(velocity) = &group.velocity {
        let growth = |growth: Option<f64>| match growth {
            Some(growth) => format!("{:+.1} %", growth * 100.0),
            None => "unknown, from nothing".to_owned(),
        };
        let gap = match velocity.gap {
            Some(gap) => format!("the gap is {:+.1} points", gap * 100.0),
            None => "the gap is unknown".to_owned(),
        };
        let few = if velocity.few {
            "; too few to go by"
        } else {
            ""
        };
        all.push(format!(
            "Authored change grew by {} ({} to {}), change in production with every required control by {} ({} to {}), the \
             later {} of {} weeks against the earlier: {gap}{few}.",
            growth(velocity.authored_growth),
            velocity.authored[0],
            velocity.authored[1],
            growth(velocity.delivered_growth),
            velocity.delivered[0],
            velocity.delivered[1],
            velocity.weeks,
            2 * velocity.weeks,
        ));
    }
    all
}
