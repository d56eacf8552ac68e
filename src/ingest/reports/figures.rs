//! Figures: coverage, cost, load, quality.
//!
//! Numbers are kept as exact decimals. A rate is given in percent to two digits, rounded towards zero, so that it never says
//! more than is there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::xml::{Met, walk};
use super::{Error, Kind, list_of, shape, text_of};
use crate::digest::Sha256;
use crate::statement::predicate::{
    Comparison, Decimal, Gate, GateKind, MeasurementResult, Metric, Phase, Threshold, Tool, Window,
};
use crate::timestamp::Timestamp;

/// Figures, before anybody says them.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// What they are for.
    pub gate: Gate,
    /// What found them.
    pub tool: Tool,
    /// Foretold or found.
    pub phase: Phase,
    /// Of which time.
    pub window: Option<Window>,
    /// What the tool was given, where the report has it.
    pub input: Option<Sha256>,
    /// What a policy engine held against it, each with its name, where the report has it.
    pub policies: Vec<(String, Sha256)>,
    /// The figures.
    pub metrics: Vec<Metric>,
    /// What they were held against.
    pub thresholds: Vec<Threshold>,
    /// Whether they kept it, by the tool's own word; a pass where it holds them against nothing.
    pub result: MeasurementResult,
}

impl Figures {
    pub(super) fn new(kind: GateKind, tool: &str, version: Option<&str>) -> Self {
        Self {
            gate: Gate {
                name: kind.to_string(),
                kind,
            },
            tool: Tool {
                name: tool.to_owned(),
                version: version.map(str::to_owned),
                uri: None,
            },
            phase: Phase::Actual,
            window: None,
            input: None,
            policies: Vec::new(),
            metrics: Vec::new(),
            thresholds: Vec::new(),
            result: MeasurementResult::Pass,
        }
    }

    pub(super) fn count(&mut self, name: &str, number: u64) {
        self.add(name, "1", number.to_string().parse().ok());
    }

    // A number that is no decimal of bounded length (not finite, say) is no figure.
    fn add(&mut self, name: &str, unit: &str, value: Option<Decimal>) {
        self.metrics.extend(value.map(|value| Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            value,
            baseline: None,
        }));
    }

    fn share(&mut self, name: &str, part: u64, whole: u64) {
        if whole > 0 {
            let hundredths = u128::from(part) * 10_000 / u128::from(whole);
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            self.add(name, "%", text.parse().ok());
        }
    }

    pub(super) fn passed(&mut self, passed: bool) {
        self.result = match passed {
            true => MeasurementResult::Pass,
            false => MeasurementResult::Fail,
        };
    }
}

/// A double as its shortest decimal; `None` where it is none, or longer than decimals may be.
fn decimal(value: f64) -> Option<Decimal> {
    value.is_finite().then(|| {
        format!("{value}")
            .parse()
            .ok()
            .or_else(|| format!("{value:.9}").parse().ok())
    })?
}

/// LCOV's tracefiles (`geninfo(1)`): lines, functions and branches of all records.
pub(super) fn lcov(text: &str) -> Result<Figures, Error> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut records, mut open) = (0_u64, false);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        match line.split_once(':') {
            Some(("SF", _)) => open = true,
            Some((name @ ("LF" | "LH" | "FNF" | "FNH" | "BRF" | "BRH"), number)) if open => {
                let number: u64 = number
                    .trim()
                    .parse()
                    .map_err(|_| shape(Kind::Lcov, &format!("line {}", at + 1), "is no count"))?;
                let sum = sums.entry(name).or_default();
                *sum = sum.saturating_add(number);
            }
            None if line == "end_of_record" => {
                records += u64::from(open);
                open = false;
            }
            _ => {}
        }
    }
    if records == 0 || open {
        return Err(shape(Kind::Lcov, "its end", "has no end_of_record"));
    }
    let mut figures = Figures::new(GateKind::Coverage, "lcov", None);
    for (what, found, hit) in [
        ("lines", "LF", "LH"),
        ("functions", "FNF", "FNH"),
        ("branches", "BRF", "BRH"),
    ] {
        let (Some(found), hit) = (
            sums.get(found).copied(),
            sums.get(hit).copied().unwrap_or(0),
        ) else {
            continue;
        };
        covered(Kind::Lcov, &mut figures, what, hit, found)?;
    }
    Ok(figures)
}

fn covered(
    kind: Kind,
    figures: &mut Figures,
    what: &str,
    hit: u64,
    found: u64,
) -> Result<(), Error> {
    if hit > found {
        return Err(shape(kind, what, "covers more than there is"));
    }
    figures.count(&format!("{what}.total"), found);
    figures.count(&format!("{what}.covered"), hit);
    figures.share(what, hit, found);
    Ok(())
}

