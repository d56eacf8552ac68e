//! The forms that an audit can take, by name.

use std::io;
use std::str::FromStr;

use super::audit::Audit;
use super::{csv, html, json, junit, markdown, oscal, sarif};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Markdown: [`markdown`].
    Markdown,
    /// One page: [`html`].
    Html,
    /// Rows: [`csv`].
    Csv,
    /// SARIF 2.1.0: [`sarif`].
    Sarif,
    /// JUnit XML: [`junit`].
    Junit,
    /// OSCAL assessment results 1.2.1: [`oscal`].
    Oscal,
    /// The whole of it: [`json`].
    Json,
}

/// A word that names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is none of {}", Form::ALL.map(Form::as_str).join(", "))]
pub struct FormError {
    found: String,
}

/// Why an audit cannot be put into a form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// JSON cannot say it.
    #[error("the audit cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// XML cannot.
    #[error("the audit cannot be written as XML")]
    Xml(#[from] io::Error),
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 7] = [
        Self::Markdown,
        Self::Html,
        Self::Csv,
        Self::Sarif,
        Self::Junit,
        Self::Oscal,
        Self::Json,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Oscal => "oscal",
            Self::Json => "json",
        }
    }

    /// The audit in this form.
    ///
    /// # Errors
    /// Where the form cannot say it.
    pub fn render(self, audit: &Audit) -> Result<String, RenderError> {
        Ok(match self {
            Self::Markdown => markdown::markdown(audit),
            Self::Html => html::html(audit),
            Self::Csv => csv::csv(audit),
            Self::Sarif => format!("{:#}\n", sarif::sarif(audit)),
            Self::Junit => junit::junit(audit)?,
            Self::Oscal => format!("{:#}\n", oscal::oscal(audit)),
            Self::Json => json::document(audit)?,
        })
    }
}

impl FromStr for Form {
    type Err = FormError;

    fn from_str(text: &str) -> Result<Self, FormError> {
        // Markdown is what people read on a terminal too.
        if text == "text" {
            return Ok(Self::Markdown);
        }
        let found = Self::ALL.into_iter().find(|form| form.as_str() == text);
        found.ok_or_else(|| FormError {
            found: text.to_owned(),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::finding::Code;
    use crate::judge::{CheckResult, Item, Reason, Verdict};
    use crate::report::audit::Population;
    use crate::timestamp::Timestamp;

    /// An audit whose items are one for each reason, and one for each finding of a replay.
    pub(in crate::report) fn audit() -> Audit {
        let of = |id, name, mut items: Vec<Item>| {
            items.sort_by_key(|item| std::cmp::Reverse(item.verdict));
            CheckResult::counted(id, name, items)
        };
        let reasons = Reason::ALL
            .iter()
            .map(|reason| Item::of(format!("item of {reason}"), *reason, ""));
        let codes = Code::ALL.iter().map(|code| {
            let detail = format!("{}: seen", code.as_str());
            Item::of("ledger", Reason::LedgerBroken, detail).resting_on([3])
        });
        Audit {
            origin: "git.example.com/acme/app".into(),
            asked: "the whole ledger".into(),
            at: Timestamp::from_unix(1_795_341_600).unwrap(),
            tip: "sha1:0123456789abcdef0123456789abcdef01234567"
                .parse()
                .unwrap(),
            size: 4,
            root: crate::digest::Sha256::of(b"root"),
            sealed: 4,
            policy: None,
            pin: "none".into(),
            verdict: Verdict::Fail,
            population: Population::default(),
            not_covered: Vec::new(),
            exceptions: Vec::new(),
            packs: Vec::new(),
            checks: vec![
                of("C01", "chain-intact", codes.collect()),
                of("C05", "four-eyes", reasons.collect()),
            ],
            entries: Vec::new(),
            trails: Default::default(),
            is_narrowed: false,
        }
    }

    #[test]
    fn every_form_carries_every_finding_and_reason() {
        let audit = audit();
        for form in Form::ALL {
            let text = form.render(&audit).unwrap();
            for code in Code::ALL {
                assert!(text.contains(code.as_str()), "{}: {code}", form.as_str());
            }
            // SARIF has failures and exceptions only.
            let wanted = Reason::ALL
                .iter()
                .filter(|reason| form != Form::Sarif || reason.verdict() == Verdict::Fail);
            for reason in wanted {
                // HTML escapes nothing in them, XML neither: they are kebab-case.
                assert!(
                    text.contains(reason.as_str()),
                    "{}: {reason}",
                    form.as_str()
                );
            }
        }
    }

    #[test]
    fn a_form_is_named_by_its_word() {
        for form in Form::ALL {
            assert_eq!(form.as_str().parse(), Ok(form));
        }
        assert!("JUnit".parse::<Form>().is_err());
    }
}
