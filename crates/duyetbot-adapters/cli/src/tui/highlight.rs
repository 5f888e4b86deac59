//! Colours code a line at a time: comments, strings, numbers and keywords, which is what makes code easy to read.
use ratatui_core::{style::Style, text::Span};

use super::{
    languages::{Language, Letters, Reach, find},
    text::clean,
    theme,
};

/// What is known of the code so far.
#[derive(Debug)]
pub(crate) struct Highlighter {
    kind: Kind,
    inside: Option<Inside>,
}

#[derive(Debug)]
enum Kind {
    Plain,
    Diff,
    Code(&'static Language),
}

/// What goes over the end of a line.
#[derive(Clone, Copy, Debug)]
struct Inside {
    end: &'static str,
    style: Style,
}

impl Highlighter {
    /// For the language of this name; what is not known stays as it is.
    pub(crate) fn new(language: &str) -> Self {
        let kind = match language.to_ascii_lowercase().as_str() {
            "diff" | "patch" => Kind::Diff,
            name => find(name).map_or(Kind::Plain, Kind::Code),
        };
        Highlighter { kind, inside: None }
    }

    /// The next line, without control characters.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Span<'static>> {
        let line = clean(line);
        match self.kind {
            Kind::Plain => vec![Span::styled(line, theme::CODE)],
            Kind::Diff => vec![diff_line(&line)],
            Kind::Code(language) => self.code(language, &line),
        }
    }

    fn code(&mut self, language: &'static Language, line: &str) -> Vec<Span<'static>> {
        let mut spans = Spans::default();
        let mut rest = line;
        while !rest.is_empty() {
            let (length, style) = match self.inside {
                Some(inside) => self.until_end(rest, 0, inside),
                None => self.next(language, rest),
            };
            let (token, after) = rest.split_at(length);
            spans.push(token, style);
            rest = after;
        }
        spans.done()
    }

    /// The token that begins here: its length and its style.
    fn next(&mut self, language: &'static Language, rest: &str) -> (usize, Style) {
        if let Some((begin, end)) = language.block_comment
            && rest.starts_with(begin)
        {
            return self.until_end(rest, begin.len(), Inside { end, style: theme::COMMENT });
        }
        if language.line_comments.iter().any(|begin| rest.starts_with(begin)) {
            return (rest.len(), theme::COMMENT);
        }
        for (quote, reach) in language.strings {
            if rest.starts_with(quote) {
                let found = self.until_end(rest, quote.len(), Inside { end: quote, style: theme::STRING });
                if *reach == Reach::Line {
                    self.inside = None;
                }
                return found;
            }
        }
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            return (run(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '_'), theme::NUMBER);
        }
        if is_word(first) {
            let length = run(rest, is_word);
            return (length, word_style(language, &rest[..length], &rest[length..]));
        }
        (first.len_utf8(), theme::PLAIN)
    }

    /// As far as the end of what is open, which stays open where its end does not come.
    fn until_end(&mut self, rest: &str, from: usize, inside: Inside) -> (usize, Style) {
        let mut at = from;
        self.inside = Some(inside);
        while let Some(c) = rest[at..].chars().next() {
            if rest[at..].starts_with(inside.end) {
                self.inside = None;
                return (at + inside.end.len(), inside.style);
            }
            at += c.len_utf8();
            if c == '\\' && inside.style == theme::STRING {
                at += rest[at..].chars().next().map_or(0, char::len_utf8);
            }
        }
        (rest.len(), inside.style)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.char_indices().find(|(_, c)| !belongs(*c)).map_or(text.len(), |(at, _)| at)
}

fn word_style(language: &Language, word: &str, after: &str) -> Style {
    let is_keyword = match language.letters {
        Letters::Exact => language.keywords.contains(&word),
        Letters::AnyCase => language.keywords.contains(&word.to_ascii_lowercase().as_str()),
    };
    match after.chars().next() {
        _ if is_keyword => theme::KEYWORD,
        Some('(' | '!') => theme::CALLED,
        _ => theme::PLAIN,
    }
}

/// A line of a diff.
pub(crate) fn diff_line(line: &str) -> Span<'static> {
    let style = match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => theme::BOLD,
        [b'+', ..] => theme::ADDED,
        [b'-', ..] => theme::REMOVED,
        [b'@', b'@', ..] => theme::HUNK,
        _ => theme::PLAIN,
    };
    Span::styled(line.to_owned(), style)
}

/// Spans in which neighbours of one style are joined.
#[derive(Default)]
struct Spans {
    spans: Vec<Span<'static>>,
    text: String,
    style: Style,
}

impl Spans {
    fn push(&mut self, text: &str, style: Style) {
        if style != self.style {
            self.flush();
            self.style = style;
        }
        self.text.push_str(text);
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.spans.push(Span::styled(std::mem::take(&mut self.text), self.style));
        }
    }

    fn done(mut self) -> Vec<Span<'static>> {
        self.flush();
        self.spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tokens that have a style, by its name.
    fn told(language: &str, code: &str) -> Vec<(String, &'static str)> {
        let mut highlighter = Highlighter::new(language);
        let name = |style: Style| match style {
            s if s == theme::KEYWORD => Some("keyword"),
            s if s == theme::ADDED && language == "diff" => Some("added"),
            s if s == theme::STRING => Some("string"),
            s if s == theme::NUMBER => Some("number"),
            s if s == theme::COMMENT => Some("comment"),
            s if s == theme::CALLED => Some("called"),
            s if s == theme::REMOVED => Some("removed"),
            _ => None,
        };
        let spans: Vec<Span<'static>> = code.lines().flat_map(|line| highlighter.line(line)).collect();
        spans.into_iter().filter_map(|span| Some((span.content.into_owned(), name(span.style)?))).collect()
    }

    fn owned(tokens: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        tokens.iter().map(|(text, name)| ((*text).to_owned(), *name)).collect()
    }

    #[test]
    fn tokens_have_their_styles() {
        assert_eq!(
            told("rust", "let a = call(\"x \\\" y\", 1_000u8); // why"),
            owned(&[
                ("let", "keyword"),
                ("call", "called"),
                ("\"x \\\" y\"", "string"),
                ("1_000u8", "number"),
                ("// why", "comment")
            ])
        );
        assert_eq!(told("sql", "GROUP 'a'"), owned(&[("GROUP", "keyword"), ("'a'", "string")]));
        assert_eq!(told("nothing-known", "let a = 1"), []);
        assert_eq!(told("diff", "+ a\n- b\n c"), owned(&[("+ a", "added"), ("- b", "removed")]));
    }

    #[test]
    fn comments_and_strings_go_over_lines_where_they_may() {
        assert_eq!(
            told("c", "/* a\nb */ int c"),
            owned(&[("/* a", "comment"), ("b */", "comment"), ("int", "keyword")])
        );
        assert_eq!(
            told("python", "\"\"\"a\nif\n\"\"\"\nif"),
            owned(&[("\"\"\"a", "string"), ("if", "string"), ("\"\"\"", "string"), ("if", "keyword")])
        );
        assert_eq!(told("js", "'open\nif"), owned(&[("'open", "string"), ("if", "keyword")]));
    }

    proptest! {
        #[test]
        fn no_character_is_lost(language in "rust|python|js|sql|bash|html|diff|none", line in "[a-z\"'`/*# 0-9\\\\界]{0,60}") {
            let mut highlighter = Highlighter::new(&language);
            for _ in 0..2 {
                let joined: String = highlighter.line(&line).into_iter().map(|s| s.content.into_owned()).collect();
                prop_assert_eq!(&joined, &line);
            }
        }
    }
}
