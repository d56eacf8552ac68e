//! The continuous-integration system that a step runs in, told by the variables it sets.
//!
//! Each system documents variables that are set in all of its jobs. The first system in [`SYSTEMS`] whose mark
//! is set is taken; more particular ones stand first (Harness sets Drone's variables too). What they say is a
//! claim of the environment: whoever can set variables can say anything, so none of it is evidence of where a
//! step ran. The signature's key is.

/// Where a step runs, as its environment says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ci {
    /// The system's name, such as `GitHub Actions`.
    pub system: &'static str,
    /// URI of what runs the jobs: server, project or pool of runners.
    pub builder_id: String,
    /// Where this one run can be looked up; else the system's own id for it.
    pub invocation: Option<String>,
    /// Who set it off, as the system names accounts.
    pub actor: Option<String>,
    /// What set it off, in the system's own word: `push`, `schedule`.
    pub trigger: Option<String>,
}

impl Ci {
    /// Recognises the system; `None` outside of any. An empty variable counts as absent.
    pub fn recognise(lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variables = Variables {
            lookup: &|name| lookup(name).filter(|value| !value.is_empty()),
        };
        let system = SYSTEMS
            .iter()
            .find(|system| variables.get(system.mark).is_some())?;
        let mut ci = (system.describe)(&variables);
        // Some put a user and password into the URL of their server.
        ci.builder_id = super::command::without_secrets(&ci.builder_id);
        ci.invocation = ci
            .invocation
            .as_deref()
            .map(super::command::without_secrets);
        Some(ci)
    }
}

/// The pull or merge request that a job runs for, as its environment says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MergeRequest {
    /// Its address, else its number.
    pub id: String,
    /// The branch that it goes to.
    pub target: Option<String>,
}

