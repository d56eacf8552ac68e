//! A quarter of a company's work, with faults in it.
//!
//! Each working day a few changes are written, tested, approved and landed, and one service is released from the main branch:
//! built, listed, scanned, and deployed to five environments on two clouds and in one data centre. On some days somebody
//! does what they should not. What each fault is called by the checks is noted where it is planted, by check, reason and
//! subject: a report must name these and nothing else.

use serde_json::json;

use super::Error;
use super::audit::Expected;
use super::company::Company;
use super::work::{Ai, ENVIRONMENTS, Flaw, SERVICES, Work, place, plain};
use crate::digest::Sha256;
use crate::git::Repository;
use crate::judge::Reason;
use crate::timestamp::Timestamp;

/// The first day.
pub(super) const FROM: &str = "2026-07-01T00:00:00Z";
/// The day after the last.
pub(super) const UNTIL: &str = "2026-10-01T00:00:00Z";

/// The rules of the company.
pub(super) const POLICY: &str = include_str!("quarter.toml");

const DAYS: i64 = 92;
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const CHANGES_A_DAY: usize = 4;
const TAG: &str = "refs/tags/api-1.0";

/// A fault, and what must name it.
pub(super) struct Fault {
    pub(super) what: &'static str,
    pub(super) expected: Vec<Expected>,
}

/// Plays it; what was planted, in the order of the days.
pub(super) fn play(company: Company<'_>) -> Result<(Repository, Vec<Fault>), Error> {
    let mut quarter = Quarter {
        work: Work::of(company),
        faults: Vec::new(),
    };
    let first: Timestamp = FROM.parse().expect("the first day is a time");
    // 1 July 2026 is a Wednesday.
    let weekdays = (0..DAYS).filter(|day| !matches!((day + 3) % 7, 0 | 6));
    for (working, day) in weekdays.enumerate() {
        quarter.day(working, first.unix() + day * DAY)?;
    }
    quarter.drift()?;
    // Long after the release, and to a commit that nobody released.
    let company = quarter.work.company;
    company.tag(TAG, &company.main.id)?;
    Ok((company.end()?, quarter.faults))
}

struct Quarter<'a> {
    work: Work<'a>,
    faults: Vec<Fault>,
}

