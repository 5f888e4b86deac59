//! What is looked for: the terms of a question, or of words that a person typed to search.
use super::{
    english::{ASK, STOP},
    terms::{Part, fold, normal, pairs, parts_of, stem, words},
};
use crate::store::Term;

/// Terms of a query that count.
const MOST_TERMS: usize = 64;
/// Bytes of a query that are read.
const LONGEST_QUERY: usize = 8 * 1024;

/// Terms to look up, and texts that a hit must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) terms: Vec<Term>,
    pub(super) quoted: Vec<String>,
    pub(super) words: Vec<String>,
}

impl Query {
    /// There is no letter or digit to look for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
    fn add(&mut self, term: Term) {
        if self.terms.len() < MOST_TERMS && !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }
}

fn readable(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_QUERY)]
}

/// The terms of a question, for recall: without words of grammar and of asking, unless nothing else is there.
pub fn query(text: &str) -> Query {
    let text = normal(readable(text)).into_owned();
    let stop = |word: &str, list: &[&str]| list.binary_search(&fold(word).as_str()).is_ok();
    let all: Vec<&str> = words(&text).filter(|w| !stop(w, STOP)).collect();
    let kept: Vec<&str> = all.iter().copied().filter(|w| !stop(w, ASK)).collect();
    let mut query = Query::default();
    for word in if kept.is_empty() { all } else { kept } {
        query.words.push(fold(word));
        for part in parts_of(word) {
            match part {
                Part::Name { whole, parts } => {
                    query.add(Term::Is(stem(&whole)));
                    for part in parts.iter().filter(|p| !stop(p, STOP)) {
                        query.add(Term::Is(stem(part)));
                    }
                }
                // The last character alone is for a person's search.
                Part::Run(run) if run.chars().nth(1).is_some() => {
                    pairs(&run).into_iter().for_each(|pair| query.add(Term::Is(pair)));
                }
                Part::Run(run) => query.add(Term::Prefix(run)),
            }
        }
    }
    query
}

/// The terms of words that a person typed: all of them count, the last may be unfinished, and what stands in quotes must
/// stand so in the text.
///
/// ```
/// assert!(duyetbot_core::index::typed_query("*?!").is_empty());
/// ```
pub fn typed_query(text: &str) -> Query {
    let text = normal(readable(text)).into_owned();
    let mut query = Query {
        quoted: text.split('"').skip(1).step_by(2).map(fold).filter(|q| !q.trim().is_empty()).collect(),
        ..Query::default()
    };
    let all: Vec<&str> = words(&text).collect();
    for (n, word) in all.iter().enumerate() {
        query.words.push(fold(word));
        for part in parts_of(word) {
            match part {
                Part::Name { whole, parts } => {
                    query.add(Term::Is(stem(&whole)));
                    parts.iter().for_each(|part| query.add(Term::Is(stem(part))));
                    if n + 1 == all.len() {
                        query.add(Term::Prefix(whole));
                    }
                }
                Part::Run(run) if run.chars().nth(1).is_some() => {
                    pairs(&run).into_iter().for_each(|pair| query.add(Term::Is(pair)));
                }
                Part::Run(run) => query.add(Term::Prefix(run)),
            }
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_lists_are_in_order() {
        for list in [STOP, ASK] {
            assert!(list.windows(2).all(|w| w[0] < w[1]), "{list:?}");
        }
    }

    #[test]
    fn a_question_is_what_it_asks_for() {
        let is = |words: &[&str]| words.iter().map(|w| Term::Is((*w).to_owned())).collect::<Vec<_>>();
        assert_eq!(query("What did we say about Ada's parsers?").terms, is(&["ada", "parser"]));
        assert_eq!(query("What did you say?").terms, is(&["say"]));
        assert_eq!(query("评审会议").terms, is(&["评审", "审会", "会议"]));
        assert!(query("?!").is_empty());
    }

    #[test]
    fn typed_words_all_count_and_the_last_may_be_unfinished() {
        assert_eq!(
            typed_query("the pars").terms,
            [Term::Is("the".into()), Term::Is("par".into()), Term::Prefix("pars".into())]
        );
        assert_eq!(typed_query("会").terms, [Term::Prefix("会".into())]);
        assert_eq!(typed_query("say \"Two Words\"").quoted, ["two words"]);
    }
}
