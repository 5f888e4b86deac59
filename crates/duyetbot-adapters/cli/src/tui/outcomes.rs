//! What the interface does with commands, and with what came of them.
use crossterm::event::Event as Input;
use duyetbot_core::{Message, ModelInfo, Part, Result, Role, Session};
use futures::Stream;
use std::io::{self, Write};

use super::{
    commands::{COMMANDS, Command},
    driver::Driver,
    jobs::{self, Job, Last, OnStop, Outcome},
    menu::{Entry, Menu},
    state::Over,
    tools::Call,
};
use crate::{chat::ELSEWHERE, exit::Exit};

const KEYS: &str = "Enter sends; Alt-Enter, Ctrl-J or a \\ before Enter begins a line
Esc or Ctrl-C stops; Ctrl-C twice or Ctrl-D leaves
Ctrl-O opens a call; Ctrl-T shows reasoning; @ names a file; the path of a picture attaches it";

impl<'a, W: Write, K: Stream<Item = io::Result<Input>> + Unpin> Driver<'a, W, K> {
    pub(super) async fn command(&mut self, command: Command) -> Option<Exit> {
        match command {
            Command::Quit => return self.leave(Exit::Done).await,
            Command::Help => {
                let lines: Vec<String> =
                    COMMANDS.iter().map(|(name, about)| format!("{name:<10} {about}")).collect();
                self.state.note(&format!("{}\n{KEYS}", lines.join("\n")));
            }
            Command::New => {
                self.branch = None;
                self.state.status.context = 0;
                self.state.note("a session begins with the next message");
            }
            Command::Model(Some(name)) => self.work(jobs::model(self.app, name)),
            Command::Model(None) => self.work(jobs::models(self.app)),
            Command::Sessions => self.work(jobs::sessions(self.app)),
            Command::Fork | Command::Compact | Command::Export(_) => self.of_session(command),
        }
        None
    }

    /// Commands that need a session.
    fn of_session(&mut self, command: Command) {
        let Some(branch) = self.branch.clone() else {
            self.state.note("nothing was said in this session yet");
            return;
        };
        match command {
            Command::Fork => {
                self.work(jobs::fork(self.app, branch));
                // Half a copy would stay.
                self.finishes();
            }
            Command::Export(name) => self.work(jobs::export(self.app, branch, name)),
            _ => self.work(jobs::compact(self.app, branch, self.model.clone())),
        }
    }

    fn finishes(&mut self) {
        if let Some(job) = &mut self.job {
            job.on_stop = OnStop::Finishes;
        }
    }

    pub(super) async fn outcome(&mut self, outcome: Result<Outcome>) {
        match outcome {
            Err(error) => self.failed(&error),
            Ok(Outcome::Prepared { branch, chat, model, told }) => {
                self.said();
                told.iter().for_each(|told| self.state.note(told));
                self.branch = Some(branch);
                self.knows(chat.model.clone(), model);
                self.start(chat);
            }
            Ok(Outcome::Busy(chat)) => {
                if self.told_elsewhere != Some(chat.message) {
                    self.told_elsewhere = Some(chat.message);
                    self.state.note(ELSEWHERE);
                }
                self.job = Some(Job { work: Box::pin(jobs::wait(chat)), on_stop: OnStop::Drops });
            }
            Ok(Outcome::Free(chat)) => self.start(chat),
            Ok(Outcome::Started { run, events }) => self.started(run, events).await,
            Ok(Outcome::Ended { branch, told, last }) => self.turn_ended(branch, told, last),
            Ok(Outcome::Sessions(sessions)) => self.list(sessions),
            Ok(Outcome::Unfinished { branch, run }) => {
                self.state.note("the last turn here is not over; what you said goes out after it");
                if let Some(text) = self.state.sending.take() {
                    self.state.queue.push_front(text);
                }
                self.attach(branch, run);
            }
            Ok(Outcome::Attached { branch, run, events }) => {
                self.branch = Some(branch);
                self.started(run, events).await;
            }
            Ok(Outcome::Opened { session, messages, unfinished }) => {
                self.show(&session, messages);
                match (self.branch.clone(), unfinished) {
                    (Some(branch), Some(run)) => self.attach(branch, run),
                    _ => self.idle(),
                }
            }
            Ok(Outcome::Models(names)) => self.list_models(names),
            Ok(Outcome::Model(name, model)) => {
                self.state.note(&format!("{name} answers from now on"));
                self.knows(Some(name.clone()), model);
                self.model = Some(name);
                self.idle();
            }
            Ok(Outcome::Compacted { branch, compacted, told }) => {
                told.iter().for_each(|told| self.state.note(told));
                self.branch = Some(branch);
                self.state.status.spends(compacted.usage);
                self.state.status.context = 0;
                let told = format!(
                    "{} messages are summed up for the model; all of them are kept",
                    compacted.covers
                );
                self.state.note(&told);
                self.idle();
            }
            Ok(Outcome::Told(told)) => {
                self.state.note(&told);
                self.idle();
            }
        }
    }

