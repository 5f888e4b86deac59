//! The line editor of the plain chat: what was typed before, and what its keys do.
use duyetbot_core::{Error, Result, redact::Redactor};
use rustix::process::{Signal, kill_current_process_group};
use rustyline::{
    Cmd, ConditionalEventHandler, DefaultEditor, Event, EventContext, EventHandler, ExternalPrinter, KeyCode,
    KeyEvent, Modifiers, RepeatCount, error::ReadlineError,
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::home::Home;

/// What came of a line.
pub(crate) enum Line {
    /// It was sent.
    Said(String),
    /// Ctrl-C took it away.
    Cleared,
    /// Ctrl-C on an empty line.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// The line editor with what was typed before.
pub(crate) struct Editor {
    lines: DefaultEditor,
    history: PathBuf,
    redactor: Arc<Redactor>,
    had_text: Arc<AtomicBool>,
}

/// Ctrl-C remembers whether there was text.
struct Interrupt(Arc<AtomicBool>);

impl ConditionalEventHandler for Interrupt {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        self.0.store(!context.line().is_empty(), Ordering::Relaxed);
        None
    }
}

/// Ctrl-Z stops the whole job, as it does outside of the editor.
struct Suspend;

impl ConditionalEventHandler for Suspend {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        // Where it cannot be stopped it goes on.
        let _ = kill_current_process_group(Signal::TSTP);
        Some(Cmd::Noop)
    }
}

/// Draws the line that is being typed once more.
pub(crate) struct Redraw(Option<Box<dyn ExternalPrinter + Send>>);

impl Redraw {
    /// Now, where a line is being typed.
    pub(crate) fn now(&mut self) {
        if let Some(printer) = &mut self.0 {
            // Where the terminal is gone there is nothing to draw on.
            let _ = printer.print(String::new());
        }
    }
}

impl Editor {
    /// An editor with the history that lies in this home. A line with a secret does not come into it.
    pub(crate) fn new(home: &Home, redactor: Arc<Redactor>) -> Result<Self> {
        let mut lines = DefaultEditor::new().map_err(Error::internal)?;
        let history = home.history();
        if history.exists() {
            // What was typed before is a comfort; the chat works without it.
            let _ = lines.load_history(&history);
        }
        let had_text = Arc::new(AtomicBool::new(false));
        lines.bind_sequence(KeyEvent::ctrl('C'), conditional(Interrupt(had_text.clone())));
        lines.bind_sequence(KeyEvent::ctrl('Z'), conditional(Suspend));
        // There is nothing to complete, so a tab is text.
        lines.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::Insert(1, "\t".to_owned()));
        Ok(Editor { lines, history, redactor, had_text })
    }

    /// What draws the line once more from outside. A terminal that cannot move its cursor has no such thing.
    pub(crate) fn redraw(&mut self) -> Redraw {
        let printer = self.lines.create_external_printer();
        Redraw(printer.ok().map(|printer| Box::new(printer) as Box<dyn ExternalPrinter + Send>))
    }

    /// Reads a line on a thread of its own, because the editor blocks.
    pub(crate) async fn read(mut self) -> Result<(Self, Line)> {
        tokio::task::spawn_blocking(move || {
            let line = match self.lines.readline("> ") {
                Ok(line) => {
                    let kept = !line.trim().is_empty() && !self.redactor.alters(&line);
                    if kept && self.lines.add_history_entry(&line).unwrap_or(false) {
                        // As above.
                        let _ = self.lines.append_history(&self.history);
                    }
                    Line::Said(line)
                }
                Err(ReadlineError::Interrupted) if self.had_text.swap(false, Ordering::Relaxed) => {
                    Line::Cleared
                }
                Err(ReadlineError::Interrupted) => Line::Interrupted,
                Err(ReadlineError::Eof) => Line::End,
                Err(error) => return Err(Error::internal(error)),
            };
            Ok((self, line))
        })
        .await
        .map_err(Error::internal)?
    }
}

fn conditional(handler: impl ConditionalEventHandler + 'static) -> EventHandler {
    EventHandler::Conditional(Box::new(handler))
}
