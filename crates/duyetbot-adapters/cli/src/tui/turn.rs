//! A turn as it is shown: events in, finished lines out, and what is still open.
use duyetbot_core::{CallId, Event, RunState, ToolStatus};
use ratatui_core::text::{Line, Span};
use std::collections::{BTreeSet, VecDeque};

use super::{
    markdown::Markdown,
    text::{Margin, clean, cut, wrap},
    theme,
    tools::{Call, indented},
};
use crate::{
    approval::Question,
    printed::{Fresh, Printed},
};

/// Calls that can be opened afterwards.
const CALLS: usize = 200;

/// Whether the model's reasoning is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fold {
    #[default]
    Closed,
    Open,
}

/// What a person sees of a session: everything that was said goes through here.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    answer: Markdown,
    /// The words of the open message that were taken.
    words: Printed,
    reasoning: Reasoning,
    pub(crate) fold: Fold,
    /// All calls that can be opened, oldest first.
    calls: VecDeque<Call>,
    /// Calls that have no result yet.
    running: Vec<Call>,
    waiting: VecDeque<Question>,
    /// The call that was shown last with all that it would do.
    shown: Option<CallId>,
    /// Calls of the open message that were asked about, and those whose end was shown. A turn that goes on after a wait says
    /// it all again.
    told: BTreeSet<(CallId, Told)>,
    last: Last,
    /// What was printed last is the beginning of the open answer.
    in_words: bool,
}

#[derive(Debug, Default)]
struct Reasoning {
    /// What is thought at present.
    open: String,
    taken: Printed,
    /// What was thought last.
    last: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Question,
    Result,
}

/// What was printed last, which decides whether an empty line follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Nothing,
    Words,
    Calls,
    Notes,
}

impl Turn {
    /// Takes an event; answers the lines that it finished.
    pub(crate) fn event(&mut self, event: &Event, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        match event {
            Event::Begin { message } => {
                self.reasoning.taken.begin(*message);
                if !self.words.begin(*message) {
                    self.end_message(columns, &mut out);
                }
            }
            Event::Content { offset, text } => {
                self.end_reasoning(columns, &mut out);
                let fresh = match self.words.fresh(*offset, text) {
                    Fresh::On(words) => words,
                    Fresh::Anew(words) => {
                        self.end_words(columns, &mut out);
                        self.note("the answer begins again", columns, &mut out);
                        words
                    }
                };
                let lines = self.answer.push(&fresh, columns);
                self.words(lines, &mut out);
            }
            Event::Reasoning { offset, text } => match self.reasoning.taken.fresh(*offset, text) {
                Fresh::On(words) => self.reasoning.open.push_str(&words),
                Fresh::Anew(words) => self.reasoning.open = words,
            },
            Event::Tool { call, tool, input } => self.calls(call, tool, input, columns, &mut out),
            Event::Approval { call, tool, input, .. } => self.calls(call, tool, input, columns, &mut out),
            Event::ToolResult { call, tool, status, output } => {
                self.result(call, tool, *status, output, columns, &mut out);
            }
            Event::Message { .. } => {
                self.end_message(columns, &mut out);
                self.told.clear();
            }
            Event::Done { state, .. } => {
                self.end_message(columns, &mut out);
                self.ended();
                if *state == RunState::Cancelled {
                    self.note("stopped; what was said stays", columns, &mut out);
                }
            }
            Event::Error { error, .. } => {
                self.end_message(columns, &mut out);
                self.ended();
                self.failure(error.message(), columns, &mut out);
            }
            Event::Run { .. } | Event::Queued | Event::Recall(_) => {}
        }
        out
    }

    /// A person's words.
    pub(crate) fn person(&mut self, text: &str, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        self.part(Last::Words, &mut out);
        self.last = Last::Words;
        let mut margin =
            Margin { first: vec![Span::styled("> ", theme::PERSON)], rest: vec![Span::raw("  ")] };
        for line in text.lines() {
            out.extend(wrap(&[Span::styled(clean(line), theme::BOLD)], columns, &margin));
            margin.first.clone_from(&margin.rest);
        }
        out
    }

    /// A stored answer.
    pub(crate) fn stored_answer(&mut self, text: &str, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let lines = self.answer.push(text, columns);
        self.words(lines, &mut out);
        self.end_words(columns, &mut out);
        out
    }

    /// A stored call.
    pub(crate) fn stored_call(&mut self, call: Call, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        self.print_call(call, columns, &mut out);
        out
    }

    /// A line of our own between what is said.
    pub(crate) fn note(&mut self, text: &str, columns: usize, out: &mut Vec<Line<'static>>) {
        self.part(Last::Notes, out);
        self.last = Last::Notes;
        for line in text.lines() {
            out.extend(wrap(&[Span::styled(clean(line), theme::DIM)], columns, &Margin::default()));
        }
    }

