//! Layouts and links of classic in-toto, signed: a Metablock or a DSSE envelope around one of them.
//!
//! What is signed is what stands there. A Metablock is signed over a canonical form of its fields, which in-toto makes anew
//! from the ones that it knows; one with other fields, or without some, is refused, so that nobody reads what the signer
//! did not sign, and in-toto and we read the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::key::{Key, KeyError};
use super::rules::{Artifacts, Io, Rule, RuleError};
use crate::canonical;
use crate::envelope::{Alphabet, Envelope, EnvelopeError, Foreign, ForeignError};
use crate::statement::{PAYLOAD_TYPE, shortened};
use crate::timestamp::Timestamp;

/// No layout or link is larger: 16 MiB.
pub const MAX_BYTES: usize = 16 << 20;

/// Something signed, and what it says; nothing is verified.
#[derive(Clone, Debug)]
pub struct Signed<T> {
    envelope: Envelope,
    says: T,
}

/// What a supply chain is to look like.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Until when it counts.
    pub expires: Timestamp,
    /// The steps, in their order; at least one.
    pub steps: Vec<Step>,
    /// The names of its inspections, whose commands nobody here runs.
    pub inspections: Vec<String>,
    keys: BTreeMap<String, Value>,
}

/// One step of a layout.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The ids of the keys that may sign its links.
    pub key_ids: Vec<String>,
    /// As many of them have to; at least one.
    pub threshold: usize,
    /// What it should run; a hint only.
    pub command: Vec<Value>,
    /// Rules for what goes in.
    pub materials: Vec<Rule>,
    /// Rules for what comes out.
    pub products: Vec<Rule>,
}

/// What somebody did in a step.
#[derive(Clone, Debug)]
pub struct Link {
    /// The step's name.
    pub name: String,
    /// What was run.
    pub command: Vec<Value>,
    /// What went in and came out.
    pub io: Io,
}

/// Why something is no layout or no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Larger than what is read, 16 MiB.
    #[error("{bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not strict JSON.
    #[error("no strict JSON")]
    Json(#[from] canonical::Error),
    /// Neither a Metablock nor an envelope.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It looks like a Metablock, and is none.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// Signed as something else.
    #[error("payload type {found:?} is not {PAYLOAD_TYPE}")]
    PayloadType {
        /// What it is.
        found: String,
    },
    /// A field is missing or of another kind.
    #[error("not the shape of a {what}")]
    Shape {
        /// Layout or link.
        what: &'static str,
        /// Where not.
        source: serde_json::Error,
    },
    /// A layout where a link is wanted, or something else.
    #[error("it is of type {found:?}, not {what}")]
    Type {
        /// What it says.
        found: String,
        /// What is wanted.
        what: &'static str,
    },
    /// A Metablock with other fields than in-toto signs.
    #[error("{place} has not exactly the fields {}", .fields.join(", "))]
    Fields {
        /// Where.
        place: String,
        /// Those that it must have.
        fields: &'static [&'static str],
    },
    /// Two signatures in the name of one key.
    #[error("two signatures name the key {id:?}")]
    SignedTwice {
        /// The key.
        id: String,
    },
    /// Not a time as in-toto writes it.
    #[error("expires {found:?} is not YYYY-MM-DDTHH:MM:SSZ")]
    Expires {
        /// What it says.
        found: String,
    },
    /// No step: nothing could ever break it.
    #[error("the layout has no steps")]
    NoSteps,
    /// Two steps or inspections of one name.
    #[error("{name:?} is the name of two steps or inspections")]
    Twice {
        /// The name.
        name: String,
    },
    /// Fewer than one link can be asked for by nobody.
    #[error("the threshold of {step:?} is {found}, not 1 or more")]
    Threshold {
        /// The step.
        step: String,
        /// What it says.
        found: i64,
    },
    /// A rule that is none.
    #[error("a rule of {step:?}")]
    Rule {
        /// The step.
        step: String,
        /// Why.
        source: RuleError,
    },
    /// A hash that is not hex.
    #[error("the hash of {path:?} is not hex")]
    Hash {
        /// Of what.
        path: String,
    },
}

