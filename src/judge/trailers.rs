//! What a commit's trailers say of AI and of further authors.
//!
//! Of the message's last paragraph (git's trailers) these are read: `Assisted-by` and `Generated-by`, whatever they name,
//! and `Co-authored-by`. The value of the first two is `AGENT:MODEL [TOOL]…`, or a name, perhaps with an address; `none`
//! says that no AI took part. A co-author is a program where
//!
//! - the policy's `bots` have its name or its address;
//! - else where a word of its name is a known tool's and its address is a machine's: without a reader (`noreply`), marked
//!   `[bot]`, or at the tool's own vendor. A person may be called Claude.
//!
//! A value too long for a name is kept by digest: trailers are no place for prompts.

use crate::digest::Sha256;
use crate::statement::predicate::{AiKind, Label};

/// Words by which the names of AI tools are known, in lower case.
const TOOLS: &[&str] = &[
    "aider",
    "amp",
    "chatgpt",
    "claude",
    "codex",
    "copilot",
    "cursor",
    "cursoragent",
    "devin",
    "gemini",
    "jules",
    "windsurf",
];

/// Where the vendors of these have their addresses.
const VENDORS: &[&str] = &[
    "aider.chat",
    "ampcode.com",
    "anthropic.com",
    "cognition.ai",
    "cursor.com",
    "devin.ai",
    "openai.com",
    "windsurf.com",
];

/// Models by how their names begin, and who offers them.
const PROVIDERS: &[(&str, &str)] = &[
    ("claude", "anthropic"),
    ("codex", "openai"),
    ("gemini", "google"),
    ("gpt", "openai"),
    ("grok", "xai"),
    ("llama", "meta"),
    ("mistral", "mistral"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("qwen", "alibaba"),
];

/// As many characters as a name has at most.
const LONGEST: usize = 64;

/// One trailer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trailer {
    /// Which.
    pub mark: Mark,
    /// Its value, without white space around it.
    pub value: String,
}

/// Which trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// `Assisted-by`
    Assisted,
    /// `Generated-by`
    Generated,
    /// `Co-authored-by`
    CoAuthor,
}

/// What a trailer says of AI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// None took part.
    None,
    /// A tool did.
    Tool {
        /// How much by itself: `Generated-by` says that it wrote alone.
        kind: AiKind,
        /// Its name.
        tool: Label,
        /// Provider and name of the model.
        model: Option<(Label, Label)>,
    },
}

impl Trailer {
    /// Those of a commit's message, in their order.
    pub fn read(message: &str) -> Vec<Self> {
        let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let trailers = last.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let mark = match name.trim().to_ascii_lowercase().as_str() {
                "assisted-by" => Mark::Assisted,
                "generated-by" => Mark::Generated,
                "co-authored-by" => Mark::CoAuthor,
                _ => return None,
            };
            let value = value.trim().to_owned();
            (!value.is_empty()).then_some(Self { mark, value })
        });
        trailers.collect()
    }

    /// What it says of AI; `None` for a co-author who is a person. `bots` are names and addresses of programs besides
    /// the known ones.
    pub fn says(&self, bots: &[String]) -> Option<Says> {
        let kind = match self.mark {
            Mark::CoAuthor if !self.is_bot(bots) => return None,
            Mark::Generated => AiKind::Autonomous,
            Mark::Assisted | Mark::CoAuthor => AiKind::Assisted,
        };
        let (name, _) = self.parts();
        if self.mark != Mark::CoAuthor && name.eq_ignore_ascii_case("none") {
            return Some(Says::None);
        }
        // `AGENT:MODEL [TOOL]…`
        let first = name.split_whitespace().next().unwrap_or_default();
        let (tool, model) = match first.split_once(':') {
            Some((tool, model)) if !tool.is_empty() => {
                (tool, Some(model).filter(|it| !it.is_empty()))
            }
            _ => (name, None),
        };
        Some(Says::Tool {
            kind,
            tool: label(tool)?,
            model: model.and_then(|model| {
                let (provider, id) = model.split_once('/').unwrap_or((provider(model), model));
                Some((label(provider)?, label(id)?))
            }),
        })
    }

    /// The address of a co-author who is a person.
    pub fn co_author(&self, bots: &[String]) -> Option<&str> {
        let (_, address) = self.parts();
        address.filter(|_| self.mark == Mark::CoAuthor && !self.is_bot(bots))
    }

    // Name and address: `Ada <ada@example.com>`.
    fn parts(&self) -> (&str, Option<&str>) {
        match self
            .value
            .strip_suffix('>')
            .and_then(|value| value.rsplit_once('<'))
        {
            Some((name, address)) if !address.trim().is_empty() => {
                let name = name.trim();
                (
                    if name.is_empty() { address } else { name },
                    Some(address.trim()),
                )
            }
            _ => (&self.value, None),
        }
    }

    fn is_bot(&self, bots: &[String]) -> bool {
        let (name, address) = self.parts();
        let address = address.unwrap_or_default().to_ascii_lowercase();
        if bots.iter().any(|bot| {
            bot.eq_ignore_ascii_case(name)
                || (!address.is_empty() && bot.eq_ignore_ascii_case(&address))
        }) {
            return true;
        }
        let name = name.to_ascii_lowercase();
        let words = |text: &str, word: &str| {
            text.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|one| one == word)
        };
        let Some(tool) = TOOLS.iter().find(|tool| words(&name, tool)) else {
            return false;
        };
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        let vendor = VENDORS
            .iter()
            .any(|vendor| domain == *vendor || domain.ends_with(&format!(".{vendor}")));
        // GitHub hides people's addresses as `12345+login@users.noreply.github.com`.
        let login = local.rsplit('+').next().unwrap_or(local);
        let machine = ["noreply", "no-reply"].contains(&local) || local.ends_with("[bot]");
        vendor
            || machine
            || name.contains("[bot]")
            || (domain == "users.noreply.github.com" && login == *tool)
    }
}