    /// What is known of the model that answers, for the line below.
    fn knows(&mut self, named: Option<String>, model: Option<ModelInfo>) {
        let language = model.as_ref().filter(|model| !model.memory_only);
        self.state.status.window = language.map(|model| u64::from(model.window));
        self.state.status.model = model.map(|model| model.id).or(named);
    }

    fn turn_ended(&mut self, branch: crate::branch::Branch, told: Option<String>, last: Option<Last>) {
        self.branch = Some(branch);
        if let Some(told) = told {
            self.state.note(&told);
        }
        if let Some(last) = last {
            if let Some(usage) = last.usage {
                self.state.status.context = usage.tokens();
            }
            if last.is_cut && !self.is_stopped() {
                self.state.note("the answer was cut at the model's limit; say \"go on\" for the rest");
            }
        }
        self.idle();
    }

    fn list(&mut self, sessions: Vec<Session>) {
        let here = self.app.environment.place();
        let entry = |session: Session| {
            let elsewhere = session.place.filter(|place| *place != here).map(|place| format!(" · {place}"));
            let about = format!("{} · {} messages", session.updated.date(), session.messages);
            Entry {
                value: session.id,
                name: super::text::clean(&session.title).replace('\n', " "),
                about: format!("{about}{}", super::text::clean(&elsewhere.unwrap_or_default())),
            }
        };
        match Menu::new(sessions.into_iter().map(entry).collect()) {
            Some(menu) => self.state.over = Over::Sessions(menu),
            None => self.state.note("there is no session yet"),
        }
        self.idle();
    }

    fn list_models(&mut self, names: Vec<String>) {
        let now = self.state.status.model.as_ref().or(self.model.as_ref());
        let entry = |name: String| Entry {
            about: if Some(&name) == now { "answers now".to_owned() } else { String::new() },
            name: super::text::clean(&name).replace('\n', " "),
            value: name,
        };
        match Menu::new(names.into_iter().map(entry).collect()) {
            Some(menu) => self.state.over = Over::Models(menu),
            None => self.state.note("no model lists itself here; name one with /model PROVIDER/NAME"),
        }
        self.idle();
    }

    /// Goes on with a session, and shows what was said last in it.
    fn show(&mut self, session: &Session, messages: Vec<Message>) {
        self.goes_on(session);
        self.state.status.context = 0;
        self.state.note(&format!("{} ({})", session.title, session.id));
        for message in messages {
            self.show_message(message);
        }
    }

    fn show_message(&mut self, message: Message) {
        let columns = self.state.columns;
        if let Some(usage) = message.usage {
            self.state.status.context = usage.tokens();
        }
        for part in message.parts {
            let lines = match (message.role, part) {
                (Role::User, Part::Text { text, .. }) => self.state.turn.person(&text, columns),
                (_, Part::Text { text, .. }) => self.state.turn.stored_answer(&text, columns),
                (_, Part::Tool(used)) => {
                    let mut call = Call::new(used.call, &used.tool, &used.input);
                    call.ends(used.result.status, &used.result.output);
                    self.state.turn.stored_call(call, columns)
                }
                (_, Part::Summary { .. }) => {
                    self.state.note("what was said before is summed up");
                    continue;
                }
                (_, Part::Image { name, media_type, .. } | Part::File { name, media_type, .. }) => {
                    self.state.note(&format!("with {} ({media_type})", name.as_deref().unwrap_or("a file")));
                    continue;
                }
                (_, Part::Reasoning { .. } | Part::Unknown(_)) => continue,
            };
            self.state.out.extend(lines);
        }
    }
}
