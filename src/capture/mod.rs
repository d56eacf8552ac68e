//! What a delivery step ran, on what, and where: the command, files by glob, an allow-list of the environment,
//! the CI system, what it made elsewhere, and the predicates that say so.

mod ci;
mod command;
mod environment;
mod files;
mod recording;
mod subjects;

pub use ci::{Ci, MergeRequest, Systems, SystemsError};
pub use command::{CommandLine, Secrets};
pub use environment::{Environment, SecretName};
pub use files::{
    Collected, Error, File, Glob, GlobError, Ignored, Skipped, SkippedReason, collect, matching,
};
pub use recording::{BUILD_TYPE, LOCAL_BUILDER, Recording, Source, WorkTree};
pub use subjects::{NamedDigest, NamedDigestError, SubjectsError, read_subjects};
