//! `help`: a verb's help, or a page of the manual.

use git_docket::manual;

use crate::cli;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show help on a verb, or a page of the manual
///
/// Without a topic: the verbs, and the pages there are. Some names are both.
///
/// Examples:
///   git docket help verify
///   git docket help exit-codes
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// A verb, or a page of the manual
    #[arg(value_name = "VERB|TOPIC")]
    pub topic: Option<String>,
}

/// Prints the help or the page.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let mut command = cli::command();
    command.build();
    let text = match args.topic.as_deref() {
        None => format!(
            "{}\nManual pages:\n{}",
            command.render_long_help(),
            contents()
        ),
        Some(topic) => {
            let verb = command
                .find_subcommand_mut(topic)
                .map(|verb| verb.render_long_help().to_string());
            let page = manual::page(topic).map(str::to_owned);
            let parts: Vec<String> = [verb, page].into_iter().flatten().collect();
            if parts.is_empty() {
                let message = format!("there is no verb and no manual page named {topic:?}");
                return Err(Stop::usage(message).hint("git docket help lists both"));
            }
            parts.join("\n")
        }
    };
    context.print(&text)?;
    Ok(Exit::Pass)
}

fn contents() -> String {
    manual::PAGES
        .iter()
        .map(|(name, text)| format!("  {name:<18} {}\n", manual::title(text)))
        .collect()
}
