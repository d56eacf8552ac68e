//! What is measured: each measure's name, how it is counted, in what, and what it says in a line.

use super::figure::Kind;

macro_rules! measures {
    ($($variant:ident $name:literal $kind:ident $unit:literal $title:literal)*) => {
        /// A measure. The manual's page `insight` has the formulas.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each has its title")]
        pub enum Measure { $($variant,)* }

        impl Measure {
            /// Every measure, in the order that they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How its observations make a figure.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// In what it is counted.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }

            /// What it is, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

measures! {
    LeadTime "change-lead-time" Spread "seconds" "change lead time"
    Frequency "deployment-frequency" Count "a week" "deployments"
    RecoveryTime "failed-deployment-recovery-time" Spread "seconds" "failed deployment recovery time"
    FailRate "change-fail-rate" Rate "ratio" "change fail rate"
    ReworkRate "deployment-rework-rate" Rate "ratio" "deployment rework rate"
    WaitChange "wait-change" Spread "seconds" "wait for the change's record"
    WaitReview "wait-review" Spread "seconds" "wait for review"
    WaitApproval "wait-approval" Spread "seconds" "wait for approval"
    WaitLanding "wait-landing" Spread "seconds" "wait for landing"
    WaitBuild "wait-build" Spread "seconds" "wait for build"
    WaitTest "wait-test" Spread "seconds" "wait for test"
    WaitScan "wait-scan" Spread "seconds" "wait for scan"
    WaitDeploy "wait-deploy" Spread "seconds" "wait for deployment"
    Authored "changes-authored" Count "a week" "changes authored"
    Delivered "changes-delivered-with-controls" Count "a week" "changes in production with every control"
    Controls "controls-held" Rate "ratio" "changes with every required control"
    Control "control-coverage" Rate "ratio" "changes for which a check holds"
    Excepted "changes-under-exception" Rate "ratio" "changes that needed an exception"
    ReviewPace "review-pace" Spread "lines/h" "review pace"
    FastReviews "reviews-faster-than-500-lines-an-hour" Rate "ratio" "reviews faster than 500 lines an hour"
    BlindApprovals "approvals-that-looked-at-nothing" Rate "ratio" "approvals that looked at nothing"
    SloMissed "releases-that-missed-an-slo" Rate "ratio" "releases that missed an SLO"
}

impl Measure {
    /// The waits, in the order of a change's life.
    pub const WAITS: [Self; 8] = [
        Self::WaitChange,
        Self::WaitReview,
        Self::WaitApproval,
        Self::WaitLanding,
        Self::WaitBuild,
        Self::WaitTest,
        Self::WaitScan,
        Self::WaitDeploy,
    ];
}
