//! `verify-bundle`: judge one Sigstore bundle.

use std::path::PathBuf;

use git_docket::ops::verify_bundle::{self, ExpectedSigner, Judged, Request, Text, TrustedRoots};
use git_docket::report::escape::Line;

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Judge one Sigstore bundle, offline
///
/// Bundles of versions 0.1 to 0.3, of a certificate or of a key, over a file or
/// over an in-toto statement. Nothing is fetched: the public-good trusted root
/// comes with the program.
///
/// Without a key, say whose name must be in the certificate and who must have
/// vouched for it (--certificate-identity, --certificate-oidc-issuer).
///
/// Examples:
///   git docket verify-bundle --bundle app.sigstore.json --key cosign.pub app
///   git docket verify-bundle --bundle b.json --key cosign.pub sha256:4f2c...
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
#[command(group = clap::ArgGroup::new("signer").required(true).args(["identity", "identity_regexp", "key"]))]
#[command(group = clap::ArgGroup::new("vouched").args(["issuer", "issuer_regexp"]).conflicts_with("key"))]
pub struct Args {
    /// The bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The name that the certificate must be for
    #[arg(
        long = "certificate-identity",
        value_name = "NAME",
        requires = "vouched"
    )]
    identity: Option<String>,
    /// A regular expression over the whole of that name
    #[arg(
        long = "certificate-identity-regexp",
        value_name = "PATTERN",
        requires = "vouched"
    )]
    identity_regexp: Option<String>,
    /// Who must have vouched for it: an OIDC issuer's URL
    #[arg(long = "certificate-oidc-issuer", value_name = "URL")]
    issuer: Option<String>,
    /// A regular expression over the whole of that URL
    #[arg(long = "certificate-oidc-issuer-regexp", value_name = "PATTERN")]
    issuer_regexp: Option<String>,
    /// The public key that must have signed, in PEM
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Whom to trust: a trusted_root.json, or public-good or github for those of the program
    #[arg(long, value_name = "FILE|NAME", default_value = "public-good")]
    trusted_root: String,
    /// What was signed: a file, or its digest as sha256:HEX
    #[arg(value_name = "FILE_OR_DIGEST")]
    artifact: String,
}

/// Judges.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let text = |exact: Option<String>, pattern: Option<String>| {
        exact.map(Text::Exact).or(pattern.map(Text::Pattern))
    };
    let identity =
        text(args.identity, args.identity_regexp).zip(text(args.issuer, args.issuer_regexp));
    let signer = match (args.key, identity) {
        (Some(key), _) => ExpectedSigner::Key(key),
        (None, Some((identity, issuer))) => ExpectedSigner::Identity { identity, issuer },
        (None, None) => return Err(Stop::new(Exit::Usage, "say whose bundle it must be")),
    };
    let request = Request {
        bundle: args.bundle,
        artifact: args.artifact,
        signer,
        roots: TrustedRoots::named(&args.trusted_root),
    };
    let judged = verify_bundle::verify_bundle(&context.world, &request)?;
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
    let mut line =
        |name: &str, value: &str| text.push_str(&format!("  {name:<10} {}\n", Line(value)));
    if let Some(certificate) = &judged.certificate {
        certificate
            .identities
            .iter()
            .for_each(|identity| line("signer", identity));
        certificate
            .issuer
            .iter()
            .for_each(|issuer| line("issuer", issuer));
        certificate
            .source_commit
            .iter()
            .for_each(|commit| line("source", commit));
    }
    if let Some(time) = judged.times.first() {
        line("not after", &time.to_string());
    }
    if let Some(predicate_type) = &judged.predicate_type {
        line("predicate", predicate_type);
    }
    if judged.verdict == "pass" {
        line("log", &format!("{} entries", judged.log_entries));
    }
    text
}
