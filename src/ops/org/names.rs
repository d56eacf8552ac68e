//! The names of an organisation's repositories: given one by one, in a file, or printed by a command.
//!
//! A list has one name a line; what follows a tab is another column, as `gh repo list` prints them; empty lines and those
//! that start with `#` are passed over. A name is a URL where it says so as git understands it (`scheme://…` or
//! `host:path`), else a folder; with a template such as `https://github.com/{}.git` every name is put in place of the
//! braces. Names are hostile: one that git would take for a flag or for a program to start is refused.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::process::{self, Quiet};

/// No organisation has more.
pub const MOST: usize = 100_000;
/// No name is longer, in bytes.
const LONGEST: usize = 2048;

/// Why a list of names cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing, or too much.
    #[error("a repository's name has {length} bytes; it has 1 to {LONGEST}")]
    Length {
        /// How many bytes.
        length: usize,
    },
    /// It has control characters.
    #[error("the name {name:?} has control characters")]
    Control {
        /// The name.
        name: String,
    },
    /// git would take it for a flag.
    #[error("the name {name:?} begins with a hyphen")]
    Flag {
        /// The name.
        name: String,
    },
    /// git would start a program of that name.
    #[error("the name {name:?} asks git for a transport of its own")]
    Transport {
        /// The name.
        name: String,
    },
    /// A password stands in it, which would be shown and kept.
    #[error("the URL of {host:?} holds a password")]
    Password {
        /// What follows it.
        host: String,
    },
    /// A template without a place for the name.
    #[error("the template {template:?} has no {{}} for the name")]
    Template {
        /// The template.
        template: String,
    },
    /// A list without a name.
    #[error("no repository is named")]
    None,
    /// A list with too many.
    #[error("more than {MOST} repositories are named")]
    Many,
    /// The command's output is no text.
    #[error("the list is not UTF-8")]
    Text,
}

/// Why a command gave no list.
#[derive(Debug, Error)]
pub enum ListError {
    /// It could not be run, or failed.
    #[error(transparent)]
    Command(#[from] process::Error),
    /// What it printed is no list.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// On this machine.
    Folder(&'a str),
    /// Elsewhere.
    Url(&'a str),
}

/// A repository's name: a folder or a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// Where it is none, or is not safe to hand to git.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let named = || name.to_owned();
        if name.is_empty() || name.len() > LONGEST {
            return Err(NameError::Length { length: name.len() });
        }
        if name.chars().any(char::is_control) {
            return Err(NameError::Control { name: named() });
        }
        let after = name.split_once("://").map_or(name, |(_, rest)| rest);
        // In `user@-flag:path` it is ssh that would take the host for a flag.
        let host = after.split('/').next().unwrap_or(after);
        let host = host.rsplit('@').next().unwrap_or(host);
        if name.starts_with('-') || host.starts_with('-') {
            return Err(NameError::Flag { name: named() });
        }
        let name = Self(named());
        if let Place::Url(url) = name.place() {
            if url
                .split('/')
                .next()
                .is_some_and(|head| head.contains("::"))
            {
                return Err(NameError::Transport { name: url.into() });
            }
            let authority = after.split('/').next().unwrap_or(after);
            match authority.rsplit_once('@') {
                Some((user, host)) if url.contains("://") && user.contains(':') => {
                    let host = host.to_owned();
                    return Err(NameError::Password { host });
                }
                _ => {}
            }
        }
        Ok(name)
    }

    /// Where it is: by the rules of git-clone(1), without a look at what exists.
    pub fn place(&self) -> Place<'_> {
        let name = &self.0;
        let colon = name.find(':');
        let slash = name.find('/').unwrap_or(name.len());
        match name.contains("://") || colon.is_some_and(|colon| colon < slash) {
            true => Place::Url(name),
            false => Place::Folder(name),
        }
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names of all lists, each once, sorted.
///
/// # Errors
/// Where one is refused, or there are none.
pub fn gather<'a>(
    words: impl IntoIterator<Item = &'a str>,
    lists: &'a [String],
    template: Option<&str>,
) -> Result<Vec<Name>, NameError> {
    if let Some(template) = template.filter(|template| !template.contains("{}")) {
        let template = template.to_owned();
        return Err(NameError::Template { template });
    }
    let listed = lists.iter().flat_map(|list| list.lines()).map(|line| {
        let column = line.split('\t').next().unwrap_or(line);
        column.trim_matches([' ', '\r'])
    });
    let listed = listed.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut names = BTreeSet::new();
    for word in words.into_iter().chain(listed) {
        names.insert(match template {
            None => Name::new(word)?,
            Some(template) => {
                Name::new(word)?;
                Name::new(&template.replace("{}", word))?
            }
        });
        if names.len() > MOST {
            return Err(NameError::Many);
        }
    }
    match names.is_empty() {
        true => Err(NameError::None),
        false => Ok(names.into_iter().collect()),
    }
}

/// What a command prints: a shell's command line, as the user wrote it.
///
/// # Errors
/// Where it cannot be run, fails, or prints no text.
pub fn printed(command: &str) -> Result<String, ListError> {
    let out = Quiet::program("sh", &["-c", command]).output()?;
    Ok(String::from_utf8(out).map_err(|_| NameError::Text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folders_or_urls_and_never_flags_or_programs() {
        for folder in ["app", "../app", "/srv/app.git", "./a:b", "a/b:c"] {
            assert_eq!(Name::new(folder).unwrap().place(), Place::Folder(folder));
        }
        for url in [
            "https://example.com/app",
            "git@example.com:app",
            "file:///srv/app",
        ] {
            assert_eq!(Name::new(url).unwrap().place(), Place::Url(url));
        }
        for bad in [
            "",
            "-uapp",
            "a\nb",
            "ssh://-oProxyCommand=x/app",
            "git@-o:x",
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["ext::sh -c id", "fd::3", "ext::a/b"] {
            assert!(
                matches!(Name::new(bad), Err(NameError::Transport { .. })),
                "{bad}"
            );
        }
        let bad = Name::new("https://ada:secret@example.com/app").unwrap_err();
        assert!(!bad.to_string().contains("secret"), "{bad}");
        assert!(Name::new(&"a".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn lists_are_read_as_commands_print_them() {
        let list = "# all\nacme/app\tan app\tpublic\n\nacme/lib\r\nacme/app\n".to_owned();
        let names = |template| gather(["acme/web"], std::slice::from_ref(&list), template);
        let shown = |names: Vec<Name>| names.iter().map(Name::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(names(None).unwrap()),
            ["acme/app", "acme/lib", "acme/web"]
        );
        let urls = names(Some("https://github.com/{}.git")).unwrap();
        assert_eq!(urls[0].as_str(), "https://github.com/acme/app.git");
        assert!(matches!(names(Some("x")), Err(NameError::Template { .. })));
        assert_eq!(gather([], &[], None), Err(NameError::None));
        let bad = gather(
            [],
            &["--upload-pack=x".to_owned()],
            Some("https://example.com/{}"),
        );
        assert!(
            matches!(bad, Err(NameError::Flag { .. })),
            "checked before the template hides it"
        );
        assert_eq!(printed("printf 'a\\nb\\n'").unwrap(), "a\nb\n");
        assert!(printed("exit 3").is_err());
    }
}
