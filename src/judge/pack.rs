//! Packs: which checks speak for which controls of a framework.
//!
//! A pack is TOML: ids, a summary in our own words, checks, how far they reach, and why. It has no logic: a
//! control's verdict is the heaviest of its checks'. A control that asks for more than policies usually do has parameters, a
//! check's table as a policy would have it: its check must then hold by the policy's parameters and by these. The
//! framework's own text is never shipped.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::demands::parameters;
use super::{CheckResult, Item, Verdict, checks, overall};
use crate::policy::rules::Checks;

/// A framework's controls, mapped to checks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// A short name: `[a-z0-9-]`.
    pub id: String,
    /// The framework's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who made the mapping.
    pub author: String,
    /// The controls.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// A control, and the checks that speak for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its id in the framework, in lower case, with dots for parentheses: `cm-3.2`.
    pub id: String,
    /// What it asks for, in our own words.
    pub title: String,
    /// The checks.
    pub checks: Vec<String>,
    /// What the control asks of some of them, besides what the policy does.
    #[serde(default)]
    pub parameters: Checks,
    /// How far they reach.
    pub coverage: Coverage,
    /// Why they speak for it, and what they leave open.
    pub rationale: String,
    /// What its framework says of it, where the user has its catalog.
    #[serde(skip)]
    pub official: Option<Official>,
}

/// What a framework says of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Official {
    /// Its title.
    pub title: String,
    /// Its statement; may be empty.
    pub text: String,
    /// The catalog: title, version, digest.
    pub source: String,
}

/// How far a control's checks reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coverage {
    /// As far as the control asks, given the evidence.
    Full,
    /// A part of it.
    Partial,
    /// They support it, and show none of it.
    Supporting,
}

/// What a control's checks say together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ControlResult {
    /// Its id.
    pub id: String,
    /// What it asks for.
    pub title: String,
    /// The heaviest of its checks' verdicts.
    pub verdict: Verdict,
    /// How far they reach.
    pub coverage: Coverage,
    /// Its checks.
    pub checks: Vec<String>,
    /// What it asks of some of them besides the policy, and what came of that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Further>,
    /// Why.
    pub rationale: String,
    /// What its framework says of it, where the user has its catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub official: Option<Official>,
}

/// A check with a control's own parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Further {
    /// The check.
    pub check: String,
    /// The parameters, in words.
    pub parameters: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What does not hold, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
}

impl Further {
    fn of(result: &CheckResult, asked: &Checks) -> Self {
        let weak = |item: &&Item| !matches!(item.verdict, Verdict::Pass | Verdict::Exception);
        let line = |item: &Item| match (item.reason, item.detail.as_str()) {
            (Some(reason), "") => format!("{}: {reason}", item.subject),
            (Some(reason), detail) => format!("{}: {reason}: {detail}", item.subject),
            (None, detail) => format!("{}: {detail}", item.subject),
        };
        Self {
            check: result.id.to_owned(),
            parameters: parameters(asked, result.id).unwrap_or_default(),
            verdict: result.verdict,
            items: result.items.iter().filter(weak).map(line).collect(),
        }
    }
}

impl fmt::Display for Further {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let (check, verdict) = (&self.check, self.verdict.as_str());
        write!(f, "Besides: {check} with {}: {verdict}", self.parameters)?;
        let shown = self.items.len().min(SHOWN);
        if shown > 0 {
            write!(f, " ({}", self.items[..shown].join("; "))?;
            match self.items.len() - shown {
                0 => write!(f, ")")?,
                more => write!(f, "; {more} more)")?,
            }
        }
        write!(f, ".")
    }
}

/// Why a text is no pack. Lines and columns are in the source's message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// No TOML, or not the shape.
    #[error("no pack")]
    Toml(#[from] toml::de::Error),
    /// An id of other characters.
    #[error("{found:?} is not an id of [a-z0-9.-], the first a letter")]
    Id {
        /// The id.
        found: String,
    },
    /// A check that there is not.
    #[error("control {control} names {found:?}, which is no check")]
    Check {
        /// The control.
        control: String,
        /// What it names.
        found: String,
    },
    /// Parameters of a check that the control does not name, or a time from which on they are asked.
    #[error(
        "control {control} has parameters for {found}, which it does not name, or which cannot start later"
    )]
    Parameters {
        /// The control.
        control: String,
        /// The check.
        found: String,
    },
    /// A control that nothing speaks for, or that stands there twice.
    #[error("control {control} stands there twice, or names no check")]
    Control {
        /// Its id.
        control: String,
    },
}

const SHIPPED: &[&str] = &[
    include_str!("packs/slsa.toml"),
    include_str!("packs/nist-800-53.toml"),
    include_str!("packs/ssdf.toml"),
    include_str!("packs/osps.toml"),
    include_str!("packs/soc2.toml"),
    include_str!("packs/ai.toml"),
];

/// The packs that come with the program.
pub fn shipped() -> Vec<Pack> {
    let read = |text: &&str| Pack::parse(text).expect("a test reads every pack that is shipped");
    SHIPPED.iter().map(read).collect()
}

