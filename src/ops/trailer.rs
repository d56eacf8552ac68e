//! hook prepare-commit-msg: a trailer that says which AI tool takes part in a commit, at no cost to the developer.
//!
//! What takes part is what was said (flag, variable or git configuration), else the agent that runs the commit, as it is
//! known by the variables that agents set for the commands they start. Nothing else of the environment is looked at, and
//! nothing but the tool's name and the model's goes into the message: `Assisted-by: TOOL:MODEL`, `Generated-by: …` where it
//! works alone, `Assisted-by: none` where somebody said so once and no agent is seen. `git interpret-trailers` writes it;
//! a message that has it already stays as it is, and so does that of a merge.

use std::path::{Path, PathBuf};

use super::{Explain, World};
use crate::git::Repository;
use crate::judge::trailers::{Says, Trailer};
use crate::process;
use crate::statement::predicate::{AiKind, Label};

/// Variables that agents set for what they run, and the agents' names.
const AGENTS: &[(&str, &str)] = &[
    ("AUGMENT_AGENT", "auggie"),
    ("CLAUDECODE", "claude-code"),
    ("CLINE_ACTIVE", "cline"),
    ("CODEX_SANDBOX", "codex"),
    ("CURSOR_AGENT", "cursor"),
    ("GEMINI_CLI", "gemini-cli"),
    ("GOOSE_TERMINAL", "goose"),
    ("OPENCODE", "opencode"),
    ("QWEN_CODE", "qwen-code"),
];

/// As large as a message may be.
const LARGEST: u64 = 1 << 20;

/// What was said beforehand.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// How much AI does by itself.
    pub kind: Option<AiKind>,
    /// With which tool.
    pub tool: Option<Label>,
    /// With which model.
    pub model: Option<Label>,
}

/// Why no trailer was set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message cannot be read.
    #[error("{} cannot be read", path.display())]
    Message {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The message is too large.
    #[error("{} is larger than {LARGEST} bytes", path.display())]
    TooLarge {
        /// Its file.
        path: PathBuf,
    },
    /// Git could not write it.
    #[error(transparent)]
    Process(#[from] process::Error),
}

impl Explain for Error {}

/// The trailer for a commit that is made now; `None` where nothing is known.
pub fn trailer(world: &World, said: &Said) -> Option<String> {
    let is_set = |name: &str| (world.variable)(name).is_some();
    let agent = AGENTS.iter().find(|(name, _)| is_set(name));
    let tool = match (&said.tool, agent) {
        (Some(tool), _) => tool.as_str(),
        (None, Some((_, tool))) => tool,
        (None, None) => {
            return (said.kind? == AiKind::None).then(|| "Assisted-by: none".to_owned());
        }
    };
    let mark = match said.kind {
        Some(AiKind::Autonomous) => "Generated-by",
        _ => "Assisted-by",
    };
    let model = said.model.as_ref();
    let model = model.map(|model| format!(":{}", model.as_str()));
    Some(format!("{mark}: {tool}{}", model.unwrap_or_default()))
}

/// Puts the trailer into a message that is about to be edited.
///
/// # Errors
/// Where the message cannot be read or written.
pub fn prepare(
    world: &World,
    repository: &Repository,
    message: &Path,
    said: &Said,
) -> Result<(), Error> {
    let Some(line) = trailer(world, said) else {
        return Ok(());
    };
    let error = |source| Error::Message {
        path: message.to_owned(),
        source,
    };
    if std::fs::metadata(message).map_err(error)?.len() > LARGEST {
        return Err(Error::TooLarge {
            path: message.to_owned(),
        });
    }
    let text = std::fs::read(message).map_err(error)?;
    let text = String::from_utf8_lossy(&text);
    // Comments that git put there for the editor are no part of the message.
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let there = Trailer::read(&text);
    let none = line == "Assisted-by: none";
    let is_said = |one: &Trailer| matches!(one.says(&[]), Some(Says::Tool { .. }));
    if none && there.iter().any(is_said) {
        return Ok(());
    }
    let file = std::path::absolute(message).map_err(error)?;
    let words = [
        "interpret-trailers",
        "--in-place",
        "--if-exists",
        "addIfDifferent",
        "--trailer",
        &line,
    ];
    let words = words
        .iter()
        .map(std::ffi::OsStr::new)
        .chain([file.as_os_str()]);
    repository.git(&words.collect::<Vec<_>>()).output()?;
    Ok(())
}
