//! `query --sql`: one statement over the index's views.

use std::ops::ControlFlow;

use git_docket::ops::index::ask;
use git_docket::report::json;
use git_docket::report::listing::{csv_of, table_of};

use crate::cli::Format;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Asks, and shows what is answered.
pub fn run(sql: &str, csv: bool, context: &Context) -> Result<Exit, Stop> {
    let is_json = context.globals.format == Format::Json;
    if is_json && csv {
        return Err(Stop::usage("--csv is for text"));
    }
    let repository = context.repository()?;
    let ledger = &context.globals.ledger_ref;
    let answer = ask(&context.world, &repository, ledger, sql)?;
    let mut out = context.listing(&repository);
    if is_json {
        for row in &answer.rows {
            let fields: serde_json::Map<_, _> = answer
                .columns
                .iter()
                .zip(row)
                .map(|(name, value)| (name.clone(), serde_json::json!(value)))
                .collect();
            let line = json::line(&serde_json::json!({ "row": fields }))
                .map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
            if let ControlFlow::Break(()) = out.add(&line)? {
                break;
            }
        }
    } else {
        let rows = answer.rows.iter();
        let rows: Vec<Vec<String>> = rows
            .map(|row| row.iter().map(|value| value.text()).collect())
            .collect();
        let form = if csv { csv_of } else { table_of };
        let _ = out.add(&form(&answer.columns, &rows))?;
    }
    out.finish()?;
    if answer.rows.is_empty() {
        context.ui.note("nothing matches");
        return Ok(Exit::Undecided);
    }
    Ok(Exit::Pass)
}
