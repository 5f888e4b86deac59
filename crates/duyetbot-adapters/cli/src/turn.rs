//! One turn, shown as it happens on standard output and standard error.
use duyetbot_core::{
    CallId, Chat, Code, Decision, Error, ErrorKind, Event, MessageId, Result, RunId, RunState, Session,
    ToolStatus,
    run::{Presence, hydrate},
};
use futures::StreamExt;
use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
};

use crate::{
    app::App,
    approval::{Question, heading},
    args::Format,
    deciding::Questions,
    exit::Exit,
    output::{Broken, printable},
    printed::{Fresh, Printed},
    stop::Stop,
};

/// Characters of a reason that is told.
const REASON: usize = 300;

/// Somebody asked to stop before there was anything to stop.
pub(crate) fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "it was stopped before the turn began")
}

/// One turn, shown as it happens.
pub(crate) struct Turn<'a> {
    app: &'a App,
    session: Option<Session>,
    printed: Printed,
    denied: Vec<CallId>,
    told: BTreeSet<(CallId, Told)>,
    questions: Questions,
    hint: Hint,
}

/// What a person was told of a call. A turn that goes on after a wait says it all again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Call,
    Question,
    Refusal,
}

/// Whether the person is told how to go on.
#[derive(PartialEq, Eq)]
enum Hint {
    GoOn,
    None,
}

impl<'a> Turn<'a> {
    /// A turn in this session, or in a new one.
    pub(crate) fn new(app: &'a App, session: Option<Session>) -> Self {
        Turn {
            app,
            session,
            printed: Printed::default(),
            denied: Vec::new(),
            told: BTreeSet::new(),
            questions: Questions::default(),
            hint: Hint::GoOn,
        }
    }

    /// A turn of a chat, where what comes next is plain to see.
    pub(crate) fn talking(app: &'a App) -> Self {
        Turn { hint: Hint::None, ..Turn::new(app, None) }
    }

    /// Starts the turn and shows it to its end.
    pub(crate) async fn run(self, chat: Chat, stop: &mut Stop) -> Result<Exit> {
        stop.renew();
        // Finding a model may ask the network. It is done first, because a start that commits must not be cut.
        tokio::select! {
            found = self.app.bot.agent().model(self.app.bot.scope(), chat.model.as_deref()) => drop(found?),
            () = stop.asked() => return Err(stopped()),
        }
        let run = self.app.bot.agent().start(self.app.bot.scope(), chat).await?;
        self.follow(run, 0, stop).await
    }

