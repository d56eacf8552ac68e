//! The outcome of `verify`, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::escape::Line;
use crate::{
    digest::{ObjectId, Sha256},
    finding::{Code, Finding, Severity},
    judge::{self, CheckResult, Coming, Counts, Item, layout::StepHeld},
    statement::Step,
    timestamp::Timestamp,
    verify::{Outcome, StepState, StepVerdict, governance::Waiting},
};

/// What a reader of a verdict needs to know beside the outcome.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What was asked, in words.
    pub asked: String,
    /// Where the pin came from, in words.
    pub pin: String,
    /// How many attestations wait in the spool.
    pub pending: usize,
    /// The time as of which it was judged.
    pub at: Timestamp,
    /// Whether somebody chose that time.
    pub at_chosen: bool,
    /// Attested commits that the repository lacks: they were judged by the bytes that the ledger keeps.
    pub absent: Vec<ObjectId>,
    /// What the checks say.
    pub checks: Vec<CheckResult>,
    /// How the steps of a layout stand, where one was given.
    pub layout: Option<Vec<StepHeld>>,
}

/// The verdict in the form in which it is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    verdict: &'static str,
    asked: String,
    at: Timestamp,
    pin: String,
    tip: ObjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    genesis: Option<Sha256>,
    size: u64,
    root: Sha256,
    sealed: u64,
    unsealed: u64,
    pending: usize,
    entries_asked: u64,
    entries_counted: u64,
    entries_of_governance: u64,
    absent_commits: Vec<ObjectId>,
    #[serde(skip)]
    at_chosen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyView>,
    waiting: Vec<WaitingView>,
    enforced: Vec<String>,
    steps: Vec<StepView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<Vec<StepHeld>>,
    checks: Vec<CheckResult>,
    findings: Vec<FindingView>,
    elsewhere: Vec<FindingView>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyView {
    seq: u64,
    digest: Sha256,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WaitingView {
    seq: u64,
    step: &'static str,
    signed: usize,
    threshold: usize,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepView {
    commit: ObjectId,
    step: Step,
    state: &'static str,
    entries: Vec<u64>,
    persons: Vec<String>,
    needed: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingView {
    code: Code,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<ObjectId>,
    detail: String,
    meaning: &'static str,
    remedy: String,
}

impl VerdictView {
    /// Puts an outcome into its form.
    pub fn of(outcome: &Outcome, frame: Frame) -> Self {
        let in_force = outcome.in_force.as_ref();
        Self {
            verdict: outcome.verdict.as_str(),
            asked: frame.asked,
            at: frame.at,
            pin: frame.pin,
            tip: outcome.tip,
            origin: outcome.origin.as_ref().map(ToString::to_string),
            genesis: outcome.genesis,
            size: outcome.heads.landed.size,
            root: outcome.heads.landed.root,
            sealed: outcome.counts.sealed,
            unsealed: outcome.counts.unsealed,
            pending: frame.pending,
            entries_asked: outcome.counts.asked,
            entries_counted: outcome.counts.counted,
            entries_of_governance: outcome.counts.governance,
            absent_commits: frame.absent,
            at_chosen: frame.at_chosen,
            policy: in_force.map(|state| PolicyView {
                seq: state.policy_mark.seq,
                digest: state.policy_digest,
            }),
            waiting: outcome.waiting.iter().map(WaitingView::of).collect(),
            enforced: enforced(outcome),
            steps: outcome.steps.iter().map(StepView::of).collect(),
            checks: frame.checks,
            layout: frame.layout,
            findings: outcome.findings.iter().map(FindingView::of).collect(),
            elsewhere: outcome.elsewhere.iter().map(FindingView::of).collect(),
        }
    }

    /// The text for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut row = |label: &str, value: &str| {
            let _ = writeln!(out, "{label:<10}{}", Line(value));
        };
        row(
            "ledger",
            self.origin.as_deref().unwrap_or("(no sound genesis)"),
        );
        row("asked", &self.asked);
        row(
            "entries",
            &format!(
                "{}: {} sealed, {} unsealed; {} pending in the spool",
                self.size, self.sealed, self.unsealed, self.pending
            ),
        );
        row("head", &format!("{} root {}", self.tip, self.root));
        if let Some(first) = self.absent_commits.first() {
            row(
                "absent",
                &format!(
                    "{} attested commit(s), {} first, are not in this repository; judged by the bytes that the ledger keeps",
                    self.absent_commits.len(),
                    &first.hex()[..12]
                ),
            );
        }
        row("pin", &self.pin);
        if self.at_chosen {
            let depends = match self.checks.is_empty() {
                true => "; no rule in force depends on the time",
                false => "",
            };
            row("as of", &format!("{}{depends}", self.at));
        }
        if let Some(policy) = &self.policy {
            row(
                "policy",
                &format!("entry {}, sha256:{}", policy.seq, policy.digest),
            );
        }
        for waiting in &self.waiting {
            row(
                "waiting",
                &format!(
                    "entry {}, {}: {} of {} root keys have signed; git docket cosign {0}",
                    waiting.seq, waiting.step, waiting.signed, waiting.threshold
                ),
            );
        }
        for line in &self.enforced {
            row("enforced", line);
        }
        for step in &self.steps {
            let who = match step.persons.as_slice() {
                [] => String::new(),
                persons => format!(" by {}", persons.join(", ")),
            };
            let entries = step.entries.iter().map(|seq| format!(" #{seq}"));
            let commit = step.commit.hex();
            row(
                "step",
                &format!(
                    "{:<8}{} on {}{who}{}",
                    step.state,
                    step.step,
                    &commit[..12],
                    entries.collect::<String>()
                ),
            );
        }
        for step in self.layout.iter().flatten() {
            let entries = step.entries.iter().map(|seq| format!(" #{seq}"));
            row(
                "layout",
                &format!(
                    "{}: {} of {} links on {}{}",
                    Line(&step.step),
                    step.entries.len(),
                    step.threshold,
                    &step.commit.hex()[..12],
                    entries.collect::<String>()
                ),
            );
        }
        checks(&mut out, &self.checks);
        section(&mut out, "", &self.findings);
        section(
            &mut out,
            "about entries that were not asked about:",
            &self.elsewhere,
        );
        let _ = writeln!(out, "\n{}: {}", self.verdict, self.summary());
        out
    }

    fn summary(&self) -> String {
        match self.verdict {
            "pass" => format!(
                "{} entries of evidence and {} of governance were asked about, and everything holds",
                self.entries_counted, self.entries_of_governance
            ),
            "failed" => "something was judged and does not hold".into(),
            "undecided" => "evidence is missing".into(),
            _ => "the ledger is not what was written; nothing in it counts until this is mended"
                .into(),
        }
    }
}

// Exceptions before passes; items that hold are counted, not listed.
fn checks(out: &mut String, results: &[CheckResult]) {
    for result in results {
        let Counts {
            pass,
            exception,
            unknown,
            fail,
        } = result.counts;
        let _ = writeln!(
            out,
            "check     {:<15}{} {}: {fail} fail, {unknown} unknown, {exception} exceptions, {pass} pass",
            result.verdict.as_str(),
            result.id,
            result.name,
        );
        let open = result.items.iter();
        items(
            out,
            open.filter(|item| item.verdict != judge::Verdict::Pass),
        );
        if let Some(coming) = &result.coming {
            let Coming { from, items: would } = coming;
            let _ = writeln!(
                out,
                "warning   {} is in force from {from} on; as things stand:",
                result.id
            );
            items(out, would);
        }
    }
}

fn items<'a>(out: &mut String, items: impl IntoIterator<Item = &'a Item>) {
    for item in items {
        let reason = item.reason.map(judge::Reason::as_str).unwrap_or_default();
        let entries: String = item.entries.iter().map(|seq| format!(" #{seq}")).collect();
        let detail = match item.detail.as_str() {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        let text = format!(
            "{} {}: {reason}{detail}{entries}",
            item.verdict.as_str(),
            item.subject
        );
        let _ = writeln!(out, "          {}", Line(&text));
        if let Some(remedy) = &item.remedy {
            let _ = writeln!(out, "            {}", Line(remedy));
        }
    }
}

impl WaitingView {
    fn of(waiting: &Waiting) -> Self {
        Self {
            seq: waiting.seq,
            step: waiting.step,
            signed: waiting.signed(),
            threshold: waiting.threshold,
        }
    }
}

impl StepView {
    fn of(step: &StepVerdict) -> Self {
        Self {
            commit: step.commit,
            step: step.step.clone(),
            state: match step.state {
                StepState::Passed => "passed",
                StepState::Failed => "failed",
                StepState::Missing => "missing",
            },
            entries: step.entries.clone(),
            persons: step.persons.iter().map(ToString::to_string).collect(),
            needed: step.needed,
        }
    }
}

impl FindingView {
    fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity(),
            seq: finding.seq,
            commit: finding.commit,
            detail: finding.detail.clone(),
            meaning: finding.code.meaning(),
            remedy: remedy(finding),
        }
    }
}

