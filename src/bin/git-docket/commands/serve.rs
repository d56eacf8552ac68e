//! `serve`: a ledger's pages, for a browser.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use git_docket::ops::site::{Error, Pages};
use git_docket::report::escape::line;
use git_docket::serve::{self, Answer, Token};

use super::read_text;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show the ledger in a browser, read-only
///
/// Pages by release, artifact, person, environment and check, each entry under
/// its own address, the verdict with its sources. Needs no script; when the
/// ledger moves, so do the pages. Beyond this machine a token is demanded.
///
/// Examples:
///   git docket serve
///   git docket serve --listen 0.0.0.0:8417 --token-file token.txt
///   git docket serve --export pages
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8417")]
    listen: SocketAddr,
    /// The token that readers must bring: the file's first line (- is standard input)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Write the pages into a new folder, for any web host, and end
    #[arg(long, value_name = "DIR", conflicts_with_all = ["listen", "token_file"])]
    export: Option<PathBuf>,
}

/// Serves.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let token = match &args.token_file {
        None => None,
        Some(path) => {
            let text = read_text(path)?;
            let first = text.lines().next().unwrap_or_default();
            Some(Token::new(first).map_err(|error| Stop::new(Exit::Usage, error))?)
        }
    };
    if args.export.is_none() && token.is_none() && !args.listen.ip().is_loopback() {
        let message = format!(
            "{} can be reached by others, and no token is set",
            args.listen
        );
        return Err(Stop::usage(message).hint("--token-file FILE names one"));
    }
    let repository = context.repository()?;
    let pages = Pages::of(&context.world, &repository, &context.globals.ledger_ref)?;
    if let Some(folder) = &args.export {
        let exported = pages.export(folder)?;
        context.report(&exported, |exported| format!("{} pages\n", exported.pages))?;
        return Ok(Exit::Pass);
    }
    let failed = |error| Stop::new(Exit::CouldNotLook, format!("{}: {error}", args.listen));
    let listener = TcpListener::bind(args.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    context.print(&format!("http://{address}/\n"))?;
    let answer = |address: &str| answer(&pages, address, context);
    serve::serve(listener, token, answer).map_err(failed)?;
    Ok(Exit::Pass)
}

fn answer(pages: &Pages<'_>, address: &str, context: &Context) -> Answer {
    let page = |address: &str| pages.page(address);
    let found = match page(address) {
        Ok(None) if !address.is_empty() && !address.ends_with('/') => {
            let folder = format!("{address}/");
            page(&folder).map(|found| found.map(|_| Answer::Moved(folder)))
        }
        other => other.map(|found| found.map(Answer::Page)),
    };
    found.map_or_else(
        |error| failed(&error, context),
        |it| it.unwrap_or(Answer::Missing),
    )
}

fn failed(error: &Error, context: &Context) -> Answer {
    let text = line(&error.to_string());
    context.ui.warning(&text);
    Answer::Failed(text)
}
