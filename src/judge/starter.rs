//! A policy to start from, for chosen packs.
//!
//! Each check that a pack names gets its table, with the controls that want it and every parameter at its default, as
//! a comment: a parameter is changed by taking the `#` away. What comes out is a policy as it stands.

use std::fmt::Write as _;

use super::Check;
use super::checks;
use super::pack::Pack;

/// A parameter's key, its default as TOML, and what it says.
type Parameter = (&'static str, &'static str, &'static str);

const FOUR_EYES: &[Parameter] = &[
    ("approvals", "1", "by how many humans who had no hand in it"),
    (
        "acceptObserved",
        "true",
        "what a forge's observer says counts",
    ),
    ("acceptReviews", "true", "an approving review counts"),
    (
        "acceptClaimedAuthors",
        "true",
        "an author whom only a commit claims counts as known",
    ),
    (
        "environments",
        "{ }",
        "how many in each environment: { prod = 2 }",
    ),
    (
        "pathClasses",
        "{ }",
        "how many for each class of paths: { core = 2 }",
    ),
];
const GATES: &[Parameter] = &[
    ("services", "[]", "for these; none named: all"),
    (
        "environments",
        "[]",
        "in these; none named: those of tier prod",
    ),
    (
        "limits",
        "{ }",
        "the most a service may cost, in the measurement's unit: { api = \"400\" }",
    ),
];
const AI: &[Parameter] = &[
    ("mode", "\"declare\"", "allow, declare or ban"),
    ("tools", "[]", "the tools that may; none named: any"),
    (
        "models",
        "[]",
        "the models that may, as provider/id globs; none named: any",
    ),
    (
        "review",
        "1",
        "by how many humans a change with AI in it is approved",
    ),
    (
        "reviewRoles",
        "{ }",
        "a role that one of them needs, by class of paths: { core = \"security\" }",
    ),
    (
        "share",
        "{ }",
        "the greatest share of AI's lines in percent: { core = 20, \"*\" = 80 }",
    ),
    ("scans", "[]", "steps that must have passed besides"),
    (
        "promptDigest",
        "false",
        "each session gives its prompt's digest",
    ),
    (
        "bots",
        "[]",
        "names and addresses of AI co-authors, besides the known ones",
    ),
    (
        "agents",
        "{ }",
        "{ steps = [\"change\"], pathClasses = [\"docs\"] }: all that is left to agents",
    ),
];

fn parameters(id: &str) -> &'static [Parameter] {
    match id {
        "C05" | "C18" => FOUR_EYES,
        "C06" => &[(
            "apart",
            "[\"author+approver\", \"author+deployer\"]",
            "duties that one person may not hold together",
        )],
        "C08" => &[
            ("suites", "[\"test\"]", "the steps that must have passed"),
            (
                "accept",
                "\"report\"",
                "or exit-code: a command that ended well is enough",
            ),
            ("warnedPasses", "false", "a suite that warned has passed"),
        ],
        "C09" => &[
            ("scanners", "[\"scan\"]", "the steps that must have run"),
            ("databaseDays", "7", "how old a scanner's database may be"),
            (
                "severity",
                "\"high\"",
                "from which on a finding needs an exception: low, medium, high, critical",
            ),
            (
                "rescanDays",
                "30",
                "within how many days what runs is scanned again; left out: never",
            ),
        ],
        "C10" => &[(
            "builders",
            "[]",
            "globs of builders' ids; none named: any whose signer has a role for the step",
        )],
        "C16" => &[("days", "365", "how far back evidence must reach")],
        "C17" => &[("skewSeconds", "300", "by how much clocks may differ")],
        "C26" | "C27" => GATES,
        "C28" => &[(
            "days",
            "14",
            "within how many days the root cause is recorded",
        )],
        _ => &[],
    }
}

/// A policy that enforces what the packs name, with comments, on one protected ref.
pub fn starter(packs: &[Pack], protected: &str) -> String {
    let names: Vec<String> = packs
        .iter()
        .map(|pack| format!("{} {}", pack.name, pack.version))
        .collect();
    let mut out = String::from("# A policy to start from");
    if !names.is_empty() {
        let _ = write!(out, ", for {}", names.join(", "));
    }
    let _ = write!(
        out,
        ".\n#\n# git docket policy check FILE     says in plain words what it asks for\n# git docket policy test FILE CASES says whether cases come out as expected\n# git docket policy publish FILE   puts it in force\n#\n# A check is enforced because its table stands here. Every parameter has its default, as a comment.\nversion = 1\n\n# The refs whose commits it is about, by full name.\nprotected = [{protected:?}]\n"
    );
    out.push_str(STEPS);
    let wanted = |check: &&Check| packs.iter().any(|pack| pack.checks().contains(&check.id));
    let chosen: Vec<&Check> = checks::ALL.iter().filter(wanted).collect();
    for check in &chosen {
        table(&mut out, check, packs);
    }
    if chosen.iter().any(|check| {
        matches!(
            check.id,
            "C19" | "C20" | "C21" | "C22" | "C23" | "C24" | "C25"
        )
    }) {
        out.push_str("\n# What C19 to C25 hold changes with AI in them to.\n[ai]\n");
        lines(&mut out, AI);
    }
    out
}

