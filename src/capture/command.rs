//! The command of a step, as it may be recorded.
//!
//! What is recorded is public for good, so two things never get in, and [`CommandLine`] has no way in but the
//! one that takes them out:
//!
//! 1. *What people say to AI agents.* Each word after the name of a known agent is kept as
//!    `sha256:<digest of the word>`, whoever starts the agent (`npx`, `env`, `timeout`). A longer text that names
//!    one, such as a shell script in one word, is kept by digest whole. A name that is an agent's and something
//!    else's costs legibility, a missed one a prompt: the list errs on the long side.
//! 2. *Secrets*, as far as they can be told by their look; each becomes `[redacted]` and no digest of it, since
//!    a short secret can be guessed from its digest:
//!    - the value of an option, variable, header or query parameter whose name ends like that of a secret
//!      (`--token=…`, `--password …`, `API_KEY=…`, `Authorization: …`, `?access_token=…`);
//!    - user and password in a URL (a user alone is kept with `ssh`, where it is no secret), the password of
//!      `-u USER:PASSWORD`;
//!    - a word that begins like the tokens of well-known services, and PEM private keys.
//!
//! A secret that looks like nothing (`mysql -phunter2`) cannot be told. The right place for secrets is a
//! variable: then the recorded word is `$TOKEN`, and its value is nowhere.

use std::ffi::{OsStr, OsString};

use crate::digest::Sha256;

/// A program and its arguments, cleared for recording.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandLine {
    words: Vec<String>,
}

/// Programs that are told in words what to do.
const AGENTS: &[&str] = &[
    "aider",
    "amp",
    "auggie",
    "chatgpt",
    "claude",
    "claude-code",
    "cline",
    "codex",
    "copilot",
    "crush",
    "cursor",
    "cursor-agent",
    "droid",
    "gemini",
    "gemini-cli",
    "goose",
    "gptme",
    "kiro-cli",
    "llm",
    "ollama",
    "opencode",
    "openhands",
    "plandex",
    "qwen",
    "sgpt",
];

/// How the names of secrets end, in lower case and without separators.
const SECRET_ENDINGS: &[&str] = &[
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "encryptionkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "sharedkey",
    "signature",
    "storagekey",
    "token",
];

/// Names of secrets that are too short to be looked for as endings.
const SECRET_NAMES: &[&str] = &["auth", "key", "pass", "pat", "sig", "sas"];

/// How tokens of well-known services begin. None begins an ordinary word of sixteen characters and more.
const TOKEN_BEGINNINGS: &[&str] = &[
    "AIza",
    "AKIA",
    "ASIA",
    "ATATT",
    "dckr_pat_",
    "dop_v1_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "glptt-",
    "gldt-",
    "hf_",
    "hvb.",
    "hvs.",
    "npm_",
    "pypi-",
    "sk-",
    "sk_live_",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "AGE-SECRET-KEY-",
];

/// Shorter than this, nothing is taken for a service's token.
const TOKEN_LENGTH: usize = 16;

/// What stands where a secret stood.
pub(crate) const REDACTED: &str = "[redacted]";

/// Whether what looks like a secret is taken out of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Secrets {
    /// It is.
    Redacted,
    /// Somebody said that it is none.
    Revealed,
}

impl CommandLine {
    /// Clears a command; see the module. What people say to agents is never revealed.
    pub fn cleared(program: &OsStr, arguments: &[OsString], secrets: Secrets) -> Self {
        let mut words = Vec::with_capacity(arguments.len() + 1);
        let mut after_agent = false;
        let mut expected = Expected::Anything;
        for word in std::iter::once(program).chain(arguments.iter().map(OsString::as_os_str)) {
            // A word that is not UTF-8 has no place in JSON.
            let text = word.to_str().filter(|_| !after_agent);
            let Some(text) = text.filter(|text| !is_about_an_agent(text)) else {
                words.push(by_digest(word));
                expected = Expected::Anything;
                continue;
            };
            after_agent = is_agent(text);
            words.push(match (secrets, expected.look_at(text)) {
                (Secrets::Revealed, _) => text.to_owned(),
                (_, Some(Part { kept, .. })) => format!("{kept}{REDACTED}"),
                (_, None) => without_secrets(text),
            });
            expected = Expected::after(text);
        }
        CommandLine { words }
    }

