//! The command line: verbs, common flags, and where a flag's value may come from.
//!
//! A value comes from the command line, else from the variable `DOCKET_<FLAG>`, else from the git
//! configuration key `docket.<flag>`. One pass over all flags sets this up, so that no verb does it for
//! itself; the few flags that could weaken a verdict, or hide what is listed, are left out of it. An empty
//! value is refused, wherever it comes from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, ValueEnum,
};

use git_docket::git::RefName;

use crate::commands::Verb;

const LONG_ABOUT: &str = "\
A signed, hash-chained ledger of every delivery step, kept in the Git repository it speaks about.

Without a verb: what there is here, and what to do next.";

const AFTER_HELP: &str = "\
Examples:
  git docket init
  git docket run --step build --product app -- make app
  git docket verify HEAD

Help on a verb: `git docket VERB -h`. The manual: `git docket help TOPIC`; `git docket help` lists its pages.
Every flag can also be set as DOCKET_<FLAG> or as git configuration docket.<flag> (see `git docket help cli`).";

/// The command line as a whole.
#[derive(Debug, Parser)]
#[command(
    name = "git-docket",
    bin_name = "git docket",
    version,
    about = "A signed, hash-chained ledger of delivery steps inside a Git repository",
    long_about = LONG_ABOUT,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    max_term_width = 110,
)]
pub struct Cli {
    /// The common flags.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// All verbs and flags, each verb's examples below them: in short help as well as in long.
pub fn command() -> Command {
    with_examples(Cli::command())
}

fn with_examples(command: Command) -> Command {
    let about = command.get_long_about().map(ToString::to_string);
    let split = about
        .as_deref()
        .and_then(|about| about.split_once("\n\nExamples:\n"));
    let command = match split {
        Some((about, examples)) => command
            .long_about(about.to_owned())
            .after_help(format!("Examples:\n{examples}")),
        None => command,
    };
    command.mut_subcommands(with_examples)
}

/// Flags that every verb takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Globals {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Say nothing but errors and warnings
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print long output as it comes, as git's --no-pager does
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Form of the result
    #[arg(short = 'o', long, value_enum, default_value = "text", global = true)]
    pub format: Format,
    /// Notes ref that holds the ledger
    #[arg(
        long,
        value_name = "REF",
        default_value = "refs/notes/docket",
        global = true
    )]
    pub ledger_ref: RefName,
    /// Sync the ledger to disk before success is said; `false` is faster, and a power cut may take entries
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "true",
        action = ArgAction::Set,
        value_parser = BoolishValueParser::new(),
        global = true
    )]
    pub fsync: bool,
    /// A program that signs in place of a key: git docket help keys
    #[arg(long, value_name = "COMMAND", global = true)]
    pub signer_command: Option<String>,
    /// Further CI systems to recognise, TOML: git docket help run
    #[arg(long, value_name = "FILE", global = true)]
    pub ci_table: Option<PathBuf>,
}

/// Form of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people; may change from version to version
    Text,
    /// For programs; carries `schemaVersion`
    Json,
}

/// Flags that only the command line may set, as `flag` or `verb.flag`: those that could weaken a verdict,
/// filters, which would hide entries from somebody who does not know that a variable is set, and what writes unasked.
const COMMAND_LINE_ONLY: &[&str] = &[
    "at",
    "no-assert",
    "run.reveal-arguments",
    "report.append",
    "report.diff",
    "verify-summary.key",
    "verify-summary.verifier-id",
    "verify-summary.resource-uri",
    "log.step",
    "log.since",
    "log.until",
    "log.max-count",
    "query.step",
    "query.type",
    "query.person",
    "query.kind",
    "query.subject",
    "query.environment",
    "query.service",
    "query.since",
    "query.until",
    "query.result",
    "query.path",
    "query.max-count",
    "help",
    "version",
];

