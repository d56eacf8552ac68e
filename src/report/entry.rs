//! One entry as people and programs get to read it.
//!
//! [`EntryView`] is the decoded link with what its attestation says about itself. Nothing here was judged:
//! the signer is the one that the container names, the time the writer's claim. `verify` judges.
//!
//! An attestation that cannot be decoded makes an entry with a fault, never a missing one.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value};

use super::escape::{Line, clipped, line};
use crate::attestation::{Attestation, Carrier};
use crate::digest::{ObjectId, Sha256};
use crate::envelope::Foreign;
use crate::finding::chain;
use crate::judge::layout::Signed;
use crate::ledger::Link;
use crate::signing::KeyId;
use crate::statement::predicate::{AssertedBy, Known, Method};
use crate::statement::{PAYLOAD_TYPE, PredicateType, Statement, Step, Subject};
use crate::timestamp::Timestamp;

/// An entry, decoded and not judged.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// Its place, from 0.
    pub seq: u64,
    /// Whether the newest seal covers it.
    pub cover: Cover,
    /// Its leaf: the next entry's `prev`.
    pub leaf: Sha256,
    /// The commit that it is about.
    pub commit: ObjectId,
    /// That commit's tree, as the link claims.
    pub tree: ObjectId,
    /// When it was appended, as the writer claims.
    pub time: Timestamp,
    /// The delivery step.
    pub step: Step,
    /// SHA-256 over the attestation's bytes.
    pub attestation: String,
    /// What the attestation says, or why that cannot be read.
    #[serde(flatten)]
    pub content: Content,
    /// The attestation's bytes, where the ledger holds them.
    #[serde(skip)]
    pub body: Option<Vec<u8>>,
}

/// Whether the newest seal covers an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cover {
    /// Yes. (Whether the seal is good is for `verify` to say.)
    Sealed,
    /// Not yet.
    Unsealed,
}

/// What an attestation says, or why that cannot be read.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// It was decoded.
    Statement(Box<StatementView>),
    /// It was not.
    Fault(String),
}

/// A statement, decoded and not judged.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementView {
    /// The key that the container names.
    pub signer: Option<KeyId>,
    /// The container.
    pub carrier: &'static str,
    /// What kind of thing is said.
    pub predicate_type: PredicateType,
    /// About what.
    pub subjects: Vec<Subject>,
    /// What is said.
    pub predicate: Map<String, Value>,
}

impl EntryView {
    /// Decodes an entry; `body` is absent where the ledger does not hold it.
    pub fn decode(link: Link, body: Option<Vec<u8>>, sealed_size: u64) -> Self {
        let content = match body.clone().map(statement) {
            Some(Ok(view)) => Content::Statement(Box::new(view)),
            Some(Err(fault)) => Content::Fault(fault),
            None => Content::Fault("the attestation's bytes are not in the ledger".to_owned()),
        };
        let cover = if link.seq < sealed_size {
            Cover::Sealed
        } else {
            Cover::Unsealed
        };
        EntryView {
            seq: link.seq,
            cover,
            leaf: link.leaf(),
            commit: link.commit,
            tree: link.tree,
            time: link.time,
            step: link.step,
            attestation: format!("sha256:{}", link.attestation),
            content,
            body,
        }
    }

    /// Whether this is the digest of its attestation or its leaf.
    pub fn has_digest(&self, digest: &Sha256) -> bool {
        self.leaf == *digest
            || self.attestation.strip_prefix("sha256:") == Some(&digest.to_string())
    }

