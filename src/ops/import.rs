//! import FILE… and import --notes: attestations that others signed, carried as they are.
//!
//! Of each attestation that was found ([`crate::ingest::attestations`]), in order:
//!
//! 1. *what it is*: an in-toto statement, or a link of classic in-toto. Anything else is refused;
//! 2. *which commit*: the one that its subjects name (`gitCommit`, or `sha1` and `sha256` where the repository has such
//!    a commit); where they name none, the one that its provenance says it was built from. One that is given, by the
//!    note that it stands in or by `--commit`, must be among those; where a file's attestation names none, it is taken
//!    at the word of whoever imports. A statement that was placed by this program keeps its place;
//! 3. *which step*: the one given, else the link's own name, else the predicate type's short name, else `imported`;
//!    never one of the ledger's own;
//! 4. *signature*, where the roster in force has the key that it names. Whatever else signed it is judged by replay;
//! 5. *again*: what stands about the commit already, in whatever container (the same bytes signed and the same
//!    signature), is not added.
//!
//! What is refused is told by its place, with the reason, and ends nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::append::Item;
use super::record::{self, Recorder};
use super::say::{Imported, LeftOut};
use super::{Explain, Failure, assistance};
use crate::attestation::{Attestation, Carrier, VerifyError};
use crate::digest::{ObjectId, ObjectKind, Sha256};
use crate::envelope::Foreign;
use crate::finding::chain;
use crate::git::{self, RefName, Repository};
use crate::ingest::attestations::{self, Candidate, Found};
use crate::judge::layout::{MetadataError, Signed};
use crate::process;
use crate::statement::{self, PAYLOAD_TYPE, Statement, Step, StepError};

/// No note of another tool's is larger: 64 MiB.
const NOTE_LIMIT: u64 = 64 << 20;

/// The step of what names none.
const STEP: &str = "imported";

/// Why nothing could be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The notes could not be listed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Recording could not be done.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// There are no such notes.
    #[error("there is no {name} in this repository")]
    NoNotes {
        /// The ref.
        name: RefName,
    },
    /// The ledger itself.
    #[error("{name} is the ledger's own ref")]
    OwnLedger {
        /// The ref.
        name: RefName,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Record(error) => error.failure(),
            Self::OwnLedger { .. } => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.remedy(),
            Self::Record(error) => error.remedy(),
            Self::NoNotes { name } => Some(format!(
                "`git fetch origin {name}:{name}` brings it, where the remote has it"
            )),
            Self::OwnLedger { .. } => {
                Some("`git docket fetch` and `fold` bring what other ledgers' refs hold".into())
            }
            Self::Process(_) => None,
        }
    }
}

/// Why an attestation is not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("its payload type {found:?} is not {PAYLOAD_TYPE}")]
    PayloadType { found: String },
    #[error("its payload is no statement")]
    Statement(#[from] statement::Error),
    #[error(
        "its payload is a layout, which is no evidence, and no step's in place of a link: git docket verify --layout"
    )]
    Layout,
    #[error("it is no link")]
    Link(#[from] MetadataError),
    #[error("it was signed for the ledger {origin}")]
    OtherOrigin { origin: String },
    #[error("it was signed for the step {step}")]
    OtherStep { step: Step },
    #[error("it is about {named}, not about {wanted}")]
    OtherCommit { named: String, wanted: ObjectId },
    #[error("it names no commit")]
    NamesNone,
    #[error("it names no commit that is here; name one: --commit REV")]
    NoneHere,
    #[error("it names {count} commits that are here; name one: --commit REV")]
    Several { count: usize },
    #[error("commit {commit} is not here; fetch it first")]
    NotHere { commit: ObjectId },
    #[error("the note is about an object that is no commit")]
    NoCommit,
    #[error("its name is no step's; name one: --step S")]
    Name(#[from] StepError),
    #[error("the step {step} is the ledger's own")]
    Reserved { step: Step },
    #[error("the roster has its key, and it does not verify")]
    Signature(#[from] VerifyError),
}

/// Where a candidate's commit comes from.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// The attestation must name it.
    Named(ObjectId),
    /// It counts where the attestation names none.
    Given(ObjectId),
    /// The attestation names one.
    Any,
}

/// What is to be carried.
#[derive(Debug, Default)]
pub struct Plan {
    items: Vec<Item>,
    known: usize,
    left: Vec<LeftOut>,
    seen: BTreeSet<(ObjectId, Identity)>,
    looked_at: BTreeSet<ObjectId>,
}

/// What makes two attestations one: what was signed, and the signature.
type Identity = (Sha256, Vec<u8>);

/// An import about to be done.
pub struct Importer<'a> {
    /// The repository.
    pub repository: &'a Repository,
    /// What appends.
    pub recorder: &'a Recorder<'a>,
    /// The step, where one is given for all.
    pub step: Option<Step>,
    /// The commit, where one is given for all.
    pub commit: Option<ObjectId>,
}

