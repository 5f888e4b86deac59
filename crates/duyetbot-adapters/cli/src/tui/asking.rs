//! What the interface does about calls that wait for the person.
use crossterm::event::Event as Input;
use duyetbot_core::{CallId, Code, Event, Result, Watched};
use futures::Stream;
use std::{
    io::{self, Write},
    time::Duration,
};
use tokio::time::Instant;

use super::{answers::Answer, driver::Driver, jobs, state::Trigger};
use crate::{
    approval::Question,
    deciding::{ELSEWHERE, allow_from_now_on},
};

/// Who typed this shortly before a question came goes on typing.
const QUIET: Duration = Duration::from_millis(400);
/// A letter is an answer if no other key follows within this: who types a text is faster.
const MOMENT: Duration = Duration::from_millis(500);

impl<'a, W: Write, K: Stream<Item = io::Result<Input>> + Unpin> Driver<'a, W, K> {
    pub(super) async fn decide(&mut self, answers: Vec<Answer>) {
        for mut answer in answers {
            if !answer.rules.is_empty()
                && let Err(error) = allow_from_now_on(self.app, &answer.rules)
            {
                self.state.failure(error.message());
                answer.rules.clear();
            }
            let Some((run, _)) = &self.run else { return };
            let (agent, scope) = (self.app.bot.agent(), self.app.bot.scope());
            match agent.decide(scope, *run, &answer.question.call, answer.decision).await {
                Ok(_) => self.state.note(&format!("  {}", answer.told())),
                Err(error) if error.is(Code::NotPending) => self.elsewhere(&answer.question),
                Err(error) => self.state.failure(error.message()),
            }
        }
    }

    fn elsewhere(&mut self, question: &Question) {
        self.state.note(&format!("{ELSEWHERE}: {}", question.heading));
    }

    /// Of several calls that wait one may be decided elsewhere, and nothing else happens.
    pub(super) fn look(&mut self) {
        let calls = self.state.turn.calls_that_wait();
        match &self.run {
            Some((run, _)) if calls.len() > 1 => {
                let run = *run;
                self.look.get_or_insert_with(|| Box::pin(jobs::decided(self.app, run, calls)));
            }
            _ => self.look = None,
        }
    }

    /// These calls wait no longer.
    pub(super) fn looked(&mut self, decided: Result<Vec<CallId>>) {
        self.look = None;
        match decided {
            Ok(calls) => {
                for call in calls {
                    if let Some(question) = self.state.turn.decided(&call) {
                        self.elsewhere(&question);
                    }
                }
            }
            Err(error) => self.state.failure(error.message()),
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
