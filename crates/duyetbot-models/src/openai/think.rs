//! Reasoning that stands in think tags at the beginning of the content, wherever the network cuts the tags.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
/// Bytes of white space after which no block is waited for.
const LEADING: usize = 1_024;

/// Words of an answer, told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Text(String),
    Thought(String),
}

/// Tells a leading think block from the answer.
#[derive(Default)]
pub(super) struct Think {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space has come.
    #[default]
    Beginning,
    Inside,
    /// The block is over; white space before the answer is left out.
    After,
    Answer,
}

impl Think {
    /// Takes more of the content.
    pub(super) fn push(&mut self, more: &str) -> Vec<Words> {
        self.held.push_str(more);
        let mut out = Vec::new();
        loop {
            match self.state {
                State::Beginning => {
                    let begun = self.held.trim_start();
                    if let Some(rest) = begun.strip_prefix(OPEN) {
                        self.held = rest.to_owned();
                        self.state = State::Inside;
                        continue;
                    }
                    if OPEN.starts_with(begun) && self.held.len() < LEADING {
                        return out;
                    }
                    self.state = State::Answer;
                }
                State::Inside => {
                    if let Some(at) = self.held.find(CLOSE) {
                        push(&mut out, Words::Thought(self.held[..at].to_owned()));
                        self.held.drain(..at + CLOSE.len());
                        self.state = State::After;
                        continue;
                    }
                    let keep =
                        (1..CLOSE.len()).rev().find(|n| self.held.ends_with(&CLOSE[..*n])).unwrap_or(0);
                    let rest = self.held.split_off(self.held.len() - keep);
                    push(&mut out, Words::Thought(std::mem::replace(&mut self.held, rest)));
                    return out;
                }
                State::After => {
                    self.held = self.held.trim_start().to_owned();
                    if self.held.is_empty() {
                        return out;
                    }
                    self.state = State::Answer;
                }
                State::Answer => {
                    push(&mut out, Words::Text(std::mem::take(&mut self.held)));
                    return out;
                }
            }
        }
    }

    /// The content is over.
    pub(super) fn finish(&mut self) -> Vec<Words> {
        let held = std::mem::take(&mut self.held);
        let mut out = Vec::new();
        let words = if self.state == State::Inside { Words::Thought(held) } else { Words::Text(held) };
        push(&mut out, words);
        out
    }
}

fn push(out: &mut Vec<Words>, words: Words) {
    let (Words::Text(text) | Words::Thought(text)) = &words;
    if !text.is_empty() {
        out.push(words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&str]) -> (String, String) {
        let mut think = Think::default();
        let mut words: Vec<Words> = pieces.iter().flat_map(|p| think.push(p)).collect();
        words.extend(think.finish());
        let of = |thought: bool| {
            words
                .iter()
                .filter_map(|w| match w {
                    Words::Text(t) if !thought => Some(t.as_str()),
                    Words::Thought(t) if thought => Some(t.as_str()),
                    _ => None,
                })
                .collect::<String>()
        };
        (of(true), of(false))
    }

    #[test]
    fn only_a_leading_block_is_reasoning() {
        let is = |thought: &str, text: &str| (thought.to_owned(), text.to_owned());
        assert_eq!(read(&["<", "think>se", "cret</", "think>\n\na < b"]), is("secret", "a < b"));
        assert_eq!(read(&["the tag <think> is", " x</think>"]), is("", "the tag <think> is x</think>"));
        assert_eq!(read(&["<thing>"]), is("", "<thing>"));
        assert_eq!(read(&["<th"]), is("", "<th"));
        assert_eq!(read(&["<think>never closed"]), is("never closed", ""));
    }

    #[test]
    fn white_space_without_end_is_not_held_back() {
        let mut think = Think::default();
        let given: usize = (0..2_000)
            .flat_map(|_| think.push("\n"))
            .map(|w| if let Words::Text(t) = w { t.len() } else { 0 })
            .sum();
        assert!(given >= 2_000 - LEADING, "{given}");
    }

    proptest! {
        #[test]
        fn the_chunking_changes_nothing(text in "(<think>)?[a-z <>/é\n]{0,20}(</think>)?[a-z <>\n]{0,20}", cuts in prop::collection::vec(1..5_usize, 1..10)) {
            let mut pieces = Vec::new();
            let mut rest = text.as_str();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let at = rest.char_indices().nth(*cuts.next().unwrap()).map_or(rest.len(), |(i, _)| i);
                pieces.push(&rest[..at]);
                rest = &rest[at..];
            }
            prop_assert_eq!(read(&pieces), read(&[&text]));
        }
    }
}
