//! except, gap, ai, amend: what is allowed, missing, machine-made, mistaken.

use super::super::record::Claim;
use super::{Desk, Error};
use crate::statement::Step;
use crate::statement::predicate::{
    AiAssistance, AiKind, AiModel, AiPrompt, AiSession, AiTool, Correction, CorrectionKind,
    ExceptedFinding, Exception, ExceptionScope, Gap, Label, PersonId, RetroReview, Sha256Text, Who,
};
use crate::timestamp::Timestamp;

/// `except`: something is let through.
#[derive(Clone, Debug)]
pub struct Except {
    /// The step.
    pub step: Step,
    /// The checks.
    pub checks: Vec<String>,
    /// The findings.
    pub findings: Vec<ExceptedFinding>,
    /// Where.
    pub scope: ExceptionScope,
    /// Why.
    pub reason: String,
    /// What may come of it.
    pub risk: Option<String>,
    /// What is done instead.
    pub compensating: Vec<String>,
    /// Who asked.
    pub requested_by: Who,
    /// Until when.
    pub expires: Timestamp,
    /// By when it is looked at again, where it was taken before it was granted.
    pub break_glass: Option<Timestamp>,
}

/// `gap`: evidence is missing.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The step.
    pub step: Step,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Of which steps.
    pub steps: Vec<Step>,
    /// Why.
    pub reason: String,
}

/// `ai`: whether and how AI took part.
#[derive(Clone, Debug)]
pub struct Assisted {
    /// The step.
    pub step: Step,
    /// How much by itself.
    pub kind: AiKind,
    /// Who answers for it; whoever signs, where nothing is said.
    pub operator: Option<PersonId>,
    /// The tool.
    pub tool: Option<(Label, Option<Label>)>,
    /// The model: provider and id.
    pub model: Option<(Label, Label)>,
    /// The session.
    pub session: Option<Label>,
    /// Digest of the prompt.
    pub prompt: Option<Sha256Text>,
}

/// `amend`: an entry was a mistake.
#[derive(Clone, Debug)]
pub struct Amend {
    /// The step.
    pub step: Step,
    /// Which.
    pub seq: u64,
    /// What stands in its place.
    pub by: Option<u64>,
    /// Why.
    pub reason: String,
}

impl Desk<'_> {
    /// An exception, granted by whoever signs.
    ///
    /// # Errors
    /// Where the flags break a rule.
    pub fn except(&self, request: Except) -> Result<Claim, Error> {
        let exception = Exception {
            asserted: self.asserted(),
            checks: request.checks,
            controls: Vec::new(),
            findings: request.findings,
            scope: request.scope,
            reason: request.reason,
            risk: request.risk,
            compensating: request.compensating,
            requested_by: request.requested_by,
            granted_by: Who::Person(self.person.clone()),
            effective_from: Some(self.now()),
            expires: request.expires,
            break_glass: request.break_glass.is_some(),
            retro_review: request.break_glass.map(|due_by| RetroReview { due_by }),
        };
        self.claim(request.step, &exception, Vec::new())
    }

    /// A gap.
    ///
    /// # Errors
    /// Where the flags break a rule.
    pub fn gap(&self, request: Missing) -> Result<Claim, Error> {
        let gap = Gap {
            asserted: Some(self.asserted()),
            from: request.from,
            until: request.until,
            steps: request.steps,
            reason: request.reason,
            approved_by: Some(self.person.clone()),
            recovery: None,
        };
        self.claim(request.step, &gap, Vec::new())
    }

    /// What AI did. No prompt's text comes in here: only its digest.
    ///
    /// # Errors
    /// Where the flags break a rule.
    pub fn ai(&self, request: Assisted) -> Result<Claim, Error> {
        let session = request.tool.map(|(name, version)| AiSession {
            id: request.session.unwrap_or_else(|| name.clone()),
            tool: AiTool { name, version },
            model: request.model.map(|(provider, id)| AiModel {
                provider,
                id,
                version: None,
            }),
            role: None,
            started_on: None,
            finished_on: None,
            task: None,
            prompt: request.prompt.map(|digest| AiPrompt {
                digest,
                media_type: None,
            }),
            instructions: Vec::new(),
            tools: Vec::new(),
            sandbox: None,
        });
        let operator = request.operator.unwrap_or_else(|| self.person.clone());
        let assistance = AiAssistance {
            asserted: self.asserted(),
            kind: request.kind,
            operator: (request.kind != AiKind::None).then_some(operator),
            sessions: session.into_iter().collect(),
            attribution: None,
            human: None,
        };
        self.claim(request.step, &assistance, Vec::new())
    }

    /// A correction of an entry.
    ///
    /// # Errors
    /// Where an entry that is named does not count.
    pub fn amend(&self, request: Amend) -> Result<Claim, Error> {
        let replacement = request.by.map(|seq| self.reference(seq)).transpose()?;
        let correction = Correction {
            asserted: self.asserted(),
            about: self.reference(request.seq)?,
            kind: match replacement {
                Some(_) => CorrectionKind::Supersede,
                None => CorrectionKind::Retract,
            },
            replacement,
            reason: request.reason,
        };
        self.claim(request.step, &correction, Vec::new())
    }
}
