//! The words of a text around what was looked for.
use std::collections::{BTreeSet, HashMap};

use super::{
    chars::without_spaces,
    terms::{fold, normal, parts_of, place, words},
};
use crate::store::Term;

/// What stands where a text was cut.
const CUT: char = '…';

/// Recognises the terms of a query in a text.
pub(super) struct Finder<'a> {
    whole: HashMap<&'a str, usize>,
    prefixes: Vec<(&'a str, usize)>,
    /// The ASCII characters, one bit each, that a term begins with.
    begins: u128,
}

/// A place where a term stands, in characters.
struct Match {
    start: usize,
    end: usize,
    term: usize,
}

impl<'a> Finder<'a> {
    pub(super) fn new(terms: &'a [Term]) -> Self {
        let mut finder = Finder { whole: HashMap::new(), prefixes: Vec::new(), begins: 0 };
        for (n, term) in terms.iter().enumerate() {
            let (Term::Is(text) | Term::Prefix(text)) = term;
            finder.begins |= text.bytes().next().map_or(0, ascii_bit);
            match term {
                Term::Is(term) => drop(finder.whole.insert(term, n)),
                Term::Prefix(prefix) => finder.prefixes.push((prefix, n)),
            }
        }
        finder
    }

    /// At most about `most` characters of the text: those with the most terms. A text that fits is left as it is.
    pub(super) fn around(&self, text: &str, most: usize) -> String {
        let text = text.trim();
        if text.chars().nth(most).is_none() {
            return text.to_owned();
        }
        let (from, to) = densest(&self.matches(text), most);
        // What stands before the first match says what it is about.
        let from = from.saturating_sub((most - (to - from).min(most)) / 3);
        let mut start = byte_of(text, from);
        if from > 0 {
            let match_at = start + text[start..].char_indices().nth(most / 3).map_or(0, |(at, _)| at);
            start += text[start..match_at].find(char::is_whitespace).unwrap_or(0);
        }
        let rest = text[start..].trim_start();
        let end = byte_of(rest, most);
        let at_word = rest[..end].rfind(char::is_whitespace).filter(|at| *at > end * 3 / 4);
        let end = if end == rest.len() { end } else { at_word.unwrap_or(end) };
        let mut shown = String::new();
        shown.extend((start > 0).then_some(CUT));
        shown.push_str(rest[..end].trim_end());
        shown.extend((end < rest.len()).then_some(CUT));
        shown
    }

    fn matches(&self, text: &str) -> Vec<Match> {
        let mut found = Vec::new();
        let (mut at, mut bytes) = (0, 0);
        for word in words(text) {
            let start = place(text, word);
            at += text[bytes..start].chars().count();
            bytes = start;
            if word.contains(without_spaces) {
                self.match_characters(word, at, &mut found);
            }
            if self.cannot_match(word) {
                continue;
            }
            let length = word.chars().count();
            let terms = parts_of(&normal(word)).into_iter().flat_map(|part| part.into_terms());
            for term in terms.filter(|term| !term.starts_with(without_spaces)) {
                found.extend(self.term(&term).map(|term| Match { start: at, end: at + length, term }));
            }
        }
        found.sort_by_key(|m| m.start);
        found
    }

    /// Stemming takes long, and leaves a word its first character.
    fn cannot_match(&self, word: &str) -> bool {
        let mut begins = true;
        word.is_ascii()
            && !word.bytes().any(|b| {
                let part = begins || b.is_ascii_uppercase();
                begins = b == b'_';
                part && self.begins & ascii_bit(b.to_ascii_lowercase()) != 0
            })
    }

    /// Within a run of a script without spaces, the pairs and single characters.
    fn match_characters(&self, word: &str, at: usize, found: &mut Vec<Match>) {
        let folded: Vec<String> = word.chars().map(|c| fold(&normal(c.encode_utf8(&mut [0; 4])))).collect();
        for (n, one) in folded.iter().enumerate() {
            let pair = folded.get(n + 1).map(|next| format!("{one}{next}"));
            let pair = pair.and_then(|pair| self.whole.get(pair.as_str()).map(|term| (*term, 2)));
            let single = self.prefixes.iter().find(|(prefix, _)| one == prefix).map(|(_, term)| (*term, 1));
            let single = single.or_else(|| self.whole.get(one.as_str()).map(|term| (*term, 1)));
            for (term, length) in pair.into_iter().chain(single) {
                found.push(Match { start: at + n, end: at + n + length, term });
            }
        }
    }

    fn term(&self, term: &str) -> Option<usize> {
        let prefix = || self.prefixes.iter().find(|(prefix, _)| term.starts_with(prefix)).map(|(_, n)| *n);
        self.whole.get(term).copied().or_else(prefix)
    }
}

fn ascii_bit(byte: u8) -> u128 {
    1_u128.checked_shl(u32::from(byte)).unwrap_or(0)
}

/// From where to where the most terms stand within `most` characters; of equals the first.
fn densest(matches: &[Match], most: usize) -> (usize, usize) {
    let mut best = (0, (0, 0));
    for (n, first) in matches.iter().enumerate() {
        let near: Vec<&Match> = matches[n..].iter().take_while(|m| m.end <= first.start + most).collect();
        let terms = near.iter().map(|m| m.term).collect::<BTreeSet<_>>().len().max(1);
        if terms > best.0 {
            let end = near.iter().map(|m| m.end).max().unwrap_or(first.end);
            best = (terms, (first.start, end));
        }
    }
    best.1
}

/// Where the n-th character begins.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{query, terms, typed_query};

    fn around(text: &str, looked_for: &str, most: usize) -> String {
        Finder::new(typed_query(looked_for).terms()).around(text, most)
    }

    #[test]
    fn a_snippet_shows_the_words_and_not_the_start() {
        let text = format!("needle {}needles of pine {}", "hay ".repeat(5_000), "straw ".repeat(5_000));
        assert_eq!(
            around(&text, "pine needle", 60),
            "…hay hay hay needles of pine straw straw straw straw straw…"
        );
        assert_eq!(around("short", "x", 60), "short");
        assert_eq!(around(&text, "absent", 20), "needle hay hay hay…");
    }

    #[test]
    fn a_snippet_finds_the_stem_the_part_of_a_name_and_characters_within_a_run() {
        let within = |words: &str| format!("{} {words} {}", "a ".repeat(300), "b ".repeat(300));
        assert!(around(&within("they ran getUserById"), "user", 60).contains("getUserById"));
        assert!(Finder::new(query("parsed").terms()).around(&within("two parses"), 60).contains("parses"));
        let run = format!("{}评审会议{}", "天".repeat(300), "地".repeat(300));
        for looked_for in ["评审", "审会", "评"] {
            assert!(around(&run, looked_for, 60).contains("评审会议"), "{}", around(&run, looked_for, 60));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_word_is_passed_over_that_holds_a_term(word in "[a-zA-Z0-9_]{1,12}") {
            for term in terms(&word) {
                proptest::prop_assert!(!Finder::new(&[Term::Is(term.clone())]).cannot_match(&word), "{}", term);
            }
        }
    }

    #[test]
    fn a_word_is_passed_over_that_begins_otherwise() {
        let finder = |term: &str| Finder::new(&[Term::Is(term.to_owned())]).cannot_match("get_userById");
        assert_eq!(
            ["x", "e", "r", "g", "u", "b", "i"].map(finder),
            [true, true, true, false, false, false, false]
        );
    }

    #[test]
    fn a_snippet_of_a_line_without_blanks_is_bounded() {
        let text = "x".repeat(30_000);
        assert!(around(&text, &text, 200).chars().count() <= 202);
    }
}
