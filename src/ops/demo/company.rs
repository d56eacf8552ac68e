//! A company whose quarter is audited: who works there, its repository and its ledger.
//!
//! Everything that is said goes the way of every attestation: signed by whoever says it, and appended. Only the clock is the
//! story's, and a day's entries are appended together.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::{Error, LEDGER, name};
use crate::attestation::Attestation;
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::git::{Durability, Entry, EntryKind, RefName, Repository, Written};
use crate::ledger::note::VerifierKey;
use crate::ledger::{Origin, note::KeyName};
use crate::ops::World;
use crate::ops::append::{Appender, Item};
use crate::ops::pin;
use crate::ops::verify::{self as replay, Remember, Request};
use crate::process::Quiet;
use crate::signing::SigningKey;
use crate::statement::predicate::{
    Continuity, Genesis, Key, Known, Person, PolicyText, Reference, Roster,
};
use crate::statement::{Placement, PredicateType, Statement, Step, Subject};
use crate::timestamp::Timestamp;
use crate::verify::{Pin, Question};

const ORIGIN: &str = "demo.example/shop";
/// The ref that changes land on.
pub(super) const MAIN: &str = "refs/heads/main";
/// In whose name a forge commits what somebody merged there.
pub(super) const FORGE: &str = "noreply@github.com";

/// Who works there: id, kind, roles, and who answers for it.
const STAFF: [(&str, &str, &[&str], Option<&str>); 8] = [
    ("ada", "human", &["maintainer", "developer"], None),
    ("ben", "human", &["developer", "risk"], None),
    ("carol", "human", &["developer"], None),
    ("dan", "human", &["developer"], None),
    ("pilot", "agent", &["developer"], Some("carol")),
    ("ci", "service", &["builder", "writer"], None),
    ("deployer", "service", &["deployer"], None),
    ("watch", "service", &["observer"], None),
];

/// A commit and its tree.
#[derive(Clone, Copy)]
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
}

/// An entry that was said: its place, and the SHA-256 of its attestation.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub(super) seq: u64,
    pub(super) attestation: Sha256,
}

/// What is said, of what, and by whom.
pub(super) struct Saying<'a> {
    pub(super) by: &'static str,
    pub(super) step: &'static str,
    pub(super) kind: &'static str,
    pub(super) on: Commit,
    pub(super) artifact: Option<(&'a str, &'a Sha256)>,
    pub(super) predicate: Value,
}

/// The company.
pub(super) struct Company<'a> {
    world: &'a World,
    repository: Repository,
    ledger: RefName,
    origin: Origin,
    keys: BTreeMap<&'static str, SigningKey>,
    ledger_key: SigningKey,
    files: BTreeMap<&'static str, String>,
    waiting: Vec<Item>,
    size: u64,
    policy: Sha256,
    /// The story's time.
    pub(super) now: Timestamp,
    /// Where its main branch stands.
    pub(super) main: Commit,
}

