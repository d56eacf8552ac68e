//! Charts of insight as inline SVG: a measure by week, and a measure by group. Each mark is a link; the tables that they lead to
//! say the same in words, so charts are hidden from those who are read to.

use maud::{Markup, html};

use crate::insight::{Figure, Kind};

/// In the drawing's own units, which the page scales.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 96.0;
const ROW: f64 = 22.0;
const LEFT: f64 = 150.0;

/// One mark: where it leads, what it says, and its figure.
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) says: String,
    pub(super) figure: Figure,
}

/// What the drawing reaches up to.
pub(super) fn highest<'a>(kind: Kind, figures: impl Iterator<Item = &'a Figure>) -> f64 {
    match kind {
        Kind::Rate => 1.0,
        _ => figures
            .filter_map(|it| it.p90.or(it.value))
            .fold(0.0, f64::max),
    }
}

/// A column a week; none where nothing is known.
pub(super) fn weeks(kind: Kind, marks: &[Option<Mark>]) -> Markup {
    let figures = marks.iter().flatten().map(|it| &it.figure);
    let (top, step) = (highest(kind, figures), WIDTH / marks.len().max(1) as f64);
    let y = |value: f64| up(value, top);
    html! {
        svg.c viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-hidden="true" focusable="false" {
            line.axis x1="0" x2=(WIDTH) y1=(HEIGHT - 1.0) y2=(HEIGHT - 1.0) {}
            @for (at, mark) in marks.iter().enumerate() {
                @if let Some((mark, value)) = mark.as_ref().and_then(|it| Some((it, it.figure.value?))) {
                    (link(mark, column(kind, &mark.figure, value, at as f64 * step, step, y)))
                }
            }
        }
    }
}

fn column(
    kind: Kind,
    figure: &Figure,
    value: f64,
    x: f64,
    step: f64,
    y: impl Fn(f64) -> f64,
) -> Markup {
    let (middle, wide) = (x + step / 2.0, (step * 0.7).clamp(1.0, 40.0));
    let left = middle - wide / 2.0;
    html! {
        // The whole column can be hit.
        rect.hit x=(n(x)) y="0" width=(n(step)) height=(HEIGHT) {}
        @match (kind, figure.low.zip(figure.high)) {
            (Kind::Rate, Some((low, high))) => {
                line.range x1=(n(middle)) x2=(n(middle)) y1=(n(y(low))) y2=(n(y(high))) {}
                circle.dot cx=(n(middle)) cy=(n(y(value))) r="4" {}
            }
            _ => {
                @if let Some(p90) = figure.p90 { line.range x1=(n(middle)) x2=(n(middle)) y1=(n(y(value))) y2=(n(y(p90))) {} }
                rect.bar x=(n(left)) y=(n(y(value))) width=(n(wide)) height=(n((HEIGHT - y(value)).max(1.0))) {}
            }
        }
    }
}

/// A row a group: the value, and its interval or 90th percentile.
pub(super) fn rows(kind: Kind, marks: &[(String, Mark)]) -> Markup {
    let top = highest(kind, marks.iter().map(|(_, mark)| &mark.figure));
    let x = |value: f64| LEFT + share(value, top) * (WIDTH - LEFT - 8.0);
    let height = marks.len() as f64 * ROW;
    html! {
        svg.c viewBox={ "0 0 " (WIDTH) " " (height) } aria-hidden="true" focusable="false" {
            line.axis x1=(LEFT) x2=(LEFT) y1="0" y2=(height) {}
            @for (at, (name, mark)) in marks.iter().enumerate() {
                @let middle = at as f64 * ROW + ROW / 2.0;
                (link(mark, html! {
                    rect.hit x="0" y=(n(middle - ROW / 2.0)) width=(WIDTH) height=(ROW) {}
                    text x="0" y=(n(middle + 4.0)) { (name) }
                    @match mark.figure.value {
                        Some(value) => {
                            @let (from, until) = mark.figure.low.zip(mark.figure.high).unwrap_or((value, mark.figure.p90.unwrap_or(value)));
                            line.range x1=(n(x(from))) x2=(n(x(until))) y1=(n(middle)) y2=(n(middle)) {}
                            circle.dot cx=(n(x(value))) cy=(n(middle)) r="5" {}
                        }
                        None => { text.unknown x=(LEFT + 8.0) y=(n(middle + 4.0)) { "unknown" } }
                    }
                }))
            }
        }
    }
}

// Nobody comes here by the keyboard: the tables have the same links.
fn link(mark: &Mark, drawn: Markup) -> Markup {
    html! { a href={ "#" (mark.id) } tabindex="-1" { title { (mark.says) } (drawn) } }
}

fn share(value: f64, top: f64) -> f64 {
    match top > 0.0 {
        true => (value / top).clamp(0.0, 1.0),
        false => 0.0,
    }
}

fn up(value: f64, top: f64) -> f64 {
    HEIGHT - 2.0 - share(value, top) * (HEIGHT - 10.0)
}

// A tenth of a unit is finer than any screen.
fn n(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
