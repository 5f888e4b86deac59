//! What is looked for: the terms of a question, or of words that a person typed to search.
use std::borrow::Cow;

use super::{
    terms::{Part, normal, pairs, parts_of, place, stem, words},
    word_list::{asking, is_stop},
};
use crate::store::Term;

/// Terms of a query that count: as many as a mask has bits.
pub(super) const MOST_TERMS: usize = 64;
/// Bytes of a query that are read; of a longer question its two ends.
const LONGEST_QUERY: usize = 8 * 1024;

/// Terms to look up, and what a hit must hold of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    words: Vec<Word>,
    quoted: Vec<String>,
}

/// A word that a person typed, by its terms: it stands where `any` of these does, or `all` of these do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    any: Mask,
    all: Mask,
    /// It is a day: the context holds the one on which a message was written.
    day: bool,
}

/// A set of a query's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask(u64);

impl Mask {
    pub(super) fn add(&mut self, term: usize) {
        self.0 |= 1 << term;
    }
    pub(super) fn join(&mut self, other: Mask) {
        self.0 |= other.0;
    }
    pub(super) fn has(self, term: usize) -> bool {
        self.0 >> term & 1 == 1
    }
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub(super) fn terms(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let term = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (term < MOST_TERMS).then_some(term)
        })
    }
    fn meets(self, other: Mask) -> bool {
        self.0 & other.0 != 0
    }
    fn covers(self, other: Mask) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Query {
    /// There is no letter or digit to look for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
    /// The terms to look up, each once, at most 64.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }
    /// How many of the typed words a message holds, of which `own` are the terms and `all` those with its context's.
    pub(super) fn words_in(&self, own: Mask, all: Mask) -> usize {
        let stands = |word: &&Word| {
            let held = if word.day { all } else { own };
            held.meets(word.any) || (!word.all.is_empty() && held.covers(word.all))
        };
        self.words.iter().filter(stands).count()
    }
    /// Must a hit hold a word? A question has terms only.
    pub(super) fn is_typed(&self) -> bool {
        !self.words.is_empty()
    }
    /// What must stand in a text as it was typed.
    pub(super) fn quoted(&self) -> &[String] {
        &self.quoted
    }
    /// The place of a term, which is added where there is room.
    fn add(&mut self, term: Term) -> Mask {
        let mut mask = Mask::default();
        let known = self.terms.iter().position(|t| *t == term);
        if let Some(at) = known {
            mask.add(at);
        } else if self.terms.len() < MOST_TERMS {
            mask.add(self.terms.len());
            self.terms.push(term);
        }
        mask
    }
}

/// The terms of a question, for recall: without possessives, words of grammar and words of asking, unless nothing else is
/// there. Of a question with more than 64 terms the first and the last count: what was pasted stands between.
///
/// ```
/// use duyetbot_core::{Term, index::query};
/// let terms = [Term::Is("ada".to_owned()), Term::Is("parser".to_owned())];
/// assert_eq!(query("What did we say about Ada's parsers?").terms(), terms);
/// ```
pub fn query(text: &str) -> Query {
    let text = two_ends(text);
    let text = normal(&text);
    let all: Vec<&str> = words(&text).collect();
    let asking = asking(&text, &all);
    let content = |(word, _): &(&&str, &bool)| !is_stop(word);
    let content: Vec<(&&str, &bool)> = all.iter().zip(&asking).filter(content).collect();
    let only_asks = content.iter().all(|(_, asks)| **asks);
    let mut terms: Vec<Term> = Vec::new();
    for (word, _) in content.iter().filter(|(_, asks)| only_asks || !**asks) {
        terms.extend(question_terms(word).into_iter().map(Term::Is));
    }
    let mut query = Query::default();
    let distinct = distinct(terms);
    let last = distinct.len().saturating_sub(MOST_TERMS / 2).max(MOST_TERMS / 2);
    let first = distinct.iter().take(MOST_TERMS / 2);
    for term in first.chain(distinct.iter().skip(last)) {
        query.add(term.clone());
    }
    query
}

