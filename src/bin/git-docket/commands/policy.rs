//! `policy`: what is required, shown, checked and published.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use git_docket::judge::starter;
use git_docket::ledger::Origin;
use git_docket::ops::govern::{BuildsOn, Office, PolicyShown};
use git_docket::ops::init::default_branch;
use git_docket::ops::key::KeySource;
use git_docket::ops::policy_test::{self, Outcome};
use git_docket::ops::report::pack_named;
use git_docket::policy::Policy;
use git_docket::report::escape::Line;
use git_docket::roster::Extends;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show, check and publish the policy
///
/// The policy says which steps are required and who may attest them. It lives
/// in the ledger: each entry is judged by the policy in force at its place.
///
/// Examples:
///   git docket policy init --pack slsa,ssdf > policy.toml
///   git docket policy check policy.toml
///   git docket policy test policy.toml cases.toml
///   git docket policy publish policy.toml
///   git docket policy publish own.toml --extends org.toml --extends-origin example.com/org
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a policy to start from, with comments
    Init {
        /// Enforce what these ask for: slsa, nist-800-53, ssdf, osps, soc2, ai, or a pack's file
        #[arg(long = "pack", value_name = "NAME|FILE", value_delimiter = ',')]
        packs: Vec<String>,
        /// A new file to write it to; standard output where none is named
        file: Option<PathBuf>,
    },
    /// Print the policy in force
    Show,
    /// Read a policy and say in plain words what it asks for
    Check {
        /// The policy, TOML; - for standard input
        file: PathBuf,
    },
    /// Judge made-up ledgers by a policy, and say which come out otherwise than expected
    Test {
        /// The policy, TOML; - for standard input
        policy: PathBuf,
        /// Files of cases, TOML
        #[arg(required = true)]
        cases: Vec<PathBuf>,
    },
    /// Append a policy to the ledger
    Publish {
        /// The policy, TOML; - for standard input
        file: PathBuf,
        /// A policy that it builds on, an organisation's; what the one in force builds on, where left out
        #[arg(long, value_name = "FILE", requires = "extends_origin")]
        extends: Option<PathBuf>,
        /// The origin of the ledger that the extended one is from
        #[arg(long, value_name = "ORIGIN", requires = "extends")]
        extends_origin: Option<Origin>,
        /// Build on nothing from now on
        #[arg(long, conflicts_with = "extends")]
        no_extends: bool,
        /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
        #[arg(long)]
        key: Option<KeySource>,
    },
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.verb {
        Verb::Init { packs, file } => init(&packs, file.as_deref(), context)?,
        Verb::Test { policy, cases } => return test(&policy, &cases, context),
        Verb::Check { file } => {
            let (text, policy) = read(&file)?;
            context.report(&PolicyShown::of(text, &policy), |shown| {
                shown.explained.join("\n") + "\n"
            })?;
        }
        Verb::Show => {
            let repository = context.repository()?;
            let shown = office(context, &repository, None).policy()?;
            context.report(&shown, |shown| shown.content.text.clone())?;
            let seq = shown.seq;
            context.ui.note(format_args!(
                "of entry {seq}\n{}",
                shown.content.explained.join("\n")
            ));
        }
        Verb::Publish {
            file,
            extends,
            extends_origin,
            no_extends,
            key,
        } => {
            let repository = context.repository()?;
            let text = super::read_text(&file)?;
            let on = match (extends.zip(extends_origin), no_extends) {
                (Some((base, origin)), _) => {
                    BuildsOn::This(Extends::new(origin.to_string(), read(&base)?.0))
                }
                (None, true) => BuildsOn::Nothing,
                (None, false) => BuildsOn::AsBefore,
            };
            let office = office(context, &repository, key.as_ref());
            let published = office.publish_policy(text, on)?;
            super::report_published(&published, context)?;
        }
    }
    Ok(Exit::Pass)
}

pub fn read(file: &Path) -> Result<(String, Policy), Stop> {
    let text = super::read_text(file)?;
    let policy = Policy::parse(&text).map_err(|error| {
        Stop::new(Exit::Failed, format!("{}: {error}", file.display()))
            .hint("git docket help policy describes the form")
    })?;
    Ok((text, policy))
}

fn test(policy: &Path, cases: &[PathBuf], context: &Context) -> Result<Exit, Stop> {
    let tested = policy_test::test(&read(policy)?.1, cases)?;
    context.report(&tested, |tested| {
        let mut text = String::new();
        for case in &tested.cases {
            let mark = if case.as_expected {
                "as expected "
            } else {
                "otherwise   "
            };
            let _ = writeln!(text, "{mark}{}", Line(&case.name));
            if !case.as_expected {
                let _ = writeln!(
                    text,
                    "  expected  {}\n  found     {}",
                    said(&case.expected),
                    said(&case.found)
                );
            }
        }
        text + &format!(
            "{} as expected, {} otherwise\n",
            tested.passed, tested.failed
        )
    })?;
    Ok(if tested.failed == 0 {
        Exit::Pass
    } else {
        Exit::Failed
    })
}

fn said(outcome: &Outcome) -> String {
    let coming = match &outcome.coming[..] {
        [] => String::new(),
        coming => format!("; coming: {}", coming.join(", ")),
    };
    let text = format!("{} {}{coming}", outcome.verdict, outcome.reasons.join(", "));
    Line(text.trim_end()).to_string()
}

fn init(packs: &[String], file: Option<&Path>, context: &Context) -> Result<(), Stop> {
    let packs: Result<Vec<_>, _> = packs.iter().map(|name| pack_named(name)).collect();
    let branch = context
        .repository()
        .map(|repository| default_branch(&repository));
    let text = starter(&packs?, branch.as_deref().unwrap_or("refs/heads/main"));
    let policy = Policy::parse(&text).expect("a test reads what every pack starts with");
    let shown = PolicyShown::of(text, &policy);
    let Some(file) = file else {
        return context.report(&shown, |shown| shown.text.clone());
    };
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    made.and_then(|mut made| made.write_all(shown.text.as_bytes()))
        .map_err(|error| {
            let text = format!("{} cannot be written: {error}", file.display());
            Stop::new(Exit::CouldNotLook, text).hint("name a file that is not there yet")
        })?;
    context.report(&shown, |_| format!("{}\n", file.display()))?;
    context
        .ui
        .hint(format_args!("git docket policy check {}", file.display()));
    Ok(())
}

/// An office of this program's.
pub fn office<'a>(
    context: &'a Context,
    repository: &'a git_docket::git::Repository,
    key: Option<&'a KeySource>,
) -> Office<'a> {
    Office {
        world: &context.world,
        repository,
        ledger: &context.globals.ledger_ref,
        key,
    }
}
