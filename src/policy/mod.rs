//! What a ledger's policy asks for: which steps, attested by whom, as what.
//!
//! A policy is TOML text that stands in the ledger, so that an entry can be judged by the text that was in
//! force at its seq: protected refs, steps, and the checks that are enforced with their parameters ([`rules`]).
//! A key that it does not know it refuses, with the line and column. Manual: `git docket help policy`.

pub mod rules;

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use self::rules::{Ai, Checks, EnvironmentRule, PathClass, Reports};
use crate::roster::{IdError, Role};
use crate::statement::predicate::{self, MAX_KEPT_BYTES, MAX_POLICY_BYTES, PolicyText, Predicate};
use crate::statement::{PredicateType, PredicateTypeError, Step};

/// The only version there is.
pub const VERSION: i64 = 1;

/// A policy that keeps its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    protected: Vec<String>,
    steps: Vec<StepRule>,
    environments: Vec<EnvironmentRule>,
    path_classes: Vec<PathClass>,
    checks: Checks,
    ai: Ai,
    reports: Reports,
}

/// What a policy says about one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRule {
    name: Step,
    types: Vec<PredicateType>,
    roles: Vec<Role>,
    requirement: Requirement,
    count: u32,
}

/// Whether a step may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Without it the verdict is undecided.
    Required,
    /// It is judged where it is there.
    Optional,
}

