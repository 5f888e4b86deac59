//! What is being typed: several lines, edited by visible characters.
use std::collections::VecDeque;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::text::{clean, width};

/// The text and the place of the cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    text: String,
    /// In bytes, between two visible characters.
    at: usize,
}

/// Where something goes to, or reaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    Start,
    End,
}

/// A row of the draft as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) text: String,
    /// The part of the text that stands before the cursor, where it is in this row.
    pub(crate) before_cursor: Option<String>,
}

/// The rows around the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Near {
    pub(crate) rows: Vec<Row>,
    /// The first row is the first of all.
    pub(crate) is_whole_above: bool,
}

impl Draft {
    /// A text with the cursor at its end.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Draft { at: text.len(), text }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> &str {
        &self.text[..self.at]
    }

    /// Puts text in.
    pub(crate) fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.text.insert_str(self.at, &text);
        self.at += text.len();
        // A combining character joins the one before it.
        self.at = self.boundary_from(self.at);
    }

    /// Puts text in the place of what stands from here to the cursor.
    pub(crate) fn replace_from(&mut self, from: usize, text: &str) {
        self.text.replace_range(from..self.at, text);
        self.at = from + text.len();
    }

    /// Moves the cursor.
    pub(crate) fn go(&mut self, to: Reach) {
        self.at = self.place(to);
    }

    /// Takes away what lies between the cursor and there.
    pub(crate) fn remove(&mut self, to: Reach) {
        let place = self.place(to);
        let (from, end) = (place.min(self.at), place.max(self.at));
        self.text.replace_range(from..end, "");
        self.at = self.boundary_from(from);
    }

    /// A line up; `false` where there is none.
    pub(crate) fn up(&mut self) -> bool {
        let start = self.line_start(self.at);
        if start == 0 {
            return false;
        }
        let column = width(&self.text[start..self.at]);
        self.at = self.at_column(self.line_start(start - 1), column);
        true
    }

    /// A line down; `false` where there is none.
    pub(crate) fn down(&mut self) -> bool {
        let end = self.line_end(self.at);
        if end == self.text.len() {
            return false;
        }
        let column = width(&self.text[self.line_start(self.at)..self.at]);
        self.at = self.at_column(end + 1, column);
        true
    }

    /// At most so many rows around the cursor, none wider than this: those above it, and below it what room is left. Only
    /// their lines are laid out, for a pasted text may be long.
    pub(crate) fn near(&self, columns: usize, most: usize) -> Near {
        let columns = columns.max(2);
        let (from, end) = (self.line_start(self.at), self.line_end(self.at));
        let mut line = self.broken(from, end, columns);
        if self.at == self.text.len() && self.is_full(line.last(), columns) {
            // Behind the last column there is no cell for the cursor.
            line.push((end, end));
        }
        let at = line.iter().rposition(|(begin, _)| *begin <= self.at).unwrap_or(0);
        let mut rows: VecDeque<(usize, usize)> = line.drain(..=at).collect();
        let mut start = from;
        while start > 0 && rows.len() < most {
            let above = self.line_start(start - 1);
            self.broken(above, start - 1, columns).into_iter().rev().for_each(|row| rows.push_front(row));
            start = above;
        }
        let hidden = rows.len().saturating_sub(most.max(1));
        rows.drain(..hidden);
        let cursor = rows.len() - 1;
        rows.extend(line);
        let mut end = end;
        while end < self.text.len() && rows.len() < most {
            let below = self.line_end(end + 1);
            rows.extend(self.broken(end + 1, below, columns));
            end = below;
        }
        rows.truncate(most.max(1));
        let is_whole_above = start == 0 && hidden == 0;
        let row = |(n, (begin, end)): (usize, (usize, usize))| Row {
            text: clean(&self.text[begin..end]),
            before_cursor: (n == cursor).then(|| clean(&self.text[begin..self.at])),
        };
        Near { rows: rows.into_iter().enumerate().map(row).collect(), is_whole_above }
    }

    /// Where the rows of a line begin and end.
    fn broken(&self, from: usize, end: usize, columns: usize) -> Vec<(usize, usize)> {
        let mut rows = Vec::new();
        let (mut begin, mut at, mut used) = (from, from, 0);
        for grapheme in self.text[from..end].graphemes(true) {
            let wide = shown_width(grapheme);
            if used + wide > columns {
                rows.push((begin, at));
                (begin, used) = (at, 0);
            }
            used += wide;
            at += grapheme.len();
        }
        rows.push((begin, end));
        rows
    }

    fn is_full(&self, row: Option<&(usize, usize)>, columns: usize) -> bool {
        row.is_some_and(|(begin, end)| width(&clean(&self.text[*begin..*end])) >= columns)
    }

    fn place(&self, to: Reach) -> usize {
        match to {
            Reach::Left => self.boundary(self.at, Side::Left),
            Reach::Right => self.boundary(self.at, Side::Right),
            Reach::WordLeft => {
                let trimmed = self.text[..self.at].trim_end();
                trimmed
                    .char_indices()
                    .rev()
                    .find(|(_, c)| c.is_whitespace())
                    .map_or(0, |(i, c)| i + c.len_utf8())
            }
            Reach::WordRight => {
                let rest = &self.text[self.at..];
                let spaces = rest.len() - rest.trim_start().len();
                rest[spaces..].find(char::is_whitespace).map_or(self.text.len(), |i| self.at + spaces + i)
            }
            Reach::LineStart => self.line_start(self.at),
            Reach::LineEnd => self.line_end(self.at),
            Reach::Start => 0,
            Reach::End => self.text.len(),
        }
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |i| i + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |i| at + i)
    }

    fn at_column(&self, start: usize, column: usize) -> usize {
        let mut used = 0;
        let mut at = start;
        for grapheme in self.text[start..self.line_end(start)].graphemes(true) {
            used += width(grapheme);
            if used > column {
                break;
            }
            at += grapheme.len();
        }
        at
    }

    fn boundary(&self, at: usize, side: Side) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match side {
            Side::Left => cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0),
            Side::Right => cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len()),
        }
    }

    /// The place itself, where a visible character begins there, else that character's end.
    fn boundary_from(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        match cursor.is_boundary(&self.text, 0) {
            Ok(false) => self.boundary(at, Side::Right),
            _ => at,
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Columns of a visible character as it is shown.
fn shown_width(grapheme: &str) -> usize {
    match grapheme.as_bytes() {
        [b' '..=b'~'] => 1,
        _ => width(&clean(grapheme)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draft(parts: &str) -> Draft {
        let (before, after) = parts.split_once('|').unwrap();
        Draft { text: format!("{before}{after}"), at: before.len() }
    }

    fn told(draft: &Draft) -> String {
        format!("{}|{}", draft.before(), &draft.text[draft.at..])
    }

    #[test]
    fn keys_move_and_remove_visible_characters() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        for (from, to, moved, removed) in [
            ("ab|c", Reach::Left, "a|bc", "a|c"),
            ("你好|", Reach::Left, "你|好", "你|"),
            ("cafe\u{301}|", Reach::Left, "caf|e\u{301}", "caf|"),
            (&format!("a{family}|"), Reach::Left, &format!("a|{family}"), "a|"),
            ("|ab", Reach::Left, "|ab", "|ab"),
            ("ab|c", Reach::Right, "abc|", "ab|"),
            ("one two |", Reach::WordLeft, "one |two ", "one |"),
            ("one| two three", Reach::WordRight, "one two| three", "one| three"),
            ("a\nb|c\nd", Reach::LineStart, "a\n|bc\nd", "a\n|c\nd"),
            ("a\nb|c\nd", Reach::LineEnd, "a\nbc|\nd", "a\nb|\nd"),
            ("a\nb|c", Reach::Start, "|a\nbc", "|c"),
        ] {
            let mut draft = draft(from);
            let mut other = draft.clone();
            draft.go(to);
            other.remove(to);
            assert_eq!((told(&draft).as_str(), told(&other).as_str()), (moved, removed), "{from} {to:?}");
        }
    }

    #[test]
    fn up_and_down_keep_the_column() {
        let mut at = draft("你好x\na\nlong|er");
        assert!(at.up());
        assert_eq!(told(&at), "你好x\na|\nlonger");
        assert!(at.up());
        assert_eq!(told(&at), "|你好x\na\nlonger");
        assert!(!at.up());
        assert!(at.down() && at.down() && !at.down());
        assert_eq!(told(&at), "你好x\na\n|longer");
    }

    #[test]
    fn line_ends_of_every_kind_become_our_own() {
        let mut draft = draft("a|b");
        draft.insert("1\r\n2\r3");
        assert_eq!(told(&draft), "a1\n2\n3|b");
    }

    #[test]
    fn rows_wrap_and_hold_the_cursor() {
        let row = |text: &str, before: Option<&str>| Row {
            text: text.to_owned(),
            before_cursor: before.map(str::to_owned),
        };
        let all = |text: &str| draft(text).near(4, usize::MAX).rows;
        assert_eq!(all("|"), [row("", Some(""))]);
        assert_eq!(all("abcd|"), [row("abcd", None), row("", Some(""))]);
        assert_eq!(all("abc|de"), [row("abcd", Some("abc")), row("e", None)]);
        assert_eq!(all("abcd|e"), [row("abcd", None), row("e", Some(""))]);
        assert_eq!(all("abc界|"), [row("abc", None), row("界", Some("界"))]);
        assert_eq!(all("a\u{1b}\n|"), [row("a␛", None), row("", Some(""))]);
    }

    proptest! {
        #[test]
        fn there_is_one_cursor_and_no_row_too_wide(text in "[ab 界\u{301}\n\u{200d}\u{1f468}]{0,40}", at in 0_usize..40, columns in 2_usize..12) {
            let mut draft = Draft { text: String::new(), at: 0 };
            draft.insert(&text);
            (0..at).for_each(|_| draft.go(Reach::Left));
            let Near { rows, is_whole_above } = draft.near(columns, usize::MAX);
            prop_assert!(is_whole_above);
            prop_assert_eq!(rows.iter().filter(|row| row.before_cursor.is_some()).count(), 1);
            for row in &rows {
                // One visible character may be wider than a very narrow terminal.
                prop_assert!(width(&row.text) <= columns || row.text.graphemes(true).count() == 1);
            }
            let cursor = rows.iter().position(|row| row.before_cursor.is_some()).unwrap();
            for most in 1..9 {
                let from = (cursor + 1).saturating_sub(most);
                let some = rows[from..rows.len().min(from + most)].to_vec();
                prop_assert_eq!(draft.near(columns, most), Near { rows: some, is_whole_above: from == 0 });
            }
            let shown: String = rows.iter().map(|row| row.text.as_str()).collect();
            prop_assert_eq!(shown, text.replace('\n', ""));
        }
    }
}