/// Parses the program's arguments. `variables` are those of the environment that may set a flag, by name;
/// `configured` gives all values of a git configuration key, looked up in the repository of the given folder.
pub fn parse(
    arguments: &[OsString],
    variables: &BTreeMap<String, OsString>,
    configured: impl FnOnce(Option<PathBuf>) -> Vec<(String, String)>,
) -> Result<Cli, clap::Error> {
    let mut command = self::command();
    let bare = command.try_get_matches_from_mut(arguments);
    let folder = match &bare {
        Err(error) if !error.use_stderr() => return bare.and_then(|m| Cli::from_arg_matches(&m)),
        Ok(matches) => matches.get_one("directory").cloned(),
        // What is missing may be configured.
        Err(_) => self::command()
            .ignore_errors(true)
            .try_get_matches_from(arguments)
            .ok()
            .and_then(|matches| matches.get_one("directory").cloned()),
    };
    let settings = configured(folder);
    // All verbs and flags are built once, or, where something else than the command line may set them, again.
    let matches = match bare {
        Ok(matches) if settings.is_empty() && variables.is_empty() => matches,
        _ => {
            let mut faults = Vec::new();
            command = sourced(self::command(), "", variables, &settings, &mut faults);
            if let Some(fault) = faults.into_iter().next() {
                return Err(Cli::command().error(ErrorKind::InvalidValue, fault));
            }
            command.try_get_matches_from_mut(arguments)?
        }
    };
    refuse_empty(&mut command, &matches)?;
    Cli::from_arg_matches(&matches)
}

/// The environment's variables that may set a flag.
pub fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, OsString> {
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("DOCKET_"))
        .collect()
}

/// The flags that a git configuration key may set, of all verbs.
pub fn settable(command: &Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(Arg::get_long);
    let own = own
        .filter(|flag| !is_command_line_only(flag, command.get_name()))
        .map(str::to_owned);
    own.chain(command.get_subcommands().flat_map(settable))
        .collect()
}

fn is_command_line_only(flag: &str, verb: &str) -> bool {
    let qualified = format!("{verb}.{flag}");
    flag.starts_with("insecure")
        || COMMAND_LINE_ONLY
            .iter()
            .any(|only| *only == flag || *only == qualified)
}

/// Gives each flag of a command, and of its subcommands, its variable and its configured default.
fn sourced(
    command: Command,
    verb: &str,
    variables: &BTreeMap<String, OsString>,
    settings: &[(String, String)],
    faults: &mut Vec<String>,
) -> Command {
    let mut command = command.mut_args(|arg| source(arg, verb, variables, settings, faults));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| {
            sourced(sub, &name, variables, settings, faults)
        });
    }
    command
}

fn source(
    arg: Arg,
    verb: &str,
    variables: &BTreeMap<String, OsString>,
    settings: &[(String, String)],
    faults: &mut Vec<String>,
) -> Arg {
    let Some(flag) = arg.get_long().map(str::to_owned) else {
        return arg;
    };
    if is_command_line_only(&flag, verb) {
        return arg;
    }
    let name = format!("DOCKET_{}", flag.to_ascii_uppercase().replace('-', "_"));
    if variables.get(&name).is_some_and(|value| value.is_empty()) {
        faults.push(format!(
            "the variable {name} is set and empty; unset it, or give it a value"
        ));
    }
    let key = format!("docket.{flag}");
    let values: Vec<String> = settings
        .iter()
        .filter(|(known, _)| *known == key)
        .map(|(_, value)| value.clone())
        .collect();
    if values.iter().any(String::is_empty) {
        faults.push(format!(
            "the git configuration key {key} is empty; remove it, or give it a value"
        ));
    }
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let repeats = matches!(arg.get_action(), ArgAction::Append);
    let mut arg = arg.env(name).hide_env(true);
    if is_switch {
        arg = arg.value_parser(BoolishValueParser::new());
    }
    // A default does not count as given: a required flag that is configured is required no longer.
    match values.last().cloned() {
        None => arg,
        Some(_) if repeats => arg
            .required(false)
            .default_values(values)
            .hide_default_value(true),
        Some(last) => arg
            .required(false)
            .default_value(last)
            .hide_default_value(!is_switch),
    }
}

