//! in-toto Statement v1: what is said, about which things.
//!
//! A statement names its *subjects* by digest and says one *predicate* about them, of one predicate type.
//! It is the payload of every [attestation](crate::attestation). Specification:
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>; manual: `git docket help statement`.
//!
//! Writing: RFC 8785 canonical JSON, so that one statement has one byte string. A statement that a docket key
//! signs says its [`Placement`] in annotations of the first subject.
//!
//! Reading, which is for everybody's statements and happens only after a signature holds:
//! 1. strict JSON: UTF-8, no duplicate key at any depth, bounded depth and size;
//! 2. `_type` is Statement v1, or v0.1, which is read and never written;
//! 3. at least one subject, each with at least one digest; a digest of a known algorithm has that
//!    algorithm's length in lower-case hex; unknown algorithms are kept as they are;
//! 4. the predicate type is a URI reference of visible ASCII, the predicate is an object; none, or null, is an empty one;
//! 5. unknown fields are ignored, as in-toto asks: nothing may depend on them.
//!
//! What is *not* checked here: whether the predicate has its type's shape (that is [`Statement::decode`]),
//! whether the subjects exist, and whether the placement is the ledger's.

mod digest_set;
mod error;
mod names;
pub mod predicate;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

use crate::canonical;
use crate::digest::{ObjectId, Sha256};
pub use digest_set::{DigestSet, DigestSetError};
pub use error::Error;
pub use names::{PredicateType, PredicateTypeError, Step, StepError};
pub(crate) use names::{shortened, text_value};
use predicate::Predicate;

/// DSSE payload type of an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// `_type` of the statements that are written and read.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
/// `_type` of the older statements that are only read.
pub const STATEMENT_V0_1: &str = "https://in-toto.io/Statement/v0.1";
/// Annotation of the first subject: the origin of the ledger the statement was made for.
pub const ORIGIN_ANNOTATION: &str = "docket.origin";
/// Annotation of the first subject: the delivery step the statement was made for.
pub const STEP_ANNOTATION: &str = "docket.step";
/// Annotation of the first subject: the commit the statement was made about, as `sha1:<oid>`.
pub const COMMIT_ANNOTATION: &str = "docket.commit";
/// No statement is larger, read or written: 16 MiB. Bigger things go by digest.
pub const MAX_STATEMENT_BYTES: usize = 16 << 20;
/// No statement has more subjects.
pub const MAX_SUBJECTS: usize = 65_536;

/// A statement: subjects, predicate type, predicate.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    version: Version,
    subjects: Vec<Subject>,
    predicate_type: PredicateType,
    predicate: Said,
}

/// Which statement format was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Statement v1.
    V1,
    /// Statement v0.1: read, never written.
    V0_1,
}

/// One thing that a statement is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// A name that means something to the statement's author; no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the thing is, or what it is called globally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What the thing is. Two subjects are the same thing if a digest of theirs is.
    pub digest: DigestSet,
    /// Further words; on the first subject of a statement of ours, the [`Placement`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// Where in which ledger a statement says that it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The ledger's origin, as text; held against the ledger's own.
    pub origin: String,
    /// The delivery step.
    pub step: Step,
    /// The commit.
    pub commit: ObjectId,
}

/// A predicate: read when somebody asks for it, as a replay mostly does not.
#[derive(Debug, Clone)]
struct Said {
    text: Option<Box<RawValue>>,
    object: OnceLock<Map<String, Value>>,
}

/// The wire form, for reading; what is written is assembled by [`Statement::to_bytes`].
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: PredicateType,
    // Absent in a v1 statement whose type alone says everything.
    #[serde(default)]
    predicate: Object,
}

/// A JSON object as it stands.
struct Object(Box<RawValue>);

impl Default for Object {
    fn default() -> Self {
        let text = RawValue::from_string("{}".to_owned());
        Self(text.expect("an empty object is JSON"))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        match text.get() {
            object if object.starts_with('{') => Ok(Self(text)),
            // PyPI's publish attestations, whose type alone says everything, have it so.
            "null" => Ok(Self::default()),
            _ => Err(serde::de::Error::custom("the predicate is no object")),
        }
    }
}

