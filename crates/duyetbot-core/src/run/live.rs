//! Watching, as a pure difference between what a watcher has and what a run is. Nothing is kept per watcher but a cursor.
use super::{
    checkpoint::{CallState, Checkpoint, DraftCall, Salvage},
    said::{interrupted, said},
};
use crate::{
    agent::{Event, Watched},
    error::{Code, Error, ErrorKind},
    id::{CallId, MessageId, RunId},
    message::{Message, Part, ToolResult, Usage, text_of},
    model::Passage,
    run_row::{DraftChunk, RunRow, RunState},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a run looks like now: in its holder's memory, or as another process reads it from the run's row.
#[derive(Clone, Debug)]
pub struct View {
    /// The holder's epoch: text of two epochs never joins.
    pub epoch: u64,
    /// Told messages of the run.
    pub step: u32,
    /// Where the run stands.
    pub state: RunState,
    /// The words of the open step.
    pub text: String,
    /// The reasoning of the open step.
    pub reasoning: String,
    /// The calls of the open step.
    pub calls: Vec<DraftCall>,
    /// Raised whenever the open step begins anew within an epoch.
    pub attempt: u32,
    /// What the committed steps have cost.
    pub spent: Usage,
    /// The run's last message.
    pub last: Option<MessageId>,
    /// Why it failed.
    pub error: Option<Error>,
    /// Why this process cannot say how it goes on: that is no ending of the run.
    pub lost: Option<Error>,
    /// What recall found, where this process asked it.
    pub recalled: Option<Arc<Vec<Passage>>>,
    /// The last step, where this process committed it: whoever watches here need not read it.
    pub committed: Option<Arc<Told>>,
}

/// A message of a run as watchers are told of it, with all of its text.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its id.
    pub id: MessageId,
    /// What it holds.
    pub parts: Vec<Part>,
}

impl From<Message> for Told {
    fn from(message: Message) -> Self {
        Told { id: message.id, parts: message.parts }
    }
}

impl View {
    /// What a checkpoint shows.
    pub fn of(checkpoint: &Checkpoint, epoch: u64, state: RunState) -> Self {
        View {
            epoch,
            step: checkpoint.step,
            state,
            text: checkpoint.draft.text(),
            reasoning: checkpoint.draft.reasoning(),
            calls: checkpoint.draft.calls().cloned().collect(),
            attempt: checkpoint.empty,
            spent: checkpoint.spent,
            last: checkpoint.last,
            error: None,
            lost: None,
            recalled: None,
            committed: None,
        }
    }

    /// What a run's row shows to another process: its checkpoint, and the text that was flushed since.
    pub fn of_row(row: &RunRow) -> Self {
        let mut view = match Checkpoint::read(&row.checkpoint) {
            Ok(mut checkpoint) => {
                if checkpoint.draft.parts.is_empty() && !row.state.ended() {
                    checkpoint.draft = said(&row.draft);
                }
                View::of(&checkpoint, row.epoch, row.state)
            }
            Err(_) => {
                let salvage = Salvage::read(&row.checkpoint);
                View {
                    epoch: row.epoch,
                    step: salvage.step,
                    state: row.state,
                    text: String::new(),
                    reasoning: String::new(),
                    calls: Vec::new(),
                    attempt: 0,
                    spent: Usage::default(),
                    last: salvage.parent.filter(|_| salvage.step > 0),
                    error: None,
                    lost: None,
                    recalled: None,
                    committed: None,
                }
            }
        };
        view.error = row.error.as_deref().map(StoredError::read);
        view
    }

    /// More words of the open step.
    pub(super) fn hear(&mut self, chunk: &DraftChunk) {
        match chunk {
            DraftChunk::Text(words) => self.text.push_str(words),
            DraftChunk::Reasoning(words) => self.reasoning.push_str(words),
        }
    }
}

/// An error as a run's row keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredError {
    kind: String,
    #[serde(default)]
    code: Option<String>,
    message: String,
}

