//! `duyetbot ask`: one turn.
use duyetbot_core::{
    Agent, CallId, Chat, Error, ErrorKind, Event, MessageId, Origin, Result, RunId, RunState, Session,
    ToolStatus, run::hydrate,
};
use futures::StreamExt;
use serde::Serialize;
use std::collections::BTreeSet;

use crate::{
    app::App,
    args::{Ask, Format},
    exit::Exit,
    input::{self, Need},
    output::Broken,
    sessions::{find, say_where_it_belongs},
    stop::Stop,
};

/// Runs the command.
pub(crate) async fn ask(app: &App, args: Ask) -> Result<Exit> {
    let mut stop = Stop::listen()?;
    let prompt = tokio::select! {
        prompt = prompt(app, &args) => prompt?,
        () = stop.asked() => return Err(stopped()),
    };
    let session = session(app, &args).await?;
    let mut chat = Chat::new(prompt);
    chat.origin = Origin::Cli;
    chat.max_steps = args.max_steps;
    chat.place = Some(app.environment.place());
    if let Some(session) = &session {
        chat = chat.in_session(session.id);
    }
    app.bot.agent().adopt_orphans().await?;
    Turn::new(app, session).run(chat, &mut stop).await
}

/// Somebody asked to stop before there was anything to stop.
fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "it was stopped before the turn began")
}

async fn prompt(app: &App, args: &Ask) -> Result<String> {
    let typed = args.prompt.join(" ");
    let need = match (typed.trim().is_empty(), args.stdin) {
        (true, _) if !args.prompt.is_empty() => {
            return Err(Error::invalid("the prompt is empty; say something"));
        }
        (true, _) => Need::Prompt,
        (false, true) => Need::AllContext,
        (false, false) => Need::Context,
    };
    match (need, input::read(need, &app.output).await?) {
        (Need::Prompt, Some(piped)) => Ok(piped),
        (Need::Prompt, None) => Err(Error::invalid(
            "there is no prompt; give one as an argument (duyetbot ask \"…\") or on standard input",
        )),
        (_, Some(piped)) => Ok(format!("{typed}\n\n<context>\n{piped}\n</context>")),
        (_, None) => Ok(typed),
    }
}

async fn session(app: &App, args: &Ask) -> Result<Option<Session>> {
    if let Some(id) = &args.resume {
        let session = find(app, id).await?;
        say_where_it_belongs(app, &session);
        return Ok(Some(session));
    }
    if !args.go_on {
        return Ok(None);
    }
    let newest = app.newest_here().await?;
    match &newest {
        Some(session) => app.output.notice(&format!("going on with {} ({})", session.title, session.id)),
        None => app.output.notice("no session was begun in this directory yet; beginning one"),
    }
    Ok(newest)
}

/// One turn, shown as it happens.
pub(crate) struct Turn<'a> {
    app: &'a App,
    session: Option<Session>,
    printed: Printed,
    denied: Vec<CallId>,
    asked: BTreeSet<CallId>,
    hint: Hint,
}

/// Whether the person is told how to go on.
#[derive(PartialEq, Eq)]
enum Hint {
    GoOn,
    None,
}

/// What standard output holds.
#[derive(Default)]
struct Printed {
    text: usize,
    ends_with_line: bool,
    any: bool,
}

/// `ask --output-format json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    run_id: String,
    session_id: String,
    state: RunState,
    message: Option<duyetbot_wire::Message>,
    usage: duyetbot_wire::Usage,
    denied: Vec<CallId>,
}

impl<'a> Turn<'a> {
    /// A turn in this session, or in a new one.
    pub(crate) fn new(app: &'a App, session: Option<Session>) -> Self {
        Turn {
            app,
            session,
            printed: Printed::default(),
            denied: Vec::new(),
            asked: BTreeSet::new(),
            hint: Hint::GoOn,
        }
    }

    /// A turn of a chat, where what comes next is plain to see.
    pub(crate) fn talking(app: &'a App) -> Self {
        Turn { hint: Hint::None, ..Turn::new(app, None) }
    }

    /// Starts the turn and shows it to its end.
    pub(crate) async fn run(mut self, chat: Chat, stop: &mut Stop) -> Result<Exit> {
        stop.renew();
        let scope = self.app.bot.scope().clone();
        // Finding a model may ask the network. It is done first, because a start that commits must not be cut.
        tokio::select! {
            found = self.app.bot.agent().parts().models.model(chat.model.as_deref()) => drop(found?),
            () = stop.asked() => return Err(stopped()),
        }
        let run = self.app.bot.agent().start(&scope, chat).await?;
        let mut events = self.app.bot.agent().watch(&scope, run, 0).await?;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = stop.asked() => {
                    self.app.bot.agent().stop(&scope, run).await?;
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
                    self.app.bot.agent().stop(&scope, run).await?;
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
            Event::Begin { .. } => self.begin()?,
            Event::Content { offset, text } => self.content(*offset, text)?,
            Event::Tool { tool, .. } if self.text() => self.app.output.notice(&format!("calls {tool}")),
            Event::ToolResult { call, status: ToolStatus::Denied, tool, .. } => {
                self.denied.push(call.clone());
                self.app.output.notice(&format!("{tool} was refused: nobody is there to allow it"));
            }
            Event::Approval { call, tool, input, .. } if self.asked.insert(call.clone()) => {
                self.app.output.notice(&format!("{tool} waits for a decision: {input}"));
            }
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

    fn text(&self) -> bool {
        self.app.output.format == Format::Text
    }

    /// A message begins: one after another, or again after a takeover. What was printed cannot be taken back.
    fn begin(&mut self) -> std::result::Result<(), Broken> {
        self.end_line()?;
        self.printed.text = 0;
        Ok(())
    }

    fn content(&mut self, offset: usize, text: &str) -> std::result::Result<(), Broken> {
        if !self.text() {
            return Ok(());
        }
        let known = self.printed.text.saturating_sub(offset);
        let fresh: String = text.chars().skip(known).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.app.output.write(&self.app.output.clean(&fresh))?;
        self.printed.text = offset + text.chars().count();
        self.printed.ends_with_line = fresh.ends_with('\n');
        self.printed.any = true;
        Ok(())
    }

    fn end_line(&mut self) -> std::result::Result<(), Broken> {
        if self.text() && self.printed.any && !self.printed.ends_with_line {
            self.app.output.write("\n")?;
            self.printed.ends_with_line = true;
        }
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
            stored = Some(hydrate(&**store, self.app.bot.scope(), found).await.map_err(failed)?);
        }
        if stored.as_ref().is_some_and(|m| m.cut) && state == RunState::Done {
            self.app.output.notice("the answer was cut at the model's limit; say \"go on\" for the rest");
        }
        if self.app.output.is_json() {
            let answer = Answer {
                run_id: run.to_string(),
                session_id: run.session.to_string(),
                state,
                message: stored.map(duyetbot_wire::Message::from),
                usage: duyetbot_wire::Usage::from(*usage),
                denied: self.denied.clone(),
            };
            let line = serde_json::to_string(&answer).map_err(|e| Broken::Failed(e.into()))?;
            self.app.output.write(&format!("{line}\n"))?;
        } else if self.session.is_none() && self.text() && self.hint == Hint::GoOn {
            self.app.output.notice(&format!("session {}; go on with: duyetbot ask -c \"…\"", run.session));
        }
        Ok(match state {
            RunState::Cancelled => Exit::Stopped,
            _ if !self.denied.is_empty() => Exit::Refused,
            _ => Exit::Done,
        })
    }
}
