//! `run`: run a command and attest it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use git_docket::capture::{Glob, NamedDigest, Secrets};
use git_docket::ops::Explain;
use git_docket::ops::key::KeySource;
use git_docket::ops::reported::Keep;
use git_docket::ops::run::{
    self, Ends, Error, NoProduct, Outcome, Predicates, Record, Request, Signer,
};
use git_docket::statement::Step;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Run a command and record it as a delivery step
///
/// Records the command, its times and exit code, and the digests of the files
/// that went in and came out, as an in-toto link about the checked-out commit.
/// A failing command is recorded too. Globs are anchored where the command
/// runs. Ends with the command's own code; see `git docket help exit-codes`.
///
/// Examples:
///   git docket run --step test -- cargo test
///   git docket run --step test --evidence junit.xml -- cargo nextest run
///   git docket run --step build --material 'src/**' --product app -- make app
///   git docket run --step build --keyless --product app -- make app
///   git docket run --step image --subject ghcr.io/acme/app@sha256:4f2c… -- ./push-image
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The step's name in the policy
    #[arg(long)]
    step: Step,
    /// Files that go in (repeats)
    #[arg(long = "material", value_name = "GLOB")]
    materials: Vec<Glob>,
    /// Files that come out (repeats)
    #[arg(long = "product", value_name = "GLOB")]
    products: Vec<Glob>,
    /// Something else that the step is about (repeats)
    #[arg(long = "subject", value_name = "NAME@alg:hex")]
    subjects: Vec<NamedDigest>,
    /// A file that the command leaves and that names such things: image ids or references, metadata of buildx or
    /// GoReleaser (repeats)
    #[arg(long = "subject-from", value_name = "FILE")]
    subject_files: Vec<PathBuf>,
    /// Reports that the command writes, each said as well: git docket help evidence (repeats)
    #[arg(long = "evidence", value_name = "GLOB")]
    evidence: Vec<Glob>,
    /// Name reports by their digest alone
    #[arg(long, requires = "evidence")]
    private: bool,
    /// Say it as SLSA provenance of the products, too
    #[arg(long)]
    provenance: bool,
    /// A variable to record beside those that say where it ran; its value becomes public (repeats)
    #[arg(long = "env", value_name = "NAME")]
    environment: Vec<String>,
    /// Record the command's words as they are, even what looks like a secret; what is recorded is public for good
    #[arg(long)]
    reveal_arguments: bool,
    /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    #[command(flatten)]
    keyless: super::keyless::Flags,
    /// Run the command unattested where there is no key or token, as in a fork's pull request
    #[arg(long)]
    if_signer: bool,
    /// Record nothing where the command fails
    #[arg(long)]
    only_success: bool,
    /// What a failure to record is: an error with code 125, or a warning
    #[arg(long, value_enum, default_value = "required")]
    record: Wanted,
    /// The command
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Wanted {
    /// An error
    Required,
    /// A warning
    BestEffort,
}

/// Code of `run` for whatever is its own fault.
const OWN_FAULT: u8 = 125;

/// Runs.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let wanted = args.record;
    let mut words = args.command.into_iter();
    let program = words
        .next()
        .ok_or_else(|| Stop::usage("there is no command to run"))?;
    let request = Request {
        ledger: context.globals.ledger_ref.clone(),
        step: args.step,
        command: (program, words.collect()),
        materials: args.materials,
        products: args.products,
        no_product: match wanted {
            Wanted::Required => NoProduct::Refused,
            Wanted::BestEffort => NoProduct::Told,
        },
        subjects: args.subjects,
        subject_files: args.subject_files,
        evidence: args.evidence,
        private: args.private.then_some(Keep::Private(None)),
        environment: args.environment,
        secrets: if args.reveal_arguments {
            Secrets::Revealed
        } else {
            Secrets::Redacted
        },
        key: args.key,
        keyless: args.keyless.request(),
        signer: if args.if_signer {
            Signer::IfThere
        } else {
            Signer::Required
        },
        ends: if args.only_success {
            Ends::OnlySuccess
        } else {
            Ends::All
        },
        predicates: if args.provenance {
            Predicates::LinkAndProvenance
        } else {
            Predicates::Link
        },
    };
    let outcome = run::run(&context.world, Path::new("."), &request).map_err(|error| {
        let code = if let Error::Child(error) = &error {
            error.shell_code()
        } else {
            OWN_FAULT
        };
        Stop {
            exit: Exit::Child(code),
            ..Stop::from(error)
        }
    })?;
    tell(&outcome, context);
    if matches!(&outcome.record, Record::Kept(recorded) if args.provenance && recorded.len() < 2) {
        let ui = context.ui;
        ui.warning("there is no provenance: the command failed, or left no product");
    }
    match outcome.record {
        Record::Failed(error) if wanted == Wanted::Required => Err(Stop {
            exit: Exit::Child(OWN_FAULT),
            ..Stop::from(*error)
        }),
        _ => Ok(Exit::Child(outcome.ended.shell_code())),
    }
}

fn tell(outcome: &Outcome, context: &Context) {
    let ui = context.ui;
    for skipped in &outcome.skipped {
        ui.warning(format_args!(
            "{} is left out: {}",
            skipped.name, skipped.reason
        ));
    }
    for glob in &outcome.unmatched {
        if !matches!(&outcome.record, Record::Failed(error) if matches!(**error, Error::NoProduct { .. }))
        {
            ui.warning(format_args!("no file matches --product {glob}"));
        }
    }
    match &outcome.record {
        Record::Kept(recorded) => {
            ui.note(super::recorded::text(recorded).trim_end());
            if let Some(lost) = recorded.iter().find_map(|one| one.contention.as_ref()) {
                ui.warning(format_args!("{lost}; the entry is kept in the spool"));
                ui.hint("the next `git docket run` or `attest` appends it");
            }
        }
        Record::NotWanted => {
            ui.note("not recorded: the command failed, and only successes are wanted")
        }
        Record::NoSigner(error) => ui.warning(format_args!("NOT ATTESTED: {error}")),
        Record::Failed(error) => {
            ui.warning(format_args!("NOT RECORDED: {error}"));
            if let Some(remedy) = error.remedy() {
                ui.hint(remedy);
            }
        }
    }
}
