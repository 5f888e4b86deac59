//! A message cut into the entries that the full-text index gets of it.
use foldhash::fast::RandomState;
use std::collections::HashSet;

use super::terms::terms;
use crate::{
    message::{Part, Role, text_of},
    store::IndexPiece,
    time_stamp::Timestamp,
};

/// Characters of a piece.
const PIECE: usize = 1000;
/// Pieces of a message: six bits of an index key.
const MOST: usize = 64;
/// Bytes of a message that are indexed: what a row holds at most.
const INDEXED: usize = 256 * 1024;
/// Characters of the message before that go into the context.
const BEFORE: usize = 120;

/// The text of a message that search and recall see: what a person or the agent said. Neither reasoning, nor what tools
/// put out, nor summaries and other words of the system.
pub fn indexed_text(role: Role, parts: &[Part]) -> String {
    match role {
        Role::User | Role::Assistant => text_of(parts),
        Role::System => String::new(),
    }
}

/// What a message's pieces are made with beside its text: the day, and below it the end of the message before.
///
/// `before` is the [`indexed_text`] of the parent, so that every device makes the same.
pub fn context(created: Timestamp, before: Option<&str>) -> String {
    let mut context = created.date();
    if let Some(before) = before {
        context.push('\n');
        context.push_str(last(before, BEFORE));
    }
    context
}

/// The index entries of a message: a function of its two arguments, so that an erase can name the same entries again.
///
/// Pieces are cut at the ends of sentences and lines, about 1,000 characters each; where a text would give more than 64,
/// each is longer. Every piece has the terms of the context's first line (the day), the first one those of all of it.
/// Text beyond 256 KiB is not indexed; blank text has no entry.
pub fn pieces(text: &str, context: &str) -> Vec<IndexPiece> {
    let text = &text[..text.floor_char_boundary(INDEXED)];
    let day = context.lines().next().unwrap_or_default();
    cut(text)
        .into_iter()
        .enumerate()
        .map(|(n, piece)| IndexPiece {
            terms: joined(&piece),
            context: joined(if n == 0 { context } else { day }),
        })
        .collect()
}

/// Each term once, as the index takes them.
fn joined(text: &str) -> String {
    let terms = terms(text);
    let mut seen = HashSet::with_capacity_and_hasher(terms.len(), RandomState::default());
    let mut joined = String::new();
    for term in terms.iter().filter(|term| seen.insert(term.as_str())) {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(term);
    }
    joined
}

fn last(text: &str, characters: usize) -> &str {
    let start = text.char_indices().rev().take(characters).last().map_or(text.len(), |(at, _)| at);
    &text[start..]
}

/// Cuts a text into at most [`MOST`] pieces of one size.
fn cut(text: &str) -> Vec<String> {
    let mut size = PIECE;
    loop {
        let pieces = pack(text, size);
        if pieces.len() <= MOST {
            return pieces;
        }
        size += size / 2;
    }
}

/// Packs whole sentences into pieces of at most `size` characters. A longer sentence is cut at a blank, or, where it has
/// none, anywhere.
fn pack(text: &str, size: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut open = String::new();
    let mut held = 0;
    for sentence in sentences(text) {
        let mut rest = sentence;
        let mut length = rest.chars().count();
        if held > 0 && held + 1 + length > size {
            pieces.push(std::mem::take(&mut open));
            held = 0;
        }
        while length > size {
            let head = head(rest, size);
            pieces.push(head.to_owned());
            rest = rest[head.len()..].trim_start();
            length = rest.chars().count();
        }
        if held > 0 {
            open.push(' ');
            held += 1;
        }
        open.push_str(rest);
        held += length;
    }
    if held > 0 {
        pieces.push(open);
    }
    pieces
}

fn head(text: &str, size: usize) -> &str {
    let end = text.char_indices().nth(size).map_or(text.len(), |(at, _)| at);
    let at_blank = text[..end].rfind(char::is_whitespace).filter(|at| *at > 0);
    &text[..at_blank.unwrap_or(end)]
}

/// Sentences and lines, without the blanks around them.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut after_end = false;
    for (at, c) in text.char_indices() {
        if c == '\n' || (after_end && c.is_whitespace()) || is_wide_end(c) {
            let end = if is_wide_end(c) { at + c.len_utf8() } else { at };
            found.push(&text[start..end]);
            start = end;
        }
        after_end = matches!(c, '.' | '!' | '?');
    }
    found.push(&text[start..]);
    found.into_iter().map(str::trim).filter(|s| !s.is_empty()).collect()
}

/// A sentence's end that no blank follows.
fn is_wide_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '।')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_piece_has_all_of_the_context_and_the_others_the_day() {
        let context = context(Timestamp(1_764_045_000_007), Some("Shall we\ngo to Oslo?"));
        assert_eq!(context, "2025-11-25\nShall we\ngo to Oslo?");
        let text = format!("{}\n{}", "first ".repeat(150), "second ".repeat(140));
        let piece = |terms: &str, context: &str| IndexPiece { terms: terms.into(), context: context.into() };
        assert_eq!(
            pieces(&text, &context),
            [piece("first", "2025 11 25 shall we go to oslo"), piece("second", "2025 11 25")]
        );
    }

    #[test]
    fn a_blank_text_has_no_entry() {
        assert_eq!(pieces(" \n\t", "2025-11-25"), []);
    }

    #[test]
    fn a_long_line_is_cut_between_words() {
        let line = "abcdefg ".repeat(4000);
        let all: Vec<String> = pieces(&line, "").into_iter().map(|p| p.terms).collect();
        assert_eq!(all, vec!["abcdefg".to_owned(); 32]);
    }

    #[test]
    fn a_text_of_any_length_has_at_most_64_pieces_and_each_word_is_in_one() {
        let text: String = (0..30_000).map(|n| format!("w{n}w ")).collect();
        let all = pieces(&text, "");
        assert!(all.len() <= 64, "{}", all.len());
        let words: usize = all.iter().map(|p| p.terms.split(' ').count()).sum();
        assert_eq!(words, 30_000);
        assert!(pieces(&"。".repeat(400_000), "").len() <= 64);
        assert!(pieces(&"x".repeat(4_000_000), "").len() <= 64);
    }

    #[test]
    fn only_what_was_said_is_indexed() {
        let parts = [
            Part::Reasoning { text: "hidden".into(), signature: None, redacted: None },
            Part::text("said"),
            Part::Summary { text: "summed".into(), covers: vec![] },
        ];
        assert_eq!(indexed_text(Role::Assistant, &parts), "said");
        assert_eq!(indexed_text(Role::System, &parts), "");
    }
}
