//! An audit as OSCAL assessment results 1.2.1 (NIST), for governance tools.
//!
//! | here | there |
//! | --- | --- |
//! | a pack's run; where no pack was named, the checks' | `result` |
//! | a check on a subject | `observation`, method TEST |
//! | a control; without a pack, a check | `finding` |
//! | a failure, an exception used | `risk`: open, deviation-approved |
//! | policy, ledger, the entries rested on | `back-matter` resources with SHA-256 |
//!
//! OSCAL knows satisfied and not-satisfied: only a pass is the first; unknown, exception and not-applicable are the second, with
//! the reason `other` and the word in the remarks. Ids are UUIDs of version 5 over what they name, so the same audit has the same
//! ones. Of a check's passes the first [`MOST_PASSES`] have an observation of their own; the rest are counted in the finding.
//! Text of others is one line without characters that act, with Markdown's and HTML's own written out.

use serde_json::{Map, Value, json};

use super::audit::{Audit, EntryRow, PackView};
use super::escape::line;
use super::markdown::cell;
use crate::digest::Sha256;
use crate::judge::pack::ControlResult;
use crate::judge::{CheckResult, Item, Verdict};

/// As many passes of one check as have an observation of their own.
pub const MOST_PASSES: usize = 500;

const VERSION: &str = "1.2.1";
const NAMESPACE: &str = "https://git-docket.dev/ns/oscal";
/// What our ids are names in (RFC 9562 §5.5).
const UUIDS: [u8; 16] = *b"git-docket/oscal";

/// The document.
pub fn oscal(audit: &Audit) -> Value {
    let ids = Ids::of(audit);
    let results: Vec<Value> = match audit.packs.is_empty() {
        true => vec![result(&ids, audit, &Run::of_checks(audit))],
        false => {
            let packs = audit.packs.iter().enumerate();
            let runs = packs.map(|(at, pack)| Run::of_pack(audit, at, pack));
            runs.map(|run| result(&ids, audit, &run)).collect()
        }
    };
    json!({"assessment-results": {
        "uuid": ids.of_name("document"),
        "metadata": {
            "title": text(&format!("Audit of {}", audit.origin)),
            "last-modified": audit.at,
            "version": format!("{}.{}", audit.size, &audit.root.to_string()[..12]),
            "oscal-version": VERSION,
            "props": props(audit),
        },
        "import-ap": {"href": format!("#{}", ids.of_name("policy")), "remarks": "The plan is the policy in force."},
        "results": results,
        "back-matter": {"resources": resources(&ids, audit)},
    }})
}

/// Makes ids; two audits share none.
struct Ids(String);

impl Ids {
    fn of(audit: &Audit) -> Self {
        let mut audit_name = format!("{}\n{}\n{}", audit.root, audit.at, audit.asked);
        for pack in &audit.packs {
            audit_name.push_str(&format!("\n{} {}", pack.id, pack.version));
        }
        Self(audit_name)
    }

    fn of_name(&self, name: &str) -> String {
        // Hashed by SHA-256 first: no chosen name can be half of a SHA-1 collision.
        let name = Sha256::of_parts(&[self.0.as_bytes(), b"\0", name.as_bytes()]).to_string();
        let mut hasher = sha1dc::Hasher::new();
        hasher.update(&UUIDS);
        hasher.update(name.as_bytes());
        let digest = hasher.finalize().expect("digits are no collision's half");
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_ref()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes);
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        parts.join("-")
    }
}

/// Controls judged together, and the checks that speak for them.
struct Run<'a> {
    /// No other run of the audit is called so.
    name: String,
    title: String,
    remarks: String,
    controls: Vec<Judged<'a>>,
    checks: Vec<&'a CheckResult>,
}

/// A control, or a check in the place of one.
struct Judged<'a> {
    id: &'a str,
    title: &'a str,
    description: String,
    verdict: Verdict,
    checks: Vec<&'a str>,
}

impl<'a> Run<'a> {
    fn of_checks(audit: &'a Audit) -> Self {
        let controls = audit.checks.iter().map(|check| Judged {
            id: check.id,
            title: check.name,
            description: crate::judge::checks::check(check.id)
                .map_or(String::new(), |rule| rule.wants.to_owned()),
            verdict: check.verdict,
            checks: vec![check.id],
        });
        Self {
            name: "checks".into(),
            title: "Checks".into(),
            remarks: "No framework was named.".into(),
            controls: controls.collect(),
            checks: audit.checks.iter().collect(),
        }
    }

