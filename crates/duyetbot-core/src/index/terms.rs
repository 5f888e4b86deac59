//! Text into terms: the one function that every search index and every query goes through.
use foldhash::fast::RandomState;
use rust_stemmers::{Algorithm, Stemmer};
use std::{borrow::Cow, cell::RefCell, hash::BuildHasher, iter};
use unicode_normalization::UnicodeNormalization;

use super::chars::{in_word, is_accent, is_small, without_spaces};

/// The version of [`terms`] and [`super::pieces`]. A store keeps it beside its index; another one means: index anew.
pub const TERMS_VERSION: u32 = 2;

/// Characters of a word that count. A longer one (a key, a blob in base 64) is found by its beginning.
const LONGEST: usize = 64;

/// The terms of a text, in its order, repeats kept.
///
/// NFKC; case and accents folded; English stems. A name gives itself whole and its parts at humps and underscores.
/// Scripts without spaces give overlapping pairs of characters and the last character alone.
///
/// ```
/// use duyetbot_core::index::terms;
/// assert_eq!(terms("Running getUserById"), ["run", "getuserbyid", "get", "user", "by", "id"]);
/// assert_eq!(terms("项目评审"), ["项目", "目评", "评审", "审"]);
/// ```
pub fn terms(text: &str) -> Vec<String> {
    let text = normal(text);
    words(&text).flat_map(parts_of).flat_map(Part::into_terms).collect()
}

/// The text in NFKC.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// Runs of letters, digits, marks and underscores.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !in_word(c)).filter(|word| !word.is_empty())
}

/// The byte at which a slice of the text, such as one of its words, begins.
pub(super) fn place(text: &str, slice: &str) -> usize {
    slice.as_ptr() as usize - text.as_ptr() as usize
}

/// What a word is made of: each stretch of it is a name or a run of a script without spaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A name: the whole, and its parts where it has several.
    Name {
        /// The folded name without underscores, not stemmed.
        whole: String,
        /// Its folded parts, not stemmed; empty where it is of one piece.
        parts: Vec<String>,
    },
    /// A run of a script without spaces, folded.
    Run(String),
}

impl Part {
    /// The terms that the index gets.
    pub(super) fn into_terms(self) -> Vec<String> {
        match self {
            Part::Name { whole, parts } => std::iter::once(whole)
                .chain(parts)
                .map(|word| stem(&word))
                .filter(|t| !t.is_empty())
                .collect(),
            Part::Run(run) => {
                let mut terms = pairs(&run);
                terms.extend(run.chars().last().map(String::from));
                terms
            }
        }
    }
}

/// The overlapping pairs of characters of a run.
pub(super) fn pairs(run: &str) -> Vec<String> {
    run.chars().zip(run.chars().skip(1)).map(|(a, b)| String::from_iter([a, b])).collect()
}

/// Takes a word apart.
pub(super) fn parts_of(word: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let spaceless = without_spaces(first);
        let end = rest.find(|c| without_spaces(c) != spaceless).unwrap_or(rest.len());
        let (stretch, after) = rest.split_at(end);
        rest = after;
        if spaceless {
            found.push(Part::Run(fold(stretch)));
        } else if let Some(name) = name(stretch) {
            found.push(name);
        }
    }
    found
}

fn name(stretch: &str) -> Option<Part> {
    let mut parts: Vec<&str> = humps(stretch);
    let whole = bounded(&fold(&parts.concat()));
    if parts.len() < 2 {
        parts.clear();
    }
    let parts = parts.into_iter().map(|part| bounded(&fold(part))).collect();
    (!whole.is_empty()).then_some(Part::Name { whole, parts })
}

/// Cuts a name at underscores and humps: `getUser2Id` before `U` and `I`, `HTTPServer` before `S`.
fn humps(name: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut after_small = false;
    let mut after_capital = false;
    for (at, c) in name.char_indices() {
        let next = &name[at + c.len_utf8()..];
        let begins_word = after_capital && next.chars().next().is_some_and(is_small);
        if c == '_' || (c.is_uppercase() && (after_small || begins_word)) {
            parts.push(&name[start..at]);
            start = if c == '_' { at + 1 } else { at };
        }
        after_small = is_small(c) || (after_small && c.is_numeric());
        after_capital = c.is_uppercase();
    }
    parts.push(&name[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Without case, and accents of Latin, Greek and Cyrillic taken off.
pub(super) fn fold(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    lower.nfd().filter(|c| !is_accent(*c)).flat_map(without_case).nfc().collect()
}

/// What lower case leaves different that no case tells apart.
fn without_case(c: char) -> impl Iterator<Item = char> {
    let (one, two) = match c {
        'ß' => ('s', Some('s')),
        'ς' => ('σ', None),
        c => (c, None),
    };
    iter::once(one).chain(two)
}

fn bounded(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

/// The English stem; a word of another language has mostly itself as stem. A word at the bound has lost its ending.
pub(super) fn stem(word: &str) -> String {
    if word.len() >= LONGEST && word.chars().nth(LONGEST - 1).is_some() {
        return word.to_owned();
    }
    STEMS.with_borrow_mut(|stems| stems.of(word))
}

thread_local! {
    static STEMS: RefCell<Stems> = RefCell::default();
}

/// Words and their stems: a text says a few words over and over, and to find a stem costs more than all else that is done
/// to a word.
#[derive(Default)]
struct Stems {
    hasher: RandomState,
    places: Vec<Option<(Box<str>, Box<str>)>>,
}

impl Stems {
    const PLACES: usize = 1024;

    /// A word that comes to the place of another takes it.
    fn of(&mut self, word: &str) -> String {
        self.places.resize(Self::PLACES, None);
        let place = &mut self.places[self.hasher.hash_one(word) as usize % Self::PLACES];
        if let Some((_, stem)) = place.as_ref().filter(|(kept, _)| **kept == *word) {
            return (**stem).to_owned();
        }
        let stem = Stemmer::create(Algorithm::English).stem(word).into_owned();
        *place = Some((word.into(), stem.as_str().into()));
        stem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_that_was_kept_is_that_of_its_word_also_where_words_share_a_place() {
        let words: Vec<String> = (0..4 * Stems::PLACES).map(|n| format!("w{n}ings")).collect();
        let stemmer = Stemmer::create(Algorithm::English);
        for word in words.iter().flat_map(|word| [word, word]).chain(&words) {
            assert_eq!(stem(word), stemmer.stem(word));
        }
    }
}
