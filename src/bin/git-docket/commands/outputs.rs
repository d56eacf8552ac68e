//! `--output FORMAT=FILE`: a result in a file, in one form or several.

use std::path::{Path, PathBuf};

use git_docket::ops::summarize::Kind;
use git_docket::report::audit::Audit;
use git_docket::report::form::Form;

use crate::exit::{Exit, Stop};

/// What is written to a file.
#[derive(Clone, Copy, Debug)]
pub enum Output {
    /// What a terminal would show.
    Text,
    /// A report.
    Form(Form),
    /// A report, as a signed summary.
    Summary(Kind),
}

/// What `verify` writes: its own text and JSON, and a report's other forms.
pub fn of_verdict(word: &str) -> Result<(Output, PathBuf), String> {
    split(word, |form| match form {
        "text" => Ok(Output::Text),
        _ => match form.parse() {
            Ok(form) => Ok(Output::Form(form)),
            Err(error) => Err(format!("{error}, text")),
        },
    })
}

/// What `report` writes.
pub fn of_report(word: &str) -> Result<(Output, PathBuf), String> {
    split(word, |form| match (form.parse(), summary(form)) {
        (Ok(form), _) => Ok(Output::Form(form)),
        (Err(_), Ok(kind)) => Ok(Output::Summary(kind)),
        (Err(error), Err(_)) => Err(format!("{error}, vsa, svr")),
    })
}

/// A kind of signed summary.
pub fn summary(word: &str) -> Result<Kind, String> {
    match word {
        "vsa" => Ok(Kind::Vsa),
        "svr" => Ok(Kind::Svr),
        _ => Err("expected vsa or svr".into()),
    }
}

/// A report in one of its forms.
pub fn rendered(form: Form, audit: &Audit) -> Result<String, Stop> {
    form.render(audit)
        .map_err(|error| Stop::new(Exit::CouldNotLook, error))
}

/// Writes a file.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Stop> {
    std::fs::write(path, bytes).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Stop::new(Exit::CouldNotLook, message)
    })
}

fn split(
    word: &str,
    output: impl Fn(&str) -> Result<Output, String>,
) -> Result<(Output, PathBuf), String> {
    let (form, path) = word
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("expected FORMAT=FILE")?;
    Ok((output(form)?, path.into()))
}
