//! The typed verbs, one a file, and what they share.

pub mod ai;
pub mod amend;
pub mod approve;
pub mod change;
pub mod deploy;
pub mod except;
pub mod gap;
pub mod land;
pub mod measure;
pub mod observe;
pub mod outcome;
pub mod release;
pub mod review;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use git_docket::finding::chain;
use git_docket::git::Repository;
use git_docket::ingest::running::Service;
use git_docket::ops::key::KeySource;
use git_docket::ops::record::Claim;
use git_docket::ops::say::{self, Desk, Figure, Limit};
use git_docket::statement::Step;
use git_docket::statement::predicate::{
    Comparison, Environment, ExceptedFinding, Label, PersonId, Sha256Text, Tier,
};
use git_docket::timestamp::Timestamp;

use super::recorded::{self, Drafts};
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Flags of every typed verb.
#[derive(clap::Args, Debug)]
pub struct Common {
    /// The step, where it is not the verb's name
    #[arg(long, value_name = "STEP")]
    step: Option<Step>,
    /// Who speaks; the person of the key, where left out
    #[arg(long, value_name = "ID")]
    actor: Option<PersonId>,
    /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    /// Print the statement, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Change what is said in an editor first
    #[arg(long)]
    edit: bool,
}

/// Where something runs.
#[derive(clap::Args, Debug)]
pub struct EnvironmentArgs {
    /// The environment
    #[arg(long = "env", value_name = "NAME")]
    name: Option<String>,
    /// How near to the public: dev, test, stage or prod
    #[arg(long, value_name = "TIER")]
    tier: Option<Tier>,
    /// Whose machines they are
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Where they stand
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Which of them
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
}

impl Common {
    fn desk<'a>(
        &self,
        context: &'a Context,
        repository: &'a Repository,
        revision: &str,
    ) -> Result<Desk<'a>, Stop> {
        let (ledger, key) = (&context.globals.ledger_ref, self.key.as_ref());
        Ok(Desk::open(
            &context.world,
            repository,
            ledger,
            key,
            revision,
            self.actor.clone(),
        )?)
    }

    fn step(&self, usual: &str) -> Step {
        self.step
            .clone()
            .unwrap_or_else(|| usual.parse().expect("a verb's name is a step's"))
    }
}

impl EnvironmentArgs {
    fn environment(&self) -> Result<Environment, Stop> {
        let name = self.name.clone();
        Ok(Environment {
            name: name.ok_or_else(|| Stop::usage("say where: --env NAME"))?,
            tier: self.tier,
            provider: self.provider.clone(),
            region: self.region.clone(),
            cluster: self.cluster.clone(),
        })
    }
}

/// Shows a claim, or records it.
fn finish(desk: &Desk<'_>, claim: Claim, common: &Common, context: &Context) -> Result<Exit, Stop> {
    let claim = match common.edit {
        true => desk.edit(claim)?,
        false => claim,
    };
    if common.dry_run {
        context.report(&desk.draft(&claim)?, say::pretty)?;
        return Ok(Exit::Pass);
    }
    recorded::report(desk.record(vec![claim])?, context)
}

/// Shows several claims, or records them together.
fn finish_all(
    desk: &Desk<'_>,
    claims: Vec<Claim>,
    common: &Common,
    context: &Context,
) -> Result<Exit, Stop> {
    let edit = |claim| match common.edit {
        true => desk.edit(claim),
        false => Ok(claim),
    };
    let claims: Vec<Claim> = claims.into_iter().map(edit).collect::<Result<_, _>>()?;
    if common.dry_run {
        let drafts: Result<_, _> = claims.iter().map(|claim| desk.draft(claim)).collect();
        context.report(&Drafts::of(drafts?), Drafts::text)?;
        return Ok(Exit::Pass);
    }
    recorded::report(desk.record(claims)?, context)
}

/// Kind and file of a `--from`.
fn source<S: FromStr<Err: std::error::Error>>(
    words: Option<&[String]>,
) -> Result<Option<(S, PathBuf)>, Stop> {
    let Some([kind, file]) = words else {
        return Ok(None);
    };
    let source = kind
        .parse()
        .map_err(|error| Stop::usage(format!("--from {kind}: {error}")))?;
    Ok(Some((source, file.into())))
}

/// A service's name, and its artifact as a word that names a digest.
fn named(service: &Service) -> (String, String) {
    let digest = service.digest.iter().next();
    let digest = digest.map_or_else(String::new, |(algorithm, hex)| format!("{algorithm}:{hex}"));
    let artifact = match &service.artifact {
        Some(name) => format!("{name}@{digest}"),
        None => digest,
    };
    (service.name.clone(), artifact)
}

/// Why a file of another tool's was refused, with its name.
fn refused(path: &Path, error: &dyn std::error::Error) -> Stop {
    Stop::usage(format!("{}: {}", path.display(), chain(error)))
        .hint("git docket help verbs lists which files are read")
}

fn digest_of(path: &Path) -> Result<Sha256Text, Stop> {
    Ok(Sha256Text(git_docket::ops::verify::digest_of(path)?))
}

/// A time, or a day's beginning in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z").parse().ok();
    day.map_or_else(|| Timestamp::parse_rfc3339(text), Ok)
        .map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE".into()),
    }
}

fn figure(text: &str) -> Result<Figure, String> {
    let (name, value) = pair(text)?;
    let (value, unit) = value.split_once(':').unwrap_or((&value, "1"));
    Ok(Figure {
        name,
        unit: unit.to_owned(),
        value: value.parse().map_err(|error| format!("{error}"))?,
        baseline: None,
    })
}

fn limit(text: &str) -> Result<Limit, String> {
    // The longer ones first: `<=` begins with `<`.
    let found = ["<=", ">=", "==", "<", ">"]
        .into_iter()
        .find_map(|op| text.split_once(op).map(|parts| (op, parts)));
    let Some((op, (metric, value))) = found else {
        return Err("expected NAME<=VALUE".into());
    };
    Ok(Limit {
        metric: metric.to_owned(),
        op: op
            .parse::<Comparison>()
            .map_err(|error| error.to_string())?,
        value: value.parse().map_err(|error| format!("{error}"))?,
    })
}

fn finding(text: &str) -> Result<ExceptedFinding, String> {
    let (id, location) = match text.split_once('@') {
        Some((id, location)) => (id, Some(location.to_owned())),
        None => (text, None),
    };
    match id.is_empty() {
        true => Err("expected ID or ID@LOCATION".into()),
        false => Ok(ExceptedFinding {
            id: id.to_owned(),
            location,
        }),
    }
}

fn model(text: &str) -> Result<(Label, Label), String> {
    let label = |part: &str| part.parse::<Label>().map_err(|error| error.to_string());
    match text.split_once('/') {
        Some((provider, id)) => Ok((label(provider)?, label(id)?)),
        None => Err("expected PROVIDER/ID".into()),
    }
}