    /// One line, without its line feed; `width` is that of the widest seq beside it.
    pub fn to_line(&self, width: usize) -> String {
        let commit = self.commit.hex();
        let mut text = format!(
            "{:>width$}  {}  {}  {:<12}",
            self.seq,
            self.time,
            commit.get(..10).unwrap_or(&commit),
            Line(&self.step.to_string()).to_string(),
        );
        match &self.content {
            Content::Statement(view) => {
                let _ = write!(text, "  {:<12}  {}", Line(view.kind()), view.gist());
            }
            Content::Fault(fault) => {
                let _ = write!(text, "  unreadable: {}", Line(fault));
            }
        }
        if self.cover == Cover::Unsealed {
            text.push_str("  (unsealed)");
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// All there is to say, in several lines.
    pub fn to_text(&self) -> String {
        let mut text = format!("entry {}", self.seq);
        text.push_str(match self.cover {
            Cover::Sealed => "\n",
            Cover::Unsealed => " (unsealed)\n",
        });
        let mut field = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<13}{}", Line(value));
        };
        field("Step:", &self.step.to_string());
        field("Commit:", &self.commit.to_string());
        field("Tree:", &self.tree.to_string());
        field("Time:", &format!("{} (claimed)", self.time));
        field("Leaf:", &self.leaf.to_string());
        field("Attestation:", &self.attestation);
        match &self.content {
            Content::Fault(fault) => field("Unreadable:", fault),
            Content::Statement(view) => view.write_to(&mut text),
        }
        text
    }
}

impl StatementView {
    /// The predicate type's short name, or the type.
    pub fn kind(&self) -> &str {
        self.predicate_type
            .short_name()
            .unwrap_or(self.predicate_type.as_str())
    }

    /// A few words on what is said: the command and how it ended, else the subjects' names. Escaped.
    pub fn gist(&self) -> String {
        let command = self.predicate.get("command").and_then(Value::as_array);
        let words: Vec<&str> = command
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if words.is_empty() {
            return self.summary().unwrap_or_else(|| self.names());
        }
        let mut text = clipped(&words.join(" "));
        match self
            .predicate
            .get("byproducts")
            .and_then(|made| made.get("return-value")?.as_i64())
        {
            None | Some(0) => {}
            Some(code) => {
                let _ = write!(text, " (failed: {code})");
            }
        }
        text
    }

    /// What matters of a typed predicate; `None` where its subjects' names say it best.
    fn summary(&self) -> Option<String> {
        let known = Known::read(&self.predicate_type, &self.predicate).ok()??;
        let mut text = clipped(&said(&known)?);
        if let Some(asserted) = known.asserted()
            && asserted.asserted_by == AssertedBy::Observed
        {
            let _ = write!(text, " (observed)");
        }
        Some(text)
    }

    fn names(&self) -> String {
        let mut names = self
            .subjects
            .iter()
            .filter_map(|subject| subject.name.as_deref());
        let (first, more) = (names.next().unwrap_or_default(), names.count());
        match more {
            0 => clipped(first),
            more => format!("{} and {more} more", clipped(first)),
        }
    }

    fn write_to(&self, text: &mut String) {
        let signer = match &self.signer {
            Some(key) => format!("key {key} ({})", self.carrier),
            None => format!("not named ({})", self.carrier),
        };
        let _ = writeln!(text, "Signer:      {}", Line(&signer));
        let _ = writeln!(text, "Type:        {}", Line(self.predicate_type.as_str()));
        text.push_str("Subjects:\n");
        for subject in &self.subjects {
            let name = subject
                .name
                .as_deref()
                .or(subject.uri.as_deref())
                .unwrap_or("(no name)");
            let _ = writeln!(text, "    {}", Line(name));
            for (algorithm, digest) in subject.digest.iter() {
                let _ = writeln!(text, "        {}:{}", Line(algorithm), Line(digest));
            }
        }
        text.push_str("Predicate:\n");
        write_value(text, &Value::Object(self.predicate.clone()), 4);
    }
}

