//! VEX: findings that somebody says do no harm. They become exceptions only where a human grants them.

use serde_json::Value;

use super::{Error, Kind, list_of, text_of};

/// A finding, and why it does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Justified {
    /// `CVE-2026-1234`
    pub id: String,
    /// The product that it is said of; none: of everything.
    pub product: Option<String>,
    /// In the document's words.
    pub why: String,
}

/// OpenVEX (<https://github.com/openvex/spec>): statements of status `not_affected` and `fixed`.
pub(super) fn openvex(value: &Value) -> Result<Vec<Justified>, Error> {
    let kind = Kind::OpenVex;
    let mut found = Vec::new();
    for statement in list_of(kind, &value["statements"], "statements")? {
        let status = text_of(kind, &statement["status"], "statements[].status")?;
        if !matches!(status, "not_affected" | "fixed") {
            continue;
        }
        let named = &statement["vulnerability"];
        let id = text_of(
            kind,
            if named.is_object() {
                &named["name"]
            } else {
                named
            },
            "statements[].vulnerability.name",
        )?;
        let why = [&statement["justification"], &statement["impact_statement"]];
        let why: Vec<&str> = why.into_iter().filter_map(Value::as_str).collect();
        let why = if why.is_empty() {
            status.to_owned()
        } else {
            why.join(": ")
        };
        let products = statement["products"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let names = products
            .iter()
            .filter_map(|product| product.as_str().or(product["@id"].as_str()));
        add(&mut found, id, names, &why);
    }
    Ok(found)
}

/// CycloneDX: vulnerabilities whose analysis says `not_affected`, `false_positive`, `resolved` or
/// `resolved_with_pedigree`.
pub(super) fn cyclonedx(value: &Value) -> Result<Vec<Justified>, Error> {
    let kind = Kind::CycloneDxVex;
    let mut found = Vec::new();
    for vulnerability in list_of(kind, &value["vulnerabilities"], "vulnerabilities")? {
        let analysis = &vulnerability["analysis"];
        let harmless = [
            "not_affected",
            "false_positive",
            "resolved",
            "resolved_with_pedigree",
        ];
        let Some(state) = analysis["state"]
            .as_str()
            .filter(|state| harmless.contains(state))
        else {
            continue;
        };
        let id = text_of(kind, &vulnerability["id"], "vulnerabilities[].id")?;
        let why = [&analysis["justification"], &analysis["detail"]];
        let why: Vec<&str> = why.into_iter().filter_map(Value::as_str).collect();
        let why = if why.is_empty() {
            state.to_owned()
        } else {
            why.join(": ")
        };
        let affects = vulnerability["affects"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        add(
            &mut found,
            id,
            affects.iter().filter_map(|one| one["ref"].as_str()),
            &why,
        );
    }
    Ok(found)
}

fn add<'a>(
    found: &mut Vec<Justified>,
    id: &str,
    products: impl Iterator<Item = &'a str>,
    why: &str,
) {
    let before = found.len();
    let one = |product: Option<String>| Justified {
        id: id.to_owned(),
        product,
        why: why.to_owned(),
    };
    found.extend(products.map(|product| one(Some(product.to_owned()))));
    if found.len() == before {
        found.push(one(None));
    }
}
