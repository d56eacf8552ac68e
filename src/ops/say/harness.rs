//! import --harness-audit: each event of an audit stream as an in-toto reference to it, by its digest.
//!
//! The event is a subject beside the commit, so that whoever has the stream finds the entry by the digest of a line. An
//! event whose line has an entry already, whoever made it, is known.

use std::collections::BTreeSet;

use serde_json::Map;

use super::forge::Import;
use super::{Desk, Error};
use crate::ingest::harness_audit::Event;
use crate::statement::predicate::{Attester, ExternalReference, Predicate, ResourceDescriptor};
use crate::statement::{DigestSet, Step, Subject};

impl Desk<'_> {
    /// What a stream tells that the ledger was not told yet.
    ///
    /// # Errors
    /// Where there is no ledger here.
    pub fn audited(&self, step: &Step, events: &[Event]) -> Result<Import, Error> {
        let evidence = self.evidence.as_ref().ok_or(Error::NoLedgerHere)?;
        let references = evidence
            .entries
            .iter()
            .filter(|entry| entry.predicate_type == ExternalReference::TYPE);
        let mut known: BTreeSet<DigestSet> = references
            .flat_map(|entry| entry.subjects.iter().map(|subject| subject.digest.clone()))
            .collect();
        let mut import = Import::default();
        for event in events {
            let digest = DigestSet::sha256(&event.digest);
            if !known.insert(digest.clone()) {
                import.known += 1;
                continue;
            }
            let subjects = vec![
                self.recorder.subject(),
                Subject::new(digest.clone()).named(&event.id),
            ];
            let claim = self.claim(step.clone(), &reference(event, digest), subjects)?;
            import.claims.push(((self.commit(), self.tree()), claim));
        }
        Ok(import)
    }
}

fn reference(event: &Event, digest: DigestSet) -> ExternalReference {
    let (scope, pair) = (&event.scope, |(one, other): &(String, String)| {
        format!("{one}/{other}")
    });
    let place = [&scope.organisation, &scope.project].into_iter().flatten();
    let words = [
        ("harness.time", event.time.to_string()),
        ("harness.action", event.action.clone()),
        ("harness.module", event.module.clone()),
        ("harness.resource", pair(&event.resource)),
        (
            "harness.scope",
            place.cloned().collect::<Vec<_>>().join("/"),
        ),
        ("harness.principal", pair(&event.principal)),
    ];
    ExternalReference {
        attester: Attester {
            id: format!("https://app.harness.io/ng/account/{}", scope.account),
        },
        references: vec![ResourceDescriptor {
            name: Some(event.id.clone()),
            uri: None,
            digest: Some(digest),
            content: None,
            download_location: None,
            media_type: Some("application/json".to_owned()),
            annotations: words
                .into_iter()
                .filter(|(_, word)| !word.is_empty())
                .map(|(name, word)| (name.to_owned(), word.into()))
                .collect::<Map<_, _>>(),
        }],
    }
}
