//! What policy engines decided: a measurement of the input that they were given, by the policy that they held against it.
//!
//! Harness gives both in its evaluation. OPA and Conftest give neither: whoever attests names the files
//! (`--policy-file`, `--input-file`).

use serde_json::Value;

use super::figures::Figures;
use super::{Error, Kind, list_of, shape, text_of};
use crate::canonical;
use crate::digest::Sha256;
use crate::statement::predicate::{GateKind, MeasurementResult};

/// `conftest test -o json`: successes, warnings, failures and exceptions of all files.
pub(super) fn conftest(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::Conftest;
    let mut sums = [
        ("successes", 0_u64),
        ("warnings", 0),
        ("failures", 0),
        ("exceptions", 0),
    ];
    for file in list_of(kind, value, "it")? {
        for (name, sum) in &mut sums {
            *sum += match &file[*name] {
                Value::Null => 0,
                Value::Number(number) => number
                    .as_u64()
                    .ok_or_else(|| shape(kind, name, "is no count"))?,
                list => list_of(kind, list, name)?.len() as u64,
            };
        }
    }
    let mut figures = Figures::new(GateKind::Policy, "conftest", None);
    for (name, sum) in sums {
        figures.count(name, sum);
    }
    figures.result = match (sums[2].1, sums[1].1) {
        (0, 0) => MeasurementResult::Pass,
        (0, _) => MeasurementResult::Warn,
        _ => MeasurementResult::Fail,
    };
    Ok(figures)
}

/// `opa eval --format json`: one expression that is true or false, or a list of denials.
pub(super) fn opa(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::Opa;
    let [result] = list_of(kind, &value["result"], "result")? else {
        return Err(shape(kind, "result", "is not one"));
    };
    let [expression] = list_of(kind, &result["expressions"], "result[].expressions")? else {
        return Err(shape(kind, "result[].expressions", "are not one"));
    };
    let mut figures = Figures::new(GateKind::Policy, "opa", None);
    figures.gate.name = expression["text"].as_str().unwrap_or("opa").to_owned();
    let denials = match &expression["value"] {
        Value::Bool(allowed) => u64::from(!allowed),
        Value::Array(denials) => denials.len() as u64,
        _ => {
            return Err(shape(
                kind,
                "the expression's value",
                "is neither true, false nor a list of denials",
            ));
        }
    };
    figures.count("denials", denials);
    figures.passed(denials == 0);
    figures.input = input(value);
    Ok(figures)
}

/// A policy evaluation of Harness (its Policy Management interface, `GET /pm/api/v1/evaluations/ID`): policy sets with their
/// policies, each with its status and messages of denial. The whole is not better than the worst of its policies.
pub(super) fn harness(value: &Value) -> Result<Figures, Error> {
    let kind = Kind::HarnessPolicy;
    let mut figures = Figures::new(GateKind::Policy, "harness", None);
    let mut worst = status(&value["status"], "status")?;
    let (mut passed, mut warned, mut failed, mut denials) = (0_u64, 0_u64, 0_u64, 0_u64);
    for set in list_of(kind, &value["details"], "details")? {
        for one in list_of(kind, &set["details"], "details[].details")? {
            let found = status(&one["status"], "details[].details[].status")?;
            *match found {
                MeasurementResult::Pass => &mut passed,
                MeasurementResult::Warn => &mut warned,
                MeasurementResult::Fail => &mut failed,
            } += 1;
            if found == MeasurementResult::Fail || worst == MeasurementResult::Pass {
                worst = found;
            }
            if !one["deny_messages"].is_null() {
                denials += list_of(kind, &one["deny_messages"], "deny_messages")?.len() as u64;
            }
            let policy = &one["policy"];
            let name = text_of(kind, &policy["identifier"], "policy.identifier")?;
            let rego = text_of(kind, &policy["rego"], "policy.rego")?;
            figures
                .policies
                .push((name.to_owned(), Sha256::of(rego.as_bytes())));
        }
    }
    if figures.policies.is_empty() {
        return Err(shape(
            kind,
            "details",
            "name no policy: nothing was evaluated",
        ));
    }
    for (name, count) in [
        ("passed", passed),
        ("warnings", warned),
        ("failed", failed),
        ("denials", denials),
    ] {
        figures.count(name, count);
    }
    if let Some(evaluated) = value["type"].as_str().zip(value["action"].as_str()) {
        figures.gate.name = format!("{} {}", evaluated.0, evaluated.1);
    }
    figures.result = worst;
    figures.input = input(value);
    Ok(figures)
}

fn status(value: &Value, place: &str) -> Result<MeasurementResult, Error> {
    match text_of(Kind::HarnessPolicy, value, place)? {
        "pass" => Ok(MeasurementResult::Pass),
        "warning" => Ok(MeasurementResult::Warn),
        "error" | "fail" => Ok(MeasurementResult::Fail),
        _ => Err(shape(
            Kind::HarnessPolicy,
            place,
            "is neither pass, warning nor error",
        )),
    }
}

/// SHA-256 over the input as RFC 8785 writes it.
fn input(value: &Value) -> Option<Sha256> {
    let given = value.get("input").filter(|given| !given.is_null())?;
    canonical::to_vec(given)
        .ok()
        .map(|bytes| Sha256::of(&bytes))
}
