//! `key`: make, list and show keys; and choose the key that another verb signs with.
//!
//! The signing key is, in order: the one named by `--key` (a keyring's name, a file, `env://VARIABLE` with
//! a PEM in it, or `ssh-agent://` and an id or comment) or behind `--signer-command`; where git signs with SSH
//! keys, git's `user.signingKey`; the keyring's key `default`; the only key of the keyring that is no ledger's own
//! (`ledger-…`). A passphrase comes from the
//! variable `DOCKET_PASSPHRASE`, else from a person at a terminal.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Explain, Failure, World};
use crate::keyring::agent::{self, Agent};
use crate::keyring::command::{self, External};
use crate::keyring::{self, Kept, KeyFileName, Keyring};
use crate::ledger::note::{KeyName, VerifierKey};
use crate::signing::{
    EncryptionSeed, KeyError, KeyId, Lock, Passphrase, PrivateKeyError, PublicKey, SigningKey,
};

/// The variable that a passphrase is taken from.
pub const PASSPHRASE_VARIABLE: &str = "DOCKET_PASSPHRASE";
/// The variable that cosign takes the passphrase of its keys from.
pub const COSIGN_VARIABLE: &str = "COSIGN_PASSWORD";
/// The key that is used where none is named.
pub const DEFAULT_NAME: &str = "default";

/// How the names of ledgers' own keys begin; they seal, and never sign for a person.
pub const LEDGER_PREFIX: &str = "ledger-";

/// Where a key is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeySource {
    /// In the keyring.
    Named(KeyFileName),
    /// In a PEM file.
    File(PathBuf),
    /// In a variable that holds a PEM.
    Variable(String),
    /// In the SSH agent: by its id or comment; where neither is given, its only one.
    Agent(String),
    /// In the SSH agent: the private half of this one, a line as `ssh-keygen` writes it.
    Line(String),
}

impl KeySource {
    /// What git's `user.signingKey` names where `gpg.format` is `ssh`: a public key, itself or after `key::`, or a
    /// file, of the public or the private key, in which `~/` is this home.
    pub fn of_git(text: &str, home: Option<&Path>) -> Self {
        let literal = text.strip_prefix("key::");
        if literal.is_some() || text.starts_with("ssh-") {
            return KeySource::Line(literal.unwrap_or(text).to_owned());
        }
        KeySource::File(match (text.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        })
    }
}

impl FromStr for KeySource {
    type Err = Infallible;

    /// A word that could be a keyring's name is one; `./name` is a file.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        if let Some(variable) = text.strip_prefix("env://") {
            return Ok(KeySource::Variable(variable.to_owned()));
        }
        if let Some(named) = text.strip_prefix("ssh-agent://") {
            return Ok(KeySource::Agent(named.to_owned()));
        }
        match text.parse() {
            Ok(name) if !text.ends_with(".pem") => Ok(KeySource::Named(name)),
            _ => Ok(KeySource::File(PathBuf::from(text))),
        }
    }
}

