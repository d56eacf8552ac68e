//! The continuous-integration system that a step runs in, told by the variables it sets.
//!
//! Each system documents variables that are set in all of its jobs. One table, `ci.toml`, has a row for each system: a mark,
//! and templates for what is told of it; a user's own rows stand before ours. The first row whose mark is set is taken, and of
//! each field the first template whose variables are all set. What they say is a claim of the environment: whoever can set
//! variables can say anything, so none of it is evidence of where a step ran. The signature's key is.
//!
//! In a template, `{NAME}` is a variable's value; `{NAME/}` without slashes at its end; `{NAME%}` percent-encoded (RFC 3986
//! §2); `{NAME@}` the scheme and authority of a URL; `{NAME?word}` the word; `{NAME~prefix}` the part up to a slash that
//! follows the prefix; `{NAME!x}` a value that does not begin with x. A variable that is empty or `false` is not set.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::command::{is_secret_name, without_secrets};

/// A table of systems.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Systems {
    #[serde(rename = "system")]
    systems: Vec<System>,
}

/// Why a text is no table of systems; line and column are in its message.
#[derive(Debug, thiserror::Error)]
#[error("no table of CI systems")]
pub struct SystemsError(#[from] toml::de::Error);

/// Why a word of the table is no variable, or no template.
#[derive(Debug, thiserror::Error)]
enum Malformed {
    #[error("{found:?} is no variable's name")]
    Variable { found: String },
    #[error("{name} is a secret by its name")]
    Secret { name: String },
    #[error("{found:?} is no template such as \"https://ci.example.com/{{BUILD_ID}}\"")]
    Template { found: String },
}

/// Where a step runs, as its environment says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ci {
    /// The system's name, such as `GitHub Actions`.
    pub system: String,
    /// URI of what runs the jobs: server, project or pool of runners.
    pub builder_id: String,
    /// Where this one run can be looked up; else the system's own id for it.
    pub invocation: Option<String>,
    /// Who set it off, as the system names accounts.
    pub actor: Option<String>,
    /// What set it off, in the system's own word: `push`, `schedule`.
    pub trigger: Option<String>,
    /// Which repository, ref, workflow and job it is, in the system's own words.
    pub parameters: BTreeMap<String, String>,
}

/// The pull or merge request that a job runs for, as its environment says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MergeRequest {
    /// Its address, else its number.
    pub id: String,
    /// The branch that it goes to.
    pub target: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    name: String,
    /// The variable that it always sets.
    mark: Variable,
    builder: Vec<Template>,
    #[serde(default)]
    invocation: Vec<Template>,
    #[serde(default)]
    actor: Vec<Template>,
    #[serde(default)]
    trigger: Vec<Template>,
    #[serde(default)]
    request: Vec<Template>,
    #[serde(default)]
    target: Vec<Template>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<Template>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value(Variable, Form),
}

/// A variable that may be recorded: by its name it holds no secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Variable(String);

#[derive(Clone, Debug)]
enum Form {
    Whole,
    Trimmed,
    Encoded,
    Server,
    Word(String),
    After(String),
    Not(String),
}

static SHIPPED: LazyLock<Systems> = LazyLock::new(|| {
    let table = toml::from_str(include_str!("ci.toml"));
    table.expect("a test reads the table that is shipped")
});

impl Systems {
    /// Reads a table.
    ///
    /// # Errors
    /// Where it is not of the form, or names a variable that by its name holds a secret.
    pub fn parse(text: &str) -> Result<Self, SystemsError> {
        Ok(toml::from_str(text)?)
    }
}

impl Ci {
    /// Recognises the system, by the user's own table first; `None` outside of any.
    pub fn recognise(
        own: Option<&Systems>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let lookup = set(&lookup);
        let system = system(own, &lookup)?;
        let first = |templates: &[Template]| first(templates, &lookup);
        let parameters = system.parameters.iter();
        Some(Self {
            system: system.name.clone(),
            builder_id: first(&system.builder)?,
            invocation: first(&system.invocation),
            actor: first(&system.actor),
            trigger: first(&system.trigger),
            parameters: parameters
                .filter_map(|(name, templates)| Some((name.clone(), first(templates)?)))
                .collect(),
        })
    }
}

