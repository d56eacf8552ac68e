//! measurement v0.1: figures that a tool found (cost, service levels, load, chaos, coverage), held against
//! limits.

use serde::{Deserialize, Serialize};

use super::asserted::in_order;
use super::words::words;
use super::{
    Asserted, Decimal, Environment, Error, KeptReport, Predicate, Sha256Text, Tool, not_empty,
};
use crate::timestamp::Timestamp;

/// What was measured, and whether it is good enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// What it is about, if that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Of which time the figures are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Whether they were foretold or found.
    pub phase: Phase,
    /// What they are for.
    pub gate: Gate,
    /// What found them.
    pub tool: Tool,
    /// What it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<MeasuredInput>,
    /// The policies that an engine held against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<MeasuredPolicy>,
    /// The figures.
    pub metrics: Vec<Metric>,
    /// What they were held against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<Threshold>,
    /// Whether they kept it.
    pub result: MeasurementResult,
    /// The tool's own report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<KeptReport>,
    /// Until when it may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// A time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

words! {
    /// Whether figures were foretold or found.
    pub enum Phase {
        /// Foretold.
        Estimate = "estimate",
        /// Found.
        Actual = "actual",
    }
}

/// What figures are for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// What people call it.
    pub name: String,
    /// Of what kind it is.
    pub kind: GateKind,
}

words! {
    /// What figures are about.
    pub enum GateKind {
        /// Money.
        Cost = "cost",
        /// Service level objectives.
        Slo = "slo",
        /// Behaviour under load.
        Load = "load",
        /// Behaviour under faults.
        Chaos = "chaos",
        /// How much the tests reach.
        Coverage = "coverage",
        /// How the code is made: lint, style, score cards.
        Quality = "quality",
        /// What a policy engine decided.
        Policy = "policy",
    }
}

/// What a tool was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredInput {
    /// SHA-256 of it.
    pub digest: Sha256Text,
}

/// A policy that an engine held against what it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasuredPolicy {
    /// Its file, or what the engine calls it.
    pub name: String,
    /// SHA-256 of its text.
    pub digest: Sha256Text,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// What it is.
    pub name: String,
    /// In what it is counted: `USD/month`, `ms`, `%`, `1` for a plain number.
    pub unit: String,
    /// The figure.
    pub value: Decimal,
    /// What it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Decimal>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Threshold {
    /// The metric's name.
    pub metric: String,
    /// How its value must stand to the limit.
    pub op: Comparison,
    /// The limit.
    pub value: Decimal,
}

words! {
    /// How a value must stand to a limit.
    pub enum Comparison {
        /// Below it.
        Less = "<",
        /// Not above it.
        AtMost = "<=",
        /// Equal to it.
        Equal = "==",
        /// Not below it.
        AtLeast = ">=",
        /// Above it.
        Greater = ">",
    }
}

words! {
    /// Whether figures kept their limits.
    pub enum MeasurementResult {
        /// They did.
        Pass = "pass",
        /// Nearly not.
        Warn = "warn",
        /// They did not.
        Fail = "fail",
    }
}

impl Comparison {
    /// Whether a value keeps a limit.
    pub fn holds(self, value: &Decimal, limit: &Decimal) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => value == limit,
            Self::AtLeast => value >= limit,
            Self::Greater => value > limit,
        }
    }
}

impl Predicate for Measurement {
    const TYPE: &'static str = "https://git-docket.dev/measurement/v0.1";

    fn validate(&self) -> Result<(), Error> {
        self.report.iter().try_for_each(KeptReport::validate)?;
        self.asserted.validate()?;
        self.environment
            .iter()
            .try_for_each(Environment::validate)?;
        if let Some(Window { from, until }) = self.window {
            in_order(("window.from", Some(from)), ("window.until", Some(until)))?;
        }
        not_empty("gate.name", &self.gate.name)?;
        not_empty("tool.name", &self.tool.name)?;
        if self.metrics.is_empty() {
            return Err(Error::Empty { field: "metrics" });
        }
        for threshold in &self.thresholds {
            let mut of_it = self
                .metrics
                .iter()
                .filter(|metric| metric.name == threshold.metric)
                .peekable();
            if of_it.peek().is_none() {
                return Err(Error::Broken {
                    rule: "thresholds[].metric is the name of one of metrics",
                });
            }
            let kept = of_it.all(|metric| threshold.op.holds(&metric.value, &threshold.value));
            if !kept && self.result == MeasurementResult::Pass {
                return Err(Error::Broken {
                    rule: "result is not pass where a metric misses its threshold",
                });
            }
        }
        Ok(())
    }
}
