//! Text that others wrote, made safe to show on a terminal.
//!
//! A ledger records what strangers chose: step names, author names, file names, messages. Shown raw, such
//! text can move the cursor, recolour or hide lines, or reverse the reading order. Every such character is
//! written out instead:
//!
//! 1. C0 and C1 control characters and DEL, LF, CR and TAB among them;
//! 2. characters without a width or that change direction: the Unicode format characters (general
//!    category Cf), line and paragraph separators, the fillers that show as nothing, variation selectors, and the
//!    noncharacters that XML forbids;
//! 3. the backslash itself, doubled, so that two different texts never look alike.
//!
//! Look-alike letters of other scripts are *not* changed: names are written in many scripts.

use std::fmt::{self, Display, Write};

/// Shows a text on one line, with nothing left in it that a terminal would act upon.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub &'a str);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| escape(c, f))
    }
}

/// Shows a text of several lines, each after the same indent; line feeds stand, all else is as in [`Line`].
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The text; a line feed at its end makes no empty line.
    pub text: &'a str,
    /// What stands before each line.
    pub indent: &'a str,
}

impl Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text
            .lines()
            .try_for_each(|line| writeln!(f, "{}{}", self.indent, Line(line)))
    }
}

/// A text as [`Line`] shows it.
pub fn line(text: &str) -> String {
    Line(text).to_string()
}

/// A text as [`line`] gives it, cut after 60 characters.
pub(super) fn clipped(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        None => line(text),
        Some((end, _)) => format!("{}…", line(&text[..end])),
    }
}

fn escape(c: char, out: &mut impl Write) -> fmt::Result {
    match c {
        '\\' => out.write_str(r"\\"),
        '\n' => out.write_str(r"\n"),
        '\r' => out.write_str(r"\r"),
        '\t' => out.write_str(r"\t"),
        c if acts(c) => write!(out, "{}", c.escape_unicode()),
        c => out.write_char(c),
    }
}

/// Whether a character does something other than show itself.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescape(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            out.push(
                match rest.next().expect("an escape has a second character") {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let hex: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                        u32::from_str_radix(&hex, 16)
                            .ok()
                            .and_then(char::from_u32)
                            .expect("a scalar value")
                    }
                    backslash => backslash,
                },
            );
        }
        out
    }

    #[test]
    fn what_a_terminal_would_act_upon_is_written_out() {
        for (raw, shown) in [
            ("plain – naïve 日本", "plain – naïve 日本"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("\u{9b}31m", r"\u{9b}31m"),
            ("a\u{202e}b\u{2066}", r"a\u{202e}b\u{2066}"),
            ("a\u{200b}\u{feff}\u{ad}b", r"a\u{200b}\u{feff}\u{ad}b"),
            ("\u{e0041}\u{2028}", r"\u{e0041}\u{2028}"),
            ("one\ntwo\r\t\u{7}\u{7f}", r"one\ntwo\r\t\u{7}\u{7f}"),
            (r"C:\n", r"C:\\n"),
        ] {
            assert_eq!(line(raw), shown);
        }
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else() {
        let block = Block {
            text: "a\n\u{1b}b\r\n\nc\n",
            indent: "  ",
        };
        assert_eq!(block.to_string(), "  a\n  \\u{1b}b\n  \n  c\n");
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing_and_lets_nothing_through(text in any::<String>()) {
            let shown = line(&text);
            prop_assert!(!shown.chars().any(acts));
            prop_assert_eq!(unescape(&shown), text);
        }
    }
}
