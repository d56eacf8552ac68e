//! Makes ledgers without git, sound or with one fault: fixed keys, fixed times, every byte the same each
//! time.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part of the testkit"
)]

use std::collections::BTreeMap;

use git_docket::{
    attestation::Attestation,
    digest::{Algorithm, ObjectId, ObjectKind, Sha256},
    ledger::{
        AppendRecord, Edge, InForce, Link, Mark, Origin, Placement as Place, Seal, TreeHead, entry,
        in_memory::Parts, note::VerifierKey, path::NotePath,
    },
    merkle,
    signing::{Curve, SigningKey},
    statement::{
        Placement, PredicateType, Statement, Subject,
        predicate::{
            Cosign, Genesis, Key, Person, PersonKind, PolicyText, Reference, Revocation,
            RevocationReason, Roster,
        },
    },
};

pub const ORIGIN: &str = "git.example.com/acme/app";
pub const ADA: u8 = 1;
pub const BEN: u8 = 2;
pub const MALLORY: u8 = 66;
pub const LEDGER: u8 = 9;
/// Keys of these seeds are ECDSA's.
pub const ON_P256: u8 = 56;
pub const ON_P384: u8 = 84;

pub fn key(seed: u8) -> SigningKey {
    match seed {
        ON_P256 => SigningKey::from_scalar(Curve::P256, &[seed; 32]).unwrap(),
        ON_P384 => SigningKey::from_scalar(Curve::P384, &[seed; 48]).unwrap(),
        _ => SigningKey::from_seed([seed; 32]),
    }
}

/// A commit of the repository that the ledger speaks about.
#[derive(Clone)]
pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub raw: Vec<u8>,
}

pub fn commit(format: Algorithm, number: u8) -> Commit {
    let tree = ObjectId::of_object(format, ObjectKind::Blob, &[number]).unwrap();
    let raw = format!(
        "tree {}\nauthor Ada <ada@example.com> 1795341600 +0000\ncommitter Ada <ada@example.com> 1795341600 +0000\n\ncommit {number}\n",
        tree.hex()
    )
    .into_bytes();
    Commit {
        id: ObjectId::of_object(format, ObjectKind::Commit, &raw).unwrap(),
        tree,
        raw,
    }
}

/// An entry before it has a place.
#[derive(Clone)]
pub struct Planned {
    pub commit: u8,
    pub step: String,
    pub body: Vec<u8>,
}

/// A ledger in the making: attestations first, places later.
#[derive(Clone)]
pub struct Forge {
    pub format: Algorithm,
    pub planned: Vec<Planned>,
    /// How many entries are sealed; none where 0.
    pub sealed: usize,
    /// How many entries the last append added.
    pub last_append: usize,
    /// Who signs the append record, and as whom.
    pub writer: (String, u8),
    /// Who signs the seal.
    pub sealer: u8,
}

pub fn person(id: &str, seed: u8, kind: PersonKind, roles: &[&str]) -> Person {
    Person {
        id: id.parse().unwrap(),
        kind,
        operator: None,
        org: None,
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
        keys: vec![Key(key(seed).public().clone())],
        oidc: Vec::new(),
        git_identities: Vec::new(),
        logins: Vec::new(),
    }
}

pub fn roster() -> Roster {
    Roster {
        persons: vec![
            person(
                "ada@example.com",
                ADA,
                PersonKind::Human,
                &["maintainer", "writer"],
            ),
            person(
                "ci@example.com",
                BEN,
                PersonKind::Service,
                &["builder", "writer"],
            ),
        ],
        revocations: Vec::new(),
        extends: None,
        previous: None,
    }
}

pub const POLICY: &str = r#"version = 1
protected = ["refs/heads/main"]

[[step]]
name = "build"
types = ["scai"]
roles = ["builder"]
required = true
"#;

impl Forge {
    /// A sound ledger: genesis, then build, test and scan of two commits by the builder, one body in
    /// docket/blob, all but the last two entries sealed.
    pub fn sound(format: Algorithm) -> Self {
        let mut forge = Self {
            format,
            planned: Vec::new(),
            sealed: 0,
            last_append: 2,
            writer: ("ci@example.com".into(), BEN),
            sealer: LEDGER,
        };
        forge.genesis(POLICY, 1);
        for commit in [1, 2] {
            for step in ["build", "test"] {
                forge.step(commit, step, BEN);
            }
        }
        forge.attest(2, "scan", "scan", ORIGIN, 2, BEN, &"x".repeat(50_000));
        forge.step(2, "lint", BEN);
        forge.sealed = forge.planned.len() - 2;
        forge
    }