    fn of_pack(audit: &'a Audit, at: usize, pack: &'a PackView) -> Self {
        let judged = |control: &'a ControlResult| Judged {
            id: &control.id,
            title: &control.title,
            description: control.further.iter().fold(
                format!(
                    "Coverage {}: {}",
                    control.coverage.as_str(),
                    control.rationale
                ),
                |text, further| format!("{text} {further}"),
            ),
            verdict: control.verdict,
            checks: control.checks.iter().map(String::as_str).collect(),
        };
        let controls: Vec<Judged<'a>> = pack.controls.iter().map(judged).collect();
        let named = |check: &&CheckResult| {
            let mut all = controls.iter().flat_map(|control| &control.checks);
            all.any(|id| *id == check.id)
        };
        Self {
            name: format!("{at} {}", pack.id),
            title: format!("{} {}", pack.name, pack.version),
            remarks: format!(
                "A ledger gives evidence that a control operated; it proves no control by itself. Mapping by {}.",
                pack.author
            ),
            checks: audit.checks.iter().filter(named).collect(),
            controls,
        }
    }
}

fn result(ids: &Ids, audit: &Audit, run: &Run<'_>) -> Value {
    let mut observations = Vec::new();
    let mut risks = Vec::new();
    for check in &run.checks {
        for (id, item) in shown(ids, run, check) {
            observations.push(observation(ids, audit, check, item, &id));
            if matches!(item.verdict, Verdict::Fail | Verdict::Exception) {
                risks.push(risk(ids, check, item, &id));
            }
        }
    }
    let findings: Vec<Value> = run
        .controls
        .iter()
        .map(|control| finding(ids, run, control))
        .collect();
    let selected = run
        .controls
        .iter()
        .map(|control| json!({"control-id": control.id}));
    let mut result = object(json!({
        "uuid": ids.of_name(&format!("result {}", run.name)),
        "title": text(&run.title),
        "description": text(&format!("Judged: {}.", audit.asked)),
        "start": audit.at,
        "end": audit.at,
        "reviewed-controls": {
            "control-selections": [{"include-controls": selected.collect::<Vec<_>>()}],
        },
        "remarks": text(&run.remarks),
    }));
    // An empty array is none.
    for (name, list) in [
        ("observations", observations),
        ("risks", risks),
        ("findings", findings),
    ] {
        if !list.is_empty() {
            result.insert(name.to_owned(), list.into());
        }
    }
    result.into()
}

/// The items of a check that have an observation, each with its id.
fn shown<'a>(
    ids: &'a Ids,
    run: &'a Run<'_>,
    check: &'a CheckResult,
) -> impl Iterator<Item = (String, &'a Item)> {
    let open = check
        .items
        .iter()
        .filter(|item| item.verdict != Verdict::Pass);
    let held = check
        .items
        .iter()
        .filter(|item| item.verdict == Verdict::Pass);
    open.chain(held.take(MOST_PASSES))
        .enumerate()
        .map(|(at, item)| {
            let name = format!("observation {} {} {at}", run.name, check.id);
            (ids.of_name(&name), item)
        })
}

fn observation(ids: &Ids, audit: &Audit, check: &CheckResult, item: &Item, id: &str) -> Value {
    let mut observation = object(json!({
        "uuid": id,
        "title": text(&format!("{} {}: {}", check.id, check.name, item.verdict.as_str())),
        "description": text(&words(item)),
        "props": [prop("verdict", item.verdict.as_str())],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": audit.at,
    }));
    let evidence: Vec<&EntryRow> = item
        .entries
        .iter()
        .filter_map(|seq| audit.entry(*seq))
        .collect();
    let Some(first) = evidence.first() else {
        return observation.into();
    };
    let subject = json!({
        "subject-uuid": ids.of_entry(first),
        "type": "resource",
        "title": text(&item.subject),
    });
    let evidence = evidence.iter().map(|entry| {
        let described = format!("entry {}: {}", entry.seq, entry.step);
        json!({"href": format!("#{}", ids.of_entry(entry)), "description": text(&described)})
    });
    observation.insert(
        "relevant-evidence".into(),
        evidence.collect::<Vec<_>>().into(),
    );
    observation.insert("subjects".into(), json!([subject]));
    observation.into()
}

fn risk(ids: &Ids, check: &CheckResult, item: &Item, observation: &str) -> Value {
    let status = match item.verdict {
        Verdict::Exception => "deviation-approved",
        _ => "open",
    };
    let meaning = item.reason.map_or("", |reason| reason.meaning());
    let mut risk = object(json!({
        "uuid": ids.of_name(&format!("risk {observation}")),
        "title": text(&format!("{} {}: {}", check.id, check.name, item.subject)),
        "description": text(&words(item)),
        "statement": text(meaning),
        "status": status,
        "related-observations": [{"observation-uuid": observation}],
    }));
    if let Some(remedy) = &item.remedy {
        risk.insert(
            "remediations".into(),
            json!([{
                "uuid": ids.of_name(&format!("remedy {observation}")),
                "lifecycle": "recommendation",
                "title": "What would mend it",
                "description": text(remedy),
            }]),
        );
    }
    risk.into()
}