fn question_terms(word: &str) -> Vec<String> {
    let parts = parts_of(word);
    let alone = parts.len() == 1;
    let terms_of = |part| match part {
        Part::Name { whole, parts } => {
            let parts = parts.into_iter().filter(|part| !is_stop(part));
            std::iter::once(whole).chain(parts).map(|word| stem(&word)).collect()
        }
        // The last character alone is for a person's search.
        Part::Run(run) if !alone || run.chars().nth(1).is_some() => pairs(&run),
        Part::Run(run) => vec![run],
    };
    parts.into_iter().flat_map(terms_of).collect()
}

fn distinct(terms: Vec<Term>) -> Vec<Term> {
    let mut seen = std::collections::HashSet::new();
    terms.into_iter().filter(|term| seen.insert(term.clone())).collect()
}

fn two_ends(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_QUERY {
        return Cow::Borrowed(text);
    }
    let head = &text[..text.floor_char_boundary(LONGEST_QUERY / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - LONGEST_QUERY / 2)..];
    // The end begins within a word, of which half would be another word.
    let tail = tail.find(char::is_whitespace).map_or("", |at| &tail[at..]);
    Cow::Owned(format!("{head}\n{tail}"))
}

/// The terms of words that a person typed. A hit holds as many of the words as any message does; a name is also held
/// by all of its parts, the last word may be unfinished, and what stands in quotes must stand so in the text.
///
/// ```
/// assert!(duyetbot_core::index::typed_query("*?!").is_empty());
/// ```
pub fn typed_query(text: &str) -> Query {
    let text = &text[..text.floor_char_boundary(LONGEST_QUERY)];
    let mut query = Query { quoted: quoted(text), ..Query::default() };
    let text = normal(text);
    let all: Vec<&str> = words(&text).collect();
    for day in all.windows(3).filter(|words| is_day(&text, words)) {
        let mut word = Word { day: true, ..Word::default() };
        day.iter().for_each(|number| word.all.join(query.add(Term::Is((*number).to_owned()))));
        query.words.push(word);
    }
    let all: Vec<&str> = outside_days(&text, all);
    let mut kept: Vec<&str> = all.iter().copied().filter(|word| !is_stop(word)).collect();
    if kept.is_empty() {
        kept = all;
    }
    for (n, word) in kept.iter().enumerate() {
        let last = n + 1 == kept.len();
        for part in parts_of(word) {
            let word = match part {
                Part::Name { whole, parts } => name(&mut query, whole, &parts, last),
                Part::Run(run) => spaceless(&mut query, run),
            };
            if word != Word::default() && !query.words.contains(&word) {
                query.words.push(word);
            }
        }
    }
    query
}

fn name(query: &mut Query, whole: String, parts: &[String], last: bool) -> Word {
    let mut word = Word { any: query.add(Term::Is(stem(&whole))), ..Word::default() };
    for part in parts {
        word.all.join(query.add(Term::Is(stem(part))));
    }
    // One letter begins too many words to mean one of them.
    if last && (whole.chars().nth(1).is_some() || !whole.is_ascii()) {
        word.any.join(query.add(Term::Prefix(whole)));
    }
    word
}

fn spaceless(query: &mut Query, run: String) -> Word {
    let mut word = Word::default();
    if run.chars().nth(1).is_none() {
        word.any = query.add(Term::Prefix(run));
        return word;
    }
    for pair in pairs(&run) {
        word.all.join(query.add(Term::Is(pair)));
    }
    word
}

/// Are these three words a day, as `2026-11-25`?
fn is_day(text: &str, words: &[&str]) -> bool {
    let [year, month, day] = words else { return false };
    let start = place(text, year);
    let written = text.get(start..start + 10);
    written == Some(&format!("{year}-{month}-{day}"))
        && (year.len(), month.len(), day.len()) == (4, 2, 2)
        && words.iter().all(|word| word.bytes().all(|b| b.is_ascii_digit()))
}

