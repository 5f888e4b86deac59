//! What standard output holds of a turn's words: nothing that was printed can be taken back.
use duyetbot_core::MessageId;

/// The words of the open message that were printed, and whether they end a line.
#[derive(Default)]
pub(crate) struct Printed {
    message: Option<MessageId>,
    text: String,
    characters: usize,
    line_is_open: bool,
}

impl Printed {
    /// A message begins; answers whether it is the one whose words were printed before, which now come again.
    pub(crate) fn begin(&mut self, message: MessageId) -> bool {
        if self.message == Some(message) {
            return true;
        }
        self.message = Some(message);
        self.text.clear();
        self.characters = 0;
        false
    }

    /// What of these words, which go to this offset in code points, is not printed yet. Where the message now says something
    /// else than it did, the rest stands on a line of its own.
    pub(crate) fn fresh(&mut self, offset: usize, text: &str) -> String {
        let mut fresh = String::new();
        let mut new = text;
        if offset < self.characters {
            let at = self.text.char_indices().nth(offset).map_or(self.text.len(), |(at, _)| at);
            let held = &self.text[at..];
            if held.starts_with(text) {
                return fresh;
            }
            match text.strip_prefix(held) {
                Some(rest) => new = rest,
                None => {
                    self.text.truncate(at);
                    if self.line_is_open {
                        fresh.push('\n');
                    }
                }
            }
        }
        self.text.push_str(new);
        self.characters = offset + text.chars().count();
        fresh.push_str(new);
        if !fresh.is_empty() {
            self.line_is_open = !fresh.ends_with('\n');
        }
        fresh
    }

    /// Ends the line; answers whether one was open.
    pub(crate) fn ends_line(&mut self) -> bool {
        std::mem::take(&mut self.line_is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_come_again_are_printed_once_and_others_on_a_line_of_their_own() {
        let mut printed = Printed::default();
        let (first, second) = (MessageId::new(), MessageId::new());
        assert!(!printed.begin(first));
        assert_eq!([printed.fresh(0, "né"), printed.fresh(2, "w ")], ["né", "w "]);
        assert!(printed.begin(first));
        assert_eq!([printed.fresh(0, "n"), printed.fresh(1, "éw words")], ["", "words"]);
        assert!(printed.ends_line() && !printed.ends_line());
        assert!(printed.begin(first));
        assert_eq!(printed.fresh(0, "other"), "other");
        assert!(printed.begin(first));
        assert_eq!([printed.fresh(0, "otter"), printed.fresh(5, "s")], ["\notter", "s"]);
        assert!(printed.ends_line());
        assert!(!printed.begin(second));
        assert_eq!(printed.fresh(0, "néw"), "néw");
    }
}
