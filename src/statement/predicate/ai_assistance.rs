//! ai-assistance v0.1: whether, how and how much AI had a hand in a change.
//!
//! No field may hold the text of a prompt or the arguments of an agent's command, so there is none that could:
//! names are [`Label`]s, everything longer is a digest, and an unknown field is refused.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::shortened;
use super::asserted::in_order;
use super::words::words;
use super::{Asserted, Error, PersonId, Predicate, Sha256Text, shaped};
use crate::timestamp::Timestamp;

/// What AI did, on whose watch, with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiAssistance {
    /// Who says so.
    #[serde(flatten)]
    pub asserted: Asserted,
    /// How much it did by itself.
    pub kind: AiKind,
    /// The human who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<PersonId>,
    /// The sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<AiSession>,
    /// Which lines are whose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Attribution>,
    /// What people did with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human: Option<HumanPart>,
}

words! {
    /// How much AI did by itself.
    pub enum AiKind {
        /// Nothing: no AI took part.
        None = "none",
        /// It helped a person.
        Assisted = "assisted",
        /// It worked on its own.
        Autonomous = "autonomous",
    }
}

/// One session with one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiSession {
    /// What the tool calls it.
    pub id: Label,
    /// The tool.
    pub tool: AiTool,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<AiModel>,
    /// What it was there for: `author`, `reviewer`, `tester`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// From when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_on: Option<Timestamp>,
    /// What it was to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<AiTask>,
    /// What it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<AiPrompt>,
    /// The files of the repository that told it how to work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instructions: Vec<AiInstruction>,
    /// What it could use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<AiCapability>,
    /// What held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
}

/// An AI tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiTool {
    /// Its name.
    pub name: Label,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiModel {
    /// Who offers it.
    pub provider: Label,
    /// Its name there.
    pub id: Label,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
}

/// A task, elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiTask {
    /// Where it is.
    pub uri: Label,
    /// SHA-256 of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Sha256Text>,
}

/// A prompt: its digest, never itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiPrompt {
    /// SHA-256 of it.
    pub digest: Sha256Text,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Label>,
}

/// A file that told an agent how to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiInstruction {
    /// Its path in the repository.
    pub path: Label,
    /// SHA-256 of it.
    pub digest: Sha256Text,
}

/// Something an agent could use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AiCapability {
    /// Its name.
    pub name: Label,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Label>,
    /// What it was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Label>,
}

/// What held an agent, in a word each: `none`, `read-only`, `full`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sandbox {
    /// What it could reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Label>,
    /// Whose keys it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Label>,
    /// Which files it could write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<Label>,
}

/// Which lines are whose, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribution {
    /// How it is known.
    pub method: AttributionMethod,
    /// What it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<AttributionSource>,
    /// Of the whole change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<LineShares>,
    /// Of each file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileShares>,
}

words! {
    /// How it is known whose a line is.
    pub enum AttributionMethod {
        /// A tool noted it line by line as it wrote.
        LineNotes = "line-notes",
        /// A commit's trailer names a tool; that tells no share.
        Trailer = "trailer",
        /// The author says so.
        Declared = "declared",
        /// Something watched.
        Observed = "observed",
    }
}

/// What an attribution was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributionSource {
    /// The ref, where it was one.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// SHA-256 of the bytes read.
    pub digest: Sha256Text,
}

/// Counts of lines. The first four add up to the total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineShares {
    /// Written by AI, and left so.
    pub ai: u64,
    /// Written by AI, changed by a person.
    pub ai_modified: u64,
    /// Written by a person.
    pub human: u64,
    /// Claimed by nobody.
    pub unknown: u64,
    /// All.
    pub total: u64,
}

/// Counts of lines of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileShares {
    /// Its path.
    pub path: Label,
    /// The counts.
    #[serde(flatten)]
    pub lines: LineShares,
}

/// What people did with what AI wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HumanPart {
    /// Who looked at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviewed_by: Vec<PersonId>,
    /// Whether anybody changed it.
    #[serde(default)]
    pub edited: bool,
}

impl LineShares {
    /// The least and the greatest number of lines that may be AI's: a line that nobody claimed is unknown,
    /// never human.
    pub fn ai_range(&self) -> (u64, u64) {
        let rest = self.ai_modified.saturating_add(self.unknown);
        (self.ai, self.ai.saturating_add(rest))
    }

    fn adds_up(&self) -> bool {
        [self.ai, self.ai_modified, self.human, self.unknown]
            .iter()
            .try_fold(0u64, |sum, lines| sum.checked_add(*lines))
            == Some(self.total)
    }
}

/// A name of 1 to 256 characters without control characters: too short and too plain for a prompt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a name of 1 to 256 characters without control characters")]
pub struct LabelError {
    /// The text, shortened.
    pub found: String,
}

impl Label {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, LabelError> {
        let characters = text.chars().count();
        match (1..=256).contains(&characters) && !text.chars().any(char::is_control) {
            true => Ok(Self(text)),
            false => Err(LabelError {
                found: shortened(&text),
            }),
        }
    }
}

impl std::str::FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        text.to_owned().try_into()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl Predicate for AiAssistance {
    const TYPE: &'static str = "https://git-docket.dev/ai-assistance/v0.1";

    fn from_map(map: &Map<String, Value>) -> Result<Self, Error> {
        let predicate: Self = shaped(map)?;
        let understood = Value::Object(predicate.to_map()?);
        match unknown_field(&Value::Object(map.clone()), &understood, String::new()) {
            Some(field) => Err(Error::UnknownField { field }),
            None => Ok(predicate),
        }
    }

    fn validate(&self) -> Result<(), Error> {
        self.asserted.validate()?;
        if self.kind == AiKind::None {
            return match self.sessions.is_empty() && self.attribution.is_none() {
                true => Ok(()),
                false => Err(Error::Broken {
                    rule: "where kind is none there are no sessions and no attribution",
                }),
            };
        }
        if self.operator.is_none() {
            return Err(Error::Broken {
                rule: "operator is there unless kind is none",
            });
        }
        for session in &self.sessions {
            in_order(
                ("sessions[].startedOn", session.started_on),
                ("sessions[].finishedOn", session.finished_on),
            )?;
        }
        let Some(attribution) = &self.attribution else {
            return Ok(());
        };
        if attribution.method == AttributionMethod::Trailer
            && (attribution.lines.is_some() || !attribution.files.is_empty())
        {
            return Err(Error::Broken {
                rule: "a trailer tells no share: no lines and no files where method is trailer",
            });
        }
        let counts = attribution
            .lines
            .iter()
            .chain(attribution.files.iter().map(|file| &file.lines));
        match counts.clone().all(LineShares::adds_up) {
            true => Ok(()),
            false => Err(Error::Broken {
                rule: "ai, aiModified, human and unknown add up to total",
            }),
        }
    }
}

/// The path of the first field that was given and is not understood. An empty list that was left out when
/// writing held nothing.
fn unknown_field(given: &Value, understood: &Value, path: String) -> Option<String> {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => {
            given.iter().find_map(|(name, value)| {
                let path = format!("{path}/{name}");
                match understood.get(name) {
                    Some(known) => unknown_field(value, known, path),
                    None if *value == Value::Null
                        || value.as_array().is_some_and(Vec::is_empty) =>
                    {
                        None
                    }
                    None => Some(path),
                }
            })
        }
        (Value::Array(given), Value::Array(understood)) => given
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(at, (given, understood))| {
                unknown_field(given, understood, format!("{path}/{at}"))
            }),
        _ => None,
    }
}
