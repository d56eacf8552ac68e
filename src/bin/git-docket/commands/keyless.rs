//! Flags of the verbs that can sign keyless.

use std::path::PathBuf;

use git_docket::keyless::{LogVersion, TokenSource};
use git_docket::ops::keyless::{Request, given};
use git_docket::ops::verify_bundle::TrustedRoots;

/// Flags of the verbs that can sign keyless.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Keyless (git docket help keyless)")]
pub struct Flags {
    /// Sign with an identity token and a short-lived certificate; a key, where named, then only appends
    #[arg(long)]
    keyless: bool,
    /// The identity token; other users of this machine may see it: a file or SIGSTORE_ID_TOKEN is better
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "keyless",
        conflicts_with = "identity_token_file"
    )]
    identity_token: Option<String>,
    /// A file that holds the identity token
    #[arg(long, value_name = "FILE", requires = "keyless")]
    identity_token_file: Option<PathBuf>,
    /// For whom the token must be
    #[arg(
        long,
        value_name = "AUDIENCE",
        requires = "keyless",
        default_value = "sigstore"
    )]
    token_audience: String,
    /// Which services sign; the public-good instance's where nothing is named
    #[arg(long, value_name = "FILE", requires = "keyless")]
    signing_config: Option<PathBuf>,
    /// Fulcio; then no service is used but those that are named
    #[arg(long, value_name = "URL", requires = "keyless")]
    fulcio_url: Option<String>,
    /// Rekor
    #[arg(long, value_name = "URL", requires = "keyless")]
    rekor_url: Option<String>,
    /// The version of Rekor's protocol
    #[arg(long, value_name = "1|2", requires = "rekor_url", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=2))]
    rekor_version: u8,
    /// An RFC 3161 timestamp authority
    #[arg(long, value_name = "URL", requires = "keyless")]
    timestamp_url: Option<String>,
    /// Whom readers will trust: a trusted_root.json, or public-good or github
    #[arg(
        long,
        value_name = "FILE|NAME",
        requires = "keyless",
        default_value = "public-good"
    )]
    trusted_root: String,
}

impl Flags {
    /// How to sign keyless, if that was asked for.
    pub fn request(&self) -> Option<Request> {
        let version = match self.rekor_version {
            2 => LogVersion::V2,
            _ => LogVersion::V1,
        };
        let token = match (&self.identity_token, &self.identity_token_file) {
            (Some(token), _) => given(token.clone()),
            (None, Some(path)) => TokenSource::File(path.clone()),
            (None, None) => TokenSource::Ambient,
        };
        self.keyless.then(|| Request {
            token,
            audience: self.token_audience.clone(),
            configuration: self.signing_config.clone(),
            authority: self.fulcio_url.clone(),
            log: self.rekor_url.clone().map(|url| (url, version)),
            timestamps: self.timestamp_url.clone(),
            roots: TrustedRoots::named(&self.trusted_root),
        })
    }
}
