//! An audit's items as CSV (RFC 4180), safe in a spreadsheet.

use super::audit::Audit;
use super::escape::line;

/// One row an item of a check, the heading first; `coming-fail` is what fails once the check is in force.
///
/// A field that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return)
/// begins with an apostrophe.
pub fn csv(audit: &Audit) -> String {
    let mut out = row(&[
        "check", "name", "subject", "verdict", "reason", "detail", "entries", "remedy",
    ]
    .map(str::to_owned));
    for check in &audit.checks {
        let coming = check.coming.iter().flat_map(|coming| &coming.items);
        let items = check.items.iter().map(|item| (item, ""));
        for (item, mark) in items.chain(coming.map(|item| (item, "coming-"))) {
            let entries: Vec<String> = item.entries.iter().map(u64::to_string).collect();
            out.push_str(&row(&[
                check.id.to_owned(),
                check.name.to_owned(),
                item.subject.clone(),
                format!("{mark}{}", item.verdict.as_str()),
                item.reason
                    .map(|reason| reason.to_string())
                    .unwrap_or_default(),
                item.detail.clone(),
                entries.join(" "),
                item.remedy.clone().unwrap_or_default(),
            ]));
        }
    }
    out
}

pub(super) fn row(fields: &[String]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    let shown = line(field);
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", shown.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_and_quotes_are_no_more() {
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(quoted("a,b\nc"), "\"a,b\\nc\"");
        assert_eq!(quoted("\t=1"), "\"'\\t=1\"");
    }
}
