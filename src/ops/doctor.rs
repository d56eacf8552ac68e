//! `doctor`: what about this machine and this clone would sooner or later hurt.
//!
//! Gathering facts and judging them are apart: [`examine`] is a pure function from [`Facts`] to
//! [`Diagnosis`]es. It never judges the ledger's contents, which is `verify`'s work, and mends nothing:
//! each diagnosis says what to type.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::Serialize;

use super::World;
use super::log::{self, Filter};
use crate::finding::chain;
use crate::git::{RefName, Repository};
use crate::keyring::Keyring;
use crate::process::Quiet;
use crate::store::{self, Stored};
use crate::timestamp::Timestamp;

/// What there is to examine.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What `git --version` said; `None` where git could not be run.
    pub git_version: Option<String>,
    /// The repository, where there is one.
    pub repository: Option<RepositoryFacts>,
    /// Private keys of this user, with their modes.
    pub keys: Vec<Result<(PathBuf, u32), String>>,
    /// Whether `man git-docket` finds a page.
    pub man_page: bool,
    /// The time by this machine's clock.
    pub now: Option<Timestamp>,
}

/// What there is to examine about a repository.
#[derive(Clone, Debug, Default)]
pub struct RepositoryFacts {
    /// The ref that holds the ledger, full name.
    pub ledger_ref: String,
    /// Whether that ref is there.
    pub ledger_present: bool,
    /// Each remote's name and fetch refspecs.
    pub remotes: Vec<(String, Vec<String>)>,
    /// The value of `core.notesRef`.
    pub notes_ref: Option<String>,
    /// The values of `notes.rewriteRef`.
    pub rewrite_refs: Vec<String>,
    /// The values of `notes.displayRef`.
    pub display_refs: Vec<String>,
    /// How many notes of the ledger stand at another path than `ab/cd/<rest>`.
    pub misplaced_notes: usize,
    /// The claimed time of the ledger's newest entry.
    pub newest_entry: Option<Timestamp>,
    /// Keys `docket.*` of the git configuration that no flag has.
    pub unknown_settings: Vec<String>,
}

/// Gathers the facts. `settable` are the flags that a configuration key may set.
///
/// # Errors
/// Where the ledger is there and cannot be read.
pub fn gather(
    world: &World,
    repository: Option<&Repository>,
    ledger: &RefName,
    settable: &[String],
) -> Result<Facts, store::Error> {
    let version = Quiet::program("git", &["--version"]).output().ok();
    let keys = Keyring::in_folder(&world.folders.data)
        .list()
        .unwrap_or_default();
    Ok(Facts {
        git_version: version.map(|out| String::from_utf8_lossy(&out).trim().to_owned()),
        repository: repository
            .map(|found| about(found, ledger, settable))
            .transpose()?,
        keys: keys
            .into_iter()
            .map(|kept| match kept {
                Ok(kept) => Ok((kept.path, kept.mode)),
                Err(error) => Err(chain(&error)),
            })
            .collect(),
        man_page: Quiet::program("man", &["-w", "git-docket"])
            .output()
            .is_ok(),
        now: Some(world.now),
    })
}

fn about(
    repository: &Repository,
    ledger: &RefName,
    settable: &[String],
) -> Result<RepositoryFacts, store::Error> {
    let stored = Stored::read(repository, ledger)?;
    let remotes = repository.remotes().into_iter().map(|remote| {
        let specs = repository.settings(&format!("remote.{remote}.fetch"));
        (remote, specs)
    });
    let mut newest = None;
    if let Some(stored) = &stored {
        let filter = Filter {
            max_count: Some(1),
            ..Filter::default()
        };
        // What cannot be listed is for verify to say; here only the newest time is wanted.
        let _ = log::log(stored, &filter, |entry, _| {
            newest = Some(entry.time);
            ControlFlow::Break(())
        });
    }
    let mut unknown: Vec<String> = repository
        .section("docket")
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    unknown.retain(|key| !matches!(key.as_str(), "pin" | "mirror") && !settable.contains(key));
    unknown.dedup();
    Ok(RepositoryFacts {
        ledger_ref: ledger.to_string(),
        ledger_present: stored.is_some(),
        remotes: remotes.collect(),
        notes_ref: repository.setting("core.notesRef"),
        rewrite_refs: repository.settings("notes.rewriteRef"),
        display_refs: repository.settings("notes.displayRef"),
        misplaced_notes: stored.as_ref().map_or(0, Stored::misplaced_notes),
        newest_entry: newest,
        unknown_settings: unknown
            .into_iter()
            .map(|key| format!("docket.{key}"))
            .collect(),
    })
}

