//! `verify-summary`: take another verifier's word.

use std::path::PathBuf;

use git_docket::ops::verify_bundle::{ExpectedSigner, Request, Text, TrustedRoots};
use git_docket::ops::verify_summary::{self, Judged};
use git_docket::report::escape::Line;
use git_docket::verify::summary::{Level, LevelError, Wanted};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Take another verifier's word (SLSA VSA, in-toto SVR), offline
///
/// A Sigstore bundle or a bare DSSE envelope. The key or identity is paired
/// with one verifier, and may speak in no other's name; a level above
/// --max-level counts as that level. SUBJECT is what was verified: a file, or
/// its digest; RESOURCE must be the summary's own, to the letter.
///
/// Examples:
///   git docket verify-summary vsa.json app --key v.pem --resource-uri pkg:generic/app
///   git docket verify-summary svr.json gitCommit:4f2c... --key v.pem
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(group = clap::ArgGroup::new("signer").required(true).args(["identity", "key_file"]))]
pub struct Args {
    /// The summary
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What was verified: a file, or its digest as alg:hex
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// The public key that must have signed, in PEM
    #[arg(long = "key", value_name = "FILE", conflicts_with = "issuer")]
    key_file: Option<PathBuf>,
    /// The name that the certificate must be for
    #[arg(
        long = "certificate-identity",
        value_name = "NAME",
        requires = "issuer"
    )]
    identity: Option<String>,
    /// Who must have vouched for it: an OIDC issuer's URL
    #[arg(long = "certificate-oidc-issuer", value_name = "URL")]
    issuer: Option<String>,
    /// Whom to trust for certificates: a trusted_root.json, public-good or github
    #[arg(long, value_name = "FILE|NAME", default_value = "public-good")]
    trusted_root: String,
    /// The verifier whom the key or identity is paired with
    #[arg(long, value_name = "URI", default_value = git_docket::report::summary::VERIFIER)]
    verifier_id: String,
    /// What was verified, as the summary calls it (a VSA always does)
    #[arg(long, value_name = "URI")]
    resource_uri: Option<String>,
    /// A level or property that must hold: SLSA_BUILD_LEVEL_2 (repeats)
    #[arg(long = "level", value_name = "LEVEL")]
    levels: Vec<String>,
    /// Up to which level the verifier is trusted, one a track (repeats)
    #[arg(long = "max-level", value_name = "LEVEL", value_parser = level)]
    limits: Vec<Level>,
}

/// Judges.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let signer = match (args.key_file, args.identity.zip(args.issuer)) {
        (Some(key), _) => ExpectedSigner::Key(key),
        (None, Some((identity, issuer))) => ExpectedSigner::Identity {
            identity: Text::Exact(identity),
            issuer: Text::Exact(issuer),
        },
        (None, None) => return Err(Stop::usage("say whose summary it must be")),
    };
    let container = Request {
        bundle: args.file,
        artifact: args.subject,
        signer,
        roots: TrustedRoots::named(&args.trusted_root),
    };
    let wanted = Wanted {
        verifier: args.verifier_id,
        resource: args.resource_uri,
        levels: args.levels,
        limits: args.limits,
    };
    let judged = verify_summary::verify_summary(&context.world, &container, &wanted)?;
    context.report(&judged, said)?;
    Ok(match judged.refusal {
        None => Exit::Pass,
        Some(_) => Exit::Failed,
    })
}

fn said(judged: &Judged) -> String {
    let mut text = match &judged.refusal {
        Some(refusal) => format!("fail: {}: {}\n", refusal.code, Line(&refusal.reason)),
        None => "pass\n".to_owned(),
    };
    for level in &judged.holds {
        text.push_str(&format!("  holds      {}\n", Line(level)));
    }
    if let Some(time) = judged.claimed {
        text.push_str(&format!("  claimed    {time}\n"));
    }
    text
}

fn level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|error: LevelError| error.to_string())
}
