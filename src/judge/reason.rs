//! Why a check does not pass: each reason has a stable name, a meaning and a remedy, a line in the manual's page
//! `checks`, and a vector.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Verdict;

macro_rules! reasons {
    ($($variant:ident $name:literal $verdict:ident $meaning:literal $remedy:literal)*) => {
        /// Why a check does not pass.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason { $(#[doc = $meaning] $variant,)* }

        impl Reason {
            /// Every reason, in the order of the checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it fails a check, or leaves it unknown.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$variant => Verdict::$verdict,)* }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

reasons! {
    LedgerBroken "ledger-broken" Fail
        "The ledger itself is not what was written."
        "Find the finding's section on the page findings; go back to the last tip that verifies, or recover."
    LedgerUnsound "ledger-unsound" Unknown
        "C01 or C02 fails, so nothing else can be known."
        "Mend what C01 and C02 name first."
    EntryUnsound "entry-unsound" Fail
        "An entry does not count: its signature, place or signer is wrong."
        "Find out who wrote it; record the step again with a key of the roster."
    AssertionFalse "assertion-false" Fail
        "An entry speaks for somebody who did not sign it, or an observer is none."
        "Record it signed by the person, or by a service with the role observer."
    Suspect "key-suspect" Unknown
        "An entry's key is suspect from its seq on."
        "Attest the step again with another key."
    CommitNotLanded "commit-not-landed" Fail
        "A commit of a protected ref is in no landing."
        "git docket land records what landed; in CI, on every push to the ref."
    LandingWithoutChange "landing-without-change" Fail
        "A landing names no recorded change."
        "git docket change records it; a push without one stays a fault, or needs an exception."
    RunningUndeclared "running-undeclared" Fail
        "Something runs that no deployment brought."
        "Find out who put it there; record its deployment."
    DeployedNotRunning "deployed-not-running" Fail
        "What was deployed last is not what runs."
        "Find out what happened; record the deployment that replaced it."
    NoInventory "no-inventory" Unknown
        "No complete inventory says what runs."
        "git docket observe records one."
    NoPopulation "no-population" Unknown
        "Git's commits of the ref were not there to compare with."
        "Fetch the protected ref whole, not shallow."
    OrderReversed "order-reversed" Fail
        "What should come first came after."
        "Do the later step again, in order."
    OrderUnknown "order-unknown" Unknown
        "Nobody can tell which came first."
        "Name what a step relied on (basis), or use timestamps; record steps when they happen."
    TooFewApprovals "too-few-approvals" Fail
        "Too few humans who had no hand in it approved it."
        "git docket approve, by somebody who is no author, committer, opener, pusher or operator of it."
    AuthorUnknown "author-unknown" Unknown
        "An author is no person of the roster."
        "Add the address or login to the person in the roster."
    AuthorClaimed "author-claimed" Unknown
        "An author is known only by a commit's own claim, which the policy does not take."
        "Record the change as the forge saw it."
    ApprovalStale "approval-stale" Fail
        "The approvals are of another base or tree, or older than the newest change."
        "Approve what is to land."
    ApprovalExpired "approval-expired" Fail
        "The approval had expired."
        "Approve again."
    ApprovalRejected "approval-rejected" Fail
        "Somebody with the authority rejected it."
        "Mend what was rejected, and have it approved."
    DutiesTogether "duties-together" Fail
        "One person held two duties that the policy keeps apart."
        "Have another person do one of them."
    HolderUnknown "holder-unknown" Unknown
        "Somebody who held a duty is no person of the roster."
        "Add the address or login to the person in the roster."
    NotWhatWasApproved "not-what-was-approved" Fail
        "What landed or was deployed is not what was approved."
        "Approve what landed, or take it back."
    TagMoved "tag-moved" Fail
        "A release's tag names another object than when it was released."
        "Find out who moved it, and put it back; a release under the same name again is a new one."
    MergeUnknown "merge-unknown" Unknown
        "What was approved is not here any more, so its merge cannot be recomputed."
        "Fetch the approved commit: its forge keeps it under refs/pull or refs/merge-requests."
    NothingApproved "nothing-approved" Unknown
        "There is no approval to hold it against."
        "git docket approve."
    SuiteMissing "suite-missing" Unknown
        "A required suite has no result for this tree or artifact."
        "git docket run --step SUITE --evidence REPORT -- COMMAND, or git docket attest --step SUITE --evidence REPORT."
    SuiteFailed "suite-failed" Fail
        "A required suite failed."
        "Mend it, and run the suite again."
    SuiteWarned "suite-warned" Fail
        "A required suite warned, which the policy does not take."
        "Mend what it warned of."
    SuiteEmpty "suite-empty" Unknown
        "A required suite executed no test."
        "Run it with its tests."
    SuiteNoReport "suite-no-report" Unknown
        "A suite has only its command's exit code, and the policy asks for a report."
        "Attest the report (--type test-result), or set accept = \"exit-code\"."
    SuiteLate "suite-late" Fail
        "The suite passed only after what it should come before."
        "Run it before."
    ScanMissing "scan-missing" Unknown
        "A required scan has no result for this artifact."
        "git docket attest --step SCAN --evidence REPORT ARTIFACT."
    ScanDatabaseOld "scan-database-old" Fail
        "The scanner's database was older than the policy allows."
        "Update it and scan again."
    ScanDatabaseUnknown "scan-database-unknown" Unknown
        "The report does not say how old the scanner's database is."
        "Use a scanner that says so."
    Vulnerable "vulnerable" Fail
        "A finding at or over the severity has no live exception."
        "Mend it, or have it allowed: git docket except."
    RescanMissing "rescan-missing" Unknown
        "What runs was not scanned again in time."
        "Scan the digests of the newest inventory."
    ProvenanceMissing "provenance-missing" Unknown
        "The deployed artifact has no provenance."
        "git docket run --provenance --product ARTIFACT -- COMMAND, or attest what the builder says."
    BuilderUnknown "builder-unknown" Fail
        "The provenance is of a builder that the policy does not name."
        "Build it there, or name the builder in the policy."
    SourceOffLine "source-off-line" Fail
        "The source commit is not on a protected ref."
        "Build from a commit that landed."
    SourceUnknown "source-unknown" Unknown
        "The provenance names no source commit that git knows here."
        "Fetch the ref; have the builder name its commit."
    SbomMissing "sbom-missing" Unknown
        "The deployed artifact has no bill of materials."
        "git docket attest --step sbom --type cyclonedx --predicate BOM ARTIFACT."
    ExceptionNotGranted "exception-not-granted" Fail
        "An exception was not granted by a human who is not the one who asked."
        "Have it granted by somebody else."
    ExceptionNotReviewed "exception-not-reviewed" Fail
        "An exception was to be looked at again, and was not."
        "Look at it, and record that."
    ExceptionBlanket "exception-blanket" Unknown
        "An exception names no finding: it covers all that its checks find."
        "Name the findings."
    StageSkipped "stage-skipped" Fail
        "The artifact did not run in an environment that comes before."
        "Deploy it there first."
    RollbackMissing "rollback-missing" Fail
        "The deployment does not say how it is undone."
        "git docket deploy --rollback REF, or --previous."
    TicketMissing "ticket-missing" Fail
        "The change names no ticket."
        "git docket change --ticket URL."
    TicketUndated "ticket-no-snapshot" Unknown
        "The change's ticket has no digest, so nobody knows what it said."
        "Give a snapshot of the ticket."
    ImpactMissing "impact-missing" Fail
        "The change does not say what it means for security."
        "git docket change --impact CLASS."
    EvidenceYoung "evidence-young" Unknown
        "The ledger does not reach back as far as the policy asks."
        "Wait; earlier evidence cannot be made."
    EvidenceGap "evidence-gap" Unknown
        "Evidence is missing for a time, and that was said openly."
        "Nothing mends a gap; it stays in every report."
    TimeBackwards "time-backwards" Fail
        "A claimed time is before that of earlier entries by more than the clocks may differ."
        "Mend the clock of the machine that signed."
    TimeAfterWitness "time-after-witness" Fail
        "A claimed time is after the time that somebody vouches for."
        "Mend the clock of the machine that signed."
    GovernanceAlone "governance-alone" Fail
        "One person changed the roster or the policy, without approval by another."
        "git docket approve --scope policy|roster, or a root threshold above 1."
    AiUndeclared "ai-undeclared" Unknown
        "Nobody has said whether AI had a hand in the change."
        "git docket ai; one statement for a change is enough."
    AiContradicted "ai-contradicted" Fail
        "A commit's trailer names an AI tool, and the statement says none."
        "Correct the statement: git docket amend."
    AiBanned "ai-banned" Fail
        "AI had a hand in the change, and the policy bans it."
        "Take the change back, or change the policy."
    AiNotReviewed "ai-not-reviewed" Fail
        "Too few humans who did not run the AI approved the change."
        "git docket approve, by somebody who is not its operator."
    AiRoleMissing "ai-role-missing" Fail
        "Nobody with the role that these paths need approved the change."
        "Have it approved by somebody with that role."
    AiToolUnknown "ai-tool-not-allowed" Fail
        "The AI tool or model is not on the policy's list."
        "Use one that is, or add it."
    AiModelUnsaid "ai-model-unsaid" Unknown
        "A session does not say which model it used."
        "Record the model."
    AiShareOver "ai-share-over" Fail
        "More lines may be AI's than the policy allows."
        "Split or rewrite the change, or have it allowed."
    AiShareUnknown "ai-share-unknown" Unknown
        "Nobody knows which lines are AI's."
        "Record line notes."
    AiScanMissing "ai-scan-missing" Unknown
        "A scan or suite that AI changes need has no result."
        "Run it."
    AiScanFailed "ai-scan-failed" Fail
        "A scan or suite that AI changes need failed."
        "Mend what it found."
    AiPromptUnsaid "ai-prompt-unsaid" Fail
        "A session has no digest of its prompt."
        "Record the prompt's digest (never the prompt)."
    AgentDecided "agent-decided" Fail
        "An AI agent approved, allowed or governed something."
        "Have a human do it."
    AgentOutside "agent-outside-limits" Fail
        "An AI agent attested a step, or made a change by itself, that the policy does not leave to agents."
        "Have a human attest it or take part in it."
    GateMissing "gate-missing" Unknown
        "A measurement that must come before is missing."
        "git docket measure --gate KIND --tool NAME NAME=VALUE."
    GateFailed "gate-failed" Fail
        "A measurement that must pass did not."
        "Mend it, or have it allowed: git docket except."
    GateExpired "gate-expired" Unknown
        "A measurement was no longer valid."
        "Measure again."
    RecoveryMissing "recovery-missing" Unknown
        "A failed deployment has no recorded recovery."
        "git docket outcome recovered --about SEQ."
    RootCauseLate "root-cause-missing" Fail
        "A failed deployment has no recorded root cause in time."
        "git docket outcome recovered --about SEQ --root-cause CLASS."
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