/// How much a diagnosis matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// As it should be.
    Sound,
    /// Works, and could be more convenient.
    Advice,
    /// To be mended.
    Problem,
}

/// One thing looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnosis {
    /// Its stable name.
    pub code: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// What was seen.
    pub seen: String,
    /// What to do, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The clock may run this many seconds behind the newest entry: other machines' clocks are not exact.
const CLOCK_TOLERANCE: i64 = 300;

/// Examines the facts. Every check yields at least one diagnosis, so that what was looked at can be seen.
pub fn examine(facts: &Facts) -> Vec<Diagnosis> {
    let mut found = vec![git(facts)];
    match &facts.repository {
        None => found.push(problem(
            "no-repository",
            "there is no Git repository here".to_owned(),
            "run git docket inside a repository, or name one: git docket -C DIR doctor".to_owned(),
        )),
        Some(repository) => {
            found.push(ledger(repository));
            found.extend(refspecs(repository));
            found.extend(notes_settings(repository));
            found.extend(fan_out(repository));
            found.extend(settings(repository));
            found.extend(clock(repository.newest_entry, facts.now));
        }
    }
    found.extend(keys(&facts.keys));
    found.push(man_page(facts.man_page));
    found
}

fn git(facts: &Facts) -> Diagnosis {
    match &facts.git_version {
        Some(version) => sound("git", version.clone()),
        None => problem(
            "git",
            "the program git could not be run".to_owned(),
            "install git; fetching and pushing go through it".to_owned(),
        ),
    }
}

fn ledger(repository: &RepositoryFacts) -> Diagnosis {
    let name = &repository.ledger_ref;
    if !name.starts_with("refs/notes/") {
        return problem(
            "ledger-ref",
            format!("{name} is not under refs/notes/, so git's own notes commands cannot read it"),
            "choose a ref such as refs/notes/docket with --ledger-ref".to_owned(),
        );
    }
    if repository.ledger_present {
        return sound("ledger-ref", format!("the ledger is in {name}"));
    }
    let remedy = match repository.remotes.first() {
        Some((remote, _)) => {
            format!(
                "git docket fetch --remote {remote} brings it, where the remote has one; git docket init makes one"
            )
        }
        None => "git docket init makes one".to_owned(),
    };
    problem(
        "ledger-ref",
        format!("there is no ledger here: {name} is missing"),
        remedy,
    )
}

/// A default clone fetches no notes; a refspec with `+` takes a server's rollback without a word.
fn refspecs(repository: &RepositoryFacts) -> Vec<Diagnosis> {
    let name = &repository.ledger_ref;
    let mut found = Vec::new();
    for (remote, specs) in &repository.remotes {
        let covering: Vec<&String> = specs
            .iter()
            .filter(|spec| fetches_into(spec, name))
            .collect();
        if let Some(forcing) = covering.iter().find(|spec| spec.starts_with('+')) {
            found.push(problem(
                "refspec-forces",
                format!("{remote} fetches the ledger with {forcing}, which lets the remote roll it back unnoticed"),
                format!("git config --edit, and take the + away from {forcing} of remote {remote}"),
            ));
        } else if covering.is_empty() {
            found.push(Diagnosis {
                code: "refspec-missing",
                weight: Weight::Advice,
                seen: format!("git fetch {remote} does not bring the ledger"),
                remedy: Some(format!(
                    "git config --add remote.{remote}.fetch '{name}*:{name}*'"
                )),
            });
        } else {
            found.push(sound(
                "refspec",
                format!("git fetch {remote} brings the ledger, never by force"),
            ));
        }
    }
    found
}

/// Whether a refspec writes to this ref.
fn fetches_into(spec: &str, name: &str) -> bool {
    let Some((_, destination)) = spec.trim_start_matches('+').split_once(':') else {
        return false;
    };
    matches_pattern(destination, name)
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
    }
}

/// Settings by which git itself would write to the ledger, or would not show it.
fn notes_settings(repository: &RepositoryFacts) -> Vec<Diagnosis> {
    let name = &repository.ledger_ref;
    let mut found = Vec::new();
    if repository.notes_ref.as_ref() == Some(name) {
        found.push(problem(
            "notes-ref",
            format!("core.notesRef is {name}: every git notes add would write into the ledger and break it"),
            "git config --unset core.notesRef".to_owned(),
        ));
    }
    if let Some(pattern) = repository
        .rewrite_refs
        .iter()
        .find(|pattern| matches_pattern(pattern, name))
    {
        found.push(problem(
            "notes-rewrite",
            format!("notes.rewriteRef is {pattern}: each amend and rebase would copy notes into the ledger and break it"),
            "git config --edit, and narrow notes.rewriteRef to the refs that need it".to_owned(),
        ));
    }
    if !repository
        .display_refs
        .iter()
        .any(|pattern| matches_pattern(pattern, name))
    {
        found.push(Diagnosis {
            code: "notes-display",
            weight: Weight::Advice,
            seen: "git log does not show the ledger's entries".to_owned(),
            remedy: Some(format!(
                "git config --add notes.displayRef {name}, or git log --notes={}",
                short(name)
            )),
        });
    }
    if found.is_empty() {
        found.push(sound(
            "notes-settings",
            "git shows the ledger's notes and does not write to them".to_owned(),
        ));
    }
    found
}