/// A few words on each type of delivery; not escaped.
fn said(known: &Known) -> Option<String> {
    Some(match known {
        Known::Change(is) => {
            let lines = is
                .lines
                .map(|lines| format!(" +{} -{}", lines.added, lines.deleted));
            format!(
                "{} {} for {}{}",
                is.id,
                is.reason.kind,
                is.base.name,
                lines.unwrap_or_default()
            )
        }
        Known::Landing(is) if is.method == Method::Direct => format!("direct on {}", is.name),
        Known::Landing(is) => format!("{} by {} on {}", is.change_id, is.method, is.name),
        Known::Review(is) => format!("{}: {} ({})", is.reviewer, is.verdict, is.kind),
        Known::Approval(is) => format!("{}: {} for {}", is.approver, is.decision, is.scope),
        Known::Deployment(is) => {
            let what = is.artifact.name.as_deref().unwrap_or("");
            format!(
                "{} to {}: {} {what}",
                is.service, is.environment.name, is.result
            )
        }
        Known::Inventory(is) => {
            let all = if is.complete { "all of " } else { "" };
            format!(
                "{all}{}: {} items by {}",
                is.environment.name,
                is.items.len(),
                is.source.tool
            )
        }
        Known::Contains(is) => {
            let parent = is.parent.name.as_deref().unwrap_or("an index");
            format!("{parent} with {} manifests", is.children.len())
        }
        Known::Outcome(is) => format!("{} in {}: {}", is.service, is.environment.name, is.kind),
        Known::Measurement(is) => {
            let first = is
                .metrics
                .first()
                .map(|one| format!(" {}={} {}", one.name, one.value, one.unit));
            format!(
                "{} {}{}",
                is.gate.name,
                is.result,
                first.unwrap_or_default()
            )
        }
        Known::Exception(is) => {
            let what = match is.is_blanket() {
                true => "blanket".to_owned(),
                false => format!("{} findings", is.findings.len()),
            };
            format!("{} {what} until {}", is.checks.join(" "), is.expires)
        }
        Known::Gap(is) => format!("{} to {}: {}", is.from, is.until, is.reason),
        Known::Correction(is) => {
            format!(
                "{} {}: {}",
                is.kind,
                &is.about.attestation.to_string()[..12],
                is.reason
            )
        }
        Known::AiAssistance(is) => {
            let tools = is.sessions.iter().map(|session| session.tool.name.as_str());
            format!("{} {}", is.kind, tools.collect::<Vec<_>>().join(" "))
        }
        Known::Release(is) => is.purl.clone(),
        _ => return None,
    })
}

fn statement(body: Vec<u8>) -> Result<StatementView, String> {
    let attestation = Attestation::parse(body).map_err(|error| chain(&error))?;
    let envelope = attestation.envelope();
    let statement = match Statement::parse(envelope.payload()) {
        Ok(statement) if envelope.payload_type() == PAYLOAD_TYPE => statement,
        parsed => {
            return Err(match (Signed::link(attestation.bytes()), parsed) {
                (Ok(link), _) => format!(
                    "a link of classic in-toto, step {}; verify --layout judges it",
                    line(&link.unverified().name)
                ),
                (Err(_), Err(error)) if envelope.payload_type() == PAYLOAD_TYPE => chain(&error),
                _ => format!(
                    "payload type {:?} is not {PAYLOAD_TYPE}",
                    envelope.payload_type()
                ),
            });
        }
    };
    Ok(StatementView {
        signer: attestation.key_id(),
        carrier: match attestation.carrier() {
            Carrier::PublicKey(_) => "bundle",
            Carrier::OtherKey => "bundle",
            Carrier::Certificate => "bundle-with-certificate",
            Carrier::Bare => "envelope",
            Carrier::Foreign(Foreign::Pypi) => "pypi-attestation",
            Carrier::Foreign(Foreign::CosignFile) => "cosign-file",
            Carrier::Foreign(Foreign::Metablock) => "metablock",
        },
        predicate_type: statement.predicate_type().clone(),
        subjects: statement.subjects().to_vec(),
        predicate: statement.predicate().clone(),
    })
}

/// A JSON value as indented `key: value` lines; long lists and texts are shown whole: it is evidence.
fn write_value(text: &mut String, value: &Value, indent: usize) {
    let pairs: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (format!("{}:", Line(key)), value))
            .collect(),
        Value::Array(items) => items.iter().map(|item| ("-".to_owned(), item)).collect(),
        _ => Vec::new(),
    };
    for (label, value) in pairs {
        let _ = match value {
            Value::Object(map) if map.is_empty() => writeln!(text, "{:indent$}{label} {{}}", ""),
            Value::Array(items) if items.is_empty() => writeln!(text, "{:indent$}{label} []", ""),
            Value::Object(_) | Value::Array(_) => {
                let _ = writeln!(text, "{:indent$}{label}", "");
                write_value(text, value, indent + 4);
                Ok(())
            }
            Value::String(string) => writeln!(text, "{:indent$}{label} {}", "", Line(string)),
            other => writeln!(text, "{:indent$}{label} {other}", ""),
        };
    }
}
