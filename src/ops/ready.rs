//! Ready: may this be merged, released, deployed? Judged is only what can be known before that act.
//!
//! The checks that the policy enforces are taken, without those that only the act brings evidence for: these are
//! *pending*, and do not block. For a deployment, one that has not happened is put beside the entries, so that the checks
//! of deployments have it to look at. The required steps of the commit count too.

use std::sync::Arc;

use serde::Serialize;
use std::num::NonZeroUsize;

use super::World;
use super::judgement::{self, Wanted};
use super::report::Error;
use super::verify::{self as replay, Remember, Request};
use crate::digest::Sha256;
use crate::git::{RefName, Repository};
use crate::judge::{self, Asked, CheckResult, Entry, Model, Scope, Verdict};
use crate::statement::predicate::{
    Asserted, BuiltArtifact, Deployment, DeploymentReason, DeploymentResult, Environment, Known,
    PersonId, Predicate,
};
use crate::statement::{DigestSet, Subject};
use crate::verify::{CommitSubject, Keep, Question, StepState};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// To bring a change in.
    Merge,
    /// To release a commit.
    Release,
    /// To put an artifact to work.
    Deploy {
        /// Where.
        environment: String,
        /// What people call it.
        service: String,
    },
}

/// Whether it may be done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// `ready`, `not-ready` where something fails, `undecided` where something is missing.
    pub verdict: &'static str,
    /// What was asked about.
    pub subject: String,
    /// `merge`, `release` or `deploy:ENV`.
    pub act: String,
    /// What stands in the way, with what mends it.
    pub missing: Vec<Obstacle>,
    /// The enforced checks that only the act brings evidence for.
    pub pending: Vec<&'static str>,
    /// The checks that were run.
    pub checks: Vec<CheckResult>,
}

/// Something that stands in the way.
#[derive(Clone, Debug, Serialize)]
pub struct Obstacle {
    /// A check or a step.
    pub what: String,
    /// In words.
    pub why: String,
    /// What mends it.
    pub remedy: String,
}

impl Act {
    /// The word for it.
    pub fn name(&self) -> String {
        match self {
            Self::Merge => "merge".into(),
            Self::Release => "release".into(),
            Self::Deploy { environment, .. } => format!("deploy:{environment}"),
        }
    }

    // What only the act itself can show: that it is on record, in order, and what it brought.
    fn brings(&self) -> &'static [&'static str] {
        match self {
            Self::Merge => &["C03", "C04", "C07", "C16"],
            Self::Release => &["C03", "C04", "C16"],
            Self::Deploy { .. } => &["C03", "C04", "C06", "C14", "C16", "C28"],
        }
    }
}

