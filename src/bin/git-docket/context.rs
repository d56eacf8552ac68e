//! What every verb is given: the common flags, the voice, and the world.

use std::env;
use std::io::{self, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use git_docket::capture::Systems;
use git_docket::finding::chain;
use git_docket::git::{Durability, Repository};
use git_docket::ops::key::KeySource;
use git_docket::ops::{Folders, World};
use git_docket::process::Pager;
use git_docket::report::json;
use git_docket::store::Stored;
use git_docket::timestamp::Timestamp;
use serde::Serialize;

use crate::cli::{Format, Globals};
use crate::exit::{Exit, Stop};
use crate::ui::{Data, Talk, Ui};

/// The common flags, the voice, and the world.
pub struct Context {
    /// The common flags as given.
    pub globals: Globals,
    /// Standard error.
    pub ui: Ui,
    /// What operations may use.
    pub world: World,
    found: Option<Repository>,
}

impl Context {
    /// Gathers what the environment says. Nothing else of the program reads it.
    pub fn new(globals: Globals, found: Option<Repository>) -> Result<Self, Stop> {
        let ui = voice(if globals.quiet {
            Talk::Terse
        } else {
            Talk::Full
        });
        let mut world = world(ui, folders())?;
        world.signer_command = globals.signer_command.clone();
        world.git_key = found.as_ref().and_then(git_key);
        world.ci = globals.ci_table.as_deref().map(ci_table).transpose()?;
        Ok(Context {
            globals,
            ui,
            world,
            found,
        })
    }

    /// A world whose keys and memory are kept under another home.
    pub fn world_at(&self, home: &Path) -> Result<World, Stop> {
        let folders = Folders {
            config: home.join(".config/git-docket"),
            data: home.join(".local/share/git-docket"),
            state: home.join(".local/state/git-docket"),
        };
        world(self.ui, folders)
    }

    /// The repository that the program was started in.
    pub fn repository(&self) -> Result<Repository, Stop> {
        let found = match &self.found {
            Some(found) => Ok(found.clone()),
            None => Repository::discover(Path::new(".")),
        };
        let found = found.map_err(|error| {
            Stop::new(Exit::CouldNotLook, error)
                .hint("run it inside a repository, or name one: git docket -C DIR …")
        })?;
        let durability = match self.globals.fsync {
            true => Durability::PowerCut,
            false => Durability::Process,
        };
        // Whoever forbids git to ask is obeyed.
        let may_ask = env::var_os("GIT_TERMINAL_PROMPT").is_none_or(|value| value != "0");
        let is_there = io::stderr().is_terminal() && self.ui.is_talkative();
        Ok(found.durable(durability).attended(is_there && may_ask))
    }

    /// The ledger of a repository. No ref is an error, never an empty ledger.
    pub fn ledger(&self, repository: &Repository) -> Result<Stored, Stop> {
        let name = &self.globals.ledger_ref;
        let stored = Stored::read(repository, name).map_err(|error| {
            Stop::new(Exit::CouldNotLook, error)
                .hint("git fsck says whether objects are missing or damaged")
        })?;
        stored.ok_or_else(|| {
            let message = format!("there is no ledger here: {name} is missing");
            Stop::new(Exit::CouldNotLook, message).hint(match repository.remotes().first() {
                Some(remote) => format!(
                    "git docket fetch --remote {remote} brings it, where the remote has one; git docket init makes one"
                ),
                None => "git docket init makes one".to_owned(),
            })
        })
    }

    /// Where a listing goes: to a pager where standard output is a terminal, as git does it.
    pub fn listing(&self, repository: &Repository) -> Listing {
        let to_page = io::stdout().is_terminal()
            && self.globals.format == Format::Text
            && !self.globals.no_pager;
        let set = |name: &str| env::var_os(name);
        let pager = set("GIT_PAGER")
            .or_else(|| repository.setting("core.pager").map(Into::into))
            .or_else(|| set("PAGER"))
            .unwrap_or_else(|| "less".into());
        let wanted = to_page && !pager.is_empty() && pager != "cat";
        let paged = wanted.then(|| Pager::start(&pager, |name| set(name).is_some()));
        match paged {
            Some(Ok(pager)) => Listing::Paged(Data::new(pager)),
            _ => Listing::Plain(Data::stdout()),
        }
    }

    /// Prints a finished text on standard output.
    pub fn print(&self, text: &str) -> Result<(), Stop> {
        let mut out = Data::stdout();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(cannot_write)
    }

    /// Prints a result in the wanted format: as JSON, or as the text that `text` makes of it.
    pub fn report<T: Serialize>(
        &self,
        result: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Stop> {
        match self.globals.format {
            Format::Text => self.print(&text(result)),
            Format::Json => {
                let document =
                    json::document(result).map_err(|error| Stop::new(Exit::CouldNotLook, error))?;
                self.print(&document)
            }
        }
    }
}

/// Where a listing goes.
pub enum Listing {
    /// Into a pager.
    Paged(Data<Pager>),
    /// To standard output.
    Plain(Data<io::BufWriter<io::StdoutLock<'static>>>),
}

impl Listing {
    /// Adds a piece; `Break` once nobody reads any more.
    pub fn add(&mut self, text: &str) -> Result<ControlFlow<()>, Stop> {
        let (result, gone) = match self {
            Listing::Paged(data) => (data.write_all(text.as_bytes()), data.is_gone()),
            Listing::Plain(data) => (data.write_all(text.as_bytes()), data.is_gone()),
        };
        result.map_err(cannot_write)?;
        Ok(if gone {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// Ends it, and waits for the pager.
    pub fn finish(self) -> Result<(), Stop> {
        match self {
            Listing::Paged(data) => data.into_inner().finish(),
            Listing::Plain(mut data) => data.flush(),
        }
        .map_err(cannot_write)
    }
}

fn world(ui: Ui, folders: Folders) -> Result<World, Stop> {
    let now = now()?;
    let started = Instant::now();
    Ok(World {
        now,
        elapsed: Box::new(move || started.elapsed()),
        clock: Box::new(move || self::now().unwrap_or(now)),
        progress: Box::new(progress(ui)),
        folders,
        random: Box::new(|bytes| getrandom::fill(bytes).map_err(io::Error::other)),
        variable: Box::new(|name| env::var_os(name).filter(|value| !value.is_empty())),
        ask_passphrase: Box::new(ask_passphrase),
        signer_command: None,
        git_key: None,
        ci: None,
    })
}

/// The key that git signs with, where that is an SSH key.
fn git_key(repository: &Repository) -> Option<KeySource> {
    let format = repository.setting("gpg.format")?;
    let key = repository.setting("user.signingKey");
    let key = key.filter(|key| format == "ssh" && !key.is_empty())?;
    Some(KeySource::of_git(&key, env::home_dir().as_deref()))
}

/// The user's own table of CI systems.
fn ci_table(path: &Path) -> Result<Systems, Stop> {
    let text = crate::commands::read_text(path)?;
    Systems::parse(&text).map_err(|error| {
        let message = format!("{}: {}", path.display(), chain(&error));
        Stop::new(Exit::Usage, message).hint("git docket help run describes the form")
    })
}

/// A stop because standard output cannot be written.
pub fn cannot_write(error: io::Error) -> Stop {
    Stop::new(
        Exit::CouldNotLook,
        format!("standard output cannot be written: {error}"),
    )
}

/// A voice that heeds `NO_COLOR` (any value but an empty one) and terminals that know no colour.
pub fn voice(talk: Talk) -> Ui {
    let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || env::var_os("TERM").is_some_and(|value| value == "dumb");
    Ui::new(talk, no_colour)
}

/// The time: `SOURCE_DATE_EPOCH` where it is set, else the clock.
fn now() -> Result<Timestamp, Stop> {
    let seconds = match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().map_err(|_| {
            Stop::usage(format!(
                "SOURCE_DATE_EPOCH is {text:?}, and not a number of seconds since 1970"
            ))
        })?,
        Err(_) => SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed()),
    };
    Timestamp::from_unix(seconds).map_err(|error| Stop::new(Exit::CouldNotLook, error))
}

/// A bar on a terminal for work on more than a few files; nothing elsewhere.
fn progress(ui: Ui) -> impl Fn(&'static str, usize, usize) + Sync {
    const WORTH_A_BAR: usize = 500;
    let bar = indicatif::ProgressBar::hidden();
    let begun = std::sync::Once::new();
    move |what, done, all| {
        if all < WORTH_A_BAR || !ui.is_talkative() {
            return;
        }
        begun.call_once(|| bar.set_draw_target(indicatif::ProgressDrawTarget::stderr()));
        bar.set_length(all as u64);
        bar.set_message(what);
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }
}

/// XDG base directories; a relative value is to be ignored, as that specification says.
fn folders() -> Folders {
    let home = env::home_dir().unwrap_or_else(|| PathBuf::from("/"));
    let folder = |variable: &str, fallback: &str| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home.join(fallback))
            .join("git-docket")
    };
    Folders {
        config: folder("XDG_CONFIG_HOME", ".config"),
        data: folder("XDG_DATA_HOME", ".local/share"),
        state: folder("XDG_STATE_HOME", ".local/state"),
    }
}

fn ask_passphrase(prompt: &str) -> io::Result<Option<zeroize::Zeroizing<String>>> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(None);
    }
    rpassword::prompt_password(prompt).map(|text| Some(text.into()))
}