/// Why a text is no policy. Lines and columns count from 1, columns in characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("policy of {bytes} bytes, more than {MAX_POLICY_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// No TOML, a key that is unknown or missing, or a value that a key cannot have.
    #[error("line {line}, column {column}: {}", source.message())]
    Toml {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// What is wrong there.
        source: toml::de::Error,
    },
    /// What is written there breaks a rule.
    #[error("line {line}, column {column}: {fault}")]
    Rule {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// Which rule.
        fault: Fault,
    },
    /// The policy that is extended does not read.
    #[error("the policy that is extended")]
    Extended(#[source] Box<Error>),
    /// Something that the policy extended says otherwise.
    #[error("{what} stands in the policy that is extended, and may be added to by nobody")]
    Changed {
        /// The table.
        what: String,
    },
    /// The predicate around the text breaks its own rules.
    #[error(transparent)]
    Predicate(#[from] predicate::Error),
}

/// A rule of the policy's text that was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A version that this reader does not know.
    #[error("policy version {found}; this program knows version {VERSION}")]
    Version {
        /// What it says.
        found: i64,
    },
    /// A protected ref that is no full ref name.
    #[error("{found:?} is no full ref name such as \"refs/heads/main\"")]
    Ref {
        /// What it says.
        found: String,
    },
    /// Two rules for one step.
    #[error("step {step} has a rule already")]
    RepeatedStep {
        /// The step.
        step: Step,
    },
    /// A type that is neither a short name nor a URI.
    #[error(transparent)]
    Type(#[from] PredicateTypeError),
    /// A role that is none.
    #[error(transparent)]
    Role(#[from] IdError),
    /// A step that no type or no role could ever satisfy.
    #[error("step {step} names no {what}; nothing could ever satisfy it")]
    Nothing {
        /// The step.
        step: Step,
        /// `type` or `role`.
        what: &'static str,
    },
    /// Two environments or two classes of paths of one name.
    #[error("{what} {name:?} stands there already")]
    Repeated {
        /// `environment` or `pathClass`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// An environment that is to come after one that no table names, or after itself.
    #[error("environment {after:?} is none of the policy's that come before")]
    After {
        /// What it says.
        after: String,
    },
    /// A count of persons that is not 1 to 1000.
    #[error("count {found} is not 1 to 1000 persons")]
    Count {
        /// What it says.
        found: i64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<i64>,
    #[serde(default)]
    protected: Vec<Spanned<String>>,
    #[serde(default)]
    step: Vec<RawStep>,
    #[serde(default)]
    environment: Vec<Spanned<EnvironmentRule>>,
    #[serde(default, rename = "pathClass")]
    path_class: Vec<Spanned<PathClass>>,
    #[serde(default)]
    checks: Checks,
    #[serde(default)]
    ai: Ai,
    #[serde(default)]
    reports: Reports,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    name: Spanned<Step>,
    types: Spanned<Vec<Spanned<String>>>,
    roles: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    required: bool,
    count: Option<Spanned<i64>>,
}

/// A fault and the bytes it stands at.
type Located = (Fault, Range<usize>);

impl Policy {
    /// The same, but for the tables of these checks.
    pub fn asking(&self, checks: &Checks) -> Self {
        Self {
            checks: self.checks.with(checks),
            ..self.clone()
        }
    }

    /// Reads a policy's text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(Error::TooLong { bytes: text.len() });
        }
        let raw: Raw = toml::from_str(text).map_err(|source| {
            let start = source.span().map_or(0, |span| span.start);
            let (line, column) = position(text, start);
            Error::Toml {
                line,
                column,
                source,
            }
        })?;
        Self::from_raw(raw).map_err(|(fault, span)| {
            let (line, column) = position(text, span.start);
            Error::Rule {
                line,
                column,
                fault,
            }
        })
    }

    /// Reads a policy as it stands in a ledger: the digest must be the text's. Where it extends another whose text is
    /// there, it may add to that, and change nothing of it.
    pub fn from_predicate(policy: &PolicyText) -> Result<Self, Error> {
        policy.validate()?;
        let own = Self::parse(&policy.text)?;
        let extends = policy.extends.as_ref();
        match extends.and_then(|extends| extends.document.as_ref()) {
            None => Ok(own),
            Some(document) => {
                let base =
                    Self::parse(document).map_err(|error| Error::Extended(Box::new(error)))?;
                own.onto(base)
            }
        }
    }

    // A table that stands in both must say the same: who builds on a policy may not weaken it.
    fn onto(self, mut base: Self) -> Result<Self, Error> {
        let changed = |what: String| Err(Error::Changed { what });
        for name in self.protected {
            if !base.protected.contains(&name) {
                base.protected.push(name);
            }
        }
        for rule in self.steps {
            match base.step(&rule.name) {
                None => base.steps.push(rule),
                Some(known) if *known == rule => {}
                Some(_) => return changed(format!("step {}", rule.name)),
            }
        }
        for rule in self.environments {
            match base.environment(&rule.name) {
                None => base.environments.push(rule),
                Some(known) if *known == rule => {}
                Some(_) => return changed(format!("environment {}", rule.name)),
            }
        }
        for class in self.path_classes {
            match base
                .path_classes
                .iter()
                .find(|known| known.name == class.name)
            {
                None => base.path_classes.push(class),
                Some(known) if *known == class => {}
                Some(_) => return changed(format!("pathClass {}", class.name)),
            }
        }
        if let Err(id) = base.checks.add(self.checks) {
            return changed(format!("checks.{id}"));
        }
        if base.ai == Ai::default() {
            base.ai = self.ai;
        } else if self.ai != Ai::default() && self.ai != base.ai {
            return changed("ai".to_owned());
        }
        if base.reports == Reports::default() {
            base.reports = self.reports;
        } else if self.reports != Reports::default() && self.reports != base.reports {
            return changed("reports".to_owned());
        }
        Ok(base)
    }

    /// A policy to start from: it requires nothing, and its comments show how to.
    pub fn template() -> &'static str {
        TEMPLATE
    }

    /// The refs whose commits the policy is about, by full name.
    pub fn protected(&self) -> &[String] {
        &self.protected
    }

    /// The environments that it speaks of, each after those that it names.
    pub fn environments(&self) -> &[EnvironmentRule] {
        &self.environments
    }

    /// The rule for an environment.
    pub fn environment(&self, name: &str) -> Option<&EnvironmentRule> {
        self.environments.iter().find(|rule| rule.name == name)
    }

    /// The classes of paths.
    pub fn path_classes(&self) -> &[PathClass] {
        &self.path_classes
    }

    /// The checks that are enforced, with their parameters.
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// What it says about AI.
    pub fn ai(&self) -> &Ai {
        &self.ai
    }

    /// Up to how many bytes a report of another tool is kept in the ledger.
    pub fn keeps_reports_of(&self) -> usize {
        (self.reports.keep_bytes as usize).min(MAX_KEPT_BYTES)
    }

    /// The rules, in the text's order.
    pub fn steps(&self) -> &[StepRule] {
        &self.steps
    }

    /// The rule for one step.
    pub fn step(&self, name: &Step) -> Option<&StepRule> {
        self.steps.iter().find(|rule| rule.name == *name)
    }

    /// The rules whose step may not be missing.
    pub fn required(&self) -> impl Iterator<Item = &StepRule> {
        self.steps
            .iter()
            .filter(|rule| rule.requirement == Requirement::Required)
    }

    /// Protected refs, steps and environments in plain words, a sentence a line; the checks' are
    /// [`judge::demands`](crate::judge::demands)'s.
    pub fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.protected[..] {
            [] => lines.push("No ref is protected.".to_owned()),
            refs => lines.push(format!("Protected: {}.", refs.join(", "))),
        }
        if self.required().next().is_none() {
            lines.push("No step is required: only integrity and signatures are judged.".to_owned());
        }
        lines.extend(self.steps.iter().map(StepRule::explain));
        for rule in &self.environments {
            let after = match &rule.after[..] {
                [] => "directly".to_owned(),
                after => format!("after {}", after.join(" and ")),
            };
            lines.push(format!("Environment {}: deployed to {after}.", rule.name));
        }
        lines
    }

    fn from_raw(raw: Raw) -> Result<Self, Located> {
        if *raw.version.get_ref() != VERSION {
            let found = *raw.version.get_ref();
            return Err((Fault::Version { found }, raw.version.span()));
        }
        let mut protected = Vec::new();
        for name in raw.protected {
            if !is_full_ref(name.get_ref()) {
                let span = name.span();
                return Err((
                    Fault::Ref {
                        found: name.into_inner(),
                    },
                    span,
                ));
            }
            protected.push(name.into_inner());
        }
        let mut names = BTreeSet::new();
        let mut steps = Vec::new();
        for step in raw.step {
            let span = step.name.span();
            let rule = StepRule::from_raw(step)?;
            if !names.insert(rule.name.clone()) {
                return Err((Fault::RepeatedStep { step: rule.name }, span));
            }
            steps.push(rule);
        }
        Ok(Self {
            protected,
            steps,
            environments: environments(raw.environment)?,
            path_classes: path_classes(raw.path_class)?,
            checks: raw.checks,
            ai: raw.ai,
            reports: raw.reports,
        })
    }
}

