//! Files of attestations that others signed, in the forms in which they are handed out.
//!
//! | form | what is taken |
//! | --- | --- |
//! | a bundle, a bare DSSE envelope, cosign's local file, a PyPI attestation, a Metablock | the document |
//! | JSON lines of these (`gh attestation download`, `cosign download attestation`) | each line |
//! | an answer of npm's registry or of GitHub's API: `attestations`, with `bundle` in each | each bundle |
//! | what `gh attestation verify --format json` prints: `attestation.bundle` in a list | each bundle |
//! | PyPI's provenance (PEP 740): `attestation_bundles`, with `attestations` in each | each attestation |
//!
//! An attestation's bytes are those that stand in the file, from its first brace to its last. White space around them
//! and blank lines are no part of it. What is no attestation is refused by its place, with the reason, and never ends
//! the reading. Nothing is verified.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::attestation::{Attestation, ParseError};
use crate::canonical;

/// No more documents are read from one file.
pub const MOST: usize = 100_000;

/// What stood in files.
#[derive(Debug, Default)]
pub struct Found {
    /// Attestations, in the files' order.
    pub attestations: Vec<Candidate>,
    /// What is none.
    pub refused: Vec<Refused>,
}

/// An attestation and where it stood.
#[derive(Debug)]
pub struct Candidate {
    /// The file, and the line or the number in it.
    pub place: String,
    /// The attestation; nothing of it is verified.
    pub attestation: Attestation,
}

/// Something that is no attestation, and where it stood.
#[derive(Debug)]
pub struct Refused {
    /// The file, and the line or the number in it.
    pub place: String,
    /// Why.
    pub why: Reason,
}

/// Why something is no attestation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Neither one JSON document nor a line of JSON.
    #[error("no strict JSON")]
    Json(#[from] canonical::Error),
    /// JSON that is neither an object nor a list.
    #[error("neither an object nor a list")]
    Scalar,
    /// A list without anything in it.
    #[error("the list is empty: nobody attested anything")]
    EmptyList,
    /// A list of answers whose members are of another kind.
    #[error("not the shape of {form}")]
    Shape {
        /// What it looks like.
        form: &'static str,
        /// Where not.
        source: serde_json::Error,
    },
    /// GitHub names an address in place of the bundle.
    #[error("the answer has no bundle in it, only an address: gh attestation download brings it")]
    BundleElsewhere,
    /// A line of a ledger of ours.
    #[error("an entry of a ledger: git docket spool import and git docket fetch move these")]
    Entry,
    /// No container that is read.
    #[error("no attestation")]
    Attestation(#[from] ParseError),
    /// More than [`MOST`].
    #[error("there are more than {MOST} documents in it")]
    TooMany,
}

/// The fields by which documents that hold attestations are told apart.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    attestation_bundles: Option<&'a RawValue>,
    #[serde(borrow)]
    attestations: Option<&'a RawValue>,
    #[serde(borrow)]
    attestation: Option<&'a RawValue>,
    #[serde(borrow)]
    bundle: Option<&'a RawValue>,
    #[serde(borrow)]
    bundle_url: Option<&'a RawValue>,
    #[serde(borrow)]
    link: Option<&'a RawValue>,
}

/// Reads one file.
pub fn read(name: &str, bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let text = bytes.trim_ascii();
    let whole = canonical::check_strict(text);
    match whole {
        _ if text.is_empty() => found.refuse(name, Reason::Empty),
        Ok(()) => found.document(name, text),
        Err(error) if !is_lines(text) => found.refuse(name, error.into()),
        Err(_) => found.lines(name, bytes),
    }
    found
}

// A document over several lines that is broken is one refusal, and not one for each of its lines.
fn is_lines(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.next();
    let opens = first.is_some_and(|first| first == b"{" || first == b"[");
    !opens && lines.any(|line| !line.is_empty())
}

impl Found {
    /// Takes over what another file had.
    pub fn extend(&mut self, other: Self) {
        self.attestations.extend(other.attestations);
        self.refused.extend(other.refused);
    }

    fn refuse(&mut self, place: &str, why: Reason) {
        let place = place.to_owned();
        self.refused.push(Refused { place, why });
    }