fn table(out: &mut String, check: &Check, packs: &[Pack]) {
    let controls: Vec<String> = packs
        .iter()
        .flat_map(|pack| {
            let controls = pack
                .controls
                .iter()
                .filter(|control| control.checks.iter().any(|id| id == check.id));
            controls.map(|control| format!("{}/{}", pack.id, control.id))
        })
        .collect();
    let _ = write!(
        out,
        "\n# {}: {}.\n# For {}.\n[checks.{}]\n# effectiveFrom = \"2027-01-01T00:00:00Z\"   # a warning until then\n",
        check.name,
        check.wants,
        controls.join(", "),
        check.id
    );
    lines(out, parameters(check.id));
}

fn lines(out: &mut String, parameters: &[Parameter]) {
    for (key, value, says) in parameters {
        let setting = format!("# {key} = {value}");
        let _ = writeln!(out, "{setting:<44} # {says}");
    }
}

const STEPS: &str = r#"
# Where artifacts run, each after those that it names (C13).
#
# [[environment]]
# name = "staging"
# tier = "stage"
#
# [[environment]]
# name = "prod"
# tier = "prod"
# after = ["staging"]

# Classes of paths, which other rules name.
#
# [[pathClass]]
# name = "core"
# paths = ["src/**"]

# Who may attest a step, as what, and whether a commit needs it.
#
# [[step]]
# name = "test"
# types = ["link", "test-result"]
# roles = ["builder"]
# required = true
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::pack::shipped;
    use crate::policy::Policy;

    #[test]
    fn every_pack_gives_a_policy_that_enforces_its_checks() {
        for pack in shipped() {
            let text = starter(std::slice::from_ref(&pack), "refs/heads/main");
            let policy =
                Policy::parse(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", pack.id));
            assert_eq!(policy.checks().enforced(), pack.checks(), "{}", pack.id);
            assert_eq!(policy.protected(), ["refs/heads/main"]);
        }
        let none = starter(&[], "refs/heads/main");
        assert!(
            Policy::parse(&none)
                .expect("a policy")
                .checks()
                .enforced()
                .is_empty()
        );
    }

    /// A parameter that is uncommented as it stands changes nothing: it is the default, and none is left out.
    #[test]
    fn the_comments_are_the_defaults() {
        let every: Vec<String> = checks::ALL
            .iter()
            .map(|check| format!("\"{}\"", check.id))
            .collect();
        let all = format!(
            "id = \"all\"\nname = \"All\"\nversion = \"1\"\nauthor = \"a\"\n[[control]]\nid = \"c\"\ntitle = \"t\"\nchecks = [{}]\ncoverage = \"full\"\nrationale = \"r\"\n",
            every.join(", ")
        );
        let text = starter(&[Pack::parse(&all).expect("a pack")], "refs/heads/main");
        let keys = |text: &str| -> String {
            let setting = |line: &str| {
                let is_parameter = line.starts_with("# ")
                    && line.contains(" = ")
                    && line[2..]
                        .split(' ')
                        .next()
                        .is_some_and(|key| key.chars().all(char::is_alphanumeric))
                    && ![
                        "name",
                        "tier",
                        "after",
                        "paths",
                        "types",
                        "roles",
                        "required",
                        "effectiveFrom",
                        "rescanDays",
                    ]
                    .iter()
                    .any(|key| line.starts_with(&format!("# {key} = ")));
                if is_parameter {
                    line[2..].to_owned()
                } else {
                    line.to_owned()
                }
            };
            text.lines().map(setting).collect::<Vec<_>>().join("\n")
        };
        let spoken = keys(&text);
        assert!(
            spoken.lines().count() > 100 && spoken.contains("\nskewSeconds = 300"),
            "{spoken}"
        );
        assert_eq!(
            Policy::parse(&spoken).expect("a policy"),
            Policy::parse(&text).expect("a policy"),
            "{spoken}"
        );
    }
}