/// The system's mark; what says where the requests are; what stands between; the number or address; the branch.
type RequestVariables = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Each system's documented variables; GitHub alone says the number in a ref.
const REQUESTS: &[RequestVariables] = &[
    (
        "GITLAB_CI",
        "CI_MERGE_REQUEST_PROJECT_URL",
        "/-/merge_requests/",
        "CI_MERGE_REQUEST_IID",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    ),
    (
        "HARNESS_BUILD_ID",
        "",
        "",
        "DRONE_PULL_REQUEST",
        "DRONE_TARGET_BRANCH",
    ),
    ("CIRCLECI", "", "", "CIRCLE_PULL_REQUEST", ""),
    (
        "BUILDKITE",
        "",
        "",
        "BUILDKITE_PULL_REQUEST",
        "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    ),
    (
        "TF_BUILD",
        "",
        "",
        "SYSTEM_PULLREQUEST_PULLREQUESTID",
        "SYSTEM_PULLREQUEST_TARGETBRANCHNAME",
    ),
    (
        "BITBUCKET_BUILD_NUMBER",
        "BITBUCKET_GIT_HTTP_ORIGIN",
        "/pull-requests/",
        "BITBUCKET_PR_ID",
        "BITBUCKET_PR_DESTINATION_BRANCH",
    ),
    ("DRONE", "", "", "DRONE_PULL_REQUEST", "DRONE_TARGET_BRANCH"),
    ("JENKINS_URL", "", "", "CHANGE_URL", "CHANGE_TARGET"),
];

impl MergeRequest {
    /// Recognises it; `None` outside of any.
    pub fn recognise(lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let variables = Variables {
            lookup: &|name| lookup(name).filter(|value| !value.is_empty()),
        };
        if variables.get("GITHUB_ACTIONS").is_some() {
            let name = variables.get("GITHUB_REF")?;
            let number = name.strip_prefix("refs/pull/")?.split('/').next()?;
            let server = variables.server("GITHUB_SERVER_URL", "https://github.com");
            return Some(Self {
                id: format!(
                    "{server}/{}/pull/{number}",
                    variables.get("GITHUB_REPOSITORY")?
                ),
                target: variables.get("GITHUB_BASE_REF"),
            });
        }
        let (_, place, between, id, target) = REQUESTS
            .iter()
            .find(|(mark, ..)| variables.get(mark).is_some())?;
        // Buildkite says `false` where there is none.
        let id = variables.get(id).filter(|id| id != "false")?;
        Some(Self {
            id: match variables.get(place) {
                Some(place) => format!("{}{between}{id}", place.trim_end_matches('/')),
                None => id,
            },
            target: variables.get(target),
        })
    }
}

struct System {
    /// The variable that it always sets.
    mark: &'static str,
    describe: fn(&Variables<'_>) -> Ci,
}

/// In the order in which they are looked for.
const SYSTEMS: &[System] = &[
    System {
        mark: "GITHUB_ACTIONS",
        describe: github,
    },
    System {
        mark: "GITLAB_CI",
        describe: gitlab,
    },
    System {
        mark: "HARNESS_BUILD_ID",
        describe: harness,
    },
    System {
        mark: "CIRCLECI",
        describe: circle,
    },
    System {
        mark: "BUILDKITE",
        describe: buildkite,
    },
    System {
        mark: "TF_BUILD",
        describe: azure,
    },
    System {
        mark: "BITBUCKET_BUILD_NUMBER",
        describe: bitbucket,
    },
    System {
        mark: "DRONE",
        describe: drone,
    },
    System {
        mark: "TEAMCITY_VERSION",
        describe: teamcity,
    },
    System {
        mark: "TEKTON_TASK_RUN",
        describe: tekton,
    },
    System {
        mark: "JENKINS_URL",
        describe: jenkins,
    },
];

struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The address of a server, without its last slash.
    fn server(&self, name: &str, default: &str) -> String {
        let address = self.get(name).unwrap_or_else(|| default.to_owned());
        address.trim_end_matches('/').to_owned()
    }
}

/// <https://docs.github.com/actions/reference/workflows-and-actions/variables>; Forgejo and Gitea set the same.
fn github(variables: &Variables<'_>) -> Ci {
    let server = variables.server("GITHUB_SERVER_URL", "https://github.com");
    let runner = variables
        .get("RUNNER_ENVIRONMENT")
        .unwrap_or_else(|| "self-hosted".into());
    let run = || {
        let (repository, run) = (
            variables.get("GITHUB_REPOSITORY")?,
            variables.get("GITHUB_RUN_ID")?,
        );
        let attempt = variables
            .get("GITHUB_RUN_ATTEMPT")
            .unwrap_or_else(|| "1".into());
        Some(format!(
            "{server}/{repository}/actions/runs/{run}/attempts/{attempt}"
        ))
    };
    Ci {
        system: "GitHub Actions",
        invocation: run(),
        builder_id: format!("{server}/actions/runner/{runner}"),
        actor: variables.first(&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"]),
        trigger: variables.get("GITHUB_EVENT_NAME"),
    }
}

/// <https://docs.gitlab.com/ci/variables/predefined_variables/>; the builder's id as GitLab's own provenance has it.
fn gitlab(variables: &Variables<'_>) -> Ci {
    let server = variables.server("CI_SERVER_URL", "https://gitlab.com");
    let project = variables.server("CI_PROJECT_URL", &server);
    Ci {
        system: "GitLab CI",
        builder_id: match variables.get("CI_RUNNER_ID") {
            Some(runner) => format!("{project}/-/runners/{runner}"),
            None => project,
        },
        invocation: variables.first(&["CI_JOB_URL", "CI_PIPELINE_URL", "CI_JOB_ID"]),
        actor: variables.get("GITLAB_USER_LOGIN"),
        trigger: variables.get("CI_PIPELINE_SOURCE"),
    }
}

/// <https://developer.harness.io/docs/continuous-integration/troubleshoot-ci/ci-env-var/>
fn harness(variables: &Variables<'_>) -> Ci {
    let account = variables.get("HARNESS_ACCOUNT_ID");
    Ci {
        system: "Harness",
        builder_id: match account {
            Some(account) => format!("https://app.harness.io/ng/account/{}", encoded(&account)),
            None => "https://app.harness.io".into(),
        },
        invocation: variables.first(&[
            "CI_BUILD_LINK",
            "DRONE_BUILD_LINK",
            "HARNESS_EXECUTION_ID",
            "HARNESS_BUILD_ID",
        ]),
        actor: variables.first(&["CI_COMMIT_AUTHOR", "DRONE_COMMIT_AUTHOR"]),
        trigger: variables.first(&["CI_BUILD_EVENT", "DRONE_BUILD_EVENT"]),
    }
}

/// <https://circleci.com/docs/reference/variables/>
fn circle(variables: &Variables<'_>) -> Ci {
    Ci {
        system: "CircleCI",
        builder_id: "https://circleci.com".into(),
        invocation: variables.first(&["CIRCLE_BUILD_URL", "CIRCLE_WORKFLOW_JOB_ID"]),
        actor: variables.first(&["CIRCLE_USERNAME", "CIRCLE_PR_USERNAME"]),
        trigger: variables
            .get("CIRCLE_PULL_REQUEST")
            .map(|_| "pull-request".into()),
    }
}

/// <https://buildkite.com/docs/pipelines/configure/environment-variables>
fn buildkite(variables: &Variables<'_>) -> Ci {
    let build = variables.get("BUILDKITE_BUILD_URL");
    Ci {
        system: "Buildkite",
        builder_id: match variables.get("BUILDKITE_ORGANIZATION_SLUG") {
            Some(organisation) => format!("https://buildkite.com/{organisation}"),
            None => "https://buildkite.com".into(),
        },
        invocation: match (build, variables.get("BUILDKITE_JOB_ID")) {
            (Some(build), Some(job)) => Some(format!("{build}#{job}")),
            (build, job) => build.or(job),
        },
        actor: variables.first(&["BUILDKITE_BUILD_CREATOR_EMAIL", "BUILDKITE_BUILD_CREATOR"]),
        trigger: variables.get("BUILDKITE_SOURCE"),
    }
}

/// <https://learn.microsoft.com/azure/devops/pipelines/build/variables>
fn azure(variables: &Variables<'_>) -> Ci {
    let server = variables.server("SYSTEM_COLLECTIONURI", "https://dev.azure.com");
    let project = match variables.get("SYSTEM_TEAMPROJECT") {
        Some(project) => format!("{server}/{}", encoded(&project)),
        None => server,
    };
    let build = variables.get("BUILD_BUILDID");
    Ci {
        system: "Azure Pipelines",
        invocation: build.map(|build| format!("{project}/_build/results?buildId={build}")),
        builder_id: project,
        actor: variables.first(&["BUILD_REQUESTEDFOREMAIL", "BUILD_REQUESTEDFOR"]),
        trigger: variables.get("BUILD_REASON"),
    }
}

/// <https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/>
fn bitbucket(variables: &Variables<'_>) -> Ci {
    let repository = variables.get("BITBUCKET_REPO_FULL_NAME");
    let build = variables.get("BITBUCKET_BUILD_NUMBER");
    let is_pull_request = variables.get("BITBUCKET_PR_ID").is_some();
    Ci {
        system: "Bitbucket Pipelines",
        builder_id: match &repository {
            Some(repository) => format!("https://bitbucket.org/{repository}"),
            None => "https://bitbucket.org".into(),
        },
        invocation: match (&repository, build) {
            (Some(repository), Some(build)) => Some(format!(
                "https://bitbucket.org/{repository}/pipelines/results/{build}"
            )),
            (_, build) => build,
        },
        actor: variables.get("BITBUCKET_STEP_TRIGGERER_UUID"),
        trigger: is_pull_request.then(|| "pull-request".into()),
    }
}

/// <https://docs.drone.io/pipeline/environment/reference/>
fn drone(variables: &Variables<'_>) -> Ci {
    let protocol = variables
        .get("DRONE_SYSTEM_PROTO")
        .unwrap_or_else(|| "https".into());
    Ci {
        system: "Drone",
        builder_id: match variables.get("DRONE_SYSTEM_HOST") {
            Some(host) => format!("{protocol}://{host}"),
            None => "https://drone.io".into(),
        },
        invocation: variables.first(&["DRONE_BUILD_LINK", "DRONE_BUILD_NUMBER"]),
        // For a hook this is `@hook`; then the commit's author set it off.
        actor: variables
            .get("DRONE_BUILD_TRIGGER")
            .filter(|trigger| !trigger.starts_with('@'))
            .or_else(|| variables.get("DRONE_COMMIT_AUTHOR")),
        trigger: variables.get("DRONE_BUILD_EVENT"),
    }
}

/// <https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html>; who set it off is no variable
/// there, but a parameter that a configuration may hand on: `env.TEAMCITY_BUILD_TRIGGERED_BY` set to
/// `%teamcity.build.triggeredBy.username%`.
fn teamcity(variables: &Variables<'_>) -> Ci {
    let build = variables.get("BUILD_URL");
    let server = build.as_deref().and_then(server_of);
    Ci {
        system: "TeamCity",
        builder_id: server.unwrap_or_else(|| "https://www.jetbrains.com/teamcity".into()),
        invocation: build.or_else(|| variables.get("BUILD_NUMBER")),
        actor: variables.get("TEAMCITY_BUILD_TRIGGERED_BY"),
        trigger: None,
    }
}

/// Tekton sets no variables of its own: a task hands them on, as in
/// `env: [{name: TEKTON_TASK_RUN, value: $(context.taskRun.name)}]`, likewise `TEKTON_NAMESPACE` from
/// `$(context.taskRun.namespace)` and `TEKTON_TASK_RUN_UID` from `$(context.taskRun.uid)`.
/// <https://tekton.dev/docs/pipelines/variables/>
fn tekton(variables: &Variables<'_>) -> Ci {
    let run = variables.get("TEKTON_TASK_RUN");
    let run = match (variables.get("TEKTON_NAMESPACE"), run) {
        (Some(namespace), Some(run)) => Some(format!("{namespace}/{run}")),
        (_, run) => run,
    };
    Ci {
        system: "Tekton",
        builder_id: "https://tekton.dev".into(),
        invocation: match (run, variables.get("TEKTON_TASK_RUN_UID")) {
            (Some(run), Some(uid)) => Some(format!("{run}/{uid}")),
            (run, _) => run,
        },
        actor: None,
        trigger: None,
    }
}

/// <https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables>; the user's id is of the plug-in
/// "build user vars", the change's of multibranch pipelines.
fn jenkins(variables: &Variables<'_>) -> Ci {
    Ci {
        system: "Jenkins",
        builder_id: variables.server("JENKINS_URL", "https://www.jenkins.io"),
        invocation: variables.first(&["BUILD_URL", "BUILD_TAG"]),
        actor: variables.first(&["BUILD_USER_ID", "CHANGE_AUTHOR"]),
        trigger: variables.get("CHANGE_ID").map(|_| "pull-request".into()),
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
        let ci = Ci::recognise(lookup).expect("a system");
        let seen = (
            ci.system,
            ci.builder_id.as_str(),
            ci.invocation.as_deref(),
            ci.actor.as_deref(),
            ci.trigger.as_deref(),
        );
        assert_eq!(seen, wanted);
    }

    #[test]
    fn elsewhere_is_no_system() {
        assert_eq!(Ci::recognise(|_| None), None);
        let empty = |name: &str| (name == "GITHUB_ACTIONS").then(String::new);
        assert_eq!(Ci::recognise(empty), None);
        let any = |name: &str| (name == "CI").then(|| "true".to_owned());
        assert_eq!(Ci::recognise(any), None);
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
}