/// Judges what can be known before an act.
///
/// # Errors
/// Where we could not look.
pub fn ready(
    world: &World,
    repository: &Repository,
    ledger: &RefName,
    subject: &str,
    question: Question,
    act: &Act,
) -> Result<Readiness, Error> {
    let mut request = Request::new(question.clone());
    request.keep = Keep::Said;
    request.remember = Remember::No;
    request.checks = Wanted::These(Vec::new());
    let replayed = replay::verify(world, repository, ledger, &request)?;
    let outcome = &replayed.outcome;
    let evidence = outcome.evidence.as_ref().ok_or(Error::NoGenesis)?;
    let mut model = judgement::model(repository, outcome, evidence, None)?;
    let mut scope = replay::scoped(&question, &Scope::default());
    if let (
        Act::Deploy {
            environment,
            service,
        },
        Question::Artifact(artifact),
    ) = (act, &question)
    {
        imagine(&mut model, environment, service, &artifact.digest);
        scope.environment = Some(environment.clone());
    }
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let enforced = model.policy().checks().enforced();
    let (pending, wanted): (Vec<_>, Vec<_>) = enforced
        .into_iter()
        .partition(|id| act.brings().contains(id));
    let checks = judge::judge(&model, &scope, Asked::These(&wanted), threads);
    let mut missing = Vec::new();
    let mut verdict = judge::overall(&checks);
    for step in outcome
        .steps
        .iter()
        .filter(|step| step.state != StepState::Passed)
    {
        let failed = step.state == StepState::Failed;
        verdict = verdict.max(if failed {
            Verdict::Fail
        } else {
            Verdict::Unknown
        });
        missing.push(Obstacle {
            what: format!("step {}", step.step),
            why: format!("{} of {} persons", step.persons.len(), step.needed),
            remedy: format!("git docket run --step {} -- COMMAND", step.step),
        });
    }
    if outcome
        .steps
        .iter()
        .any(|step| step.state == StepState::Passed)
    {
        verdict = verdict.max(Verdict::Pass);
    }
    for check in &checks {
        for item in check
            .items
            .iter()
            .filter(|item| item.verdict > Verdict::Exception)
        {
            missing.push(Obstacle {
                what: format!("{} {}", check.id, check.name),
                why: format!(
                    "{}: {} {}",
                    item.subject,
                    item.reason.map_or("", |reason| reason.as_str()),
                    item.detail
                ),
                remedy: item.remedy.clone().unwrap_or_default(),
            });
        }
    }
    // Nothing that could be looked at is no permission.
    if verdict == Verdict::NotApplicable {
        let changes = matches!(act, Act::Merge) && !knows_change(&model, &question);
        missing.push(match changes {
            true => Obstacle {
                what: "change".into(),
                why: "no recorded change has this commit as its head".into(),
                remedy: "git docket change --reason KIND".into(),
            },
            false => Obstacle {
                what: "policy".into(),
                why: "nothing that the policy enforces could be judged before this act".into(),
                remedy: "git docket policy publish FILE, with the checks that you want enforced"
                    .into(),
            },
        });
    }
    Ok(Readiness {
        verdict: match verdict {
            Verdict::Pass | Verdict::Exception => "ready",
            Verdict::Fail => "not-ready",
            Verdict::Unknown | Verdict::NotApplicable => "undecided",
        },
        subject: subject.to_owned(),
        act: act.name(),
        missing,
        pending,
        checks,
    })
}

fn knows_change(model: &Model, question: &Question) -> bool {
    let Question::Commits(subjects) = question else {
        return true;
    };
    let is_head = |subject: &CommitSubject| {
        model
            .changes()
            .values()
            .any(|(_, change)| change.head.commit == subject.commit)
    };
    subjects.iter().any(is_head)
}

// A deployment that has not happened, after everything that has. Nobody signed it, so it speaks for nobody: the checks
// that look at it ask for its artifact and its place.
fn imagine(model: &mut Model, environment: &str, service: &str, digest: &DigestSet) {
    let nobody: PersonId = "nobody".parse().expect("a person's id");
    let Some(last) = model.entries.last() else {
        return;
    };
    let rule = model.policy().environment(environment);
    let deployment = Deployment {
        asserted: Asserted::by(nobody.clone()),
        environment: Environment {
            tier: rule.and_then(|rule| rule.tier),
            ..Environment::named(environment)
        },
        service: service.to_owned(),
        artifact: BuiltArtifact {
            name: None,
            digest: digest.clone(),
        },
        previous_artifact: None,
        strategy: None,
        reason: DeploymentReason::Planned,
        trigger: None,
        started_on: None,
        finished_on: model.at,
        result: DeploymentResult::Success,
        rollback_ref: None,
        changes: Vec::new(),
        basis: Vec::new(),
    };
    let imagined = Entry {
        seq: last.seq + 1,
        attestation: Sha256::of(b"a deployment that has not happened"),
        commit: last.commit,
        tree: last.tree,
        step: "deploy".into(),
        signer: nobody,
        claimed: model.at,
        verified: None,
        predicate_type: Deployment::TYPE.into(),
        said: Some(Known::Deployment(Box::new(deployment))),
        failed: false,
        subjects: vec![Subject::new(digest.clone())],
    };
    Arc::make_mut(&mut model.entries).push(imagined);
}