    pub fn genesis(&mut self, policy: &str, threshold: u32) {
        let name = ORIGIN.parse().unwrap();
        let vkey = VerifierKey::new(name, key(LEDGER).public()).to_string();
        let mut root_keys = vec![Key(key(ADA).public().clone())];
        if threshold > 1 {
            root_keys.push(Key(key(BEN).public().clone()));
        }
        let genesis = Genesis {
            origin: ORIGIN.into(),
            root_keys,
            threshold,
            ledger_key: vkey.parse().unwrap(),
            roster: roster(),
            policy: PolicyText::new(policy),
            continuity: Vec::new(),
            from: None,
        };
        let statement = Statement::of(vec![self.subject(1)], &genesis).unwrap();
        self.plan(1, "genesis", statement, ADA);
    }

    pub fn step(&mut self, commit: u8, step: &str, seed: u8) {
        self.attest(commit, step, step, ORIGIN, commit, seed, "clean");
    }

    /// An attestation filed under `commit` and `step`, that says `said` of `about` in `origin`.
    #[allow(clippy::too_many_arguments, reason = "each is one way to lie")]
    pub fn attest(
        &mut self,
        commit: u8,
        step: &str,
        said: &str,
        origin: &str,
        about: u8,
        seed: u8,
        text: &str,
    ) {
        let predicate = serde_json::json!({"attributes": [{"attribute": text}]});
        let statement = Statement::new(
            vec![self.subject(about)],
            PredicateType::resolve("scai").unwrap(),
            predicate.as_object().unwrap().clone(),
        )
        .unwrap();
        let placed = statement.placed(&Placement {
            origin: origin.into(),
            step: said.parse().unwrap(),
            commit: self::commit(self.format, about).id,
        });
        let body = Attestation::sign(&placed, &key(seed))
            .unwrap()
            .bytes()
            .to_vec();
        self.planned.push(Planned {
            commit,
            step: step.into(),
            body,
        });
    }

    pub fn plan(&mut self, commit: u8, step: &str, statement: Statement, seed: u8) {
        let placed = statement.placed(&Placement {
            origin: ORIGIN.into(),
            step: step.parse().unwrap(),
            commit: self::commit(self.format, commit).id,
        });
        let body = Attestation::sign(&placed, &key(seed))
            .unwrap()
            .bytes()
            .to_vec();
        self.planned.push(Planned {
            commit,
            step: step.into(),
            body,
        });
    }

    /// A new roster or policy, replacing what the entry at `previous` brought.
    pub fn publish_roster(&mut self, mut roster: Roster, previous: usize, seed: u8) {
        roster.previous = Some(self.reference(previous));
        let statement = Statement::of(vec![self.subject(2)], &roster).unwrap();
        self.plan(2, "roster", statement, seed);
    }

    pub fn publish_policy(&mut self, text: &str, previous: usize, seed: u8) {
        let mut policy = PolicyText::new(text);
        policy.previous = Some(self.reference(previous));
        let statement = Statement::of(vec![self.subject(2)], &policy).unwrap();
        self.plan(2, "policy", statement, seed);
    }

    pub fn cosign(&mut self, about: usize, seed: u8) {
        let cosign = Cosign {
            about: self.reference(about),
        };
        let statement = Statement::of(vec![self.subject(2)], &cosign).unwrap();
        self.plan(2, "cosign", statement, seed);
    }

    pub fn reference(&self, entry: usize) -> Reference {
        Reference {
            origin: ORIGIN.into(),
            attestation: Sha256::of(&self.planned[entry].body),
        }
    }

    pub fn subject(&self, number: u8) -> Subject {
        let commit = commit(self.format, number);
        Subject::commit(&commit.id, &commit.tree)
    }