fn short(name: &str) -> &str {
    name.strip_prefix("refs/notes/").unwrap_or(name)
}

fn fan_out(repository: &RepositoryFacts) -> Option<Diagnosis> {
    match (repository.ledger_present, repository.misplaced_notes) {
        (false, _) => None,
        (true, 0) => Some(sound("fan-out", "every note stands at ab/cd/<rest>".to_owned())),
        (true, count) => Some(Diagnosis {
            code: "fan-out",
            weight: Weight::Advice,
            seen: format!("{count} notes stand at another path than ab/cd/<rest>: another program wrote to the ledger"),
            remedy: Some("git docket verify says whether anything was altered; the next entry about such a commit folds its note".to_owned()),
        }),
    }
}

fn settings(repository: &RepositoryFacts) -> Vec<Diagnosis> {
    if repository.unknown_settings.is_empty() {
        return vec![sound(
            "settings",
            "every docket.* setting is known".to_owned(),
        )];
    }
    let unknown = |key: &String| {
        let seen = format!(
            "git configuration {key} has no effect: no flag of that name takes its value there"
        );
        problem(
            "settings",
            seen,
            format!("git config --unset {key}; git docket help cli says which flags do"),
        )
    };
    repository.unknown_settings.iter().map(unknown).collect()
}

fn clock(newest: Option<Timestamp>, now: Option<Timestamp>) -> Option<Diagnosis> {
    let (newest, now) = (newest?, now?);
    if now.unix() + CLOCK_TOLERANCE >= newest.unix() {
        return Some(sound(
            "clock",
            format!("the clock says {now}, the newest entry {newest}"),
        ));
    }
    Some(problem(
        "clock",
        format!("the clock says {now}, and the newest entry claims to be of {newest}"),
        "set this machine's clock, or find out whose clock was wrong: git docket show names the signer".to_owned(),
    ))
}

fn keys(keys: &[Result<(PathBuf, u32), String>]) -> Vec<Diagnosis> {
    let bad: Vec<Diagnosis> = keys.iter().filter_map(bad_key).collect();
    match (bad.is_empty(), keys.len()) {
        (false, _) => bad,
        (true, 0) => vec![Diagnosis {
            code: "keys",
            weight: Weight::Advice,
            seen: "there is no key to sign with".to_owned(),
            remedy: Some("git docket key generate makes one".to_owned()),
        }],
        (true, count) => vec![sound(
            "keys",
            format!("{count} private key(s), readable by their owner alone"),
        )],
    }
}

fn bad_key(key: &Result<(PathBuf, u32), String>) -> Option<Diagnosis> {
    match key {
        Ok((_, mode)) if mode & 0o077 == 0 => None,
        Ok((path, mode)) => {
            let path = path.display();
            Some(problem(
                "keys",
                format!("{path} has mode {:03o}: others can read it", mode & 0o777),
                format!("chmod 600 '{path}', and replace the key if others had access"),
            ))
        }
        Err(error) => Some(problem(
            "keys",
            error.clone(),
            "bring the file back from a copy, or move the key's other files away".to_owned(),
        )),
    }
}

fn man_page(there: bool) -> Diagnosis {
    if there {
        return sound(
            "man-page",
            "git docket --help shows the manual page".to_owned(),
        );
    }
    Diagnosis {
        code: "man-page",
        weight: Weight::Advice,
        seen: "git docket --help finds no manual page".to_owned(),
        remedy: Some("git docket man --dir ~/.local/share/man/man1".to_owned()),
    }
}

fn sound(code: &'static str, seen: String) -> Diagnosis {
    Diagnosis {
        code,
        weight: Weight::Sound,
        seen,
        remedy: None,
    }
}