/// What would mend it; a missing step names its own command.
fn remedy(finding: &Finding) -> String {
    match (finding.code, &finding.commit) {
        (Code::StepMissing, Some(commit)) => {
            let step = finding.detail.strip_prefix("step ").unwrap_or_default();
            let step = step.split(':').next().unwrap_or_default();
            format!(
                "`git docket run --step {step} -- …` with {} checked out, or `git docket attest --step {step} …`, makes one",
                &commit.hex()[..12]
            )
        }
        _ => finding.code.remedy().to_owned(),
    }
}

fn enforced(outcome: &Outcome) -> Vec<String> {
    let mut lines = vec!["every link, digest, root and signature of the ledger".to_owned()];
    match &outcome.in_force {
        None => lines = vec!["nothing: there is no sound genesis".to_owned()],
        Some(_) if !outcome.steps.is_empty() => {
            lines.push("the policy's required steps, for each commit that was asked about".into());
        }
        Some(state)
            if state.policy.required().next().is_none()
                && !state.policy.checks().enforced().is_empty() =>
        {
            lines.push("the checks that the policy enforces; it requires no step".into());
        }
        Some(state) if state.policy.required().next().is_none() => {
            lines.push(
                "the policy requires no step: only integrity and signatures were judged".into(),
            );
        }
        Some(_) => lines.push("no required step: no commit was asked about".into()),
    }
    lines
}

fn section(out: &mut String, title: &str, findings: &[FindingView]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}{title}", if title.is_empty() { "" } else { "\n" });
    for finding in findings {
        let word = match finding.severity {
            Severity::Broken => "broken",
            Severity::Failed => "failed",
            Severity::Missing => "missing",
            Severity::Note => "note",
        };
        let place = match (finding.seq, &finding.commit) {
            (Some(seq), _) => format!(" entry {seq}"),
            (None, Some(commit)) => format!(" {}", &commit.hex()[..12]),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            out,
            "{word} [{}]{place}: {}",
            finding.code,
            Line(&finding.detail)
        );
        let _ = writeln!(out, "    {}", finding.meaning);
        if finding.severity != Severity::Note {
            let _ = writeln!(out, "    mend: {}", finding.remedy);
        }
    }
}
