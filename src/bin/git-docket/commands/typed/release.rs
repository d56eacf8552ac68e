//! `release`: bind a tag, its commit, its tree and its artifacts.

use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};
use git_docket::ops::say::Publish;

/// Bind a tag, its commit, its tree and its artifacts
///
/// A tag that moves later no longer fits. The tree is hashed again with SHA-256.
///
/// Examples:
///   git docket release v1.2 target/release/app
///   git docket release v1.2 --purl pkg:cargo/app@1.2.0 app=sha256:4f2c...
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The tag
    #[arg(value_name = "TAG")]
    tag: String,
    /// What is released: files or digests
    #[arg(value_name = "ARTIFACT")]
    artifacts: Vec<String>,
    /// Package URL with a version; of type generic, where left out
    #[arg(long, value_name = "PURL")]
    purl: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, &args.tag)?;
    let claim = desk.release(Publish {
        step: args.common.step("release"),
        tag: args.tag,
        purl: args.purl,
        artifacts: args.artifacts,
    })?;
    finish(&desk, claim, &args.common, context)
}