fn problem(code: &'static str, seen: String, remedy: String) -> Diagnosis {
    Diagnosis {
        code,
        weight: Weight::Problem,
        seen,
        remedy: Some(remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Facts {
        let name = "refs/notes/docket".to_owned();
        Facts {
            git_version: Some("git version 2.50.0".to_owned()),
            repository: Some(RepositoryFacts {
                ledger_present: true,
                remotes: vec![(
                    "origin".to_owned(),
                    vec![
                        "+refs/heads/*:refs/remotes/origin/*".to_owned(),
                        format!("{name}:{name}"),
                    ],
                )],
                display_refs: vec![name.clone()],
                newest_entry: Some(at(1_000_000)),
                ledger_ref: name,
                ..RepositoryFacts::default()
            }),
            keys: vec![Ok(("/home/ada/key".into(), 0o100_600))],
            man_page: true,
            now: Some(at(1_000_000)),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).expect("within the years 1 to 9999")
    }

    /// The diagnoses that are not sound after one change to a healthy world.
    fn after(change: impl FnOnce(&mut Facts, &mut RepositoryFacts)) -> Vec<(&'static str, Weight)> {
        let mut facts = healthy();
        let mut repository = facts
            .repository
            .take()
            .expect("a healthy world has a repository");
        change(&mut facts, &mut repository);
        facts.repository = Some(repository);
        let unsound = |diagnosis: &Diagnosis| diagnosis.weight != Weight::Sound;
        let found: Vec<Diagnosis> = examine(&facts).into_iter().filter(unsound).collect();
        assert!(
            found.iter().all(|diagnosis| diagnosis.remedy.is_some()),
            "{found:?}"
        );
        found
            .iter()
            .map(|diagnosis| (diagnosis.code, diagnosis.weight))
            .collect()
    }

    #[test]
    fn a_healthy_world_has_nothing_to_mend() {
        assert_eq!(after(|_, _| ()), []);
    }

    #[test]
    fn each_trouble_is_named() {
        use Weight::{Advice, Problem};
        assert_eq!(
            after(|facts, _| facts.git_version = None),
            [("git", Problem)]
        );
        assert_eq!(
            after(|_, repo| repo.ledger_present = false),
            [("ledger-ref", Problem)]
        );
        assert_eq!(
            after(|_, repo| repo.notes_ref = Some(repo.ledger_ref.clone())),
            [("notes-ref", Problem)]
        );
        assert_eq!(
            after(|_, repo| repo.rewrite_refs = vec!["refs/notes/*".into()]),
            [("notes-rewrite", Problem)]
        );
        assert_eq!(
            after(|_, repo| repo.display_refs.clear()),
            [("notes-display", Advice)]
        );
        assert_eq!(
            after(|_, repo| repo.misplaced_notes = 2),
            [("fan-out", Advice)]
        );
        assert_eq!(
            after(|_, repo| repo.unknown_settings = vec!["docket.stpe".into()]),
            [("settings", Problem)]
        );
        assert_eq!(
            after(|facts, _| facts.now = Some(at(1_000_000 - 301))),
            [("clock", Problem)]
        );
        assert_eq!(after(|facts, _| facts.now = Some(at(1_000_000 - 300))), []);
        assert_eq!(
            after(|facts, _| facts.keys[0] = Ok(("/home/ada/key".into(), 0o100_640))),
            [("keys", Problem)]
        );
        assert_eq!(
            after(|facts, _| facts.keys.push(Err("no file".into()))),
            [("keys", Problem)]
        );
        assert_eq!(after(|facts, _| facts.keys.clear()), [("keys", Advice)]);
        assert_eq!(
            after(|facts, _| facts.man_page = false),
            [("man-page", Advice)]
        );
    }

    #[test]
    fn a_refspec_that_forces_is_found_in_every_form() {
        use Weight::{Advice, Problem};
        let with = |spec: &str| after(|_, repo| repo.remotes[0].1 = vec![spec.to_owned()]);
        for forcing in [
            "+refs/notes/*:refs/notes/*",
            "+refs/*:refs/*",
            "+refs/notes/docket:refs/notes/docket",
        ] {
            assert_eq!(with(forcing), [("refspec-forces", Problem)], "{forcing}");
        }
        assert_eq!(with("refs/notes/*:refs/notes/*"), []);
        assert_eq!(
            with("+refs/notes/*:refs/notes/origin/*"),
            [("refspec-missing", Advice)]
        );
        assert_eq!(
            with("+refs/heads/*:refs/remotes/origin/*"),
            [("refspec-missing", Advice)]
        );
    }

    #[test]
    fn outside_a_repository_only_the_machine_is_examined() {
        let facts = Facts {
            repository: None,
            ..healthy()
        };
        let codes: Vec<&str> = examine(&facts)
            .iter()
            .map(|diagnosis| diagnosis.code)
            .collect();
        assert_eq!(codes, ["git", "no-repository", "keys", "man-page"]);
    }
}