fn outside_days<'a>(text: &str, words: Vec<&'a str>) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut rest = &words[..];
    while let Some((word, after)) = rest.split_first() {
        if rest.len() >= 3 && is_day(text, &rest[..3]) {
            rest = &rest[3..];
            continue;
        }
        kept.push(*word);
        rest = after;
    }
    kept
}

/// What stands between pairs of quotes, straight or curly.
fn quoted(text: &str) -> Vec<String> {
    let is_quote = |c| matches!(c, '"' | '“' | '”');
    let parts: Vec<&str> = text.split(is_quote).collect();
    // An unpaired quote closes nothing: it has no part after it.
    let pairs = (parts.len() - 1) / 2;
    let inside = parts.iter().skip(1).step_by(2).take(pairs);
    inside.map(|quote| quote.trim().to_owned()).filter(|quote| !quote.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(words: &[&str]) -> Vec<Term> {
        words.iter().map(|w| Term::Is((*w).to_owned())).collect()
    }

    #[test]
    fn a_question_is_what_it_asks_for() {
        assert_eq!(query("What did we say about Ada's parsers?").terms, is(&["ada", "parser"]));
        assert_eq!(query("What did you say?").terms, is(&["say"]));
        assert_eq!(query("Walk me through the parser. Mention only names!").terms, is(&["parser"]));
        assert_eq!(query("评审会议").terms, is(&["评审", "审会", "会议"]));
        assert_eq!(query("user_of_the_parser").terms, is(&["userofthepars", "user", "parser"]));
        assert!(query("?!").is_empty());
    }

    #[test]
    fn of_a_long_question_both_ends_count() {
        let log: String = (0..100_000).map(|n| format!("w{n}x\n")).collect();
        let terms = query(&format!("Ada pastes\n{log}what broke the parser?")).terms;
        assert_eq!(terms.len(), MOST_TERMS);
        assert_eq!(terms[..3], is(&["ada", "past", "w0x"]));
        assert_eq!(terms[MOST_TERMS - 3..], is(&["w99999x", "broke", "parser"]));
    }

    #[test]
    fn a_typed_name_is_held_whole_or_by_its_parts_and_the_last_word_may_be_unfinished() {
        let query = typed_query("the user_by pars");
        let mut terms = is(&["userbi", "user", "by", "par"]);
        terms.push(Term::Prefix("pars".into()));
        assert_eq!(query.terms, terms);
        let held = |terms: &[usize]| {
            let mut mask = Mask::default();
            terms.iter().for_each(|term| mask.add(*term));
            query.words_in(mask, mask)
        };
        assert_eq!((held(&[0, 4]), held(&[1, 2, 3]), held(&[1, 2]), held(&[1])), (2, 2, 1, 0));
        assert_eq!(typed_query("会").terms, [Term::Prefix("会".into())]);
        assert_eq!(typed_query("to be").terms, [is(&["to", "be"]), vec![Term::Prefix("be".into())]].concat());
    }

    #[test]
    fn a_typed_day_may_stand_in_the_context_and_other_words_may_not() {
        let query = typed_query("dentist 2026-11-25");
        let mut terms = is(&["2026", "11", "25", "dentist"]);
        terms.push(Term::Prefix("dentist".into()));
        assert_eq!(query.terms, terms);
        let mut own = Mask::default();
        own.add(3);
        let mut all = own;
        [0, 1, 2].iter().for_each(|term| all.add(*term));
        assert_eq!((query.words_in(own, own), query.words_in(own, all)), (1, 2));
        assert_eq!(query.words_in(Mask::default(), all), 1);
    }

    #[test]
    fn quotes_are_taken_in_pairs_as_they_were_typed() {
        assert_eq!(typed_query("say \"Two Words\" and “more”").quoted, ["Two Words", "more"]);
        assert_eq!(typed_query("12\" screen").quoted, Vec::<String>::new());
        assert_eq!(typed_query("\"a b\" 12\" screen").quoted, ["a b"]);
    }
}
