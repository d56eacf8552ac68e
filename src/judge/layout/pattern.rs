//! Patterns of artifact rules: those of Python's `fnmatch`, which in-toto uses, case counting.
//!
//! `*` stands for any characters, `/` among them, `?` for one, `[abc]` and `[a-z]` for one of these, `[!abc]` for one that
//! is none of these; a bracket that is not closed stands for itself, and `]` is the first member where it stands first.
//! A range that runs backwards, whose meaning no one writes down, is refused.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

/// A pattern that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in the pattern {pattern:?} a range runs backwards")]
pub struct PatternError {
    pattern: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Many,
    One,
    Char(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// Where a range runs backwards.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            at += 1;
            let token = match c {
                '*' => Token::Many,
                '?' => Token::One,
                '[' => match class_end(&chars, at) {
                    None => Token::Char('['),
                    Some(end) => {
                        let members = &chars[at..end];
                        at = end + 1;
                        class(members).ok_or_else(|| PatternError {
                            pattern: crate::statement::shortened(text),
                        })?
                    }
                },
                c => Token::Char(c),
            };
            // Several stars in a row are one.
            if token != Token::Many || tokens.last() != Some(&Token::Many) {
                tokens.push(token);
            }
        }
        let text = text.to_owned();
        Ok(Self { text, tokens })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of a text matches. At most as many steps as the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let (mut at, mut token) = (0, 0);
        // Where the newest star stands, and how much it has taken: what comes before it is settled.
        let mut star = None;
        while at < chars.len() {
            match self.tokens.get(token) {
                Some(Token::Many) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(one) if one.takes(chars[at]) => {
                    at += 1;
                    token += 1;
                }
                _ => match &mut star {
                    None => return false,
                    Some((many, taken)) => {
                        *taken += 1;
                        (at, token) = (*taken, *many + 1);
                    }
                },
            }
        }
        self.tokens[token..].iter().all(|rest| *rest == Token::Many)
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Many => false,
            Self::One => true,
            Self::Char(own) => *own == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&&c)) != *negated
            }
        }
    }
}

// Where the bracket is closed that was opened before `start`; one that stands first, or after `!`, is a member.
fn class_end(chars: &[char], start: usize) -> Option<usize> {
    let mut from = start;
    for skipped in ['!', ']'] {
        from += usize::from(chars.get(from) == Some(&skipped));
    }
    let length = chars.get(from..)?.iter().position(|c| *c == ']')?;
    Some(from + length)
}

fn class(members: &[char]) -> Option<Token> {
    let (negated, mut rest) = match members {
        ['!', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        rest = match rest {
            [] => return Some(Token::Class { negated, ranges }),
            [low, '-', high, rest @ ..] if low <= high => {
                ranges.push((*low, *high));
                rest
            }
            [_, '-', _, ..] => return None,
            [one, rest @ ..] => {
                ranges.push((*one, *one));
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn as_fnmatch_does() {
        for (pattern, yes, no) in [
            ("*", "a/b\nc", None),
            ("", "", Some("a")),
            ("foo*", "foo/bar", Some("afoo")),
            ("*.py", "a/b.py", Some("b.pyc")),
            ("a*b*c", "aXbYbZc", Some("aXbYbZ")),
            ("a?c", "a/c", Some("ac")),
            ("[a-c]x", "bx", Some("dx")),
            ("[!a-c]x", "dx", Some("bx")),
            ("[]]", "]", Some("[")),
            ("[!]]", "[", Some("]")),
            ("[a-]", "-", Some("b")),
            ("[-a]", "-", Some("b")),
            ("[a-z-9]", "-", Some("0")),
            ("[", "[", Some("a")),
            ("[!", "[!", Some("a")),
            ("[a", "[a", Some("a")),
            ("[^a]", "^", Some("b")),
            ("[\\]", "\\", Some("a")),
            ("é?", "éü", Some("é")),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            if let Some(no) = no {
                assert!(!matches(pattern, no), "{pattern} {no}");
            }
        }
        assert!(Pattern::parse("[z-a]").is_err());
    }

    proptest! {
        #[test]
        fn a_text_without_marks_matches_itself_alone(text in "[a-z./ é]{0,12}", other in "[a-z./ é]{0,12}") {
            prop_assert!(matches(&text, &text));
            prop_assert_eq!(matches(&text, &other), text == other);
            let (star, within) = (format!("*{text}*"), format!("x/{text}/y"));
            prop_assert!(matches(&star, &within));
        }

        #[test]
        fn any_pattern_has_an_answer(pattern in "[\\[\\]!*?a-c-]{0,16}", text in "[a-c\\[\\]!-]{0,16}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&text);
            }
        }
    }
}