/// What of an attestation says where it belongs. Nobody's word: it is not verified.
enum Content {
    Statement(Statement),
    Link { name: String },
}

impl Importer<'_> {
    /// What files hold that the ledger has not.
    ///
    /// # Errors
    /// Where git or the ledger cannot be read.
    pub fn files(&self, found: Found) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        let wanted = self.commit.map_or(Wanted::Any, Wanted::Given);
        self.take(found, wanted, &mut plan)?;
        Ok(plan)
    }

    /// What the notes of another tool hold that the ledger has not.
    ///
    /// # Errors
    /// Where there are none, or git or the ledger cannot be read.
    pub fn notes(&self, ledger: &RefName, name: &RefName) -> Result<Plan, Error> {
        if name == ledger {
            return Err(Error::OwnLedger { name: name.clone() });
        }
        if self.repository.reference(name)?.is_none() {
            return Err(Error::NoNotes { name: name.clone() });
        }
        let mut plan = Plan::default();
        for (object, blob) in assistance::listed_notes(self.repository, name)? {
            if self.commit.is_some_and(|commit| commit != object) {
                continue;
            }
            let place = format!("note of {}", object.hex());
            if self.repository.has(&object) && self.repository.commit(&object).is_err() {
                plan.refuse(place, &Refusal::NoCommit);
                continue;
            }
            let text = match self.repository.content(&blob, ObjectKind::Blob, NOTE_LIMIT) {
                Ok(text) => text,
                Err(error @ git::Error::TooLarge { .. }) => {
                    plan.refuse(place, &error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let found = attestations::read(&place, &text);
            self.take(found, Wanted::Named(object), &mut plan)?;
        }
        Ok(plan)
    }

    /// Appends what is new.
    ///
    /// # Errors
    /// Where nothing could be recorded.
    pub fn carry(&self, plan: Plan) -> Result<Imported, Error> {
        Ok(Imported {
            entries: self.recorder.carry(plan.items)?,
            known: plan.known,
            unknown: Vec::new(),
            left: plan.left,
        })
    }

    fn take(&self, found: Found, wanted: Wanted, plan: &mut Plan) -> Result<(), Error> {
        for refused in found.refused {
            plan.refuse(refused.place, &refused.why);
        }
        for Candidate { place, attestation } in found.attestations {
            let (commit, step) = match self.place(&attestation, wanted) {
                Ok(found) => found,
                Err(refusal) => {
                    plan.refuse(place, &refusal);
                    continue;
                }
            };
            if plan.looked_at.insert(commit) {
                let standing = self.recorder.standing(&commit)?;
                let standing = standing.iter().map(|one| (commit, identity(one)));
                plan.seen.extend(standing);
            }
            let this = (commit, identity(&attestation));
            if !plan.seen.insert(this) {
                plan.known += 1;
                continue;
            }
            plan.items.push(Item {
                commit,
                step,
                attestation,
            });
        }
        Ok(())
    }

    fn place(
        &self,
        attestation: &Attestation,
        wanted: Wanted,
    ) -> Result<(ObjectId, Step), Refusal> {
        let content = Content::of(attestation)?;
        let (commit, step) = match &content {
            Content::Link { name } => {
                let commit = match wanted {
                    Wanted::Given(commit) => commit,
                    Wanted::Named(_) => return Err(Refusal::NamesNone),
                    Wanted::Any => return Err(Refusal::NoneHere),
                };
                let step = self.step.clone().map_or_else(|| name.parse(), Ok)?;
                (commit, step)
            }
            Content::Statement(statement) => match statement.placement()? {
                Some(placement) => self.placed(placement, wanted)?,
                None => (self.commit_of(statement, wanted)?, self.step_of(statement)),
            },
        };
        if crate::verify::is_governance(&step) {
            return Err(Refusal::Reserved { step });
        }
        if !self.repository.has(&commit) {
            return Err(Refusal::NotHere { commit });
        }
        let key = attestation.key_id().and_then(|id| self.recorder.key(&id));
        match (key, &content) {
            (Some(key), Content::Statement(_)) => attestation.verify(key).map(drop)?,
            (Some(_), Content::Link { .. }) | (None, _) => {}
        }
        Ok((commit, step))
    }

    // What this program signed says itself where it belongs.
    fn placed(
        &self,
        placement: statement::Placement,
        wanted: Wanted,
    ) -> Result<(ObjectId, Step), Refusal> {
        if placement.origin != self.recorder.origin().as_str() {
            let origin = statement::shortened(&placement.origin);
            return Err(Refusal::OtherOrigin { origin });
        }
        let commit = match wanted {
            Wanted::Any => placement.commit,
            Wanted::Named(commit) | Wanted::Given(commit) => commit,
        };
        if commit != placement.commit {
            let named = placement.commit.to_string();
            return Err(Refusal::OtherCommit {
                named,
                wanted: commit,
            });
        }
        match &self.step {
            Some(step) if *step != placement.step => Err(Refusal::OtherStep {
                step: placement.step,
            }),
            _ => Ok((commit, placement.step)),
        }
    }

    fn commit_of(&self, statement: &Statement, wanted: Wanted) -> Result<ObjectId, Refusal> {
        // An artifact's digest is no commit's: then what it was built from counts.
        let subjects = subjects(statement);
        let named = match self.here(&subjects).is_empty() && !names_commits(statement) {
            true => sources(statement),
            false => subjects.clone(),
        };
        let other = |named: &[&str], wanted| {
            let named = statement::shortened(named.first().copied().unwrap_or_default());
            Refusal::OtherCommit { named, wanted }
        };
        match wanted {
            Wanted::Named(commit) if subjects.contains(&commit.hex().as_str()) => Ok(commit),
            Wanted::Named(_) if subjects.is_empty() => Err(Refusal::NamesNone),
            Wanted::Named(commit) => Err(other(&subjects, commit)),
            Wanted::Given(commit) if named.contains(&commit.hex().as_str()) => Ok(commit),
            Wanted::Given(commit) if !names_commits(statement) && self.here(&named).is_empty() => {
                Ok(commit)
            }
            Wanted::Given(commit) => Err(other(&named, commit)),
            Wanted::Any => match self.here(&named)[..] {
                [one] => Ok(one),
                [] => Err(Refusal::NoneHere),
                ref several => Err(Refusal::Several {
                    count: several.len(),
                }),
            },
        }
    }

    // Those of these digests that are commits of this repository.
    fn here(&self, digests: &[&str]) -> Vec<ObjectId> {
        let algorithm = self.repository.algorithm();
        let ids = digests
            .iter()
            .filter_map(|text| ObjectId::from_hex(algorithm, text).ok());
        let ids: BTreeSet<ObjectId> = ids.collect();
        ids.into_iter()
            .filter(|id| self.repository.commit(id).is_ok())
            .collect()
    }

    fn step_of(&self, statement: &Statement) -> Step {
        let own = statement
            .predicate_type()
            .short_name()
            .filter(|name| !matches!(*name, "link"))
            .and_then(|name| name.parse().ok());
        let given = self.step.clone().or(own);
        given.unwrap_or_else(|| STEP.parse().expect("a fixed name is a step's"))
    }
}

impl Content {
    fn of(attestation: &Attestation) -> Result<Self, Refusal> {
        let envelope = attestation.envelope();
        let is_metablock = attestation.carrier() == Carrier::Foreign(Foreign::Metablock);
        if !is_metablock && envelope.payload_type() != PAYLOAD_TYPE {
            let found = statement::shortened(envelope.payload_type());
            return Err(Refusal::PayloadType { found });
        }
        // A statement is told by its type; everything else may be of classic in-toto, and says why where it is not.
        match Statement::parse(envelope.payload()) {
            Ok(statement) => Ok(Self::Statement(statement)),
            Err(error) => match Signed::link(attestation.bytes()) {
                Ok(link) => Ok(Self::Link {
                    name: link.unverified().name.clone(),
                }),
                Err(MetadataError::Type { found, .. }) if found == "layout" => Err(Refusal::Layout),
                Err(why) if is_metablock => Err(why.into()),
                Err(why @ (MetadataError::Hash { .. } | MetadataError::SignedTwice { .. })) => {
                    Err(why.into())
                }
                Err(_) => Err(error.into()),
            },
        }
    }
}

impl Plan {
    /// What is signed of each that is new, as JSON.
    pub fn statements(&self) -> Vec<Value> {
        let payloads = self
            .items
            .iter()
            .map(|item| item.attestation.envelope().payload());
        payloads
            .map(|payload| serde_json::from_slice(payload).unwrap_or_default())
            .collect()
    }

    /// How many are there already.
    pub fn known(&self) -> usize {
        self.known
    }

    /// What was refused.
    pub fn left(&self) -> &[LeftOut] {
        &self.left
    }

    fn refuse(&mut self, record: String, why: &dyn std::error::Error) {
        let why = chain(why);
        self.left.push(LeftOut { record, why });
    }
}

fn identity(attestation: &Attestation) -> Identity {
    let signature = &attestation.envelope().signatures()[0];
    (attestation.pae_digest(), signature.sig.clone())
}

// Whether a subject says of itself that it is a commit; a SHA-1 or SHA-256 may be that of anything.
fn names_commits(statement: &Statement) -> bool {
    let mut subjects = statement.subjects().iter();
    subjects.any(|subject| subject.digest.get("gitCommit").is_some())
}

/// What may be commits among the subjects' digests.
fn subjects(statement: &Statement) -> Vec<&str> {
    let digests = statement.subjects().iter().map(|subject| &subject.digest);
    let names = ["gitCommit", "sha1", "sha256"];
    digests
        .flat_map(|digest| names.into_iter().filter_map(|name| digest.get(name)))
        .collect()
}

/// What may be commits among what it was built from, as SLSA's provenance v0.2 and v1 name them.
fn sources(statement: &Statement) -> Vec<&str> {
    let predicate = statement.predicate();
    let v1 = predicate
        .get("buildDefinition")
        .and_then(|definition| definition.get("resolvedDependencies"));
    let lists = [v1, predicate.get("materials")].into_iter().flatten();
    let members = lists.filter_map(Value::as_array).flatten();
    let digests = members.filter_map(|member| member.get("digest"));
    digests
        .flat_map(|digest| {
            ["gitCommit", "sha1"]
                .into_iter()
                .filter_map(|name| digest.get(name)?.as_str())
        })
        .collect()
}
