//! `observe`: say what was seen running.

use std::path::PathBuf;

use git_docket::ingest::running::index;
use git_docket::ingest::running::seen::{self, Source};
use git_docket::ops::say::{Observe, Ran};
use git_docket::report::escape::Line;
use git_docket::statement::predicate::BuiltArtifact;

use super::EnvironmentArgs;
use super::{Common, finish};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Say what was seen running
///
/// With --complete: what is not listed did not run. With --from, services and
/// digests are those that the tool lists; what has no digest is left out, named,
/// and keeps the inventory from being complete. With --index: which manifests an
/// image index contains.
///
/// Examples:
///   git docket observe --env prod --complete --from kubectl-pods pods.json
///   git docket observe --index index.json
///   git docket observe --env prod --tool kubectl --complete api=sha256:4f2c...
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// What ran: SERVICE=DIGEST
    #[arg(value_name = "SERVICE=DIGEST", required_unless_present_any = ["from", "index"], value_parser = super::pair)]
    items: Vec<(String, String)>,
    #[command(flatten)]
    environment: EnvironmentArgs,
    /// What was asked; with --from, the tool of the kind
    #[arg(long, value_name = "NAME", required_unless_present_any = ["from", "index"])]
    tool: Option<String>,
    /// What was seen: kubectl-pods, ecs-tasks, docker-ps or csv, and the file
    #[arg(long, num_args = 2, value_names = ["KIND", "FILE|-"], conflicts_with_all = ["items", "answer", "index"])]
    from: Option<Vec<String>>,
    /// An image index (docker buildx imagetools inspect --raw), byte for byte
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["items", "answer", "complete", "tool"])]
    index: Option<PathBuf>,
    /// Whether that is all
    #[arg(long)]
    complete: bool,
    /// The answer, whose digest is recorded
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Claims it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let desk = args.common.desk(context, &repository, "HEAD")?;
    let step = args.common.step("observe");
    if let Some(path) = &args.index {
        let bytes = super::super::read_bytes(path)?;
        let (digest, children) =
            index::read(&bytes).map_err(|error| super::refused(path, &error))?;
        let parent = BuiltArtifact { name: None, digest };
        return finish(
            &desk,
            desk.contains(step, parent, children)?,
            &args.common,
            context,
        );
    }
    let mut observed = Observe {
        step,
        environment: args.environment.environment()?,
        tool: args.tool.unwrap_or_default(),
        items: args.items.into_iter().map(ran).collect(),
        complete: args.complete,
        answer: args
            .answer
            .as_deref()
            .map(super::super::read_bytes)
            .transpose()?,
    };
    if let Some((source, path)) = super::source::<Source>(args.from.as_deref())? {
        let bytes = super::super::read_bytes(&path)?;
        let seen = seen::read(source, &bytes).map_err(|error| super::refused(&path, &error))?;
        for left in &seen.left {
            let text = format!("left out: {}: {}", Line(&left.what), Line(&left.why));
            context.ui.warning(text);
        }
        if observed.tool.is_empty() {
            observed.tool = source.tool().to_owned();
        }
        observed.complete &= seen.left.is_empty();
        let items = seen.services.iter().map(|service| Ran {
            replicas: service.replicas,
            ..ran(super::named(service))
        });
        observed.items = items.collect();
        observed.answer = Some(bytes);
    }
    finish(&desk, desk.observe(observed)?, &args.common, context)
}

fn ran((service, artifact): (String, String)) -> Ran {
    Ran {
        service,
        artifact,
        replicas: None,
    }
}
