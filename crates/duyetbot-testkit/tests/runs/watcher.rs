//! A client that watches a run: cuts at the offset, upserts by call, and must end with the stored text.
use duyetbot_core::{
    CallId, Event, MessageId, RunId, ToolStatus, Watched,
    run::{Cursor, View, diff},
};
use std::{collections::BTreeMap, sync::Arc};

pub struct Watcher {
    pub run: RunId,
    pub cursor: Cursor,
    pub steps: u32,
    open: Option<MessageId>,
    pub texts: BTreeMap<MessageId, String>,
    pub results: BTreeMap<(MessageId, CallId), (ToolStatus, String)>,
    pub kept: Vec<MessageId>,
    pub ends: u32,
}

impl Watcher {
    pub fn new(run: RunId) -> Self {
        Watcher {
            run,
            cursor: Cursor::after(0),
            steps: 0,
            open: None,
            texts: BTreeMap::new(),
            results: BTreeMap::new(),
            kept: Vec::new(),
            ends: 0,
        }
    }

    /// The connection drops; what the client holds of whole steps stays.
    pub fn reconnect(&mut self) {
        if self.ends == 0 {
            self.cursor = Cursor::after(self.steps);
        }
    }

    pub fn look(&mut self, view: &View, message: impl Fn(MessageId) -> duyetbot_core::Message) {
        let lacks: Vec<_> =
            self.cursor.lacks(view).map(|n| Arc::new(message(self.run.step(n)).into())).collect();
        for event in diff(self.run, &mut self.cursor, view, &lacks) {
            self.take(event);
        }
    }

    fn take(&mut self, (id, event): Watched) {
        match event {
            Event::Begin { message } => {
                self.open = Some(message);
                self.texts.insert(message, String::new());
                self.results.retain(|(m, _), _| *m != message);
            }
            Event::Content { offset, text } => {
                let held = self.texts.get_mut(&self.open.expect("content before a message begins")).unwrap();
                assert!(offset <= held.chars().count(), "a gap in the text");
                *held = held.chars().take(offset).chain(text.chars()).collect();
            }
            Event::ToolResult { call, status, output, .. } => {
                self.results.insert((self.open.unwrap(), call), (status, output));
            }
            Event::Message { message } => self.kept.push(message),
            Event::Done { .. } | Event::Error { .. } => {
                self.ends += 1;
                self.texts.retain(|m, _| self.kept.contains(m));
                self.results.retain(|(m, _), _| self.kept.contains(m));
            }
            _ => {}
        }
        if let Some(steps) = id {
            self.steps = steps;
        }
    }
}