    /// What went wrong.
    pub(crate) fn failure(&mut self, text: &str, columns: usize, out: &mut Vec<Line<'static>>) {
        self.part(Last::Notes, out);
        self.last = Last::Notes;
        let margin = Margin { first: vec![Span::styled("✗ ", theme::BAD)], rest: vec![Span::raw("  ")] };
        out.extend(wrap(&[Span::styled(clean(text).replace('\n', " "), theme::BAD)], columns, &margin));
    }

    /// The call that waits, where one does.
    pub(crate) fn asked(&self) -> Option<&Question> {
        self.waiting.front()
    }

    /// The call that waits behind so many others.
    pub(crate) fn waits(&self, behind: usize) -> Option<&Question> {
        self.waiting.get(behind)
    }

    /// All that wait.
    pub(crate) fn calls_that_wait(&self) -> Vec<CallId> {
        self.waiting.iter().map(|question| question.call.clone()).collect()
    }

    /// Nothing waits any longer; answers whether something did.
    pub(crate) fn goes_on(&mut self) -> bool {
        let did = !self.waiting.is_empty();
        self.waiting.clear();
        self.shown = None;
        did
    }

    /// The call waits no longer; answers what was asked, where it did.
    pub(crate) fn decided(&mut self, call: &CallId) -> Option<Question> {
        let place = self.waiting.iter().position(|question| question.call == *call)?;
        self.shown = self.shown.take().filter(|shown| shown != call);
        self.waiting.remove(place)
    }

    /// The calls that can be opened, the latest first, and the place of each.
    pub(crate) fn openable(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.calls.iter().enumerate().rev()
    }

    /// The call of this place with its whole input and output.
    pub(crate) fn open(&mut self, place: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let Some(lines) = self.calls.get(place).map(Call::opened) else { return out };
        self.part(Last::Notes, &mut out);
        self.last = Last::Notes;
        out.extend(lines);
        out
    }

    /// Folds reasoning, or unfolds it: then what was thought last is shown.
    pub(crate) fn toggle_reasoning(&mut self, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        match self.fold {
            Fold::Open => {
                self.fold = Fold::Closed;
                self.note("reasoning is folded", columns, &mut out);
            }
            Fold::Closed => {
                self.fold = Fold::Open;
                let last = self.reasoning.last.clone();
                if last.is_empty() {
                    self.note("reasoning is shown from now on", columns, &mut out);
                } else {
                    self.print_reasoning(&last, columns, &mut out);
                }
            }
        }
        out
    }

