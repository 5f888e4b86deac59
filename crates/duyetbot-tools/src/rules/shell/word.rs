//! One word of a shell line, its quotes removed as bash removes them, or the reason why its value is not known.
use std::{iter::Peekable, str::Chars};

/// A word as it reaches the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Exactly this text.
    Known(String),
    /// A text that only the shell could tell.
    Unknown {
        /// The word as it stands in the line.
        raw: String,
        /// What it needs the shell for.
        why: &'static str,
    },
}

const EXPANSION: &str = "an expansion";
const SUBSTITUTION: &str = "a command substitution";
const UNREADABLE: &str = "a word whose end is not certain";

impl Word {
    /// Reads a word as the grammar cut it out of the line.
    ///
    /// This is a second reading of the quotes: where the grammar took for one word what bash would not, an operator or a
    /// blank stands here outside all quotes, and the word is not known.
    pub(crate) fn read(raw: &str) -> Word {
        match without_quotes(raw) {
            Ok(text) => Word::Known(text),
            Err(why) => Word::Unknown { raw: raw.to_owned(), why },
        }
    }

    /// The text, or the word as it stands in the line.
    pub(crate) fn text(&self) -> &str {
        match self {
            Word::Known(text) => text,
            Word::Unknown { raw, .. } => raw,
        }
    }

    /// The text, where it is known.
    pub(crate) fn known(&self) -> Option<&str> {
        match self {
            Word::Known(text) => Some(text),
            Word::Unknown { .. } => None,
        }
    }
}

fn without_quotes(raw: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    let (mut before, mut braces) = (None, false);
    if raw.starts_with('#') {
        return Err(UNREADABLE);
    }
    while let Some(c) = chars.next() {
        match c {
            '\'' => single_quoted(&mut chars, &mut out)?,
            '"' => double_quoted(&mut chars, &mut out)?,
            '\\' => out.push(chars.next().filter(|c| *c != '\n').ok_or(UNREADABLE)?),
            '[' if raw == "[" => out.push(c),
            c => {
                if let Some(why) = means_more(c, before, chars.peek().copied()) {
                    return Err(why);
                }
                braces |= c == '{';
                out.push(c);
            }
        }
        before = Some(c);
    }
    if braces && (out.contains(',') || out.contains("..")) {
        return Err("a brace expansion");
    }
    Ok(out)
}

/// What an unquoted character stands for besides itself.
fn means_more(c: char, before: Option<char>, after: Option<char>) -> Option<&'static str> {
    match c {
        '$' => Some(EXPANSION),
        '`' => Some(SUBSTITUTION),
        '*' | '?' | '[' => Some("a pattern of file names"),
        '~' if matches!(before, None | Some('=' | ':')) => Some("a home directory (~)"),
        '!' if begins_history(after) => Some("a history expansion (!)"),
        '|' | '&' | ';' | '(' | ')' | '<' | '>' => Some(UNREADABLE),
        c if c.is_whitespace() => Some(UNREADABLE),
        _ => None,
    }
}

/// Whether an interactive bash would look up its history. Ours is not interactive; but this costs nobody a line.
fn begins_history(after: Option<char>) -> bool {
    !matches!(after, None | Some(' ' | '\t' | '\n' | '=' | '('))
}

fn single_quoted(chars: &mut Peekable<Chars>, out: &mut String) -> Result<(), &'static str> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        out.push(c);
    }
    Err(UNREADABLE)
}

fn double_quoted(chars: &mut Peekable<Chars>, out: &mut String) -> Result<(), &'static str> {
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(()),
            '$' if chars.peek() != Some(&'"') => return Err(EXPANSION),
            '`' => return Err(SUBSTITUTION),
            '!' if chars.peek() != Some(&'"') && begins_history(chars.peek().copied()) => {
                return Err("a history expansion (!)");
            }
            '\\' => match chars.next() {
                Some(c @ ('$' | '`' | '"' | '\\')) => out.push(c),
                Some('\n') | None => return Err(UNREADABLE),
                Some(c) => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    Err(UNREADABLE)
}

/// The word as a person would write it: quoted where bash or a rule would take a character for more than itself.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() && !c.is_whitespace() || "_-./=:,+@%^".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.ends_with(":*") {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_removed_as_bash_removes_them() {
        for (raw, text) in [
            ("a", "a"),
            (r"'a\'", r"a\"),
            (r#""a\\""#, r"a\"),
            (r#""a\b\$c""#, r"a\b$c"),
            (r"a\ b", "a b"),
            ("'a'\"b\"c", "abc"),
            ("''", ""),
            ("HEAD~1", "HEAD~1"),
            ("HEAD@{1}", "HEAD@{1}"),
            ("'*'", "*"),
            ("\"foo$\"", "foo$"),
            ("\"done!\"", "done!"),
            ("[", "["),
            ("{}", "{}"),
            ("a#b", "a#b"),
        ] {
            assert_eq!(Word::read(raw), Word::Known(text.to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_only_the_shell_could_tell_is_not_known() {
        for (raw, why) in [
            ("$x", EXPANSION),
            ("\"$x\"", EXPANSION),
            ("\"a$'\"", EXPANSION),
            ("$'a'", EXPANSION),
            ("$\"a\"", EXPANSION),
            ("`x`", SUBSTITUTION),
            ("\"`x`\"", SUBSTITUTION),
            ("*.rs", "a pattern of file names"),
            ("[a]", "a pattern of file names"),
            ("{a,b}", "a brace expansion"),
            ("{1..3}", "a brace expansion"),
            ("{a','b}", "a brace expansion"),
            ("~/x", "a home directory (~)"),
            ("a=~/x", "a home directory (~)"),
            ("!!", "a history expansion (!)"),
            ("\"!x\"", "a history expansion (!)"),
            (r"\$'a\' ; touch P '", UNREADABLE),
            ("'a", UNREADABLE),
            ("\"a", UNREADABLE),
            ("a\\", UNREADABLE),
            ("a;b", UNREADABLE),
            ("#a", UNREADABLE),
        ] {
            assert_eq!(Word::read(raw), Word::Unknown { raw: raw.to_owned(), why }, "{raw}");
        }
    }

    #[test]
    fn a_quoted_word_reads_back_as_itself() {
        for text in ["a", "", "a b", "it's", "*", "$x", "a:*", "~", "#", "{a,b}", "a\nb", "!", "é", "\u{a0}"]
        {
            assert_eq!(Word::read(&quoted(text)), Word::Known(text.to_owned()), "{text:?}");
        }
    }
}