/// Cobertura's XML: lines and branches as the outermost element counts them; where it gives no counts, as its lines do.
pub(super) fn cobertura(text: &str) -> Result<Figures, Error> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    let mut lines: BTreeMap<(String, u64), bool> = BTreeMap::new();
    let (mut file, mut version, mut in_method) = (String::new(), None, 0_usize);
    walk(text, |met| {
        match met {
            Met::Start(element) => match element.name.as_str() {
                "coverage" => {
                    version = element.get("version").map(str::to_owned);
                    for name in [
                        "lines-valid",
                        "lines-covered",
                        "branches-valid",
                        "branches-covered",
                    ] {
                        totals.extend(element.count(name).map(|count| (name, count)));
                    }
                }
                "class" => file = element.get("filename").unwrap_or_default().to_owned(),
                "method" => in_method += 1,
                "line" if in_method == 0 => {
                    if let (Some(number), Some(hits)) =
                        (element.count("number"), element.count("hits"))
                    {
                        *lines.entry((file.clone(), number)).or_default() |= hits > 0;
                    }
                }
                _ => {}
            },
            Met::End("method") => in_method = in_method.saturating_sub(1),
            Met::End(_) => {}
        }
        Ok(())
    })?;
    let mut figures = Figures::new(GateKind::Coverage, "cobertura", version.as_deref());
    let total = |name: &str| totals.get(name).copied();
    match total("lines-valid").zip(total("lines-covered")) {
        Some((valid, hit)) => covered(Kind::Cobertura, &mut figures, "lines", hit, valid)?,
        None => {
            let hit = lines.values().filter(|hit| **hit).count() as u64;
            covered(
                Kind::Cobertura,
                &mut figures,
                "lines",
                hit,
                lines.len() as u64,
            )?;
        }
    }
    if let Some((valid, hit)) = total("branches-valid").zip(total("branches-covered")) {
        covered(Kind::Cobertura, &mut figures, "branches", hit, valid)?;
    }
    Ok(figures)
}

/// Infracost: what all projects cost a month, and the difference where it is a diff.
pub(super) fn infracost(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::Infracost;
    let currency = value["currency"].as_str().unwrap_or("USD");
    let unit = format!("{currency}/month");
    let mut figures = Figures::new(GateKind::Cost, "infracost", value["version"].as_str());
    figures.phase = Phase::Estimate;
    let amount = |name: &str| -> Result<Option<Decimal>, Error> {
        match &value[name] {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => text
                .parse()
                .map(Some)
                .map_err(|_| shape(kind, name, "is no decimal number")),
            Value::Number(number) => Ok(number.as_f64().and_then(decimal)),
            _ => Err(shape(kind, name, "is no decimal number")),
        }
    };
    let total =
        amount("totalMonthlyCost")?.ok_or_else(|| shape(kind, "totalMonthlyCost", "is missing"))?;
    figures.metrics.push(Metric {
        name: "total".to_owned(),
        unit: unit.clone(),
        value: total,
        baseline: amount("pastTotalMonthlyCost")?,
    });
    figures.add("difference", &unit, amount("diffTotalMonthlyCost")?);
    Ok(figures)
}

/// FOCUS (FinOps cost and usage), CSV: the sums of `BilledCost` and `EffectiveCost`, in one currency.
pub(super) fn focus(text: &str) -> Result<Figures, Error> {
    let kind = Kind::Focus;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heading = reader.headers()?.clone();
    let column = |name: &'static str| heading.iter().position(|field| field == name);
    let wanted = |name| column(name).ok_or_else(|| shape(kind, name, "is no column"));
    let (billed, currency) = (wanted("BilledCost")?, wanted("BillingCurrency")?);
    let (begins, ends) = (wanted("ChargePeriodStart")?, wanted("ChargePeriodEnd")?);
    let effective = column("EffectiveCost");
    let (mut billed_sum, mut effective_sum, mut money) = (Sum::default(), Sum::default(), None);
    let mut window: Option<Window> = None;
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let fault = |why| shape(kind, &format!("line {line}"), why);
        let field = |at: usize| row.get(at).unwrap_or_default();
        billed_sum
            .add(field(billed))
            .ok_or_else(|| fault("has no decimal BilledCost"))?;
        if let Some(at) = effective {
            effective_sum
                .add(field(at))
                .ok_or_else(|| fault("has no decimal EffectiveCost"))?;
        }
        let named = field(currency).to_owned();
        if money.get_or_insert_with(|| named.clone()) != &named {
            return Err(fault("is in another currency than the lines before"));
        }
        let moment = |at: usize| {
            Timestamp::parse_rfc3339(field(at))
                .or_else(|_| Timestamp::parse_rfc3339(&field(at).replacen(' ', "T", 1)))
        };
        let both = moment(begins).ok().zip(moment(ends).ok());
        let (from, until) = both.ok_or_else(|| fault("has no charge period"))?;
        let known = window.get_or_insert(Window { from, until });
        (known.from, known.until) = (known.from.min(from), known.until.max(until));
    }
    let unit = money.ok_or_else(|| shape(kind, "it", "has no line"))?;
    let mut figures = Figures::new(GateKind::Cost, "focus", None);
    figures.window = window;
    figures.add("billed", &unit, billed_sum.decimal());
    if effective.is_some() {
        figures.add("effective", &unit, effective_sum.decimal());
    }
    Ok(figures)
}

