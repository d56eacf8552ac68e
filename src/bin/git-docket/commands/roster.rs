//! `roster`: who is known, with which keys and roles; shown, checked and changed.

mod form;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use git_docket::keyring;
use git_docket::ledger::Origin;
use git_docket::ops::govern::{self, Addition, Shown};
use git_docket::ops::key::KeySource;
use git_docket::roster::Extends;
use git_docket::signing::KeyId;
use git_docket::statement::predicate::{
    Login, PersonId, PersonKind, Revocation, RevocationReason, Role, Roster,
};

pub use self::form::read;
use self::form::text;
use super::policy::office;
use crate::context::Context;
use crate::exit::{Exit, Stop};

/// Show, check and change the roster
///
/// The roster says which keys belong to which person, of which kind and with
/// which roles. It lives in the ledger: each entry is judged by the roster in
/// force at its place. Files are JSON, as `show -o json` gives it.
///
/// Examples:
///   git docket roster show
///   git docket roster add bob@example.com --kind human --role writer --public-key bob.pub.pem
///   git docket roster add bob@example.com --email bob@home.example --login github.com/bob
///   git docket roster revoke SHA256:... --reason compromised --suspect-since 120
///   git docket roster remove bob@example.com
///   git docket roster publish own.json --extends org.json --extends-origin example.com/org
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
    /// The key to sign with: a name, a file, env://VARIABLE, or ssh-agent://ID
    #[arg(long, global = true)]
    key: Option<KeySource>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show who is known
    Show,
    /// Read a roster and say whether it keeps its rules
    Check {
        /// The roster, JSON; - for standard input
        file: PathBuf,
    },
    /// Append a whole roster to the ledger
    Publish {
        /// The roster, JSON; - for standard input
        file: PathBuf,
        /// A roster that it builds on, an organisation's
        #[arg(long, value_name = "FILE", requires = "extends_origin")]
        extends: Option<PathBuf>,
        /// The origin of the ledger that the extended one is from
        #[arg(long, value_name = "ORIGIN", requires = "extends")]
        extends_origin: Option<Origin>,
    },
    /// Add a person, or keys and roles to one that is known
    Add {
        /// What the person is called in this ledger
        id: PersonId,
        /// Of which kind; needed for a new person
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// The human who answers for an agent
        #[arg(long, value_name = "ID")]
        operator: Option<PersonId>,
        /// A role to give (repeats); writer may append
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Role>,
        /// A public key to add, PEM or as ssh-keygen writes it (repeats)
        #[arg(long = "public-key", value_name = "FILE")]
        keys: Vec<PathBuf>,
        /// Allowed signers, as git's gpg.ssh.allowedSignersFile: adds the keys of the lines that name ID or an --email
        #[arg(long, value_name = "FILE")]
        allowed_signers: Option<PathBuf>,
        /// An address that the person commits under (repeats)
        #[arg(long = "email", value_name = "ADDRESS")]
        emails: Vec<String>,
        /// What a forge calls the person: github.com/ada (repeats)
        #[arg(long = "login", value_name = "FORGE/NAME", value_parser = login)]
        logins: Vec<Login>,
    },
    /// Take a key from its person for good
    Revoke {
        /// The key, by its id
        #[arg(value_name = "KEY-ID")]
        revoked: KeyId,
        /// Why
        #[arg(long, value_enum)]
        reason: Reason,
        /// From which entry on what it signed is in doubt
        #[arg(long, value_name = "SEQ")]
        suspect_since: Option<u64>,
    },
    /// Take a person out; what they signed before stays judged by the roster of its time
    Remove {
        /// Who
        id: PersonId,
    },
}

/// What kind of person.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// A human being
    Human,
    /// A machine that does as configured
    Service,
    /// A machine that decides; it has an operator
    Agent,
}

impl From<Kind> for PersonKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Human => PersonKind::Human,
            Kind::Service => PersonKind::Service,
            Kind::Agent => PersonKind::Agent,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reason {
    /// Somebody else has it, or may have
    Compromised,
    /// Its person left
    Left,
    /// Another key took its place
    Superseded,
}

fn login(text: &str) -> Result<Login, String> {
    match text.split_once('/') {
        Some((forge, login)) if !forge.is_empty() && !login.is_empty() => Ok(Login {
            forge: forge.to_owned(),
            login: login.to_owned(),
        }),
        _ => Err("expected a forge and a name such as github.com/ada".into()),
    }
}

/// Does it.
pub fn run(args: Args, context: &Context) -> Result<Exit, Stop> {
    if let Verb::Check { file } = &args.verb {
        context.report(&read(file)?, text)?;
        return Ok(Exit::Pass);
    }
    let repository = context.repository()?;
    let office = office(context, &repository, args.key.as_ref());
    let roster = match args.verb {
        Verb::Show | Verb::Check { .. } => {
            let shown = office.roster()?;
            context.report(&shown, |shown: &Shown<Roster>| text(&shown.content))?;
            context.ui.note(format_args!("of entry {}", shown.seq));
            return Ok(Exit::Pass);
        }
        Verb::Publish {
            file,
            extends,
            extends_origin,
        } => {
            let mut roster = read(&file)?;
            if let Some((base, origin)) = extends.zip(extends_origin) {
                let base = serde_json::to_string(&read(&base)?).expect("a roster is JSON");
                roster.extends = Some(Extends::new(origin.to_string(), base));
            }
            roster
        }
        Verb::Add {
            id,
            kind,
            operator,
            roles,
            keys,
            allowed_signers,
            emails,
            logins,
        } => {
            let keys: Result<Vec<_>, _> =
                keys.iter().map(|path| keyring::read_public(path)).collect();
            let kind = kind.map(PersonKind::from);
            let unusable = |error| Stop::new(Exit::CouldNotLook, error);
            let mut keys = keys.map_err(unusable)?;
            if let Some(path) = allowed_signers {
                let names: Vec<&str> = [id.as_str()]
                    .into_iter()
                    .chain(emails.iter().map(String::as_str))
                    .collect();
                keys.extend(keyring::read_allowed(&path, &names).map_err(unusable)?);
            }
            let mut roster = office.roster()?.content;
            govern::add(
                &mut roster,
                Addition {
                    id,
                    kind,
                    operator,
                    roles,
                    keys,
                    emails,
                    logins,
                },
            )?;
            roster
        }
        Verb::Revoke {
            revoked,
            reason,
            suspect_since,
        } => {
            let reason = match reason {
                Reason::Compromised => RevocationReason::Compromised,
                Reason::Left => RevocationReason::Left,
                Reason::Superseded => RevocationReason::Superseded,
            };
            let mut roster = office.roster()?.content;
            govern::revoke(
                &mut roster,
                Revocation {
                    key: revoked,
                    reason,
                    suspect_since,
                },
            )?;
            roster
        }
        Verb::Remove { id } => {
            let mut roster = office.roster()?.content;
            govern::remove(&mut roster, &id)?;
            roster
        }
    };
    super::report_published(&office.publish_roster(roster)?, context)?;
    Ok(Exit::Pass)
}
