//! What the interface does about calls that wait for the person.
use crossterm::event::Event as Input;
use duyetbot_core::{Code, Event, Watched};
use futures::Stream;
use std::{
    io::{self, Write},
    time::Duration,
};
use tokio::time::Instant;

use super::{answers::Answer, driver::Driver, state::Trigger};
use crate::{approval::Question, deciding::allow_from_now_on};

/// Who typed this shortly before a question came goes on typing.
const QUIET: Duration = Duration::from_millis(400);
/// A letter is an answer if no other key follows within this: who types a text is faster.
const MOMENT: Duration = Duration::from_millis(500);

/// What a person is told whose question somebody else has answered.
const ELSEWHERE: &str = "it was decided elsewhere";

impl<'a, W: Write, K: Stream<Item = io::Result<Input>> + Unpin> Driver<'a, W, K> {
    pub(super) async fn decide(&mut self, answers: Vec<Answer>) {
        for Answer { call, decision, rules } in answers {
            if !rules.is_empty()
                && let Err(error) = allow_from_now_on(self.app, &rules)
            {
                self.state.failure(error.message());
            }
            let Some((run, _)) = &self.run else { return };
            match self.app.bot.agent().decide(self.app.bot.scope(), *run, &call, decision).await {
                Ok(_) => {}
                Err(error) if error.is(Code::NotPending) => self.state.note(ELSEWHERE),
                Err(error) => self.state.failure(error.message()),
            }
        }
    }

    /// No key came for a while.
    pub(super) async fn quiet(&mut self) {
        self.quiet = None;
        self.state.trigger = Trigger::Armed;
        let answers = self.state.held_long();
        self.decide(answers).await;
    }

    /// A key came: whatever waits for a quiet keyboard waits anew.
    pub(super) fn guard(&mut self) {
        if self.state.held.is_open() {
            self.quiet = Some(Instant::now() + MOMENT);
        } else if self.state.trigger == Trigger::Safe && self.state.turn.asked().is_some() {
            self.quiet = Some(Instant::now() + QUIET);
        }
    }

    pub(super) fn event(&mut self, event: Option<Watched>) {
        let Some((run, _)) = &self.run else { return };
        let run = *run;
        let Some((_, event)) = event else {
            self.state.failure("the turn ended without an end; say it again");
            return self.ended(run, None);
        };
        // A run that waits tells nothing else: it went on.
        if !matches!(event, Event::Approval { .. }) && self.state.turn.goes_on() {
            self.state.note(ELSEWHERE);
        }
        let lines = self.state.turn.event(&event, self.state.columns);
        self.state.out.extend(lines);
        match event {
            Event::Approval { call, tool, input, reason } => {
                let question = Question::new(self.app.bot.toolbox(), &call, &tool, &input, &reason);
                self.state.turn.asks(question);
                self.question();
            }
            Event::Done { usage, message, .. } => {
                self.state.status.spends(usage);
                self.ended(run, message);
            }
            Event::Error { .. } => self.ended(run, None),
            _ => {}
        }
    }

    /// A call is asked about: a key may still belong to what the person was typing.
    fn question(&mut self) {
        match self.typed.map(|typed| typed + QUIET).filter(|quiet| *quiet > Instant::now()) {
            Some(quiet) => {
                self.state.trigger = Trigger::Safe;
                self.quiet = Some(quiet);
            }
            None => self.state.trigger = Trigger::Armed,
        }
    }
}
