//! One run of a command, as the predicates that say it.
//!
//! Two predicates say the same run, each in its own words: an in-toto link always, and SLSA provenance where
//! something was made. Products are not in here; they are the statements' subjects.

use serde_json::{Map, Value, json};

use super::{Ci, CommandLine, Environment, File};
use crate::digest::ObjectId;
use crate::ledger::Origin;
use crate::process::Ended;
use crate::statement::predicate::{
    BuildDefinition, BuildMetadata, Builder, Link, Provenance, ResourceDescriptor, RunDetails,
};
use crate::statement::{DigestSet, Step};
use crate::timestamp::Timestamp;

/// `buildDefinition.buildType` of our provenance: the manual's page `run` says how its parameters read.
pub const BUILD_TYPE: &str = "https://git-docket.dev/run/v0.1";

/// `runDetails.builder.id` where no CI system is recognised: some machine, known only by its key.
pub const LOCAL_BUILDER: &str = "https://git-docket.dev/builder/local/v0.1";

/// One run of a command.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The delivery step.
    pub step: Step,
    /// What was run.
    pub command: CommandLine,
    /// When it was started.
    pub started: Timestamp,
    /// When it had ended.
    pub finished: Timestamp,
    /// How it ended.
    pub ended: Ended,
    /// The files that went in, by their paths below the work tree.
    pub materials: Vec<File>,
    /// The variables that may be recorded.
    pub environment: Environment,
    /// The system that it ran in.
    pub ci: Option<Ci>,
    /// What was checked out.
    pub source: Source,
}

/// What was checked out when the command started.
#[derive(Clone, Debug)]
pub struct Source {
    /// The ledger's name, which is the repository's.
    pub origin: Origin,
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Whether the tracked files were the commit's.
    pub work_tree: WorkTree,
}

/// Whether the tracked files were the commit's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkTree {
    /// They were.
    Clean,
    /// They were not: what ran is not what was committed.
    Modified,
}

impl Recording {
    /// As an in-toto link v0.3.
    pub fn link(&self) -> Link {
        Link {
            name: self.step.to_string(),
            command: self.command.words().to_vec(),
            materials: self.materials.iter().map(descriptor).collect(),
            byproducts: self.byproducts(),
            environment: self.environment(),
        }
    }

    /// As SLSA provenance v1. What it says of the builder is the builder's own claim: it is worth as much as
    /// the key that signs it.
    pub fn provenance(&self) -> Provenance {
        let builder = self.ci.as_ref().map(|ci| ci.builder_id.clone());
        let mut parameters = Map::new();
        parameters.insert("command".into(), self.command.words().into());
        parameters.insert("step".into(), self.step.to_string().into());
        let pipeline = self.ci.as_ref().map(|ci| &ci.parameters);
        if let Some(pipeline) = pipeline.filter(|pipeline| !pipeline.is_empty()) {
            parameters.insert("pipeline".into(), json!(pipeline));
        }
        Provenance {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.into(),
                external_parameters: parameters,
                internal_parameters: self.environment(),
                resolved_dependencies: std::iter::once(self.source.descriptor())
                    .chain(self.materials.iter().map(descriptor))
                    .collect(),
            },
            run_details: RunDetails {
                builder: Builder {
                    id: builder.unwrap_or_else(|| LOCAL_BUILDER.into()),
                    builder_dependencies: Vec::new(),
                    version: [("git-docket".into(), env!("CARGO_PKG_VERSION").into())].into(),
                },
                metadata: Some(BuildMetadata {
                    invocation_id: self.ci.as_ref().and_then(|ci| ci.invocation.clone()),
                    started_on: Some(self.started),
                    finished_on: Some(self.finished),
                }),
                byproducts: Vec::new(),
            },
        }
    }

    fn byproducts(&self) -> Map<String, Value> {
        let mut made = Map::new();
        // Always there, also after a signal: readers of links know success and failure by it.
        made.insert("return-value".into(), self.ended.shell_code().into());
        if let Ended::Signalled(signal) = self.ended {
            made.insert("signal".into(), signal.into());
        }
        made.insert("startedOn".into(), self.started.to_string().into());
        made.insert("finishedOn".into(), self.finished.to_string().into());
        made
    }

    fn environment(&self) -> Map<String, Value> {
        let mut recorded = Map::new();
        recorded.insert("arch".into(), std::env::consts::ARCH.into());
        recorded.insert("os".into(), std::env::consts::OS.into());
        recorded.insert("variables".into(), json!(self.environment.variables()));
        let work_tree = match self.source.work_tree {
            WorkTree::Clean => "clean",
            WorkTree::Modified => "modified",
        };
        recorded.insert("workTree".into(), work_tree.into());
        if let Some(ci) = &self.ci {
            recorded.insert("ci".into(), in_words(ci).into());
        }
        recorded
    }
}

