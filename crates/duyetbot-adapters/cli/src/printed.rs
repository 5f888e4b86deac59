//! What standard output holds of a turn's words: nothing that was printed can be taken back.
use duyetbot_core::MessageId;

/// The words of the open message that were printed, and whether they end a line.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    message: Option<MessageId>,
    text: String,
    characters: usize,
    line_is_open: bool,
}

/// What has to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// These words go on with those that were printed. They may be none.
    On(String),
    /// The message now says something else than what was printed: all its words so far.
    Anew(String),
}

impl Printed {
    /// A message begins; answers whether it is the one whose words were printed before, which now come again.
    pub(crate) fn begin(&mut self, message: MessageId) -> bool {
        if self.message == Some(message) {
            return true;
        }
        *self = Printed { message: Some(message), line_is_open: self.line_is_open, ..Printed::default() };
        false
    }

    /// What is new in these words, which begin at this offset in code points.
    pub(crate) fn fresh(&mut self, offset: usize, text: &str) -> Fresh {
        let at = match offset.checked_sub(self.characters) {
            Some(_) => self.text.len(),
            None => self.text.char_indices().nth(offset).map_or(self.text.len(), |(at, _)| at),
        };
        let held = &self.text[at..];
        if held.starts_with(text) {
            return Fresh::On(String::new());
        }
        let fresh = match text.strip_prefix(held) {
            Some(rest) => {
                self.text.push_str(rest);
                Fresh::On(rest.to_owned())
            }
            None => {
                self.text.truncate(at);
                self.text.push_str(text);
                Fresh::Anew(self.text.clone())
            }
        };
        self.characters = offset + text.chars().count();
        self.line_is_open = !self.text.is_empty() && !self.text.ends_with('\n');
        fresh
    }

    /// Do the printed words end without a line feed?
    pub(crate) fn line_is_open(&self) -> bool {
        self.line_is_open
    }

    /// Ends the line; answers whether one was open.
    pub(crate) fn ends_line(&mut self) -> bool {
        std::mem::take(&mut self.line_is_open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(words: &str) -> Fresh {
        Fresh::On(words.to_owned())
    }

    #[test]
    fn words_that_come_again_are_printed_once_and_others_from_their_beginning() {
        let mut printed = Printed::default();
        let (first, second) = (MessageId::new(), MessageId::new());
        assert!(!printed.begin(first));
        assert_eq!([printed.fresh(0, "né"), printed.fresh(2, "w ")], [on("né"), on("w ")]);
        assert!(printed.begin(first));
        assert_eq!([printed.fresh(0, "n"), printed.fresh(1, "éw words")], [on(""), on("words")]);
        assert!(printed.ends_line() && !printed.ends_line());
        assert!(printed.begin(first));
        assert_eq!([printed.fresh(0, "né"), printed.fresh(2, "t")], [on(""), Fresh::Anew("nét".to_owned())]);
        assert_eq!(printed.fresh(3, "s"), on("s"));
        assert!(printed.ends_line());
        assert!(!printed.begin(second));
        assert_eq!(printed.fresh(0, "néw"), on("néw"));
    }
}
