//! Keys from a file of allowed signers, as `ssh-keygen -Y verify` and git's `gpg.ssh.allowedSignersFile` read it
//! (ssh-keygen(1), ALLOWED SIGNERS).
//!
//! A line is principals, options, and a public key. Read for one person are the lines whose principals name that
//! person literally; a pattern with `*`, `?` or `!` names nobody here, since a roster names persons. A line that
//! would mean more in OpenSSH than a key of a person's, an authority or a key for some time, is refused. Of the
//! options, `namespaces` alone is passed over: it limits what OpenSSH accepts, not who signs.

use thiserror::Error;

use crate::signing::{KeyError, PublicKey};

/// Why a file gives no keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No line names the person.
    #[error("no line names {names}")]
    Nobody {
        /// Who was looked for.
        names: String,
    },
    /// An option that a roster cannot say.
    #[error("line {line}: the option {option:?} has no counterpart in a roster")]
    Option {
        /// Counted from 1.
        line: usize,
        /// The option.
        option: String,
    },
    /// No key, or one that is refused.
    #[error("line {line}")]
    Key {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: KeyError,
    },
}

/// The keys of one person, known by some names, in the file's order.
///
/// # Errors
/// Where a line of theirs cannot be taken, or there is none. Lines of others are not looked at.
pub fn keys_of(text: &str, names: &[&str]) -> Result<Vec<PublicKey>, Error> {
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (principals, rest) = word(line);
        if !principals
            .trim_matches('"')
            .split(',')
            .any(|name| names.contains(&name))
        {
            continue;
        }
        let number = number + 1;
        keys.push(key(rest.trim_start(), number)?);
    }
    match keys.is_empty() {
        true => Err(Error::Nobody {
            names: names.join(" or "),
        }),
        false => Ok(keys),
    }
}

fn key(rest: &str, line: usize) -> Result<PublicKey, Error> {
    let read =
        |text: &str| PublicKey::from_ssh_line(text).map_err(|source| Error::Key { line, source });
    if super::is_ssh_line(rest) {
        return read(rest);
    }
    let (options, key) = word(rest);
    let known = |option: &str| option.to_ascii_lowercase().starts_with("namespaces=\"");
    // Commas stand within quotes too.
    let mut quoted = false;
    let mut options = options.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    match options.find(|option| !known(option)) {
        Some(option) => Err(Error::Option {
            line,
            option: option.chars().take(80).collect(),
        }),
        None => read(key.trim_start()),
    }
}

/// Up to the first white space outside quotes, and what follows.
fn word(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        c.is_ascii_whitespace() && !quoted
    });
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    #[test]
    fn lines_of_one_person_are_read_and_of_no_other() {
        let [ada, ben] = [1, 2].map(|seed| SigningKey::from_seed([seed; 32]).public().clone());
        let (one, two) = (ada.to_ssh_line("a"), ben.to_ssh_line("b"));
        let text = format!(
            "# people\n\nada@example.com,ada {one}\n*@example.com {two}\nben namespaces=\"git,file\" {two}\n\"ada\" {two}\neve ssh-rsa AAAA\n"
        );
        assert_eq!(keys_of(&text, &["ada"]), Ok(vec![ada.clone(), ben.clone()]));
        assert_eq!(keys_of(&text, &["ada@example.com"]), Ok(vec![ada]));
        assert_eq!(keys_of(&text, &["ben"]), Ok(vec![ben]));
        assert!(matches!(
            keys_of(&text, &["x@example.com"]),
            Err(Error::Nobody { .. })
        ));
        assert!(matches!(
            keys_of(&text, &["eve"]),
            Err(Error::Key { line: 7, .. })
        ));
    }

    #[test]
    fn an_authority_and_a_key_for_some_time_are_refused() {
        let line = SigningKey::from_seed([1; 32]).public().to_ssh_line("a");
        for option in [
            "cert-authority",
            "valid-before=\"20300101\"",
            "namespaces=\"git\",valid-after=\"20200101\"",
            "\"\"",
        ] {
            let found = keys_of(&format!("ada {option} {line}"), &["ada"]);
            assert!(
                matches!(found, Err(Error::Option { line: 1, .. })),
                "{option}"
            );
        }
    }
}
