//! The demo's faults: what somebody does who may write to the repository, and what replay calls it.

use super::{Error, Fault, name};
use crate::attestation::Attestation;
use crate::digest::Sha256;
use crate::finding::{Code, Severity};
use crate::git::{Moved, Reason, RefName, Repository};
use crate::ledger::seal::SignedSeal;
use crate::ledger::{Lines, Link, Origin, Placement as Place, Snapshot as _, entry};
use crate::ops::World;
use crate::ops::append::{self, Appender, Item};
use crate::ops::key::{self, KeySource};
use crate::ops::record::sealing_key;
use crate::ops::verify as replay;
use crate::process::Quiet;
use crate::signing::SigningKey;
use crate::statement::predicate::{PolicyText, Reference};
use crate::statement::{Placement, Statement, Step, Subject};
use crate::store::{self, Author, Change, Tip};
use crate::verify::{Question, Verdict};

/// Somebody who may write to the repository, holds the founder's writing key where a fault says so, and
/// makes keys of their own.
pub(super) struct Villain<'a> {
    world: &'a World,
    repository: &'a Repository,
    ledger: &'a RefName,
    writer: SigningKey,
    stranger: SigningKey,
    origin: Origin,
    entries: Vec<(Link, Vec<u8>)>,
}

impl<'a> Villain<'a> {
    pub(super) fn new(
        world: &'a World,
        repository: &'a Repository,
        ledger: &'a RefName,
    ) -> Result<Self, Error> {
        let tip = Tip::read(repository, ledger)?;
        let mut entries = Vec::new();
        for note in notes(repository, &tip)? {
            for line in Lines::of(&note).map_while(Result::ok) {
                let body = match line.body {
                    Some(body) => body.to_vec(),
                    None => tip.blob(&line.link.attestation)?.unwrap_or_default(),
                };
                entries.push((line.link, body));
            }
        }
        entries.sort_by_key(|(link, _)| link.seq);
        let mut seed = [0; 32];
        // A key that nobody enrolled needs no secrecy, only to be another one.
        seed.copy_from_slice(Sha256::of(b"git docket demo: the stranger").as_bytes());
        Ok(Self {
            world,
            repository,
            ledger,
            writer: key::signing_key(world, Some(&KeySource::Named(default_key())))?,
            stranger: SigningKey::from_seed(seed),
            origin: append::head(&tip)?.record.origin,
            entries,
        })
    }

    pub(super) fn plant_all(&self) -> Result<Vec<Fault>, Error> {
        let last = self.entries.len() - 1;
        let mut faults = vec![
            self.altered(
                "flip",
                "one byte of a signature flipped",
                Code::AttestationDigest,
                |entries| {
                    let at = entries[1].1.len() / 2;
                    let byte = &mut entries[1].1[at];
                    *byte = if *byte == b'A' { b'B' } else { b'A' };
                },
            )?,
            self.relinked(
                "delete",
                "the test deleted, the rest numbered and linked again",
                Code::RootMismatch,
                |entries| drop(entries.remove(2)),
            )?,
            self.altered(
                "truncate",
                "the last entry cut off",
                Code::SizeMismatch,
                |entries| {
                    entries.truncate(last);
                },
            )?,
            self.relinked(
                "reorder",
                "build and test in the other order, linked again",
                Code::RootMismatch,
                |entries| entries.swap(1, 2),
            )?,
        ];
        faults.push(self.replayed_elsewhere()?);
        faults.push(self.weak_policy()?);
        faults.push(self.foreign_key()?);
        faults.push(self.pruned()?);
        Ok(faults)
    }

