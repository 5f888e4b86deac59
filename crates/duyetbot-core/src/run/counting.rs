//! What an answer used, where its provider does not say: it tells at the end, if at all, and a cut answer has none.
use super::{
    checkpoint::{Checkpoint, Draft, DraftPart},
    context::tokens,
    said::said,
};
use crate::{message::Usage, run_row::DraftChunk};

/// Whether an answer came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Wholly,
    InPart,
}

/// What asking for an answer uses, until its provider says so.
pub(super) fn asked(input: u64) -> Usage {
    Usage { input, estimated: true, ..Usage::default() }
}

impl Draft {
    /// Counts the words of the answer, where nobody else did. A model that was not said to use anything uses nothing.
    pub(super) fn count(&mut self, answered: Answered) {
        let cut_short = answered == Answered::InPart && self.usage.input > 0;
        let said = self.parts.iter().map(part_tokens).sum();
        if (self.usage.estimated || cut_short) && said > self.usage.output {
            self.usage.output = said;
            self.usage.estimated = true;
        }
    }
}

impl Checkpoint {
    /// An answer came to nothing: what it used counts with the next message.
    pub(super) fn waste(&mut self, usage: &Usage) {
        self.wasted = self.wasted.plus(usage);
    }
}

/// What was flushed of an answer whose process died, as a draft.
pub(super) fn left(chunks: &[DraftChunk]) -> Draft {
    let mut draft = said(chunks);
    draft.usage.estimated = !chunks.is_empty();
    draft.count(Answered::InPart);
    draft
}

fn part_tokens(part: &DraftPart) -> u64 {
    match part {
        DraftPart::Text { text } | DraftPart::Reasoning { text, .. } => tokens(text),
        DraftPart::Tool(call) => tokens(&call.tool) + tokens(&call.input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str, usage: Usage) -> Draft {
        Draft { parts: vec![DraftPart::Text { text: text.to_owned() }], usage, cut: false }
    }

    fn counted(text: &str, usage: Usage, answered: Answered) -> Usage {
        let mut draft = draft(text, usage);
        draft.count(answered);
        draft.usage
    }

    #[test]
    fn what_the_provider_says_at_the_end_is_what_counts_and_nothing_else_does() {
        for usage in [Usage { input: 10, output: 2, ..Usage::default() }, Usage::default()] {
            assert_eq!(counted("a long answer of many words", usage, Answered::Wholly), usage);
        }
        let untold = counted("a long answer", asked(10), Answered::Wholly);
        assert_eq!(untold, Usage { input: 10, output: 4, estimated: true, ..Usage::default() });
    }

    #[test]
    fn an_answer_that_was_cut_has_used_what_was_said_of_it() {
        let begun = Usage { input: 10, output: 1, ..Usage::default() };
        let cut = Usage { input: 10, output: 4, estimated: true, ..Usage::default() };
        assert_eq!(counted("a long answer", begun, Answered::InPart), cut);
        assert_eq!(counted("a long answer", asked(10), Answered::InPart), cut);
        assert_eq!(counted("from memory", Usage::default(), Answered::InPart), Usage::default());
        let flushed = left(&[DraftChunk::Text("a long".into()), DraftChunk::Text(" answer".into())]);
        assert_eq!(flushed.usage, Usage { input: 0, ..cut });
        assert_eq!(left(&[]), Draft::default());
    }
}