impl MergeRequest {
    /// Recognises it; `None` outside of any.
    pub fn recognise(
        own: Option<&Systems>,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let lookup = set(&lookup);
        let system = system(own, &lookup)?;
        Some(Self {
            id: first(&system.request, &lookup)?,
            target: first(&system.target, &lookup),
        })
    }
}

/// What is empty, or `false` as Buildkite says where there is nothing, is not set.
fn set<'a>(lookup: &'a dyn Fn(&str) -> Option<String>) -> impl Fn(&str) -> Option<String> + 'a {
    |name| lookup(name).filter(|value| !value.is_empty() && value != "false")
}

fn system<'a>(
    own: Option<&'a Systems>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<&'a System> {
    let own = own.into_iter().flat_map(|own| &own.systems);
    let mut all = own.chain(&SHIPPED.systems);
    all.find(|system| lookup(&system.mark.0).is_some())
}

// Some put a user and password into the URL of their server.
fn first(templates: &[Template], lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let filled = templates.iter().find_map(|template| template.fill(lookup));
    filled.map(|text| without_secrets(&text))
}

impl Template {
    fn fill(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Value(Variable(name), form) => form.of(lookup(name)?),
        });
        parts.collect()
    }
}

impl Form {
    fn of(&self, value: String) -> Option<String> {
        match self {
            Self::Whole => Some(value),
            Self::Trimmed => Some(value.trim_end_matches('/').to_owned()),
            Self::Encoded => Some(encoded(&value)),
            Self::Server => server_of(&value),
            Self::Word(word) => Some(word.clone()),
            Self::After(prefix) => {
                let rest = value.strip_prefix(prefix.as_str())?;
                rest.split('/')
                    .next()
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
            }
            Self::Not(beginning) => {
                Some(value).filter(|value| !value.starts_with(beginning.as_str()))
            }
        }
    }
}

impl TryFrom<String> for Variable {
    type Error = Malformed;

    fn try_from(name: String) -> Result<Self, Malformed> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(Malformed::Variable { found: name });
        }
        if is_secret_name(&name) {
            return Err(Malformed::Secret { name });
        }
        Ok(Self(name))
    }
}

