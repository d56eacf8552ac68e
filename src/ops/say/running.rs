//! deploy, observe, outcome, measure.

use super::super::record::Claim;
use super::{Desk, Error, subject};
use crate::digest::Sha256;
use crate::statement::predicate::{
    BuiltArtifact, Child, Comparison, Contains, Deployment, DeploymentReason, DeploymentResult,
    Document, Environment, Gate, Inventory, InventoryItem, InventorySource, Measurement,
    MeasurementResult, Metric, Outcome, OutcomeKind, OutcomeSource, Phase, RootCause, Sha256Text,
    Threshold, Tool, Trigger, TriggerKind, Who,
};
use crate::statement::{Step, Subject};
use crate::timestamp::Timestamp;

/// `deploy`: something built was put to work.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// The step.
    pub step: Step,
    /// Where.
    pub environment: Environment,
    /// What people call it.
    pub service: String,
    /// A file or a digest.
    pub artifact: String,
    /// What was there before; the last deployment's artifact, where nothing is said.
    pub previous: Option<String>,
    /// How.
    pub strategy: Option<String>,
    /// Why.
    pub reason: DeploymentReason,
    /// How it ended.
    pub result: DeploymentResult,
    /// From when.
    pub started: Option<Timestamp>,
    /// Until when; now, where nothing is said.
    pub finished: Option<Timestamp>,
    /// How it is undone.
    pub rollback: Option<String>,
    /// The changes that came with it.
    pub changes: Vec<String>,
    /// Who set it off.
    pub triggered_by: Option<Who>,
    /// Where that can be seen.
    pub url: Option<String>,
}

/// `observe`: what was seen running.
#[derive(Clone, Debug)]
pub struct Observe {
    /// The step.
    pub step: Step,
    /// Where.
    pub environment: Environment,
    /// What was asked.
    pub tool: String,
    /// Each thing that ran.
    pub items: Vec<Ran>,
    /// Whether that is all.
    pub complete: bool,
    /// The answer that it was read from.
    pub answer: Option<Vec<u8>>,
}

/// Something that was seen running.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What people call it.
    pub service: String,
    /// A file or a digest.
    pub artifact: String,
    /// How many of it.
    pub replicas: Option<u64>,
}

/// `outcome`: what production said.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The step.
    pub step: Step,
    /// What.
    pub kind: OutcomeKind,
    /// To what.
    pub service: String,
    /// Where.
    pub environment: Environment,
    /// The entry that this one follows up.
    pub about: Option<u64>,
    /// The deployment or landing that caused it.
    pub caused_by: Option<u64>,
    /// Where it was handled.
    pub incident: Option<Document>,
    /// When it was noticed; now, where nothing is said.
    pub detected: Option<Timestamp>,
    /// When all was well again.
    pub restored: Option<Timestamp>,
    /// How bad.
    pub severity: Option<String>,
    /// What lay behind it.
    pub root_cause: Option<String>,
    /// Whether AI had a part in that.
    pub ai_related: Option<bool>,
    /// What said so.
    pub tool: Option<String>,
}

/// `measure`: figures.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The step.
    pub step: Step,
    /// What they are for.
    pub gate: Gate,
    /// What found them.
    pub tool: Tool,
    /// Foretold or found.
    pub phase: Phase,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What they are held against.
    pub limits: Vec<Limit>,
    /// Whether they keep it; computed, where nothing is said.
    pub result: Option<MeasurementResult>,
    /// What they are about.
    pub service: Option<String>,
    /// Where that runs.
    pub environment: Option<Environment>,
    /// Until when they may be used.
    pub valid_until: Option<Timestamp>,
}

/// A figure, as its predicate has it.
pub type Figure = Metric;

/// A limit, as its predicate has it.
pub type Limit = Threshold;