/// Why a key could not be made, shown or used.
#[derive(Debug, Error)]
pub enum Error {
    /// The keyring could not.
    #[error(transparent)]
    Keyring(#[from] keyring::Error),
    /// No key is named, and there is none.
    #[error("there is no key to sign with in {folder}")]
    NoKey {
        /// The keyring's folder.
        folder: PathBuf,
    },
    /// No key is named, and there are several.
    #[error("there are {count} keys and none is named default: which one signs was not said")]
    Several {
        /// How many.
        count: usize,
    },
    /// The variable of `env://` is not set, or is no text.
    #[error("the variable {name} holds no key")]
    Variable {
        /// Its name.
        name: String,
    },
    /// No agent is named by the environment.
    #[error("there is no SSH agent: SSH_AUTH_SOCK is not set")]
    NoAgent,
    /// The agent could not be asked.
    #[error(transparent)]
    Agent(#[from] agent::Error),
    /// The agent has no such key, or several.
    #[error("the SSH agent holds no key, or not just one, that is {named:?}")]
    NotHeld {
        /// As it was named.
        named: String,
    },
    /// A public key is named that is of no kind that signs here.
    #[error("the public key that is named cannot be used")]
    Line(#[source] KeyError),
    /// The signer command gave no public key.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// Both a key and a signer command are given.
    #[error("both a key and a signer command are given: which one signs was not said")]
    KeyAndCommand,
    /// The passphrase of a new key is empty, or was typed in two ways.
    #[error("the passphrase is empty, or was not typed twice alike")]
    Passphrase,
    /// A passphrase is wanted, and there is neither the variable nor a terminal.
    #[error("a passphrase is needed, and there is no terminal to ask on")]
    NobodyToAsk,
    /// The terminal could not be read.
    #[error("the passphrase cannot be read")]
    Ask(#[source] std::io::Error),
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random(#[source] std::io::Error),
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Error::Several { .. } | Error::KeyAndCommand => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Error::NoKey { .. } => {
                "git docket key generate makes one; --key names one elsewhere".to_owned()
            }
            Error::Several { .. } => {
                "name it with --key; git docket key list shows them".to_owned()
            }
            Error::Keyring(keyring::Error::Open { path, .. }) => {
                format!(
                    "chmod 600 '{}', and replace the key if others had access",
                    path.display()
                )
            }
            Error::Keyring(keyring::Error::File { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                "git docket key list shows the keys that are here; a file is named with its path"
                    .to_owned()
            }
            Error::Keyring(keyring::Error::Exists { .. }) => "choose another name".to_owned(),
            Error::NoAgent => "eval \"$(ssh-agent)\" starts one; ssh-add gives it a key".to_owned(),
            Error::NotHeld { .. } => {
                "ssh-add -l lists what it holds; name one as ssh-agent://SHA256:…".to_owned()
            }
            Error::KeyAndCommand => "leave one out".to_owned(),
            Error::Command(_) => "git docket help keys says what a signer command has to answer".to_owned(),
            Error::NobodyToAsk => format!("set {PASSPHRASE_VARIABLE}, or run it on a terminal"),
            Error::Keyring(keyring::Error::Private { source, .. }) => match source {
                PrivateKeyError::PassphraseNeeded | PrivateKeyError::Passphrase => format!(
                    "set {PASSPHRASE_VARIABLE}, for a key of cosign's {COSIGN_VARIABLE}, or run it on a terminal"
                ),
                _ => "give a key of Ed25519, P-256 or P-384 as PEM, as git docket key generate, openssl, ssh-keygen and cosign write it".to_owned(),
            },
            _ => return None,
        })
    }
}

/// A key as `list` and `show` give it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Its name in the keyring, where it is from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The private key's file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The OpenSSH fingerprint: the key id of envelopes and bundles.
    pub id: KeyId,
    /// The public key, PEM; a security key has no such form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// The public key as an OpenSSH line.
    pub ssh: String,
    /// The public key as a C2SP verifier key, under the name asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vkey: Option<String>,
}

impl KeyView {
    fn of(public: &PublicKey, kept: Option<&Kept>, vkey_name: Option<KeyName>) -> Self {
        let name = kept.map(|kept| kept.name.to_string());
        KeyView {
            path: kept.map(|kept| kept.path.clone()),
            id: public.id(),
            pem: (!public.is_security_key()).then(|| public.to_pem()),
            ssh: public.to_ssh_line(name.as_deref().unwrap_or("git-docket")),
            vkey: vkey_name.map(|name| VerifierKey::new(name, public).to_string()),
            name,
        }
    }
}

/// Whether a new key is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protection {
    /// By a passphrase.
    Passphrase,
    /// By the file's mode alone.
    FileMode,
}

/// Makes a key and keeps it.
///
/// # Errors
/// Where the name is taken, there is no passphrase to be had, or the files cannot be written.
pub fn generate(
    world: &World,
    name: KeyFileName,
    protection: Protection,
) -> Result<KeyView, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    (world.random)(&mut *seed).map_err(Error::Random)?;
    let key = SigningKey::from_seed(*seed);
    let keyring = Keyring::in_folder(&world.folders.data);
    let kept = match protection {
        Protection::FileMode => keyring.keep(name, &key, None)?,
        Protection::Passphrase => {
            let passphrase = new_passphrase(world)?;
            let mut salt = [0; 32];
            (world.random)(&mut salt).map_err(Error::Random)?;
            keyring.keep(name, &key, Some((&passphrase, EncryptionSeed(salt))))?
        }
    };
    Ok(KeyView::of(&kept.public, Some(&kept), None))
}

