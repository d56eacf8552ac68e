//! `key`: make, list and show keys.

use clap::Subcommand;
use git_docket::finding::chain;
use git_docket::keyring::KeyFileName;
use git_docket::ledger::note::KeyName;
use git_docket::ops::key::{self, KeySource, KeyView, Protection};
use git_docket::ops::rotate::{self, OldKey, Rotated};

use super::policy::office;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Make, list and show signing keys
///
/// Keys made here are Ed25519, kept as PKCS#8 PEM that OpenSSL reads, mode
/// 0600, under $XDG_DATA_HOME/git-docket/keys. A passphrase is taken from
/// DOCKET_PASSPHRASE, or asked for on a terminal. Keys of OpenSSL, ssh-keygen,
/// ssh-agent and cosign sign as well: git docket help keys
///
/// Examples:
///   git docket key generate
///   git docket key generate release --encrypt
///   git docket key show --vkey git.example.com/acme/app
///   git docket key rotate --ledger
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key and keep it
    Generate {
        /// What to call it
        #[arg(default_value = key::DEFAULT_NAME)]
        name: KeyFileName,
        /// Encrypt it with a passphrase
        #[arg(long)]
        encrypt: bool,
    },
    /// List the keys
    List,
    /// Show a key's public parts: PEM, id, OpenSSH line
    Show {
        /// A key's name, a file, env://VARIABLE, or ssh-agent://ID
        key: Option<KeySource>,
        /// Show it as a C2SP verifier key of this name as well
        #[arg(long, value_name = "NAME")]
        vkey: Option<KeyName>,
    },
    /// Put a new key in the place of the one that signs seals
    Rotate {
        /// The ledger's own key; a person's is changed by roster revoke and roster add
        #[arg(long, required = true)]
        ledger: bool,
        /// The old key is lost or stolen, and need not sign
        #[arg(long)]
        lost: bool,
        /// The root key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
        #[arg(long)]
        key: Option<KeySource>,
    },
}

#[derive(serde::Serialize)]
struct Listing {
    keys: Vec<KeyView>,
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    match args.verb {
        Verb::Generate { name, encrypt } => {
            let protection = if encrypt {
                Protection::Passphrase
            } else {
                Protection::FileMode
            };
            let made = key::generate(&context.world, name, protection)?;
            context.report(&made, text)?;
            context
                .ui
                .hint("git docket init makes a ledger that this key may write to");
        }
        Verb::List => {
            let mut keys = Vec::new();
            for listed in key::list(&context.world)? {
                match listed {
                    Ok(key) => keys.push(key),
                    Err(error) => context.ui.warning(chain(&error)),
                }
            }
            let is_empty = keys.is_empty();
            context.report(&Listing { keys }, |listing| {
                let names = listing.keys.iter().map(|key| name(key).len());
                let width = names.max().unwrap_or_default();
                let line = |key: &KeyView| format!("{:<width$}  {}\n", name(key), key.id);
                listing.keys.iter().map(line).collect()
            })?;
            if is_empty {
                context
                    .ui
                    .hint("there is no key yet; git docket key generate makes one");
                return Ok(Exit::Undecided);
            }
        }
        Verb::Show { key: source, vkey } => {
            context.report(&key::show(&context.world, source.as_ref(), vkey)?, text)?;
        }
        Verb::Rotate { lost, key, .. } => return rotate(lost, key.as_ref(), context),
    }
    Ok(Exit::Pass)
}

fn rotate(lost: bool, key: Option<&KeySource>, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let old = if lost { OldKey::Lost } else { OldKey::Signs };
    let rotated = rotate::rotate(&office(context, &repository, key), old)?;
    context.report(&rotated, |rotated| {
        let state = match (rotated.in_force, rotated.sealed) {
            (true, true) => "in force, and it has sealed the head".to_owned(),
            (true, false) => "in force; git docket push, then git docket seal".to_owned(),
            (false, _) => format!(
                "waits for other root keys: git docket cosign {}",
                rotated.seq
            ),
        };
        let Rotated {
            seq,
            old,
            new,
            name,
            ..
        } = rotated;
        format!("entry {seq}: {state}\nold   {old}\nnew   {new}\nname  {name}\n")
    })?;
    Ok(Exit::Pass)
}

fn name(key: &KeyView) -> &str {
    key.name.as_deref().unwrap_or_default()
}

fn text(key: &KeyView) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: Option<String>| {
        text.extend(value.map(|value| format!("{name:<6}{value}\n")));
    };
    field("name", key.name.clone());
    field(
        "file",
        key.path.as_ref().map(|path| path.display().to_string()),
    );
    field("id", Some(key.id.to_string()));
    field("ssh", Some(key.ssh.trim_end().to_owned()));
    field("vkey", key.vkey.clone());
    text + key.pem.as_deref().unwrap_or_default()
}