impl StepRule {
    /// The step.
    pub fn name(&self) -> &Step {
        &self.name
    }

    /// As what it may be attested: at least one type.
    pub fn types(&self) -> &[PredicateType] {
        &self.types
    }

    /// Who may attest it: persons with at least one of these roles.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Whether it may be missing.
    pub fn requirement(&self) -> Requirement {
        self.requirement
    }

    /// By how many persons it must be attested.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether an attestation of this type counts for the step.
    pub fn allows_type(&self, predicate_type: &PredicateType) -> bool {
        self.types.contains(predicate_type)
    }

    /// Whether a person with this role may attest the step.
    pub fn allows_role(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }

    fn from_raw(raw: RawStep) -> Result<Self, Located> {
        let name = raw.name.into_inner();
        let nothing = |what, span| {
            Err((
                Fault::Nothing {
                    step: name.clone(),
                    what,
                },
                span,
            ))
        };
        if raw.types.get_ref().is_empty() {
            return nothing("type", raw.types.span());
        }
        if raw.roles.get_ref().is_empty() {
            return nothing("role", raw.roles.span());
        }
        // Both are read here and not by serde, which would give the array's place and not the element's.
        let types = raw.types.into_inner().into_iter().map(|text| {
            PredicateType::resolve(text.get_ref()).map_err(|fault| (fault.into(), text.span()))
        });
        let roles = raw.roles.into_inner().into_iter().map(|text| {
            Role::from_str(text.get_ref()).map_err(|fault| (fault.into(), text.span()))
        });
        let (types, roles) = (
            types.collect::<Result<_, Located>>()?,
            roles.collect::<Result<_, Located>>()?,
        );
        let count = raw.count.map_or(Ok(1), |count| {
            let found = *count.get_ref();
            let persons = u32::try_from(found)
                .ok()
                .filter(|persons| (1..=1000).contains(persons));
            persons.ok_or((Fault::Count { found }, count.span()))
        })?;
        let requirement = match raw.required {
            true => Requirement::Required,
            false => Requirement::Optional,
        };
        Ok(Self {
            name,
            types,
            roles,
            requirement,
            count,
        })
    }

