//! Another verifier's word, taken as evidence: SLSA verification summaries (VSA v1) and in-toto simple verification
//! results (SVR v0.2).
//!
//! [`judge`] takes a statement whose signature holds, by the key or identity that the reader pairs with one verifier, and
//! follows "How to verify" of <https://slsa.dev/spec/v1.2/verification_summary>; the first step that fails refuses:
//!
//! 1. the predicate is one of the two types, and sound;
//! 2. `verifier.id` is the verifier that the key was paired with: another key may not speak in its name;
//! 3. `resourceUri` is the resource asked about (an SVR names none, and cannot answer that question);
//! 4. the result is PASSED;
//! 5. each level wanted holds: a level of one track covers those below it, other names are compared as they stand. Of a track
//!    no level counts above the one up to which the verifier is trusted.
//!
//! That a subject is the artifact is checked with the signature, before. Not checked: how old the summary is.

use crate::statement::Statement;
use crate::statement::predicate::{self, Predicate, Svr, VerificationResult, Vsa};
use crate::timestamp::Timestamp;

/// What a summary must say.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The verifier whom the key or identity was paired with.
    pub verifier: String,
    /// What was to be verified.
    pub resource: Option<String>,
    /// Levels or properties, all of which must hold.
    pub levels: Vec<String>,
    /// Up to which levels the verifier is trusted, one a track; a track without one is not limited.
    pub limits: Vec<Level>,
}

/// A SLSA level: `SLSA_BUILD_LEVEL_2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    track: String,
    number: u32,
}

/// A text that is no SLSA level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no SLSA level such as SLSA_BUILD_LEVEL_2")]
pub struct LevelError {
    found: String,
}

/// What an accepted summary says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The type of its predicate.
    pub predicate_type: &'static str,
    /// Its levels or properties, each as far as the verifier is trusted.
    pub holds: Vec<String>,
    /// When it was made, as it claims.
    pub claimed: Option<Timestamp>,
}

/// Why a summary is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another type of predicate.
    #[error("the statement is of type {found}, neither a VSA nor an SVR")]
    Type {
        /// The type.
        found: String,
    },
    /// The predicate breaks its type's rules.
    #[error("the summary is malformed")]
    Malformed(#[from] predicate::Error),
    /// The key does not speak for this verifier.
    #[error("the summary is {found:?}'s, and the key is trusted for {wanted:?}")]
    Verifier {
        /// Who says it.
        found: String,
        /// Who was expected.
        wanted: String,
    },
    /// A summary of something else.
    #[error("the summary is about {found:?}, and {wanted:?} is asked about")]
    Resource {
        /// What it is about.
        found: String,
        /// What was asked.
        wanted: String,
    },
    /// A summary that names no resource, where one is asked about.
    #[error("an SVR names no resource, and {wanted:?} is asked about")]
    NoResource {
        /// What was asked.
        wanted: String,
    },
    /// A VSA's resource must be known to the reader.
    #[error("the summary is about {found:?}, and no resource is expected")]
    ResourceUnasked {
        /// What it is about.
        found: String,
    },
    /// The verifier did not pass it.
    #[error("the verifier's result is FAILED")]
    NotPassed,
    /// A level that does not hold, or not as far as the verifier is trusted.
    #[error("{wanted} does not hold")]
    Level {
        /// The level.
        wanted: String,
    },
}

impl Refusal {
    /// The stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Type { .. } => "summary-type",
            Self::Malformed(_) => "summary-malformed",
            Self::Verifier { .. } => "summary-verifier",
            Self::Resource { .. } | Self::NoResource { .. } | Self::ResourceUnasked { .. } => {
                "summary-resource"
            }
            Self::NotPassed => "summary-failed",
            Self::Level { .. } => "summary-level",
        }
    }
}