impl TryFrom<String> for Template {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        let bad = || Malformed::Template {
            found: text.clone(),
        };
        let (mut parts, mut rest) = (Vec::new(), text.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let (inner, after) = after.split_once('}').ok_or_else(bad)?;
            if before.contains('}') || inner.contains('{') {
                return Err(bad());
            }
            let end = inner
                .find(['/', '%', '@', '?', '~', '!'])
                .unwrap_or(inner.len());
            let (name, form) = inner.split_at(end);
            let form = match form.split_at_checked(1) {
                None => Form::Whole,
                Some(("/", "")) => Form::Trimmed,
                Some(("%", "")) => Form::Encoded,
                Some(("@", "")) => Form::Server,
                Some(("?", word)) if !word.is_empty() => Form::Word(word.to_owned()),
                Some(("~", prefix)) if !prefix.is_empty() => Form::After(prefix.to_owned()),
                Some(("!", beginning)) if !beginning.is_empty() => Form::Not(beginning.to_owned()),
                _ => return Err(bad()),
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(Variable::try_from(name.to_owned())?, form));
            rest = after;
        }
        if rest.contains('}') || text.is_empty() {
            return Err(bad());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

/// Scheme and authority of a URL.
fn server_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    Some(format!("{scheme}://{authority}"))
}

/// One segment of a URL's path, percent-encoded (RFC 3986 §2).
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into())
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// System, builder, invocation, actor, trigger.
    type Facts<'a> = (
        &'a str,
        &'a str,
        Option<&'a str>,
        Option<&'a str>,
        Option<&'a str>,
    );

    fn check(variables: &[(&str, &str)], wanted: Facts<'_>) {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let ci = Ci::recognise(None, lookup).expect("a system");
        let seen = (
            ci.system.as_str(),
            ci.builder_id.as_str(),
            ci.invocation.as_deref(),
            ci.actor.as_deref(),
            ci.trigger.as_deref(),
        );
        assert_eq!(seen, wanted);
    }

    #[test]
    fn elsewhere_is_no_system() {
        assert_eq!(Ci::recognise(None, |_| None), None);
        let empty = |name: &str| (name == "GITHUB_ACTIONS").then(String::new);
        assert_eq!(Ci::recognise(None, empty), None);
        let any = |name: &str| (name == "CI").then(|| "true".to_owned());
        assert_eq!(Ci::recognise(None, any), None);
    }

    #[test]
    fn github_actions() {
        check(
            &[
                ("CI", "true"),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "acme/app"),
                ("GITHUB_RUN_ID", "1658821493"),
                ("GITHUB_RUN_ATTEMPT", "3"),
                ("GITHUB_ACTOR", "ada"),
                ("GITHUB_TRIGGERING_ACTOR", "bob"),
                ("GITHUB_EVENT_NAME", "push"),
                ("RUNNER_ENVIRONMENT", "github-hosted"),
            ],
            (
                "GitHub Actions",
                "https://github.com/actions/runner/github-hosted",
                Some("https://github.com/acme/app/actions/runs/1658821493/attempts/3"),
                Some("bob"),
                Some("push"),
            ),
        );
    }

    #[test]
    fn gitlab_ci() {
        check(
            &[
                ("GITLAB_CI", "true"),
                ("CI_SERVER_URL", "https://gitlab.example.com"),
                ("CI_PROJECT_URL", "https://gitlab.example.com/acme/app"),
                ("CI_RUNNER_ID", "12"),
                (
                    "CI_JOB_URL",
                    "https://gitlab.example.com/acme/app/-/jobs/77",
                ),
                ("GITLAB_USER_LOGIN", "ada"),
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ],
            (
                "GitLab CI",
                "https://gitlab.example.com/acme/app/-/runners/12",
                Some("https://gitlab.example.com/acme/app/-/jobs/77"),
                Some("ada"),
                Some("merge_request_event"),
            ),
        );
    }

    #[test]
    fn harness_also_sets_the_variables_of_drone() {
        check(
            &[
                ("DRONE", "true"),
                ("HARNESS_BUILD_ID", "41"),
                ("HARNESS_ACCOUNT_ID", "x Y"),
                ("HARNESS_EXECUTION_ID", "e1"),
                (
                    "DRONE_BUILD_LINK",
                    "https://app.harness.io/ng/account/x/executions/e1",
                ),
                ("DRONE_COMMIT_AUTHOR", "ada"),
                ("DRONE_BUILD_EVENT", "push"),
            ],
            (
                "Harness",
                "https://app.harness.io/ng/account/x%20Y",
                Some("https://app.harness.io/ng/account/x/executions/e1"),
                Some("ada"),
                Some("push"),
            ),
        );
    }

    #[test]
    fn jenkins_with_a_password_in_its_address() {
        check(
            &[
                ("JENKINS_URL", "https://me:secret@ci.example.com/jenkins/"),
                ("BUILD_URL", "https://ci.example.com/jenkins/job/app/17/"),
                ("BUILD_TAG", "jenkins-app-17"),
                ("BUILD_USER_ID", "ada"),
                ("CHANGE_ID", "5"),
            ],
            (
                "Jenkins",
                "https://[redacted]@ci.example.com/jenkins",
                Some("https://ci.example.com/jenkins/job/app/17/"),
                Some("ada"),
                Some("pull-request"),
            ),
        );
    }

    #[test]
    fn circleci() {
        check(
            &[
                ("CIRCLECI", "true"),
                ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/app/9"),
                ("CIRCLE_USERNAME", "ada"),
                ("CIRCLE_PULL_REQUEST", "https://github.com/acme/app/pull/5"),
            ],
            (
                "CircleCI",
                "https://circleci.com",
                Some("https://circleci.com/gh/acme/app/9"),
                Some("ada"),
                Some("pull-request"),
            ),
        );
    }

    #[test]
    fn buildkite_build() {
        check(
            &[
                ("BUILDKITE", "true"),
                ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
                (
                    "BUILDKITE_BUILD_URL",
                    "https://buildkite.com/acme/app/builds/1514",
                ),
                ("BUILDKITE_JOB_ID", "0191"),
                ("BUILDKITE_BUILD_CREATOR", "Ada"),
                ("BUILDKITE_SOURCE", "webhook"),
            ],
            (
                "Buildkite",
                "https://buildkite.com/acme",
                Some("https://buildkite.com/acme/app/builds/1514#0191"),
                Some("Ada"),
                Some("webhook"),
            ),
        );
    }

    #[test]
    fn azure_pipelines() {
        check(
            &[
                ("TF_BUILD", "True"),
                ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
                ("SYSTEM_TEAMPROJECT", "Our App"),
                ("BUILD_BUILDID", "503"),
                ("BUILD_REQUESTEDFOR", "Ada Lovelace"),
                ("BUILD_REASON", "IndividualCI"),
            ],
            (
                "Azure Pipelines",
                "https://dev.azure.com/acme/Our%20App",
                Some("https://dev.azure.com/acme/Our%20App/_build/results?buildId=503"),
                Some("Ada Lovelace"),
                Some("IndividualCI"),
            ),
        );
    }

    #[test]
    fn bitbucket_pipelines() {
        check(
            &[
                ("BITBUCKET_BUILD_NUMBER", "8"),
                ("BITBUCKET_REPO_FULL_NAME", "acme/app"),
                ("BITBUCKET_STEP_TRIGGERER_UUID", "{d1}"),
                ("BITBUCKET_PR_ID", "3"),
            ],
            (
                "Bitbucket Pipelines",
                "https://bitbucket.org/acme/app",
                Some("https://bitbucket.org/acme/app/pipelines/results/8"),
                Some("{d1}"),
                Some("pull-request"),
            ),
        );
    }

    #[test]
    fn drone_by_hook() {
        check(
            &[
                ("DRONE", "true"),
                ("DRONE_SYSTEM_PROTO", "http"),
                ("DRONE_SYSTEM_HOST", "drone.example.com"),
                ("DRONE_BUILD_LINK", "http://drone.example.com/acme/app/42"),
                ("DRONE_BUILD_TRIGGER", "@hook"),
                ("DRONE_COMMIT_AUTHOR", "ada"),
                ("DRONE_BUILD_EVENT", "push"),
            ],
            (
                "Drone",
                "http://drone.example.com",
                Some("http://drone.example.com/acme/app/42"),
                Some("ada"),
                Some("push"),
            ),
        );
    }

    #[test]
    fn teamcity_build() {
        check(
            &[
                ("TEAMCITY_VERSION", "2025.07 (build 197242)"),
                ("BUILD_NUMBER", "19"),
                (
                    "BUILD_URL",
                    "https://tc.example.com/buildConfiguration/App_Build/4711",
                ),
            ],
            (
                "TeamCity",
                "https://tc.example.com",
                Some("https://tc.example.com/buildConfiguration/App_Build/4711"),
                None,
                None,
            ),
        );
    }

    #[test]
    fn tekton_by_handed_on_variables() {
        check(
            &[
                ("TEKTON_TASK_RUN", "build-x7k"),
                ("TEKTON_NAMESPACE", "ci"),
                ("TEKTON_TASK_RUN_UID", "aed1"),
            ],
            (
                "Tekton",
                "https://tekton.dev",
                Some("ci/build-x7k/aed1"),
                None,
                None,
            ),
        );
    }

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn parameters_are_in_the_systems_own_words() {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_REF", "refs/pull/12/merge"),
            ("GITHUB_BASE_REF", "main"),
            (
                "GITHUB_WORKFLOW_REF",
                "acme/app/.github/workflows/ci.yml@refs/heads/main",
            ),
            ("GITHUB_JOB", "build"),
        ];
        let ci = Ci::recognise(None, lookup(&variables)).expect("a system");
        let parameters: Vec<(&str, &str)> = ci
            .parameters
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(
            parameters,
            [
                ("job", "build"),
                ("ref", "refs/pull/12/merge"),
                ("repository", "acme/app"),
                (
                    "workflow",
                    "acme/app/.github/workflows/ci.yml@refs/heads/main"
                ),
            ]
        );
        let request = MergeRequest::recognise(None, lookup(&variables)).expect("a request");
        assert_eq!(request.id, "https://github.com/acme/app/pull/12");
        assert_eq!(request.target.as_deref(), Some("main"));
    }

    /// What the forge of each system says of a pull or merge request.
    #[test]
    fn requests_of_every_system_that_tells_them() {
        for (variables, id, target) in [
            (
                &[
                    ("GITLAB_CI", "true"),
                    (
                        "CI_MERGE_REQUEST_PROJECT_URL",
                        "https://gitlab.com/acme/app",
                    ),
                    ("CI_MERGE_REQUEST_IID", "5"),
                    ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
                ][..],
                Some("https://gitlab.com/acme/app/-/merge_requests/5"),
                Some("main"),
            ),
            (
                &[
                    ("HARNESS_BUILD_ID", "1"),
                    ("DRONE_PULL_REQUEST", "6"),
                    ("DRONE_TARGET_BRANCH", "main"),
                ],
                Some("6"),
                Some("main"),
            ),
            (
                &[("CIRCLECI", "true"), ("CIRCLE_PULL_REQUEST", "https://h/7")],
                Some("https://h/7"),
                None,
            ),
            (
                &[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false")],
                None,
                None,
            ),
            (
                &[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "8")],
                Some("8"),
                None,
            ),
            (
                &[
                    ("TF_BUILD", "True"),
                    ("SYSTEM_PULLREQUEST_PULLREQUESTID", "9"),
                ],
                Some("9"),
                None,
            ),
            (
                &[
                    ("BITBUCKET_BUILD_NUMBER", "1"),
                    ("BITBUCKET_PR_ID", "3"),
                    ("BITBUCKET_GIT_HTTP_ORIGIN", "https://b/a/"),
                ],
                Some("https://b/a/pull-requests/3"),
                None,
            ),
            (
                &[("DRONE", "true"), ("DRONE_PULL_REQUEST", "2")],
                Some("2"),
                None,
            ),
            (
                &[
                    ("JENKINS_URL", "https://j"),
                    ("CHANGE_URL", "https://h/4"),
                    ("CHANGE_TARGET", "main"),
                ],
                Some("https://h/4"),
                Some("main"),
            ),
            (
                &[
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_REPOSITORY", "a/b"),
                    ("GITHUB_REF", "refs/heads/main"),
                ],
                None,
                None,
            ),
        ] {
            let found = MergeRequest::recognise(None, lookup(variables));
            assert_eq!(
                found.as_ref().map(|request| request.id.as_str()),
                id,
                "{variables:?}"
            );
            assert_eq!(
                found.and_then(|request| request.target).as_deref(),
                target,
                "{variables:?}"
            );
        }
    }

    #[test]
    fn a_users_row_stands_before_ours() {
        let own = Systems::parse(
            "[[system]]\nname = \"Ours\"\nmark = \"OUR_CI\"\nbuilder = [\"https://ci.example.com/{OUR_POOL}\", \"https://ci.example.com\"]\ninvocation = [\"{OUR_RUN}\"]\n",
        );
        let own = own.expect("a table");
        let variables = [
            ("GITLAB_CI", "true"),
            ("OUR_CI", "1"),
            ("OUR_RUN", "https://me:secret@ci.example.com/7"),
        ];
        let ci = Ci::recognise(Some(&own), lookup(&variables)).expect("a system");
        assert_eq!(
            (ci.system.as_str(), ci.builder_id.as_str()),
            ("Ours", "https://ci.example.com")
        );
        assert_eq!(
            ci.invocation.as_deref(),
            Some("https://[redacted]@ci.example.com/7")
        );
        let ci = Ci::recognise(Some(&own), lookup(&variables[..1])).expect("a system");
        assert_eq!(ci.system, "GitLab CI");
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        let row = |builder: &str| {
            format!("[[system]]\nname = \"x\"\nmark = \"X\"\nbuilder = [{builder:?}]\n")
        };
        assert!(Systems::parse(&row("{A}/{B%}{C~refs/}")).is_ok());
        for bad in [
            "{A",
            "A}",
            "{}",
            "{A B}",
            "{A{B}}",
            "{A?}",
            "{A%x}",
            "{MY_TOKEN}",
            "",
        ] {
            let error = Systems::parse(&row(bad)).expect_err(bad);
            assert!(
                crate::finding::chain(&error).contains("line 4"),
                "{bad}: {}",
                crate::finding::chain(&error)
            );
        }
        assert!(Systems::parse("[[system]]\nname = \"x\"\n").is_err());
        assert!(Systems::parse("systems = 1").is_err());
    }
}
