//! `query`: the entries that count, by what they say.

use std::ops::ControlFlow;

use clap::ValueEnum;
use git_docket::ops::log::parse_time;
use git_docket::ops::query::{Source, query};
use git_docket::ops::verify::digest_word;
use git_docket::query::{Ending, Filter};
use git_docket::report::json;
use git_docket::report::listing::{self, Column};
use git_docket::statement::DigestSet;
use git_docket::statement::predicate::{PersonId, PersonKind};

use super::roster::Kind;
use crate::cli::Format;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// List the entries that count, by what they say
///
/// What is listed has a sound signature by somebody who may, and was not
/// retracted. All conditions must hold; a flag that repeats takes any of its
/// values. `git docket log` lists what is merely recorded.
///
/// The answer comes from an index that a replay made (git docket help index),
/// and is no evidence; --verify replays the ledger now and answers from that.
///
/// Examples:
///   git docket query --step deploy --environment prod --since '2 weeks'
///   git docket query --kind agent --result fail -o json
///   git docket query --type approval --csv --columns seq,time,person,subject
///   git docket query --sql 'SELECT person, count(*) AS n FROM entries GROUP BY 1'
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Of this step (repeats)
    #[arg(long = "step")]
    steps: Vec<String>,
    /// Of this type of predicate: a short name or a URI (repeats)
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Done or signed by this person of the roster (repeats)
    #[arg(long = "person", value_name = "ID")]
    persons: Vec<PersonId>,
    /// Done by such a person (repeats)
    #[arg(long = "kind", value_enum)]
    kinds: Vec<Kind>,
    /// About what has this digest, alg:hex (repeats)
    #[arg(long = "subject", value_name = "DIGEST", value_parser = digest)]
    subjects: Vec<DigestSet>,
    /// About this environment (repeats)
    #[arg(long = "environment", value_name = "NAME")]
    environments: Vec<String>,
    /// About this service (repeats)
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Of this time or later: a date, a time, or an age such as '3 days'
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Of this time or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// That ended so (repeats)
    #[arg(long = "result", value_enum)]
    results: Vec<Ended>,
    /// That name a path which fits this glob (repeats)
    #[arg(long = "path", value_name = "GLOB")]
    paths: Vec<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    max_count: Option<usize>,
    /// What the table or CSV shows of each, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    columns: Vec<Column>,
    /// As CSV
    #[arg(long)]
    csv: bool,
    /// Answer from the ledger itself, every signature checked now
    #[arg(long)]
    verify: bool,
    /// One SELECT over the index's views, in place of filters
    #[arg(long, value_name = "SELECT", conflicts_with_all = ["verify", "steps", "types", "persons", "kinds", "subjects", "environments", "services", "since", "until", "results", "paths", "max_count", "columns"])]
    sql: Option<String>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ended {
    Pass,
    Warn,
    Fail,
}

/// Lists.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let is_json = context.globals.format == Format::Json;
    if is_json && (args.csv || !args.columns.is_empty()) {
        let message = "--csv and --columns are for text; JSON lines carry every field";
        return Err(Stop::usage(message));
    }
    if let Some(sql) = &args.sql {
        return super::query_sql::run(sql, args.csv, context);
    }
    let repository = context.repository()?;
    let time = |text: String| {
        parse_time(&text, context.world.now).map_err(|error| Stop::new(Exit::Usage, error))
    };
    let results = args.results.into_iter().map(|ended| match ended {
        Ended::Pass => Ending::Pass,
        Ended::Warn => Ending::Warn,
        Ended::Fail => Ending::Fail,
    });
    let filter = Filter {
        steps: args.steps,
        types: args.types,
        persons: args.persons,
        kinds: args.kinds.into_iter().map(PersonKind::from).collect(),
        subjects: args.subjects,
        environments: args.environments,
        services: args.services,
        since: args.since.map(time).transpose()?,
        until: args.until.map(time).transpose()?,
        results: results.collect(),
        paths: args.paths,
    };
    let ledger = &context.globals.ledger_ref;
    let source = match args.verify {
        true => Source::Ledger,
        false => Source::Index,
    };
    let most = args.max_count;
    let rows = query(&context.world, &repository, ledger, &filter, most, source)?;
    let columns = match args.columns.is_empty() {
        true => listing::USUAL,
        false => &args.columns,
    };
    let mut out = context.listing(&repository);
    if is_json {
        for row in &rows {
            let line = json::line(row).map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
            if let ControlFlow::Break(()) = out.add(&line)? {
                break;
            }
        }
    } else {
        let form = if args.csv {
            listing::csv
        } else {
            listing::table
        };
        let _ = out.add(&form(&rows, columns))?;
    }
    out.finish()?;
    if rows.is_empty() {
        context.ui.note("no entry that counts matches");
        return Ok(Exit::Undecided);
    }
    Ok(Exit::Pass)
}

fn digest(word: &str) -> Result<DigestSet, String> {
    match digest_word(word) {
        Ok(Some((_, digest))) => Ok(digest),
        Ok(None) => Err("expected alg:hex, as in sha256:…".into()),
        Err(error) => Err(error.to_string()),
    }
}
