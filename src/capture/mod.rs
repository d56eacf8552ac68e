//! What a delivery step worked on and where: files by glob, and an allow-list of the environment.

mod ci;
mod command;
mod environment;
mod files;

pub use ci::Ci;
pub use command::CommandLine;
pub use environment::Environment;
pub use files::{Collected, Error, File, Glob, GlobError, Skipped, SkippedReason, collect};