    fn explain(&self) -> String {
        let must = match self.requirement {
            Requirement::Required => "is required",
            Requirement::Optional => "is optional",
        };
        let persons = match self.count {
            1 => "a person".to_owned(),
            count => format!("{count} persons"),
        };
        let types = self
            .types
            .iter()
            .map(|t| t.short_name().unwrap_or(t.as_str()));
        format!(
            "Step {} {must}: attested as {} by {persons} with role {}.",
            self.name,
            types.collect::<Vec<_>>().join(" or "),
            self.roles
                .iter()
                .map(Role::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
        )
    }
}

// What comes after is named before: so there is no circle.
fn environments(raw: Vec<Spanned<EnvironmentRule>>) -> Result<Vec<EnvironmentRule>, Located> {
    let mut rules: Vec<EnvironmentRule> = Vec::new();
    for rule in raw {
        let (span, rule) = (rule.span(), rule.into_inner());
        let known = |name: &String| rules.iter().any(|rule| rule.name == *name);
        if known(&rule.name) {
            let (what, name) = ("environment", rule.name);
            return Err((Fault::Repeated { what, name }, span));
        }
        if let Some(after) = rule.after.iter().find(|after| !known(after)) {
            return Err((
                Fault::After {
                    after: after.clone(),
                },
                span,
            ));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn path_classes(raw: Vec<Spanned<PathClass>>) -> Result<Vec<PathClass>, Located> {
    let mut classes: Vec<PathClass> = Vec::new();
    for class in raw {
        let (span, class) = (class.span(), class.into_inner());
        if classes.iter().any(|known| known.name == class.name) {
            let (what, name) = ("pathClass", class.name);
            return Err((Fault::Repeated { what, name }, span));
        }
        classes.push(class);
    }
    Ok(classes)
}

/// The parts of git-check-ref-format(1) that keep a name from being read as something else.
fn is_full_ref(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let parts = |rest: &str| {
        rest.split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
    };
    name.len() <= 1024
        && name.strip_prefix("refs/").is_some_and(parts)
        && !name.contains("..")
        && !name.contains(forbidden)
}

/// Line and column of a byte offset, from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

const TEMPLATE: &str = r#"# The policy of this ledger. `git docket help policy` explains every line;
# `git docket policy check` reads a changed copy, `git docket policy publish` puts it in force.
version = 1

# Protected refs: where they stand when the ledger begins, the genesis records.
protected = ["refs/heads/main"]

# One table for each step. Nothing is required until a line below says so; until then, verification judges
# integrity and signatures alone.
#
# [[step]]
# name = "build"
# types = ["link", "provenance"]   # what it may be attested as: short names or URIs
# roles = ["builder"]              # who may attest it: persons of the roster with one of these roles
# required = true                  # a commit without it is undecided (exit 3)
#
# [[step]]
# name = "approve"
# types = ["approval"]
# roles = ["maintainer"]
# required = true
# count = 2                        # this many different persons
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"version = 1
protected = ["refs/heads/main"]

[[step]]
name = "build"
types = ["link", "https://example.com/t/v1"]
roles = ["builder"]
required = true
count = 2
"#;

    #[test]
    fn a_rule_says_what_counts() {
        let policy = Policy::parse(GOOD).unwrap();
        assert_eq!(policy.protected(), ["refs/heads/main"]);
        let rule = policy.step(&"build".parse().unwrap()).unwrap();
        assert!(rule.allows_type(&PredicateType::resolve("link").unwrap()));
        assert!(rule.allows_type(&"https://example.com/t/v1".parse().unwrap()));
        assert!(!rule.allows_type(&PredicateType::resolve("scai").unwrap()));
        assert!(rule.allows_role(&"builder".parse().unwrap()));
        assert!(!rule.allows_role(&"writer".parse().unwrap()));
        assert_eq!(
            (rule.requirement(), rule.count()),
            (Requirement::Required, 2)
        );
        assert_eq!(policy.step(&"test".parse().unwrap()), None);
        assert_eq!(
            policy.explain(),
            [
                "Protected: refs/heads/main.",
                "Step build is required: attested as link or https://example.com/t/v1 by 2 persons with role builder.",
            ]
        );
    }

    #[test]
    fn the_template_requires_nothing_and_its_comments_are_a_policy() {
        let policy = Policy::parse(Policy::template()).unwrap();
        assert!(policy.steps().is_empty());
        assert!(policy.explain()[1].contains("only integrity and signatures"));
        let example = Policy::template()
            .replace("# [[step]]", "[[step]]")
            .replace("\n# name", "\nname");
        let example = example
            .replace("\n# types", "\ntypes")
            .replace("\n# roles", "\nroles");
        let example = example
            .replace("\n# required", "\nrequired")
            .replace("\n# count", "\ncount");
        assert_eq!(Policy::parse(&example).unwrap().required().count(), 2);
    }

    #[test]
    fn faults_have_a_line_and_column() {
        for (from, to, expected) in [
            (
                "version = 1",
                "version = 2",
                "line 1, column 11: policy version 2",
            ),
            (
                "version = 1\n",
                "",
                "line 1, column 1: missing field `version`",
            ),
            (
                "version = 1",
                "version = 1\nnew = 1",
                "line 2, column 1: unknown field `new`",
            ),
            (
                "required",
                "requird",
                "line 8, column 1: unknown field `requird`",
            ),
            (
                "refs/heads/main",
                "main",
                "line 2, column 14: \"main\" is no full ref name",
            ),
            (
                "\"build\"",
                "\"Build\"",
                "line 5, column 8: step name \"Build\"",
            ),
            (
                "\"link\"",
                "\"lnk\"",
                "line 6, column 10: \"lnk\" is neither",
            ),
            (
                "[\"builder\"]",
                "[]",
                "line 7, column 9: step build names no role",
            ),
            ("[\"builder\"]", "[\"A\"]", "line 7, column 10: role \"A\""),
            ("count = 2", "count = 0", "line 9, column 9: count 0"),
            (
                "count = 2",
                "count = 2\n[[step]]\nname = \"build\"\ntypes = [\"scai\"]\nroles = [\"x\"]",
                "line 11, column 8: step build has a rule already",
            ),
            ("count = 2", "count = ", "line 9, column"),
        ] {
            let bad = GOOD.replacen(from, to, 1);
            assert_ne!(bad, GOOD, "{from}");
            let error = Policy::parse(&bad).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{to}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn the_digest_is_the_texts() {
        let mut wire = PolicyText::new(GOOD);
        assert!(Policy::from_predicate(&wire).is_ok());
        wire.text.push('\n');
        assert!(matches!(
            Policy::from_predicate(&wire),
            Err(Error::Predicate(_))
        ));
    }
}
