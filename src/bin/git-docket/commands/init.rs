//! `init`: found a ledger.

use std::{fs, path::PathBuf, str::FromStr};

use git_docket::{
    keyring,
    ledger::Origin,
    ops::{
        init::{self, Founded, Request},
        key::KeySource,
    },
    report::escape::Line,
    statement::predicate::PersonId,
};

use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Found a ledger in this repository
///
/// Makes the genesis, signed by your key; the ledger's own key; .docket.toml,
/// to be committed; and tells git to fetch and show the notes. The origin is
/// guessed from the remote where it is not given.
///
/// Examples:
///   git docket init
///   git docket init --origin git.example.com/acme/app --policy policy.toml
///   git docket init --root bob@example.com=bob.pub.pem --threshold 2
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The ledger's name: a URL without its scheme, never reused
    #[arg(long)]
    origin: Option<Origin>,
    /// Who founds it; git's user.email where not given
    #[arg(long)]
    person: Option<PersonId>,
    /// The key to sign with: a key's name, a PEM file, env://VARIABLE, or ssh-agent://ID
    #[arg(long)]
    key: Option<KeySource>,
    /// Who else governs the ledger, with a public key in PEM (repeats); may append, too
    #[arg(long = "root", value_name = "ID=FILE")]
    roots: Vec<Root>,
    /// How many root keys must sign the genesis and every change of roster, policy and ledger key
    #[arg(long, value_name = "N")]
    threshold: Option<u32>,
    /// The first policy; one that requires nothing where not given
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Root {
    id: PersonId,
    file: PathBuf,
}

impl FromStr for Root {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, file) = text.split_once('=').ok_or("expected ID=FILE")?;
        if file.is_empty() {
            return Err("expected a file after =".into());
        }
        let id = id.parse::<PersonId>().map_err(|error| error.to_string())?;
        Ok(Self {
            id,
            file: file.into(),
        })
    }
}

/// Founds it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    let repository = context.repository()?;
    let policy = args.policy.as_ref().map(fs::read_to_string).transpose();
    let policy = policy.map_err(|error| {
        let path = args
            .policy
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        Stop::new(Exit::CouldNotLook, format!("cannot read {path}: {error}"))
    })?;
    let roots = args.roots.into_iter().map(|root| {
        let key = keyring::read_public(&root.file);
        key.map(|key| (root.id, key))
    });
    let roots: Result<Vec<_>, keyring::Error> = roots.collect();
    let request = Request {
        origin: args.origin,
        person: args.person,
        key: args.key,
        roots: roots.map_err(|error| Stop::new(Exit::CouldNotLook, error))?,
        threshold: args.threshold,
        policy,
        policy_path: args.policy,
    };
    let founded = init::init(
        &context.world,
        &repository,
        &context.globals.ledger_ref,
        request,
    )?;
    context.report(&founded, text)?;
    Ok(Exit::Pass)
}

fn text(founded: &Founded) -> String {
    let mut out = format!(
        "ledger    {}{}\ngenesis   {}\nfounder   {} with key {}{}\n",
        founded.origin,
        if founded.origin_guessed {
            " (guessed from the remote; --origin names another)"
        } else {
            ""
        },
        founded.genesis,
        founded.person,
        founded.key,
        if founded.key_made { " (made now)" } else { "" },
    );
    out.push_str(&format!(
        "seal key  {}\n          whoever holds it can seal: keep a copy where it cannot be lost\n",
        Line(&founded.ledger_key_file.display().to_string())
    ));
    for line in &founded.configured {
        out.push_str(&format!("configured {}\n", Line(line)));
    }
    if let Some(path) = &founded.pin_file {
        let path = path.display().to_string();
        out.push_str(&format!(
            "\nNow commit {}, so that every clone knows this ledger:\n",
            Line(&path)
        ));
        out.push_str("    git add .docket.toml && git commit -m 'Pin the ledger'\n");
    }
    if founded.signatures_missing > 0 {
        out.push_str(&format!(
            "The ledger opens when {} more root key(s) have signed: each holder runs\n    git docket cosign\n",
            founded.signatures_missing
        ));
    }
    out.push_str("Then record a step:\n    git docket run --step build -- make\n");
    out
}