impl std::str::FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        let found = text.strip_prefix("SLSA_").and_then(|rest| {
            let (track, number) = rest.rsplit_once("_LEVEL_")?;
            let plain = number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit());
            let name = !track.is_empty() && track.bytes().all(|b| b.is_ascii_uppercase());
            Some(Self {
                number: number.parse().ok().filter(|_| plain && name)?,
                track: track.to_owned(),
            })
        });
        found.ok_or_else(|| LevelError {
            found: text.to_owned(),
        })
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SLSA_{}_LEVEL_{}", self.track, self.number)
    }
}

/// Judges a statement whose signature holds; the module's documentation gives the steps.
///
/// # Errors
/// The first reason for which it does not show what is wanted.
pub fn judge(statement: &Statement, wanted: &Wanted) -> Result<Accepted, Refusal> {
    let (predicate_type, said, claimed) = match statement.predicate_type().as_str() {
        Vsa::TYPE => {
            let vsa = Vsa::from_map(statement.predicate())?;
            is_of(&vsa.verifier.id, wanted)?;
            is_about(&vsa.resource_uri, wanted)?;
            if vsa.verification_result != VerificationResult::Passed {
                return Err(Refusal::NotPassed);
            }
            (Vsa::TYPE, vsa.verified_levels, vsa.time_verified)
        }
        Svr::TYPE => {
            let svr = Svr::from_map(statement.predicate())?;
            is_of(&svr.verifier.id, wanted)?;
            if let Some(wanted) = &wanted.resource {
                return Err(Refusal::NoResource {
                    wanted: wanted.clone(),
                });
            }
            (Svr::TYPE, svr.properties, Some(svr.time_created))
        }
        other => {
            return Err(Refusal::Type {
                found: other.to_owned(),
            });
        }
    };
    let holds: Vec<String> = said
        .into_iter()
        .map(|level| limited(level, &wanted.limits))
        .collect();
    match wanted.levels.iter().find(|level| !covers(&holds, level)) {
        Some(level) => Err(Refusal::Level {
            wanted: level.clone(),
        }),
        None => Ok(Accepted {
            predicate_type,
            holds,
            claimed,
        }),
    }
}

fn is_of(found: &str, wanted: &Wanted) -> Result<(), Refusal> {
    match found == wanted.verifier {
        true => Ok(()),
        false => Err(Refusal::Verifier {
            found: found.to_owned(),
            wanted: wanted.verifier.clone(),
        }),
    }
}

fn is_about(found: &str, wanted: &Wanted) -> Result<(), Refusal> {
    match &wanted.resource {
        Some(wanted) if wanted == found => Ok(()),
        Some(wanted) => Err(Refusal::Resource {
            found: found.to_owned(),
            wanted: wanted.clone(),
        }),
        None => Err(Refusal::ResourceUnasked {
            found: found.to_owned(),
        }),
    }
}

fn limited(said: String, limits: &[Level]) -> String {
    let Ok(level) = said.parse::<Level>() else {
        return said;
    };
    let number = limits
        .iter()
        .filter(|limit| limit.track == level.track)
        .map(|limit| limit.number)
        .fold(level.number, u32::min);
    Level { number, ..level }.to_string()
}