    /// The program, then the arguments.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// A text with everything in it replaced that looks like a secret.
pub(crate) fn without_secrets(text: &str) -> String {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return REDACTED.to_owned();
    }
    let mut clear = String::with_capacity(text.len());
    let mut expected = Expected::Anything;
    let mut rest = text;
    while !rest.is_empty() {
        let (space, after) = rest.split_at(rest.len() - rest.trim_start().len());
        let (token, after) = after.split_at(after.find(char::is_whitespace).unwrap_or(after.len()));
        clear.push_str(space);
        match expected.look_at(token).or_else(|| secret_in(token)) {
            Some(Part { kept, secret }) => {
                clear.push_str(kept);
                clear.push_str(REDACTED);
                // Where a header or a quoted value ends is a server's or a shell's to say.
                if secret.is_empty() || opens_quote(secret) {
                    return clear;
                }
            }
            None if is_service_token(token) => clear.push_str(REDACTED),
            None => clear.push_str(&without_query_secrets(&without_userinfo(token))),
        }
        expected = Expected::after(token);
        rest = after;
    }
    clear
}

/// A word that has a secret in it: what may be shown, and the secret, empty where it only follows.
struct Part<'a> {
    kept: &'a str,
    secret: &'a str,
}

/// What a word is by the option before it.
#[derive(Clone, Copy)]
enum Expected {
    Anything,
    Secret,
    /// `USER:PASSWORD`, as curl takes it; in other programs numbers, `UID:GID`.
    Login,
}

impl Expected {
    fn after(word: &str) -> Self {
        let word = word.trim_start_matches(['"', '\'', '(']);
        // What `--key` takes is a path far more often than a key.
        if !word.starts_with('-') || word == "--key" || word.contains(['=', ':']) {
            return Expected::Anything;
        }
        match word {
            "-u" | "--user" | "-U" | "--proxy-user" => Expected::Login,
            _ if is_secret_name(word) => Expected::Secret,
            _ => Expected::Anything,
        }
    }

    fn look_at(self, word: &str) -> Option<Part<'_>> {
        match self {
            Expected::Secret if !word.starts_with("--") => Some(Part {
                kept: "",
                secret: word,
            }),
            Expected::Login => {
                let (user, secret) = word.split_once(':')?;
                let is_number = secret.chars().all(|c| c.is_ascii_digit());
                (!is_number).then_some(Part {
                    kept: &word[..=user.len()],
                    secret,
                })
            }
            _ => None,
        }
    }
}

fn secret_in(token: &str) -> Option<Part<'_>> {
    if let Some((name, secret)) = token.split_once('=')
        && is_secret_name(name)
        && !secret.is_empty()
    {
        let kept = &token[..=name.len()];
        return Some(Part { kept, secret });
    }
    // A header: its value is the rest of the text.
    let (name, _) = token.split_once(':')?;
    let bare = name.trim_start_matches(['"', '\'']);
    let is_header = bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && SECRET_ENDINGS
            .iter()
            .any(|ending| letters(bare).ends_with(ending));
    is_header.then_some(Part {
        kept: &token[..=name.len()],
        secret: "",
    })
}