/// Every key of the keyring, or why it cannot be used.
///
/// # Errors
/// Where the keyring cannot be read.
pub fn list(world: &World) -> Result<Vec<Result<KeyView, keyring::Error>>, Error> {
    let listed = Keyring::in_folder(&world.folders.data).list()?;
    let view = |kept: Kept| KeyView::of(&kept.public, Some(&kept), None);
    Ok(listed.into_iter().map(|kept| kept.map(view)).collect())
}

/// One key; `vkey_name` is the name that its verifier key is to carry.
///
/// # Errors
/// Where it cannot be found or read.
pub fn show(
    world: &World,
    source: Option<&KeySource>,
    vkey_name: Option<KeyName>,
) -> Result<KeyView, Error> {
    let keyring = Keyring::in_folder(&world.folders.data);
    match source {
        None if world.signer_command.is_some() || world.git_key.is_some() => {
            let key = signing_key(world, None)?;
            Ok(KeyView::of(key.public(), None, vkey_name))
        }
        None => {
            let kept = chosen(&keyring)?;
            Ok(KeyView::of(&kept.public, Some(&kept), vkey_name))
        }
        Some(KeySource::Named(name)) => {
            let kept = keyring.kept(name.clone())?;
            Ok(KeyView::of(&kept.public, Some(&kept), vkey_name))
        }
        Some(KeySource::File(path)) => {
            let public = match keyring::read_public(path) {
                Ok(public) => public,
                Err(_) => signing_key(world, source)?.public().clone(),
            };
            Ok(KeyView::of(&public, None, vkey_name))
        }
        Some(_) => Ok(KeyView::of(
            signing_key(world, source)?.public(),
            None,
            vkey_name,
        )),
    }
}

/// The key to sign with.
///
/// # Errors
/// Where there is none, several, or it cannot be opened.
pub fn signing_key(world: &World, source: Option<&KeySource>) -> Result<SigningKey, Error> {
    let keyring = Keyring::in_folder(&world.folders.data);
    let passphrase = |lock| passphrase(world, lock);
    let source = match (&world.signer_command, source) {
        (Some(_), Some(KeySource::Named(name))) if name.to_string().starts_with(LEDGER_PREFIX) => {
            source
        }
        (Some(_), Some(_)) => return Err(Error::KeyAndCommand),
        (Some(line), None) => {
            let command = External::new(line.clone());
            let public = command.public()?;
            let signer = Arc::new(command.signer(&public));
            return Ok(SigningKey::remote(public, signer));
        }
        (None, None) => world.git_key.as_ref(),
        (None, given) => given,
    };
    match source {
        None => keyring::read_private(&chosen(&keyring)?.path, passphrase),
        Some(KeySource::Named(name)) => keyring::read_private(&keyring.path(name), passphrase),
        // A pipe can be read once only, and is a private key's.
        Some(KeySource::File(path)) if path.is_file() => match keyring::read_public(path) {
            Ok(public) => held_or_beside(world, &public, path),
            Err(error @ keyring::Error::Public { source, .. }) if source != KeyError::Pem => {
                Err(error.into())
            }
            Err(_) => keyring::read_private(path, passphrase),
        },
        Some(KeySource::File(path)) => keyring::read_private(path, passphrase),
        Some(KeySource::Agent(named)) => {
            let agent = agent_of(world)?;
            let held = agent.list()?;
            let chosen = agent::choose(&held, named);
            let chosen = chosen.ok_or_else(|| Error::NotHeld {
                named: named.clone(),
            })?;
            Ok(in_agent(&agent, &chosen.public))
        }
        Some(KeySource::Line(line)) => {
            held(world, &PublicKey::from_ssh_line(line).map_err(Error::Line)?)
        }
        Some(KeySource::Variable(name)) => {
            let value = (world.variable)(name).and_then(|value| value.into_string().ok());
            let pem = Zeroizing::new(value.ok_or_else(|| Error::Variable { name: name.clone() })?);
            keyring::parse_private(&pem, &PathBuf::from(format!("env://{name}")), passphrase)
        }
    }
}