fn finding(ids: &Ids, run: &Run<'_>, control: &Judged<'_>) -> Value {
    let mut observations = Vec::new();
    let mut risks = Vec::new();
    let mut left = 0;
    let checks = run
        .checks
        .iter()
        .filter(|check| control.checks.contains(&check.id));
    for check in checks {
        left += check.items.len();
        for (id, item) in shown(ids, run, check) {
            left -= 1;
            if matches!(item.verdict, Verdict::Fail | Verdict::Exception) {
                let risk = ids.of_name(&format!("risk {id}"));
                risks.push(json!({"risk-uuid": risk}));
            }
            observations.push(json!({"observation-uuid": id}));
        }
    }
    let (state, reason) = match control.verdict {
        Verdict::Pass => ("satisfied", "pass"),
        Verdict::Fail => ("not-satisfied", "fail"),
        _ => ("not-satisfied", "other"),
    };
    let mut finding = object(json!({
        "uuid": ids.of_name(&format!("finding {} {}", run.name, control.id)),
        "title": text(&format!("{}: {}", control.id, control.title)),
        "description": text(&control.description),
        "target": {
            "type": "objective-id",
            "target-id": control.id,
            "status": {"state": state, "reason": reason, "remarks": control.verdict.as_str()},
        },
    }));
    for (name, list) in [
        ("related-observations", observations),
        ("related-risks", risks),
    ] {
        if !list.is_empty() {
            finding.insert(name.to_owned(), list.into());
        }
    }
    if left > 0 {
        let remarks = format!("{left} more passes have no observation of their own.");
        finding.insert("remarks".into(), remarks.into());
    }
    finding.into()
}

fn resources(ids: &Ids, audit: &Audit) -> Vec<Value> {
    let resource = |id: String, title: String, fragment: &str, digest: Option<&Sha256>| {
        let mut link = object(json!({"href": format!("git+https://{}#{fragment}", audit.origin)}));
        if let Some(digest) = digest {
            let hash = json!({"algorithm": "SHA-256", "value": digest.to_string()});
            link.insert("hashes".into(), json!([hash]));
        }
        json!({"uuid": id, "title": text(&title), "rlinks": [link]})
    };
    let policy = audit.policy.as_ref().map(|mark| &mark.digest);
    let policy = resource(
        ids.of_name("policy"),
        "Policy in force".into(),
        "policy",
        policy,
    );
    let ledger = resource(
        ids.of_name("ledger"),
        format!("Ledger of {} entries, by its Merkle root", audit.size),
        "ledger",
        Some(&audit.root),
    );
    let entries = audit.entries.iter().map(|entry| {
        let title = format!("Entry {}: {} by {}", entry.seq, entry.step, entry.signer);
        let fragment = format!("entry-{}", entry.seq);
        resource(
            ids.of_entry(entry),
            title,
            &fragment,
            Some(&entry.attestation),
        )
    });
    [policy, ledger].into_iter().chain(entries).collect()
}

impl Ids {
    fn of_entry(&self, entry: &EntryRow) -> String {
        self.of_name(&format!("entry {}", entry.seq))
    }
}

fn props(audit: &Audit) -> Vec<Value> {
    let population = &audit.population;
    let counted = [
        ("commits", population.commits),
        ("commits-landed", population.commits_landed),
        ("landings", population.landings),
        ("landings-with-change", population.landings_with_change),
        ("changes", population.changes),
        ("deployments", population.deployments),
        ("self-signed", population.self_signed),
        ("observed", population.observed),
        ("corrected", population.corrected),
        ("entries", audit.size),
        ("entries-sealed", audit.sealed),
    ];
    let mut props = vec![
        prop("verdict", audit.verdict.as_str()),
        prop("tip", &audit.tip.to_string()),
        prop("root", &audit.root.to_string()),
        prop("asked", &audit.asked),
        prop("pin", &audit.pin),
    ];
    props.extend(
        counted
            .iter()
            .map(|(name, count)| prop(name, &count.to_string())),
    );
    props.extend(audit.not_covered.iter().map(|it| prop("not-covered", it)));
    props
}

// A property's value is no markup.
fn prop(name: &str, value: &str) -> Value {
    let value = line(value);
    let value = match value.trim() {
        "" => "none",
        value => value,
    };
    json!({"name": name, "ns": NAMESPACE, "value": value})
}

fn words(item: &Item) -> String {
    let mut words = item.subject.clone();
    if let Some(reason) = item.reason {
        words.push_str(&format!(": {reason}: {}", reason.meaning()));
    }
    if !item.detail.is_empty() {
        words.push_str(&format!(" ({})", item.detail));
    }
    words
}

// Neither empty nor with white space at an end, which the schema refuses.
fn text(text: &str) -> String {
    match text.trim() {
        "" => "none".to_owned(),
        text => cell(text),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