impl Statement {
    /// A statement v1 of any predicate type; the predicate is not judged.
    pub fn new(
        subjects: Vec<Subject>,
        predicate_type: PredicateType,
        predicate: Map<String, Value>,
    ) -> Result<Self, Error> {
        Self::checked(Version::V1, subjects, predicate_type, predicate.into())
    }

    /// A statement v1 with a typed predicate, which must keep its rules.
    pub fn of<P: Predicate>(subjects: Vec<Subject>, predicate: &P) -> Result<Self, Error> {
        Self::new(subjects, PredicateType::of::<P>(), predicate.to_map()?)
    }

    /// The same statement, with its place said on the first subject (what stood there is replaced).
    pub fn placed(mut self, placement: &Placement) -> Self {
        let annotations = &mut self.subjects[0].annotations;
        for (name, text) in [
            (ORIGIN_ANNOTATION, placement.origin.clone()),
            (STEP_ANNOTATION, placement.step.to_string()),
            (COMMIT_ANNOTATION, placement.commit.to_string()),
        ] {
            annotations.insert(name.to_owned(), Value::String(text));
        }
        self
    }

    /// Reads a statement; the module's documentation gives the rules.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        canonical::check_strict(bytes)?;
        let raw: Raw = serde_json::from_slice(bytes).map_err(Error::Shape)?;
        let version = match raw.kind.as_str() {
            STATEMENT_V1 => Version::V1,
            STATEMENT_V0_1 => Version::V0_1,
            _ => return Err(Error::Type { found: raw.kind }),
        };
        Self::checked(
            version,
            raw.subject,
            raw.predicate_type,
            raw.predicate.into(),
        )
    }

    /// The canonical bytes (RFC 8785): what is signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        if self.version != Version::V1 {
            return Err(Error::ReadOnlyVersion);
        }
        let subjects = serde_json::to_value(&self.subjects).map_err(Error::Shape)?;
        let bytes = canonical::to_vec(&Value::Object(Map::from_iter([
            ("_type".to_owned(), STATEMENT_V1.into()),
            ("subject".to_owned(), subjects),
            (
                "predicateType".to_owned(),
                self.predicate_type.as_str().into(),
            ),
            (
                "predicate".to_owned(),
                Value::Object(self.predicate().clone()),
            ),
        ])))?;
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// The format that was read.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What it is about: at least one.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What kind of thing is said.
    pub fn predicate_type(&self) -> &PredicateType {
        &self.predicate_type
    }

    /// What is said, whatever its type.
    pub fn predicate(&self) -> &Map<String, Value> {
        self.predicate.object()
    }

    /// The fields of what is said that `T` names, without reading the rest; `None` where they do not fit it.
    pub(crate) fn glance<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        match &self.predicate.text {
            Some(text) => serde_json::from_str(text.get()).ok(),
            None => serde_json::from_value(Value::Object(self.predicate().clone())).ok(),
        }
    }

    /// What is said, as the type it claims to be; its shape and rules are checked.
    pub fn decode<P: Predicate>(&self) -> Result<P, Error> {
        if self.predicate_type.as_str() != P::TYPE {
            return Err(Error::OtherPredicate {
                expected: P::TYPE,
                found: self.predicate_type.clone(),
            });
        }
        Ok(P::from_map(self.predicate())?)
    }

    /// Where the statement says it belongs; `None` if it says nothing of it (a foreign statement).
    ///
    /// Some of the three annotations without the others is an error: nobody's writer makes that.
    pub fn placement(&self) -> Result<Option<Placement>, Error> {
        let annotations = &self.subjects[0].annotations;
        let names = [ORIGIN_ANNOTATION, STEP_ANNOTATION, COMMIT_ANNOTATION];
        let [origin, step, commit] = names.map(|name| annotations.get(name));
        if let (None, None, None) = (origin, step, commit) {
            return Ok(None);
        }
        let origin = placement_text(origin, ORIGIN_ANNOTATION)?;
        let step = placement_text(step, STEP_ANNOTATION)?;
        let commit = placement_text(commit, COMMIT_ANNOTATION)?;
        let form = |annotation| Error::PlacementForm { annotation };
        Ok(Some(Placement {
            origin: origin.to_owned(),
            step: step.parse().map_err(|_| form(STEP_ANNOTATION))?,
            commit: commit.parse().map_err(|_| form(COMMIT_ANNOTATION))?,
        }))
    }

    fn checked(
        version: Version,
        subjects: Vec<Subject>,
        predicate_type: PredicateType,
        predicate: Said,
    ) -> Result<Self, Error> {
        match subjects.len() {
            0 => Err(Error::NoSubject),
            count if count > MAX_SUBJECTS => Err(Error::TooManySubjects { count }),
            _ => Ok(Self {
                version,
                subjects,
                predicate_type,
                predicate,
            }),
        }
    }
}

