//! The examples in the manual's pages of formats are what they say.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use git_docket::attestation::{Attestation, Carrier};
use git_docket::digest::Sha256;
use git_docket::manual;
use git_docket::policy::Policy;
use git_docket::roster::Roster;
use git_docket::signing::PublicKey;
use git_docket::statement::Statement;
use git_docket::statement::predicate::{self, Predicate, SHORT_NAMES};
use serde_json::{Map, Value};

/// The blocks of one language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = manual::page(page).unwrap();
    let start = format!("```{language}\n");
    let parts = text.split(&start).skip(1);
    let blocks = parts.map(|part| part.split("```").next().unwrap().trim_end().to_owned());
    blocks.collect()
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_attestation_is_that_statement_signed_by_that_key() {
    let line = blocks("envelope", "json").remove(0);
    let attestation = Attestation::parse(line.into_bytes()).unwrap();
    assert!(matches!(attestation.carrier(), Carrier::PublicKey(_)));
    let key = PublicKey::from_pem(&format!("{}\n", blocks("envelope", "text")[0])).unwrap();
    let verified = attestation.verify(&key).unwrap();

    let shown = Statement::parse(blocks("statement", "json")[0].as_bytes()).unwrap();
    assert_eq!(verified.statement(), &shown);
    assert_eq!(shown.to_bytes().unwrap(), attestation.envelope().payload());
    assert_eq!(shown.placement().unwrap().unwrap().step.as_str(), "scan");

    let page = manual::page("attestation").unwrap();
    let digests: [Sha256; 2] = [attestation.digest(), attestation.pae_digest()];
    for text in digests
        .iter()
        .map(Sha256::to_string)
        .chain([verified.signer().to_string()])
    {
        assert!(page.contains(&text), "{text}");
    }
    let bytes = attestation.bytes().len();
    assert!(
        page.contains(&format!("{},{:03} bytes", bytes / 1000, bytes % 1000)),
        "{bytes}"
    );
}

#[test]
fn the_roster_and_the_policies_are_sound() {
    let wire = predicate::Roster::from_map(&object(&blocks("roster", "json")[0])).unwrap();
    let roster = Roster::from_predicate(&wire).unwrap();
    assert_eq!(roster.writers().count(), 2);
    let policy = Policy::parse(&blocks("policy", "toml")[0]).unwrap();
    assert_eq!(policy.required().count(), 2);
    let wire = predicate::PolicyText::from_map(&object(&blocks("policy", "json")[0])).unwrap();
    assert!(Policy::from_predicate(&wire).unwrap().steps().is_empty());
}

#[test]
fn the_table_of_predicate_types_is_whole() {
    let page = manual::page("statement").unwrap();
    for (short, uri) in SHORT_NAMES {
        let own = *uri == format!("https://git-docket.dev/{short}/v0.1");
        let line = format!("| `{short}` | `{uri}` |");
        assert!(
            page.contains(&line) || own && page.contains(&format!("`{short}`")),
            "{short}"
        );
    }
}