impl Pack {
    /// Reads a pack.
    pub fn parse(text: &str) -> Result<Self, PackError> {
        let pack: Self = toml::from_str(text)?;
        let is_id = |id: &str| {
            id.starts_with(|c: char| c.is_ascii_lowercase())
                && id
                    .chars()
                    .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-'))
        };
        let ids = pack
            .controls
            .iter()
            .map(|control| &control.id)
            .chain([&pack.id]);
        if let Some(found) = ids.into_iter().find(|id| !is_id(id)) {
            return Err(PackError::Id {
                found: found.clone(),
            });
        }
        for (at, control) in pack.controls.iter().enumerate() {
            let before = &pack.controls[..at];
            if control.checks.is_empty() || before.iter().any(|other| other.id == control.id) {
                return Err(PackError::Control {
                    control: control.id.clone(),
                });
            }
            let asked = &control.parameters;
            let is_odd = |id: &&str| {
                asked.effective_from(id).is_some() || !control.checks.iter().any(|one| one == id)
            };
            if let Some(found) = asked.enforced().into_iter().find(|id| is_odd(id)) {
                return Err(PackError::Parameters {
                    control: control.id.clone(),
                    found: found.to_owned(),
                });
            }
            if let Some(found) = control.checks.iter().find(|id| checks::check(id).is_none()) {
                return Err(PackError::Check {
                    control: control.id.clone(),
                    found: found.clone(),
                });
            }
        }
        Ok(pack)
    }

    /// The checks that it needs, each once, in their order.
    pub fn checks(&self) -> Vec<&'static str> {
        let named = |id: &str| {
            self.controls
                .iter()
                .any(|control| control.checks.iter().any(|check| check == id))
        };
        checks::ALL
            .iter()
            .map(|check| check.id)
            .filter(|id| named(id))
            .collect()
    }

    /// What the results of checks say of each control, and those of checks run again with its own parameters. A check
    /// without a result leaves it unknown.
    pub fn apply(
        &self,
        results: &[CheckResult],
        again: impl Fn(&Checks, &[&str]) -> Vec<CheckResult>,
    ) -> Vec<ControlResult> {
        let further = |control: &Control| {
            let ids = control.parameters.enforced();
            let mut results = match ids.is_empty() {
                true => Vec::new(),
                false => again(&control.parameters, &ids),
            };
            results.retain(|result| ids.contains(&result.id));
            results
        };
        let verdict = |control: &Control, further: &[CheckResult]| {
            let found: Vec<&CheckResult> = control
                .checks
                .iter()
                .filter_map(|id| results.iter().find(|result| result.id == id))
                .collect();
            let asked = control.parameters.enforced().len();
            let lacks = found.len() < control.checks.len() || further.len() < asked;
            let missing = lacks.then_some(Verdict::Unknown);
            overall(found.into_iter().chain(further)).max(missing.unwrap_or(Verdict::NotApplicable))
        };
        let controls = self.controls.iter().map(|control| {
            let further = further(control);
            let of = |result| Further::of(result, &control.parameters);
            ControlResult {
                id: control.id.clone(),
                title: control.title.clone(),
                verdict: verdict(control, &further),
                coverage: control.coverage,
                checks: control.checks.clone(),
                further: further.iter().map(of).collect(),
                rationale: control.rationale.clone(),
                official: control.official.clone(),
            }
        });
        controls.collect()
    }
}

impl Control {
    /// What it asks of checks besides the policy, in words; empty where nothing.
    pub fn besides(&self) -> String {
        let asked = &self.parameters;
        let of = |id| {
            format!(
                " Besides: {id} with {}.",
                parameters(asked, id).unwrap_or_default()
            )
        };
        asked.enforced().into_iter().map(of).collect()
    }
}

impl Coverage {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Supporting => "supporting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_pack_is_read_and_has_a_name_of_its_own() {
        let packs = shipped();
        assert_eq!(packs.len(), SHIPPED.len());
        for (at, pack) in packs.iter().enumerate() {
            assert!(
                packs[..at].iter().all(|other| other.id != pack.id),
                "{}",
                pack.id
            );
            assert!(!pack.checks().is_empty());
        }
    }

    #[test]
    fn a_control_is_as_its_heaviest_check_and_unknown_without_one() {
        let pack = Pack::parse(
            "id = 'p'\nname = 'P'\nversion = '1'\nauthor = 'a'\n[[control]]\nid = 'c-1'\ntitle = 't'\nchecks = ['C01', 'C05']\ncoverage = 'full'\nrationale = 'r'\n",
        );
        let pack = pack.expect("a pack");
        let result = |id, verdict| CheckResult {
            id,
            name: "n",
            verdict,
            counts: Default::default(),
            items: Vec::new(),
            coming: None,
        };
        let say = |results: &[CheckResult]| pack.apply(results, |_, _| Vec::new())[0].verdict;
        assert_eq!(say(&[]), Verdict::Unknown);
        assert_eq!(say(&[result("C01", Verdict::Pass)]), Verdict::Unknown);
        let idle = [
            result("C01", Verdict::Pass),
            result("C05", Verdict::NotApplicable),
        ];
        assert_eq!(
            say(&idle),
            Verdict::NotApplicable,
            "a sound ledger alone shows no control"
        );
        assert_eq!(
            say(&[
                result("C01", Verdict::Pass),
                result("C05", Verdict::Exception)
            ]),
            Verdict::Exception
        );
        assert_eq!(
            say(&[
                result("C01", Verdict::Fail),
                result("C05", Verdict::Unknown)
            ]),
            Verdict::Fail
        );
    }

    #[test]
    fn bad_packs_are_refused() {
        let head = "id = 'p'\nname = 'P'\nversion = '1'\nauthor = 'a'\n";
        let control = |id: &str, checks: &str| {
            format!(
                "[[control]]\nid = '{id}'\ntitle = 't'\nchecks = {checks}\ncoverage = 'full'\nrationale = 'r'\n"
            )
        };
        for bad in [
            head.to_owned(),
            format!("{head}{}", control("CM-3", "['C01']")),
            format!("{head}{}", control("cm-3(2)", "['C01']")),
            format!("{head}{}", control("c", "[]")),
            format!("{head}{}", control("c", "['C99']")),
            format!("{head}{0}{0}", control("c", "['C01']")),
            format!("{head}extra = 1\n"),
        ] {
            assert!(Pack::parse(&bad).is_err(), "{bad}");
        }
    }
}
