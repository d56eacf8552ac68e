//! A small ledger written through the library, for tests of what reads one. It has links, bodies and notes,
//! and no append record or seal.

use std::collections::BTreeMap;

use git_docket::attestation::Attestation;
use git_docket::digest::ObjectId;
use git_docket::git::{Moved, Repository};
use git_docket::ledger::entry::render_line;
use git_docket::ledger::{Link, Origin, Placement};
use git_docket::signing::SigningKey;
use git_docket::statement::{self, Statement, Subject, predicate};
use git_docket::store::{Author, Change, Tip};
use git_docket::timestamp::Timestamp;

use super::world::World;

/// Writes one entry for each step, about the commits in turn; returns the attestations.
pub fn write(world: &World, commits: &[&str], steps: &[&str]) -> Vec<Attestation> {
    let repository = Repository::discover(&world.repo()).expect("a repository");
    let origin: Origin = "git.example.com/acme/app".parse().expect("an origin");
    let key = SigningKey::from_seed([7; 32]);
    let mut prev = origin.genesis_prev();
    let mut notes: BTreeMap<ObjectId, Vec<u8>> = BTreeMap::new();
    let mut change = Change::default();
    let mut attestations = Vec::new();
    for (seq, step) in steps.iter().enumerate() {
        let commit = repository
            .commit_named(commits[seq % commits.len()])
            .expect("a commit");
        let tree = repository.commit(&commit).expect("readable").tree;
        let time = Timestamp::from_unix(1_795_341_600 + 60 * seq as i64).expect("a time");
        let step: statement::Step = step.parse().expect("a step");
        let link = predicate::Link {
            name: step.to_string(),
            command: vec!["make".into(), format!("\u{1b}[31m{step}")],
            ..predicate::Link::default()
        };
        let place = statement::Placement {
            origin: origin.to_string(),
            step: step.clone(),
            commit,
        };
        let subjects = vec![Subject::commit(&commit, &tree).named("app")];
        let statement = Statement::of(subjects, &link)
            .expect("a statement")
            .placed(&place);
        let attestation = Attestation::sign(&statement, &key).expect("signed");
        let link = Link {
            seq: seq as u64,
            prev,
            commit,
            tree,
            time,
            step,
            attestation: attestation.digest(),
        };
        prev = link.leaf();
        let note = notes.entry(commit).or_default();
        let (line, placement) = render_line(&link, attestation.bytes(), note.len());
        assert_eq!(placement, Placement::Inline);
        note.extend_from_slice(&line);
        attestations.push(attestation);
    }
    change.notes = notes;
    let name = "refs/notes/docket".parse().expect("a ref name");
    let time = Timestamp::from_unix(1_795_341_600).expect("a time");
    let author = Author {
        name: "Ada".into(),
        email: "ada@example.com".into(),
        time,
    };
    let tip = Tip::read(&repository, &name).expect("readable");
    assert_eq!(
        tip.land(&change, &author, "test").expect("written").0,
        Moved::Yes
    );
    attestations
}