/// Refuses an empty value on the command line.
fn refuse_empty(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let empty = matches.ids().find(|id| {
        matches
            .try_get_raw(id.as_str())
            .ok()
            .flatten()
            .is_some_and(|mut values| values.any(|v| v.is_empty()))
    });
    if let Some(id) = empty {
        let shown = command
            .get_arguments()
            .find(|arg| arg.get_id() == id)
            .and_then(|arg| arg.get_long().map(|long| format!("--{long}")))
            .unwrap_or_else(|| id.to_string());
        return Err(command.error(
            ErrorKind::InvalidValue,
            format!("{shown} was given an empty value"),
        ));
    }
    match matches.subcommand() {
        Some((name, inner)) => match command.find_subcommand_mut(name) {
            Some(sub) => refuse_empty(sub, inner),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every flag of a command and of those below it, as `verb.flag`, with its variable.
    fn flags(command: &Command) -> Vec<(String, String, Option<String>)> {
        let own = command.get_arguments().filter_map(|arg| {
            let env = arg.get_env().map(|env| env.to_string_lossy().into_owned());
            let flag = arg.get_long()?.to_owned();
            Some((command.get_name().to_owned(), flag, env))
        });
        own.chain(command.get_subcommands().flat_map(flags))
            .collect()
    }

    fn prepared() -> Command {
        let mut faults = Vec::new();
        let mut command = sourced(Cli::command(), "", &BTreeMap::new(), &[], &mut faults);
        assert_eq!(faults, [""; 0]);
        command.build();
        command
    }

    #[test]
    fn every_flag_has_its_variable_but_those_that_weaken_a_verdict_hide_entries_or_reveal() {
        let mut without = BTreeSet::new();
        for (verb, flag, env) in flags(&prepared()) {
            let name = format!("DOCKET_{}", flag.to_ascii_uppercase().replace('-', "_"));
            match env {
                Some(env) => assert_eq!(env, name, "{verb} --{flag}"),
                None => drop(without.insert(match is_command_line_only(&flag, "") {
                    true => flag,
                    false => format!("{verb}.{flag}"),
                })),
            }
        }
        let expected = [
            "at",
            "help",
            "log.max-count",
            "log.since",
            "log.step",
            "log.until",
            "no-assert",
            "query.environment",
            "query.kind",
            "query.max-count",
            "query.path",
            "query.person",
            "query.result",
            "query.service",
            "query.since",
            "query.step",
            "query.subject",
            "query.type",
            "query.until",
            "report.append",
            "report.diff",
            "run.reveal-arguments",
            "verify-summary.key",
            "verify-summary.resource-uri",
            "verify-summary.verifier-id",
            "version",
        ];
        assert_eq!(without, expected.map(str::to_owned).into());
    }

    #[test]
    fn every_flag_has_its_key_and_none_may_be_empty() {
        let words = ["git-docket", "help"].map(OsString::from);
        for flag in settable(&prepared()).into_iter().collect::<BTreeSet<_>>() {
            let name = format!("DOCKET_{}", flag.to_ascii_uppercase().replace('-', "_"));
            let empty = BTreeMap::from([(name.clone(), OsString::new())]);
            assert!(parse(&words, &empty, |_| Vec::new()).is_err(), "{name}");
            let key = format!("docket.{flag}");
            let settings = vec![(key.clone(), String::new())];
            assert!(
                parse(&words, &BTreeMap::new(), |_| settings).is_err(),
                "{key}"
            );
        }
    }

    #[test]
    fn a_switch_can_be_configured_as_git_spells_it() {
        let words = ["git-docket", "status"].map(OsString::from);
        let quiet = |value: &str| {
            let settings = vec![("docket.quiet".to_owned(), value.to_owned())];
            parse(&words, &BTreeMap::new(), |_| settings).map(|cli| cli.globals.quiet)
        };
        assert!(quiet("true").expect("a switch"));
        assert!(!quiet("off").expect("a switch"));
        assert!(quiet("maybe").is_err());
    }

    #[test]
    fn a_key_that_could_weaken_a_verdict_has_no_effect() {
        let words = ["git-docket", "verify"].map(OsString::from);
        let settings = ["at", "no-assert", "insecure-anything"]
            .map(|flag| (format!("docket.{flag}"), "true".to_owned()));
        let variables = BTreeMap::new();
        let with = parse(&words, &variables, |_| settings.into()).expect("they are not looked at");
        let without = parse(&words, &variables, |_| Vec::new()).expect("a command line");
        assert_eq!(format!("{with:?}"), format!("{without:?}"));
    }
}