    /// Shows a turn from the edge of its n-th step on, to its end or until it waits for somebody elsewhere.
    pub(crate) async fn follow(mut self, run: RunId, after: u32, stop: &mut Stop) -> Result<Exit> {
        let (agent, scope) = (self.app.bot.agent(), self.app.bot.scope().clone());
        let mut events = agent.watch(&scope, run, after).await?;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                line = self.questions.line() => {
                    let line = line?;
                    self.questions.answer(self.app, run, line).await?;
                    continue;
                }
                () = stop.asked() => {
                    agent.stop(&scope, run).await?;
                    continue;
                }
            };
            let Some((_, event)) = event else {
                return Err(Error::new(ErrorKind::Internal, "the turn ended without an end; ask again"));
            };
            match self.show(run, &event).await {
                Ok(None) => {}
                Ok(Some(exit)) => return Ok(exit),
                Err(broken) => {
                    // Nobody reads the answer: the turn is stopped, and what was said stays.
                    agent.stop(&scope, run).await?;
                    while let Some((_, event)) = events.next().await {
                        if matches!(event, Event::Done { .. } | Event::Error { .. }) {
                            break;
                        }
                    }
                    return Err(broken.into());
                }
            }
        }
    }

    async fn show(&mut self, run: RunId, event: &Event) -> std::result::Result<Option<Exit>, Broken> {
        if self.app.output.format == Format::StreamJson {
            let line = duyetbot_wire::Event::from(event);
            let line = serde_json::to_string(&line).map_err(|e| Broken::Failed(e.into()))?;
            self.app.output.write(&format!("{line}\n"))?;
        }
        match event {
            Event::Approval { call, tool, input, reason } => {
                return self.approval(run, call, tool, input, reason).await;
            }
            // A run that waits tells nothing else: it went on.
            _ => self.questions.drop_all(self.app),
        }
        match event {
            Event::Begin { message } => self.begin(*message)?,
            Event::Content { offset, text } => self.content(*offset, text)?,
            Event::Tool { call, tool, input } if self.text() && self.tells(call, Told::Call) => {
                self.notice(&heading(tool, input))?;
            }
            Event::ToolResult { call, status: ToolStatus::Denied, tool, output }
                if self.tells(call, Told::Refusal) =>
            {
                self.denied.push(call.clone());
                self.notice(&format!("{} was refused: {}", printable(tool), first(output)))?;
            }
            Event::Message { .. } => self.told.clear(),
            Event::Done { state, usage, message } => {
                return self.done(run, *state, usage, *message).await.map(Some);
            }
            Event::Error { error, .. } => {
                self.end_line()?;
                if self.app.output.format == Format::StreamJson {
                    self.app.output.notice(error.message());
                    return Ok(Some(Exit::of(error)));
                }
                return Ok(Some(self.app.output.error(error)));
            }
            _ => {}
        }
        Ok(None)
    }

    /// A call waits: who is at this terminal is asked; else it waits for whoever decides it elsewhere, and this is all that
    /// can be shown.
    async fn approval(
        &mut self,
        run: RunId,
        call: &CallId,
        tool: &str,
        input: &str,
        reason: &str,
    ) -> std::result::Result<Option<Exit>, Broken> {
        if !self.tells(call, Told::Question) {
            return Ok(None);
        }
        self.end_line()?;
        if self.app.bot.server().is_some() && self.app.presence == Presence::Nobody {
            // An agent of this process would have been told that nobody is there to decide.
            let decided = self.app.bot.agent().decide(self.app.bot.scope(), run, call, Decision::Deny).await;
            return match decided {
                Err(error) if !error.is(Code::NotPending) => Ok(Some(self.app.output.error(&error))),
                _ => Ok(None),
            };
        }
        if self.text() && io::stdin().is_terminal() && io::stderr().is_terminal() {
            let question = Question::new(self.app.bot.toolbox(), call, tool, input, reason);
            let failed = |error: Error| Broken::Failed(io::Error::other(error));
            self.questions.add(self.app, question).map_err(failed)?;
            return Ok(None);
        }
        self.app.output.notice(&format!(
            "{} waits for a decision; `duyetbot approvals ls` shows what waits, `duyetbot approvals allow {}` lets it run",
            heading(tool, input),
            printable(&call.0)
        ));
        if self.app.output.is_json() {
            let usage = duyetbot_wire::Usage::from(duyetbot_core::Usage::default());
            self.answer(run, RunState::Waiting, None, usage)?;
        }
        Ok(Some(Exit::Done))
    }

    /// Is it told now, and was not before?
    fn tells(&mut self, call: &CallId, what: Told) -> bool {
        self.told.insert((call.clone(), what))
    }

    fn text(&self) -> bool {
        self.app.output.format == Format::Text
    }

    fn begin(&mut self, message: MessageId) -> std::result::Result<(), Broken> {
        if self.printed.begin(message) { Ok(()) } else { self.end_line() }
    }

    fn content(&mut self, offset: usize, text: &str) -> std::result::Result<(), Broken> {
        if !self.text() {
            return Ok(());
        }
        let line_was_open = self.printed.line_is_open();
        let fresh = match self.printed.fresh(offset, text) {
            Fresh::On(words) => words,
            Fresh::Anew(words) if line_was_open => format!("\n{words}"),
            Fresh::Anew(words) => words,
        };
        self.app.output.write(&self.app.output.clean(&fresh))
    }

    fn end_line(&mut self) -> std::result::Result<(), Broken> {
        if self.text() && self.printed.ends_line() {
            self.app.output.write("\n")?;
        }
        Ok(())
    }

    /// A notice amid the answer gets a line of its own where both are seen.
    fn notice(&mut self, text: &str) -> std::result::Result<(), Broken> {
        if io::stdout().is_terminal() {
            self.end_line()?;
        }
        self.app.output.notice(text);
        Ok(())
    }

    async fn done(
        &mut self,
        run: RunId,
        state: RunState,
        usage: &duyetbot_core::Usage,
        message: Option<MessageId>,
    ) -> std::result::Result<Exit, Broken> {
        self.end_line()?;
        let failed = |error: Error| Broken::Failed(std::io::Error::other(error));
        let mut stored = None;
        if let Some(id) = message {
            let store = self.app.bot.store();
            let found = store.message(self.app.bot.scope(), run.session, id).await.map_err(failed)?;
            stored = Some(hydrate(self.app.bot.blobs(), self.app.bot.scope(), found).await.map_err(failed)?);
        }
        if stored.as_ref().is_some_and(|m| m.cut) && state == RunState::Done {
            self.app.output.notice("the answer was cut at the model's limit; say \"go on\" for the rest");
        }
        if self.app.output.is_json() {
            let message = stored.map(duyetbot_wire::Message::from);
            self.answer(run, state, message, duyetbot_wire::Usage::from(*usage))?;
        } else if self.session.is_none() && self.text() && self.hint == Hint::GoOn {
            let there = if self.app.bot.server().is_some() { " --remote" } else { "" };
            let words = format!("session {}; go on with: duyetbot ask{there} -c \"…\"", run.session);
            self.app.output.notice(&words);
        }
        Ok(match state {
            RunState::Cancelled => Exit::Stopped,
            _ if !self.denied.is_empty() && self.app.presence == Presence::Nobody => Exit::Refused,
            _ => Exit::Done,
        })
    }

    fn answer(
        &self,
        run: RunId,
        state: RunState,
        message: Option<duyetbot_wire::Message>,
        usage: duyetbot_wire::Usage,
    ) -> std::result::Result<(), Broken> {
        let answer = duyetbot_wire::ChatReply {
            run_id: run.to_string(),
            session_id: run.session.to_string(),
            state,
            message,
            usage,
            denied: self.denied.iter().map(ToString::to_string).collect(),
        };
        let line = serde_json::to_string(&answer).map_err(|e| Broken::Failed(e.into()))?;
        self.app.output.write(&format!("{line}\n"))
    }
}

/// The beginning of a reason, on one line.
pub(crate) fn first(output: &str) -> String {
    let line = output.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(REASON) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