    fn lines(&mut self, name: &str, bytes: &[u8]) {
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            if self.is_full() {
                return self.refuse(name, Reason::TooMany);
            }
            let place = format!("{name}, line {}", at + 1);
            match canonical::check_strict(line) {
                Ok(()) => self.document(&place, line),
                Err(error) => self.refuse(&place, error.into()),
            }
        }
    }

    // Of strict JSON, so that its depth is bounded and each field stands there once.
    fn document(&mut self, place: &str, text: &[u8]) {
        match text.first() {
            Some(b'[') => self.list(place, "item", "a list", text),
            Some(b'{') => self.object(place, text),
            _ => self.refuse(place, Reason::Scalar),
        }
    }

    fn list(&mut self, place: &str, word: &str, form: &'static str, text: &[u8]) {
        let items: Vec<&RawValue> = match serde_json::from_slice(text) {
            Ok(items) => items,
            Err(source) => return self.refuse(place, Reason::Shape { form, source }),
        };
        if items.is_empty() {
            self.refuse(place, Reason::EmptyList);
        }
        for (at, item) in items.iter().enumerate() {
            if self.is_full() {
                return self.refuse(place, Reason::TooMany);
            }
            self.document(
                &format!("{place}, {word} {}", at + 1),
                item.get().as_bytes(),
            );
        }
    }

    fn object<'t>(&mut self, place: &str, text: &'t [u8]) {
        let fields: Fields<'_> = match serde_json::from_slice(text) {
            Ok(fields) => fields,
            Err(source) => {
                let form = "an object";
                return self.refuse(place, Reason::Shape { form, source });
            }
        };
        let inner = |raw: &'t RawValue| raw.get().as_bytes();
        if let Some(raw) = fields.attestation_bundles {
            self.list(place, "publisher", "PyPI's provenance", inner(raw));
        } else if let Some(raw) = fields.attestations {
            self.list(
                place,
                "attestation",
                "an answer with attestations",
                inner(raw),
            );
        } else if fields.link.is_some() {
            self.refuse(place, Reason::Entry);
        } else if let Some(raw) = fields.bundle.or(fields.attestation) {
            self.document(place, inner(raw));
        } else if fields.bundle_url.is_some() {
            self.refuse(place, Reason::BundleElsewhere);
        } else {
            match Attestation::parse(text.to_vec()) {
                Ok(attestation) => self.attestations.push(Candidate {
                    place: place.to_owned(),
                    attestation,
                }),
                Err(error) => self.refuse(place, error.into()),
            }
        }
    }

    fn is_full(&self) -> bool {
        self.attestations.len() + self.refused.len() >= MOST
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENVELOPE: &str = r#"{"payloadType":"t", "payload":"eA==","signatures":[{"sig":"AA=="}]}"#;

    fn places(text: &str) -> (Vec<String>, Vec<String>) {
        let found = read("f", text.as_bytes());
        for one in &found.attestations {
            assert_eq!(one.attestation.bytes(), ENVELOPE.as_bytes(), "{text}");
        }
        let taken = found.attestations.into_iter().map(|one| one.place);
        let refused = found.refused.into_iter();
        let told = |one: Refused| format!("{}: {}", one.place, one.why);
        (taken.collect(), refused.map(told).collect())
    }

    #[test]
    fn every_form_is_told_apart_and_the_bytes_are_kept() {
        for (form, place) in [
            ("E", "f"),
            (" E\n", "f"),
            ("[E]", "f, item 1"),
            (
                r#"{"attestations":[{"predicateType":"p","bundle":E}]}"#,
                "f, attestation 1",
            ),
            (
                r#"{"attestations":[{"bundle_url":"u","bundle": E}]}"#,
                "f, attestation 1",
            ),
            (
                r#"[{"attestation":{"bundle":E},"verificationResult":{}}]"#,
                "f, item 1",
            ),
            (
                r#"{"version":1,"attestation_bundles":[{"publisher":{},"attestations":[E]}]}"#,
                "f, publisher 1, attestation 1",
            ),
        ] {
            let (taken, refused) = places(&form.replace('E', ENVELOPE));
            assert_eq!((taken, refused), (vec![place.to_owned()], vec![]), "{form}");
        }
    }

    #[test]
    fn lines_are_taken_or_refused_one_by_one() {
        let text = format!("\n{ENVELOPE}\r\n\n  \nnonsense\n{{\"a\":1}}\n7\n\t{ENVELOPE}  ");
        let (taken, refused) = places(&text);
        assert_eq!(taken, ["f, line 2", "f, line 8"]);
        let refused: Vec<_> = refused.iter().map(|text| text.split(": ").next()).collect();
        let lines = ["f, line 5", "f, line 6", "f, line 7"];
        assert_eq!(refused, lines.map(Some));
    }

    #[test]
    fn what_holds_nothing_is_refused_once() {
        for (text, why) in [
            ("", "it is empty"),
            (" \n\n", "it is empty"),
            ("[]", "the list is empty: nobody attested anything"),
            (
                r#"{"attestations":[]}"#,
                "the list is empty: nobody attested anything",
            ),
            (
                r#"{"attestations":7}"#,
                "not the shape of an answer with attestations",
            ),
            ("7", "neither an object nor a list"),
            ("{\n\"a\":\n}", "no strict JSON"),
            (r#"{"a":1,"a":2}"#, "no strict JSON"),
            ("nonsense", "no strict JSON"),
        ] {
            assert_eq!(places(text), (vec![], vec![format!("f: {why}")]), "{text}");
        }
        let (_, refused) = places(r#"{"attestations":[{"bundle":null,"bundle_url":"u"}]}"#);
        assert!(
            refused[0].contains("gh attestation download"),
            "{refused:?}"
        );
        let (_, refused) = places(r#"{"link":{},"attestation":{}}"#);
        assert!(refused[0].contains("entry of a ledger"), "{refused:?}");
    }

    proptest! {
        /// Nothing is lost and nothing is made up: each line is blank, taken or refused.
        #[test]
        fn each_line_has_one_answer(lines in prop::collection::vec(prop::sample::select(vec![
            ENVELOPE, "", " ", "x", "{}", "[1]", "{\"link\":1}", "\u{7f}",
        ]), 2..12)) {
            let text = lines.join("\n");
            let full = lines.iter().filter(|line| !line.trim().is_empty()).count();
            let found = read("f", text.as_bytes());
            prop_assert_eq!(found.attestations.len() + found.refused.len(), full.max(1));
        }

        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>) {
            let found = read("f", &bytes);
            prop_assert!(!found.attestations.is_empty() || !found.refused.is_empty());
        }
    }
}