pub(crate) fn provider(model: &str) -> &'static str {
    let known = PROVIDERS
        .iter()
        .find(|(beginning, _)| model.to_ascii_lowercase().starts_with(beginning));
    known.map_or("unstated", |(_, provider)| provider)
}

// A name, or the digest of what is too long for one.
fn label(text: &str) -> Option<Label> {
    match text.chars().count() > LONGEST {
        true => format!("sha256:{}", Sha256::of(text.as_bytes()))
            .parse()
            .ok(),
        false => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(line: &str) -> Option<(String, String, String)> {
        let trailer = Trailer::read(&format!("s\n\n{line}\n"))
            .pop()
            .expect("a trailer");
        let text = |label: &Label| label.as_str().to_owned();
        trailer
            .says(&["Helper".to_owned(), "h@example.com".to_owned()])
            .map(|says| match says {
                Says::None => ("none".to_owned(), String::new(), String::new()),
                Says::Tool { kind, tool, model } => {
                    let model =
                        model.map(|(provider, id)| format!("{}/{}", text(&provider), text(&id)));
                    (kind.to_string(), text(&tool), model.unwrap_or_default())
                }
            })
    }

    #[test]
    fn what_trailers_say() {
        let tool = |kind: &str, tool: &str, model: &str| {
            Some((kind.to_owned(), tool.to_owned(), model.to_owned()))
        };
        for (line, expected) in [
            ("Assisted-by: none", tool("none", "", "")),
            (
                "Assisted-by: Claude:claude-5 sparse",
                tool("assisted", "Claude", "anthropic/claude-5"),
            ),
            (
                "assisted-BY: helper:p/m-1",
                tool("assisted", "helper", "p/m-1"),
            ),
            ("Assisted-by: Some Tool", tool("assisted", "Some Tool", "")),
            (
                "Generated-by: Tool <t@example.com>",
                tool("autonomous", "Tool", ""),
            ),
            (
                "Generated-by: x:unheard-of",
                tool("autonomous", "x", "unstated/unheard-of"),
            ),
            (
                "Co-authored-by: Claude <noreply@anthropic.com>",
                tool("assisted", "Claude", ""),
            ),
            (
                "Co-authored-by: Cursor <cursoragent@cursor.com>",
                tool("assisted", "Cursor", ""),
            ),
            (
                "Co-authored-by: Copilot <1+Copilot@users.noreply.github.com>",
                tool("assisted", "Copilot", ""),
            ),
            (
                "Co-authored-by: devin-ai-integration[bot] <1+d[bot]@users.noreply.github.com>",
                tool("assisted", "devin-ai-integration[bot]", ""),
            ),
            (
                "Co-authored-by: Helper <x@example.com>",
                tool("assisted", "Helper", ""),
            ),
            (
                "Co-authored-by: X <H@example.com>",
                tool("assisted", "X", ""),
            ),
            ("Co-authored-by: Claude Monet <claude@example.com>", None),
            (
                "Co-authored-by: Gemini <1+gem@users.noreply.github.com>",
                None,
            ),
            ("Co-authored-by: Ada <ada@anthropic.com>", None),
            ("Co-authored-by: noreply", None),
        ] {
            assert_eq!(says(line), expected, "{line}");
        }
        let long = format!("Assisted-by: {}", "please ".repeat(20));
        let (_, tool, _) = says(&long).expect("a tool");
        assert!(tool.starts_with("sha256:"), "{tool}");
    }

    #[test]
    fn co_authors_are_people() {
        let message = "s\n\nCo-authored-by: Ben <ben@example.com>\nCo-authored-by: Claude <noreply@anthropic.com>\n\
                       Co-authored-by: <>\nCo-authored-by: nobody\n";
        let read = Trailer::read(message);
        let people: Vec<&str> = read.iter().filter_map(|one| one.co_author(&[])).collect();
        assert_eq!(people, ["ben@example.com"]);
    }
}
