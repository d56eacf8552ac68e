//! An audit's failures and exceptions as SARIF 2.1.0 (OASIS), for code scanning views.

use serde_json::{Value, json};

use super::audit::Audit;
use super::escape::line;
use crate::judge::{Verdict, checks};

/// As many results as readers take.
const MOST: usize = 25_000;

/// One run; a rule a check, a result a failed or excepted item (suppressed), a warning what fails once its check is in
/// force. Unknown items are none: SARIF has no word
/// for what nobody can tell.
pub fn sarif(audit: &Audit) -> Value {
    let rules = checks::ALL.iter().map(|check| {
        json!({
            "id": check.id,
            "name": check.name,
            "shortDescription": {"text": check.wants},
            "helpUri": "https://git-docket.dev/checks",
        })
    });
    let mut results = Vec::new();
    for check in &audit.checks {
        let index = checks::ALL.iter().position(|one| one.id == check.id);
        let coming = check.coming.iter().flat_map(|coming| &coming.items);
        let items = check.items.iter().map(|item| (item, "error"));
        for (item, level) in items
            .chain(coming.map(|item| (item, "warning")))
            .filter(|(item, _)| matches!(item.verdict, Verdict::Fail | Verdict::Exception))
        {
            let reason = item
                .reason
                .map(|reason| reason.to_string())
                .unwrap_or_default();
            let entries: Vec<String> = item
                .entries
                .iter()
                .map(|seq| format!("entry {seq}"))
                .collect();
            let mut result = json!({
                "ruleId": check.id,
                "ruleIndex": index,
                "level": level,
                "message": {"text": line(&format!("{}: {reason}: {}", item.subject, item.detail))},
                "locations": [{
                    "physicalLocation": {"artifactLocation": {"uri": ".docket.toml"}},
                    "logicalLocations": entries.iter().map(|entry| json!({"name": entry, "kind": "member"})).collect::<Vec<_>>(),
                }],
                "partialFingerprints": {"docket/v1": fingerprint(check.id, &item.subject, &reason)},
            });
            if item.verdict == Verdict::Exception {
                result["suppressions"] =
                    json!([{"kind": "external", "justification": line(&item.detail)}]);
            }
            results.push(result);
        }
    }
    results.truncate(MOST);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "git-docket",
                "informationUri": "https://git-docket.dev",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<_>>(),
            }},
            "results": results,
            "columnKind": "unicodeCodePoints",
            "properties": {"origin": audit.origin, "root": audit.root, "at": audit.at},
        }],
    })
}

fn fingerprint(check: &str, subject: &str, reason: &str) -> String {
    crate::digest::Sha256::of_parts(&[
        check.as_bytes(),
        b"\0",
        subject.as_bytes(),
        b"\0",
        reason.as_bytes(),
    ])
    .to_string()
}