    pub fn links(&self) -> Vec<Link> {
        let origin: Origin = ORIGIN.parse().unwrap();
        let mut prev = origin.genesis_prev();
        let mut links = Vec::new();
        for (seq, planned) in self.planned.iter().enumerate() {
            let commit = commit(self.format, planned.commit);
            let link = Link {
                seq: seq as u64,
                prev,
                commit: commit.id,
                tree: commit.tree,
                time: "2026-11-22T10:00:00Z".parse().unwrap(),
                step: planned.step.parse().unwrap(),
                attestation: Sha256::of(&planned.body),
            };
            prev = link.leaf();
            links.push(link);
        }
        links
    }

    /// The ledger, with all its records, as an honest writer would leave it.
    pub fn parts(&self) -> Parts {
        let links = self.links();
        let bodies: Vec<_> = self
            .planned
            .iter()
            .map(|planned| planned.body.clone())
            .collect();
        let mut parts = self.entries(&links, &bodies);
        parts.files = self.records(&links, (0, 1), (0, 1));
        parts
    }

    /// Notes, bodies and kept commits of these links.
    pub fn entries(&self, links: &[Link], bodies: &[Vec<u8>]) -> Parts {
        let mut notes: BTreeMap<ObjectId, Vec<u8>> = BTreeMap::new();
        let mut blobs = BTreeMap::new();
        for (link, body) in links.iter().zip(bodies) {
            let note = notes.entry(link.commit).or_default();
            let (line, place) = entry::render_line(link, body, note.len());
            note.extend(line);
            if place == Place::Blob {
                blobs.insert(link.attestation, body.clone());
            }
        }
        let kept = [1, 2, 3].map(|number| commit(self.format, number));
        let tip = ObjectId::of_object(self.format, ObjectKind::Blob, b"tip").unwrap();
        let commits = kept
            .into_iter()
            .filter(|commit| notes.contains_key(&commit.id))
            .map(|commit| (commit.id, commit.raw))
            .collect();
        Parts {
            tip,
            refs: vec![
                (tip, 1),
                (
                    ObjectId::of_object(self.format, ObjectKind::Blob, b"root").unwrap(),
                    0,
                ),
            ],
            faults: Vec::new(),
            files: BTreeMap::new(),
            notes,
            bodies: blobs,
            commits,
        }
    }

    /// The signed records over these links; roster and policy in force are given as (seq, commit).
    pub fn records(
        &self,
        links: &[Link],
        roster: (usize, u8),
        policy: (usize, u8),
    ) -> BTreeMap<String, Vec<u8>> {
        let leaves: Vec<_> = links.iter().map(Link::leaf).collect();
        let origin: Origin = ORIGIN.parse().unwrap();
        let head = |size: usize| TreeHead {
            size: size as u64,
            root: merkle::root(&leaves[..size]),
        };
        let mark = |seq: usize| Mark {
            seq: seq as u64,
            leaf: leaves[seq],
        };
        let size = leaves.len();
        let sealed = self.sealed.min(size);
        let record = AppendRecord {
            origin: origin.clone(),
            old: head(size.saturating_sub(self.last_append)),
            new: head(size),
            last_leaf: leaves[size - 1],
            roster: mark(roster.0),
            policy: mark(policy.0),
        };
        let path = |number: u8| NotePath::of(commit(self.format, number).id);
        let in_force = InForce {
            roster: path(roster.1),
            policy: path(policy.1),
        };
        let (writer, seed) = &self.writer;
        let mut files = BTreeMap::from([
            (
                "append".into(),
                record
                    .sign(&writer.parse().unwrap(), &key(*seed))
                    .unwrap()
                    .render(),
            ),
            (
                "edge".into(),
                Edge::of_leaves(&leaves, sealed as u64)
                    .render()
                    .into_bytes(),
            ),
            ("in-force".into(), in_force.render().into_bytes()),
        ]);
        if sealed > 0 {
            let seal = Seal {
                origin,
                head: head(sealed),
            };
            files.insert(
                "seal".into(),
                seal.sign(&key(self.sealer)).unwrap().render(),
            );
        }
        files
    }
}

pub fn revoked(seed: u8, suspect_since: Option<u64>) -> Revocation {
    Revocation {
        key: key(seed).public().id(),
        reason: RevocationReason::Compromised,
        suspect_since,
    }
}