/// Whether an option, variable or parameter holds a secret, by its name.
pub(super) fn is_secret_name(name: &str) -> bool {
    // What stands before the name: quotes, a path, another parameter.
    let name = name
        .rsplit(['"', '\'', ';', '(', '&', '?', '/', '$', '{', ','])
        .next();
    let name = letters(name.unwrap_or_default());
    SECRET_NAMES.contains(&name.as_str())
        || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Letters and digits, in lower case: `--api-key`, `API_KEY` and `apiKey` are one name.
fn letters(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

fn is_service_token(token: &str) -> bool {
    token
        .split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .any(|piece| {
            piece.len() >= TOKEN_LENGTH
                && TOKEN_BEGINNINGS
                    .iter()
                    .any(|beginning| piece.starts_with(beginning))
        })
}

/// Takes user and password out of every URL.
fn without_userinfo(token: &str) -> String {
    let mut clear = String::new();
    let mut rest = token;
    while let Some((before, after)) = rest.split_once("://") {
        let authority = after
            .split(['/', '?', '#', '"', '\''])
            .next()
            .unwrap_or_default();
        clear.push_str(before);
        clear.push_str("://");
        rest = after;
        if let Some((user, _)) = authority.rsplit_once('@') {
            if user.contains(':') || !before.ends_with("ssh") {
                clear.push_str(REDACTED);
            } else {
                clear.push_str(user);
            }
            rest = &after[user.len()..];
        }
    }
    clear.push_str(rest);
    clear
}

/// Takes the values of secret query parameters out.
fn without_query_secrets(token: &str) -> String {
    let mut clear = String::new();
    for piece in token.split_inclusive(['?', '&', '#']) {
        let body = piece.trim_end_matches(['?', '&', '#']);
        match body.split_once('=') {
            Some((name, value))
                if !clear.is_empty() && !value.is_empty() && is_secret_name(name) =>
            {
                clear.push_str(name);
                clear.push('=');
                clear.push_str(REDACTED);
                clear.push_str(&piece[body.len()..]);
            }
            _ => clear.push_str(piece),
        }
    }
    clear
}

fn opens_quote(value: &str) -> bool {
    value.starts_with(['"', '\'']) && !(value.len() > 1 && value.ends_with(['"', '\'']))
}

/// Whether a word is the name of an agent's program or package, with or without folder and version.
fn is_agent(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    AGENTS.contains(&name)
}

/// Whether a text of several words has an agent's name among them.
fn is_about_an_agent(text: &str) -> bool {
    let is_quoting = |c: char| c.is_whitespace() || "'\"`;&|()<>$={}".contains(c);
    text.contains(char::is_whitespace) && text.split(is_quoting).any(is_agent)
}

fn by_digest(word: &OsStr) -> String {
    format!("sha256:{}", Sha256::of(word.as_encoded_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleared(words: &[&str]) -> Vec<String> {
        let arguments: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
        CommandLine::cleared(words[0].as_ref(), &arguments, Secrets::Redacted).words
    }

    fn digest(word: &str) -> String {
        format!("sha256:{}", Sha256::of(word.as_bytes()))
    }

    #[test]
    fn ordinary_commands_stay_as_they_are() {
        for words in [
            &["cargo", "build", "--release", "--features", "a,b"][..],
            &["cargo", "test", "--", "--test-threads=1", "tokenizer"],
            &[
                "sh",
                "-c",
                "make && ls -l target/*.so; echo \"$TOKEN\" | wc -c",
            ],
            &["git", "clone", "ssh://git@example.com/acme/app.git"],
            &["git", "clone", "git@example.com:acme/app.git"],
            &[
                "docker",
                "run",
                "-u",
                "1000:1000",
                "--key",
                "k.pem",
                "image@sha256:00",
            ],
            &["curl", "https://example.com/a?page=2&max_tokens=3#top"],
            &[
                "mvn",
                "-Dmaven.test.skip=true",
                "--password-file",
                "p",
                "--no-keys",
            ],
            &["echo", "", "sk-1", "a  b\tc", "monkey=1"],
        ] {
            assert_eq!(cleared(words), words, "{words:?}");
        }
    }

    #[test]
    fn secrets_are_taken_out() {
        for (given, kept) in [
            ("--token=§", "--token=[redacted]"),
            ("--api-key=§", "--api-key=[redacted]"),
            ("-Dsonar.token=§", "-Dsonar.token=[redacted]"),
            (
                "AWS_SECRET_ACCESS_KEY=§",
                "AWS_SECRET_ACCESS_KEY=[redacted]",
            ),
            ("PGPASSWORD=§ psql -c x", "PGPASSWORD=[redacted] psql -c x"),
            ("A=1 PASSWORD='§ b' run c", "A=1 PASSWORD=[redacted]"),
            (
                "login --password § --quiet",
                "login --password [redacted] --quiet",
            ),
            (
                "login --password '§ §' --quiet",
                "login --password [redacted]",
            ),
            ("curl -u me:§ https://h", "curl -u me:[redacted] https://h"),
            ("Authorization: Bearer §", "Authorization:[redacted]"),
            ("PRIVATE-TOKEN:§", "PRIVATE-TOKEN:[redacted]"),
            (
                "curl -H \"X-Api-Key: §\" u",
                "curl -H \"X-Api-Key:[redacted]",
            ),
            (
                "https://me:§@example.com/a",
                "https://[redacted]@example.com/a",
            ),
            (
                "https://§@example.com/a",
                "https://[redacted]@example.com/a",
            ),
            (
                "ssh://git:§@example.com/a",
                "ssh://[redacted]@example.com/a",
            ),
            (
                "git clone https://§@h/a https://§@h/b",
                "git clone https://[redacted]@h/a https://[redacted]@h/b",
            ),
            (
                "https://h/a?x=1&access_token=§&y=2",
                "https://h/a?x=1&access_token=[redacted]&y=2",
            ),
            ("https://h/a?sig=§", "https://h/a?sig=[redacted]"),
            ("ghp_§", "[redacted]"),
            ("--with=glpat-§", "[redacted]"),
            (
                "-----BEGIN PRIVATE KEY-----\n§\n-----END PRIVATE KEY-----",
                "[redacted]",
            ),
        ] {
            let given = given.replace('§', "hunter2-hunter2");
            assert_eq!(cleared(&["run", &given]), ["run", kept], "{given}");
        }
    }

    #[test]
    fn a_secret_may_be_the_next_word() {
        assert_eq!(
            cleared(&[
                "login",
                "--token",
                "hunter2",
                "-u",
                "me",
                "--password",
                "--quiet",
                "b"
            ]),
            [
                "login",
                "--token",
                REDACTED,
                "-u",
                "me",
                "--password",
                "--quiet",
                "b"
            ]
        );
    }

    #[test]
    fn what_agents_are_told_is_kept_by_digest() {
        assert_eq!(
            cleared(&["claude", "-p", "fix it"]),
            ["claude".to_owned(), digest("-p"), digest("fix it")]
        );
        assert_eq!(
            cleared(&["npx", "-y", "@openai/codex@0.1", "exec", "x"])[2..],
            ["@openai/codex@0.1".to_owned(), digest("exec"), digest("x")]
        );
        assert_eq!(
            cleared(&["timeout", "9", "/opt/bin/aider", "--message", "x"])[2..],
            [
                "/opt/bin/aider".to_owned(),
                digest("--message"),
                digest("x")
            ]
        );
        let script = "cd x && echo 'fix it'|gemini -p -";
        assert_eq!(
            cleared(&["sh", "-c", script]),
            ["sh".to_owned(), "-c".to_owned(), digest(script)]
        );
    }

    #[test]
    fn a_word_without_utf8_is_kept_by_digest() {
        use std::os::unix::ffi::OsStrExt;
        let odd = OsStr::from_bytes(b"a\xff").to_owned();
        let revealed = CommandLine::cleared(
            "make".as_ref(),
            &["--token=hunter2".into(), "claude".into(), "a prompt".into()],
            Secrets::Revealed,
        );
        assert_eq!(revealed.words()[1], "--token=hunter2");
        assert!(
            revealed.words()[3].starts_with("sha256:"),
            "a prompt never is"
        );
        let line = CommandLine::cleared("ls".as_ref(), &[odd, "b".into()], Secrets::Redacted);
        let wanted = format!("sha256:{}", Sha256::of(b"a\xff"));
        assert_eq!(line.words(), ["ls".to_owned(), wanted, "b".to_owned()]);
    }
}
