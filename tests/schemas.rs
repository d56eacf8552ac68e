//! What we write fits `schemas/`, and the schemas and readers refuse the same things.
//!
//! Found by listing the folder: a schema without a sample here is a failure. What verbs print is held against
//! `schemas/output/` in tests/outputs.rs.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use git_docket::attestation::Attestation;
use git_docket::digest::Sha256;
use git_docket::git::Repository;
use git_docket::judge::pack::Pack;
use git_docket::ledger::append_record::SignedAppendRecord;
use git_docket::ledger::fork_proof::ForkProof;
use git_docket::ledger::note::{SignedNote, VerifierKey};
use git_docket::ledger::seal::SignedSeal;
use git_docket::ledger::{
    AppendRecord, Edge, InForce, Lines, Link as Place, Mark, Seal, TreeHead, entry,
};
use git_docket::ops::append::Item;
use git_docket::ops::inboxes::Inboxes;
use git_docket::ops::incremental::Tips;
use git_docket::ops::spool::Spool;
use git_docket::ops::{memory, pin};
use git_docket::policy::Policy;
use git_docket::statement::Statement;
use git_docket::statement::predicate::{
    AiAssistance, Approval, Change, Contains, Correction, Cosign, CycloneDx, Deployment, Exception,
    ExternalReference, Gap, Genesis, Inventory, Landing, LedgerKey, Link, Measurement, Outcome,
    PolicyText, Predicate, Provenance, Release, Review, Roster, Scai, Spdx, Svr, TestResult, Vsa,
    Vulns,
};
use git_docket::verify::{Memory, Pin};
use jsonschema::Validator;
use proptest::prelude::*;
use schemas::{places, value_fits};
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "common/samples.rs"]
mod samples;
#[path = "common/schemas.rs"]
mod schemas;

/// A sample of ours, and whether our reader takes a value of its kind.
struct Sample {
    value: Value,
    reads: fn(&Value) -> bool,
}

