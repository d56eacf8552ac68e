//! The environment of a step: an allow-list, never the whole of it.
//!
//! Variables hold tokens and passwords, and what is recorded is recorded for good. So only names on the list
//! below are looked up, and those that the user adds by name; in their values, too, whatever looks like a secret
//! is replaced (a password in a URL, say).

use std::collections::BTreeMap;

use super::command::{is_secret_name, without_secrets};

/// Names that say where a step ran or how it was to build, and hold no secret by any convention.
const ALLOWED: &[&str] = &[
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILDKITE",
    "BUILDKITE_BUILD_ID",
    "BUILDKITE_PIPELINE_SLUG",
    "CARGO_BUILD_TARGET",
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_RELEASE_LTO",
    "CFLAGS",
    "CI",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_SHA",
    "CI_JOB_ID",
    "CI_PIPELINE_ID",
    "CI_PROJECT_PATH",
    "CIRCLE_BUILD_NUM",
    "CIRCLE_WORKFLOW_ID",
    "CXXFLAGS",
    "GITHUB_ACTIONS",
    "GITHUB_EVENT_NAME",
    "GITHUB_JOB",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ATTEMPT",
    "GITHUB_RUN_ID",
    "GITHUB_SHA",
    "GITHUB_WORKFLOW_REF",
    "GITLAB_CI",
    "GOARCH",
    "GOFLAGS",
    "GOOS",
    "JENKINS_URL",
    "JOB_NAME",
    "LANG",
    "LC_ALL",
    "LDFLAGS",
    "NODE_ENV",
    "RUNNER_ARCH",
    "RUNNER_OS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "SOURCE_DATE_EPOCH",
    "TZ",
];

/// Variables that may be recorded, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// A variable that is to be recorded, and by its name holds a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name} is a secret by its name, and what is recorded stays for ever")]
pub struct SecretName {
    name: String,
}

impl Environment {
    /// Refuses names of further variables that speak of a secret: their values could not be told from others.
    ///
    /// # Errors
    /// For the first such name.
    pub fn check(more: &[String]) -> Result<(), SecretName> {
        match more.iter().find(|name| is_secret_name(name)) {
            Some(name) => Err(SecretName { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Looks up the allowed names and those in `more`; what is not set, or no UTF-8, is left out.
    pub fn capture(lookup: impl Fn(&str) -> Option<String>, more: &[String]) -> Self {
        let names = ALLOWED
            .iter()
            .copied()
            .chain(more.iter().map(String::as_str));
        let variables = names
            .filter_map(|name| Some((name.to_owned(), without_secrets(&lookup(name)?))))
            .collect();
        Environment { variables }
    }

    /// The recorded variables.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_or_named_is_recorded() {
        let lookup = |name: &str| match name {
            "CI" => Some("true".to_owned()),
            "AWS_SECRET_ACCESS_KEY" | "GITHUB_TOKEN" => Some("secret".to_owned()),
            "FLAVOUR" => Some("debug".to_owned()),
            "JENKINS_URL" => Some("https://me:secret@ci.example.com/".to_owned()),
            _ => None,
        };
        let names = |more: &[String]| {
            let environment = Environment::capture(lookup, more);
            environment.variables().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["CI", "JENKINS_URL"]);
        let environment = Environment::capture(lookup, &[]);
        assert_eq!(
            environment.variables()["JENKINS_URL"],
            "https://[redacted]@ci.example.com/"
        );
        assert_eq!(
            names(&["FLAVOUR".to_owned(), "UNSET".to_owned()]),
            ["CI", "FLAVOUR", "JENKINS_URL"]
        );
        let suspicious = ["TOKEN", "SECRET", "PASSWORD", "KEY"];
        assert!(
            !ALLOWED
                .iter()
                .any(|name| suspicious.iter().any(|word| name.contains(word)))
        );
    }
}