impl Desk<'_> {
    /// A deployment, relying on the entries about its artifact and about the commits it came from.
    ///
    /// # Errors
    /// Where the artifact cannot be told, or the flags break a rule.
    pub fn deploy(&self, request: Deploy) -> Result<Claim, Error> {
        let artifact = self.artifact(&request.artifact)?;
        let previous = match &request.previous {
            Some(word) => Some(self.artifact(word)?),
            None => self.last_deployed(&request.environment.name, &request.service),
        };
        let about = |entry: &crate::judge::Entry| entry.is_about(&artifact.digest);
        let sources: Vec<_> = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter())
            .filter(|entry| about(entry))
            .map(|entry| entry.tree)
            .collect();
        let mut changes = request.changes;
        if changes.is_empty() {
            changes = self.changes_of(&sources);
        }
        let subjects = vec![
            subject(&artifact),
            Subject::commit(&self.commit(), &self.tree()),
        ];
        let basis =
            self.basis(|entry| about(entry) || sources.iter().any(|tree| entry.has_tree(tree)));
        let person = request.triggered_by;
        let deployment = Deployment {
            asserted: self.asserted(),
            environment: request.environment,
            service: request.service,
            artifact,
            previous_artifact: previous,
            strategy: request.strategy,
            reason: request.reason,
            trigger: (person.is_some() || request.url.is_some()).then(|| Trigger {
                kind: if person.is_some() {
                    TriggerKind::Manual
                } else {
                    TriggerKind::Automatic
                },
                person,
                service: None,
                url: request.url,
            }),
            started_on: request.started,
            finished_on: request.finished.unwrap_or(self.now()),
            result: request.result,
            rollback_ref: request.rollback,
            changes,
            basis,
        };
        self.claim(request.step, &deployment, subjects)
    }

    fn last_deployed(&self, environment: &str, service: &str) -> Option<BuiltArtifact> {
        use crate::statement::predicate::Known;
        let entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        let mut artifacts = entries.filter_map(|entry| match &entry.said {
            Some(Known::Deployment(said))
                if said.environment.name == environment
                    && said.service == service
                    && said.result == DeploymentResult::Success =>
            {
                Some(said.artifact.clone())
            }
            _ => None,
        });
        artifacts.next_back()
    }

    // The changes whose head or landed tree is one of these.
    fn changes_of(&self, trees: &[crate::digest::ObjectId]) -> Vec<String> {
        use crate::statement::predicate::Known;
        let entries = self
            .evidence
            .iter()
            .flat_map(|evidence| evidence.entries.iter());
        let mut ids: Vec<String> = entries
            .filter_map(|entry| match &entry.said {
                Some(Known::Change(change)) if trees.contains(&change.head.tree) => {
                    Some(change.id.clone())
                }
                Some(Known::Landing(landing)) if trees.contains(&entry.tree) => {
                    Some(landing.change_id.clone())
                }
                _ => None,
            })
            .filter(|id| id != crate::statement::predicate::Landing::DIRECT)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// What was seen running.
    ///
    /// # Errors
    /// Where a digest is none, or the flags break a rule.
    pub fn observe(&self, request: Observe) -> Result<Claim, Error> {
        let items: Result<Vec<InventoryItem>, Error> = request
            .items
            .iter()
            .map(|ran| {
                Ok(InventoryItem {
                    service: ran.service.clone(),
                    digest: self.artifact(&ran.artifact)?.digest,
                    replicas: ran.replicas,
                })
            })
            .collect();
        let inventory = Inventory {
            asserted: self.asserted(),
            environment: request.environment,
            observed_on: self.now(),
            source: InventorySource {
                tool: request.tool,
                uri: None,
                digest: request.answer.map(|answer| Sha256Text(Sha256::of(&answer))),
            },
            items: items?,
            complete: request.complete,
        };
        self.claim(request.step, &inventory, Vec::new())
    }

    /// What an image index contains.
    ///
    /// # Errors
    /// Where it contains nothing.
    pub fn contains(
        &self,
        step: Step,
        parent: BuiltArtifact,
        children: Vec<Child>,
    ) -> Result<Claim, Error> {
        let subjects = vec![
            subject(&parent),
            Subject::commit(&self.commit(), &self.tree()),
        ];
        let contains = Contains {
            asserted: self.asserted(),
            parent,
            children,
        };
        self.claim(step, &contains, subjects)
    }

    /// What production said.
    ///
    /// # Errors
    /// Where an entry that is named does not count, or the flags break a rule.
    pub fn outcome(&self, request: Happened) -> Result<Claim, Error> {
        let reference = |seq: Option<u64>| seq.map(|seq| self.reference(seq)).transpose();
        let outcome = Outcome {
            asserted: self.asserted(),
            service: request.service,
            environment: request.environment,
            kind: request.kind,
            about: reference(request.about)?,
            incident: request.incident,
            detected_on: request.detected.unwrap_or(self.now()),
            restored_on: request.restored,
            severity: request.severity,
            caused_by: reference(request.caused_by)?,
            root_cause: request.root_cause.map(|class| RootCause {
                class,
                ai_related: request.ai_related,
            }),
            source: request.tool.map(|tool| OutcomeSource {
                tool,
                confidence: None,
            }),
        };
        self.claim(request.step, &outcome, Vec::new())
    }

    /// Figures, held against their limits.
    ///
    /// # Errors
    /// Where the flags break a rule.
    pub fn measure(&self, request: Measured) -> Result<Claim, Error> {
        let kept = |limit: &Threshold| {
            let mut of_it = request
                .figures
                .iter()
                .filter(|figure| figure.name == limit.metric);
            of_it.all(|figure| Comparison::holds(limit.op, &figure.value, &limit.value))
        };
        let result = request
            .result
            .unwrap_or(match request.limits.iter().all(kept) {
                true => MeasurementResult::Pass,
                false => MeasurementResult::Fail,
            });
        let measurement = Measurement {
            asserted: self.asserted(),
            service: request.service,
            environment: request.environment,
            window: None,
            phase: request.phase,
            gate: request.gate,
            tool: request.tool,
            input: None,
            policies: Vec::new(),
            metrics: request.figures,
            thresholds: request.limits,
            result,
            report: None,
            valid_until: request.valid_until,
        };
        self.claim(request.step, &measurement, Vec::new())
    }
}