fn sample(schema: &str) -> Option<Sample> {
    fn of<P: Predicate>(predicate: &P) -> Sample {
        Sample {
            value: Value::Object(predicate.to_map().unwrap()),
            reads: |value| {
                value
                    .as_object()
                    .is_some_and(|map| P::from_map(map).is_ok())
            },
        }
    }
    // The example on the type's manual page, as our writer writes it.
    fn documented<P: Predicate>(name: &str) -> Sample {
        let example = samples::documented(name);
        let sample = of::<P>(&P::from_map(example.as_object().unwrap()).unwrap());
        assert_eq!(
            sample.value, example,
            "{name}: the example is not what we write"
        );
        sample
    }
    let parsed = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
    let sample = match schema {
        "statement.json" => Sample {
            value: parsed(&samples::statement(&samples::link()).to_bytes().unwrap()),
            reads: |value| {
                let statement = Statement::parse(value.to_string().as_bytes());
                statement.is_ok_and(|statement| statement.placement().is_ok())
            },
        },
        "dsse-envelope.json" => Sample {
            value: parsed(samples::attestation().envelope().to_json().as_bytes()),
            reads: |value| {
                git_docket::envelope::Envelope::parse(value.to_string().as_bytes()).is_ok()
            },
        },
        "bundle.json" => Sample {
            value: parsed(samples::attestation().bytes()),
            reads: |value| {
                git_docket::envelope::Bundle::parse(value.to_string().as_bytes()).is_ok()
            },
        },
        "policy.json" => Sample {
            value: toml::from_str(samples::POLICY).unwrap(),
            reads: |value| toml::to_string(value).is_ok_and(|text| Policy::parse(&text).is_ok()),
        },
        "pack.json" => Sample {
            value: toml::from_str(include_str!("../src/judge/packs/slsa.toml")).unwrap(),
            reads: |value| toml::to_string(value).is_ok_and(|text| Pack::parse(&text).is_ok()),
        },
        "predicate/provenance.json" => documented::<Provenance>("provenance"),
        "predicate/link.json" => documented::<Link>("link"),
        "predicate/scai.json" => documented::<Scai>("scai"),
        "predicate/gap.json" => documented::<Gap>("gap"),
        "predicate/genesis.json" => of::<Genesis>(&samples::genesis()),
        "predicate/roster.json" => of::<Roster>(&samples::roster()),
        "predicate/policy.json" => of::<PolicyText>(&samples::policy()),
        "predicate/cosign.json" => of::<Cosign>(&samples::cosign()),
        "predicate/ledger-key.json" => of::<LedgerKey>(&samples::ledger_key()),
        "predicate/change.json" => documented::<Change>("change"),
        "predicate/landing.json" => documented::<Landing>("landing"),
        "predicate/review.json" => documented::<Review>("review"),
        "predicate/approval.json" => documented::<Approval>("approval"),
        "predicate/deployment.json" => documented::<Deployment>("deployment"),
        "predicate/inventory.json" => documented::<Inventory>("inventory"),
        "predicate/contains.json" => documented::<Contains>("contains"),
        "predicate/outcome.json" => documented::<Outcome>("outcome"),
        "predicate/measurement.json" => documented::<Measurement>("measurement"),
        "predicate/exception.json" => documented::<Exception>("exception"),
        "predicate/correction.json" => documented::<Correction>("correction"),
        "predicate/ai-assistance.json" => documented::<AiAssistance>("ai-assistance"),
        "predicate/test-result.json" => documented::<TestResult>("test-result"),
        "predicate/vulns.json" => documented::<Vulns>("vulns"),
        "predicate/release.json" => documented::<Release>("release"),
        "predicate/reference.json" => documented::<ExternalReference>("reference"),
        "predicate/vsa.json" => documented::<Vsa>("vsa"),
        "predicate/svr.json" => documented::<Svr>("svr"),
        "predicate/cyclonedx.json" => documented::<CycloneDx>("cyclonedx"),
        "predicate/spdx.json" => documented::<Spdx>("spdx"),
        "link.json" => Sample {
            value: parsed(place().render().as_bytes()),
            reads: |value| Place::parse(in_order(value, LINK).as_bytes()).is_ok(),
        },
        "entry.json" => Sample {
            value: parsed(&entry::render_line(&place(), samples::attestation().bytes(), 0).0),
            reads: |value| {
                let mut value = value.clone();
                let link = in_order(&value["link"].take(), LINK);
                let line = in_order(&value, &["link", "attestation"]);
                let line = line.replacen("null", &link, 1) + "\n";
                let mut lines = Lines::of(line.as_bytes());
                let read = lines.next().unwrap();
                read.is_ok_and(|line| {
                    let body = line.body.map(|body| Attestation::parse(body.to_vec()));
                    body.is_none_or(|body| body.is_ok())
                })
            },
        },
        "spool-entry.json" => Sample {
            value: parsed(&spooled()),
            reads: |value| {
                // A file of its own: tests of this file run side by side.
                let file = tempfile::NamedTempFile::new().unwrap();
                fs::write(&file, value.to_string()).unwrap();
                spool().import(&[file.path().to_owned()]).is_ok()
            },
        },
        "pin.json" => Sample {
            value: toml::from_str(&pin::render(&pinned())).unwrap(),
            reads: |value| {
                let text = toml::to_string(value);
                text.is_ok_and(|text| pin::parse(&text, Path::new("pin")).is_ok())
            },
        },
        "fork-proof.json" => Sample {
            value: parsed(&samples::fork_proof().render()),
            reads: |value| {
                let bytes = git_docket::canonical::to_vec(value);
                bytes.is_ok_and(|bytes| ForkProof::parse(&[&bytes[..], b"\n"].concat()).is_ok())
            },
        },
        "memory.json" => Sample {
            value: parsed(&remembered()),
            reads: |value| {
                let state = TempDir::new().unwrap();
                let folder = state.path().join("any");
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("seen.json"), value.to_string()).unwrap();
                memory::recall(state.path(), &place_origin()).is_ok()
            },
        },
        "replayed.json" => Sample {
            value: parsed(&replayed()),
            reads: |value| Tips::parse(&value.to_string()).is_some(),
        },
        "inboxes.json" => Sample {
            value: parsed(br#"{"v":1,"asked":"2026-11-22T10:00:00Z","inboxes":2}"#),
            reads: |value| Inboxes::parse(&value.to_string()).is_some(),
        },
        _ => return None,
    };
    Some(sample)
}

