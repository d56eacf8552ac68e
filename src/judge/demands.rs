//! What a policy demands of the checks, in plain words.

use crate::policy::Policy;
use crate::policy::rules::{
    AcceptedTests, Ai, AiMode, Checks, Duties, FourEyes, Gates, Scans, Severity, Tests,
};

use super::checks;

/// A line for each check that the policy enforces, with its parameters, then what it says of AI; and what it says
/// to a check that it does not enforce, which therefore has no effect.
pub fn demands(policy: &Policy) -> Vec<String> {
    let rules = policy.checks();
    let enforced = rules.enforced();
    let mut lines: Vec<String> = checks::ALL
        .iter()
        .filter(|check| enforced.contains(&check.id))
        .map(|check| {
            let from = rules.effective_from(check.id);
            let from = from.map_or(String::new(), |from| format!(", from {from} on"));
            let details = parameters(rules, check.id);
            let details = details.map_or(String::new(), |details| format!(" ({details})"));
            format!(
                "{} {}{from}: {}{details}.",
                check.id, check.name, check.wants
            )
        })
        .collect();
    let ai = policy.ai();
    if *ai != Ai::default() || enforced.iter().any(|id| AI.contains(id)) {
        lines.push(of_ai(ai));
    }
    let is = |id| enforced.contains(&id);
    if *ai != Ai::default() && !AI.iter().any(|id| is(id)) {
        lines.push("Without effect: [ai], because none of C19 to C25 is enforced.".into());
    }
    let staged = policy
        .environments()
        .iter()
        .any(|rule| !rule.after.is_empty());
    if staged && !is("C13") {
        lines.push("Without effect: `after` of environments, because C13 is not enforced.".into());
    }
    lines
}

const AI: [&str; 7] = ["C19", "C20", "C21", "C22", "C23", "C24", "C25"];

pub(super) fn parameters(rules: &Checks, id: &str) -> Option<String> {
    match id {
        "C05" => rules.c05.as_ref().map(four_eyes),
        "C06" => rules.c06.as_ref().map(duties),
        "C08" => rules.c08.as_ref().map(tests),
        "C09" => rules.c09.as_ref().map(scans),
        "C10" => rules.c10.as_ref().map(|rule| {
            format!(
                "builders: {}",
                any(&rule.builders, "any whose signer has a role for the step")
            )
        }),
        "C16" => rules.c16.as_ref().map(|rule| format!("{} days", rule.days)),
        "C17" => {
            let skew = |seconds| format!("clocks may differ by {seconds} seconds");
            rules.c17.as_ref().map(|rule| skew(rule.skew_seconds))
        }
        "C18" => rules.c18.as_ref().map(four_eyes),
        "C26" => rules.c26.as_ref().map(gates),
        "C27" => rules.c27.as_ref().map(gates),
        "C28" => rules
            .c28
            .as_ref()
            .map(|rule| format!("within {} days", rule.days)),
        _ => None,
    }
}

fn four_eyes(rule: &FourEyes) -> String {
    let mut parts = vec![humans(rule.approvals)];
    let places = rule
        .environments
        .iter()
        .map(|(name, count)| (format!("in {name}"), count));
    let classes = rule
        .path_classes
        .iter()
        .map(|(name, count)| (format!("for {name}"), count));
    parts.extend(
        places
            .chain(classes)
            .map(|(place, count)| format!("{place} {}", humans(*count))),
    );
    let counts = |yes: bool| if yes { "counts" } else { "does not count" };
    parts.push(format!(
        "what a forge's observer says {}",
        counts(rule.accept_observed)
    ));
    parts.push(format!(
        "an approving review {}",
        counts(rule.accept_reviews)
    ));
    parts.push(format!(
        "an author whom only a commit claims {}",
        counts(rule.accept_claimed_authors)
    ));
    parts.join("; ")
}

fn humans(count: u32) -> String {
    match count {
        1 => "1 human".into(),
        count => format!("{count} humans"),
    }
}

fn duties(rule: &Duties) -> String {
    let pairs: Vec<String> = rule.apart.iter().map(ToString::to_string).collect();
    format!("kept apart: {}", any(&pairs, "nothing"))
}

fn tests(rule: &Tests) -> String {
    let suites: Vec<String> = rule.suites.iter().map(ToString::to_string).collect();
    let shown = match rule.accept {
        AcceptedTests::Report => "shown by a report with counts",
        AcceptedTests::ExitCode => "shown by a report, or by a command that ended well",
    };
    let warned = if rule.warned_passes {
        "has passed"
    } else {
        "has not passed"
    };
    format!(
        "suites: {}; {shown}; one that warned {warned}",
        any(&suites, "none")
    )
}