    // Entries changed in place, their links and the records around them left alone.
    fn altered(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        change: impl FnOnce(&mut Vec<(Link, Vec<u8>)>),
    ) -> Result<Fault, Error> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        self.rewritten(short, what, expected, &entries)
    }

    // Entries changed and linked again, as somebody would who knows the format and holds no key.
    fn relinked(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        change: impl FnOnce(&mut Vec<(Link, Vec<u8>)>),
    ) -> Result<Fault, Error> {
        let mut entries = self.entries.clone();
        change(&mut entries);
        let mut prev = self.origin.genesis_prev();
        for (seq, (link, _)) in entries.iter_mut().enumerate() {
            (link.seq, link.prev) = (seq as u64, prev);
            prev = link.leaf();
        }
        self.rewritten(short, what, expected, &entries)
    }

    fn rewritten(
        &self,
        short: &str,
        what: &'static str,
        expected: Code,
        entries: &[(Link, Vec<u8>)],
    ) -> Result<Fault, Error> {
        let copy = self.copy(short)?;
        let mut change = Change::default();
        for (link, body) in entries {
            let note = change.notes.entry(link.commit).or_default();
            let (line, place) = entry::render_line(link, body, note.len());
            note.extend(line);
            if place == Place::Blob {
                change.blobs.insert(link.attestation, body.clone());
            }
        }
        let tip = Tip::read(self.repository, &copy)?;
        let author = Author {
            name: "Mallory".into(),
            email: "mallory@example.com".into(),
            time: self.world.now,
        };
        match tip.land(&change, &author, short)?.0 {
            Moved::Yes => self.judged(what, expected, &copy),
            Moved::Elsewhere => Err(Error::Moved),
        }
    }

    fn replayed_elsewhere(&self) -> Result<Fault, Error> {
        let copy = self.copy("replay")?;
        let other = self.entries[0].0.commit;
        let (link, body) = &self.entries[1];
        let attestation =
            Attestation::parse(body.clone()).map_err(|_| Error::Lacking { what: "build" })?;
        let item = Item {
            commit: other,
            step: link.step.clone(),
            attestation,
        };
        self.append(&copy, &self.writer, item)?;
        self.judged(
            "the build of one commit appended for another",
            Code::PlacementMismatch,
            &copy,
        )
    }

    fn foreign_key(&self) -> Result<Fault, Error> {
        let copy = self.copy("foreign-key")?;
        let (link, body) = &self.entries[2];
        let attestation =
            Attestation::parse(body.clone()).map_err(|_| Error::Lacking { what: "test" })?;
        let statement = attestation.unverified_statement()?;
        let attestation = Attestation::sign(&statement, &self.stranger)?;
        let item = Item {
            commit: link.commit,
            step: link.step.clone(),
            attestation,
        };
        self.append(&copy, &self.writer, item)?;
        self.judged(
            "a test attested by a key that nobody enrolled",
            Code::KeyUnknown,
            &copy,
        )
    }

    fn weak_policy(&self) -> Result<Fault, Error> {
        let copy = self.copy("weak-policy")?;
        let (link, body) = &self.entries[0];
        let mut policy = PolicyText::new("version = 1\n");
        policy.previous = Some(Reference {
            origin: self.origin.to_string(),
            attestation: Sha256::of(body),
        });
        let step: Step = "policy".parse().expect("it is a step's name");
        let placement = Placement {
            origin: self.origin.to_string(),
            step: step.clone(),
            commit: link.commit,
        };
        let subject = Subject::commit(&link.commit, &link.tree);
        let statement = Statement::of(vec![subject], &policy)?.placed(&placement);
        let attestation = Attestation::sign(&statement, &self.stranger)?;
        let item = Item {
            commit: link.commit,
            step,
            attestation,
        };
        // Our own program refuses to append it at all.
        let found = match self.append(&copy, &self.writer, item) {
            Err(Error::Append(append::Error::Refused { finding })) => vec![finding.code],
            Err(error) => return Err(error),
            Ok(()) => Vec::new(),
        };
        let expected = Code::GovernanceUnauthorised;
        Ok(Fault {
            what: "a weaker policy, signed by no root key (refused before it was written)",
            ledger: None,
            expected,
            caught: found.contains(&expected),
            found,
        })
    }

    fn pruned(&self) -> Result<Fault, Error> {
        let copy = self.copy("prune")?;
        let commit = self.entries[1].0.commit.hex();
        let who = [
            "-c",
            "user.name=Mallory",
            "-c",
            "user.email=mallory@example.com",
        ];
        let words = ["notes", "--ref", copy.as_str(), "remove", &commit];
        Quiet::git(self.repository.folder(), &[&who[..], &words].concat()).output()?;
        self.judged(
            "a commit's note removed with git notes",
            Code::SizeMismatch,
            &copy,
        )
    }

    fn append(&self, ledger: &RefName, key: &SigningKey, item: Item) -> Result<(), Error> {
        let tip = Tip::read(self.repository, ledger)?;
        let seal = tip
            .record("seal")?
            .and_then(|seal| SignedSeal::parse(&seal).ok());
        let sealing = sealing_key(self.world, &self.origin, seal.as_ref())?;
        let appender = Appender {
            repository: self.repository,
            ledger,
            key,
            sealing: sealing.as_ref(),
            now: self.world.now,
            random: self.world.random.as_ref(),
        };
        appender.append(&[item])?;
        Ok(())
    }

    fn copy(&self, short: &str) -> Result<RefName, Error> {
        let copy = name(&format!("refs/notes/fault-{short}"));
        let tip = self
            .repository
            .reference(self.ledger)?
            .ok_or(Error::Lacking { what: "tip" })?;
        let reason = Reason {
            text: "demo: a copy to spoil",
            time: self.world.now,
        };
        match self.repository.move_reference(&copy, None, &tip, reason)? {
            Moved::Yes => Ok(copy),
            Moved::Elsewhere => Err(Error::Moved),
        }
    }

    fn judged(&self, what: &'static str, expected: Code, copy: &RefName) -> Result<Fault, Error> {
        let request = replay::Request {
            remember: replay::Remember::No,
            ..replay::Request::new(Question::Ledger)
        };
        let outcome = replay::verify(self.world, self.repository, copy, &request)?.outcome;
        let mut found: Vec<_> = outcome
            .findings
            .iter()
            .filter(|finding| finding.severity() > Severity::Note)
            .map(|finding| finding.code)
            .collect();
        found.dedup();
        Ok(Fault {
            what,
            ledger: Some(copy.to_string()),
            expected,
            caught: found.contains(&expected) && outcome.verdict != Verdict::Pass,
            found,
        })
    }
}

fn notes(repository: &Repository, tip: &Tip<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let commit = tip.commit().ok_or(Error::Lacking { what: "tip" })?;
    let stored = store::Stored::at(repository, commit)?;
    let mut notes = Vec::new();
    for object in stored.notes() {
        notes.extend(tip.note(object)?);
    }
    Ok(notes)
}

fn default_key() -> crate::keyring::KeyFileName {
    key::DEFAULT_NAME
        .parse()
        .expect("the default name is a key's name")
}
