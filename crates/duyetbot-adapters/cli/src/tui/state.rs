//! All that the interface knows, apart from terminal and agent.
use duyetbot_core::SessionId;
use ratatui_core::text::Line;
use std::{collections::VecDeque, sync::Arc};

use super::{
    answers::Held,
    complete::{self, Asked as Completing},
    draft::Draft,
    history::History,
    menu::{Entry, Menu},
    status::Status,
    turn::Turn,
};
use crate::approval::about;

/// Messages that wait for the end of a turn, at most.
const QUEUED: usize = 50;

/// What the agent does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// A turn is about to begin.
    Starting,
    Running,
    /// It was asked to stop.
    Stopping,
    /// A command works.
    Working,
}

/// What lies over the input, where something does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Over {
    #[default]
    Nothing,
    /// Offers for the word that is typed.
    Offers(Completing, Menu<String>),
    Sessions(Menu<SessionId>),
    Models(Menu<String>),
    /// Calls to open, by their place.
    Calls(Menu<usize>),
}

/// Whether the keys that decide a call are taken for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The question is so new that a key may belong to what was being typed.
    #[default]
    Safe,
    Armed,
}

/// The files of the workspace, for completion.
#[derive(Clone, Debug, Default)]
pub(crate) enum Files {
    #[default]
    Unread,
    Reading,
    Read(Arc<Vec<String>>),
}

/// The state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) phase: Phase,
    pub(crate) turn: Turn,
    pub(crate) draft: Draft,
    pub(crate) history: History,
    pub(crate) queue: VecDeque<String>,
    /// What is being sent, until it is known to be the next turn.
    pub(crate) sending: Option<String>,
    pub(crate) over: Over,
    pub(crate) files: Files,
    pub(crate) trigger: Trigger,
    /// Letters that may be answers.
    pub(crate) held: Held,
    pub(crate) status: Status,
    /// Ctrl-C was pressed on nothing: once more leaves.
    pub(crate) is_leaving: bool,
    /// Finished lines that are not printed yet.
    pub(crate) out: Vec<Line<'static>>,
}

impl State {
    /// Lines of our own.
    pub(crate) fn note(&mut self, text: &str) {
        let columns = self.columns;
        self.turn.note(text, columns, &mut self.out);
    }

    /// What went wrong.
    pub(crate) fn failure(&mut self, text: &str) {
        let columns = self.columns;
        self.turn.failure(text, columns, &mut self.out);
    }

    /// The finished lines: a call stands directly above its question, whatever was printed before.
    pub(crate) fn printed(&mut self) -> Vec<Line<'static>> {
        let asked = self.turn.question(self.columns);
        self.out.extend(asked);
        std::mem::take(&mut self.out)
    }

    /// Keeps a message for later; `false` where there is no room.
    pub(crate) fn queue(&mut self, text: String) -> bool {
        if self.queue.len() >= QUEUED {
            self.note("too many messages wait already; stop the turn or let it end first");
            return false;
        }
        self.queue.push_back(text);
        true
    }

    /// Puts what waits back into the draft.
    pub(crate) fn take_back(&mut self) {
        if self.queue.is_empty() {
            return;
        }
        let mut texts: Vec<String> = self.queue.drain(..).collect();
        if !self.draft.is_empty() {
            texts.push(self.draft.text().to_owned());
        }
        self.draft = Draft::new(texts.join("\n"));
    }

    /// The draft has changed: what can be completed has too.
    pub(crate) fn draft_changed(&mut self) {
        self.history.leave();
        self.offer();
    }

    /// Offers what the word at the cursor may become.
    pub(crate) fn offer(&mut self) {
        let asked = complete::asked(&self.draft);
        let menu = match &asked {
            Some(Completing::Command(word)) => complete::commands(word),
            Some(Completing::File { word, .. }) => match &self.files {
                Files::Read(all) => complete::files(all, word),
                _ => None,
            },
            None => None,
        };
        self.over = match (asked, menu) {
            (Some(asked), Some(menu)) => Over::Offers(asked, menu),
            _ => Over::Nothing,
        };
    }

    /// The files of the workspace are wanted, and not there.
    pub(crate) fn wants_files(&self) -> bool {
        matches!(self.files, Files::Unread)
            && matches!(complete::asked(&self.draft), Some(Completing::File { .. }))
    }

    /// Takes the chosen offer.
    pub(crate) fn complete(&mut self) {
        let Over::Offers(asked, menu) = std::mem::take(&mut self.over) else { return };
        let value = &menu.chosen().value;
        match asked {
            Completing::Command(_) => self.draft.replace_from(0, &format!("{value} ")),
            Completing::File { at, .. } => self.draft.replace_from(at, &complete::mention(value)),
        }
    }

    /// Lists the calls that can be opened.
    pub(crate) fn list_calls(&mut self) {
        let entry = |(place, call): (usize, &super::tools::Call)| Entry {
            value: place,
            name: call.tool.clone(),
            about: about(&call.input),
        };
        let menu = Menu::new(self.turn.openable().map(entry).collect());
        match menu {
            Some(menu) => self.over = Over::Calls(menu),
            None => self.note("there is no call to open yet"),
        }
    }
}