impl<'a> Company<'a> {
    /// Founds it, with a repository of one commit and a ledger of one entry.
    pub(super) fn found(
        world: &'a World,
        folder: &Path,
        now: Timestamp,
        policy: &str,
    ) -> Result<Self, Error> {
        for words in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "The forge"],
            &["config", "user.email", FORGE],
        ] {
            Quiet::git(folder, words).output()?;
        }
        let mut keys = BTreeMap::new();
        for (id, ..) in STAFF {
            keys.insert(id, fresh_key(world)?);
        }
        // What was shown once may be lost at a power cut, and is made again in seconds.
        let repository = Repository::discover(folder)?.durable(Durability::Process);
        let files = BTreeMap::from([("README", "Three services, audited.\n".to_owned())]);
        let who = ["ada", "ada"].map(address);
        let first = write_commit(&repository, &files, now, None, &who, "Begin")?;
        let mut company = Self {
            world,
            repository,
            ledger: name(LEDGER),
            origin: ORIGIN.parse().expect("an origin of ours is one"),
            keys,
            ledger_key: fresh_key(world)?,
            files,
            waiting: Vec::new(),
            size: 1,
            policy: Sha256::of(b""),
            now,
            main: first,
        };
        company.tag(MAIN, &first.id)?;
        company.open_ledger(policy)?;
        Ok(company)
    }

    fn open_ledger(&mut self, policy: &str) -> Result<(), Error> {
        let key_name: KeyName = ORIGIN.parse().expect("an origin of ours is a key's name");
        let verifier = VerifierKey::new(key_name, self.ledger_key.public());
        let founder = self.key("ada");
        let genesis = Genesis {
            origin: ORIGIN.to_owned(),
            root_keys: vec![Key(founder.public().clone())],
            threshold: 1,
            ledger_key: verifier
                .to_string()
                .parse()
                .expect("a verifier key has its own form"),
            roster: Roster {
                persons: STAFF
                    .iter()
                    .map(|(id, kind, roles, operator)| self.person(id, kind, roles, *operator))
                    .collect(),
                revocations: Vec::new(),
                extends: None,
                previous: None,
            },
            continuity: vec![Continuity {
                reference: MAIN.to_owned(),
                commit: self.main.id,
            }],
            policy: PolicyText::new(policy),
            from: None,
        };
        let subject = Subject::commit(&self.main.id, &self.main.tree);
        let item = self.item(
            "ada",
            "genesis",
            self.main,
            Statement::of(vec![subject], &genesis)?,
        )?;
        self.policy = item.attestation.digest();
        let writer = "ci".parse().expect("a name of ours is a person's id");
        self.appender().found(&self.origin, &writer, item)?;
        let mut request = Request::new(Question::Ledger);
        request.remember = Remember::No;
        let replayed = replay::verify(self.world, &self.repository, &self.ledger, &request)?;
        let genesis = replayed.outcome.genesis.ok_or(Error::Lacking {
            what: "sound genesis",
        })?;
        let pin = Pin {
            origin: self.origin.clone(),
            genesis,
            ledger_key: verifier,
            seal: None,
        };
        self.write(pin::FILE, &pin::render(&pin));
        Ok(())
    }

    fn person(
        &self,
        id: &'static str,
        kind: &str,
        roles: &[&str],
        operator: Option<&str>,
    ) -> Person {
        let mut person = json!({
            "id": id, "kind": kind, "roles": roles, "keys": [Key(self.key(id).public().clone())],
            "gitIdentities": [{"email": address(id)}],
        });
        if let Some(operator) = operator {
            person["operator"] = json!(operator);
        }
        serde_json::from_value(person).expect("a person of ours is one")
    }

    /// Writes a file of the next commit.
    pub(super) fn write(&mut self, file: &'static str, content: &str) {
        self.files.insert(file, content.to_owned());
    }

    /// What a file says now.
    pub(super) fn file(&self, file: &str) -> String {
        self.files.get(file).cloned().unwrap_or_default()
    }

    /// Commits the files as they are; no ref moves.
    pub(super) fn commit(
        &self,
        parent: ObjectId,
        author: &str,
        committer: &str,
        message: &str,
    ) -> Result<Commit, Error> {
        let who = [author, committer].map(address);
        let parent = Some(parent);
        write_commit(
            &self.repository,
            &self.files,
            self.now,
            parent,
            &who,
            message,
        )
    }

    /// Says something; it is appended at the end of the day, and has its place already.
    pub(super) fn say(&mut self, saying: Saying<'_>) -> Result<Said, Error> {
        let predicate_type =
            PredicateType::resolve(saying.kind).expect("a type of ours has a short name");
        let Value::Object(predicate) = saying.predicate else {
            return Err(Error::Lacking { what: "predicate" });
        };
        Known::read(&predicate_type, &predicate)?;
        let mut subjects = vec![Subject::commit(&saying.on.id, &saying.on.tree)];
        let artifact = saying.artifact;
        subjects.extend(artifact.map(|(name, digest)| Subject::artifact(name, digest)));
        let statement = Statement::new(subjects, predicate_type, predicate)?;
        let item = self.item(saying.by, saying.step, saying.on, statement)?;
        Ok(self.queue(item))
    }

    /// Publishes a policy, by its founder's key alone.
    pub(super) fn publish(&mut self, text: &str) -> Result<Said, Error> {
        self.end_day()?;
        let mut policy = PolicyText::new(text);
        policy.previous = Some(Reference {
            origin: ORIGIN.to_owned(),
            attestation: self.policy,
        });
        let subject = Subject::commit(&self.main.id, &self.main.tree);
        let statement = Statement::of(vec![subject], &policy)?;
        let item = self.item("ada", "policy", self.main, statement)?;
        let said = self.queue(item);
        self.policy = said.attestation;
        self.end_day()?;
        Ok(said)
    }

    /// Appends what was said since the last time.
    pub(super) fn end_day(&mut self) -> Result<(), Error> {
        let items = std::mem::take(&mut self.waiting);
        if !items.is_empty() {
            self.appender().append(&items)?;
        }
        Ok(())
    }

    /// Moves a ref, wherever it stood.
    pub(super) fn tag(&self, tag: &str, commit: &ObjectId) -> Result<(), Error> {
        let words = ["update-ref", tag, &commit.hex()];
        self.repository.git(&words).output()?;
        Ok(())
    }

    /// Ends the story: the main branch is where it led, and checked out.
    pub(super) fn end(mut self) -> Result<Repository, Error> {
        self.end_day()?;
        self.tag(MAIN, &self.main.id)?;
        self.repository.git(&["reset", "-q", "--hard"]).output()?;
        Ok(self.repository)
    }

    fn queue(&mut self, item: Item) -> Said {
        let said = Said {
            seq: self.size,
            attestation: item.attestation.digest(),
        };
        self.size += 1;
        self.waiting.push(item);
        said
    }

    fn item(
        &self,
        by: &'static str,
        step: &str,
        on: Commit,
        statement: Statement,
    ) -> Result<Item, Error> {
        let step: Step = step.parse().expect("a step of ours is a step's name");
        let statement = statement.placed(&Placement {
            origin: ORIGIN.to_owned(),
            step: step.clone(),
            commit: on.id,
        });
        Ok(Item {
            commit: on.id,
            step,
            attestation: Attestation::sign(&statement, self.key(by))?,
        })
    }

    fn key(&self, id: &'static str) -> &SigningKey {
        self.keys.get(id).expect("everybody of the staff has a key")
    }

    fn appender(&self) -> Appender<'_> {
        Appender {
            repository: &self.repository,
            ledger: &self.ledger,
            key: self.key("ci"),
            sealing: Some(&self.ledger_key),
            now: self.now,
            random: self.world.random.as_ref(),
        }
    }
}

