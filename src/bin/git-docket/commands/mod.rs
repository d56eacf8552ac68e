//! One file a verb: its flags, whose comments are its help, and `run`.

mod ai_status;
mod archive;
mod attest;
mod completions;
mod cosign;
mod demo;
mod doctor;
mod dossier;
mod explain;
mod fetch;
mod fold;
mod fork_proof;
mod help;
mod hook;
mod import;
mod imported;
mod init;
mod insight;
mod key;
mod keyless;
mod log;
mod man;
mod org;
mod outputs;
mod policy;
mod push;
mod query;
mod query_sql;
mod ready;
mod recorded;
mod recover;
mod report;
mod report_diff;
mod roster;
mod run;
mod sample;
mod seal;
mod serve;
mod show;
mod spool;
mod status;
mod typed;
mod verify;
mod verify_bundle;
mod verify_summary;

use std::io::Read;
use std::path::Path;

use clap::Subcommand;
use git_docket::ops::govern::Published;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Init(init::Args),
    Run(run::Args),
    Attest(attest::Args),
    Change(typed::change::Args),
    Review(typed::review::Args),
    Approve(typed::approve::Args),
    Land(typed::land::Args),
    Release(typed::release::Args),
    Deploy(typed::deploy::Args),
    Observe(typed::observe::Args),
    Outcome(typed::outcome::Args),
    Measure(typed::measure::Args),
    Except(typed::except::Args),
    Gap(typed::gap::Args),
    Ai(typed::ai::Args),
    Amend(typed::amend::Args),
    Import(import::Args),
    Log(log::Args),
    Show(show::Args),
    Query(Box<query::Args>),
    Status(status::Args),
    Verify(verify::Args),
    VerifyBundle(verify_bundle::Args),
    VerifySummary(verify_summary::Args),
    Ready(ready::Args),
    Report(report::Args),
    Explain(explain::Args),
    Archive(archive::Args),
    Sample(sample::Args),
    Insight(insight::Args),
    Serve(serve::Args),
    Dossier(dossier::Args),
    Seal(seal::Args),
    Fetch(fetch::Args),
    Push(push::Args),
    Fold(fold::Args),
    Recover(recover::Args),
    Policy(policy::Args),
    Roster(roster::Args),
    Org(org::Args),
    Cosign(cosign::Args),
    Spool(spool::Args),
    Key(key::Args),
    Hook(hook::Args),
    Doctor(doctor::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}

/// Flags of the verbs that talk to a remote.
#[derive(clap::Args, Debug)]
struct RemoteArgs {
    /// The remote; without it the only one, or origin
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// How many seconds one exchange with the remote may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

/// Does what the verb says; without one, the overview.
pub fn run(verb: Option<Verb>, context: &Context) -> Result<Exit, Stop> {
    match verb {
        Some(Verb::Init(args)) => init::run(args, context),
        Some(Verb::Run(args)) => run::run(args, context),
        Some(Verb::Attest(args)) => attest::run(args, context),
        Some(Verb::Change(args)) => typed::change::run(args, context),
        Some(Verb::Review(args)) => typed::review::run(args, context),
        Some(Verb::Approve(args)) => typed::approve::run(args, context),
        Some(Verb::Land(args)) => typed::land::run(args, context),
        Some(Verb::Release(args)) => typed::release::run(args, context),
        Some(Verb::Deploy(args)) => typed::deploy::run(args, context),
        Some(Verb::Observe(args)) => typed::observe::run(args, context),
        Some(Verb::Outcome(args)) => typed::outcome::run(args, context),
        Some(Verb::Measure(args)) => typed::measure::run(args, context),
        Some(Verb::Except(args)) => typed::except::run(args, context),
        Some(Verb::Gap(args)) => typed::gap::run(args, context),
        Some(Verb::Ai(args)) => typed::ai::run(args, context),
        Some(Verb::Amend(args)) => typed::amend::run(args, context),
        Some(Verb::Import(args)) => import::run(args, context),
        Some(Verb::Log(args)) => log::run(args, context),
        Some(Verb::Query(args)) => query::run(*args, context),
        Some(Verb::Show(args)) => show::run(args, context),
        Some(Verb::Status(args)) => status::run(args, context),
        Some(Verb::Verify(args)) => verify::run(args, context),
        Some(Verb::Ready(args)) => ready::run(args, context),
        Some(Verb::Report(args)) => report::run(args, context),
        Some(Verb::Explain(args)) => explain::run(args, context),
        Some(Verb::Archive(args)) => archive::run(args, context),
        Some(Verb::Sample(args)) => sample::run(args, context),
        Some(Verb::Serve(args)) => serve::run(args, context),
        Some(Verb::Insight(args)) => insight::run(args, context),
        Some(Verb::Dossier(args)) => dossier::run(args, context),
        Some(Verb::VerifyBundle(args)) => verify_bundle::run(args, context),
        Some(Verb::VerifySummary(args)) => verify_summary::run(args, context),
        Some(Verb::Seal(args)) => seal::run(args, context),
        Some(Verb::Fetch(args)) => fetch::run(args, context),
        Some(Verb::Push(args)) => push::run(args, context),
        Some(Verb::Fold(args)) => fold::run(args, context),
        Some(Verb::Recover(args)) => recover::run(args, context),
        Some(Verb::Policy(args)) => policy::run(args, context),
        Some(Verb::Roster(args)) => roster::run(args, context),
        Some(Verb::Org(args)) => org::run(args, context),
        Some(Verb::Cosign(args)) => cosign::run(args, context),
        Some(Verb::Spool(args)) => spool::run(args, context),
        Some(Verb::Key(args)) => key::run(args, context),
        Some(Verb::Hook(args)) => hook::run(args, context),
        Some(Verb::Doctor(args)) => doctor::run(args, context),
        Some(Verb::Demo(args)) => demo::run(args, context),
        Some(Verb::Completions(args)) => completions::run(args, context),
        Some(Verb::Man(args)) => man::run(args, context),
        Some(Verb::Help(args)) => help::run(args, context),
        None => status::overview(context),
    }
}

/// Reads a text file that the user named; `-` is standard input.
pub fn read_text(path: &Path) -> Result<String, Stop> {
    const LIMIT: u64 = 64 << 20;
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LIMIT)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Stop::new(
            Exit::CouldNotLook,
            format!("{} cannot be read: {error}", path.display()),
        )),
    }
}

/// Reports a change of what is in force.
fn report_published(published: &Published, context: &Context) -> Result<(), Stop> {
    context.report(published, |published| match published.in_force {
        true => format!("entry {}, in force for the next entry\n", published.seq),
        false => format!(
            "entry {}, in force once enough others have signed it: git docket cosign {0}\n",
            published.seq
        ),
    })
}

/// A file's bytes, or standard input's, up to 64 MiB.
fn read_bytes(path: &Path) -> Result<Vec<u8>, Stop> {
    const LIMIT: u64 = 64 << 20;
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes),
        false => {
            std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
        }
    };
    let cannot = |why: String| {
        let text = format!("{} cannot be read: {why}", path.display());
        Stop::new(Exit::CouldNotLook, text)
    };
    read.map_err(|error| cannot(error.to_string()))?;
    match bytes.len() as u64 == LIMIT {
        true => Err(cannot("it is larger than 64 MiB".to_owned())),
        false => Ok(bytes),
    }
}