impl StoredError {
    pub(super) fn write(error: &Error) -> String {
        let stored = StoredError {
            kind: format!("{:?}", error.kind()),
            code: error.code().map(|c| c.as_str().to_owned()),
            message: error.message().to_owned(),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }
    fn read(stored: &str) -> Error {
        const KINDS: [ErrorKind; 10] = [
            ErrorKind::NotFound,
            ErrorKind::Conflict,
            ErrorKind::LimitReached,
            ErrorKind::Invalid,
            ErrorKind::Unauthorized,
            ErrorKind::Forbidden,
            ErrorKind::Unavailable,
            ErrorKind::Cancelled,
            ErrorKind::Unsupported,
            ErrorKind::Internal,
        ];
        let Ok(stored) = serde_json::from_str::<StoredError>(stored) else {
            return Error::new(ErrorKind::Internal, "the run failed");
        };
        let kind = KINDS.into_iter().find(|k| format!("{k:?}") == stored.kind).unwrap_or(ErrorKind::Internal);
        let error = Error::new(kind, stored.message);
        match Code::ALL.iter().find(|c| Some(c.as_str()) == stored.code.as_deref()) {
            Some(code) => error.with_code(*code),
            None => error,
        }
    }
}

/// How far a call was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Call,
    Approval,
    Result,
}

/// What a watcher has: whole steps, and what it was sent of the open one on this connection.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    step: u32,
    begun: bool,
    open: Option<(u64, u32)>,
    text: (usize, usize),
    reasoning: (usize, usize),
    calls: Vec<(CallId, Shown)>,
    recalled: bool,
    queued: bool,
    done: bool,
}

impl Cursor {
    /// A watcher that has so many steps.
    pub fn after(step: u32) -> Self {
        Cursor { step, ..Cursor::default() }
    }
    /// Nothing more will come.
    pub fn done(&self) -> bool {
        self.done
    }
    /// Ends the watch with an error that is not the run's: it stands at no position.
    pub(super) fn fail(&mut self, error: Error) -> Vec<Watched> {
        self.done = true;
        vec![(None, Event::Error { state: RunState::Interrupted, error })]
    }
    /// The committed steps that it still lacks: the caller reads them before it asks for the difference.
    pub fn lacks(&self, view: &View) -> std::ops::Range<u32> {
        self.step..view.step
    }
}

/// The events that bring a watcher from its cursor to the view. `steps` are the messages of [`Cursor::lacks`].
pub fn diff(run: RunId, cursor: &mut Cursor, view: &View, steps: &[Arc<Told>]) -> Vec<Watched> {
    let mut out = Vec::new();
    if cursor.done {
        return out;
    }
    if !cursor.begun {
        cursor.begun = true;
        out.push((None, Event::Run { run }));
    }
    if let (Some(found), false) = (&view.recalled, cursor.recalled) {
        cursor.recalled = true;
        out.push((None, Event::Recall(found.to_vec())));
    }
    for message in steps {
        committed(cursor, view, message, &mut out);
    }
    if cursor.step < view.step {
        return out; // The view moved on while the steps were read.
    }
    if let Some(error) = &view.lost {
        out.extend(cursor.fail(error.clone()));
        return out;
    }
    match view.state {
        RunState::Done | RunState::Cancelled => {
            cursor.done = true;
            let done = Event::Done { state: view.state, usage: view.spent, message: view.last };
            out.push((Some(view.step), done));
        }
        RunState::Failed | RunState::Interrupted => {
            cursor.done = true;
            let error = view.error.clone().unwrap_or_else(interrupted);
            out.push((Some(view.step), Event::Error { state: view.state, error }));
        }
        RunState::Queued if !cursor.queued => {
            cursor.queued = true;
            out.push((None, Event::Queued));
        }
        RunState::Queued => {}
        RunState::Running | RunState::Waiting => {
            cursor.queued = false;
            if !(view.text.is_empty() && view.reasoning.is_empty() && view.calls.is_empty()) {
                let open = Open { text: &view.text, reasoning: &view.reasoning };
                begin(cursor, view, || run.step(view.step), &mut out);
                words(cursor, &open, &mut out);
                let (asking, others): (Vec<_>, Vec<_>) =
                    view.calls.iter().partition(|call| matches!(call.state, CallState::Asked { .. }));
                for call in others {
                    show(cursor, call, &mut out);
                }
                // A call that asks is shown as such once it is durable that it waits: only then can it be decided. All
                // that ask come last, so that whatever follows an approval says that the run went on.
                if view.state == RunState::Waiting {
                    for call in &asking {
                        named(cursor, call, &mut out);
                    }
                    for call in &asking {
                        show(cursor, call, &mut out);
                    }
                }
            } else if cursor.open.is_some_and(|open| open != (view.epoch, view.attempt)) {
                begin(cursor, view, || run.step(view.step), &mut out);
            }
        }
    }
    out
}

