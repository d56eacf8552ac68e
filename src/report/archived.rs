//! The verdict over an archive.

use std::fmt::Write as _;

use serde::Serialize;

use super::escape::Line;
use super::verdict::{Frame, VerdictView};
use crate::archive::Judged;
use crate::digest::Sha256;
use crate::timestamp::Timestamp;

/// The verdict over an archive in the form in which it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct ArchiveView {
    file: String,
    sha256: Sha256,
    files: usize,
    verdict: &'static str,
    faults: Vec<String>,
    unproved: Vec<String>,
    judged: VerdictView,
}

impl ArchiveView {
    /// Puts a judgement into its form.
    pub fn of(
        judged: &Judged,
        file: String,
        sha256: Sha256,
        files: usize,
        pin: Option<String>,
        at: Option<Timestamp>,
    ) -> Self {
        let newest = judged
            .outcome
            .evidence
            .iter()
            .flat_map(|kept| kept.entries.iter());
        let newest = newest.map(|entry| entry.claimed).max();
        let earliest = || Timestamp::from_unix(0).expect("1970 is in range");
        let frame = Frame {
            asked: "the whole ledger".to_owned(),
            pin: match pin {
                Some(path) => format!("from {path}"),
                None => "none: taken as found".to_owned(),
            },
            pending: 0,
            at: at.or(newest).unwrap_or_else(earliest),
            at_chosen: at.is_some(),
            absent: Vec::new(),
            checks: judged.checks.clone(),
            layout: None,
        };
        Self {
            file,
            sha256,
            files,
            verdict: judged.verdict().as_str(),
            faults: judged.faults.iter().map(ToString::to_string).collect(),
            unproved: judged.unproved.clone(),
            judged: VerdictView::of(&judged.outcome, frame),
        }
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{:<10}{}\n{:<10}{}\n",
            "archive",
            Line(&self.file),
            "sha256",
            self.sha256
        );
        text.push_str(&self.judged.to_text());
        for fault in &self.faults {
            let _ = writeln!(text, "tampered: {}", Line(fault));
        }
        text.push_str("\nNot proved by an archive:\n");
        for line in &self.unproved {
            let _ = writeln!(text, "  - {}", Line(line));
        }
        let _ = writeln!(text, "\narchive: {}", self.verdict);
        text
    }
}