impl Source {
    fn descriptor(&self) -> ResourceDescriptor {
        ResourceDescriptor {
            uri: Some(format!("git+https://{}", self.origin)),
            digest: Some(DigestSet::commit_and_tree(&self.commit, &self.tree)),
            ..ResourceDescriptor::default()
        }
    }
}

fn descriptor(file: &File) -> ResourceDescriptor {
    ResourceDescriptor {
        name: Some(file.name.clone()),
        digest: Some(DigestSet::sha256(&file.sha256)),
        ..ResourceDescriptor::default()
    }
}

fn in_words(ci: &Ci) -> Map<String, Value> {
    let all = [
        ("system", Some(ci.system.as_str())),
        ("builder", Some(&ci.builder_id)),
        ("invocation", ci.invocation.as_deref()),
        ("actor", ci.actor.as_deref()),
        ("trigger", ci.trigger.as_deref()),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    known
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Secrets;
    use crate::digest::{Algorithm, Sha256};
    use crate::statement::predicate::Predicate;

    fn recording(ended: Ended, ci: Option<Ci>) -> Recording {
        let id = |hex: &str| ObjectId::from_hex(Algorithm::Sha1, &hex.repeat(40)).expect("an id");
        let lookup = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
        Recording {
            step: "build".parse().expect("a step"),
            command: CommandLine::cleared(
                "make".as_ref(),
                &["--token=hunter2".into()],
                Secrets::Redacted,
            ),
            started: Timestamp::from_unix(1_795_341_600).expect("a time"),
            finished: Timestamp::from_unix(1_795_341_660).expect("a time"),
            ended,
            materials: vec![File {
                name: "src/a.c".into(),
                sha256: Sha256::of(b"a"),
                size: 1,
            }],
            environment: Environment::capture(lookup, &[]),
            ci,
            source: Source {
                origin: "git.example.com/acme/app".parse().expect("an origin"),
                commit: id("a"),
                tree: id("b"),
                work_tree: WorkTree::Clean,
            },
        }
    }

    #[test]
    fn a_link_says_command_materials_and_end() {
        let link = recording(Ended::Signalled(15), None)
            .link()
            .to_map()
            .expect("sound");
        let wanted = json!({
            "name": "build",
            "command": ["make", "--token=[redacted]"],
            "materials": [{"name": "src/a.c", "digest": {"sha256": Sha256::of(b"a").to_string()}}],
            "byproducts": {
                "return-value": 143,
                "signal": 15,
                "startedOn": "2026-11-22T10:00:00Z",
                "finishedOn": "2026-11-22T10:01:00Z",
            },
            "environment": {
                "arch": std::env::consts::ARCH,
                "os": std::env::consts::OS,
                "variables": {"LANG": "C.UTF-8"},
                "workTree": "clean",
            },
        });
        assert_eq!(Value::Object(link), wanted);
        let link = recording(Ended::Exited(3), None).link();
        assert_eq!(link.byproducts["return-value"], 3);
    }

    #[test]
    fn provenance_names_source_builder_and_invocation() {
        let ci = Ci {
            system: "GitLab CI".into(),
            builder_id: "https://gitlab.example.com/acme/app/-/runners/12".into(),
            invocation: Some("https://gitlab.example.com/acme/app/-/jobs/77".into()),
            actor: Some("ada".into()),
            trigger: None,
            parameters: [("job".to_owned(), "build".to_owned())].into(),
        };
        let provenance = recording(Ended::Exited(0), Some(ci)).provenance();
        let provenance = Value::Object(provenance.to_map().expect("sound"));
        let definition = &provenance["buildDefinition"];
        assert_eq!(definition["buildType"], BUILD_TYPE);
        assert_eq!(
            definition["externalParameters"],
            json!({"command": ["make", "--token=[redacted]"], "pipeline": {"job": "build"}, "step": "build"})
        );
        assert_eq!(
            definition["resolvedDependencies"][0],
            json!({
                "uri": "git+https://git.example.com/acme/app",
                "digest": {"gitCommit": "a".repeat(40), "gitTree": "b".repeat(40)},
            })
        );
        assert_eq!(definition["resolvedDependencies"][1]["name"], "src/a.c");
        assert_eq!(
            definition["internalParameters"]["ci"],
            json!({
                "system": "GitLab CI",
                "builder": "https://gitlab.example.com/acme/app/-/runners/12",
                "invocation": "https://gitlab.example.com/acme/app/-/jobs/77",
                "actor": "ada",
            })
        );
        let details = &provenance["runDetails"];
        assert_eq!(
            details["builder"]["id"],
            "https://gitlab.example.com/acme/app/-/runners/12"
        );
        assert_eq!(
            details["metadata"],
            json!({
                "invocationId": "https://gitlab.example.com/acme/app/-/jobs/77",
                "startedOn": "2026-11-22T10:00:00Z",
                "finishedOn": "2026-11-22T10:01:00Z",
            })
        );
        let local = recording(Ended::Exited(0), None).provenance();
        assert_eq!(local.run_details.builder.id, LOCAL_BUILDER);
    }
}
