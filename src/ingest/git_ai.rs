//! git-ai's notes (`refs/notes/ai`, schema `authorship/3.0.0`): which lines of a commit an agent wrote.
//!
//! <https://github.com/git-ai-project/git-ai/blob/main/specs/git_ai_standard_v3.0.0.md>
//!
//! A note has two parts with a line `---` between them. The first lists files, and under each, indented by two spaces, a
//! session's key and line ranges (`1-4,9`); a path with white space stands in quotes. The second is JSON: the schema's
//! version, and each session by its key. A session's `messages` are what people said to the agent: they are skipped as
//! they are read, and nothing here could hold them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::statement::predicate::Label;

/// The largest note that is read, in bytes.
pub const LARGEST: usize = 16 << 20;

/// The ref that git-ai keeps its notes in.
pub const REF: &str = "refs/notes/ai";

const SCHEMA: &str = "authorship/3.0.0";

/// As many sessions, files and ranges as one note may have.
const MOST: usize = 100_000;

/// No file has a line after this one.
const LAST_LINE: u64 = 1 << 32;

/// What a note says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The sessions that wrote lines, by key.
    pub sessions: Vec<Session>,
    /// How many lines of each file agents wrote, by path.
    pub files: BTreeMap<String, u64>,
    /// How many of the agents' lines people changed before they were committed.
    pub overridden: u64,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What the agent calls it.
    pub id: Label,
    /// The agent.
    pub tool: Label,
    /// The model, as the agent names it.
    pub model: Option<Label>,
}

/// Why a note cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Too large.
    #[error("the note has {bytes} bytes, and at most {LARGEST} are read")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// Not text.
    #[error("the note is not UTF-8")]
    Encoding,
    /// The line between the parts is missing.
    #[error("the note has no line ---")]
    NoDivider,
    /// A line that is neither a path nor a session with ranges, or too many of them.
    #[error("line {line} is no path, and no session with line ranges under one")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// The second part.
    #[error("what follows the line --- cannot be read")]
    Metadata(#[source] serde_json::Error),
    /// Another schema.
    #[error("the note's schema is {found:?}, and {SCHEMA} is understood")]
    Schema {
        /// What it says, shortened.
        found: String,
    },
    /// A session that names no agent.
    #[error("the session {key:?} names no agent that could be shown")]
    Agent {
        /// Its key, shortened.
        key: String,
    },
    /// Lines of a session that the second part does not have.
    #[error("the session {key:?} is not described")]
    Unknown {
        /// Its key, shortened.
        key: String,
    },
}

#[derive(Deserialize)]
struct Metadata {
    schema_version: String,
    #[serde(default)]
    prompts: BTreeMap<String, Prompt>,
    /// People who are known to have written lines by hand.
    #[serde(default)]
    humans: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Prompt {
    agent_id: Agent,
    #[serde(default)]
    overriden_lines: u64,
}

#[derive(Deserialize)]
struct Agent {
    tool: String,
    id: String,
    #[serde(default)]
    model: Option<String>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// Where it is no such note.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > LARGEST {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Encoding)?;
        let (first, second) = match text.strip_prefix("---\n") {
            Some(second) => ("", second),
            None => text.split_once("\n---\n").ok_or(Error::NoDivider)?,
        };
        let metadata: Metadata = serde_json::from_str(second).map_err(Error::Metadata)?;
        if metadata.schema_version != SCHEMA {
            let found = crate::statement::shortened(&metadata.schema_version);
            return Err(Error::Schema { found });
        }
        let mut note = Self::default();
        let mut wrote = BTreeSet::new();
        for (path, ranges) in attested(first)? {
            let mut lines = Vec::new();
            for (key, mut ranges) in ranges {
                if metadata.prompts.contains_key(key) {
                    wrote.insert(key);
                    lines.append(&mut ranges);
                } else if !metadata.humans.contains_key(key) {
                    let key = crate::statement::shortened(key);
                    return Err(Error::Unknown { key });
                }
            }
            *note.files.entry(path.to_owned()).or_default() += count(lines);
        }
        for (key, prompt) in &metadata.prompts {
            if !wrote.contains(key.as_str()) {
                continue;
            }
            note.overridden = note.overridden.saturating_add(prompt.overriden_lines);
            note.sessions.push(session(key, prompt)?);
        }
        Ok(note)
    }
}

fn session(key: &str, prompt: &Prompt) -> Result<Session, Error> {
    let agent = &prompt.agent_id;
    let error = || Error::Agent {
        key: crate::statement::shortened(key),
    };
    Ok(Session {
        id: agent.id.parse().map_err(|_| error())?,
        tool: agent.tool.parse().map_err(|_| error())?,
        model: agent.model.as_deref().and_then(|model| model.parse().ok()),
    })
}