fn covers(holds: &[String], wanted: &str) -> bool {
    let Ok(wanted) = wanted.parse::<Level>() else {
        return holds.iter().any(|level| level == wanted);
    };
    holds
        .iter()
        .filter_map(|level| level.parse::<Level>().ok())
        .any(|level| level.track == wanted.track && level.number >= wanted.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::statement::predicate::{ResourceDescriptor, SummaryVerifier, SvrVerifier};
    use crate::statement::{DigestSet, Subject};

    const ID: &str = "https://verifier.example";
    const RESOURCE: &str = "pkg:generic/app@1";

    fn vsa(change: impl FnOnce(&mut Vsa)) -> Statement {
        let mut vsa = Vsa {
            verifier: SummaryVerifier {
                id: ID.into(),
                version: Default::default(),
            },
            time_verified: None,
            resource_uri: RESOURCE.into(),
            policy: ResourceDescriptor::default(),
            input_attestations: Vec::new(),
            verification_result: VerificationResult::Passed,
            verified_levels: vec!["SLSA_BUILD_LEVEL_3".into(), "GIT_DOCKET_C05_PASS".into()],
            dependency_levels: None,
            slsa_version: None,
        };
        change(&mut vsa);
        statement(&vsa)
    }

    fn statement<P: Predicate>(predicate: &P) -> Statement {
        let subject = Subject::new(DigestSet::sha256(&Sha256::of(b"app")));
        Statement::of(vec![subject], predicate).unwrap()
    }

    fn wanted(levels: &[&str]) -> Wanted {
        Wanted {
            verifier: ID.into(),
            resource: Some(RESOURCE.into()),
            levels: levels.iter().map(|level| (*level).to_owned()).collect(),
            limits: Vec::new(),
        }
    }

    fn code(statement: &Statement, wanted: &Wanted) -> Result<Vec<String>, &'static str> {
        let judged = judge(statement, wanted);
        judged
            .map(|accepted| accepted.holds)
            .map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_level_covers_those_below_it_in_its_track_alone() {
        let sound = vsa(|_| ());
        for level in [
            "SLSA_BUILD_LEVEL_3",
            "SLSA_BUILD_LEVEL_1",
            "GIT_DOCKET_C05_PASS",
        ] {
            assert!(code(&sound, &wanted(&[level])).is_ok(), "{level}");
        }
        for level in [
            "SLSA_BUILD_LEVEL_4",
            "SLSA_SOURCE_LEVEL_1",
            "GIT_DOCKET_C06_PASS",
            "SLSA_BUILD_LEVEL_",
            "",
        ] {
            assert_eq!(
                code(&sound, &wanted(&[level])),
                Err("summary-level"),
                "{level}"
            );
        }
    }

    #[test]
    fn a_verifier_counts_no_further_than_it_is_trusted() {
        let mut limited = wanted(&["SLSA_BUILD_LEVEL_2"]);
        limited.limits = vec!["SLSA_BUILD_LEVEL_2".parse().unwrap()];
        let sound = vsa(|_| ());
        assert_eq!(code(&sound, &limited).unwrap()[0], "SLSA_BUILD_LEVEL_2");
        limited.levels = vec!["SLSA_BUILD_LEVEL_3".into()];
        assert_eq!(code(&sound, &limited), Err("summary-level"));
        limited.limits = vec!["SLSA_SOURCE_LEVEL_1".parse().unwrap()];
        assert!(code(&sound, &limited).is_ok(), "another track's limit");
    }

    #[test]
    fn whatever_is_not_as_wanted_is_refused_by_name() {
        let plain = wanted(&[]);
        assert!(code(&vsa(|_| ()), &plain).is_ok());
        let other = vsa(|vsa| vsa.verifier.id.push('x'));
        assert_eq!(code(&other, &plain), Err("summary-verifier"));
        let other = vsa(|vsa| vsa.resource_uri.push('x'));
        assert_eq!(code(&other, &plain), Err("summary-resource"));
        let failed = vsa(|vsa| vsa.verification_result = VerificationResult::Failed);
        assert_eq!(code(&failed, &plain), Err("summary-failed"));
        let unasked = Wanted {
            resource: None,
            ..wanted(&[])
        };
        assert_eq!(code(&vsa(|_| ()), &unasked), Err("summary-resource"));
        let svr = statement(&Svr {
            verifier: SvrVerifier {
                id: ID.into(),
                policies: Vec::new(),
            },
            time_created: Timestamp::from_unix(0).unwrap(),
            properties: vec!["GIT_DOCKET_C05_PASS".into()],
        });
        assert_eq!(code(&svr, &plain), Err("summary-resource"));
        assert!(code(&svr, &unasked).is_ok());
        let scai = r#"{"attributes":[{"attribute":"a"}]}"#;
        let scai = statement(&serde_json::from_str::<predicate::Scai>(scai).unwrap());
        assert_eq!(code(&scai, &plain), Err("summary-type"));
    }
}
