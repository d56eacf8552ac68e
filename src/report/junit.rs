//! An audit as JUnit XML, for the test views of CI systems.
//!
//! A suite is a check, a case an item. A failed item is a `failure`; one that cannot be told an `error`; one that is allowed
//! not to hold is `skipped`, and so is what does not hold before its check is in force. A check that had nothing to look at
//! is one skipped case, so that a suite is never empty. Text of others is written out as on a terminal, which leaves no
//! character that XML 1.0 §2.2 forbids, and escaped.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::audit::Audit;
use super::escape::line;
use crate::judge::{CheckResult, Counts, Item, Verdict};

type Out = Writer<Vec<u8>>;

/// One `testsuites` element.
///
/// # Errors
/// None that a buffer in memory can have.
pub fn junit(audit: &Audit) -> io::Result<String> {
    let mut out = Writer::new_with_indent(Vec::new(), b' ', 2);
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut all = Totals::default();
    audit.checks.iter().for_each(|check| all.add(check));
    let name = line(&format!("audit of {}", audit.origin));
    let totals = all.attributes();
    out.create_element("testsuites")
        .with_attributes([("name", name.as_str())])
        .with_attributes(totals.iter().map(|(name, value)| (*name, value.as_str())))
        .write_inner_content(|out| {
            audit
                .checks
                .iter()
                .try_for_each(|check| suite(out, audit, check))
        })?;
    let mut text = String::from_utf8(out.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn suite(out: &mut Out, audit: &Audit, check: &CheckResult) -> io::Result<()> {
    let mut totals = Totals::default();
    totals.add(check);
    let totals = totals.attributes();
    let (name, time) = (format!("{} {}", check.id, check.name), audit.at.to_string());
    out.create_element("testsuite")
        .with_attributes([("name", name.as_str()), ("timestamp", time.as_str())])
        .with_attributes(totals.iter().map(|(name, value)| (*name, value.as_str())))
        .write_inner_content(|out| {
            properties(out, audit)?;
            for item in &check.items {
                case(out, check, &item.subject, |out| said(out, item))?;
            }
            for item in check.coming.iter().flat_map(|coming| &coming.items) {
                case(out, check, &item.subject, |out| not_yet(out, check, item))?;
            }
            match check.items.is_empty() && check.coming.is_none() {
                true => case(out, check, "nothing that it is about", |out| {
                    told(out, "skipped", "not-applicable", "")
                }),
                false => Ok(()),
            }
        })?;
    Ok(())
}

fn properties(out: &mut Out, audit: &Audit) -> io::Result<()> {
    let size = audit.size.to_string();
    let (tip, root) = (audit.tip.to_string(), audit.root.to_string());
    let known = [
        ("origin", audit.origin.as_str()),
        ("asked", &audit.asked),
        ("tip", &tip),
        ("size", &size),
        ("root", &root),
    ];
    out.create_element("properties")
        .write_inner_content(|out| {
            for (name, value) in known {
                let property = out.create_element("property");
                property
                    .with_attributes([("name", name), ("value", line(value).as_str())])
                    .write_empty()?;
            }
            Ok(())
        })?;
    Ok(())
}

fn case(
    out: &mut Out,
    check: &CheckResult,
    subject: &str,
    said: impl FnOnce(&mut Out) -> io::Result<()>,
) -> io::Result<()> {
    let class = format!("git-docket.{}", check.id);
    let name = line(subject);
    let attributes = [
        ("classname", class.as_str()),
        ("name", name.as_str()),
        ("time", "0"),
    ];
    out.create_element("testcase")
        .with_attributes(attributes)
        .write_inner_content(said)?;
    Ok(())
}

fn said(out: &mut Out, item: &Item) -> io::Result<()> {
    let element = match item.verdict {
        Verdict::Fail => "failure",
        Verdict::Unknown => "error",
        Verdict::Exception => "skipped",
        Verdict::Pass | Verdict::NotApplicable => return Ok(()),
    };
    told(out, element, reason(item), &words(item))
}

fn not_yet(out: &mut Out, check: &CheckResult, item: &Item) -> io::Result<()> {
    let from = check.coming.as_ref().map(|coming| coming.from.to_string());
    let words = format!(
        "in force from {} on. {}",
        from.unwrap_or_default(),
        words(item)
    );
    told(out, "skipped", reason(item), &words)
}

fn reason(item: &Item) -> &'static str {
    item.reason.map_or("", |reason| reason.as_str())
}

fn words(item: &Item) -> String {
    let meaning = item.reason.map_or("", |reason| reason.meaning());
    let mut words = format!("{meaning} {}", item.detail);
    for seq in &item.entries {
        words.push_str(&format!(" #{seq}"));
    }
    if let Some(remedy) = &item.remedy {
        words.push_str(&format!(" Mend: {remedy}"));
    }
    words.trim().to_owned()
}

// The reason's name is the message and the type: the first is what views show, the second what they group by.
fn told(out: &mut Out, element: &str, reason: &str, words: &str) -> io::Result<()> {
    let words = line(words);
    out.create_element(element)
        .with_attributes([("message", reason), ("type", reason)])
        .write_text_content(BytesText::new(&words))?;
    Ok(())
}

/// What the attributes of suites count.
#[derive(Default)]
struct Totals {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Totals {
    fn add(&mut self, check: &CheckResult) {
        let Counts {
            exception,
            unknown,
            fail,
            ..
        } = check.counts;
        let coming = check.coming.as_ref().map_or(0, |coming| coming.items.len());
        let idle = u64::from(check.items.is_empty() && check.coming.is_none());
        self.tests += (check.items.len() + coming) as u64 + idle;
        self.failures += fail;
        self.errors += unknown;
        self.skipped += exception + coming as u64 + idle;
    }

    fn attributes(&self) -> [(&'static str, String); 4] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("skipped", self.skipped.to_string()),
        ]
    }
}
