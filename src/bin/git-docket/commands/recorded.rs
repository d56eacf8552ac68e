//! How a record is told: shared by the verbs that make one.

use std::fmt::Write as _;

use git_docket::ops::record::Recorded;
use git_docket::ops::say::Draft;
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::exit::{Exit, Stop};

#[derive(Serialize)]
struct Entries {
    entries: Vec<Recorded>,
}

/// Statements that would be signed.
#[derive(Serialize)]
pub struct Drafts {
    /// Each as JSON.
    pub statements: Vec<Value>,
}

impl Drafts {
    /// Those of drafts.
    pub fn of(drafts: Vec<Draft>) -> Self {
        let statements = drafts.into_iter().map(|draft| draft.statement).collect();
        Self { statements }
    }

    /// Ready to be read by people.
    pub fn text(&self) -> String {
        let texts = self.statements.iter().map(|one| format!("{one:#}\n"));
        texts.collect()
    }
}

/// Reports what was recorded; entries that others kept out of the ledger end with 6.
pub fn report(entries: Vec<Recorded>, context: &Context) -> Result<Exit, Stop> {
    let contention = entries.iter().find_map(|entry| entry.contention.clone());
    context.report(&Entries { entries }, |told| text(&told.entries))?;
    match contention {
        None => Ok(Exit::Pass),
        Some(lost) => {
            context
                .ui
                .warning(format!("{lost}; the entry is kept in the spool"));
            context
                .ui
                .hint("the next `git docket run` or `attest` appends it");
            Ok(Exit::Contention)
        }
    }
}

/// One line an entry.
pub fn text(entries: &[Recorded]) -> String {
    let mut out = String::new();
    for entry in entries {
        let place = match entry.seq {
            Some(seq) => format!(
                "entry {seq}, {}",
                if entry.sealed { "sealed" } else { "unsealed" }
            ),
            None => "kept in the spool".into(),
        };
        let commit = entry.commit.hex();
        let _ = writeln!(
            out,
            "{place}: {} on {} sha256:{}",
            entry.step,
            &commit[..12],
            entry.attestation
        );
    }
    out
}
