//! Artifact rules of classic in-toto (specification §4.3.3): which artifacts a step may take in and bring out.
//!
//! A step's materials, and then its products, are put into a queue of paths. Each rule in turn takes those paths out of
//! the queue that it accounts for:
//!
//! - `MATCH pattern [IN prefix] WITH MATERIALS|PRODUCTS [IN prefix] FROM step`: those that the other step has under the
//!   same path with the same hashes; none, where there is no such step;
//! - `CREATE`, `DELETE`, `MODIFY pattern`: those in the products alone, in the materials alone, in both with other hashes;
//! - `ALLOW pattern`: those that match;
//! - `DISALLOW pattern`: fails where one that matches is left;
//! - `REQUIRE path`: fails where this very path is not left.
//!
//! What is left when the rules are through is let pass: only `DISALLOW` and `REQUIRE` fail. Words count in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::pattern::{Pattern, PatternError};

/// Paths with their hashes by algorithm.
pub type Artifacts = BTreeMap<String, BTreeMap<String, String>>;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    words: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Create(Pattern),
    Delete(Pattern),
    Modify(Pattern),
    Allow(Pattern),
    Disallow(Pattern),
    Require(String),
    Match(Match),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Match {
    pattern: Pattern,
    prefix: String,
    with: With,
    with_prefix: String,
    from: String,
}

/// What of a step is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// What went in.
    Materials,
    /// What came out.
    Products,
}

/// Why something is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Not one of the forms.
    #[error("{words:?} is no artifact rule")]
    Form {
        /// The rule.
        words: String,
    },
    /// A pattern that is refused.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// Why artifacts break a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// Something is left that may not be.
    #[error("{rule} finds {}", listed(.found))]
    Disallowed {
        /// The rule.
        rule: String,
        /// What it finds.
        found: Vec<String>,
    },
    /// Something is not left that has to be.
    #[error("{rule} does not find it in {}", listed(.queue))]
    Required {
        /// The rule.
        rule: String,
        /// What is left.
        queue: Vec<String>,
    },
    /// A path that has another spelling once its prefix is put before it.
    #[error("{rule} cannot place the path {path:?}")]
    Path {
        /// The rule.
        rule: String,
        /// The path.
        path: String,
    },
}

/// What a step took in and brought out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Io {
    /// What went in.
    pub materials: Artifacts,
    /// What came out.
    pub products: Artifacts,
}

impl Io {
    fn of(&self, which: With) -> &Artifacts {
        match which {
            With::Materials => &self.materials,
            With::Products => &self.products,
        }
    }
}

impl Rule {
    /// Reads a rule's words.
    ///
    /// # Errors
    /// Where they are none.
    pub fn parse(words: &[String]) -> Result<Self, RuleError> {
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let form = || RuleError::Form {
            words: crate::statement::shortened(&words.join(" ")),
        };
        let pattern = || Pattern::parse(&words[1]);
        let kind = match lower[..] {
            ["create", _] => Kind::Create(pattern()?),
            ["delete", _] => Kind::Delete(pattern()?),
            ["modify", _] => Kind::Modify(pattern()?),
            ["allow", _] => Kind::Allow(pattern()?),
            ["disallow", _] => Kind::Disallow(pattern()?),
            ["require", _] => Kind::Require(words[1].clone()),
            ["match", _, ref rest @ ..] => {
                let (prefix, with, with_prefix, from) = match *rest {
                    ["in", _, "with", with, "in", _, "from", _] => (3, with, 7, 9),
                    ["in", _, "with", with, "from", _] => (3, with, 0, 7),
                    ["with", with, "in", _, "from", _] => (0, with, 5, 7),
                    ["with", with, "from", _] => (0, with, 0, 5),
                    _ => return Err(form()),
                };
                let word = |at: usize| match at {
                    0 => String::new(),
                    at => words[at].clone(),
                };
                Kind::Match(Match {
                    pattern: pattern()?,
                    prefix: word(prefix),
                    with: match with {
                        "materials" => With::Materials,
                        "products" => With::Products,
                        _ => return Err(form()),
                    },
                    with_prefix: word(with_prefix),
                    from: word(from),
                })
            }
            _ => return Err(form()),
        };
        let words = words.to_vec();
        Ok(Self { words, kind })
    }