/// A sum of decimals, exact to fifteen digits after the point.
#[derive(Default)]
struct Sum(i128);

const FRACTION: usize = 15;

impl Sum {
    fn add(&mut self, text: &str) -> Option<()> {
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |digits| (true, digits));
        // A very small or large amount is written with an exponent by some.
        let plain;
        let digits = match digits.contains(['e', 'E']) {
            true => {
                let number = digits
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite() && *number < 1e18)?;
                plain = format!("{number:.15}");
                plain.as_str()
            }
            false => digits,
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        (!whole.is_empty() && is_number(whole) && is_number(fraction) && whole.len() <= 18)
            .then_some(())?;
        let fraction = &fraction[..fraction.len().min(FRACTION)];
        let scaled: i128 = format!("{whole}{fraction:0<FRACTION$}").parse().ok()?;
        self.0 = self
            .0
            .checked_add(if negative { -scaled } else { scaled })?;
        Some(())
    }

    fn decimal(&self) -> Option<Decimal> {
        let scale = 10_i128.pow(FRACTION as u32);
        let (whole, fraction) = (self.0.abs() / scale, self.0.abs() % scale);
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{fraction:015}");
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}").parse().ok()
    }
}

/// k6: each metric's values, and whether the thresholds held. A summary export says `true` of one that was crossed, the data
/// of `handleSummary` says `ok`.
pub(super) fn k6(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::K6;
    let metrics = value["metrics"]
        .as_object()
        .ok_or_else(|| shape(kind, "metrics", "is no object"))?;
    let mut figures = Figures::new(GateKind::Load, "k6", None);
    let mut failed = false;
    for (name, metric) in metrics {
        let unit = match metric["contains"].as_str() {
            Some("time") => "ms",
            Some("data") => "B",
            // A summary export does not say; by convention of k6 these are trends of time.
            None if metric.get("p(95)").is_some() => "ms",
            _ => "1",
        };
        let values = metric["values"].as_object().or(metric.as_object());
        for (what, number) in values.into_iter().flatten() {
            if let Some(number) = number.as_f64() {
                figures.add(&format!("{name}.{what}"), unit, decimal(number));
            }
        }
        for (expression, held) in metric["thresholds"].as_object().into_iter().flatten() {
            let ok = match held {
                Value::Bool(crossed) => !crossed,
                held => held["ok"]
                    .as_bool()
                    .ok_or_else(|| shape(kind, "thresholds", "do not say whether they held"))?,
            };
            failed |= !ok;
            figures.thresholds.extend(threshold(name, expression));
        }
    }
    figures.passed(!failed);
    Ok(figures)
}

/// `p(95)<500`, where it is one figure against one number.
fn threshold(metric: &str, expression: &str) -> Option<Threshold> {
    let expression: String = expression.chars().filter(|c| !c.is_whitespace()).collect();
    let mut ops = ["<=", ">=", "==", "<", ">"].into_iter();
    let (op, (what, number)) =
        ops.find_map(|op| expression.split_once(op).map(|parts| (op, parts)))?;
    Some(Threshold {
        metric: format!("{metric}.{what}"),
        op: op.parse::<Comparison>().ok()?,
        value: number
            .parse()
            .ok()
            .or_else(|| decimal(number.parse().ok()?))?,
    })
}

/// OpenSSF Scorecard: the score, and that of each check; one that could not be told (−1) is none.
pub(super) fn scorecard(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::Scorecard;
    let score = value["score"]
        .as_f64()
        .ok_or_else(|| shape(kind, "score", "is no number"))?;
    let mut figures = Figures::new(
        GateKind::Quality,
        "scorecard",
        value["scorecard"]["version"].as_str(),
    );
    figures.add("score", "1", decimal(score));
    for check in list_of(kind, &value["checks"], "checks")? {
        let name = text_of(kind, &check["name"], "checks[].name")?;
        let score = check["score"].as_f64().filter(|score| *score >= 0.0);
        figures.add(name, "1", score.and_then(decimal));
    }
    Ok(figures)
}
