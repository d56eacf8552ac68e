//! `measure`: record figures, held against their limits.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::{Figure, Limit, Measured};
use git_docket::statement::predicate::{
    Environment, Gate, GateKind, MeasurementResult, Phase, Tool,
};
use git_docket::timestamp::Timestamp;

/// Record figures, held against their limits
///
/// Figures are NAME=VALUE or NAME=VALUE:UNIT; limits NAME<=VALUE, with <, <=, ==,
/// >= or >. Without --result it is told from the limits.
///
/// Examples:
///   git docket measure --gate cost --tool infracost --limit 'total<=500' total=412.50:USD/month
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Figures
    #[arg(value_name = "NAME=VALUE[:UNIT]", required = true, value_parser = super::figure)]
    figures: Vec<Figure>,
    /// What they are about: cost, slo, load, chaos, coverage, quality or policy
    #[arg(long, value_name = "KIND")]
    gate: GateKind,
    /// What the gate is called; its kind, where left out
    #[arg(long, value_name = "NAME")]
    gate_name: Option<String>,
    /// What found them
    #[arg(long, value_name = "NAME")]
    tool: String,
    /// Its version
    #[arg(long, value_name = "VERSION")]
    tool_version: Option<String>,
    /// Foretold or found: estimate or actual
    #[arg(long, value_name = "WORD", default_value = "actual")]
    phase: Phase,
    /// A limit (repeats)
    #[arg(long = "limit", value_name = "NAME<=VALUE", value_parser = super::limit)]
    limits: Vec<Limit>,
    /// Whether they keep them: pass, warn or fail
    #[arg(long, value_name = "WORD")]
    result: Option<MeasurementResult>,
    /// What they are about
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Where that runs
    #[arg(long = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Until when they may be used
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    valid_until: Option<Timestamp>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let claim = desk.measure(Measured {
        step: args.common.step("measure"),
        gate: Gate {
            name: args.gate_name.unwrap_or_else(|| args.gate.to_string()),
            kind: args.gate,
        },
        tool: Tool {
            name: args.tool,
            version: args.tool_version,
            uri: None,
        },
        phase: args.phase,
        figures: args.figures,
        limits: args.limits,
        result: args.result,
        service: args.service,
        environment: args.environment.map(Environment::named),
        valid_until: args.valid_until,
    })?;
    finish(&desk, claim, &args.common, context)
}