    // What the rule takes out of the queue.
    fn consumed(
        &self,
        queue: &BTreeSet<String>,
        which: With,
        step: &Io,
        others: &BTreeMap<String, Io>,
    ) -> Result<Vec<String>, Broken> {
        let (materials, products) = (&step.materials, &step.products);
        let matching = |pattern: &Pattern, is: &dyn Fn(&String) -> bool| {
            let paths = queue
                .iter()
                .filter(|path| pattern.matches(path) && is(path));
            paths.cloned().collect::<Vec<_>>()
        };
        Ok(match &self.kind {
            Kind::Create(pattern) => matching(pattern, &|path| {
                products.contains_key(path) && !materials.contains_key(path)
            }),
            Kind::Delete(pattern) => matching(pattern, &|path| {
                materials.contains_key(path) && !products.contains_key(path)
            }),
            Kind::Modify(pattern) => matching(pattern, &|path| match (
                materials.get(path),
                products.get(path),
            ) {
                (Some(before), Some(after)) => before != after,
                _ => false,
            }),
            Kind::Allow(pattern) => matching(pattern, &|_| true),
            Kind::Disallow(pattern) => {
                let found = matching(pattern, &|_| true);
                if !found.is_empty() {
                    let rule = self.to_string();
                    return Err(Broken::Disallowed { rule, found });
                }
                found
            }
            Kind::Require(path) => {
                if !queue.contains(path) {
                    return Err(Broken::Required {
                        rule: self.to_string(),
                        queue: queue.iter().cloned().collect(),
                    });
                }
                Vec::new()
            }
            Kind::Match(rule) => {
                let mut consumed = Vec::new();
                let Some(other) = others.get(&rule.from) else {
                    return Ok(consumed);
                };
                let theirs = other.of(rule.with);
                let before = joined(&rule.prefix, "");
                for full in queue {
                    let Some(path) = full.strip_prefix(&before) else {
                        continue;
                    };
                    if !rule.pattern.matches(path) {
                        continue;
                    }
                    let own = joined(&rule.prefix, path);
                    let Some(hashes) = step.of(which).get(&own) else {
                        let rule = self.to_string();
                        let path = full.clone();
                        return Err(Broken::Path { rule, path });
                    };
                    if theirs.get(&joined(&rule.with_prefix, path)) == Some(hashes) {
                        consumed.push(own);
                    }
                }
                consumed
            }
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::statement::shortened(&self.words.join(" ")))
    }
}

/// Holds a step's materials or products against its rules; `others` are the steps by name.
///
/// # Errors
/// The first rule that is broken.
pub fn hold(
    rules: &[Rule],
    which: With,
    step: &Io,
    others: &BTreeMap<String, Io>,
) -> Result<(), Broken> {
    let mut queue: BTreeSet<String> = step.of(which).keys().cloned().collect();
    for rule in rules {
        for path in rule.consumed(&queue, which, step, others)? {
            queue.remove(&path);
        }
    }
    Ok(())
}

// As Python joins paths: an absolute path stands alone, and backslashes become slashes. Without a prefix a path is itself.
fn joined(prefix: &str, path: &str) -> String {
    let joined = match prefix {
        "" => return path.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        prefix if prefix.ends_with('/') => format!("{prefix}{path}"),
        prefix => format!("{prefix}/{path}"),
    };
    joined.replace('\\', "/")
}

// A few of many, for a message.
fn listed(paths: &[String]) -> String {
    const MOST: usize = 5;
    let mut text = paths
        .iter()
        .take(MOST)
        .map(|path| format!("{:?}", crate::statement::shortened(path)))
        .collect::<Vec<_>>()
        .join(", ");
    if paths.len() > MOST {
        text.push_str(&format!(" and {} more", paths.len() - MOST));
    }
    match text.is_empty() {
        true => "nothing".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifacts(texts: &[&str]) -> Artifacts {
        let pair = |text: &&str| {
            let (path, hash) = text.split_once('=').unwrap_or((text, "00"));
            let hashes = BTreeMap::from([("sha256".to_owned(), hash.to_owned())]);
            (path.to_owned(), hashes)
        };
        texts.iter().map(pair).collect()
    }

    fn rules(texts: &[&str]) -> Vec<Rule> {
        let words = |text: &&str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        texts
            .iter()
            .map(|text| Rule::parse(&words(text)).unwrap())
            .collect()
    }

    fn step() -> Io {
        Io {
            materials: artifacts(&["kept", "changed=01", "gone", "src/a=0a"]),
            products: artifacts(&["kept", "changed=02", "new", "src/a=0a"]),
        }
    }

    #[test]
    fn each_rule_takes_its_own() {
        let others = BTreeMap::from([(
            "write".to_owned(),
            Io {
                materials: artifacts(&["kept"]),
                products: artifacts(&["kept=0b", "a=0a", "out/a=0a"]),
            },
        )]);
        use With::{Materials, Products};
        for (which, texts, holds) in [
            (Products, &["ALLOW *", "DISALLOW *"][..], true),
            (Products, &["DISALLOW *"], false),
            (Products, &["CREATE *", "DISALLOW new"], true),
            (Products, &["create *", "DISALLOW kept"], false),
            (
                Products,
                &[
                    "CREATE *",
                    "MODIFY *",
                    "ALLOW src/*",
                    "ALLOW kept",
                    "DISALLOW *",
                ],
                true,
            ),
            (Products, &["DELETE *", "DISALLOW gone"], true),
            (Materials, &["DELETE gone", "DISALLOW gone"], true),
            (Materials, &["CREATE *", "DISALLOW gone"], false),
            (Products, &["REQUIRE new"], true),
            (Products, &["CREATE new", "REQUIRE new"], false),
            (Products, &["REQUIRE n*"], false),
            (
                Products,
                &["MATCH kept WITH MATERIALS FROM write", "DISALLOW kept"],
                true,
            ),
            (
                Products,
                &["MATCH kept WITH PRODUCTS FROM write", "DISALLOW kept"],
                false,
            ),
            (
                Products,
                &["MATCH a IN src WITH PRODUCTS FROM write", "DISALLOW src/*"],
                true,
            ),
            (
                Products,
                &[
                    "MATCH a IN src/ WITH products IN out FROM write",
                    "DISALLOW src/*",
                ],
                true,
            ),
            (
                Products,
                &["MATCH a IN src WITH MATERIALS FROM write", "DISALLOW src/*"],
                false,
            ),
            (
                Products,
                &["MATCH * WITH PRODUCTS FROM nobody", "DISALLOW kept"],
                false,
            ),
            (
                Products,
                &["MATCH new WITH PRODUCTS IN out FROM write", "DISALLOW new"],
                false,
            ),
        ] {
            let held = hold(&rules(texts), which, &step(), &others);
            assert_eq!(held.is_ok(), holds, "{texts:?}: {held:?}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "",
            "ALLOW",
            "ALLOW a b",
            "PERMIT a",
            "MATCH a",
            "MATCH a WITH PRODUCTS",
            "MATCH a WITH THINGS FROM b",
            "MATCH a IN x WITH PRODUCTS IN FROM b",
            "MATCH a WITH PRODUCTS FROM b c",
            "ALLOW [b-a]",
        ] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            assert!(Rule::parse(&words).is_err(), "{text}");
        }
    }
}
