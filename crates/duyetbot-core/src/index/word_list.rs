//! Word lists by language. Without one for a language its words all count, and recall still works.
use super::{
    english::ENGLISH,
    terms::{fold, place},
};

/// What says nothing of what a question is about, in one language. Single words are in order and folded.
pub(super) struct WordList {
    /// Words of grammar.
    pub(super) stop: &'static [&'static str],
    /// Words about the asking or about the conversation.
    pub(super) ask: &'static [&'static str],
    /// The same of several words.
    pub(super) ask_phrases: &'static [&'static [&'static str]],
    /// Phrases that ask for brevity: the rest of their sentence is no content either.
    pub(super) ask_sentences: &'static [&'static [&'static str]],
}

const LANGUAGES: &[WordList] = &[ENGLISH];

/// Is it a word of grammar?
pub(super) fn is_stop(word: &str) -> bool {
    let word = fold(word);
    LANGUAGES.iter().any(|list| list.stop.binary_search(&word.as_str()).is_ok())
}

/// Marks the words of a text that are about the asking. `words` are slices of `text`.
pub(super) fn asking(text: &str, words: &[&str]) -> Vec<bool> {
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let mut marks = vec![false; words.len()];
    for list in LANGUAGES {
        for at in 0..words.len() {
            let begins = |phrase: &&[&str]| {
                folded[at..].len() >= phrase.len() && folded[at..].iter().zip(*phrase).all(|(a, b)| a == b)
            };
            if list.ask.binary_search(&folded[at].as_str()).is_ok() {
                marks[at] = true;
            }
            if let Some(phrase) = list.ask_phrases.iter().find(|phrase| begins(phrase)) {
                marks[at..at + phrase.len()].fill(true);
            }
            if list.ask_sentences.iter().any(begins) {
                let end = sentence_end(text, words[at]);
                let length = words[at..].iter().take_while(|word| place(text, word) < end).count();
                marks[at..at + length].fill(true);
            }
        }
    }
    marks
}

fn sentence_end(text: &str, word: &str) -> usize {
    let start = place(text, word);
    text[start..].find(['.', '?', '!']).map_or(text.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_lists_are_in_order() {
        for list in LANGUAGES.iter().flat_map(|l| [l.stop, l.ask]) {
            assert!(list.windows(2).all(|w| w[0] < w[1]), "{list:?}");
        }
    }
}
