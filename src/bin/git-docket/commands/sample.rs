//! `sample`: the items that an auditor looks at.

use std::fmt::Write as _;

use clap::ValueEnum;
use git_docket::judge::sample::Of;
use git_docket::ops::sample::{self, Request, Sampled};
use git_docket::report::escape::Line;
use git_docket::timestamp::Timestamp;

use super::verify::period;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Draw changes, deployments or releases for an audit
///
/// The same seal, seed and flags give the same list to everybody, and nobody can
/// choose it: items are ranked by SHA-256 over seed, sealed root and name. Give
/// the seed after the seal. The page sampling has the algorithm and a vector.
///
/// Examples:
///   git docket sample --of changes --seed audit-2026-Q3 --size 25
///   git docket sample --of deployments --stratify service --seed S --size 10
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// What to draw from
    #[arg(long, value_enum)]
    of: Population,
    /// What landed, was deployed or released in these days: 2026-07-01..2026-09-30
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    period: Option<(Timestamp, Timestamp)>,
    /// Any text, from the auditor
    #[arg(long, value_name = "TEXT")]
    seed: String,
    /// How many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    size: u64,
    /// Divide by: kind, ref (changes); service, environment (deployments); package (releases)
    #[arg(long, value_name = "KEY")]
    stratify: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Population {
    Changes,
    Deployments,
    Releases,
}

/// Draws.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let request = Request {
        of: match args.of {
            Population::Changes => Of::Changes,
            Population::Deployments => Of::Deployments,
            Population::Releases => Of::Releases,
        },
        period: args.period,
        seed: args.seed,
        size: args.size,
        stratify: args.stratify,
    };
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let sampled = sample::sample(&context.world, &repository, ledger, request)?;
    context.report(&sampled, text)?;
    Ok(Exit::Pass)
}

fn text(sampled: &Sampled) -> String {
    let all: u64 = sampled
        .strata
        .iter()
        .map(|stratum| stratum.population)
        .sum();
    let mut text = format!(
        "{} of {all} {} of {}\nseal {} entries, root {}\nseed {}\n",
        sampled.items.len(),
        sampled.of,
        Line(&sampled.origin),
        sampled.sealed,
        sampled.root,
        Line(&sampled.seed)
    );
    for stratum in sampled
        .strata
        .iter()
        .filter(|stratum| !stratum.name.is_empty())
    {
        let _ = writeln!(
            text,
            "  {}: {} of {}",
            Line(&stratum.name),
            stratum.places,
            stratum.population
        );
    }
    for drawn in &sampled.items {
        let rank = &drawn.rank.to_string()[..12];
        let unit = &drawn.unit;
        let _ = writeln!(
            text,
            "{rank}  {}  entry {}  {}",
            unit.at,
            unit.seq,
            Line(&unit.name)
        );
    }
    text
}