/// Others' forms, whose unknown fields are ignored.
const OPEN: &[&str] = &[
    "bundle.json",
    "dsse-envelope.json",
    "predicate/approval.json",
    "predicate/change.json",
    "predicate/contains.json",
    "predicate/correction.json",
    "predicate/cyclonedx.json",
    "predicate/deployment.json",
    "predicate/exception.json",
    "predicate/gap.json",
    "predicate/inventory.json",
    "predicate/landing.json",
    "predicate/link.json",
    "predicate/measurement.json",
    "predicate/outcome.json",
    "predicate/provenance.json",
    "predicate/reference.json",
    "predicate/release.json",
    "predicate/review.json",
    "predicate/scai.json",
    "predicate/spdx.json",
    "predicate/svr.json",
    "predicate/test-result.json",
    "predicate/vsa.json",
    "predicate/vulns.json",
    "statement.json",
];

const LINK: &[&str] = &[
    "v",
    "seq",
    "prev",
    "commit",
    "tree",
    "time",
    "step",
    "attestation",
];

/// Compact JSON with these keys first: the order that the reader wants, which a parsed value has forgotten.
fn in_order(value: &Value, keys: &[&str]) -> String {
    let Value::Object(map) = value else {
        return value.to_string();
    };
    let mut names: Vec<&String> = map.keys().collect();
    names.sort_by_key(|name| {
        keys.iter()
            .position(|key| key == name)
            .unwrap_or(keys.len())
    });
    let fields = names
        .iter()
        .map(|name| format!("{}:{}", json!(name), map[*name]));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn place_origin() -> git_docket::ledger::Origin {
    "git.example.com/acme/app".parse().unwrap()
}

fn place() -> Place {
    Place {
        seq: 41,
        prev: place_origin().genesis_prev(),
        commit: format!("sha1:{}", "1".repeat(40)).parse().unwrap(),
        tree: format!("sha1:{}", "2".repeat(40)).parse().unwrap(),
        time: "2026-11-22T10:00:00Z".parse().unwrap(),
        step: "build".parse().unwrap(),
        attestation: samples::attestation().digest(),
    }
}

fn head(size: u64) -> TreeHead {
    let root = Sha256::of(b"root");
    TreeHead { size, root }
}

fn seal() -> SignedSeal {
    let (origin, head) = (place_origin(), head(43));
    Seal { origin, head }.sign(&samples::key(5)).unwrap()
}

fn pinned() -> Pin {
    let name = place_origin().as_str().parse().unwrap();
    Pin {
        origin: place_origin(),
        genesis: Sha256::of(b"genesis"),
        ledger_key: VerifierKey::new(name, samples::key(5).public()),
        seal: Some(seal()),
    }
}

/// A repository that all samples of the spool share.
fn repository() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = TempDir::with_prefix("docket-").unwrap();
        let made = Command::new("git")
            .args(["init", "-q"])
            .current_dir(folder.path())
            .status();
        assert!(made.unwrap().success());
        folder
    });
    folder.path()
}

fn spool() -> Spool {
    Spool::of(&Repository::discover(repository()).unwrap())
}

/// What the spool writes.
fn spooled() -> Vec<u8> {
    let (attestation, place) = (samples::attestation(), place());
    let name = format!("{}.json", attestation.digest());
    let (commit, step) = (place.commit, place.step);
    let item = Item {
        commit,
        step,
        attestation,
    };
    spool().keep(&[item]).unwrap();
    fs::read(repository().join(".git/docket/spool").join(name)).unwrap()
}

/// What a memory is kept as.
fn remembered() -> Vec<u8> {
    let state = TempDir::new().unwrap();
    let memory = Memory {
        origin: place_origin(),
        genesis: Sha256::of(b"genesis"),
        seal: Some(seal()),
        landed: head(43),
    };
    memory::remember(state.path(), &memory).unwrap();
    let folder = fs::read_dir(state.path()).unwrap().next().unwrap().unwrap();
    fs::read(folder.path().join("seen.json")).unwrap()
}

/// The tips that were replayed, one of them under a pin.
fn replayed() -> Vec<u8> {
    let mut tips = Tips::default();
    tips.push(place().commit, None);
    tips.push(place().commit, Some(&pinned()));
    assert_eq!(Tips::parse(&tips.render()), Some(tips.clone()));
    tips.render().into_bytes()
}