    /// What is still open, at most so many rows, the latest.
    pub(crate) fn live(&self, columns: usize, rows: usize) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        if !self.reasoning.open.is_empty() {
            lines.extend(self.thinking(columns));
        }
        let open = self.answer.unfinished(columns);
        if !open.is_empty() && !self.in_words && self.last != Last::Nothing {
            lines.push(Line::default());
        }
        lines.extend(open);
        lines.extend(self.running.iter().map(|call| call.line(columns)));
        lines.split_off(lines.len().saturating_sub(rows))
    }

    /// The open message has all its words.
    fn end_message(&mut self, columns: usize, out: &mut Vec<Line<'static>>) {
        self.end_reasoning(columns, out);
        self.end_words(columns, out);
    }

    fn end_words(&mut self, columns: usize, out: &mut Vec<Line<'static>>) {
        let lines = self.answer.end(columns);
        self.words(lines, out);
        self.in_words = false;
    }

    fn end_reasoning(&mut self, columns: usize, out: &mut Vec<Line<'static>>) {
        let thought = std::mem::take(&mut self.reasoning.open);
        if thought.trim().is_empty() {
            return;
        }
        match self.fold {
            Fold::Open => self.print_reasoning(&thought, columns, out),
            Fold::Closed => {
                let words = thought.split_whitespace().count();
                self.note(&format!("∴ thought, {words} words (Ctrl-T shows them)"), columns, out);
            }
        }
        self.reasoning.last = thought;
    }

    fn print_reasoning(&mut self, text: &str, columns: usize, out: &mut Vec<Line<'static>>) {
        self.part(Last::Notes, out);
        self.last = Last::Notes;
        out.extend(reasoning_lines(text, columns));
    }

    /// What is thought at present: all of it where it is unfolded, else how much and the last words.
    fn thinking(&self, columns: usize) -> Vec<Line<'static>> {
        let text = &self.reasoning.open;
        if self.fold == Fold::Open {
            return reasoning_lines(text, columns);
        }
        let last = clean(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default());
        vec![Line::styled(cut(&format!("∴ {last}"), columns), theme::DIM)]
    }

    fn words(&mut self, lines: Vec<Line<'static>>, out: &mut Vec<Line<'static>>) {
        if lines.is_empty() {
            return;
        }
        if !self.in_words {
            self.part(Last::Words, out);
        }
        self.in_words = true;
        self.last = Last::Words;
        out.extend(lines);
    }

    fn calls(&mut self, id: &CallId, tool: &str, input: &str, columns: usize, out: &mut Vec<Line<'static>>) {
        self.end_reasoning(columns, out);
        self.end_words(columns, out);
        let is_shown = self.told.contains(&(id.clone(), Told::Result));
        if !is_shown && !self.running.iter().any(|call| call.id == *id) {
            self.running.push(Call::new(id.clone(), tool, input));
        }
    }

    /// A call waits for a person's word, once.
    pub(crate) fn asks(&mut self, question: Question) {
        if self.told.insert((question.call.clone(), Told::Question)) {
            self.waiting.push_back(question);
        }
    }

    /// All that the call would do that is asked about now, where it was not shown yet.
    pub(crate) fn question(&mut self, columns: usize) -> Vec<Line<'static>> {
        let mut out = Vec::new();
        let asked = self.waiting.front();
        if asked.map(|question| &question.call) == self.shown.as_ref() {
            return out;
        }
        self.shown = asked.map(|question| question.call.clone());
        let Some(question) = asked.cloned() else { return out };
        self.part(Last::Notes, &mut out);
        self.last = Last::Notes;
        let tool = Span::styled(question.tool.clone(), theme::WARNING.patch(theme::BOLD));
        out.extend(wrap(&[tool, Span::raw(" wants to run")], columns, &Margin::default()));
        out.extend(indented(&question.lines));
        let margin = Margin { first: vec![Span::raw("  ")], rest: vec![Span::raw("  ")] };
        out.extend(wrap(&[Span::styled(question.reason.clone(), theme::DIM)], columns, &margin));
        out
    }

    fn result(
        &mut self,
        id: &CallId,
        tool: &str,
        status: ToolStatus,
        output: &str,
        columns: usize,
        out: &mut Vec<Line<'static>>,
    ) {
        if !self.told.insert((id.clone(), Told::Result)) {
            return;
        }
        let at = self.running.iter().position(|call| call.id == *id);
        let mut call = at.map_or_else(|| Call::new(id.clone(), tool, "{}"), |at| self.running.remove(at));
        call.ends(status, output);
        self.print_call(call, columns, out);
    }

    fn print_call(&mut self, call: Call, columns: usize, out: &mut Vec<Line<'static>>) {
        if self.last != Last::Calls {
            self.part(Last::Calls, out);
        }
        self.last = Last::Calls;
        out.push(call.line(columns));
        out.extend(call.diff());
        self.calls.push_back(call);
        if self.calls.len() > CALLS {
            self.calls.pop_front();
        }
    }

    /// Nothing of the run is open any more.
    fn ended(&mut self) {
        self.running.clear();
        self.waiting.clear();
        self.shown = None;
        self.told.clear();
        self.words = Printed::default();
        self.reasoning.taken = Printed::default();
    }

    /// An empty line, where something else stands before.
    fn part(&self, next: Last, out: &mut Vec<Line<'static>>) {
        if self.last != Last::Nothing && !(self.last == Last::Notes && next == Last::Notes) {
            out.push(Line::default());
        }
    }
}

fn reasoning_lines(text: &str, columns: usize) -> Vec<Line<'static>> {
    let margin = Margin { first: vec![Span::styled("∴ ", theme::DIM)], rest: vec![Span::raw("  ")] };
    let style = theme::DIM.patch(theme::ITALIC);
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        let margin = if lines.is_empty() {
            margin.clone()
        } else {
            Margin { first: margin.rest.clone(), ..margin.clone() }
        };
        lines.extend(wrap(&[Span::styled(clean(line), style)], columns, &margin));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use duyetbot_core::MessageId;

    fn text(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    fn said(turn: &mut Turn, offset: usize, text: &str) -> Vec<Line<'static>> {
        turn.event(&Event::Content { offset, text: text.to_owned() }, 40)
    }

    #[test]
    fn what_comes_twice_is_shown_once_and_what_begins_again_says_so() {
        let mut turn = Turn::default();
        let message = MessageId::new();
        turn.event(&Event::Begin { message }, 40);
        assert_eq!(text(&said(&mut turn, 0, "one\n\ntwo")), ["one"]);
        assert_eq!(text(&said(&mut turn, 5, "two\n\nthree")), ["", "two"]);
        let again = turn.event(&Event::Begin { message }, 40);
        assert_eq!(text(&again), [""; 0]);
        assert_eq!(text(&said(&mut turn, 0, "one\n\n")), [""; 0]);
        let other = said(&mut turn, 5, "2\n\n");
        assert_eq!(text(&other), ["", "three", "", "the answer begins again", "", "one", "", "2"]);
    }

    #[test]
    fn reasoning_is_folded_until_somebody_wants_it() {
        let mut turn = Turn::default();
        turn.event(&Event::Reasoning { offset: 0, text: "Let me see.\nTwo".to_owned() }, 40);
        assert_eq!(text(&turn.live(40, 9)), ["∴ Two"]);
        assert_eq!(text(&said(&mut turn, 0, "Hi\n\n")), ["∴ thought, 4 words (Ctrl-T shows them)", "", "Hi"]);
        assert_eq!(text(&turn.toggle_reasoning(40)), ["", "∴ Let me see.", "  Two"]);
        assert_eq!(text(&turn.toggle_reasoning(40)), ["reasoning is folded"]);
    }
}