#[derive(Deserialize)]
struct RawLayout {
    expires: String,
    steps: Vec<RawStep>,
    inspect: Vec<RawInspection>,
    #[serde(default)]
    keys: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct RawStep {
    name: String,
    #[serde(default)]
    pubkeys: Vec<String>,
    #[serde(default = "one")]
    threshold: i64,
    #[serde(default)]
    expected_command: Vec<Value>,
    #[serde(default)]
    expected_materials: Vec<Vec<String>>,
    #[serde(default)]
    expected_products: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct RawInspection {
    name: String,
}

#[derive(Deserialize)]
struct RawLink {
    name: String,
    #[serde(default)]
    command: Vec<Value>,
    #[serde(default)]
    materials: Artifacts,
    #[serde(default)]
    products: Artifacts,
}

fn one() -> i64 {
    1
}

const LAYOUT_FIELDS: &[&str] = &["_type", "expires", "inspect", "keys", "readme", "steps"];
const STEP_FIELDS: &[&str] = &[
    "_type",
    "expected_command",
    "expected_materials",
    "expected_products",
    "name",
    "pubkeys",
    "threshold",
];
const INSPECTION_FIELDS: &[&str] = &[
    "_type",
    "expected_materials",
    "expected_products",
    "name",
    "run",
];
const LINK_FIELDS: &[&str] = &[
    "_type",
    "byproducts",
    "command",
    "environment",
    "materials",
    "name",
    "products",
];

impl Signed<Layout> {
    /// Reads a signed layout.
    ///
    /// # Errors
    /// Where it is none, or breaks a rule of the format.
    pub fn layout(bytes: &[u8]) -> Result<Self, MetadataError> {
        let (envelope, value, form) = open(bytes)?;
        of_type(&value, "layout")?;
        if form == Form::Metablock {
            exactly("the layout", &value, LAYOUT_FIELDS)?;
            for (list, fields) in [("steps", STEP_FIELDS), ("inspect", INSPECTION_FIELDS)] {
                for one in value[list].as_array().into_iter().flatten() {
                    exactly(&format!("a member of {list}"), one, fields)?;
                }
            }
        }
        let says = Layout::read(&value)?;
        Ok(Self { envelope, says })
    }
}

impl Signed<Link> {
    /// Reads a signed link.
    ///
    /// # Errors
    /// Where it is none.
    pub fn link(bytes: &[u8]) -> Result<Self, MetadataError> {
        let (envelope, value, form) = open(bytes)?;
        of_type(&value, "link")?;
        if form == Form::Metablock {
            exactly("the link", &value, LINK_FIELDS)?;
        }
        let says = Link::read(&value)?;
        Ok(Self { envelope, says })
    }
}

impl<T> Signed<T> {
    /// What it says, whoever signed it.
    pub fn unverified(&self) -> &T {
        &self.says
    }

    /// Whether the signature that names this key is by it.
    pub fn is_signed_by(&self, key: &Key) -> bool {
        let mut signatures = self.envelope.signatures().iter();
        let named = signatures.find(|one| one.keyid.as_deref() == Some(key.id()));
        named.is_some_and(|one| key.verifies(self.envelope.pae(), &one.sig))
    }

    /// Whether a signature names this key.
    pub fn names(&self, key_id: &str) -> bool {
        let mut signatures = self.envelope.signatures().iter();
        signatures.any(|one| one.keyid.as_deref() == Some(key_id))
    }
}

impl Layout {
    fn read(value: &Value) -> Result<Self, MetadataError> {
        let raw = RawLayout::deserialize(value).map_err(|source| MetadataError::Shape {
            what: "layout",
            source,
        })?;
        let expires = in_toto_time(&raw.expires).ok_or_else(|| MetadataError::Expires {
            found: shortened(&raw.expires),
        })?;
        let mut names = BTreeSet::new();
        let inspections = raw.inspect.into_iter().map(|one| one.name);
        let inspections: Vec<String> = inspections.collect();
        let step_names = raw.steps.iter().map(|step| &step.name);
        if let Some(name) = step_names
            .chain(&inspections)
            .find(|name| !names.insert(*name))
        {
            let name = shortened(name);
            return Err(MetadataError::Twice { name });
        }
        let steps: Vec<Step> = raw.steps.iter().map(Step::read).collect::<Result<_, _>>()?;
        match steps.is_empty() {
            true => Err(MetadataError::NoSteps),
            false => Ok(Self {
                expires,
                steps,
                inspections,
                keys: raw.keys,
            }),
        }
    }

    /// The key with this id; `None` where the layout has none.
    ///
    /// # Errors
    /// Where it is of a kind that is not verified.
    pub fn key(&self, id: &str) -> Option<Result<Key, KeyError>> {
        Some(Key::from_layout(id, self.keys.get(id)?))
    }
}

impl Step {
    fn read(raw: &RawStep) -> Result<Self, MetadataError> {
        let step = || shortened(&raw.name);
        let rules = |rules: &[Vec<String>]| -> Result<Vec<Rule>, MetadataError> {
            let rules = rules.iter().map(|words| {
                Rule::parse(words).map_err(|source| MetadataError::Rule {
                    step: step(),
                    source,
                })
            });
            rules.collect()
        };
        let threshold = usize::try_from(raw.threshold)
            .ok()
            .filter(|count| *count > 0);
        Ok(Self {
            name: raw.name.clone(),
            key_ids: raw.pubkeys.clone(),
            threshold: threshold.ok_or_else(|| MetadataError::Threshold {
                step: step(),
                found: raw.threshold,
            })?,
            command: raw.expected_command.clone(),
            materials: rules(&raw.expected_materials)?,
            products: rules(&raw.expected_products)?,
        })
    }
}

impl Link {
    fn read(value: &Value) -> Result<Self, MetadataError> {
        let raw = RawLink::deserialize(value).map_err(|source| MetadataError::Shape {
            what: "link",
            source,
        })?;
        let is_hex =
            |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut all = raw.materials.iter().chain(&raw.products);
        if let Some((path, _)) = all.find(|(_, hashes)| !hashes.values().all(is_hex)) {
            let path = shortened(path);
            return Err(MetadataError::Hash { path });
        }
        Ok(Self {
            name: raw.name,
            command: raw.command,
            io: Io {
                materials: raw.materials,
                products: raw.products,
            },
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Metablock,
    Envelope,
}

// The envelope, and what stands in it as JSON.
fn open(bytes: &[u8]) -> Result<(Envelope, Value, Form), MetadataError> {
    if bytes.len() > MAX_BYTES {
        let bytes = bytes.len();
        return Err(MetadataError::TooLarge { bytes });
    }
    let value = canonical::parse_strict(bytes)?;
    let (envelope, form) = match Foreign::of(&value) {
        Some(Foreign::Metablock) => (Foreign::Metablock.read(&value)?, Form::Metablock),
        _ => (
            Envelope::from_value(value, Alphabet::Either)?,
            Form::Envelope,
        ),
    };
    if form == Form::Envelope && envelope.payload_type() != PAYLOAD_TYPE {
        let found = shortened(envelope.payload_type());
        return Err(MetadataError::PayloadType { found });
    }
    let mut seen = BTreeSet::new();
    let ids = envelope
        .signatures()
        .iter()
        .filter_map(|one| one.keyid.as_ref());
    if let Some(id) = ids.into_iter().find(|id| !seen.insert(*id)) {
        let id = shortened(id);
        return Err(MetadataError::SignedTwice { id });
    }
    // A Metablock's canonical form has line feeds in its texts, which are no JSON: its value is read from the file.
    let value = match form {
        Form::Metablock => canonical::parse_strict(bytes)?["signed"].take(),
        Form::Envelope => canonical::parse_strict(envelope.payload())?,
    };
    Ok((envelope, value, form))
}

fn exactly(
    place: &str,
    value: &Value,
    fields: &'static [&'static str],
) -> Result<(), MetadataError> {
    let keys = value.as_object().map(Map::keys).into_iter().flatten();
    let keys: BTreeSet<&str> = keys.map(String::as_str).collect();
    match keys == fields.iter().copied().collect() {
        true => Ok(()),
        false => Err(MetadataError::Fields {
            place: place.to_owned(),
            fields,
        }),
    }
}

fn of_type(value: &Value, what: &'static str) -> Result<(), MetadataError> {
    let found = value
        .get("_type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match found == what {
        true => Ok(()),
        false => Err(MetadataError::Type {
            found: shortened(found),
            what,
        }),
    }
}

// RFC 3339 in the one spelling that in-toto takes.
fn in_toto_time(text: &str) -> Option<Timestamp> {
    let time = Timestamp::parse_rfc3339(text).ok()?;
    (time.to_string() == text).then_some(time)
}