impl Said {
    fn object(&self) -> &Map<String, Value> {
        self.object.get_or_init(|| {
            let text = self.text.as_ref().map_or("{}", |text| text.get());
            serde_json::from_str(text).expect("it was read strictly, as an object")
        })
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.object() == other.object()
    }
}

impl From<Map<String, Value>> for Said {
    fn from(object: Map<String, Value>) -> Self {
        Self {
            text: None,
            object: object.into(),
        }
    }
}

impl From<Object> for Said {
    fn from(object: Object) -> Self {
        Self {
            text: Some(object.0),
            object: OnceLock::new(),
        }
    }
}

impl Subject {
    /// A subject with a digest set alone.
    pub fn new(digest: DigestSet) -> Self {
        Self {
            name: None,
            uri: None,
            digest,
            annotations: Map::new(),
        }
    }

    /// A commit and its tree: the first subject of most statements about source.
    pub fn commit(commit: &ObjectId, tree: &ObjectId) -> Self {
        Self::new(DigestSet::commit_and_tree(commit, tree))
    }

    /// A file or other artifact, by name and SHA-256.
    pub fn artifact(name: impl Into<String>, sha256: &Sha256) -> Self {
        Self::new(DigestSet::sha256(sha256)).named(name)
    }

    /// The same subject with a name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

fn placement_text<'a>(
    value: Option<&'a Value>,
    annotation: &'static str,
) -> Result<&'a str, Error> {
    value
        .ok_or(Error::PartialPlacement {
            missing: annotation,
        })?
        .as_str()
        .filter(|text| !text.is_empty())
        .ok_or(Error::PlacementForm { annotation })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::predicate::{Link, Scai};
    use super::*;

    const COMMIT: &str = "sha1:0123456789abcdef0123456789abcdef01234567";

    fn example() -> Value {
        json!({
            "_type": STATEMENT_V1,
            "subject": [{"name": "app", "digest": {"sha256": "a".repeat(64)}}],
            "predicateType": Scai::TYPE,
            "predicate": {"attributes": [{"attribute": "scanned"}]},
        })
    }

    fn parse(value: &Value) -> Result<Statement, Error> {
        Statement::parse(&serde_json::to_vec(value).unwrap())
    }

    #[test]
    fn refuses_what_is_no_statement() {
        assert!(parse(&example()).is_ok());
        for (pointer, value) in [
            ("/_type", json!("https://in-toto.io/Statement/v2")),
            ("/_type", json!(null)),
            ("/subject", json!([])),
            ("/subject", json!({})),
            ("/subject/0/digest", json!({})),
            ("/subject/0/digest", json!({"sha256": "a".repeat(63)})),
            ("/subject/0/digest", json!({"gitCommit": "A".repeat(40)})),
            ("/subject/0/digest", json!(null)),
            ("/predicateType", json!("")),
            ("/predicateType", json!("a b")),
            ("/predicate", json!([])),
        ] {
            let mut bad = example();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(parse(&bad).is_err(), "{bad}");
        }
        let twice = example().to_string().replacen(
            '{',
            r#"{"_type":"https://in-toto.io/Statement/v1","#,
            1,
        );
        assert!(matches!(
            Statement::parse(twice.as_bytes()),
            Err(Error::Json(_))
        ));
        let large = vec![b' '; MAX_STATEMENT_BYTES + 1];
        assert!(matches!(
            Statement::parse(&large),
            Err(Error::TooLarge { .. })
        ));
    }

    #[test]
    fn unknown_fields_and_algorithms_are_no_fault() {
        let mut value = example();
        value["new"] = json!(1);
        value["subject"][0]["new"] = json!(1);
        value["subject"][0]["digest"]["dirHash"] = json!("h1:x");
        let statement = parse(&value).unwrap();
        assert_eq!(statement.subjects()[0].digest.get("dirHash"), Some("h1:x"));
    }

    #[test]
    fn a_predicate_of_null_is_an_empty_one() {
        let mut value = example();
        value["predicate"] = Value::Null;
        assert!(parse(&value).unwrap().predicate().is_empty());
    }

    #[test]
    fn version_0_1_is_read_and_never_written() {
        let mut value = example();
        value["_type"] = json!(STATEMENT_V0_1);
        let statement = parse(&value).unwrap();
        assert_eq!(statement.version(), Version::V0_1);
        assert!(matches!(statement.to_bytes(), Err(Error::ReadOnlyVersion)));
    }

    #[test]
    fn decodes_the_type_asked_for_and_no_other() {
        let statement = parse(&example()).unwrap();
        assert_eq!(
            statement.decode::<Scai>().unwrap().attributes[0].attribute,
            "scanned"
        );
        assert!(matches!(
            statement.decode::<Link>(),
            Err(Error::OtherPredicate { .. })
        ));
        let mut value = example();
        value["predicate"]["attributes"] = json!([]);
        assert!(matches!(
            parse(&value).unwrap().decode::<Scai>(),
            Err(Error::Predicate(_))
        ));
    }

    #[test]
    fn a_placement_is_whole_or_absent() {
        let placement = Placement {
            origin: "git.example.com/acme/app".to_owned(),
            step: "build".parse().unwrap(),
            commit: COMMIT.parse().unwrap(),
        };
        let foreign = parse(&example()).unwrap();
        assert_eq!(foreign.placement().unwrap(), None);
        let ours = foreign.placed(&placement);
        assert_eq!(ours.placement().unwrap(), Some(placement));
        let written: Value = serde_json::from_slice(&ours.to_bytes().unwrap()).unwrap();
        for name in [ORIGIN_ANNOTATION, STEP_ANNOTATION, COMMIT_ANNOTATION] {
            let mut value = written.clone();
            let annotations = value["subject"][0]["annotations"].as_object_mut().unwrap();
            annotations.insert(name.to_owned(), json!(""));
            assert!(matches!(
                parse(&value).unwrap().placement(),
                Err(Error::PlacementForm { .. })
            ));
            let annotations = value["subject"][0]["annotations"].as_object_mut().unwrap();
            annotations.remove(name);
            let error = parse(&value).unwrap().placement().unwrap_err();
            assert!(matches!(error, Error::PartialPlacement { missing } if missing == name));
        }
    }

    #[test]
    fn steps_have_their_grammar() {
        for good in ["a", "0", "unit-test.x_1", &"x".repeat(64)] {
            assert_eq!(good.parse::<Step>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "-a",
            ".a",
            "_a",
            "A",
            "a b",
            "a/b",
            "ä",
            "a\n",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<Step>().is_err(), "{bad}");
        }
    }

    #[test]
    fn short_names_resolve_and_typing_errors_do_not() {
        for (short, uri) in predicate::SHORT_NAMES {
            let resolved = PredicateType::resolve(short).unwrap();
            assert_eq!(resolved.as_str(), *uri);
            assert_eq!(resolved.short_name(), Some(*short));
            assert_eq!(PredicateType::resolve(uri).unwrap(), resolved);
        }
        for bad in [
            "",
            "provenence",
            "example.com/x",
            ":x",
            "1a:x",
            "https://example.com/a b",
        ] {
            assert!(PredicateType::resolve(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_written_alike(
            names in prop::collection::vec(prop::option::of(".{0,12}"), 1..4),
            digest: [u8; 32],
            text in ".{0,20}",
            number: i32,
        ) {
            let digest = DigestSet::sha256(&Sha256::from_bytes(digest));
            let subjects = names.into_iter().map(|name| Subject { name, ..Subject::new(digest.clone()) });
            let predicate = Map::from_iter([("z".to_owned(), json!(text)), ("a".to_owned(), json!([number]))]);
            let written = Statement::new(subjects.collect(), "x:y".parse().unwrap(), predicate).unwrap();
            let bytes = written.to_bytes().unwrap();
            let read = Statement::parse(&bytes).unwrap();
            prop_assert_eq!(&read, &written);
            prop_assert_eq!(read.to_bytes().unwrap(), bytes);
        }
    }
}