/// A form that is text: a schema says as much of its grammar as a pattern can.
struct Text {
    schema: &'static str,
    text: String,
    reads: fn(&[u8]) -> bool,
    /// What the schema must refuse: this in the text, put in place of that.
    misses: &'static [(&'static str, &'static str)],
}

fn texts() -> Vec<Text> {
    let leaf = Sha256::of(b"leaf");
    let mark = |seq| Mark { seq, leaf };
    let record = AppendRecord {
        origin: place_origin(),
        old: head(41),
        new: head(43),
        last_leaf: leaf,
        roster: mark(0),
        policy: mark(17),
    };
    let signer = ("ada@example.com".parse().unwrap(), &samples::key(1));
    let path = git_docket::ledger::path::NotePath::of(place().commit);
    let in_force = InForce {
        roster: path,
        policy: path,
    };
    let signed = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    vec![
        Text {
            schema: "append-record.json",
            text: signed(record.sign(&signer.0, signer.1).unwrap().render()),
            reads: |bytes| SignedAppendRecord::parse(bytes).is_ok(),
            misses: &[
                ("append/v1", "append/v2"),
                ("\n41 ", "\n041 "),
                ("\n43 ", "\n+43 "),
                ("roster 0", "roster  0"),
                ("policy 17", "policy -1"),
                ("\n\n", "\nmore\n\n"),
                ("\u{2014} ada", "\u{2014} a a"),
                ("\n\u{2014} ", "\n- "),
            ],
        },
        Text {
            schema: "seal.json",
            text: signed(seal().render()),
            reads: |bytes| SignedSeal::parse(bytes).is_ok(),
            misses: &[
                ("\n43\n", "\n0\n"),
                ("\n43\n", "\n43\r\n"),
                ("\n\n", "\nextension\n\n"),
                ("=\n\n", "\n\n"),
                ("acme/app\n", "acme//app\n"),
            ],
        },
        Text {
            schema: "edge.json",
            text: Edge::of_leaves(&[leaf; 7], 5).render(),
            reads: |bytes| Edge::parse(bytes).is_ok(),
            misses: &[("\n0 5", "\n1 5"), ("5 7", "5  7"), ("5 7\n", "5 7\n\n")],
        },
        Text {
            schema: "in-force.json",
            text: in_force.render(),
            reads: |bytes| InForce::parse(bytes).is_ok(),
            misses: &[
                ("11/11/", "1111/"),
                ("roster", "policy"),
                ("policy 11", "policy AB"),
            ],
        },
        Text {
            schema: "signed-note.json",
            text: SignedNote::sign("any text\n\nof lines\n".into(), &[signer])
                .unwrap()
                .render(),
            reads: |bytes| SignedNote::parse(bytes).is_ok(),
            misses: &[
                ("\u{2014} ada@", "\u{2014} ada+"),
                ("any text", "any\ttext"),
                ("lines\n\n", "lines\n"),
                ("=\n", "\n"),
            ],
        },
    ]
}

/// Calls `check` with each schema of an object that we write, ready to validate, and its sample.
fn each(check: impl Fn(&str, &Validator, Sample)) {
    let mut checked = 0;
    for (name, schema) in schemas::all() {
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no schema");
        let id = format!("https://git-docket.dev/schemas/{name}");
        assert_eq!(schema["$id"], json!(id));
        // Parts of others have no value of their own.
        let elsewhere = name == "common.json"
            || name.starts_with("output/")
            || texts().iter().any(|text| text.schema == name);
        match sample(&name) {
            Some(sample) => check(&name, &schemas::schema(&name), sample),
            None => assert!(
                elsewhere,
                "schemas/{name} has no sample: nothing shows that we write it"
            ),
        }
        checked += usize::from(!elsewhere);
    }
    assert_eq!(checked, 42, "schemas of objects");
}

#[test]
fn what_we_write_fits_and_is_read() {
    each(|name, validator, sample| {
        value_fits(validator, &sample.value);
        assert!(
            (sample.reads)(&sample.value),
            "{name}: our reader refuses our own"
        );
    });
}