struct Open<'a> {
    text: &'a str,
    reasoning: &'a str,
}

fn committed(cursor: &mut Cursor, view: &View, message: &Told, out: &mut Vec<Watched>) {
    let text = text_of(&message.parts);
    let mut reasoning = String::new();
    let mut calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Reasoning { text, .. } => reasoning.push_str(text),
            Part::Tool(used) => calls.push(DraftCall {
                call: used.call.clone(),
                tool: used.tool.clone(),
                input: used.input.clone(),
                extra: None,
                state: CallState::Done { result: used.result.clone() },
            }),
            _ => {}
        }
    }
    if !(text.is_empty() && reasoning.is_empty() && calls.is_empty()) {
        begin(cursor, view, || message.id, out);
        // What was shown of an attempt that another holder replaced does not stand in the stored message.
        words(cursor, &Open { text: &text, reasoning: &reasoning }, out);
        for call in &calls {
            show(cursor, call, out);
        }
    }
    cursor.step += 1;
    cursor.open = None;
    out.push((Some(cursor.step), Event::Message { message: message.id }));
}

/// `message` is asked only where it is told: to make an id costs more than all else here.
fn begin(cursor: &mut Cursor, view: &View, message: impl FnOnce() -> MessageId, out: &mut Vec<Watched>) {
    if cursor.open == Some((view.epoch, view.attempt)) {
        return;
    }
    cursor.open = Some((view.epoch, view.attempt));
    cursor.text = (0, 0);
    cursor.reasoning = (0, 0);
    cursor.calls.clear();
    out.push((None, Event::Begin { message: message() }));
}

/// Bytes of a text that one event carries.
const PIECE: usize = 64 * 1024;

/// Sends what is new of a text, a piece of it. `at` is what was sent, in bytes and in code points.
fn fresh(at: &mut (usize, usize), text: &str) -> Option<(usize, String)> {
    if at.0 > text.len() || !text.is_char_boundary(at.0) {
        *at = (0, 0);
    }
    let end = text.floor_char_boundary(at.0.saturating_add(PIECE));
    let new = &text[at.0..end];
    if new.is_empty() {
        return None;
    }
    let offset = at.1;
    *at = (end, offset + new.chars().count());
    Some((offset, new.to_owned()))
}

fn words(cursor: &mut Cursor, open: &Open<'_>, out: &mut Vec<Watched>) {
    while let Some((offset, text)) = fresh(&mut cursor.reasoning, open.reasoning) {
        out.push((None, Event::Reasoning { offset, text }));
    }
    while let Some((offset, text)) = fresh(&mut cursor.text, open.text) {
        out.push((None, Event::Content { offset, text }));
    }
}

/// Tells of the call itself; answers its place.
fn named(cursor: &mut Cursor, call: &DraftCall, out: &mut Vec<Watched>) -> usize {
    let DraftCall { call: id, tool, input, .. } = call;
    cursor.calls.iter().position(|(shown, _)| shown == id).unwrap_or_else(|| {
        cursor.calls.push((id.clone(), Shown::Call));
        out.push((None, Event::Tool { call: id.clone(), tool: tool.clone(), input: input.clone() }));
        cursor.calls.len() - 1
    })
}

fn show(cursor: &mut Cursor, call: &DraftCall, out: &mut Vec<Watched>) {
    let (id, tool) = (call.call.clone(), call.tool.clone());
    let at = named(cursor, call, out);
    let shown = &mut cursor.calls[at].1;
    match &call.state {
        CallState::Asked { reason } if *shown < Shown::Approval => {
            *shown = Shown::Approval;
            let (input, reason) = (call.input.clone(), reason.clone());
            out.push((None, Event::Approval { call: id, tool, input, reason }));
        }
        CallState::Done { result: ToolResult { status, output } } if *shown < Shown::Result => {
            *shown = Shown::Result;
            out.push((None, Event::ToolResult { call: id, tool, status: *status, output: output.clone() }));
        }
        _ => {}
    }
}