fn scans(rule: &Scans) -> String {
    let scanners: Vec<String> = rule.scanners.iter().map(ToString::to_string).collect();
    let severity = match rule.severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    };
    let again = rule.rescan_days.map_or(String::new(), |days| {
        format!("; what runs is scanned again within {days} days")
    });
    format!(
        "scans: {}; with a database of at most {} days; nothing of severity {severity} or above without an exception{again}",
        any(&scanners, "none"),
        rule.database_days
    )
}

fn gates(rule: &Gates) -> String {
    let mut parts = vec![
        format!("services: {}", any(&rule.services, "all")),
        format!(
            "environments: {}",
            any(&rule.environments, "those of tier prod")
        ),
    ];
    let limits = rule
        .limits
        .iter()
        .map(|(service, limit)| format!("{service} at most {limit}"));
    parts.extend(limits);
    parts.join("; ")
}

fn of_ai(ai: &Ai) -> String {
    let mode = match ai.mode {
        AiMode::Allow => "may take part, and nobody asks",
        AiMode::Declare => "may take part where it is declared",
        AiMode::Ban => "may not take part",
    };
    let mut parts = vec![
        format!("AI {mode}"),
        format!("tools: {}", any(&ai.tools, "any")),
        format!("models: {}", any(&ai.models, "any")),
        format!("what it took part in is approved by {}", humans(ai.review)),
    ];
    let roles = ai.review_roles.iter();
    parts.extend(roles.map(|(class, role)| format!("for {class} one of role {}", role.as_str())));
    let shares = ai.share.iter();
    parts.extend(shares.map(|(class, share)| format!("at most {share} percent of {class}")));
    if !ai.scans.is_empty() {
        let scans: Vec<String> = ai.scans.iter().map(ToString::to_string).collect();
        parts.push(format!("besides: {}", scans.join(", ")));
    }
    let steps: Vec<String> = ai.agents.steps.iter().map(ToString::to_string).collect();
    if !steps.is_empty() {
        parts.push(format!("agents attest {} alone", steps.join(", ")));
    }
    if !ai.agents.path_classes.is_empty() {
        let classes = ai.agents.path_classes.join(", ");
        parts.push(format!("a change of an agent's alone stays in {classes}"));
    }
    if ai.prompt_digest {
        parts.push("each session gives its prompt's digest".into());
    }
    if !ai.bots.is_empty() {
        parts.push(format!("co-authors that are AI: {}", ai.bots.join(", ")));
    }
    parts.join("; ") + "."
}

fn any(names: &[String], none: &str) -> String {
    match names {
        [] => none.into(),
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        demands(&Policy::parse(&format!("version = 1\n{text}")).expect("a policy")).join("\n")
    }

    #[test]
    fn parameters_and_times_are_said() {
        let text = said(
            "[checks.C05]\napprovals = 2\neffectiveFrom = \"2027-01-01T00:00:00Z\"\nacceptReviews = false\n[checks.C05.environments]\nstaging = 1\n[checks.C09]\nrescanDays = 7\n",
        );
        for expected in [
            "C05 four-eyes, from 2027-01-01T00:00:00Z on: ",
            "2 humans; in staging 1 human;",
            "an approving review does not count",
            "C09 scan-clean: ",
            "scanned again within 7 days",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(said(""), "", "nothing is enforced");
    }

    #[test]
    fn what_has_no_effect_is_said() {
        assert!(said("[ai]\nmode = \"ban\"\n").contains("Without effect: [ai]"));
        let both = said("[ai]\nmode = \"ban\"\n[checks.C19]\n");
        assert!(
            !both.contains("Without effect") && both.contains("AI may not take part"),
            "{both}"
        );
        let staged =
            "[[environment]]\nname = \"a\"\n[[environment]]\nname = \"b\"\nafter = [\"a\"]\n";
        assert!(said(staged).contains("Without effect: `after`"));
        assert!(!said(&format!("{staged}[checks.C13]\n")).contains("Without effect"));
    }

    #[test]
    fn every_check_is_said() {
        for check in checks::ALL {
            let text = said(&format!("[checks.{}]\n", check.id));
            assert!(
                text.starts_with(&format!("{} {}: {}", check.id, check.name, check.wants)),
                "{text}"
            );
        }
    }
}