impl Quarter<'_> {
    fn day(&mut self, working: usize, midnight: i64) -> Result<(), Error> {
        self.at(midnight + 9 * HOUR)?;
        match working {
            0 => self.work.pin()?,
            5 => self.approved_by_its_author()?,
            9 => self.approved_before_it_changed()?,
            21 => self.approved_by_an_agent()?,
            25 => self.undeclared_ai()?,
            33 => self.weaken_the_policy()?,
            34 => self.restore_the_policy()?,
            37 => self.borrowed_name()?,
            41 => self.revert()?,
            _ => {}
        }
        for _ in 0..CHANGES_A_DAY {
            self.work.usual_change()?;
        }
        self.work.company.end_day()?;
        self.at(midnight + 16 * HOUR)?;
        match working {
            13 => self.unscanned()?,
            17 => {
                self.work.excuse("billing", "CVE-2026-4001", 31 * DAY)?;
                self.work.release(
                    1,
                    Flaw {
                        found: &["CVE-2026-4001"],
                        ..Flaw::default()
                    },
                )?;
            }
            29 => self.without_provenance()?,
            45 => self.tagged_release()?,
            49 => self.beyond_the_exception()?,
            53 => self.after_the_exception()?,
            _ => drop(self.work.release(working % 3, Flaw::default())?),
        }
        self.work.company.end_day()
    }

    fn at(&mut self, seconds: i64) -> Result<(), Error> {
        self.work.company.now =
            Timestamp::from_unix(seconds).map_err(|_| Error::Lacking { what: "such a day" })?;
        Ok(())
    }

    // The faults.

    fn approved_by_its_author(&mut self) -> Result<(), Error> {
        let change = self.work.propose("ben", "ben", "Faster totals")?;
        self.work.declare(&change, Ai::None)?;
        self.work.test(&change)?;
        self.work.approve("ben", &change)?;
        let id = self.work.land(&change, "Faster totals")?;
        self.plant(
            "self-approval: an author approved their own change, and nobody else did",
            &[
                ("C05", Reason::TooFewApprovals, &id),
                ("C06", Reason::DutiesTogether, &id),
            ],
        );
        Ok(())
    }

    fn approved_before_it_changed(&mut self) -> Result<(), Error> {
        let first = self.work.propose("carol", "carol", "Round amounts")?;
        self.work.approve("dan", &first)?;
        let change = self
            .work
            .propose_again(&first, "Round amounts, otherwise")?;
        self.work.declare(&change, Ai::None)?;
        self.work.test(&change)?;
        let id = self.work.land(&change, "Round amounts, otherwise")?;
        self.plant(
            "stale approval: the change became another one after it was approved",
            &[
                ("C04", Reason::OrderUnknown, &id),
                ("C05", Reason::ApprovalStale, &id),
                ("C07", Reason::NothingApproved, &id),
            ],
        );
        Ok(())
    }

    fn approved_by_an_agent(&mut self) -> Result<(), Error> {
        let change = self.work.propose("ada", "ada", "Retry twice")?;
        self.work.declare(&change, Ai::None)?;
        self.work.test(&change)?;
        let yes = self.work.approve("pilot", &change)?;
        let id = self.work.land(&change, "Retry twice")?;
        self.plant(
            "an agent approved: an AI agent's approval is the only one of a change",
            &[
                ("C04", Reason::OrderUnknown, &id),
                ("C05", Reason::TooFewApprovals, &id),
                ("C07", Reason::NothingApproved, &id),
                (
                    "C25",
                    Reason::AgentDecided,
                    &format!("approval {}", yes.seq),
                ),
            ],
        );
        Ok(())
    }

    fn undeclared_ai(&mut self) -> Result<(), Error> {
        let message = "Parse dates\n\nAssisted-by: autopilot";
        let change = self.work.propose("dan", "dan", message)?;
        self.work.test(&change)?;
        self.work.approve("ada", &change)?;
        let id = self.work.land(&change, message)?;
        self.plant(
            "undeclared AI: a commit's trailer names a tool, and nobody declared it",
            &[("C19", Reason::AiUndeclared, &id)],
        );
        Ok(())
    }

    fn weaken_the_policy(&mut self) -> Result<(), Error> {
        let weak = POLICY.replace("severity = \"high\"", "severity = \"critical\"");
        let said = self.work.company.publish(&weak)?;
        self.plant(
            "weakened policy: one person let grave findings pass for a day",
            &[(
                "C18",
                Reason::GovernanceAlone,
                &format!("policy {}", said.seq),
            )],
        );
        Ok(())
    }

    fn restore_the_policy(&mut self) -> Result<(), Error> {
        self.work.company.publish(POLICY)?;
        let on = self.work.company.main;
        let said = json!({
            "actor": "ben", "assertedBy": "self", "approver": "ben", "decision": "approved", "scope": "policy",
            "covers": {"digest": format!("sha256:{}", Sha256::of(POLICY.as_bytes()))},
        });
        self.work
            .company
            .say(plain("ben", "approve", "approval", on, said))?;
        Ok(())
    }

    fn borrowed_name(&mut self) -> Result<(), Error> {
        let change = self.work.propose("ben", "dan", "Open a port")?;
        self.work.declare(&change, Ai::None)?;
        self.work.test(&change)?;
        self.work.approve("dan", &change)?;
        let id = self.work.land(&change, "Open a port")?;
        self.plant(
            "borrowed name: dan committed with --author=ben, and approved it himself",
            &[("C05", Reason::TooFewApprovals, &id)],
        );
        Ok(())
    }

    fn revert(&mut self) -> Result<(), Error> {
        self.work.reviewed("ada", "ben", "Show prices")?;
        let (service, shown) = self.work.content();
        self.work.reviewed("ben", "carol", "Hide prices")?;
        let message = "Revert \"Hide prices\"";
        let back = self
            .work
            .propose_content("ada", "ada", message, (service, &shown))?;
        self.work.declare(&back, Ai::None)?;
        let id = self.work.land(&back, message)?;
        self.plant(
            "revert: it brings a tree that was approved once, and rests on that old approval",
            &[
                ("C04", Reason::OrderReversed, &id),
                ("C05", Reason::TooFewApprovals, &id),
            ],
        );
        Ok(())
    }

    fn unscanned(&mut self) -> Result<(), Error> {
        let labels = self.work.release(
            1,
            Flaw {
                unscanned: true,
                ..Flaw::default()
            },
        )?;
        self.plant_each(
            "missing scan: a release was deployed that no scanner saw",
            &labels,
            &[
                ("C04", Reason::OrderUnknown, ""),
                ("C09", Reason::ScanMissing, " scan"),
            ],
        );
        Ok(())
    }

    fn without_provenance(&mut self) -> Result<(), Error> {
        let labels = self.work.release(
            2,
            Flaw {
                unbuilt: true,
                ..Flaw::default()
            },
        )?;
        self.plant_each(
            "no provenance: something was deployed of which nobody knows where it was built",
            &labels,
            &[
                ("C04", Reason::OrderUnknown, ""),
                ("C08", Reason::SuiteMissing, " test"),
                ("C10", Reason::ProvenanceMissing, ""),
            ],
        );
        Ok(())
    }

    fn beyond_the_exception(&mut self) -> Result<(), Error> {
        self.work.excuse("billing", "CVE-2026-4002", 90 * DAY)?;
        let found = &["CVE-2026-4002", "CVE-2026-4003"];
        let labels = self.work.release(
            1,
            Flaw {
                found,
                ..Flaw::default()
            },
        )?;
        self.plant_each(
            "beyond the exception: one finding is allowed, and the scan has another beside it",
            &labels,
            &[("C09", Reason::Vulnerable, " scan CVE-2026-4003")],
        );
        Ok(())
    }

    fn after_the_exception(&mut self) -> Result<(), Error> {
        let labels = self.work.release(
            1,
            Flaw {
                found: &["CVE-2026-4001"],
                ..Flaw::default()
            },
        )?;
        self.plant_each(
            "expired exception: a finding was deployed again after its exception had ended",
            &labels,
            &[("C09", Reason::Vulnerable, " scan CVE-2026-4001")],
        );
        Ok(())
    }

    fn tagged_release(&mut self) -> Result<(), Error> {
        self.work.release(0, Flaw::default())?;
        let on = self.work.company.main;
        self.work.company.tag(TAG, &on.id)?;
        let said = json!({"purl": "pkg:generic/api@1.0", "ref": TAG});
        self.work
            .company
            .say(plain("ci", "release", "release", on, said))?;
        self.plant(
            "moved tag: a release's tag was moved to another commit later",
            &[("C07", Reason::TagMoved, TAG)],
        );
        Ok(())
    }

    // What one service runs in the data centre is not what was deployed there.
    fn drift(&mut self) -> Result<(), Error> {
        let other = Sha256::of(b"something else");
        for environment in ENVIRONMENTS {
            let items = SERVICES
                .iter()
                .zip(self.work.running)
                .filter_map(|(service, digest)| {
                    let drifted = environment[0] == "prod-dc" && *service == "web";
                    let digest = if drifted { other } else { digest? };
                    Some(json!({"service": service, "digest": {"sha256": digest.to_string()}}))
                });
            let said = json!({
                "actor": "watch", "assertedBy": "self", "environment": place(environment), "observedOn": self.work.company.now,
                "source": {"tool": "kubectl"}, "items": items.collect::<Vec<_>>(), "complete": true,
            });
            let on = self.work.company.main;
            self.work
                .company
                .say(plain("watch", "observe", "inventory", on, said))?;
        }
        self.plant(
            "drift: in the data centre runs something else than what was deployed there",
            &[("C03", Reason::DeployedNotRunning, "web in prod-dc")],
        );
        Ok(())
    }

    fn plant(&mut self, what: &'static str, expected: &[(&'static str, Reason, &str)]) {
        let expected = expected.iter().map(|(check, reason, subject)| Expected {
            check,
            reason: *reason,
            subject: (*subject).to_owned(),
        });
        let expected = expected.collect();
        self.faults.push(Fault { what, expected });
    }

    // A fault of each deployment of a release.
    fn plant_each(
        &mut self,
        what: &'static str,
        labels: &[String],
        expected: &[(&'static str, Reason, &str)],
    ) {
        let of_each = |label: &String| {
            let of_one = |(check, reason, more): &(&'static str, Reason, &str)| Expected {
                check,
                reason: *reason,
                subject: format!("{label}{more}"),
            };
            expected.iter().map(of_one).collect::<Vec<_>>()
        };
        let expected = labels.iter().flat_map(of_each).collect();
        self.faults.push(Fault { what, expected });
    }
}