#[test]
fn a_value_of_another_kind_is_refused_by_schema_and_reader() {
    each(|name, validator, sample| {
        let places = places(&sample.value);
        assert!(!places.is_empty());
        for place in places {
            let mut bad = sample.value.clone();
            *bad.pointer_mut(&place).unwrap() = json!(-0.5);
            assert!(
                !validator.is_valid(&bad),
                "{name}: the schema takes a number at {place}"
            );
            assert!(
                !(sample.reads)(&bad),
                "{name}: the reader takes a number at {place}"
            );
        }
    });
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    each(|name, validator, sample| {
        let (mut taken, mut refused) = (0, 0);
        for place in places(&sample.value) {
            let (parent, last) = place.rsplit_once('/').unwrap();
            let mut without = sample.value.clone();
            match without.pointer_mut(parent).unwrap() {
                Value::Object(map) => drop(map.remove(last)),
                Value::Array(list) => drop(list.remove(last.parse().unwrap())),
                _ => unreachable!("a place has a parent that holds it"),
            }
            let mut more = sample.value.clone();
            if let Value::Object(map) = more.pointer_mut(parent).unwrap() {
                map.insert("unknown".to_owned(), json!("x"));
            }
            let mut empty = sample.value.clone();
            *empty.pointer_mut(&place).unwrap() = json!("");
            for changed in [without, more, empty] {
                let (read, fits) = ((sample.reads)(&changed), validator.is_valid(&changed));
                assert!(
                    fits || !read,
                    "{name}: read, but does not fit, around {place}: {changed}"
                );
                match read {
                    true => taken += 1,
                    false => refused += 1,
                }
            }
        }
        assert!(refused > 0, "{name}: nothing was refused ({taken} taken)");
    });
}

#[test]
fn our_own_forms_refuse_unknown_fields_everywhere() {
    each(|name, validator, sample| {
        if OPEN.contains(&name) {
            return;
        }
        let mut parents: Vec<String> = places(&sample.value)
            .iter()
            .map(|p| p.rsplit_once('/').unwrap().0.to_owned())
            .collect();
        parents.dedup();
        // Objects whose keys are names of the user's.
        let named = [
            "environments",
            "limits",
            "pathClasses",
            "reviewRoles",
            "share",
        ];
        parents.retain(|parent| {
            !named
                .iter()
                .any(|name| parent.ends_with(&format!("/{name}")))
        });
        for parent in parents {
            let mut bad = sample.value.clone();
            let Value::Object(map) = bad.pointer_mut(&parent).unwrap() else {
                continue;
            };
            map.insert("unknown".to_owned(), json!("x"));
            assert!(
                !validator.is_valid(&bad),
                "{name}: the schema takes an unknown field in {parent:?}"
            );
            assert!(
                !(sample.reads)(&bad),
                "{name}: the reader takes an unknown field in {parent:?}"
            );
        }
    });
}

#[test]
fn texts_fit_and_near_misses_do_not() {
    for form in texts() {
        let (name, schema) = (form.schema, schemas::schema(form.schema));
        value_fits(&schema, &json!(form.text));
        assert!((form.reads)(form.text.as_bytes()), "{name}");
        let ends = [form.text.trim_end().to_owned(), format!("{}\n", form.text)];
        let misses = form.misses.iter().map(|(from, to)| {
            assert!(form.text.contains(from), "{name}: {from:?}");
            form.text.replacen(from, to, 1)
        });
        for miss in misses.chain(ends) {
            assert!(
                !schema.is_valid(&json!(miss)),
                "{name}: the schema takes {miss:?}"
            );
            assert!(
                !(form.reads)(miss.as_bytes()),
                "{name}: the reader takes {miss:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn a_text_that_its_reader_takes_fits(form in 0usize..5, at in 0usize..2000, put in "[\n\u{2014}+ -9a-f/=AZ~\r\t]{0,2}") {
        let form = texts().remove(form);
        let mut marks = form.text.char_indices().map(|(at, _)| at);
        let count = form.text.chars().count();
        let at = marks.nth(at % count).unwrap();
        let next = form.text[at..].chars().next().unwrap().len_utf8();
        let changed = [&form.text[..at], &put, &form.text[at + next..]].concat();
        if (form.reads)(changed.as_bytes()) {
            prop_assert!(schemas::schema(form.schema).is_valid(&json!(changed)), "{} {changed:?}", form.schema);
        }
    }
}