/// Whose commits carry it.
pub(super) fn address(id: &str) -> String {
    match id.contains('@') {
        true => id.to_owned(),
        false => format!("{id}@demo.example"),
    }
}

fn write_commit(
    repository: &Repository,
    files: &BTreeMap<&'static str, String>,
    now: Timestamp,
    parent: Option<ObjectId>,
    [author, committer]: &[String; 2],
    message: &str,
) -> Result<Commit, Error> {
    let mut written = Written::default();
    let mut entries = Vec::new();
    for (file, content) in files {
        entries.push(Entry {
            name: file.as_bytes().to_vec(),
            kind: EntryKind::File,
            id: repository.write(ObjectKind::Blob, content.as_bytes(), &mut written)?,
        });
    }
    let tree = repository.write_tree(entries, &mut written)?;
    let parent = parent.map_or(String::new(), |id| format!("parent {}\n", id.hex()));
    let (at, hex) = (now.unix(), tree.hex());
    let raw = format!(
        "tree {hex}\n{parent}author {author} <{author}> {at} +0000\ncommitter {committer} <{committer}> {at} +0000\n\n{message}\n"
    );
    let id = repository.write(ObjectKind::Commit, raw.as_bytes(), &mut written)?;
    repository.sync(written)?;
    Ok(Commit { id, tree })
}

fn fresh_key(world: &World) -> Result<SigningKey, Error> {
    let mut seed = [0; 32];
    (world.random)(&mut seed).map_err(Error::Random)?;
    Ok(SigningKey::from_seed(seed))
}