fn agent_of(world: &World) -> Result<Agent, Error> {
    let socket = (world.variable)("SSH_AUTH_SOCK").ok_or(Error::NoAgent)?;
    Ok(Agent::at(Path::new(&socket)))
}

fn in_agent(agent: &Agent, public: &PublicKey) -> SigningKey {
    SigningKey::remote(public.clone(), Arc::new(agent.signer(public)))
}

/// A key of which the public half is given: the agent has the other.
fn held(world: &World, public: &PublicKey) -> Result<SigningKey, Error> {
    let agent = agent_of(world)?;
    match agent.list()?.iter().any(|held| held.public == *public) {
        true => Ok(in_agent(&agent, public)),
        false => Err(Error::NotHeld {
            named: public.id().to_string(),
        }),
    }
}

/// A key of which the public file is given: in the agent, else in the private file beside it.
fn held_or_beside(world: &World, public: &PublicKey, path: &Path) -> Result<SigningKey, Error> {
    let beside = path.with_extension("");
    let is_pub = path.extension().is_some_and(|extension| extension == "pub");
    match held(world, public) {
        Err(_) if is_pub && beside.exists() => {
            keyring::read_private(&beside, |lock| passphrase(world, lock))
        }
        other => other,
    }
}

fn chosen(keyring: &Keyring) -> Result<Kept, Error> {
    // One that cannot be used is no candidate; `key list` and `doctor` say so.
    let mut all: Vec<Kept> = keyring.list()?.into_iter().flatten().collect();
    all.retain(|kept| !kept.name.to_string().starts_with(LEDGER_PREFIX));
    if let Some(at) = all
        .iter()
        .position(|kept| kept.name.to_string() == DEFAULT_NAME)
    {
        return Ok(all.swap_remove(at));
    }
    match (all.pop(), all.len()) {
        (Some(kept), 0) => Ok(kept),
        (Some(_), others) => Err(Error::Several { count: others + 1 }),
        (None, _) => Err(Error::NoKey {
            folder: keyring.folder().to_owned(),
        }),
    }
}

fn passphrase(world: &World, lock: Lock) -> Result<Option<Passphrase>, Error> {
    if lock == Lock::Cosign
        && let Some(text) = (world.variable)(COSIGN_VARIABLE)
        && let Ok(text) = text.into_string()
    {
        return Ok(Some(Passphrase::new(text)));
    }
    if let Some(text) = from_variable(world) {
        return Ok(Some(text));
    }
    let asked = (world.ask_passphrase)("Passphrase of the signing key: ").map_err(Error::Ask)?;
    let asked = asked.map(|text| Passphrase::new(text.to_string()));
    // cosign encrypts without a passphrase too: under an empty one.
    let empty = (lock == Lock::Cosign).then(|| Passphrase::new(String::new()));
    Ok(asked.or(empty))
}

fn new_passphrase(world: &World) -> Result<Passphrase, Error> {
    if let Some(text) = from_variable(world) {
        return Ok(text);
    }
    let ask = |prompt| {
        (world.ask_passphrase)(prompt)
            .map_err(Error::Ask)?
            .ok_or(Error::NobodyToAsk)
    };
    let once = ask("Passphrase of the new key: ")?;
    let twice = ask("The same again: ")?;
    if once.is_empty() || once != twice {
        return Err(Error::Passphrase);
    }
    Ok(Passphrase::new(once.to_string()))
}

fn from_variable(world: &World) -> Option<Passphrase> {
    let text = (world.variable)(PASSPHRASE_VARIABLE)?.into_string().ok()?;
    Some(Passphrase::new(text))
}