type Ranges = Vec<(u64, u64)>;

// Each path with the sessions under it.
fn attested(text: &str) -> Result<Vec<(&str, Vec<(&str, Ranges)>)>, Error> {
    let mut files: Vec<(&str, Vec<(&str, Ranges)>)> = Vec::new();
    let mut all = 0;
    for (index, line) in text.lines().enumerate() {
        let error = || Error::Line { line: index + 1 };
        if let Some(entry) = line.strip_prefix("  ") {
            let (key, words) = entry.split_once(' ').ok_or_else(error)?;
            let ranges: Option<Ranges> = words.trim().split(',').map(range).collect();
            let (_, sessions) = files.last_mut().ok_or_else(error)?;
            let ranges = ranges.filter(|_| !key.is_empty()).ok_or_else(error)?;
            all += ranges.len();
            sessions.push((key, ranges));
        } else if !line.is_empty() && !line.starts_with(' ') {
            let quoted = line
                .strip_prefix('"')
                .and_then(|line| line.strip_suffix('"'));
            all += 1;
            files.push((quoted.unwrap_or(line), Vec::new()));
        } else {
            return Err(error());
        }
        if all > MOST {
            return Err(error());
        }
    }
    Ok(files)
}

fn range(word: &str) -> Option<(u64, u64)> {
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (1 <= from && from <= to && to <= LAST_LINE).then_some((from, to))
}

// How many lines lie in any of the ranges.
fn count(mut ranges: Ranges) -> u64 {
    ranges.sort_unstable();
    let (mut lines, mut done) = (0u64, 0);
    for (from, to) in ranges {
        let from = from.max(done + 1);
        if from <= to {
            lines += to - from + 1;
            done = to;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = r#"src/main.rs
  abcd1234abcd1234 1-10,15-20
  efab5678efab5678 18-25
"docs/a page.md"
  h_11112222333344 1-3
---
{
  "schema_version": "authorship/3.0.0",
  "git_ai_version": "1.0.0",
  "base_commit_sha": "7734793b756b3921c88db5375a8c156e9532447b",
  "prompts": {
    "abcd1234abcd1234": {
      "agent_id": {"tool": "cursor", "id": "6ef2299e-a67f-432b-aa80-3d2fb4d28999", "model": "claude-5"},
      "human_author": "Ada <ada@example.com>",
      "messages": [{"type": "user", "text": "a secret wish", "timestamp": "2026-11-20T09:00:00Z"}],
      "total_additions": 25, "total_deletions": 5, "accepted_lines": 20, "overriden_lines": 5
    },
    "efab5678efab5678": {"agent_id": {"tool": "codex", "id": "2"}, "messages": []},
    "0000000000000000": {"agent_id": {"tool": "idle", "id": "3"}, "messages": []}
  },
  "humans": {"h_11112222333344": {"author": "Ada <ada@example.com>"}}
}
"#;

    #[test]
    fn who_wrote_how_much() {
        let note = Note::read(NOTE.as_bytes()).expect("a note");
        let tools: Vec<&str> = note.sessions.iter().map(|one| one.tool.as_str()).collect();
        assert_eq!(tools, ["cursor", "codex"]);
        assert_eq!(note.files["src/main.rs"], 10 + 11);
        assert_eq!(note.files["docs/a page.md"], 0);
        assert_eq!(note.overridden, 5);
        assert!(!format!("{note:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_note() {
        for (from, to) in [
            ("---", "--"),
            ("3.0.0", "4.0.0"),
            ("  abcd1234abcd1234 1-10,15-20", "  abcd1234abcd1234"),
            ("1-10", "10-1"),
            ("1-10", "0-1"),
            ("1-10", "a"),
            ("1-10", "1-99999999999999999999"),
            ("  efab5678efab5678", "  feab5678efab5678"),
            ("src/main.rs\n", ""),
            ("\"tool\": \"cursor\"", "\"tool\": \"\""),
            ("\"tool\": \"cursor\"", "\"tool\": \"\\u001b\""),
            ("\"id\": \"6ef2299e-a67f-432b-aa80-3d2fb4d28999\", ", ""),
        ] {
            let text = NOTE.replacen(from, to, 1);
            assert_ne!(text, NOTE, "{from}");
            assert!(Note::read(text.as_bytes()).is_err(), "{from} {to}");
        }
        assert!(Note::read(&[0xff]).is_err());
        assert!(Note::read(b"").is_err());
        let most = NOTE.replacen("1-10", &["1"; MOST + 1].join(","), 1);
        assert!(Note::read(most.as_bytes()).is_err());
        let all = NOTE.replacen("1-10", "1-18446744073709551615", 1);
        assert!(Note::read(all.as_bytes()).is_err());
    }
}
