//! An audit as another verifier would want it: SLSA verification summary v1, and in-toto simple verification result v0.2.
//!
//! 1. The result is PASSED where the audit passes, with or without exceptions used; whatever else (undecided, nothing to
//!    judge) is FAILED, and so are its levels.
//! 2. A check that passes is `GIT_DOCKET_Cnn_PASS`; one that an exception excuses is not named.
//! 3. A level `SLSA_…` is named only where it and every level below it hold in full by the program's own mapping to SLSA, so
//!    not where the mapping says that a level rests in part on the forge.
//!
//! The input is the ledger, named by its Merkle root: every entry is under it. The time is the audit's moment, no clock's.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::Audit;
use crate::judge::Verdict;
use crate::judge::pack::{self, Coverage};
use crate::statement::predicate::{
    ResourceDescriptor, SummaryVerifier, Svr, SvrVerifier, VerificationResult, Vsa,
};
use crate::statement::{DigestSet, Subject};
use crate::verify::Question;

/// The id of this verifier where its operator gives it none.
pub const VERIFIER: &str = "https://git-docket.dev";

/// The verification summary; `resource` is what was verified, `verifier` who did.
pub fn vsa(audit: &Audit, verifier: &str, resource: &str) -> Vsa {
    let passed = matches!(audit.verdict, Verdict::Pass | Verdict::Exception);
    let levels = || slsa_levels(audit).into_iter().chain(passing(audit));
    let versions = BTreeMap::from([(
        "git-docket".to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    )]);
    Vsa {
        verifier: SummaryVerifier {
            id: verifier.to_owned(),
            version: versions,
        },
        time_verified: Some(audit.at),
        resource_uri: resource.to_owned(),
        policy: policy(audit),
        input_attestations: vec![ResourceDescriptor {
            uri: Some(repository(audit)),
            digest: Some(DigestSet::sha256(&audit.root)),
            ..ResourceDescriptor::default()
        }],
        verification_result: match passed {
            true => VerificationResult::Passed,
            false => VerificationResult::Failed,
        },
        verified_levels: match passed {
            true => levels().collect(),
            false => vec!["FAILED".to_owned()],
        },
        dependency_levels: None,
        slsa_version: Some("1.2".to_owned()),
    }
}

/// The simple verification result; `None` where nothing holds, which it has no word for.
pub fn svr(audit: &Audit, verifier: &str) -> Option<Svr> {
    let mut properties = slsa_levels(audit);
    properties.extend(passing(audit));
    (!properties.is_empty()).then(|| Svr {
        verifier: SvrVerifier {
            id: verifier.to_owned(),
            policies: vec![policy(audit)],
        },
        time_created: audit.at,
        properties,
    })
}

/// What a question is about: its commits or artifact; where it is the whole ledger, that, by its root.
pub fn subjects(audit: &Audit, question: &Question) -> Vec<Subject> {
    match question {
        Question::Ledger => {
            let root = DigestSet::sha256(&audit.root);
            vec![Subject::new(root).named(&audit.origin)]
        }
        Question::Commits(commits) => commits
            .iter()
            .map(|about| Subject::commit(&about.commit, &about.tree))
            .collect(),
        Question::Artifact(artifact) => {
            vec![Subject::new(artifact.digest.clone()).named(&artifact.name)]
        }
    }
}

/// The repository as a resource: `git+https://ORIGIN`.
pub fn repository(audit: &Audit) -> String {
    format!("git+https://{}", audit.origin)
}

fn policy(audit: &Audit) -> ResourceDescriptor {
    ResourceDescriptor {
        uri: Some(format!("{}#policy", repository(audit))),
        digest: audit.policy.map(|mark| DigestSet::sha256(&mark.digest)),
        ..ResourceDescriptor::default()
    }
}

fn passing(audit: &Audit) -> impl Iterator<Item = String> {
    let passing = audit.checks.iter();
    passing
        .filter(|check| check.verdict == Verdict::Pass)
        .map(|check| format!("GIT_DOCKET_{}_PASS", check.id))
}

// From the program's own pack, whose levels rise within a track: never from one that a user calls so.
fn slsa_levels(audit: &Audit) -> Vec<String> {
    let Some(slsa) = pack::shipped().into_iter().find(|pack| pack.id == "slsa") else {
        return Vec::new();
    };
    let mut reached = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for control in slsa.apply(&audit.checks, |_, _| Vec::new()) {
        let Some((track, level)) = control.id.split_once("-l") else {
            continue;
        };
        let track = track.to_uppercase();
        let holds = control.verdict == Verdict::Pass && control.coverage == Coverage::Full;
        if holds && !ended.contains(&track) {
            let level = format!("SLSA_{track}_LEVEL_{level}");
            reached.insert(track, level);
        } else {
            ended.insert(track);
        }
    }
    reached.into_values().collect()
}
